import pickle
import tracemalloc

import numpy as np
import pytest

from tinygrad_edu import Value
from tinygrad_edu.datasets import Pixels


@pytest.fixture
def raw():
    return np.arange(256, dtype=np.uint8).reshape(64, 4)


def test_describes_itself_as_the_floats_that_it_hands_out(raw):
    x = Pixels(raw)
    assert (x.shape, x.ndim, x.size, len(x)) == ((64, 4), 2, 256, 64)
    assert x.dtype == np.float32
    assert x.nbytes == 256
    assert "(64, 4)" in repr(x)
    assert "float32" in repr(x)


@pytest.mark.parametrize(
    "index",
    [
        3,
        -1,
        slice(2, 50, 3),
        (slice(None), 1),
        [5, 5, 0],
        np.array([[1, 2], [3, 4]]),
        np.arange(64) % 2 == 0,
        ...,
        None,
        (5, 2),
    ],
    ids=str,
)
def test_every_numpy_index_gives_float32(raw, index):
    got = Pixels(raw)[index]
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, (raw.astype(np.float32) / 255)[index])


def test_all_bytes_lie_from_0_to_1(raw):
    floats = Pixels(raw)[...]
    assert (floats.min(), floats.max()) == (0.0, 1.0)


def test_index_beyond_the_end(raw):
    with pytest.raises(IndexError):
        Pixels(raw)[64]
    assert len(list(Pixels(raw))) == 64  # the error is also what ends a loop


def test_is_read_only_and_shares_its_bytes(raw):
    x = Pixels(raw)
    assert np.shares_memory(x.raw, raw)
    assert x.raw.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        x.raw[0] = 0
    raw[0, 0] = 255  # the caller's own array stays writable
    with pytest.raises(TypeError):
        x[0] = 0


def test_what_is_handed_out_is_the_callers_own(raw):
    x = Pixels(raw)
    x[0:2][...] = 7
    assert x[0, 0] == 0


def test_as_an_array(raw):
    x = Pixels(raw)
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array(x, copy=True).shape == (64, 4)
    assert np.mean(x) == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"\.raw"):
        np.asarray(x, copy=False)


def test_reshape_keeps_bytes(raw):
    images = Pixels(raw).reshape(-1, 1, 2, 2)
    assert isinstance(images, Pixels)
    assert images.shape == (64, 1, 2, 2)
    assert np.shares_memory(images.raw, raw)
    with pytest.raises(ValueError, match="reshape"):
        images.reshape(3, 3)


def test_survives_pickling(raw):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(Pixels(raw)))[...], Pixels(raw)[...])


@pytest.mark.parametrize("raw", [np.zeros(3), np.zeros(3, dtype=np.int64), [1, 2]], ids=str)
def test_only_bytes(raw):
    with pytest.raises(TypeError, match=r"uint8.*float64|uint8.*int64"):
        Pixels(raw)


@pytest.mark.parametrize(
    "calculate",
    [
        lambda x: x * 1e3,
        lambda x: 1 - x,
        lambda x: x / 255,
        lambda x: x**3,
        lambda x: -x,
        lambda x: x > 0,
        lambda x: x == 1,
        lambda x: x - x,
        lambda x: x @ np.ones((4, 2), np.float32),
        lambda x: np.ones((2, 64), np.float32) @ x,
        lambda x: np.ones((64, 4)) + x,
        np.sqrt,
        np.max,
        np.std,
        lambda x: np.add.reduce(x, axis=1),
    ],
)
def test_calculates_like_the_floats_that_it_stands_for(raw, calculate):
    got, expected = calculate(Pixels(raw)), calculate(Pixels(raw)[:])
    assert type(got) is type(expected)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_calculates_with_values(raw):
    w = Value(np.ones(4, np.float32))
    for product in (Pixels(raw) * w, w * Pixels(raw), Pixels(raw) @ w):
        w.zero_grad()
        product.sum().backward()
        np.testing.assert_allclose(w.grad, Pixels(raw)[:].sum(axis=0), rtol=1e-6)


def test_is_not_changed_in_place(raw):
    x = Pixels(raw)
    with pytest.raises(TypeError, match=r"Pixels are read-only; make a new array"):
        x /= 255
    with pytest.raises(TypeError, match=r"Pixels are read-only"):
        np.add.at(x, 0, 1)
    total = np.zeros_like(raw, float)
    total += x
    np.testing.assert_array_equal(total, x[:])


@pytest.mark.parametrize("name", ["mean", "max", "std", "astype", "T", "copy"])
def test_what_only_arrays_have_says_how_to_get_one(raw, name):
    with pytest.raises(AttributeError, match=rf"NumPy array of float32, as in x\[:\]\.{name}$"):
        getattr(Pixels(raw), name)
    assert hasattr(Pixels(raw)[:], name)


def test_names_that_nobody_has_are_ordinary_errors(raw):
    with pytest.raises(AttributeError, match="Pixels have no color"):
        Pixels(raw).color  # noqa: B018


def test_a_part_is_calculated_with_at_the_cost_of_a_part():
    x = Pixels(np.zeros((10_000, 784), np.uint8))
    tracemalloc.start()
    try:
        assert (x[:10] * 2).shape == (10, 784)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()
