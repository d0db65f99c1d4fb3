"""Metrics: numbers for people, where the loss is the number for the gradient.

"Right 97 times out of 100" can be understood, but it has no useful derivative: a small change of a weight
changes no answer at all, or one. So networks learn by a loss and are judged by a metric.

A metric is a function (output, target) → float, the mean over a batch; both are NumPy arrays. A mean over
batches counts each sample once, also where the last batch is smaller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.support import aligned
from tinygrad_edu.value import Value

Loss: TypeAlias = Callable[[Array, Any], Array]
Metric: TypeAlias = Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], float]
Metrics: TypeAlias = Mapping[str, Metric] | None


def plain(output: Array) -> np.ndarray[Any, Any]:
    """Return an output as a plain array."""
    return np.asarray(output.data if isinstance(output, Value) else output)


#: Names that a metric cannot have, since a training measures something by each of them itself.
_TAKEN = ("loss", "seconds", "count", "self")


def check_metrics(metrics: Any) -> None:
    """Raise TypeError for what are no functions by name, ValueError for a name that is taken.

    >>> check_metrics({"loss": accuracy})
    Traceback (most recent call last):
    ValueError: a metric cannot be called loss, which stands for something else; call it my_loss
    """
    functions = isinstance(metrics, Mapping) and all(map(callable, metrics.values()))
    if metrics is not None and not (functions and all(isinstance(x, str) for x in metrics)):
        raise TypeError(
            "expected metrics as functions by name, for example {'accuracy': accuracy} with "
            f"tinygrad_edu.training.accuracy, got {metrics!r}"
        )
    for name in metrics or ():
        if name in _TAKEN or name.startswith("val_") or not name:
            raise ValueError(
                f"a metric cannot be called {name or 'nothing'}, which stands for something else; call it "
                f"my_{name.removeprefix('val_')}"
            )


def names_of(metrics: Iterable[str], validated: bool) -> list[str]:
    """Return by what names a training measures something in each epoch."""
    names = ["loss", *metrics]
    return [*names, *(f"val_{name}" for name in names if validated), "seconds"]


def measure(metrics: Mapping[str, Metric], output: Array, target: Any) -> dict[str, float]:
    """Return what the metrics say of a batch, by name."""
    return {name: float(metric(plain(output), target)) for name, metric in metrics.items()}


class Means:
    """Means over batches, in which each sample counts once.

    >>> means = Means()
    >>> means.add(3, loss=1.0)
    >>> means.add(1, loss=5.0)
    >>> means.result()
    {'loss': 2.0}
    """

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


def accuracy(output: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> float:
    """Return the share of samples whose largest output is the right class: (N, classes), labels (N,).

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    return float(np.mean(np.argmax(output, axis=-1) == target))


def binary_accuracy(output: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> float:
    """Return the share of logits on the right side of 0: output and target of one shape, target 0 or 1.

    >>> binary_accuracy(np.array([2.0, -1.0, 3.0]), np.array([1, 0, 0])) == 2 / 3
    True
    """
    return float(np.mean((output > 0) == (target > 0.5)))


def confusion_matrix(
    target: np.ndarray[Any, Any], answers: np.ndarray[Any, Any], classes: int
) -> np.ndarray[Any, Any]:
    """Count how often each class (row) was taken for each class (column): integers (classes, classes).

    Both inputs are integer classes of shape (N,).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([[1, 0],
           [1, 1]])
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (target, answers), 1)
    return table


def confusion_table(
    target: np.ndarray[Any, Any], answers: np.ndarray[Any, Any], class_names: Sequence[str]
) -> str:
    """Return a confusion matrix as text: a row for what was so, a column for what was answered.

    >>> print(confusion_table(np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"]))
          cat   dog
    cat     1     .
    dog     1     1
    """
    matrix = confusion_matrix(target, answers, len(class_names))
    width = max(4, *map(len, class_names))  # all columns alike, so that the diagonal is straight
    rows = [
        [name, *(str(count or ".") for count in row)]
        for name, row in zip(class_names, matrix.tolist(), strict=True)
    ]
    return "\n".join(aligned([["", *(name.rjust(width) for name in class_names)], *rows]))
