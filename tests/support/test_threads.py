"""Threads: that they can be limited, and what is said where that cannot be."""

import sys

import pytest

from tinygrad_edu.support import limit_threads


def test_within_the_context_there_is_one_thread_and_afterwards_as_many_as_before():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]

    before = threads()
    with limit_threads(1):
        assert set(threads()) <= {1}
    assert threads() == before
    with limit_threads(None):
        assert threads() == before


def test_without_threadpoolctl_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[examples\]"'):
        limit_threads(1)
