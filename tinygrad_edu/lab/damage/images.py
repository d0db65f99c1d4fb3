"""Images that are hard to read: noise, gaps in the strokes, a patch over them.

People read a digit behind a coffee stain without a thought. Whether a network can is worth knowing, for
nobody showed it one: it has only learned from clean images. Images are numbers from 0, paper, to 1, ink.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def add_noise(
    images: Any, level: float, rng: int | np.random.Generator | None = None
) -> NDArray[Any]:
    """Return images with normally distributed noise of standard deviation `level`, cut off at 0 and 1.

    `images` are numbers in 0 … 1, of shape (N, H, W), (N, 1, H, W), or (N, H·W) where they are square.
    The shape stays, and float32 or float64; all else becomes float32.

    Raises ValueError for images of another shape or range, or a level below 0.

    >>> add_noise(np.full((1, 1, 3), 0.5, np.float32), 0.2, rng=0).round(2)
    array([[[0.72, 0.22, 0.41]]], dtype=float32)
    """
    pictures = _pictures(images)
    if not 0 <= level < math.inf:
        raise ValueError(f"expected a level of noise from 0 on, such as 0.3, got {level}")
    noise = np.random.default_rng(rng).standard_normal(pictures.shape, pictures.dtype.type)
    pictures += pictures.dtype.type(level) * noise
    return pictures.clip(0, 1).reshape(np.shape(images))


def cut_gaps(
    images: Any, share: float, rng: int | np.random.Generator | None = None
) -> NDArray[Any]:
    """Return images with gaps in their strokes, as a pen leaves that fails now and then.

    Each image is divided into small squares, about 9 to a side (3×3 pixels for MNIST). Of those with ink on
    them, a share, rounded to whole squares, becomes 0. Images as for `add_noise`.

    Raises ValueError for images of another shape or range, or a share outside of 0 … 1.

    >>> cut_gaps(np.ones((1, 2, 4), np.float32), 0.5, rng=0)
    array([[[1., 0., 0., 0.],
            [1., 1., 0., 1.]]], dtype=float32)
    """
    pictures = _pictures(images)
    _check_share("share", share)
    _, height, width = pictures.shape
    side = max(1, max(height, width) // 9)
    tops, lefts = np.arange(0, height, side), np.arange(0, width, side)
    inked = np.maximum.reduceat(np.maximum.reduceat(pictures, tops, 1), lefts, 2) > 0
    # Each square draws a lot, and those without ink the highest of all. The lowest ones are wiped.
    lots = np.random.default_rng(rng).random(inked.shape)
    lots[~inked] = 2.0
    ranks = lots.reshape(len(lots), -1).argsort(axis=1).argsort(axis=1).reshape(lots.shape)
    wiped = ranks < np.round(share * inked.sum(axis=(1, 2), keepdims=True))
    pictures[wiped.repeat(side, 1).repeat(side, 2)[:, :height, :width]] = 0
    return pictures.reshape(np.shape(images))


def occlude(
    images: Any,
    share: float,
    rng: int | np.random.Generator | None = None,
    *,
    value: float = 0.0,
) -> NDArray[Any]:
    """Return images with a patch over a share of each, at a random place within it.

    The patch has the proportions of the image, its sides rounded to whole pixels; `value` is its gray: 0 for
    clean paper, 1 for ink. Images as for `add_noise`.

    Source: DeVries and Taylor, Improved regularization of convolutional neural networks with Cutout, 2017.

    Raises ValueError for images of another shape or range, or a share or value outside of 0 … 1.

    >>> occlude(np.ones((1, 2, 4), np.float32), 0.25, rng=0)
    array([[[1., 1., 1., 1.],
            [1., 0., 0., 1.]]], dtype=float32)
    """
    pictures = _pictures(images)
    _check_share("share", share)
    _check_share("value", value)
    rng = np.random.default_rng(rng)
    covered = []
    for size in pictures.shape[1:]:
        length = round(size * math.sqrt(share))
        start = rng.integers(0, size - length, len(pictures), endpoint=True)[:, None]
        covered.append((np.arange(size) >= start) & (np.arange(size) < start + length))
    rows, columns = covered
    pictures[rows[:, :, None] & columns[:, None, :]] = value
    return pictures.reshape(np.shape(images))


def _pictures(images: Any) -> NDArray[Any]:
    """Return a copy of images as floats of shape (N, H, W). Raises ValueError for what are none."""
    array = np.array(images)
    shape = array.shape
    if array.dtype.kind not in "biuf" or not array.size or array.ndim not in (2, 3, 4):
        raise ValueError(
            f"expected images of shape (N, H, W), (N, 1, H, W) or (N, H·W), got {array.dtype} of "
            f"shape {shape}"
        )
    if array.ndim == 2:
        side = math.isqrt(shape[1])
        if side * side != shape[1]:
            raise ValueError(
                f"expected flat images to be square, got {shape[1]} pixels in each of {shape[0]}; give "
                "them as (N, H, W), and a single image as image[None]"
            )
        shape = (shape[0], side, side)
    elif array.ndim == 4 and shape[1] != 1:
        raise ValueError(f"expected images with one channel, (N, 1, H, W), got shape {shape}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"expected images with numbers from 0, paper, to 1, ink, got {low:g} … {high:g}; divide "
            "bytes by 255"
        )
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    return array.astype(dtype, copy=False).reshape(shape[0], *shape[-2:])


def _check_share(what: str, number: float) -> None:
    if not 0 <= number <= 1:
        raise ValueError(f"expected a {what} from 0 to 1, got {number}")
