"""The Keras digit network by hand: ReLU layers, dropout, softmax and cross-entropy.

Three ideas are new after the sigmoid networks, and each has a derivative that fits in a line.

*ReLU*, max(0, z): slope 1 where it is open and 0 where it is shut, so blame passes or it does not
(at exactly 0 we say 0). *Dropout*: in training each hidden output is set to 0 with probability p
and else divided by 1 − p, so that its mean stays; it is a product with a mask, and so is its
derivative. *Softmax* turns the last layer's numbers, the logits z, into probabilities pₖ = e^zₖ /
Σ e^zⱼ, and cross-entropy asks how surprised they are by the label. Together they have the
friendliest slope of all, p − y:

    E = mean over samples of −ln p[label]        ∂E/∂z = (p − y)/N        y = 1 at the label, else 0

The source is 784 → 512 → 512 → 10, dropout .2, float32, batches of 128, 20 epochs of RMSprop. It
says ".9838", the last line of its log; its best epoch is .9845. Reporting the last one is the
honest choice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_edu.by_hand._checks import (
    Rows,
    class_labels,
    floats,
    layer_sizes,
    matching_parameters,
    positive,
)


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """pₖ = e^zₖ / Σ e^zⱼ along the last axis; same shape and dtype.

    >>> softmax(np.array([[1000.0, 0.0], [-1e4, -1e4]]))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    return np.asarray(np.exp(log_softmax(logits)))


def log_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Logarithms of softmax, ln pₖ = zₖ − ln Σ e^zⱼ along the last axis; same shape and dtype.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)  # the same p, and e^… at most 1
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


