"""Blame: whose fault is it? One step taken apart: what went forward, what flows back, and how weights move.

The gradient of a weight says how the loss changes with it: how much of the mistake is its fault. It is a sum
over paths from the loss down to the weight, one for each point of the batch and each way through the neurons;
`explain` writes them out, and here those that pass the same neurons are added up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.compare import Explanation, explain
from tinygrad_edu.drawing import draw_graph
from tinygrad_edu.nn import Dense, Dropout
from tinygrad_edu.playground.run import Lesson
from tinygrad_edu.playground.shapes import Numbers
from tinygrad_edu.support import number
from tinygrad_edu.value import Value

#: How many of the largest paths are followed: nearly all of a small network, and few of a large one, since
#: each takes its time.
_PATHS, _FEW = 300, 24


class Taken(NamedTuple):
    """A batch's way through the network: its loss, and what each layer of neurons says, all with names."""

    loss: Value
    layers: list[Value]


def run_through(run: Lesson, x: Numbers, y: Numbers) -> Taken:
    """Send inputs through the network as learning does, and name what comes out of each layer.

    >>> from tinygrad_edu.playground.settings import Settings
    >>> run = Lesson(Settings())
    >>> taken = run_through(run, *run.next_batch())
    >>> taken.loss.name, [(said.name, said.shape) for said in taken.layers]
    ('loss', [('layer1', (30, 4)), ('layer2', (30, 2)), ('output', (30, 1))])
    """
    layers: list[Value] = []
    said: Any = x
    groups = groupby(run.network, key=_counter())
    for position, (_, group) in enumerate(groups, start=1):
        for layer in group:
            said = layer(said)
        said.name = f"layer{position}"
        layers.append(said)
    layers[-1].name = "output"
    loss = run.loss(said, y)
    loss.name = "loss"
    return Taken(loss, layers)


def _counter() -> Any:
    """Return a key that numbers layers by the Dense that they follow."""
    count = 0

    def key(layer: Any) -> int:
        nonlocal count
        count += isinstance(layer, Dense)
        return count

    return key


def blame(run: Lesson, layer: int, source: int, target: int) -> dict[str, Any]:
    """Explain the gradient of a weight on the batch that comes next; `source` −1 is the bias.

    Returns what the page shows: `gradient`, `quotient`, `count` of the paths, `routes` (neurons from the
    output back, with what they contribute), and `largest`, the rows of the largest path. Raises IndexError
    for a weight that there is not, ValueError where there is nothing to explain.

    >>> from tinygrad_edu.playground.settings import Settings
    >>> told = blame(Lesson(Settings(seed="1")), 0, 0, 3)
    >>> len(told["routes"]), round(sum(r["share"] for r in told["routes"]), 6)
    (2, 1.0)
    """
    dense = run.dense_layers()[layer]
    parameter = dense.bias if source < 0 else dense.weight
    assert parameter is not None
    index = (target,) if source < 0 else (source, target)
    x, y = run.next_batch()
    if not len(x):
        raise ValueError("there are no points to learn from, so nobody is to blame yet")
    ways = len(x) * prod(run.settings.network_shape[layer + 1 :])
    run.network.eval()  # without Dropout, which would draw other neurons than the next step does
    with np.errstate(all="ignore"):
        told = explain(
            run_through(run, x, y).loss, parameter, index, paths=_PATHS if ways < _PATHS else _FEW
        )
    return {
        "layer": layer,
        "source": source,
        "target": target,
        "value": float(np.asarray(parameter.data)[index]),
        "gradient": told.total,
        "quotient": told.quotient,
        "count": told.count,
        "points": len(x),
        "rate": run.settings.learning_rate,
        "routes": _routes(told, len(run.dense_layers())),
        "largest": [
            [factor.symbol, ", ".join(_formulas(factor)), number(factor.value)]
            for factor in (told.paths[0] if told.paths else ())
        ],
        "product": number(told.products[0]) if told.products else "0",
    }


