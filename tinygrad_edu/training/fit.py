"""Training: the loop that all of deep learning runs in.

For each batch: compute the loss, go backward, step, forget the gradients. That is four lines, and you may
well write them yourself (the README does). `fit` adds what one wants around them: shuffled batches,
measurement, progress, callbacks, and a guard that helps when something goes wrong.

    for x, y in batches:
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn import Layer, Optimizer, dtype_of
from tinygrad_edu.support import known_as
from tinygrad_edu.training.callbacks import Callback, Epoch
from tinygrad_edu.training.ending import Ending
from tinygrad_edu.training.evaluation import examine
from tinygrad_edu.training.guards import Guard, warn_of_silence
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import Loss, Means, Metric, Metrics, measure, names_of
from tinygrad_edu.training.progress import Progress
from tinygrad_edu.training.resuming import Run
from tinygrad_edu.training.samples import Augment, Batches, Samples
from tinygrad_edu.training.threads import threads_for_steps
from tinygrad_edu.training.trial import as_samples, check_arguments, try_out

_RATE = "optimizer=Adam(model.parameters(), lr=…)"
_APART = "validation_data=(x_val, y_val), samples that you keep apart"
_ELSEWHERE = {"lr": _RATE, "learning_rate": _RATE, "seed": "rng", "random_state": "rng"}
_ELSEWHERE |= {"validation_split": _APART, "n_epochs": "epochs", "criterion": "loss"}
_ELSEWHERE |= {"initial_epoch": "resume", "checkpoint": "resume"}


@known_as(**_ELSEWHERE)
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
    resume: str | os.PathLike[str] | None = None,
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
    the model is in `eval()` mode. `model.history` is the history as well, also while the training runs, and
    if it ends with an error: a callback that fails, or a full disk. The error has it as `history`, too.

    `resume` is a file that `Checkpoint(path, keep="last")` has written: the training goes on where that was
    stopped, with the same arguments, until there are `epochs` epochs in all. The result is the same to the
    last bit as that of a training that was never stopped.

    Everything about a training is said in this one call, so it has many options, and takes a few lines more
    than other functions. Only `loss` and `optimizer` are needed; the others have values to begin with.

    Raises ValueError or TypeError for whatever does not fit (data, labels, batch size, loss, metrics,
    augment, or an optimizer of another model) before any weight has changed; FileNotFoundError for nothing to
    resume; `TrainingDivergedError` if the loss turns NaN or infinite.
    """
    samples = Samples(x, y).with_targets()
    held_out = None if validation_data is None else as_samples(validation_data)
    batch_size = min(32, len(samples)) if batch_size is None else batch_size
    check_arguments(model, loss, optimizer, epochs, callbacks)
    metrics = try_out(model, loss, metrics, samples)
    if held_out is not None:
        try_out(model, loss, metrics, held_out)
    batches = Batches(
        samples, batch_size, dtype_of(model), shuffle=shuffle, augment=augment, rng=rng
    )

    callbacks = sorted(callbacks, key=lambda callback: getattr(callback, "comes_last", False))
    measures = names_of(metrics, held_out is not None)
    run = Run(model, optimizer, callbacks, measures, rng=batches.rng, augment=augment, loss=loss)
    if resume is not None:
        run.resume(resume, epochs)
    run.begin()
    history, progress = run.history, Progress(epochs, verbose)
    guard = Guard(model, optimizer, history)
    ending = Ending(model, history, progress, callbacks)
    try:
        with threads_for_steps(model, samples, batch_size, progress.say):
            while len(history) < epochs and not history.stopped:
                number, started = len(history) + 1, time.perf_counter()
                shown = progress.over(batches, len(batches), number)
                logs = _train_epoch(model, shown, loss, optimizer, metrics, guard, progress)
                if held_out is not None:
                    logs |= _validate(model, held_out, loss, metrics, batch_size)
                logs["seconds"] = time.perf_counter() - started
                history.append(logs)
                progress.end_epoch(number, logs)
                if number == 1:
                    warn_of_silence(model, samples)
                for callback in callbacks:
                    callback(Epoch(model, number, logs, history, run))
        return ending.after_the_last_epoch()
    except KeyboardInterrupt as interrupt:
        return ending.after_ctrl_c(interrupt, epochs)
    except BaseException as error:
        ending.after_error(error)
        raise


def _train_epoch(
    model: Layer,
    batches: Iterator[tuple[Any, Any]],
    loss: Loss,
    optimizer: Optimizer,
    metrics: Mapping[str, Metric],
    guard: Guard,
    progress: Progress,
) -> dict[str, float]:
    """Take one step for each batch; return the means of what was measured on the way."""
    model.train()
    guard.begin_epoch()
    means = Means()
    for x, y in batches:
        with np.errstate(all="ignore"):  # what overflows shows in the loss: see the guard
            output = model(x)
            error = loss(output, y)
            guard.check_loss(x, error)
            optimizer.zero_grad()
            error.backward()
            guard.check_gradients(output, error)
            optimizer.step()
        means.add(len(x), loss=error.item(), **measure(metrics, output, y))
        progress.update(means.result())
    guard.check_weights(x)
    return means.result()


def _validate(
    model: Layer, samples: Samples, loss: Loss, metrics: Mapping[str, Metric], batch_size: int
) -> dict[str, float]:
    """Return loss and metrics on samples that are not learned from, as val_loss and so on."""
    with np.errstate(all="ignore"):  # what overflows shows in the numbers
        # in batches of the same size as in training, since a loss may be a sum over its batch
        measured = examine(model, samples, loss, metrics, batch_size)
    return {f"val_{name}": value for name, value in measured.items()}
