"""Callbacks: what happens after each epoch.

A callback is any function that takes an `Epoch`. It may look at the numbers, draw, save, or stop:

>>> def stop_when_good(epoch):
...     if epoch.logs["val_accuracy"] > 0.99:
...         epoch.stop("good enough")

One that must also do something at the very end has a method `finish(model)` besides.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tinygrad_edu.nn import Layer
from tinygrad_edu.support import check_writable
from tinygrad_edu.training.history import History

Callback: TypeAlias = Callable[["Epoch"], Any]


@dataclass
class Epoch:
    """An epoch that has just ended, as callbacks see it.

    Attributes: `model`; `number`, counted from 1; `logs`, its numbers by name, such as loss and
    val_accuracy; `history`, all epochs so far.
    """

    model: Layer
    number: int
    logs: Mapping[str, float]
    history: History

    def stop(self, why: str) -> None:
        """End the training after this epoch; `history.stopped` keeps the reason."""
        self.history.stopped = why

    def measured(self, name: str) -> float:
        """Return one of the numbers. Raises KeyError, which names those that there are."""
        if name not in self.logs:
            raise KeyError(
                f"no {name!r} is measured; there are {', '.join(self.logs)}"
                + ("; pass validation_data to fit()" if name.startswith("val_") else "")
            )
        return self.logs[name]


class Best:
    """Remembers the best number so far; less is better for losses, more for everything else."""

    def __init__(self, monitor: str, minimum_change: float = 0.0) -> None:
        self.monitor = monitor
        self.sign = -1.0 if monitor.endswith("loss") else 1.0
        self.minimum_change = minimum_change
        self.value = math.nan

    def improves(self, value: float) -> bool:
        """Return whether this is better than all before, and remember it if so."""
        if math.isnan(self.value) or self.sign * (value - self.value) > self.minimum_change:
            self.value = value
            return True
        return False


class EarlyStopping:
    """Stop when `monitor` has not improved for `patience` epochs, and go back to the best weights.

    By default the validation loss is watched. At the end of training the weights are those of the best
    epoch in any case, unless `restore_best=False`.

    Source: Prechelt, Early stopping, but when?, 1998.

    Raises ValueError for a patience below 1, KeyError if `monitor` is not measured.

    >>> EarlyStopping(patience=2).monitor
    'val_loss'
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        minimum_change: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if patience < 1:
            raise ValueError(f"expected a patience of at least 1 epoch, got {patience}")
        self.monitor = monitor
        self.patience = patience
        self.restore_best = restore_best
        self._best = Best(monitor, minimum_change)
        self._best_epoch = 0
        self._weights: dict[str, Any] | None = None

    def __call__(self, epoch: Epoch) -> None:
        """Look at an epoch, and stop if there was no progress for too long."""
        if epoch.number == 1:  # a new training, perhaps with the same callback
            self._best = Best(self.monitor, self._best.minimum_change)
        if self._best.improves(epoch.measured(self.monitor)):
            self._best_epoch = epoch.number
            self._weights = epoch.model.state_dict() if self.restore_best else None
        elif epoch.number - self._best_epoch >= self.patience:
            epoch.stop(
                f"{self.monitor} has not improved since epoch {self._best_epoch} "
                f"({self._best.value:.4f})"
            )

    def finish(self, model: Layer) -> None:
        """Go back to the best weights."""
        if self._weights is not None:
            model.load_state_dict(self._weights)
            self._weights = None


class Checkpoint:
    """Save the model after each epoch in which `monitor` is better than ever, or after every epoch.

    The file is replaced whole or not at all. `monitor=None` saves after every epoch.

    Raises OSError at once if the file cannot be written, KeyError if `monitor` is not measured, TypeError
    for a model without a method `save`.
    """

    def __init__(self, path: str | os.PathLike[str], monitor: str | None = "val_loss") -> None:
        self.path = check_writable(path)
        self.monitor = monitor
        self._best = Best(monitor or "")

    def __call__(self, epoch: Epoch) -> None:
        """Save if this epoch was the best."""
        save = getattr(epoch.model, "save", None)
        if save is None:
            raise TypeError(
                f"Checkpoint needs a model with a method save(path), such as Sequential; "
                f"{type(epoch.model).__name__} has none"
            )
        if self.monitor is None or self._best.improves(epoch.measured(self.monitor)):
            save(self.path)