def _routes(told: Explanation, layers: int) -> list[dict[str, Any]]:
    """Return the ways through the neurons that contribute most, all points of the batch together."""
    routes: dict[tuple[tuple[int, int], ...], float] = defaultdict(float)
    for factors, product in zip(told.paths, told.products, strict=True):
        routes[tuple(_neurons(factors, layers))] += product
    ranked = sorted(routes.items(), key=lambda route: -abs(route[1]))[:12]
    total = told.total or 1.0
    return [
        {"neurons": list(neurons), "amount": amount, "share": amount / total}
        for neurons, amount in ranked
    ]


def _neurons(factors: Any, layers: int) -> Iterator[tuple[int, int]]:
    """Yield (layer, neuron) for each named layer that a path passes, from the output back."""
    for factor in factors:
        name, _, place = factor.lower.partition("[")
        if name == "output" or name.startswith("layer"):
            layer = layers - 1 if name == "output" else int(name[5:]) - 1
            yield layer, int(place.rstrip("]").split(",")[-1])


def _formulas(factor: Any) -> Iterator[str]:
    for step in factor.steps:
        yield step.upper[0].op.definition


def slow_step(run: Lesson) -> dict[str, Any]:
    """Take the step on the next batch, and return all that happened: forward, back, and the weights.

    `said` and `flows` are, for each layer, what each neuron says to the first point of the batch and the
    gradient that reaches it from there; `gradients`, `before` and `after` those of each layer's weights and
    biases on the whole batch.

    >>> from tinygrad_edu.playground.settings import Settings
    >>> step = slow_step(Lesson(Settings()))
    >>> len(step["said"][0]), len(step["gradients"]), step["before"] != step["after"]
    (4, 3, True)
    """
    x, y = run.next_batch()
    if not len(x):
        raise ValueError("there are no points to learn from")
    begun = run.begun
    run.network.train()
    run.network.zero_grad()
    with np.errstate(all="ignore"), _same_again(run):
        taken = run_through(run, x, y)
        taken.loss.backward()
    before = _weights(run)
    gradients = [_lists(layer.weight.grad, layer.bias.grad) for layer in run.dense_layers()]  # type: ignore[union-attr]
    run.learn_batch()
    return {
        "points": run.points_train[begun : begun + len(x)].round(3).tolist(),
        "said": [np.asarray(said.data)[0].tolist() for said in taken.layers],
        "flows": [np.asarray(said.grad)[0].tolist() for said in taken.layers],
        "target": y[0].tolist(),
        "loss": taken.loss.item(),
        "gradients": gradients,
        "before": before,
        "after": _weights(run),
    }


@contextmanager
def _same_again(run: Lesson) -> Iterator[None]:
    """Let the learning that follows a block draw what the block has drawn: Dropout silences the same."""
    random = [layer.rng.bit_generator for layer in run.network if isinstance(layer, Dropout)]
    states = [generator.state for generator in random]
    try:
        yield
    finally:
        for generator, state in zip(random, states, strict=True):
            generator.state = state


def _weights(run: Lesson) -> list[dict[str, Any]]:
    return [_lists(layer.weight.data, layer.bias.data) for layer in run.dense_layers()]  # type: ignore[union-attr]


def _lists(weight: Any, bias: Any) -> dict[str, Any]:
    return {"weight": np.asarray(weight).tolist(), "bias": np.asarray(bias).tolist()}


def graph_of_one_point(run: Lesson, fold: str, page: bool = False) -> str:
    """Return the graph of the loss of one point, with its gradients, as SVG or as a page that plays.

    `fold` is "layers", "neurons" or "nothing". Raises DrawingError without Graphviz.
    """
    x, y = run.next_batch()
    if not len(x):
        raise ValueError("there are no points to learn from")
    run.network.eval()
    loss = run_through(run, x[:1], y[:1]).loss
    kept = {value: value.grad for value in run.network.parameters()}
    run.network.zero_grad()
    loss.backward()
    try:
        drawing = draw_graph(loss, fold=fold)  # type: ignore[arg-type]
        return drawing.page() if page else drawing.svg()
    finally:
        for value, gradient in kept.items():
            value.grad = gradient
