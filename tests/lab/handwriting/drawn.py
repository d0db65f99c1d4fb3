"""Pictures of handwriting, made up: ten digits in several hands, on every kind of paper.

A *coverage* is a float array (height, width), 1 where there is ink and 0 where there is not. `write` draws
one from strokes; `enlarge` makes one from a small picture, such as one of MNIST's. Each function in `PAPERS`
then turns a coverage into a Pillow picture, as a camera, a scanner or a painting program would have made it;
each in `BLANKS` makes a picture of the same kind with nothing on it.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

Rng = np.random.Generator

#: Several hands of each digit. A stroke is a list of points x,y, in hundredths of the height and growing
#: to the right and downward, that a smooth curve passes through; strokes are parted by a slash.
HANDS: dict[int, list[str]] = {
    0: [
        "35,0  8,25  5,70  30,100  58,75  60,30  35,0",
        "50,5  20,10  0,50  20,95  55,90  70,45  50,8  38,10",
        "20,0  2,50  20,100  40,50  22,2",
    ],
    1: [
        "10,0  10,50  10,100",
        "0,28  28,0 / 28,0  28,100",
        "5,25  30,0 / 30,0  30,100 / 5,100  55,100",
        "30,0  15,50  2,100",
    ],
    2: [
        "5,25  20,2  50,8  52,35  25,70  0,100 / 0,100  60,98",
        "0,20  25,0  50,20  40,55  10,90  2,98  10,82  30,93  60,92",
    ],
    3: [
        "5,10  30,0  52,20  40,42  20,47 / 20,47  50,58  50,90  25,100  0,88",
        "2,2  52,2 / 52,2  22,40 / 22,40  52,55  52,88  25,100  0,90",
    ],
    4: [
        "15,0  8,35  0,60 / 0,60  60,58 / 42,10  42,55  40,100",
        "45,0  0,66 / 0,66  62,66 / 45,0  45,100",
        "5,0  2,30  15,50  45,42 / 50,2  45,42  42,100",
    ],
    5: [
        "12,2  8,42 / 8,42  35,38  55,62  42,92  20,100  0,90 / 12,2  55,0",
        "55,0  10,2 / 10,2  8,45 / 8,45  40,42  52,70  30,98  0,93",
    ],
    6: [
        "42,0  15,30  2,70  20,100  48,85  42,58  20,55  5,75",
        "30,0  8,40  2,80  25,100  50,80  30,60  6,78",
    ],
    7: [
        "0,3  55,0 / 55,0  32,45  20,100",
        "0,5  55,2 / 55,2  30,50  18,100 / 12,50  50,48",
        "2,20  4,2 / 4,2  55,2 / 55,2  25,100",
    ],
    8: [
        "50,12  28,0  8,15  20,40  42,60  45,88  22,100  2,85  10,60  42,35  50,14",
        "28,0  10,12  10,32  28,44  46,32  46,12  28,0 / 28,44  6,60  6,86  28,100  50,86  50,60 "
        "28,44",
    ],
    9: [
        "50,20  30,0  5,15  8,42  32,45  50,20 / 50,18  48,60  38,100",
        "48,15  25,0  3,20  12,45  40,40  50,15  52,60  40,92  15,100  3,90",
        "45,5  10,8  5,40  30,45  45,25 / 47,3  45,50  45,100",
    ],
}


# ------------------------------------------------------------------------------------------------
# Ink
# ------------------------------------------------------------------------------------------------


def _point(text: str) -> tuple[float, float]:
    x, y = text.split(",")
    return int(x) / 100, int(y) / 100


def curve(points: list[tuple[float, float]], steps: int = 40) -> np.ndarray:
    """Return points on a smooth curve (Catmull-Rom) through the given ones, of shape (N, 2)."""
    p = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, steps)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2)
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    return np.concatenate(parts)


def write(
    digit: int, rng: Rng, size: int = 200, pen: float = 0.1, hand: int | None = None
) -> np.ndarray:
    """Return a digit `size` dots high, written with a pen as wide as the share `pen` of that.

    The points wobble, and the digit is slanted, turned and stretched a little, as in real writing.
    """
    hands = HANDS[digit]
    written = hands[int(rng.integers(len(hands))) if hand is None else hand]
    strokes = [[_point(text) for text in stroke.split()] for stroke in written.split("/")]
    slant, turn, stretch = rng.normal(0.08, 0.1), rng.normal(0, 0.06), rng.uniform(0.85, 1.25)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, -slant], [0, 1]])
    places = [curve(stroke) + np.zeros(2) for stroke in strokes]
    bump = rng.normal(0, 0.015, (2, 5))
    places = [(xy + np.stack([np.interp(xy[:, 1], np.linspace(0, 1, 5), b) for b in bump], 1)) @ matrix.T
              for xy in places]  # fmt: skip
    everything = np.concatenate(places)
    low, high = everything.min(0), everything.max(0)
    scale = 2 * size * (1 - pen) / max(high - low)
    radius = pen * size
    width, height = (np.ceil((high - low) * scale + 2 * radius)).astype(int) + 2
    image = Image.new("L", (int(width), int(height)))
    draw = ImageDraw.Draw(image)
    for xy in places:
        for x, y in _dense((xy - low) * scale + radius + 1, step=max(1, radius / 4)):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    half = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.BOX)
    return np.asarray(half, np.float32) / 255


def _dense(xy: np.ndarray, step: float) -> np.ndarray:
    """Return points along a line of points, no further apart than a step."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    places = np.linspace(0, along[-1], max(2, int(along[-1] / step) + 1))
    return np.stack([np.interp(places, along, part) for part in xy.T], 1)


