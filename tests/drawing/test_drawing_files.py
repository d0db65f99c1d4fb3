"""Pictures in DOT, and as files of all kinds."""

from __future__ import annotations

import html
import os
import re
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tinygrad_edu.drawing import Drawing, DrawingError, draw_graph, play_backward, render
from tinygrad_edu.drawing.style import escape
from tinygrad_edu.value import Value

needs_graphviz = pytest.mark.skipif(
    not any(
        (render.shutil.which("dot"), render.importlib.util.find_spec("pygraphviz")),
    ),
    reason="neither the program dot nor the package pygraphviz is installed",
)

STRANGE = [
    "<b>bold</b>",
    'a "quoted" name',
    "back\\slash \\N \\G \\l",
    "R&D &amp; &lt;",
    "{record|fields}",
    "two\nlines",
    "∂L/∂w ж 中 🙂",
    "<<TABLE>>",
    "]];-->",
    "a  b",
    "trailing\\",
]


def example(name: str = "w") -> Value:
    w = Value(0.5, name=name)
    loss = (w * 3.0 - 1.0) ** 2
    loss.backward()
    return loss


def texts_of(svg: str) -> list[str]:
    found = re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL)
    return [html.unescape(text).replace("\xa0", " ") for text in found]


# -- names -----------------------------------------------------------------------------------------


@needs_graphviz
@pytest.mark.parametrize("name", STRANGE)
def test_names_are_shown_as_typed(name: str) -> None:
    shown = texts_of(draw_graph(example(name)).svg())
    for line in name.split("\n"):
        assert line in shown


@needs_graphviz
def test_control_characters_are_shown_as_signs() -> None:
    assert "bell␇ end␀" in texts_of(draw_graph(example("bell\a end\0")).svg())


@needs_graphviz
def test_names_of_layers_are_shown_as_typed() -> None:
    w = Value(0.5, name='<layer> & "co".w')
    assert '<layer> & "co"' in texts_of(draw_graph((w * 2.0) * 1.0).svg())


def test_half_characters_do_no_harm() -> None:
    assert escape("\ud800").encode() == "\N{REPLACEMENT CHARACTER}".encode()


# -- files -----------------------------------------------------------------------------------------


@needs_graphviz
@pytest.mark.parametrize(
    ("ending", "beginning"),
    [
        (".svg", b"<?xml"),
        (".png", b"\x89PNG"),
        (".pdf", b"%PDF"),
        (".dot", b"digraph"),
        (".html", b"<!DOCTYPE"),
    ],
)
def test_the_name_of_the_file_says_the_format(
    tmp_path: Path, ending: str, beginning: bytes
) -> None:
    path = tmp_path / f"graph{ending}"
    draw_graph(example(), path)
    assert path.read_bytes().startswith(beginning)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@needs_graphviz
def test_capitals_and_strings_are_fine(tmp_path: Path) -> None:
    draw_graph(example(), str(tmp_path / "GRAPH.SVG"))
    assert (tmp_path / "GRAPH.SVG").stat().st_size


@pytest.mark.parametrize("name", ["graph.jpeg", "graph", "graph.", ".svg.gz"])
def test_unknown_endings_name_the_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot or \.html"):
        draw_graph(example(), tmp_path / name)


def test_a_missing_folder_is_known_before_work_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tinygrad_edu.drawing.draw.picture_graph", lambda *_, **__: pytest.fail("worked")
    )
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        draw_graph(example(), tmp_path / "missing" / "graph.svg")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        draw_graph(example(), tmp_path / "file" / "graph.dot")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "graph.dot").mkdir()
    with pytest.raises(IsADirectoryError, match="that is a folder"):
        draw_graph(example(), tmp_path / "graph.dot")


def test_an_unwritable_folder_is_known_before_work_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(tmp_path, os.W_OK):  # the superuser may write anywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    try:
        with pytest.raises(PermissionError, match="may not be written to"):
            draw_graph(example(), tmp_path / "graph.dot")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@needs_graphviz
