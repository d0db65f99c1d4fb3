"""Answering: a model is asked, and what it says is measured.

To ask is not to learn: nothing is recorded, Dropout rests, and the weights stay as they are. A mean over
batches counts each sample once, also where the last batch is smaller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.nn import Layer
from tinygrad_edu.number import Array
from tinygrad_edu.training.metrics import Metric
from tinygrad_edu.value import Value, no_grad

Loss: TypeAlias = Callable[[Array, Any], Array]
Metrics: TypeAlias = Mapping[str, Metric] | None


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


def in_sequence(model: Layer) -> list[Layer]:
    """Return the layers of a Sequential, also of one within another, and of any other model none."""
    if not isinstance(model, Iterable):
        return []
    return [inner for layer in model for inner in in_sequence(layer) or [layer]]


class Means:
    """Means over batches, in which each sample counts once."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0

    def add(self, count: int, **means: float) -> None:
        """Take in the means over `count` more samples."""
        self._count += count
        for name, mean in means.items():
            self._sums[name] += mean * count

    def result(self) -> dict[str, float]:
        """Return the means over all samples so far."""
        return {name: total / self._count for name, total in self._sums.items()}


def measure(metrics: Mapping[str, Metric], output: Array, target: Any) -> dict[str, float]:
    """Return what the metrics say of a batch, by name."""
    return {name: float(metric(plain(output), target)) for name, metric in metrics.items()}


def plain(output: Array) -> np.ndarray[Any, Any]:
    """Return an output as a plain array."""
    return np.asarray(output.data if isinstance(output, Value) else output)


def dtype_of(model: Layer) -> np.dtype[Any]:
    """Return the type that the model calculates in: that of its first parameter."""
    return next((value.dtype for value in model.parameters()), np.dtype(np.float32))
