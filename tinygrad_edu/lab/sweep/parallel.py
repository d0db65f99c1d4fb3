"""Side by side: many calls at once, on all cores of this computer or on a cluster.

Two networks that train side by side are done sooner than two that train one after the other with twice the
threads: threads have to wait for each other after every product of matrices, runs only at the very end.
joblib deals the calls out, and where to is for joblib to know; so a cluster is one line around all this.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def side_by_side(
    function: Callable[..., T], calls: Iterable[Sequence[Any]], jobs: int = -1
) -> Generator[T, None, None]:
    """Call a function with many lists of arguments, `jobs` at once; yield each result when it is there.

    The first to end comes first. -1 is one for each core, and a cluster decides that by itself. Calls that
    have not ended when the generator is closed, or when Ctrl-C is pressed, are given up.

    Raises ImportError without joblib, ValueError for no jobs, and what the function raises.

    >>> sorted(side_by_side(pow, [(2, 3), (2, 4)], jobs=1))
    [8, 16]
    """
    import joblib

    tasks = (joblib.delayed(function)(*arguments) for arguments in calls)
    try:
        parallel = joblib.Parallel(jobs, return_as="generator_unordered", batch_size=1)
    except ValueError:  # some backends, Ray's among them, hand over all results at the end
        yield from joblib.Parallel(jobs, batch_size=1)(tasks)
        return
    with _workers_ignore_ctrl_c():
        results = parallel(tasks)
    try:
        for result in results:  # noqa: UP028, it would close them before the warnings are off
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that calls are given up is what was asked for
            results.close()


@contextmanager
def _workers_ignore_ctrl_c() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, as children do when their parent ignores it.

    A terminal sends it to all processes, and workers would die of it loudly; whether and how to stop is for
    this process to decide.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # which could not change it, and is not interrupted anyway
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
