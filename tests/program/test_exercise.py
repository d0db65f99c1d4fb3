"""An exercise says what is right, stores no answer, and is told apart from its solution."""

from __future__ import annotations

import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from tinygrad_edu import (
    Dense,
    Dropout,
    Program,
    ReLU,
    Sequential,
    Sigmoid,
    Value,
    ops,
    softmax_cross_entropy,
)


@pytest.fixture(scope="module")
def program():
    model = Sequential(
        Dense(4, 6, rng=0), Sigmoid(), Dense(6, 5, rng=1), ReLU(), Dense(5, 3, rng=2)
    )
    x, y = np.random.default_rng(0).random((5, 4), np.float32), np.array([0, 2, 1, 1, 0])
    return Program(lambda x, y: softmax_cross_entropy(model(x), y), x, y)


def run(file):
    """Run a file with nothing but NumPy, and return what it prints."""
    command = [sys.executable, "-I", "-W", "error", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_is_not_filled_in_counts_for_nothing_and_the_solution_for_all(program, tmp_path):
    program.exercise(tmp_path / "exercise.py", blanks=4, rng=1)
    assert run(tmp_path / "exercise.py").splitlines()[-1] == "0 of 4"
    assert run(tmp_path / "exercise.py").count("not filled in") == 4
    assert run(tmp_path / "exercise_solution.py").splitlines()[-1] == "4 of 4"


def test_each_line_counts_by_itself_right_or_wrong(program, tmp_path):
    program.exercise(tmp_path / "exercise.py", blanks=9, rng=0)
    exercise = (tmp_path / "exercise.py").read_text("utf-8").split("\n")
    solution = (tmp_path / "exercise_solution.py").read_text("utf-8").split("\n")
    blanks = [i for i, line in enumerate(exercise) if " = ...  #" in line]
    assert len(blanks) == 9
    wrong = {blanks[0]: lambda s: f"{s} * 1.001", blanks[2]: lambda s: f"-({s})"}
    filled = list(exercise)
    for i in blanks:
        name, right = solution[i].split("  #")[0].strip().split(" = ", 1)
        filled[i] = f"    {name} = {wrong.get(i, str)(right)}"
    filled[blanks[4]] = re.sub(r"= .*", "= np.zeros((1, 2))", filled[blanks[4]])
    (tmp_path / "filled.py").write_text("\n".join(filled), "utf-8")
    said = run(tmp_path / "filled.py").splitlines()
    assert said[-1] == "6 of 9"
    assert [("right" in line) for line in said[:-1]] == [i not in (0, 2, 4) for i in range(9)]
    assert "should be of" in said[4]


def test_no_answer_is_stored(program, tmp_path):
    program.exercise(tmp_path / "exercise.py", blanks=9, rng=0)
    exercise = (tmp_path / "exercise.py").read_text("utf-8")
    solution = (tmp_path / "exercise_solution.py").read_text("utf-8").split("\n")
    for i, line in enumerate(exercise.split("\n")):
        if " = ...  #" in line:
            assert solution[i].split(" = ", 1)[1].split("  #")[0].strip() not in exercise


def test_an_error_in_a_line_is_told(program, tmp_path):
    program.exercise(tmp_path / "exercise.py", blanks=9, rng=0)
    text = (tmp_path / "exercise.py").read_text("utf-8").replace("= ...  #", "= 1 / 0  #", 1)
    (tmp_path / "exercise.py").write_text(text, "utf-8")
    said = run(tmp_path / "exercise.py")
    assert "stopped after 0 of 9 lines: ZeroDivisionError" in said


@pytest.mark.parametrize(
    ("hint", "told"), [("shape", "a number of shape (4, 6)"), ("formula", "∂L/∂W = xᵀ @ g"), (None, "")]
)  # fmt: skip
def test_hints(program, tmp_path, hint, told):
    program.exercise(tmp_path / "exercise.py", blanks=9, rng=0, hint=hint)
    text = (tmp_path / "exercise.py").read_text("utf-8")
    [line] = [line for line in text.split("\n") if line.startswith("    d_dense1_weight = ...")]
    assert line.endswith(told) if told else re.search(r"# \d+$", line)


def test_a_notebook_is_one(program, tmp_path):
    program.exercise(tmp_path / "exercise.ipynb", blanks=3)
    for name, count in (("exercise", 0), ("exercise_solution", 3)):
        notebook = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
        nbformat.validate(notebook)
        scope = {}
        for cell in notebook.cells[:-1]:
            exec(cell.source, scope)
        verdicts = []
        scope["print"] = verdicts.append
        exec(notebook.cells[-1].source, scope)
        assert verdicts[-1] == f"{count} of 3"


def test_single_numbers_are_an_exercise_too(tmp_path):
    a, b = Value(0.5, name="a"), Value(-1.5, name="b")

    def loss_of(x):
        h = ops.sigmoid(a * x + b)
        return (h - 1.0) ** 2 * b

    Program(loss_of, 0.7).exercise(tmp_path / "exercise.py", blanks=3)
    assert run(tmp_path / "exercise.py").splitlines()[-1] == "0 of 3"
    assert run(tmp_path / "exercise_solution.py").splitlines()[-1] == "3 of 3"


def test_what_cannot_be_asked_is_refused_and_leaves_no_file(program, tmp_path):
    file = tmp_path / "exercise.py"
    with pytest.raises(ValueError, match="from 1 to"):
        program.exercise(file, blanks=99)
    with pytest.raises(ValueError, match="as a hint"):
        program.exercise(file, hint="answer")
    drop = Dropout(0.5, rng=0)
    w = Value(np.ones(3), name="w")
    random = Program(lambda x: drop(w * x).sum(), np.ones(3))
    with pytest.raises(ValueError, match="random numbers"):
        random.exercise(file, blanks=1)
    with pytest.raises(ValueError, match="loss"):
        Program(lambda x: w * x, np.ones(3)).exercise(file, blanks=1)
    assert list(tmp_path.iterdir()) == []
