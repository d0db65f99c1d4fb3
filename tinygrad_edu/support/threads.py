"""Threads: how many share the work of one matrix product.

NumPy hands products of matrices to a library that splits them among threads, one for each core. For large
matrices that is a gain. Small ones are done before the threads have met, so that one thread alone is faster;
and when two networks train side by side, each has a core of its own already.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tinygrad_edu.support.libraries import needed


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
