"""Activations: functions that bend, so that one layer on top of another is worth having.

Sums of weighted sums are weighted sums again. What makes a network more than one layer is the bend between
them, and how steep it is decides how much of a gradient passes: a sigmoid lets through a quarter at most, a
ReLU all or nothing.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.ops.arithmetic import tanh, where
from tinygrad_edu.ops.operation import Rule, composed, op


@op(
    "σ",
    "σ(x)",
    dx=Rule("σ(x)·(1 − σ(x))", lambda g, z, x: g * z * (1.0 - z)),
    elementwise=True,
    meaning="1/(1 + e⁻ˣ)",
)
def sigmoid(x: Array) -> Array:
    """A soft yes or no, between 0 and 1.

    Computed from e^−|x|, which cannot overflow.

    >>> sigmoid(0.0), sigmoid(np.array([-1000.0, 1000.0]))
    (0.5, array([0., 1.]))
    """
    if type(x) is float:
        e = math.exp(-builtins.abs(x))
        return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)
    with np.errstate(under="ignore"):
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1.0, e) / (1.0 + e)


@op("ReLU", "max(x, 0)", dx=Rule("[x > 0]", lambda g, z, x: g * (x > 0.0)), elementwise=True)
def relu(x: Array) -> Array:
    """What is positive passes, nothing else does.

    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    if type(x) is float:
        return 0.0 if x <= 0.0 else x  # this way round, NaN stays NaN
    return np.maximum(x, 0.0)


@op(
    "LReLU",
    "x if x > 0 else slope·x",
    dx=Rule("1 if x > 0 else slope", lambda g, z, x, *, slope: g * where(x > 0.0, 1.0, slope)),
    elementwise=True,
)
def leaky_relu(x: Array, *, slope: float = 0.01) -> Array:
    """What is negative passes too, but hardly.

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    return np.where(np.greater(x, 0.0), x, slope * x)


@op("softplus", "ln(1 + eˣ)", dx=Rule("σ(x)", lambda g, z, x: g * sigmoid(x)), elementwise=True)
def softplus(x: Array) -> Array:
    """A smooth ReLU.

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    if type(x) is float:
        return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-builtins.abs(x)))
    with np.errstate(under="ignore"):
        return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@composed()
def gelu(x: Array) -> Array:
    """½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), a smooth ReLU

    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016, section 2 (its tanh approximation).

    >>> round(gelu(1.0), 4)
    0.8412
    """
    return 0.5 * x * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
