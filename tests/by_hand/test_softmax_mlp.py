"""The Keras net by hand: ReLU, a given dropout mask, softmax cross-entropy, RMSprop."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import SoftmaxMLP
from tinygrad_edu.by_hand.softmax_mlp import softmax


@pytest.fixture
def network():
    rng = np.random.default_rng(17)
    network = SoftmaxMLP([3, 6, 5, 4], dropout=0.4, rng=rng)
    # biases away from 0, so that no ReLU sits at its kink
    network.set_parameters(
        {name: rng.normal(size=array.shape) for name, array in network.parameters().items()}
    )
    return network


X = np.random.default_rng(18).normal(size=(7, 3))
LABELS = np.array([0, 1, 2, 3, 0, 3, 3])


def test_gradients_against_central_differences(network, assert_gradients):
    assert_gradients(network, X, LABELS)


def test_gradients_with_a_given_mask(network, assert_gradients):
    masks = network.draw_masks(len(X))
    assert any((mask == 0).any() for mask in masks)
    assert_gradients(network, X, LABELS, masks)


def test_any_upstream_can_be_sent_back(network, assert_close_to_slopes):
    masks = network.draw_masks(len(X))
    upstream = np.random.default_rng(19).normal(size=(7, 4))
    slopes = network.backward(X, upstream, masks)
    assert_close_to_slopes(
        network, slopes, lambda: float(np.sum(upstream * network.forward(X, masks)))
    )


def test_a_relu_at_exactly_zero_passes_nothing():
    network = SoftmaxMLP([1, 1, 2])
    network.set_parameters(
        {
            "dense1.weight": [[1.0]],
            "dense1.bias": [0.0],
            "dense2.weight": [[1.0, -1.0]],
            "dense2.bias": [0.0, 0.0],
        }
    )
    assert network.gradients([[0.0]], [0])["dense1.bias"].tolist() == [0.0]


def test_cross_entropy_of_certain_logits():
    network = SoftmaxMLP([2, 2])
    network.set_parameters({"dense1.weight": np.eye(2), "dense1.bias": [0.0, 0.0]})
    assert network.error([[1000.0, 0.0]], [1]) == 1000.0
    assert network.gradients([[1000.0, 0.0]], [1])["dense1.bias"].tolist() == [1.0, -1.0]
    assert softmax(np.full(3, -1e4)).tolist() == pytest.approx([1 / 3] * 3, abs=1e-15)


def test_masks_keep_the_mean_and_drop_a_fifth():
    (mask,) = SoftmaxMLP([4, 500, 2], dropout=0.2, rng=0).draw_masks(400)
    assert set(np.unique(mask)) == {0.0, 1.25}
    assert np.mean(mask == 0) == pytest.approx(0.2, abs=0.005)
    assert mask.mean() == pytest.approx(1.0, abs=0.005)


def test_a_step_of_rmsprop(network):
    before, slopes = network.parameters(), network.gradients(X, LABELS)
    masks = [np.ones((7, 6)), np.ones((7, 5))]
    network.train_step(X, LABELS, masks)
    for name, g in slopes.items():
        step = 0.001 * g / (np.sqrt(0.1 * g**2) + 1e-7)
        np.testing.assert_allclose(network.parameters()[name], before[name] - step, rtol=1e-12)


def test_float32_stays_float32():
    network = SoftmaxMLP([3, 6, 4], dtype=np.float32)
    network.train_step(X, LABELS)
    arrays = [*network.parameters().values(), *network.gradients(X, LABELS).values()]
    arrays += [*network.mean_square.values(), *network.draw_masks(7), network.forward(X)]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learns_small_digits(digits, dtype):
    x_train, y_train, x_test, y_test = digits
    network = SoftmaxMLP([64, 64, 64, 10], rng=0, dtype=dtype)
    network.train(x_train, y_train, epochs=20, batch_size=32)
    assert network.evaluate(x_test, y_test) > 0.9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SoftmaxMLP(dropout=1.0), "dropout is 1.0, expected a fraction"),
        (lambda: SoftmaxMLP(dtype=int), "dtype is int64, expected a float"),
        (lambda: SoftmaxMLP([3, 4]).error(X, LABELS[:3]), r"labels have shape \(3,\)"),
        (lambda: SoftmaxMLP([3, 3]).error(X, LABELS), "labels run from 0 to 3, expected 0 to 2"),
        (lambda: SoftmaxMLP([3, 5, 4]).forward(X, []), "0 masks given, expected 1"),
        (lambda: SoftmaxMLP([3, 5, 4]).forward(X, [np.ones(5)]), r"mask has shape \(5,\)"),
        (lambda: SoftmaxMLP([3, 4]).train(X, LABELS, batch_size=-1), "batch_size is -1"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()
