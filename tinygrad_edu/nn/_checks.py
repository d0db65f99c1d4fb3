"""What layers ask of the sizes and types that they are given."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np


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
