"""What a number is here: a float, or an array; never anything between.

Python's float times float is twenty times as fast as NumPy's array times array without axes, and a network of
single numbers is made of nothing else. So a single number is a Python float, several are an array, and
whatever comes in or out is brought to one of the two. At the edges of the real numbers floats answer as NumPy
does: 1/0 is infinity and a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

#: What operations work on: a float, a NumPy array or a Value.
Array: TypeAlias = Any


Rule: TypeAlias = Callable[..., Array]


def as_number(x: Any) -> Array:
    """Return `x` as a float or as an array of bools, integers or floats of at least one axis.

    Arrays are passed on as they are, uncopied. Raises TypeError for what is not made of real numbers.

    >>> as_number(2), as_number(np.float32(0.5)), as_number([1, 2])
    (2.0, 0.5, array([1, 2]))
    """
    if type(x) is float:
        return x
    if isinstance(x, float | int):  # np.float64 is a float, and True an int
        return float(x)
    try:
        array = np.asarray(x)
    except ValueError as error:  # NumPy's word for rows of different lengths
        raise ValueError(
            f"expected rows of one length, got a ragged {type(x).__name__}; "
            "pad the rows or cut them to one length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"expected real numbers, got {type(x).__name__} of dtype {array.dtype}; "
            "convert it first, for example with np.asarray(data, dtype=float)"
        )
    return array if array.ndim else float(array)


def simplify(result: Any) -> Array:
    """Return a result with floats for NumPy's scalars and for arrays without axes.

    Float × float is twenty times as fast as array × array without axes; and a Python float lets a float32
    array stay float32, where a NumPy float64 would widen it.
    """
    if type(result) is float or (type(result) is np.ndarray and result.ndim):
        return result
    return result.item() if isinstance(result, np.ndarray | np.generic) else result


def run(
    function: Rule, inputs: Sequence[Array], parameters: Mapping[str, Any], name: str = ""
) -> Array:
    """Return function(*inputs, **parameters), with NumPy's answers at the edges of the real numbers.

    Python's floats refuse 1/0, log(0) or e¹⁰⁰⁰ with an exception; NumPy answers with infinity or NaN and a
    warning, so that one bad number in a million can be found afterwards. Scalars follow NumPy here.
    """
    try:
        return function(*inputs, **parameters)
    except (ArithmeticError, ValueError) as error:
        if all(isinstance(x, float) for x in inputs):
            return function(*map(np.float64, inputs), **parameters)
        if name:
            shapes = ", ".join(str(shape_of(x)) for x in inputs)
            error.add_note(f"while computing {name} of shapes {shapes}")
        raise


def shape_of(x: Array) -> tuple[int, ...]:
    """Return the shape of a number: () for a float."""
    return getattr(x, "shape", ())
