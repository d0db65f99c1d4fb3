"""Samples: pairs of input and target, checked once before training and then handed out in batches.

A mistake in the data seldom stops a training; it makes the network learn something else. So everything that
can be known to be wrong is said before the first weight changes: lengths that differ, labels that are no
classes, numbers that are no numbers.

Batches make training fast and a little random: the gradient over 128 samples is nearly as good a direction
as that over 60,000, at a five-hundredth of the price.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

Augment: TypeAlias = Callable[[Any, np.random.Generator], Any]

_CHUNK = (
    4096  # how many samples are looked at together, so that checking a large array copies little
)


class Samples:
    """Inputs x with N samples along the first axis, and targets y of the same length, or none.

    x may be an array, lists, or anything with a NumPy `dtype`, a `shape` and indexing by integer arrays, such
    as `datasets.Pixels`, which is then converted batch by batch. Integers become floats. y may hold
    integer classes, or numbers; both come out as arrays. `names` is what messages call the two.

    Raises ValueError or TypeError that says which sample is wrong, and how to mend it.

    >>> samples = Samples([[1, 2], [3, 4], [5, 6]], [0, 1, 0])
    >>> [x.tolist() for x, y in samples.batches(2, np.float32)]
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    """

    def __init__(self, x: Any, y: Any = None, names: tuple[str, str] = ("x", "y")) -> None:
        self.x = x if _is_like_an_array(x) else _as_array(x, names[0])
        _check_inputs(self.x, names[0])
        self.y = None if y is None else _check_targets(_as_array(y, names[1]), len(self.x), names)

    def __len__(self) -> int:
        return len(self.x)

    def batches(
        self, size: int, dtype: Any, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield (x, y) for `size` samples at a time, all once; in random order if there is an rng.

        x, and y unless it holds classes, have the given dtype.
        """
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for start in range(0, len(self), size):
            chosen: Any = order[start : start + size]
            if rng is None:
                chosen = slice(start, start + size)  # a slice copies nothing
            x = np.asarray(self.x[chosen]).astype(dtype, copy=False)
            if self.y is None:
                yield x, None
            else:
                y = self.y[chosen]
                yield x, y if self.has_classes else y.astype(dtype, copy=False)

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes: integers, one a sample."""
        return self.y is not None and self.y.dtype.kind in "iu" and self.y.ndim == 1


def check_batch_size(size: int, count: int) -> None:
    """Raise ValueError for a batch size that is no whole number between 1 and the number of samples.

    >>> check_batch_size(0, 100)
    Traceback (most recent call last):
    ValueError: expected a batch_size from 1 to 100, the number of samples, got 0
    """
    if not isinstance(size, int | np.integer) or not 1 <= size <= count:
        raise ValueError(
            f"expected a batch_size from 1 to {count}, the number of samples, got {size!r}"
        )


def _is_like_an_array(x: Any) -> bool:
    """Return whether x holds numbers like an array without being one, as `datasets.Pixels` does."""
    if isinstance(x, np.ndarray) or not hasattr(x, "shape"):
        return False
    dtype = getattr(x, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _as_array(data: Any, what: str) -> np.ndarray[Any, Any]:
    """Return data as an array of numbers."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"the samples of {what} differ in length; pad them or cut them to one length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"expected numbers in {what}, got dtype {array.dtype}; "
            + (
                f"turn names into classes with: names, {what} = np.unique({what}, return_inverse=True)"
                if what.startswith("y")
                else f"turn it into numbers first, for example with np.asarray({what}, dtype=float)"
            )
        )
    return array


def _check_inputs(x: Any, what: str) -> None:
    if len(x.shape) == 0 or x.shape[0] == 0:
        raise ValueError(f"expected at least one sample in {what}, got shape {x.shape}")
    if len(x.shape) == 1:
        raise ValueError(
            f"expected {what} of shape (N, features), got {x.shape}; for one sample write {what}[None], "
            f"for many samples of one number each {what}[:, None]"
        )
    if not isinstance(x, np.ndarray):
        return  # bytes that become numbers from 0 to 1 when they are asked for
    if x.dtype.kind == "f":
        for start in range(0, len(x), _CHUNK):
            _check_finite(x[start : start + _CHUNK], start, what)
    largest = x.max() if x.size else 0
    if 128 <= largest <= 255 and x.min() >= 0:
        warnings.warn(
            f"{what} reaches {largest:g} and looks like pixels from 0 to 255; networks learn badly from "
            f"such large numbers: use {what} / 255, or datasets.Pixels({what})",
            stacklevel=4,
        )


