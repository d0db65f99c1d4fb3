"""MNIST's form: what a picture of a digit must look like before a network taught with MNIST can read it.

A network knows what it has seen. MNIST's digits are white on black, 20 dots high or wide, their center of
mass in the middle of 28×28 dots, and their strokes are two or three dots wide. A digit of one's own is none
of that, and a network that reads 99 % of MNIST may well fail on it: not because it is written badly, but
because it is somewhere else, or thin as a hair. So the same is done to it as was done to MNIST's.

Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.lab.handwriting.faint import evened
from tinygrad_edu.lab.handwriting.ink import find_ink
from tinygrad_edu.lab.handwriting.pictures import load_image
from tinygrad_edu.lab.handwriting.sheet import cut_out_sheet
from tinygrad_edu.lab.handwriting.strokes import Floats, Mask, NoInkError, box_around, load_ndimage

Bytes = NDArray[np.uint8]

_LARGEST, _SMALLEST = 800, 224  # the longer side while the ink is looked for
_FINE = 12  # dots that stand for one dot of the result while strokes are measured


@dataclass(frozen=True)
class Form:
    """What the digits of a data set have in common, counted in their dots."""

    height: int
    width: int
    squeezed: bool  # into the whole height, where others keep the ratio of height to width
    thinnest: float  # strokes that are thinner are thickened to this
    thickest: float


#: By the size of an image: MNIST, where nine in ten strokes are 1.7 to 4.3 dots wide; and the 8×8 digits,
#: all of which are 8 dots high and nine in ten of which are 4 to 6 wide.
FORMS = {28: Form(20, 20, False, 2.0, 3.6), 8: Form(8, 6, True, 1.4, 1.9)}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture on its way to MNIST's form, every step kept.

    In the order in which they are made: `given`, the picture as it came, uint8, 0 for black; `ink`, how
    much ink each dot holds, float32 from 0 to 1, in the size that was worked in; `cleaned`, the same
    without specks and without what lay at the border; `boxed`, the digit in the box that it shall fill, its
    strokes evened, uint8, 255 for ink; `image`, uint8 of shape (size, size), 255 for ink: what the network
    sees.

    `notes` say what was seen and done, in words; `blank` why there is nothing to read, or "".
    """

    given: Bytes
    ink: Floats
    cleaned: Floats
    boxed: Bytes
    image: Bytes
    notes: tuple[str, ...]
    blank: str = ""


def to_mnist(picture: ArrayLike, size: int = 28, *, find_sheet: bool = True) -> Prepared:
    """Bring a picture of one digit to the form of MNIST, or of the 8×8 digits.

    Ink becomes 255 and paper 0, whichever of the two was darker, and however unevenly it was lit. The box
    around the ink is scaled to 20 dots, with soft outlines, and strokes that are then thinner or thicker than
    nearly all of MNIST's are evened. The center of mass comes to the middle of 28×28 dots.

    `picture` is brightness from 0 to 255, of shape (height, width), as `read_picture` gives it; `size` is
    28 for MNIST, 8 for the small digits. `find_sheet` looks for a note on a table, which takes most of the
    time, and finds nothing where the whole picture is paper.

    Raises ValueError if the picture has other than two axes, no dot, is no uint8, or the size is neither;
    ImportError without SciPy or Pillow.

    >>> picture = np.full((100, 60), 255, np.uint8)
    >>> picture[10:90, 25:33] = 40
    >>> prepared = to_mnist(picture)
    >>> prepared.image.shape, prepared.boxed.shape, prepared.notes
    ((28, 28), (20, 2), ('dark on light',))
    >>> to_mnist(np.full((100, 60), 255, np.uint8)).blank
    'nothing stands out from the paper'
    """
    given = np.asarray(picture)
    if given.ndim != 2 or given.dtype != np.uint8 or given.size == 0:
        raise ValueError(
            "expected one picture of bytes, not empty, uint8 of shape (height, width), got "
            f"{given.dtype} of shape {given.shape}; read_picture(path) gives such pictures"
        )
    if size not in FORMS:
        raise ValueError(f"size is 28 for MNIST or 8 for the small digits, got {size}")
    fitted, grain, notes = _fitted(given)
    sheet = cut_out_sheet(fitted) if find_sheet else None
    if sheet is not None:
        fitted, notes = sheet, (*notes, "a sheet cut out")
    try:
        if min(given.shape) < 5:
            raise NoInkError(f"{given.shape[1]}×{given.shape[0]} dots are too few")
        ink = find_ink(fitted, grain)
    except NoInkError as error:
        nothing, paper = np.zeros((size, size), np.uint8), np.zeros_like(fitted)
        return Prepared(given, paper, paper, nothing, nothing, (*notes, "blank"), str(error))
    cleaned = evened(ink.strength, ink.mask)
    boxed, told = _boxed(cleaned, ink.mask, FORMS[size])
    notes = (*notes, *ink.notes, *told)
    return Prepared(given, ink.strength, cleaned, boxed, centered(boxed, size), notes)


