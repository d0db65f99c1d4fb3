"""The computation graph as a picture: what stands in which node, and on which edge.

Values are boxes with their name, data and gradient; between them stand small round operations. The edge
into an operation carries the local derivative ∂result/∂input, below it what flowed back in `backward()`:
the gradient of the result times that derivative. What arrives at a Value, added up, is its gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.drawing.graph import derivatives
from tinygrad_edu.drawing.graph.blame import through
from tinygrad_edu.drawing.graph.difference import mark_difference
from tinygrad_edu.drawing.graph.folding import Fold, FoldBy, choose_folds
from tinygrad_edu.drawing.graph.highlighting import mark_paths
from tinygrad_edu.drawing.graph.operations import operation_title, raised_symbol
from tinygrad_edu.drawing.graph.parts import layer_of, parts_of
from tinygrad_edu.drawing.picture import Direction, Edge, GraphPicture, Kind, Node
from tinygrad_edu.drawing.shorten import Panel, check_counts, edge_number, panel
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value

#: A picture with more Values than this is folded, unless it is told what to fold.
MAX_NODES = 60
#: So many constant arrays that are fed into a fold are shown.
FED = 4
#: About how wide an operation and its result are drawn, for a number and for an array, and a page, in points.
WIDTH, ARRAY_WIDTH, PAGE = 200, 330, 1000


def picture_graph(
    value: Value,
    *,
    fold: FoldBy = "auto",
    max_nodes: int = MAX_NODES,
    highlight: Value | None = None,
    diff: Value | None = None,
    digits: int = 4,
    legend: bool = False,
    direction: Direction = "auto",
    gradients: Mapping[Value, Array] | None = None,
    names: Mapping[Value, str] | None = None,
) -> GraphPicture:
    """Return what a picture of the graph behind a Value shows; see `draw_graph` for the options.

    `gradients` and `names` stand in for those that the Values have themselves.

    >>> x = Value(3.0, name="x")
    >>> picture = picture_graph(x * x)
    >>> [(node.kind, node.title) for node in picture.nodes]
    [('leaf', 'x'), ('output', ''), ('operation', '×')]
    >>> [edge.local for edge in picture.edges]
    [3.0, 3.0, None]
    """
    if not isinstance(value, Value):
        raise TypeError(
            f"expected a Value to draw, got {type(value).__name__}; pass a result, such as loss"
        )
    if direction not in ("auto", "right", "down"):
        raise ValueError(f"expected direction to be 'auto', 'right' or 'down', got {direction!r}")
    check_counts(digits=digits, max_nodes=max_nodes)
    nodes = derivatives.in_order(value)
    if gradients is None:
        gradients = {v: derivatives.number_of(v.grad) for v in nodes if v.grad is not None}
    builder = _Builder(nodes, fold, max_nodes, digits, gradients, names or {})
    return builder.build(highlight, diff, legend, direction)


class _Builder:
    """Builds one picture. Values are numbered from the oldest, so that keys are the same in every run."""

    def __init__(
        self,
        nodes: list[Value],
        fold: FoldBy,
        max_nodes: int,
        digits: int,
        gradients: Mapping[Value, Array],
        names: Mapping[Value, str],
    ) -> None:
        self.nodes, self.digits = nodes, digits
        self.gradients, self.names = gradients, names
        parts = parts_of(nodes)
        self.folds, note = choose_folds(nodes, parts, fold, max_nodes)
        self.layers = {node: layer_of(part) for node, part in parts.items()}
        self.picture = GraphPicture(notes=[note] if note else [])
        self.numbers = {node: number for number, node in enumerate(reversed(nodes))}
        self.boxes = list({id(box): box for box in self.folds.values()}.values())
        self.results = {node for box in self.boxes for node in box.results}
        # Where there are many nodes, nobody can see a heat map anyway.
        self.cells = len(nodes) - len(self.folds) + len(self.results) <= max_nodes

    def build(
        self,
        highlight: Value | None,
        diff: Value | None,
        legend: bool,
        direction: Direction,
    ) -> GraphPicture:
        picture = self.picture
        picture.legend = legend
        picture.direction = self.find_direction() if direction == "auto" else direction
        shown = [v for v in reversed(self.nodes) if v not in self.folds or v in self.results]
        picture.nodes += [self.value_node(value) for value in shown]
        for value in shown:
            if value.op is not None and value not in self.folds:
                self.add_operation(value)
        for number, box in enumerate(self.boxes):
            self.add_fold(f"f{number}", box)
        sizes = Counter(node.part for node in picture.nodes)
        for node in picture.nodes:
            if sizes[node.part] < 3:  # an activation by itself, say: one operation and its result
                node.part = ""
        framed = {node.part for node in picture.nodes}
        picture.parts = {
            part: part for part in dict.fromkeys(self.layers.values()) if part in framed
        }
        if any(derivatives.is_stale(node) for node in self.nodes):
            picture.notes.append(
                "data was replaced after it was used here, so its local derivatives are not known"
            )
        if highlight is not None:
            mark_paths(picture, self.nodes, highlight, self.digits)
        if diff is not None:
            mark_difference(picture, self.nodes, diff, self.digits)
        return picture

    def find_direction(self) -> Direction:
        """Return "right" for pictures that are then no wider than a page, else "down"."""
        depths: dict[Value, int] = {}
        widest = WIDTH
        for value in reversed(self.nodes):
            is_seen = value not in self.folds or value in self.results
            before = max((depths[x] for x in value.inputs if type(x) is Value), default=-1)
            depths[value] = before + is_seen
            if is_seen and value.shape:
                widest = ARRAY_WIDTH
        return "right" if depths[self.nodes[0]] * widest <= PAGE else "down"

    def key(self, value: Value) -> str:
        return f"v{self.numbers[value]}"

    def value_node(self, value: Value) -> Node:
        kind: Kind = "leaf" if value.op is None else "result"
        if value is self.nodes[0] and value.op is not None:
            kind = "output"
        panels = [panel("data", derivatives.number_of(value), self.digits, self.cells)]
        if value in self.gradients:
            panels.append(panel("grad", self.gradients[value], self.digits, self.cells))
        part = self.layers.get(value, "")
        if value in self.folds:
            part = self.folds[value].part
        name = self.names.get(value, value.name)
        return Node(self.key(value), kind, str(name or ""), panels, part, value=value)

    def add_operation(self, value: Value) -> None:
        number, part = self.numbers[value], self.layers.get(value, "")
        operation = Node(f"o{number}", "operation", operation_title(value), [], part, value=value)
        self.picture.nodes.append(operation)
        for position, x in enumerate(value.inputs):
            if type(x) is Value:
                self.add_edge(self.key(x), operation.key, value, position)
            elif not raised_symbol(value):  # the 2 of x² stands in the operation
                key = f"c{number}_{position}"
                constant = panel("", x, self.digits, cells=False)
                # A number, such as the 1 of 1 − x, is part of a layer; an array is what is fed into it.
                inside = "" if isinstance(x, np.ndarray) else part
                self.picture.nodes.append(Node(key, "constant", "", [constant], inside))
                self.picture.edges.append(Edge(key, operation.key))
        self.picture.edges.append(Edge(operation.key, self.key(value)))

    def add_edge(self, tail: str, head: str, value: Value, position: int) -> None:
        """Draw one use of a Value, with what it means for the result and what flowed back."""
        edge = Edge(tail, head, uses=[(value, position)])
        if not derivatives.is_stale(value):
            edge.local = derivatives.local_derivative(value, position)
            if value in self.gradients:
                edge.flow = derivatives.flow(value, position, self.gradients[value])
            edge.texts = (
                self.local_text(value, position, edge.local),
                "" if edge.flow is None else f"← {edge_number(edge.flow, self.digits)}",
            )
        self.picture.edges.append(edge)

    def local_text(self, value: Value, position: int, local: Array) -> str:
        if local is None:
            rule = value.op.rule(position) if value.op else None
            if rule is None or not rule.formula:
                return ""
            return {"words": "", "flow": "g ↦ ", "factor": "∂ "}[rule.kind] + rule.formula
        name, of = value.name, value.inputs[position].name
        label = f"∂{name}/∂{of} = " if name and of and len(name) + len(of) < 8 else "∂ "
        return label + edge_number(local, self.digits)

    def add_fold(self, key: str, box: Fold) -> None:
        """Draw a fold as one big operation."""
        computed = sum(value.op is not None for value in box.members)
        weights = sum(value.size for value in box.members if value.op is None)
        lines = [f"{computed:,} {'operation' if computed == 1 else 'operations'}"]
        if weights:
            lines.append(f"{weights:,} {'number' if weights == 1 else 'numbers'} given")
        self.picture.nodes.append(Node(key, "fold", box.title, [Panel("", tuple(lines))], box.part))
        inside = through(box.members, box.results[0]) if len(box.results) == 1 else {}
        edges: dict[Value, Edge] = {}
        fed: dict[int, np.ndarray[Any, Any]] = {}
        for value in reversed(box.members):
            for position, x in enumerate(value.inputs):
                if isinstance(x, np.ndarray):
                    fed[id(x)] = x
                if type(x) is Value and self.folds.get(x) is not box:
                    if x not in edges:
                        edges[x] = Edge(self.key(x), key, local=inside.get(x))
                    edges[x].uses.append((value, position))
                    if value in self.gradients and not derivatives.is_stale(value):
                        share = derivatives.flow(value, position, self.gradients[value])
                        before = edges[x].flow
                        edges[x].flow = share if before is None else before + share
        for edge in edges.values():
            local = "" if edge.local is None else f"∂ {edge_number(edge.local, self.digits)}"
            flow = "" if edge.flow is None else f"← {edge_number(edge.flow, self.digits)}"
            edge.texts = (local, flow)
        for number, array in enumerate(list(fed.values())[:FED]):
            constant = Node(f"c_{key}_{number}", "constant", "")
            constant.panels.append(panel("", array, self.digits, cells=False))
            self.picture.nodes.append(constant)
            self.picture.edges.append(Edge(constant.key, key))
        self.picture.edges += edges.values()
        self.picture.edges += [Edge(key, self.key(value)) for value in reversed(box.results)]
