"""Pictures of things that are no digit: photographs, pages of text, clothes, doodles, textures, letters.

Each function in `NO_DIGITS` makes a picture of bytes, another one for every state of the generator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from .drawn import Rng, fibers, grid

WORDS = [
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
]


@cache
def _photographs() -> list[np.ndarray]:
    from sklearn.datasets import load_sample_images

    return [
        np.asarray(Image.fromarray(image).convert("L")) for image in load_sample_images().images
    ]


def photograph(rng: Rng) -> np.ndarray:
    """Return a part of one of scikit-learn's two photographs, a temple and a flower, or a whole one."""
    whole = _photographs()[int(rng.integers(2))]
    share = rng.uniform(0.25, 1)
    height, width = (int(side * share) for side in whole.shape)
    top = int(rng.integers(whole.shape[0] - height + 1))
    left = int(rng.integers(whole.shape[1] - width + 1))
    part = whole[top : top + height, left : left + width]
    return part[:, ::-1].copy() if rng.random() < 0.5 else part


def _font(size: float) -> ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def page_of_text(rng: Rng) -> np.ndarray:
    height, width = int(rng.integers(250, 700)), int(rng.integers(250, 700))
    size = rng.uniform(9, 40)
    picture = Image.new("L", (width, height), int(rng.integers(200, 256)))
    draw = ImageDraw.Draw(picture)
    for top in np.arange(rng.uniform(0, 30), height - rng.uniform(0, 30), size * 1.4):
        line = " ".join(rng.choice(WORDS, max(1, int(width / size / 3))))
        draw.text((rng.uniform(5, 20), top), line, fill=int(rng.integers(0, 80)), font=_font(size))
    return np.asarray(picture)


def a_word(rng: Rng) -> np.ndarray:
    picture = Image.new("L", (500, 260), 245)
    word = rng.choice([word for word in WORDS if len(word) > 3])
    draw = ImageDraw.Draw(picture)
    draw.text((40, 60), str(word), fill=30, font=_font(rng.uniform(60, 110)))
    return np.asarray(picture.rotate(rng.uniform(-8, 8), fillcolor=245))


def letter(rng: Rng) -> np.ndarray:
    """Return a large letter that is not shaped like a digit."""
    picture = Image.new("L", (240, 260), 245)
    text = str(rng.choice(list("ABCDEFHKMNPRTVWXYabdefhkmnprtwx&@#%?")))
    draw = ImageDraw.Draw(picture)
    draw.text((50, 20), text, fill=30, font=_font(rng.uniform(120, 180)))
    return np.asarray(picture.rotate(rng.uniform(-10, 10), fillcolor=245))


#: Outlines of clothes, in hundredths of the width and height.
_CLOTHES = {
    "shirt": "30,5 42,12 58,12 70,5 98,30 84,44 74,36 74,95 26,95 26,36 16,44 2,30",
    "trousers": "28,3 72,3 78,97 57,97 50,35 43,97 22,97",
    "dress": "38,3 46,14 54,14 62,3 66,40 86,97 14,97 34,40",
    "boot": "40,3 66,3 66,60 92,72 94,92 38,92",
    "bag": "8,40 30,40 34,16 66,16 70,40 92,40 88,92 12,92",
    "sandal": "5,70 40,62 70,40 96,62 96,78 60,80 5,84",
}


def clothes(rng: Rng) -> np.ndarray:
    """Return a piece of clothing: a filled shape with shades and folds, light on dark or dark on light."""
    side = int(rng.choice([28, 120, 300]))
    fine = 4 * side
    picture = Image.new("L", (fine, fine))
    outline = _CLOTHES[str(rng.choice(list(_CLOTHES)))]
    points = [[int(number) / 100 for number in point.split(",")] for point in outline.split()]
    places = (np.array(points) + rng.normal(0, 0.02, (len(points), 2))) * fine
    ImageDraw.Draw(picture).polygon([tuple(place) for place in places], fill=255)
    shape = np.asarray(picture.resize((side, side), Image.Resampling.BOX)) / 255
    folds = ndimage.gaussian_filter(rng.normal(0, 1, shape.shape), side / 14)
    cloth = np.clip(rng.uniform(0.5, 0.9) + 0.15 * folds / folds.std(), 0, 1)
    picture = shape * cloth
    return np.uint8(255 * (picture if rng.random() < 0.6 else 1 - picture))


