"""A calculation that failed, drawn: what went in, what came together, where the shapes part."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import (
    Dense,
    ReLU,
    Sequential,
    Value,
    concatenate,
    draw_error,
    mean_squared_error,
    no_grad,
    softmax_cross_entropy,
)
from tinygrad_edu.drawing.failure import find_failure, picture_failure
from tinygrad_edu.drawing.picture import GraphPicture
from tinygrad_edu.ops import matmul


def x() -> Value:
    return Value(np.ones((3, 2)), name="x")


def w() -> Value:
    return Value(np.ones((4, 5)), name="w")


def failed(calculate: Callable[[], Any]) -> Exception:
    try:
        calculate()
    except Exception as error:
        return error
    raise AssertionError("this was to fail")


def picture(error: Exception) -> GraphPicture:
    return picture_failure(find_failure(error), ["why"], "auto", "right")


@pytest.mark.parametrize(
    ("calculate", "title", "shapes"),
    [
        (lambda: (x() * 2.0) @ w(), "@ failed: axis −1 of the first has 2, axis −2 of the", "3×2 4×5"),
        (lambda: x() @ np.ones(3), "axis −1 of the first has 2, axis −1 of the second has 3", "3×2 3"),
        (lambda: x() + w(), "+ failed: axis −1 has 2 here and 5 there", "3×2 4×5"),
        (lambda: x() * np.ones(3), "axis −1 has 2 here and 3 there", "3×2 3"),
        (lambda: Value(np.ones((3, 1, 2))) - np.ones((4, 5, 2)), "axis −3 has 3 here and 4", "3×1×2 4×5×2"),
        (lambda: concatenate([x(), w()]), "concat failed: ", "3×2 4×5"),
        (lambda: x().reshape(4), "reshape failed: cannot reshape", "3×2"),
        (lambda: x()[7], "index 7 is out of bounds", "3×2"),
        (lambda: softmax_cross_entropy(x(), np.arange(5)), "expected one label for each", "3×2"),
        (lambda: Dense(7, 2, rng=0)(x()), "Dense failed: Dense has 7 inputs", "3×2 7×2 2"),
        (lambda: Dense(7, 2, rng=0)(np.ones((3, 2))), "Dense failed: ", "3×2 7×2 2"),
        (lambda: mean_squared_error(x(), np.ones((4, 3))), "mean_squared_error failed: ", "3×2 4×3"),
        (lambda: matmul(np.ones((3, 2)), np.ones((4, 5))), "@ failed: axis −1 of", "3×2 4×5"),
    ],
)  # fmt: skip
def test_what_came_together_is_found_and_marked(
    calculate: Callable[[], Any], title: str, shapes: str
) -> None:
    error = failed(calculate)
    assert title in draw_error(error).title
    marked = [edge.texts[0] for edge in picture(error).edges if edge.mark == "wrong"]
    expected = [tuple(map(int, shape.split("×"))) for shape in shapes.split()]
    assert sorted(marked) == sorted(f"shape {shape}" for shape in expected)


def test_all_that_went_in_is_drawn_with_its_numbers() -> None:
    model = Sequential(Dense(2, 5, rng=0), ReLU(), Dense(6, 2, rng=0), rng=0)
    found = picture(failed(lambda: model(np.ones((3, 2)))))
    titles = {node.title for node in found.nodes}
    assert {"dense1.weight", "ReLU", "dense2.weight", "dense2", "no result"} <= titles
    assert [node.title for node in found.nodes if node.mark == "wrong"] == ["no result"]
    assert found.node("no result").panels[0].lines == ("why",)


def test_what_caused_another_error_is_found_behind_it() -> None:
    def wrapped() -> None:
        try:
            x() @ w()
        except ValueError as error:
            raise RuntimeError("my own words") from error

    assert find_failure(failed(wrapped)).title == "@"


def test_a_failure_where_nothing_is_recorded_is_drawn_as_well() -> None:
    error = failed(no_grad()(lambda: x() @ w()))
    with no_grad():
        assert "@ failed" in draw_error(error).title


def test_the_last_error_is_drawn_without_naming_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "last_exc", None, raising=False)
    monkeypatch.setattr(sys, "last_value", failed(lambda: x() + w()), raising=False)
    assert "+ failed" in draw_error().title
    monkeypatch.setattr(sys, "last_value", None)
    with pytest.raises(ValueError, match="no error to draw; pass the exception"):
        draw_error()


def test_an_error_of_other_origin_is_named() -> None:
    with pytest.raises(ValueError, match=r"no calculation with Values failed here.*ZeroDivision"):
        draw_error(failed(lambda: 1 // 0))


def test_the_message_points_to_the_picture(tmp_path: Any) -> None:
    error = failed(lambda: x() @ w())
    assert any("draw_error(error)" in note for note in error.__notes__)
    draw_error(error, tmp_path / "error.dot")
    assert "shape (4, 5)" in (tmp_path / "error.dot").read_text(encoding="utf-8")
