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
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.callbacks import Callback, Epoch
from tinygrad_edu.history import History
from tinygrad_edu.layers import Layer, ReLU, Sigmoid, Softmax
from tinygrad_edu.losses import binary_cross_entropy, softmax_cross_entropy
from tinygrad_edu.metrics import Metric, accuracy, binary_accuracy
from tinygrad_edu.ops import Array, as_labels, shape_of
from tinygrad_edu.optimizers import Optimizer
from tinygrad_edu.progress import Progress
from tinygrad_edu.samples import Samples, check_batch_size
from tinygrad_edu.value import Value, no_grad

Loss: TypeAlias = Callable[[Array, Any], Array]
Metrics: TypeAlias = Mapping[str, Metric] | None


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
    batch_size: int = 32,
    validation_data: tuple[Any, Any] | None = None,
    shuffle: bool = True,
    metrics: Metrics = None,
    callbacks: Sequence[Callback] = (),
    rng: int | np.random.Generator | None = None,
    verbose: bool = True,
) -> History:
    """Teach a model that x is followed by y; return what was measured in each epoch.

    x holds N samples along its first axis (see `samples.Samples`), y an integer class or a target for
    each. `loss` is a function (output, target) → single number. `validation_data` is a pair (x, y) to
    measure on after each epoch. `metrics` are functions by name; by default the accuracy, where there are
    classes. `callbacks` are called after each epoch. `rng` decides the order of samples.

    Ctrl-C ends the training early; weights and history are kept, and `history.stopped` says so. Afterwards
    the model is in `eval()` mode.

    Raises ValueError or TypeError for data, labels, batch sizes and losses that do not fit, before any weight
    has changed; `TrainingDivergedError` if the loss turns NaN or infinite.
    """
    samples = Samples(x, y)
    held_out = None if validation_data is None else Samples(*validation_data)
    check_batch_size(batch_size, len(samples))
    if epochs < 1:
        raise ValueError(f"expected at least one epoch, got {epochs}")
    check_loss(model, loss)
    for part in (samples, held_out):
        if part is not None:
            _try_out(model, loss, part)
    metrics = default_metrics(loss, samples) if metrics is None else metrics

    rng = np.random.default_rng(rng)
    history = History()
    progress = Progress(epochs, verbose)
    try:
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            batches = samples.batches(batch_size, _dtype(model), rng if shuffle else None)
            count = math.ceil(len(samples) / batch_size)
            batches = progress.over(batches, count, number)
            means = _train_epoch(model, batches, loss, optimizer, metrics, progress, history)
            logs = dict(means)
            if held_out is not None:
                measured = evaluate(model, held_out, loss=loss, metrics=metrics)
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
        model.eval()
        for callback in callbacks:
            getattr(callback, "finish", lambda _: None)(model)
    return history


def _train_epoch(
    model: Layer,
    batches: Iterator[tuple[Any, Any]],
    loss: Loss,
    optimizer: Optimizer,
    metrics: Mapping[str, Metric],
    progress: Progress,
    history: History,
) -> dict[str, float]:
    """Take one step for each batch; return the means of what was measured on the way."""
    model.train()
    means = _Means()
    # Data is replaced, never overwritten, so remembering the last good weights costs no copy.
    good = [(value, value.data) for value in optimizer.parameters]
    for batch, (x, y) in enumerate(batches, 1):
        with np.errstate(all="ignore"):  # what overflows shows in the loss, and is explained there
            output = model(x)
            error = loss(output, y)
            if not math.isfinite(error.item()):
                why = _explain_divergence(model, x, good, optimizer)
                for value, data in good:
                    value.data = data
                epoch = len(history) + 1
                where = f"the loss became {error.item()} in epoch {epoch}, batch {batch}"
                raise TrainingDivergedError(f"{where}{why}", history, epoch, batch)
            good = [(value, value.data) for value in optimizer.parameters]
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
        means.add(len(x), loss=error.item(), **_measure(metrics, output, y))
        progress.update(means.result())
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
    samples = x if isinstance(x, Samples) else Samples(x, y)
    if samples.y is None:
        raise ValueError("expected targets y to compare the answers with, got none")
    metrics = default_metrics(loss, samples) if metrics is None else metrics
    if loss is None and not metrics:
        raise ValueError("there is nothing to measure; pass a loss or metrics")
    _try_out(model, loss, samples)
    means = _Means()
    with answering(model):
        for inputs, targets in samples.batches(batch_size, _dtype(model)):
            output = model(inputs)
            measured = _measure(metrics, output, targets)
            if loss is not None:
                measured = {"loss": float(loss(output, targets)), **measured}
            means.add(len(inputs), **measured)
    return means.result()


