"""`draw_graph` and `draw_network`: pictures as files, or in a notebook."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tinygrad_edu.drawing.drawing import Drawing
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.folding import FoldBy
from tinygrad_edu.drawing.graph.graph import MAX_NODES, picture_graph
from tinygrad_edu.drawing.network.activity import is_dense
from tinygrad_edu.drawing.network.dot import blocks_to_dot, network_to_dot
from tinygrad_edu.drawing.network.network import layers_of, picture_blocks, picture_network
from tinygrad_edu.drawing.picture import Direction
from tinygrad_edu.drawing.player.play import play_backward
from tinygrad_edu.drawing.render import check_path
from tinygrad_edu.drawing.shorten import check_counts
from tinygrad_edu.value import Value

#: From so many boxes on, Graphviz takes its time, and a person who waits is told.
MANY = 1000


def draw_graph(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    fold: FoldBy = "auto",
    max_nodes: int | None = None,
    highlight: Value | None = None,
    diff: Value | None = None,
    digits: int = 4,
    legend: bool = False,
    direction: Direction = "auto",
) -> Drawing:
    """Draw how a Value was computed, and what flowed back.

    Each Value is a box with its name, data and gradient; between them stand the operations. Beside the
    edge into an operation stands the local derivative ∂result/∂input, and below it, after `backward()`,
    what flowed back. Added up where several arrive, that is the gradient.

    * `path`: where to write it, as .svg, .png, .pdf, .dot, or as .html: then it is a player (see
      `play_backward`), the same as `.save("….html")` of what is returned writes. Without it nothing is
      written; a notebook shows what is returned.
    * `fold`: "layers" or "neurons" draws each as one box, "nothing" opens all; "auto" folds only what has
      more than `max_nodes` Values, 60 in a picture and 120 in a player. The picture says what is folded.
    * `highlight`: a Value; marks the paths from the result to it and ranks them by what they contribute.
    * `diff`: the result of another run of the same program; where its gradients differ, both are shown,
      and the first such Value, going backward, is marked in red.
    * `digits`: how many significant digits a number has; `legend` adds an explanation of the shapes;
      `direction` is "right", "down", or "auto": right, unless the picture would be too wide to read.

    Returns a `Drawing`. Raises TypeError for anything but a Value, ValueError for an unknown option or file
    ending, OSError for a place that cannot be written to, DrawingError where Graphviz is needed and missing.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> print(draw_graph(loss).source.splitlines()[0])
    digraph {
    """

    def player() -> Drawing:
        """Make what plays it."""
        return play_backward(
            value, fold=fold, max_nodes=max_nodes, highlight=highlight, diff=diff, digits=digits,
            direction=direction,
        )  # fmt: skip

    if path is not None and check_path(path).suffix.lower() == ".html":
        played = player()
        drawing = Drawing(played.source, played.title, player=lambda: played)
    else:
        picture = picture_graph(
            value, fold=fold, max_nodes=MAX_NODES if max_nodes is None else max_nodes,
            highlight=highlight, diff=diff, digits=digits, legend=legend, direction=direction,
        )  # fmt: skip
        named = f" of {value.name}" if value.name else ""
        title = f"computation graph{named}: {len(picture.nodes)} nodes"
        if len(picture.nodes) > MANY and sys.stderr.isatty():
            print(f"drawing {len(picture.nodes):,} boxes, which may take a minute", file=sys.stderr)
        drawing = Drawing(to_dot(picture), title, player=player)
    if path is not None:
        drawing.save(path)
    return drawing


def draw_network(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    input: Any = None,
    labels: Sequence[Any] | None = None,
    input_names: Sequence[Any] | None = None,
    view: Literal["auto", "neurons", "blocks"] = "auto",
    max_neurons: int = 10,
    importance: Mapping[str, Any] | None = None,
    digits: int = 3,
) -> Drawing:
    """Draw a network: its neurons as circles with weighted links, or its layers as blocks.

    * `path`: where to write it, as .svg, .png, .pdf, .dot or .html; without it nothing is written.
    * `input`: one sample. Each neuron's circle then shows how much it is on, and a square input of 64 numbers
      or more stands at the left as an image.
    * `labels`: names of the outputs. With an input, the softmax of the outputs stands beside them.
    * `input_names`: names of the inputs.
    * `view`: "neurons", "blocks" (one box a layer, with shapes and parameter counts), or "auto": neurons if
      all layers with weights are Dense and there are at most six.
    * `max_neurons`: of larger layers, the most active are shown, or without an input the first and last;
      `digits`: of each number.
    * `importance`: a number for each neuron of a layer, by the name of the layer, as `damage.knock_out` finds
      them. Among neurons, the most important then stand first, in larger circles, with their numbers.

    Returns a `Drawing`. Raises TypeError for what has no layers, ValueError for an unknown option or file
    ending and for an input, names or importance that do not fit, OSError for a place that cannot be written
    to.

    >>> from tinygrad_edu.nn import Dense
    >>> draw_network(Dense(2, 1, rng=0), input_names=["shots", "goals"])
    <network of 1 layer, 3 parameters; .save('picture.svg') writes it, .source is its DOT text>
    """
    known = ("auto", "neurons", "blocks")
    if view not in known:
        raise ValueError(f"expected view to be one of {', '.join(map(repr, known))}, got {view!r}")
    check_counts(digits=digits, max_neurons=max_neurons)
    if path is not None:
        check_path(path)
    layers = layers_of(model)
    if view == "auto":
        weighted = [layer for layer in layers if getattr(layer, "weight", None) is not None]
        neurons = 0 < len(weighted) <= 6 and all(map(is_dense, weighted))
        view = "neurons" if neurons else "blocks"
    if view == "neurons":
        picture = picture_network(
            model, input, labels=labels, input_names=input_names, max_neurons=max_neurons,
            importance=importance,
        )  # fmt: skip
        source, parameters = network_to_dot(picture, digits), picture.parameters
    else:
        blocks = picture_blocks(model, input)
        source, parameters = blocks_to_dot(blocks), sum(block.parameters for block in blocks)
    noun = "layer" if len(layers) == 1 else "layers"
    title = f"network of {len(layers)} {noun}, {parameters:,} parameters"
    drawing = Drawing(source, title, "neato" if view == "neurons" else "dot")
    if path is not None:
        drawing.save(path)
    return drawing
