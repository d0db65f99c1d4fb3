"""Initializers: what the weights are before anything has been learned.

Equal weights would receive equal gradients and stay equal for ever, so they must start at random. How
large they start decides whether a signal survives many layers: a neuron that sums n inputs of variance 1
with weights of variance s² answers with variance n·s², so s should shrink like 1/√n. The recipes here
differ in the constant, and in whether they also think of the gradients on their way back.

Each is a function (shape, rng) → array of float64, for weights of shape (n_in, n_out) or more axes, the
last of which counts outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Weights: TypeAlias = np.ndarray[Any, Any]
Initializer: TypeAlias = Callable[[tuple[int, ...], np.random.Generator], Weights]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs a neuron sums, and how many neurons an input feeds.

    The filters of a convolution have shape (height, width, n_in, n_out): each of the neurons that share a
    filter sums height·width·n_in pixels, and each pixel lies under height·width places of n_out filters.
    """
    return max(math.prod(shape[:-1]), 1), math.prod(shape[:-2]) * shape[-1]


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """N(0, 2/n_in), for ReLU: half of the neurons are silent, which the 2 makes up for.

    Source: He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015, equation 10.

    >>> round(float(he_normal((200, 100), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return rng.normal(0.0, math.sqrt(2.0 / _fans(shape)[0]), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """U(−a, a) with a = √(6/n_in): the variance of `he_normal`, without its rare large weights.

    >>> float(np.abs(he_uniform((6, 100), np.random.default_rng(0))).max()) <= 1.0
    True
    """
    limit = math.sqrt(6.0 / _fans(shape)[0])
    return rng.uniform(-limit, limit, shape)


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """N(0, 2/(n_in + n_out)), for tanh: a compromise between the signal's way and the gradient's way.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    2010, equation 12.

    >>> round(float(glorot_normal((100, 100), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return rng.normal(0.0, math.sqrt(2.0 / sum(_fans(shape))), shape)


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """U(−a, a) with a = √(6/(n_in + n_out)), what Keras gives a Dense layer.

    Source: Glorot and Bengio, 2010, equation 16.

    >>> float(np.abs(glorot_uniform((3, 3), np.random.default_rng(0))).max()) <= 1.0
    True
    """
    limit = math.sqrt(6.0 / sum(_fans(shape)))
    return rng.uniform(-limit, limit, shape)


def fan_in_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """N(0, 1/n_in), that is a standard deviation of n_in^−½, for sigmoid and softmax.

    Sources: LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, section 4.6; Rashid, Make Your Own
    Neural Network, 2016.

    >>> round(float(fan_in_normal((100, 200), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return rng.normal(0.0, _fans(shape)[0] ** -0.5, shape)


def standard_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """N(0, 1), whatever the shape: simple, and too large for wide layers.

    Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 1 (chapter 3 explains what is wrong
    with it).

    >>> round(float(standard_normal((100, 200), np.random.default_rng(0)).std()))
    1
    """
    return rng.normal(0.0, 1.0, shape)


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> Weights:
    """0, for biases, which need no randomness where the weights have it.

    >>> zeros((2,), np.random.default_rng(0))
    array([0., 0.])
    """
    return np.zeros(shape)


#: The initializers by name, as layers and model files know them.
INITIALIZERS: dict[str, Initializer] = {
    function.__name__: function
    for function in (
        he_normal,
        he_uniform,
        glorot_normal,
        glorot_uniform,
        fan_in_normal,
        standard_normal,
        zeros,
    )
}


def find_initializer(name: str) -> Initializer:
    """Return the initializer of that name. Raises ValueError, which lists the names, if there is none.

    >>> find_initializer("zeros") is zeros
    True
    """
    if name not in INITIALIZERS:
        raise ValueError(f"unknown initializer {name!r}; the known are {', '.join(INITIALIZERS)}")
    return INITIALIZERS[name]
