"""Formulas: at a hundred random points they are what autograd says."""

import math
import sys

import numpy as np
import pytest

pytest.importorskip("sympy")

from tinygrad_edu import Value, grad, ops
from tinygrad_edu.by_hand import WorkedExample
from tinygrad_edu.compare import twin
from tinygrad_edu.compare.symbolic import derivative, formula

GRAPHS = {
    "polynomial": lambda a, b: a * a * b - 3 * b**3 + a / (b + 4),
    "readme": lambda a, b: (a * b + 10).tanh(),
    "waves": lambda a, b: (a.sin() * b.cos()).exp(),
    "roots": lambda a, b: (a * a + 1).sqrt() * (b * b + 0.5).log(),
    "powers": lambda a, b: (a * a + 0.1) ** b,
    "neuron": lambda a, b: 0.5 * (0.7 - (a * 0.3 + b).sigmoid()) ** 2,
    "kinks": lambda a, b: a.relu() * 2 + abs(b) + a.leaky_relu(0.1) * b,
    "choices": lambda a, b: a.maximum(b) * b.minimum(0.3) + a.clip(-0.5, 0.5),
    "soft": lambda a, b: (a.softplus() - b) * -a,
    "reused": lambda a, b: (a + b) * (a + b) + (a + b),
    "where": lambda a, b: ops.where(1.0, a * b, a),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_hundred_random_points(name):
    rng = np.random.default_rng(0)
    a, b = Value(1.0, name="a"), Value(1.0, name="b")
    graph = GRAPHS[name]
    slopes = {symbol: derivative(graph(a, b), symbol) for symbol in "ab"}
    whole = formula(graph(a, b))
    for x, y in rng.uniform(-2, 2, size=(100, 2)).tolist():
        a.data, b.data = x, y
        result = graph(a, b)
        expected = grad(result, [a, b])
        assert whole(a=x, b=y) == pytest.approx(result.data, rel=1e-9, abs=1e-12)
        for symbol, number in zip("ab", expected, strict=True):
            assert slopes[symbol](a=x, b=y) == pytest.approx(number, rel=1e-9, abs=1e-12)


def test_mazurs_net():
    error = twin(WorkedExample())()
    slope = derivative(error, "w5")
    assert round(slope(), 9) == 0.082167041
    assert round(derivative(error, "w1")(), 9) == 0.000438568
    assert "sigmoid" in str(slope)
    assert r"\sigma" in slope.latex
    assert slope._repr_latex_().startswith("$")
    rng = np.random.default_rng(1)
    network = WorkedExample()
    for _ in range(20):
        network.set_parameters({name: rng.normal() for name in network.parameters()})
        numbers = {name: float(x) for name, x in network.parameters().items()}
        assert slope(**numbers) == pytest.approx(float(network.gradients()["w5"]), rel=1e-10)


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [("relu", 0.0, 0.0), ("abs", 0.0, 0.0), ("sigmoid", -1000.0, 0.0), ("sigmoid", 1000.0, 0.0)],
)
def test_kinks_and_ends_are_ours(function, at, slope):
    x = Value(at, name="x")
    y = getattr(x, function)()
    assert derivative(y, x)() == slope == grad(y, x)


def test_ties_are_split():
    x, y = Value(1.0, name="x"), Value(1.0, name="y")
    assert derivative(x.maximum(y), x)() == 0.5 == grad(x.maximum(y), x)
    assert derivative(x.maximum(x), x)() == 1.0


def test_no_real_number_is_nan():
    x = Value(8.0, name="x")
    root = formula(x ** (1 / 3))
    assert root() == pytest.approx(2.0)
    assert math.isnan(root(x=-8.0))


def test_names():
    a, b, c = Value(1.0), Value(2.0, name="w"), Value(3.0, name="w")
    found = formula(a * b * c + Value(5.0))
    assert list(found.symbols) == ["x1", "w", "w2", "x2"]
    assert found(x1=2.0) == 17.0
    with pytest.raises(TypeError, match="no v in this formula, only x1, w"):
        found(v=1.0)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: formula(Value([1.0, 2.0], "w").sum()), TypeError, r"w is of shape \(2,\)"),
        (lambda: derivative(Value(1.0, "a") * 2.0, Value(1.0, "b")), ValueError, "no b in it"),
        (lambda: derivative(Value(1.0, "a") * 2.0, "b"), ValueError, "named 'b', found 0"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_formulas_that_would_never_end():
    y = x = Value(0.1, name="x")
    for _ in range(30):
        y = y * y + y
    with pytest.raises(ValueError, match=r"more than 2,000 operations"):
        formula(y)
    y = x
    for _ in range(500):
        y = y.sin()
    with pytest.raises(ValueError, match="inside one another"):
        derivative(y, x)


def test_the_deepest_formula_that_is_allowed_can_be_printed():
    y = x = Value(0.1, name="x")
    for _ in range(79):
        y = y.sin()
    slope = derivative(y, x)
    assert slope() == pytest.approx(grad(y, x))
    assert str(slope)
    assert slope.latex


def test_what_is_no_value_is_said():
    with pytest.raises(TypeError, match="a Value to write as a formula, got float"):
        formula(3.0)
    with pytest.raises(TypeError, match="got function; call it first"):
        derivative(lambda: Value(1.0), "w")
    with pytest.raises(TypeError, match="expected a Value or its name, got int"):
        derivative(Value(1.0, name="w") * 2.0, 3)


def test_without_sympy(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match=r"pip install \"tinygrad_edu\[symbolic\]\""):
        formula(Value(1.0) * 2.0)


@pytest.mark.parametrize(("x", "written"), [(np.inf, "oo*x"), (-np.inf, "-oo*x"), (np.nan, "nan")])
def test_a_constant_that_is_not_finite_can_be_written(x, written):
    assert str(formula(Value(2.0, name="x") * float(x))) == written
