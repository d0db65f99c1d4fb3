"""The trial: what is checked before a training begins, so that nothing is half learned when it shows.

A training may run for hours before a wrong label or a loss that does not fit comes to light. So all that
was given is looked at first, and one sample is sent through the model, the loss and the metrics, before any
weight has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn import (
    Layer,
    Optimizer,
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
from tinygrad_edu.training.metrics import (
    Loss,
    Metric,
    Metrics,
    accuracy,
    binary_accuracy,
    check_metrics,
    measure,
)
from tinygrad_edu.training.samples import Samples


def check_arguments(
    model: Layer, loss: Loss, optimizer: Optimizer, epochs: int, callbacks: Sequence[Any]
) -> None:
    """Raise TypeError or ValueError for what `fit` cannot train with, whatever the data."""
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer):
        raise TypeError(f"expected a whole number of epochs, got {epochs!r}")
    if epochs < 1:
        raise ValueError(f"expected at least one epoch, got {epochs}")
    _check_last_layer(model, loss)
    _check_optimizer(model, optimizer)
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(
            f"expected a list of callbacks, functions of an Epoch, got {callbacks!r}; write callbacks=[…]"
        )
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(
                f"expected callbacks, got the class {callback.__name__}; make one of it, with parentheses: "
                f"{callback.__name__}(…)"
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
    return Samples(x, y, names=("x_val", "y_val")).with_targets()


def try_out(
    model: Layer, loss: Loss | None, metrics: Metrics, samples: Samples
) -> Mapping[str, Metric]:
    """Run one sample through model, loss and metrics: what does not fit is said before anything changes.

    Returns the metrics, by default the accuracy where the samples have classes.
    """
    if not (loss is None or callable(loss)):
        raise TypeError(
            f"expected the loss to be a function (output, target), such as mean_squared_error, got {loss!r}"
        )
    check_metrics(metrics)
    samples.check_range(dtype_of(model))
    settle_inputs(model, samples)
    with model.answering(), np.errstate(all="ignore"):  # what overflows shows in the loss
        output = _for_all(len(samples), lambda count: _answer(model, samples, count))
        shape = (len(samples), *shape_of(output)[1:])  # of the outputs for all samples
        _check_targets(loss, shape, samples.y)
        if loss is not None:
            _try_loss(model, loss, output, samples, shape)
        if metrics is None:
            metrics = _default_metrics(loss, samples, shape)
        measure(metrics, output, _first_targets(model, samples))
    return metrics


def _answer(model: Layer, samples: Samples, count: int) -> Array:
    x, _ = next(samples.batches(count, dtype_of(model)))
    return model(x)


def _first_targets(model: Layer, samples: Samples) -> Any:
    return next(samples.batches(1, dtype_of(model)))[1]


def settle_inputs(model: Layer, samples: Samples) -> None:
    """Decide whether whole numbers in the inputs become floats.

    They do if the model takes floats, as nearly all models do. One that looks things up, as in `table[x]`,
    fails with floats, and is given the whole numbers themselves.
    """
    if samples.x.dtype.kind in "iu" and not _takes(model, samples):
        samples.whole_inputs = True
        samples.whole_inputs = _takes(model, samples)  # or what goes wrong with floats will be told
    samples.warn_of_pixels()


def _takes(model: Layer, samples: Samples) -> bool:
    """Return whether the model has an answer to the first sample."""
    with model.answering(), np.errstate(all="ignore"):
        try:
            _answer(model, samples, 1)
        except Exception:
            return False
    return True


def _try_loss(
    model: Layer, loss: Loss, output: Array, samples: Samples, shape: tuple[int, ...]
) -> None:
    """Raise ValueError if the loss of one sample is no number, and whatever else goes wrong there.

    Rows of whole numbers are given as such to a loss that takes no floats.
    """
    targets = samples.y
    try:
        try:
            error = loss(output, _first_targets(model, samples))
        except (IndexError, TypeError, ValueError):
            if samples.has_classes or targets is None or targets.dtype.kind not in "iu":
                raise
            samples.whole_targets = True
            error = loss(output, _first_targets(model, samples))
    except (IndexError, TypeError, ValueError) as problem:
        problem.add_note(
            "while trying out the loss with the first sample; for all samples the model gives shape "
            f"{shape}, y has {shape_of(targets)}"
        )
        raise
    if shape_of(error) != ():
        raise ValueError(
            f"the loss must be a single number, got shape {shape_of(error)}; take its mean"
        )


def _for_all(count: int, attempt: Callable[[int], Array]) -> Array:
    """Return attempt(1); in what goes wrong there, tell the number of all samples instead of the one tried.

    Which numbers in a message count the samples, two samples show: there, each 1 of them is a 2.
    """
    try:
        return attempt(1)
    except (TypeError, ValueError) as error:
        if count > 1:
            try:
                attempt(2)
            except type(error) as other:
                one, two = (re.split(r"(\d+)", str(e)) for e in (error, other))
                if all(
                    pair in (("1", "2"), (pair[0], pair[0])) for pair in zip(one, two, strict=False)
                ):
                    parts = [a if a == b else str(count) for a, b in zip(one, two, strict=False)]
                    error.args = ("".join(parts), *error.args[1:])
        raise


def _check_targets(loss: Loss | None, shape: tuple[int, ...], y: Any) -> None:
    """Hold the whole y against the shape of all outputs, where it is known what the loss expects."""
    if loss in (half_squared_error, mean_squared_error, binary_cross_entropy):
        check_same_shape(shape, y)
    if loss is binary_cross_entropy:
        check_probabilities(y)
    if loss is softmax_cross_entropy:
        as_labels(y, shape)


def _default_metrics(
    loss: Loss | None, samples: Samples, shape: tuple[int, ...]
) -> dict[str, Metric]:
    """Return what people would ask for first: how often the model is right, where that has a meaning.

    That is so where it gives one score for each class, whatever is made of the scores in the loss.
    """
    if loss is binary_cross_entropy:
        return {"accuracy": binary_accuracy}
    if samples.has_classes and len(shape) == 2:
        classes = shape[1]
        if loss is softmax_cross_entropy or (classes > 1 and samples.has_labels_below(classes)):
            return {"accuracy": accuracy}
    return {}
