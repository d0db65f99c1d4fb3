"""The eleventh class, and what a reading makes of it."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("scipy")

from tinygrad_edu.datasets import Dataset, Pixels
from tinygrad_edu.lab.handwriting import Reading, add_no_digits, read_digit, to_mnist


def some_digits(count=200):
    """Return images of 28×28 with a stroke each; two neighbors can always be put side by side."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    x, y = Pixels(images.reshape(count, 784)), np.arange(count) % 10
    return Dataset("made up", x, y, x[:5], y[:5], (28, 28), tuple("0123456789"), "made up")


def test_an_eleventh_class_comes_to_what_is_learned_and_the_digits_stay():
    data = some_digits()
    more = add_no_digits(data, 0.5, rng=0)
    np.testing.assert_array_equal(more.x_train.raw[:200], data.x_train.raw)
    np.testing.assert_array_equal(more.y_train[:200], data.y_train)
    assert (len(more.y_train), set(more.y_train[200:]), more.class_names[10]) == (300, {10}, "none")
    assert more.x_test is data.x_test
    assert "100 images of no digit" in more.note


def test_what_is_no_digit_has_the_form_that_a_picture_would_get():
    images = add_no_digits(some_digits(), 1.0, rng=1).x_train.raw[200:].reshape(-1, 28, 28)
    for image in images:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (
            19,
            20,
        )  # a soft edge may round to nothing
    assert len(np.unique(images, axis=0)) > 150  # and they are not all alike


def test_the_same_seed_makes_the_same_images():
    one, two, other = (add_no_digits(some_digits(), 0.2, rng).x_train.raw for rng in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_share_that_is_none(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        add_no_digits(some_digits(), share)


def test_small_images_are_refused():
    x, y = Pixels(np.zeros((4, 64), np.uint8)), np.zeros(4, int)
    with pytest.raises(ValueError, match=r"28×28 dots, got \(8, 8\)"):
        add_no_digits(Dataset("small", x, y, x, y, (8, 8), ("0",), ""))


def test_what_is_probably_none_is_answered_with_the_likeliest_digit_and_little_confidence():
    picture = np.full((60, 60), 255, np.uint8)
    picture[10:50, 28:33] = 0
    chances = np.array([0, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0.9])
    reading = Reading(Path("1.png"), to_mnist(picture), chances, 1)
    assert (reading.answer, reading.confidence, reading.right) == (1, 0.1, True)


def test_the_scores_of_a_network_are_halved_so_that_it_doubts_more():
    class Sure:
        def predict(self, x):
            return np.tile(np.float32([6, 0, 0]), (len(x), 1))

    chances = read_digit(Sure(), np.zeros((28, 28), np.uint8))
    np.testing.assert_allclose(chances, np.exp([3, 0, 0]) / np.exp([3, 0, 0]).sum(), rtol=1e-6)
