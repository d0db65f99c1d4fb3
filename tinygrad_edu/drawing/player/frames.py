"""What the player shows, step by step: the way forward, then the way back, one edge at a time.

A frame is a dictionary, as the page's program reads it: `lines` are what is said, `focus` the nodes that it
is about, `show` and `edges` what appears; on the way back, `edge` is what the gradient flows along, `node`
where it arrives, and `grad` what has arrived there so far.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import Any

import numpy as np

from tinygrad_edu.drawing.graph.blame import seed_of
from tinygrad_edu.drawing.graph.derivatives import number_of
from tinygrad_edu.drawing.picture import Edge, GraphPicture, Node
from tinygrad_edu.drawing.player.sentences import backward_lines, forward_line, sum_line
from tinygrad_edu.drawing.shorten import edge_number, short
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value

Frame = dict[str, Any]


def still_frames(reason: str) -> list[Frame]:
    """Return the one frame where there is nothing to play: it says why."""
    return [{"phase": "", "lines": [reason], "focus": []}]


def forward_frames(picture: GraphPicture, names: dict[Value, str], digits: int) -> list[Frame]:
    """Return the frames of the way forward: what was given, then one result after another."""
    given = [node.key for node in picture.nodes if node.kind in ("leaf", "constant")]
    frames: list[Frame] = [
        {
            "phase": "forward",
            "lines": ["These numbers are given."],
            "show": given,
            "focus": [node.key for node in picture.nodes if node.kind == "leaf"],
        }
    ]
    makers = {edge.head: edge.tail for edge in picture.edges if edge.tail[0] in "of"}
    edges_into: dict[str, list[int]] = {}
    for place, edge in enumerate(picture.edges):
        edges_into.setdefault(edge.head, []).append(place)
    by_key = {node.key: node for node in picture.nodes}
    for node in picture.nodes:
        if node.key not in makers or node.value is None:
            continue
        maker = by_key[makers[node.key]]
        if maker.kind == "fold":
            number = edge_number(number_of(node.value), digits)
            line = f"{names[node.value]} = {number}, computed in {maker.title}"
        else:
            line = forward_line(node.value, names, digits)
        edges = [f"e{n}" for key in (maker.key, node.key) for n in edges_into[key]]
        shown = [maker.key, node.key]
        frames.append(
            {
                "phase": "forward",
                "lines": [line],
                "show": shown,
                "edges": edges,
                "focus": shown,
                "value": _plain(number_of(node.value)),
            }
        )
    return frames


def backward_frames(
    picture: GraphPicture,
    flows: dict[tuple[Value, int], tuple[Array, Array]],
    names: dict[Value, str],
    digits: int,
) -> list[Frame]:
    """Return the frames of the way back: the seed, then one edge after another.

    `flows` has for each edge, (node, position), the gradient of the node and the share of it that flows on.
    """
    output = next(node for node in picture.nodes if node.kind == "output")
    assert output.value is not None
    frames = [_seed_frame(output, names[output.value], digits)]
    by_key = {node.key: node for node in picture.nodes}
    missing = Counter(edge.tail for edge in picture.edges if edge.uses)
    arrived: dict[str, Array] = {}
    for number, edge in _backward_order(picture):
        node, position = edge.uses[0]
        shares = [flows[use][1] for use in edge.uses]
        share = shares[0] if len(shares) == 1 else sum(shares[1:], start=shares[0])
        before = arrived.get(edge.tail)
        after = arrived[edge.tail] = share if before is None else before + share
        missing[edge.tail] -= 1
        head = by_key[edge.head]
        if head.kind == "fold":
            lines = _fold_lines(edge, head, share, names, names[output.value], digits)
        else:
            upstream = flows[edge.uses[0]][0]
            lines = backward_lines(node, position, upstream, share, names, output.value, digits)
        if before is not None:
            lines.append(sum_line(names[node.inputs[position]], before, share, after, digits))
        if count := missing[edge.tail]:
            lines.append(f"{count} more {'edges' if count > 1 else 'edge'} will arrive here.")
        frames.append(
            {
                "phase": "backward",
                "lines": lines,
                "edge": f"e{number}",
                "focus": [edge.tail, edge.head],
                **_gradient(edge.tail, after, not missing[edge.tail], digits),
                "share": _plain(share),
            }
        )
    return frames


def _seed_frame(output: Node, symbol: str, digits: int) -> Frame:
    """Return the frame in which the result has its gradient by itself."""
    assert output.value is not None
    return {
        "phase": "backward",
        "lines": [
            f"∂{symbol}/∂{symbol} = 1",
            "It begins with the result: it changes as much as itself.",
        ],
        "focus": [output.key],
        **_gradient(output.key, seed_of(output.value), True, digits),
    }


def _gradient(key: str, number: Array, done: bool, digits: int) -> Frame:
    """Return what a frame says of the gradient of a node, as far as it has arrived."""
    return {
        "node": key,
        "grad": edge_number(number, digits),
        "after": _plain(number),
        "done": done,
    }


def _fold_lines(
    edge: Edge, fold: Node, share: Array, names: dict[Value, str], symbol: str, digits: int
) -> list[str]:
    node, position = edge.uses[0]
    line = f"∂{symbol}/∂{names[node.inputs[position]]} += what flows back through {fold.title}"
    return [line, f"= {edge_number(share, digits)}"]


def _backward_order(picture: GraphPicture) -> list[tuple[int, Edge]]:
    """Return the edges that gradients flow along, each after all that its head receives has arrived.

    Of what is ready, the youngest goes first, which is the order of `backward()` where nothing is folded.
    """
    ages: dict[str, float] = {}
    into: dict[str, list[int]] = {}
    waiting = {node.key: 0 for node in picture.nodes}
    for number, edge in enumerate(picture.edges):
        into.setdefault(edge.head, []).append(number)
        waiting[edge.tail] += 1
        for node, _ in edge.uses:
            ages[edge.head] = max(ages.get(edge.head, -math.inf), node.birth)
    for shown in picture.nodes:
        if shown.value is not None and shown.kind != "operation":
            ages[shown.key] = shown.value.birth + 0.5  # a result comes just before its operation
    ready = [(-ages.get(key, 0.0), key) for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        _, key = heapq.heappop(ready)
        for number in into.get(key, ()):
            edge = picture.edges[number]
            if edge.uses:
                order.append((number, edge))
            waiting[edge.tail] -= 1
            if not waiting[edge.tail]:
                heapq.heappush(ready, (-ages.get(edge.tail, 0.0), edge.tail))
    return order


def _plain(number: Array) -> float | str | None:
    """Return a number as JSON can hold it; an array is not written out."""
    if isinstance(number, np.ndarray) or number is None:
        return None
    return float(number) if math.isfinite(number) else short(number)
