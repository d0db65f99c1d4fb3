"""From DOT to a file: Graphviz draws, wherever it can be found.

Graphviz is a program, `dot`, which many computers lack. The package pygraphviz brings it along as a library.
Either will do; with neither, the message says what to install, and DOT text can be written all the same.
The library runs in a process of its own, so that nothing it prints or trips over reaches yours.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

from tinygrad_edu.drawing.fitting import anchored, with_room
from tinygrad_edu.drawing.style import in_page, with_dark_colors
from tinygrad_edu.support import check_writable, not_installed, replacing

#: What pictures can be written as, by the file's name.
FORMATS = (".svg", ".png", ".pdf", ".dot", ".html")
Engine = Literal["dot", "neato"]

_LIBRARY = """
import sys, pygraphviz
engine, format, dpi = sys.argv[1:]
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
if dpi:
    graph.graph_attr["dpi"] = dpi
sys.stdout.buffer.write(graph.draw(format=format, prog=engine))
"""


class DrawingError(RuntimeError):
    """Graphviz is missing, or could not draw."""


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that a picture can be written to, before any work is done for it.

    Raises ValueError for an unknown ending; FileNotFoundError, NotADirectoryError, IsADirectoryError
    or PermissionError if no file can be written there.

    >>> check_path("graph.jpeg")
    Traceback (most recent call last):
    ValueError: cannot write 'graph.jpeg': the name should end in .svg, .png, .pdf, .dot or .html
    """
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise ValueError(f"cannot write {str(file)!r}: the name should end in {known}")
    check_writable(file)
    return file


def find_graphviz() -> str:
    """Return how Graphviz can be run here: the path of `dot`, or "pygraphviz". Raises DrawingError."""
    if program := shutil.which("dot"):
        return program
    if importlib.util.find_spec("pygraphviz") is not None:
        return "pygraphviz"
    raise DrawingError(
        f"{not_installed('Graphviz', 'a picture', 'pygraphviz')} "
        '(the text of a ".dot" file and value.tree() need nothing)'
    )


def render(source: str, form: str, engine: Engine = "dot", graphviz: str = "") -> bytes:
    """Return DOT text drawn as "svg", "png" or "pdf", with Graphviz as `find_graphviz` found it.

    Raises DrawingError if Graphviz is missing or fails.
    """
    dpi = "144" if form == "png" else ""
    program = graphviz or find_graphviz()
    if program == "pygraphviz":
        command = [sys.executable, "-c", _LIBRARY, engine, form, dpi]
    else:
        command = [program, f"-K{engine}", f"-T{form}", *([f"-Gdpi={dpi}"] if dpi else [])]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DrawingError(
            f"Graphviz ({program}) could not draw the {form} (exit status {done.returncode}): "
            f"{said[-1] if said else 'it said nothing'}"
        )
    return done.stdout


def render_svg(source: str, title: str, engine: Engine = "dot", graphviz: str = "") -> str:
    """Return DOT text drawn as an SVG element that can stand in a page, with a title for screen readers."""
    text = anchored(render(with_room(source), "svg", engine, graphviz).decode())
    text = text[text.index("<svg") :]
    text = re.sub(
        r"<title>.*?</title>\n", "", text, flags=re.DOTALL
    )  # node keys, which tell nobody anything
    text = re.sub(r"<!-- .*? -->\n", "", text, flags=re.DOTALL)
    opening, end, rest = with_dark_colors(text).partition(">")
    return f'{opening} role="img"{end}\n<title>{in_page(title)}</title>{rest}'


def write(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    with replacing(path) as file:
        file.write(content)
