"""Football in the park: the decision, and the neuron that learns it from a diary."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import SigmoidNeuron, ThresholdNeuron
from tinygrad_edu.by_hand.neuron import sigmoid

DAYS = [[0, 0], [1, 0], [0, 1], [1, 1]]  # (sunny, friends)
PLAYED = [0, 0, 1, 1]


def test_football_golden_decisions():
    assert ThresholdNeuron().fires(DAYS).tolist() == PLAYED
    assert ThresholdNeuron().bias == -2.0


def test_threshold_is_strictly_greater():
    assert ThresholdNeuron(weights=[2.0], threshold=2.0).fires([[1], [1.0001]]).tolist() == [0, 1]


def test_sigmoid_at_the_ends_with_every_warning_an_error():
    with np.errstate(all="raise"):
        assert sigmoid([-1000.0, 1000.0]).tolist() == [0.0, 1.0]


def test_gradients_against_central_differences(assert_gradients):
    rng = np.random.default_rng(2)
    neuron = SigmoidNeuron(3)
    neuron.set_parameters({"weights": rng.normal(size=3), "bias": rng.normal()})
    assert_gradients(neuron, rng.normal(size=(5, 3)), rng.normal(size=5))


def test_learns_from_a_diary_that_friends_decide():
    rng = np.random.default_rng(3)
    days = rng.integers(0, 2, size=(365, 2)).astype(float)
    neuron = SigmoidNeuron(2, rate=5.0)
    for _ in range(500):
        neuron.train_step(days, ThresholdNeuron().fires(days))
    assert (neuron.output(DAYS) > 0.5).astype(int).tolist() == PLAYED
    assert neuron.weights[1] > 5 * abs(neuron.weights[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SigmoidNeuron(2).output([0, 1]), r"inputs has shape \(2,\).*x\[None\]"),
        (lambda: SigmoidNeuron(2).error(DAYS, [[0], [0], [1], [1]]), r"targets has shape \(4, 1\)"),
        (lambda: SigmoidNeuron(2).output([[0, np.nan]]), "inputs holds 1 NaN or infinite"),
        (lambda: SigmoidNeuron(2).output([[0, 1], [1]]), "inputs must be numbers of shape"),
        (lambda: SigmoidNeuron(2).output(np.empty((0, 2))), "inputs is empty"),
        (lambda: SigmoidNeuron(2, rate=-1), "rate is -1"),
        (
            lambda: SigmoidNeuron(2).set_parameters({"weights": [1.0], "b": 0.0}),
            r"bias is missing; b is unknown; weights has shape \(1,\), expected \(2,\)",
        ),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()
