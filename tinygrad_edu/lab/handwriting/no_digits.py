"""What is no digit: an eleventh answer, for a network that has only ever seen ten.

A network that has learned ten digits calls a house a 6, and is sure of it: among its ten answers there is
none for houses, and its probabilities always add up to 1. So it gets an eleventh answer, and pictures to
learn it from. They need not be houses. What tells all that is no digit from the digits is that it is drawn
otherwise: strokes that go anywhere, outlines, blots, a crowd of small marks, digits side by side. (To learn
from such examples is known as outlier exposure.)

Source: Hendrycks, Mazeika and Dietterich, Deep Anomaly Detection with Outlier Exposure, 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.datasets import Dataset, Pixels
from tinygrad_edu.lab.handwriting.mnist_form import FORMS, centered, filling
from tinygrad_edu.lab.handwriting.pictures import load_image
from tinygrad_edu.lab.handwriting.strokes import Floats, box_around, load_ndimage

Rng = np.random.Generator

_FINE = 4  # dots that are drawn for one dot of the result
_SIDE = 20 * _FINE


def add_no_digits(data: Dataset, share: float = 0.15, rng: int | Rng = 0) -> Dataset:
    """Return the dataset with an eleventh class, "none", and images of no digit to learn it from.

    Scribbles and letters, outlines and blots, crowds of small marks, digits side by side, all as `to_mnist`
    would hand them on. The test part stays as it is.

    `data` is MNIST, or has images of 28×28 dots like it; `share` says how many images of no digit come to one
    of a digit, and `rng` is a seed or a Generator.

    Raises ValueError for a share outside of 0 … 1, or images of another size.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the images is between 0 and 1, got {share}")
    if data.image_shape != (28, 28):
        raise ValueError(f"expected images of 28×28 dots, got {data.image_shape}")
    rng = np.random.default_rng(rng)
    digits = data.x_train.raw.reshape(-1, 28, 28)
    count = round(share * len(digits))
    kinds = rng.integers(len(_KINDS), size=count)
    made = np.array([_in_form(_KINDS[kind](digits, rng)) for kind in kinds], np.uint8)
    none = len(data.class_names)
    return replace(
        data,
        x_train=Pixels(np.concatenate([data.x_train.raw, made.reshape(count, 28 * 28)])),
        y_train=np.concatenate([data.y_train, np.full(count, none)]),
        class_names=(*data.class_names, "none"),
        note=f"{data.note}, and {count:,} images of no digit",
    )


def _in_form(drawn: Floats) -> NDArray[np.uint8]:
    """Return what was drawn, 0 … 1, as it comes to the network."""
    boxed = filling(drawn[box_around(drawn > 0.45)], FORMS[28])
    return centered(np.round(255 * np.clip(boxed, 0, 1)).astype(np.uint8), 28)


def _scribble(_: Any, rng: Rng) -> Floats:
    """Draw strokes that go anywhere, straight or bent, as in letters, doodles and scribbles."""
    picture, draw = _paper()
    wide = int(rng.integers(7, 14))
    corners = _places(4, 5, rng) if rng.random() < 0.6 else rng.uniform(6, _SIDE - 6, (20, 2))
    for _stroke in range(int(rng.integers(3, 6))):  # fewer are easily a 1 or a 7
        points = corners[rng.choice(len(corners), int(rng.integers(2, 5)), replace=False)]
        if len(points) > 2 and rng.random() < 0.5:
            points = _bent(points[:3])
        draw.line([tuple(point) for point in points], fill=255, width=wide, joint="curve")
    return _ink(picture)


def _places(columns: int, rows: int, rng: Rng) -> NDArray[Any]:
    """Return the places of a grid, (x, y), each moved a little: where letters have their corners."""
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    room = _SIDE - 16
    width = rng.uniform(0.4, 1)
    spread = grid / (columns - 1, rows - 1) * (room * width, room)
    return np.clip(8 + spread + rng.normal(0, 2, spread.shape), 4, _SIDE - 4)


