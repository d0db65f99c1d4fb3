"""The graph: what it remembers, in which order it goes backward, and what it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import inspect
import math
import operator
import pickle
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref
from array import array as array_of_bytes
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tinygrad_edu import Value, ancestors, check_gradients, grad, no_grad, ops

# ------------------------------------------------------------------------------------------------
# The chain rule
# ------------------------------------------------------------------------------------------------


def test_gradients_of_a_small_expression() -> None:
    a, b = Value(2.0), Value(-3.0)
    loss = (a * b + 10).tanh()
    loss.backward()
    slope = 1.0 - math.tanh(4.0) ** 2
    assert (a.grad, b.grad) == pytest.approx((-3.0 * slope, 2.0 * slope), rel=1e-12)


def test_backward_twice_adds_up_in_leaves_only() -> None:
    a, b = Value(3.0), Value(2.0)
    inner = a + b
    e = inner * 1.0
    e.backward()
    e.backward()
    assert (a.grad, b.grad, inner.grad, e.grad) == (2.0, 2.0, 1.0, 1.0)


def test_a_node_that_is_used_twice_gets_both_gradients() -> None:
    a = Value(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4.0


def test_the_same_value_as_both_operands() -> None:
    x = Value(3.0)
    assert grad(x * x, x) == 6.0
    assert grad(x - x, x) == 0.0
    assert grad(x / x, x) == 0.0
    matrix = Value([[1.0, 2.0], [3.0, 4.0]])
    g = grad((matrix @ matrix.T).sum(), matrix)
    np.testing.assert_array_equal(g, [[8.0, 12.0], [8.0, 12.0]])


def test_both_edges_to_the_same_operand_are_remembered() -> None:
    x = Value(3.0)
    assert (x * x).inputs == (x, x)


def test_a_gradient_may_be_changed_without_changing_another() -> None:
    x, z = Value([1.0, 2.0]), Value([3.0, 4.0])
    (x + z).backward([1.0, 1.0])
    x.grad += 1
    np.testing.assert_array_equal(x.grad, [2.0, 2.0])
    np.testing.assert_array_equal(z.grad, [1.0, 1.0])


def test_a_gradient_does_not_alias_the_one_that_was_given() -> None:
    given, x = np.ones(2), Value([1.0, 2.0])
    (x + 0.0).backward(given)
    given[0] = 9.0
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_the_gradient_of_a_slice_or_a_transpose_may_be_changed_alone() -> None:
    x = Value(np.ones((2, 3)))
    y = x.T
    y[0].sum().backward()
    x.grad += 1
    np.testing.assert_array_equal(y.grad, [[1, 1], [0, 0], [0, 0]])


def gradients_of_a_random_graph() -> str:
    import random

    from tinygrad_edu import Value

    draw = random.Random(0)
    nodes = [Value(draw.uniform(-1.0, 1.0)) for _ in range(10)]
    leaves = nodes[:]
    for _ in range(300):
        x, y = draw.choices(nodes, k=2)
        nodes.append(draw.choice([x * y, x + y, x - y, x.tanh(), y.sin(), x / (y * y + 1.0)]))
    total = nodes[0]
    for node in nodes[1:]:
        total = total + node
    total.backward()
    return " ".join(leaf.grad.hex() for leaf in leaves)


def test_gradients_are_the_same_to_the_last_bit_in_every_run_and_in_every_process() -> None:
    runs = {gradients_of_a_random_graph() for _ in range(16)}
    program = inspect.getsource(gradients_of_a_random_graph)
    program += "print(gradients_of_a_random_graph())"
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert runs == {other.stdout.strip()}


@pytest.mark.parametrize("length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_chain_of_a_million_values(length: int) -> None:
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y + 1.0
    assert y.data == length + 1
    y.backward()
    assert x.grad == 1.0
    y.zero_grad()
    assert x.grad is None
    twin = copy.deepcopy(y)
    assert len(ancestors(twin)) == length + 1
    del y, twin


def test_sharing_sixty_times_takes_no_time() -> None:
    x = Value(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60
    assert len(ancestors(y)) == 61


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    generator = np.random.default_rng(0)
    x, labels = generator.standard_normal((200, 8)), generator.integers(0, 30, 200)
    w, b = Value(generator.standard_normal((8, 30))), Value(np.zeros(30))

    def step() -> None:
        w.grad = b.grad = None
        loss = ops.softmax_cross_entropy(ops.dense(x, w, b).tanh(), labels) + (w * w).sum() * 0.01
        loss.backward()
        w.data -= 0.1 * w.grad
        b.data -= 0.1 * b.grad

    gc.collect()
    gc.disable()
    try:
        step()
        values_before = sum(type(x) is Value for x in gc.get_objects())
        tracemalloc.start()
        for _ in range(10):
            step()
        memory_before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            step()
        grown = tracemalloc.get_traced_memory()[0] - memory_before
        values_after = sum(type(x) is Value for x in gc.get_objects())
    finally:
        tracemalloc.stop()
        gc.enable()
    assert values_after == values_before
    assert grown < 500_000  # of the 100,000,000 bytes that these graphs took, one after the other


def test_gradients_of_gradients_are_freed_without_the_garbage_collector() -> None:
    x = Value(2.0)
    gc.collect()
    gc.disable()
    try:
        before = sum(type(v) is Value for v in gc.get_objects())
        for _ in range(5):
            grad(grad(x * x * x, x, create_graph=True), x)
        assert sum(type(v) is Value for v in gc.get_objects()) == before
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------------
# Data: who may change what
# ------------------------------------------------------------------------------------------------


def test_the_callers_array_and_the_value_are_independent() -> None:
    array = np.array([1.0, 2.0])
    v = Value(array)
    array[0] = 9.0
    np.testing.assert_array_equal(v.data, [1.0, 2.0])
    v.numpy()[0] = 9.0
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


def test_data_cannot_be_written_into() -> None:
    w = Value([1.0, 2.0])
    y = w * w
    for change in (
        lambda: w.data.__setitem__(slice(None), 9.0),
        lambda: w.data.fill(9.0),
        lambda: w.data.sort(),
        lambda: np.add(w.data, 1.0, out=w.data),
        lambda: np.copyto(w.data, 9.0),
        lambda: w.data.T.__setitem__(0, 9.0),
        lambda: y.data.__setitem__(0, 9.0),
    ):
        with pytest.raises(ValueError, match=r"read-only|cannot be changed"):
            change()
    np.testing.assert_array_equal(w.data, [1.0, 2.0])
    np.testing.assert_array_equal(grad(y.sum(), w), [2.0, 4.0])


def _assign(w: Value) -> None:
    w.data = w.data + 1.0


def _subtract(w: Value) -> None:
    w.data -= 0.5


def _add(w: Value) -> None:
    w.data += 0.5


def _multiply(w: Value) -> None:
    w.data *= 0.5


def _divide(w: Value) -> None:
    w.data /= 2.0


@pytest.mark.parametrize("number", [3.0, [3.0, 4.0]], ids=str)
@pytest.mark.parametrize("change", [_assign, _subtract, _add, _multiply, _divide])
def test_going_backward_after_data_was_replaced_is_an_error(
    change: Callable[[Value], None], number: Any
) -> None:
    x, w = Value(2.0), Value(number, name="w")
    y = (x * w).sum()
    change(w)
    with pytest.raises(RuntimeError, match=r"data of the Value 'w' .* replaced after multiply"):
        y.backward()
    assert x.grad is None
    (x * w).sum().backward()
    np.testing.assert_array_equal(w.grad, np.full(w.shape, 2.0))


def test_going_backward_through_what_does_not_use_the_replaced_data_is_fine() -> None:
    x, w = Value(2.0), Value(3.0)
    y, _ = x * x, x * w
    w.data = 9.0
    y.backward()
    assert x.grad == 4.0


def test_replaced_data_keeps_its_dtype_and_shape() -> None:
    w = Value(np.ones(2, np.float32))
    w.data = [3, 4]
    assert w.dtype == np.float32
    w.data -= np.array([0.1, 0.1])
    assert w.dtype == np.float32
    for wrong in ([1.0], [[1.0, 2.0]], 1.0):
        with pytest.raises(ValueError, match=r"expected data of shape \(2,\)"):
            w.data = wrong


def test_replaced_data_is_a_copy() -> None:
    w, array = Value([1.0, 2.0]), np.array([3.0, 4.0])
    w.data = array
    array[0] = 9.0
    np.testing.assert_array_equal(w.data, [3.0, 4.0])


def test_data_of_a_computed_value_cannot_be_replaced() -> None:
    y = Value(2.0) * 3.0
    with pytest.raises(ValueError, match="computed by multiply"):
        y.data = 1.0


def test_an_old_name_keeps_the_old_value() -> None:
    x = Value(3.0)
    y, z = x * x, x
    x += 1
    y.backward()
    assert (z.data, z.grad, x.data, x.grad) == (3.0, 6.0, 4.0, None)


def test_data_reads_like_any_array() -> None:
    data = Value([[1.0, 2.0], [3.0, 4.0]]).data
    assert isinstance(data, np.ndarray)
    assert type(data + 1) is np.ndarray
    assert type(data @ data) is np.ndarray
    assert type(data.sum()) is np.float64
    assert repr(data) == "array([[1., 2.],\n       [3., 4.]])"
    changed = data.copy()
    changed[0, 0] = 9.0
    assert data[0, 0] == 1.0


# ------------------------------------------------------------------------------------------------
# Types
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, True, np.int8(2), np.uint8(2), np.float64(2), np.array(2)])
def test_single_numbers_become_python_floats(number: Any) -> None:
    v = Value(number)
    assert type(v.data) is float
    assert (v.shape, v.ndim, v.size, v.dtype) == ((), 0, 1, np.dtype(float))


def test_integer_arrays_become_floats() -> None:
    np.testing.assert_array_equal((Value([1, 2]) / 2).data, [0.5, 1.0])
    np.testing.assert_array_equal((Value([1, 2]) ** -1).data, [1.0, 0.5])
    assert (Value(2) ** -1).data == 0.5
    assert Value(np.array([200, 100], np.uint8)).data.sum() == 300.0


def test_reductions_and_indices_that_end_in_one_number_give_floats() -> None:
    v = Value([[1.0, 2.0], [3.0, 4.0]])
    for one in (v.sum(), v.mean(), v.max(), v.var(), v[0, 1], v.reshape(4) @ v.reshape(4)):
        assert type(one.data) is float


@pytest.mark.parametrize(
    "function",
    [
        lambda v: v * 2.0,
        lambda v: 2 * v,
        lambda v: v + True,
        lambda v: v * np.float64(0.1),
        lambda v: np.float64(0.1) * v,
        lambda v: v**2,
        lambda v: 2.0**v,
        lambda v: v.sum(axis=0),
        lambda v: v.mean(axis=0),
        lambda v: v.var(axis=0),
        lambda v: v * v.sum(),
        lambda v: v * v.mean(),
        lambda v: v.softmax(),
        lambda v: v.leaky_relu(),
        lambda v: v.gelu(),
        lambda v: v.maximum(1.5),
        lambda v: v.clip(1.5, 2.5),
        lambda v: v * Value(0.5),
    ],
)
def test_float32_stays_float32(function: Callable[[Value], Value]) -> None:
    v = Value(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    result = function(v)
    assert result.dtype == np.float32
    (result * result).sum().backward()
    assert v.grad.dtype == np.float32
    v.data -= 0.1 * v.grad
    assert v.dtype == np.float32


@pytest.mark.parametrize("data", ["1", None, 1j, [1j], ["a"], object(), {}])
def test_what_is_no_real_number_is_refused(data: Any) -> None:
    with pytest.raises(TypeError, match="expected real numbers"):
        Value(data)
    with pytest.raises(TypeError):
        Value(1.0) + data


def test_ragged_rows_and_values_are_refused_as_data() -> None:
    with pytest.raises(ValueError, match="ragged"):
        Value([[1.0], [1.0, 2.0]])
    with pytest.raises(TypeError, match="detach"):
        Value(Value(1.0))
    with pytest.raises(TypeError, match="stack"):
        Value([Value(1.0), Value(2.0)])


def test_values_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError, match="subclassed"):
        type("Mine", (Value,), {})


# ------------------------------------------------------------------------------------------------
# Beside NumPy
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "left",
    [np.array([1.0, 2.0]), np.float64(2), np.float32(2), np.int64(2), 2, 2.0, True],
    ids=repr,
)
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**"])
def test_plain_numbers_on_the_left_give_a_value(left: Any, symbol: str) -> None:
    v = Value([3.0, 4.0])
    names = {"left": left, "v": v, "array": v.numpy()}
    result = eval(f"left {symbol} v", names)
    assert type(result) is Value
    np.testing.assert_allclose(result.data, eval(f"left {symbol} array", names), rtol=1e-15)
    result.sum().backward()
    assert v.grad.shape == (2,)


def test_an_array_on_the_left_of_a_matrix_product_gives_a_value() -> None:
    v = Value([[1.0, 2.0], [3.0, 4.0]])
    for left in (np.ones((3, 2)), np.ones(2), v.data):
        result = left @ v
        assert type(result) is Value
        np.testing.assert_array_equal(result.data, left @ v.numpy())


def test_numpy_functions_record_where_there_is_such_an_operation() -> None:
    v = Value([[0.1, 0.2], [0.3, 0.4]])
    array = v.numpy()
    for function in (
        np.sin, np.exp, np.abs, np.sqrt, np.negative, np.sum, np.mean, np.max, np.min, np.var,
        np.transpose,
        lambda x: np.sum(x, axis=0, keepdims=True),
        lambda x: np.concatenate([x, array]),
        lambda x: np.stack([x, x], axis=1),
        lambda x: np.where(array > 0.2, x, 0.0),
        lambda x: np.clip(x, 0.15, 0.35),
        lambda x: np.maximum(x, 0.2),
        lambda x: np.reshape(x, (4,)),
        lambda x: np.pad(x, 1),
        lambda x: np.matmul(x, x),
    ):  # fmt: skip
        assert type(function(v)) is Value
        np.testing.assert_allclose(function(v).data, function(array), rtol=1e-14)
    assert (np.shape(v), np.ndim(v), np.size(v)) == ((2, 2), 2, 4)


@pytest.mark.parametrize(
    ("use", "hint"),
    [
        (lambda v: np.asarray(v), "value.data"),
        (lambda v: np.array([v, v]), "value.data"),
        (lambda v: np.floor(v), "np.floor"),
        (lambda v: np.add.reduce(v), "np.add"),
        (lambda v: np.add(v, 1.0, out=np.zeros(2)), "out"),
        (lambda v: np.linalg.norm(v), "np.norm"),
        (lambda v: bool(v), "neither true nor false"),
        (lambda v: v.__setitem__(0, 1.0), "where"),
        (lambda v: v[0][0], "single number"),
        (lambda v: len(v[0]), "single number"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_a_hint(
    use: Callable[[Value], Any], hint: str
) -> None:
    with pytest.raises(TypeError, match=hint):
        use(Value([1.0, 2.0]))


def test_an_array_cannot_take_a_value_in_place() -> None:
    array = np.zeros(2)
    with pytest.raises(TypeError, match="out"):
        array += Value([1.0, 2.0])


def test_operations_are_methods_as_well() -> None:
    v = Value([[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_array_equal(v.sum(0).data, ops.sum(v, axis=0).data)
    np.testing.assert_array_equal(v.softmax(axis=0).data, ops.softmax(v, axis=0).data)
    np.testing.assert_array_equal(v.reshape(1, -1).data, v.reshape((1, -1)).data)
    np.testing.assert_array_equal(v.reshape(np.int64(4)).data, v.reshape([4]).data)
    np.testing.assert_array_equal(v.transpose(1, 0).data, v.T.data)
    np.testing.assert_array_equal(abs(-v).data, (+v).data)
    assert [row.shape for row in v] == [(2,), (2,)]
    assert len(v) == 2
    assert not hasattr(v, "stack")


def test_comparisons_give_plain_truth_values() -> None:
    v = Value([1.0, 2.0])
    for result in (v < 2, v <= 1.0, v > 2, v >= v, v == 1.0, v != 1, np.array([1.0, 2.0]) == v):
        assert type(result) is np.ndarray
        assert result.dtype == bool
    assert Value(1.0) < Value(2.0)
    assert Value(2.0) == 2.0
    np.testing.assert_array_equal((v * (v > 1.5)).data, [0.0, 2.0])


def test_identity_decides_what_is_in_a_set_or_a_list() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert a in [b, a]
    assert a not in [b]
    assert len({a, b, a}) == 2
    assert a != "a"


def test_single_numbers_turn_into_floats_and_truth_values() -> None:
    assert Value([2.5]).item() == Value([[2.5]]).item() == 2.5
    assert not Value(0.0)
    assert f"{Value(2.5):.2f}" == "2.50"
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        Value([1.0, 2.0]).item()


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(float, id="float"),
        pytest.param(math.exp, id="math"),
        pytest.param(lambda value: np.zeros(2).__setitem__(0, value), id="an entry of an array"),
    ],
)
def test_a_gradient_that_gets_lost_in_a_plain_number_is_warned_of(lose) -> None:
    w = Value(0.5, name="w")
    for value in (w, w * 3.0):
        with pytest.warns(UserWarning, match=r"no gradient flows; write value\.item\(\)") as caught:
            lose(value)
        assert caught[0].filename == __file__


def test_float_goes_on_working_and_warns_once_a_place() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        losses = [float(Value(0.5) * 3.0) for _ in range(3)]
    assert losses == [1.5, 1.5, 1.5]
    assert len(caught) == 1


def test_no_warning_is_given_where_nothing_is_recorded() -> None:
    w = Value(0.5)
    with no_grad():
        loss = w * 3.0
        assert float(w) == 0.5
    assert float(loss) == 1.5


def test_a_value_shows_its_numbers_its_name_and_its_gradient() -> None:
    x = Value(2.0, name="x")
    (x * x).backward()
    assert repr(x) == "Value(2.0, name='x', grad=4.0)"
    assert repr(Value(np.ones(2, np.float32))) == "Value([1., 1.], dtype=float32)"
    assert str(Value([[1.0], [2.0]])) == "Value([[1.],\n       [2.]])"
    assert repr(Value(math.nan)) == "Value(nan)"
    assert repr(Value(math.inf)) == "Value(inf)"


# ------------------------------------------------------------------------------------------------
# Edges and kinks
# ------------------------------------------------------------------------------------------------


def value_and_gradient(function: Callable[[Value], Value], x: float) -> tuple[float, float]:
    v = Value(x)
    result = function(v)
    result.backward()
    return result.data, v.grad


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (ops.relu, 0.0, 0.0),
        (ops.abs, 0.0, 0.0),
        (ops.leaky_relu, 0.0, 0.01),
        (lambda v: v.clip(0.0, 1.0), 0.0, 0.0),
        (lambda v: v.clip(0.0, 1.0), 1.0, 0.0),
        (lambda v: v.clip(0.0, 1.0), -2.0, 0.0),
        (lambda v: v.clip(0.0, 1.0), 0.5, 1.0),
        (lambda v: ops.maximum(v, 0.0), 0.0, 0.5),
        (lambda v: ops.minimum(v, 0.0), 0.0, 0.5),
        (lambda v: ops.maximum(v, v), 3.0, 1.0),
    ],
)
@pytest.mark.parametrize("as_array", [False, True])
def test_the_derivative_at_a_kink_is_fixed(
    function: Callable[[Value], Value], x: float, slope: float, as_array: bool
) -> None:
    v = Value([x] if as_array else x)
    function(v).sum().backward()
    assert v.grad == slope


def test_tied_operands_share_the_gradient_of_a_maximum() -> None:
    a, b = Value(2.0), Value(2.0)
    assert grad(ops.maximum(a, b), [a, b]) == [0.5, 0.5]
    assert grad(ops.minimum(a, b), [a, b]) == [0.5, 0.5]


def test_tied_entries_share_the_gradient_of_a_maximum() -> None:
    x = Value([[1.0, 5.0, 5.0], [2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(grad(x.max(), x), [[0, 0.5, 0.5], [0, 0, 0]])
    by_row = grad(x.max(axis=1).sum(), x)
    np.testing.assert_allclose(by_row, [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-15)
    np.testing.assert_array_equal(grad(x.min(axis=0).sum(), x), [[1, 0, 0], [0, 1, 1]])


def test_a_maximum_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="zero-size"):
        Value(np.ones((0, 3))).max()


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize(
    ("base", "exponent", "result", "slope", "warns"),
    [
        (0.0, 0.0, 1.0, 0.0, False),
        (0.0, 1.0, 0.0, 1.0, False),
        (0.0, 2.0, 0.0, 0.0, False),
        (0.0, 0.5, 0.0, math.inf, True),
        (0.0, -1.0, math.inf, -math.inf, True),
        (-8.0, 1 / 3, math.nan, math.nan, True),
        (-2.0, 2.0, 4.0, -4.0, False),
        (-2.0, 3.0, -8.0, 12.0, False),
    ],
)
def test_powers_at_their_edges(
    base: float, exponent: float, result: float, slope: float, warns: bool, as_array: bool
) -> None:
    x = Value([base] if as_array else base)

    def compute() -> Value:
        y = x**exponent
        y.sum().backward()
        return y

    if warns:
        with pytest.warns(RuntimeWarning):
            y = compute()
    else:
        y = compute()
    np.testing.assert_array_equal(y.data, [result] if as_array else result)
    np.testing.assert_array_equal(x.grad, [slope] if as_array else slope)


def test_values_as_exponents() -> None:
    v = Value(3.0)
    assert grad(2**v, v) == pytest.approx(8.0 * math.log(2.0))
    assert grad(v**v, v) == pytest.approx(27.0 * (math.log(3.0) + 1.0))
    zero = Value(0.0)
    assert grad(0.0**zero, zero) == 0.0
    assert grad(zero**zero, zero) == 0.0
    assert grad(zero**2.0, zero, create_graph=True).data == 0.0
    assert grad(grad(zero**2.0, zero, create_graph=True), zero) == 2.0


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize(
    ("function", "x", "result", "slope"),
    [
        (ops.log, 0.0, -math.inf, math.inf),
        (ops.log, -1.0, math.nan, -1.0),
        (ops.sqrt, -1.0, math.nan, math.nan),
        (ops.exp, 1000.0, math.inf, math.inf),
        (lambda v: 1.0 / v, 0.0, math.inf, -math.inf),
        (ops.sin, math.inf, math.nan, math.nan),
    ],
)
def test_edges_give_infinity_or_nan_with_a_warning_for_floats_as_for_arrays(
    function: Callable[[Value], Value], x: float, result: float, slope: float, as_array: bool
) -> None:
    v = Value([x] if as_array else x)
    with pytest.warns(RuntimeWarning) as warned:
        y = function(v)
    assert len(warned) == 1
    np.testing.assert_array_equal(y.data, [result] if as_array else result)
    with np.errstate(all="ignore"):
        y.sum().backward()
    np.testing.assert_array_equal(v.grad, [slope] if as_array else slope)


@pytest.mark.parametrize("as_array", [False, True])
def test_the_root_of_zero_is_infinitely_steep(as_array: bool) -> None:
    v = Value([0.0] if as_array else 0.0)
    root = v.sqrt().sum()
    with pytest.warns(RuntimeWarning, match="divide by zero") as warned:
        root.backward()
    assert len(warned) == 1
    assert v.grad == math.inf


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize(
    ("function", "x", "result", "slope"),
    [
        (ops.sigmoid, 1000.0, 1.0, 0.0),
        (ops.sigmoid, -1000.0, 0.0, 0.0),
        (ops.softplus, 1000.0, 1000.0, 1.0),
        (ops.softplus, -1000.0, 0.0, 0.0),
        (ops.tanh, 1000.0, 1.0, 0.0),
        (ops.relu, math.nan, math.nan, 0.0),
        (ops.sigmoid, math.nan, math.nan, math.nan),
    ],
)
def test_large_numbers_and_nan_pass_without_any_warning(
    function: Callable[[Value], Value], x: float, result: float, slope: float, as_array: bool
) -> None:
    v = Value([x] if as_array else x)
    with np.errstate(all="raise"):
        y = function(v)
        y.sum().backward()
    np.testing.assert_array_equal(y.data, [result] if as_array else result)
    np.testing.assert_array_equal(v.grad, [slope] if as_array else slope)


def test_probabilities_of_large_scores() -> None:
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(Value([1000.0, 0.0]).softmax().data, [1.0, 0.0])
        np.testing.assert_array_equal(Value([-1e4, -1e4, -1e4]).softmax().data, np.full(3, 1 / 3))
        logits = Value([1000.0, 0.0])
        loss = logits.softmax_cross_entropy(1)
        loss.backward()
    assert loss.data == 1000.0
    np.testing.assert_array_equal(logits.grad, [1.0, -1.0])


# ------------------------------------------------------------------------------------------------
# backward and grad
# ------------------------------------------------------------------------------------------------


def test_backward_of_several_numbers_asks_for_a_gradient_of_that_shape() -> None:
    x = Value([1.0, 2.0])
    y = x * x
    with pytest.raises(ValueError, match=r"gradient of shape \(2,\): backward\(grad\)"):
        y.backward()
    for wrong in (1.0, [1.0], [[1.0, 1.0]]):
        with pytest.raises(ValueError, match=r"shape \(2,\)"):
            y.backward(wrong)
    assert x.grad is None
    y.backward([1, 10])
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])


def test_an_array_of_one_number_needs_no_gradient_to_begin_with() -> None:
    x = Value([[3.0]])
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [[6.0]])


def test_backward_of_what_was_not_computed_is_an_error() -> None:
    with no_grad():
        unrecorded = Value(2.0) * 3.0
    for value in (Value(2.0), (Value(2.0) * 3.0).detach(), unrecorded):
        with pytest.raises(ValueError, match="not computed from any Value"):
            value.backward()
        with pytest.raises(ValueError, match="not computed from any Value"):
            grad(value, Value(1.0))
    with pytest.raises(ValueError, match="cannot go backward from the Value 'loss': it was not"):
        Value(2.0, name="loss").backward()
    with pytest.raises(ValueError, match=r"cannot differentiate the Value 'w' of shape \(2,\): it"):
        grad(Value([1.0, 2.0], name="w"), Value(1.0))


def test_gradients_keep_the_shape_of_the_data() -> None:
    for x, y in [((4, 3), (3,)), ((3, 1), (1, 4)), ((), (2, 3)), ((1,), (1, 2))]:
        a, b = Value(np.ones(x)), Value(np.ones(y))
        (a * b).sum().backward()
        assert np.shape(a.grad) == x
        assert np.shape(b.grad) == y


def test_a_rule_whose_shape_does_not_fit_is_named() -> None:
    try:

        @ops.op("?", dx=lambda g, z, x: np.ones(5))
        def misshapen(x: Any) -> Any:
            """x"""
            return x * 1.0

        with pytest.raises(ValueError, match="derivative of misshapen has shape"):
            misshapen(Value([1.0, 2.0])).sum().backward()
    finally:
        ops.OPERATIONS.pop("misshapen", None)


def test_grad_leaves_every_gradient_untouched() -> None:
    x = Value(3.0)
    x.grad = 5.0
    y = x * x
    z = y + x
    assert grad(z, [x, y]) == [7.0, 1.0]
    assert (x.grad, y.grad, z.grad) == (5.0, None, None)


def test_grad_of_what_is_not_reached_is_zero() -> None:
    x, stranger, array = Value(3.0), Value(1.0), Value(np.ones(2, np.float32))
    by_x, by_stranger, by_array = grad(x * x, [x, stranger, array])
    assert (by_x, by_stranger) == (6.0, 0.0)
    np.testing.assert_array_equal(by_array, [0.0, 0.0])
    assert by_array.dtype == np.float32
    assert grad(x * x, stranger, create_graph=True).data == 0.0


def test_grad_by_an_intermediate_value_and_by_the_output_itself() -> None:
    x = Value(3.0)
    y = x * x
    assert grad(y * y, y) == 18.0
    assert grad(y, y) == 1.0
    assert grad(x, x) == 1.0


def test_gradients_from_grad_may_be_changed_alone() -> None:
    x, z = Value([1.0, 2.0]), Value([1.0, 2.0])
    by_x, by_z = grad((x + z).sum(), [x, z])
    by_x += 1.0
    np.testing.assert_array_equal(by_z, [1.0, 1.0])


def test_only_values_have_gradients() -> None:
    x = Value(3.0)
    for output, inputs in ((x * x, [x, 3.0]), (9.0, x)):
        with pytest.raises(TypeError, match="expected Values to differentiate, got float"):
            grad(output, inputs)


def test_zero_grad_forgets_all_gradients_of_a_graph() -> None:
    x = Value(3.0)
    y = x * x
    y.backward()
    y.zero_grad()
    assert (x.grad, y.grad) == (None, None)


def test_detach_cuts_the_graph() -> None:
    x = Value(3.0, name="x")
    (x * x.detach()).backward()
    assert x.grad == 3.0
    assert (x * 2.0).detach().inputs == ()
    assert x.detach().name == "x"


# ------------------------------------------------------------------------------------------------
# Gradients of gradients
# ------------------------------------------------------------------------------------------------


def test_derivatives_of_every_order() -> None:
    x = Value(2.0)
    first = grad(x**4, x, create_graph=True)
    second = grad(first, x, create_graph=True)
    third = grad(second, x, create_graph=True)
    assert (first.data, second.data, third.data, grad(third, x)) == (32.0, 48.0, 48.0, 24.0)


def test_a_hessian() -> None:
    x = Value([1.0, 2.0])
    f = x[0] ** 2 * x[1] + x[1].exp()
    slope = grad(f, x, create_graph=True)
    hessian = [grad(slope[i], x) for i in range(2)]
    np.testing.assert_allclose(hessian, [[4.0, 2.0], [2.0, math.exp(2.0)]], rtol=1e-15)


def test_a_gradient_penalty_trains_the_weights() -> None:
    w, x = Value([[0.5, -1.0], [0.25, 2.0]]), Value([1.0, 2.0])
    slope = grad((x @ w).tanh().sum(), x, create_graph=True)
    penalty = (slope * slope).sum()
    penalty.backward()

    def numeric(weight: np.ndarray[Any, Any]) -> float:
        s = 1.0 - np.tanh(x.numpy() @ weight) ** 2
        return float(np.sum((weight @ s) ** 2))

    step = np.zeros((2, 2))
    step[0, 1] = 1e-5
    expected = (numeric(w.numpy() + step) - numeric(w.numpy() - step)) / 2e-5
    assert penalty.item() == pytest.approx(numeric(w.numpy()), rel=1e-14)
    assert w.grad[0, 1] == pytest.approx(expected, rel=1e-6)


def test_backward_with_create_graph_leaves_gradients_that_can_be_differentiated() -> None:
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    assert type(x.grad) is Value
    assert grad(x.grad, x) == 18.0


def test_even_a_constant_gradient_can_be_differentiated() -> None:
    x = Value(3.0)
    slope = grad(x + 1.0, x, create_graph=True)
    assert (slope.data, grad(slope, x)) == (1.0, 0.0)
    slope = grad(x * 2.0, x, create_graph=True)
    assert (slope.data, grad(slope, x)) == (2.0, 0.0)


# ------------------------------------------------------------------------------------------------
# no_grad, copies, pickles
# ------------------------------------------------------------------------------------------------


def test_nothing_is_recorded_within_no_grad() -> None:
    x = Value([1.0, 2.0])
    with no_grad():
        y = (x * x).sum()
        with no_grad():
            pass
        z = x * x
    assert (y.op, y.inputs, z.op) == (None, (), None)
    assert y.data == 5.0
    assert (x * x).op is ops.multiply


def test_no_grad_decorates_functions() -> None:
    @no_grad()
    def square(x: Value) -> Value:
        return x * x

    assert [square(Value(3.0)).op for _ in range(2)] == [None, None]


def test_recording_resumes_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (Value(1.0) + 1.0).op is ops.add


def test_no_grad_holds_for_its_own_thread_only() -> None:
    found: dict[str, Any] = {}
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with no_grad():
            inside.set()
            done.wait(10)
            found["other"] = (Value(1.0) + 1.0).op

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    found["here"] = (Value(1.0) + 1.0).op
    done.set()
    thread.join()
    assert found == {"here": ops.add, "other": None}


def test_gradients_of_gradients_can_be_recorded_within_no_grad() -> None:
    x = Value(3.0)
    y = x**3
    with no_grad():
        slope = grad(y, x, create_graph=True)
    assert grad(slope, x) == 18.0


def test_threads_may_compute_gradients_at_the_same_time() -> None:
    results = []

    def work(number: float) -> None:
        x = Value(number)
        y = x
        for _ in range(2000):
            y = y * 1.0 + 0.0
        results.append((number, grad(y * y, x)))

    threads = [threading.Thread(target=work, args=(float(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(float(i), 2.0 * i) for i in range(4)]


def test_a_deep_copy_is_a_graph_of_its_own() -> None:
    x = Value([[1.0, 2.0]], name="x")
    y = (x * x).sum(axis=1).max()
    y.backward()
    twin = copy.deepcopy(y)
    assert [node.op for node in ancestors(twin)] == [node.op for node in ancestors(y)]
    other = ancestors(twin)[-1]
    assert (other.name, other is x) == ("x", False)
    other.grad += 1.0
    np.testing.assert_array_equal(x.grad, [[2.0, 4.0]])
    twin.zero_grad()
    twin.backward()
    np.testing.assert_array_equal(other.grad, [[2.0, 4.0]])
    other.data = [[5.0, 6.0]]
    y.backward()
    np.testing.assert_array_equal(x.grad, [[4.0, 8.0]])


def test_a_deep_copy_within_no_grad_keeps_the_history() -> None:
    x = Value([[1.0, 2.0]])
    y = x.sum(axis=1).max()
    with no_grad():
        twin = copy.deepcopy(y)
    twin.backward()
    np.testing.assert_array_equal(ancestors(twin)[-1].grad, [[1.0, 1.0]])


def test_a_deep_copy_keeps_what_is_shared() -> None:
    x = Value(3.0)
    a, b = copy.deepcopy([x * x, x])
    a.backward()
    assert b.grad == 6.0
    assert x.grad is None


def test_a_pickle_carries_the_number_and_the_name() -> None:
    with no_grad():
        computed = Value(np.ones((2, 2), np.float32)) * 3.0
    for v in (Value(2.5, name="v"), computed):
        other = pickle.loads(pickle.dumps(v))
        np.testing.assert_array_equal(other.data, v.data)
        assert (other.dtype, other.name, other.inputs) == (v.dtype, v.name, ())
        other.data -= 1.0


def test_a_pickle_that_would_lose_a_gradient_is_refused() -> None:
    x = Value(3.0, name="x")
    y = x * x
    with pytest.raises(
        TypeError, match=r"was computed, .* pickle value\.data, or value\.detach\(\)"
    ):
        pickle.dumps((y, x))
    assert pickle.loads(pickle.dumps(y.detach())).data == 9.0


def test_operations_are_pickled_and_copied_by_name() -> None:
    assert pickle.loads(pickle.dumps(ops.exp)) is ops.exp
    assert copy.deepcopy(ops.exp) is ops.exp


def test_a_graph_tells_how_it_was_made() -> None:
    x = Value([1.0, 2.0], name="x")
    y = x.sum(axis=0)
    assert (y.op, y.inputs, y.options["axis"]) == (ops.sum, (x,), 0)
    assert (x.op, x.inputs) == (None, ())
    product = x * 2
    assert product.inputs == (x, 2.0)
    assert [node.op for node in ancestors(y * y)] == [ops.multiply, ops.sum, None]


def test_a_step_in_place_is_refused_rather_than_teaching_nothing():
    w = Value([1.0, 2.0], name="w")
    (w * w).sum().backward()
    with no_grad(), pytest.raises(TypeError, match=r"w\.data -= …"):
        w -= 0.1 * w.grad
    with pytest.raises(TypeError, match=r"w\.data \+= …"):
        w += 1.0
    with pytest.raises(TypeError, match=r"w\.data \*= …, or write w = w \* …"):
        w *= 0.9
    with pytest.raises(TypeError, match=r"w\.data /= …"):
        w /= 2.0
    with pytest.raises(TypeError, match=r"w\.data \*\*= …"):
        w **= 2.0
    with pytest.raises(TypeError, match=r"w\.data @= …"):
        w @= np.eye(2)
    assert w.data.tolist() == [1.0, 2.0]


def test_in_place_operators_give_another_value_where_nothing_has_a_gradient():
    x = y = Value([[1.0, 2.0], [3.0, 4.0]])
    y *= 6.0
    y /= 2.0
    y **= 2.0
    y @= np.eye(2)
    assert y.data.tolist() == [[9.0, 36.0], [81.0, 144.0]]
    assert x.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 18.0 * x.data)


def test_data_can_be_multiplied_by_a_matrix_in_place():
    w = Value([[1.0, 2.0]])
    w.data @= np.array([[0.0, 1.0], [1.0, 0.0]])
    assert w.data.tolist() == [[2.0, 1.0]]


def test_what_was_computed_without_recording_was_not_made_by_hand():
    x = Value(2.0)
    with no_grad():
        y = x * x
    assert x.is_leaf
    assert not y.is_leaf
    assert not (x * x).is_leaf
    assert y.detach().is_leaf


def test_a_shallow_copy_keeps_history_and_has_a_gradient_of_its_own() -> None:
    x = Value(2.0, name="x")
    y = x * x
    other = copy.copy(y)
    (other * 3.0).backward()
    assert (x.grad, y.grad, other.grad) == (12.0, None, 3.0)
    leaf = Value([1.0, 2.0], name="w")
    leaf.sum().backward()
    twin = copy.copy(leaf)
    twin.grad += 1.0
    twin.data = [5.0, 6.0]
    assert (leaf.grad.tolist(), leaf.data.tolist(), twin.name) == ([1.0, 1.0], [1.0, 2.0], "w")


@pytest.mark.parametrize(
    "use",
    [
        lambda m, w: m * w,
        lambda m, w: w * m,
        lambda m, w: m + w.sum(),
        lambda m, w: m @ w,
        lambda m, w: np.multiply(m, w),
        lambda m, w: np.ma.multiply(m, w),
        lambda m, w: np.ma.exp(w),
        lambda m, w: Value(m),
        lambda m, w: setattr(w, "data", m),
        lambda m, w: ops.add(m, 1.0),
        lambda m, w: (w * w).backward(m),
    ],
)  # fmt: skip
def test_masked_arrays_are_refused_with_the_cure(use: Any) -> None:
    masked, w = np.ma.array([1.0, 2.0], mask=[False, True]), Value([1.0, 2.0])
    with pytest.raises(
        TypeError, match=r"a masked array, .* give \.filled\(…\) or \.compressed\(\)"
    ):
        use(masked, w)
    assert (w.data.tolist(), w.grad) == ([1.0, 2.0], None)
    assert (masked.filled(0.0) * w).data.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("use", [lambda m, w: m * w, lambda m, w: w * m, lambda m, w: Value(m)])
def test_matrices_whose_products_are_others_are_refused(use: Any) -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(TypeError, match=r"got a np\.matrix, .* write np\.asarray"):
        use(matrix, Value([1.0, 2.0]))


@pytest.mark.parametrize(
    "write",
    [
        lambda a: np.add.at(a, [0], 10.0),
        lambda a: np.multiply.at(a, [0, 0], 2.0),
        lambda a: np.negative.at(a, [0]),
        lambda a: np.add(a, 1.0, out=a),
        lambda a: np.exp(a, out=a),
        lambda a: a.__setitem__(0, 10.0),
        lambda a: a.fill(0.0),
        lambda a: a.sort(),
        lambda a: np.copyto(a, 0.0),
        lambda a: np.put(a, [0], 1.0),
        lambda a: a.setflags(write=True) or a.__setitem__(0, 10.0),
    ],
)  # fmt: skip
def test_no_way_of_numpys_writes_into_data_or_the_gradients_of_results(write: Any) -> None:
    x = Value([3.0, 1.0, 2.0])
    hidden = x * x
    loss = (hidden * hidden).sum()
    loss.backward()
    before = [a.copy() for a in (x.data, hidden.data, hidden.grad, x.grad)]
    for array in (x.data, hidden.data, hidden.grad):
        with pytest.raises(ValueError, match=r"in place|read-only|WRITEABLE"):
            write(array)
    for array, old in zip((x.data, hidden.data, hidden.grad, x.grad), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_what_is_read_only_calculates_like_any_other_array() -> None:
    x = Value([[3.0, 1.0], [2.0, 4.0]])
    plain = x.numpy()
    total = np.zeros(2)
    np.add(x.data[0], 1.0, out=total)
    np.testing.assert_array_equal(total, plain[0] + 1.0)
    np.add.at(total, [0, 0], x.data[0])
    np.testing.assert_array_equal(total, [plain[0, 0] + 1.0 + plain[0].sum(), plain[0, 1] + 1.0])
    for result, expected in [
        (np.add.reduce(x.data, axis=0), plain.sum(axis=0)),
        (np.multiply.outer(x.data, x.data), np.multiply.outer(plain, plain)),
        (np.maximum.accumulate(x.data), np.maximum.accumulate(plain)), (np.modf(x.data)[1], plain),
        (x.data @ x.data, plain @ plain), (1.0 / x.data, 1.0 / plain), (x.data > 2.0, plain > 2.0),
    ]:  # fmt: skip
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    assert isinstance(x.data * x, Value)


@pytest.mark.parametrize("how", ["made", "replaced", "gradient"])
def test_a_view_from_before_an_array_was_locked_changes_no_value(how: str) -> None:
    array = np.array([1.0, 1.0, 1.0])
    view = array[:]
    array.setflags(write=False)
    v = Value(array if how == "made" else [1.0, 1.0, 1.0])
    if how == "replaced":
        v.data = array
    y = v * v
    if how == "gradient":
        y.backward(array)
        view[0] = 9.0
        assert y.grad.tolist() == [1.0, 1.0, 1.0]
        return
    view[0] = 9.0
    y.backward(np.ones(3))
    assert v.grad.tolist() == [2.0, 2.0, 2.0]


def test_the_memory_of_a_detached_value_is_shared_since_nobody_can_write_into_it() -> None:
    v = Value(np.ones(1000))
    assert np.shares_memory(v.data, v.detach().data)
    assert not np.shares_memory(v.data, Value(v.data).data)


# ------------------------------------------------------------------------------------------------
# What the caller changes between a calculation and the way back
# ------------------------------------------------------------------------------------------------


def _spoil(buffer: Any) -> None:
    """Change all that a buffer holds, in place."""
    if isinstance(buffer, tuple):
        for part in buffer:
            _spoil(part)
    elif isinstance(buffer, dict):
        buffer.clear()
    elif isinstance(buffer, list | bytearray | array_of_bytes):
        buffer.reverse()
    elif not isinstance(buffer, slice | int):
        np.asarray(buffer)[...] = np.asarray(buffer)[::-1].copy()


#: What is calculated of w, of shape (3,), with a buffer of the caller's.
BUFFERS: dict[str, tuple[Callable[[Value, Any], Value], Callable[[], Any]]] = {
    "factor": (lambda w, b: w * b, lambda: np.array([1.0, 2.0, 3.0])),
    "factor on the left": (lambda w, b: b * w, lambda: np.array([1.0, 2.0, 3.0])),
    "a view": (lambda w, b: w * b[:], lambda: np.array([1.0, 2.0, 3.0])),
    "a locked view": (lambda w, b: w * _locked(b), lambda: np.array([1.0, 2.0, 3.0])),
    "integers": (lambda w, b: w**b, lambda: np.array([1, 2, 3])),
    "large": (lambda w, b: (w[0] * b).sum(), lambda: np.arange(300_000.0)),
    "divisor": (lambda w, b: w / b, lambda: np.array([1.0, 2.0, 3.0])),
    "inputs of a layer": (lambda w, b: b @ w, lambda: np.arange(6.0).reshape(2, 3)),
    "mask": (lambda w, b: ops.where(b, w, 0.0), lambda: np.array([True, False, False])),
    "index array": (lambda w, b: w[b], lambda: np.array([0, 0, 1])),
    "index list": (lambda w, b: w[b], lambda: [0, 0, 1]),
    "index bools": (lambda w, b: w[b], lambda: np.array([True, False, False])),
    "index in a tuple": (lambda w, b: w.reshape(3, 1)[b], lambda: (np.array([0, 0, 1]), 0)),
    "lists in a tuple": (lambda w, b: w.reshape(3, 1)[b], lambda: ([0, 0, 1], slice(None))),
    "labels": (lambda w, b: ops.softmax_cross_entropy(w.reshape(1, 3)[[0, 0]], b), lambda: np.array([0, 2])),
    "listed labels": (lambda w, b: ops.softmax_cross_entropy(w.reshape(1, 3)[[0, 0]], b), lambda: [0, 2]),
    "labels in a buffer": (
        lambda w, b: ops.softmax_cross_entropy(w.reshape(1, 3)[[0, 0]], memoryview(b)),
        lambda: array_of_bytes("q", [0, 2]),
    ),
    "bounds": (lambda w, b: w.clip(b, 9.0), lambda: np.array([0.0, 3.0, 1.0])),
    "widths": (lambda w, b: w.pad(b) * np.arange(6.0), lambda: [1, 2]),
    "joined": (lambda w, b: ops.concatenate([w, b, w * b]), lambda: np.array([1.0, 2.0, 3.0])),
    "series": (lambda w, b: w[pd.Series(b, copy=False)], lambda: np.array([0, 0, 1])),
    "factors in a series": (lambda w, b: w * pd.Series(b, copy=False), lambda: np.array([1.0, 2.0, 3.0])),
}  # fmt: skip


def _locked(array: Any) -> Any:
    view = array[:]
    view.setflags(write=False)
    return view


@pytest.mark.parametrize("kind", BUFFERS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_changes_after_a_calculation_changes_no_gradient(
    kind: str, create_graph: bool
) -> None:
    calculate, make = BUFFERS[kind]
    w = Value([0.5, 2.5, 1.5])
    expected = grad((calculate(w, make()) ** 2.0).sum(), w)
    buffer = make()
    loss = (calculate(w, buffer) ** 2.0).sum()
    _spoil(buffer)
    found = grad(loss, w, create_graph=create_graph)
    np.testing.assert_array_equal(found.data if create_graph else found, expected)


def test_one_buffer_may_serve_a_whole_loop() -> None:
    w, buffer, total = Value([1.0, 1.0, 1.0]), np.zeros(3), Value(0.0)
    for k in range(3):
        buffer[:] = k
        total = total + (w * buffer).sum()
    total.backward()
    assert w.grad.tolist() == [3.0, 3.0, 3.0]


def test_the_gradient_that_one_begins_with_may_change() -> None:
    w, seed = Value([1.0, 2.0]), np.ones(2)
    y = w * w
    y.backward(seed)
    seed[:] = 9.0
    assert (y.grad.tolist(), w.grad.tolist()) == ([1.0, 1.0], [2.0, 4.0])


def test_data_that_is_owned_already_is_a_constant_without_a_copy() -> None:
    x, w = Value(np.ones((4, 3))), Value(np.ones(3))
    y = x.data @ w
    assert np.shares_memory(y.inputs[0], x.data)
    mine = x.data.copy()
    assert not np.shares_memory((mine @ w).inputs[0], mine)


def test_what_is_computed_without_recording_is_nobody_elses_either() -> None:
    handed_on = ops.Operation(
        lambda x, y: y[:], "2nd", dx=lambda g, *_: 0.0 * g, dy=lambda g, *_: g
    )
    mine = np.ones(2)
    with no_grad():
        y = handed_on(Value([1.0, 2.0]), mine)
    mine[0] = 7.0
    assert y.data.tolist() == [1.0, 1.0]
    mine[1] = 7.0  # is still writeable


def test_a_rule_that_returns_a_constant_shares_it_with_no_gradient() -> None:
    constant = ops.Operation(
        lambda x, y: x * y, "k", dx=lambda g, z, x, y: y, dy=lambda g, z, x, y: x
    )
    x, mine = Value([1.0, 2.0]), np.array([3.0, 4.0])
    y = constant(x, mine)
    y.sum().backward()
    x.grad += 1.0
    assert (mine.tolist(), mine.flags.writeable) == ([3.0, 4.0], True)
    x.zero_grad()
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    "export",
    [
        np.from_dlpack, memoryview, np.frombuffer, lambda a: np.from_dlpack(np.asarray(a)),
        lambda a: pytest.importorskip("torch").from_dlpack(a),
    ],
)  # fmt: skip
def test_other_libraries_get_data_that_they_cannot_change(export: Any) -> None:
    x = Value([1.0, 2.0])
    y = x * x
    shown = export(x.data)
    with contextlib.suppress(ValueError, TypeError):
        shown[0] = 9.0
    assert x.data.tolist() == [1.0, 2.0]
    y.backward([1.0, 1.0])
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("make", [pd.Series, pd.Index, lambda n: pd.DataFrame([n, n])])
@pytest.mark.parametrize("sign", [operator.mul, operator.add, operator.sub, operator.truediv])
def test_a_table_on_either_side_gives_a_value(make: Any, sign: Any) -> None:
    numbers = make([1.0, 2.0, 3.0])
    w = Value([3.0, 4.0, 5.0])
    for left, right in [(numbers, w), (w, numbers), (numbers, w[0]), (w[0], numbers)]:
        result = sign(left, right)
        plain = [
            np.asarray(getattr(x, "data", x) if type(x) is Value else x) for x in (left, right)
        ]
        np.testing.assert_array_equal(result.data, sign(*plain))
        result.sum().backward()
    assert w.grad is not None


# ------------------------------------------------------------------------------------------------
# no_grad in functions that rest
# ------------------------------------------------------------------------------------------------


def _is_on() -> bool:
    return (Value(1.0) * 2.0).op is not None


def test_a_generator_that_rests_within_no_grad_leaves_its_caller_recording() -> None:
    def generate() -> Any:
        with no_grad():
            for _ in range(2):
                yield _is_on()
        yield _is_on()

    generator = generate()
    assert (next(generator), _is_on()) == (False, True)
    with no_grad():
        assert (next(generator), _is_on()) == (False, False)
        assert next(generator) is False  # in the caller's block
        assert not _is_on()
    assert _is_on()
    generator.close()
    assert _is_on()


def test_blocks_of_generators_may_end_in_any_order() -> None:
    def generate() -> Any:
        with no_grad():
            yield _is_on()
            yield _is_on()

    first, second = generate(), generate()
    assert [next(first), next(second), _is_on()] == [False, False, True]
    first.close()
    assert [next(second), _is_on()] == [False, True]
    with no_grad():
        second.close()
        assert not _is_on()
    assert _is_on()


def test_a_generator_that_is_forgotten_within_no_grad_leaves_nothing_behind() -> None:
    def generate() -> Any:
        x = Value([1.0])
        with contextlib.ExitStack() as stack:
            stack.enter_context(no_grad())
            yield weakref.ref(x.data.base), _is_on()

    generator = generate()
    data, on = next(generator)
    assert (on, _is_on(), data() is None) == (False, True, False)
    del generator
    assert (_is_on(), data()) == (True, None)


def test_a_context_manager_written_as_a_generator_holds_for_its_block() -> None:
    @contextlib.contextmanager
    def quiet() -> Any:
        with no_grad():
            yield

    with quiet():
        assert not _is_on()
        with contextlib.ExitStack() as stack:
            stack.enter_context(quiet())
            assert not _is_on()
        assert not _is_on()
    assert _is_on()

    @quiet()
    def decorated() -> bool:
        return _is_on()

    assert not decorated()
    assert _is_on()


def test_tasks_and_asynchronous_generators_keep_their_blocks_to_themselves() -> None:
    found = []

    async def silent() -> None:
        with no_grad():
            await asyncio.sleep(0)
            found.append(_is_on())
            await asyncio.sleep(0)
            found.append(_is_on())

    async def generate() -> Any:
        with no_grad():
            await asyncio.sleep(0)
            yield _is_on()
            yield _is_on()

    async def loud() -> None:
        async for inside in generate():
            found.append(inside)
            assert _is_on()
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(silent(), loud())
        assert _is_on()

    asyncio.run(both())
    assert found == [False] * 4


def test_functions_whose_lines_run_later_cannot_be_decorated() -> None:
    def generate() -> Any:
        yield

    async def wait() -> None:
        pass

    async def generate_and_wait() -> Any:
        yield

    for function in (generate, wait, generate_and_wait):
        with pytest.raises(
            TypeError, match=r"generator or async function.*`with no_grad\(\):` inside"
        ):
            no_grad()(function)


# ------------------------------------------------------------------------------------------------
# What a Value has not
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda v: v.flatten(), AttributeError, r"write value\.reshape\(-1\)"),
        (lambda v: v.squeeze(), AttributeError, r"write value\.reshape"),
        (lambda v: v.std(), AttributeError, r"write value\.var\(\)\.sqrt\(\)"),
        (lambda v: v.argmax(), AttributeError, r"value\.data\.argmax gives it where no gradient"),
        (lambda v: v.nonsense, AttributeError, "no attribute 'nonsense'$"),
        (np.std, TypeError, r"np\.std cannot record a gradient; write value\.var\(\)\.sqrt\(\)"),
        (lambda v: np.pad(v, 1, "edge"), TypeError, r"np\.pad with mode cannot record"),
        (lambda v: np.sum(v, where=v.data > 0), TypeError, r"np\.sum with where cannot record"),
        (lambda v: v % 2, TypeError, r"has no %, // and round, .* np\.floor"),
        (lambda v: 7 // v, TypeError, r"has no %, // and round"),
        (lambda v: divmod(v, 2), TypeError, r"has no %, // and round"),
        (lambda v: round(v[0]), TypeError, r"has no %, // and round"),
        (lambda v: Value(1.0, name=5), TypeError, "expected a string as the name of a Value, got 5"),
        (lambda v: setattr(v, "name", b"w"), TypeError, "expected a string as the name"),
    ],
)  # fmt: skip
def test_what_a_value_has_not_is_said_with_what_to_write_instead(
    ask: Any, error: Any, words: str
) -> None:
    v = Value([1.0, 2.0], name="v")
    with pytest.raises(error, match=words):
        ask(v)
    assert v.name == "v"
    assert not hasattr(v, "flatten")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda v: np.clip(v, None, 3), [1.0, 3.0]),
        (lambda v: np.clip(v, 2, None), [2.0, 5.0]),
        (lambda v: np.clip(v, a_min=2, a_max=3), [2.0, 3.0]),
        (lambda v: v.clip(None, None), [1.0, 5.0]),
        (lambda v: np.pad(v, 1, "constant"), [0.0, 1.0, 5.0, 0.0]),
        (lambda v: np.pad(v, pad_width=1, mode="constant", constant_values=7.0), [7.0, 1.0, 5.0, 7.0]),
        (lambda v: ops.stack(v), [1.0, 5.0]),
        (lambda v: ops.stack(v[i] for i in (1, 0)), [5.0, 1.0]),
        (lambda v: ops.concatenate(v.reshape(2, 1)), [1.0, 5.0]),
    ],
)  # fmt: skip
def test_numpys_ways_to_write_it_are_understood(call: Any, expected: list[float]) -> None:
    v = Value([1.0, 5.0])
    result = call(v)
    assert result.data.tolist() == expected
    check_gradients(call, v, order=2)
