"""What layers ask of the sizes and types that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np


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
