"""Guards: what is watched while a training runs, and what is said when it goes wrong.

The first step is looked at closely, since a layer that gets no gradient shows there already, and a loss that
is no number any more leads back to the last weights that were good.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.nn import Layer, Optimizer, ReLU, dtype_of, new_data, replace_together
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import warn_caller
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import plain
from tinygrad_edu.training.samples import Samples
from tinygrad_edu.value import Value, ancestors


class TrainingDivergedError(ArithmeticError):
    """The loss became NaN or infinite. The model holds the last weights whose loss was a number.

    Attributes: `history`, the epochs before; `epoch` and `batch`, counted from 1.
    """

    def __init__(self, message: str, history: History, epoch: int, batch: int) -> None:
        super().__init__(message)
        self.history = history
        self.epoch = epoch
        self.batch = batch


class Guard:
    """Watches every step of a training, and says what goes wrong as soon as it shows.

    It remembers the weights of the last batch whose loss was a number, to go back to. Data is replaced, never
    overwritten, so remembering it costs no copy.
    """

    def __init__(self, model: Layer, optimizer: Optimizer, history: History) -> None:
        self._model = model
        self._optimizer = optimizer
        self._history = history
        self._batch = 0
        self._steps = optimizer.steps
        self._keep_weights()

    def begin_epoch(self) -> None:
        """Count batches from the beginning."""
        self._batch = 0

    def check_loss(self, x: Array, error: Any) -> None:
        """Look at the loss of a batch x, and remember the weights that gave it.

        Raises TypeError if it is no Value, `TrainingDivergedError` if it is NaN or infinite.
        """
        self._batch += 1
        if not isinstance(error, Value):
            raise TypeError(
                f"expected the loss to return a Value, got {type(error).__name__}; compute it with "
                "the model's output itself, not with its data, and with operations of tinygrad_edu"
            )
        if not math.isfinite(error.item()):
            raise self._divergence(f"the loss became {error.item()}", x)
        self._keep_weights()

    def check_gradients(self, output: Array, error: Value) -> None:
        """Look at the very first gradients, warn of what they tell; raise RuntimeError if there are none."""
        if self._batch == 1 and not self._history.epochs:
            _warn_of_pairs(error, output)
            _check_gradients_arrived(self._model, self._optimizer)

    def check_weights(self, x: Array) -> None:
        """Raise `TrainingDivergedError` if the last step, after a batch x, was too large for any number.

        No loss has shown it yet.
        """
        if not all(np.all(np.isfinite(value.data)) for value in self._optimizer.parameters):
            raise self._divergence("the weights became infinite or NaN", x)

    def _keep_weights(self) -> None:
        self._kept = [value.data for value in self._optimizer.parameters]

    def _divergence(self, what: str, x: Array) -> TrainingDivergedError:
        """Go back to the last good weights; return the error that says where it began and what may help."""
        with np.errstate(all="ignore"):
            culprit = _first_without_numbers(self._model, x, self._optimizer)
        kept = zip(self._optimizer.parameters, self._kept, strict=True)
        replace_together([change for value, data in kept for change in new_data(value, data)])
        epoch = len(self._history) + 1
        return TrainingDivergedError(
            f"{what} in epoch {epoch}, batch {self._batch}; {culprit}. {self._cure(x)}",
            self._history,
            epoch,
            self._batch,
        )

    def _cure(self, x: Array) -> str:
        """Return what may help: before the first step, it cannot be the rate that is to blame."""
        largest = float(np.max(np.abs(x), initial=0.0))
        large = f"The inputs reach {largest:g}: scale them to about 1. " if largest > 1000 else ""
        if self._optimizer.steps == self._steps:
            return large + "No step was taken yet, so it is the data, the first weights or the loss"
        return (
            "The weights are those of the last batch with a finite loss. "
            f"{large}A learning rate of a tenth may help: "
            f"lr={self._optimizer.learning_rate() / 10:g}"
        )


def _first_without_numbers(model: Layer, x: Any, optimizer: Optimizer) -> str:
    """Return which parameter or layer is the first to hold or give NaN or infinity."""
    for value in optimizer.parameters:
        if not np.all(np.isfinite(value.data)):
            return f"the first parameter with NaN or infinity in it is {value.name}"
    model.eval()
    for layer in model.in_order():
        x = layer(x)
        if not np.all(np.isfinite(plain(x))):
            return (
                f"the first layer to give NaN or infinity is {layer.name or type(layer).__name__}"
            )
    return "the model's output is still finite, so it is the loss itself that overflows"


def _warn_of_pairs(error: Value, output: Array) -> None:
    """Warn if a loss compares each output with each target: NumPy broadcasts (N, 1) and (N,) to (N, N)."""
    if not isinstance(output, Value) or output.size == 1:
        return
    count = output.size
    column, row = (count, 1), (count,)
    if output.shape not in (column, row):
        return
    for node in ancestors(error):
        shapes = {shape_of(x) for x in node.inputs}
        if node.birth > output.birth and node.shape == (count, count) and shapes >= {column, row}:
            gives, has, cure = "(N, 1)", "(N,)", "y[:, None]"
            if output.shape == row:
                gives, has, cure = "(N,)", "(N, 1)", "y[:, 0]"
            warn_caller(
                f"the loss compares each output with each target: the model gives shape {gives}, y has "
                f"{has}, and NumPy broadcasts both to (N, N); train with {cure} instead of y"
            )
            return


def _check_gradients_arrived(model: Layer, optimizer: Optimizer) -> None:
    """Warn if no gradient has reached some parameters that shall learn; raise RuntimeError if none at all."""
    learning = set(optimizer.parameters)  # the others are frozen
    parameters = [value for value in model.parameters() if value in learning]
    missed = [str(value.name) for value in parameters if value.grad is None]
    why = "the loss does not depend on them; is .data, detach() or no_grad() used on the way?"
    if len(missed) == len(parameters):
        raise RuntimeError(f"no parameter has a gradient: {why}")
    if missed:
        warn_caller(f"{', '.join(missed)} got no gradient: {why}")


def warn_of_silence(model: Layer, samples: Samples) -> None:
    """Warn if a ReLU layer gives nothing but zeros: no gradient passes it, so it would stay that way."""
    x, _ = next(samples.batches(256, dtype_of(model)))
    with model.answering():
        for layer in model.in_order():
            x = layer(x)
            if isinstance(layer, ReLU) and not np.any(plain(x)):
                warn_caller(
                    f"all neurons of {layer.name} are silent on the first samples, so nothing before it "
                    "can learn; try a smaller learning rate, another initializer, or LeakyReLU()"
                )
                return
