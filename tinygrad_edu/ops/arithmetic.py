"""Arithmetic and elementary functions, element by element, with broadcasting.

For floats Python's math module is ten times faster than NumPy, so functions of one number have a line for
each.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.ops.comparison import equal, sign
from tinygrad_edu.ops.operation import composed, op


@op("+", dx=lambda g, z, x, y: g, dy=lambda g, z, x, y: g)
def add(x: Array, y: Array) -> Array:
    """x + y        ∂/∂x = 1,   ∂/∂y = 1

    >>> add(np.ones((2, 1)), np.arange(3.0)).shape
    (2, 3)
    """
    return x + y


@op("−", dx=lambda g, z, x, y: g, dy=lambda g, z, x, y: -g)
def subtract(x: Array, y: Array) -> Array:
    """x − y        ∂/∂x = 1,   ∂/∂y = −1

    >>> subtract(5.0, 3.0)
    2.0
    """
    return x - y


@op("×", dx=lambda g, z, x, y: g * y, dy=lambda g, z, x, y: g * x)
def multiply(x: Array, y: Array) -> Array:
    """x·y        ∂/∂x = y,   ∂/∂y = x

    >>> multiply(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return x * y


@op("÷", dx=lambda g, z, x, y: g / y, dy=lambda g, z, x, y: -g * z / y)
def divide(x: Array, y: Array) -> Array:
    """x/y        ∂/∂x = 1/y,   ∂/∂y = −x/y²

    >>> divide(1.0, 4.0)
    0.25
    """
    return x / y


@op("neg", dx=lambda g, z, x: -g)
def negative(x: Array) -> Array:
    """−x        ∂/∂x = −1

    >>> negative(3.0)
    -3.0
    """
    return -x


# At x = 0 both factors of a derivative can be 0 · ∞. Replacing the number that would become infinite by a
# harmless one, while the other factor is 0, gives the right 0, in every order of differentiation.
@op(
    "^",
    dx=lambda g, z, x, y: g * y * power(x, where(equal(y, 0.0), 1.0, y - 1.0)),
    dy=lambda g, z, x, y: g * z * log(where(equal(x, 0.0) & (y >= 0.0), 1.0, x)),
)
def power(x: Array, y: Array) -> Array:
    """xʸ        ∂/∂x = y·xʸ⁻¹,   ∂/∂y = xʸ·ln x

    0⁰ = 1 with gradient 0. A negative x with a fractional y gives NaN, never a complex number.

    >>> power(2.0, 3.0), power(4.0, -0.5)
    (8.0, 0.5)
    """
    z = x**y
    return np.float64(x) ** y if type(z) is complex else z


@op("abs", dx=lambda g, z, x: g * sign(x))
def abs(x: Array) -> Array:
    """|x|        ∂/∂x = sign(x), and 0 at 0

    >>> abs(-2.0)
    2.0
    """
    return builtins.abs(x)


@op(
    "max",
    dx=lambda g, z, x, y: g * ((x > y) + 0.5 * equal(x, y)),
    dy=lambda g, z, x, y: g * ((y > x) + 0.5 * equal(x, y)),
)
def maximum(x: Array, y: Array) -> Array:
    """max(x, y)        ∂/∂x = [x > y],   ∂/∂y = [y > x];   ½ each where x = y

    >>> maximum(np.array([-1.0, 2.0]), 0.0)
    array([0., 2.])
    """
    return np.maximum(x, y)


@op(
    "min",
    dx=lambda g, z, x, y: g * ((x < y) + 0.5 * equal(x, y)),
    dy=lambda g, z, x, y: g * ((y < x) + 0.5 * equal(x, y)),
)
def minimum(x: Array, y: Array) -> Array:
    """min(x, y)        ∂/∂x = [x < y],   ∂/∂y = [y < x];   ½ each where x = y

    >>> minimum(np.array([-1.0, 2.0]), 0.0)
    array([-1.,  0.])
    """
    return np.minimum(x, y)


@op("clip", dx=lambda g, z, x, *, low, high: g * ((x > low) & (x < high)))
def clip(x: Array, *, low: Array = -math.inf, high: Array = math.inf) -> Array:
    """min(max(x, low), high)        ∂/∂x = [low < x < high]

    >>> clip(np.array([-5.0, 0.5, 5.0]), low=0.0, high=1.0)
    array([0. , 0.5, 1. ])
    """
    return np.minimum(np.maximum(x, low), high)


def _where_rule(position: int, g: Array, z: Array, condition: Array, x: Array, y: Array) -> Array:
    if position == 0:
        return 0.0  # a condition is a yes or a no; nothing flows into it
    return where(condition, g, 0.0) if position == 1 else where(condition, 0.0, g)


@op("where", each=_where_rule)
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y        ∂/∂x = [condition],   ∂/∂y = [not condition]

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if type(condition) is bool and type(x) is float and type(y) is float:
        return x if condition else y
    return np.where(condition, x, y)


@op("exp", dx=lambda g, z, x: g * z)
def exp(x: Array) -> Array:
    """eˣ        ∂/∂x = eˣ

    >>> exp(0.0)
    1.0
    """
    return math.exp(x) if type(x) is float else np.exp(x)


@op("ln", dx=lambda g, z, x: g / x)
def log(x: Array) -> Array:
    """ln x        ∂/∂x = 1/x

    >>> log(1.0)
    0.0
    """
    return math.log(x) if type(x) is float else np.log(x)


@op("√", dx=lambda g, z, x: 0.5 * g / z)
def sqrt(x: Array) -> Array:
    """√x        ∂/∂x = 1/(2√x)

    >>> sqrt(9.0)
    3.0
    """
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


@op("sin", dx=lambda g, z, x: g * cos(x))
def sin(x: Array) -> Array:
    """sin x        ∂/∂x = cos x

    >>> sin(0.0)
    0.0
    """
    return math.sin(x) if type(x) is float else np.sin(x)


@op("cos", dx=lambda g, z, x: -g * sin(x))
def cos(x: Array) -> Array:
    """cos x        ∂/∂x = −sin x

    >>> cos(0.0)
    1.0
    """
    return math.cos(x) if type(x) is float else np.cos(x)


@op("tanh", dx=lambda g, z, x: g * (1.0 - z * z))
def tanh(x: Array) -> Array:
    """tanh x        ∂/∂x = 1 − tanh² x

    >>> tanh(0.0)
    0.0
    """
    return math.tanh(x) if type(x) is float else np.tanh(x)


@op("σ", dx=lambda g, z, x: g * z * (1.0 - z))
def sigmoid(x: Array) -> Array:
    """σ(x) = 1/(1 + e⁻ˣ)        ∂/∂x = σ(x)·(1 − σ(x))

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


@op("ReLU", dx=lambda g, z, x: g * (x > 0.0))
def relu(x: Array) -> Array:
    """max(x, 0)        ∂/∂x = [x > 0]

    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    if type(x) is float:
        return 0.0 if x <= 0.0 else x  # this way round, NaN stays NaN
    return np.maximum(x, 0.0)


@op("LReLU", dx=lambda g, z, x, *, slope: g * where(x > 0.0, 1.0, slope))
def leaky_relu(x: Array, *, slope: float = 0.01) -> Array:
    """x if x > 0 else slope·x        ∂/∂x = 1 if x > 0 else slope

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    return np.where(np.greater(x, 0.0), x, slope * x)


@op("softplus", dx=lambda g, z, x: g * sigmoid(x))
def softplus(x: Array) -> Array:
    """ln(1 + eˣ), a smooth ReLU        ∂/∂x = σ(x)

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    if type(x) is float:
        return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-builtins.abs(x)))
    with np.errstate(under="ignore"):
        return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@composed
def gelu(x: Array) -> Array:
    """½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), a smooth ReLU

    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016, section 2 (its tanh approximation).

    >>> round(gelu(1.0), 4)
    0.8412
    """
    return 0.5 * x * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
