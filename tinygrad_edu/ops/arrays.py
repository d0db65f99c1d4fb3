"""Arrays: the same numbers in another arrangement.

What only moves numbers has a derivative that moves the gradient back the way it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops.operation import Rule, composed, op


@op(
    "reshape",
    dx=Rule(
        "the gradient is shaped back",
        lambda g, z, x, *, shape: reshape(g, shape=shape_of(x)),
        "words",
    ),
    method=False,
)
def reshape(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """The same numbers in another shape.

    >>> reshape(np.arange(6.0), shape=(2, -1)).shape
    (2, 3)
    """
    return np.reshape(x, shape)


def _transpose_rule(g: Array, z: Array, x: Array, *, axes: tuple[int, ...] | None) -> Array:
    if axes is None:
        return transpose(g)
    order = np.atleast_1d(axes) % len(x.shape)
    return transpose(g, axes=tuple(np.argsort(order).tolist()))


@op("transpose", dx=Rule("the gradient is ordered back", _transpose_rule, "words"), method=False)
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """The axes in another order, by default reversed.

    >>> transpose(np.ones((2, 3, 4)), axes=(1, 0, 2)).shape
    (3, 2, 4)
    """
    return np.transpose(x, axes)


@op(
    "expand",
    dx=Rule("the gradients of the copies are summed", lambda g, z, x, *, shape: g, "words"),
    elementwise=True,
)
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """x repeated along new or single axes.

    >>> broadcast_to(np.array([1.0, 2.0]), shape=(2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


@op(
    "cast",
    dx=Rule("the gradient is cast back", lambda g, z, x, *, dtype: g, "words"),
    elementwise=True,
)
def astype(x: Array, *, dtype: Any) -> Array:
    """x in another floating-point type.

    Raises TypeError for other types.

    >>> astype(np.ones(2), dtype=np.float32).dtype
    dtype('float32')
    """
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"expected a floating-point type, got {np.dtype(dtype)}, through which no gradient flows; "
            "value.data.astype(…) gives a plain array"
        )
    return np.asarray(x).astype(dtype)


@op(
    "[ ]",
    "x[index]",
    dx=Rule(
        "repeated entries add up their gradients",
        lambda g, z, x, *, index: scatter(g, index=index, shape=shape_of(x)),
        "words",
    ),
)
def getitem(x: Array, *, index: Any) -> Array:
    """What stands at an index: numbers, slices, integer arrays, masks.

    >>> getitem(np.arange(5.0), index=[0, 0, 3])
    array([0., 0., 3.])
    """
    return x[index]


def _is_basic(index: Any) -> bool:
    """Return whether an index is made of numbers and slices only, so that it can hit no entry twice."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = (int, slice, type(None), type(...))
    return all(isinstance(part, kinds) and not isinstance(part, bool) for part in parts)


@op(
    "scatter",
    dx=Rule("g[index]", lambda g, z, x, *, index, shape: getitem(g, index=index), "flow"),
)
def scatter(x: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros with x added at [index], the reverse of indexing.

    >>> scatter(np.array([1.0, 2.0, 5.0]), index=[0, 0, 3], shape=(4,))
    array([3., 0., 0., 5.])
    """
    result = np.zeros(shape, getattr(x, "dtype", float))
    if _is_basic(index):
        result[index] = x
    else:
        np.add.at(result, index, x)
    return result


def _of_all_axes(width: Any, axes: int) -> Any:
    """Return a dict with the widths of some axes, which NumPy takes from 2.2 on, as pairs for all of them."""
    if not isinstance(width, dict):
        return width
    if unknown := set(width) - set(range(-axes, axes)):
        raise ValueError(f"expected axes from {-axes} to {axes - 1} in width, got {unknown}")
    found = [width.get(axis, width.get(axis - axes, 0)) for axis in range(axes)]
    return [pair if isinstance(pair, tuple) else (pair, pair) for pair in found]


def _pad_rule(g: Array, z: Array, x: Array, *, width: Any, value: float) -> Array:
    width = _of_all_axes(width, len(x.shape))
    before = np.broadcast_to(np.asarray(width), (len(x.shape), 2))[:, 0]
    inner = tuple(slice(b, b + n) for b, n in zip(before.tolist(), x.shape, strict=True))
    return getitem(g, index=inner)


@op("pad", dx=Rule("the gradient of the border is dropped", _pad_rule, "words"))
def pad(x: Array, *, width: Any, value: float = 0.0) -> Array:
    """x with a border of a constant.

    `width` is NumPy's `pad_width`: one number, (before, after), such a pair for each axis, or a dict of them
    by axis.

    >>> pad(np.array([1.0, 2.0]), width=1)
    array([0., 1., 2., 0.])
    """
    return np.pad(x, _of_all_axes(width, len(shape_of(x))), constant_values=value)


#: How many arrays are joined in one step.
_GROUP = 32


def _part(position: int, g: Array, z: Array, *xs: Array, axis: int) -> Array:
    """Return that part of a concatenation's gradient which belongs to the input at `position`."""
    axis %= len(shape_of(g))
    start = sum(x.shape[axis] for x in xs[:position])
    stop = start + xs[position].shape[axis]
    return getitem(g, index=(slice(None),) * axis + (slice(start, stop),))


@op(
    "concat",
    "x₁ ⧺ x₂ ⧺ …",
    each=Rule("each input gets its part of the gradient", _part, "words"),
    method=False,
)
def join(*xs: Array, axis: int = 0) -> Array:
    """Several arrays one behind the other along an axis.

    >>> join(np.ones(2), np.zeros(1))
    array([1., 1., 0.])
    """
    return np.concatenate(xs, axis=axis)


@composed(method=False)
def concatenate(values: Sequence[Array], axis: int | None = 0) -> Array:
    """`join` for a sequence of values, as NumPy and PyTorch write it; axis None makes rows of all of them

    >>> concatenate([np.ones(2), np.zeros(1)])
    array([1., 1., 0.])
    """
    if axis is None:
        return join(*[reshape(x, shape=-1) for x in values])
    return _join_in_groups(list(values), axis)


@composed(method=False)
def stack(values: Sequence[Array], axis: int = 0) -> Array:
    """x₁, x₂, … of one shape along a new axis; floats become a vector

    What can be gone through, such as a generator or a single Value, is.

    >>> stack([1.0, 2.0]), stack([np.ones(2), np.zeros(2)], axis=1).shape
    (array([1., 2.]), (2, 2))
    """
    values = list(values)
    if not values:
        raise ValueError("stack needs at least one value, got an empty sequence")
    old = shape_of(values[0])
    if not -len(old) - 1 <= axis <= len(old):
        raise ValueError(
            f"expected an axis from {-len(old) - 1} to {len(old)} for values of shape {old}, got {axis}"
        )
    new = axis % (len(old) + 1)
    raised = [reshape(x, shape=(*shape_of(x)[:new], 1, *shape_of(x)[new:])) for x in values]
    return _join_in_groups(raised, new)


def _join_in_groups(values: list[Array], axis: int) -> Array:
    """Join many values group by group, and then the groups.

    On the way back each part looks at all the inputs of its join, so that a single join of n parts takes n²
    steps. No join of more than `_GROUP` inputs leaves it at a few steps for each part.
    """
    while len(values) > _GROUP:
        groups = range(0, len(values), _GROUP)
        values = [join(*values[start : start + _GROUP], axis=axis) for start in groups]
    return join(*values, axis=axis)
