"""Back query: a label goes in, a picture comes out.

A network turns pictures into labels. Run it backwards, and it should show what it looks for. The *logit walk*
does that in the plainest way. It begins with the outputs one would like to see, .99 at the label and .01
elsewhere, undoes every activation (the sigmoid by the logit, ln a/(1 − a)), crosses every weight the other
way, and stretches what arrives into numbers that the layer before could have said:

    o = (.01, …, .99, …)  →  h = rescale(logit(o) @ W₂ᵀ)  →  picture = rescale(logit(h) @ W₁ᵀ)

Large numbers mean "ink wanted", small ones "must stay clear", the middle "indifferent". Wᵀ is not the inverse
of W, which has none, so the picture is a portrait of the weights and no input that gives these outputs.
`portraits.round_trip` shows it: it feeds pictures forward again and tells what the network itself sees in
them. Pictures that the network does recognize are made by `dreaming.gradient_ascent`.

Source: Rashid, Make Your Own Neural Network, 2016, "Inside the mind of a neural network".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.nn import (
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    Reshape,
    Sigmoid,
    Tanh,
    in_part,
)
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops import as_labels
from tinygrad_edu.value import Value, no_grad

Numbers = np.ndarray[Any, Any]

#: What an activation can have said, with a little distance from what it never reaches. Tanh is 2σ(2x) − 1, so
#: its range is the sigmoid's, stretched alike. A leaky ReLU may say anything: nothing to stretch.
RANGES: dict[type[Layer], tuple[float, float]] = {Sigmoid: (0.01, 0.99), Tanh: (-0.98, 0.98)}
PICTURE = (0.01, 0.99)
#: Scores have no range. The logits of .01 and .99 are what a sigmoid in their place would have been given.
SCORES = (-math.log(99.0), math.log(99.0))


def _undo_dense(layer: Any, z: Array) -> Array:
    """Cross the weights the other way, (z − b) @ Wᵀ: each input gets what its neurons ask of it."""
    return (z if layer.bias is None else z - layer.bias) @ layer.weight.T


_UNDO: dict[type[Layer], Callable[[Any, Array], Array]] = {
    Dense: _undo_dense,
    Sigmoid: lambda layer, a: ops.log(a / (1.0 - a)),
    Tanh: lambda layer, a: 0.5 * ops.log((1.0 + a) / (1.0 - a)),
    LeakyReLU: lambda layer, a: ops.leaky_relu(a, slope=1.0 / layer.slope),
}
#: What the walk passes by: nothing is dropped when a network answers, and Dense takes flat pictures.
_PASSED = (Dropout, Flatten, Reshape)
_NO_WAY_BACK = {
    "ReLU": "all negative numbers became 0 there",
    "MaxPool2D": "all but the largest number of each window were dropped there",
    "Softmax": "scores that are all larger by 1 give the same shares; leave it out, as in model[:-1]",
    "Conv2D": "its weights slide over the picture and are no matrix to be crossed the other way",
}


def logit_walk(model: Layer, labels: Any = None, *, targets: Any = None) -> Any:
    """Walk back from wanted outputs to pictures in .01 … .99; large numbers mean "ink wanted".

    `model` is a `Sequential` of Dense with Sigmoid, Tanh or LeakyReLU; Dropout, Flatten and Reshape are
    passed by. `labels` is a class, or classes of any shape, by default each class once. The result has their
    shape and one axis more, the features: (10, 784) for ten labels. Instead of labels, `targets` of shape
    (…, classes) may be the wanted outputs themselves. If those are a Value, so is the result, and its graph
    can be drawn.

    From the last layer to the first, with b = 0 where there is no bias:

        Sigmoid    a → ln(a/(1 − a))        Tanh       a → ½ ln((1 + a)/(1 − a))
        Dense      z → (z − b) @ Wᵀ         LeakyReLU  a → a if a > 0 else a/slope

    What reaches a Sigmoid is first brought to .01 … .99, what reaches a Tanh to −.98 … .98, and the picture
    to .01 … .99: subtract the least, divide by the largest, stretch; each picture for itself. What the last
    layer is asked for is the upper end of its range at the label, and the lower end elsewhere. A network that
    ends in scores, as one does that learns by `softmax_cross_entropy`, is asked for ±ln 99, as if a Sigmoid
    followed. Through a leaky ReLU the walk is exact and not pretty: the slope makes negative signals huge.

    Raises ValueError for a layer that cannot be undone, targets that the last layer never gives, labels that
    there are not, and where all signals are alike; TypeError for labels that are no integers.

    >>> from tinygrad_edu import Sequential
    >>> model = Sequential(Dense(4, 3, rng=0), Sigmoid(), Dense(3, 2, rng=1), Sigmoid())
    >>> logit_walk(model, 1).round(2)
    array([0.35, 0.01, 0.31, 0.99])
    """
    layers = _layers_to_undo(model)
    if targets is None:
        targets = wanted_outputs(model, labels)
    elif labels is not None:
        raise ValueError("expected labels or targets, got both; leave one out")
    if isinstance(targets, Value):
        return _walk(layers, targets)
    with no_grad():
        return _walk(layers, Value(targets)).numpy()


def wanted_outputs(model: Layer, labels: Any = None) -> Numbers:
    """Return the outputs with which the walk to a label begins, (*labels, classes).

    Raises as `logit_walk` does.

    >>> from tinygrad_edu import Sequential
    >>> wanted_outputs(Sequential(Dense(2, 3), Sigmoid()), 1)
    array([0.01, 0.99, 0.01])
    """
    layers = _layers_to_undo(model)
    low, high = RANGES.get(type(layers[-1]), SCORES)
    classes = _outputs(layers)
    return np.where(np.eye(classes, dtype=bool)[check_labels(labels, classes)], high, low)


def _walk(layers: list[Layer], signal: Value) -> Value:
    """Undo layer after layer, the last one first."""
    last, outputs = layers[-1], _outputs(layers)
    if shape_of(signal)[-1:] != (outputs,):
        raise ValueError(f"expected targets of shape (…, {outputs}), got {shape_of(signal)}")
    limit = 1.0 if type(last) in RANGES else math.inf
    least = 0.0 if isinstance(last, Sigmoid) else -limit
    if not (np.all(signal.data > least) and np.all(signal.data < limit)):
        raise ValueError(
            f"expected targets above {least:g} and below {limit:g}, as {last.name or type(last).__name__} "
            f"gives them, got {np.min(signal.data):g} to {np.max(signal.data):g}"
        )
    for layer in reversed(layers):
        name = layer.name or type(layer).__name__.lower()
        if type(layer) in RANGES and layer is not last:
            signal = in_part(f"rescale for {name}", _rescale, signal, *RANGES[type(layer)])
        signal = in_part(f"undo {name}", _UNDO[type(layer)], layer, signal)
    picture: Value = in_part("rescale for the picture", _rescale, signal, *PICTURE)
    return picture


def _rescale(signal: Array, low: float, high: float) -> Array:
    """Subtract the least, divide by the largest, and stretch to low … high, along the last axis."""
    signal = signal - ops.min(signal, axis=-1, keepdims=True)
    largest = ops.max(signal, axis=-1, keepdims=True)
    if not np.all(largest.data > 0):
        raise ValueError("all signals are alike, expected different ones: train the network first")
    return signal / largest * (high - low) + low


def _layers_to_undo(model: Layer) -> list[Layer]:
    """Return the layers that a walk must undo, in order, or say why it cannot."""
    layers = [layer for layer in model.in_order() if not isinstance(layer, _PASSED)]
    for layer in layers:
        _check_way_back(layer)
    if not any(isinstance(layer, Dense) for layer in layers):
        raise ValueError("there is no Dense layer in the model, so no weights to be shown")
    return layers


def _outputs(layers: list[Layer]) -> int:
    """Return how many outputs layers have that keep the shape, all but Dense."""
    return next(layer.n_out for layer in reversed(layers) if isinstance(layer, Dense))


def _check_way_back(layer: Layer) -> None:
    """Raise ValueError, with a reason and a way out, for a layer that the walk cannot undo."""
    kind = type(layer).__name__
    if isinstance(layer, LeakyReLU) and not layer.slope > 0:
        reason = f"with slope {layer.slope:g} different numbers give the same"
    elif type(layer) in _UNDO:
        return
    else:
        reason = _NO_WAY_BACK.get(kind, "the walk knows nothing of its inverse")
    raise ValueError(
        f"{layer.name or kind} ({kind}) cannot be undone: {reason}. The walk takes Dense with Sigmoid, "
        "Tanh or LeakyReLU; dreaming.gradient_ascent(model, label) takes any layers that have derivatives"
    )


def check_labels(labels: Any, classes: int) -> Numbers:
    """Return labels as an array of integers, all of them for None.

    Raises TypeError for labels that are no integers, ValueError if there are none or no such class.

    >>> check_labels(None, 3), check_labels(2, 3)
    (array([0, 1, 2]), array(2))
    """
    array = np.arange(classes) if labels is None else np.asarray(labels)
    return as_labels(array, (*array.shape, classes))
