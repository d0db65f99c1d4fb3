"""Lernmi: the golden Link, the quirks, the gradient, and the three gates."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import Link, Network, Neuron
from tinygrad_edu.by_hand.links import NeuronLayer

NOT = [([0], [1]), ([1], [0])]
OR = [([a, b], [a | b]) for a in (0, 1) for b in (0, 1)]
XOR = [([a, b], [a ^ b]) for a in (0, 1) for b in (0, 1)]


def test_golden_link():
    link = Link(Neuron(output=0.3), Neuron(output=0.8), weight=0.5)
    link.output_neuron.sensitivity = 0.1
    link.back_propagate()
    assert link.output_sensitivity == pytest.approx(0.016, abs=1e-15)
    assert link.input_neuron.sensitivity == pytest.approx(0.008, abs=1e-15)
    link.learn(rate=0.1)
    assert link.weight - 0.5 == pytest.approx(-0.00048, abs=1e-15)


def test_input_neurons_squash_unless_told_not_to():
    network = Network([2, 1])
    network.run([0, 1])
    squashed = [round(n.output, 3) for n in network.neuron_layers[0].neurons]
    assert squashed == [0.5, 0.731]
    network = Network([2, 1], squash_inputs=False)
    network.run([0, 1])
    assert [n.output for n in network.neuron_layers[0].neurons] == [0, 1]


def test_bias_neurons_say_one_and_the_last_layer_has_none():
    network = Network([2, 3, 1])
    network.train_step([0, 1], [1])
    assert [len(layer.senders) for layer in network.neuron_layers] == [3, 4, 1]
    assert [layer.senders[-1].output for layer in network.neuron_layers[:-1]] == [1.0, 1.0]
    assert len(NeuronLayer(3, bias_neuron=False).senders) == 3
    assert list(Network([2, 1], bias_neurons=False).parameters()) == ["weights[0]"]


def test_weights_start_uniform_within_a_half_and_the_seed_decides():
    weights = Network([50, 40], rng=0).parameters()["weights[0]"]
    assert -0.5 <= weights.min() < -0.49
    assert 0.49 < weights.max() <= 0.5
    again = Network([50, 40], rng=np.random.default_rng(0)).parameters()["weights[0]"]
    np.testing.assert_array_equal(weights, again)


@pytest.mark.parametrize("squash_inputs", [True, False])
@pytest.mark.parametrize("bias_neurons", [True, False])
def test_gradients_against_central_differences(assert_gradients, squash_inputs, bias_neurons):
    rng = np.random.default_rng(4)
    network = Network([3, 4, 2], squash_inputs=squash_inputs, bias_neurons=bias_neurons, rng=rng)
    assert_gradients(network, rng.normal(size=3), rng.normal(size=2))


def test_any_sensitivities_can_be_sent_back(assert_close_to_slopes):
    rng = np.random.default_rng(5)
    network = Network([3, 4, 2], rng=rng)
    x, upstream = rng.normal(size=3), rng.normal(size=2)
    network.run(x)
    network.back_propagate(upstream.tolist())
    sent = {}
    for index, layer in enumerate(network.link_layers):
        slopes = np.array([[link.weight_sensitivity for link in row] for row in layer.links])
        sent |= {f"weights[{index}]": slopes[:-1], f"biases[{index}]": slopes[-1]}
    assert_close_to_slopes(network, sent, lambda: float(upstream @ network.run(x)))


def test_a_step_is_rate_times_gradient():
    network = Network([2, 3, 1], rate=0.1, rng=6)
    before, slopes = network.parameters(), network.gradients([0, 1], [1])
    network.train_step([0, 1], [1])
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name] - 0.1 * slopes[name])


@pytest.mark.parametrize(
    ("samples", "sizes", "squash_inputs", "rate", "epochs"),
    [
        pytest.param(NOT, [1, 1], True, 0.1, 2_000, id="NOT"),
        pytest.param(OR, [2, 1], True, 0.1, 6_000, id="OR"),
        pytest.param(XOR, [2, 3, 1], False, 0.5, 3_000, id="XOR"),
        pytest.param(XOR, [2, 3, 1], True, 3.0, 8_000, id="XOR-squashed"),
    ],
)
def test_learns_the_gates(samples, sizes, squash_inputs, rate, epochs):
    network = Network(sizes, rate=rate, squash_inputs=squash_inputs, rng=0)
    for _ in range(epochs):
        for inputs, expected in samples:
            network.train_step(inputs, expected)
    assert [round(network.run(x)[0]) for x, _ in samples] == [y for _, (y,) in samples]


@pytest.mark.slow
def test_exclusive_or_with_the_sources_own_rate_takes_a_hundred_thousand_rounds():
    network = Network([2, 3, 1], rate=0.1, rng=0)
    for _ in range(110_000):
        for inputs, expected in XOR:
            network.train_step(inputs, expected)
    assert sum(network.error(x, y) for x, y in XOR) < 0.02


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network([2]), r"sizes \[2\]: expected two or more"),
        (lambda: Network([2, 0]), r"sizes \[2, 0\]"),
        (lambda: Network([2, 1], rate=0), "rate is 0"),
        (lambda: Network([2, 1]).run([1]), r"inputs has shape \(1,\), expected \(2,\)"),
        (lambda: Network([2, 1]).gradients([1, 0], [1, 0]), r"expected has shape \(2,\)"),
        (lambda: Network([2, 1]).set_parameters({}), r"weights\[0\] is missing"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_set_parameters_returns_what_was_set():
    rng = np.random.default_rng(7)
    network = Network([3, 2, 2], rng=rng)
    wanted = {name: rng.normal(size=a.shape) for name, a in network.parameters().items()}
    network.set_parameters(wanted)
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, wanted[name])
