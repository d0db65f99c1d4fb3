"""Documentation: every public name tells what it is, and every example in prose runs."""

import codeop
import doctest
import importlib
import inspect
import re
import runpy
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu.ops import OPERATIONS

ROOT = Path(__file__).parents[1]
PACKAGES = [
    "tinygrad_edu",
    "tinygrad_edu.compare",
    "tinygrad_edu.datasets",
    "tinygrad_edu.by_hand",
    "tinygrad_edu.lab.damage",
    "tinygrad_edu.lab.sweep",
    "tinygrad_edu.playground",
]
PROSE = [
    path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))] if path.exists()
]


def public_names():
    modules = map(importlib.import_module, PACKAGES)
    return [
        pytest.param(getattr(module, name), id=f"{module.__name__}.{name}")
        for module in modules
        for name in module.__all__
    ]


@pytest.mark.parametrize("found", public_names())
def test_a_public_name_has_a_docstring_of_its_own(found):
    assert found.__doc__  # not its parent's
    assert len(found.__doc__.split()) >= 3


@pytest.mark.parametrize("found", public_names())
def test_the_public_methods_of_a_class_have_docstrings(found):
    if inspect.isclass(found) and found.__module__.startswith("tinygrad_edu"):
        for name, method in vars(found).items():
            if callable(method) and not name.startswith("_"):
                assert method.__doc__, f"{found.__name__}.{name} has no docstring"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_a_formula_and_an_example(name):
    lines = inspect.getdoc(OPERATIONS[name]).splitlines()
    assert lines[0].strip()
    assert len(lines[0]) <= 110
    assert any(line.startswith((">>>", "...")) and f"{name}(" in line for line in lines)


@pytest.mark.parametrize(
    "name", [name for name, o in OPERATIONS.items() if getattr(o, "derivatives", ())]
)
def test_an_operation_with_derivatives_states_them(name):
    first = inspect.getdoc(OPERATIONS[name]).splitlines()[0]
    assert re.search(r"∂|gradient|derivative", first), first


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_that_people_call_is_public(name):
    if name == "join":
        return  # known as concatenate
    assert hasattr(tinygrad_edu, name)


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for folder in ("tinygrad_edu", "examples")
        for path in sorted((ROOT / folder).glob("**/*.py"))
    ],
)
def test_every_module_begins_with_a_lesson(module):
    text = module.read_text(encoding="utf-8")
    assert text.startswith(('"""', 'r"""')), f"{module} has no docstring"


# ------------------------------------------------------------------------------------------------
# Prose
# ------------------------------------------------------------------------------------------------


def program_of(path):
    """Return the blocks of Python in a Markdown file as one program, each at its line of the page.

    Blocks that are written as sessions, with >>>, are left out: doctest reads them from the page itself.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    program, inside = [], False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            inside = not inside and line == "```python" and not lines[number + 1].startswith(">>>")
            line = ""
        program.append(line if inside else "")
    return "\n".join(program)


def test_blocks_of_python_are_found_at_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "a\n```python\nx = 1\n```\n```sh\nls\n```\n```python\n\ny = x\n```\n"
        "b = 3\n```python\n>>> 1\n1\n```\n"
    )
    program = "\n\nx = 1\n\n\n\n\n\n\ny = x\n\n\n\n\n\n"
    assert program_of(page) == program


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PROSE])
def test_the_examples_of_a_page_run_one_after_the_other(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    operations = set(OPERATIONS)
    program = tmp_path / f"{path.stem}_page.py"
    program.write_text(program_of(path), encoding="utf-8")
    runpy.run_path(str(program), run_name="__main__")
    if "\n>>> " in path.read_text(encoding="utf-8"):
        found = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
        assert (found.attempted > 0, found.failed) == (True, 0)
    assert set(OPERATIONS) == operations  # a page leaves the table as it was


def paste(lines):
    """Raise SyntaxError if lines cannot be pasted into plain `python`, which takes them one by one."""
    compiler, waiting = codeop.CommandCompiler(), []
    for line in [*lines, ""]:  # after the last line, people press Enter
        waiting.append(line)
        if compiler("\n".join(waiting), "<page>", "single") is not None:
            waiting.clear()
    assert not any(waiting), f"python waits for more after {waiting}"


def test_what_cannot_be_pasted_is_found():
    for right in ("x = 1\n\nfor i in x:\n    y = i\n\nz = 2", "f(\n    1,\n\n    2,\n)"):
        paste(right.splitlines())
    for wrong in ("def f():\n    x = 1\n\n    return x", "if x:\n    y = 1\nz = 2"):
        with pytest.raises(SyntaxError):
            paste(wrong.splitlines())


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PROSE])
def test_the_blocks_of_a_page_can_be_pasted_into_plain_python(path):
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(?!>>>)(.*?)^```$", text, flags=re.M | re.S):
        try:
            paste(block.splitlines())
        except SyntaxError as error:
            pytest.fail(f"{error} in\n{block}")


@pytest.mark.parametrize("path", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PROSE])
def test_links_of_a_page_lead_somewhere(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert missing == []
