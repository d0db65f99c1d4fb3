"""The gradient checker: what it accepts, what it rejects, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Value, ops
from tinygrad_edu.check import GradientError, check_gradients, finite_difference
from tinygrad_edu.ops import OPERATIONS
from tinygrad_edu.ops.operation import op

POINTS = np.array([[0.4, -1.3, 0.8], [2.1, 0.3, -0.6]])


@pytest.fixture
def register() -> Iterator[Callable[..., Any]]:
    """Enter an operation in the table with a rule of one's own, for one test."""
    added: list[str] = []

    def enter(forward: Callable[[Any], Any], dx: Callable[..., Any]) -> Any:
        def trial(x: Any) -> Any:
            """A trial."""
            return forward(x)

        added.append("trial")
        return op("trial", dx=dx)(trial)

    yield enter
    for name in added:
        OPERATIONS.pop(name, None)


FORWARD_AND_RULE: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "sin": (np.sin, lambda g, z, x: g * ops.cos(x)),
    "exp": (np.exp, lambda g, z, x: g * z),
    "tanh": (np.tanh, lambda g, z, x: g * (1.0 - z * z)),
    "square": (lambda x: x * x, lambda g, z, x: g * 2.0 * x),
    "cube": (lambda x: x * x * x, lambda g, z, x: g * 3.0 * x * x),
    "same": (lambda x: x * 1.0, lambda g, z, x: g),
    "sum": (np.sum, lambda g, z, x: g),
    "softmax": (
        lambda x: ops.softmax(x),
        lambda g, z, x: z * (g - ops.sum(g * z, axis=-1, keepdims=True)),
    ),
}


@pytest.mark.parametrize("name", FORWARD_AND_RULE)
def test_a_right_rule_is_accepted_and_one_that_is_wrong_by_a_two_thousandth_rejected(
    name: str, register: Callable[..., Any]
) -> None:
    forward, rule = FORWARD_AND_RULE[name]
    assert check_gradients(register(forward, rule), POINTS, order=2) <= 1e-6
    for factor in (1.0005, 0.9995):
        wrong = register(forward, lambda *numbers, factor=factor: rule(*numbers) * factor)
        with pytest.raises(GradientError):
            check_gradients(wrong, POINTS)


def test_a_rule_that_is_wrong_in_the_second_order_only_is_rejected_by_order_2(
    register: Callable[..., Any],
) -> None:
    # np.cos hides from the graph that the derivative of sin depends on x as well
    hiding = register(np.sin, lambda g, z, x: g * np.cos(x.data if isinstance(x, Value) else x))
    check_gradients(hiding, POINTS)
    with pytest.raises(GradientError, match="derivative of order 2 by input 0"):
        check_gradients(hiding, POINTS, order=2)


def test_a_softmax_gradient_of_zero_is_rejected(register: Callable[..., Any]) -> None:
    zero = register(lambda x: ops.softmax(x), lambda g, z, x: g * 0.0)
    with pytest.raises(GradientError):
        check_gradients(zero, POINTS)


def test_a_forgotten_gradient_is_rejected() -> None:
    with pytest.raises(GradientError):
        check_gradients(lambda x: x * x.detach(), POINTS)


def test_a_single_wrong_entry_is_named_with_its_input(register: Callable[..., Any]) -> None:
    correction = np.ones((2, 3))
    correction[1, 2] = 1.0005
    wrong = register(lambda x: x * x, lambda g, z, x: g * 2.0 * x * correction)
    weight = Value(POINTS, name="weight")
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda a, b: a * wrong(b), 2.0, weight)
    error = caught.value
    assert (error.order, error.position, error.entry) == (1, 1, (1, 2))
    assert error.autograd == pytest.approx(1.0005 * error.difference, rel=1e-9)
    for words in ("input 1 ('weight')", "entry (1, 2)", "0.0005 apart", "Correct the rule"):
        assert words in str(error)


