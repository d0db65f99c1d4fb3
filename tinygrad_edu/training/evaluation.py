"""Evaluation: how good a model's answers are, on data that it need not have seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.nn import Layer, dtype_of
from tinygrad_edu.training.metrics import Loss, Means, Metric, Metrics, measure, plain
from tinygrad_edu.training.samples import Samples, check_batch_size
from tinygrad_edu.training.trial import settle_inputs, try_out


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
    samples = Samples(x, y).with_targets()
    check_batch_size(batch_size, len(samples), larger=True)
    metrics = try_out(model, loss, metrics, samples)
    if loss is None and not metrics:
        raise ValueError(
            "there is nothing to measure, since neither a loss nor metrics are known; write "
            "evaluate(x, y, loss=…) with the loss of the training"
        )
    return examine(model, samples, loss, metrics, batch_size)


def examine(
    model: Layer,
    samples: Samples,
    loss: Loss | None,
    metrics: Mapping[str, Metric],
    batch_size: int,
) -> dict[str, float]:
    """Return the means over samples that have been tried out already."""
    means = Means()
    with model.answering():
        for inputs, targets in samples.batches(batch_size, dtype_of(model)):
            output = model(inputs)
            measured = measure(metrics, output, targets)
            if loss is not None:
                measured = {"loss": plain(loss(output, targets)).item(), **measured}
            means.add(len(inputs), **measured)
    return means.result()


def predict(model: Layer, x: Any, batch_size: int = 256) -> np.ndarray[Any, Any]:
    """Return the model's outputs for all samples of x as one array, (N, …).

    Raises ValueError or TypeError for inputs that do not fit.
    """
    samples = Samples(x)
    check_batch_size(batch_size, len(samples), larger=True)
    samples.check_range(dtype_of(model))
    settle_inputs(model, samples)
    with model.answering():
        parts = [model(inputs) for inputs, _ in samples.batches(batch_size, dtype_of(model))]
    return np.concatenate([plain(part) for part in parts])