def test_a_failure_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.svg"
    draw_graph(example(), path)
    before = path.read_bytes()
    with pytest.raises(DrawingError, match="could not draw the svg"):
        Drawing("digraph { no").save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["graph.svg"]


@pytest.mark.parametrize("option", ["digits", "max_nodes"])
def test_numbers_below_one_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"expected {option} to be 1 or more, got 0"):
        draw_graph(example(), **{option: 0})  # type: ignore[arg-type]


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert draw_graph(example()).source.startswith("digraph")
    assert list(tmp_path.iterdir()) == []


# -- Graphviz, wherever it is ----------------------------------------------------------------------


def test_without_graphviz_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda _: None)
    for ending in (".svg", ".png", ".pdf", ".html"):
        with pytest.raises(DrawingError, match="pip install pygraphviz") as caught:
            draw_graph(example(), tmp_path / f"graph{ending}")
        assert "\n" not in str(caught.value)
    draw_graph(example(), tmp_path / "graph.dot")
    assert draw_graph(example())._repr_svg_() is None
    assert "picture.svg" in repr(draw_graph(example()))


@pytest.mark.skipif(
    not render.importlib.util.find_spec("pygraphviz"), reason="pygraphviz is not installed"
)
def test_the_library_draws_where_there_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert render.find_graphviz() == "pygraphviz"
    assert draw_graph(example()).svg().startswith("<svg")


def test_the_program_draws_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        'print("<svg>", *sys.argv[1:], len(sys.stdin.read()) > 9, "</svg>")\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render.find_graphviz() == str(program)
    assert (
        render.render("digraph { a -> b }", "png").split()
        == b"<svg> -Kdot -Tpng -Gdpi=144 True </svg>".split()
    )


# -- the same bytes, and in time -------------------------------------------------------------------

PROGRAM = """
import numpy as np
from tinygrad_edu.drawing import draw_graph
from tinygrad_edu.value import Value
x, w = Value(np.arange(12.0).reshape(3, 4), name="x"), Value(np.ones((4, 2)), name="layer.w")
y = ((x @ w).tanh() + 1.0).mean() * Value(2.0)
y.backward()
print(draw_graph(y, legend=True, highlight=w).source)
print(draw_graph(y, fold="layers").source)
"""


def test_the_same_program_gives_the_same_bytes_in_two_processes() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0].startswith(b"digraph")
    assert outputs[0] == outputs[1]


@needs_graphviz
def test_a_thousand_nodes_are_drawn() -> None:
    rng = np.random.default_rng(0)
    values = [Value(0.5 + i / 40, name=f"leaf{i}") for i in range(20)]
    while len(values) < 700:
        i, j = rng.integers(len(values) - 20, len(values), 2)
        values.append(values[i] * values[j])
    total = values[20]
    for value in values[400:]:
        total = total + value
    svg = draw_graph(total, fold="nothing").svg()
    assert svg.count('class="node') > 1000


@needs_graphviz
def test_a_picture_has_a_title_for_screen_readers() -> None:
    value = Value(1.0, name="a & b") * 2.0
    value.name = "c < d"
    svg = draw_graph(value).svg()
    assert "<title>computation graph of c &lt; d: 4 nodes</title>" in svg
    assert svg.count("<title>") == 1
    assert 'role="img"' in svg


@needs_graphviz
@pytest.mark.parametrize("name", [r"a\b", r"\1", r"\g<0>", "x > y", 'say "c"', "bell\x07"])
def test_any_name_stands_in_the_title_as_typed_and_leaves_the_picture_whole(
    name: str, tmp_path: Path
) -> None:
    value = Value(1.0) * 2.0
    value.name = name
    draw_graph(value).save(tmp_path / "graph.svg")
    play_backward(value, tmp_path / "steps.svg")
    shown = name.replace("\x07", "␇")
    for file in ("graph.svg", "steps.svg"):
        root = ElementTree.parse(tmp_path / file).getroot()
        assert shown in root.find("{*}title").text
    for draw in (draw_graph(value).save, partial(play_backward, value)):
        draw(tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text("utf-8")
        assert shown in html.unescape(page.partition("<title>")[2].partition("</title>")[0])
