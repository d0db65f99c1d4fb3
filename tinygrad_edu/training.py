"""Training: the loop that all of deep learning runs in.

For each batch: compute the loss, go backward, step, forget the gradients. That is four lines, and you may
well write them yourself (the README does). `fit` adds what one wants around them: shuffled batches,
measurement, progress, callbacks, and help when something goes wrong.

    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

from __future__ import annotations

import math
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.callbacks import Callback, Epoch
from tinygrad_edu.history import History
from tinygrad_edu.layers import Layer, ReLU, Sigmoid, Softmax
from tinygrad_edu.losses import (
    binary_cross_entropy,
    check_probabilities,
    check_same_shape,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.metrics import Metric, accuracy, binary_accuracy
from tinygrad_edu.ops import Array, as_labels, shape_of
from tinygrad_edu.optimizers import Optimizer
from tinygrad_edu.progress import Progress
from tinygrad_edu.samples import Samples, check_batch_size
from tinygrad_edu.value import Value, ancestors, no_grad

Loss: TypeAlias = Callable[[Array, Any], Array]
Metrics: TypeAlias = Mapping[str, Metric] | None
Augment: TypeAlias = Callable[[Any, np.random.Generator], Any]


class TrainingDivergedError(ArithmeticError):
    """The loss became NaN or infinite. The model holds the last weights whose loss was a number.

    Attributes: `history`, the epochs before; `epoch` and `batch`, counted from 1.
    """

    def __init__(self, message: str, history: History, epoch: int, batch: int) -> None:
        super().__init__(message)
        self.history = history
        self.epoch = epoch
        self.batch = batch


def fit(
    model: Layer,
    x: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int | None = None,
    validation_data: tuple[Any, Any] | None = None,
    shuffle: bool = True,
    augment: Augment | None = None,
    metrics: Metrics = None,
    callbacks: Sequence[Callback] = (),
    rng: int | np.random.Generator | None = None,
    verbose: bool = True,
) -> History:
    """Teach a model that x is followed by y; return what was measured in each epoch.

    x holds N samples along its first axis (see `samples.Samples`), y an integer class or a target for
    each. `batch_size` is 32 if you name none, or less where there are fewer samples. `loss` is a function
    (output, target) → single number. `validation_data` is a pair (x, y) to measure on after each epoch.
    `metrics` are functions by name; by default the accuracy, where there are classes. `callbacks` are
    called after each epoch.

    `augment` is a function (inputs, rng) → inputs of the same shape and dtype, such as `datasets.Rotate(10)`.
    It changes each batch at random before the model learns from it; what is validated stays as it is. `rng`
    decides the order of samples, and what is drawn in `augment`.

    Ctrl-C ends the training early; weights and history are kept, and `history.stopped` says so. Afterwards
    the model is in `eval()` mode.

    Raises ValueError or TypeError for whatever does not fit (data, labels, batch size, loss, metrics,
    augment, or an optimizer of another model) before any weight has changed; `TrainingDivergedError` if the
    loss turns NaN or infinite.
    """
    samples = Samples(x, y)
    held_out = None if validation_data is None else _as_pair(validation_data)
    if batch_size is None:
        batch_size = min(32, len(samples))
    check_batch_size(batch_size, len(samples))
    if epochs < 1:
        raise ValueError(f"expected at least one epoch, got {epochs}")
    check_loss(model, loss)
    _check_optimizer(model, optimizer)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(
            f"expected a list of callbacks, functions of an Epoch, got {callbacks!r}; write callbacks=[…]"
        )
    metrics = default_metrics(loss, samples) if metrics is None else metrics
    for part in (samples, held_out):
        if part is not None:
            _try_out(model, loss, metrics, part)
    if augment is not None:
        _check_augment(augment, samples.batches(1, _dtype(model)))

    rng = np.random.default_rng(rng)
    history = History()
    progress = Progress(epochs, verbose)
    weights = _Weights(optimizer.parameters)
    try:
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            batches = samples.batches(batch_size, _dtype(model), rng if shuffle else None)
            if augment is not None:
                batches = _augmented(batches, augment, rng)
            count = math.ceil(len(samples) / batch_size)
            batches = progress.over(batches, count, number)
            means = _train_epoch(
                model, batches, loss, optimizer, metrics, progress, history, weights
            )
            logs = dict(means)
            if held_out is not None:
                with np.errstate(all="ignore"):  # shows in the numbers
                    # in batches of the same size, since a loss may be a sum over its batch
                    measured = _examine(model, held_out, loss, metrics, batch_size)
                logs |= {f"val_{name}": value for name, value in measured.items()}
            logs["seconds"] = time.perf_counter() - started
            history.append(logs)
            progress.end_epoch(number, logs)
            if number == 1:
                _warn_of_silence(model, samples)
            for callback in callbacks:
                callback(Epoch(model, number, logs, history))
            if history.stopped:
                progress.say(f"stopped: {history.stopped}")
                break
    except KeyboardInterrupt:
        history.stopped = "Ctrl-C"
        progress.say(f"stopped by Ctrl-C after {len(history)} whole epochs; the weights are kept")
    finally:
        progress.close()
        model.eval()
        for callback in callbacks:
            getattr(callback, "finish", lambda _: None)(model)
    return history


def _check_augment(augment: Augment, batches: Iterator[tuple[Any, Any]]) -> None:
    """Raise TypeError for what is no function, and whatever shows when it is tried out on one batch."""
    if isinstance(augment, type) or not callable(augment):
        raise TypeError(
            "expected augment to be a function (inputs, rng), such as datasets.Rotate(10), "
            f"got {augment!r}"
        )
    next(_augmented(batches, augment, np.random.default_rng(0)))


def _augmented(
    batches: Iterator[tuple[Any, Any]], augment: Augment, rng: np.random.Generator
) -> Iterator[tuple[Any, Any]]:
    """Yield the batches with their inputs augmented; raise TypeError or ValueError if they no longer fit."""
    for x, y in batches:
        changed = augment(x.copy(), rng)  # a copy, since x may be a view of the caller's data
        if not isinstance(changed, np.ndarray):
            raise TypeError(
                "expected augment to return an array like the one it is given, got "
                + type(changed).__name__
            )
        if (changed.shape, changed.dtype) != (x.shape, x.dtype):
            raise ValueError(
                "expected augment to return inputs of the shape and dtype that it is given, "
                f"{x.shape} and {x.dtype}, got {changed.shape} and {changed.dtype}"
            )
        if not np.isfinite(changed).all():
            raise ValueError("augment has returned NaN or infinity for inputs that hold neither")
        yield changed, y


def _train_epoch(
    model: Layer,
    batches: Iterator[tuple[Any, Any]],
    loss: Loss,
    optimizer: Optimizer,
    metrics: Mapping[str, Metric],
    progress: Progress,
    history: History,
    weights: _Weights,
) -> dict[str, float]:
    """Take one step for each batch; return the means of what was measured on the way."""
    model.train()
    means = _Means()
    for batch, (x, y) in enumerate(batches, 1):
        with np.errstate(all="ignore"):  # what overflows shows in the loss, and is explained there
            output = model(x)
            error = loss(output, y)
            if not isinstance(error, Value):
                raise TypeError(
                    f"expected the loss to return a Value, got {type(error).__name__}; compute it with "
                    "the model's output itself, not with its data, and with operations of tinygrad_edu"
                )
            if not math.isfinite(error.item()):
                raise _divergence(
                    f"the loss became {error.item()}", model, x, optimizer, weights, history, batch
                )
            weights.keep()
            optimizer.zero_grad()
            error.backward()
            if batch == 1 and not history:  # the very first
                _warn_of_pairs(error, output, len(x))
                _check_gradients(model, optimizer)
            optimizer.step()
        means.add(len(x), loss=error.item(), **_measure(metrics, output, y))
        progress.update(means.result())
    if not weights.are_finite():  # the last step of all was too large, and no loss has shown it yet
        raise _divergence(
            "the weights became infinite or NaN", model, x, optimizer, weights, history, batch
        )
    return means.result()


def evaluate(
    model: Layer,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | None = None,
    metrics: Metrics = None,
    batch_size: int = 256,
) -> dict[str, float]:
    """Return the mean loss and metrics over all samples, by name, without learning from them.

    Without a loss only the metrics are measured, by default the accuracy if y holds classes.

    Raises as `fit` does for data that does not fit.
    """
    samples = Samples(x, y)
    if samples.y is None:
        raise ValueError("expected targets y to compare the answers with, got none")
    metrics = default_metrics(loss, samples) if metrics is None else metrics
    if loss is None and not metrics:
        raise ValueError(
            "there is nothing to measure, since neither a loss nor metrics are known; write "
            "evaluate(x, y, loss=…) with the loss of the training"
        )
    check_batch_size(min(batch_size, len(samples)), len(samples))
    _try_out(model, loss, metrics, samples)
    return _examine(model, samples, loss, metrics, batch_size)


def _examine(
    model: Layer,
    samples: Samples,
    loss: Loss | None,
    metrics: Mapping[str, Metric],
    batch_size: int,
) -> dict[str, float]:
    """Return the means over samples that have been tried out already."""
    means = _Means()
    with answering(model):
        for inputs, targets in samples.batches(batch_size, _dtype(model)):
            output = model(inputs)
            measured = _measure(metrics, output, targets)
            if loss is not None:
                measured = {"loss": _plain(loss(output, targets)).item(), **measured}
            means.add(len(inputs), **measured)
    return means.result()


def predict(model: Layer, x: Any, batch_size: int = 256) -> np.ndarray[Any, Any]:
    """Return the model's outputs for all samples of x as one array, (N, …).

    Raises ValueError or TypeError for inputs that do not fit.
    """
    samples = Samples(x)
    check_batch_size(min(batch_size, len(samples)), len(samples))
    with answering(model):
        parts = [model(inputs) for inputs, _ in samples.batches(batch_size, _dtype(model))]
    return np.concatenate([_plain(part) for part in parts])


class answering:  # noqa: N801, reads as a word: with answering(model)
    """A context in which a model answers: nothing is recorded, Dropout rests."""

    def __init__(self, model: Layer) -> None:
        self._model = model
        self._recording = no_grad()

    def __enter__(self) -> None:
        # of every layer, since somebody may have switched off the Dropout of some
        self._were_training = [(layer, layer.training) for layer in _layers_of(self._model)]
        self._model.eval()
        self._recording.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._recording.__exit__(*error)
        for layer, training in self._were_training:
            layer.training = training


def _layers_of(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and all that it holds, at any depth."""
    yield layer
    for _, held in layer.children():
        if isinstance(held, Layer):
            yield from _layers_of(held)


