"""Derivatives at special points: 0 and −0, ±1, very small and large numbers, ±∞, whole exponents, nothing.

Difference quotients say little there, so functions that everybody knows are held against mpmath, which
computes with sixty digits; what only moves and adds numbers must have the same gradient everywhere.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Value, grad, ops
from tinygrad_edu.ops import OPERATIONS

mpmath = pytest.importorskip("mpmath")

POINTS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    1e-8,
    -1e-8,
    40.0,
    -40.0,
    300.0,
    -300.0,
    math.inf,
    -math.inf,
)
#: Functions of one number, as mpmath computes them.
SMOOTH: dict[str, Callable[[Any], Any]] = {
    "negative": lambda x: -x,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)) if x < 0 else x + mpmath.log1p(mpmath.exp(-x)),
    "gelu": lambda x: x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + 0.044715 * x**3))),
}  # fmt: skip
#: The slopes of functions with a kink, at −1, 0 and 1.
KINKS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "abs": (ops.abs, [-1.0, 0.0, 1.0]),
    "relu": (ops.relu, [0.0, 0.0, 1.0]),
    "leaky_relu": (ops.leaky_relu, [0.01, 0.01, 1.0]),
    "clip": (lambda x: ops.clip(x, -1.0, 1.0), [0.0, 1.0, 0.0]),
    "maximum": (lambda x: ops.maximum(x, 0.0), [0.0, 0.5, 1.0]),
    "minimum": (lambda x: ops.minimum(x, 0.0), [1.0, 0.5, 0.0]),
    "where": (lambda x: ops.where(x > 0.0, x, 0.0), [0.0, 0.0, 1.0]),
}
#: Functions of two numbers: the first derivatives, the second ones by x, by x and y, and by y.
PAIRS: dict[str, Callable[[Any, Any], tuple[float, ...]]] = {
    "add": lambda x, y: (1.0, 1.0, 0.0, 0.0, 0.0),
    "subtract": lambda x, y: (1.0, -1.0, 0.0, 0.0, 0.0),
    "multiply": lambda x, y: (y, x, 0.0, 1.0, 0.0),
    "divide": lambda x, y: (1 / y, -x / y**2, 0.0, -1 / y**2, 2 * x / y**3),
    "power": lambda x, y: (
        y * x ** (y - 1),
        x**y * np.log(x),
        y * (y - 1) * x ** (y - 2),
        x ** (y - 1) * (1 + y * np.log(x)),
        x**y * np.log(x) ** 2,
    ),
}
#: What only moves, repeats and adds: a function of an array of shape (2, 3).
LINEAR: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: ops.sum(x, axis=0),
    "mean": lambda x: ops.mean(x, axis=1),
    "reshape": lambda x: ops.reshape(x, shape=(3, 2)),
    "transpose": ops.transpose,
    "broadcast_to": lambda x: ops.broadcast_to(x, shape=(2, 2, 3)),
    "astype": lambda x: ops.astype(x, dtype=np.float64),
    "getitem": lambda x: x[[0, 0, 1]],
    "scatter": lambda x: ops.scatter(x, index=[1, 1], shape=(3, 3)),
    "pad": lambda x: ops.pad(x, 1),
    "join": lambda x: ops.join(x, x),
    "concatenate": lambda x: ops.concatenate([x, x], axis=1),
    "stack": lambda x: ops.stack([x, x]),
    "windows": lambda x: ops.windows(x.reshape(1, 1, 2, 3), size=2),
    "overlap_add": lambda x: ops.overlap_add(x.reshape(1, 1, 1, 1, 2, 3), image=(2, 3)),
}
#: Composed of others, or held against difference quotients and closed forms elsewhere in these tests.
ELSEWHERE = {"matmul", "dense", "conv2d", "max_pool2d", "max", "min", "var", "softmax", "log_softmax",
             "softmax_cross_entropy"}  # fmt: skip


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """At the edges NumPy warns, as it should."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_every_operation_with_a_derivative_stands_in_a_table() -> None:
    plain = {n for n, o in OPERATIONS.items() if not getattr(o, "differentiable", True)}
    assert {*SMOOTH, *KINKS, *PAIRS, *LINEAR, *ELSEWHERE} == set(OPERATIONS) - plain


