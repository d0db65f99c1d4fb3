"""Text fits into its shapes, whatever sans-serif font a viewer has: looked at in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import Dense, Sequential, Sigmoid, Value, draw_network, play_backward
from tinygrad_edu.drawing import Drawing, render
from tinygrad_edu.drawing.fitting import anchored, width_of, with_room
from tinygrad_edu.drawing.style import FONT

from .chromium import PROGRAM, Browser

PICTURES = sorted((Path(__file__).parents[2] / "docs" / "pictures").glob("*.svg"))
FONTS = ("DejaVu Sans", "Liberation Sans", "Noto Sans")
needs_browser = pytest.mark.skipif(
    PROGRAM is None, reason="no chromium or google-chrome on the PATH"
)
needs_graphviz = pytest.mark.skipif(
    not (shutil.which("dot") or render.importlib.util.find_spec("pygraphviz")),
    reason="neither the program dot nor the package pygraphviz is installed",
)

#: Returns what sticks out, as sentences: a text out of its shape or the picture, or over another text.
STICKS_OUT = """(() => {
  const SPARE = .6, found = [];
  const svg = document.documentElement, paper = svg.getBoundingClientRect();
  const inside = (r, s) => r.left >= s.left - SPARE && r.right <= s.right + SPARE
    && r.top >= s.top - SPARE && r.bottom <= s.bottom + SPARE;
  const texts = [...svg.querySelectorAll("text")].map(text => ({
    text, group: text.closest("g.node, g.edge, g.cluster, g.graph"), box: text.getBoundingClientRect()}));
  for (const {text, group, box} of texts) {
    const say = what => found.push(`"${text.textContent}" sticks out of ${what}`);
    if (!inside(box, paper)) say("the picture");
    const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    const shapes = [...(group || svg).children]
      .filter(child => ["polygon", "ellipse", "path"].includes(child.tagName))
      .map(child => child.getBoundingClientRect())
      .filter(s => s.left < x && x < s.right && s.top < y && y < s.bottom)
      .sort((a, b) => a.width * a.height - b.width * b.height);
    // Of a font's line, which is higher than its letters, some may lie above or below.
    const part = box.height / 5;
    const ink = {left: box.left, right: box.right, top: box.top + part, bottom: box.bottom - part};
    if (shapes.length && !inside(ink, shapes[0])) say("its shape");
  }
  const seen = texts.filter(({text}) => !text.classList.contains("step"));  // these come one at a time
  for (const [i, a] of seen.entries()) for (const b of seen.slice(i + 1)) {
    const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
    const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
    if (wide > SPARE && high > Math.min(a.box.height, b.box.height) * .4)
      found.push(`"${a.text.textContent}" covers "${b.text.textContent}"`);
  }
  return found;
})()"""


def installed(font: str) -> bool:
    """Return whether this machine has a font."""
    if shutil.which("fc-match") is None:
        return False
    asked = subprocess.run(["fc-match", font], capture_output=True, text=True, check=False)
    return f'"{font}"' in asked.stdout


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.screen(1600, 1200, calm=True)
        yield browser


def sticking_out(browser: Browser, svg: str, font: str, folder: Path) -> Any:
    """Return what sticks out of a picture if it is shown in a font, which it does name."""
    assert FONT in svg
    (folder / "picture.svg").write_text(svg.replace(FONT, font), encoding="utf-8")
    browser.open(folder / "picture.svg")
    return browser.run(STICKS_OUT)


@needs_browser
@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_text_fits_into_every_picture_of_the_documentation(
    browser: Browser, picture: Path, font: str, tmp_path: Path
) -> None:
    if not installed(font):
        pytest.skip(f"the font {font} is not installed")
    svg = picture.read_text(encoding="utf-8")
    if "<text" not in svg:
        pytest.skip("its letters are outlines")
    assert sticking_out(browser, svg, font, tmp_path) == []


def long_words() -> Value:
    """A graph with long names, long numbers, and letters of other scripts."""
    names = [
        "Wahrscheinlichkeit_für_Regen",
        "MMMMMMMM WWWW",
        "illiilli",
        "σ′(z) ≈ ∂L/∂w",
        "Ж И 重み",
    ]
    total = Value(-0.000123456, name="@@@")
    for i, name in enumerate(names):
        total = (total + Value(-1234.5678 * (i + 1), name=name)).sin()
    total.name = "a\nb & <c>"
    total.backward()
    return total


@needs_browser
@needs_graphviz
@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("what", ["graph", "moving", "network", "weights", "blocks"])
def test_text_fits_into_pictures_with_long_words(
    browser: Browser, what: str, font: str, tmp_path: Path
) -> None:
    if not installed(font):
        pytest.skip(f"the font {font} is not installed")
    model = Sequential(Dense(3, 4), Sigmoid(), rng=0)
    words = ["Wahrscheinlichkeit", "WWWW", "il"]
    if what == "graph":
        svg = long_words().draw(digits=6, legend=True, direction="right").svg()
    elif what == "moving":
        play_backward(long_words(), tmp_path / "moving.svg")
        svg = (tmp_path / "moving.svg").read_text(encoding="utf-8")
    elif what == "network":
        large = Sequential(Dense(3, 20), Sigmoid(), Dense(20, 3), rng=0)
        svg = draw_network(large, input=[1, -2.345, 0], input_names=words, labels=words).svg()
    elif what == "weights":
        svg = draw_network(model, input=[1, -2.345, 0], input_names=words).svg()
    else:
        svg = draw_network(model, view="blocks").svg()
    assert sticking_out(browser, svg, font, tmp_path) == []


@needs_browser
@needs_graphviz
def test_what_sticks_out_is_seen(browser: Browser, tmp_path: Path) -> None:
    svg = long_words().draw().svg()
    assert sticking_out(browser, svg.replace('font-size="12.00"', 'font-size="16"'), FONT, tmp_path)


def test_each_cell_is_as_wide_as_its_widest_line() -> None:
    label = '<TABLE><TR><TD ALIGN="LEFT">a<BR/><FONT POINT-SIZE="20"><B>WWW</B></FONT></TD></TR></TABLE>'
    roomy = with_room(f'digraph {{ a -> b [label=<{label}>] c [label="a < b > c"] }}')
    width = 20 * (3 * 1.1)
    assert width_of("WWW", 20, bold=True) == pytest.approx(width)
    assert 'ALIGN="LEFT" WIDTH="68">a<FONT POINT-SIZE="1">l</FONT><BR/>' in roomy
    assert 'c [label="a < b > c"]' in roomy


def test_cells_of_a_fixed_size_and_labels_without_text_are_left_as_they_are() -> None:
    table = (
        '<TABLE><TR><TD FIXEDSIZE="TRUE" WIDTH="2" HEIGHT="2"></TD><TD WIDTH="9"></TD></TR></TABLE>'
    )
    source = f"digraph {{ a [label=<{table}>] }}"
    assert with_room(source) == source


@pytest.mark.parametrize(
    ("side", "anchor"), [("l", 'start" x="10'), ("m", 'middle" x="15'), ("r", 'end" x="20')]
)
def test_text_is_anchored_at_its_side(side: str, anchor: str) -> None:
    text = '<text text-anchor="start" x="{}" y="5" font-size="{}">{}</text>\n'
    svg = text.format(10, "12.00", "0.5") + text.format(20, "1.00", side)
    assert anchored(svg) == f'<text text-anchor="{anchor}.00" y="5" font-size="12.00">0.5</text>\n'


@needs_graphviz
def test_plain_graphs_can_be_drawn_too() -> None:
    assert Drawing('digraph { a [label="one"] b [label=<two>] a -> b [label="three"] }').svg()


@needs_browser
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_pictures_of_the_documentation_follow_dark_mode(browser: Browser, picture: Path) -> None:
    if "<text" not in picture.read_text(encoding="utf-8"):  # a chart: turned dark as a whole
        for dark in (True, False):
            browser.screen(1600, 1200, dark=dark, calm=True)
            browser.open(picture)
            look = browser.run("getComputedStyle(document.querySelector('#figure_1')).filter")
            assert look.startswith("invert(0.94)" if dark else "none")
        return
    brightness = """(() => {
      const parts = color => color.match(/\\d+/g).slice(0, 3).map(Number);
      const of = part => Math.max(...parts(getComputedStyle(part).fill));
      const texts = [...document.querySelectorAll("text")].filter(text => text.closest("g.graph"));
      return [of(document.querySelector("g.graph > polygon")),
        Math.min(...texts.map(text => of(text)))];
    })()"""
    try:
        browser.screen(1600, 1200, dark=True, calm=True)
        browser.open(picture)
        ground, darkest_text = browser.run(brightness)
        assert ground < 40
        assert darkest_text > 120
    finally:
        browser.screen(1600, 1200, calm=True)
    ground, _ = browser.run(brightness)
    assert ground == 255