class _Weights:
    """The weights of the last batch whose loss was a number, to go back to.

    Data is replaced, never overwritten, so remembering it costs no copy.
    """

    def __init__(self, parameters: Sequence[Value]) -> None:
        self._parameters = parameters
        self.keep()

    def keep(self) -> None:
        self._kept = [value.data for value in self._parameters]

    def restore(self) -> None:
        for value, data in zip(self._parameters, self._kept, strict=True):
            value.data = data

    def are_finite(self) -> bool:
        return all(np.all(np.isfinite(value.data)) for value in self._parameters)


class _Means:
    """Means over batches, in which each sample counts once."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, count: int, **means: float) -> None:
        self._count += count
        for name, mean in means.items():
            self._sums[name] += mean * count

    def result(self) -> dict[str, float]:
        return {name: total / self._count for name, total in self._sums.items()}


def default_metrics(loss: Loss | None, samples: Samples) -> dict[str, Metric]:
    """Return what people would ask for first: how often the model is right, where that has a meaning."""
    if loss is binary_cross_entropy:
        return {"accuracy": binary_accuracy}
    if samples.has_classes and loss in (softmax_cross_entropy, None):
        return {"accuracy": accuracy}
    return {}


def check_loss(model: Layer, loss: Loss) -> None:
    """Raise ValueError if the model ends in the function that the loss is about to apply again."""
    layers = _in_sequence(model)
    doubled = {softmax_cross_entropy: Softmax, binary_cross_entropy: Sigmoid}.get(loss)
    if doubled and layers and isinstance(layers[-1], doubled):
        raise ValueError(
            f"{loss.__name__} contains the {doubled.__name__} already, and twice is wrong: leave out the "
            f"last layer, {doubled.__name__}(), and train on the scores; apply it afterwards where you want "
            "probabilities"
        )


def _in_sequence(model: Layer) -> list[Layer]:
    """Return the layers of a Sequential, also of one within another, and of any other model none."""
    if not isinstance(model, Iterable):
        return []
    return [inner for layer in model for inner in _in_sequence(layer) or [layer]]


def _as_pair(validation_data: Any) -> Samples:
    """Return validation data as samples."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise TypeError(
            "expected validation_data=(x_val, y_val), samples that are kept from the training, got "
            + type(validation_data).__name__
        )
    x, y = validation_data
    return Samples(x, y, names=("x_val", "y_val"))


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


