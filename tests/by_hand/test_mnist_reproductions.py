"""The sources' MNIST figures, reached by hand. Slow: `pytest -m slow` with TINYGRAD_EDU_DATA set."""

import os

import numpy as np
import pytest

from tinygrad_edu.by_hand import Network, NielsenNetwork, RashidNetwork, SoftmaxMLP, target_outputs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("TINYGRAD_EDU_DATA"), reason="TINYGRAD_EDU_DATA names no MNIST folder"
    ),
]
TARGETS = [target_outputs(label) for label in range(10)]


@pytest.fixture(scope="module")
def mnist():
    from tinygrad_edu.datasets.mnist import load_mnist

    return load_mnist()


def scaled(pixels):
    """The book's inputs, from pixels that are 0 … 1 already."""
    return np.asarray(pixels, dtype=np.float64) * 0.99 + 0.01


def rashid_accuracy(network, mnist):
    return np.mean(network.query(scaled(mnist.x_test)).argmax(axis=1) == mnist.y_test)


def train_rashid(mnist, hidden, epochs, rate):
    """Train in file order, as the book does; also the cosine of its wih step, now and then."""
    network = RashidNetwork(784, hidden, 10, learning_rate=rate, rng=0)
    cosines = []
    for _ in range(epochs):
        for index, label in enumerate(mnist.y_train):
            x, targets = scaled(mnist.x_train[index]), TARGETS[label]
            if index % 1000 == 0:
                gradient = network.gradients(x, targets)["wih"].ravel()
                rule = network.update_rule(x, targets)["wih"].ravel()
                norms = np.linalg.norm(gradient) * np.linalg.norm(rule)
                cosines.append(gradient @ rule / norms)
            network.train_step(x, targets)
    return network, cosines


@pytest.fixture(scope="module")
def rashid(mnist):
    return train_rashid(mnist, hidden=200, epochs=5, rate=0.1)


def test_rashid_200_hidden_5_epochs(mnist, rashid):
    network, cosines = rashid
    assert rashid_accuracy(network, mnist) == pytest.approx(0.974, abs=0.003)
    assert np.mean(cosines) == pytest.approx(0.85, abs=0.03)


@pytest.mark.parametrize(
    ("hidden", "epochs", "rate", "accuracy", "within"),
    [
        (100, 1, 0.3, 0.9395, 0.01),
        (100, 1, 0.2, 0.9541, 0.005),
        (5, 5, 0.1, 0.793, 0.04),
    ],
)
def test_rashid_smaller_runs(mnist, hidden, epochs, rate, accuracy, within):
    network, _ = train_rashid(mnist, hidden, epochs, rate)
    assert rashid_accuracy(network, mnist) == pytest.approx(accuracy, abs=within)


def test_rashid_back_query_rarely_returns_its_own_label(rashid):
    network, _ = rashid
    answers = [network.query(network.backquery(targets)).argmax() for targets in TARGETS]
    assert sum(answer == label for label, answer in enumerate(answers)) <= 3


@pytest.mark.parametrize(
    ("killed", "accuracy", "within"),
    [(10, 0.972, 0.01), (50, 0.944, 0.02), (100, 0.842, 0.08), (150, 0.530, 0.12)],
)
def test_rashid_survives_the_loss_of_hidden_nodes(mnist, rashid, killed, accuracy, within):
    network, _ = rashid
    accuracies = []
    for seed in range(5):
        parameters = network.parameters()
        dead = np.random.default_rng(seed).choice(200, killed, replace=False)
        parameters["who"][:, dead] = 0.0
        damaged = RashidNetwork(784, 200, 10)
        damaged.set_parameters(parameters)
        accuracies.append(rashid_accuracy(damaged, mnist))
    assert np.mean(accuracies) == pytest.approx(accuracy, abs=within)


def test_nielsen_reaches_95_percent(mnist):
    network = NielsenNetwork([784, 30, 10], eta=3.0, rng=0)
    network.train(mnist.x_train[:50_000], mnist.y_train[:50_000], epochs=30, mini_batch_size=10)
    assert network.evaluate(mnist.x_test, mnist.y_test) == pytest.approx(0.95, abs=0.005)


def test_keras_two_epochs_in_float32(mnist):
    network = SoftmaxMLP(rng=0, dtype=np.float32)  # 784, 512, 512, 10 with dropout .2
    network.train(mnist.x_train, mnist.y_train, epochs=2)
    assert network.evaluate(mnist.x_test, mnist.y_test) > 0.965


def test_lernmi_begins_to_see(mnist):
    network = Network([784, 15, 10], rng=0)  # the source claims no accuracy
    for image, label in zip(mnist.x_train[:10_000], mnist.y_train[:10_000], strict=True):
        network.train_step(image, np.eye(10)[label])
    guess = [np.argmax(network.run(image)) for image in mnist.x_test[:1000]]
    assert np.mean(guess == mnist.y_test[:1000]) > 0.25  # a guess at random is right in .1
