"""In a notebook: pictures, figures and players show themselves in a cell, and training has one live bar."""

from __future__ import annotations

import base64
import copy
import html
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.drawing import render
from tinygrad_edu.support import new_figure

from .chromium import PROGRAM, Browser

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

pytestmark = [
    pytest.mark.skipif(
        not (render.shutil.which("dot") or render.importlib.util.find_spec("pygraphviz")),
        reason="neither the program dot nor the package pygraphviz is installed",
    ),
    # of the notebook's own machinery
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::RuntimeWarning"),
]

CELLS = {
    "fit": """
import numpy as np
from tinygrad_edu import *
x = np.random.default_rng(0).random((60, 4))
model = Sequential(Dense(4, 3), ReLU(), Dense(3, 2), rng=0)
history = model.fit(x, np.arange(60) % 2, loss=softmax_cross_entropy,
                    optimizer=Adam(model.parameters()), epochs=3, batch_size=20, rng=0)""",
    "history": "history.plot()",
    "images": 'from tinygrad_edu.drawing import plot_images\nplot_images({"x": x[:6]}, (2, 2))',
    "graph": """
wide = Value(0.5, name="start")
for i in range(12):
    wide = (wide * Value(0.9, name=f"w{i}")).tanh()
wide.name = "wide"
wide""",
    "drawing": "wide.draw(direction='right')",
    "small": "(Value(2.0, name='two') * 1.5).draw()",
    "leaf": "Value(1.0)",
    "model": "model",
    "play": "wide.play()",
    "play again": "play_backward(wide, fold='nothing')",
    "bar": """
from tinygrad_edu.training import with_bar
for _ in with_bar([1, 2], "two things", visible=True): pass""",
    "inline": "%matplotlib inline\nhistory.plot()",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[Any]]:
    """Run all cells in a kernel of its own; return what each shows."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=600).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def shown(outputs: dict[str, list[Any]], name: str, kind: str) -> Any:
    """Return the one thing that a cell shows, in one of its forms."""
    (output,) = outputs[name]
    return output["data"][kind]


@pytest.mark.parametrize("name", ["history", "images", "inline"])
def test_figures_show_themselves(outputs: dict[str, list[Any]], name: str) -> None:
    assert base64.b64decode(shown(outputs, name, "image/png")).startswith(b"\x89PNG")


def test_a_figure_is_matplotlibs_own_shows_later_changes_and_can_be_copied() -> None:
    from matplotlib.figure import Figure

    figure = new_figure(3, 2)
    assert type(figure) is Figure
    before = figure._repr_png_()
    for copied in (figure, copy.deepcopy(figure), pickle.loads(pickle.dumps(figure))):
        copied.suptitle("changed")
        assert copied._repr_png_() != before
        copied.suptitle("")


@pytest.mark.parametrize("name", ["graph", "drawing", "model"])
def test_graphs_and_networks_are_images(outputs: dict[str, list[Any]], name: str) -> None:
    image = shown(outputs, name, "text/html")
    assert "max-width:100%" in image
    found = re.search(r"base64,([^\"]+)", image)
    assert found
    assert base64.b64decode(found[1]).decode() == shown(outputs, name, "image/svg+xml")


def test_a_leaf_is_shown_as_text(outputs: dict[str, list[Any]]) -> None:
    assert outputs["leaf"][0]["data"] == {"text/plain": "Value(1.0)"}


def test_two_players_in_one_notebook_are_pages_of_their_own(outputs: dict[str, list[Any]]) -> None:
    for name in ("play", "play again"):
        frame = shown(outputs, name, "text/html")
        assert frame.startswith("<iframe")
        assert frame.count("<") == 2  # the page inside is an attribute, which nothing can end
        assert "</html>" in html.unescape(frame)


def test_training_has_one_bar_and_its_lines(outputs: dict[str, list[Any]]) -> None:
    bars = [output for output in outputs["fit"] if output.output_type == "display_data"]
    lines = "".join(o["text"] for o in outputs["fit"] if o.output_type == "stream")
    (bar,) = bars
    assert '<progress value="3" max="3">' in bar["data"]["text/html"]
    assert bar["data"]["text/plain"].startswith("epoch 3/3: 3/3  loss ")
    assert [line[:9] for line in lines.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_other_long_work_has_a_bar_as_well(outputs: dict[str, list[Any]]) -> None:
    assert shown(outputs, "bar", "text/plain") == "two things: 2/2"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.skipif(PROGRAM is None, reason="no chromium or google-chrome on the PATH")
@pytest.mark.parametrize("width", [390, 1000])
def test_pictures_fit_the_cell_and_are_not_blown_up(
    outputs: dict[str, list[Any]], browser: Browser, tmp_path: Path, width: int
) -> None:
    names = ["drawing", "small", "model", "play", "play again"]
    cells = "".join(f"<div>{shown(outputs, name, 'text/html')}</div>" for name in names)
    page = tmp_path / "cells.html"
    page.write_text(f"<!DOCTYPE html><meta charset='utf-8'><body>{cells}</body>", encoding="utf-8")
    browser.screen(width, 800)
    browser.open(page)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    sizes = "[...document.images].map(image => [image.clientWidth, image.naturalWidth, image.clientHeight])"
    (wide, full, _), (small, natural, _), _ = browser.run(sizes)
    assert wide < full
    assert wide == pytest.approx(width, abs=40)
    assert small == natural
    playing = """[...document.querySelectorAll('iframe')].map(frame => {
      frame.contentDocument.getElementById('next').click();
      return frame.contentDocument.getElementById('phase').textContent;
    })"""
    assert [words[:9] for words in browser.run(playing)] == ["step 2 of"] * 2
    assert browser.complaints == []
