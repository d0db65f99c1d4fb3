"""Sheets: where the paper ends, in a photo of a note that lies on a table.

A white note on a dark table is, as seen from afar, light writing on a dark ground: something stands out. What
tells a sheet from a digit is its outline. A sheet has four corners and four straight edges, in whatever
perspective, so the largest quadrangle that fits into it covers nearly all of it. Of a round thing, such as a
thick 0 or the spot of a lamp, that quadrangle covers two thirds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.lab.handwriting.strokes import Floats, Mask, box_around, load_ndimage

# Dots of the longer side while the sheet is looked for: grain and writing hardly show.
_COARSE = 160
_LEVELS = 16  # tones that are tried as the border between sheet and table
_LEAST_STEP = 12.0  # of 255, between the sheet and what surrounds it
_LEAST_AREA, _MOST_AREA = 0.05, 0.95  # of the picture
_LEAST_PAPER = 0.7  # of the area within the outline; the rest is writing
_LEAST_QUADRANGLE, _MOST_TRIANGLE = 0.9, 0.75  # of that area
_SLIMMEST = 0.4  # width to length: a thick 1 is slimmer

_Points = NDArray[np.float64]


def cut_out_sheet(gray: Floats) -> Floats | None:
    """Return the part of a picture that shows a sheet on a table, or None if there is none.

    What is left of the table in its corners gets the tone of the nearest paper.
    """
    ndimage = load_ndimage()
    step = max(1, round(max(gray.shape) / _COARSE))
    coarse = ndimage.gaussian_filter(gray, step / 2)[::step, ::step]
    if min(coarse.shape) < 20:
        return None
    # Where light falls off, no single tone parts sheet and table.
    even = coarse - _tilted_plane(coarse)
    tones = (coarse, -coarse, even, -even)
    candidates = [found for tone in tones for found in _sheets(tone)]
    if not candidates:
        return None
    sheet = max(candidates, key=lambda found: found[0])[1]
    sheet = ndimage.binary_erosion(sheet, iterations=3)  # its edge is unsharp, and has a shadow
    fine = np.kron(sheet, np.ones((step, step), bool))[: gray.shape[0], : gray.shape[1]]
    fine = np.pad(
        fine, [(0, side - part) for side, part in zip(gray.shape, fine.shape, strict=True)]
    )
    box = box_around(fine)
    nearest = ndimage.distance_transform_edt(
        ~fine[box], return_distances=False, return_indices=True
    )
    cut_out: Floats = gray[box][tuple(nearest)]
    return cut_out


def _tilted_plane(tone: Floats) -> Floats:
    """Return light that changes evenly across a picture, as near to its tones as it gets."""
    y, x = np.indices(tone.shape).reshape(2, -1)
    terms = np.stack([y, x, np.ones_like(x)], axis=1).astype(np.float32)
    weights = np.linalg.lstsq(terms, tone.ravel(), rcond=None)[0]
    plane: Floats = (terms @ weights).reshape(tone.shape)
    return plane


def _sheets(tone: Floats) -> list[tuple[float, Mask]]:
    """Return what looks like a sheet lighter than its surroundings: by how much, and where it is."""
    ndimage = load_ndimage()
    found = []
    opened = ndimage.grey_opening(tone, size=(3, 3), mode="constant", cval=-np.inf)
    for level in np.linspace(tone.min(), tone.max(), _LEVELS + 2)[1:-1]:
        labels, count = ndimage.label(opened > level)
        if count == 0:
            continue
        part = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
        if part.mean() < _LEAST_PAPER * _LEAST_AREA or _reaches_out(part):
            continue
        corners = _outline(np.argwhere(part).astype(float))
        sheet = _filled(corners, tone.shape)  # with what is written, even at the edge
        if part.sum() < _LEAST_PAPER * sheet.sum() or not _is_sheet(sheet, corners):
            continue
        contrast = _step_at_edge(tone, sheet)
        if contrast > _LEAST_STEP:
            found.append((contrast, sheet))
    return found


def _step_at_edge(tone: Floats, sheet: Mask) -> float:
    """Return how much lighter a sheet is than what lies next to it, along nine tenths of its edge.

    Where light falls off, a line of equal tone may look like an edge as well, but there is no step at it.
    """
    ndimage = load_ndimage()
    inside = ndimage.binary_erosion(sheet, iterations=3)
    if not inside.any():
        return 0.0
    near = ndimage.binary_dilation(sheet, iterations=5)
    around = near & ~ndimage.binary_dilation(sheet, iterations=3)
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return float(np.percentile(tone[tuple(nearest)][around] - tone[around], 10))


def _is_sheet(mask: Mask, corners: _Points) -> bool:
    """Return whether a mask is a quadrangle of a sheet's size and form, three of its edges in the picture."""
    if not _LEAST_AREA < mask.mean() < _MOST_AREA or _reaches_out(mask):
        return False
    spread = np.linalg.eigvalsh(np.cov(np.argwhere(mask).T))
    triangle, quadrangle = (part / _area(corners) for part in _largest_within(corners))
    has_four_corners = triangle < _MOST_TRIANGLE and quadrangle > _LEAST_QUADRANGLE
    return has_four_corners and bool(spread[0] > _SLIMMEST**2 * spread[1])


def _reaches_out(mask: Mask) -> bool:
    """Return whether a mask goes on beyond the picture on more than one side."""
    ends = mask[:2], mask[-2:], mask[:, :2], mask[:, -2:]
    return sum(bool(end.any()) for end in ends) > 1


def _outline(places: _Points) -> _Points:
    """Return the corners of a polygon around the places: in 48 directions, the farthest of them."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # A row for each direction: along memory, the farthest is found ten times as fast.
    farthest: _Points = places[np.argmax(directions @ places.T, axis=1)]
    return farthest


def _area(corners: _Points) -> float:
    """Return the area of a polygon, by the shoelace formula."""
    y, x = corners.T
    return float(abs(y @ np.roll(x, -1) - x @ np.roll(y, -1)) / 2)


def _filled(corners: _Points, shape: tuple[int, ...]) -> Mask:
    """Return a mask that is True within a polygon."""
    from PIL import Image, ImageDraw

    picture = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(picture).polygon([(x, y) for y, x in corners], fill=1)
    return np.asarray(picture)


def _largest_within(corners: _Points) -> tuple[float, float]:
    """Return the areas of the largest triangle and quadrangle between corners of a convex polygon.

    A diagonal parts a quadrangle into two triangles, each as high as the farthest corner on its side.
    """
    triangle = quadrangle = 0.0
    for start in corners:
        y, x = (corners - start).T
        areas = (np.outer(y, x) - np.outer(x, y)) / 2  # of a triangle, negative on the other side
        triangle = max(triangle, float(areas.max()))
        quadrangle = max(quadrangle, float((areas.max(axis=1) - areas.min(axis=1)).max()))
    return triangle, quadrangle
