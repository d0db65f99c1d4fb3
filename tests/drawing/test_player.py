"""The backward player: its frames, and the page in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tinygrad_edu import ops
from tinygrad_edu.drawing import draw, draw_graph, draw_network, play_backward, render
from tinygrad_edu.drawing.graph import graph
from tinygrad_edu.drawing.player import play
from tinygrad_edu.drawing.player.animation import STEP
from tinygrad_edu.drawing.player.sentences import backward_lines, forward_line, name_all, put_in
from tinygrad_edu.nn import Dense
from tinygrad_edu.value import Value, ancestors, grad

from .chromium import PROGRAM, Browser
from .test_picture import neuron, random_graph

pytestmark = pytest.mark.skipif(
    not (render.shutil.which("dot") or render.importlib.util.find_spec("pygraphviz")),
    reason="neither the program dot nor the package pygraphviz is installed",
)
needs_browser = pytest.mark.skipif(
    PROGRAM is None, reason="no chromium or google-chrome on the PATH"
)


def frames_of(page: Path) -> list[dict[str, Any]]:
    found = re.search(r'id="frames">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return list(json.loads(found.group(1)))


# -- sentences -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "forward", "backward"),
    [
        (lambda x, y: x * y, "c = a·b = 2 × (−3) = −6", "∂c/∂a += ∂c/∂c · b"),
        (lambda x, y: x + y, "c = a + b = 2 + (−3) = −1", "∂c/∂a += ∂c/∂c · 1"),
        (lambda x, y: x / y, "c = a/b = 2/(−3) = −0.6667", "∂c/∂a += ∂c/∂c · 1/b"),
        (lambda x, y: x**2, "c = a² = 2² = 4", "∂c/∂a += ∂c/∂c · 2·a"),
        (lambda x, y: y**3, "c = b³ = (−3)³ = −27", None),
        (lambda x, y: x**2.5, "c = a^2.5 = 2^2.5 = 5.657", "∂c/∂a += ∂c/∂c · 2.5·a^(2.5−1)"),
        (lambda x, y: x**y, "c = a^b = 2^(−3) = 0.125", "∂c/∂a += ∂c/∂c · b·a^(b−1)"),
        (lambda x, y: x.exp(), "c = e^a = e^2 = 7.389", "∂c/∂a += ∂c/∂c · e^a"),
        (lambda x, y: x.tanh(), "c = tanh a = tanh 2 = 0.964", "∂c/∂a += ∂c/∂c · (1 − tanh² a)"),
        (lambda x, y: x.sigmoid(), "c = σ(a) = σ(2) = 0.8808", "∂c/∂a += ∂c/∂c · σ(a)·(1 − σ(a))"),
        (lambda x, y: x.relu(), "c = max(a, 0) = max(2, 0) = 2", "∂c/∂a += ∂c/∂c · [a > 0]"),
        (lambda x, y: -x, "c = −a = −2", "∂c/∂a += ∂c/∂c · (−1)"),
        (lambda x, y: x.log(), "c = ln a = ln 2 = 0.6931", "∂c/∂a += ∂c/∂c · 1/a"),
        (lambda x, y: abs(x), "c = |a| = |2| = 2", "∂c/∂a += ∂c/∂c · sign(a)"),
        (lambda x, y: 1.0 - x, "c = 1 − a = 1 − 2 = −1", None),
    ],
)
def test_each_step_is_said_with_symbols_and_numbers(
    make: Any, forward: str, backward: str | None
) -> None:
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    c = make(a, b)
    c.name = "c"
    names = name_all(ancestors(c)) | {a: "a", b: "b"}
    assert forward_line(c, names, 4) == forward
    if backward:
        assert backward_lines(c, 0, 1.0, grad(c, a), names, c, 4)[0] == backward


def test_the_line_of_the_chain_rule_has_its_numbers() -> None:
    w, x = Value(2.0, name="w"), Value(0.593, name="x")
    z = w * x
    assert backward_lines(z, 0, 0.138, 0.138 * 0.593, {w: "w", x: "x", z: "z"}, z, 3) == [
        "∂z/∂w += ∂z/∂z · x",
        "= 0.138 × 0.593 = 0.0818",
    ]


def test_products_of_matrices_are_said_with_what_flows_in() -> None:
    w = Value(np.ones((3, 2)), name="W")
    y = ops.dense(np.ones((4, 3)), w, Value(np.zeros(2), name="b"))
    names = {w: "weight", y: "y", y.inputs[2]: "bias"}
    line = backward_lines(y, 1, np.ones((4, 2)), np.ones((3, 2)), names, y, 4)[0]
    assert line == "∂y/∂weight += xᵀ @ ∂y/∂y"
    assert forward_line(y, names, 4) == "y = x @ weight + bias = 4×2: all 3"


@pytest.mark.parametrize("name", sorted(ops.OPERATIONS))
def test_every_operation_has_a_line(name: str) -> None:
    operation = ops.OPERATIONS[name]
    if not isinstance(operation, ops.Operation) or not operation.differentiable:
        return
    formula = operation.formula.split("        ")[0]
    assert put_in(formula, {"x": "first", "y": "second"})


def test_all_values_get_different_names() -> None:
    x = Value(1.0, name="v₁")
    y = (x * 2.0) * (x + 1.0)
    assert sorted(name_all(ancestors(y)).values()) == ["L", "v₁", "v₂", "v₃"]


# -- frames ----------------------------------------------------------------------------------------


def test_values_appear_in_the_order_of_the_forward_pass(tmp_path: Path) -> None:
    loss, _ = neuron()
    play_backward(loss, tmp_path / "steps.html")
    forward = [frame for frame in frames_of(tmp_path / "steps.html") if frame["phase"] == "forward"]
    computed = [node.data for node in reversed(ancestors(loss)) if node.op is not None]
    assert [frame["value"] for frame in forward[1:]] == computed


@pytest.mark.parametrize("seed", range(6))
def test_the_last_frame_of_each_value_holds_its_gradient(tmp_path: Path, seed: int) -> None:
    output, leaves = random_graph(seed)
    play_backward(output, tmp_path / "steps.html")
    last = {
        f["node"]: f["after"]
        for f in frames_of(tmp_path / "steps.html")
        if f["phase"] == "backward"
    }
    nodes = ancestors(output)
    by_key = {f"v{number}": node for number, node in enumerate(reversed(nodes))}
    expected = dict(zip(nodes, grad(output, nodes), strict=True))
    assert {key: expected[by_key[key]] for key in last} == last  # the same bits, in the same order
    assert all(leaf.grad is None for leaf in leaves)


def test_frames_of_a_folded_graph_end_at_the_same_gradients(tmp_path: Path) -> None:
    xs = [Value(0.5, name="x0"), Value(-1.0, name="x1")]
    hidden = [
        (
            xs[0] * Value(0.3, name=f"hidden[{j}].w[0]")
            + xs[1] * Value(0.1 * j, name=f"hidden[{j}].w[1]")
        ).tanh()
        for j in range(3)
    ]
    loss = (hidden[0] + hidden[1] * hidden[2]) ** 2
    play_backward(loss, tmp_path / "steps.html", fold="neurons")
    frames = frames_of(tmp_path / "steps.html")
    last = {frame["node"]: frame["after"] for frame in frames if frame["phase"] == "backward"}
    number = {node: f"v{n}" for n, node in enumerate(reversed(ancestors(loss)))}
    for x in [*xs, *hidden]:
        assert last[number[x]] == pytest.approx(grad(loss, x))
    assert any(
        "flows back through hidden[0]" in line for frame in frames for line in frame["lines"]
    )


def test_accumulation_is_shown_where_a_value_is_reached_twice(tmp_path: Path) -> None:
    a = Value(3.0, name="a")
    play_backward(a * a, tmp_path / "steps.html")
    *_, first, second = frames_of(tmp_path / "steps.html")
    assert (first["after"], first["done"]) == (3.0, False)
    assert first["lines"][-1] == "1 more edge will arrive here."
    assert (second["after"], second["done"]) == (6.0, True)
    assert second["lines"][-1] == "added to what had arrived at a before: 3 + 3 = 6"


def test_gradients_of_the_values_are_not_touched(tmp_path: Path) -> None:
    loss, v = neuron()
    v["x1"].grad = 7.0
    draw_graph(loss, tmp_path / "steps.html")
    assert v["x1"].grad == 7.0
    assert v["x2"].grad is None


def test_infinities_and_nan_are_written_as_text(tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        y = Value(0.0, name="x").log() * 0.0
        play_backward(y, tmp_path / "steps.html")
    assert {"−∞", "NaN"} <= {frame.get("value") for frame in frames_of(tmp_path / "steps.html")}


@pytest.mark.parametrize(
    ("value", "name", "message"),
    [
        (Value(1.0), "steps.svg", "was not computed"),
        (Value(1.0) * 2.0, "steps.png", "ends in .html, or .*ends in .svg"),
    ],
)
def test_what_cannot_be_played_is_refused(
    tmp_path: Path, value: Value, name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        play_backward(value, tmp_path / name)


def replaced() -> Value:
    w = Value(1.0, name="w")
    y = w * w
    w.data = 2.0
    return y


def test_what_is_no_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="expected a Value to play, got float"):
        draw_graph(2.0, tmp_path / "steps.html")  # type: ignore[arg-type]


def test_replaced_data_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="replaced"):
        play_backward(replaced(), tmp_path / "steps.svg")


def three_pages(folder: Path, value: Value, **options: Any) -> set[str]:
    """Write a page in each of the three ways that there are; return the different ones."""
    play_backward(value, folder / "played.html", **options)
    draw_graph(value, folder / "drawn.html", **options)
    draw_graph(value, **options).save(folder / "saved.html")
    return {file.read_text(encoding="utf-8") for file in folder.glob("*.html")}


def test_all_ways_to_write_a_page_write_the_same_player(tmp_path: Path) -> None:
    loss, v = neuron()
    for options in ({}, {"highlight": v["x1"]}, {"digits": 2, "direction": "down", "max_nodes": 5}):
        (page,) = three_pages(tmp_path, loss, **options)
        assert "flows back" in page


@pytest.mark.parametrize(
    ("value", "words"),
    [(Value(1.5, name="w"), "was not computed"), (replaced(), "data was replaced")],
)
def test_where_there_is_nothing_to_play_the_page_shows_the_picture_and_says_so(
    tmp_path: Path, value: Value, words: str
) -> None:
    (page,) = three_pages(tmp_path, value)
    (frame,) = frames_of(tmp_path / "saved.html")
    assert words in frame["lines"][0]
    assert ">w</text>" in page


def test_the_player_shows_paths_and_differences(tmp_path: Path) -> None:
    def run(factor: float) -> tuple[Value, Value]:
        w = Value(2.0, name="w")
        y = (w * factor + w).tanh()
        y.backward()
        return y, w

    (here, w), (there, _) = run(3.0), run(4.0)
    (page,) = three_pages(tmp_path, here, highlight=w)
    assert "2 paths" in page
    assert 'class="node leaf path"' in page
    (page,) = three_pages(tmp_path, here, diff=there)
    assert "gradients first part" in page
    assert ">other</text>" in page.replace(" </text>", "</text>").replace("\xa0</text>", "</text>")


def test_graphviz_is_looked_up_once_and_the_picture_built_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups, pictures = [], []
    find, picture = render.find_graphviz, graph.picture_graph
    for module in (render, play):
        monkeypatch.setattr(module, "find_graphviz", lambda: lookups.append(1) or find())
    for module in (draw, play):
        monkeypatch.setattr(
            module, "picture_graph", lambda *a, **o: pictures.append(1) or picture(*a, **o)
        )
    for name in ("steps.html", "graph.svg", "graph.png"):
        lookups.clear()
        pictures.clear()
        draw_graph(neuron()[0], tmp_path / name)
        assert (len(lookups), len(pictures)) == (1, 1), name


def test_a_page_of_100_nodes_is_small_and_names_no_other_address(tmp_path: Path) -> None:
    total = Value(0.0, name="start")
    for i in range(33):
        total = (total * Value(0.5, name=f"w{i}")).tanh()
    assert len(ancestors(total)) == 100
    page = tmp_path / "steps.html"
    play_backward(total, page, fold="nothing")
    assert page.stat().st_size < 500_000
    assert "http" not in page.read_text(encoding="utf-8")


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    w = Value(2.0, name="</script><script>alert(1)</script>[[SVGS]] \\N")
    play_backward(w * w, tmp_path / "steps.html")
    text = (tmp_path / "steps.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert text.count("<svg") == 6  # two layouts and four buttons
    assert w.name in frames_of(tmp_path / "steps.html")[1]["lines"][0]  # type: ignore[operator]


@pytest.mark.parametrize("name", ["\ud800", "\x00", "\\1", "a\nb"])
def test_every_string_can_be_a_name_in_a_page(tmp_path: Path, name: str) -> None:
    play_backward(Value(2.0, name=name) ** 2, tmp_path / "steps.html")
    assert len(frames_of(tmp_path / "steps.html")) > 2


# -- the moving picture ----------------------------------------------------------------------------


def test_the_moving_picture_is_a_small_file_without_a_program(tmp_path: Path) -> None:
    loss, _ = neuron()
    play_backward(loss, tmp_path / "steps.svg")
    play_backward(loss, tmp_path / "steps.html")
    text = (tmp_path / "steps.svg").read_text(encoding="utf-8")
    assert len(text.encode()) < 100_000
    assert "<script" not in text
    assert set(re.findall(r'https?://[^"]*', text)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    captions = ElementTree.fromstring(text).findall(".//*[@class='step']")
    assert [["".join(line.itertext()) for line in caption] for caption in captions] == [
        frame["lines"] for frame in frames_of(tmp_path / "steps.html")
    ]


def test_names_cannot_break_the_moving_picture(tmp_path: Path) -> None:
    w = Value(2.0, name="</text><b>&\0")
    play_backward(w * w, tmp_path / "steps.svg")
    picture = ElementTree.parse(tmp_path / "steps.svg")
    assert any("</text><b>&␀" in text for text in picture.getroot().itertext())


@needs_browser
@pytest.mark.parametrize("highlighted", [None, "n.w1"])
def test_the_picture_moves_step_by_step(
    browser: Browser, tmp_path: Path, highlighted: str | None
) -> None:
    loss, named = neuron()
    highlight = named[highlighted] if highlighted else None
    play_backward(loss, tmp_path / "steps.svg", highlight=highlight)
    play_backward(loss, tmp_path / "steps.html")
    frames = frames_of(tmp_path / "steps.html")
    browser.screen(1280, 800)
    browser.open(tmp_path / "steps.svg")
    for number in range(len(frames) + 1):
        milliseconds = (number + 0.5) * 1000 * STEP
        browser.run(
            f"document.getAnimations().forEach(a => {{ a.pause(); a.currentTime = {milliseconds} }})"
        )
        seen = set(browser.run(SEEN))
        shown = [key for f in frames[: number + 1] for key in f.get("show", [])]
        known = [f["node"] for f in frames[: number + 1] if f.get("done")]
        flowed = [f["edge"] for f in frames[: number + 1] if "edge" in f]
        assert seen == {f"step{number}"} - {f"step{len(frames)}"} | {
            *shown,
            *(f"{key} gradient" for key in [*known, *flowed]),
        }


@needs_browser
def test_the_picture_is_complete_where_nothing_should_move(
    browser: Browser, tmp_path: Path
) -> None:
    play_backward(Value(2.0, name="x") ** 2, tmp_path / "steps.svg")
    browser.screen(1280, 800, calm=True)
    browser.open(tmp_path / "steps.svg")
    assert browser.run("document.getAnimations().length") == 0
    assert {"v0", "v0 gradient", "e0 gradient"} <= set(browser.run(SEEN))
    assert not any(key.startswith("step") for key in browser.run(SEEN))


#: Finds the keys of the nodes, captions and gradients that are seen in a moving picture.
SEEN = """(() => {
  const seen = element => getComputedStyle(element).opacity === "1";
  const name = text => text.parentNode.id + " gradient";
  return [
    ...[...document.querySelectorAll("g.node, .step")].filter(seen).map(element => element.id),
    ...[...document.querySelectorAll("g [fill='#b03a00'], g [fill='#a8837a']")].filter(seen).map(name),
  ];
})()"""


# -- in a browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        running.screen(1280, 800)
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    loss, v = neuron()
    path = tmp_path_factory.mktemp("page") / "steps.html"
    play_backward(loss * v["n.w1"], path)
    return path


def shown(browser: Browser) -> dict[str, str]:
    """The gradient that each node shows at the moment, by node."""
    return dict(
        browser.run(
            "Object.fromEntries(Object.entries(gradientText)"
            ".filter(([_, text]) => getComputedStyle(text).visibility === 'visible')"
            ".map(([key, text]) => [key, text.textContent]))"
        )
    )


@needs_browser
def test_the_page_shows_what_python_computed_step_by_step(browser: Browser, page: Path) -> None:
    browser.open(page)
    frames = frames_of(page)
    expected: dict[str, str] = {}
    for number, frame in enumerate(frames):
        assert browser.run("document.getElementById('phase').textContent").startswith(
            f"step {number + 1} of {len(frames)}"
        )
        assert (
            browser.run("[...document.querySelectorAll('#lines p')].map(p => p.textContent)")
            == frame["lines"]
        )
        if "grad" in frame:
            expected[frame["node"]] = frame["grad"]
        assert shown(browser) == expected
        browser.press("ArrowRight")
    assert browser.requests == []
    assert browser.complaints == []


@needs_browser
def test_keys_buttons_and_slider_move(browser: Browser, page: Path) -> None:
    last = len(frames_of(page)) - 1
    browser.open(page)
    for key, step in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", last),
        ("ArrowRight", last),
    ]:
        browser.press(key)
        assert browser.run("at") == step
    browser.press("Home")
    assert browser.run("at") == 0
    browser.run("document.getElementById('next').click()")
    assert browser.run("at") == 1
    browser.run("document.getElementById('slider').value = 5")
    browser.run("document.getElementById('slider').oninput()")
    assert browser.run("at") == 5
    browser.run("document.getElementById('back').click()")
    browser.run("document.getElementById('first').click()")
    assert browser.run("[at, document.getElementById('slider').value]") == [0, "0"]


@needs_browser
def test_it_plays_and_pauses(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("speed = 60")
    browser.press(" ")
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "pause"
    browser.run(
        "new Promise(done => { const wait = () => at > 2 ? done() : setTimeout(wait, 10); wait(); })"
    )
    browser.press(" ")
    stopped = browser.run("at")
    browser.run("new Promise(done => setTimeout(done, 120))")
    assert browser.run("at") == stopped
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "play"


@needs_browser
def test_an_address_can_name_a_step(browser: Browser, page: Path) -> None:
    browser.open(page, "#7")
    assert browser.run("at") == 6
    browser.open(page, "#rubbish")
    assert browser.run("at") == 0


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 720), (1920, 1080)])
def test_it_fits_phones_and_projectors(
    browser: Browser, page: Path, width: int, height: int
) -> None:
    browser.screen(width, height)
    browser.open(page, "#20")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.documentElement.scrollHeight <= innerHeight")
    smallest = "Math.min(...[...document.querySelectorAll('button')].map(b => b.getBoundingClientRect().{}))"
    assert browser.run(smallest.format("height")) >= 36
    # What is talked about is on the screen, and large enough to read.
    inside = browser.run(
        "new Promise(done => setTimeout(() => done(frames[at].focus.map(find)"
        ".map(e => e.getBoundingClientRect())"
        ".every(r => r.left >= -60 && r.right <= innerWidth + 60)), 700))"
    )
    assert inside
    scale = browser.run("svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    assert scale * 12 >= 13


@needs_browser
def test_a_phone_gets_the_graph_downward(browser: Browser, page: Path) -> None:
    shape = "[svg.viewBox.baseVal.height > svg.viewBox.baseVal.width, at]"
    browser.screen(390, 800)
    browser.open(page, "#5")
    assert browser.run(shape) == [True, 4]
    visible = shown(browser)
    browser.screen(1280, 720)
    browser.run("new Promise(done => setTimeout(done, 100))")
    assert browser.run(shape) == [False, 4]
    assert shown(browser) == visible


@needs_browser
def test_dark_and_calm_are_respected(browser: Browser, page: Path) -> None:
    browser.screen(1280, 800, dark=True, calm=True)
    browser.open(page, "#20")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    moving = "getComputedStyle(document.querySelector('.edge.active > path')).animationName"
    assert browser.run(moving) == "none"
    assert browser.run("getComputedStyle(document.querySelector('.cluster > path')).fill") == "none"
    browser.screen(1280, 800)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run(moving) == "flow"


@needs_browser
def test_gradients_of_arrays_appear_when_they_are_complete(
    browser: Browser, tmp_path: Path
) -> None:
    w = Value(np.ones((2, 2)), name="W")
    play_backward((w * w).sum(), tmp_path / "steps.html")
    frames = frames_of(tmp_path / "steps.html")
    visible = "gradientParts.v0.every(part => getComputedStyle(part).visibility === 'visible')"
    browser.open(tmp_path / "steps.html", f"#{len(frames) - 1}")
    assert not browser.run(visible)
    browser.press("ArrowRight")
    assert browser.run(visible)
    assert browser.complaints == []


@needs_browser
def test_everything_can_be_reached_and_named_without_a_mouse(browser: Browser, page: Path) -> None:
    browser.open(page)
    unnamed = (
        "[...document.querySelectorAll('button, input')].filter(e => !e.getAttribute('aria-label'))"
    )
    assert browser.run(f"{unnamed}.length") == 0
    assert browser.run("document.getElementById('lines').getAttribute('aria-live')") == "polite"
    assert browser.run("document.querySelector('#picture svg > title').textContent").startswith(
        "How"
    )


# -- near and far ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    total = Value(0.1, name="start")
    for i in range(20):
        total = (total * Value(0.5, name=f"w{i}")).tanh()
    path = tmp_path_factory.mktemp("page") / "long.html"
    play_backward(total, path, fold="nothing")
    return path


#: Whether the whole picture is in sight, whether the overview is, and how many pixels a point has.
SIGHT = """(() => {
  const box = find("picture");
  const whole = box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight;
  return [whole, getComputedStyle(find("overview")).display !== "none", scale()];
})()"""


@needs_browser
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_a_large_graph_has_an_overview_and_can_be_seen_whole(
    browser: Browser, long_page: Path, width: int
) -> None:
    browser.screen(width, 800, calm=True)
    browser.open(long_page)
    assert browser.run(SIGHT)[:2] == [False, True]
    browser.press("0")
    assert browser.run(SIGHT)[:2] == [True, False]
    assert browser.run("find('whole').getAttribute('aria-pressed')") == "true"
    browser.run("find('whole').click()")
    assert browser.run(SIGHT)[:2] == [False, True]
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.complaints == []


@needs_browser
def test_keys_buttons_and_wheel_zoom(browser: Browser, long_page: Path) -> None:
    browser.screen(1280, 800, calm=True)
    browser.open(long_page)
    sizes = [browser.run("scale()")]
    for key in ("+", "+", "-", "-"):
        browser.press(key)
        sizes.append(browser.run("scale()"))
    for button in ("larger", "smaller"):
        browser.run(f"find('{button}').click()")
        sizes.append(browser.run("scale()"))
    expected = [1, 1.25, 1.25**2, 1.25, 1, 1.25, 1]
    assert [size / sizes[0] for size in sizes] == pytest.approx(expected, rel=1e-3)
    event = "new WheelEvent('wheel', {{deltaY: -100, ctrlKey: {}, cancelable: true}})"
    wheel = f"find('picture').dispatchEvent({event})"
    assert browser.run(wheel.format("false"))  # the wheel alone scrolls, as everywhere
    assert browser.run("scale()") == pytest.approx(sizes[0], rel=1e-3)
    assert not browser.run(wheel.format("true"))
    assert browser.run("scale()") > 1.2 * sizes[0]


@needs_browser
def test_what_is_looked_at_stays_in_its_place_while_zooming(
    browser: Browser, long_page: Path
) -> None:
    browser.screen(1280, 800, calm=True)
    browser.open(long_page, "#12")
    middle = """(() => {
      const box = find("picture").getBoundingClientRect(), picture = svg.getBoundingClientRect();
      return (box.left + box.width / 2 - picture.left) / picture.width;
    })()"""
    before = browser.run(middle)
    browser.press("+")
    assert browser.run(middle) == pytest.approx(before, abs=2e-3)


@needs_browser
def test_mouse_and_keys_move_the_picture(browser: Browser, long_page: Path) -> None:
    browser.screen(1280, 800, calm=True)
    browser.open(long_page, "#12")
    left = "find('picture').scrollLeft"
    before = browser.run(left)
    for kind, x in (("mousePressed", 700), ("mouseMoved", 600), ("mouseReleased", 600)):
        browser.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=300,
            button="left",
            buttons=1,
            clickCount=1,
        )
    assert browser.run(left) == before + 100
    shift = (
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true}))"
    )
    browser.run(shift)
    assert browser.run(left) > before + 300
    assert browser.run("at") == 11  # the step is the same
    browser.run("""(() => {
      const small = find("overview").getBoundingClientRect();
      find("overview").dispatchEvent(new PointerEvent("pointerdown",
        {buttons: 1, clientX: small.left + 1, clientY: small.top + small.height / 2}));
    })()""")
    assert browser.run(left) == 0  # the overview was touched at its left end


@needs_browser
def test_a_page_with_nothing_to_play_has_no_buttons_to_play(
    browser: Browser, tmp_path: Path
) -> None:
    Value(1.5, name="w").draw(tmp_path / "leaf.html")
    draw_network(Dense(2, 3, rng=0), tmp_path / "network.html")
    for name in ("leaf", "network"):
        browser.open(tmp_path / f"{name}.html")
        seen = "[...document.querySelectorAll('button')].filter(b => b.offsetWidth).map(b => b.id)"
        assert browser.run(seen) == ["smaller", "whole", "larger"]
        assert browser.run("find('picture').querySelectorAll('g.node').length") > 0
        browser.press("ArrowRight")
        assert browser.complaints == []


@needs_browser
def test_marks_keep_their_colors_and_gradients_wait_for_their_step(
    browser: Browser, tmp_path: Path
) -> None:
    loss, v = neuron()
    play_backward(loss, tmp_path / "steps.html", highlight=v["x1"])
    browser.screen(1280, 800, calm=True)
    browser.open(tmp_path / "steps.html")
    color = (
        "[...document.querySelectorAll('.edge > path')].map(path => getComputedStyle(path).stroke)"
    )
    assert "rgb(0, 114, 178)" in browser.run(color)
    parts = "[...document.querySelectorAll('.leaf, .result')].map(node => gradientParts[node.id])"
    hidden = f"{parts}.flat().every(part => getComputedStyle(part).visibility === 'hidden')"
    assert browser.run(f"{parts}.every(found => found.length)")  # those of faded nodes as well
    assert browser.run(hidden)
    browser.press("End")
    assert not browser.run(hidden)
    assert "rgb(176, 58, 0)" in browser.run(color)  # the edge that the gradient flows along