def enlarge(pixels: np.ndarray, size: int) -> np.ndarray:
    """Return a small picture of bytes, ink bright, as a coverage of `size` dots, with smooth outlines."""
    rows, columns = np.nonzero(pixels > 0)
    cropped = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cropped = np.pad(cropped, 1)
    scale = size / max(cropped.shape)
    shape = [max(1, round(side * scale)) for side in cropped.shape]
    large = Image.fromarray(cropped).resize(shape[::-1], Image.Resampling.BICUBIC)
    soft = ndimage.gaussian_filter(np.asarray(large, np.float32) / 255, scale / 6)
    return np.clip((soft - 0.45) / 0.1 * max(1, scale / 10) / 2 + 0.5, 0, 1)


def thickened(coverage: np.ndarray, factor: float) -> np.ndarray:
    """Return the coverage with its strokes `factor` times as thick (below 1: thinner)."""
    inside = ndimage.distance_transform_edt(coverage > 0.5)
    ridge = inside[(inside == ndimage.maximum_filter(inside, 3)) & (inside > 0)]
    change = (factor - 1) * float(np.median(ridge))
    if change > 0:
        room = int(np.ceil(change)) + 1
        coverage = np.pad(coverage, room)
        return np.clip(change - ndimage.distance_transform_edt(coverage <= 0.5) + 1, 0, 1).astype(
            np.float32
        )
    return np.clip(inside + change, 0, 1).astype(np.float32)


def with_gaps(coverage: np.ndarray, rng: Rng, count: int = 4) -> np.ndarray:
    """Return the coverage with straight cuts through it, at places where there is ink."""
    cut = Image.fromarray(np.uint8(255 * coverage))
    draw, size = ImageDraw.Draw(cut), max(coverage.shape)
    places = np.argwhere(coverage > 0.5)
    for y, x in places[rng.integers(len(places), size=count)]:
        a = rng.uniform(0, np.pi)
        dx, dy = np.cos(a) * size * 0.12, np.sin(a) * size * 0.12
        draw.line((x - dx, y - dy, x + dx, y + dy), fill=0, width=max(1, round(size * 0.035)))
    return np.asarray(cut, np.float32) / 255


