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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn import Layer, Optimizer
from tinygrad_edu.training.answering import Loss, Means, Metrics, dtype_of, measure
from tinygrad_edu.training.callbacks import Callback, Epoch
from tinygrad_edu.training.evaluation import default_metrics, examine
from tinygrad_edu.training.guards import (
    Weights,
    as_samples,
    check_gradients_arrived,
    check_loss,
    check_optimizer,
    divergence,
    try_out,
    warn_of_pairs,
    warn_of_silence,
)
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import Metric
from tinygrad_edu.training.progress import Progress
from tinygrad_edu.training.samples import (
    Augment,
    Samples,
    augmented,
    check_augment,
    check_batch_size,
)
from tinygrad_edu.value import Value


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
    held_out = None if validation_data is None else as_samples(validation_data)
    if batch_size is None:
        batch_size = min(32, len(samples))
    check_batch_size(batch_size, len(samples))
    if epochs < 1:
        raise ValueError(f"expected at least one epoch, got {epochs}")
    check_loss(model, loss)
    check_optimizer(model, optimizer)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(
            f"expected a list of callbacks, functions of an Epoch, got {callbacks!r}; write callbacks=[…]"
        )
    metrics = default_metrics(loss, samples) if metrics is None else metrics
    for part in (samples, held_out):
        if part is not None:
            try_out(model, loss, metrics, part)
    if augment is not None:
        check_augment(augment, samples.batches(1, dtype_of(model)))

    rng = np.random.default_rng(rng)
    history = History()
    progress = Progress(epochs, verbose)
    weights = Weights(optimizer.parameters)
    try:
        for number in range(1, epochs + 1):
            started = time.perf_counter()
            batches = samples.batches(batch_size, dtype_of(model), rng if shuffle else None)
            if augment is not None:
                batches = augmented(batches, augment, rng)
            count = math.ceil(len(samples) / batch_size)
            batches = progress.over(batches, count, number)
            means = _train_epoch(
                model, batches, loss, optimizer, metrics, progress, history, weights
            )
            logs = dict(means)
            if held_out is not None:
                with np.errstate(all="ignore"):  # shows in the numbers
                    # in batches of the same size, since a loss may be a sum over its batch
                    measured = examine(model, held_out, loss, metrics, batch_size)
                logs |= {f"val_{name}": value for name, value in measured.items()}
            logs["seconds"] = time.perf_counter() - started
            history.append(logs)
            progress.end_epoch(number, logs)
            if number == 1:
                warn_of_silence(model, samples)
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


def _train_epoch(
    model: Layer,
    batches: Iterator[tuple[Any, Any]],
    loss: Loss,
    optimizer: Optimizer,
    metrics: Mapping[str, Metric],
    progress: Progress,
    history: History,
    weights: Weights,
) -> dict[str, float]:
    """Take one step for each batch; return the means of what was measured on the way."""
    model.train()
    means = Means()
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
                raise divergence(
                    f"the loss became {error.item()}", model, x, optimizer, weights, history, batch
                )
            weights.keep()
            optimizer.zero_grad()
            error.backward()
            if batch == 1 and not history:  # the very first
                warn_of_pairs(error, output, len(x))
                check_gradients_arrived(model, optimizer)
            optimizer.step()
        means.add(len(x), loss=error.item(), **measure(metrics, output, y))
        progress.update(means.result())
    if not weights.are_finite():  # the last step of all was too large, and no loss has shown it yet
        raise divergence(
            "the weights became infinite or NaN", model, x, optimizer, weights, history, batch
        )
    return means.result()
