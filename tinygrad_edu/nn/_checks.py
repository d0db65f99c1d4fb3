"""What layers ask of the sizes and types that they are given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_edu.value import Value

_room: ContextVar[list[int] | None] = ContextVar("room", default=None)


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """Within the block, let layers make no more than that many weights, all together.

    A file that describes a network brings the numbers of its weights. One that describes a larger network is
    found out before that has cost time and memory.
    """
    token = _room.set([count])
    try:
        yield
    finally:
        _room.reset(token)


def new_weight(shape: tuple[int, ...], dtype: str, name: str) -> Value:
    """Return zeros to be learned; raise ValueError if there is no `room_for` them."""
    if (room := _room.get()) is not None:
        room[0] -= math.prod(shape)
        if room[0] < 0:
            raise ValueError(f"there are not enough numbers for a {name} of shape {shape}")
    return Value(np.zeros(shape, dtype), name)


def is_real(x: Any) -> bool:
    """Return whether x is a finite real number: no text, no truth value, no array of several.

    >>> is_real(0.5), is_real(np.float32(1)), is_real("0.5"), is_real(True), is_real(float("nan"))
    (True, True, False, False, False)
    """
    if isinstance(x, np.ndarray) and x.shape == ():
        x = x[()]  # as np.where(step < 100, 0.1, 0.01) returns it
    return isinstance(x, Real) and not isinstance(x, bool) and math.isfinite(x)


def are_counts(*sizes: Any) -> bool:
    """Return whether all sizes are whole numbers of at least 1."""
    return all(isinstance(size, int | np.integer) and size >= 1 for size in sizes)


def float_name(dtype: Any) -> str:
    """Return the name of a floating-point type, 'float32'; raise TypeError for others, which cannot learn."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"expected a floating-point dtype, such as np.float32, got {np.dtype(dtype)}; weights take small "
            "steps, which whole numbers cannot"
        )
    return str(np.dtype(dtype).name)
