"""Pictures in the terminal and in notebooks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tinygrad_edu.drawing import add_methods, render
from tinygrad_edu.drawing.graph.tree import text_tree
from tinygrad_edu.drawing.notebook import svg_of_value
from tinygrad_edu.value import Value

from .test_picture import neuron

add_methods()


def test_the_tree_shows_data_and_gradients() -> None:
    loss, _ = neuron()
    loss.backward()
    assert loss.tree() == (
        "loss  (^)  data 0.1669  grad 1\n"
        "├── (−)  data −0.4085  grad −0.8171\n"
        "│   ├── p  (σ)  data 0.5915  grad −0.8171\n"
        "│   │   └── (+)  data 0.37  grad −0.1974\n"
        "│   │       ├── (+)  data 0.27  grad −0.1974\n"
        "│   │       │   ├── (×)  data 0.3  grad −0.1974\n"
        "│   │       │   │   ├── n.w1  data 0.5  grad −0.1185\n"
        "│   │       │   │   └── x1  data 0.6  grad −0.09872\n"
        "│   │       │   └── (×)  data −0.03  grad −0.1974\n"
        "│   │       │       ├── n.w2  data −0.3  grad −0.01974\n"
        "│   │       │       └── x2  data 0.1  grad 0.05923\n"
        "│   │       └── n.b  data 0.1  grad −0.1974\n"
        "│   └── 1\n"
        "└── 2"
    )


def test_what_is_used_twice_is_drawn_once() -> None:
    a = Value(2.0, name="a")
    b = a * 3.0
    assert text_tree(b + b).splitlines() == [
        "(+)  data 12",
        "├── (×)  data 6",
        "│   ├── a  data 2",
        "│   └── 3",
        "└── (×)  data 6  (as in line 2)",
    ]


def test_arrays_are_told_by_shape_and_range() -> None:
    assert text_tree(Value(np.ones((2, 3)), name="W")) == "W  data 2×3: all 1"


def test_large_graphs_are_cut_and_it_is_said(calls_of: Callable[..., int]) -> None:
    value = Value(1.0)
    for _ in range(10_000):
        value = value + value
    lines = text_tree(value).splitlines()
    assert calls_of(text_tree, value) < 300_000  # 2¹⁰⁰⁰⁰ paths lead through it
    assert len(lines) < 210
    assert "deeper" in "".join(lines)
    wide = text_tree(
        sum((Value(float(i)) for i in range(1, 400)), start=Value(0.0)), max_depth=1000
    )
    assert wide.splitlines()[-1].startswith("… at least")


def test_newlines_in_names_do_not_break_the_tree() -> None:
    assert text_tree(Value(1.0, name="two\nlines")) == "two lines  data 1"


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "\ud800", "\x00", "\\1"])
def test_any_name_can_be_printed_in_a_tree(name: str) -> None:
    line = (Value(1.0, name=name) * 2.0).tree().splitlines()[1]
    assert line.encode().decode().isprintable()
    assert "data 1" in line


def test_a_tree_needs_neither_graphviz_nor_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render, "find_graphviz", lambda: pytest.fail("asked for Graphviz"))
    assert neuron()[0].tree()


@pytest.mark.skipif(
    not (render.shutil.which("dot") or render.importlib.util.find_spec("pygraphviz")),
    reason="neither the program dot nor the package pygraphviz is installed",
)
def test_a_value_shows_itself_in_a_notebook() -> None:
    loss, _ = neuron()
    assert (loss._repr_svg_() or "").startswith("<svg")
    drawing = loss.draw()
    assert drawing._repr_svg_() == loss._repr_svg_()


def test_a_notebook_falls_back_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tinygrad_edu.drawing.drawing.render_svg", fail)
    assert svg_of_value(neuron()[0]) is None
    assert svg_of_value(Value(1.0)) is None