def test_the_largest_relative_difference_is_returned(register: Callable[..., Any]) -> None:
    slightly = register(lambda x: x * x, lambda g, z, x: g * 2.0 * x * 1.0005)
    assert check_gradients(slightly, POINTS, rtol=1e-2) == pytest.approx(5e-4, rel=1e-2)
    assert check_gradients(lambda x: x * x, POINTS) < 1e-9


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: x, [1.5]),
        (lambda x, y: x + 0.0 * y, [1.5, POINTS]),
        (lambda x: x * x - x**2, [POINTS]),
        (lambda x: x.softmax().sum(), [POINTS]),
        (lambda x: (x * 1e6).sum() + 1e9, [POINTS]),
        (lambda x: x * 1e-9, [POINTS]),
        (lambda x: x * x, [1e6]),
        (lambda x: x * x, [0.0]),
        (lambda x: x.log(), [0.01]),
        (lambda x: x.sqrt(), [0.003]),
        (lambda x: (200.0 * x).sin(), [POINTS]),
        (lambda x: x.relu(), [0.001]),
        (lambda x: x.exp(), [30.0]),
        (lambda x: x.sum(), [np.ones((0, 3))]),
        (lambda x, y: (x @ y).tanh(), [POINTS, POINTS.T]),
        (lambda x: x[[0, 0, 1]].sigmoid().log(), [POINTS]),
    ],
)
def test_right_gradients_are_accepted_at_all_scales(
    function: Callable[..., Value], inputs: list[Any]
) -> None:
    check_gradients(function, *inputs, order=2)


def test_a_kink_is_reported_with_what_to_do() -> None:
    with pytest.raises(GradientError, match="choose another input"):
        check_gradients(ops.relu, [1.0, 0.0])


def test_integers_and_float32_are_checked_in_float64() -> None:
    check_gradients(lambda x: x**3, 2, order=2)
    check_gradients(lambda x: x**3, [1, 2], order=2)
    check_gradients(lambda x: x**3, POINTS.astype(np.float32), order=2)
    check_gradients(lambda x: x**3, Value(POINTS.astype(np.float32)), order=2)


def test_large_inputs_are_sampled_and_the_sample_is_seeded(register: Callable[..., Any]) -> None:
    asked = 0

    def function(x: Value) -> Value:
        nonlocal asked
        asked += 1
        return x * x

    check_gradients(function, np.linspace(1.0, 2.0, 5000), samples=7)
    assert asked < 50
    half_wrong = register(lambda x: x * x, lambda g, z, x: g * np.where(x < 1.5, 2.0, 2.1) * x)
    entries = set()
    for _ in range(2):
        with pytest.raises(GradientError) as caught:
            check_gradients(half_wrong, np.linspace(1.0, 2.0, 5000), samples=20, rng=3)
        entries.add(caught.value.entry)
    assert len(entries) == 1


def test_an_absolute_tolerance_can_be_given(register: Callable[..., Any]) -> None:
    wrong = register(lambda x: x * x, lambda g, z, x: g * 2.0 * x + 1e-4)
    check_gradients(wrong, POINTS, atol=1e-3)
    with pytest.raises(GradientError):
        check_gradients(wrong, POINTS, atol=0.0)


def test_inputs_are_not_changed() -> None:
    array, value = POINTS.copy(), Value(POINTS)
    check_gradients(lambda x, y: x * y, array, value)
    np.testing.assert_array_equal(array, POINTS)
    np.testing.assert_array_equal(value.data, POINTS)
    assert value.grad is None


