"""Callbacks: what happens after each epoch.

A callback is any function that takes an `Epoch`. It may look at the numbers, draw, save, or stop:

>>> def stop_when_good(epoch):
...     if epoch.logs["val_accuracy"] > 0.99:
...         epoch.stop("good enough")

One that must also do something before the first epoch has a method `begin(run)`, see `resuming.Run`; one that
must do something at the very end has a method `finish(model)`. One that remembers something from epoch to
epoch has `state_dict()` and `load_state_dict(state)`, so that a training can be resumed with it. One whose
attribute `comes_last` is true is called after the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.nn import Layer
from tinygrad_edu.support import check_writable, known_as
from tinygrad_edu.training.history import History
from tinygrad_edu.training.resuming import Run

Callback: TypeAlias = Callable[["Epoch"], Any]


@dataclass
class Epoch:
    """An epoch that has just ended, as callbacks see it.

    Attributes: `model`; `number`, counted from 1; `logs`, its numbers by name, such as loss and
    val_accuracy; `history`, all epochs so far; `run`, all of the training, which can be saved.
    """

    model: Layer
    number: int
    logs: Mapping[str, float]
    history: History
    run: Run | None = None

    def stop(self, why: str) -> None:
        """End the training after this epoch; `history.stopped` keeps the reason."""
        self.history.stopped = why

    def measured(self, name: str) -> float:
        """Return one of the numbers. Raises KeyError, which names those that there are."""
        _check_measured(name, self.logs)
        return self.logs[name]


def _check_measured(name: str, names: Iterable[str]) -> None:
    """Raise KeyError for a name by which nothing is measured."""
    if name not in names:
        raise KeyError(
            f"no {name!r} is measured; there are {', '.join(names)}"
            + ("; pass validation_data to fit()" if name.startswith("val_") else "")
        )


class Best(NamedTuple):
    """The best number so far, from which epoch, and the weights of that time."""

    value: float = math.nan
    epoch: int = 0
    weights: Mapping[str, Any] | None = None


def direction(monitor: str, mode: Literal["min", "max"] | None) -> float:
    """Return 1 if more of a number is better, −1 if less is.

    That is known of what is called a loss or an accuracy. Of any other, `mode` must say it; a guess would
    keep the worst weights.

    Raises ValueError where it is not known, TypeError for a name that is no text.

    >>> direction("val_loss", None), direction("val_f1", "max")
    (-1.0, 1.0)
    """
    if not isinstance(monitor, str):
        raise TypeError(
            f"expected the name of a number to watch, such as 'val_loss', got {monitor!r}"
        )
    if mode not in ("min", "max", None):
        raise ValueError(f"expected mode 'min' or 'max', what of {monitor} is better, got {mode!r}")
    words = monitor.split("_")
    known = {"loss": "min", "accuracy": "max"}.get(words[-1])
    better = mode or (None if {"neg", "negative"} & set(words) else known)
    if better is None:
        raise ValueError(
            f"nobody knows whether more or less of {monitor} is better; say mode='min' if less is, "
            "mode='max' if more is"
        )
    return 1.0 if better == "max" else -1.0


class EarlyStopping:
    """Stop when `monitor` has not improved for `patience` epochs, and go back to the best weights.

    By default the validation loss is watched. Of a loss, less is better, and of an accuracy more; of any
    other number, `mode` says "min" or "max". At the end of training the weights are those of the best epoch
    in any case, unless `restore_best=False`.

    Source: Prechelt, Early stopping, but when?, 1998.

    Raises ValueError for a patience below 1, or a number of which nobody knows what is better; `fit` raises
    KeyError if `monitor` is not measured.

    >>> EarlyStopping(patience=2).monitor
    'val_loss'
    """

    @known_as(min_delta="minimum_change", restore_best_weights="restore_best", metric="monitor")
    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        minimum_change: float = 0.0,
        restore_best: bool = True,
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int | np.integer) or patience < 1:
            raise ValueError(f"expected a patience of at least 1 epoch, got {patience!r}")
        if isinstance(minimum_change, bool | str | None) or not minimum_change >= 0:
            raise ValueError(f"expected minimum_change ≥ 0, got {minimum_change!r}")
        self.monitor = monitor
        self.patience = patience
        self.minimum_change = minimum_change
        self.restore_best = restore_best
        self._sign = direction(monitor, mode)
        self._best = Best()

    def begin(self, run: Run) -> None:
        """Look whether there will be the number to watch."""
        _check_measured(self.monitor, run.measures)

    def __call__(self, epoch: Epoch) -> None:
        """Look at an epoch, and stop if there was no progress for too long."""
        best = Best() if epoch.number == 1 else self._best  # a new training, perhaps
        value = epoch.measured(self.monitor)
        change = self._sign * (value - best.value)
        if math.isnan(best.value) or change > self.minimum_change:
            best = Best(
                value, epoch.number, epoch.model.state_dict() if self.restore_best else None
            )
        elif epoch.number - best.epoch >= self.patience:
            epoch.stop(
                f"{self.monitor} has not improved since epoch {best.epoch} ({best.value:.4f})"
            )
        self._best = best  # at once, so that an interrupt leaves number and weights of one epoch

    def finish(self, model: Layer) -> None:
        """Go back to the best weights."""
        if self._best.weights is not None:
            model.load_state_dict(self._best.weights)
            self._best = self._best._replace(weights=None)

    def state_dict(self) -> dict[str, Any]:
        """Return what is remembered from epoch to epoch."""
        return {"monitor": self.monitor, **self._best._asdict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict()` gave. Raises ValueError if another number was watched."""
        _check_monitor(self.monitor, state)
        self._best = Best(state["value"], state["epoch"], state["weights"])