def _derivatives(function: Any, x: float, as_array: bool) -> list[float]:
    """Return the first and the second derivative."""
    v = Value([x] if as_array else x)
    first = grad(ops.sum(function(v)), v, create_graph=True)
    return [float(np.ravel(d)[0]) for d in (first.data, grad(ops.sum(first), v))]


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_those_of_sixty_digits(name: str, as_array: bool) -> None:
    for x in POINTS:
        if (name in ("log", "sqrt") and x <= 0.0) or (
            name in ("sin", "cos", "gelu") and math.isinf(x)
        ):
            continue
        with mpmath.workdps(60):
            at = mpmath.mpf(x) if math.isfinite(x) else mpmath.sign(x) * mpmath.mpf(10) ** 40
            _, first, half = map(float, mpmath.taylor(SMOOTH[name], at, 2))
        found = _derivatives(OPERATIONS[name], x, as_array)
        np.testing.assert_allclose(
            found, [first, 2.0 * half], rtol=1e-9, atol=1e-13, err_msg=f"{name} at {x}"
        )


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("name", KINKS)
def test_slopes_at_kinks_stay_as_they_are_chosen(name: str, as_array: bool) -> None:
    function, slopes = KINKS[name]
    for x, slope in zip(
        (-1.0, 0.0, -0.0, 1.0), (slopes[0], slopes[1], slopes[1], slopes[2]), strict=True
    ):
        assert _derivatives(function, x, as_array) == [slope, 0.0]
    for x in (-math.inf, math.inf):
        assert _derivatives(function, x, as_array)[0] in (0.0, 0.01, -1.0, 1.0)


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_first_second_and_mixed_derivatives_of_two_numbers(name: str, as_array: bool) -> None:
    bases = (0.5, 1.0, 2.0) if name == "power" else (0.0, -0.0, 0.5, 1.0, -1.0, 2.0)
    others = (0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 3.0)
    for x, y in itertools.product(bases, others):
        if name == "divide" and y == 0.0:
            continue
        a, b = (Value([n] if as_array else n) for n in (x, y))
        by_a, by_b = grad(ops.sum(OPERATIONS[name](a, b)), [a, b], create_graph=True)
        seconds = [grad(ops.sum(d), v) for d, v in ((by_a, a), (by_a, b), (by_b, b))]
        found = [float(np.ravel(d)[0]) for d in (by_a.data, by_b.data, *seconds)]
        np.testing.assert_allclose(
            found, PAIRS[name](x, y), rtol=1e-12, atol=1e-15, err_msg=f"{x}, {y}"
        )
        assert float(np.ravel(grad(ops.sum(by_b), a))[0]) == pytest.approx(found[3], rel=1e-12)


@pytest.mark.parametrize("base", [0.0, -0.0, -1.0, -2.0])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_whole_powers_of_nothing_and_of_negative_numbers(base: float, exponent: float) -> None:
    n = exponent
    expected = [n * base ** max(n - 1.0, 0.0), n * (n - 1.0) * base ** max(n - 2.0, 0.0)]
    for as_array in (False, True):
        assert _derivatives(lambda x: x**n, base, as_array) == expected


@pytest.mark.parametrize("name", LINEAR)
def test_what_only_moves_and_adds_has_the_same_gradient_everywhere(name: str) -> None:
    def slopes(numbers: Any) -> Any:
        x = Value(numbers)
        result = LINEAR[name](x)
        weights = np.random.default_rng(0).normal(size=result.shape)
        return grad(ops.sum(result * weights), x)

    expected = slopes(np.ones((2, 3)))
    for special in (
        [[0.0, -0.0, 1.0], [-1.0, 0.0, 2.0]],
        [[math.inf, -math.inf, 0.0], [math.nan, 1.0, -1.0]],
    ):
        np.testing.assert_array_equal(slopes(special), expected)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("name", ["sum", "softmax_of_none", "relu", "power", "multiply"])
def test_nothing_has_an_empty_gradient(name: str, shape: tuple[int, ...]) -> None:
    functions = {"sum": ops.sum, "relu": ops.relu, "power": lambda x: x**2, "multiply": lambda x: x * x,
                 "softmax_of_none": lambda x: x.reshape(-1, 1).softmax()}  # fmt: skip
    x = Value(np.zeros(shape))
    first = grad(ops.sum(functions[name](x)), x, create_graph=True)
    assert (first.shape, grad(ops.sum(first), x).shape) == (shape, shape)


@pytest.mark.parametrize("operation", [ops.max, ops.min])
def test_ties_split_the_gradient_and_have_no_second_one(operation: Any) -> None:
    for numbers, shares in (
        ([0.0, -0.0], [0.5, 0.5]),
        ([math.inf] * 4, [0.25] * 4),
        ([1.0], [1.0]),
    ):
        x = Value(numbers)
        first = grad(operation(x), x, create_graph=True)
        assert first.data.tolist() == shares
        assert grad(ops.sum(first * first), x).tolist() == [0.0] * len(numbers)


def test_an_impossible_class_has_no_share_and_no_gradient() -> None:
    for operation in (ops.softmax, lambda x: ops.exp(ops.log_softmax(x))):
        x = Value([0.0, -math.inf, 0.0])
        y = operation(x)
        first = grad(ops.sum(y * np.array([1.0, 2.0, 3.0])), x, create_graph=True)
        np.testing.assert_allclose(y.data, [0.5, 0.0, 0.5])
        np.testing.assert_allclose(first.data, [-0.5, 0.0, 0.5], atol=1e-15)
