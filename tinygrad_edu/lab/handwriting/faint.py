"""Faint strokes: ink that nobody would call ink, were it not the other half of a 9.

A pen that runs dry leaves strokes that are dark here and hardly there. With one threshold for all of it,
either the faint half of a loop is lost, and the 9 becomes a 1, or every smudge is ink. Whoever reads follows
the stroke: what is faint counts where it goes on from what is sure. So there are two thresholds. What is
above the upper one is ink; what is above the lower one is ink where it hangs together with that. (This is
known as hysteresis.)

Then every stroke gets the same strength, by comparing each dot with the strongest one around it. Where the
edge of a stroke lies is a question to its neighborhood: half as strong as the middle of *this* stroke.

Source: Canny, A computational approach to edge detection, 1986, for the two thresholds.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.lab.handwriting.strokes import (
    THICKEST,
    Floats,
    Mask,
    box_around,
    load_ndimage,
    thickness,
)

_FAINT = 0.15  # of the strongest ink
_GAP = 0.05  # of the handwriting's longer side
_SPECKS = 100  # parts, which are more than even chalk leaves of a digit


def with_faint_strokes(strength: Floats, mask: Mask, rejected: Mask) -> Mask:
    """Return where the handwriting is, together with the faint strokes that go on from it.

    `strength` is how much ink each dot holds, 0 … 1, `mask` where the handwriting surely is, and `rejected`
    where ink is that was found to be none of it. A gap narrower than a twentieth of the handwriting ends no
    stroke, except where specks are everywhere.
    """
    ndimage = load_ndimage()
    neighbors = np.ones((3, 3), bool)
    nothing = ndimage.binary_dilation(rejected, neighbors, iterations=2)
    faint = (strength > _FAINT) & ~nothing | mask
    box = box_around(mask)
    reach = max(1, round(_GAP / 2 * max(side.stop - side.start for side in box)))
    if ndimage.label(faint, neighbors)[1] > _SPECKS:
        reach = 0  # where specks are everywhere, those near the strokes are no part of them
    near = ndimage.maximum_filter(faint, 2 * reach + 1)
    grown: Mask = ndimage.binary_propagation(mask, neighbors, mask=near) & faint
    return grown if thickness(grown) < max(THICKEST, thickness(mask)) else mask


def evened(strength: Floats, mask: Mask) -> Floats:
    """Return the strength of the handwriting, 0 … 1, with faint strokes made as strong as the others.

    Each dot is compared with the strongest one within the width of a stroke.
    """
    ndimage = load_ndimage()
    ink = np.where(mask, strength, 0)
    inside = ndimage.distance_transform_edt(mask)
    ridge = inside[(inside == ndimage.maximum_filter(inside, 3)) & mask]
    window = 2 * round(float(np.median(ridge)) * 1.5) + 1
    strongest = ndimage.maximum_filter(ink, window)
    even: Floats = ink / np.maximum(strongest, _FAINT)
    return even
