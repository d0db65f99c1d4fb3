"""Which neurons matter most: each is silenced in turn, and the answers counted that go wrong.

One neuron of two hundred is hardly missed, since the others know nearly the same. A few are: they have
learned to see something that nobody else looks at, and the digits that depend on it are taken for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.lab.damage.neurons import chosen_layers
from tinygrad_edu.nn import dtype_of
from tinygrad_edu.ops import as_labels
from tinygrad_edu.support import aligned
from tinygrad_edu.training import Samples, Sequential, with_bar
from tinygrad_edu.value import Value

_BATCH = 250  # how many samples are asked about together


def knock_out(
    model: Sequential, x: Any, y: Any, *, layer: str | None = None, verbose: bool = False
) -> dict[str, NDArray[np.int64]]:
    """Silence each hidden neuron in turn; return how many right answers each of them is needed for.

    x are N samples, y their classes, integers of shape (N,). For each hidden layer, or for the one that
    `layer` names, there is an array of integers (neurons, classes): how many more of the samples of a class
    are answered wrongly without this neuron. Below 0, the model is better off without it.
    `.sum(axis=1) / len(y)` is the accuracy that is lost with each neuron. `verbose` shows a bar in a
    terminal.

    What the neurons say is computed once; then one after the other is set to 0, and only the layers that
    hear them are asked again.

    Raises ValueError or TypeError for a model without hidden layers, an unknown layer, and samples that do
    not fit.

    >>> from tinygrad_edu.nn import Dense, ReLU
    >>> model = Sequential(Dense(2, 2), ReLU(), Dense(2, 2))
    >>> model[0].weight.data = model[2].weight.data = np.eye(2)  # neuron 0 speaks for class 0
    >>> knock_out(model, [[2.0, 1.0], [1.0, 3.0]], [0, 1])["dense1"]
    array([[1, 0],
           [0, 1]])
    """
    hidden = chosen_layers(model, layer)
    samples = Samples(x, y)
    classes = model.predict(samples.x[:1]).shape[-1]
    as_labels(y, (len(samples), classes))
    layers = model.in_order()
    lost = {name: np.zeros((size, classes), np.int64) for name, (size, _) in hidden.items()}
    batches = with_bar(
        list(samples.batches(_BATCH, dtype_of(model))), "one neuron at a time", verbose
    )
    with model.answering():
        for inputs, labels in batches:
            right = _right_answers(layers, inputs, labels, classes)
            for name, (size, listener) in hidden.items():
                said = _through(layers[:listener], inputs).copy()
                maps = said.reshape(len(said), size, -1)
                for neuron in range(size):
                    kept = maps[:, neuron].copy()
                    maps[:, neuron] = 0
                    left = _right_answers(layers[listener:], said, labels, classes)
                    lost[name][neuron] += right - left
                    maps[:, neuron] = kept
    return lost


def importance_table(
    missed: Mapping[str, NDArray[np.int64]], class_names: Sequence[str], count: int = 8
) -> str:
    """Return what `knock_out` found as text: the `count` neurons that are missed most, and for which classes.

    >>> print(importance_table({"dense1": np.array([[0, 0], [3, 9]])}, ["cat", "dog"], count=1))
    neuron     missed  most of all for
    dense1 #1      12  dog: 9, cat: 3
    """
    ranked = [
        (f"{name} #{n}", row) for name, table in missed.items() for n, row in enumerate(table)
    ]
    ranked.sort(key=lambda neuron: -int(neuron[1].sum()))
    rows = [["neuron", "missed", "most of all for"]]
    for neuron, row in ranked[:count]:
        most = [c for c in np.argsort(-row, kind="stable")[:3] if row[c] > 0]
        classes = ", ".join(f"{class_names[c]}: {row[c]}" for c in most)
        rows.append([neuron, str(row.sum()), classes])
    return "\n".join(aligned(rows))


def _through(layers: Iterable[Any], x: Any) -> NDArray[Any]:
    for layer in layers:
        x = layer(x)
    return np.asarray(x.data if isinstance(x, Value) else x)


def _right_answers(
    layers: Iterable[Any], x: Any, labels: NDArray[Any], classes: int
) -> NDArray[np.int64]:
    """Return how many samples of each class are answered rightly."""
    answers = _through(layers, x).argmax(axis=-1)
    return np.bincount(labels[answers == labels], minlength=classes)
