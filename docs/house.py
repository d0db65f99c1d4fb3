"""The house: which rooms the package has, on which floor each stands, and what imports what.

    python docs/house.py

reads the imports of every module and draws them into `docs/pictures/house.svg`. A room is a module at the
root of the package, or a folder. Each answers one question, and stands on a floor: it imports from the floors
below, never from its own or from above. `tests/test_imports.py` holds the code to that.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tinygrad_edu.drawing.render import render_svg
from tinygrad_edu.drawing.style import GRAY, escape, new_graph
from tinygrad_edu.support import colors

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "house.svg"
PACKAGE = "tinygrad_edu"

#: The rooms of each floor, from the ground up, with the question that each answers.
FLOORS: tuple[dict[str, str], ...] = (
    {
        "number": "what is a number here?",
        "following": "does somebody write down what is calculated?",
        "recording": "is what is calculated remembered?",
        "support": "the small tools of all rooms",
        "by_hand": "how would one derive it with pencil and paper?",
    },
    {
        "ops": "what can be computed, and what is its derivative?",
        "datasets": "what can it learn from?",
    },
    {"operators": "how does a Value feel like a number?"},
    {"value": "what is a Value, and how does the chain rule walk back?"},
    {
        "check": "is a gradient right?",
        "nn": "what is a network made of?",
        "program": "what does the graph look like as code?",
        "drawing": "what does it look like?",
    },
    {"training": "how does it learn?"},
    {"compare": "does my own derivation agree?", "lab": "what does a trained network know?"},
    {
        "__init__": "the front door: all that one imports",
        "playground": "may I watch and touch?",
    },
)

#: The rooms that are read first, and how they stand out.
LESSON = ("ops", "value")
HEART = {"fillcolor": colors.PALE_ORANGE, "color": colors.DARK_ORANGE}
PLAIN = {"fillcolor": colors.PALE_BLUE, "color": colors.BLUE}

#: Folders in a room that have a front door of their own.
INNER_ROOMS = ("lab.damage", "lab.handwriting", "lab.recipes", "lab.sweep")


class Import(NamedTuple):
    """One name that a module imports: the name in full, and whether it happens as the module is imported."""

    name: str
    early: bool


def modules() -> list[Path]:
    """Return the files of the package, in order."""
    return sorted((ROOT / PACKAGE).rglob("*.py"))


def room_of(file: Path) -> str:
    """Return the first name below the package: a module, or a folder with all that is in it."""
    return file.relative_to(ROOT / PACKAGE).with_suffix("").parts[0]


def imports_of(source: str) -> Iterator[Import]:
    """Yield every import of a module's source; all must be absolute.

    Raises ValueError for a relative import.
    """
    tree = ast.parse(source)
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node not in late)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: write the import from {PACKAGE} on, in full")
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node not in late)


def rooms_used(file: Path) -> set[str]:
    """Return which other rooms a file imports from."""
    names = [found.name.split(".") for found in imports_of(file.read_text(encoding="utf-8"))]
    used = {name[1] if len(name) > 1 else "__init__" for name in names if name[0] == PACKAGE}
    return used - {room_of(file)}


def edges() -> set[tuple[str, str]]:
    """Return which room imports from which, (upper, lower)."""
    return {(room_of(file), room) for file in modules() for room in rooms_used(file)}


def without_detours(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return only the imports that no way over other rooms stands for, so that a picture can be read."""
    below: dict[str, set[str]] = {}
    for upper, lower in pairs:
        below.setdefault(upper, set()).add(lower)

    def reach(room: str) -> set[str]:
        found = set(below.get(room, ()))
        return found.union(*map(reach, found))

    return {
        (upper, lower)
        for upper, lower in pairs
        if not any(lower in reach(other) for other in below[upper] - {lower})
    }


def lines_of_code(room: str) -> int:
    """Return how many lines of code a room has."""
    return sum(lines_of(file) for file in modules() if room_of(file) == room)


def lines_of(file: Path) -> int:
    """Return how many lines of a file are neither blank nor comment nor docstring."""
    text = file.read_text(encoding="utf-8")
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documented and ast.get_docstring(node) is not None:
            first = node.body[0]
            prose.update(range(first.lineno, (first.end_lineno or 0) + 1))
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in nothing | {tokenize.ENDMARKER}:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def to_dot() -> str:
    """Return the house in the language of Graphviz: the front door on top, a row for each floor."""
    graph = new_graph(splines="spline")
    graph.attr(ranksep="0.45", nodesep="0.35")
    graph.attr("node", shape="box", style="rounded,filled", margin="0.16,0.07")
    for number, floor in enumerate(FLOORS, start=1):
        with graph.subgraph() as row:
            row.attr(rank="same")
            row.node(f"floor {number}", f"{number}", shape="plaintext", style="", fontcolor=GRAY)
            for room, question in floor.items():
                row.node(room, _label(room, question), **(HEART if room in LESSON else PLAIN))
        if number > 1:
            graph.edge(f"floor {number}", f"floor {number - 1}", style="invis")
    for upper, lower in sorted(without_detours(edges())):
        graph.edge(upper, lower)
    return str(graph.source)


def _label(room: str, question: str) -> str:
    kind = "" if (ROOT / PACKAGE / room).is_dir() else ".py"
    words, lines = question.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 24:
            lines.append("")
        lines[-1] += f"{word} "
    told = "".join(f"{escape(line.strip())}<BR/>" for line in lines)
    count = f"{lines_of_code(room):,} lines of code"
    return (
        f"<<B>{room}{kind}</B><BR/><FONT POINT-SIZE='10'>{told}</FONT>"
        f"<FONT POINT-SIZE='9' COLOR='{GRAY}'>{count}</FONT>>"
    )


if __name__ == "__main__":
    PICTURE.write_text(
        render_svg(to_dot(), "The rooms of the house, and what imports what"), "utf-8"
    )
    print(
        f"{len(FLOORS)} floors, {len(edges())} imports between rooms: {PICTURE.relative_to(ROOT)}"
    )