def test_what_cannot_be_checked_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="got none"):
        check_gradients(lambda: Value(1.0))
    with pytest.raises(TypeError, match="expected f to return a Value"):
        check_gradients(lambda x: x.data, POINTS)
    with pytest.raises(TypeError, match="expected real numbers, got str"):
        check_gradients(lambda x: x, "one")
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different numbers for the same inputs"):
        check_gradients(lambda x: x * generator.random(), POINTS)
    with pytest.raises(ValueError, match="infinite or NaN"), np.errstate(all="ignore"):
        check_gradients(lambda x: x.log(), POINTS)
    for wrong in ({"order": 0}, {"samples": 0}, {"rtol": 0.0}, {"rtol": float("nan")}):
        with pytest.raises(ValueError, match="above 0"):
            check_gradients(lambda x: x, 1.0, **wrong)


def test_the_finite_difference_of_a_number_and_of_arrays() -> None:
    assert finite_difference(lambda x: x**3, 2.0) == pytest.approx(12.0, rel=1e-11)
    assert type(finite_difference(lambda x: x**3, 2)) is float
    slopes = finite_difference(lambda x: np.sin(x).sum(), POINTS)
    np.testing.assert_allclose(slopes, np.cos(POINTS), rtol=1e-10)
    assert finite_difference(lambda x: x.sum(), np.ones((0, 3))).shape == (0, 3)


def test_the_finite_difference_of_many_outputs_is_the_jacobian() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    jacobian = finite_difference(lambda x: matrix @ x, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(jacobian, matrix.T, atol=1e-10)


def test_a_finite_difference_takes_functions_of_values_too() -> None:
    slope = finite_difference(lambda x: Value(x).tanh(), 0.5)
    assert slope == pytest.approx(1.0 - np.tanh(0.5) ** 2, rel=1e-11)


# ------------------------------------------------------------------------------------------------
# Wrong rules that hide, and right ones that look wrong
# ------------------------------------------------------------------------------------------------


def square(factor: float = 1.0005, entry: int | None = None, dtype: Any = None) -> ops.Operation:
    """x², whose derivative is wrong by a factor: everywhere, or at one entry, or in one type only."""

    def rule(g: Any, z: Any, x: Any) -> Any:
        right = g * 2.0 * x
        if dtype is not None and getattr(g, "dtype", None) != dtype:
            return right
        wrong = np.full(np.shape(x), factor)
        if entry is not None:
            wrong[...] = 1.0
            wrong.flat[entry] = factor
        return right * (wrong if wrong.ndim else float(wrong))

    return ops.Operation(lambda x: x * x, "square", dx=rule)


SOME = np.array([0.7, -1.2, 2.0])


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: square()(x) + 1e9, [1.3]),
        (lambda x: square()(x).sum() - 1e9, [SOME]),
        (lambda x: ops.stack([x * 1e9, square()(x)]), [1.3]),
        (lambda x, y: ops.concatenate([y * 1e9, square()(x)]), [SOME, SOME]),
        (lambda x, y: (y * 1e9).sum() + square()(x).sum(), [SOME, SOME]),
        (lambda x, y: (y * y * 1e9).sum() + square()(x).sum(), [SOME, SOME]),
        (lambda x: (square()(x) * np.array([1e9, 1.0, 1e9])).sum(), [SOME]),
        (lambda x: square()(x) * 1e-12, [SOME]),
        (lambda x: square()(x), [[1e-9, 1e9, 1.0]]),
    ],
)  # fmt: skip
def test_a_small_mistake_beside_something_large_is_found(function: Any, inputs: list[Any]) -> None:
    with pytest.raises(GradientError) as caught:
        check_gradients(function, *inputs)
    assert caught.value.position == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("reduce", [lambda y: y, ops.sum, lambda y: (y * y).mean()])
def test_one_wrong_entry_of_very_many_is_named(seed: int, reduce: Any) -> None:
    x = np.random.default_rng(seed).uniform(0.5, 2.0, (40, 100))
    at = int(np.random.default_rng(seed).integers(x.size))
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda x: reduce(square(1.01, at)(x)), x, samples=3, rng=seed)
    assert np.ravel_multi_index(caught.value.entry, x.shape) == at
    check_gradients(lambda x: reduce(square(1.0)(x)), x, samples=3, rng=seed)


