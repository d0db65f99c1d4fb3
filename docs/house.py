"""The house: which rooms the package has, on which floor each stands, and what imports what.

    python docs/house.py

reads the imports of every module and draws them into `docs/pictures/house.svg`. A room is a module at the
root of the package, or a folder. Each answers one question, and stands on a floor: it imports from the floors
below, never from its own or from above. `tests/test_imports.py` holds the code to that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "tinygrad_edu"

#: The rooms of each floor, from the ground up, with the question that each answers.
FLOORS: tuple[dict[str, str], ...] = (
    {
        "number": "what is a number here?",
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
        "drawing": "what does it look like?",
    },
    {"training": "how does it learn?"},
    {"compare": "does my own derivation agree?", "lab": "what does a trained network know?"},
    {"__init__": "the front door: all that one imports"},
)

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
