"""Ones with a flag: more of them to learn from, and nothing else changed."""

import numpy as np
import pytest

from tinygrad_edu.datasets import Dataset, Pixels, add_flagged_ones


def strokes(count=12):
    """Images of 28×28 with an upright stroke in the middle, every second one called a 1, others a 7."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 13:16] = 255
    x, y = Pixels(images.reshape(count, -1)), np.where(np.arange(count) % 2, 7, 1)
    names = tuple(map(str, range(10)))
    return Dataset("strokes", x, y, x, y, (28, 28), names, "made up")


def test_a_share_of_the_ones_is_added_and_all_else_stays():
    data = strokes()
    more = add_flagged_ones(data, 0.5, rng=0)
    assert len(more.y_train) == 12 + 3
    assert (more.y_train[12:] == 1).all()
    np.testing.assert_array_equal(more.x_train.raw[:12], data.x_train.raw)
    assert more.x_test is data.x_test
    assert "3 ones with a flag" in more.note


def test_the_flag_is_new_ink_at_the_upper_left_of_the_stroke():
    drawn = add_flagged_ones(strokes(200), 1.0, rng=0).x_train.raw[200:].reshape(-1, 28, 28)
    mass = drawn.sum(axis=(1, 2), dtype=float)
    assert (mass > 255 * 20 * 3).all()  # more ink than the bare stroke
    for image in drawn:
        rows, columns = np.nonzero(image > 127)
        stem = np.bincount(columns, minlength=28).argmax()  # most of the ink stands there
        upper = rows < np.median(rows)
        left, right = stem - columns[upper].min(), columns[upper].max() - stem
        assert left > right


def test_the_center_of_mass_is_in_the_middle_again():
    drawn = add_flagged_ones(strokes(100), 1.0, rng=1).x_train.raw[100:].reshape(-1, 28, 28)
    places = np.arange(28) - 13.5
    for image in drawn.astype(float):
        assert abs(image.sum(axis=0) @ places) / image.sum() <= 0.75
        assert abs(image.sum(axis=1) @ places) / image.sum() <= 0.75


def test_the_same_seed_draws_the_same_flags():
    one, two, other = (add_flagged_ones(strokes(), 1.0, rng).x_train.raw for rng in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("share", [-0.1, 1.5, np.nan])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        add_flagged_ones(strokes(), share)
