"""Augmentation: a 7 that is turned a little, moved a little or drawn with a shaky hand is still a 7.

A network sees each training image again in every epoch, and in the end knows the images rather than the
digits. So it is shown a slightly different image each time: turned, moved, zoomed, slanted, or bent as if
printed on rubber. What is asked of the network is the same, and the images no longer repeat.

All of these move the *places* of pixels: where in the old image lies what is seen at each pixel of the new
one? The answer is a pair of arrays, rows and columns, and each step below takes such a pair and moves it on.
Only then is the old image looked at (see `resampling`). So a composition of five steps looks once: it takes
little longer than one step, and blurs no more.

>>> augment = Compose(Rotate(10), Shift(2), Zoom(0.1), Elastic(1.0))
>>> images = np.random.default_rng(0).random((100, 784), dtype=np.float32)
>>> augment(images, rng=0).shape
(100, 784)

Rotated copies of MNIST are in Rashid, *Make Your Own Neural Network* (2016); elastic distortions in Simard,
Steinkraus and Platt, *Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis*
(2003).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_edu.datasets.resampling import Places, distort


@dataclass
class Augmentation(ABC):
    """A random change of images: call it with a batch and an rng. A subclass gives `move`.

    `fill` is what is seen where the old image ends, the color of its paper; `image_shape` the (height,
    width) of images that come flat and are not square.

    Raises ValueError or TypeError for a number that makes no sense.

    >>> @dataclass
    ... class Mirror(Augmentation):
    ...     def move(self, rows, cols, rng):
    ...         return rows, cols * rng.choice([-1, 1], size=(len(cols), 1, 1, 1))
    >>> Mirror()(np.array([[[0.0, 1.0], [0.0, 1.0]]]), rng=1).tolist()
    [[[1.0, 0.0], [1.0, 0.0]]]
    """

    _: KW_ONLY
    fill: float = 0.0
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check("fill", self.fill, low=-math.inf)

    def __call__(self, images: ArrayLike, rng: int | np.random.Generator) -> NDArray[Any]:
        """Return changed images; those given stay as they are.

        `images` holds floats, of shape (N, H, W), (N, C, H, W), or flat (N, H·W); the answer has the same
        shape and dtype, and numbers between the same bounds (and `fill`). All channels of an image move
        together. The same seed gives the same images.

        Raises ValueError or TypeError for another shape or dtype.
        """
        rng = np.random.default_rng(rng)
        return distort(
            images, lambda rows, cols: self.move(rows, cols, rng), self.fill, self.image_shape
        )

    @abstractmethod
    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Return the places in the old images that are seen at the given places, drawn by rng.

        Both arrays are (N, 1, H, W), or broadcast to that: rows and columns in pixels, counted from the
        middle of the image. They must not be changed in place.
        """


@dataclass
class Rotate(Augmentation):
    """Turn each image about its middle, by −degrees … +degrees.

    >>> Rotate(10)(np.ones((2, 8, 8)), rng=0)[:, 4, 4].tolist()
    [1.0, 1.0]
    """

    degrees: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("degrees", self.degrees)

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Turn all places by one angle for each image."""
        return _turn(rows, cols, _draw(np.radians(self.degrees), rows, rng))


@dataclass
class Shift(Augmentation):
    """Move each image by −pixels … +pixels, down and to the right; also by parts of a pixel.

    >>> Shift(2.5, fill=0.01)
    Shift(fill=0.01, image_shape=None, pixels=2.5)
    """

    pixels: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("pixels", self.pixels)

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Add two numbers for each image."""
        return rows - _draw(self.pixels, rows, rng), cols - _draw(self.pixels, cols, rng)


@dataclass
class Zoom(Augmentation):
    """Make each image larger or smaller, by a factor of 1 − share … 1 + share; share is below 1.

    >>> Zoom(1.5)
    Traceback (most recent call last):
    ValueError: expected share, at least 0 and below 1, got 1.5
    """

    share: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("share", self.share, high=1)

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Divide by one factor for each image."""
        factor = 1 + _draw(self.share, rows, rng)
        return rows / factor, cols / factor


@dataclass
class Shear(Augmentation):
    """Slant each image like handwriting: upright strokes lean by −degrees … +degrees, below 90.

    >>> Shear(15).degrees
    15
    """

    degrees: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("degrees", self.degrees, high=90)

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Move each row sideways, the further from the middle the more."""
        return rows, cols + rows * np.tan(_draw(np.radians(self.degrees), rows, rng))


