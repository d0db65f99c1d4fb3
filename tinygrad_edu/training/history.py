"""The history of a training: how loss and accuracy went, epoch by epoch.

Curves tell more than the last number. Training loss that still falls asks for more epochs; validation
loss that rises while training loss falls is overfitting; a jagged line is a learning rate too large.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tinygrad_edu.support import aligned, new_figure, save_figure


class History:
    """What was measured in each epoch, in order.

    Attributes: `epochs`, a list with one dict of numbers for each epoch; `stopped`, why training
    ended before its time, None if it did not.

    >>> history = History()
    >>> history.append({"loss": 0.5, "accuracy": 0.8})
    >>> history.append({"loss": 0.25, "accuracy": 0.9})
    >>> history["loss"], len(history), list(history)
    ([0.5, 0.25], 2, ['loss', 'accuracy'])
    >>> history
    epoch  loss  accuracy
        1   0.5       0.8
        2  0.25       0.9
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.stopped: str | None = None

    def append(self, logs: dict[str, float]) -> None:
        """Add one epoch's numbers."""
        self.epochs.append(dict(logs))

    def __getitem__(self, name: str) -> list[float]:
        """Return one curve. Raises KeyError, which names the known ones, if there is none."""
        if name not in list(self):
            raise KeyError(f"no {name!r} was measured; there are {', '.join(self) or 'no epochs'}")
        return [logs[name] for logs in self.epochs if name in logs]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the curves."""
        return iter(dict.fromkeys(name for logs in self.epochs for name in logs))

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        names = list(self)
        rows = [
            [str(epoch), *(f"{logs[name]:.4g}" if name in logs else "" for name in names)]
            for epoch, logs in enumerate(self.epochs, 1)
        ]
        header, *lines = aligned([["epoch", *names], *rows])
        # A number that is missing at the end leaves its place empty: all lines are equally long.
        lines = [header, *(line.ljust(len(header)) for line in lines)]
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the curves, one panel a quantity, training beside validation; return the figure.

        With `path` the figure is also saved, in the format that the name's ending asks for.

        Raises ImportError without matplotlib, ValueError before the first epoch has ended.
        """
        if not self.epochs:
            raise ValueError("there is nothing to plot yet: no epoch has ended")
        names = [name for name in self if not name.startswith("val_") and name != "seconds"]
        figure = new_figure(4.5 * len(names), 3.4)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            for curve, style in ((name, "-"), (f"val_{name}", "--")):
                points = [(i, e[curve]) for i, e in enumerate(self.epochs, 1) if curve in e]
                if points:
                    label = "validation" if curve != name else "training"
                    axes.plot(*zip(*points, strict=True), style, marker="o", ms=3, label=label)
            axes.set(title=name, xlabel="epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
            axes.legend()
        return save_figure(figure, path)
