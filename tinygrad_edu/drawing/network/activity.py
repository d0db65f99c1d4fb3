"""What a network does with one input: what each layer gives, and how sure it is of its answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import number_of

Numbers = np.ndarray[Any, Any]


def is_dense(layer: Any) -> bool:
    """Return whether a layer is made of neurons that see all inputs: a weight of shape (n_in, n_out)."""
    return len(getattr(getattr(layer, "weight", None), "shape", ())) == 2


def sample_for(layers: Sequence[Any], input: Any) -> Numbers | None:
    """Return an input as a batch of one sample; of zeros where the first layers tell its size.

    Raises ValueError for an input that the first layers cannot take.
    """
    weighted = next((layer for layer in layers if getattr(layer, "weight", None) is not None), None)
    dtype = weighted.weight.dtype if weighted is not None else float
    size = weighted.weight.shape[0] if weighted is not None and is_dense(weighted) else None
    if layers and hasattr(layers[0], "n_in"):  # as of Reshape, which makes images of flat samples
        size = layers[0].n_in
    if input is None:
        return np.zeros((1, size), dtype) if size is not None else None
    x = np.asarray(number_of(input)).astype(dtype)
    if size is not None:
        if x.size != size:
            raise ValueError(
                f"expected one input of {size} numbers, got shape {x.shape} ({x.size} numbers); "
                "pass a single sample, such as x[0]"
            )
        return x.reshape(1, size)
    return x[(None,) * max(4 - x.ndim, 0)] if x.ndim in (2, 3) else x


def answers(layers: Sequence[Any], sample: Numbers) -> list[Numbers]:
    """Return what each layer gives for a batch of one; nothing is learned, dropped or recorded."""
    results = []
    x: Any = sample
    with ExitStack() as asking, np.errstate(all="ignore"):
        for layer in layers:
            asking.enter_context(layer.answering())
        for layer in layers:
            x = layer(x)  # handed on as it is, since layers may call methods of a Value
            results.append(np.asarray(number_of(x)))
    return results


def as_image(input: Any, size: int) -> Numbers | None:
    """Return an input of 64 pixels or more as an image with values 0 … 1, if it is square; else None."""
    side = math.isqrt(size)
    if input is None or side * side != size or side < 8:
        return None
    pixels = np.nan_to_num(np.asarray(number_of(input), float).reshape(side, side))
    low, high = float(pixels.min()), float(pixels.max())
    return np.asarray((pixels - low) / ((high - low) or 1.0))
