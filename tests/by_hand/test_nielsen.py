"""Nielsen's network: both costs, the mean over the mini-batch, and digits."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import NielsenNetwork
from tinygrad_edu.by_hand.nielsen import vectorized_result


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("sizes", [[3, 2], [3, 5, 2], [3, 4, 4, 2]])
def test_gradients_against_central_differences(assert_gradients, cost, sizes):
    rng = np.random.default_rng(8)
    network = NielsenNetwork(sizes, cost=cost, rng=rng)
    assert_gradients(network, rng.normal(size=(6, 3)), rng.normal(size=(6, 2)))


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
def test_a_mini_batch_is_the_mean_of_its_samples(cost):
    rng = np.random.default_rng(9)
    network = NielsenNetwork([3, 4, 2], cost=cost, rng=rng)
    x, y = rng.normal(size=(5, 3)), rng.random((5, 2))
    together = network.gradients(x, y)
    one_by_one = [network.gradients(x[i : i + 1], y[i : i + 1]) for i in range(5)]
    for name, slope in together.items():
        np.testing.assert_allclose(slope, np.mean([one[name] for one in one_by_one], axis=0))


def test_cross_entropy_is_its_formula_and_stays_finite_when_certain():
    network = NielsenNetwork([1, 1], cost="cross_entropy", rng=0)
    network.set_parameters({"weights[0]": [[1.0]], "biases[0]": [0.0]})
    a = 1 / (1 + np.exp(-2.0))
    by_formula = -(0.3 * np.log(a) + 0.7 * np.log(1 - a))
    assert network.error([[2.0]], [[0.3]]) == pytest.approx(by_formula, rel=1e-14)
    assert network.error([[1000.0]], [[0.0]]) == 1000.0


def test_only_cross_entropy_learns_fast_when_confidently_wrong():
    slopes = {}
    for cost in ("quadratic", "cross_entropy"):
        network = NielsenNetwork([1, 1], cost=cost)
        network.set_parameters({"weights[0]": [[1.0]], "biases[0]": [8.0]})
        slopes[cost] = float(network.gradients([[1.0]], [[0.0]])["biases[0]"][0])
    assert slopes["quadratic"] < 0.001
    assert slopes["cross_entropy"] > 0.999


def test_a_step_is_eta_times_the_gradient():
    rng = np.random.default_rng(10)
    network = NielsenNetwork([3, 4, 2], eta=3.0, rng=rng)
    x, y = rng.normal(size=(5, 3)), rng.random((5, 2))
    before, slopes = network.parameters(), network.gradients(x, y)
    network.train_step(x, y)
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name] - 3.0 * slopes[name])


@pytest.mark.parametrize(("cost", "eta"), [("quadratic", 3.0), ("cross_entropy", 0.5)])
def test_learns_small_digits(digits, cost, eta):
    x_train, y_train, x_test, y_test = digits
    network = NielsenNetwork([64, 30, 10], cost=cost, eta=eta, rng=0)
    network.train(x_train, y_train, epochs=15)
    assert network.evaluate(x_test, y_test) > 0.85


def test_the_seed_decides():
    x, y = np.random.default_rng(11).random((20, 3)), np.arange(20) % 2
    runs = []
    for _ in range(2):
        network = NielsenNetwork([3, 4, 2], rng=1)
        network.train(x, y, epochs=2, mini_batch_size=7)
        runs.append(network.parameters()["weights[0]"])
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: n.feedforward(np.zeros(3)), r"shape \(3,\), expected \(N, 3\).*x\[None\]"),
        (lambda n: n.gradients(np.zeros((4, 3)), np.zeros((5, 2))), r"targets has shape \(5, 2\)"),
        (lambda n: n.train(np.zeros((4, 3)), [0, 1]), r"labels have shape \(2,\), expected \(4,\)"),
        (lambda n: n.train(np.zeros((2, 3)), [1, 2]), "labels run from 1 to 2, expected 0 to 1"),
        (lambda n: n.train(np.zeros((1, 3)), [0.0]), "labels have dtype float64"),
        (lambda n: n.train(np.zeros((1, 3)), [0], mini_batch_size=0), "mini_batch_size is 0"),
        (lambda n: vectorized_result(["1"]), "expected integers"),
        (lambda n: NielsenNetwork([3, 2], cost="mse"), "cost is 'mse', expected one of"),
        (lambda n: NielsenNetwork([3, 2], eta=0.0), "eta is 0.0"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make(NielsenNetwork([3, 4, 2]))