# ------------------------------------------------------------------------------------------------
# Paper
# ------------------------------------------------------------------------------------------------


def place(
    coverage: np.ndarray, shape: tuple[int, int], rng: Rng, margin: float = 0.05
) -> np.ndarray:
    """Return a sheet of a shape (height, width) with the coverage somewhere on it."""
    sheet = np.zeros(shape, np.float32)
    edge = round(margin * min(shape))
    free = [side - 2 * edge - part for side, part in zip(shape, coverage.shape, strict=True)]
    assert min(free) >= 0, "the writing does not fit the sheet"
    top, left = (edge + int(rng.integers(room + 1)) for room in free)
    sheet[top : top + coverage.shape[0], left : left + coverage.shape[1]] = coverage
    return sheet


def framed(coverage: np.ndarray, margin: float = 0.3) -> np.ndarray:
    """Return the coverage with a margin around, a share of its longer side."""
    return np.pad(coverage, round(margin * max(coverage.shape)))


def grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x of each dot, from 0 to 1."""
    return np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")


def tilted_light(shape: tuple[int, int], rng: Rng, depth: float = 0.5) -> np.ndarray:
    """Return light that falls off across the sheet and toward its corners."""
    y, x = grid(shape)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.5
    return (1 - depth * along) * (1 - 0.35 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2)


def shade(shape: tuple[int, int], rng: Rng, soft: float = 0.02) -> np.ndarray:
    """Return light with the shadow of something straight across it."""
    y, x = grid(shape)
    angle = rng.uniform(0, 2 * np.pi)
    side = (x - rng.uniform(0.3, 0.7)) * np.cos(angle) + (y - rng.uniform(0.3, 0.7)) * np.sin(angle)
    return 1 - 0.45 / (1 + np.exp(-side / soft))


def fibers(shape: tuple[int, int], rng: Rng, strength: float = 0.03) -> np.ndarray:
    """Return the grain of paper, around 1."""
    fine = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.2) * 3
    coarse = ndimage.gaussian_filter(rng.normal(0, 1, shape), 12) * 25
    return 1 + strength * (fine + 0.6 * coarse)


def ruling(
    shape: tuple[int, int], rng: Rng, squared: bool, tilt: float | None = None
) -> np.ndarray:
    """Return the coverage of the printed lines of an exercise book, in perhaps a slightly turned picture."""
    step = min(shape) / rng.uniform(6, 14)
    tilt = rng.uniform(-0.02, 0.02) if tilt is None else tilt
    y, x = np.indices(shape).astype(np.float32)
    width = max(1.0, min(shape) / 250)
    lines = np.abs(((y + tilt * x) / step) % 1 - 0.5) * step < width / 2
    if squared:
        lines |= np.abs(((x - tilt * y) / step) % 1 - 0.5) * step < width / 2
    return ndimage.gaussian_filter(lines.astype(np.float32), 0.6)


def photo(paper: np.ndarray, rng: Rng, noise: float = 4, quality: int = 75) -> Image.Image:
    """Return brightness 0…1 as a camera keeps it: a little unsharp, noisy, and compressed."""
    import io

    soft = ndimage.gaussian_filter(paper, max(paper.shape) / 1200)
    tones = np.clip(255 * soft + rng.normal(0, noise, paper.shape), 0, 255)
    warm = np.clip(tones[..., None] * [1.0, 0.97, 0.9], 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(warm).save(file, "JPEG", quality=quality)
    file.seek(0)
    return Image.open(file)


def gray_picture(brightness: np.ndarray) -> Image.Image:
    return Image.fromarray(np.uint8(np.round(np.clip(255 * brightness, 0, 255))))


def colored(
    coverage: np.ndarray, ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> Image.Image:
    mix = coverage[..., None] * np.array(ink) + (1 - coverage[..., None]) * np.array(paper)
    return Image.fromarray(np.uint8(np.round(mix)))


def shrink(coverage: np.ndarray, height: int) -> np.ndarray:
    """Return the coverage as small as that, with soft outlines."""
    scale = height / max(coverage.shape)
    size = [max(1, round(side * scale)) for side in coverage.shape[::-1]]
    small = Image.fromarray(np.uint8(255 * coverage)).resize(size, Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def on_table(coverage: np.ndarray, rng: Rng, around: bool) -> Image.Image:
    """Return a photo in which the paper ends: on one side, or on all."""
    sheet = framed(coverage, 0.8 if around else 0.5)
    height, width = sheet.shape
    y, x = np.indices(sheet.shape)
    tilt = rng.uniform(-0.06, 0.06)
    edge = 0.12 * min(height, width)
    inside = x + tilt * y > edge
    if around:
        inside &= (
            (x + tilt * y < width - edge) & (y - tilt * x > edge) & (y - tilt * x < height - edge)
        )
    table = 0.25 + 0.05 * np.sin(y / height * 40) + rng.normal(0, 0.02, sheet.shape)
    paper = (0.9 - 0.7 * sheet) * tilted_light(sheet.shape, rng, 0.2)
    return photo(np.where(inside, paper, table), rng)


def note_on_table(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a photo of a small note that lies on a dark table, a little turned, the light from one side."""
    note = framed(coverage, 0.35)
    side = 2 * max(note.shape)
    paper = Image.fromarray(np.uint8(255 * (0.9 - 0.7 * note)))
    turn = float(rng.uniform(-15, 15))
    table = (
        0.35 + 0.04 * np.sin(np.indices((side, side))[0] / 7) + rng.normal(0, 0.02, (side, side))
    )
    picture = Image.fromarray(np.uint8(255 * np.clip(table, 0, 1)))
    corner = [
        (side - part) // 2 + int(rng.integers(-side // 12, side // 12)) for part in paper.size
    ]
    outline = Image.new("L", paper.size, 255).rotate(turn, expand=True)
    picture.paste(paper.rotate(turn, Image.Resampling.BICUBIC, expand=True), corner, outline)
    return photo(np.asarray(picture) / 255 * tilted_light((side, side), rng, 0.4), rng)


