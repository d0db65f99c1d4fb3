"""The end of a training, however it comes: after the last epoch, by Ctrl-C, or with an error.

The model is left ready to answer, whoever holds something is told to finish, and what was measured is kept:
hours of training are worth more than the reason why they ended. Each step may be taken twice, so that Ctrl-C
in the midst of them is answered by doing them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinygrad_edu.nn import Layer
from tinygrad_edu.training.history import History
from tinygrad_edu.training.progress import Progress


class Ending:
    """Ends the training of a model, once; `history` is what was measured until then.

    While it runs and afterwards, `model.history` is that history.
    """

    def __init__(
        self, model: Layer, history: History, progress: Progress, callbacks: Sequence[Any]
    ) -> None:
        self._history = history
        self._progress = progress
        finish = [partial(c.finish, model) for c in callbacks if hasattr(c, "finish")]
        self._to_do: list[Callable[[], Any]] = [model.eval, progress.close, *finish]
        if isinstance(getattr(model, "history", None), History | None):  # or it is the model's own
            model.history = history  # type: ignore[attr-defined]

    def after_the_last_epoch(self) -> History:
        """Return the history; raise what a callback raises that cannot finish."""
        self._finish()
        if self._history.stopped:
            self._progress.say(f"stopped: {self._history.stopped}")
        return self._history

    def after_ctrl_c(self, interrupt: KeyboardInterrupt, epochs: int) -> History:
        """Return the history, which says that it was stopped, unless it has all epochs already."""
        interrupt.__traceback__ = (
            None  # what is held there, such as a block half left, is closed now
        )
        words = ""
        if len(self._history) < epochs and not self._history.stopped:
            self._history.stopped = "Ctrl-C"
            words = (
                f"stopped by Ctrl-C after {len(self._history)} whole epochs; the weights are kept"
            )
        self._finish()
        if words:
            self._progress.say(words)
        return self._history

    def after_error(self, error: BaseException) -> None:
        """Give the error the history along."""
        error.history = self._history  # type: ignore[attr-defined]
        if len(self._history):
            error.add_note(
                f"epochs measured before: {len(self._history)}; they stand in the attribute `history` of "
                "this error, and of the model"
            )
        try:
            self._finish()
        except Exception as another:
            error.add_note(f"besides, at the end of the training: {another!r}")

    def _finish(self) -> None:
        """Do what is left to do, all of it, also if some of it fails; then raise the first error."""
        failed: Exception | None = None
        while self._to_do:
            try:
                self._to_do[0]()
            except Exception as error:
                failed = failed or error
            del self._to_do[0]
        if failed is not None:
            raise failed
