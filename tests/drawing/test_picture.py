"""What a picture of a graph shows, without any ink."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import ops
from tinygrad_edu.drawing.graph.blame import paths, seed_of
from tinygrad_edu.drawing.graph.derivatives import flow, in_order, local_derivative
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.graph import picture_graph
from tinygrad_edu.drawing.graph.operations import operation_title
from tinygrad_edu.drawing.picture import GraphPicture
from tinygrad_edu.drawing.player.sentences import backward_lines, forward_line, name_all
from tinygrad_edu.drawing.shorten import panel, short
from tinygrad_edu.value import Value, ancestors, chain_rule, grad


def neuron() -> tuple[Value, dict[str, Value]]:
    """A neuron with a squared loss: σ(w1·x1 + w2·x2 + b), then (p − 1)²."""
    v = {
        name: Value(data, name=name)
        for name, data in {"x1": 0.6, "x2": 0.1, "n.w1": 0.5, "n.w2": -0.3, "n.b": 0.1}.items()
    }
    p = (v["n.w1"] * v["x1"] + v["n.w2"] * v["x2"] + v["n.b"]).sigmoid()
    p.name = "p"
    loss = (p - 1.0) ** 2
    loss.name = "loss"
    return loss, v


OPERATIONS: list[Callable[[Value, Value], Value]] = [
    operator.mul,
    operator.add,
    operator.sub,
    operator.truediv,
    lambda x, _: x.tanh(),
    lambda x, _: x.exp(),
    lambda x, _: x.sin(),
]


def random_graph(seed: int) -> tuple[Value, list[Value]]:
    """A graph of single numbers in which much is used several times."""
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(0.5, 1.5), name=f"leaf{i}") for i in range(3)]
    values = list(leaves)
    for _ in range(12):
        x, y = rng.choice(values[-5:]), rng.choice(values[-5:])
        values.append(rng.choice(OPERATIONS)(x, y))
    return values[-1] * 1.0, leaves


def sums_of_paths(picture: GraphPicture) -> dict[str, float]:
    """The sum, over all ways from the output, of the products of the local derivatives; by node."""
    found = {node.key: 1.0 for node in picture.nodes if node.kind == "output"}
    todo = [(key, 1.0) for key in found]
    while todo:
        key, product = todo.pop()
        for edge in picture.edges:
            if edge.head == key and not edge.tail.startswith("c"):
                step = product * (1.0 if edge.local is None else edge.local)
                found[edge.tail] = found.get(edge.tail, 0.0) + step
                todo.append((edge.tail, step))
    return found


# -- nodes -----------------------------------------------------------------------------------------


def test_each_value_operation_and_constant_has_a_node_of_its_kind() -> None:
    loss, _ = neuron()
    kinds = [node.kind for node in picture_graph(loss).nodes]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "leaf": 5,
        "result": 6,
        "output": 1,
        "operation": 7,
        "constant": 1,
    }


def test_gradients_appear_after_backward() -> None:
    loss, _ = neuron()
    assert [p.label for p in picture_graph(loss).node("n.w1").panels] == ["data"]
    loss.backward()
    panels = picture_graph(loss).node("n.w1").panels
    assert [(p.label, *p.lines) for p in panels] == [("data", "0.5"), ("grad", "−0.1185")]


def test_a_value_that_was_not_computed_is_a_leaf() -> None:
    picture = picture_graph(Value(2.0, name="a"))
    assert [(node.kind, node.title) for node in picture.nodes] == [("leaf", "a")]
    assert picture.edges == []


def test_operations_say_what_they_were_told() -> None:
    x = Value(np.ones((3, 4)))
    assert operation_title(x.sum(axis=0)) == "Σ\naxis=0"
    assert operation_title(x.sum()) == "Σ"
    assert operation_title(x[1:, 2]) == "[1:, 2]"


@pytest.mark.parametrize(
    ("exponent", "title", "constants"),
    [(2, "x²", 0), (3.0, "x³", 0), (2.5, "^", 1), (4, "^", 1), (-2, "^", 1)],
)
def test_a_square_and_a_cube_are_one_node(exponent: float, title: str, constants: int) -> None:
    picture = picture_graph(Value([1.0, 2.0], name="x") ** exponent)
    assert picture.node("o1").title == title
    assert [node.kind for node in picture.nodes].count("constant") == constants


def test_a_square_is_called_so_on_a_path_too() -> None:
    w = Value(3.0, name="w")
    picture = picture_graph((w + 1.0) ** 2, highlight=w)
    assert picture.notes[1] == "1. x² ← + ← w: contributes 8, 100%"


@pytest.mark.parametrize("wrong", [3.0, None, "loss"])
def test_anything_but_a_value_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="expected a Value to draw"):
        picture_graph(wrong)  # type: ignore[arg-type]


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="'auto', 'right' or 'down'"):
        picture_graph(Value(1.0) * 2.0, direction="up")  # type: ignore[arg-type]


def test_pictures_run_downward_where_they_would_become_too_wide() -> None:
    x = Value(1.0)
    assert picture_graph(x * 2.0 + 1.0).direction == "right"
    assert picture_graph(neuron()[0]).direction == "down"
    assert picture_graph(neuron()[0], fold="neurons").direction == "right"
    assert picture_graph(neuron()[0], direction="right").direction == "right"
    array = Value(np.ones(3))
    assert picture_graph(array * array * array * array * array).direction == "down"


# -- edges -----------------------------------------------------------------------------------------


def test_the_local_derivative_stands_on_each_edge_even_before_backward() -> None:
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    product = a * b
    product.name = "c"
    picture = picture_graph(product)
    assert [(e.local, e.flow, e.texts[0]) for e in picture.edges[:2]] == [
        (-3.0, None, "∂c/∂a = −3"),
        (2.0, None, "∂c/∂b = 2"),
    ]


def test_what_flowed_back_adds_up_to_the_gradient() -> None:
    a = Value(3.0)
    y = a * a + a
    y.backward()
    flows = [edge.flow for edge in picture_graph(y).edges if edge.tail == "v0"]
    assert flows == [3.0, 3.0, 1.0]
    assert sum(flows) == a.grad


@pytest.mark.parametrize("op", ["__mul__", "__sub__", "__truediv__", "__add__"])
def test_the_same_operand_twice_is_two_edges(op: str) -> None:
    x = Value(2.0)
    edges = [edge for edge in picture_graph(getattr(x, op)(x)).edges if edge.tail == "v0"]
    assert len(edges) == 2


@pytest.mark.parametrize("seed", range(25))
def test_the_products_along_all_paths_add_up_to_the_gradient(seed: int) -> None:
    output, leaves = random_graph(seed)
    output.backward()
    picture = picture_graph(output)
    sums = sums_of_paths(picture)
    for node in picture.nodes:
        if node.value in leaves:
            assert sums[node.key] == pytest.approx(node.value.grad, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_flows_into_each_value_add_up_to_its_gradient(seed: int) -> None:
    output, _ = random_graph(seed)
    output.backward()
    picture = picture_graph(output)
    for node in picture.nodes:
        flows = [
            edge.flow for edge in picture.edges if edge.tail == node.key and edge.flow is not None
        ]
        if flows and node.value is not None:
            assert sum(flows) == pytest.approx(node.value.grad, rel=1e-9, abs=1e-12)


def test_gradients_that_are_values_are_drawn_too() -> None:
    x = Value(2.0, name="x")
    y = x**3
    y.backward(create_graph=True)
    assert picture_graph(y).node("x").panels[1].lines == ("12",)


def test_data_replaced_since_is_not_taken_for_the_recorded_one() -> None:
    w = Value(2.0, name="w")
    y = w * w
    y.backward()
    w.data = 5.0
    picture = picture_graph(y, highlight=w, diff=y)
    assert all(edge.local is None for edge in picture.edges)
    assert any("replaced" in note for note in picture.notes)
    assert picture.notes[1] == "2 paths from the result to w"
    assert [node.kind for node in picture.nodes] == ["leaf", "output", "operation"]


@pytest.mark.parametrize("fold", ["auto", "nothing", "neurons", "layers"])
def test_a_graph_can_be_drawn_after_its_weights_have_learned(fold: str) -> None:
    loss, v = neuron()
    before = [node.title for node in picture_graph(loss).nodes]
    loss.backward()
    for value in v.values():
        value.data -= 0.1 * value.grad
    picture = picture_graph(loss, fold=fold, max_nodes=8 if fold == "auto" else 60)  # type: ignore[arg-type]
    assert picture.node("loss").kind == "output"
    if fold == "nothing":
        assert sorted(node.title for node in picture.nodes) == sorted(before)


def test_infinite_derivatives_are_drawn_without_a_warning() -> None:
    x = Value(0.0, name="x")
    with np.errstate(all="ignore"):
        y = x.sqrt() + x.log()
    assert any(edge.texts[0].endswith("∞") for edge in picture_graph(y).edges)


# -- arrays ----------------------------------------------------------------------------------------


def test_element_wise_operations_have_a_factor_for_each_entry() -> None:
    x = Value([[1.0, -2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(local_derivative(x.relu(), 0), [[1.0, 0.0], [1.0, 1.0]])
    bias = Value([1.0, 2.0])
    np.testing.assert_array_equal(local_derivative(x + bias, 1), np.ones((2, 2)))


def test_reductions_have_the_whole_derivative() -> None:
    x = Value([1.0, 2.0, 5.0])
    np.testing.assert_allclose(local_derivative(x.mean(), 0), [1 / 3] * 3)
    np.testing.assert_array_equal(local_derivative(x.max(), 0), [0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x @ Value(np.ones((3, 3))),
        lambda x: x.softmax(),
        lambda x: x.T,
        lambda x: x.sum(axis=0),
        lambda x: x[::-1],
        lambda x: x.reshape(9),
    ],
)
def test_other_operations_show_their_formula_instead(make: object) -> None:
    y = make(Value(np.arange(9.0).reshape(3, 3)))  # type: ignore[operator]
    assert local_derivative(y, 0) is None
    assert y.op.rule(0).formula


def test_the_formula_of_a_matrix_product_is_said_for_each_input() -> None:
    product = Value(np.ones((2, 3))) @ Value(np.ones((3, 2)))
    texts = [edge.texts[0] for edge in picture_graph(product).edges[:2]]
    assert texts == ["g ↦ g @ yᵀ", "g ↦ xᵀ @ g"]


def test_flows_have_the_shape_of_what_they_flow_into() -> None:
    x, bias = Value(np.ones((4, 3))), Value(np.ones(3))
    assert flow(x + bias, 1, np.ones((4, 3))).tolist() == [4.0, 4.0, 4.0]


def test_small_arrays_are_tables_and_large_ones_maps() -> None:
    small = panel("data", np.array([[1.0, -2.0], [0.0, 0.5]], np.float32))
    assert small.lines == ("2×2 float32",)
    assert small.cells == ((("1", 0.5), ("−2", -1.0)), (("0", 0.0), ("0.5", 0.25)))
    large = panel("data", np.arange(-300.0, 300.0).reshape(20, 30))
    assert large.lines == ("20×30 float64", "min −300, mean −0.5, max 299")
    assert (len(large.cells), len(large.cells[0])) == (12, 12)
    assert all(text == "" for row in large.cells for text, _ in row)


@pytest.mark.parametrize(
    "shape", [(8,), (8, 8), (1, 1), (2, 3, 4), (0,), (3, 0), (9,), (1, 784), (5, 5, 5)]
)
def test_arrays_of_all_shapes_are_shown(shape: tuple[int, ...]) -> None:
    shown = panel("data", np.zeros(shape))
    assert shown.lines[0].startswith("×".join(map(str, shape)))


def test_nan_and_infinity_in_arrays_are_shown() -> None:
    shown = panel("data", np.array([np.nan, np.inf, -np.inf, 1.0]))
    assert [text for text, _ in shown.cells[0]] == ["NaN", "∞", "−∞", "1"]


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: ops.where(np.array([[True], [False]]), x, y),
        lambda x, y: ops.where(True, x, 2.0),
        lambda x, y: ops.stack([x, y], axis=1),
        lambda x, y: ops.concatenate([x, y, np.ones((1, 3))]),
        lambda x, y: x[[0, 0, 1]],
        lambda x, y: x[x.data > 0],
        lambda x, y: ops.pad(x, width=1),
        lambda x, y: x.clip(low=0.0, high=1.0),
        lambda x, y: x.T @ y,
        lambda x, y: x.softmax(axis=0).log(),
        lambda x, y: ops.softmax_cross_entropy(x, labels=[0, 2]),
        lambda x, y: ops.maximum(x, 0.5) ** y,
        lambda x, y: x.reshape(3, 2).mean(axis=0, keepdims=True),
        lambda x, y: x.astype(dtype=np.float32).var(),
        lambda x, y: x.leaky_relu(0.1).softplus().gelu(),
    ],
)
def test_operations_of_all_kinds_are_drawn(make: Callable[[Value, Value], Value]) -> None:
    x = Value([[0.5, -1.0, 2.0], [1.0, 0.1, -0.2]], name="x")
    y = Value(np.ones((2, 3)), name="y")
    z = make(x, y)
    z.backward(np.ones(z.shape) if z.shape else None)
    picture = picture_graph(z, highlight=x)
    assert picture.node("x").panels[1].label == "grad"
    assert all(edge.texts[0] for edge in picture.edges if edge.uses)
    assert to_dot(picture).endswith("}\n")
    assert forward_line(z, name_all(ancestors(z)), 4)
    for node, position, upstream, share, _ in chain_rule(in_order(z), {z: seed_of(z)}, flow):
        assert backward_lines(node, position, upstream, share, name_all(ancestors(z)), z, 4)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-12345.0, "−12345"),
        (123456.7, "1.235e5"),
        (1e-9, "1e−9"),
        (1 / 3, "0.3333"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "NaN"),
        (1e300, "1e300"),
    ],
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


@given(st.floats(-1e300, 1e300))
def test_short_numbers_are_near_the_number(number: float) -> None:
    text = short(number)
    assert len(text) <= 11
    assert float(text.replace("−", "-")) == pytest.approx(number, rel=6e-4)


def test_the_number_of_digits_is_an_option() -> None:
    assert picture_graph(Value(1 / 3, name="x") * 1.0, digits=2).node("x").panels[0].lines == (
        "0.33",
    )


# -- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_all_paths_together_are_the_gradient(seed: int) -> None:
    output, leaves = random_graph(seed)
    for leaf, derivative in zip(leaves, grad(output, leaves), strict=True):
        found = paths(output, leaf, most=100_000)
        assert len(found.largest) == found.count < 100_000
        total = sum(way.product for way in found.largest)
        assert total == pytest.approx(derivative, rel=1e-9, abs=1e-12)
        assert found.total == pytest.approx(derivative, rel=1e-9, abs=1e-12)


def test_the_largest_paths_come_first_and_none_is_missed() -> None:
    output, leaves = random_graph(3)
    everything = paths(output, leaves[0], most=100_000).largest
    few = paths(output, leaves[0], most=3).largest
    sizes = sorted((abs(way.product) for way in everything), reverse=True)
    assert [abs(way.product) for way in few] == pytest.approx(sizes[:3])


def test_a_path_runs_from_the_result_to_the_value() -> None:
    loss, v = neuron()
    (way,) = paths(loss, v["n.w1"]).largest
    assert way.steps()[0][0] is loss
    last, position = way.steps()[-1]
    assert last.inputs[position] is v["n.w1"]


def test_highlighting_marks_the_paths_and_fades_the_rest() -> None:
    loss, v = neuron()
    loss.backward()
    picture = picture_graph(loss, highlight=v["n.w1"])
    marks = {node.title: node.mark for node in picture.nodes if node.title}
    assert marks["n.w1"] == marks["loss"] == marks["p"] == "path"
    assert marks["n.w2"] == marks["x1"] == "faded"
    assert sum(edge.mark == "path" for edge in picture.edges) == 12
    assert (
        picture.notes[-1]
        == "1. loss ← x² ← − ← p ← σ ← + ← + ← × ← n.w1: contributes −0.1185, 100%"
    )


def test_paths_are_ranked_by_their_contribution() -> None:
    w = Value(2.0, name="w")
    y = w * 10.0 + w * 3.0
    picture = picture_graph(y, highlight=w)
    ranks = {edge.local: edge.rank for edge in picture.edges if edge.tail == "v0"}
    assert ranks == {10.0: 1, 3.0: 2}
    assert [note.rpartition(": ")[2] for note in picture.notes[1:]] == [
        "contributes 10, 77%",
        "contributes 3, 23%",
    ]


def test_more_paths_than_atoms_are_counted_and_ranked() -> None:
    w = y = Value(1.0, name="w")
    for _ in range(60):
        y = y + y
    picture = picture_graph(y, highlight=w)
    assert picture.notes[-6].startswith(
        "1,152,921,504,606,846,976 paths from the result to w, the 5 largest"
    )


def test_highlighting_something_else_is_refused() -> None:
    loss, _ = neuron()
    with pytest.raises(ValueError, match="not part of this graph"):
        picture_graph(loss, highlight=Value(1.0))


# -- differences -----------------------------------------------------------------------------------


@pytest.fixture
def buggy_multiply() -> ops.Operation:
    """x·y, whose derivative by y was forgotten."""
    return ops.Operation(
        lambda x, y: x * y, "×", dx=lambda g, z, x, y: g * y, dy=lambda g, z, x, y: g
    )


def test_the_first_wrong_gradient_is_marked(buggy_multiply: ops.Operation) -> None:
    def program(multiply: ops.Operation) -> Value:
        a, w = Value(3.0, name="a"), Value(2.0, name="w")
        hidden = multiply(a, (w * 1.0).tanh())
        hidden.name = "hidden"
        loss: Value = hidden * hidden
        loss.backward()
        return loss

    right, wrong = program(ops.multiply), program(buggy_multiply)
    picture = picture_graph(wrong, diff=right)
    marked = [node for node in picture.nodes if node.mark == "wrong"]
    assert len(marked) == 1
    assert marked[0].value is not None
    assert marked[0].value.op is ops.tanh
    assert [p.label for p in marked[0].panels] == ["data", "grad", "other"]
    assert [p.label for p in picture.node("hidden").panels] == ["data", "grad"]
    assert [edge.mark for edge in picture.edges if edge.mark] == ["wrong"]
    assert "first part at the result of tanh" in picture.notes[-1]


def test_equal_graphs_do_not_differ() -> None:
    one, other = neuron()[0], neuron()[0]
    one.backward()
    other.backward()
    picture = picture_graph(one, diff=other)
    assert picture.notes == ["no gradient differs between the two graphs"]
    assert all(node.mark == "" for node in picture.nodes)


def test_graphs_of_another_form_are_said_to_be_so() -> None:
    a, b = Value(0.0, name="a"), Value(0.0, name="b")
    picture = picture_graph(a.tanh() + 1.0, diff=b.sin() + 1.0)
    assert any("not alike: the result of tanh" in note for note in picture.notes)


def test_the_graph_itself_is_left_as_it_was() -> None:
    loss, v = neuron()
    loss.backward()
    before = {node: node.grad for node in ancestors(loss)}
    picture_graph(loss, highlight=v["x1"], fold="neurons")
    assert {node: node.grad for node in ancestors(loss)} == before


def test_only_a_value_can_be_the_other_run() -> None:
    with pytest.raises(TypeError, match="diff to be a Value, the result of another run, got str"):
        picture_graph(Value(1.0) * 2.0, diff="other")  # type: ignore[arg-type]


def test_labels_of_edges_stand_on_white_so_that_lines_pass_behind_them() -> None:
    x = Value(3.0, name="x")
    edges = [line for line in to_dot(picture_graph(x * x)).splitlines() if "->" in line]
    assert ['BGCOLOR="white"' in line for line in edges] == [True, True, False]


def test_what_is_beside_the_path_has_no_color() -> None:
    w, x = Value(3.0, name="w"), Value(2.0, name="x")
    loss = w * x
    loss.backward()
    nodes = to_dot(picture_graph(loss, highlight=w)).splitlines()
    (faded,) = (line for line in nodes if "<B>x</B>" in line)
    assert "#b03a00" not in faded


def test_long_names_are_broken_into_lines() -> None:
    x = Value(3.0, name="a" * 100)
    assert f"<B>{'a' * 40}<BR/>{'a' * 40}<BR/>{'a' * 20}</B>" in to_dot(picture_graph(x))


def test_empty_arrays_are_said_to_be_empty() -> None:
    x = Value(np.zeros((3, 0)), name="x")
    picture = picture_graph(x * 2.0)
    assert picture.nodes[0].panels[0].lines == ("3×0 float64: empty",)
    assert picture.edges[0].texts[0] == "∂ 3×0: empty"
