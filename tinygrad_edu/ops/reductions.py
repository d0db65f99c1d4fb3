"""Reductions: many numbers become one.

A sum hands its gradient to all that went into it, a mean an equal share of it, and a maximum gives it to the
largest alone.
"""

from __future__ import annotations

import builtins
import math
from typing import TypeAlias

import numpy as np

from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops.arithmetic import divide
from tinygrad_edu.ops.arrays import reshape
from tinygrad_edu.ops.comparison import equal
from tinygrad_edu.ops.operation import Rule, composed, op

Axis: TypeAlias = int | tuple[int, ...] | None


def _axes(x: Array, axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction runs over, as numbers from 0."""
    if axis is None or not shape_of(x):
        return tuple(range(len(shape_of(x))))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % len(shape_of(x)) for a in axes)


def _keep(z: Array, x: Array, axis: Axis) -> Array:
    """Give a reduced z, or its gradient, the axes of x back, with length 1, so that it broadcasts to x."""
    axes = _axes(x, axis)
    kept = tuple(1 if a in axes else length for a, length in enumerate(shape_of(x)))
    return z if shape_of(z) in (kept, ()) else reshape(z, shape=kept)


def _count(x: Array, axis: Axis) -> int:
    """Return how many numbers go into one result of a reduction."""
    return math.prod(shape_of(x)[a] for a in _axes(x, axis))


def _tied(g: Array, z: Array, x: Array, *, axis: Axis, keepdims: bool) -> Array:
    """Send the gradient of a maximum or minimum to the entries that attain it, in equal parts."""
    attains = equal(x, _keep(z, x, axis))
    dtype = getattr(
        z, "dtype", float
    )  # counted in the type of the numbers: float32 is twice as fast
    parts = attains / np.sum(attains, axis=axis, keepdims=True, dtype=dtype)
    return _keep(g, x, axis) * parts


@op("Σ", "Σ xᵢ", dx=Rule("1", lambda g, z, x, *, axis, keepdims: _keep(g, x, axis)))
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum over an axis, several, or all.

    >>> sum(np.ones((2, 3)), axis=0)
    array([2., 2., 2.])
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


@op(
    "mean",
    "(1/n) Σ xᵢ",
    dx=Rule("1/n", lambda g, z, x, *, axis, keepdims: _keep(g, x, axis) / _count(x, axis)),
)
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over an axis, several, or all.

    >>> mean(np.array([1.0, 2.0, 6.0]))
    3.0
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


@op("max", "max xᵢ", dx=Rule("1/k if xᵢ is one of the k largest, else 0", _tied))
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest number along an axis, several, or of all.

    Raises ValueError for an empty reduction.

    >>> max(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1)
    array([5., 7.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@op("min", "min xᵢ", dx=Rule("1/k if xᵢ is one of the k smallest, else 0", _tied))
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest number along an axis, several, or of all.

    Raises ValueError for an empty reduction.

    >>> min(np.array([3.0, 1.0, 2.0]))
    1.0
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@composed()
def var(x: Array, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Array:
    """Σ (xᵢ − mean)² / (n − ddof), the variance; as in NumPy infinite, or NaN, where n is no more than ddof

    >>> var(np.array([1.0, 3.0]))
    1.0
    """
    deviation = x - mean(x, axis=axis, keepdims=True)
    freedom = float(builtins.max(_count(x, axis) - ddof, 0))
    return divide(sum(deviation * deviation, axis=axis, keepdims=keepdims), freedom)
