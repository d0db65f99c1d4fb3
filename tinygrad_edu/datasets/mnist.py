"""MNIST: 70,000 handwritten digits, the exercise that every network begins with.

American census workers and high-school pupils wrote the digits; LeCun, Cortes and Burges scaled and
centered them into gray pictures of 28×28 pixels: 60,000 to learn from, 10,000 by other writers to be
examined on (http://yann.lecun.com/exdb/mnist, a site that no longer hands them out, hence the
mirrors). They come as four IDX files, images and labels for each part. They are looked for in a
folder that the user names, else among the files downloaded earlier, else on the mirrors.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.download import (
    DataUnavailable,
    Source,
    default_cache,
    fetch,
    md5_of,
    read_verified,
)
from tinygrad_edu.datasets.idx import read_idx
from tinygrad_edu.datasets.pixels import Pixels
from tinygrad_edu.support import check_name

FOLDER_VARIABLE = "TINYGRAD_EDU_DATA"

MNIST = Source(
    name="MNIST",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    md5={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
)


def load_mnist(
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
    *,
    cache: str | os.PathLike[str] | None = None,
    source: Source = MNIST,
) -> Dataset:
    """Load MNIST, or other images that come in four files of the same names.

    The x of the `Dataset` are `Pixels` of shape (N, 784), its y int64 of shape (N,).

    `folder` holds the four files, gzipped or not, named as on the mirrors or with a dot as in
    `train-images.idx3-ubyte`. Without it, the environment variable TINYGRAD_EDU_DATA names the folder. A
    named folder is the only place that is looked into, and any labeled uint8 images will do, such as
    Fashion-MNIST; the `name` and `note` of the answer say whether they are MNIST's.

    Where no folder is named, `download` says whether to fetch what is missing, and `source` from which
    mirrors, with which checksums. Downloads are kept in `cache`, by default the user's cache folder as
    pooch finds it; files in it are checked against their checksums at every load.

    Raises FileNotFoundError, which lists what is missing, if the named folder lacks files; DataUnavailable,
    which says how to place them by hand, if no folder is named and the files could neither be found nor
    downloaded; ValueError if a file is damaged, or images and labels do not go together.

    >>> load_mnist("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: the folder no/such/folder lacks train-images-idx3-ubyte, train-labels-...
    """
    if folder is not None:
        return _from_folder(check_name(folder).expanduser(), f"the folder {folder}", source)
    if named := os.environ.get(FOLDER_VARIABLE):
        said = f"the folder {named}, named by {FOLDER_VARIABLE},"
        return _from_folder(Path(named).expanduser(), said, source)
    try:
        kept = default_cache() if cache is None else Path(cache)
        arrays = _from_cache(kept, download, source)
    except DataUnavailable as error:
        raise DataUnavailable(
            f"{source.name} could not be had: {error.reason}",
            f"{error.details} {_by_hand(source)}".strip(),
        ) from error
    return _dataset(source.name, arrays, f"{source.name}, as downloaded into {kept}")


def _from_folder(folder: Path, said: str, source: Source) -> Dataset:
    found = {stem: _find(folder, stem) for stem in source.md5}
    missing = [stem for stem, path in found.items() if path is None]
    if missing:
        folders = [
            name for stem in missing for name in _spellings(stem) if (folder / name).is_dir()
        ]
        raise FileNotFoundError(
            f"{said} lacks {', '.join(missing)}; put all four files there, gzipped (.gz) "
            "or not, or name no folder to have MNIST downloaded"
            + (
                f". {', '.join(folders)}: a folder, not a file; take out what is in it"
                if folders
                else ""
            )
        )
    arrays = {stem: read_idx(path) for stem, path in found.items() if path is not None}
    if all(md5_of(array) == source.md5[stem] for stem, array in arrays.items()):
        return _dataset(source.name, arrays, f"{source.name}, from the folder {folder}")
    note = f"images from the folder {folder}, whose files are not those of {source.name}"
    return _dataset(folder.resolve().name, arrays, note)


def _find(folder: Path, stem: str) -> Path | None:
    """Return the file called `stem` in one of its usual spellings."""
    return next((folder / name for name in _spellings(stem) if (folder / name).is_file()), None)


def _spellings(stem: str) -> tuple[str, ...]:
    dotted = stem.replace("-idx", ".idx")
    return stem, f"{stem}.gz", dotted, f"{dotted}.gz"


def _from_cache(cache: Path, download: bool, source: Source) -> dict[str, NDArray[Any]]:
    arrays, damaged = {}, []
    for stem in source.md5:
        try:
            arrays[stem] = read_verified(source, stem, cache / f"{stem}.gz")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ValueError as error:
            damaged.append(str(error))
        except OSError as error:  # a folder, perhaps, or somebody else's file
            damaged.append(f"{cache / stem}.gz cannot be read ({error.strerror})")
    missing = [stem for stem in source.md5 if stem not in arrays]
    if not missing:
        return arrays
    try:
        if not download:
            raise DataUnavailable(f"not all of it is in {cache}, and download=False")
        return arrays | fetch(source, missing, cache)
    except DataUnavailable as error:
        if not damaged:
            raise
        raise ValueError(  # "unavailable" would hide that something is wrong on this computer
            f"{'; '.join(damaged)}; and there is no fresh copy: {error.reason}. Delete the damaged "
            "file, and load again with a connection"
        ) from error


def _by_hand(source: Source) -> str:
    return (
        f"To place it by hand, put its four files ({', '.join(source.md5)}; gzipped or not) into "
        f"one folder, and set {FOLDER_VARIABLE} to that folder or give it as folder=... The "
        f"mirrors are {' and '.join(source.mirrors)}"
    )


def _dataset(name: str, arrays: dict[str, NDArray[Any]], note: str) -> Dataset:
    x_train, y_train, image_shape = _part("train", arrays)
    x_test, y_test, test_shape = _part("t10k", arrays)
    if image_shape != test_shape:
        raise ValueError(
            f"{note}: the training images are {image_shape} pixels and the test images "
            f"{test_shape}; take both from the same data set"
        )
    classes = max(10, int(y_train.max(initial=0)) + 1, int(y_test.max(initial=0)) + 1)
    names = tuple(str(number) for number in range(classes))
    return Dataset(name, x_train, y_train, x_test, y_test, image_shape, names, note)


def _part(
    part: str, arrays: dict[str, NDArray[Any]]
) -> tuple[Pixels, NDArray[np.int64], tuple[int, int]]:
    """Return images, labels and the shape of one image."""
    images, labels = arrays[f"{part}-images-idx3-ubyte"], arrays[f"{part}-labels-idx1-ubyte"]
    if images.ndim != 3 or images.dtype != np.uint8 or labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(
            f"the {part} images are {images.dtype} of shape {images.shape} and the labels "
            f"{labels.dtype} of shape {labels.shape}, where uint8 of shapes (N, height, width) and "
            "(N,) were expected; check that no file bears another's name"
        )
    if len(images) != len(labels):
        raise ValueError(
            f"there are {len(images):,} {part} images but {len(labels):,} labels; "
            "take both files from the same data set"
        )
    count, height, width = images.shape
    pixels = Pixels(images.reshape(count, height * width))
    return pixels, labels.astype(np.int64), (height, width)
