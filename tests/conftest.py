"""Settings for all tests: the same numbers in every run, however busy the machine is.

Hypothesis gives the same examples, products of matrices are calculated in one thread (before NumPy is loaded,
which asks only once), and work is counted instead of timed.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

collect_ignore = ["benchmarks"]  # programs to be timed one by one, never by the way

settings.register_profile("same_everywhere", derandomize=True, deadline=None, database=None)
settings.load_profile("same_everywhere")

# Who starts the tests in the background of a shell has them ignore Ctrl-C, and all programs that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def calls_of() -> Callable[..., int]:
    """A function that calls another, and returns how many calls of functions that took.

    So a test can say that something takes twice as long for twice as much, which a clock cannot: on a busy
    machine it shows how long others took.
    """

    def count(function: Callable[..., Any], *arguments: Any) -> int:
        calls = 0

        def note(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            function(*arguments)
        finally:
            sys.setprofile(before)
        return calls

    return count