def _try_out(
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
            f"tinygrad_edu.metrics.accuracy, got {metrics!r}"
        )
    x, y = next(samples.batches(1, _dtype(model)))
    with answering(model):
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
        _measure(metrics, output, y)


def _check_targets(loss: Loss | None, shape: tuple[int, ...], y: Any) -> None:
    """Hold the whole y against the shape of all outputs, where it is known what the loss expects."""
    if loss in (half_squared_error, mean_squared_error, binary_cross_entropy):
        check_same_shape(shape, y)
    if loss is binary_cross_entropy:
        check_probabilities(y)
    if loss is softmax_cross_entropy:
        as_labels(y, shape)


def _measure(metrics: Mapping[str, Metric], output: Array, target: Any) -> dict[str, float]:
    return {name: float(metric(_plain(output), target)) for name, metric in metrics.items()}


def _plain(output: Array) -> np.ndarray[Any, Any]:
    return np.asarray(output.data if isinstance(output, Value) else output)


def _dtype(model: Layer) -> np.dtype[Any]:
    """Return the type that the model calculates in: that of its first parameter."""
    return next((value.dtype for value in model.parameters()), np.dtype(np.float32))


def _divergence(
    what: str,
    model: Layer,
    x: Any,
    optimizer: Optimizer,
    weights: _Weights,
    history: History,
    batch: int,
) -> TrainingDivergedError:
    """Go back to the last good weights; return the error that says where it began and what may help."""
    with np.errstate(all="ignore"):
        culprit = _first_without_numbers(model, x, optimizer)
    weights.restore()
    epoch = len(history) + 1
    return TrainingDivergedError(
        f"{what} in epoch {epoch}, batch {batch}; {culprit}. The weights are those of the last batch with "
        f"a finite loss. A learning rate of a tenth may help: lr={optimizer.learning_rate() / 10:g}",
        history,
        epoch,
        batch,
    )


