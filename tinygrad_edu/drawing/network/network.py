"""A network as a picture: neurons in columns, weights as links.

Every number of a network can be seen: a link is as thick as its weight is large, blue for positive and dashed
orange for negative; below a neuron stands its bias; and with an input, each circle is filled as far as the
neuron is "on", from the input at the left to the answer at the right. Of large layers a few neurons stand for
the rest: those that are most "on", or without an input the first and last; or those that matter most and
least, where somebody has found out which they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import number_of
from tinygrad_edu.drawing.network.activity import (
    Numbers,
    answers,
    as_image,
    is_dense,
    sample_for,
)
from tinygrad_edu.drawing.shorten import blocks as mosaic
from tinygrad_edu.drawing.shorten import check_counts, shade, short
from tinygrad_edu.ops import softmax

#: The distance between two columns, where weights are written between them, and between two neurons of a
#: column, in points.
COLUMN, WRITTEN_COLUMN, ROW = 150.0, 200.0, 44.0
#: With no more links than this, each weight is written on its link.
WRITTEN = 12
#: So many of a layer's images are shown.
MAPS = 8
#: Up to this many answers are shown, whatever the limit for other layers.
ANSWERS = 12


@dataclass(slots=True)
class Circle:
    """A circle at (x, y), in points: `on` is what it gave for the input, `shade` that in −1 … 1.

    `size` is its importance relative to the layer's largest, `note` its number and importance; without an
    input, `shade` is that as well.
    """

    key: str
    x: float
    y: float
    name: str = ""
    bias: float | None = None
    on: float | None = None
    shade: float = 0.0
    size: float | None = None
    note: str = ""
    probability: float | None = None


@dataclass(slots=True)
class Connection:
    """A weight between two shown neurons; `strength` is |weight| relative to the layer's largest."""

    tail: Circle
    head: Circle
    weight: float
    strength: float


@dataclass(slots=True)
class Column:
    """The inputs, or a layer of neurons with what follows until the next: "dense1", "128 · ReLU".

    `biases`, `state` (what the neurons give), `names` and `importance` belong to all of them; `neurons` are
    those shown, with a gap for the others behind the first `above`, who are what `others` says.
    """

    title: str
    subtitle: str
    size: int
    biases: Numbers | None = None
    state: Numbers | None = None
    names: Sequence[Any] | None = None
    importance: Numbers | None = None
    neurons: list[Circle] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    above: int = 0
    others: str = "more"

    @property
    def folded(self) -> int:
        """How many neurons are not shown."""
        return self.size - len(self.shown)


@dataclass(slots=True)
class NetworkPicture:
    """Columns from left to right, the links between them, and the input where it is an image.

    `written` says whether each weight stands on its link.
    """

    columns: list[Column]
    links: list[Connection]
    image: Numbers | None = None
    written: bool = False
    parameters: int = 0


@dataclass(slots=True)
class Block:
    """One layer in the block view: its name, what it is, its parameters, and the shape it gives.

    With an input, `maps` are the first images that a layer answers with, as shades in −1 … 1, and `hidden`
    says how many more there are.
    """

    title: str
    text: str
    parameters: int
    shape: str = ""
    maps: list[Numbers] = field(default_factory=list)
    hidden: int = 0


def named_layers(model: Any) -> list[tuple[str, Any]]:
    """Return the layers of a model in order, with those of models inside models, and their names.

    A layer inside a model inside a model is called "sequential1.dense1"; a layer by itself may have no name.
    Raises TypeError for what is neither a model nor a layer.
    """
    if not hasattr(model, "named_layers"):
        raise TypeError(
            f"expected a model with layers, got {type(model).__name__}; pass a Sequential or a layer"
        )
    return list(model.named_layers())


def layers_of(model: Any) -> list[Any]:
    """Return the layers of a model in order, with those of models inside models; a layer is its own."""
    return [layer for _, layer in named_layers(model)]


