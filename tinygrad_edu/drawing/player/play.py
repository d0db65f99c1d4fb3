"""The backward player: a page in which values appear and gradients flow back, step by step.

First the numbers appear in the order in which they were computed. Then the gradient of the result by itself,
which is 1, flows back one edge at a time, and beside the picture stands the line of the chain rule that is
being applied. The page needs nothing but a browser: picture, frames and program are in the one file. Where
no program may run, as in a README, a picture that moves (`animation`) plays the same steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tinygrad_edu.drawing.drawing import Drawing
from tinygrad_edu.drawing.graph.blame import seed_of
from tinygrad_edu.drawing.graph.derivatives import flow, in_order, is_stale
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.folding import FoldBy
from tinygrad_edu.drawing.graph.graph import picture_graph
from tinygrad_edu.drawing.picture import Direction, GraphPicture
from tinygrad_edu.drawing.player.animation import animated
from tinygrad_edu.drawing.player.frames import Frame, backward_frames, forward_frames, still_frames
from tinygrad_edu.drawing.player.page import in_cell, page
from tinygrad_edu.drawing.player.sentences import name_all
from tinygrad_edu.drawing.render import DrawingError, check_path, find_graphviz, render_svg
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value, chain_rule

#: More Values than this are folded in the player, unless it is told what to fold.
MAX_NODES = 120


@dataclass(frozen=True, repr=False)
class Player(Drawing):
    """What plays how a Value was computed and how its gradient flows back; a notebook's cell plays it.

    `source` is the picture as it is in the end, `layouts` the same for each direction that a page may run,
    and `frames` are the steps. Saved as .html it is a page, as .svg a moving picture.
    """

    layouts: Mapping[Direction, str] = field(default_factory=dict)
    frames: Sequence[Frame] = ()

    def page(self) -> str:
        """Return the page. Raises DrawingError where there is no Graphviz."""
        graphviz = find_graphviz()
        svgs = {
            way: render_svg(source, self.title, graphviz=graphviz)
            for way, source in self.layouts.items()
        }
        return page(self.title, svgs, self.frames)

    def written_as(self, form: str) -> bytes:
        """Return the player in the form "html", "svg" (moving), or the picture in the end in another."""
        if form == "svg":
            return animated(self.svg(), self.frames).encode()
        return super().written_as(form)

    def _repr_html_(self) -> str | None:
        try:
            return in_cell(self.page(), self.title)
        except DrawingError:
            return None  # the notebook shows the text of __repr__ instead

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {}  # a cell plays, and shows no picture besides

    def _repr_svg_(self) -> str | None:
        return None

    def __repr__(self) -> str:
        return f"<{self.title}; a notebook plays it, .save('steps.html') writes it>"


def play_backward(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    fold: FoldBy = "auto",
    max_nodes: int | None = None,
    highlight: Value | None = None,
    diff: Value | None = None,
    digits: int = 4,
    direction: Direction = "auto",
) -> Player:
    """Play how a Value is computed and how its gradient flows back, in a notebook, a page or a picture.

    Without a path, what is returned plays in a notebook's cell. A page (.html) works offline, with buttons, a
    slider and keys (space, arrows, Home and End; + and − zoom, 0 shows the whole), on phones and projectors:
    the graph runs to the right on a wide screen and downward on a high one, unless `direction` says "right"
    or "down". The gradients are computed for the page; those of the Values are not touched. An array's
    gradient begins with ones. "#12" behind the page's address opens it at step 12. A moving picture (.svg)
    plays over and over, in any <img>; a viewer that cannot move it shows its end.

    `highlight` and `diff` are those of `draw_graph`. Where there is nothing to play, since the Value was not
    computed or data was replaced after it was used, the page shows the picture and says so.

    Raises ValueError for another ending than .html or .svg, and for a moving picture where there is nothing
    to play; OSError for a place that cannot be written to; DrawingError where there is no Graphviz.

    >>> x = Value(2.0, name="x")
    >>> play_backward(x**2)
    <How L is computed, and how its gradient flows back; a notebook plays it, .save('steps.html') writes it>
    """
    form = ".html" if path is None else check_path(path).suffix.lower()
    if form not in (".html", ".svg"):
        raise ValueError(
            f"cannot write {str(path)!r}: the player is a page, whose name ends in .html, "
            "or a moving picture, whose name ends in .svg"
        )
    if not isinstance(value, Value):
        raise TypeError(f"expected a Value to play, got {type(value).__name__}; pass a result")
    nodes = in_order(value)
    reason = _why_still(value, nodes)
    if reason and form == ".svg":
        raise ValueError(reason)
    names, gradients = name_all(nodes), {value: seed_of(value)}
    flows = {} if reason else _flows(nodes, gradients)
    picture = picture_graph(
        value, fold=fold, max_nodes=MAX_NODES if max_nodes is None else max_nodes, names=names,
        highlight=highlight, diff=diff, digits=digits, direction=direction,
        gradients=None if reason else gradients,
    )  # fmt: skip
    if reason:
        frames = still_frames(reason)
    else:
        frames = forward_frames(picture, names, digits)
        frames += backward_frames(picture, flows, names, digits)
    title, layouts = _title(value, names[value]), _layouts(picture, direction)
    player = Player(to_dot(picture), title, layouts=layouts, frames=frames)
    if path is not None:
        player.save(path)
    return player


def _title(value: Value, name: str) -> str:
    """Return what a page is called."""
    if value.op is None:
        return f"The Value {name}"
    return f"How {name} is computed, and how its gradient flows back"


def _layouts(picture: GraphPicture, direction: Direction) -> dict[Direction, str]:
    """Return a picture as DOT text for each direction in which a page may need it."""
    ways: list[Direction] = ["right", "down"] if direction == "auto" else [direction]
    return {way: to_dot(replace(picture, direction=way)) for way in ways}


def _why_still(value: Value, nodes: Sequence[Value]) -> str:
    """Return why there is nothing to play, or nothing."""
    if value.op is None:
        return "There is nothing to play: this Value was not computed from any other."
    if any(map(is_stale, nodes)):
        return (
            "There is nothing to play: data was replaced after it was used, so the gradients are lost; "
            "compute the Value again."
        )
    return ""


def _flows(
    nodes: Sequence[Value], gradients: dict[Value, Array]
) -> dict[tuple[Value, int], tuple[Array, Array]]:
    """Go back, add up `gradients`, and return what flows along each edge, (node, position)."""
    return {
        (node, position): (upstream, share)
        for node, position, upstream, share, _ in chain_rule(nodes, gradients, flow)
    }
