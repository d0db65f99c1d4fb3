"""Whose fault is this? The paths from a result to one Value, and how much each contributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu.drawing.graph.blame import paths
from tinygrad_edu.drawing.graph.derivatives import is_stale, number_of
from tinygrad_edu.drawing.graph.operations import operation_symbol
from tinygrad_edu.drawing.picture import GraphPicture, uses_of
from tinygrad_edu.drawing.shorten import short
from tinygrad_edu.support import Way, magnitude
from tinygrad_edu.value import Value, dependents

#: So many paths are ranked and told.
MOST = 5


def mark_paths(
    picture: GraphPicture,
    nodes: Sequence[Value],
    to: Value,
    digits: int,
) -> None:
    """Mark everything between the result and `to`, fade the rest, and rank the paths in the notes.

    Raises ValueError if `to` is not in the graph.
    """
    if to not in set(nodes):
        raise ValueError(
            f"highlight={to!r} is not part of this graph; pass a Value that the drawn one was computed from"
        )
    found = paths(nodes[0], to, MOST)
    ranked = () if any(map(is_stale, nodes)) else found.largest
    _mark_edges(picture, dependents(nodes, [to]), ranked)
    total = sum(magnitude(way.product) for way in ranked)
    several = "" if found.count == 1 else "s"
    what = f"from {nodes[0].name or 'the result'} to {to.name or 'the marked value'}"
    listed = f", the {len(ranked)} largest" if found.count > len(ranked) > 0 else ""
    picture.notes.append(
        f"{count_text(found.count)} path{several} {what}{listed}{':' if ranked else ''}"
    )
    for rank, way in enumerate(ranked, start=1):
        part = magnitude(way.product) / total if total and found.count <= len(ranked) else None
        share = "" if part is None else f", {part:.0%}"
        amount = short(float(np.sum(way.product)), digits)
        picture.notes.append(f"{rank}. {_words(way, to)}: contributes {amount}{share}")


def _mark_edges(
    picture: GraphPicture,
    leading: set[Value],
    ranked: Sequence[Way],
) -> None:
    ranks: dict[tuple[Value, int], int] = {}
    for rank, way in enumerate(ranked, start=1):
        for use in way.steps():
            ranks.setdefault(use, rank)
    for edge in picture.edges:
        edge.mark = "faded"
    for edge, value, position in uses_of(picture):
        if value.inputs[position] in leading:
            edge.mark = "path"
            rank = ranks.get((value, position), 0)
            edge.rank = min(filter(None, (edge.rank, rank)), default=0)
    by_key = {node.key: node for node in picture.nodes}
    heads = {edge.head for edge in picture.edges if edge.mark == "path"}
    for node in picture.nodes:
        on_path = node.value in leading if node.kind != "fold" else node.key in heads
        node.mark = "path" if on_path else "faded"
    best = {edge.head: edge.rank for edge in picture.edges if edge.mark == "path"}
    for edge in picture.edges:
        head = by_key[edge.head]
        if by_key[edge.tail].kind in ("operation", "fold") and head.value in leading:
            edge.mark, edge.rank = "path", best.get(edge.tail, 0)


def count_text(count: int) -> str:
    """Return a count with commas, or its power of ten where nobody could read it.

    >>> count_text(12345), count_text(2**100)
    ('12,345', 'about 10^30')
    """
    return f"{count:,}" if count < 10**20 else f"about 10^{int(count.bit_length() * 0.30103)}"


def _words(way: Way, to: Value) -> str:
    """Return a path as people say it: "loss ← tanh ← + ← w"."""
    words = []
    for node, _ in way.steps():
        words += [node.name] if node.name else []
        words.append(operation_symbol(node))
    words.append(to.name or short_data(to))
    if len(words) > 9:
        words = [*words[:4], "…", *words[-4:]]
    return " ← ".join(words)


def short_data(value: Value) -> str:
    """Return a few characters for a Value without a name."""
    number = number_of(value)
    return short(number) if isinstance(number, float) else str(value.shape)