def picture_network(
    model: Any,
    input: Any = None,
    *,
    labels: Sequence[Any] | None = None,
    input_names: Sequence[Any] | None = None,
    max_neurons: int = 10,
    importance: Mapping[str, Any] | None = None,
) -> NetworkPicture:
    """Return what a picture of a network's neurons shows; see `draw_network` for the options."""
    check_counts(max_neurons=max_neurons)
    named = named_layers(model)
    layers = [layer for _, layer in named]
    dense = [number for number, layer in enumerate(layers) if is_dense(layer)]
    if not dense:
        raise ValueError(
            'there is no Dense layer to draw neurons of; view="blocks" draws any layers'
        )
    columns = _columns(named, dense, input_names, labels)
    _rank(columns, importance or {})
    if input is not None:
        _activate(columns, layers[dense[0] :], input)
    for column in columns:
        is_answer = column is columns[-1]
        _choose(column, max(max_neurons, ANSWERS) if is_answer else max_neurons, is_answer)
    image = as_image(input, columns[0].size)
    left = 0.0 if image is None else COLUMN
    pairs = list(itertools.pairwise(columns))
    written = sum(len(tails.shown) * len(heads.shown) for tails, heads in pairs) <= WRITTEN
    for place, column in enumerate(columns):
        _place(column, place, left + place * (WRITTEN_COLUMN if written else COLUMN))
    if labels is not None:
        _tell_chances(columns[-1], takes_softmax=type(layers[-1]).__name__ == "Softmax")
    links = []
    for (tails, heads), number in zip(pairs, dense, strict=True):
        links += _links(tails, heads, number_of(layers[number].weight))
    return NetworkPicture(columns, links, image, written, count_parameters(layers))


def _columns(
    named: Sequence[tuple[str, Any]],
    dense: Sequence[int],
    input_names: Sequence[Any] | None,
    labels: Sequence[Any] | None,
) -> list[Column]:
    """Return the inputs and each Dense layer as columns; `dense` are the places of the latter."""
    layers = [layer for _, layer in named]
    inputs = layers[dense[0]].weight.shape[0]
    names = _fitting("input_names", input_names, inputs)
    columns = [Column("input", f"{inputs:,}", inputs, names=names)]
    for place, (number, end) in enumerate(zip(dense, [*dense[1:], len(layers)], strict=True), 1):
        size = layers[number].weight.shape[1]
        following = map(_activation_text, layers[number + 1 : end])
        bias = getattr(layers[number], "bias", None)
        biases = None if bias is None else np.asarray(number_of(bias))
        title = named[number][0] or f"dense{place}"
        columns.append(Column(title, " · ".join([f"{size:,}", *following]), size, biases))
    columns[-1].names = _fitting("labels", labels, columns[-1].size)
    return columns


def _tell_chances(answers: Column, takes_softmax: bool) -> None:
    """Note how sure the network is of each answer, if there is a choice of several."""
    if answers.state is None or answers.size < 2:
        return
    with np.errstate(all="ignore"):  # scores may be no numbers; then the chances are none either
        chances = answers.state if takes_softmax else softmax(answers.state)
    for neuron, index in zip(answers.neurons, answers.shown, strict=True):
        neuron.probability = float(chances[index])


def picture_blocks(model: Any, input: Any = None) -> list[Block]:
    """Return the layers of a model for the block view, with the shapes of their results where known."""
    named = named_layers(model)
    layers = [layer for _, layer in named]
    sample = sample_for(layers, input)
    results = [] if sample is None else [sample, *answers(layers, sample)]
    shapes = ["×".join(["N", *map(str, result.shape[1:])]) for result in results]
    shapes = shapes or [""] * (len(layers) + 1)
    blocks = [Block("input", "", 0, shapes[0])]
    for number, ((name, layer), shape) in enumerate(zip(named, shapes[1:], strict=True), start=1):
        title = name or f"layer {number}"
        blocks.append(Block(title, repr(layer), count_parameters([layer]), shape))
    if input is not None:
        for block, result in zip(blocks, results, strict=True):
            block.maps, block.hidden = _maps(result)
        if not blocks[0].maps and (image := as_image(input, results[0].size)) is not None:
            blocks[0].maps = [mosaic(image)]
    return blocks


def _maps(result: Numbers) -> tuple[list[Numbers], int]:
    """Return the first images that a layer answers with, on one scale, and how many more there are.

    They are coarse enough to be drawn cell by cell. An answer of another shape has none.
    """
    if result.ndim != 4:
        return [], 0
    finite = np.abs(result[np.isfinite(result)])
    largest = float(finite.max(initial=0.0)) or 1.0
    images = result[0]
    return [mosaic(image / largest) for image in images[:MAPS]], max(len(images) - MAPS, 0)


def count_parameters(layers: Sequence[Any]) -> int:
    """Return how many numbers are to be learned, each one counted once."""
    held: dict[int, int] = {}
    for layer in layers:
        found = layer.named_parameters() if hasattr(layer, "named_parameters") else {}
        held |= {id(value): value.size for value in found.values()}
    return sum(held.values())


