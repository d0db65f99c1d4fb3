"""Pictures of one's own: from files of any kind to numbers, 0 for black to 255 for white.

The same white sheet with a black 3 on it may come as bytes or as 16-bit numbers, as red, green and blue or as
cyan, magenta, yellow and black, as a palette, or as ink on nothing at all, where a fourth number says how
much each dot covers what lies behind it. It may lie on its side, with a note for the viewer to turn it. And
it may be no picture, or one that unpacks to a thousand times its size. All of that is settled here, once, so
that nobody further on needs to think of it.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.support import needed

#: More dots than this are refused before they are unpacked.
MOST_DOTS = 50_000_000

_LONGEST = 2400  # side that is kept: a digit is looked at in fewer dots

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # none that runs a program
_ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".mpo", ".gif", ".bmp"),
    *(".tif", ".tiff", ".webp", ".ppm", ".pgm"),
}
_FOREIGN = {".heic", ".heif", ".avif", ".svg", ".pdf"}  # named in a message, not left out silently
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class PictureError(ValueError):
    """A file is no picture that can be read; the message says why, and what would help."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, read or not.

    `path` is the file, and `label` the digit that its name says is in it, or None. `gray` is brightness,
    uint8 of shape (height, width), or None if the file could not be read; `error` then says why, else it is
    "".
    """

    path: Path
    label: int | None
    gray: NDArray[np.uint8] | None
    error: str = ""


def load_image() -> Any:
    """Return PIL.Image; raises ImportError that says how to install it."""
    with needed("Pillow", "a picture of handwriting", extra="pictures"):
        from PIL import Image
    return Image


def read_pictures(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> Iterator[Picture]:
    """Yield the pictures in files and folders, one at a time, those of a folder in the order of their names.

    A file that cannot be read is yielded as well, with its `error`, so that one bad file does not hide the
    others. In a folder, files that are not named like pictures are left out, and so are folders.

    `paths` is a file or a folder, or several of them.

    Raises FileNotFoundError if there is no such file or folder, PictureError if a folder holds no picture.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = [file for path in several for file in _files(_path(path))]  # complains before any work
    return (_try_to_read(file) for file in files)


def _path(path: str | os.PathLike[str]) -> Path:
    """Return a path that a file system could have."""
    if "\0" in os.fspath(path):
        raise PictureError(f"{os.fspath(path)!r} is no path: no file's name holds a NUL character")
    return Path(path)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if not path.is_dir():
        return [path]
    endings = _ENDINGS | _FOREIGN
    found = [
        f
        for f in path.iterdir()
        if f.suffix.lower() in endings and f.name[0] != "." and f.is_file()
    ]
    if not found:
        raise PictureError(
            f"the folder {path} holds no pictures; their names end in {', '.join(sorted(_ENDINGS))}"
        )
    return sorted(found, key=_in_human_order)


def _in_human_order(path: Path) -> list[Any]:
    """Return a key under which 2.png comes before 10.png."""
    return [
        int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", path.name.lower())
    ]


def _try_to_read(path: Path) -> Picture:
    beside: list[str] = []
    with suppress(OSError):  # a file may be read in a folder that may not be listed
        beside = os.listdir(path.parent)
    label = label_of(path.name, beside)
    try:
        return Picture(path, label, read_picture(path))
    except (PictureError, OSError) as error:
        return Picture(path, label, None, str(error))


def read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the brightness of a picture, uint8 of shape (height, width): 0 is black, 255 is white.

    Reads PNG, JPEG, GIF, BMP, TIFF, WebP and PPM, of an animation the first picture. It is turned as its EXIF
    data say. Transparent pictures are laid on white, or, if the ink on them is light, on black. The
    brightness of a colored dot is the weighted mean of its red, green and blue. Where that mean is nearly the
    same everywhere, as with red ink on green paper, it is the one of the three colors that shows most. A
    picture with a side of more than 2,400 dots is halved, or made smaller still, as it is read.

    Raises FileNotFoundError if there is no such file, PictureError if it is no picture, a damaged one, one
    with dots that are no finite numbers, or one of more than `MOST_DOTS` dots.
    """
    image_module = load_image()
    from PIL import UnidentifiedImageError

    path = _path(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, and of size, which is looked at below.
            warnings.simplefilter("ignore")
            with image_module.open(path, formats=_FORMATS) as image:
                width, height = image.size
                if width * height > MOST_DOTS:
                    raise PictureError(
                        f"{path} has {width}×{height} dots, and {MOST_DOTS:,} are the most that is read; "
                        "scale it down or cut out the digit"
                    )
                return _gray(image)
    except (PictureError, FileNotFoundError, IsADirectoryError, PermissionError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"{path} is no picture that can be read{_hint(path)}") from error
    except image_module.DecompressionBombError as error:
        raise PictureError(f"{path} has far too many dots: {error}") from error
    except Exception as error:  # Pillow raises nearly anything when a file is damaged
        raise PictureError(f"{path} is damaged or cut short: {error}") from error


def _hint(path: Path) -> str:
    if path.stat().st_size == 0:
        return ": it is empty"
    if path.suffix.lower() in _FOREIGN:
        return f": save it as PNG or JPEG, rather than {path.suffix}"
    return "; PNG and JPEG are the usual kinds"


def _gray(image: Any) -> NDArray[np.uint8]:
    """Return the brightness of a Pillow image of any mode."""
    from PIL import ImageOps

    image.seek(0)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(("I", "F")):
        return _of_wide_numbers(np.asarray(image))
    if image.has_transparency_data:
        return _on_ground(np.asarray(_reduced(image.convert("RGBA"))))
    if image.mode in ("1", "L"):
        return np.asarray(_reduced(image.convert("L")))
    return _of_colors(np.asarray(_reduced(image.convert("RGB"))))


def _reduced(image: Any) -> Any:
    """Return a Pillow image with no side longer than is kept, each dot the mean of those it stands for."""
    times = -(-max(image.size) // _LONGEST)
    return image.reduce(times) if times > 1 else image


def _of_wide_numbers(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Return numbers of 16 or 32 bits as bytes: by their range if known, else by what occurs."""
    strange = int(np.count_nonzero(~np.isfinite(numbers)))
    if strange:
        raise ValueError(f"{strange:,} of its dots are NaN or infinite, and have no brightness")
    if numbers.dtype == np.uint16 or (numbers.dtype.kind == "i" and 255 < numbers.max() < 65536):
        low, high = 0.0, 65535.0
    else:
        low, high = float(numbers.min()), float(numbers.max())
    share = (numbers - np.float32(low)) / np.float32((high - low) or 1)
    gray = np.round(255 * share.clip(0, 1)).astype(np.uint8)
    return np.asarray(_reduced(load_image().fromarray(gray)))


