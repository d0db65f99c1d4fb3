"""Comparisons: plain truth values, without a derivative.

A yes or a no does not change a little when its inputs do: there is nothing to differentiate,
so no comparison is recorded in a graph. Rules use them where a derivative depends on which number is larger.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.ops.operation import op


@op("<", "x < y", elementwise=True)
def less(x: Array, y: Array) -> Array:
    """Where x is smaller.

    >>> less(1.0, np.array([0.0, 2.0]))
    array([False,  True])
    """
    return x < y


@op("≤", "x ≤ y", elementwise=True)
def less_equal(x: Array, y: Array) -> Array:
    """Where x is not larger.

    >>> less_equal(2.0, 2.0)
    True
    """
    return x <= y


@op(">", "x > y", elementwise=True)
def greater(x: Array, y: Array) -> Array:
    """Where x is larger.

    >>> greater(2.0, 2.0)
    False
    """
    return x > y


@op("≥", "x ≥ y", elementwise=True)
def greater_equal(x: Array, y: Array) -> Array:
    """Where x is not smaller.

    >>> greater_equal(2.0, 2.0)
    True
    """
    return x >= y


@op("=", "x = y", elementwise=True)
def equal(x: Array, y: Array) -> Array:
    """Where the numbers are equal.

    On Values too this compares numbers, while the operator == between two Values asks whether they are
    the same node.

    >>> equal(np.array([1.0, 2.0]), 2.0)
    array([False,  True])
    """
    return x == y


@op("≠", "x ≠ y", elementwise=True)
def not_equal(x: Array, y: Array) -> Array:
    """Where the numbers differ.

    >>> not_equal(1.0, 2.0)
    True
    """
    return x != y


@op("sign", "sign(x)", elementwise=True)
def sign(x: Array) -> Array:
    """−1, 0 or 1; its derivative would be 0 wherever there is one.

    >>> sign(np.array([-2.0, 0.0, 5.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


def between(x: Array, low: Array, high: Array) -> Array:
    """Return where x is larger than low and smaller than high; None is a bound that there is not.

    >>> between(np.array([0.0, 1.0, 2.0]), 0.0, None)
    array([False,  True,  True])
    """
    return (low is None or x > low) & (high is None or x < high)