def _fitting(what: str, names: Sequence[Any] | None, size: int) -> Sequence[Any] | None:
    """Return names that there are enough of. Raises ValueError."""
    if names is not None and len(names) != size:
        raise ValueError(f"expected {size} {what}, one for each, got {len(names)}")
    return names


def _activation_text(layer: Any) -> str:
    name = type(layer).__name__
    rate = getattr(layer, "rate", None)
    return f"{name} {rate:g}" if isinstance(rate, float) else name


def _activate(columns: Sequence[Column], layers: Sequence[Any], input: Any) -> None:
    """Note in each column what stands there for an input: the input, then what each next Dense is given."""
    sample = sample_for(layers, input)
    assert sample is not None
    given = [sample, *answers(layers, sample)]
    ends = [number for number, layer in enumerate(layers) if is_dense(layer)] + [len(layers)]
    for column, end in zip(columns, ends, strict=True):
        state = given[end].reshape(-1)
        column.state = state if state.size == column.size else None


def _rank(columns: Sequence[Column], importance: Mapping[str, Any]) -> None:
    """Note how important the neurons of a column are. Raises ValueError for what fits no column."""
    by_title = {column.title: column for column in columns}
    for title, numbers in importance.items():
        if title not in by_title:
            raise ValueError(
                f"expected importance for one of {', '.join(by_title)}, got it for {title!r}"
            )
        column = by_title[title]
        column.importance = np.asarray(numbers, float)
        broken = int(np.sum(~np.isfinite(column.importance)))
        if column.importance.shape != (column.size,) or broken:
            raise ValueError(
                f"expected the importance of {title} as {column.size} finite numbers, one for each "
                f"neuron, got shape {column.importance.shape}, of which {broken} not finite"
            )
        column.subtitle += " · ranked"


def _choose(column: Column, max_neurons: int, is_answer: bool) -> None:
    """Decide which neurons of a column are shown, and where the gap for the others is.

    They stand in their own order, or the most important first.
    """
    half = max(max_neurons // 2, 1)
    order = list(range(column.size))
    if column.importance is not None:
        order = np.argsort(-column.importance, kind="stable").tolist()
    if column.size <= max_neurons + 1:
        column.shown = order
    elif column.importance is None and column.state is not None:
        # A neuron far below 0 says much to the next layer, but is no answer. NaN spoils all that follows.
        activity = np.nan_to_num(column.state if is_answer else np.abs(column.state), nan=np.inf)
        column.shown = sorted(np.argsort(-activity, kind="stable")[: 2 * half].tolist())
        column.above, column.others = len(column.shown), "less active"
    else:
        column.shown, column.above = [*order[:half], *order[-half:]], half


def _place(column: Column, place: int, x: float) -> None:
    """Give a column its neurons, centered on the line y = 0, with a gap for those that are not shown."""
    rows = len(column.shown) + (1 if column.folded else 0)
    largest = 0.0
    if column.state is not None:
        largest = float(np.abs(column.state[np.isfinite(column.state)]).max(initial=0.0))
    for row, index in enumerate(column.shown):
        below = int(column.folded > 0 and row >= column.above)
        neuron = Circle(f"n{place}_{index}", x, ((rows - 1) / 2 - row - below) * ROW)
        neuron.name = str(column.names[index]) if column.names is not None else ""
        if column.biases is not None:
            neuron.bias = float(column.biases[index])
        if column.state is not None:
            neuron.on = float(column.state[index])
            neuron.shade = shade(neuron.on / largest) if largest else 0.0
        if column.importance is not None:
            matters, most = float(column.importance[index]), float(np.abs(column.importance).max())
            neuron.size = max(matters / most, 0.0) if most else 0.0
            neuron.note = f"#{index}: {short(matters, 3)}"
            if column.state is None and most:  # nothing else is told by the color
                neuron.shade = shade(matters / most)
        elif column.above == len(column.shown) and not neuron.name:  # which of the layer it is
            neuron.note = f"#{index}"
        column.neurons.append(neuron)


def _links(tails: Column, heads: Column, weight: Numbers) -> list[Connection]:
    shown = weight[np.ix_(tails.shown, heads.shown)]
    largest = float(np.abs(shown[np.isfinite(shown)]).max(initial=0.0)) or 1.0
    return [
        Connection(tail, head, float(shown[i, j]), min(float(abs(shown[i, j])) / largest, 1.0))
        for i, tail in enumerate(tails.neurons)
        for j, head in enumerate(heads.neurons)
    ]
