"""A network as a picture: neurons in columns, weights as links.

Every number of a network can be seen: a link is as thick as its weight is large, blue for positive and dashed
orange for negative; below a neuron stands its bias; and with an input, each circle is filled as far as the
neuron is "on", from the input at the left to the answer at the right. Of large layers the first and last
neurons stand for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.drawing.derivatives import number_of
from tinygrad_edu.drawing.shorten import shade, shape_text
from tinygrad_edu.value import Value, no_grad

#: The distance between two columns and between two neurons of a column, in points.
COLUMN, ROW = 150.0, 44.0
#: Up to this many answers are shown, whatever the limit for other layers.
ANSWERS = 12

Numbers = np.ndarray[Any, Any]


@dataclass(slots=True)
class Neuron:
    """A circle at (x, y), in points: `on` is what it gave for the input, `shade` that in −1 … 1."""

    key: str
    x: float
    y: float
    name: str = ""
    bias: float | None = None
    on: float | None = None
    shade: float = 0.0
    probability: float | None = None


@dataclass(slots=True)
class Link:
    """A weight between two shown neurons; `strength` is |weight| relative to the layer's largest."""

    tail: Neuron
    head: Neuron
    weight: float
    strength: float


@dataclass(slots=True)
class Column:
    """The inputs, or a layer of neurons with what follows until the next: "dense1", "128 · ReLU"."""

    title: str
    subtitle: str
    size: int
    neurons: list[Neuron] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    @property
    def folded(self) -> int:
        """How many neurons are not shown."""
        return self.size - len(self.shown)


@dataclass(slots=True)
class NetworkPicture:
    """Columns from left to right, the links between them, and the input where it is an image."""

    columns: list[Column]
    links: list[Link]
    image: Numbers | None = None
    parameters: int = 0


@dataclass(slots=True)
class Block:
    """One layer in the block view: its name, what it is, its parameters, and the shape it gives."""

    title: str
    text: str
    parameters: int
    shape: str = ""


def layers_of(model: Any) -> list[Any]:
    """Return the layers of a model in order, with those of models inside models; a layer is its own.

    Raises TypeError for what is neither.
    """
    found, todo = [], [model]
    while todo:
        layer = todo.pop(0)
        inner = getattr(layer, "layers", None)
        if inner is not None:
            todo = [*inner, *todo]
        elif callable(layer):
            found.append(layer)
        else:
            raise TypeError(
                f"expected a model with layers, got {type(layer).__name__}; pass a Sequential or a layer"
            )
    return found


def is_dense(layer: Any) -> bool:
    """Return whether a layer is made of neurons that see all inputs: a weight of shape (n_in, n_out)."""
    return len(getattr(getattr(layer, "weight", None), "shape", ())) == 2


def picture_network(
    model: Any,
    input: Any = None,
    *,
    labels: Sequence[Any] | None = None,
    input_names: Sequence[Any] | None = None,
    max_neurons: int = 10,
) -> NetworkPicture:
    """Return what a picture of a network's neurons shows; see `draw_network` for the options."""
    layers = layers_of(model)
    dense = [number for number, layer in enumerate(layers) if is_dense(layer)]
    if not dense:
        raise ValueError(
            'there is no Dense layer to draw neurons of; view="blocks" draws any layers'
        )
    sizes = [layers[dense[0]].weight.shape[0], *(layers[n].weight.shape[1] for n in dense)]
    _check_names("labels", labels, sizes[-1])
    _check_names("input_names", input_names, sizes[0])
    states = _states(model, layers, dense, input, sizes[0])
    columns = [Column("input", f"{sizes[0]:,}", sizes[0])]
    for place, number in enumerate(dense):
        following = layers[number + 1 : [*dense, len(layers)][place + 1]]
        acts = [_activation_text(layer) for layer in following]
        title = getattr(layers[number], "name", None) or f"dense{place + 1}"
        columns.append(
            Column(title, " · ".join([f"{sizes[place + 1]:,}", *acts]), sizes[place + 1])
        )
    image = _as_image(input, sizes[0])
    left = 0.0 if image is None else COLUMN
    for place, column in enumerate(columns):
        biases = getattr(layers[dense[place - 1]], "bias", None) if place else None
        names = {0: input_names, len(columns) - 1: labels}.get(place)
        most = max(max_neurons, ANSWERS) if place == len(columns) - 1 else max_neurons
        _place(column, place, left, most, biases, states[place], names)
    if labels is not None and states[-1] is not None and sizes[-1] > 1:
        _add_probabilities(columns[-1], states[-1], layers[-1])
    links = []
    for place, number in enumerate(dense):
        links += _links(columns[place], columns[place + 1], number_of(layers[number].weight))
    return NetworkPicture(columns, links, image, _count(layers))


def picture_blocks(model: Any, input: Any = None) -> list[Block]:
    """Return the layers of a model for the block view, with the shapes of their results where known."""
    layers = layers_of(model)
    shapes: list[str] = [""] * len(layers)
    sample = _sample(layers, input)
    if sample is not None:
        for number, result in enumerate(_run(model, layers, sample)):
            shapes[number] = shape_text(("N", *np.shape(result)[1:]))  # type: ignore[arg-type]
    first = "" if sample is None else shape_text(("N", *sample.shape[1:]))  # type: ignore[arg-type]
    blocks = [Block("input", "", 0, first)]
    for number, layer in enumerate(layers):
        name = getattr(layer, "name", None) or f"layer {number + 1}"
        blocks.append(Block(str(name), repr(layer), _count([layer]), shapes[number]))
    return blocks


