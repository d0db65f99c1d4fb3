"""Methods: `value.draw()`, `value.play()`, `value.tree()`, and pictures in a notebook.

`Value` knows nothing of drawing, as imports run one way. The package hands it these methods when it is
imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tinygrad_edu.drawing.draw import draw_graph, draw_network
from tinygrad_edu.drawing.drawing import Drawing
from tinygrad_edu.drawing.graph.tree import text_tree
from tinygrad_edu.drawing.player.play import play_backward
from tinygrad_edu.value import Value


def add_methods() -> None:
    """Give `Value` the methods `draw`, `play` and `tree`, and a picture in notebooks.

    >>> add_methods()
    >>> print(Value(2.0, name="a").tree())
    a  data 2
    """
    value_class: Any = Value
    value_class.draw = draw_graph
    value_class.play = play_backward
    value_class.tree = text_tree
    value_class._repr_svg_ = svg_of_value


def svg_of_value(value: Value) -> str | None:
    """Return a computed Value's graph as SVG, or None, for which a notebook shows text.

    >>> svg_of_value(Value(2.0)) is None
    True
    """
    return _svg(lambda: draw_graph(value)) if value.op is not None else None


def svg_of_model(model: Any) -> str | None:
    """Return a model's network as SVG, or None on trouble.

    >>> svg_of_model("no model") is None
    True
    """
    return _svg(lambda: draw_network(model))


def _svg(draw: Callable[[], Drawing]) -> str | None:
    with contextlib.suppress(Exception):  # to look at something must never fail
        return draw()._repr_svg_()
    return None
