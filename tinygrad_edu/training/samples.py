"""Samples: pairs of input and target, checked once before training and then handed out in batches.

A mistake in the data seldom stops a training; it makes the network learn something else. So everything that
can be known to be wrong is said before the first weight changes: lengths that differ, labels that are no
classes, numbers that are no numbers.

Batches make training fast and a little random: the gradient over 128 samples is nearly as good a direction
as that over 60,000, at a five-hundredth of the price.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any, Self, TypeAlias

import numpy as np

from tinygrad_edu.support import warn_caller

Augment: TypeAlias = Callable[[Any, np.random.Generator], Any]

#: The kinds of dtypes that are numbers.
_NUMBERS = set("biuf")
#: How many samples are looked at together, so that checking a large array copies little.
_CHUNK = 4096


class Samples:
    """Inputs x with N samples along the first axis, and targets y of the same length, or none.

    x may be an array, lists, or anything with a NumPy `dtype`, a `shape` and indexing by integer arrays, such
    as `datasets.Pixels`, which is then converted batch by batch. Integers become floats, unless
    `whole_inputs` says that they shall stay what they are, for a model that looks them up in a table. y may
    hold integer classes, which stay so, or numbers, which become floats unless `whole_targets`; both come out
    as arrays. `names` is what messages call the two.

    Raises ValueError or TypeError that says which sample is wrong, and how to mend it.

    >>> samples = Samples([[1, 2], [3, 4], [5, 6]], [0, 1, 0])
    >>> [x.tolist() for x, y in samples.batches(2, np.float32)]
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    """

    def __init__(self, x: Any, y: Any = None, names: tuple[str, str] = ("x", "y")) -> None:
        self.names = names
        self.whole_inputs = self.whole_targets = False
        self.x = x if _is_like_an_array(x) else _as_array(x, names[0])
        _check_inputs(self.x, names[0])
        self.y = None if y is None else _check_targets(_as_array(y, names[1]), len(self.x), names)

    def __len__(self) -> int:
        return len(self.x)

    def batches(
        self, size: int, dtype: Any, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield (x, y) for `size` samples at a time, all once; in random order if there is an rng.

        x and y have the given dtype, but for whole numbers that stay as they are.
        """
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for start in range(0, len(self), size):
            chosen: Any = order[start : start + size]
            if rng is None:
                chosen = slice(start, start + size)  # a slice copies nothing
            x = np.asarray(self.x[chosen])
            if not self.whole_inputs:
                x = x.astype(dtype, copy=False)
            y = None if self.y is None else self.y[chosen]
            if y is not None and not (self.has_classes or self.whole_targets):
                y = y.astype(dtype, copy=False)
            yield x, y

    def with_targets(self) -> Self:
        """Return these samples; raise TypeError if they have no targets."""
        if self.y is None:
            x, y = self.names
            raise TypeError(
                f"expected targets {y}, what the model shall answer to {x}, got None; to learn to give back "
                f"its input, give {x} for both"
            )
        return self

    def check_range(self, dtype: Any) -> None:
        """Raise ValueError for numbers that are too large for the type that a model calculates in."""
        largest = float(np.finfo(dtype).max)
        for data, name in zip((self.x, self.y), self.names, strict=True):
            if not isinstance(data, np.ndarray) or data.dtype.kind != "f" or not data.size:
                continue
            if float(np.finfo(data.dtype).max) <= largest:
                continue
            reached = max(float(data.max()), -float(data.min()))
            if reached > largest:
                raise ValueError(
                    f"{name} reaches {reached:g}, and {dtype}, in which the model calculates, holds numbers "
                    f"up to {largest:.2g}; scale {name}, or make the layers with dtype=np.float64"
                )

    def warn_of_pixels(self) -> None:
        """Warn if the inputs look like pixels that nobody has scaled."""
        x, name = self.x, self.names[0]
        largest = x.max() if isinstance(x, np.ndarray) and x.size else 0
        if 128 <= largest <= 255 and x.min() >= 0 and not self.whole_inputs:
            warn_caller(
                f"{name} reaches {largest:g} and looks like pixels from 0 to 255; networks learn badly from "
                f"such large numbers: use {name} / 255, or datasets.Pixels({name})"
            )

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes: integers, one a sample."""
        return self.y is not None and self.y.dtype.kind in "iu" and self.y.ndim == 1

    def has_labels_below(self, count: int) -> bool:
        """Whether the targets are classes 0 … count − 1."""
        y = self.y if self.has_classes else None
        return y is not None and bool(y.min() >= 0) and bool(y.max() < count)


def check_batch_size(size: int, count: int, larger: bool = False) -> None:
    """Raise ValueError for a batch size that is no whole number between 1 and the number of samples.

    Where nothing is learned, a `larger` one will do.

    >>> check_batch_size(0, 100)
    Traceback (most recent call last):
    ValueError: expected a batch_size from 1 to 100, the number of samples, got 0
    """
    whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
    if not whole or size < 1 or (size > count and not larger):
        raise ValueError(
            f"expected a batch_size from 1 to {count}, the number of samples, got {size!r}"
        )


def _is_like_an_array(x: Any) -> bool:
    """Return whether x holds numbers like an array without being one, as `datasets.Pixels` does."""
    if isinstance(x, np.ndarray) or not hasattr(x, "shape") or hasattr(x, "toarray"):
        return False  # the last is a sparse one
    dtype = getattr(x, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _as_array(data: Any, what: str) -> np.ndarray[Any, Any]:
    """Return data as an array of numbers."""
    _check_kind(data, what)
    dtypes: Any = getattr(data, "dtypes", None)  # of the columns of a table of pandas
    columns = dict(dtypes.items()) if hasattr(dtypes, "items") else {}
    texts = [
        str(name) for name, kind in columns.items() if getattr(kind, "kind", "") not in _NUMBERS
    ]
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"the samples of {what} differ in length; pad them or cut them to one length"
        ) from error
    if columns and not texts and array.dtype == object:  # columns of several types
        with suppress(TypeError, ValueError):
            array = np.asarray(data, dtype=float)
    if array.dtype.kind not in _NUMBERS:
        cure = f"make numbers of the columns {', '.join(texts)}, or leave them out"
        raise TypeError(
            f"expected numbers in {what}, got dtype {array.dtype}; "
            + (cure if texts else _numbers_instead(array, what))
        )
    return array


def _check_kind(data: Any, what: str) -> None:
    """Raise TypeError for what NumPy would make something else of than was meant."""
    rows = data if isinstance(data, list | tuple) else [data]
    if any(isinstance(row, np.ma.MaskedArray) for row in rows):
        raise TypeError(
            f"expected numbers in {what}, got a masked array, and what its mask hides would be learned as "
            f"well; fill it in with {what}.filled(0), or leave those samples out"
        )
    if hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
        raise TypeError(
            f"expected an array of all samples in {what}, got a {type(data).__name__}; collect its samples "
            f"with np.stack(list({what})), or write the loop over batches yourself, as in the README"
        )
    if isinstance(data, Mapping):
        raise TypeError(f"expected an array of all samples in {what}, got a {type(data).__name__}")
    if hasattr(data, "toarray"):
        raise TypeError(f"expected an array in {what}, got a sparse one; give {what}.toarray()")


def _numbers_instead(array: np.ndarray[Any, Any], what: str) -> str:
    """Return what may be done about an array that holds no numbers."""
    if what.startswith("y"):
        return (
            f"turn names into classes with: names, {what} = np.unique({what}, return_inverse=True)"
        )
    odd = [x for x in array.ravel() if not isinstance(x, Real)] if array.dtype == object else []
    if odd:
        return (
            f"the first that is none is {odd[0]!r:.60}; leave it out, or put a number in its place"
        )
    return f"turn it into numbers first, for example with np.asarray({what}, dtype=float)"


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
        self.augment = augment
        try:
            self.rng = np.random.default_rng(rng)
        except (TypeError, ValueError):
            raise TypeError(
                f"expected rng to be a seed, such as 0, or a Generator, got {rng!r}"
            ) from None

    def __len__(self) -> int:
        return math.ceil(len(self._samples) / self._size)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield all batches once."""
        order = self.rng if self._shuffle else None
        batches = self._samples.batches(self._size, self._dtype, order)
        return batches if self.augment is None else _augmented(batches, self.augment, self.rng)


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
