"""A bar for the long work here: it shows in a terminal only, and only if tqdm is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any


def with_bar(items: Sequence[Any], what: str, visible: bool) -> Iterable[Any]:
    """Return the items, shown as a bar while they are gone through, if this is a terminal.

    >>> list(with_bar([1, 2, 3], "counting", visible=False))
    [1, 2, 3]
    """
    if visible and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:  # the bar is an extra
            return items
        bar: Iterable[Any] = tqdm(items, desc=what, leave=False)
        return bar
    return items
