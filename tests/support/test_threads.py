"""Threads: that they can be limited, that small products get one, and that the numbers stay the same."""

import sys

import numpy as np
import pytest

from tinygrad_edu import SGD, Dense, ReLU, Sequential, mean_squared_error
from tinygrad_edu.support import limit_threads, threads, threads_for

LARGE = (128, 512, 512)  # more than threads.SMALL


def counts():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    pools = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    """Two threads, whatever the number of cores."""
    pytest.importorskip("threadpoolctl")
    with limit_threads(2):
        if counts() != {2}:
            pytest.skip("NumPy's library for products cannot take two threads")
        yield


@pytest.fixture
def busy(monkeypatch):
    """Return a function that sets the clock: how long a product takes with one thread and with all."""

    def set_clock(one, all_of_them):
        monkeypatch.setattr(threads, "_milliseconds", lambda *_: (one, all_of_them))

    return set_clock


def test_within_the_context_there_is_one_thread_and_afterwards_as_many_as_before(two_threads):
    with limit_threads(1):
        assert counts() == {1}
    assert counts() == {2}
    with limit_threads(None):
        assert counts() == {2}


def test_without_threadpoolctl_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[examples\]"'):
        limit_threads(1)


@pytest.mark.parametrize("products", [[], [(1, 784, 200)], [(64, 784, 512), (64, 512, 10)]])
def test_small_products_get_one_thread_whatever_the_clock_says(products, two_threads, busy):
    busy(9.0, 1.0)
    with threads_for(products):
        assert counts() == {1}
    assert counts() == {2}


def test_large_products_get_all_threads_unless_one_is_much_faster(two_threads, busy):
    busy(1.0, 1.4)
    with threads_for([LARGE, (1, 2, 3)], say=pytest.fail):
        assert counts() == {2}


@pytest.mark.parametrize("same", [True, False])
def test_one_takes_over_on_a_busy_machine_only_where_the_bits_are_the_same(
    same, two_threads, busy, monkeypatch
):
    busy(1.0, 70.0)
    monkeypatch.setattr(threads, "_same_bits", lambda product, *_: same or product[0] > 3)
    said = []
    with threads_for([LARGE, (3, 2, 1)], say=said.append):
        assert counts() == ({1} if same else {2})
    assert len(said) == (not same)
    assert all("1.0 ms with one thread, 70.0 ms with all" in words for words in said)


def test_without_threadpoolctl_nothing_is_changed(monkeypatch, two_threads):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    threads._pools.cache_clear()
    try:
        with threads_for([(1, 1, 1)]):
            monkeypatch.undo()
            assert counts() == {2}
    finally:
        threads._pools.cache_clear()


def test_the_real_clock_tells_milliseconds():
    pools = pytest.importorskip("threadpoolctl").ThreadpoolController().select(user_api="blas")
    assert all(ms > 0 for ms in threads._milliseconds((20, 30, 40), np.float32, pools))


# ------------------------------------------------------------------------------------------------
# In a training
# ------------------------------------------------------------------------------------------------


def train(sizes, count, metrics=None, **options):
    """Return the weights after a few steps of 128 samples each."""
    rng = np.random.default_rng(0)
    x = rng.random((256, sizes[0])).astype(np.float32)
    y = rng.random((256, sizes[-1])).astype(np.float32)
    model = Sequential(Dense(*sizes[:2]), ReLU(), Dense(*sizes[1:]), rng=0)
    with limit_threads(count):
        model.fit(
            x, y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.1),
            batch_size=128, rng=0, metrics=metrics, verbose=False, **options,
        )  # fmt: skip
    return [np.array(p.data) for p in model.parameters()]


@pytest.mark.parametrize(("sizes", "expected"), [((8, 9, 4), {1}), ((512, 512, 4), {2})])
def test_fit_takes_one_thread_for_a_small_network_and_all_for_a_large_one(
    sizes, expected, two_threads, busy
):
    busy(1.0, 1.0)
    seen = []

    def look(output, y):
        seen.append(counts())
        return 0.0

    train(sizes, 2, {"looked": look}, validation_data=(np.ones((2, sizes[0])), np.ones((2, 4))))
    assert len(seen) > 2
    assert all(found == expected for found in seen[2:])  # the first two try the metric out


@pytest.mark.parametrize("sizes", [(512, 512, 4), (784, 512, 10)])
def test_one_thread_goes_on_alone_only_if_the_training_is_the_same_to_the_last_bit(
    sizes, two_threads, busy
):
    busy(1.0, 1.0)
    alone, all_of_them = train(sizes, 1), train(sizes, 2)
    pools = threads._pools()
    products = [(128, *sizes[:2]), (128, *sizes[1:])]
    same = all(threads._same_bits(product, np.float32, pools) for product in products)
    assert all(map(np.array_equal, alone, all_of_them)) == same
    busy(1.0, 70.0)
    assert all(map(np.array_equal, train(sizes, 2), all_of_them))


def test_products_are_found_in_layers_of_all_kinds():
    from tinygrad_edu import Conv2D, Flatten
    from tinygrad_edu.training import Samples
    from tinygrad_edu.training.threads import products_of

    model = Sequential(Conv2D(1, 4, 3), Flatten(), Dense(4 * 6 * 6, 10), rng=0)
    samples = Samples(np.zeros((5, 1, 8, 8)))
    assert products_of(model, samples, 64) == [(64, 144, 10), (64 * 36, 9, 4)]
