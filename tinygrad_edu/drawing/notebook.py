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
    value_class._repr_mimebundle_ = value_in_notebook
    value_class._repr_svg_ = svg_of_value


def value_in_notebook(value: Value, **_: Any) -> dict[str, str]:
    """Return a computed Value's graph as a notebook shows it; nothing of others, which are shown as text.

    >>> value_in_notebook(Value(2.0))
    {}
    """
    return _shown(lambda: draw_graph(value)) if value.op is not None else {}


def model_in_notebook(model: Any, **_: Any) -> dict[str, str]:
    """Return a model's network as a notebook shows it, or nothing on trouble.

    >>> model_in_notebook("no model")
    {}
    """
    return _shown(lambda: draw_network(model))


def svg_of_value(value: Value) -> str | None:
    """Return a computed Value's graph as SVG, or None, for which a notebook shows text.

    >>> svg_of_value(Value(2.0)) is None
    True
    """
    return value_in_notebook(value).get("image/svg+xml")


def svg_of_model(model: Any) -> str | None:
    """Return a model's network as SVG, or None on trouble.

    >>> svg_of_model("no model") is None
    True
    """
    return model_in_notebook(model).get("image/svg+xml")


def _shown(draw: Callable[[], Drawing]) -> dict[str, str]:
    with contextlib.suppress(Exception):  # to look at something must never fail
        return draw()._repr_mimebundle_()
    return {}
