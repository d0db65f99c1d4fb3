"""Parting data into what is learned from and what is asked about.

A plain shuffle may by bad luck leave the test part with few threes and many sevens. A *stratified*
split shuffles each class by itself and takes the same share of each, so both parts look alike.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def stratified_split(
    labels: ArrayLike, test_fraction: float = 0.2, rng: int | np.random.Generator = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose which rows to train on and which to test on, the same share of every class.

    `labels` of shape (N,) has the class of each row, `test_fraction` is the share of rows for the test, and
    `rng` a seed or a Generator. Returns the row numbers for training and for testing, both in random order:
    two int64 arrays that together hold every row once.

    Raises ValueError if the fraction is not between 0 and 1, or one of the parts would be empty.

    >>> train, test = stratified_split([0, 0, 0, 0, 1, 1, 1, 1], test_fraction=0.25)
    >>> len(train), len(test)
    (6, 2)
    """
    if not 0 < test_fraction < 1:
        raise ValueError(
            f"test_fraction={test_fraction} is not a share between 0 and 1; 0.2 tests on a fifth"
        )
    labels = np.asarray(labels)
    rng = np.random.default_rng(rng)
    is_test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        is_test[rows[: round(test_fraction * len(rows))]] = True
    if is_test.all() or not is_test.any():
        raise ValueError(
            f"test_fraction={test_fraction} of {len(labels)} rows would leave nothing to train on "
            "or nothing to test on; give more rows or another fraction"
        )
    return rng.permutation(np.flatnonzero(~is_test)), rng.permutation(np.flatnonzero(is_test))