def _fitted(given: Bytes) -> tuple[Floats, float, tuple[str, ...]]:
    """Return the picture in a size to work in, how many times it was enlarged, and what to say of that."""
    height, width = given.shape
    longest = max(given.shape)
    if longest > _LARGEST:
        scale = _LARGEST / longest
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        return _resized(given, shape), 1.0, (f"{width}×{height} scaled down",)
    times = -(-_SMALLEST // longest) if longest < _SMALLEST else 1
    return _resized(given, (height * times, width * times)), float(times), ()


def _resized(picture: NDArray[Any], shape: tuple[int, int]) -> Floats:
    """Return a picture in another shape: by the mean of dots if smaller, by a smooth curve if larger."""
    if shape == picture.shape:
        return picture.astype(np.float32)
    resampling = load_image().Resampling
    how = resampling.BICUBIC if shape[0] > picture.shape[0] else resampling.BOX
    return np.asarray(load_image().fromarray(picture.astype(np.float32)).resize(shape[::-1], how))


def _boxed(strength: Floats, mask: Mask, form: Form) -> tuple[Bytes, tuple[str, ...]]:
    """Return the digit in its box, and what was done to its strokes."""
    ndimage = load_ndimage()
    cut = strength[box_around(mask)]
    coarser = max(cut.shape) // (form.height * _FINE)
    cut = ndimage.maximum_filter(cut, coarser + 1)  # so that hairlines survive being scaled down
    fine = np.pad(filling(cut, form, _FINE), 4 * _FINE)
    solid = fine > 0.45
    width = _stroke_width(solid) / _FINE
    wanted = float(np.clip(width, form.thinnest, form.thickest))
    more = (wanted - width) / 2 * _FINE  # at either edge of a stroke
    notes: tuple[str, ...] = ()
    if abs(more) > 1:
        how = "thickened" if more > 0 else "thinned"
        notes = (f"strokes {how} from {width:.1f} to {wanted:.1f} dots",)
        outside, inside = map(ndimage.distance_transform_edt, (~solid, solid))
        fine = np.clip(more - outside + inside + 0.5, 0, 1).astype(np.float32)
    else:
        fine = np.clip((fine - 0.2) / 0.6, 0, 1)
    small = filling(fine[box_around(fine > 0.45)], form)
    small = np.clip(small / np.percentile(small[small > 0.3], 75), 0, 1)
    return np.round(255 * small).astype(np.uint8), notes


def filling(picture: Floats, form: Form, times: int = 1) -> Floats:
    """Return a picture scaled to fill the form's box, each dot of it `times` as fine."""
    height, width = picture.shape
    scale = form.height / (height if form.squeezed else max(height, width))
    shape = round(scale * height * times), min(round(scale * width * times), form.width * times)
    return _resized(picture, (max(1, shape[0]), max(1, shape[1])))


def _stroke_width(solid: Mask) -> float:
    """Return how wide strokes are, in dots: twice the mean distance from their middle to their edge."""
    ndimage = load_ndimage()
    inside = ndimage.distance_transform_edt(solid)
    middle = (inside == ndimage.maximum_filter(inside, 3)) & solid
    return float(2 * np.mean(inside[middle]) - 1)


def centered(boxed: Bytes, size: int) -> Bytes:
    """Return size×size dots with the center of mass of the boxed digit in their middle, as far as it fits."""
    mass, corner = boxed.astype(float), []
    for axis, side in enumerate(boxed.shape):
        center = mass.sum(axis=1 - axis) @ (np.arange(side) + 0.5) / mass.sum()
        corner.append(int(np.clip(round(size / 2 - center), 0, size - side)))
    image = np.zeros((size, size), np.uint8)
    image[tuple(slice(c, c + side) for c, side in zip(corner, boxed.shape, strict=True))] = boxed
    return image
