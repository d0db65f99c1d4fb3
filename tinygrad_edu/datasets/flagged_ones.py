"""Ones with a flag: what a network misses that has learned to read in America.

Nearly all ones of MNIST are a single stroke. In Europe and elsewhere a 1 begins with a flag, an upstroke
from the left, and a network that has hardly seen any takes many of them for sevens. No distortion helps, for
a stroke cannot be stretched into two. What helps is to show it some. So flags are drawn onto ones that real
hands have written, each in the thickness of its stroke, some with a foot as well, and they are learned
beside all the others.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.pixels import Pixels


def add_flagged_ones(
    data: Dataset, share: float = 0.5, rng: int | np.random.Generator = 0
) -> Dataset:
    """Return the dataset with more ones to learn from: a share of those it has, with a flag drawn on.

    The flag leaves the upper end of the stroke to the left, 30° to 60° from it but never flat as a 7's, and
    is a fifth to half as long as the 1 is high. Every fourth 1 gets a foot. The digit is then centered again
    by its mass. The test part stays as it is.

    `data` is MNIST, or images like it: digits, with 1 as class 1, and ink as large numbers. `share` is that
    of the ones, from 0 to 1, and `rng` a seed or a Generator.

    Raises ValueError for a share outside of 0 … 1.

    >>> from tinygrad_edu.datasets import load_digits
    >>> digits = load_digits()
    >>> len(digits.y_train), len(add_flagged_ones(digits).y_train)
    (1438, 1511)
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the ones is between 0 and 1, got {share}")
    rng = np.random.default_rng(rng)
    ones = np.flatnonzero(data.y_train == 1)
    chosen = rng.choice(ones, round(share * len(ones)), replace=False)
    images = data.x_train.raw[chosen].reshape(-1, *data.image_shape)
    drawn = np.array([_flagged(image, rng) for image in images], np.uint8)
    drawn = drawn.reshape(len(drawn), data.x_train.shape[1])
    return replace(
        data,
        x_train=Pixels(np.concatenate([data.x_train.raw, drawn])),
        y_train=np.concatenate([data.y_train, data.y_train[chosen]]),
        note=f"{data.note}, and {len(drawn):,} ones with a flag drawn on",
    )


def _flagged(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image of a 1 with a flag, and perhaps a foot, centered by its mass."""
    strength = image / 255.0
    rows = np.flatnonzero(image.max(axis=1) > 127)
    if len(rows) < 4:
        return image
    top, bottom = rows[0], rows[-1]
    length = bottom - top + 1
    width = strength.sum() / length  # of the stroke, if that is upright
    across = np.arange(image.shape[1])
    head, base = (float(strength[row] @ across / strength[row].sum()) for row in (top, bottom))
    start, end = np.array([top + width / 2, head]), np.array([bottom - width / 2, base])
    slant = np.arctan2(start[1] - end[1], end[0] - start[0])
    angle = min(slant + np.radians(rng.uniform(30, 60)), np.radians(60))  # flatter would be a 7
    reach = length * rng.uniform(0.2, 0.5)
    flag = np.array([np.cos(angle), -np.sin(angle)])
    strokes = [(start, start + reach * flag)]
    if rng.random() < 0.25:
        half = np.array([0.0, length * rng.uniform(0.15, 0.3)])
        strokes.append((end - half, end + half))
    for a, b in strokes:
        strength = np.maximum(strength, _line(image.shape, a, b, width))
    return _centered(np.round(255 * strength).astype(np.uint8))


def _line(
    shape: tuple[int, ...], a: NDArray[Any], b: NDArray[Any], width: float
) -> NDArray[np.float64]:
    """Return a picture of a line from a to b, (row, column), with round ends and soft edges: 0 … 1."""
    places = np.moveaxis(np.indices(shape), 0, -1).astype(float)
    along = np.clip((places - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    distance = np.linalg.norm(places - (a + along[..., None] * (b - a)), axis=-1)
    line: NDArray[np.float64] = np.clip(width / 2 - distance + 0.5, 0, 1)
    return line


def _centered(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the image moved by whole pixels so that its center of mass is in the middle, nothing cut off."""
    moved = image
    for axis in (0, 1):
        mass = moved.sum(axis=1 - axis, dtype=float)
        used, side = np.flatnonzero(mass), len(mass)
        shift = round((side - 1) / 2 - mass @ np.arange(side) / mass.sum())
        moved = np.roll(moved, int(np.clip(shift, -used[0], side - 1 - used[-1])), axis)
    return moved
