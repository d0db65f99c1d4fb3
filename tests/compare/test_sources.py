"""Every source's numbers once more, this time from autograd; and the two sides laid beside each other."""

import numpy as np
import pytest

from tinygrad_edu import SGD, Dense, Sequential, Sigmoid, Value, grad, half_squared_error, ops
from tinygrad_edu.by_hand import (
    Network,
    NielsenNetwork,
    RashidNetwork,
    SigmoidNeuron,
    SoftmaxMLP,
    ThresholdNeuron,
    WorkedExample,
    target_outputs,
    total_error,
)
from tinygrad_edu.compare import compare, compare_training, twin
from tinygrad_edu.compare.evidence import value_named


def rounded(value, digits=9):
    return round(float(value), digits)


def mazur_values():
    """The worked example as Values that are trained, biases too."""
    return {name: Value(x, name) for name, x in WorkedExample().values.items()}


def mazur_error(w):
    """The worked example in five lines."""
    h1 = (w["w1"] * 0.05 + w["w2"] * 0.10 + w["b_h1"]).sigmoid()
    h2 = (w["w3"] * 0.05 + w["w4"] * 0.10 + w["b_h2"]).sigmoid()
    o1 = (w["w5"] * h1 + w["w6"] * h2 + w["b_o1"]).sigmoid()
    o2 = (w["w7"] * h1 + w["w8"] * h2 + w["b_o2"]).sigmoid()
    return 0.5 * (0.01 - o1) ** 2 + 0.5 * (0.99 - o2) ** 2, (o1, o2)


# -- L: Lernmi --


def test_lernmis_link_with_values():
    """Weight .5, input .3, output .8, sensitivity .1 → .016, sent back .008, change −.00048."""
    weight, source = Value(0.5), Value(0.3)
    total = source * weight
    shift = np.log(0.8 / 0.2) - total.data  # what other links bring, so that the output is .8
    output = (total + shift).sigmoid()
    assert rounded(output.data) == 0.8
    (output * 0.1).backward()
    assert rounded(total.grad) == 0.016
    assert rounded(source.grad) == 0.008
    assert rounded(-0.1 * weight.grad) == -0.00048


def test_lernmis_input_neurons_are_squashed():
    assert [rounded(Value(x).sigmoid().data, 3) for x in (0.0, 1.0)] == [0.5, 0.731]


@pytest.mark.parametrize("squash_inputs", [True, False])
@pytest.mark.parametrize("bias_neurons", [True, False])
def test_lernmi_computes_the_gradient(squash_inputs, bias_neurons):
    network = Network([2, 3, 1], squash_inputs=squash_inputs, bias_neurons=bias_neurons, rng=3)
    report = compare(twin(network), network.gradients, [0, 1], [1])
    report.check()
    assert max(row.relative for row in report.rows) < 1e-14


def test_lernmi_and_values_learn_exclusive_or_side_by_side():
    network = Network([2, 3, 1], rate=0.5, squash_inputs=False, rng=0)
    samples = [([a, b], [a ^ b]) for a in (0, 1) for b in (0, 1)]
    weights = {name: Value(array, name) for name, array in network.parameters().items()}
    for _ in range(600):
        for x, y in samples:
            network.train_step(x, y)
            h = ops.sigmoid(np.array(x, float) @ weights["weights[0]"] + weights["biases[0]"])
            o = ops.sigmoid(h @ weights["weights[1]"] + weights["biases[1]"])
            slopes = grad(half_squared_error(o, y), list(weights.values()))
            for weight, slope in zip(weights.values(), slopes, strict=True):
                weight.data -= 0.5 * slope
    for name, array in network.parameters().items():
        np.testing.assert_allclose(weights[name].data, array, rtol=1e-9)


# -- S: the slides, Mazur's net, the JavaScript net --


def test_slides_error():
    error = half_squared_error(Value([0.0, 0.3, 0.9, 0.1]), [0, 0, 1, 0])
    assert (
        rounded(error.data, 12) == 0.055 == rounded(total_error([0, 0, 1, 0], [0, 0.3, 0.9, 0.1]))
    )