def doodle(rng: Rng) -> np.ndarray:
    """Return a house, a star, a flower, a tree, a face, a fish or an arrow, drawn with a pen."""
    picture = Image.new("L", (300, 300), 240)
    draw = ImageDraw.Draw(picture)
    wide = int(rng.integers(4, 14))
    jitter = lambda *places: [tuple(np.array(p) + rng.normal(0, 4, 2)) for p in places]  # noqa: E731
    line = lambda *places: draw.line(jitter(*places), fill=40, width=wide, joint="curve")  # noqa: E731
    oval = lambda x, y, r, s: draw.ellipse((x - r, y - s, x + r, y + s), outline=40, width=wide)  # noqa: E731
    kind = int(rng.integers(8))
    if kind == 0:
        line((70, 140), (70, 250), (230, 250), (230, 140), (70, 140), (150, 60), (230, 140))
        line((130, 250), (130, 190), (170, 190), (170, 250))
    elif kind == 1:
        turns = np.arange(6) * 4 * np.pi / 5
        line(*[(150 + 100 * np.sin(a), 150 - 100 * np.cos(a)) for a in turns])
    elif kind == 2:
        oval(150, 110, 25, 25)
        for a in np.arange(6) * np.pi / 3:
            oval(150 + 50 * np.cos(a), 110 + 50 * np.sin(a), 24, 24)
        line((150, 180), (150, 280))
    elif kind == 3:
        line((150, 280), (150, 120))
        for y in (130, 170, 210):
            line((90, y + 40), (150, y - 30), (210, y + 40))
    elif kind == 4:
        oval(150, 150, 105, 105), oval(115, 120, 12, 12), oval(185, 120, 12, 12)
        draw.arc((100, 120, 200, 210), 20, 160, fill=40, width=wide)
    elif kind == 5:
        oval(130, 150, 90, 50)
        line((215, 150), (270, 110), (270, 190), (215, 150))
    elif kind == 6:
        line((40, 150), (250, 150)), line((190, 90), (250, 150), (190, 210))
    else:
        line(*rng.uniform(40, 260, (int(rng.integers(7, 14)), 2)))  # a scribble
    return np.asarray(picture)


def texture(rng: Rng) -> np.ndarray:
    """Return bricks, waves, marble or gravel."""
    shape = 300, 400
    y, x = grid(shape)
    kind = int(rng.integers(4))
    if kind == 0:
        row = np.floor(y * 10)
        joint = ((y * 10) % 1 < 0.12) | ((x * 6 + row % 2 / 2) % 1 < 0.06)
        tone = np.where(joint, 0.75, 0.4) * fibers(shape, rng, 0.05)
    elif kind == 1:
        tone = 0.5 + 0.3 * np.sin(rng.uniform(10, 40) * (x + 0.2 * np.sin(7 * y)))
    elif kind == 2:
        field = ndimage.gaussian_filter(rng.normal(0, 1, shape), rng.uniform(8, 30))
        tone = 0.5 + 0.4 * np.sin(6 * field / field.std())
    else:
        field = ndimage.gaussian_filter(rng.normal(0, 1, shape), rng.uniform(2, 8))
        tone = 0.5 + 0.2 * field / field.std()
    return np.uint8(255 * np.clip(tone, 0, 1))


def things(rng: Rng) -> np.ndarray:
    """Return a few things on a table: disks, boxes and sticks, each with a shadow."""
    picture = Image.new("L", (400, 300), int(rng.integers(120, 230)))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 6))):
        x, y, r, s = *rng.uniform(40, 260, 2), *rng.uniform(15, 80, 2)
        tone = int(rng.integers(20, 250))
        shape = (draw.ellipse, draw.rectangle)[int(rng.integers(2))]
        shape((x - r + 6, y - s + 6, x + r + 6, y + s + 6), fill=70)
        shape((x - r, y - s, x + r, y + s), fill=tone)
    soft = ndimage.gaussian_filter(np.asarray(picture, float), 1.5)
    return np.uint8(np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255))


NO_DIGITS: dict[str, Callable[[Rng], np.ndarray]] = {
    "photographs": photograph,
    "pages of text": page_of_text,
    "a word": a_word,
    "letters": letter,
    "clothes": clothes,
    "doodles": doodle,
    "textures": texture,
    "things": things,
}
