"""The audit names the classic mistakes, acquits what is right, and says "unknown" where it does not know."""

import numpy as np
import pytest

from tinygrad_edu import Value, grad, half_squared_error, ops, softmax_cross_entropy
from tinygrad_edu.by_hand import (
    Network,
    NielsenNetwork,
    RashidNetwork,
    SigmoidNeuron,
    SoftmaxMLP,
    WorkedExample,
    target_outputs,
)
from tinygrad_edu.by_hand.neuron import sigmoid
from tinygrad_edu.compare import audit, places, twin


def first(report):
    assert report.verdict == "explained", str(report)
    return report.findings[0]


# -- what the sources do wrong --


@pytest.mark.parametrize("sizes", [(5, 4, 3), (30, 20, 10), (2, 2, 2), (3, 6, 6)])
@pytest.mark.parametrize("seed", [0, 1])
def test_rashids_missing_factor_at_the_output_layer(sizes, seed):
    rng = np.random.default_rng(seed)
    network = RashidNetwork(*sizes, rng=rng)
    report = audit(twin(network), network.update_rule, rng.random(sizes[0]), rng.random(sizes[2]))
    finding = first(report)
    assert finding.name == "factor left out"
    assert "sigmoid" in finding.where
    assert "layer of who" in finding.where
    assert "σ(x)·(1 − σ(x))" in finding.what
    assert "passed on" in finding.what
    assert report.comparison.differing == ["wih"]


def test_rashids_rule_is_found_out_after_training_too():
    rng = np.random.default_rng(2)
    network = RashidNetwork(8, 6, 10, learning_rate=0.3, rng=2)
    for _ in range(200):
        network.train_step(rng.random(8), target_outputs(int(rng.integers(0, 10))))
    finding = first(audit(twin(network), network.update_rule, rng.random(8), target_outputs(3)))
    assert finding.name == "factor left out"


@pytest.mark.parametrize("biases", ["frozen", "trained"])
@pytest.mark.parametrize("rate", [None, 0.5])
def test_mazurs_order_in_place(biases, rate):
    net = WorkedExample(order="in_place", biases=biases)
    finding = first(audit(twin(net), net.update_rule, rate=rate))
    assert finding.name == "weights updated too early"
    assert finding.rate == pytest.approx(0.5, rel=1e-7)
    assert "learning rate 0.5" in str(finding)
    assert finding.where == "the way back through w5, w6, w7, w8"


def test_with_a_wrong_rate_the_order_in_place_is_not_reproduced():
    net = WorkedExample(order="in_place")
    assert audit(twin(net), net.update_rule, rate=0.1).verdict == "unknown"


def test_the_javascript_nets_sign():
    net = WorkedExample(biases="wrong_sign")
    finding = first(audit(twin(net), net.update_rule))
    assert finding.name == "sign turned"
    assert "4 biases" in finding.where


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
def test_a_missing_1_over_n(cost):
    rng = np.random.default_rng(3)
    network = NielsenNetwork([4, 5, 3], cost, rng=3)
    x, y = rng.random((10, 4)), rng.random((10, 3))
    summed = {name: 10 * g for name, g in network.gradients(x, y).items()}
    report = audit(twin(network)(x, y), summed)
    assert first(report).name == "1/N missing"
    assert "10" in first(report).what
    only_biases = {n: g if n.startswith("b") else g / 10 for n, g in summed.items()}
    finding = first(audit(twin(network)(x, y), only_biases))
    assert (finding.name, "2 biases" in finding.where) == ("1/N missing", True)


def test_a_missing_1_over_n_of_cross_entropy():
    rng = np.random.default_rng(4)
    network = SoftmaxMLP([4, 5, 3], rng=4)
    x, labels = rng.random((6, 4)), rng.integers(0, 3, 6)
    summed = {name: 6 * g for name, g in network.gradients(x, labels).items()}
    finding = first(audit(twin(network)(x, labels), summed))
    assert finding.name == "1/N missing"
    assert "softmax_cross_entropy" in finding.where


# -- mistakes made in pencil algebra, one at a time --


