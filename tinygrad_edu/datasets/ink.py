"""Ink: which dots of a picture are handwriting, and which are paper, shadow, grain, ruling or table.

A camera does not see ink. It sees light, and paper in the shade sends out less of it than ink in the sun. So
nothing can be told from how dark a dot is; ink is what is darker than the paper *around it*, and narrow.
Both are one old operation of image processing, the *closing*: let every dot take the lightest tone within a
window (narrow dark things vanish), then the darkest of these (wide dark things get their old size back). What
is left is the paper with its shadows but without the writing, and the difference of the two is the ink.

The same with light and dark exchanged finds chalk on a board. Which of the two a picture shows is told by its
border, and by what most dots near the writing are: both are paper.

Source: J. Serra, Image Analysis and Mathematical Morphology, 1982.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_WINDOW = 0.4  # of the shorter side: wider than any stroke, narrower than a table
_BLURS = (0.25, 0.7, 1.4)  # dots: the noisier a picture, the less sharply we look
_LEAST_CONTRAST = 0.08  # of the paper's brightness: pencil has .2; more if unsharp
_THICKEST = 0.36  # stroke, of the longer side of a digit; it is 0.3 with a thick marker
_LEAST_EXTENT = 0.02  # of the longer side: what is smaller is a speck


class NoInkError(ValueError):
    """There is nothing written in a picture; the message says what was seen instead."""


class _ShadowError(NoInkError):
    """What there is, a shadow or a blot, is too thick for a stroke."""


@dataclass(frozen=True, eq=False)
class Ink:
    """What `find_ink` found.

    Attributes:
        strength: float32 of the picture's shape, 0 for paper to 1 for the strongest ink.
        mask: bool of the same shape, True where the handwriting is.
        notes: what was seen and done, in words.
    """

    strength: Floats
    mask: Mask
    notes: tuple[str, ...]


def load_ndimage() -> Any:
    """Return scipy.ndimage; raises ImportError that says how to install it."""
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ImportError(
            "pictures of handwriting need SciPy, which is not installed; "
            'install it with: pip install "tinygrad_edu[pictures]"'
        ) from error
    return ndimage


def find_ink(grey: Floats, grain: float = 1.0) -> Ink:
    """Find the handwriting in a picture.

    Args:
        grey: brightness from 0 to 255, float32 of shape (height, width), 200 to 1000 dots a side.
        grain: how many of these dots one dot of the original is wide, where it was enlarged.

    Raises:
        NoInkError: there is none.
    """
    is_light = _is_light_on_dark(grey)
    found: Ink | NoInkError
    try:
        found = _look(grey, grain, is_light, _WINDOW)
        if _thickness(found.mask) < _THICKEST:
            return found
    except _ShadowError as error:
        found = error
    # A shadow or a spot of light may be what stands out most. A narrower window shows what else there is.
    for light in (is_light, not is_light):
        with suppress(NoInkError):
            other = _look(grey, grain, light, _WINDOW / 3)
            if _thickness(other.mask) < _THICKEST and (
                isinstance(found, NoInkError) or _is_darker(other.mask, found.mask, grey, light)
            ):
                return other
    if isinstance(found, NoInkError):
        raise found
    return found


def _is_darker(ink: Mask, shadow: Mask, grey: Floats, is_light: bool) -> bool:
    """Return whether there is ink in a shadow, darker than that by a third, or lighter if ink is light."""
    paper = float(np.median(grey))
    ink_tone, shadow_tone = (float(np.median(grey[mask])) - paper for mask in (ink, shadow))
    return (ink_tone if is_light else -ink_tone) > 1.3 * abs(shadow_tone)


def _look(grey: Floats, grain: float, is_light: bool, window: float) -> Ink:
    """Look for ink that is lighter, or darker, than the paper, and narrower than a share of the picture.

    Raises:
        NoInkError: there is none.
    """
    ndimage = load_ndimage()
    if is_light:
        grey = 255 - grey
    reasons = []
    for step, blur in enumerate(_BLURS, start=1):
        if (
            step == 2 and grain == 1
        ):  # not before, for it would take away lines of a single dot as well
            grey = ndimage.median_filter(grey, 3)
        smooth = ndimage.gaussian_filter(grey, max(0.6, blur * grain))
        strength = _darker_than_around(smooth, window, in_shade=not is_light)
        ruled = False
        if grain < 4:  # where dots are few, noise looks like lines
            strength, ruled = _without_ruling(strength)
        try:
            strength = _normalized(strength, step * _LEAST_CONTRAST)
            mask, kept = _writing(strength, smooth)
        except NoInkError as error:
            reasons.append(error)
            continue
        notes = ["light on dark" if is_light else "dark on light"]
        notes += ["ruling taken away"] * ruled + ["noisy"] * (step > 1) + kept
        return Ink(strength, mask, tuple(notes))
    raise reasons[0]


def _darker_than_around(smooth: Floats, share: float, in_shade: bool) -> Floats:
    """Return by what share each dot is darker than the paper, there or (not in_shade) on the whole: 0 … 1."""
    ndimage = load_ndimage()
    window = max(3, round(share * max(min(smooth.shape), max(smooth.shape) / 2)))
    border = window // 2 + 1
    around = ndimage.grey_closing(_extended(smooth, border), size=(window, window))
    paper = around[border:-border, border:-border]
    brightness = np.median(paper)
    if in_shade:
        brightness = np.maximum(paper, brightness / 2)  # on black paper, grain would turn into ink
    darker: Floats = ((paper - smooth) / np.maximum(brightness, 32)).astype(np.float32)
    return darker


def _extended(smooth: Floats, border: int) -> Floats:
    """Return the picture with a wider border, as the scene might have gone on beyond it.

    If all corners are alike, paper goes on. Otherwise there is a table, or the light is uneven, and what is
    at the border goes on.
    """
    edge = max(1, round(0.03 * min(smooth.shape)))
    ends = slice(None, edge), slice(-edge, None)
    corners = [float(np.median(smooth[rows, columns])) for rows in ends for columns in ends]
    if np.ptp(corners) < 0.05 * np.ptp(smooth):
        return np.pad(smooth, border, constant_values=np.median(corners))
    return np.pad(smooth, border, mode="edge")


def _is_light_on_dark(grey: Floats) -> bool:
    """Return whether the writing is lighter than its ground.

    Near the writing, the tones of paper and of ink both occur. Of the two, the one that most dots there have
    is the paper's; dots at the border count twice, for there seldom is anything written.
    """
    ndimage = load_ndimage()
    step = max(1, max(grey.shape) // 150)
    coarse = ndimage.gaussian_filter(grey, step / 2)[::step, ::step]
    window = max(3, round(0.3 * max(coarse.shape)))
    lightest = ndimage.maximum_filter(coarse, window)
    darkest = ndimage.minimum_filter(coarse, window)
    contrast = lightest - darkest
    weight = (contrast > contrast.max() / 2) * np.where(_frame(coarse.shape), 2.0, 1.0)
    return bool((weight * (coarse - (lightest + darkest) / 2)).sum() < 0)


def _peak(strength: Floats) -> float:
    """Return the strength of the strongest dots; not of the single strongest, which may be dirt."""
    count = max(12, strength.size // 2000)
    return float(np.partition(strength.ravel(), -count)[-count:].mean())


def _normalized(strength: Floats, least_contrast: float) -> Floats:
    """Return the strength brought to 0 for the strongest grain of the paper and 1 for the strongest ink.

    Raises:
        NoInkError: the two cannot be told apart.
    """
    low, middle = np.percentile(
        strength, (10, 35)
    )  # both paper, if two thirds of a picture are ink
    spread = (
        float(middle - low) / 0.9
    )  # one standard deviation of the grain, were that all there is
    peak = _peak(strength)
    if peak - middle < max(least_contrast, 7.5 * spread):
        raise NoInkError("nothing stands out from the paper")
    floor = float(middle) + 3.4 * spread
    normalized: Floats = np.clip((strength - floor) / (peak - floor), 0, 1)
    return normalized


def _without_ruling(strength: Floats) -> tuple[Floats, bool]:
    """Return the strength without three or more thin straight lines across the picture, if it has them.

    A line is what remains under the closing's twin, the opening, with a window that is very long and a few
    dots wide: everything that is shorter vanishes. Where a line crosses a thicker stroke, the stroke stays.
    """
    ndimage = load_ndimage()
    shorter = min(strength.shape)
    slack = max(3, round(0.03 * shorter))  # lines in a photo are a little turned
    thick = ndimage.grey_opening(strength, size=(max(3, round(shorter / 90)),) * 2)
    on_line = np.zeros(strength.shape, bool)
    for axis in (0, 1):
        wide = ndimage.maximum_filter1d(strength, slack, axis=1 - axis)
        length = round(0.6 * strength.shape[axis])
        line = ndimage.minimum_filter1d(wide, length, axis=axis)
        line = ndimage.maximum_filter1d(line, length, axis=axis)
        level = line.max() if line.max() > 2 * np.percentile(line, 10) else 0  # noise is everywhere
        bands, count = ndimage.label(np.median(line, axis=axis) > level / 2)
        widest = np.bincount(bands)[1:].max(initial=0)
        if level > _LEAST_CONTRAST / 2 and count >= 3 and widest < 3 * slack:
            on_line |= line > level / 2
    without = np.where(on_line & (thick < strength / 2), 0, strength)
    return (without if on_line.any() else strength), bool(on_line.any())


def _writing(strength: Floats, smooth: Floats) -> tuple[Mask, list[str]]:
    """Return where the handwriting is, without specks and what belongs to the border; and what was done.

    Raises:
        NoInkError: nothing is left, or what is left is no handwriting.
    """
    ndimage = load_ndimage()
    inked = strength > 0.33
    labels, count = ndimage.label(inked, np.ones((3, 3)))

    def dots_in(where: Any) -> NDArray[np.float64]:
        """Return how many dots of each part lie there."""
        return np.bincount(labels[where].ravel(), minlength=count + 1)[1:].astype(float)

    weight = np.bincount(labels.ravel(), strength.ravel(), count + 1)[1:]
    corners = np.s_[:: labels.shape[0] - 1, :: labels.shape[1] - 1]
    at_border = dots_in(_frame(strength.shape)) > 0.3 * dots_in(...)
    at_border |= dots_in(corners) > 0  # nobody writes into a corner
    boxes = ndimage.find_objects(labels)
    edges = np.array(
        [_is_edge(smooth, box, labels[box] == n) for n, box in enumerate(boxes, 1)], bool
    )
    outside = dots_in(~_frame(strength.shape, 0.2)) == 0  # nowhere in the middle of the picture
    at_border |= outside & (edges | (dots_in(_frame(strength.shape, 0)) > 0))
    at_border |= np.array([_is_line_across(box, strength.shape) for box in boxes], bool)
    kept = (dots_in(strength > 0.6) > 0) & ~at_border
    if not kept.any():
        raise NoInkError("nothing but something at the border")
    extents = np.array([max(side.stop - side.start for side in box) for box in boxes])
    frames = kept & np.array([_is_frame(labels[box] == n) for n, box in enumerate(boxes, 1)])
    frames |= kept & _drawn_around(labels, boxes, np.argsort(np.where(kept, extents, 0))[-8:] + 1)
    if (kept & ~frames).any():
        kept &= ~frames
    reaching_in = kept & (dots_in(_frame(strength.shape, 0)) > 0)
    if reaching_in.any():
        whole = kept & ~reaching_in & (extents > 0.4 * extents[reaching_in].max())
        laid_beside = reaching_in & _apart_from(whole, labels, extents)
        kept &= ~laid_beside
        at_border |= laid_beside
    main = int(np.argmax(np.where(kept, weight, 0)))
    extent = extents[main]
    if extent < max(3.0, _LEAST_EXTENT * max(strength.shape)):
        raise NoInkError("nothing but specks")
    if outside[main] and extent < 0.2 * extents[edges & outside].max(initial=0):
        raise NoInkError("nothing but the edges of a sheet")
    share = weight / weight[main]
    large = kept & (share > 0.25)
    # The holes that are punched into a sheet are far out, and far from what is not.
    core = large & (~outside | (np.arange(count) == main))
    large &= dots_in(_around(np.concatenate([[False], core])[labels], 0.75)) > 0
    near = dots_in(_around(np.concatenate([[False], large])[labels], 0.25)) > 0
    kept &= large | ((share > 0.03) & near)
    mask = np.concatenate([[False], kept])[labels]
    specks = np.concatenate([[False], ~kept & ~at_border & ~frames])[labels]
    around = _around(mask, 0.1)
    strewn = specks[around].sum() > 0.15 * mask.sum() and len(np.unique(labels[around])) > 8
    if kept.sum() > 16 or strewn:
        raise NoInkError("nothing but specks, evenly strewn")
    if _thickness(mask) > 0.8:
        raise _ShadowError("a blot, no stroke")
    soft = mask.sum() > 2 * (mask & (strength > 0.8)).sum()
    if soft and _thickness(labels == main + 1) > _THICKEST:
        raise _ShadowError("a soft shadow, no stroke")
    notes = ["something at the border left out"] * bool(at_border.any())
    notes += ["a frame left out"] * bool((frames & ~kept).any())
    notes += [f"in {kept.sum()} parts"] * bool(kept.sum() > 1)
    return mask, notes + ["perhaps several digits"] * _stand_side_by_side(mask)


def _apart_from(digit: Mask, labels: Any, extents: Any) -> Mask:
    """Return which parts lie away from those of a digit, as a pen does; the bar of a 5 is near its body."""
    if not digit.any():
        return np.zeros_like(digit)
    distance = load_ndimage().distance_transform_edt(~np.concatenate([[False], digit])[labels])
    near = np.unique(labels[distance < 0.1 * extents[digit].max()])
    return ~np.isin(np.arange(1, len(digit) + 1), near)


def _thickness(mask: Mask) -> float:
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


def _around(mask: Mask, share: float) -> tuple[slice, slice]:
    """Return the box around what is True, wider by a share of its longer side in every direction."""
    spans = [np.flatnonzero(mask.any(axis=1 - axis)) for axis in (0, 1)]
    more = int(share * max(span[-1] - span[0] for span in spans)) + 1
    rows, columns = (slice(max(0, span[0] - more), span[-1] + 1 + more) for span in spans)
    return rows, columns


def _frame(shape: tuple[int, ...], share: float = 0.03) -> Mask:
    """Return a mask that is True along the border, as wide as a share of the shorter side."""
    edge = max(1, round(share * min(shape)))
    frame = np.ones(shape, bool)
    frame[edge:-edge, edge:-edge] = False
    return frame
