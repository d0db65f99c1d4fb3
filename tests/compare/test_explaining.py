"""The chain rule written out: Mazur's famous numbers, tensors, folding, and graphs with 2⁶⁰ paths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import (
    Dense,
    ReLU,
    Sequential,
    Sigmoid,
    Value,
    grad,
    half_squared_error,
    ops,
    softmax_cross_entropy,
)
from tinygrad_edu.by_hand import RashidNetwork, WorkedExample
from tinygrad_edu.compare import explain, twin
from tinygrad_edu.compare import paths as path_search
from tinygrad_edu.compare.paths import find_paths
from tinygrad_edu.compare.recorded import Recorded


def test_mazurs_w5():
    """.741365070 × .186815602 × .593269992 = .082167041"""
    story = explain(twin(WorkedExample())(), "w5")
    assert story.count == 1
    (factors,) = story.paths
    symbols = ["∂E/∂out_o1", "∂out_o1/∂net_o1", "∂net_o1/∂w5"]
    assert [factor.symbol for factor in factors] == symbols
    values = [round(factor.value, 9) for factor in factors]
    assert values == [0.741365070, 0.186815602, 0.593269992]
    assert round(story.total, 9) == 0.082167041
    text = str(story)
    for number in ("0.741365070", "0.186815602", "0.593269992", "0.082167041", "σ(x)·(1 − σ(x))"):
        assert number in text


def test_mazurs_w1_has_two_paths():
    story = explain(twin(WorkedExample())(), "w1")
    assert story.count == 2
    assert round(story.total, 9) == 0.000438568 == round(story.autograd, 9)
    assert story.quotient == pytest.approx(story.autograd, rel=1e-9)
    chains = [[factor.lower for factor in path] for path in story.paths]
    assert chains == [
        ["out_o1", "net_o1", "out_h1", "net_h1", "w1"],
        ["out_o2", "net_o2", "out_h1", "net_h1", "w1"],
    ]
    assert sum(story.products) == pytest.approx(story.total, rel=1e-14)


def test_a_result_on_the_way_can_be_asked_about():
    story = explain(twin(WorkedExample())(), "out_h1")
    assert round(story.total, 9) == 0.036350306
    assert story.count == 2


def test_a_shared_bias_sums_its_paths():
    b = Value(0.35, name="b1")
    h = (0.0275 + b).sigmoid() * (0.0425 + b).sigmoid()
    story = explain(h, b)
    assert story.count == 2
    assert story.total == pytest.approx(grad(h, b), rel=1e-14)


def test_mazurs_net_as_matrices():
    w = WorkedExample().values
    network = RashidNetwork(2, 2, 2)
    network.set_parameters(
        {"wih": [[0.15, 0.20], [0.25, 0.30]], "who": [[0.40, 0.45], [0.50, 0.55]]}
    )
    error = twin(network)([0.05, 0.10], [0.01, 0.99])
    story = explain(error, "wih", (0, 1))
    assert [path[0].lower for path in story.paths] == ["o[0]", "o[1]"]
    assert [path[-1].lower for path in story.paths] == ["wih[0, 1]"] * 2
    slope = network.gradients([0.05, 0.10], [0.01, 0.99])["wih"][0, 1]
    assert story.total == pytest.approx(slope, rel=1e-13)

    x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    model = Sequential(Dense(2, 2, dtype=float), Sigmoid(), Dense(2, 2, dtype=float), Sigmoid())
    model.load_state_dict(
        {
            "dense1.weight": np.array([[w["w1"], w["w3"]], [w["w2"], w["w4"]]]),
            "dense1.bias": np.full(2, 0.35),
            "dense2.weight": np.array([[w["w5"], w["w7"]], [w["w6"], w["w8"]]]),
            "dense2.bias": np.full(2, 0.60),
        }
    )
    error = half_squared_error(model(x), t)
    assert round(explain(error, "dense2.weight", (0, 0)).total, 9) == 0.082167041
    assert round(explain(error, "dense1.weight", (0, 0)).total, 9) == 0.000438568
    assert explain(error, "dense1.weight", (-1, -1)).wrt == "dense1.weight[1, 1]"


@pytest.mark.parametrize("index", [(0, 0), (2, 1), (3, 4)])
def test_batches_and_cross_entropy(index):
    rng = np.random.default_rng(1)
    model = Sequential(Dense(4, 5, dtype=float), ReLU(), Dense(5, 3, dtype=float), rng=1)
    loss = softmax_cross_entropy(model(rng.normal(size=(6, 4))), rng.integers(0, 3, 6))
    weight = model.parameters()[0]
    story = explain(loss, weight, index)
    assert story.total == pytest.approx(story.autograd, rel=1e-12, abs=1e-15)
    assert story.quotient == pytest.approx(story.autograd, rel=1e-6, abs=1e-10)


def test_two_to_the_sixty_paths_are_counted_at_once():
    y = x = Value(1.0, name="x")
    for _ in range(60):
        y = y + y
    story = explain(y, x)
    assert story.count == 2**60 == story.counts[0]
    assert story.total == 2.0**60
    assert "1,152,921,504,606,846,976" in str(story)
    assert len(str(story).split("\n")) < 20


def test_exponentially_many_different_paths():
    y = x = Value(1.0, name="x")
    for _ in range(60):
        y = 0.5 * y + 0.9 * y.sin()
    story = explain(y, x, paths=3)
    assert story.count == 2**60
    assert len(story.paths) == 3
    assert story.total == pytest.approx(grad(y, x), rel=1e-9)
    assert f"{2**60 - 3:,} more" in str(story)
    sizes = [abs(product) for product in story.products]
    assert sizes == sorted(sizes, reverse=True)


def test_the_largest_paths_are_the_largest():
    rng = np.random.default_rng(2)
    x = Value(0.3, name="x")
    layer = [x * float(c) for c in rng.normal(size=3)]
    for _ in range(2):
        layer = [sum((v * float(c) for c, v in zip(rng.normal(size=3), layer, strict=True)),
                     start=Value(0.0)) for _ in range(3)]  # fmt: skip
    total = sum(layer, start=Value(0.0))
    every = find_paths(Recorded(total), x, most=1000)
    few = find_paths(Recorded(total), x, most=5)
    assert every.count == len(every.largest) == 27
    products = sorted((path.product for path in every.largest), key=abs, reverse=True)
    assert [path.product for path in few.largest] == products[:5]
    assert sum(products) == pytest.approx(every.total)


def test_long_chains_are_folded():
    y = x = Value(0.5, name="x")
    for _ in range(3000):
        y = y + 1.0
    story = explain(y * y, x)
    text, markdown = str(story), story.markdown()
    assert "more factors" in text
    assert len(text.split("\n")) < 25
    assert len(markdown) < 6000
    assert story.total == pytest.approx(2 * 3000.5)


def test_long_factors_between_names_are_folded_too():
    x = Value(0.5, name="x")
    y = x
    for _ in range(100):
        y = y * 1.01
    y.name = "y"
    text = str(explain(y * 2.0, x))
    assert "more steps" in text
    assert "∂y/∂x" in text


def test_markdown_and_html():
    story = explain(twin(WorkedExample())(), "w5")
    markdown, html = story.markdown(), story.html()
    assert r"\frac{\partial E}{\partial w_{5}}" in markdown
    assert r"0.741365070 \cdot 0.186815602 \cdot 0.593269992 = 0.082167041" in markdown
    assert markdown.count("$$") == 2
    assert markdown.count("{") == markdown.count("}")
    assert "0.741365070" in html
    assert html.count("<table>") == html.count("</table>") == 2
    assert story._repr_html_() == html
    negative = explain(twin(WorkedExample())(), "w7")
    assert "(-0.217071535)" in negative.latex()


def test_names_are_escaped():
    w = Value(2.0, name="<b>&x_|%}")
    z = w * 3.0
    z.name = "a_b_c"
    story = explain(z * 2.0, w)
    assert "&lt;b&gt;&amp;x_|%}" in story.html()
    assert r"\%\}" in story.latex()
    assert "\\|" in story.markdown()


def test_a_silent_relu_has_a_path_with_product_zero():
    x = Value(-1.0, name="x")
    story = explain(x.relu() * 2.0, x)
    assert story.count == 1
    assert story.products == (0.0,)
    w = Value([-1.0, 2.0], name="w")
    story = explain(w.relu().sum(), w, 0)
    assert story.count == 0
    assert "no path whose product is not 0" in str(story)
    assert "\\begin{aligned}" in story.latex()


@given(st.integers(0, 10_000))
def test_random_graphs_of_numbers(seed):
    rng = np.random.default_rng(seed)
    nodes = [Value(float(rng.uniform(0.5, 1.5)), name=f"x{i}") for i in range(3)]
    leaves = list(nodes)
    for _ in range(12):
        a, b = (nodes[i] for i in rng.integers(0, len(nodes), 2))
        kind = rng.integers(0, 5)
        nodes.append([a + b, a * b, a - b, a.sigmoid(), a.sin()][kind])
    output = sum(nodes[3:], start=Value(0.0))
    wrt = leaves[0]
    slope = grad(output, wrt)
    if output.op is None or wrt not in Recorded(output).numbers:
        return
    story = explain(output, wrt)
    assert story.total == pytest.approx(slope, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "operation", ["sum", "mean", "max", "softmax", "log_softmax", "transpose", "var"]
)
def test_arrays_through_all_sorts_of_operations(operation):
    rng = np.random.default_rng(3)
    w = Value(rng.normal(size=(3, 4)), name="w")
    upstream = rng.normal(size=(3, 4))
    z = getattr(w, operation)() if operation != "sum" else w.sum(axis=0)
    weights = upstream.T if operation == "transpose" else upstream
    loss = ops.sum(z * (weights if z.shape == weights.shape else 1.7))
    story = explain(loss, w, (1, 2))
    assert story.total == pytest.approx(story.autograd, rel=1e-10, abs=1e-14)


def test_nothing_is_changed():
    error = twin(WorkedExample())()
    explain(error, "w1")
    assert all(value.grad is None for value in Recorded(error).nodes)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: explain(3.0, "w"), TypeError, "expected a Value to explain, got float"),
        (lambda: explain(Value([1.0, 2.0]) * 2.0, "w"), ValueError, r"got shape \(2,\); index it"),
        (lambda: explain(twin(WorkedExample())(), "w9"), ValueError, "named 'w9', found 0"),
        (lambda: explain(Value(1.0) * 2.0, Value(1.0, "w")), ValueError, "not computed from w"),
        (lambda: explain(twin(WorkedExample())(), "E"), ValueError, "not computed from E"),
        (lambda: explain(Value([1.0, 2.0], "w").sum(), "w"), ValueError, r"index=\(0,\)"),
        (lambda: explain(Value([1.0, 2.0], "w").sum(), "w", 2), ValueError, "got 2"),
        (lambda: explain(Value([1.0, 2.0], "w").sum(), "w", (0, 0)), ValueError, "one number"),
        (lambda: explain(Value(1.0, "w") * 2.0, "w", paths=0), ValueError, "paths ≥ 1"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_too_many_entries_say_what_to_do(monkeypatch):
    monkeypatch.setattr(path_search, "MOST_ARRAY_STEPS", 20)
    w = Value(np.ones((5, 5)), name="w")
    with pytest.raises(ValueError, match=r"explain the loss of one sample"):
        explain((w @ w @ w).sum(), w, (0, 0))


def test_data_that_was_replaced():
    w = Value(2.0, name="w")
    loss = w * w
    w.data = 3.0
    with pytest.raises(RuntimeError, match="was replaced"):
        explain(loss, w)


def test_what_is_no_value_is_said():
    w = Value(3.0, name="w")
    with pytest.raises(TypeError, match="got function; call it, and explain what it returns"):
        explain(lambda: w * w, w)
    with pytest.raises(TypeError, match="expected a Value or its name, got float"):
        explain(w * w, 3.0)


def test_any_name_can_be_printed():
    w = Value(3.0, name="\ud800")
    assert "∂output/∂\N{REPLACEMENT CHARACTER}" in str(explain(w * w, w)).encode().decode()
