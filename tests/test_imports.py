"""Imports run one way: from what is built on top, down to the calculus; never back up.

    ops ← value ← layers, losses, optimizers, check, drawing ← saving, training, compare, back_query ← model

`datasets` and `by_hand` stand beside that: the one reads files and knows of no Value, the other derives
gradients without us.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "tinygrad_edu"
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))

#: Each room by the floor it stands on; a room imports from lower floors only.
FLOORS: list[set[str]] = [
    {"files", "threads"},  # whole files or none, one thread or many: they know nothing of numbers
    {"figures"},
    {"ops"},
    {"value"},
    {"initializers", "parts"},
    {"layers", "losses", "optimizers", "check", "drawing"},
    {"saving", "samples", "metrics", "plots", "progress"},
    {"history"},
    {"callbacks"},
    {"training", "compare", "back_query"},
    {"model", "portraits"},
    {"recipes", "damage", "dreaming", "reading", "sweep"},
    {"__init__", "__main__"},
]
#: Rooms beside the house, and the only others that they may use.
ALONE: dict[str, set[str]] = {"datasets": {"files"}, "by_hand": set()}
#: What else a room may use: compare puts hand-derived networks beside autograd, recipes and reading
#: come with their data.
AS_WELL: dict[str, set[str]] = {
    "compare": {"by_hand"},
    "recipes": {"datasets"},
    "reading": {"datasets"},
    "__init__": {*ALONE},
    "__main__": {*ALONE},
}

EVERYWHERE = {"numpy", "graphviz"}


def room_of(file: Path) -> str:
    """Return the first name below the package: a module, or a folder with all that is in it."""
    return file.relative_to(ROOT / PACKAGE).with_suffix("").parts[0]


def imports_of(source: str, module: str, is_package: bool) -> Iterator[tuple[str, bool]]:
    """Yield the full name of every import, and whether it happens when the module is imported."""
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
                yield alias.name, node not in late
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}", node not in late


def imports_of_file(file: Path) -> list[tuple[str, bool]]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    return list(imports_of(file.read_text(encoding="utf-8"), module, is_package))


def rooms_used(file: Path) -> set[str]:
    """Return which rooms of ours a file imports from."""
    names = [name.split(".") for name, _ in imports_of_file(file)]
    return {name[1] if len(name) > 1 else "__init__" for name in names if name[0] == PACKAGE}


def rooms_below(room: str) -> set[str]:
    """Return the rooms from which a room may import."""
    if room in ALONE:
        return ALONE[room]
    floor = next((i for i, rooms in enumerate(FLOORS) if room in rooms), None)
    assert floor is not None, f"{room} stands on no floor; give it one in FLOORS, in {__file__}"
    return set().union(*FLOORS[:floor]) | AS_WELL.get(room, set())


def short(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", FILES, ids=short)
def test_a_room_imports_only_from_the_floors_below(file: Path) -> None:
    room = room_of(file)
    up = rooms_used(file) - rooms_below(room) - {room}
    assert not up, f"{short(file)} imports upward, from {sorted(up)}"


@pytest.mark.parametrize("file", FILES, ids=short)
def test_modules_need_only_numpy_and_graphviz_to_be_imported(file: Path) -> None:
    early = {name.split(".")[0] for name, at_import in imports_of_file(file) if at_import}
    foreign = early - EVERYWHERE - {PACKAGE} - sys.stdlib_module_names
    assert not foreign, f"{short(file)} imports {sorted(foreign)} outside of a function"


@pytest.mark.parametrize("file", FILES, ids=short)
def test_the_package_imports_neither_tests_nor_examples(file: Path) -> None:
    assert not {name.split(".")[0] for name, _ in imports_of_file(file)} & {"tests", "examples"}


@pytest.mark.parametrize("file", EXAMPLES, ids=short)
def test_examples_do_not_import_tests(file: Path) -> None:
    assert not {name.split(".")[0] for name, _ in imports_of_file(file)} & {"tests"}


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) in {"ops", "by_hand"}], ids=short)
def test_the_calculus_and_the_pencil_algebra_need_numpy_alone(file: Path) -> None:
    used = {name.split(".")[0] for name, _ in imports_of_file(file)}
    ours = {PACKAGE} if room_of(file) == "by_hand" else set()
    assert used <= {"numpy"} | ours | sys.stdlib_module_names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np", [("numpy", True)]),
        ("import tinygrad_edu.model", [("tinygrad_edu.model", True)]),
        ("from tinygrad_edu import model", [("tinygrad_edu.model", True)]),
        ("from . import model", [("tinygrad_edu.model", True)]),
        ("from .model import Sequential", [("tinygrad_edu.model.Sequential", True)]),
        ("from ..model import A", [("model.A", True)]),
        ("def f():\n    import torch", [("torch", False)]),
        (
            "class C:\n    def f(self):\n        from .model import A",
            [("tinygrad_edu.model.A", False)],
        ),
        ("if TYPE_CHECKING:\n    import torch", [("torch", False)]),
        ("try:\n    import torch\nexcept ImportError:\n    pass", [("torch", True)]),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, found: list[tuple[str, bool]]) -> None:
    assert list(imports_of(source, "tinygrad_edu.value", is_package=False)) == found


def test_relative_imports_of_a_package_start_at_the_package() -> None:
    source = "from .svg import draw\nfrom ..value import Value"
    assert [name for name, _ in imports_of(source, "tinygrad_edu.drawing", is_package=True)] == [
        "tinygrad_edu.drawing.svg.draw",
        "tinygrad_edu.value.Value",
    ]
