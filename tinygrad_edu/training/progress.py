"""Progress: what one sees while waiting.

In a terminal, a bar runs through each epoch. Everywhere else (a file, a pipe, a notebook) there is
one plain line an epoch (or every few epochs, if there are many) and not a single control character.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def describe(logs: Mapping[str, float]) -> str:
    """Return numbers in one line.

    >>> describe({"loss": 0.123456, "accuracy": 0.9677, "seconds": 2.345})
    'loss 0.1235  accuracy 0.9677  2.3 s'
    """
    words = [f"{name} {value:.4f}" for name, value in logs.items() if name != "seconds"]
    if "seconds" in logs:
        seconds = logs["seconds"]
        words.append(f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms")
    return "  ".join(words)


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB (10⁶ bytes).

    >>> peak_memory() > 1
    True
    """
    status = Path("/proc/self/status")
    if status.exists():  # Linux; getrusage would count what the process that started this one held
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def with_bar(items: Iterable[Any], what: str, visible: bool) -> Iterable[Any]:
    """Return the items, shown as a bar while they are gone through, if this is a terminal.

    >>> list(with_bar([1, 2, 3], "counting", visible=False))
    [1, 2, 3]
    """
    bar: Iterable[Any] | None = _new_bar(items, what, visible)
    return items if bar is None else bar


def _new_bar(items: Iterable[Any], what: str, visible: bool, total: int | None = None) -> Any:
    """Return a bar over the items, or None where there is no terminal, or no tqdm: the bar is an extra."""
    if not (visible and sys.stderr.isatty()):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(items, total=total, desc=what, leave=False)


class Progress:
    """Shows one training: a bar over the batches of an epoch, and a line when it has ended.

    >>> progress = Progress(epochs=2, visible=True)
    >>> for batch in progress.over([1, 2, 3], total=3, epoch=1):
    ...     progress.update({"loss": 0.5})
    >>> progress.end_epoch(1, {"loss": 0.5})
    epoch 1/2  loss 0.5000
    """

    def __init__(self, epochs: int, visible: bool) -> None:
        self._epochs = epochs
        self._visible = visible
        self._bar: Any = None

    def over(self, batches: Iterable[Any], total: int, epoch: int) -> Iterator[Any]:
        """Yield the batches, and move the bar along with them."""
        self._bar = _new_bar(batches, f"epoch {epoch}/{self._epochs}", self._visible, total)
        yield from batches if self._bar is None else self._bar
        self.close()

    def close(self) -> None:
        """Remove the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update(self, logs: Mapping[str, float]) -> None:
        """Show the numbers so far beside the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(describe(logs), refresh=False)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Print the epoch's line; of many epochs, the first, the last, and about twenty between."""
        every = math.ceil(self._epochs / 20)
        if epoch in (1, self._epochs) or epoch % every == 0:
            self.say(f"epoch {epoch}/{self._epochs}  {describe(logs)}")

    def say(self, words: str) -> None:
        """Print a line, unless nothing is to be shown."""
        self.close()
        if self._visible:
            print(words, flush=True)
