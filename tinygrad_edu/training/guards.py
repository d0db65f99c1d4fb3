"""Guards: what is checked before a training begins, and what is said when it goes wrong.

A training may run for hours before a wrong label, a loss that overflows or a silent layer shows.
So one sample is tried out before any weight has changed, the first step is looked at closely, and a loss that
is no number any more leads back to the last weights that were good.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn import (
    Layer,
    Optimizer,
    ReLU,
    Sigmoid,
    Softmax,
    binary_cross_entropy,
    check_probabilities,
    check_same_shape,
    dtype_of,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops import as_labels
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import Loss, Metric, measure, plain
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


def check_arguments(
    model: Layer, loss: Loss, optimizer: Optimizer, epochs: int, callbacks: Sequence[Any]
) -> None:
    """Raise TypeError or ValueError for what `fit` cannot train with, whatever the data."""
    if epochs < 1:
        raise ValueError(f"expected at least one epoch, got {epochs}")
    _check_last_layer(model, loss)
    _check_optimizer(model, optimizer)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(
            f"expected a list of callbacks, functions of an Epoch, got {callbacks!r}; write callbacks=[…]"
        )


def _check_last_layer(model: Layer, loss: Loss) -> None:
    """Raise ValueError if the model ends in the function that the loss is about to apply again."""
    doubled = {softmax_cross_entropy: Softmax, binary_cross_entropy: Sigmoid}.get(loss)
    if doubled and isinstance(model.in_order()[-1], doubled):
        raise ValueError(
            f"{loss.__name__} contains the {doubled.__name__} already, and twice is wrong: leave out the "
            f"last layer, {doubled.__name__}(), and train on the scores; apply it afterwards where you want "
            "probabilities"
        )


def _check_optimizer(model: Layer, optimizer: Optimizer) -> None:
    """Raise TypeError for what is no optimizer, ValueError if it would leave the model as it is."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"expected an optimizer, got {optimizer!r}; make one with the parameters that it moves, for "
            "example Adam(model.parameters())"
        )
    if not set(model.parameters()) & set(optimizer.parameters):
        raise ValueError(
            "the optimizer holds no parameter of this model; make it with the parameters of the model that "
            "you train, for example Adam(model.parameters())"
        )


def as_samples(validation_data: Any) -> Samples:
    """Return validation data as samples."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise TypeError(
            "expected validation_data=(x_val, y_val), samples that are kept from the training, got "
            + type(validation_data).__name__
        )
    x, y = validation_data
    return Samples(x, y, names=("x_val", "y_val"))


def try_out(
    model: Layer, loss: Loss | None, metrics: Mapping[str, Metric], samples: Samples
) -> None:
    """Run one sample through model and loss, so that what does not fit is said before anything changes."""
    if not (loss is None or callable(loss)):
        raise TypeError(
            f"expected the loss to be a function (output, target), such as mean_squared_error, got {loss!r}"
        )
    if not isinstance(metrics, Mapping) or not all(map(callable, metrics.values())):
        raise TypeError(
            "expected metrics as functions by name, for example {'accuracy': accuracy} with "
            f"tinygrad_edu.training.accuracy, got {metrics!r}"
        )
    x, y = next(samples.batches(1, dtype_of(model)))
    with model.answering():
        output = model(x)
        shape = (len(samples), *shape_of(output)[1:])  # of the outputs for all samples
        if samples.y is not None:
            _check_targets(loss, shape, samples.y)
        try:
            error = 0.0 if loss is None else loss(output, y)
        except (TypeError, ValueError) as problem:
            problem.add_note(
                "while trying out the loss with the first sample; for all samples the model gives shape "
                f"{shape}, y has {shape_of(samples.y)}"
            )
            raise
        if shape_of(error) != ():
            raise ValueError(
                f"the loss must be a single number, got shape {shape_of(error)}; take its mean"
            )
        measure(metrics, output, y)


def _check_targets(loss: Loss | None, shape: tuple[int, ...], y: Any) -> None:
    """Hold the whole y against the shape of all outputs, where it is known what the loss expects."""
    if loss in (half_squared_error, mean_squared_error, binary_cross_entropy):
        check_same_shape(shape, y)
    if loss is binary_cross_entropy:
        check_probabilities(y)
    if loss is softmax_cross_entropy:
        as_labels(y, shape)


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
        for value, data in zip(self._optimizer.parameters, self._kept, strict=True):
            value.data = data
        epoch = len(self._history) + 1
        return TrainingDivergedError(
            f"{what} in epoch {epoch}, batch {self._batch}; {culprit}. The weights are those of the last "
            "batch with a finite loss. A learning rate of a tenth may help: "
            f"lr={self._optimizer.learning_rate() / 10:g}",
            self._history,
            epoch,
            self._batch,
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
            warnings.warn(
                f"the loss compares each output with each target: the model gives shape {gives}, y has "
                f"{has}, and NumPy broadcasts both to (N, N); train with {cure} instead of y",
                stacklevel=5,  # where fit was called
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
        warnings.warn(f"{', '.join(missed)} got no gradient: {why}", stacklevel=5)


def warn_of_silence(model: Layer, samples: Samples) -> None:
    """Warn if a ReLU layer gives nothing but zeros: no gradient passes it, so it would stay that way."""
    x, _ = next(samples.batches(256, dtype_of(model)))
    with model.answering():
        for layer in model.in_order():
            x = layer(x)
            if isinstance(layer, ReLU) and not np.any(plain(x)):
                warnings.warn(
                    f"all neurons of {layer.name} are silent on the first samples, so nothing before it "
                    "can learn; try a smaller learning rate, another initializer, or LeakyReLU()",
                    stacklevel=3,
                )
                return