def test_mazur_forward():
    error = twin(WorkedExample())()

    def data(name):
        return rounded(value_named(error, name).data)

    assert data("net_h1") == 0.3775
    assert [data("out_h1"), data("out_h2")] == [0.593269992, 0.596884378]
    assert data("net_o1") == 1.105905967
    assert [data("out_o1"), data("out_o2")] == [0.751365070, 0.772928465]
    assert [rounded(half.data) for half in error.inputs] == [0.274811083, 0.023560026]
    assert data("E") == 0.298371109


def test_mazur_backward():
    error = twin(WorkedExample(biases="trained"))()
    error.backward()

    def slope(name):
        return rounded(value_named(error, name).grad)

    assert slope("out_o1") == 0.741365070
    assert (
        rounded(value_named(error, "net_o1").grad / value_named(error, "out_o1").grad)
        == 0.186815602
    )
    assert [slope("net_o1"), slope("net_o2")] == [0.138498562, -0.038098237]
    assert slope("w5") == 0.082167041
    assert slope("out_h1") == 0.036350306
    assert slope("w1") == 0.000438568


def test_mazur_after_one_joint_update():
    w = mazur_values()
    weights = [w[f"w{i}"] for i in range(1, 9)]
    error, _ = mazur_error(w)
    error.backward()
    for weight in weights:
        weight.data -= 0.5 * weight.grad
    assert [rounded(weight.data) for weight in weights] == [
        0.149780716, 0.199561432, 0.249751144, 0.299502287,
        0.358916480, 0.408666186, 0.511301270, 0.561370121,
    ]  # fmt: skip
    assert rounded(mazur_error(w)[0].data) == 0.291027774


def test_mazur_after_ten_thousand_joint_updates():
    w = mazur_values()
    weights = [w[f"w{i}"] for i in range(1, 9)]
    for step in range(10_000):
        error, _ = mazur_error(w)
        if step == 9_999:
            assert rounded(error.data, 10) == 0.0000351085  # printed as the value after 10,000
        for weight, slope in zip(weights, grad(error, weights), strict=True):
            weight.data -= 0.5 * slope
    error, outputs = mazur_error(w)
    assert f"{error.data:.6e}" == "3.510188e-05"
    assert [rounded(o.data) for o in outputs] == [0.015913620, 0.984064274]


@pytest.mark.parametrize(
    ("sign", "expected"),
    [(1.0, "2.4476e-06"), pytest.param(-1.0, "9.797e-01", marks=pytest.mark.slow)],
)
def test_mazur_with_biases(sign, expected):
    """The JavaScript net's biases, had it applied them: with the right sign, and as written.

    As tensors: each hidden and output neuron has a bias of its own.
    """
    x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    model = Sequential(Dense(2, 2, dtype=float), Sigmoid(), Dense(2, 2, dtype=float), Sigmoid())
    model.load_state_dict(
        {
            "dense1.weight": np.array([[0.15, 0.25], [0.20, 0.30]]),
            "dense1.bias": np.full(2, 0.35),
            "dense2.weight": np.array([[0.40, 0.50], [0.45, 0.55]]),
            "dense2.bias": np.full(2, 0.60),
        }
    )
    parameters = model.parameters()
    b1, b2 = parameters[1], parameters[3]
    error = half_squared_error(model(x), t)
    assert rounded(error.data) == 0.298371109
    for _ in range(10_000):
        slopes = grad(half_squared_error(model(x), t), parameters)
        for value, slope in zip(parameters, slopes, strict=True):
            value.data -= (sign if value in (b1, b2) else 1.0) * 0.5 * slope
    digits = len(expected.split("e")[0]) - 2
    assert f"{half_squared_error(model(x), t).data:.{digits}e}" == expected


def test_mazurs_rules_differ_where_they_should():
    wrong = {
        ("joint", "trained"): [],
        ("in_place", "frozen"): ["w1", "w2", "w3", "w4"],
        ("joint", "wrong_sign"): ["b_h1", "b_h2", "b_o1", "b_o2"],
    }
    for (order, biases), names in wrong.items():
        net = WorkedExample(order=order, biases=biases)
        assert compare(twin(net), net.gradients).ok
        assert compare(twin(net), net.update_rule).differing == names


# -- F: football, and Nielsen's net --


