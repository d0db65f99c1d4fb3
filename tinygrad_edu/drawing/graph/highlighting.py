"""Whose fault is this? The paths from a result to one Value, and how much each contributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import is_stale, number_of
from tinygrad_edu.drawing.graph.paths import Path, paths
from tinygrad_edu.drawing.picture import Picture, uses_of
from tinygrad_edu.drawing.shorten import short
from tinygrad_edu.value import Value

#: So many paths are ranked and told.
MOST = 5


def mark_paths(
    picture: Picture,
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
    ways = {to: 1}  # how many paths lead from each Value to `to`
    for node in reversed(nodes):
        found = sum(ways.get(x, 0) for x in node.inputs if type(x) is Value)
        if found and node is not to:
            ways[node] = found
    ranked = [] if any(map(is_stale, nodes)) else paths(nodes[0], to, MOST)
    _mark_edges(picture, set(ways), ranked)
    total = sum(path.size for path in ranked)
    several = "" if ways[nodes[0]] == 1 else "s"
    what = f"from {nodes[0].name or 'the result'} to {to.name or 'the marked value'}"
    listed = f", the {len(ranked)} largest" if ways[nodes[0]] > len(ranked) > 0 else ""
    picture.notes.append(
        f"{count_text(ways[nodes[0]])} path{several} {what}{listed}{':' * bool(ranked)}"
    )
    for rank, path in enumerate(ranked, start=1):
        share = f", {path.size / total:.0%}" if total and ways[nodes[0]] <= len(ranked) else ""
        amount = short(float(np.sum(path.contribution)), digits)
        picture.notes.append(f"{rank}. {_words(path, to)}: contributes {amount}{share}")


def _mark_edges(
    picture: Picture,
    leading: set[Value],
    ranked: Sequence[Path],
) -> None:
    ranks: dict[tuple[Value, int], int] = {}
    for rank, path in enumerate(ranked, start=1):
        for use in path.edges:
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


def _words(path: Path, to: Value) -> str:
    """Return a path as people say it: "loss ← tanh ← + ← w"."""
    words = []
    for node, _ in path.edges:
        words += [node.name] if node.name else []
        words.append(node.op.symbol if node.op else "")
    words.append(to.name or short_data(to))
    if len(words) > 9:
        words = [*words[:4], "…", *words[-4:]]
    return " ← ".join(words)


def short_data(value: Value) -> str:
    """Return a few characters for a Value without a name."""
    number = number_of(value)
    return short(number) if isinstance(number, float) else str(value.shape)