def _first_without_numbers(model: Layer, x: Any, optimizer: Optimizer) -> str:
    """Return which parameter or layer is the first to hold or give NaN or infinity."""
    for value in optimizer.parameters:
        if not np.all(np.isfinite(value.data)):
            return f"the first parameter with NaN or infinity in it is {value.name}"
    model.eval()
    for layer in _in_sequence(model) or [model]:
        x = layer(x)
        if not np.all(np.isfinite(_plain(x))):
            return (
                f"the first layer to give NaN or infinity is {layer.name or type(layer).__name__}"
            )
    return "the model's output is still finite, so it is the loss itself that overflows"


def _warn_of_pairs(error: Value, output: Array, count: int) -> None:
    """Warn if a loss compares each output with each target: NumPy broadcasts (N, 1) and (N,) to (N, N)."""
    column, row = (count, 1), (count,)
    if not isinstance(output, Value) or output.shape not in (column, row) or count == 1:
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
                stacklevel=4,
            )
            return


def _check_gradients(model: Layer, optimizer: Optimizer) -> None:
    """Warn if no gradient has reached some parameters that shall learn; raise RuntimeError if none at all."""
    learning = set(optimizer.parameters)  # the others are frozen
    parameters = [value for value in model.parameters() if value in learning]
    missed = [str(value.name) for value in parameters if value.grad is None]
    why = "the loss does not depend on them; is .data, detach() or no_grad() used on the way?"
    if len(missed) == len(parameters):
        raise RuntimeError(f"no parameter has a gradient: {why}")
    if missed:
        warnings.warn(f"{', '.join(missed)} got no gradient: {why}", stacklevel=4)


def _warn_of_silence(model: Layer, samples: Samples) -> None:
    """Warn if a ReLU layer gives nothing but zeros: no gradient passes it, so it would stay that way."""
    x, _ = next(samples.batches(256, _dtype(model)))
    with answering(model):
        for layer in _in_sequence(model):
            x = layer(x)
            if isinstance(layer, ReLU) and not np.any(_plain(x)):
                warnings.warn(
                    f"all neurons of {layer.name} are silent on the first samples, so nothing before it "
                    "can learn; try a smaller learning rate, another initialiser, or LeakyReLU()",
                    stacklevel=3,
                )
                return
