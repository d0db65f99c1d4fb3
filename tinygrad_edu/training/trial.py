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
    _check_function(loss)
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


def _check_function(loss: Any) -> None:
    """Raise TypeError for a loss that is no function."""
    if not callable(loss):
        raise TypeError(
            f"expected the loss to be a function (output, target), such as mean_squared_error, got {loss!r}"
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
    if loss is not None:
        _check_function(loss)
    check_metrics(metrics)
    samples.check_range(dtype_of(model))
    settle_inputs(model, samples)
    with model.answering(), np.errstate(all="ignore"):  # what overflows shows in the loss
        output = _for_all(len(samples), lambda count: _answer(model, samples, count)[0])
        shape = (len(samples), *shape_of(output)[1:])  # of the outputs for all samples
        _check_targets(loss, shape, samples.y)
        if loss is not None:
            _try_loss(model, loss, samples, shape)
        if metrics is None:
            metrics = _default_metrics(loss, samples, shape)
        try:
            measure(metrics, *_answer(model, samples, 1))
        except (TypeError, ValueError) as problem:
            problem.add_note("while trying out the metrics, functions (output, target) → number")
            raise
    return metrics


def _answer(model: Layer, samples: Samples, count: int) -> tuple[Array, Any]:
    """Return what the model answers to the first samples, and what it should."""
    x, y = next(samples.batches(count, dtype_of(model)))
    return model(x), y


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


def _try_loss(model: Layer, loss: Loss, samples: Samples, shape: tuple[int, ...]) -> None:
    """Raise ValueError if the loss of one sample is no number, and whatever else goes wrong there.

    Rows of whole numbers are given as such to a loss that takes no floats.
    """

    def attempt(count: int) -> Array:
        return loss(*_answer(model, samples, count))

    rows = samples.y is not None and samples.y.dtype.kind in "iu" and not samples.has_classes
    try:
        try:
            error = _for_all(len(samples), attempt)
        except (IndexError, TypeError, ValueError):
            if not rows:
                raise
            samples.whole_targets = True
            error = _for_all(len(samples), attempt)
    except (IndexError, TypeError, ValueError) as problem:
        problem.add_note(
            "while trying out the loss with the first sample; for all samples the model gives shape "
            f"{shape}, y has {shape_of(samples.y)}"
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
        error.args = (_with_count(str(error), _message(attempt, 2), count), *error.args[1:])
        raise


def _message(attempt: Callable[[int], Array], count: int) -> str:
    try:
        attempt(count)
    except Exception as error:
        return str(error)
    return ""


def _with_count(one: str, two: str, count: int) -> str:
    """Return the message of one sample with `count` for each number that is 1 there, and 2 in that of two.

    >>> _with_count("expected 3, got (1, 2)", "expected 3, got (2, 2)", 40)
    'expected 3, got (40, 2)'
    """
    parts, others = re.split(r"(\d+)", one), re.split(r"(\d+)", two)
    if len(parts) != len(others):
        return one
    pairs = list(zip(parts, others, strict=True))
    if not all(a == b or (a, b) == ("1", "2") for a, b in pairs):
        return one
    return "".join(a if a == b else str(count) for a, b in pairs)


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
