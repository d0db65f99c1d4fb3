"""A picture before it is drawn: what is shown, and nothing about ink.

Everything that decides *what* a reader sees (which nodes, which numbers, what is folded, what is marked)
ends in the plain objects below, which a test can look at without Graphviz. How it looks is decided in
`dot`, and where the ink goes is Graphviz's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tinygrad_edu.drawing.shorten import Panel
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value

#: What a node is: a Value you made, a computed one, the one that is drawn, a plain number, an
#: operation, or several of these folded into one.
Kind = Literal["leaf", "result", "output", "constant", "operation", "fold"]
#: What is to be noticed: on a path that is asked for, beside such a path, or where two graphs part.
Mark = Literal["", "path", "faded", "wrong"]
#: Where results stand: to the right of what they are made of, or below; "auto" takes what stays readable.
Direction = Literal["auto", "right", "down"]


@dataclass(slots=True)
class Node:
    """One thing in a picture: `title` above, `panels` of numbers below; `part` is the cluster it lies in."""

    key: str
    kind: Kind
    title: str = ""
    panels: list[Panel] = field(default_factory=list)
    part: str = ""
    mark: Mark = ""
    value: Value | None = None


@dataclass(slots=True)
class Edge:
    """An arrow from what was used to where it was used.

    `local` is the local derivative ∂result/∂input and `flow` what flowed back along the edge in
    `backward()`, both as numbers (None where there is none); `texts` are the same as the picture says
    them. `rank` is 1 on the path that contributes most to a highlighted Value, then 2, … `uses` says what
    is drawn: (node, position) for each use of the Value at the tail; an edge into a fold may be several.
    """

    tail: str
    head: str
    local: Array = None
    flow: Array = None
    texts: tuple[str, str] = ("", "")
    mark: Mark = ""
    rank: int = 0
    uses: list[tuple[Value, int]] = field(default_factory=list)


@dataclass(slots=True)
class GraphPicture:
    """Nodes and edges in a fixed order, so that the same program gives the same picture.

    `parts` are the clusters with their titles; `notes` are sentences that stand below the picture, such as
    what was folded.
    """

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    direction: Direction = "right"
    legend: bool = False

    def node(self, name: str) -> Node:
        """Return the node with a title or key. Raises KeyError if there is none."""
        for node in self.nodes:
            if name in (node.title, node.key):
                return node
        raise KeyError(name)


def uses_of(picture: GraphPicture) -> list[tuple[Edge, Value, int]]:
    """Return (edge, node, position) for each use of a Value that an edge of the picture draws."""
    return [(edge, node, position) for edge in picture.edges for node, position in edge.uses]
