"""Progress: what one sees while waiting.

In a terminal, a bar runs through each epoch; in a notebook's cell there is one bar, which is drawn anew in
its place. Everywhere else (a file, a pipe) there is one plain line an epoch (or every few epochs, if there
are many) and not a single control character.
"""

from __future__ import annotations

import html
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def in_words(logs: Mapping[str, float]) -> str:
    """Return numbers in one line.

    >>> in_words({"loss": 0.123456, "accuracy": 0.9677, "seconds": 2.345})
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


def with_bar(items: Sequence[Any], what: str, visible: bool) -> Iterator[Any]:
    """Yield the items, shown as a bar while they are gone through, in a terminal or a notebook.

    >>> list(with_bar([1, 2, 3], "counting", visible=False))
    [1, 2, 3]
    """
    bar = _new_bar(items, what, visible, len(items))
    yield from items if bar is None else bar
    if bar is not None:
        bar.close()


def _new_bar(
    items: Iterable[Any], what: str, visible: bool, total: int, before: CellBar | None = None
) -> Any:
    """Return a bar over the items, or None where there is nothing to draw one on, or no tqdm.

    In a notebook it takes the place of the one before.
    """
    if not visible:
        return None
    if _is_in_cell():
        return CellBar(items, what, total, before)
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(items, total=total, desc=what, leave=False)


def _is_in_cell() -> bool:
    """Return whether this runs in a notebook, or in something else that shows what a kernel displays."""
    ipython = sys.modules.get("IPython")  # where nobody has imported it, this is no notebook
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class CellBar:
    """A bar in a notebook's cell, which is drawn anew in its place while its items are gone through.

    tqdm has one, too, which needs ipywidgets on both sides; this one needs nothing but HTML.
    """

    #: At least so long the bar stays as it is, in seconds: drawing takes time as well.
    REST = 0.1

    def __init__(
        self, items: Iterable[Any], what: str, total: int, before: CellBar | None = None
    ) -> None:
        from IPython.display import display

        show: Any = display
        self._items, self._what, self._total = items, what, total
        self._done, self._words, self._drawn = 0, "", time.monotonic()
        if before is None:
            self._place: Any = show(self, display_id=True)
        else:
            self._place, self._drawn = before._place, before._drawn

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self._done += 1
            if time.monotonic() - self._drawn > self.REST:
                self.draw()

    def set_postfix_str(self, words: str, refresh: bool) -> None:
        """Take the words that stand beside the bar when it is drawn next."""
        self._words = words

    def draw(self) -> None:
        """Show the bar as it is at the moment."""
        self._place.update(self)
        self._drawn = time.monotonic()

    def close(self) -> None:
        """Leave the bar where it is: it says how far it has come."""
        self.draw()

    def __repr__(self) -> str:
        return f"{self._what}: {self._done}/{self._total}  {self._words}".rstrip()

    def _repr_html_(self) -> str:
        what, words = html.escape(self._what), html.escape(self._words)
        return (
            f'<label style="font-family:monospace">{what} <progress value="{self._done}" '
            f'max="{self._total}"></progress> {self._done}/{self._total}&ensp;{words}</label>'
        )


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
        self._before: Any = None  # the bar of the epoch before, whose place a notebook's bar takes

    def over(self, batches: Iterable[Any], total: int, epoch: int) -> Iterator[Any]:
        """Yield the batches, and move the bar along with them."""
        what = f"epoch {epoch}/{self._epochs}"
        self._bar = _new_bar(batches, what, self._visible, total, self._before)
        self._before = self._bar
        yield from batches if self._bar is None else self._bar

    def close(self) -> None:
        """Remove the bar, if there is one; in a notebook, leave it as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update(self, logs: Mapping[str, float]) -> None:
        """Show the numbers so far beside the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(in_words(logs), refresh=False)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Print the epoch's line; of many epochs, the first, the last, and about twenty between."""
        every = math.ceil(self._epochs / 20)
        if epoch in (1, self._epochs) or epoch % every == 0:
            self.say(f"epoch {epoch}/{self._epochs}  {in_words(logs)}")

    def say(self, words: str) -> None:
        """Print a line, unless nothing is to be shown."""
        self.close()
        if self._visible:
            print(words, flush=True)
