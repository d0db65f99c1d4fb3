"""Strokes: which parts of a picture's ink are the writing, and which lie there as well.

A part is what hangs together. Most pictures have many: the strokes of a digit, and grain, crumbs, the edge of
the sheet, holes punched into it, a pen beside it, a ring that somebody drew around the digit. What they are
is told by where they lie and by their form: writing is seldom at the border, specks are small, strokes are
long and thin and have paper on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.support import needed

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

THICKEST = 0.36  # stroke, of the longer side of a digit; it is 0.3 with a thick marker
_SURE = 0.33  # of the strongest ink: what is above that is surely ink
_LEAST_EXTENT = 0.02  # of the longer side: what is smaller is a speck


class NoInkError(ValueError):
    """There is nothing written in a picture; the message says what was seen instead."""


class ShadowError(NoInkError):
    """What there is, a shadow or a blot, is too thick for a stroke."""


def load_ndimage() -> Any:
    """Return scipy.ndimage; raises ImportError that says how to install it."""
    with needed("SciPy", "a picture of handwriting", extra="pictures"):
        from scipy import ndimage
    return ndimage


class _Parts:
    """The parts of a picture's ink. What is told of them are arrays with one entry for each.

    `labels` has the number of its part at each dot, from 1, and 0 where there is paper. `weight` is how much
    ink a part holds, `extents` its longer side, in dots.
    """

    def __init__(self, strength: Floats) -> None:
        self.strength = strength
        ndimage = load_ndimage()
        self.labels, self.count = ndimage.label(strength > _SURE, np.ones((3, 3)))
        self.boxes = ndimage.find_objects(self.labels)
        self.weight = np.bincount(self.labels.ravel(), strength.ravel(), self.count + 1)[1:]
        self.extents = np.array([max(s.stop - s.start for s in box) for box in self.boxes])

    def dots_in(self, where: Any) -> NDArray[np.float64]:
        """Return how many dots of each part lie there."""
        dots = np.bincount(self.labels[where].ravel(), minlength=self.count + 1)
        return dots[1:].astype(float)

    def cut_out(self) -> Iterator[tuple[Any, Mask]]:
        """Yield the box around each part, and where in that box the part is."""
        for number, box in enumerate(self.boxes, 1):
            yield box, self.labels[box] == number

    def dots_of(self, chosen: Mask) -> Mask:
        """Return where the dots of the chosen parts are."""
        dots: Mask = np.concatenate([[False], chosen])[self.labels]
        return dots


def find_writing(strength: Floats, smooth: Floats) -> tuple[Mask, Mask, list[str]]:
    """Return where the handwriting is, where ink is that surely is none, and what was done.

    `strength` is how much ink each dot holds, 0 … 1, and `smooth` the brightness, darker for ink.

    Raises NoInkError if nothing is left, or what is left is no handwriting.
    """
    parts = _Parts(strength)
    # Nowhere in the middle of the picture.
    outside = parts.dots_in(~along_border(strength.shape, 0.2)) == 0
    edges = np.array([_is_edge(smooth, box, part) for box, part in parts.cut_out()], bool)
    at_border = _at_border(parts, outside, edges)
    kept = (parts.dots_in(strength > 0.6) > 0) & ~at_border
    if not kept.any():
        raise NoInkError("nothing but something at the border")
    frames = _frames(parts, kept)
    if (kept & ~frames).any():
        kept &= ~frames
    beside = _laid_beside(parts, kept)
    kept &= ~beside
    at_border |= beside
    main = int(np.argmax(np.where(kept, parts.weight, 0)))
    extent = parts.extents[main]
    if extent < max(3.0, _LEAST_EXTENT * max(strength.shape)):
        raise NoInkError("nothing but specks")
    if outside[main] and extent < 0.2 * parts.extents[edges & outside].max(initial=0):
        raise NoInkError("nothing but the edges of a sheet")
    kept &= _belonging_to(main, parts, kept, outside)
    _check_strokes(parts, main, kept, parts.dots_of(~kept & ~at_border & ~frames))
    mask = parts.dots_of(kept)
    told = {
        "something at the border left out": at_border.any(),
        "a frame left out": (frames & ~kept).any(),
        f"in {kept.sum()} parts": kept.sum() > 1,
        "perhaps several digits": _stand_side_by_side(mask),
    }
    rejected = parts.dots_of(at_border | (frames & ~kept))
    return mask, rejected, [note for note, is_so in told.items() if is_so]


def _at_border(parts: _Parts, outside: Mask, edges: Mask) -> Mask:
    """Return which parts belong to the border: the shadow there, the edge of a sheet, a line across it."""
    shape = parts.strength.shape
    corners = np.s_[:: shape[0] - 1, :: shape[1] - 1]
    at_border = parts.dots_in(along_border(shape)) > 0.3 * parts.dots_in(...)
    at_border |= parts.dots_in(corners) > 0  # nobody writes into a corner
    at_border |= outside & (edges | (parts.dots_in(along_border(shape, 0)) > 0))
    at_border |= np.array([_is_line_across(box, shape) for box in parts.boxes], bool)
    return at_border


def _frames(parts: _Parts, kept: Mask) -> Mask:
    """Return which of the kept parts are drawn around the writing, as a box or a ring is."""
    largest = np.argsort(np.where(kept, parts.extents, 0))[-8:] + 1
    boxes = np.array([_is_frame(part) for _, part in parts.cut_out()])
    frames: Mask = kept & (boxes | _drawn_around(parts.labels, parts.boxes, largest))
    return frames


def _laid_beside(parts: _Parts, kept: Mask) -> Mask:
    """Return which of the kept parts reach into the picture, and lie away from the writing, as a pen does."""
    reaching_in = kept & (parts.dots_in(along_border(parts.strength.shape, 0)) > 0)
    if not reaching_in.any():
        return reaching_in
    large = parts.extents > 0.4 * parts.extents[reaching_in].max()
    return reaching_in & _apart_from(kept & ~reaching_in & large, parts)


def _belonging_to(main: int, parts: _Parts, kept: Mask, outside: Mask) -> Mask:
    """Return which parts belong to the writing of which `main` is the largest: large ones, and those near."""
    share = parts.weight / parts.weight[main]
    large = kept & (share > 0.25)
    # The holes that are punched into a sheet are far out, and far from what is not.
    core = large & (~outside | (np.arange(parts.count) == main))
    large &= parts.dots_in(_around(parts.dots_of(core), 0.75)) > 0
    near = parts.dots_in(_around(parts.dots_of(large), 0.25)) > 0
    belonging: Mask = large | ((share > 0.03) & near)
    return belonging


def _check_strokes(parts: _Parts, main: int, kept: Mask, specks: Mask) -> None:
    """Raise NoInkError for what is strewn, ShadowError for what is too thick or too soft for strokes."""
    mask = parts.dots_of(kept)
    around = _around(mask, 0.1)
    many = len(np.unique(parts.labels[around])) > 8
    if kept.sum() > 16 or (many and specks[around].sum() > 0.15 * mask.sum()):
        raise NoInkError("nothing but specks, evenly strewn")
    if thickness(mask) > 0.8:
        raise ShadowError("a blot, no stroke")
    soft = mask.sum() > 2 * (mask & (parts.strength > 0.8)).sum()
    if soft and thickness(parts.labels == main + 1) > THICKEST:
        raise ShadowError("a soft shadow, no stroke")


def _apart_from(digit: Mask, parts: _Parts) -> Mask:
    """Return which parts lie away from those of a digit, as a pen does; the bar of a 5 is near its body."""
    if not digit.any():
        return np.zeros_like(digit)
    distance = load_ndimage().distance_transform_edt(~parts.dots_of(digit))
    near = np.unique(parts.labels[distance < 0.1 * parts.extents[digit].max()])
    return ~np.isin(np.arange(1, len(digit) + 1), near)


def thickness(mask: Mask) -> float:
    """Return how thick strokes are where they are thickest, as a share of their extent."""
    part = np.pad(mask[_around(mask, 0)], 1)
    return float(2 * load_ndimage().distance_transform_edt(part).max() / max(part.shape))


def _is_edge(smooth: Floats, box: tuple[slice, slice], part: Mask) -> bool:
    """Return whether a part of the ink, cut out by its box, is long and straight, and ends a sheet of paper.

    Strokes may be long and straight as well, but have paper on both sides; an edge has the table on one.
    """
    narrow = int(np.argmin(part.shape))
    if min(part.shape) > 0.1 * max(part.shape) + 2 or max(part.shape) < 0.05 * min(smooth.shape):
        return False
    upright, (across, along) = (smooth, box) if narrow == 0 else (smooth.T, box[::-1])
    width = max(3, round(0.01 * min(smooth.shape)))
    before = upright[max(0, across.start - 2 * width) : max(1, across.start - width), along]
    after = upright[min(across.stop + width, len(upright) - 1) : across.stop + 2 * width, along]
    darker, lighter = sorted(float(np.median(side)) for side in (before, after))
    ink = float(np.median(smooth[box][part]))
    return darker - ink < 0.5 * (lighter - ink)


def _is_line_across(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether a part of the ink, by its box, is one line from the left border to the right."""
    rows, columns = box
    height, width = rows.stop - rows.start, columns.stop - columns.start
    return bool(width > 0.97 * shape[1] and height < 0.1 * width)


