"""Every operation of the table, proved against difference quotients.

`SWEEP` has a row for each operation: a strategy that yields cases, each a function of Values together with
the numbers to call it with. Every case goes through the same proofs: first and second derivatives by all
inputs, by some of them while the others are constants, in float32, and with numbers in place of arrays. An
operation that is added to the table without a row here fails.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tinygrad_edu import Value, ancestors, grad, ops
from tinygrad_edu.check import GradientError, check_gradients
from tinygrad_edu.number import simplify
from tinygrad_edu.ops import OPERATIONS

Shape = tuple[int, ...]

#: Each row: two shapes that broadcast together.
BROADCASTS: list[tuple[Shape, Shape]] = [
    ((), ()),
    ((), (1,)),
    ((), (2, 3)),
    ((1,), (1, 2)),
    ((1,), (3,)),
    ((3,), (3,)),
    ((1, 1), (3,)),
    ((4, 3), (3,)),
    ((4, 3), (1, 3)),
    ((4, 3), (4, 1)),
    ((3, 1), (1, 4)),
    ((2, 1, 2), (3, 1)),
    ((2, 1, 2), (3, 2)),
    ((0, 2), (2,)),
]

#: Vectors, matrices and stacks of matrices in all pairings that can be multiplied.
PRODUCTS: list[tuple[Shape, Shape]] = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 2)),
    ((1, 3), (3, 1)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 2, 3), (2, 3, 2)),
    ((1, 2, 3), (2, 3, 1)),
    ((2, 1, 2, 3), (2, 3, 1)),
    ((2, 1, 1, 3), (3,)),
]


@dataclass(frozen=True)
class Case:
    """One way to call an operation: function(*inputs)."""

    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    words: str = ""

    def __repr__(self) -> str:
        return f"{self.words} of shapes {[np.shape(x) for x in self.inputs]}"


def distinct(shapes: tuple[Shape, ...], seed: int, positive: bool = False) -> tuple[Any, ...]:
    """Numbers of these shapes, no two closer than 0.1, and none closer to a multiple of 0.15 than 0.05.

    So they keep away from 0, from ties, and from bounds such as 0.3: from all the kinks there are.
    """
    generator = np.random.default_rng(seed)
    sizes = [math.prod(shape) for shape in shapes]
    places = np.arange(sum(sizes)) - (0 if positive else sum(sizes) // 2)
    numbers = 0.15 * (places + 0.5) + generator.uniform(-0.02, 0.02, len(places))
    numbers = generator.permutation(numbers + (0.3 if positive else 0.0))
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    return tuple(simplify(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True))


seeds = st.integers(0, 2**32 - 1)
any_shape = npst.array_shapes(min_dims=0, max_dims=3, max_side=3)
some_axis = npst.array_shapes(min_dims=1, max_dims=3, max_side=3)


@st.composite
def elementwise(draw: Any, operation: Any, positive: bool = False, **options: Any) -> Case:
    """Cases of an operation on one number at a time."""
    inputs = distinct((draw(any_shape),), draw(seeds), positive)
    return Case(lambda x: operation(x, **options), inputs, f"{operation.__name__} {options}")


@st.composite
def broadcasting(draw: Any, operation: Any, first_positive: bool = False) -> Case:
    """Cases of an operation on pairs of numbers."""
    mutual = npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
    shapes = draw(mutual).input_shapes
    x, y = distinct(shapes, draw(seeds))
    return Case(operation, (np.abs(x) if first_positive else x, y), operation.__name__)


@st.composite
def reducing(draw: Any, operation: Any, **options: Any) -> Case:
    """Cases of an operation that makes one number of many, over all kinds of axes."""
    shape = draw(any_shape)
    axes = range(-len(shape), len(shape))
    several = st.lists(st.sampled_from(range(len(shape))), unique=True) if shape else st.nothing()
    axis = draw(st.none() | (st.sampled_from(axes) if shape else st.nothing()) | several.map(tuple))
    options |= {"axis": axis, "keepdims": draw(st.booleans())}
    inputs = distinct((shape,), draw(seeds))
    return Case(lambda x: operation(x, **options), inputs, f"{operation.__name__} {options}")


@st.composite
def along_an_axis(draw: Any, operation: Any) -> Case:
    """Cases of softmax and its like."""
    shape = draw(some_axis)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    inputs = distinct((shape,), draw(seeds))
    return Case(lambda x: operation(x, axis=axis), inputs, f"{operation.__name__} axis={axis}")


def cases(
    operation: Any, *choices: tuple[tuple[Shape, ...], dict[str, Any]]
) -> st.SearchStrategy[Case]:
    """Cases with given shapes and options, and any numbers."""

    def build(choice: tuple[tuple[Shape, ...], dict[str, Any]], seed: int) -> Case:
        shapes, options = choice
        return Case(
            lambda *inputs: operation(*inputs, **options),
            distinct(shapes, seed),
            f"{operation.__name__} {options}",
        )

    return st.builds(build, st.sampled_from(choices), seeds)


def of_a_list(operation: Any) -> Callable[..., Any]:
    """Let an operation on a list of values take them one by one."""

    def function(*values: Any, **options: Any) -> Any:
        return operation(list(values), **options)

    function.__name__ = operation.__name__
    return function


MASK = np.array([[True, False, True], [False, False, True]])
INDICES: list[Any] = [
    0,
    -1,
    np.int64(1),
    (1, 2),
    slice(None, None, -1),
    slice(0, 0),
    (slice(None), slice(1, None)),
    (..., 1),
    (None, slice(None), 0),
    [0, 0, 1],
    np.array([[0, 1], [1, 1]]),
    (np.array([0, 1, 0]), np.array([2, 2, 2])),
    (slice(None), [2, 0, 2]),
    (np.array([1, 1]), slice(0, 2)),
    MASK,
    (slice(None), np.array([True, False, True])),
    np.zeros((2, 3), bool),
]


def scattered_shape(index: Any) -> Shape:
    return np.shape(np.zeros((2, 3))[index])


@st.composite
def wheres(draw: Any) -> Case:
    shapes = draw(npst.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
    condition, *others = shapes.input_shapes
    choose = np.random.default_rng(draw(seeds)).random(condition) < 0.5
    return Case(lambda x, y: ops.where(choose, x, y), distinct(tuple(others), draw(seeds)), "where")


@st.composite
def cross_entropies(draw: Any) -> Case:
    shape = draw(some_axis)
    labels = np.random.default_rng(draw(seeds)).integers(0, shape[-1], shape[:-1])
    inputs = distinct((shape,), draw(seeds))
    return Case(lambda x: ops.softmax_cross_entropy(x, labels=labels), inputs, f"labels {labels}")


#: What proves each operation. None: it has no derivative.
SWEEP: dict[str, st.SearchStrategy[Case] | None] = {
    "less": None,
    "less_equal": None,
    "greater": None,
    "greater_equal": None,
    "equal": None,
    "not_equal": None,
    "sign": None,
    "add": broadcasting(ops.add),
    "subtract": broadcasting(ops.subtract),
    "multiply": broadcasting(ops.multiply),
    "divide": broadcasting(ops.divide),
    "power": broadcasting(ops.power, first_positive=True),
    "maximum": broadcasting(ops.maximum),
    "minimum": broadcasting(ops.minimum),
    "negative": elementwise(ops.negative),
    "abs": elementwise(ops.abs),
    "clip": st.one_of(
        elementwise(ops.clip, low=-0.3, high=0.45),
        elementwise(ops.clip, low=0.15),
        elementwise(ops.clip, high=0.0),
        elementwise(ops.clip),
    ),
    "where": wheres(),
    "exp": elementwise(ops.exp),
    "log": elementwise(ops.log, positive=True),
    "sqrt": elementwise(ops.sqrt, positive=True),
    "sin": elementwise(ops.sin),
    "cos": elementwise(ops.cos),
    "tanh": elementwise(ops.tanh),
    "sigmoid": elementwise(ops.sigmoid),
    "relu": elementwise(ops.relu),
    "leaky_relu": st.one_of(elementwise(ops.leaky_relu), elementwise(ops.leaky_relu, slope=0.3)),
    "softplus": elementwise(ops.softplus),
    "gelu": elementwise(ops.gelu),
    "sum": reducing(ops.sum),
    "mean": reducing(ops.mean),
    "max": reducing(ops.max),
    "min": reducing(ops.min),
    "var": st.one_of(reducing(ops.var), reducing(ops.var, ddof=-1)),
    "reshape": cases(
        ops.reshape,
        (((2, 3),), {"shape": (3, 2)}),
        (((2, 3),), {"shape": -1}),
        (((2, 3),), {"shape": (1, -1, 3)}),
        (((),), {"shape": (1, 1)}),
        (((1, 1),), {"shape": ()}),
        (((0, 2),), {"shape": (2, 0)}),
    ),
    "transpose": cases(
        ops.transpose,
        (((),), {}),
        (((3,),), {}),
        (((2, 3),), {}),
        (((2, 3),), {"axes": (0, 1)}),
        (((2, 3, 4),), {"axes": (1, 2, 0)}),
        (((2, 3, 4),), {"axes": (-1, 0, -2)}),
    ),
    "broadcast_to": cases(
        ops.broadcast_to,
        (((),), {"shape": (2, 3)}),
        (((),), {"shape": ()}),
        (((3,),), {"shape": (2, 3)}),
        (((2, 1),), {"shape": (2, 3)}),
        (((1, 3),), {"shape": (2, 2, 3)}),
    ),
    "astype": cases(ops.astype, (((2, 3),), {"dtype": float}), (((),), {"dtype": float})),
    "getitem": cases(ops.getitem, *[(((2, 3),), {"index": index}) for index in INDICES]),
    "scatter": cases(
        ops.scatter,
        *[((scattered_shape(index),), {"index": index, "shape": (2, 3)}) for index in INDICES],
    ),
    "pad": cases(
        ops.pad,
        (((2, 3),), {"width": 1}),
        (((2, 3),), {"width": (1, 2), "value": 5.0}),
        (((2, 3),), {"width": ((0, 1), (2, 0))}),
        (((3,),), {"width": 0}),
    ),
    "join": cases(
        ops.join,
        (((2,), (3,)), {}),
        (((2, 3), (1, 3), (4, 3)), {}),
        (((2, 3), (2, 1)), {"axis": -1}),
        (((2, 2, 3), (2, 0, 3)), {"axis": 1}),
        (((3,),), {}),
    ),
    "concatenate": cases(
        of_a_list(ops.concatenate),
        (((2,), (3,), (1,)), {}),
        (((2, 3), (2, 1)), {"axis": 1}),
    ),
    "stack": cases(
        of_a_list(ops.stack),
        (((), (), ()), {}),
        (((2,), (2,)), {}),
        (((2, 3), (2, 3)), {"axis": 1}),
        (((2, 3), (2, 3)), {"axis": -1}),
    ),
    "matmul": cases(ops.matmul, *[(shapes, {}) for shapes in PRODUCTS]),
    "dense": cases(
        ops.dense,
        (((3,), (3, 2), (2,)), {}),
        (((4, 3), (3, 2), (2,)), {}),
        (((2, 1, 3), (3, 2), (2,)), {}),
        (((4, 3), (3, 2), ()), {}),
        (((4, 3), (3, 2), (1,)), {}),
        (((4, 3), (3, 1), (1,)), {}),
        (((0, 3), (3, 1), (1,)), {}),
    ),
    "windows": cases(
        ops.windows,
        (((2, 1, 3, 3),), {"size": 2}),
        (((1, 2, 4, 3),), {"size": (2, 1), "stride": 2}),
        (((1, 1, 3, 4),), {"size": 3, "stride": (2, 1), "padding": (1, 0)}),
        (((1, 1, 2, 2),), {"size": 1, "stride": 3}),
    ),
    "overlap_add": cases(
        ops.overlap_add,
        (((2, 2, 2, 1, 2, 2),), {"image": (3, 3)}),
        (((2, 1, 1, 2, 2, 2),), {"image": (5, 4), "stride": 2}),
        (((3, 3, 1, 1, 2, 2),), {"image": (3, 4), "stride": (2, 1), "padding": (1, 0)}),
    ),
    "conv2d": cases(
        ops.conv2d,
        (((1, 1, 3, 3), (2, 2, 1, 2), (2,)), {}),
        (((2, 2, 3, 2), (2, 1, 2, 1)), {}),
        (((1, 2, 4, 3), (3, 2, 2, 1), (1,)), {"stride": 2, "padding": 1}),
        (((1, 1, 3, 5), (1, 3, 1, 2)), {"stride": (1, 2), "padding": (0, 1)}),
    ),
    "max_pool2d": cases(
        ops.max_pool2d,
        (((2, 1, 4, 2),), {}),
        (((1, 2, 3, 3),), {"size": 2, "stride": 1}),
        (((1, 1, 5, 4),), {"size": (2, 3)}),
    ),
    "softmax": along_an_axis(ops.softmax),
    "log_softmax": along_an_axis(ops.log_softmax),
    "softmax_cross_entropy": cross_entropies(),
}

DIFFERENTIABLE = [name for name in OPERATIONS if SWEEP.get(name, st.nothing()) is not None]
PLAIN = [name for name in OPERATIONS if name not in DIFFERENTIABLE]
COMPOSED = ["gelu", "var", "concatenate", "stack", "conv2d", "max_pool2d"]
PAIRWISE = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum"]
SAME_TWICE = [*PAIRWISE, "matmul", "where", "join", "concatenate", "stack"]
SEVERAL = [*SAME_TWICE, "dense", "conv2d"]  # that take several inputs

sweep = pytest.mark.parametrize("name", DIFFERENTIABLE)


def test_the_sweep_has_a_row_for_every_operation_of_the_table() -> None:
    assert set(SWEEP) == set(OPERATIONS)


@sweep
@given(data=st.data())
@settings(max_examples=25)
def test_first_and_second_derivatives_by_all_inputs(name: str, data: st.DataObject) -> None:
    case = data.draw(SWEEP[name])
    check_gradients(case.function, *case.inputs, order=2)


@pytest.mark.parametrize("name", SEVERAL)
@given(data=st.data())
@settings(max_examples=20)
def test_constants_may_take_the_place_of_some_inputs(name: str, data: st.DataObject) -> None:
    case = data.draw(SWEEP[name])
    variable = data.draw(st.lists(st.booleans(), min_size=3, max_size=3).filter(any))
    chosen = [i for i in range(len(case.inputs)) if variable[i]] or [0]

    def function(*some: Value) -> Value:
        inputs = list(case.inputs)
        for i, x in zip(chosen, some, strict=True):
            inputs[i] = x
        return case.function(*inputs)

    check_gradients(function, *[case.inputs[i] for i in chosen], order=2)


@sweep
@given(data=st.data())
@settings(max_examples=25)
def test_float32_stays_float32_and_gradients_have_the_shape_of_the_data(
    name: str, data: st.DataObject
) -> None:
    if name == "astype":
        return  # whose job it is to change the type
    case = data.draw(SWEEP[name])
    inputs = [Value(np.float32(x) if np.shape(x) else x) for x in case.inputs]
    result = case.function(*inputs)
    if result.shape and any(x.shape for x in inputs):
        assert result.dtype == np.float32
    for x, g in zip(inputs, grad(ops.sum(result * result), inputs), strict=True):
        assert np.shape(g) == x.shape
        if x.shape:
            assert g.dtype == np.float32
        else:
            assert type(g) is float


@sweep
@given(data=st.data())
@settings(max_examples=25)
def test_plain_numbers_give_what_values_give(name: str, data: st.DataObject) -> None:
    case = data.draw(SWEEP[name])
    plain = case.function(*case.inputs)
    value = case.function(*map(Value, case.inputs))
    assert not isinstance(plain, Value)
    assert type(plain) is type(value.numpy()[()]) or np.shape(plain) == value.shape
    np.testing.assert_array_equal(plain, value.data)


@sweep
@given(data=st.data())
@settings(max_examples=10)
def test_a_result_is_a_read_only_array_or_a_float_and_inputs_stay_as_they_were(
    name: str, data: st.DataObject
) -> None:
    case = data.draw(SWEEP[name])
    before = [np.array(x) for x in case.inputs]
    result = case.function(*map(Value, case.inputs))
    assert type(result.data) is float or (result.data.ndim and not result.data.flags.writeable)
    for old, new in zip(before, case.inputs, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name not in COMPOSED])
def test_the_sweep_finds_a_rule_that_is_wrong_by_a_two_thousandth(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = OPERATIONS[name]
    rules = [operation.derivative(i) for i in range(len(operation.derivatives) or 3)]

    def wrong(position: int) -> Callable[..., Any]:
        return lambda *numbers, **options: 1.0005 * rules[position](*numbers, **options)

    monkeypatch.setattr(operation, "derivatives", ())  # so that rules are asked for one by one
    monkeypatch.setattr(operation, "derivative", wrong)

    @given(case=SWEEP[name])
    @settings(max_examples=40, phases=[Phase.generate], report_multiple_bugs=False)
    def proof(case: Case) -> None:
        check_gradients(case.function, *case.inputs)

    with pytest.raises(GradientError):
        proof()


@pytest.mark.parametrize(
    "shapes", [p for pair in BROADCASTS for p in dict.fromkeys((pair, pair[::-1]))], ids=str
)
@pytest.mark.parametrize("name", PAIRWISE)
def test_every_pair_of_shapes_broadcasts_forward_and_back(
    name: str, shapes: tuple[Shape, Shape]
) -> None:
    x, y = distinct(shapes, seed=1)
    if name == "power":
        x = np.abs(x)
    check_gradients(OPERATIONS[name], x, y, order=2)
    gradients = grad(OPERATIONS[name](a := Value(x), b := Value(y)).sum(), [a, b])
    assert [np.shape(g) for g in gradients] == list(shapes)


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_every_pair_of_shapes_multiplies_as_matrices(shapes: tuple[Shape, Shape]) -> None:
    x, y = distinct(shapes, seed=1)
    check_gradients(lambda x, y: x @ y, x, y, order=2)
    np.testing.assert_array_equal((Value(x) @ Value(y)).data, x @ y)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)], ids=str)
@pytest.mark.parametrize("name", SAME_TWICE)
def test_the_same_value_may_be_both_inputs(name: str, shape: Shape) -> None:
    twice: dict[str, Callable[[Value], Value]] = {
        "where": lambda x: ops.where(np.ones(shape) > 0, x, x),
        "concatenate": lambda x: ops.concatenate([x, x]),
        "stack": lambda x: ops.stack([x, x]),
    }
    if shape == () and name in ("matmul", "join", "concatenate"):
        return  # a float is neither a matrix nor a piece of a list
    operation = OPERATIONS[name]
    (x,) = distinct((shape,), seed=2, positive=name == "power")
    check_gradients(twice.get(name, lambda x: operation(x, x)), x, order=2)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_index_reads_and_accumulates(index: Any) -> None:
    (x,) = distinct(((2, 3),), seed=3)
    check_gradients(lambda x: x[index] * x[index], x, order=2)
    np.testing.assert_array_equal(Value(x)[index].data, x[index])
    how_often_read = np.zeros((2, 3))
    np.add.at(how_often_read, index, 1.0)
    np.testing.assert_array_equal(grad((v := Value(x))[index].sum(), v), how_often_read)


@pytest.mark.parametrize("name", PLAIN)
def test_comparisons_give_plain_truth_values_or_signs(name: str) -> None:
    operation = OPERATIONS[name]
    inputs = [np.array([-1.0, 2.0, 2.0]), 2.0][: 1 if name == "sign" else 2]
    result = operation(*map(Value, inputs))
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, getattr(np, name)(*inputs))
    assert type(operation(*[Value(2.0) for _ in inputs])) is (float if name == "sign" else bool)


#: What NumPy does not have under the same name, in other words than ops.py uses.
REFERENCES: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x > 0, x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "softplus": lambda x: np.logaddexp(0, x),
    "gelu": lambda x: x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
}
ONE_NUMBER = ["negative", "abs", "exp", "log", "sqrt", "sin", "cos", "tanh"]


@pytest.mark.parametrize("name", [*ONE_NUMBER, *REFERENCES, "sum", "mean", "max", "min", "var"])
def test_results_are_those_of_numpy(name: str) -> None:
    (x,) = distinct(((3, 4),), seed=4, positive=name in ("log", "sqrt"))
    reference = REFERENCES.get(name) or getattr(np, name)
    np.testing.assert_allclose(OPERATIONS[name](x), reference(x), rtol=1e-14)


@pytest.mark.parametrize("name", [*ONE_NUMBER, *list(REFERENCES)[:5]])
def test_a_float_gives_what_an_array_gives(name: str) -> None:
    (x,) = distinct(((8,),), seed=5, positive=name in ("log", "sqrt"))
    by_floats = [OPERATIONS[name](number) for number in x.tolist()]
    assert all(type(number) is float for number in by_floats)
    np.testing.assert_allclose(by_floats, OPERATIONS[name](x), rtol=1e-15)


def test_dense_is_matmul_plus_bias() -> None:
    x, w, b = distinct(((4, 3), (3, 2), (2,)), seed=6)
    fused, composed = ops.dense(x, w, b), x @ w + b
    np.testing.assert_allclose(fused, composed, rtol=1e-15)


def test_fused_cross_entropy_equals_the_composed_one() -> None:
    (x,) = distinct(((4, 3),), seed=7)
    labels = np.array([0, 2, 1, 1])

    def composed(x: Value) -> Value:
        return -ops.log_softmax(x)[np.arange(4), labels].mean()

    fused = Value(x)
    other = Value(x)
    assert math.isclose(
        ops.softmax_cross_entropy(fused, labels).item(), composed(other).item(), rel_tol=1e-14
    )
    np.testing.assert_allclose(
        grad(ops.softmax_cross_entropy(fused, labels), fused),
        grad(composed(other), other),
        rtol=1e-13,
        atol=1e-16,
    )


def test_astype_casts_forward_and_casts_the_gradient_back() -> None:
    x = Value(np.array([1.0, 2.0]))
    y = x.astype(np.float32)
    assert y.dtype == np.float32
    (y * y).sum().backward()
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_every_operation_carries_what_pictures_and_readers_need() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.__name__ == name
        assert operation.__doc__
        if isinstance(operation, ops.Operation):
            assert operation.symbol
            assert operation.__doc__.startswith(operation.formula)
            assert not operation.differentiable or operation.rule(0).formula
            assert ops.__dict__[name] is operation


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.max(np.zeros((0, 3)), axis=0), ValueError, "zero-size"),
        (lambda: ops.add(np.ones(2), np.ones(3)), ValueError, "shapes .2,. .3,."),
        (lambda: ops.matmul(np.ones(2), np.ones(3)), ValueError, "mismatch"),
        (lambda: ops.exp("one"), TypeError, "expected real numbers, got str"),
        (lambda: ops.exp(1j), TypeError, "expected real numbers, got complex"),
        (lambda: ops.exp([[1], [1, 2]]), ValueError, "ragged"),
        (lambda: ops.exp(1.0, 2.0), TypeError, "positional"),
        (lambda: ops.sum(np.ones(2), 0, True, 5), TypeError, "positional"),
        (lambda: ops.sum(np.ones(2), axes=0), TypeError, "axes"),
        (lambda: ops.clip(np.ones(2), low=Value(0.0)), TypeError, "no derivative by low"),
        (lambda: ops.stack([]), ValueError, "at least one"),
        (lambda: ops.softmax_cross_entropy(np.ones((2, 3)), [0, 3]), ValueError, "labels 0…2"),
        (lambda: ops.softmax_cross_entropy(np.ones((2, 3)), [0, -1]), ValueError, "labels 0…2"),
        (lambda: ops.softmax_cross_entropy(np.ones((2, 3)), [0]), ValueError, "one label"),
        (lambda: ops.softmax_cross_entropy(np.ones((2, 3)), [0.0, 1.0]), TypeError, "integer"),
        (lambda: ops.softmax_cross_entropy(np.ones((0, 3)), np.ones(0, int)), ValueError, "none"),
        (lambda: ops.softmax_cross_entropy(1.0, 0), ValueError, "logits"),
    ],
)
def test_wrong_arguments_are_refused_in_words(
    call: Callable[[], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call()


def test_an_operation_may_be_added_by_its_rules_alone() -> None:
    try:

        @ops.op("cube", dx=lambda g, z, x: g * 3.0 * x * x)
        def cube(x: Any) -> Any:
            """x³        ∂/∂x = 3x²"""
            return x * x * x

        check_gradients(cube, 0.7, order=3)
        check_gradients(cube, [[0.7, -1.1]], order=2)
    finally:
        OPERATIONS.pop("cube", None)


def test_one_rule_may_serve_all_inputs_of_an_operation() -> None:
    try:

        @ops.op("xy²", each=lambda i, g, z, x, y: g * (y * y, 2.0 * x * y)[i])
        def times_square(x: Any, y: Any) -> Any:
            """x·y²        ∂/∂x = y²,   ∂/∂y = 2·x·y"""
            return x * y * y

        check_gradients(times_square, 0.7, 1.1, order=2)
        check_gradients(times_square, [0.7, 2.0], 1.1, order=2)
    finally:
        OPERATIONS.pop("times_square", None)


def test_no_gradient_flows_into_a_condition() -> None:
    condition, x = Value([1.0, 0.0]), Value([3.0, 4.0])
    by_condition, by_x = grad(ops.where(condition, x, 0.0).sum(), [condition, x])
    np.testing.assert_array_equal(by_condition, [0.0, 0.0])
    np.testing.assert_array_equal(by_x, [1.0, 0.0])


def test_bytes_do_not_wrap_round():
    pixels = np.array([1, 200], np.uint8)
    assert ops.negative(pixels).tolist() == [-1.0, -200.0]
    assert ops.softmax(pixels).tolist() == [0.0, 1.0]
    assert ops.negative(pixels).dtype == np.float32


def test_no_gradient_flows_through_integers():
    with pytest.raises(TypeError, match="floating-point"):
        Value([1.5]).astype(int)


def test_reductions_of_a_single_number_know_any_axis():
    x = Value(3.0)
    x.sum(axis=0).backward()
    assert x.grad == 1.0


def test_dense_takes_vectors_and_a_number():
    w = Value([1.0, 2.0])
    y = ops.dense(np.array([3.0, 4.0]), w, 0.5)
    y.backward()
    assert (y.data, w.grad.tolist()) == (11.5, [3.0, 4.0])


# ------------------------------------------------------------------------------------------------
# What an operation says of itself
# ------------------------------------------------------------------------------------------------

RULED = {name: o for name, o in OPERATIONS.items() if getattr(o, "differentiable", False)}
#: What else an operation needs to be told, and where it takes others than one or two arrays of shape (2, 3).
TOLD: dict[str, dict[str, Any]] = {
    "broadcast_to": {"shape": (2, 3)}, "astype": {"dtype": np.float64}, "reshape": {"shape": (3, 2)},
    "getitem": {"index": [1, 0]}, "pad": {"width": 1}, "scatter": {"index": [1, 0], "shape": (2, 3)},
    "windows": {"size": 2}, "overlap_add": {"image": (2, 3)}, "softmax_cross_entropy": {"labels": [0, 2]},
    "sum": {"axis": 0}, "mean": {"axis": 0}, "max": {"axis": 0}, "min": {"axis": 0}, "clip": {"low": 0.6},
}  # fmt: skip
SHAPES: dict[str, tuple[Shape, ...]] = {
    "matmul": ((2, 3), (3, 3)),
    "dense": ((2, 3), (3, 3), (3,)),
    "windows": ((1, 1, 2, 3),),
    "overlap_add": ((2, 2, 1, 1, 1, 2),),
}


@pytest.mark.parametrize("name", RULED)
def test_an_operation_is_element_by_element_if_it_says_so_and_only_then(name: str) -> None:
    operation = RULED[name]
    count = 2 if operation.is_variadic else len(operation.letters)
    shapes = SHAPES.get(name, ((2, 3),) * count)
    rng = np.random.default_rng(0)
    inputs = [rng.uniform(0.7, 1.3, shape) for shape in shapes]
    inputs[0] = inputs[0] > 1.0 if name == "where" else inputs[0]
    result = np.asarray(operation(*inputs, **TOLD.get(name, {})))
    alone = result.shape == (2, 3)
    for position, numbers in enumerate(inputs):
        moved = list(inputs)
        moved[position] = numbers.copy()
        moved[position].flat[0] = not numbers.flat[0] if name == "where" and not position else 2.0
        other = np.asarray(operation(*moved, **TOLD.get(name, {})))
        alone = alone and bool(np.all((other == result).flat[1:]))
    assert alone == operation.elementwise


def test_what_is_a_method_is_said_and_no_other_is() -> None:
    refused = {"where", "join", "concatenate", "stack", "reshape", "transpose"}
    assert set(OPERATIONS) - ops.METHODS == refused
    for name in ops.METHODS & set(OPERATIONS):
        assert hasattr(Value, name)
    by_hand = {"reshape", "transpose"}  # which take (2, 3) and 2, 3
    assert {name for name in refused if hasattr(Value, name)} == by_hand


@pytest.mark.parametrize("name", RULED)
def test_formulas_are_written_in_the_letters_of_the_inputs(name: str) -> None:
    operation = RULED[name]
    assert operation.formula
    for position, letter in enumerate(operation.letters):
        rule = operation.rule(position)
        told = operation.told_of(position)
        assert rule.formula in told
        assert told.startswith(
            {"factor": f"∂/∂{letter} = ", "flow": f"∂L/∂{letter} = "}.get(rule.kind, "")
        )
        has_g = re.search("(?<![A-Za-z])g(?![A-Za-z])", rule.formula) is not None
        assert has_g == (rule.kind == "flow") or rule.kind == "words"


def test_help_begins_with_the_formula() -> None:
    assert ops.sigmoid.__doc__.startswith("σ(x) = 1/(1 + e⁻ˣ)        ∂/∂x = σ(x)·(1 − σ(x))")
    assert ops.dense.__doc__.startswith("x @ W + b        ∂L/∂x = g @ Wᵀ,   ∂L/∂W = xᵀ @ g")


def test_rules_are_named_after_the_letters_and_one_stands_for_each_input() -> None:
    def third(x: Any, y: Any, t: Any) -> Any:
        return x * y * t

    rules = {d: ops.Rule("1", lambda g, *_: g) for d in ("dx", "dy", "dt")}
    assert ops.Operation(third, "xyt", "x·y·t", **rules).letters == ("x", "y", "t")
    with pytest.raises(
        TypeError, match="third has 3 inputs but the rules dx, dy; give one for each"
    ):
        ops.Operation(third, "xyt", dx=rules["dx"], dy=rules["dy"])
    with pytest.raises(TypeError, match="rules dx, dy, t;"):
        ops.Operation(third, "xyt", dx=rules["dx"], dy=rules["dy"], t=rules["dt"])


# ------------------------------------------------------------------------------------------------
# What went wrong in silence, or crashed on the way back only
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.5, 2.0, np.array([0.5, 2.0])])
@pytest.mark.parametrize("y", [0.0, 1.0, 2.0, -1.0, 0.5])
def test_mixed_second_derivatives_of_powers_at_whole_exponents(x: Any, y: float) -> None:
    """∂²(xʸ)/∂x∂y = xʸ⁻¹·(1 + y·ln x), which is 1/x at y = 0."""
    base, exponent = Value(x), Value(y)
    expected = np.asarray(x) ** (y - 1.0) * (1.0 + y * np.log(x))
    by_x = grad((base**exponent).sum(), base, create_graph=True)
    np.testing.assert_allclose(grad(by_x.sum(), exponent), np.sum(expected), rtol=1e-12)
    by_y = grad((base**exponent).sum(), exponent, create_graph=True)
    np.testing.assert_allclose(grad(by_y, base), expected, rtol=1e-12)


def test_nothing_to_the_power_of_nothing_has_the_gradient_0_in_first_and_second_order() -> None:
    x, y = Value(0.0), Value(0.0)
    by_x, by_y = grad(x**y, [x, y], create_graph=True)
    assert (by_x.data, by_y.data) == (0.0, 0.0)
    assert grad(by_x, x) == 0.0


@pytest.mark.parametrize("ddof", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_variance_of_too_few_numbers_is_what_numpy_says(ddof: int, axis: int | None) -> None:
    numbers = np.array([[1.0, 3.0, 2.0], [0.0, 0.0, 7.0]])
    for x in (numbers, numbers[:1], numbers[0, 0]):
        where = axis if np.ndim(x) else None
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = np.var(x, axis=where, ddof=ddof)
            np.testing.assert_allclose(ops.var(Value(x), axis=where, ddof=ddof).data, expected)


def test_an_axis_that_does_not_exist_is_refused_by_pad() -> None:
    with pytest.raises(ValueError, match=r"axes from -2 to 1 in width, got \{2\}"):
        ops.pad(np.ones((2, 3)), width={2: 1})


@pytest.mark.parametrize("axis", [-4, 3, 77])
def test_an_axis_that_does_not_exist_is_refused_by_stack(axis: int) -> None:
    with pytest.raises(
        ValueError, match=rf"an axis from -3 to 2 for values of shape \(2, 3\), got {axis}"
    ):
        ops.stack([np.ones((2, 3)), np.ones((2, 3))], axis=axis)


@pytest.mark.parametrize("axis", range(-3, 3))
def test_every_axis_that_exists_is_one_to_stack_along(axis: int) -> None:
    parts = [np.arange(6.0).reshape(2, 3), np.ones((2, 3))]
    np.testing.assert_array_equal(ops.stack(parts, axis=axis), np.stack(parts, axis=axis))


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        (lambda x: ops.transpose(x, axes=0), [(3,)]),
        (lambda x: ops.transpose(x, axes=(-1, 0)), [(2, 3)]),
        (lambda x, y: ops.concatenate([x, y], axis=None), [(2, 3), (4,)]),
        (lambda x: ops.pad(x, {0: 1}), [(2, 3)]),
        (lambda x: ops.pad(x, {-1: (2, 0)}), [(2, 3)]),
        (lambda x: ops.pad(x, ((1, 0), (0, 2))), [(2, 3)]),
    ],
)
def test_what_is_taken_forward_goes_backward(call: Any, shapes: list[Shape]) -> None:
    rng = np.random.default_rng(0)
    check_gradients(call, *[rng.normal(size=shape) for shape in shapes], order=2)


def test_a_rule_that_returns_nothing_is_named() -> None:
    broken = ops.Operation(lambda x: x * 1.0, "broken", dx=lambda g, z, x: None)
    broken.name = "broken"
    for x in (Value(2.0), Value([2.0])):
        with pytest.raises(
            TypeError, match="the derivative of broken is None; let its rule return"
        ):
            broken(x).backward(None if not x.shape else [1.0])
        assert x.grad is None


def test_an_operation_that_hands_its_input_on_freezes_nobodys_array() -> None:
    second = ops.Operation(lambda x, y: y, "2nd", dx=lambda g, *_: 0.0 * g, dy=lambda g, *_: g)
    mine = np.ones(2)
    result = second(Value([1.0, 2.0]), mine)
    mine[0] = 7.0
    assert result.data.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("together", [ops.stack, ops.concatenate])
def test_going_backward_through_many_parts_takes_a_few_steps_for_each(together: Any) -> None:
    def looked_at(count: int) -> int:
        """Return how many inputs all the rules together have to look at on the way back."""
        parts = [Value([float(i)]) for i in range(count)]
        result = together(parts)
        looks = sum(len(node.inputs) ** 2 for node in ancestors(result))
        slopes = grad(ops.sum(result.reshape(-1) * np.arange(float(count))), parts)
        np.testing.assert_array_equal(np.ravel(slopes), np.arange(float(count)))
        np.testing.assert_array_equal(result.data.ravel(), np.arange(float(count)))
        return looks

    assert looked_at(2000) < 2.2 * looked_at(1000) < 100 * 1000