def predict(model: Layer, x: Any, batch_size: int = 256) -> np.ndarray[Any, Any]:
    """Return the model's outputs for all samples of x as one array, (N, …).

    Raises ValueError or TypeError for inputs that do not fit.
    """
    samples = Samples(x)
    with answering(model):
        parts = [model(inputs) for inputs, _ in samples.batches(batch_size, _dtype(model))]
    return np.concatenate([_plain(part) for part in parts])


class answering:  # noqa: N801, reads as a word: with answering(model)
    """A context in which a model answers: nothing is recorded, Dropout rests."""

    def __init__(self, model: Layer) -> None:
        self._model = model
        self._recording = no_grad()

    def __enter__(self) -> None:
        self._was_training = self._model.training
        self._model.eval()
        self._recording.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._recording.__exit__(*error)
        self._model.train(self._was_training)


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
    last = getattr(model, "layers", [None])[-1]
    doubled = {softmax_cross_entropy: Softmax, binary_cross_entropy: Sigmoid}.get(loss)
    if doubled and isinstance(last, doubled):
        raise ValueError(
            f"{loss.__name__} contains the {doubled.__name__} already, and twice is wrong: leave out the "
            f"last layer, {doubled.__name__}(), and train on the scores; apply it afterwards where you want "
            "probabilities"
        )


def _try_out(model: Layer, loss: Loss | None, samples: Samples) -> None:
    """Run one sample through model and loss, so that what does not fit is said before anything changes."""
    x, y = next(samples.batches(1, _dtype(model)))
    with answering(model):
        output = model(x)
        if loss is softmax_cross_entropy and samples.y is not None:
            as_labels(samples.y, (len(samples), *shape_of(output)[1:]))
        if loss is not None and shape_of(error := loss(output, y)) != ():
            raise ValueError(
                f"the loss must be a single number, got shape {shape_of(error)}; take its mean"
            )


def _measure(metrics: Mapping[str, Metric], output: Array, target: Any) -> dict[str, float]:
    return {name: float(metric(_plain(output), target)) for name, metric in metrics.items()}


def _plain(output: Array) -> np.ndarray[Any, Any]:
    return np.asarray(output.data if isinstance(output, Value) else output)


def _dtype(model: Layer) -> np.dtype[Any]:
    """Return the type that the model calculates in: that of its first parameter."""
    return next((value.dtype for value in model.parameters()), np.dtype(np.float32))


def _explain_divergence(
    model: Layer, x: Any, good: Sequence[tuple[Value, Any]], optimizer: Optimizer
) -> str:
    """Return which layer is the first with numbers that are none, and what may help."""
    culprit = ""
    bad = [value.name for value, _ in good if not np.all(np.isfinite(value.data))]
    if bad:
        culprit = f"; the first parameter with NaN or infinity in it is {bad[0]}"
    else:
        for layer in getattr(model, "layers", []):
            x = layer(x)
            if not np.all(np.isfinite(_plain(x))):
                culprit = f"; the first layer to give NaN or infinity is {layer.name}"
                break
    return (
        f"{culprit}. The weights are those of the last batch with a finite loss. A learning rate of a "
        f"tenth may help: lr={optimizer.learning_rate() / 10:g}"
    )


def _warn_of_silence(model: Layer, samples: Samples) -> None:
    """Warn if a ReLU layer gives nothing but zeros: no gradient passes it, so it would stay that way."""
    x, _ = next(samples.batches(256, _dtype(model)))
    with answering(model):
        for layer in getattr(model, "layers", []):
            x = layer(x)
            if isinstance(layer, ReLU) and not np.any(_plain(x)):
                warnings.warn(
                    f"all neurons of {layer.name} are silent on the first samples, so nothing before it "
                    "can learn; try a smaller learning rate, another initialiser, or LeakyReLU()",
                    stacklevel=3,
                )
                return
