"""Handwritten digits, whatever this computer can get.

A program that teaches should run on a train as well. `load_handwriting` prefers MNIST, and when
MNIST cannot be had takes the 8×8 digits instead, and always says in one line which data it took and
why.
"""

import os
from dataclasses import replace
from typing import Literal

from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.digits import load_digits
from tinygrad_edu.datasets.download import DataUnavailable, Source
from tinygrad_edu.datasets.mnist import FOLDER_VARIABLE, MNIST, load_mnist


def load_handwriting(
    prefer: Literal["mnist", "digits"] = "mnist",
    *,
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
    cache: str | os.PathLike[str] | None = None,
    source: Source = MNIST,
) -> Dataset:
    """Load MNIST when it can be had, else the real 8×8 digits of scikit-learn; `note` says which.

    Only data that cannot be had leads to the digits. Files that are there but damaged, or a named
    folder that lacks them, are errors: to pass over them would hide what should be mended.

    `prefer` is "mnist", or "digits" for the 8×8 digits straight away. The other options are those of
    `load_mnist`.

    Raises ImportError if the 8×8 digits are wanted and scikit-learn is not installed; FileNotFoundError and
    ValueError as `load_mnist` does.

    >>> load_handwriting("digits").image_shape
    (8, 8)
    """
    if prefer not in ("mnist", "digits"):
        raise ValueError(f'prefer={prefer!r} is unknown; say "mnist" or "digits"')
    if prefer == "digits":
        return load_digits()
    try:
        return load_mnist(folder, download, cache=cache, source=source)
    except DataUnavailable as error:
        digits = load_digits()
        note = (
            f"{error.reason}, so these are the {len(digits.y_train) + len(digits.y_test):,} real "
            "8×8 digits of scikit-learn; for MNIST, put its four files into a folder and set "
            f"{FOLDER_VARIABLE} to it"
        )
        return replace(digits, note=note)