def _is_frame(part: Mask) -> bool:
    """Return whether a part of the ink, cut out, is a drawn box: along all four edges, and empty within."""
    if min(part.shape) < 20:
        return False
    edge = round(0.1 * min(part.shape))
    inside = part[edge:-edge, edge:-edge]
    edges = part[:edge].any(0), part[-edge:].any(0), part[:, :edge].any(1), part[:, -edge:].any(1)
    return bool(inside.mean() < 0.02 and min(along.mean() for along in edges) > 0.9)


def _drawn_around(labels: Any, boxes: list[Any], numbers: Any) -> Mask:
    """Return which parts are drawn around another, as a ring or a box is: on all sides of it, not within."""
    around = np.zeros(len(boxes), bool)
    for inner in numbers:
        rows, columns = boxes[inner - 1]
        across = labels[rows], labels[:, columns].T
        sides = [
            side
            for band, span in zip(across, (columns, rows), strict=True)
            for side in (band[:, : span.start], band[:, span.stop :])
        ]
        for outer in numbers:
            if max(labels[boxes[outer - 1]].shape) * 0.3 < max(labels[rows, columns].shape):
                on_all_sides = all((side == outer).any() for side in sides)
                around[outer - 1] |= on_all_sides and not (labels[rows, columns] == outer).any()
    return around


def _stand_side_by_side(mask: Mask) -> bool:
    """Return whether there are things of about the same height with nothing between them."""
    groups, count = load_ndimage().label(mask.any(axis=0))
    heights = [int(mask[:, groups == n].any(axis=1).sum()) for n in range(1, count + 1)]
    return sum(height > 0.6 * max(heights) for height in heights) > 1


def box_around(mask: Mask) -> tuple[slice, slice]:
    """Return the smallest box around all that is True."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _around(mask: Mask, share: float) -> tuple[slice, slice]:
    """Return the box around what is True, wider by a share of its longer side in every direction."""
    box = box_around(mask)
    more = int(share * max(span.stop - span.start - 1 for span in box)) + 1
    rows, columns = (slice(max(0, span.start - more), span.stop + more) for span in box)
    return rows, columns


def along_border(shape: tuple[int, ...], share: float = 0.03) -> Mask:
    """Return a mask that is True along the border, as wide as a share of the shorter side."""
    edge = max(1, round(share * min(shape)))
    frame = np.ones(shape, bool)
    frame[edge:-edge, edge:-edge] = False
    return frame
