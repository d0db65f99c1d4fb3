"""Images: a small window slides over a large picture.

A convolution is one matrix product, once every window lies in a row of a matrix. `windows` lays them out,
which copies nothing, and `overlap_add` is its reverse: each pixel gets back what all its windows have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops.arrays import reshape, transpose
from tinygrad_edu.ops.matrices import dense, matmul
from tinygrad_edu.ops.operation import Rule, composed, op
from tinygrad_edu.ops.reductions import max


def as_pair(size: int | tuple[int, int], what: str, least: int = 1) -> tuple[int, int]:
    """Return (height, width) of a size that may be one number for both. ValueError if it is neither.

    >>> as_pair(3, "size")
    (3, 3)
    """
    pair = (size, size) if isinstance(size, int | np.integer) else size
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(n, int | np.integer) and n >= least for n in pair)
    ):
        raise ValueError(
            f"{what} is a whole number of at least {least}, or two of them, (height, width); got {size!r}"
        )
    return int(pair[0]), int(pair[1])


def _count_windows(image: Any, size: Any, stride: Any, padding: Any) -> tuple[int, int]:
    """Return how many windows there are from top to bottom, and from left to right.

    Raises ValueError if not even one fits into the image, (height, width).
    """
    (h, w), (kh, kw), (sh, sw), (ph, pw) = image, size, stride, padding
    if kh > h + 2 * ph or kw > w + 2 * pw:
        raise ValueError(
            f"a window of {kh}×{kw} does not fit into images of {h}×{w} with a padding of {padding}; "
            "take a smaller window, or more padding"
        )
    return (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1


def _windows_rule(g: Array, z: Array, x: Array, *, size: Any, stride: Any, padding: Any) -> Array:
    return overlap_add(g, image=x.shape[2:], stride=stride, padding=padding)


@op("windows", dx=Rule("each pixel gets back the gradients of its windows", _windows_rule, "words"))
def windows(x: Array, *, size: Any, stride: Any = 1, padding: Any = 0) -> Array:
    """[i, j]: the pixel (i, j) of every window on x.

    A window of `size` (height, width) slides over the images x of shape (N, C, H, W) in steps of `stride`,
    over a border of `padding` zeros. The result has shape (height, width, N, C, H′, W′), with
    H′ = (H + 2·padding − height) // stride + 1, and W′ likewise. It copies no pixel, except to add the
    border: the windows are read from the image itself.

    Raises ValueError for other shapes and for windows that do not fit.

    >>> windows(np.arange(16.0).reshape(1, 1, 4, 4), size=2, stride=2)[1, 0]
    array([[[[ 4.,  6.],
             [12., 14.]]]])
    """
    size, stride = as_pair(size, "size"), as_pair(stride, "stride")
    padding = as_pair(padding, "padding", least=0)
    if len(shape_of(x)) != 4:
        raise ValueError(
            f"expected images of shape (N, channels, height, width), got {shape_of(x)}; for one image "
            "write x[None], for images in rows x.reshape(-1, channels, height, width)"
        )
    (ph, pw), (n, c, h, w) = padding, x.shape
    _count_windows((h, w), size, stride, padding)  # raises if there is none
    if ph or pw:
        # The channels of a pixel lie side by side in memory, as `conv2d` wants them.
        bordered = np.zeros((n, h + 2 * ph, w + 2 * pw, c), x.dtype).transpose(0, 3, 1, 2)
        bordered[:, :, ph : ph + h, pw : pw + w] = x
        x = bordered
    sliding = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return sliding[:, :, :: stride[0], :: stride[1]].transpose(4, 5, 0, 1, 2, 3)


def _overlap_add_rule(
    g: Array, z: Array, x: Array, *, image: Any, stride: Any, padding: Any
) -> Array:
    return windows(g, size=x.shape[:2], stride=stride, padding=padding)


@op("overlap-add", dx=Rule("the gradient is cut into windows", _overlap_add_rule, "words"))
def overlap_add(x: Array, *, image: tuple[int, int], stride: Any = 1, padding: Any = 0) -> Array:
    """Each pixel is the sum of what all windows hold of it.

    The reverse of `windows` in the sense of derivatives: x of shape (height, width, N, C, H′, W′) gives
    images of shape (N, C, *image).

    Raises ValueError for other shapes, and if images of that size have another number of windows.

    >>> overlap_add(np.ones((2, 2, 1, 1, 2, 2)), image=(3, 3))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    if len(shape_of(x)) != 6:
        raise ValueError(
            f"expected windows of shape (height, width, N, channels, H′, W′), got {shape_of(x)}"
        )
    (sh, sw), (ph, pw) = as_pair(stride, "stride"), as_pair(padding, "padding", least=0)
    h, w = as_pair(image, "image", least=0)
    kh, kw, n, c, rows, columns = x.shape
    expected = _count_windows((h, w), (kh, kw), (sh, sw), (ph, pw))
    if (rows, columns) != expected:
        raise ValueError(
            f"images of {h}×{w} have {expected[0]}×{expected[1]} windows of {kh}×{kw} with stride "
            f"{(sh, sw)} and padding {(ph, pw)}, got {rows}×{columns}; take the size, stride and padding "
            "that cut the windows out"
        )
    total = np.zeros((n, h + 2 * ph, w + 2 * pw, c), x.dtype).transpose(0, 3, 1, 2)
    for i in range(kh):
        for j in range(kw):
            total[:, :, i : i + sh * rows : sh, j : j + sw * columns : sw] += x[i, j]
    return total[:, :, ph : ph + h, pw : pw + w]


