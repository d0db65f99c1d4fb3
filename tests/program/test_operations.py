"""Every operation as a program: forward and backward equal to the graph's to the last bit.

The cases are those of `tests/ops/test_ops.py`, which every operation of the table has.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tinygrad_edu import Program, Value, ops


def load_sweep():
    """Return the cases of the operations' own proofs."""
    path = Path(__file__).parents[1] / "ops" / "test_ops.py"
    spec = importlib.util.spec_from_file_location("sweep_of_operations", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return {name: cases for name, cases in module.SWEEP.items() if cases is not None}


SWEEP = load_sweep()
few = settings(max_examples=6, phases=[Phase.generate])


def same_bits(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def check_as_program(function, inputs, upstream, moved):
    """Record at `inputs`, run at numbers moved by `moved`, and hold all against the graph."""

    def loss_of(g):
        return ops.sum(function(*weights) * g)

    weights = [Value(x, name=f"x{i}") for i, x in enumerate(inputs)]
    shape = function(*weights).shape
    g = upstream.standard_normal(shape) if shape else float(upstream.standard_normal())
    program = Program(loss_of, g)
    assert all(w.grad is None for w in weights)
    for w in weights:
        w.data = w.data * (1 + moved)
    loss = loss_of(g)
    loss.backward()
    expected = [w.grad for w in weights]
    for w in weights:
        w.grad = None
    same_bits(program(g), loss.data)
    for w, right in zip(weights, expected, strict=True):
        same_bits(w.grad, right)


@pytest.mark.parametrize("name", SWEEP)
def test_an_operation_and_its_derivatives_are_written_down_to_the_last_bit(name):
    @few
    @given(case=SWEEP[name], seed=st.integers(0, 2**32 - 1))
    def check(case, seed):
        check_as_program(case.function, case.inputs, np.random.default_rng(seed), 1e-3)

    check()


@pytest.mark.parametrize("name", SWEEP)
def test_an_operation_in_float32(name):
    @few
    @given(case=SWEEP[name], seed=st.integers(0, 2**32 - 1))
    def check(case, seed):
        narrow = [np.asarray(x, np.float32) if np.ndim(x) else x for x in case.inputs]
        check_as_program(case.function, narrow, np.random.default_rng(seed), 1e-3)

    check()


@pytest.mark.parametrize("name", SWEEP)
def test_an_operation_of_arguments_and_weights_in_turn(name):
    @few
    @given(case=SWEEP[name], seed=st.integers(0, 2**32 - 1))
    def check(case, seed):
        weight = Value(case.inputs[0], name="w")
        rest = case.inputs[1:]

        def loss_of(*arguments):
            return ops.sum(case.function(weight, *arguments)) * 1.5

        program = Program(loss_of, *rest)
        moved = [x * 1.001 for x in rest]
        loss = loss_of(*moved)
        loss.backward()
        expected, weight.grad = weight.grad, None
        same_bits(program(*moved), loss.data)
        same_bits(weight.grad, expected)

    check()


@pytest.mark.parametrize("name", SWEEP)
def test_an_operation_of_plain_numbers_before_the_graph_begins(name):
    @few
    @given(case=SWEEP[name])
    def check(case):
        weight = Value(0.7, name="w")

        def loss_of(*arguments):
            return ops.sum(case.function(*arguments) * weight)

        program = Program(loss_of, *case.inputs)
        moved = [x * 1.001 for x in case.inputs]
        loss = loss_of(*moved)
        loss.backward()
        expected, weight.grad = weight.grad, None
        same_bits(program(*moved), loss.data)
        same_bits(weight.grad, expected)

    check()