def _on_ground(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightness of a transparent picture that lies on what shows its ink best."""
    gray = _of_colors(rgba[..., :3])
    alpha = rgba[..., 3]
    covered = gray[alpha > 127]
    if len(covered) == 0:
        return np.full(gray.shape, 255, np.uint8)
    middle = np.median(covered)
    if len(covered) > alpha.size / 2 and np.ptp(np.percentile(covered, (1, 99))) > 40:
        ground = int(middle)  # most is paper, with ink on it; only a rim is transparent
    else:
        ground = 255 if middle < 160 else 0
    share = alpha / np.float32(255)
    return np.round(share * gray + (1 - share) * np.float32(ground)).astype(np.uint8)


def _of_colors(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luminance, or the color that shows more."""
    picture = load_image().fromarray(rgb)
    tones = [picture.convert("L"), *picture.split()]
    contrasts = [_contrast(tone) for tone in tones]
    best = int(np.argmax(contrasts))
    return np.asarray(tones[best if contrasts[0] < contrasts[best] / 2 else 0])


def _contrast(tone: Any) -> int:
    """Return by how much dots of a Pillow image differ from those around them: light may be uneven."""
    from PIL import ImageFilter

    small = tone.reduce(max(1, min(tone.size) // 200))  # so that noise does not count
    around = small.filter(ImageFilter.GaussianBlur(max(small.size) / 10))
    return int(np.ptp(np.asarray(small, np.int16) - np.asarray(around, np.int16)))


def label_of(name: str, beside: Iterable[str] = ()) -> int | None:
    """Return the digit that a file name says is in the picture, or None if it says none for certain.

    It is the digit that begins the name, or that follows a word such as digit or label, or the only number in
    the name that has one digit, or a word such as seven. Dates, sizes, copies in brackets and running numbers
    say nothing. `beside` are the names of the files in the same folder: a number runs if one of them has the
    same name with a number above 9 in its place.

    >>> [label_of(name) for name in ["3.png", "7_thin_pen.jpg", "digit-4 (2).png", "2828_my_own_3.png"]]
    [3, 7, 4, 3]
    >>> [label_of(name) for name in ["IMG_2034.jpg", "scan 3.png", "2024-03-05.jpg", "800x600.png"]]
    [None, None, None, None]
    >>> label_of("digit1.png", beside=["digit1.png", "digit2.png", "digit10.png"])
    """
    label = _digit_in(Path(name).stem.lower())
    return None if label is None or _is_running(name, label, beside) else label


def _is_running(name: str, label: int, beside: Iterable[str]) -> bool:
    """Return whether the digit in a name is a running number, by the names beside it."""
    stem = Path(name).stem
    place = re.search(rf"(?<!\d){label}(?!\d)", stem)
    if place is None:  # it is a word
        return False
    before, after = map(re.escape, (stem[: place.start()], stem[place.end() :]))
    like = re.compile(rf"{before}[1-9]\d+{after}", re.IGNORECASE)
    return any(like.fullmatch(Path(other).stem) for other in beside)


def _digit_in(stem: str) -> int | None:
    """Return the digit that a name, without its ending and in small letters, says, or None."""
    stem = re.sub(r"\(\d+\)|\d+\s*[x×]\s*\d+|\d{1,4}[-._]\d{1,2}[-._]\d{2,4}(?!\d)", " ", stem)
    named = re.search(r"(?:digit|label|number|class|true|is|ziffer)[ _=-]*(\d)(?!\d)", stem)
    first = re.match(r"(\d)(?![\d])", stem)
    if said := named or first:
        return int(said[1])
    words = [word for word in re.split(r"[^a-z]+", stem) if word in _WORDS]
    if len(words) == 1:
        return _WORDS.index(words[0])
    counted = r"\b(?:screenshot.*|(?:img|image|dsc[nf]?|pxl|photo|foto|scan|picture|page)[ _-]*\d+)"
    parts = re.split(r"[^a-z0-9]+|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", re.sub(counted, " ", stem))
    single = [part for part in parts if re.fullmatch(r"\d", part)]
    return int(single[0]) if len(single) == 1 else None