class SoftmaxMLP:
    """Dense layers with ReLU and dropout between them, softmax cross-entropy, RMSprop.

    Weights have shape (n_in, n_out) and start as Keras has them, uniform within ±√(6/(n_in +
    n_out)); biases (n_out,) start at 0. Parameters: "dense1.weight", "dense1.bias",
    "dense2.weight", … in `dtype`.

    >>> network = SoftmaxMLP([2, 16, 2], dropout=0.0, learning_rate=0.02, rng=0)
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    >>> network.train(x, [0, 1, 1, 0], epochs=100, batch_size=4)
    >>> network.evaluate(x, [0, 1, 1, 0])  # exclusive or
    1.0
    """

    def __init__(
        self,
        sizes: Iterable[int] = (784, 512, 512, 10),
        dropout: float = 0.2,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        rng: int | np.random.Generator = 0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        for name, fraction in (("dropout", dropout), ("rho", rho)):
            if not 0 <= fraction < 1:
                raise ValueError(f"{name} is {fraction}, expected a fraction from 0 to below 1")
        self.sizes = layer_sizes(sizes)
        self.dropout = dropout
        self.learning_rate = positive("learning_rate", learning_rate)
        self.rho = rho
        self.rng = np.random.default_rng(rng)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise ValueError(f"dtype is {self.dtype}, expected a float: np.float32 or np.float64")
        self.values: dict[str, NDArray[np.floating[Any]]] = {}
        for layer, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), 1):
            limit = (6.0 / (n_in + n_out)) ** 0.5
            weight = self.rng.uniform(-limit, limit, size=(n_in, n_out))
            self.values[f"dense{layer}.weight"] = weight.astype(self.dtype)
            self.values[f"dense{layer}.bias"] = np.zeros(n_out, self.dtype)
        self.mean_square = {name: np.zeros_like(value) for name, value in self.values.items()}

    def parameters(self) -> dict[str, NDArray[np.floating[Any]]]:
        """Return copies of the weights and biases by name."""
        return {name: value.copy() for name, value in self.values.items()}

    def set_parameters(self, given: Mapping[str, ArrayLike]) -> None:
        """Take copies of these parameters; ValueError if a name or a shape does not fit."""
        new = matching_parameters(given, self.values)
        self.values = {name: value.astype(self.dtype) for name, value in new.items()}

    def draw_masks(self, samples: int) -> list[NDArray[np.floating[Any]]]:
        """Draw a mask (samples, n) for each hidden layer: 0 with probability p, else 1/(1 − p)."""
        keep = 1.0 - self.dropout
        return [
            (self.rng.random((samples, n)) < keep).astype(self.dtype) / keep
            for n in self.sizes[1:-1]
        ]

    def forward(
        self, inputs: ArrayLike, masks: Sequence[ArrayLike] | None = None
    ) -> NDArray[np.floating[Any]]:
        """Return the logits (N, classes) for inputs (N, features); no masks, no dropout."""
        x = self._inputs(inputs)
        return self._activations(x, self._masks(masks, len(x)))[-1]

    def error(
        self, inputs: ArrayLike, labels: ArrayLike, masks: Sequence[ArrayLike] | None = None
    ) -> float:
        """Return E, the mean of −ln p[label], for integer labels (N,)."""
        log_p = log_softmax(self.forward(inputs, masks))
        y = class_labels(labels, len(log_p), self.sizes[-1])
        return float(-log_p[np.arange(len(y)), y].mean())

    def gradients(
        self, inputs: ArrayLike, labels: ArrayLike, masks: Sequence[ArrayLike] | None = None
    ) -> dict[str, NDArray[np.floating[Any]]]:
        """Return ∂E/∂W and ∂E/∂b under the names of `parameters`; changes nothing."""
        delta = softmax(self.forward(inputs, masks))
        y = class_labels(labels, len(delta), self.sizes[-1])
        delta[np.arange(len(y)), y] -= 1.0  # ∂E/∂z = (p − y)/N
        return self.backward(inputs, delta / len(y), masks)

    def backward(
        self, inputs: ArrayLike, delta: ArrayLike, masks: Sequence[ArrayLike] | None = None
    ) -> dict[str, NDArray[np.floating[Any]]]:
        """Return the gradients of any error, given its ∂E/∂z at the logits, (N, classes)."""
        x = self._inputs(inputs)
        factors = self._masks(masks, len(x))
        a = self._activations(x, factors)
        d = floats("delta", delta, (len(x), self.sizes[-1])).astype(self.dtype)
        slopes = {}
        for layer in reversed(range(1, len(self.sizes))):
            slopes[f"dense{layer}.weight"] = a[layer - 1].T @ d  # z = a·W + b: ∂E/∂W = aᵀ ∂E/∂z
            slopes[f"dense{layer}.bias"] = d.sum(axis=0)  # ∂E/∂b = Σ over samples of ∂E/∂z
            if layer > 1:
                d = d @ self.values[f"dense{layer}.weight"].T  # ∂E/∂a = ∂E/∂z Wᵀ
                # a = max(0, z) · mask: ∂a/∂z = mask where z > 0, else 0 (and a > 0 only if z > 0)
                d = d * factors[layer - 2] * (a[layer - 1] > 0)
        return {name: slopes[name] for name in self.values}

    def train_step(
        self, inputs: ArrayLike, labels: ArrayLike, masks: Sequence[ArrayLike] | None = None
    ) -> None:
        """Learn from one batch by RMSprop, with masks drawn unless given.

        v ← ρ·v + (1 − ρ)·g²  and  w ← w − learning_rate · g/(√v + 1e-7): each weight's step is
        measured against the usual size of its own gradient.
        """
        masks = self.draw_masks(len(self._inputs(inputs))) if masks is None else masks
        for name, g in self.gradients(inputs, labels, masks).items():
            v = self.mean_square[name]
            v *= self.rho
            v += (1.0 - self.rho) * g**2
            self.values[name] -= self.learning_rate * g / (np.sqrt(v) + 1e-7)

    def train(
        self,
        inputs: Rows,
        labels: ArrayLike,
        epochs: int = 20,
        batch_size: int = 128,
    ) -> None:
        """Each epoch takes all samples in a new order, batch by batch."""
        positive("batch_size", batch_size)
        y = class_labels(labels, len(inputs), self.sizes[-1])
        for _ in range(epochs):
            order = self.rng.permutation(len(y))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                self.train_step(inputs[batch], y[batch])

    def evaluate(self, inputs: ArrayLike, labels: ArrayLike) -> float:
        """Return the fraction of samples whose largest logit is at their label."""
        guess = self.forward(inputs).argmax(axis=1)
        return float(np.mean(guess == class_labels(labels, len(guess), self.sizes[-1])))

    def _inputs(self, inputs: ArrayLike) -> NDArray[np.floating[Any]]:
        return floats("inputs", inputs, ("N", self.sizes[0])).astype(self.dtype)

    def _masks(
        self, given: Sequence[ArrayLike] | None, samples: int
    ) -> list[NDArray[np.floating[Any]]]:
        hidden = self.sizes[1:-1]
        if given is None:
            return [np.ones((samples, n), self.dtype) for n in hidden]
        if len(given) != len(hidden):
            raise ValueError(
                f"{len(given)} masks given, expected {len(hidden)}: one a hidden layer"
            )
        return [
            floats("mask", mask, (samples, n)).astype(self.dtype)
            for mask, n in zip(given, hidden, strict=True)
        ]

    def _activations(
        self, x: NDArray[np.floating[Any]], masks: list[NDArray[np.floating[Any]]]
    ) -> list[NDArray[np.floating[Any]]]:
        a = [x]
        for layer in range(1, len(self.sizes)):
            z = a[-1] @ self.values[f"dense{layer}.weight"] + self.values[f"dense{layer}.bias"]
            # every layer but the last: a = max(0, z) · mask; the last layer's z are the logits
            a.append(np.maximum(z, 0) * masks[layer - 1] if layer <= len(masks) else z)
        return a
