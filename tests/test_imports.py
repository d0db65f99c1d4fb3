"""Imports run one way: from what is built on top, down to the calculus; never back up, never in a circle.

The floors stand in `docs/house.py`, which draws them; here the code is held to them.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load_house():
    """Return `docs/house.py` as a module; docs is no package."""
    spec = importlib.util.spec_from_file_location("house", ROOT / "docs" / "house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module
    spec.loader.exec_module(module)
    return module


house = load_house()
PACKAGE = house.PACKAGE
FILES = house.modules()
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
EVERYWHERE = {"numpy", "graphviz"}


def short(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache  # each file is looked through by several tests
def imports(file: Path):
    return list(house.imports_of(file.read_text(encoding="utf-8")))


def test_the_house_has_at_most_eight_floors_and_every_room_stands_on_one():
    rooms = [room for floor in house.FLOORS for room in floor]
    assert len(house.FLOORS) <= 8
    assert sorted(rooms) == sorted({house.room_of(file) for file in FILES})


@pytest.mark.parametrize("file", FILES, ids=short)
def test_a_room_imports_only_from_the_floors_below(file: Path) -> None:
    room = house.room_of(file)
    floor = next(i for i, rooms in enumerate(house.FLOORS) if room in rooms)
    below = {name for rooms in house.FLOORS[:floor] for name in rooms}
    up = house.rooms_used(file) - below
    assert not up, f"{short(file)} imports upward, or on its own floor, from {sorted(up)}"


@pytest.mark.parametrize("file", FILES, ids=short)
def test_another_room_is_entered_by_its_front_door(file: Path) -> None:
    """`from tinygrad_edu.nn import Dense`, not from the module in nn where Dense happens to stand."""
    inside = []
    for found in imports(file):
        parts = found.name.split(".")
        if parts[0] != PACKAGE or len(parts) < 3 or parts[1] == house.room_of(file):
            continue
        doors = {".".join(parts[1:2]), *house.INNER_ROOMS}
        if ".".join(parts[1:-1]) not in doors:
            inside.append(found.name)
    assert not inside, f"{short(file)} imports {inside}; let the room's __init__ export it"


@pytest.mark.parametrize("file", FILES, ids=short)
def test_modules_need_only_numpy_and_graphviz_to_be_imported(file: Path) -> None:
    early = {found.name.split(".")[0] for found in imports(file) if found.early}
    foreign = early - EVERYWHERE - {PACKAGE} - sys.stdlib_module_names
    assert not foreign, f"{short(file)} imports {sorted(foreign)} outside of a function"


@pytest.mark.parametrize("file", FILES, ids=short)
def test_the_package_imports_neither_tests_nor_examples(file: Path) -> None:
    assert not {found.name.split(".")[0] for found in imports(file)} & {"tests", "examples"}


@pytest.mark.parametrize("file", EXAMPLES, ids=short)
def test_examples_do_not_import_tests(file: Path) -> None:
    assert not {found.name.split(".")[0] for found in imports(file)} & {"tests"}


@pytest.mark.parametrize(
    "file", [f for f in FILES if house.room_of(f) in {"number", "ops", "by_hand"}], ids=short
)
def test_the_calculus_and_the_pencil_algebra_need_numpy_alone(file: Path) -> None:
    assert {found.name.split(".")[0] for found in imports(file)} <= {
        "numpy",
        PACKAGE,
        *sys.stdlib_module_names,
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np", [("numpy", True)]),
        ("import tinygrad_edu.model", [("tinygrad_edu.model", True)]),
        ("from tinygrad_edu import model", [("tinygrad_edu.model", True)]),
        ("def f():\n    import torch", [("torch", False)]),
        (
            "class C:\n    def f(self):\n        from tinygrad_edu.model import A",
            [("tinygrad_edu.model.A", False)],
        ),
        ("if TYPE_CHECKING:\n    import torch", [("torch", False)]),
        ("try:\n    import torch\nexcept ImportError:\n    pass", [("torch", True)]),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, found: list[tuple[str, bool]]) -> None:
    assert list(house.imports_of(source)) == found


@pytest.mark.parametrize("source", ["from . import model", "from ..model import A"])
def test_relative_imports_are_refused_since_they_hide_the_room(source: str) -> None:
    with pytest.raises(ValueError, match="in full"):
        list(house.imports_of(source))


def test_the_picture_of_the_house_shows_the_rooms_and_imports_that_there_are() -> None:
    picture = house.PICTURE.read_text(encoding="utf-8")
    for floor in house.FLOORS:
        for room in floor:
            name = room if (ROOT / PACKAGE / room).is_dir() else f"{room}.py"
            assert f">{name}</text>" in picture, f"{name} is missing; run: python docs/house.py"
    arrows = house.without_detours(house.edges())
    assert picture.count('<polygon fill="#555555"') == len(arrows), "run: python docs/house.py"


def test_the_heart_is_read_in_an_hour() -> None:
    heart = ["ops/operation.py", "ops/arithmetic.py", "value.py"]
    assert sum(house.lines_of(ROOT / PACKAGE / name) for name in heart) <= 500
