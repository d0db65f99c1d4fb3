"""The backward player: one HTML file in which values appear and gradients flow back, step by step.

First the numbers appear in the order in which they were computed. Then the gradient of the result by itself,
which is 1, flows back one edge at a time, and beside the picture stands the line of the chain rule that is
being applied. The page needs nothing but a browser: picture, frames and program are in the one file. Where
no program may run, as in a README, a picture that moves (`animation`) plays the same steps.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

from tinygrad_edu.drawing.graph.derivatives import flow, in_order, is_stale
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.folding import FoldBy
from tinygrad_edu.drawing.graph.graph import picture_graph
from tinygrad_edu.drawing.graph.paths import seed_of
from tinygrad_edu.drawing.picture import Direction
from tinygrad_edu.drawing.player.animation import animated
from tinygrad_edu.drawing.player.frames import Frame, backward_frames, forward_frames
from tinygrad_edu.drawing.player.sentences import name_all
from tinygrad_edu.drawing.render import check_path, render_svg, write
from tinygrad_edu.drawing.style import FONT, GRADIENT, INK, in_page
from tinygrad_edu.value import Value, chain_rule

#: More Values than this are folded in the player, unless it is told what to fold.
MAX_NODES = 120


def play_backward(
    value: Value,
    path: str | os.PathLike[str],
    *,
    fold: FoldBy = "auto",
    max_nodes: int = MAX_NODES,
    digits: int = 4,
    direction: Direction = "auto",
) -> None:
    """Write a page, or a moving picture, that plays how a Value is computed and how its gradient flows back.

    A page (.html) works offline, with buttons, a slider and keys (space, arrows, Home, End), on phones and
    projectors: the graph runs to the right on a wide screen and downward on a high one, unless `direction`
    says "right" or "down". The gradients are computed for the page; those of the Values are not touched.
    An array's gradient begins with ones. "#12" behind the page's address opens it at step 12. A moving
    picture (.svg) plays over and over, in any <img>; a viewer that cannot move it shows its end.

    Raises ValueError for another ending than .html or .svg, for a Value that was not computed, or if data was
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
    form = file.suffix.lower()
    if form not in (".html", ".svg"):
        raise ValueError(
            f"cannot write {str(file)!r}: the player is a page, whose name ends in .html, "
            "or a moving picture, whose name ends in .svg"
        )
    nodes = in_order(value)
    if value.op is None:
        raise ValueError("there is nothing to play: this Value was not computed from any other")
    if any(map(is_stale, nodes)):
        raise ValueError(
            "data was replaced after it was used, so its gradients are lost; compute the Value again"
        )
    names = name_all(nodes)
    gradients = {value: seed_of(value)}
    flows = {
        (node, position): (upstream, share)
        for node, position, upstream, share, _ in chain_rule(nodes, gradients, flow)
    }
    picture = picture_graph(
        value, fold=fold, max_nodes=max_nodes, digits=digits, direction=direction,
        gradients=gradients, names=names,
    )  # fmt: skip
    frames = forward_frames(picture, names, digits) + backward_frames(picture, flows, names, digits)
    title = f"How {names[value]} is computed, and how its gradient flows back"
    if form == ".svg":
        write(file, animated(render_svg(to_dot(picture), title), frames).encode())
        return
    layouts: list[Direction] = ["right", "down"] if direction == "auto" else [direction]
    svgs = {way: render_svg(to_dot(replace(picture, direction=way)), title) for way in layouts}
    write(file, page(title, svgs, frames).encode())


def page(title: str, svgs: Mapping[Direction, str], frames: list[Frame]) -> str:
    """Return the whole page, with one picture for each direction that it may run."""
    template = (
        resources.files("tinygrad_edu.drawing.player").joinpath("player.html").read_text("utf-8")
    )
    data = json.dumps(frames, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    fill = {
        "TITLE": in_page(title),
        "INK": INK,
        "GRADIENT": GRADIENT,
        "FRAMES": data.replace("<", "\\u003c"),  # so that no name can end the script
        "SVGS": "\n".join(
            f'<template id="{way}">{_slim(svg)}</template>' for way, svg in svgs.items()
        ),
    }
    return re.sub(r"\[\[([A-Z]+)\]\]", lambda gap: fill[gap.group(1)], template)


def _slim(svg: str) -> str:
    """Return an SVG without what goes without saying in a page, which is half of it."""
    told = (
        rf' (xmlns(:xlink)?="[^"]*"|font-family="{FONT}"|text-anchor="start"|xml:space="preserve")'
    )
    return re.sub(r"(<[^<>]*)", lambda tag: re.sub(told, "", tag.group()), svg)
