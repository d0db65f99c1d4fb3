"""Samples: what is refused before training, what is only warned of, and how batches come out."""

import numpy as np
import pytest

from tinygrad_edu.datasets import Pixels
from tinygrad_edu.training import Samples
from tinygrad_edu.training.samples import check_batch_size

X = np.arange(30.0).reshape(10, 3) / 30
Y = np.arange(10) % 3


def together(samples, size, **options):
    batches = list(samples.batches(size, np.float32, **options))
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


# ------------------------------------------------------------------------------------------------
# Batches
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 10])
def test_batches_hold_every_sample_once_in_order(size):
    x, y = together(Samples(X, Y), size)
    np.testing.assert_array_equal(x, X.astype(np.float32))
    np.testing.assert_array_equal(y, Y)


def test_the_last_batch_holds_what_is_left():
    assert [len(x) for x, _ in Samples(X, Y).batches(4, np.float32)] == [4, 4, 2]


def test_shuffled_batches_hold_every_sample_once_with_its_target():
    x, y = together(Samples(X, Y), 3, rng=np.random.default_rng(0))
    order = np.round(x[:, 0] * 10).astype(int)
    assert sorted(order) == list(range(10))
    assert order.tolist() != list(range(10))
    np.testing.assert_array_equal(y, Y[order])


def test_the_generator_decides_the_order():
    orders = [together(Samples(X, Y), 3, rng=np.random.default_rng(s))[0] for s in (0, 0, 1)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_inputs_come_in_the_type_of_the_model(given, dtype):
    x, _ = next(Samples(np.ones((4, 2), given)).batches(2, dtype))
    assert x.dtype == dtype


def test_bytes_are_converted_and_never_wrapped_round():
    samples = Samples(np.array([[255, 200], [100, 0]], np.uint8))
    x, _ = next(samples.batches(2, np.float32))
    np.testing.assert_array_equal(x * 2 - 300, [[210, 100], [-100, -300]])


def test_pixels_are_converted_batch_by_batch_and_not_warned_of():
    samples = Samples(Pixels(np.array([[255, 51], [102, 0]], np.uint8)), [0, 1])
    x, y = next(samples.batches(1, np.float32))
    np.testing.assert_allclose(x, [[1.0, 0.2]], rtol=1e-6)
    assert (x.dtype, y.tolist()) == (np.float32, [0])


def test_classes_stay_integers_and_other_targets_take_the_type_of_the_model():
    for y, dtype in (
        (Y, Y.dtype),
        (Y.astype(np.uint8), np.uint8),
        (Y > 0, np.int64),
        (Y.astype(float), np.float32),
        (Y[:, None], np.float32),
    ):
        _, batch = next(Samples(X, y).batches(2, np.float32))
        assert batch.dtype == dtype


def test_lists_will_do():
    samples = Samples([[1, 2], [3, 4]], [0, 1])
    assert (len(samples), samples.has_classes) == (2, True)


def test_columns_of_a_table_go_by_position_not_by_label():
    class Series:
        """Like a column of pandas after a shuffled split: indexing goes by label."""

        shape, dtype = (3,), np.dtype(int)

        def __array__(self, dtype=None, copy=None):
            return np.array([5, 6, 7], dtype)

        def __getitem__(self, index):
            raise KeyError(index)

    _, y = next(Samples(X[:3], Series()).batches(3, np.float32))
    assert y.tolist() == [5, 6, 7]


def test_tensors_of_pytorch_will_do():
    torch = pytest.importorskip("torch")
    x, y = together(Samples(torch.from_numpy(X), torch.from_numpy(Y)), 3)
    np.testing.assert_array_equal(x, X.astype(np.float32))
    np.testing.assert_array_equal(y, Y)


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


def with_bad_numbers(kind):
    x = X.astype(kind)
    x[7, 1], x[4, 0] = np.nan, np.inf
    return x


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X, Y[:9], ValueError, r"x has 10 samples, but y has shape \(9,\); each needs one target"),
        (X, 3, ValueError, r"y has shape \(\)"),
        (X[:0], Y[:0], ValueError, r"at least one sample in x, got shape \(0, 3\)"),
        ([], [], ValueError, "at least one sample in x"),
        (1.0, None, ValueError, r"at least one sample in x, got shape \(\)"),
        (X[0], Y[:3], ValueError, r"for one sample write x\[None\], .* x\[:, None\]"),
        ([[1, 2], [3]], Y[:2], ValueError, "samples of x differ in length; pad them or cut"),
        (X[:2], [[1, 2], [3]], ValueError, "samples of y differ in length"),
        (
            with_bad_numbers(float),
            Y,
            ValueError,
            "x holds 2 numbers .* first in sample 4; .*nan_to_n",
        ),
        (with_bad_numbers(np.float32), Y, ValueError, "first in sample 4"),
        (X, with_bad_numbers(float)[:, 1], ValueError, "y holds 1 numbers .* first in sample 7"),
        (X.astype(str), Y, TypeError, r"expected numbers in x, got dtype <U32; .*dtype=float"),
        (X, list("abcabcabca"), TypeError, r"numbers in y, got dtype <U1; .*return_inverse=True"),
        (X, [None] * 10, TypeError, "numbers in y, got dtype object"),
        (X + 1j, Y, TypeError, "numbers in x, got dtype complex128"),
    ],
)
def test_data_that_cannot_be_learned_from(x, y, error, message):
    with pytest.raises(error, match=message):
        Samples(x, y)


def test_messages_use_the_names_they_are_told():
    with pytest.raises(ValueError, match=r"x_val has 10 samples, but y_val has shape \(9,\)"):
        Samples(X, Y[:9], names=("x_val", "y_val"))
    with pytest.raises(TypeError, match=r"names, y_val = np.unique\(y_val"):
        Samples(X, ["a"] * 10, names=("x_val", "y_val"))


def test_a_bad_number_far_behind_is_found_at_its_place():
    x = np.zeros((10_000, 2), np.float32)
    x[9_000, 1] = np.nan
    with pytest.raises(ValueError, match="the first in sample 9000"):
        Samples(x)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_unscaled_pixels_are_warned_of(dtype):
    with pytest.warns(UserWarning, match=r"x reaches 255 and looks like pixels .* use x / 255, or"):
        Samples(np.array([[0, 255], [3, 4]], dtype)).warn_of_pixels()


@pytest.mark.parametrize("numbers", [[0, 100], [-1, 255], [0, 1000]])
def test_other_numbers_are_not_taken_for_pixels(numbers):
    Samples([numbers]).warn_of_pixels()  # warnings are errors in tests


@pytest.mark.parametrize("size", [0, -1, 11, 2.0, "8", None])
def test_batch_sizes_that_make_no_sense(size):
    with pytest.raises(ValueError, match=r"expected a batch_size from 1 to 10, .* samples, got "):
        check_batch_size(size, 10)


@pytest.mark.parametrize("size", [1, 10, np.int64(3)])
def test_batch_sizes_that_make_sense(size):
    check_batch_size(size, 10)