@composed()
def conv2d(
    x: Array, weight: Array, bias: Array | None = None, stride: Any = 1, padding: Any = 0
) -> Array:
    """Σ over window and channels of x·W, + b: the same small filters at every place of an image

    Images x (N, C, H, W), filters W (height, width, C, F) and b (F,) give (N, F, H′, W′), where
    H′ = (H + 2·padding − height) // stride + 1. All windows are laid out as the rows of a matrix, so that
    one matrix product does all the work. As everywhere in deep learning the filter is not turned round,
    which mathematicians call a cross-correlation.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
    1998, section II.A.

    Raises ValueError for shapes that do not fit.

    >>> image = np.array([[0.0, 0.0, 5.0, 5.0]]).reshape(1, 1, 1, 4)
    >>> edge = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)  # the right pixel minus the left one
    >>> conv2d(image, edge)[0, 0]
    array([[0., 5., 0.]])
    """
    if len(np.shape(weight)) != 4:
        raise ValueError(
            f"expected filters of shape (height, width, channels, filters), got {np.shape(weight)}"
        )
    kh, kw, channels, filters = np.shape(weight)
    seen = windows(x, size=(kh, kw), stride=stride, padding=padding)
    _, _, n, found, rows, columns = seen.shape
    if found != channels:
        raise ValueError(
            f"filters of shape {np.shape(weight)}, (height, width, channels, filters), have {channels} "
            f"channels, and images of shape {np.shape(x)} have {found}"
        )
    if bias is not None and np.shape(bias) != (filters,):
        raise ValueError(
            f"expected one bias for each filter, of shape ({filters},), got {np.shape(bias)}"
        )
    matrix = reshape(
        transpose(seen, axes=(2, 4, 5, 0, 1, 3)), shape=(n * rows * columns, kh * kw * channels)
    )
    flat = reshape(weight, shape=(kh * kw * channels, filters))
    z = matmul(matrix, flat) if bias is None else dense(matrix, flat, bias)
    return transpose(reshape(z, shape=(n, rows, columns, filters)), axes=(0, 3, 1, 2))


@composed()
def max_pool2d(x: Array, size: Any = 2, stride: Any = None) -> Array:
    """The largest number in each window: whether something was seen, wherever it was

    (N, C, H, W) → (N, C, H′, W′), H′ = (H − height) // stride + 1. Windows lie side by side unless `stride`
    says otherwise; what is left over at the right and below is dropped. As in `max`, the gradient of a tie
    is split evenly.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    size = as_pair(size, "size")
    seen = windows(x, size=size, stride=size if stride is None else stride)
    kh, kw, n, channels, rows, columns = seen.shape
    # Copied, so that what is compared lies in long rows: that makes the search five times as fast.
    pixels = reshape(
        transpose(seen, axes=(0, 1, 2, 4, 5, 3)), shape=(kh * kw, n, rows, columns, channels)
    )
    return transpose(max(pixels, axis=0), axes=(0, 3, 1, 2))
