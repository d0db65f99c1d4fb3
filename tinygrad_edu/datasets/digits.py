"""The 8×8 digits: real handwriting, small enough for a first network.

Forty-three people wrote digits on a form; each digit was scanned at 32×32 dots, and the dots set in
every 4×4 square were counted, which gives 8×8 numbers from 0 to 16 (Alpaydin and Kaynak, *Optical
Recognition of Handwritten Digits*, UCI Machine Learning Repository, 1998). The 1,797 digits that
scikit-learn brings along need no download, and a network learns them in seconds.
"""

import numpy as np

from tinygrad_edu.datasets.dataset import Dataset
from tinygrad_edu.datasets.pixels import Pixels
from tinygrad_edu.datasets.split import stratified_split
from tinygrad_edu.support import needed


def load_digits(test_fraction: float = 0.2, rng: int | np.random.Generator = 0) -> Dataset:
    """Load the 8×8 digits of scikit-learn, shuffled and parted.

    The numbers 0…16 become bytes 0…255, so the pixels are seen as 0…1 like any others. Each digit
    gives the same share to the test, and the same `rng` gives the same parts.

    `test_fraction` is the share that is kept for the test, `rng` a seed or a Generator. The x of the
    `Dataset` are `Pixels` of shape (N, 64), its y int64 of shape (N,).

    Raises ImportError without scikit-learn, ValueError if the fraction is not between 0 and 1.

    >>> load_digits()
    Dataset(8×8 digits: 1,438 images to train on, 359 to test on, 8×8 pixels, 10 classes)
    """
    with needed("scikit-learn", "the data set of 8×8 digits", extra="data"):
        from sklearn.datasets import load_digits as load_bunch
    counts, labels = load_bunch(return_X_y=True)
    pixels = np.round(counts * 255 / 16).astype(np.uint8)
    labels = labels.astype(np.int64)
    train, test = stratified_split(labels, test_fraction, rng)
    return Dataset(
        name="8×8 digits",
        x_train=Pixels(pixels[train]),
        y_train=labels[train],
        x_test=Pixels(pixels[test]),
        y_test=labels[test],
        image_shape=(8, 8),
        class_names=tuple("0123456789"),
        note=f"the {len(labels):,} real 8×8 digits of scikit-learn; load_mnist() gives MNIST",
    )
