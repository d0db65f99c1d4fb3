"""The backward player: one HTML file in which values appear and gradients flow back, step by step.

First the numbers appear in the order in which they were computed. Then the gradient of the result by itself,
which is 1, flows back one edge at a time, and beside the picture stands the line of the chain rule that is
being applied. The page needs nothing but a browser: picture, frames and program are in the one file.
"""

from __future__ import annotations

import heapq
import json
import math
import os
import re
from importlib import resources
from typing import Any, Literal

import numpy as np

from tinygrad_edu.drawing.derivatives import Step, in_order, is_stale, number_of, steps_backward
from tinygrad_edu.drawing.dot import FONT, GRADIENT, INK, to_dot
from tinygrad_edu.drawing.folding import FoldBy
from tinygrad_edu.drawing.graph import edge_number, picture_graph
from tinygrad_edu.drawing.picture import Edge, Node, Picture
from tinygrad_edu.drawing.render import check_path, render_svg, write
from tinygrad_edu.drawing.sentences import backward_lines, forward_line, name_all, sum_line
from tinygrad_edu.drawing.shorten import short
from tinygrad_edu.ops import Array
from tinygrad_edu.value import Value

#: More Values than this are folded in the player, unless it is told what to fold.
MAX_NODES = 120

Frame = dict[str, Any]


def play_backward(
    value: Value,
    path: str | os.PathLike[str],
    *,
    fold: FoldBy = "auto",
    max_nodes: int = MAX_NODES,
    digits: int = 4,
    direction: Literal["right", "down"] = "right",
) -> None:
    """Write a page that plays how a Value is computed and how its gradient flows back.

    It works offline, with buttons, a slider and keys (space, arrows, Home, End), on phones and
    projectors. The gradients are computed for the page; those of the Values are not touched. An array's
    gradient begins with ones. "#12" behind the page's address opens it at step 12.

    Raises ValueError for another ending than .html, for a Value that was not computed, or if data was
    replaced after it was used; OSError for a place that cannot be written to; DrawingError where there is
    no Graphviz.

    >>> import tempfile, pathlib
    >>> from tinygrad_edu.drawing.render import DrawingError
    >>> page = pathlib.Path(tempfile.mkdtemp()) / "steps.html"
    >>> try:
    ...     play_backward(Value(2.0, name="x") ** 2, page)
    ... except DrawingError:
    ...     pass
    """
    file = check_path(path)
    if file.suffix.lower() != ".html":
        raise ValueError(
            f"cannot write {str(file)!r}: the player is a page, whose name ends in .html"
        )
    nodes = in_order(value)
    if value.op is None:
        raise ValueError("there is nothing to play: this Value was not computed from any other")
    if any(map(is_stale, nodes)):
        raise ValueError(
            "data was replaced after it was used, so its gradients are lost; compute the Value again"
        )
    names = name_all(nodes)
    steps = {(step.node, step.position): step for step in steps_backward(value)}
    gradients = {step.node.inputs[step.position]: step.after for step in steps.values()}
    gradients[value] = 1.0 if not value.shape else np.ones(value.shape, value.dtype)
    picture = picture_graph(
        value, fold=fold, max_nodes=max_nodes, digits=digits, direction=direction,
        gradients=gradients, names=names,
    )  # fmt: skip
    frames = forward_frames(picture, names, digits) + backward_frames(picture, steps, names, digits)
    title = f"How {names[value]} is computed, and how its gradient flows back"
    svg = render_svg(to_dot(picture), title)
    write(file, page(title, svg, frames).encode())


def forward_frames(picture: Picture, names: dict[Value, str], digits: int) -> list[Frame]:
    """Return the frames of the way forward: what was given, then one result after another."""
    given = [node.key for node in picture.nodes if node.kind in ("leaf", "constant")]
    frames: list[Frame] = [
        {
            "phase": "forward",
            "lines": ["These numbers are given."],
            "show": given,
            "focus": given[:1],
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
    picture: Picture,
    steps: dict[tuple[Value, int], Step],
    names: dict[Value, str],
    digits: int,
) -> list[Frame]:
    """Return the frames of the way back: the seed, then one edge after another."""
    output = next(
        node for node in picture.nodes if node.value is not None and node.kind == "output"
    )
    assert output.value is not None
    symbol = names[output.value]
    seed = 1.0 if not output.value.shape else np.ones(output.value.shape)
    frames: list[Frame] = [
        {
            "phase": "backward",
            "lines": [
                f"∂{symbol}/∂{symbol} = 1",
                "It begins with the result: it changes as much as itself.",
            ],
            "node": output.key,
            "grad": edge_number(seed, digits),
            "after": _plain(seed),
            "done": True,
            "focus": [output.key],
        }
    ]
    arriving: dict[str, int] = {}
    for edge in picture.edges:
        if edge.uses:
            arriving[edge.tail] = arriving.get(edge.tail, 0) + 1
    arrived: dict[str, tuple[int, Array]] = {}
    by_key = {node.key: node for node in picture.nodes}
    for number, edge in _backward_order(picture):
        node, position = edge.uses[0]
        x = node.inputs[position]
        parts = [steps[use].part for use in edge.uses]
        part = parts[0] if len(parts) == 1 else sum(parts[1:], start=parts[0])
        count, before = arrived.get(edge.tail, (0, None))
        after = part if before is None else before + part
        arrived[edge.tail] = (count + 1, after)
        target = by_key[edge.head]
        if target.kind == "fold":
            lines = _fold_lines(edge, target, part, names, symbol, digits)
        else:
            upstream = steps[edge.uses[0]].upstream
            lines = backward_lines(node, position, upstream, part, names, output.value, digits)
        if before is not None:
            lines.append(sum_line(names[x], before, part, after, digits))
        missing = arriving[edge.tail] - count - 1
        if missing:
            lines.append(f"{missing} more edge{'s' * (missing > 1)} will arrive here.")
        frames.append(
            {
                "phase": "backward",
                "lines": lines,
                "edge": f"e{number}",
                "node": edge.tail,
                "grad": edge_number(after, digits),
                "part": _plain(part),
                "after": _plain(after),
                "done": not missing,
                "focus": [edge.tail, edge.head],
            }
        )
    return frames


def _fold_lines(
    edge: Edge, fold: Node, part: Array, names: dict[Value, str], symbol: str, digits: int
) -> list[str]:
    node, position = edge.uses[0]
    line = f"∂{symbol}/∂{names[node.inputs[position]]} += what flows back through {fold.title}"
    return [line, f"= {edge_number(part, digits)}"]


def _backward_order(picture: Picture) -> list[tuple[int, Edge]]:
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


def page(title: str, svg: str, frames: list[Frame]) -> str:
    """Return the whole page."""
    template = resources.files("tinygrad_edu.drawing").joinpath("player.html").read_text("utf-8")
    svg = svg.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = svg.replace(f' font-family="{FONT}"', "")  # the page says so once
    safe = title.replace("&", "&amp;").replace("<", "&lt;")
    data = json.dumps(frames, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    fill = {
        "TITLE": safe,
        "INK": INK,
        "GRADIENT": GRADIENT,
        "FRAMES": data.replace("<", "\\u003c"),  # so that no name can end the script
        "SVG": svg,
    }
    return re.sub(r"\[\[([A-Z]+)\]\]", lambda gap: fill[gap.group(1)], template)


def _plain(number: Array) -> float | str | None:
    """Return a number as JSON can hold it; an array is not written out."""
    if isinstance(number, np.ndarray) or number is None:
        return None
    return float(number) if math.isfinite(number) else short(number)
