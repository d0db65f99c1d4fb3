"""Matrices: the products that nearly all of a network's time goes into.

For z = x @ y the gradient of x is g @ yᵀ and that of y is xᵀ @ g: the only two products whose shapes fit.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops.arrays import reshape, transpose
from tinygrad_edu.ops.operation import Rule, op


def _swap(x: Array) -> Array:
    """Transpose the last two axes."""
    if len(x.shape) == 2:
        return x.T
    axes = tuple(range(len(x.shape)))
    return transpose(x, axes=(*axes[:-2], axes[-1], axes[-2]))


def _as_matrices(g: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Write a product in which x is a row or y is a column (one axis each) as a product of matrices."""
    row, column = len(x.shape) == 1, len(y.shape) == 1
    batch = shape_of(g)[: len(shape_of(g)) - (not row) - (not column)]
    rows = 1 if row else x.shape[-2]
    columns = 1 if column else y.shape[-1]
    x = x.reshape(1, *x.shape) if row else x
    y = y.reshape(*y.shape, 1) if column else y
    return reshape(g, shape=(*batch, rows, columns)), x, y


def _matmul_dx(g: Array, z: Array, x: Array, y: Array) -> Array:
    g, _, y = _as_matrices(g, x, y) if 1 in (len(x.shape), len(y.shape)) else (g, x, y)
    d = g @ _swap(y)
    return d.reshape(*d.shape[:-2], d.shape[-1]) if len(x.shape) == 1 else d


def _matmul_dy(g: Array, z: Array, x: Array, y: Array) -> Array:
    g, x, _ = _as_matrices(g, x, y) if 1 in (len(x.shape), len(y.shape)) else (g, x, y)
    one_row = len(x.shape) == 2 and x.shape[0] == 1
    d = matmul(_swap(x), g) if one_row else _swap(x) @ g
    return d.reshape(d.shape[:-1]) if len(y.shape) == 1 else d


@op(
    "@",
    "x @ y",
    dx=Rule("g @ yᵀ", _matmul_dx, "flow"),
    dy=Rule("xᵀ @ g", _matmul_dy, "flow"),
)
def matmul(x: Array, y: Array) -> Array:
    """The product of two matrices.

    Vectors, matrices and stacks of matrices, as NumPy's `matmul`: (…, n, m) @ (…, m, p) is (…, n, p).

    >>> matmul(np.ones((2, 3)), np.ones(3))
    array([3., 3.])
    """
    if np.ndim(x) == np.ndim(y) == 2 and np.shape(x)[1] == 1:
        return np.dot(x, y)  # of a column and a row: several times as fast
    return np.matmul(x, y)


@op(
    "dense",
    "x @ W + b",
    dx=Rule("g @ Wᵀ", lambda g, z, x, weight, bias: _matmul_dx(g, z, x, weight), "flow"),
    dW=Rule("xᵀ @ g", lambda g, z, x, weight, bias: _matmul_dy(g, z, x, weight), "flow"),
    db=Rule("Σ g over the batch", lambda g, z, x, weight, bias: g, "flow"),
)
def dense(x: Array, weight: Array, bias: Array) -> Array:
    """The weighted sums of a layer.

    One operation instead of two, since it adds the bias in place: x (…, n), W (n, m), b (m,).

    >>> dense(np.ones((2, 3)), np.ones((3, 1)), np.array([0.5])).tolist()
    [[3.5], [3.5]]
    """
    z = np.matmul(x, weight)
    if z.ndim and shape_of(bias) == z.shape[-1:] and bias.dtype == z.dtype:
        z += bias
        return z
    return z + bias