def two_layers(mistake="", n_in=4, n_hidden=3, n_out=2, samples=5, seed=0):
    """Return the recorded loss of x → σ → σ → mean of half squares, and its gradients with a mistake."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(samples, n_in)), rng.random((samples, n_out))
    w1, b1 = rng.normal(size=(n_in, n_hidden)), rng.normal(size=n_hidden)
    w2, b2 = rng.normal(size=(n_hidden, n_out)), rng.normal(size=n_out)
    v = {name: Value(a, name) for name, a in (("w1", w1), ("b1", b1), ("w2", w2), ("b2", b2))}
    hidden = ops.sigmoid(ops.dense(x, v["w1"], v["b1"]))
    loss = half_squared_error(ops.sigmoid(hidden @ v["w2"] + v["b2"]), t) / float(samples)

    h = sigmoid(x @ w1 + (0.0 if mistake == "no b1 forward" else b1))
    o = sigmoid(h @ w2 + b2)
    d_o = (o - t) / samples
    d_o = -d_o if mistake == "target minus output, w1 and all" else d_o
    d_z2 = d_o * (1.0 if mistake == "no output slope" else o * (1 - o))
    if mistake == "slope of the output":
        d_z2 = d_o * sigmoid(o) * (1 - sigmoid(o))
    d_h = d_z2 @ (w2 if mistake == "w2 not transposed" else w2.T)
    if mistake == "no hidden slope":
        d_z1 = d_h
    elif mistake == "slope of tanh":
        d_z1 = d_h * (1 - h**2)
    elif mistake == "slope from the input":
        z1 = x @ w1 + b1
        d_z1 = d_h * z1 * (1 - z1)
    else:
        d_z1 = d_h * h * (1 - h)
    given = {
        "w1": x.T @ d_z1,
        "b1": d_z1.sum(axis=0),
        "w2": h.T @ d_z2,
        "b2": d_z2.sum(axis=0),
    }
    if mistake == "b2 of the last sample":
        given["b2"] = d_z2[-1]
    elif mistake == "b1 averaged":
        given["b1"] = d_z1.mean(axis=0)
    elif mistake == "b1 not summed":
        given["b1"] = d_z1
    elif mistake == "w1 lies on its side":
        given["w1"] = given["w1"].T
    elif mistake == "b2 never written":
        given["b2"] = np.zeros_like(b2)
    elif mistake == "sign of w2":
        given["w2"] = -given["w2"]
    elif mistake == "twice":
        given = {name: 2 * g for name, g in given.items()}
    elif mistake == "five passes":
        given = {name: 5 * g for name, g in given.items()}
    elif mistake == "w1 of the last sample":
        given["w1"] = np.outer(x[-1], d_z1[-1])
    elif mistake == "all of the first sample":
        one = slice(0, 1)
        given = {
            "w1": x[one].T @ d_z1[one],
            "b1": d_z1[0],
            "w2": h[one].T @ d_z2[one],
            "b2": d_z2[0],
        }
    elif mistake == "no slope for w2 itself":
        given["w2"], given["b2"] = h.T @ d_o, d_o.sum(axis=0)
    return loss, given


MISTAKES = {
    "no output slope": ("factor left out", "layer of b2, w2"),
    "no hidden slope": ("factor left out", "layer of b1, w1"),
    "no slope for w2 itself": ("factor left out", "layer of b2, w2"),
    "slope of the output": ("derivative at the wrong place", "layer of b2, w2"),
    "slope from the input": ("derivative at the wrong place", "layer of b1, w1"),
    "no b1 forward": ("bias missing", "b1"),
    "target minus output, w1 and all": ("sign turned", "all 4 parameters"),
    "sign of w2": ("sign turned", "w2"),
    "b2 of the last sample": ("unbroadcast missing", "b2"),
    "b1 averaged": ("divided by N", "b1"),
    "b1 not summed": ("unbroadcast missing", "b1"),
    "w1 lies on its side": ("transposed", "w1"),
    "b2 never written": ("never written", "b2"),
    "slope of tanh": ("another activation's slope", "layer of b1, w1"),
    "w1 of the last sample": ("one sample only", "layer of b1, w1, toward w1"),
    "all of the first sample": ("one sample only", "subtract (−) in the loss"),
    "five passes": ("1/N missing", "divide"),  # with 5 samples, the same numbers
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("seed", [0, 1])
def test_mistakes_in_pencil_algebra(mistake, seed):
    name, where = MISTAKES[mistake]
    report = audit(*two_layers(mistake, seed=seed))
    finding = first(report)
    assert (finding.name, where in finding.where) == (name, True), str(report)


def test_the_same_numbers_have_several_explanations_and_all_are_told():
    report = audit(*two_layers("five passes"))
    assert {"1/N missing", "forgotten zero_grad"} <= set(report.names)
    assert "these numbers cannot tell it from" in str(report)
    assert "forgotten zero_grad" in audit(*two_layers("five passes", samples=7)).names
    assert "1/N missing" not in audit(*two_layers("five passes", samples=7)).names
    assert "unbroadcast missing" in audit(*two_layers("b1 averaged")).names
    assert {"forgotten zero_grad", "factor 2"} <= set(audit(*two_layers("twice")).names)


def test_a_square_matrix_that_was_not_transposed():
    report = audit(*two_layers("w2 not transposed", n_hidden=3, n_out=3))
    assert (first(report).name, "w2" in first(report).where) == ("transposed", True)


def test_without_a_mistake_two_layers_are_acquitted():
    loss, given = two_layers()
    report = audit(loss, given)
    assert report.ok
    assert report.findings == ()
    assert "correct" in str(report)


def test_a_label_that_is_not_subtracted():
    rng = np.random.default_rng(5)
    w = Value(rng.normal(size=(4, 3)), name="w")
    x, labels = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    logits = x @ w
    p = ops.softmax(logits.data)
    report = audit(softmax_cross_entropy(logits, labels=labels), {"w": x.T @ p / 6})
    assert first(report).name == "label missing"


def test_a_dropout_mask_and_a_relu_that_were_forgotten():
    rng = np.random.default_rng(6)
    network = SoftmaxMLP([4, 6, 3], dropout=0.5, rng=6)
    x, labels = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)
    masks = network.draw_masks(8)
    loss = twin(network)(x, labels, masks)
    w2 = network.values["dense2.weight"]
    z = x @ network.values["dense1.weight"] + network.values["dense1.bias"]
    a = np.maximum(z, 0) * masks[0]
    p = ops.softmax(a @ w2 + network.values["dense2.bias"])
    delta = (p - np.eye(3)[labels]) / 8
    given = {"dense2.weight": a.T @ delta, "dense2.bias": delta.sum(axis=0)}
    for forgotten, slope in (("multiply", z > 0), ("relu", masks[0])):
        hidden = delta @ w2.T * slope
        given |= {"dense1.weight": x.T @ hidden, "dense1.bias": hidden.sum(axis=0)}
        finding = first(audit(loss, given))
        assert (finding.name, forgotten in finding.where) == ("factor left out", True)


# -- graphs of single numbers --


def homemade_gradients(output, assign=False, ordered=True):
    """A homemade engine on our graphs, which may assign instead of add, or go without an order."""
    if ordered:
        order, seen, todo = [], set(), [(output, False)]
        while todo:
            node, done = todo.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                todo.append((node, True))
                todo += [(x, False) for x in reversed(node.inputs) if isinstance(x, Value)]
        order.reverse()
    else:  # breadth first
        order = [output]
        for node in order:
            order += [x for x in node.inputs if isinstance(x, Value) and x not in order]
    slopes = dict.fromkeys(order, 0.0)
    slopes[output] = 1.0
    for node in order:
        numbers = [x.data if isinstance(x, Value) else x for x in node.inputs]
        for i, x in enumerate(node.inputs):
            if isinstance(x, Value):
                part = node.op.derivative(i)(slopes[node], node.data, *numbers)
                slopes[x] = part if assign else slopes[x] + part
    return {node.name: g for node, g in slopes.items() if node.op is None}


def reused_node():
    a, b = Value(0.7, name="a"), Value(-1.3, name="b")
    c = a * b
    return c * c + (c.tanh() + a).sin()


def test_assignment_instead_of_accumulation():
    report = audit(reused_node(), homemade_gradients(reused_node(), assign=True))
    assert first(report).name == "= instead of +="


def test_assignment_at_one_node_only():
    a, b = Value(0.7, name="a"), Value(-1.3, name="b")
    c = a * b
    c.name = "c"
    d, e = c.tanh(), c.sin()
    slope = 1.7 * np.cos(c.data)  # what comes from e; that of d was overwritten
    report = audit(d + 1.7 * e, {"a": slope * b.data, "b": slope * a.data})
    assert first(report).name == "= instead of +="
    assert first(report).where == "the gradient of c"
    assert "sin" in first(report).what
    assert "path dropped" in report.names


def test_no_topological_order():
    x = Value(0.4, name="x")
    a = x.sin()
    b = a * 1.5
    c = b.tanh()
    loss = (a + b) * c + a.exp()
    given = homemade_gradients(loss, ordered=False)
    assert given["x"] != pytest.approx(grad(loss, x))
    assert "no topological order" in audit(loss, given).names


def test_stale_weights_and_a_forgotten_zero_grad():
    net = WorkedExample(biases="trained")
    before, stale = net.parameters(), net.gradients()
    for _ in range(3):
        net.train_step()
    report = audit(twin(net), lambda: stale, before=before)
    assert first(report).name == "stale weights"
    summed = {name: g + stale[name] for name, g in net.gradients().items()}
    assert first(audit(twin(net), lambda: summed, before=before)).name == "forgotten zero_grad"
    assert audit(twin(net), lambda: stale).verdict == "unknown"


def test_weights_that_are_taken_for_one_another():
    """δh₁ = δo₁·w5 + δo₂·w6 is W for Wᵀ, written with single weights."""
    net = WorkedExample(biases="trained")
    right, node = net.backward(), net.forward()
    d1, d2 = right["dE/dnet_o1"], right["dE/dnet_o2"]
    h1 = (d1 * 0.40 + d2 * 0.45) * node["out_h1"] * (1 - node["out_h1"])
    h2 = (d1 * 0.50 + d2 * 0.55) * node["out_h2"] * (1 - node["out_h2"])
    wrong = {
        "w1": h1 * 0.05,
        "w2": h1 * 0.1,
        "w3": h2 * 0.05,
        "w4": h2 * 0.1,
        "b_h1": h1,
        "b_h2": h2,
    }
    finding = first(audit(twin(net)(), net.gradients() | wrong))
    assert finding.name == "weights exchanged"
    assert "w6 and w7" in finding.where


def test_one_path_of_a_fan_out_is_dropped():
    net = WorkedExample()
    slopes = net.backward()
    node = net.forward()
    # ∂E/∂out_h1 without the part that comes from o2
    for weight, given_input in (("w1", 0.05), ("w2", 0.10)):
        h1 = node["out_h1"]
        slopes[f"dE/d{weight}"] = slopes["dE/dnet_o1"] * 0.40 * h1 * (1 - h1) * given_input
    given = {name: slopes[f"dE/d{name}"] for name in net.parameters()}
    report = audit(twin(net)(), given)
    assert "path dropped" in report.names
    assert any("w7" in f.where or "out_h1" in f.where for f in report.findings)


# -- acquittals --


def random_network(rng):
    """Return a random network of a random kind with random data, all of it correct."""
    sizes = [int(n) for n in rng.integers(1, 7, size=int(rng.integers(2, 5)))]
    n = int(rng.integers(1, 9))
    kind = int(rng.integers(0, 6))
    if kind == 0:
        options = {"squash_inputs": bool(rng.integers(2)), "bias_neurons": bool(rng.integers(2))}
        return Network(sizes, rng=rng, **options), (rng.random(sizes[0]), rng.random(sizes[-1]))
    if kind == 1:
        cost = ("quadratic", "cross_entropy")[int(rng.integers(2))]
        data = rng.normal(size=(n, sizes[0])), rng.random((n, sizes[-1]))
        return NielsenNetwork(sizes, cost, rng=rng), data
    if kind == 2:
        network = RashidNetwork(sizes[0], sizes[1], sizes[-1], rule="exact", rng=rng)
        return network, (rng.random(sizes[0]), rng.random(sizes[-1]))
    if kind == 3:
        network = SoftmaxMLP([*sizes, 3], dropout=0.3, rng=rng)
        return network, (
            rng.normal(size=(n, sizes[0])),
            rng.integers(0, 3, n),
            network.draw_masks(n),
        )
    if kind == 4:
        network = WorkedExample(biases="trained")
        network.set_parameters({name: rng.normal() for name in network.parameters()})
        return network, (rng.normal(size=2), rng.random(2))
    network = SigmoidNeuron(sizes[0])
    network.set_parameters({"weights": rng.normal(size=sizes[0]), "bias": rng.normal()})
    return network, (rng.normal(size=(n, sizes[0])), rng.random(n))


def test_two_hundred_random_correct_networks_are_acquitted():
    for seed in range(200):
        network, data = random_network(np.random.default_rng(seed))
        report = audit(twin(network), network.gradients, *data)
        assert report.verdict == "correct", f"seed {seed}: {report}"


def test_random_noise_is_unknown():
    for seed in range(4):
        rng = np.random.default_rng(1000 + seed)
        network, data = random_network(rng)
        slopes = network.gradients(*data)
        noisy = {name: g + 0.1 * rng.normal(size=g.shape) for name, g in slopes.items()}
        scaled = {name: g * rng.uniform(0.3, 3.0) for name, g in slopes.items()}
        for given in (noisy, scaled):
            report = audit(twin(network)(*data), given)
            zero = all(np.all(g == 0) for g in slopes.values())  # a silent network
            assert zero or report.verdict == "unknown", f"seed {seed}: {report}"


def test_two_mistakes_at_once_are_both_named():
    loss, given = two_layers("no output slope")
    given["w1"] = -given["w1"]
    report = audit(loss, given)
    assert report.verdict == "explained"
    assert [one.name for one in report.findings[0].both] == ["factor left out", "sign turned"]
    assert {"factor left out", "sign turned"} <= set(report.names)
    assert str(report).startswith("two mistakes at once:\n  factor left out, at sigmoid")


def test_three_mistakes_at_once_are_unknown_and_each_parameter_is_told_of():
    loss, given = two_layers()
    given["w1"], given["b1"], given["w2"] = -given["w1"], 7.3 * given["b1"], 2 * given["w2"]
    report = audit(loss, given)
    assert report.verdict == "unknown"
    assert "none of" in str(report)
    assert "1e-08" in str(report)
    assert report.known == (
        "right: b2",
        "w1: the sign is turned",
        "b1: 7.3 times too large",
        "w2: 2 times too large",
    )


def test_a_rate_is_not_made_up_for_a_single_factor():
    """With one hidden neuron, some learning rate would explain any factor at all."""
    network = RashidNetwork(3, 1, 1, rule="exact", rng=7)
    slopes = network.gradients([0.1, 0.5, 0.9], [0.3])
    slopes["wih"] = slopes["wih"] * 0.93
    assert audit(twin(network)([0.1, 0.5, 0.9], [0.3]), slopes).verdict == "unknown"


def test_careless_rounding_is_no_mistake_of_the_chain_rule():
    loss, given = two_layers()
    rounded = {name: np.round(g, 4) for name, g in given.items()}
    assert audit(loss, rounded).verdict == "unknown"
    printed = audit(loss, {name: np.round(g, 8) for name, g in given.items()})
    assert (printed.verdict, "if they are rounded" in printed.note) == ("unknown", True)
    assert audit(loss, rounded, tolerance=0.05).ok


def test_float32_is_judged_by_its_own_tolerance():
    rng = np.random.default_rng(8)
    network = SoftmaxMLP([4, 5, 3], rng=8, dtype=np.float32)
    x, labels = rng.random((6, 4)), rng.integers(0, 3, 6)
    slopes = network.gradients(x, labels)
    assert audit(twin(network)(x, labels), slopes).ok
    summed = {name: 6 * g for name, g in slopes.items()}
    assert first(audit(twin(network)(x, labels), summed)).name == "1/N missing"


def test_incomplete():
    loss, given = two_layers()
    del given["b1"]
    report = audit(loss, given)
    assert report.verdict == "incomplete"
    assert not report.ok
    assert "b1" in str(report)


def test_infinite_and_mis_shaped_gradients_are_unknown():
    loss, given = two_layers()
    report = audit(loss, given | {"b1": np.array([1.0, np.nan, 0.0])})
    assert report.verdict == "unknown"
    assert "NaN" in str(report)
    report = audit(loss, given | {"b1": np.ones(7)})
    assert report.verdict == "unknown"
    assert audit(loss, {"nobody": 1.0}).verdict == "incomplete"


def test_in_a_notebook():
    html = audit(*two_layers("no output slope"))._repr_html_()
    assert html.startswith("<p><b>factor left out")
    assert html.count("<p>") == html.count("</p>")


def test_nothing_is_changed():
    loss, given = two_layers("no output slope")
    from tinygrad_edu import ancestors

    before = [np.array(node.data) for node in ancestors(loss)]
    audit(loss, given)
    for node, data in zip(ancestors(loss), before, strict=True):
        assert node.grad is None
        np.testing.assert_array_equal(node.data, data)


def test_large_graphs_are_tried_layer_by_layer(monkeypatch):
    monkeypatch.setattr(places, "MOST_PLACES", 50)
    rng = np.random.default_rng(9)
    x = rng.normal(size=6).tolist()
    w = [[Value(float(rng.normal()), name=f"w{i}_{j}") for j in range(6)] for i in range(8)]
    h = [sum((v * xi for v, xi in zip(row, x, strict=True)), start=0.0).sigmoid() for row in w]
    loss = sum((0.5 * (o - 0.3) ** 2 for o in h), start=Value(0.0))
    given = {}
    for row, o in zip(w, h, strict=True):
        given |= {v.name: (o.data - 0.3) * xi for v, xi in zip(row, x, strict=True)}
    finding = first(audit(loss, given))
    assert (finding.name, "all 8 sigmoid" in finding.where) == ("factor left out", True)
    noisy = {name: g * rng.uniform(0.5, 2) for name, g in given.items()}
    assert "only whole layers" in str(audit(loss, noisy))


def test_nothing_of_the_right_shape_and_a_loss_that_is_not_finite():
    loss, given = two_layers()
    report = audit(loss, {name: np.ones(9) for name in given})
    assert report.verdict == "unknown"
    assert "not all are finite and of the right shape" in str(report)
    w = Value(np.array([1.0, np.inf]), name="w")
    with np.errstate(all="ignore"):
        assert audit((w * 0.0).sum(), {"w": [0.0, 0.0]}).ok
        assert audit((w - w).sum() * w.sum(), {"w": [1.0, 0.0]}).verdict == "unknown"


def test_a_learning_rate_in_the_gradient_is_hinted_at():
    w = Value([0.5, -1.0, 2.0], name="w")
    loss = (w * w * w).sum()
    right = 3 * w.data**2
    assert "is 0.1 times as large as it should be; is a learning rate in it?" in str(
        audit(loss, {"w": 0.1 * right})
    )
    assert "is 7.3 times as large as it should be" in audit(loss, {"w": 7.3 * right}).note
    assert audit(loss, {"w": right + np.eye(3)[1]}).note == ""


def test_what_is_incomplete_says_what_and_why():
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    report = audit(a * b, {"a": 3.0, "c": 1.0})
    assert report.verdict == "incomplete"
    assert "b: nothing was given by hand; c: no parameter has this name" in str(report)
    assert "what was given is correct" in str(report)
    assert "no gradient to judge was given; a, b: nothing" in str(audit(a * b, {}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": -0.5}, "learning rate > 0, got -0.5"),
        ({"before": {"v": 1.0}}, "'v', which is no parameter; there are w"),
        ({"before": {"w": [1.0, 2.0]}}, r"'w' of shape \(2,\), and now it is \(\)"),
    ],
)
def test_wrong_options_are_said(options, message):
    w = Value(0.5, name="w")
    with pytest.raises(ValueError, match=message):
        audit(w * w, {"w": 3.0}, **options)


def test_what_is_found_is_wrapped_to_the_width_of_a_page():
    network = RashidNetwork(3, 4, 2, rng=0)
    report = audit(twin(network), network.update_rule, [0.2, 0.5, 0.9], [0.01, 0.99])
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(line.strip() for line in lines).startswith(str(report.findings[0]))
