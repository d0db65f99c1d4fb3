import sys

import numpy as np
import pytest

from tinygrad_edu.datasets import load_digits


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits as load_bunch

    data = load_digits()
    ours = np.concatenate([data.x_train[...], data.x_test[...]])
    theirs = load_bunch().data / 16
    np.testing.assert_allclose(np.sort(ours, axis=0), np.sort(theirs, axis=0), atol=0.5 / 255)
    assert data.x_train.raw.dtype == np.uint8
    assert data.y_train.dtype == np.int64
    assert data.image_shape == (8, 8)
    assert "1,797" in data.note


def test_labels_stay_with_their_images():
    from sklearn.datasets import load_digits as load_bunch

    bunch = load_bunch()
    label_of = {tuple(row): label for row, label in zip(bunch.data, bunch.target, strict=True)}
    data = load_digits(rng=3)
    rows = np.round(data.x_test[...] * 16)
    assert [label_of[tuple(row)] for row in rows] == data.y_test.tolist()


def test_every_digit_gives_its_share():
    data = load_digits(test_fraction=0.25, rng=1)
    train, test = np.bincount(data.y_train), np.bincount(data.y_test)
    np.testing.assert_allclose(test / (train + test), 0.25, atol=0.005)


def test_the_seed_decides():
    one, same, other = load_digits(rng=5), load_digits(rng=5), load_digits(rng=6)
    np.testing.assert_array_equal(one.x_test.raw, same.x_test.raw)
    assert not np.array_equal(one.y_test, other.y_test)
    from_generator = load_digits(rng=np.random.default_rng(5))
    np.testing.assert_array_equal(one.y_train, from_generator.y_train)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20, float("nan")])
def test_fractions(fraction):
    with pytest.raises(ValueError, match=r"test_fraction=.*between 0 and 1"):
        load_digits(test_fraction=fraction)
    with pytest.raises(ValueError, match="nothing to test on"):
        load_digits(test_fraction=0.0001)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install \"tinygrad_edu\[data\]\""):
        load_digits()
