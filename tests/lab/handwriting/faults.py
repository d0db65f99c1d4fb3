"""Hard pictures of handwriting: real digits with one fault of pen, paper or camera, or several at once.

Each function in `FAULTS` turns a coverage (see `drawn`) into a picture of bytes. How strong a fault is, the
generator draws: from hardly seen to what a reader can still make out.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .drawn import Rng, fibers, ruling, shade, thickened, tilted_light, with_gaps

Picture = np.ndarray


def page(coverage: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the coverage on a sheet with a margin of its own at each side."""
    longer = max(coverage.shape)
    margins = [(int(rng.uniform(0.15, 0.6) * longer), int(rng.uniform(0.15, 0.6) * longer))
               for _ in coverage.shape]  # fmt: skip
    return np.pad(coverage, margins)


def pen(coverage: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the coverage as another pen would have written it: thinner or thicker, a little slanted."""
    coverage = thickened(coverage, rng.uniform(0.45, 1.3))
    slant = rng.uniform(-0.15, 0.15)
    height = len(coverage)
    room = int(abs(slant) * height / 2) + 1
    padded = np.pad(coverage, ((0, 0), (room, room)))
    shift = np.array([0, slant * height / 2])
    return ndimage.affine_transform(padded, [[1, 0], [slant, 1]], -shift, order=1)


def smooth_field(shape: tuple[int, ...], rng: Rng, scale: float) -> np.ndarray:
    """Return a random field from 0 to 1 that changes over as many dots as the scale."""
    coarse = rng.normal(0, 1, [max(3, int(side / scale) + 3) for side in shape])
    field = ndimage.zoom(
        coarse, [side / part for side, part in zip(shape, coarse.shape, strict=True)]
    )
    field = field[: shape[0], : shape[1]]
    return (field - field.min()) / max(np.ptp(field), 1e-9)


def half(coverage: np.ndarray, rng: Rng, faint: float) -> np.ndarray:
    """Return the coverage, on one side of a straight line through it as faint as that."""
    y, x = np.indices(coverage.shape)
    angle, (top, left) = rng.uniform(0, 2 * np.pi), ndimage.center_of_mass(coverage)
    side = (x - left) * np.cos(angle) + (y - top) * np.sin(angle)
    side -= rng.uniform(-0.15, 0.15) * max(coverage.shape)
    return coverage * np.where(side > 0, 1, faint)


def uneven(coverage: np.ndarray, rng: Rng, faintest: float) -> np.ndarray:
    """Return the coverage with ink that comes and goes along the strokes."""
    field = smooth_field(coverage.shape, rng, max(coverage.shape) * rng.uniform(0.15, 0.5))
    return coverage * (faintest + (1 - faintest) * np.clip(2.4 * field - 0.7, 0, 1))


def skipping(coverage: np.ndarray, rng: Rng, share: float) -> np.ndarray:
    """Return the coverage of a ballpoint that skips: a share of it is bare, in spots as wide as the pen."""
    spots = ndimage.gaussian_filter(rng.normal(0, 1, coverage.shape), max(coverage.shape) / 50)
    return coverage * (spots > np.quantile(spots, share))


def grainy(coverage: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the coverage of a pencil or of chalk, which leaves the valleys of the paper bare."""
    grain = ndimage.gaussian_filter(rng.normal(0, 1, coverage.shape), max(coverage.shape) / 220)
    return coverage * np.clip(0.65 + 0.5 * grain / grain.std(), 0, 1)


def taken(
    ink: np.ndarray, rng: Rng, paper: float, tone: float, blur: float = 0.6, noise: float = 3,
    quality: int = 85, light: np.ndarray | float = 1.0,
) -> Picture:  # fmt: skip
    """Return a photo: `paper` and `tone` are the brightness, 0 to 255, of paper and of full ink."""
    brightness = (paper + (tone - paper) * ink) * light * fibers(ink.shape, rng, 0.01)
    brightness = ndimage.gaussian_filter(brightness, blur) + rng.normal(0, noise, ink.shape)
    file = io.BytesIO()
    Image.fromarray(np.uint8(np.clip(brightness, 0, 255))).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _blur(ink: np.ndarray, rng: Rng) -> float:
    return float(max(ink.shape) * rng.uniform(0.003, 0.016))


def half_faint(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = half(page(pen(coverage, rng), rng), rng, rng.uniform(0.25, 0.55))
    paper = rng.uniform(150, 235)
    return taken(
        ink, rng, paper, paper * rng.uniform(0.3, 0.65), _blur(ink, rng), rng.uniform(0, 3)
    )


def uneven_strokes(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(pen(coverage, rng), rng), rng, rng.uniform(0.2, 0.5))
    paper = rng.uniform(150, 240)
    return taken(ink, rng, paper, paper * rng.uniform(0.2, 0.6), _blur(ink, rng), rng.uniform(0, 4))


def gappy(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = with_gaps(pen(coverage, rng), rng, int(rng.integers(2, 7)))
    ink = skipping(page(ink, rng), rng, rng.uniform(0, 0.3))
    return taken(ink, rng, rng.uniform(180, 245), rng.uniform(20, 110), 0.8, rng.uniform(0, 4))


def pencil(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(grainy(page(thickened(coverage, rng.uniform(0.35, 0.8)), rng), rng), rng, 0.5)
    paper = rng.uniform(170, 240)
    return taken(ink, rng, paper, paper * rng.uniform(0.5, 0.75), 0.8, rng.uniform(1, 3))


def faded(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(pen(coverage, rng), rng), rng, 0.4)
    paper = rng.uniform(160, 245)
    return taken(ink, rng, paper, paper * rng.uniform(0.7, 0.86), 0.8, rng.uniform(0, 2))


def uneven_light(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(pen(coverage, rng), rng), rng, 0.4)
    light = tilted_light(ink.shape, rng, rng.uniform(0.3, 0.7))
    if rng.random() < 0.5:
        light = light * shade(ink.shape, rng, rng.uniform(0.02, 0.1))
    paper = rng.uniform(190, 250)
    return taken(ink, rng, paper, paper * rng.uniform(0.2, 0.6), 1, rng.uniform(1, 4), light=light)


def blurred(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(pen(coverage, rng), rng), rng, 0.5)
    paper = rng.uniform(160, 245)
    blur = max(coverage.shape) * rng.uniform(0.015, 0.04)
    return taken(ink, rng, paper, paper * rng.uniform(0.2, 0.5), blur, rng.uniform(0, 3))


def jpeg(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = page(pen(coverage, rng), rng)
    small = np.asarray(Image.fromarray(np.float32(ink)).reduce(int(rng.integers(1, 5))))
    quality = int(rng.integers(8, 35))
    return taken(small, rng, rng.uniform(160, 245), rng.uniform(20, 120), 0.6, 4, quality)


def on_paper_with_lines(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(pen(coverage, rng), rng), rng, 0.5)
    lines = ruling(ink.shape, rng, squared=bool(rng.random() < 0.5))
    ink = np.maximum(ink, rng.uniform(0.1, 0.45) * lines)
    paper = rng.uniform(190, 245)
    return taken(ink, rng, paper, paper * rng.uniform(0.2, 0.6), 0.9, rng.uniform(0, 3))


def light_on_dark(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(grainy(page(pen(coverage, rng), rng), rng), rng, 0.35)
    return taken(ink, rng, rng.uniform(15, 90), rng.uniform(140, 250), 1, rng.uniform(0, 4))


def thin(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = uneven(page(thickened(coverage, rng.uniform(0.15, 0.35)), rng), rng, 0.4)
    return taken(ink, rng, rng.uniform(180, 245), rng.uniform(20, 110), 0.7, rng.uniform(0, 3))


def bleeding(coverage: np.ndarray, rng: Rng) -> Picture:
    """A felt pen, with the writing of the other side of the sheet shining through, faintly."""
    ink = page(thickened(coverage, rng.uniform(1.0, 1.5)), rng)
    other = np.roll(ink[:, ::-1], (ink.shape[0] // 3, ink.shape[1] // 4), (0, 1))
    ink = np.maximum(ink, rng.uniform(0.05, 0.13) * other)
    return taken(ink, rng, rng.uniform(190, 245), rng.uniform(20, 90), 1, rng.uniform(0, 3))


def erased(coverage: np.ndarray, rng: Rng) -> Picture:
    """A digit written over the smear that an eraser left."""
    ink = uneven(page(pen(coverage, rng), rng), rng, 0.6)
    smear = Image.new("L", ink.shape[::-1])
    draw = ImageDraw.Draw(smear)
    places = rng.uniform(0.2, 0.8, (6, 2)) * ink.shape[::-1]
    draw.line([tuple(place) for place in places], fill=255, width=max(3, ink.shape[0] // 9))
    soft = ndimage.gaussian_filter(np.asarray(smear) / 255, ink.shape[0] / 40)
    ink = np.maximum(ink, rng.uniform(0.05, 0.15) * soft)
    return taken(ink, rng, rng.uniform(190, 245), rng.uniform(30, 110), 1, rng.uniform(0, 3))


def several_at_once(coverage: np.ndarray, rng: Rng) -> Picture:
    ink = pen(coverage, rng)
    if rng.random() < 0.4:
        ink = with_gaps(ink, rng, int(rng.integers(1, 4)))
    ink = uneven(page(ink, rng), rng, rng.uniform(0.3, 0.8))
    if rng.random() < 0.3:
        ink = grainy(ink, rng)
    if rng.random() < 0.3:
        ink = np.maximum(
            ink, rng.uniform(0.1, 0.35) * ruling(ink.shape, rng, bool(rng.random() < 0.5))
        )
    light = tilted_light(ink.shape, rng, rng.uniform(0, 0.5))
    paper = rng.uniform(150, 245)
    return taken(
        ink, rng, paper, paper * rng.uniform(0.2, 0.7), max(ink.shape) * rng.uniform(0.002, 0.012),
        rng.uniform(0, 5), int(rng.integers(25, 95)), light,
    )  # fmt: skip


FAULTS: dict[str, Callable[[np.ndarray, Rng], Picture]] = {
    "half of it faint": half_faint,
    "uneven strokes": uneven_strokes,
    "gaps": gappy,
    "pencil": pencil,
    "faded": faded,
    "uneven light": uneven_light,
    "blur": blurred,
    "JPEG": jpeg,
    "lines and squares": on_paper_with_lines,
    "light on dark": light_on_dark,
    "hairlines": thin,
    "shining through": bleeding,
    "erased": erased,
    "several at once": several_at_once,
}
