"""Arithmetic and elementary functions, element by element, with broadcasting.

This is the calculus that everybody learns at school, a block for each function: how to compute it, and the
derivative by each input. For floats Python's math module is ten times as fast as NumPy, so functions of one
number ask first what they were given.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.ops.comparison import between, equal, sign
from tinygrad_edu.ops.operation import Rule, op


@op(
    "+",
    "x + y",
    dx=Rule("1", lambda g, z, x, y: g),
    dy=Rule("1", lambda g, z, x, y: g),
    elementwise=True,
)
def add(x: Array, y: Array) -> Array:
    """The sum.

    >>> add(np.ones((2, 1)), np.arange(3.0)).shape
    (2, 3)
    """
    return x + y


@op(
    "−",
    "x − y",
    dx=Rule("1", lambda g, z, x, y: g),
    dy=Rule("−1", lambda g, z, x, y: -g),
    elementwise=True,
)
def subtract(x: Array, y: Array) -> Array:
    """The difference.

    >>> subtract(5.0, 3.0)
    2.0
    """
    return x - y


@op(
    "×",
    "x·y",
    dx=Rule("y", lambda g, z, x, y: g * y),
    dy=Rule("x", lambda g, z, x, y: g * x),
    elementwise=True,
)
def multiply(x: Array, y: Array) -> Array:
    """The product.

    >>> multiply(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return x * y


@op(
    "÷",
    "x/y",
    dx=Rule("1/y", lambda g, z, x, y: g / y),
    dy=Rule("−x/y²", lambda g, z, x, y: -g * z / y),
    elementwise=True,
)
def divide(x: Array, y: Array) -> Array:
    """The quotient.

    >>> divide(1.0, 4.0)
    0.25
    """
    return x / y


@op("neg", "−x", dx=Rule("−1", lambda g, z, x: -g), elementwise=True)
def negative(x: Array) -> Array:
    """The number with the other sign.

    >>> negative(3.0)
    -3.0
    """
    return -x


# At x = 0 both factors of a derivative can be 0 · ∞. Replacing the base that would become infinite by a
# harmless 1, while the other factor is 0, gives the right 0, in every order of differentiation; the exponent
# stays as it is, since ∂²/∂x∂y at y = 0 is 1/x.
@op(
    "^",
    "xʸ",
    dx=Rule("y·xʸ⁻¹", lambda g, z, x, y: g * y * power(where((x == 0) & (y == 0), 1.0, x), y - 1)),
    dy=Rule("xʸ·ln x", lambda g, z, x, y: g * z * log(where((x == 0) & (y >= 0), 1.0, x))),
    elementwise=True,
)
def power(x: Array, y: Array) -> Array:
    """x raised to the power y.

    0⁰ = 1 with gradient 0. A negative x with a fractional y gives NaN, never a complex number.

    >>> power(2.0, 3.0), power(4.0, -0.5)
    (8.0, 0.5)
    """
    z = x**y
    return np.float64(x) ** y if type(z) is complex else z


@op("abs", "|x|", dx=Rule("sign(x)", lambda g, z, x: g * sign(x)), elementwise=True)
def abs(x: Array) -> Array:
    """The distance from 0; there the derivative is taken to be 0.

    >>> abs(-2.0)
    2.0
    """
    return builtins.abs(x)


@op(
    "max",
    "max(x, y)",
    dx=Rule("[x > y]", lambda g, z, x, y: g * ((x > y) + 0.5 * equal(x, y))),
    dy=Rule("[y > x]", lambda g, z, x, y: g * ((y > x) + 0.5 * equal(x, y))),
    elementwise=True,
)
def maximum(x: Array, y: Array) -> Array:
    """The larger of two numbers; where x = y, each gets ½ of the gradient.

    >>> maximum(np.array([-1.0, 2.0]), 0.0)
    array([0., 2.])
    """
    return np.maximum(x, y)


@op(
    "min",
    "min(x, y)",
    dx=Rule("[x < y]", lambda g, z, x, y: g * ((x < y) + 0.5 * equal(x, y))),
    dy=Rule("[y < x]", lambda g, z, x, y: g * ((y < x) + 0.5 * equal(x, y))),
    elementwise=True,
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller of two numbers; where x = y, each gets ½ of the gradient.

    >>> minimum(np.array([-1.0, 2.0]), 0.0)
    array([-1.,  0.])
    """
    return np.minimum(x, y)


@op(
    "clip",
    "min(max(x, low), high)",
    dx=Rule("[low < x < high]", lambda g, z, x, *, low, high: g * between(x, low, high)),
    elementwise=True,
)
def clip(x: Array, *, low: Array = -math.inf, high: Array = math.inf) -> Array:
    """x, but no smaller than low and no larger than high; None for a bound that there is not.

    >>> clip(np.array([-5.0, 0.5, 5.0]), low=0.0, high=1.0)
    array([0. , 0.5, 1. ])
    """
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@op(
    "where",
    "where(condition, x, y)",
    dcondition=Rule("0", lambda g, z, condition, x, y: 0.0),
    dx=Rule("[condition]", lambda g, z, condition, x, y: where(condition, g, 0.0)),
    dy=Rule("[not condition]", lambda g, z, condition, x, y: where(condition, 0.0, g)),
    elementwise=True,
    method=False,
)
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y; a condition is a yes or a no, and nothing flows into it.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if type(condition) is bool and type(x) is float and type(y) is float:
        return x if condition else y
    return np.where(condition, x, y)


@op("exp", "eˣ", dx=Rule("eˣ", lambda g, z, x: g * z), elementwise=True)
def exp(x: Array) -> Array:
    """The exponential function.

    >>> exp(0.0)
    1.0
    """
    return math.exp(x) if type(x) is float else np.exp(x)


@op("ln", "ln x", dx=Rule("1/x", lambda g, z, x: g / x), elementwise=True)
def log(x: Array) -> Array:
    """The natural logarithm.

    >>> log(1.0)
    0.0
    """
    return math.log(x) if type(x) is float else np.log(x)


@op("√", "√x", dx=Rule("1/(2√x)", lambda g, z, x: 0.5 * g / z), elementwise=True)
def sqrt(x: Array) -> Array:
    """The square root.

    >>> sqrt(9.0)
    3.0
    """
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


@op("sin", "sin x", dx=Rule("cos x", lambda g, z, x: g * cos(x)), elementwise=True)
def sin(x: Array) -> Array:
    """The sine.

    >>> sin(0.0)
    0.0
    """
    return math.sin(x) if type(x) is float else np.sin(x)


@op("cos", "cos x", dx=Rule("−sin x", lambda g, z, x: -g * sin(x)), elementwise=True)
def cos(x: Array) -> Array:
    """The cosine.

    >>> cos(0.0)
    1.0
    """
    return math.cos(x) if type(x) is float else np.cos(x)


@op("tanh", "tanh x", dx=Rule("1 − tanh² x", lambda g, z, x: g * (1.0 - z * z)), elementwise=True)
def tanh(x: Array) -> Array:
    """The hyperbolic tangent, between −1 and 1.

    >>> tanh(0.0)
    0.0
    """
    return math.tanh(x) if type(x) is float else np.tanh(x)