def pen_beside(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a photo of a sheet with a pen on it, which reaches in from below."""
    sheet = framed(coverage, 0.6)
    height, width = sheet.shape
    pen = Image.new("L", (width, height))
    x, lean, thick = 0.88 * width, float(rng.uniform(-0.05, 0.05)) * width, round(0.05 * width)
    ImageDraw.Draw(pen).line((x, 0.4 * height, x + lean, 1.1 * height), fill=255, width=thick)
    return photo(0.9 - 0.7 * np.maximum(sheet, np.asarray(pen) / 255), rng)


def in_a_ring(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a digit with a ring drawn around it."""
    sheet = framed(coverage, 0.5)
    height, width = sheet.shape
    ring = Image.new("L", (width, height))
    edge = 0.04 * height
    ImageDraw.Draw(ring).ellipse((edge, edge, width - edge, height - edge), outline=255, width=4)
    return photo(0.9 - 0.7 * np.maximum(sheet, np.asarray(ring) / 255), rng)


def spot_of_light(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a photo with a flash, so bright in one place that there is only white."""
    sheet = framed(coverage, 0.5)
    y, x = grid(sheet.shape)
    spot = np.exp(-((y - rng.uniform(0.2, 0.8)) ** 2 + (x - rng.uniform(0.2, 0.8)) ** 2) / 0.05)
    return photo((0.9 - 0.8 * sheet) * 0.55 + 0.35 * spot, rng)


def text_marker(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a photo of yellow on white, in light that falls off more than the yellow is darker."""
    yellow = np.asarray(colored(framed(coverage), (238, 235, 90), (235, 232, 225)), float)
    light = tilted_light(yellow.shape[:2], rng, 0.5)[..., None]
    return Image.fromarray(np.uint8(yellow * light))


def chalk(coverage: np.ndarray, rng: Rng) -> Image.Image:
    sheet = framed(coverage, 0.5)
    grain = ndimage.gaussian_filter(rng.uniform(0, 1, sheet.shape), 1)
    grain = (grain > np.quantile(grain, 0.25)) * 0.55
    smear = np.clip(ndimage.gaussian_filter(rng.normal(0, 1, sheet.shape), 25) * 20, -1, 1) * 0.04
    return photo((0.2 + smear) * tilted_light(sheet.shape, rng, 0.3) + sheet * grain, rng)


def book(coverage: np.ndarray, rng: Rng, noise: float) -> Image.Image:
    """Return 28×28 dots, as a book has its readers make them; noise in two thirds of all dots."""
    small = place(shrink(coverage, int(rng.integers(18, 24))), (28, 28), rng)
    small = np.clip(small * 1.3, 0, 1)
    grain = rng.uniform(0, noise, small.shape) * (rng.uniform(0, 1, small.shape) < 0.66)
    return gray_picture(1 - np.clip(small + grain, 0, 1)).convert("RGB")


def transparent(coverage: np.ndarray, tone: int, mode: str = "RGBA") -> Image.Image:
    sheet = framed(coverage)
    alpha = np.uint8(255 * sheet)
    if mode == "LA":
        return Image.merge(
            "LA", [Image.fromarray(np.full_like(alpha, tone)), Image.fromarray(alpha)]
        )
    return Image.merge(
        "RGBA", [Image.fromarray(np.full_like(alpha, tone))] * 3 + [Image.fromarray(alpha)]
    )


def specked(picture: np.ndarray, rng: Rng, share: float) -> np.ndarray:
    """Return brightness with a share of its dots black or white."""
    chance = rng.uniform(0, 1, picture.shape)
    return np.where(chance < share / 2, 0, np.where(chance > 1 - share / 2, 1, picture))


def dirty(coverage: np.ndarray, rng: Rng) -> Image.Image:
    """Return a scan with crumbs on it."""
    sheet = framed(coverage, 0.5)
    crumbs = Image.new("L", sheet.shape[::-1])
    draw = ImageDraw.Draw(crumbs)
    for _ in range(25):
        x, y = rng.uniform(0, sheet.shape[1]), rng.uniform(0, sheet.shape[0])
        r = rng.uniform(0.003, 0.009) * max(sheet.shape)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return gray_picture(0.95 - 0.8 * np.maximum(sheet, np.asarray(crumbs) / 255))


def lit(
    coverage: np.ndarray, light: np.ndarray, rng: Rng, noise: float = 4, ink: float = 0.65
) -> Image.Image:
    return photo((0.92 - ink * coverage) * light * fibers(coverage.shape, rng), rng, noise)


def on_lines(coverage: np.ndarray, rng: Rng, squared: bool, dark: float = 0.3) -> Image.Image:
    sheet = framed(coverage, 0.5)
    lines = ruling(sheet.shape, rng, squared)
    return photo(0.93 - np.maximum(0.7 * sheet, dark * lines), rng)


Paper = Callable[[np.ndarray, Rng], Image.Image]

PAPERS: dict[str, Paper] = {
    "plain": lambda c, rng: gray_picture(1 - framed(c)),
    "book": lambda c, rng: book(c, rng, 0),
    "noisy book": lambda c, rng: book(c, rng, 0.5),
    "thin pen": lambda c, rng: gray_picture(1 - 0.8 * framed(thickened(c, 0.3))),
    "thick marker": lambda c, rng: gray_picture(1 - framed(thickened(c, 1.5))),
    "blurred": lambda c, rng: gray_picture(
        1 - ndimage.gaussian_filter(framed(c), max(c.shape) / 35)
    ),
    "gaps": lambda c, rng: gray_picture(1 - framed(with_gaps(c, rng))),
    "tight": lambda c, rng: gray_picture(1 - framed(c, 0.01)),
    "off-center": lambda c, rng: gray_picture(
        1 - place(c, (int(2.4 * max(c.shape)), 3 * max(c.shape)), rng, 0.02)
    ),
    "tiny": lambda c, rng: gray_picture(1 - place(shrink(c, 26), (420, 560), rng)),
    "small in a photo": lambda c, rng: photo(
        0.9 - 0.7 * place(shrink(c, 80), (900, 1200), rng), rng
    ),
    "huge": lambda c, rng: gray_picture(1 - framed(ndimage.zoom(c, 6, order=1), 0.02)),
    "tilted light": lambda c, rng: lit(framed(c, 0.5), tilted_light(framed(c, 0.5).shape, rng, 0.6), rng),
    "shadow": lambda c, rng: lit(framed(c, 0.5), shade(framed(c, 0.5).shape, rng), rng),
    "pencil": lambda c, rng: lit(framed(thickened(c, 0.5), 0.4), 1.0, rng, 3, ink=0.25),
    "noise": lambda c, rng: gray_picture(0.9 - 0.7 * framed(c) + rng.normal(0, 0.15, framed(c).shape)),
    "salt and pepper": lambda c, rng: gray_picture(specked(1 - framed(c), rng, 0.1)),
    "crumbs": dirty,
    "table on one side": lambda c, rng: on_table(c, rng, around=False),
    "sheet on a table": lambda c, rng: on_table(c, rng, around=True),
    "ruled": lambda c, rng: on_lines(c, rng, squared=False),
    "squared": lambda c, rng: on_lines(c, rng, squared=True),
    "dark squares": lambda c, rng: on_lines(c, rng, squared=True, dark=0.55),
    "chalk": chalk,
    "white on black": lambda c, rng: gray_picture(framed(c)),
    "black on transparent": lambda c, rng: transparent(c, 0),
    "white on transparent": lambda c, rng: transparent(c, 255),
    "gray and alpha": lambda c, rng: transparent(c, 40, "LA"),
    "red on yellow": lambda c, rng: colored(framed(c), (200, 20, 30), (250, 240, 120)),
    "yellow on white": lambda c, rng: colored(framed(c), (255, 240, 60), (255, 255, 255)),
    "red on green": lambda c, rng: colored(framed(c), (230, 60, 60), (60, 140, 60)),
    "one bit": lambda c, rng: gray_picture(1 - framed(c)).convert("1"),
    "palette": lambda c, rng: colored(framed(c), (20, 30, 160), (255, 255, 240)).quantize(32),
    "16 bits": lambda c, rng: Image.fromarray(np.uint16(65535 * (0.9 - 0.6 * framed(c)))),
    "CMYK": lambda c, rng: colored(framed(c), (30, 20, 90), (255, 255, 250)).convert("CMYK"),
    "note on a table": note_on_table,
    "pen beside it": pen_beside,
    "in a ring": in_a_ring,
    "spot of light": spot_of_light,
    "text marker": text_marker,
}  # fmt: skip

SHEET = (300, 400)
NOTHING = np.zeros(SHEET, np.float32)

BLANKS: dict[str, Callable[[Rng], Image.Image]] = {
    "white": lambda rng: gray_picture(1 - NOTHING),
    "black": lambda rng: gray_picture(NOTHING),
    "gray": lambda rng: gray_picture(NOTHING + 0.5),
    "one dot": lambda rng: gray_picture(np.ones((1, 1))),
    "28×28 white": lambda rng: gray_picture(np.ones((28, 28))),
    "28×28 noise": lambda rng: gray_picture(rng.uniform(0, 1, (28, 28))),
    "28×28 faint noise": lambda rng: gray_picture(0.9 + rng.normal(0, 0.03, (28, 28))),
    "fine noise": lambda rng: gray_picture(0.8 + rng.normal(0, 0.02, SHEET)),
    "coarse noise": lambda rng: gray_picture(0.5 + rng.normal(0, 0.2, SHEET)),
    "uniform noise": lambda rng: gray_picture(rng.uniform(0, 1, SHEET)),
    "salt and pepper": lambda rng: gray_picture(specked(1 - NOTHING, rng, 0.1)),
    "gradient": lambda rng: gray_picture(grid(SHEET)[1]),
    "vignette": lambda rng: lit(NOTHING, tilted_light(SHEET, rng, 0.6), rng),
    "shadow": lambda rng: lit(NOTHING, shade(SHEET, rng), rng),
    "soft shadow": lambda rng: lit(NOTHING, shade(SHEET, rng, 0.15), rng),
    "round shadow": lambda rng: lit(
        NOTHING, 1 - 0.4 * np.exp(-(((np.indices(SHEET) - [[[150]], [[200]]]) / 50) ** 2).sum(0)), rng
    ),
    "paper": lambda rng: lit(NOTHING, 1.0, rng),
    "rough paper": lambda rng: photo(0.85 * fibers(SHEET, rng, 0.08), rng),
    "table": lambda rng: on_table(np.zeros((300, 200), np.float32), rng, around=False),
    "sheet": lambda rng: on_table(np.zeros((300, 200), np.float32), rng, around=True),
    "note": lambda rng: note_on_table(np.zeros((300, 200), np.float32), rng),
    "punched": lambda rng: gray_picture(
        1 - (np.hypot(*(np.indices(SHEET) - [[[100]], [[30]]])) < 12) - (
            np.hypot(*(np.indices(SHEET) - [[[200]], [[30]]])) < 12)
    ),
    "two lines": lambda rng: photo(
        0.9 - 0.4 * np.isin(np.indices(SHEET)[0], (100, 101, 200, 201)), rng
    ),
    "ruled": lambda rng: on_lines(np.zeros((300, 200), np.float32), rng, squared=False),
    "squared": lambda rng: on_lines(np.zeros((300, 200), np.float32), rng, squared=True),
    "a speck": lambda rng: gray_picture(1 - place(np.ones((4, 4), np.float32), SHEET, rng)),
    "board": lambda rng: chalk(np.zeros((300, 200), np.float32), rng),
    "transparent": lambda rng: Image.new("RGBA", SHEET),
}  # fmt: skip


# ------------------------------------------------------------------------------------------------
# Samples for people to try
# ------------------------------------------------------------------------------------------------

#: The pictures in docs/handwriting: file name, digit, which hand, how thick a pen, which paper.
SAMPLES = [
    ("0_tilted_light.jpg", 0, 1, 0.08, "tilted light"),
    ("1_tiny.png", 1, 3, 0.12, "tiny"),
    ("2_squared_paper.jpg", 2, 1, 0.09, "squared"),
    ("3_gaps.png", 3, 0, 0.13, "gaps"),
    ("4_thin_pen.png", 4, 0, 0.05, "thin pen"),
    ("5_chalk.jpg", 5, 0, 0.13, "chalk"),
    ("6_noisy.png", 6, 0, 0.13, "noisy book"),
    ("7_white_on_transparent.png", 7, 1, 0.1, "white on transparent"),
    ("8_sheet_on_a_table.jpg", 8, 1, 0.1, "sheet on a table"),
    ("9_thick_marker.png", 9, 1, 0.16, "thick marker"),
]


def main(folder: str) -> None:
    """Write the sample pictures, and a sheet of paper with nothing on it but a shadow."""
    rng = np.random.default_rng(1)
    for name, digit, hand, pen, paper in SAMPLES:
        picture = PAPERS[paper](write(digit, rng, 130, pen, hand), rng)
        picture.save(
            f"{folder}/{name}", **({"quality": 60} if name.endswith("jpg") else {"optimize": True})
        )
    BLANKS["shadow"](rng).save(f"{folder}/nothing_but_shadow.jpg", quality=50)


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