class Checkpoint:
    """Save the model whenever `monitor` is better than ever, or, with `keep="last"`, after every epoch.

    What is better is told as in `EarlyStopping`. With `keep="last"` the file holds all that is needed to
    resume the training where it was stopped: `fit(…, resume=path)`. It is written after the other callbacks
    have been called, and `Sequential.load` reads it like any other model file. The file is replaced whole or
    not at all; before the first epoch, a trial is written beside it.

    Raises OSError at once if the file cannot be written; ValueError for a number of which nobody knows what
    is better. `fit` raises KeyError if `monitor` is not measured, TypeError for a model that cannot be saved.

    >>> Checkpoint("best.safetensors", "val_f1", mode="max").monitor
    'val_f1'
    """

    @known_as(filepath="path", filename="path", metric="monitor", save_best_only='keep="best"')
    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = "val_loss",
        mode: Literal["min", "max"] | None = None,
        keep: Literal["best", "last"] = "best",
    ) -> None:
        if keep not in ("best", "last"):
            raise ValueError(f"expected keep='best' or keep='last', got {keep!r}")
        self.path = check_writable(path)
        self.monitor = None if keep == "last" else monitor
        self._sign = direction(self.monitor, mode) if self.monitor is not None else 0.0
        self._best = math.nan

    @property
    def comes_last(self) -> bool:
        """Whether this is to be called after the other callbacks, whose memory it saves as well."""
        return self.monitor is None

    def begin(self, run: Run) -> None:
        """Look whether the model can be saved: write a file beside the one to come, and remove it."""
        if self.monitor is not None:
            _check_measured(self.monitor, run.measures)
        check_writable(self.path)
        trial = self.path.with_name(f".{self.path.name}.trial.part")
        try:
            self._save(trial, run.model, run)
        finally:
            trial.unlink(missing_ok=True)

    def __call__(self, epoch: Epoch) -> None:
        """Save if this epoch was the best, or in any case."""
        value = math.nan if self.monitor is None else epoch.measured(self.monitor)
        if math.isnan(self._best) or self._sign * (value - self._best) > 0:
            self._save(self.path, epoch.model, epoch.run)
            self._best = value

    def _save(self, path: os.PathLike[str], model: Layer, run: Run | None) -> None:
        if self.monitor is None and run is not None:
            run.save(path)
            return
        save = getattr(model, "save", None)
        if save is None:
            raise TypeError(
                f"Checkpoint needs a model with a method save(path), such as Sequential; "
                f"{type(model).__name__} has none, and is saved with keep='last' only"
            )
        save(path)

    def state_dict(self) -> dict[str, Any]:
        """Return what is remembered from epoch to epoch."""
        return {"monitor": self.monitor, "value": self._best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict()` gave. Raises ValueError if another number was watched."""
        _check_monitor(self.monitor, state)
        self._best = state["value"]


def _check_monitor(monitor: str | None, state: Mapping[str, Any]) -> None:
    if state["monitor"] != monitor:
        raise ValueError(
            f"expected the memory of one who watched {monitor}, got that of one who watched "
            f"{state['monitor']}; resume with the same callbacks, in the same order"
        )
