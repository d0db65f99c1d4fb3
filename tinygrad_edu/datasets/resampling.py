"""Resampling: images looked at between their pixels.

To turn an image, one does not ask where each of its pixels goes: they would fall between the pixels of the
new image, and leave holes. One asks for each pixel of the new image which *place* of the old one is seen
there. The place, too, lies between pixels, and what it shows is mixed from the four around it, each the more
the nearer it is (bilinear interpolation). A place outside the old image shows the color of the paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Places: TypeAlias = NDArray[Any]  # rows or columns, in pixels from the middle of the image

_BLOCK = 32  # images at a time: what they need stays in the processor's cache
_ROUNDING = 1e-5  # a place outside by no more than this lies on the rim


def distort(
    images: ArrayLike,
    move: Callable[[Places, Places], tuple[Places, Places]],
    fill: float = 0.0,
    image_shape: tuple[int, int] | None = None,
    sharp_rim: bool = False,
) -> NDArray[Any]:
    """Return images that show at each place what the old ones show where `move` sends that place.

    `images` holds floats, of shape (N, H, W), (N, C, H, W), or flat (N, H·W); if flat and not square,
    `image_shape` is (height, width). `move` takes and returns rows and columns, in pixels from the middle of
    the image, that broadcast to (N, 1, H, W); it is called for some of the images at a time. What lies
    outside of the images is `fill`, into which they fade over one pixel; with a `sharp_rim` they do not. The
    answer has the shape and dtype of `images`.

    Raises TypeError for images that are not floats, ValueError for a shape that is none of these.

    >>> images = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> distort(images, lambda rows, cols: (rows, cols + 0.5)).tolist()
    [[[1.5, 1.0], [3.5, 2.0]]]
    """
    images = _as_floats(images)
    height, width = _image_shape(images, image_shape)
    channels = images.shape[1] if images.ndim == 4 else 1
    old = images.reshape(len(images), channels, height, width)
    new = np.empty_like(old)
    rows = np.arange(height, dtype=images.dtype).reshape(1, 1, -1, 1) - (height - 1) / 2
    cols = np.arange(width, dtype=images.dtype).reshape(1, 1, 1, -1) - (width - 1) / 2
    for start in range(0, len(old), _BLOCK):
        part = old[start : start + _BLOCK]
        places = move(np.repeat(rows, len(part), axis=0), np.repeat(cols, len(part), axis=0))
        new[start : start + _BLOCK] = _look_up(part, *places, fill, sharp_rim)
    return new.reshape(images.shape)


def _look_up(
    images: NDArray[Any], rows: Places, cols: Places, fill: float, sharp_rim: bool
) -> NDArray[Any]:
    """Return what images (N, C, H, W) show at places that lie between pixels, counted from the middle.

    SciPy's `map_coordinates` does the same, and takes four times as long for many small images.
    """
    count, channels, height, width = images.shape
    # A frame of fill around each image: one pixel before, and two behind, where four pixels may begin.
    framed = np.full((count, channels, height + 3, width + 3), fill, images.dtype)
    framed[:, :, 1:-2, 1:-2] = images
    rows, cols = rows + (height + 1) / 2, cols + (width + 1) / 2
    clipped_rows, clipped_cols = np.clip(rows, 0, height + 1), np.clip(cols, 0, width + 1)
    # The four pixels around a place begin at (row, col), and `down` and `right` say how far it is into them.
    row, col = clipped_rows.astype(np.int32), clipped_cols.astype(np.int32)
    down = (clipped_rows - row).astype(images.dtype)
    right = (clipped_cols - col).astype(images.dtype)
    stride = width + 3
    first = np.arange(0, framed.size, (height + 3) * stride).reshape(count, channels, 1, 1)
    index = first + (row * stride + col)
    pixels = framed.reshape(-1)
    above = _between(pixels[index], pixels[1:][index], right)
    below = _between(pixels[stride:][index], pixels[stride + 1 :][index], right)
    found = _between(above, below, down)
    if sharp_rim:
        np.copyto(found, fill, where=_is_outside(rows, height) | _is_outside(cols, width))
    return found


def _is_outside(places: Places, size: int) -> NDArray[np.bool_]:
    """Return which places, counted from the frame, do not lie between pixels of an image."""
    return (places < 1 - _ROUNDING) | (places > size + _ROUNDING)


def _between(a: NDArray[Any], b: NDArray[Any], share: NDArray[Any]) -> NDArray[Any]:
    """Return a + share·(b − a), which lies between a and b; written into b, to save time."""
    b -= a
    b *= share
    b += a
    return b


def as_image_shape(shape: Any) -> tuple[int, int]:
    """Return (height, width); raise ValueError for what is not two whole numbers from 1.

    >>> as_image_shape([20, 30])
    (20, 30)
    """
    if (
        not isinstance(shape, tuple | list)
        or len(shape) != 2
        or not all(isinstance(size, int | np.integer) and size > 0 for size in shape)
    ):
        raise ValueError(
            f"expected image_shape=(height, width), two whole numbers from 1, got {shape!r}"
        )
    return shape[0], shape[1]


def _as_floats(images: ArrayLike) -> NDArray[Any]:
    images = np.asarray(images)
    if images.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"expected images of float32 or float64, got {images.dtype}; bytes from 0 to 255 become "
            "numbers from 0 to 1 with images / np.float32(255), or with datasets.Pixels(images)"
        )
    return images


def _image_shape(images: NDArray[Any], given: tuple[int, int] | None) -> tuple[int, int]:
    """Return (height, width); raise ValueError if the images have none, or another than the given one."""
    if given is not None:
        given = as_image_shape(given)
    if images.ndim in (3, 4):
        found = images.shape[-2], images.shape[-1]
        if given is not None and given != found:
            raise ValueError(f"expected images of {given} pixels, got shape {images.shape}")
    elif images.ndim == 2 and given is not None:
        found = given
        if math.prod(found) != images.shape[1]:
            raise ValueError(
                f"image_shape={given} makes {math.prod(found)} pixels, but each of the images has "
                f"{images.shape[1]}, for their shape is {images.shape}"
            )
    elif images.ndim == 2:
        found = math.isqrt(images.shape[1]), math.isqrt(images.shape[1])
        if math.prod(found) != images.shape[1]:
            raise ValueError(
                f"{images.shape[1]} pixels make no square; say what they make with "
                "image_shape=(height, width), or write images[None] if this is a single image"
            )
    else:
        raise ValueError(
            "expected images of shape (N, height, width), (N, channels, height, width) or (N, "
            f"height·width), got {images.shape}; a single image becomes many with images[None]"
        )
    return found
