"""Images as CSV: one image a line, first its label, then its pixels from 0 to 255.

    label,pixel0,pixel1,pixel2, …       (this line may be missing)
    5,0,0,0, …

It is the form in which *Make Your Own Neural Network* and Kaggle hand out MNIST: twice as long as IDX, but
any spreadsheet opens it. And it can be read line by line. A network that learns from one image at a time
needs one line at a time, so all of MNIST passes through the memory of a very small computer.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.datasets.csv_lines import Batch, find_columns, read_numbers
from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.pixels import Pixels
from tinygrad_edu.datasets.resampling import as_image_shape
from tinygrad_edu.support import check_name, replacing

_BLOCK = 128  # lines that are turned into numbers together
_NUMBERS = [str(number) for number in range(256)]


def stream_csv(
    path: str | os.PathLike[str], batch_size: int = 1, classes: int = 10
) -> Iterator[Batch]:
    r"""Yield the images of a CSV file in order, `batch_size` at a time; only a few lines are in memory.

    The file may be gzipped. Commas, semicolons or tabs part its cells; blank lines are passed over. If its
    first line holds names, the one that is label or class says where the label stands, else it stands first.
    A column without a name, or one called id, index, Unnamed: 0 or the like, numbers the lines and holds no
    pixels: a warning says that it is passed over.

    Each batch is a pair (pixels, labels): uint8 of shape (n, pixels) and int64 of shape (n,). n is
    batch_size; the last batch may be smaller. A network wants pixels / 255, or
    `by_hand.rashid.scale_pixels`.

    Raises ValueError if batch_size or classes is below 1; when the place is reached, also if the file is
    empty, not text, or cut short, if two columns have one name, if a cell is missing or no whole number from
    0 to 255, or if a label is not below `classes` (the message names line and column). Raises OSError if the
    file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "tiny.csv"
    ...     _ = path.write_text("5,0,255\n0,7,8\n4,1,2\n")
    ...     [(pixels.tolist(), labels.tolist()) for pixels, labels in stream_csv(path, 2)]
    [([[0, 255], [7, 8]], [5, 0]), ([[1, 2]], [4])]
    """
    for name, number in (("batch_size", batch_size), ("classes", classes)):
        if not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"expected {name} to be a whole number from 1, got {number!r}")
    return _stream(check_name(path), int(batch_size), int(classes))


def read_csv(path: str | os.PathLike[str], classes: int = 10) -> tuple[Pixels, NDArray[np.int64]]:
    r"""Read a whole CSV file of images: `Pixels` of shape (N, pixels), and the labels, int64 of shape (N,).

    See `stream_csv` for what the file may look like, and what is raised.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(Path(folder) / "tiny.csv.gz", Pixels(np.full((2, 4), 51, np.uint8)), [7, 3])
    ...     x, y = read_csv(Path(folder) / "tiny.csv.gz")
    >>> x[0], y
    (array([0.2, 0.2, 0.2, 0.2], dtype=float32), array([7, 3]))
    """
    pixels, labels = zip(*stream_csv(path, _BLOCK, classes), strict=True)
    return Pixels(np.concatenate(pixels)), np.concatenate(labels)


def load_csv(
    train: str | os.PathLike[str],
    test: str | os.PathLike[str],
    image_shape: tuple[int, int] | None = None,
    classes: int = 10,
) -> Dataset:
    """Load two CSV files, one to train on and one to test on; `image_shape` if images are not square.

    Raises ValueError as `stream_csv` does, and if the images of the two differ in size or do not have that
    shape; OSError if a file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "tiny.csv"
    ...     write_csv(path, np.zeros((3, 8, 8), np.uint8), [0, 1, 1])
    ...     load_csv(path, path)
    Dataset(tiny: 3 images to train on, 3 to test on, 8×8 pixels, 10 classes)
    """
    x_train, y_train = read_csv(train, classes)
    x_test, y_test = read_csv(test, classes)
    count = x_train.shape[1]
    if x_test.shape[1] != count:
        raise ValueError(
            f"{train} has {count} pixels an image, and {test} has {x_test.shape[1]}; "
            "take both from the same data set"
        )
    side = round(count**0.5)
    height, width = as_image_shape(image_shape) if image_shape else (side, side)
    if height * width != count:
        raise ValueError(
            f"{train}: each line has a label and {count} pixels, which "
            + (
                f"do not make {height}×{width}"
                if image_shape
                else "make no square; is a column missing? Otherwise give image_shape=(height, width)"
            )
        )
    return Dataset(
        name=Path(train).name.partition(".")[0],
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        image_shape=(height, width),
        class_names=tuple(map(str, range(classes))),
        note=f"images from the CSV files {train} and {test}",
    )


def write_csv(
    path: str | os.PathLike[str],
    pixels: Pixels | NDArray[np.uint8],
    labels: ArrayLike,
    header: bool = False,
) -> None:
    r"""Write images as CSV, gzipped if the name ends in .gz; the file appears whole or not at all.

    `pixels` are `Pixels` or uint8, of shape (N, …); each image becomes one line, in reading order. `labels`
    are whole numbers from 0, of shape (N,). With `header`, the first line is label,pixel0,pixel1,…

    Raises TypeError if pixels are not bytes or labels not whole numbers; ValueError if there is no image,
    not one label for each, or a label below 0; OSError if the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(Path(folder) / "tiny.csv", np.array([[0, 255]], np.uint8), [5], header=True)
    ...     (Path(folder) / "tiny.csv").read_text()
    'label,pixel0,pixel1\n5,0,255\n'
    """
    raw = pixels.raw if isinstance(pixels, Pixels) else Pixels(pixels).raw
    labels = np.asarray(labels)
    if raw.ndim < 2 or labels.shape != raw.shape[:1] or not raw.size:
        raise ValueError(
            "expected images of shape (N, …) and a label for each, of shape (N,), got "
            f"{raw.shape} and {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"expected whole numbers as labels, got dtype {labels.dtype}")
    if labels.min() < 0:
        raise ValueError(f"expected labels from 0, got {labels.min()}")
    raw = raw.reshape(len(raw), -1)
    with replacing(path) as file:
        if Path(path).suffix == ".gz":  # no name and no time stamp: the same images, the same file
            with gzip.GzipFile("", "wb", 6, fileobj=file, mtime=0) as packed:
                _write_lines(packed, raw, labels, header)
        else:
            _write_lines(file, raw, labels, header)


def _write_lines(
    file: IO[bytes] | gzip.GzipFile,
    raw: NDArray[np.uint8],
    labels: NDArray[np.integer],
    header: bool,
) -> None:
    if header:
        names = [f"pixel{number}" for number in range(raw.shape[1])]
        file.write((",".join(["label", *names]) + "\n").encode())
    for image, label in zip(raw, labels.tolist(), strict=True):
        cells = [str(label), *map(_NUMBERS.__getitem__, image.tolist())]
        file.write((",".join(cells) + "\n").encode())


def _stream(path: Path, batch_size: int, classes: int) -> Iterator[Batch]:
    size = batch_size * max(1, _BLOCK // batch_size)  # whole batches
    try:
        with _open(path) as file:
            # Some programs end each line with a comma.
            stripped = ((number, line.rstrip(" \t\r\n,;")) for number, line in enumerate(file, 1))
            columns, lines = find_columns((line for line in stripped if line[1]), path, classes)
            empty = True
            while block := list(islice(lines, size)):
                empty = False
                pixels, labels = read_numbers(block, columns)
                for start in range(0, len(block), batch_size):
                    batch = slice(start, start + batch_size)
                    yield pixels[batch], labels[batch]
            if empty:
                raise ValueError(f"{path}: holds no image, only the line with the names of columns")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error}); save it as CSV UTF-8") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(
            f"{path}: its gzip packing is damaged or cut short ({error}); fetch the file again"
        ) from error


def _open(path: Path) -> IO[str]:
    """Open a file for reading as text, gzipped or not; the bytes decide, not the name."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as unpacked:
        if b"\0" in unpacked.read(4):
            raise ValueError(
                f"{path}: is not text but bytes; MNIST's own files, in the IDX format, are for load_mnist "
                "and read_idx"
            )
    encoding = "utf-8-sig"  # -sig drops the mark that Excel puts first
    return gzip.open(path, "rt", encoding=encoding) if packed else path.open(encoding=encoding)