@pytest.mark.slow
def test_one_wrong_entry_in_a_million_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 1000))
    with pytest.raises(GradientError, match=r"entry \(123, 456\), is wrong"):
        check_gradients(square(entry=123_456), x, samples=1)


def test_one_wrong_entry_of_the_second_order_is_named() -> None:
    x = np.random.default_rng(0).uniform(0.5, 2.0, 2000)

    def rule(g: Any, z: Any, x: Any) -> Any:
        shown = x.data if isinstance(x, Value) else x
        hidden = np.arange(2000) == 1234  # where the graph is not told that the slope depends on x
        return g * 3.0 * ops.where(hidden, shown * shown, x * x)

    cube = ops.Operation(lambda x: x * x * x, "cube", dx=rule)
    check_gradients(cube, x, samples=3)
    with pytest.raises(GradientError, match=r"order 2 by input 0, entry \(1234,\)"):
        check_gradients(cube, x, samples=3, order=2)


def test_a_rule_that_is_wrong_in_float32_alone_is_found_with_that_dtype() -> None:
    wrong = square(1.01, dtype=np.float32)
    check_gradients(wrong, SOME, order=2)
    with pytest.raises(GradientError):
        check_gradients(wrong, SOME, dtype=np.float32)
    for right in (
        ops.gelu,
        ops.softmax,
        ops.tanh,
        lambda x: x.var().sqrt(),
        lambda x: x * x - x**2,
    ):
        check_gradients(right, SOME, dtype=np.float32, order=2)
    with pytest.raises(ValueError, match="float64 or float32, got float16"):
        check_gradients(ops.exp, SOME, dtype=np.float16)


def test_a_rule_that_is_wrong_where_an_input_is_broadcast_is_found() -> None:
    def rule(g: Any, z: Any, x: Any, y: Any) -> Any:
        return (g * y).sum(axis=1) if z.shape != x.shape else g * y  # over the wrong axis

    wrong = ops.Operation(lambda x, y: x * y, "times", dx=rule, dy=lambda g, z, x, y: g * x)
    matrix = np.arange(1.0, 10.0).reshape(3, 3)
    check_gradients(wrong, matrix, matrix + 1.0)
    with pytest.raises(GradientError):
        check_gradients(wrong, SOME, matrix)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (ops.relu, [1e-5]), (ops.relu, [[-1e-5, 1e-7, 3.0]]), (ops.abs, [[1e-6, -1e-8]]),
        (ops.log, [1e-8]), (ops.log, [[1e-30, 1e-8, 1.0, 1e8]]), (ops.sin, [1e6]),
        (ops.sin, [[1e6, 1e-6, 1.0]]), (ops.sqrt, [[1e-12, 1e-6, 3.0]]), (lambda x: 1.0 / x, [[1e-8, 1.0]]),
        (lambda x: x**0.5, [1e-10]), (lambda x: x.clip(0.0, 1.0), [[0.9999999, 1e-8, 1.0000001]]),
        (ops.maximum, [[1.0, 2.0], [1.000001, 1.99999]]), (lambda x: x * x, [[1e-12, 1e12]]),
        (lambda x: x.cos().sum() + 1e9, [[1.0, 2.0]]), (lambda x: x.softmax().sum(), [SOME]),
        (ops.tanh, [[20.0, 1e-8, 5.0]]), (ops.sigmoid, [[-700.0, 700.0, 30.0]]),
        (ops.exp, [[-700.0, 0.0, 30.0]]), (lambda x: (1.0 - x).log(), [0.9999999]),
        (lambda x: x.relu().sum(), [np.random.default_rng(0).normal(size=5000)]),
    ],
)  # fmt: skip
def test_right_rules_are_accepted_at_the_edges(function: Any, inputs: list[Any]) -> None:
    check_gradients(function, *inputs, order=2, samples=5)