def _bent(corners: NDArray[Any]) -> NDArray[Any]:
    """Return points on a curve from the first corner to the third, which the second one bends."""
    t = np.linspace(0, 1, 16)[:, None]
    curve: NDArray[Any] = (
        (1 - t) ** 2 * corners[0] + 2 * t * (1 - t) * corners[1] + t**2 * corners[2]
    )
    return curve


def _outline(_: Any, rng: Rng) -> Floats:
    """Draw polygons and ovals, as a house, a face or a fish has them."""
    picture, draw = _paper()
    wide = int(rng.integers(6, 12))
    for _shape in range(int(rng.integers(2, 6))):  # a single oval is a 0
        center, radius = rng.uniform(16, _SIDE - 16, 2), rng.uniform(8, 40)
        corners = int(rng.integers(3, 8))
        turns = np.sort(rng.uniform(0, 2 * np.pi, corners))
        if rng.random() < 0.4:
            turns = np.linspace(0, 2 * np.pi, 24)
        reach = radius * (rng.uniform(0.5, 1, 2) if len(turns) == 24 else 1)
        points = center + reach * np.stack([np.cos(turns), np.sin(turns)], 1)
        line = [tuple(point) for point in np.clip([*points, points[0]], 4, _SIDE - 4)]
        draw.line(line, fill=255, width=wide, joint="curve")
    if rng.random() < 0.5:
        draw.line([tuple(place) for place in rng.uniform(6, _SIDE - 6, (2, 2))], 255, wide)
    return _ink(picture)


def _blot(_: Any, rng: Rng) -> Floats:
    """Draw a filled shape, as clothes and shadows are, or spots of noise, as in a photograph."""
    if rng.random() < 0.5:
        picture, draw = _paper()
        for _shape in range(int(rng.integers(1, 4))):
            points = rng.uniform(4, _SIDE - 4, (int(rng.integers(3, 9)), 2))
            turns = np.arctan2(*(points - points.mean(axis=0)).T)
            draw.polygon([tuple(point) for point in points[np.argsort(turns)]], fill=255)
        return _ink(picture)
    noise = load_ndimage().gaussian_filter(
        rng.normal(0, 1, (_SIDE, int(_SIDE * rng.uniform(0.5, 1)))), rng.uniform(3, 12)
    )
    spots: Floats = (noise > np.quantile(noise, rng.uniform(0.4, 0.85))).astype(np.float32)
    return spots


def _crowd(digits: Any, rng: Rng) -> Floats:
    """Draw many small marks, as a page of text or bricks are from afar."""
    picture, draw = _paper()
    step = rng.uniform(10, 26)
    for y in np.arange(6, _SIDE - 6, step):
        for x in np.arange(6, _SIDE - 6, step * rng.uniform(0.6, 1.2)):
            if rng.random() < 0.8:
                ends = np.array([x, y]) + rng.normal(0, step / 3, (2, 2))
                draw.line([tuple(end) for end in ends], fill=255, width=int(rng.integers(3, 8)))
    return _ink(picture)


def _side_by_side(digits: Any, rng: Rng) -> Floats:
    """Put two to four digits next to each other, as in a word or a number."""
    row = []
    for digit in digits[rng.integers(len(digits), size=int(rng.integers(2, 5)))]:
        _, columns = box_around(digit > 50)
        row += [digit[:, columns], np.zeros((28, int(rng.integers(0, 4))), np.uint8)]
    return np.hstack(row).astype(np.float32) / np.float32(255)


_KINDS: tuple[Callable[[Any, Rng], Floats], ...] = (
    *(_scribble, _scribble, _scribble),
    *(_outline, _blot, _crowd, _side_by_side),
)


def _paper() -> tuple[Any, Any]:
    """Return an empty picture, and what draws on it."""
    from PIL import ImageDraw

    picture = load_image().new("L", (_SIDE, _SIDE))
    return picture, ImageDraw.Draw(picture)


def _ink(picture: Any) -> Floats:
    return np.asarray(picture, np.float32) / np.float32(255)
