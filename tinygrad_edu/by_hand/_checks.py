"""What every hand-derived network checks before it computes: shapes, rates and parameter names.

Broadcasting is the silent enemy of pencil algebra: a target of shape (N,) against an output of
shape (N, 1) gives an (N, N) table of errors and no complaint. So each network says which shapes
it expects.
"""

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Rows(Protocol):
    """Rows to pick batches from: an array, or anything that is indexed by integer arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


def floats(what: str, given: ArrayLike, shape: tuple[int | str, ...]) -> NDArray[np.float64]:
    """Return `given` as a float64 array of this shape, where a letter stands for any length.

    Raises ValueError if the shape is another one, or if a value is NaN, infinite or masked.

    >>> floats("inputs", [[1, 2]], ("N", 2))
    array([[1., 2.]])
    """
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be numbers of shape {_written(shape)}: {error}") from error
    if not _fits(array.shape, shape):
        one_sample = len(shape) == array.ndim + 1 and _fits(array.shape, shape[1:])
        hint = "for one sample, give x[None]" if one_sample else "reshape or transpose it"
        raise ValueError(
            f"{what} has shape {array.shape}, expected {_written(shape)}: {hint}, "
            "or build the network with other sizes"
        )
    if array.size == 0:
        raise ValueError(f"{what} is empty, expected at least one sample: give some data")
    if np.ma.is_masked(given):
        raise ValueError(f"{what} holds masked values: fill them with .filled(…), or drop them")
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ValueError(f"{what} holds {bad} NaN or infinite values: replace or drop them")
    return array


def matching_parameters(
    given: Mapping[str, ArrayLike], current: Mapping[str, NDArray[np.floating[Any]]]
) -> dict[str, NDArray[np.float64]]:
    """Return float64 copies of `given`, once its names and shapes are those of `current`.

    Raises ValueError that lists every missing, unknown or mis-shaped entry; nothing is changed
    then.
    """
    wrong = [f"{name} is missing" for name in current if name not in given]
    wrong += [f"{name} is unknown" for name in given if name not in current]
    wrong += [
        f"{name} has shape {np.shape(given[name])}, expected {array.shape}"
        for name, array in current.items()
        if name in given and np.shape(given[name]) != array.shape
    ]
    if wrong:
        raise ValueError(f"parameters do not fit: {'; '.join(wrong)}. Start from parameters()")
    return {name: np.array(given[name], dtype=np.float64) for name in current}


def class_labels(given: ArrayLike, samples: int, classes: int) -> NDArray[np.int_]:
    """Return `given` as integer labels of shape (samples,).

    Raises ValueError unless they are as many as the samples and integers in 0 … classes − 1.

    >>> class_labels([2, 0], samples=2, classes=3)
    array([2, 0])
    """
    labels = np.asarray(given)
    if labels.shape != (samples,):
        raise ValueError(f"labels have shape {labels.shape}, expected ({samples},): one a sample")
    if samples == 0 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels have dtype {labels.dtype}, expected integers: convert with .astype(int)"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}: "
            "number the classes from 0"
        )
    return labels.astype(np.int_)


def layer_sizes(given: Iterable[int]) -> tuple[int, ...]:
    """Return the sizes of the layers as a tuple; raise ValueError unless two or more whole numbers ≥ 1."""
    sizes = tuple(given) if isinstance(given, Iterable) else (given,)
    if len(sizes) < 2 or not all(isinstance(n, int | np.integer) and n >= 1 for n in sizes):
        raise ValueError(
            f"sizes {list(sizes)}: expected two or more, each ≥ 1, such as [784, 30, 10]"
        )
    return sizes


def positive(what: str, given: float) -> float:
    """Return `given`; raise ValueError unless it is a finite number greater than 0."""
    if not (isinstance(given, Real) and math.isfinite(given) and given > 0):
        raise ValueError(
            f"{what} is {given!r}, expected a finite number greater than 0, such as 0.1"
        )
    return given


def one_of(what: str, given: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless `given` is one of the choices."""
    if given not in choices:
        raise ValueError(f"{what} is {given!r}, expected one of {', '.join(map(repr, choices))}")


def _fits(given: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    return len(given) == len(expected) and all(
        isinstance(want, str) or have == want for have, want in zip(given, expected, strict=True)
    )


def _written(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
