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

import numpy as np

from tinygrad_edu.lab.handwriting.faint import with_faint_strokes
from tinygrad_edu.lab.handwriting.strokes import (
    THICKEST,
    Floats,
    Mask,
    NoInkError,
    ShadowError,
    along_border,
    find_writing,
    load_ndimage,
    thickness,
)

_WINDOW = 0.4  # of the shorter side: wider than any stroke, narrower than a table
_BLURS = (0.25, 0.7, 1.4)  # dots: the noisier a picture, the less sharply we look
_LEAST_CONTRAST = 0.08  # of the paper's brightness: pencil has .2; more if unsharp


@dataclass(frozen=True, eq=False)
class Ink:
    """What `find_ink` found.

    `strength` is float32 of the picture's shape, 0 for paper to 1 for the strongest ink; `mask` bool of the
    same shape, True where the handwriting is; `notes` say what was seen and done, in words.
    """

    strength: Floats
    mask: Mask
    notes: tuple[str, ...]


def find_ink(gray: Floats, grain: float = 1.0) -> Ink:
    """Find the handwriting in a picture.

    `gray` is brightness from 0 to 255, float32 of shape (height, width), 200 to 1000 dots a side; `grain`
    how many of these dots one dot of the original is wide, where it was enlarged.

    Raises NoInkError if there is none.
    """
    is_light = _is_light_on_dark(gray)
    found: Ink | NoInkError
    try:
        found = _look(gray, grain, is_light, _WINDOW)
        if thickness(found.mask) < THICKEST:
            return found
    except ShadowError as error:
        found = error
    # A shadow or a spot of light may be what stands out most. A narrower window shows what else there is.
    for light in (is_light, not is_light):
        with suppress(NoInkError):
            other = _look(gray, grain, light, _WINDOW / 3)
            if thickness(other.mask) < THICKEST and (
                isinstance(found, NoInkError) or _is_darker(other.mask, found.mask, gray, light)
            ):
                return other
    if isinstance(found, NoInkError):
        raise found
    return found


def _is_darker(ink: Mask, shadow: Mask, gray: Floats, is_light: bool) -> bool:
    """Return whether ink in a shadow is darker than that by a third, or, where ink is light, lighter."""
    paper = float(np.median(gray))
    ink_tone, shadow_tone = (float(np.median(gray[mask])) - paper for mask in (ink, shadow))
    return (ink_tone if is_light else -ink_tone) > 1.3 * abs(shadow_tone)


def _look(gray: Floats, grain: float, is_light: bool, window: float) -> Ink:
    """Look for ink that is lighter, or darker, than the paper, and narrower than a share of the picture.

    Raises NoInkError if there is none.
    """
    ndimage = load_ndimage()
    if is_light:
        gray = 255 - gray
    reasons = []
    for step, blur in enumerate(_BLURS, start=1):
        if step == 2 and grain == 1:  # not before: it takes away lines of a single dot as well
            gray = ndimage.median_filter(gray, 3)
        smooth = ndimage.gaussian_filter(gray, max(0.6, blur * grain))
        strength = _darker_than_around(smooth, window, in_shade=not is_light)
        ruled = False
        if grain < 4:  # where dots are few, noise looks like lines
            strength, ruled = _without_ruling(strength)
        try:
            strength = _normalized(strength, step * _LEAST_CONTRAST)
            mask, rejected, kept = find_writing(strength, smooth)
        except NoInkError as error:
            reasons.append(error)
            continue
        notes = ["light on dark" if is_light else "dark on light"]
        if ruled:
            notes.append("ruling taken away")
        if step > 1:
            notes.append("noisy")
        mask = with_faint_strokes(strength, mask, rejected)
        return Ink(strength, mask, (*notes, *kept))
    raise reasons[0]


def _darker_than_around(smooth: Floats, share: float, in_shade: bool) -> Floats:
    """Return how much darker each dot is than the paper, as a share of the paper's brightness: 0 … 1.

    That is the brightness of the whole paper; with `in_shade`, of the paper around the dot.
    """
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


def _is_light_on_dark(gray: Floats) -> bool:
    """Return whether the writing is lighter than its ground.

    Near the writing, the tones of paper and of ink both occur. Of the two, the one that most dots there have
    is the paper's; dots at the border count twice, for there seldom is anything written.
    """
    ndimage = load_ndimage()
    step = max(1, max(gray.shape) // 150)
    coarse = ndimage.gaussian_filter(gray, step / 2)[::step, ::step]
    window = max(3, round(0.3 * max(coarse.shape)))
    lightest = ndimage.maximum_filter(coarse, window)
    darkest = ndimage.minimum_filter(coarse, window)
    contrast = lightest - darkest
    weight = (contrast > contrast.max() / 2) * np.where(along_border(coarse.shape), 2.0, 1.0)
    return bool((weight * (coarse - (lightest + darkest) / 2)).sum() < 0)


def _peak(strength: Floats) -> float:
    """Return the strength of the strongest dots; not of the single strongest, which may be dirt."""
    count = max(12, strength.size // 2000)
    return float(np.partition(strength.ravel(), -count)[-count:].mean())


def _normalized(strength: Floats, least_contrast: float) -> Floats:
    """Return the strength brought to 0 for the strongest grain of the paper and 1 for the strongest ink.

    Raises NoInkError if the two cannot be told apart.
    """
    # Both are paper, even if two thirds of a picture are ink.
    low, middle = np.percentile(strength, (10, 35))
    spread = float(middle - low) / 0.9  # a standard deviation of the grain, were that all there is
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
    window = max(3, round(shorter / 90))
    thick = ndimage.grey_opening(strength, size=(window, window))
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