def _check_finite(part: np.ndarray[Any, Any], start: int, what: str) -> None:
    finite = np.isfinite(part)
    if not finite.all():
        rows = np.flatnonzero(~finite.reshape(len(part), -1).all(axis=1))
        raise ValueError(
            f"{what} holds {int((~finite).sum())} numbers that are NaN or infinite, the first in sample "
            f"{start + int(rows[0])}; remove those samples, or fill in with np.nan_to_num({what})"
        )


def _check_targets(
    y: np.ndarray[Any, Any], count: int, names: tuple[str, str]
) -> np.ndarray[Any, Any]:
    if y.shape[:1] != (count,):
        raise ValueError(
            f"{names[0]} has {count} samples, but {names[1]} has shape {y.shape}; each needs one target"
        )
    if y.dtype.kind == "f":
        _check_finite(y, 0, names[1])
    return y.astype(np.int64) if y.dtype.kind == "b" else y


class Batches:
    """The batches of a training, gone through once an epoch: shuffled and augmented where that is wanted.

    x and y come as in `Samples.batches`. `rng` decides the order of samples, and what is drawn in `augment`.

    Raises ValueError for a size that does not fit, TypeError for an `augment` that is no function, and
    whatever shows when that is tried out on one sample.

    >>> batches = Batches(Samples([[1], [2], [3]]), 2, np.float32, shuffle=False, augment=lambda x, rng: -x)
    >>> len(batches), [x.tolist() for x, y in batches]
    (2, [[[-1.0], [-2.0]], [[-3.0]]])
    """

    def __init__(
        self,
        samples: Samples,
        size: int,
        dtype: Any,
        *,
        shuffle: bool = True,
        augment: Augment | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        check_batch_size(size, len(samples))
        if augment is not None:
            _check_augment(augment, samples.batches(1, dtype))
        self._samples = samples
        self._size = size
        self._dtype = dtype
        self._shuffle = shuffle
        self._augment = augment
        self._rng = np.random.default_rng(rng)

    def __len__(self) -> int:
        return math.ceil(len(self._samples) / self._size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield all batches once."""
        order = self._rng if self._shuffle else None
        batches = self._samples.batches(self._size, self._dtype, order)
        return batches if self._augment is None else _augmented(batches, self._augment, self._rng)


def _check_augment(augment: Augment, batches: Iterator[tuple[Any, Any]]) -> None:
    """Raise TypeError for what is no function, and whatever shows when it is tried out on one batch."""
    if isinstance(augment, type) or not callable(augment):
        raise TypeError(
            "expected augment to be a function (inputs, rng), such as datasets.Rotate(10), "
            f"got {augment!r}"
        )
    next(_augmented(batches, augment, np.random.default_rng(0)))


def _augmented(
    batches: Iterator[tuple[Any, Any]], augment: Augment, rng: np.random.Generator
) -> Iterator[tuple[Any, Any]]:
    """Yield the batches with their inputs augmented; raise TypeError or ValueError if they no longer fit."""
    for x, y in batches:
        changed = augment(x.copy(), rng)  # a copy, since x may be a view of the caller's data
        if not isinstance(changed, np.ndarray):
            raise TypeError(
                "expected augment to return an array like the one it is given, got "
                + type(changed).__name__
            )
        if (changed.shape, changed.dtype) != (x.shape, x.dtype):
            raise ValueError(
                "expected augment to return inputs of the shape and dtype that it is given, "
                f"{x.shape} and {x.dtype}, got {changed.shape} and {changed.dtype}"
            )
        if not np.isfinite(changed).all():
            raise ValueError("augment has returned NaN or infinity for inputs that hold neither")
        yield changed, y
