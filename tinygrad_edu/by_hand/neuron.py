"""One neuron decides whether to play football in the park.

Two questions are asked: is it sunny, and are my friends there? Each answer (0 or 1) is weighed,
the weighed answers are summed, and the neuron *fires* if the sum is strictly greater than a
threshold. With weights 1 and 3 and threshold 2 the rule is easily read off: 1 alone never exceeds
2 and 3 alone always does, so the answer is "friends" and the sun never matters. The source calls
the threshold a "bias" of 2; in the usual form, Σ wᵢxᵢ + b > 0, the bias is b = **−2**.

The other way round is learning: from a diary of days find weights and a bias. A step has slope 0
wherever it has a slope at all, so it never says which way to go. Hence its smooth sister, the
sigmoid neuron, which says how wrong each weight is:

    z = Σ wᵢxᵢ + b        a = σ(z)        E = mean over the days of ½(a − t)²
    ∂E/∂wᵢ = mean of (a − t) · a(1 − a) · xᵢ        ∂E/∂b = mean of (a − t) · a(1 − a)
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.by_hand._checks import floats, layer_sizes, matching_parameters, positive


def sigmoid(z: ArrayLike) -> NDArray[np.float64]:
    """σ(z) = 1 / (1 + e^−z), for an array of any shape; float64.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    z = np.asarray(z, dtype=np.float64)
    with np.errstate(under="ignore"):  # e^−1000 is 0, and 0 is what we want
        e = np.exp(-np.abs(z))  # of a number ≤ 0, so it never overflows
    return np.asarray(np.where(z >= 0, 1.0, e) / (1.0 + e))


def sigmoid_prime(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """σ′(z) = a(1 − a), from the output a = σ(z); same shape.

    >>> sigmoid_prime(sigmoid([0.0]))
    array([0.25])
    """
    return a * (1.0 - a)


class ThresholdNeuron:
    """Fires (1) if Σ wᵢxᵢ is strictly greater than the threshold, else 0.

    The defaults are the football example: weights sunny 1 and friends 3, threshold 2.

    >>> park = ThresholdNeuron()
    >>> park.fires([[0, 0], [1, 0], [0, 1], [1, 1]])  # (sunny, friends)
    array([0, 0, 1, 1])
    >>> park.bias
    -2.0
    """

    def __init__(self, weights: Sequence[float] = (1.0, 3.0), threshold: float = 2.0) -> None:
        self.weights = floats("weights", weights, ("inputs",))
        self.threshold = float(threshold)

    @property
    def bias(self) -> float:
        """The same threshold written as a bias: Σ wᵢxᵢ > θ is Σ wᵢxᵢ + b > 0 with b = −θ."""
        return -self.threshold

    def fires(self, inputs: ArrayLike) -> NDArray[np.int_]:
        """Return 0 or 1 for each row of inputs (N, inputs); ValueError for another shape."""
        x = floats("inputs", inputs, ("N", self.weights.size))
        return (x @ self.weights > self.threshold).astype(np.int_)


class SigmoidNeuron:
    """The smooth sister: a = σ(Σ wᵢxᵢ + b), which can learn from a diary.

    `rate` is the length of a step down the slope. Parameters: "weights" (inputs,) and "bias" ().

    >>> diary = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> played = [0, 0, 1, 1]
    >>> neuron = SigmoidNeuron(2, rate=5.0)
    >>> for _ in range(100):
    ...     neuron.train_step(diary, played)
    >>> (neuron.output(diary) > 0.5).astype(int)
    array([0, 0, 1, 1])
    """

    def __init__(self, inputs: int, rate: float = 1.0) -> None:
        # All zeros is a fair start for one neuron: only neurons side by side need to be told apart.
        self.weights = np.zeros(layer_sizes((inputs, 1))[0])
        self.bias = 0.0
        self.rate = positive("rate", rate)

    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Return copies of the weights (inputs,) and the bias ()."""
        return {"weights": self.weights.copy(), "bias": np.array(self.bias)}

    def set_parameters(self, given: Mapping[str, ArrayLike]) -> None:
        """Take copies of these parameters; ValueError if a name or a shape does not fit."""
        new = matching_parameters(given, self.parameters())
        self.weights, self.bias = new["weights"], float(new["bias"])

    def output(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return a = σ(x·w + b), shape (N,), for inputs of shape (N, inputs)."""
        return sigmoid(
            floats("inputs", inputs, ("N", self.weights.size)) @ self.weights + self.bias
        )

    def error(self, inputs: ArrayLike, targets: ArrayLike) -> float:
        """Return E, the mean of ½(a − t)², for targets of shape (N,)."""
        a = self.output(inputs)
        return float(np.mean(0.5 * (a - floats("targets", targets, a.shape)) ** 2))

    def gradients(self, inputs: ArrayLike, targets: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Return dE/dw and dE/db under the names of `parameters`; changes nothing."""
        x = floats("inputs", inputs, ("N", self.weights.size))
        a = self.output(x)
        t = floats("targets", targets, a.shape)
        # ∂E/∂z = ∂E/∂a · ∂a/∂z = (a − t)/N · a(1 − a)
        delta = (a - t) / len(a) * sigmoid_prime(a)
        return {
            "weights": delta @ x,  # ∂E/∂wᵢ = Σ ∂E/∂z · xᵢ, since z = … + wᵢxᵢ + …
            "bias": np.array(delta.sum()),  # ∂E/∂b = Σ ∂E/∂z · 1
        }

    def train_step(self, inputs: ArrayLike, targets: ArrayLike) -> None:
        """Take one step down the slope: w ← w − rate · ∂E/∂w, b ← b − rate · ∂E/∂b."""
        gradient = self.gradients(inputs, targets)
        self.weights -= self.rate * gradient["weights"]
        self.bias -= self.rate * float(gradient["bias"])
