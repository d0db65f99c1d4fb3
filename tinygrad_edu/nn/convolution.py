"""Convolutions: one small pattern, looked for everywhere.

A stroke is the same stroke wherever it stands. `Conv2D` learns each pattern once and slides it over the
image; `MaxPool2D` then keeps whether it was seen, and forgets exactly where.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.nn._checks import are_counts, float_name, new_weight
from tinygrad_edu.nn.initializers import find_initializer
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.number import Array
from tinygrad_edu.ops import as_pair


class Conv2D(Layer):
    """Small filters that slide over images: each looks for one pattern, everywhere.

    A Dense layer would have to learn a stroke anew at each place; a filter learns it once, with few weights.
    `weight` has shape (height, width, in_channels, out_channels), `bias` (out_channels,), or is None with
    `bias=False`. Takes (N, in_channels, H, W), gives (N, out_channels, H′, W′) with
    H′ = (H + 2·padding − height) // stride + 1 (see `ops.conv2d`). `size`, `stride` and `padding` are one
    number, or (height, width). With stride 1, `padding=size // 2` keeps the size of the images.

    Raises ValueError for impossible sizes, unknown initializers, and inputs of another shape.

    >>> layer = Conv2D(1, 8, size=3, padding=1, rng=0)
    >>> layer(np.ones((5, 1, 28, 28), np.float32)).shape
    (5, 8, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        bias: bool = True,
        init: str = "glorot_uniform",
        bias_init: str = "zeros",
        dtype: Any = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        if not are_counts(in_channels, out_channels):
            raise ValueError(
                f"Conv2D needs at least one channel in and one out, got ({in_channels!r}, {out_channels!r}); "
                "give two whole numbers, as in Conv2D(1, 8)"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.size, self.stride = as_pair(size, "size"), as_pair(stride, "stride")
        self.padding = as_pair(padding, "padding", least=0)
        self.init, self.bias_init = init, bias_init
        self.dtype = float_name(dtype)
        for name in (init, bias_init):
            find_initializer(name)  # raises ValueError for an unknown one
        shape = (*self.size, in_channels, out_channels)
        self.weight = new_weight(shape, self.dtype, "weight")
        self.bias = new_weight((out_channels,), self.dtype, "bias") if bias else None
        self.initialize(np.random.default_rng(rng))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the weights, then the biases, by the initializers named at construction."""
        self.weight.data = find_initializer(self.init)(self.weight.shape, rng)
        if self.bias is not None:
            self.bias.data = find_initializer(self.bias_init)(self.bias.shape, rng)

    def forward(self, x: Array) -> Array:
        """(N, in_channels, H, W) → (N, out_channels, H′, W′)"""
        given = np.shape(x)
        if len(given) != 4 or given[1] != self.in_channels:
            raise ValueError(
                f"{self.name or 'Conv2D'} has {self.in_channels} channels and expects shape "
                f"(N, {self.in_channels}, height, width), got {given}"
                f"{_conv_hint(given, self.in_channels)}"
            )
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "bias": self.bias is not None,
            "init": self.init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
        }

    def __repr__(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}, size={_short(self.size)}"]
        words += [f"stride={_short(self.stride)}"] if self.stride != (1, 1) else []
        words += [f"padding={_short(self.padding)}"] if self.padding != (0, 0) else []
        words += ["bias=False"] if self.bias is None else []
        return f"Conv2D({', '.join(words)})"


def _conv_hint(given: tuple[int, ...], channels: int = 1) -> str:
    """Return what is likely to help when an input is not a batch of images with this many channels."""
    if len(given) == 2:
        side = math.isqrt(given[1] // channels)
        if channels * side * side == given[1]:
            return f"; put Reshape({channels}, {side}, {side}) before it"
        return "; put Reshape(channels, height, width) before it"
    if len(given) == 3:
        return "; for images without channels write x[:, None], for one image x[None]"
    if len(given) == 4 and given[3] == channels:
        alone = f", or Reshape(1, {given[1]}, {given[2]})" if channels == 1 else ""
        return f"; channels come second, as in x.transpose(0, 3, 1, 2){alone}"
    return ""


def _short(pair: tuple[int, int]) -> str:
    """Return a pair as it is mostly written: 3 for (3, 3)."""
    return str(pair[0] if pair[0] == pair[1] else pair)


class MaxPool2D(Layer):
    """The largest number in each window: images half as large, and less particular about places.

    Takes (N, C, H, W), gives (N, C, H′, W′) with H′ = (H − height) // stride + 1; `stride` is the size
    unless you name one, so that windows lie side by side (see `ops.max_pool2d`).

    Raises ValueError for impossible sizes, and for inputs of another shape.

    >>> MaxPool2D(2)(np.ones((5, 8, 28, 28), np.float32)).shape
    (5, 8, 14, 14)
    """

    def __init__(
        self, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] | None = None
    ) -> None:
        self.size = as_pair(size, "size")
        self.stride = self.size if stride is None else as_pair(stride, "stride")

    def forward(self, x: Array) -> Array:
        """(N, C, H, W) → (N, C, H′, W′)"""
        given = np.shape(x)
        if len(given) != 4:
            raise ValueError(
                f"{self.name or 'MaxPool2D'} expects images of shape (N, channels, height, width), "
                f"got {given}{_conv_hint(given)}"
            )
        return ops.max_pool2d(x, self.size, self.stride)

    def __repr__(self) -> str:
        stride = f", stride={_short(self.stride)}" if self.stride != self.size else ""
        return f"MaxPool2D({_short(self.size)}{stride})"
