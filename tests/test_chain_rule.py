"""The one chain rule: its steps, what may be put in place of gradients and rules, and its short cuts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Value, ancestors, grad, ops
from tinygrad_edu.number import shape_of
from tinygrad_edu.value import chain_rule, dependents, pull_back, unbroadcast


def random_graph(seed: int, size: int = 40) -> tuple[Value, list[Value]]:
    """Return a result of many operations on single numbers and arrays, and what it was made from."""
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    leaves = [Value(draw.uniform(0.5, 1.5)) for _ in range(3)] + [Value(rng.uniform(0.5, 1.5, 3))]
    values = list(leaves)
    for _ in range(size):
        a, b = draw.choice(values), draw.choice(values)
        kind = draw.choice(["add", "subtract", "multiply", "maximum", "tanh", "sigmoid", "relu"])
        operation = ops.OPERATIONS[kind]
        values.append(operation(*(a, b)[: len(operation.letters)]))
    return ops.sum(ops.add(values[-1], values[-2]) * leaves[-1]), leaves


@pytest.mark.parametrize("seed", range(20))
def test_the_steps_add_up_to_what_backward_computes_bit_for_bit(seed: int) -> None:
    output, _ = random_graph(seed)
    order = ancestors(output)
    gradients: dict[Value, Any] = {output: 1.0}
    steps = list(chain_rule(order, gradients))
    for node, g in zip(order, grad(output, order), strict=True):
        np.testing.assert_array_equal(gradients[node], g)  # the short cuts give the same bits
    edges = [(n, i) for n in order for i, x in enumerate(n.inputs) if isinstance(x, Value)]
    assert [step[:2] for step in steps] == edges


def test_a_step_tells_what_had_arrived_and_what_flows() -> None:
    x = Value(3.0, name="x")
    y = x * x
    z = y * 2.0
    gradients: dict[Value, Any] = {z: 1.0}
    assert list(chain_rule([z, y, x], gradients)) == [
        (z, 0, 1.0, 2.0, None),
        (y, 0, 2.0, 6.0, None),
        (y, 1, 2.0, 6.0, 6.0),
    ]
    assert gradients == {z: 1.0, y: 2.0, x: 12.0}


def test_counting_paths_is_the_chain_rule_with_every_factor_one() -> None:
    y = x = Value(1.0)
    for _ in range(60):
        y = y + y
    counts: dict[Value, int] = {y: 1}
    for _ in chain_rule(ancestors(y), counts, lambda node, position, count: count):
        pass
    assert counts[x] == 2**60


def test_another_rule_and_other_numbers_may_stand_in() -> None:
    x, w = Value(3.0), Value(2.0)
    y = x * w
    assert pull_back(y, 0, 10.0) == 20.0
    assert pull_back(y, 0, 10.0, rule=lambda g, z, a, b: g + a + b) == 15.0
    assert pull_back(y, 0, 10.0, number={x: 5.0, w: 7.0, y: 35.0}.__getitem__) == 70.0


def test_whoever_looks_on_may_change_what_has_arrived() -> None:
    x = Value(3.0)
    y = x * x
    gradients: dict[Value, Any] = {y: 1.0}
    for node, position, _, share, _ in chain_rule([y, x], gradients):
        gradients[node.inputs[position]] = share  # = instead of +=
    assert gradients[x] == 3.0


def test_the_order_is_that_which_is_given_and_what_comes_too_late_is_not_passed_on() -> None:
    x = Value(2.0)
    y = x * 3.0
    z = y * y
    gradients: dict[Value, Any] = {z: 1.0}
    assert [step[0] for step in chain_rule([y, z, x], gradients)] == [z, z]
    assert x not in gradients


def test_a_gradient_that_is_a_value_is_calculated_with_values() -> None:
    x = Value(3.0)
    y = x * x * x
    gradients: dict[Value, Any] = {y: Value(1.0) * 1.0}
    for _ in chain_rule(ancestors(y), gradients):
        pass
    assert gradients[x].data == 27.0
    assert grad(gradients[x], x) == 18.0


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("make", [lambda x: x * 2.0, lambda x: x.tanh(), lambda x: x.sum()])
def test_replaced_data_is_an_error_on_every_way_back(make: Any, create_graph: bool) -> None:
    for data in (1.0, [1.0, 2.0]):
        x = Value(data)
        y = ops.sum(make(x))
        x.data = x.data + 1.0
        with pytest.raises(RuntimeError, match="was replaced after"):
            y.backward(create_graph=create_graph)
        assert x.grad is y.grad is None


@pytest.mark.parametrize(
    ("share", "shape"),
    [
        ((4, 3), (3,)), ((4, 3), (1, 3)), ((4, 3), (4, 1)), ((4, 3), (1, 1)), ((4, 3), (1,)), ((4, 3), ()),
        ((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((2, 3, 4), (3, 1)), ((0, 2), (2,)), ((2, 0), (2, 1)),
    ],
)  # fmt: skip
def test_unbroadcasting_is_the_transpose_of_broadcasting(share: Any, shape: Any) -> None:
    """⟨broadcast(x), s⟩ = ⟨x, unbroadcast(s)⟩ where x broadcasts to the share; else that is spread."""
    rng = np.random.default_rng(0)
    s, x = rng.normal(size=share), rng.normal(size=shape)
    found = unbroadcast(s if share else float(s), x if shape else float(x))
    assert shape_of(found) == shape
    try:
        spread = np.broadcast_to(x, share)
    except ValueError:
        np.testing.assert_array_equal(found, np.broadcast_to(s, shape))
    else:
        np.testing.assert_allclose(np.sum(spread * s), np.sum(x * found))


def test_shapes_that_have_nothing_to_do_with_each_other_are_refused_with_the_operations_name() -> (
    None
):
    with pytest.raises(ValueError, match=r"derivative of mine has shape \(2,\), .* shape \(3,\)"):
        unbroadcast(np.ones(2), np.ones(3), "mine")


def test_dependents_are_what_was_made_from_a_value() -> None:
    a, b = Value(2.0), Value(3.0)
    product, double = a * b, a * 2.0
    y = product + double
    assert dependents(ancestors(y), [b]) == {b, product, y}
    assert dependents(ancestors(y), [a]) == {a, product, double, y}
    assert dependents(ancestors(y), [Value(1.0)]) & set(ancestors(y)) == set()