def test_football_decisions_with_values():
    days = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)
    fires = (days @ Value([1.0, 3.0])) > 2.0  # strictly
    assert fires.astype(int).tolist() == [0, 0, 1, 1] == ThresholdNeuron().fires(days).tolist()
    as_bias = (days @ Value([1.0, 3.0]) + Value(-2.0)) > 0.0
    assert as_bias.tolist() == fires.tolist()


def test_the_sigmoid_neuron_computes_the_gradient_all_along():
    rng = np.random.default_rng(0)
    neuron = SigmoidNeuron(2, rate=5.0)
    days = rng.integers(0, 2, size=(50, 2)).astype(float)
    played = ThresholdNeuron().fires(days).astype(float)
    along = compare_training(
        twin(neuron), neuron.gradients, [(days, played)] * 40, neuron.train_step
    )
    assert along.ok
    assert along.losses[-1] < along.losses[0] / 2


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
def test_nielsen_computes_the_gradient_all_along(cost):
    rng = np.random.default_rng(1)
    network = NielsenNetwork([6, 5, 3], cost, rng=1)
    batches = [(rng.random((10, 6)), np.eye(3)[rng.integers(0, 3, 10)]) for _ in range(30)]
    along = compare_training(twin(network), network.gradients, batches, network.train_step)
    assert along.ok
    assert max(max(along.along(name)) for name in along.names) < 1e-10


def test_nielsens_net_of_full_size():
    rng = np.random.default_rng(2)
    network = NielsenNetwork([784, 30, 10], rng=2)
    x, y = rng.random((10, 784)), np.eye(10)[rng.integers(0, 10, 10)]
    compare(twin(network), network.gradients, x, y).check()


# -- K: the softmax network --


def test_softmax_mlp_with_a_given_mask_and_in_training():
    rng = np.random.default_rng(3)
    network = SoftmaxMLP([6, 9, 8, 4], dropout=0.3, rng=3)
    batches = []
    for _ in range(20):
        x, labels = rng.normal(size=(12, 6)), rng.integers(0, 4, 12)
        batches.append((x, labels, network.draw_masks(12)))
    along = compare_training(twin(network), network.gradients, batches, network.train_step)
    assert along.ok


def test_softmax_mlp_in_float32_is_judged_by_its_own_tolerance():
    network = SoftmaxMLP([6, 9, 4], rng=4, dtype=np.float32)
    rng = np.random.default_rng(4)
    report = compare(twin(network), network.gradients, rng.random((8, 6)), rng.integers(0, 4, 8))
    assert report.ok
    assert report.tolerance == 1e-4


# -- R: Make Your Own Neural Network --


def test_rashids_wih_and_only_that_differs():
    rng = np.random.default_rng(5)
    network = RashidNetwork(784, 100, 10, rng=5)
    x, t = rng.random(784) * 0.99 + 0.01, target_outputs(7)
    report = compare(twin(network), network.update_rule, x, t)
    assert report.differing == ["wih"]
    assert report["who"].relative < 1e-10
    assert report["wih"].relative > 0.1
    exact = RashidNetwork(784, 100, 10, rule="exact", rng=5)
    compare(twin(exact), exact.update_rule, x, t).check()
    compare(twin(network), network.gradients, x, t).check()


def test_rashids_direction_during_training():
    """Its step points roughly down the slope, which is why it learns all the same."""
    rng = np.random.default_rng(6)
    network = RashidNetwork(20, 30, 10, learning_rate=0.1, rng=6)
    prints = rng.random((10, 20))
    labels = rng.integers(0, 10, 400)
    samples = [(prints[k] * 0.99 + 0.01, target_outputs(k)) for k in labels]
    along = compare_training(twin(network), network.update_rule, samples, network.train_step)
    assert along.differing == ["wih"]
    assert 0.6 < np.mean(along.along("wih", "cosine")) < 0.99
    assert max(along.along("who")) < 1e-10
    assert along.losses[-1] < along.losses[0]


@pytest.mark.parametrize("optimizer_rate", [0.5])
def test_an_optimizer_of_ours_takes_the_same_step(optimizer_rate):
    net = WorkedExample(biases="trained", rate=optimizer_rate)
    w = mazur_values()
    error, _ = mazur_error(w)
    error.backward()
    SGD(list(w.values()), lr=optimizer_rate).step()
    net.train_step()
    for name, array in net.parameters().items():
        assert w[name].data == pytest.approx(float(array), abs=1e-15)
