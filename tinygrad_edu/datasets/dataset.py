"""A dataset: images to learn from, and other images to be examined on.

A network that is examined on what it has learned from may simply have learned it by heart. So every
dataset comes in two parts that share no image: the training part and the test part. `x` holds one
image a row, its pixels in reading order, and `y` holds the class of each image as a whole number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.datasets.pixels import Pixels


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labeled images, parted into training and test.

    `name` is what the data is called, such as "MNIST", and `note` a line that says which data this is, and
    where it came from.

    `x_train` and `x_test` are `Pixels` of shape (N, features): bytes in memory, float32 in 0…1 to whoever
    indexes them. `image_shape` is the (height, width) of one image; `x_train.reshape(-1, 1, *image_shape)`
    suits a convolution.

    `y_train` and `y_test` are the classes, int64 of shape (N,), counted from 0; `class_names` has the name
    of class 0, of class 1, and so on.

    >>> x, y = Pixels(np.zeros((3, 64), dtype=np.uint8)), np.array([0, 1, 1])
    >>> Dataset("tiny", x, y, x, y, (8, 8), ("zero", "one"), "made up")
    Dataset(tiny: 3 images to train on, 3 to test on, 8×8 pixels, 2 classes)
    """

    name: str
    x_train: Pixels
    y_train: NDArray[np.int64]
    x_test: Pixels
    y_test: NDArray[np.int64]
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    note: str

    @property
    def is_small(self) -> bool:
        """Whether there are fewer than 10,000 images to learn from, which takes more epochs."""
        return len(self.y_train) < 10_000

    def __repr__(self) -> str:
        height, width = self.image_shape
        return (
            f"Dataset({self.name}: {len(self.y_train):,} images to train on, "
            f"{len(self.y_test):,} to test on, {height}×{width} pixels, "
            f"{len(self.class_names)} classes)"
        )
