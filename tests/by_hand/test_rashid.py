"""Make Your Own Neural Network: what is exact, what is not, and the walk back."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import RashidNetwork, scale_pixels, target_outputs
from tinygrad_edu.by_hand.rashid import logit, rescale


def test_pixels_and_targets_golden():
    assert scale_pixels([0, 255]).tolist() == [0.01, 1.0]
    assert target_outputs(3).tolist() == [0.01] * 3 + [0.99] + [0.01] * 6


def test_weights_start_normal_with_fan_in():
    network = RashidNetwork(784, 200, 10, rng=0)
    assert network.wih.shape == (200, 784)
    assert network.who.shape == (10, 200)
    assert network.wih.std() == pytest.approx(784**-0.5, rel=0.01)
    assert network.who.std() == pytest.approx(200**-0.5, rel=0.05)


@pytest.mark.parametrize("rule", ["book", "exact"])
def test_gradients_are_exact_whatever_the_rule(assert_gradients, rule):
    rng = np.random.default_rng(12)
    network = RashidNetwork(5, 4, 3, rule=rule, rng=rng)
    assert_gradients(network, rng.normal(size=5), rng.normal(size=3))


def test_the_books_rule_is_exact_for_who_and_not_for_wih():
    rng = np.random.default_rng(13)
    network = RashidNetwork(5, 4, 3, rng=rng)
    x, t = rng.random(5), rng.random(3)
    slope, rule = network.gradients(x, t), network.update_rule(x, t)
    np.testing.assert_array_equal(rule["who"], slope["who"])
    assert not np.allclose(rule["wih"], slope["wih"], rtol=0.1)
    # its own formula, written out: −whoᵀ(t − o) ⊙ h(1 − h) · xᵀ
    h = 1 / (1 + np.exp(-network.wih @ x))
    o = 1 / (1 + np.exp(-network.who @ h))
    own = -np.outer(network.who.T @ (t - o) * h * (1 - h), x)
    np.testing.assert_allclose(rule["wih"], own, rtol=1e-12)


def test_the_exact_rule_is_the_gradient():
    rng = np.random.default_rng(14)
    network = RashidNetwork(5, 4, 3, rule="exact", rng=rng)
    x, t = rng.random(5), rng.random(3)
    slope, rule = network.gradients(x, t), network.update_rule(x, t)
    for name, array in slope.items():
        np.testing.assert_array_equal(array, rule[name])


@pytest.mark.parametrize("rule", ["book", "exact"])
def test_a_step_is_the_rate_times_the_rule(rule):
    network = RashidNetwork(5, 4, 3, learning_rate=0.3, rule=rule, rng=0)
    x, t = np.full(5, 0.5), target_outputs(1, outputs=3)
    before, step = network.parameters(), network.update_rule(x, t)
    network.train_step(x, t)
    for name, array in network.parameters().items():
        np.testing.assert_allclose(array, before[name] - 0.3 * step[name], rtol=1e-12)


def test_many_samples_are_queried_as_one_by_one():
    rng = np.random.default_rng(15)
    network, x = RashidNetwork(5, 4, 3, rng=rng), rng.random((6, 5))
    np.testing.assert_allclose(network.query(x), [network.query(row) for row in x], rtol=1e-14)


@pytest.mark.parametrize("rule", ["book", "exact"])
def test_learns_small_digits(digits, rule):
    x_train, y_train, x_test, y_test = digits
    network = RashidNetwork(64, 40, 10, learning_rate=0.3, rule=rule, rng=0)
    for _ in range(5):
        for x, label in zip(scale_pixels(x_train * 255), y_train, strict=True):
            network.train_step(x, target_outputs(label))
    guess = network.query(scale_pixels(x_test * 255)).argmax(axis=1)
    assert np.mean(guess == y_test) > 0.88


def test_back_query_is_the_walk_it_describes():
    network = RashidNetwork(6, 4, 3, rng=16)
    o = target_outputs(2, outputs=3)
    h = network.who.T @ np.log(o / (1 - o))
    h = (h - h.min()) / (h - h.min()).max() * 0.98 + 0.01
    x = network.wih.T @ np.log(h / (1 - h))
    x = (x - x.min()) / (x - x.min()).max() * 0.98 + 0.01
    picture = network.backquery(o)
    np.testing.assert_allclose(picture, x, rtol=1e-13)
    assert [picture.min(), picture.max()] == pytest.approx([0.01, 0.99], abs=1e-15)


def test_logit_undoes_the_sigmoid_and_rescale_reaches_both_ends():
    z = np.linspace(-6, 6, 13)
    np.testing.assert_allclose(logit(1 / (1 + np.exp(-z))), z, atol=1e-12)
    assert rescale(np.array([5.0, -5.0, 0.0])) == pytest.approx([0.99, 0.01, 0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RashidNetwork(rule="own"), "rule is 'own', expected one of 'book', 'exact'"),
        (lambda: RashidNetwork(hidden=0), r"sizes \[784, 0, 10\]"),
        (lambda: RashidNetwork(5, 4, 3).query(np.zeros(6)), r"shape \(6,\), expected \(5,\)"),
        (lambda: RashidNetwork(5, 4, 3).backquery([0, 1, 0]), "targets must lie between 0 and 1"),
        (lambda: rescale(np.ones(3)), "all signals are alike"),
        (lambda: target_outputs(10), "labels run from 10 to 10, expected 0 to 9"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()
