"""What is folded, what stays, and that nothing is lost at the border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tinygrad_edu import ops
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.graph import picture_graph
from tinygrad_edu.drawing.graph.parts import layer_of, parts_of
from tinygrad_edu.nn import in_part
from tinygrad_edu.value import Value, ancestors


def network() -> tuple[Value, list[Value]]:
    """Two inputs, a layer of three scalar neurons, one more neuron, and a squared loss."""
    inputs = [Value(0.5, name="x0"), Value(-1.0, name="x1")]

    def neuron(name: str, xs: list[Value], first: float) -> Value:
        total = Value(0.1, name=f"{name}.b")
        for i, x in enumerate(xs):
            total = total + Value(first + 0.3 * i, name=f"{name}.w[{i}]") * x
        return total.tanh()

    hidden = [neuron(f"hidden[{j}]", inputs, 0.2 * j) for j in range(3)]
    loss = (neuron("out[0]", hidden, 0.4) - 1.0) ** 2
    loss.name = "loss"
    loss.backward()
    return loss, inputs


def dense_model(x: np.ndarray) -> Value:
    """Two dense layers that note their parts, as layers do."""

    def layer(name: str, x: Value | np.ndarray, n_out: int) -> Value:
        w = Value(np.full((x.shape[-1], n_out), 0.1), name=f"{name}.weight")
        b = Value(np.zeros(n_out), name=f"{name}.bias")
        return in_part(name, lambda x: x @ w + b, x)

    hidden = in_part("relu1", ops.relu, layer("dense1", x, 3))
    result: Value = ops.softmax_cross_entropy(layer("dense2", hidden, 2), labels=[0])
    return result


# -- parts -----------------------------------------------------------------------------------------


def test_names_tell_the_parts_of_scalar_neurons() -> None:
    loss, inputs = network()
    parts = parts_of(ancestors(loss))
    assert set(parts.values()) == {"hidden[0]", "hidden[1]", "hidden[2]", "out[0]"}
    assert loss not in parts
    assert not any(x in parts for x in inputs)


def test_a_neuron_written_with_sum_folds_whole() -> None:
    xs = [Value(0.5 * i, name=f"x{i}") for i in range(3)]
    ws = [Value(0.1 * i, name=f"neuron.w{i}") for i in range(3)]
    b = Value(0.5, name="neuron.b")
    y = (sum((w * x for w, x in zip(ws, xs, strict=True)), start=0) + b).tanh()
    picture = picture_graph((y - 1.0) ** 2, fold="neurons")
    assert [node.title for node in picture.nodes if node.kind == "fold"] == ["neuron"]
    assert [node.title for node in picture.nodes if node.kind == "operation"] == ["−", "x²"]
    (edge,) = [edge for edge in picture.edges if edge.tail == "f0"]
    assert picture.node(edge.head).value is y


def test_recorded_parts_hold_what_was_made_in_them() -> None:
    loss = dense_model(np.ones((1, 4)))
    nodes = ancestors(loss)
    parts = parts_of(nodes)
    found = {node.op.name if node.op else node.name: parts.get(node) for node in nodes}
    assert found == {
        "softmax_cross_entropy": None,
        "add": "dense1",
        "relu": "relu1",
        "matmul": "dense1",
        "dense1.weight": "dense1",
        "dense1.bias": "dense1",
        "dense2.weight": "dense2",
        "dense2.bias": "dense2",
    }


def test_two_calls_are_two_parts() -> None:
    w = Value(0.5, name="cell.w")
    state = Value(1.0, name="start")
    for _ in range(2):
        state = in_part("cell", lambda s: (w * s).tanh(), state)
    parts = parts_of(ancestors(state * 1.0))
    assert set(parts.values()) == {"cell", "cell (2)"}
    assert w not in parts


def test_parts_inside_parts_are_told_apart() -> None:
    x = Value(1.0)
    outer = in_part("outer", lambda x: in_part("inner", ops.tanh, x) + x, x)
    parts = parts_of(ancestors(outer))
    assert parts[outer] == "outer"
    assert parts[outer.inputs[0]] == "inner"


def test_what_passes_through_unchanged_belongs_to_nobody_new() -> None:
    x = Value(1.0) * 2.0
    assert in_part("dropout", lambda x: x, x) is x
    assert x not in parts_of([x])


@pytest.mark.parametrize(
    ("part", "layer"),
    [
        ("hidden[12]", "hidden"),
        ("dense1", "dense1"),
        ("net.hidden[0]", "net.hidden"),
        ("a[1] (2)", "a (2)"),
        ("", ""),
    ],
)
def test_a_neuron_belongs_to_a_layer(part: str, layer: str) -> None:
    assert layer_of(part) == layer


# -- folds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fold", "titles"),
    [("neurons", ["hidden[0]", "hidden[1]", "hidden[2]", "out[0]"]), ("layers", ["hidden", "out"])],
)
def test_neurons_and_layers_fold_to_one_box_each(fold: str, titles: list[str]) -> None:
    loss, _ = network()
    picture = picture_graph(loss, fold=fold)  # type: ignore[arg-type]
    assert sorted(node.title for node in picture.nodes if node.kind == "fold") == titles
    assert "values are folded" in picture.notes[0]


@pytest.mark.parametrize("fold", ["neurons", "layers", "auto"])
def test_gradients_at_the_border_are_those_of_the_open_graph(fold: str) -> None:
    loss, inputs = network()
    picture = picture_graph(loss, fold=fold, max_nodes=12)  # type: ignore[arg-type]
    assert any(node.kind == "fold" for node in picture.nodes)
    for node in picture.nodes:
        if node.value is not None and node.kind in ("leaf", "result"):
            flows = [edge.flow for edge in picture.edges if edge.tail == node.key and edge.uses]
            assert sum(flows) == pytest.approx(node.value.grad, abs=1e-12)
    assert set(inputs) <= {node.value for node in picture.nodes}


def test_the_derivative_through_a_folded_neuron_is_written_on_its_edge() -> None:
    loss, _ = network()
    picture = picture_graph(loss, fold="neurons")
    for edge in picture.edges:
        if edge.head.startswith("f"):
            result = next(e.head for e in picture.edges if e.tail == edge.head)
            gradient = next(node.value for node in picture.nodes if node.key == result).grad  # type: ignore[union-attr]
            assert edge.flow == pytest.approx(gradient * edge.local)


def test_parameters_are_folded_into_their_layer() -> None:
    loss = dense_model(np.ones((1, 4)))
    picture = picture_graph(loss, fold="layers")
    folds = {node.title: node.panels[0].lines for node in picture.nodes if node.kind == "fold"}
    assert folds == {
        "dense1": ("2 operations", "15 numbers given"),
        "dense2": ("2 operations", "8 numbers given"),
    }
    assert not any("weight" in node.title for node in picture.nodes)
    assert [node.panels[0].lines[0] for node in picture.nodes if node.kind == "constant"] == [
        "1×4 float64"
    ]


def test_open_layers_are_framed() -> None:
    picture = picture_graph(dense_model(np.ones((1, 4))))
    assert set(picture.parts) == {"dense1", "dense2"}
    assert picture.node("dense1.weight").part == "dense1"


def test_small_graphs_stay_open_and_large_ones_are_folded() -> None:
    loss, _ = network()
    assert picture_graph(loss).notes == []
    folded = picture_graph(loss, max_nodes=20)
    assert 'fold="nothing" shows them all' in folded.notes[0]
    assert sum(node.kind in ("leaf", "result", "output") for node in folded.nodes) <= 20
    opened = picture_graph(loss, fold="nothing", max_nodes=20)
    assert sum(node.kind in ("leaf", "result", "output") for node in opened.nodes) == len(
        ancestors(loss)
    )


def test_neurons_with_too_many_links_fold_to_layers() -> None:
    xs = [Value(float(i), name=f"x{i}") for i in range(12)]
    for name in ("one", "two"):
        xs = [
            sum((Value(0.1, name=f"{name}[{j}].w[{i}]") * x for i, x in enumerate(xs)), start=xs[0])
            for j in range(12)
        ]
    loss = sum(xs, start=Value(0.0, name="start"))
    boxes = [node.title for node in picture_graph(loss).nodes if node.kind == "fold"]
    assert set(boxes) <= {"one", "two", "the middle"}


def test_an_unknown_fold_names_the_known() -> None:
    with pytest.raises(ValueError, match="'auto', 'nothing', 'neurons', 'layers', got 'all'"):
        picture_graph(Value(1.0) * 2.0, fold="all")  # type: ignore[arg-type]


def test_asking_for_layers_where_there_are_none_is_said() -> None:
    picture = picture_graph(Value(1.0) * 2.0, fold="layers")
    assert picture.notes == ["no layers were found to fold"]


def chain(length: int) -> Value:
    value = Value(1.0, name="start")
    for _ in range(length):
        value = value + 0.001
    value.backward()
    return value


def test_twice_the_chain_takes_twice_the_work(calls_of: Callable[..., int]) -> None:
    assert calls_of(picture_graph, chain(4_000)) < 2.2 * calls_of(picture_graph, chain(2_000))


def test_the_middle_of_a_long_chain_is_folded() -> None:
    picture = picture_graph(chain(10_000))
    (fold,) = (node for node in picture.nodes if node.kind == "fold")
    assert fold.title == "the middle"
    assert len(picture.nodes) < 80
    (edge,) = (edge for edge in picture.edges if edge.head == fold.key)
    assert (edge.local, edge.flow) == (1.0, 1.0)


def test_wide_sharing_is_drawn_at_once() -> None:
    value = Value(1.0)
    for _ in range(60):
        value = value + value
    value.backward()
    picture = picture_graph(value, fold="nothing")
    assert len([node for node in picture.nodes if node.kind != "operation"]) == 61
    assert picture_graph(value, max_nodes=20).nodes[0].panels[1].lines == ("1.153e18",)


@pytest.mark.parametrize("seed", range(5))
def test_every_node_of_a_folded_random_graph_is_connected_and_acyclic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [Value(float(i), name=f"v{i}") for i in range(20)]
    for _ in range(200):
        x, y = (values[i] for i in rng.integers(max(len(values) - 40, 0), len(values), 2))
        values.append(x * 0.5 + y)
    picture = picture_graph(values[-1], max_nodes=30)
    waiting = {node.key: 0 for node in picture.nodes}
    for edge in picture.edges:
        waiting[edge.head] += 1
    ready = [key for key, count in waiting.items() if not count]
    seen = 0
    while ready:
        key = ready.pop()
        seen += 1
        for edge in picture.edges:
            if edge.tail == key:
                waiting[edge.head] -= 1
                if not waiting[edge.head]:
                    ready.append(edge.head)
    assert seen == len(picture.nodes)


def test_a_part_that_feeds_itself_through_others_is_not_folded() -> None:
    x = Value(1.0, name="x")
    first = x * Value(2.0, name="cell.w")
    elsewhere = first * Value(3.0, name="other.w")
    last = elsewhere * Value(4.0, name="cell.v")
    picture = picture_graph(last * 1.0, fold="neurons")
    assert [node.title for node in picture.nodes if node.kind == "fold"] == ["other"]
    names = {node.title for node in picture.nodes if node.kind == "leaf"}
    assert names == {"x", "cell.w", "cell.v"}


def test_dot_grows_with_the_graph_and_not_with_its_square() -> None:
    def lines(length: int) -> int:
        value = Value(1.0)
        for _ in range(length):
            value = value * 1.001
        return to_dot(picture_graph(value, fold="nothing")).count("\n")

    assert lines(3000) - lines(2000) == lines(2000) - lines(1000) == 6000


def test_a_layer_inside_a_model_inside_a_model_has_the_name_of_its_weights() -> None:
    w, x = Value(2.0, name="inner.dense1.weight"), Value(3.0, name="x")
    first = in_part("dense1", lambda x: Value(5.0, name="dense1.weight") * x, x)
    second = in_part("dense1", lambda x: w * x, first)
    found = parts_of(ancestors(second))
    assert (found[first], found[second]) == ("dense1", "inner.dense1")