def _check_names(what: str, names: Sequence[Any] | None, size: int) -> None:
    if names is not None and len(names) != size:
        raise ValueError(f"expected {size} {what}, one for each, got {len(names)}")


def _count(layers: Sequence[Any]) -> int:
    """Return how many numbers are to be learned."""
    held: dict[int, int] = {}
    for layer in layers:
        found = layer.named_parameters() if hasattr(layer, "named_parameters") else {}
        held |= {id(value): value.size for value in found.values()}
    return sum(held.values())


def _activation_text(layer: Any) -> str:
    name = type(layer).__name__
    rate = getattr(layer, "rate", None)
    return f"{name} {rate:g}" if isinstance(rate, float) else name


# -- the numbers in a network ------------------------------------------------------------------------


@contextmanager
def _answering(layers: Sequence[Any]) -> Iterator[None]:
    """Let layers answer instead of learning, and nothing be recorded, for a while."""
    before = [(layer, layer.training) for layer in layers if hasattr(layer, "training")]
    try:
        for layer, _ in before:
            layer.training = False
        with no_grad():
            yield
    finally:
        for layer, training in before:
            layer.training = training


def _run(model: Any, layers: Sequence[Any], sample: Numbers) -> list[Numbers]:
    """Return what each layer gives for a batch of one."""
    results = []
    x: Any = sample
    with _answering(layers):
        for layer in layers:
            x = number_of(layer(x))
            results.append(np.asarray(x))
    return results


def _sample(layers: Sequence[Any], input: Any) -> Numbers | None:
    """Return an input as a batch of one sample; of zeros where the first weights tell its size."""
    weighted = next((layer for layer in layers if getattr(layer, "weight", None) is not None), None)
    dtype = weighted.weight.dtype if weighted is not None else float
    size = weighted.weight.shape[0] if weighted is not None and is_dense(weighted) else None
    if input is None:
        return np.zeros((1, size), dtype) if size is not None else None
    x = np.asarray(number_of(input)).astype(dtype)
    if size is not None:
        if x.size != size:
            raise ValueError(
                f"expected one input of {size} numbers, got shape {x.shape} ({x.size} numbers); "
                "pass a single sample, such as x[0]"
            )
        return x.reshape(1, size)
    return x[(None,) * max(4 - x.ndim, 0)] if x.ndim in (2, 3) else x


def _states(
    model: Any, layers: Sequence[Any], dense: Sequence[int], input: Any, size: int
) -> list[Numbers | None]:
    """Return what stands in each column for an input: the input, then the results before each next Dense."""
    if input is None:
        return [None] * (len(dense) + 1)
    sample = _sample(layers[dense[0] :], input)
    assert sample is not None
    results = [np.asarray(r) for r in _run(model, layers[dense[0] :], sample)]
    ends = [n - dense[0] - 1 for n in dense[1:]] + [len(results) - 1]
    return [sample.reshape(-1), *(results[end].reshape(-1) for end in ends)]


def _add_probabilities(column: Column, state: Numbers, last: Any) -> None:
    """Note how sure the network is of each answer: its softmax, unless the last layer took it already."""
    if type(last).__name__ != "Softmax":
        e = np.exp(state - state.max())
        state = e / e.sum()
    for neuron, index in zip(column.neurons, column.shown, strict=True):
        neuron.probability = float(state[index])


def _as_image(input: Any, size: int) -> Numbers | None:
    """Return an input of 64 pixels or more as an image with values 0 … 1, if it is square; else None."""
    side = math.isqrt(size)
    if input is None or side * side != size or side < 8:
        return None
    pixels = np.asarray(number_of(input), float).reshape(side, side)
    low, high = float(pixels.min()), float(pixels.max())
    return (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)


# -- where things stand ------------------------------------------------------------------------------


def _place(
    column: Column,
    place: int,
    left: float,
    max_neurons: int,
    biases: Value | None,
    state: Numbers | None,
    names: Sequence[Any] | None,
) -> None:
    """Give a column its neurons, centred on the line y = 0, with a gap for those that are not shown."""
    half = max(max_neurons // 2, 1)
    everything = column.size <= max_neurons + 1
    column.shown = list(range(column.size))
    if not everything:
        column.shown = [*range(half), *range(column.size - half, column.size)]
    rows = len(column.shown) + (0 if everything else 1)
    largest = (
        float(np.abs(state[np.isfinite(state)]).max(initial=0.0)) if state is not None else 0.0
    )
    for row, index in enumerate(column.shown):
        below = 0 if everything or row < half else 1
        y = ((rows - 1) / 2 - row - below) * ROW
        neuron = Neuron(f"n{place}_{index}", left + place * COLUMN, y)
        neuron.name = str(names[index]) if names is not None else ""
        if biases is not None:
            neuron.bias = float(number_of(biases)[index])
        if state is not None:
            neuron.on = float(state[index])
            neuron.shade = shade(neuron.on / largest) if largest else 0.0
        column.neurons.append(neuron)


def _links(tails: Column, heads: Column, weight: Numbers) -> list[Link]:
    shown = weight[np.ix_(tails.shown, heads.shown)]
    largest = float(np.abs(shown).max(initial=0.0)) or 1.0
    return [
        Link(tail, head, float(shown[i, j]), float(abs(shown[i, j])) / largest)
        for i, tail in enumerate(tails.neurons)
        for j, head in enumerate(heads.neurons)
    ]