@dataclass
class Elastic(Augmentation):
    """Bend each image like rubber: neighbors move together, distant parts each their own way.

    Every pixel draws a random push, and a Gaussian as wide as `smoothness` pixels smooths the pushes. What
    is left is scaled so that a pixel moves by `strength` pixels (the standard deviation, down and sideways).
    Simard and others smooth by 4 pixels; their α = 34 then comes to a strength of 1.4.

    In a `Compose` the field of pushes is laid over the new image, whatever comes before.

    >>> Elastic(1.2, smoothness=4)(np.zeros((5, 784), dtype=np.float32), rng=0).dtype
    dtype('float32')
    """

    strength: float
    smoothness: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("strength", self.strength)
        _check("smoothness", self.smoothness, low=0.1)

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Add a smooth random field to the rows, and another to the columns."""
        count, height, width = len(rows), rows.shape[2], cols.shape[3]
        down = _smoothing(height, self.smoothness, rows.dtype)
        across = _smoothing(width, self.smoothness, rows.dtype)
        # A Gaussian is smoothed along the one axis, then along the other. With the axes in this order,
        # height first, each is a single product of two matrices for all images.
        pushes = rng.random((height, 2 * count * width), dtype=np.float32) - np.float32(0.5)
        spread = self.strength * math.sqrt(12)  # numbers between −½ and ½ have deviation 1/√12
        fields = (down @ pushes).reshape(-1, width) @ (across.T * rows.dtype.type(spread))
        fields = fields.reshape(height, 2, count, width).transpose(1, 2, 0, 3)[:, :, None]
        return rows + fields[0], cols + fields[1]


@dataclass(init=False)
class Compose(Augmentation):
    """Several augmentations, the first of them first. The images are looked into once, for all of them.

    `fill` and `image_shape` are given here, not to the parts. Raises TypeError for what is no augmentation,
    ValueError if a part has a fill or a shape of its own.

    >>> Compose(Rotate(10), Shift(2), fill=0.01).steps[1].pixels
    2
    """

    steps: tuple[Augmentation, ...]

    def __init__(
        self,
        *steps: Augmentation,
        fill: float = 0.0,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        for step in steps:
            if not isinstance(step, Augmentation):
                raise TypeError(
                    f"expected augmentations, got {step!r}; write Compose(Rotate(10), Shift(2)), and give "
                    "a function of your own the images that come out of it"
                )
            if step.fill != 0 or step.image_shape is not None:
                raise ValueError(
                    f"{step} has a fill or an image_shape of its own, but the images are looked into only "
                    "once; give both to the Compose: Compose(Rotate(10), Shift(2), fill=0.01)"
                )
        self.steps, self.fill, self.image_shape = steps, fill, image_shape
        super().__post_init__()

    def move(self, rows: Places, cols: Places, rng: np.random.Generator) -> tuple[Places, Places]:
        """Go through the steps from the last to the first, since the way leads from the new image back."""
        for step in reversed(self.steps):
            rows, cols = step.move(rows, cols, rng)
        return rows, cols


def rotate(
    images: ArrayLike,
    degrees: float,
    fill: float = 0.0,
    image_shape: tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Return all images turned by the same angle, anticlockwise if it is above 0.

    About the middle, with linear interpolation, the outside filled: what `scipy.ndimage.rotate(image,
    degrees, order=1, reshape=False, cval=fill)` does to one image. *Make Your Own Neural Network* adds
    copies turned by +10° and −10°, with fill .01, for its inputs go from .01 to 1.

    `images` as for an `Augmentation`; so is what is raised.

    >>> rotate(np.array([[[1.0, 2.0], [3.0, 4.0]]]), 90).tolist()
    [[[2.0, 4.0], [1.0, 3.0]]]
    """
    _check("degrees", degrees, low=-math.inf)
    _check("fill", fill, low=-math.inf)
    angle = np.full((1, 1, 1, 1), np.radians(degrees))
    return distort(
        images,
        lambda rows, cols: _turn(rows[:1], cols[:1], angle),
        fill,
        image_shape,
        sharp_rim=True,
    )


def _turn(rows: Places, cols: Places, angles: NDArray[Any]) -> tuple[Places, Places]:
    cos, sin = np.cos(angles), np.sin(angles)
    return cos * rows + sin * cols, cos * cols - sin * rows


def _draw(largest: float, places: Places, rng: np.random.Generator) -> NDArray[Any]:
    """Return a number from −largest to largest for each image, (N, 1, 1, 1)."""
    return rng.uniform(-largest, largest, (len(places), 1, 1, 1)).astype(places.dtype)


@lru_cache(maxsize=16)
def _smoothing(size: int, width: float, dtype: DTypeLike) -> NDArray[Any]:
    """Return the matrix (size, size) that smooths along one axis by a Gaussian.

    Its rows have length 1, where a mean has rows of sum 1: so the noise keeps its deviation, at the rim too.
    """
    places = np.arange(size)
    weights = np.exp(-((places[:, None] - places) ** 2) / (2 * width**2))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return weights.astype(dtype)


def _check(name: str, value: float, low: float = 0, high: float = math.inf) -> None:
    """Raise TypeError for what is no number, ValueError unless low ≤ value < high, and finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"expected {name} to be a number, got {value!r}")
    if not (low <= value < high and math.isfinite(value)):
        bounds = []
        if low > -math.inf:
            bounds.append(f"at least {low}")
        if high < math.inf:
            bounds.append(f"below {high}")
        raise ValueError(
            f"expected {name}, {' and '.join(bounds) or 'a finite number'}, got {value}"
        )
