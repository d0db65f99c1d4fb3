"""A missing library is told in the same words everywhere, with the extra that brings it."""

import builtins
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import Dense, Sequential, Value
from tinygrad_edu.compare.symbolic import formula
from tinygrad_edu.datasets import load_digits
from tinygrad_edu.datasets.download import DataUnavailable, default_cache
from tinygrad_edu.drawing import DrawingError, draw_graph, render
from tinygrad_edu.lab.dreaming import gaussian_blur
from tinygrad_edu.lab.handwriting import read_pictures, to_mnist
from tinygrad_edu.lab.sweep import sweep
from tinygrad_edu.support import limit_threads, needed, new_figure, not_installed

ROOT = Path(__file__).parents[2]
WORDS = re.compile(
    r"(?P<what>.+) needs (?P<library>[\w-]+), which is not installed; "
    r'install it with: pip install "tinygrad_edu\[(?P<extra>\w+)\]"(, or .+)?'
)


@pytest.fixture
def without(monkeypatch):
    """Return a function that hides a library, as if it were not installed."""

    def hide(library):
        usual = builtins.__import__

        def importing(name, *rest, **options):
            if name.split(".")[0] == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return usual(name, *rest, **options)

        monkeypatch.setattr(builtins, "__import__", importing)
        monkeypatch.setitem(sys.modules, library, None)  # for import_module

    return hide


@pytest.mark.parametrize(
    ("library", "package", "use"),
    [
        ("matplotlib", "matplotlib", lambda folder: new_figure(1, 1)),
        ("threadpoolctl", "threadpoolctl", lambda folder: limit_threads(1)),
        ("sklearn", "scikit-learn", lambda folder: load_digits()),
        ("sympy", "sympy", lambda folder: formula(Value(1.0, name="x") * 2.0)),
        ("scipy", "scipy", lambda folder: gaussian_blur([[1.0]], 0.5)),
        ("scipy", "scipy", lambda folder: to_mnist(np.eye(40, dtype=np.uint8) * 255)),
        ("PIL", "pillow", lambda folder: list(read_pictures(folder / "none.png"))),
        ("safetensors", "safetensors", lambda folder: Sequential(Dense(1, 1)).save(folder / "m")),
        ("pooch", "pooch", lambda folder: default_cache()),
    ],
)
def test_a_missing_library_is_told_with_the_extra_that_brings_it(
    library, package, use, without, tmp_path
):
    (tmp_path / "none.png").write_bytes(b"")
    without(library)
    with pytest.raises((ImportError, DataUnavailable)) as caught:
        use(tmp_path)
    said = WORDS.fullmatch(str(caught.value))
    assert said, str(caught.value)
    assert said["library"].lower() == package
    assert package in packages_of(said["extra"])


@pytest.mark.parametrize("library", ["joblib", "threadpoolctl", "tqdm"])
def test_a_sweep_tells_which_of_its_libraries_is_missing(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"a sweep needs {library}, which is not installed"):
        sweep(lambda seed: None, [{}])


def test_graphviz_is_told_in_the_same_words(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda _: None)
    words = not_installed("Graphviz", "a picture", "pygraphviz")
    with pytest.raises(DrawingError, match=re.escape(words)):
        draw_graph(Value(1.0) + 1.0, tmp_path / "graph.svg")


def test_what_else_can_be_done_is_told_and_what_happened_is_kept():
    with (
        pytest.raises(ImportError, match=r'tinygrad_edu\[data\]", or do without$') as caught,
        needed("Wonder", "magic", extra="data", instead="do without"),
    ):
        import a_library_that_nobody_has  # noqa: F401
    assert "a_library_that_nobody_has" in str(caught.value.__cause__)


def test_nothing_else_is_caught():
    with pytest.raises(KeyError), needed("Wonder", "magic", extra="data"):
        raise KeyError("something else")


def test_the_words_stand_in_one_place():
    package = ROOT / "tinygrad_edu"
    files = [f for f in package.rglob("*.py") if "install it with" in f.read_text("utf-8")]
    assert files == [package / "support" / "libraries.py"]


def packages_of(extra):
    """Return the packages that an extra brings, as they are declared; it may bring other extras."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = set()
    for entry in declared["project"]["optional-dependencies"][extra]:
        name, _, others = re.fullmatch(r"([\w-]+)(\[([\w,]+)\])?.*", entry).groups()
        inner = others.split(",") if name == "tinygrad_edu" else []
        found |= {name}.union(*map(packages_of, inner))
    return found
