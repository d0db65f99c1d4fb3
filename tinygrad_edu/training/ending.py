"""The end of a training, however it comes: after the last epoch, by Ctrl-C, or with an error.

The model is left ready to answer, whoever holds something is told to finish, and what was measured is kept:
hours of training are worth more than the reason why they ended. Each step may be taken twice, so that Ctrl-C
in the midst of them is answered by doing them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        self._model = model
        self._history = history
        self._progress = progress
        self._unfinished: list[Callable[[Layer], Any]] = [
            callback.finish for callback in callbacks if hasattr(callback, "finish")
        ]
        if isinstance(
            getattr(model, "history", history), History | None
        ):  # or it is the model's own
            model.history = history  # type: ignore[attr-defined]

    def after_the_last_epoch(self) -> History:
        """Return the history; raise what a callback raises that cannot finish."""
        if self._history.stopped:
            self._progress.say(f"stopped: {self._history.stopped}")
        self._finish()
        return self._history

    def after_ctrl_c(self, epochs: int) -> History:
        """Return the history, which says that it was stopped, unless it has all epochs already."""
        if len(self._history) < epochs and not self._history.stopped:
            self._history.stopped = "Ctrl-C"
            self._progress.say(
                f"stopped by Ctrl-C after {len(self._history)} whole epochs; the weights are kept"
            )
        self._finish()
        return self._history

    def after_error(self, error: BaseException) -> None:
        """Give the error the history along."""
        error.history = self._history  # type: ignore[attr-defined]
        if len(self._history):
            error.add_note(
                f"{len(self._history)} epochs had been measured; their history is this error's, and "
                "the model's, attribute `history`"
            )
        try:
            self._finish()
        except Exception as another:
            error.add_note(f"besides, at the end of the training: {another!r}")

    def _finish(self) -> None:
        """Tell everybody to finish, also if one of them fails; then raise the first error."""
        self._progress.close()
        self._model.eval()
        failed: Exception | None = None
        while self._unfinished:
            try:
                self._unfinished[0](self._model)
            except Exception as error:
                failed = failed or error
            del self._unfinished[0]
        if failed is not None:
            raise failed
