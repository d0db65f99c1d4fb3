"""A saved program needs NumPy alone, and computes what the graph computes."""

from __future__ import annotations

import ast
import subprocess
import sys

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Program,
    ReLU,
    RMSprop,
    Sequential,
    Tanh,
    Value,
    mean_squared_error,
    ops,
    softmax_cross_entropy,
)
from tinygrad_edu.ops import OPERATIONS, op
from tinygrad_edu.program import ProgramError


def load(path):
    """Return what a saved file defines, after a look at what it imports."""
    text = path.read_text(encoding="utf-8")
    imported = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert {a.name for node in imported for a in node.names} <= {"numpy", "math"}
    scope = {"__name__": "backprop"}
    exec(compile(text, str(path), "exec"), scope)
    return scope


def named(values):
    return {v.name.replace(".", "_"): v.numpy() if v.shape else v.data for v in values}


def same_bits(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


def convolutional():
    x = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    layers = Conv2D(1, 2, 3, padding=1, rng=0), ReLU(), MaxPool2D(2), Flatten(), Dense(32, 3, rng=1)
    return Sequential(*layers), x, np.array([2, 0])


def dense():
    x = np.random.default_rng(0).random((4, 6), np.float32)
    return Sequential(Dense(6, 5, rng=0), Tanh(), Dense(5, 3, rng=1)), x, np.array([2, 0, 1, 1])


@pytest.mark.parametrize("kind", [dense, convolutional])
@pytest.mark.parametrize(
    "optimizer_of", [lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.01), lambda p: Adam(p, 0.01), lambda
    p: RMSprop(p, 0.01)],
)  # fmt: skip
def test_a_saved_step_is_the_graphs_to_the_last_bit(tmp_path, kind, optimizer_of):
    model, x, y = kind()
    optimizer = optimizer_of(model.parameters())

    def loss_of(x, y):
        return softmax_cross_entropy(model(x), y)

    Program(loss_of, x, y, optimizer=optimizer).save(tmp_path / "backprop.py")
    saved = load(tmp_path / "backprop.py")
    weights, memory = named(model.parameters()), {}
    for _ in range(3):
        loss = loss_of(x, y)
        optimizer.zero_grad()
        loss.backward()
        found, kept = saved["forward"](weights, x, y)
        same_bits(found, loss.data)
        gradients = saved["backward"](weights, kept)
        assert gradients.keys() == weights.keys()
        for p in model.parameters():
            same_bits(gradients[p.name.replace(".", "_")], p.grad)
        optimizer.step()
        same_bits(saved["step"](weights, memory, x, y), loss.data)
        for name, number in named(model.parameters()).items():
            same_bits(weights[name], number)


def test_the_example_in_a_saved_file_runs_by_itself(tmp_path):
    model, x, y = dense()
    optimizer = Adam(model.parameters(), 0.01)
    drop = Dropout(0.5, rng=0)
    program = Program(
        lambda x, y: softmax_cross_entropy(drop(model(x)), y), x, y, optimizer=optimizer
    )
    program.save(tmp_path / "backprop.py")
    command = [sys.executable, "-I", "-W", "error", str(tmp_path / "backprop.py")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.count("gradient of") == 4
    assert run.stdout.count("loss:") == 10


def test_single_numbers_are_saved_with_their_values(tmp_path):
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    table = np.array([1.0, 4.0])
    Program(lambda x: ((a * b * x).tanh() * table).sum(), 0.25).save(tmp_path / "backprop.py")
    saved = load(tmp_path / "backprop.py")
    loss = ((a * b * 0.5).tanh() * table).sum()
    loss.backward()
    found, kept = saved["forward"]({"a": 2.0, "b": -3.0}, 0.5)
    assert found == loss.data
    assert saved["backward"]({"a": 2.0, "b": -3.0}, kept) == {"a": a.grad, "b": b.grad}


def test_a_forward_pass_alone_is_saved_without_backward(tmp_path):
    model, x, _ = dense()
    Program(model, x).save(tmp_path / "forward.py")
    saved = load(tmp_path / "forward.py")
    same_bits(saved["forward"](named(model.parameters()), x)[0], model(x).data)
    assert "backward" not in saved


def test_a_saved_file_refuses_other_shapes_since_means_are_written_for_these(tmp_path):
    w = Value(np.ones((3, 1)), name="w")
    program = Program(lambda x, t: mean_squared_error(x @ w, t), np.ones((4, 3)), np.ones((4, 1)))
    program.save(tmp_path / "backprop.py")
    with pytest.raises(ValueError, match="expected x of shape"):
        load(tmp_path / "backprop.py")["forward"](
            {"w": w.numpy()}, np.ones((5, 3)), np.ones((5, 1))
        )


def test_a_function_of_ones_own_cannot_be_saved_and_leaves_no_file(tmp_path):
    @op("s", dx=lambda g, z, x: g * np.cos(x.data if isinstance(x, Value) else x), method=False)
    def mine(x):
        for _ in range(1):
            x = helper(x)
        return x

    def helper(x):
        return np.sin(x)

    try:
        w = Value([1.0, 2.0], name="w")
        program = Program(lambda x: ops.sum(mine(w * x)), 1.0)
        program(2.0)
        assert np.allclose(w.grad, 2 * np.cos([2.0, 4.0]))
        with pytest.raises(ProgramError, match="your own"):
            program.save(tmp_path / "backprop.py")
        assert list(tmp_path.iterdir()) == []
    finally:
        del OPERATIONS["mine"]


def test_a_large_array_from_outside_is_refused(tmp_path):
    table = np.random.default_rng(0).random(5000)
    w = Value(1.0, name="w")
    program = Program(lambda x: (w * table * x).sum(), 1.0)
    with pytest.raises(ProgramError, match="5,000 numbers"):
        program.save(tmp_path / "backprop.py")
