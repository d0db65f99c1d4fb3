"""Threads: how many share the work of one matrix product.

NumPy hands products of matrices to a library that splits them among threads, one for each core. For large
matrices that is a gain. Small ones are done before the threads have met, so that one thread alone is as fast;
and where other programs are busy, too, a thread that waits for its partner waits for their turns to end. Then
two threads were seen to take seventy times as long as one.

So `threads_for` has small products done by one thread, and tells by their size which are small: that is the
same on every machine and in every run. A clock decides nothing that shows in the numbers. For large products
one thread may take over, but only where that gives the same numbers to the last bit. It depends on their
shapes, since a library adds up long sums in other portions where it shares them out.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.support.libraries import needed

#: Rows, inner length and columns of a product of matrices.
Product = tuple[int, int, int]

#: So many multiplications are worth a second thread: one takes half a millisecond for them.
SMALL = 30_000_000


def limit_threads(count: int | None) -> AbstractContextManager[Any]:
    """Return a context within which matrix products use at most `count` threads; None changes nothing.

    Raises ImportError, which says how to install it, without threadpoolctl.

    >>> import numpy as np
    >>> with limit_threads(1):
    ...     product = np.ones((2, 3)) @ np.ones((3, 2))
    """
    with needed("threadpoolctl", "a limit for threads", extra="examples"):
        from threadpoolctl import threadpool_limits
    limits: AbstractContextManager[Any] = threadpool_limits(count)
    return limits


@contextmanager
def threads_for(
    products: Sequence[Product], dtype: Any = np.float64, say: Callable[[str], object] = print
) -> Iterator[None]:
    """Within the context, use as many threads as suit these products, which are calculated again and again.

    One, if even the largest is small. Else the largest is tried out with one thread and with all: if one is
    much faster, as on a busy machine, and gives the same bits for all of these products, it goes on alone; if
    the bits differ, all threads stay, and `say` is told. Without threadpoolctl nothing is changed.

    >>> with threads_for([(32, 64, 10)]):
    ...     product = np.ones((32, 64)) @ np.ones((64, 10))
    """
    pools = _pools()
    if pools is None or max((pool["num_threads"] for pool in pools.info()), default=1) == 1:
        yield
        return
    with pools.limit(limits=1 if _one_is_enough(products, dtype, pools, say) else None):
        yield


@functools.cache  # NumPy is loaded already, and its library stays
def _pools() -> Any:
    """Return the threads of NumPy's library for products, or None without threadpoolctl."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


def _one_is_enough(
    products: Sequence[Product], dtype: Any, pools: Any, say: Callable[[str], object]
) -> bool:
    """Return whether one thread should calculate these products alone."""
    largest = max(products, key=np.prod, default=(0, 0, 0))
    if np.prod(largest) <= SMALL:
        return True
    one, all_of_them = _milliseconds(largest, dtype, pools)
    if all_of_them < 1.5 * one:
        return False
    if all(_same_bits(product, dtype, pools) for product in products):
        return True
    rows, inner, columns = largest
    say(
        f"a product of ({rows}, {inner}) and ({inner}, {columns}) takes {one:.1f} ms with one thread, "
        f"{all_of_them:.1f} ms with all: other programs are busy. The environment OPENBLAS_NUM_THREADS=1 "
        "would be faster, with other last digits"
    )
    return False


def _factors(product: Product, dtype: Any) -> tuple[Any, Any]:
    """Return two matrices to be multiplied."""
    rows, inner, columns = product
    rng = np.random.default_rng(0)
    return rng.random((rows, inner)).astype(dtype), rng.random((inner, columns)).astype(dtype)


def _milliseconds(product: Product, dtype: Any, pools: Any) -> tuple[float, float]:
    """Return how long a product takes with one thread and with all: medians, taking turns."""
    x, y = _factors(product, dtype)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(5):
        for threads, measured in zip((1, None), times, strict=True):
            with pools.limit(limits=threads):
                started = time.perf_counter()
                x @ y
                measured.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times[0]), statistics.median(times[1])


def _same_bits(product: Product, dtype: Any, pools: Any) -> bool:
    """Return whether one thread and all give the same for z = x @ y, for z @ yᵀ and for xᵀ @ z."""

    def calculated(threads: int | None) -> list[Any]:
        with pools.limit(limits=threads):
            z = x @ y
            return [z, z @ y.T, x.T @ z]

    x, y = _factors(product, dtype)
    return all(map(np.array_equal, calculated(1), calculated(None)))
