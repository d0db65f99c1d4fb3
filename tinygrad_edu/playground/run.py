"""A lesson: points, a network and an optimizer that follow from settings, and the loop that learns.

This is all that the page shows, without the page. In a program of one's own:

>>> from tinygrad_edu.playground import Lesson, read_link
>>> run = Lesson(read_link("#dataset=xor&networkShape=4,2&seed=0.5").settings)
>>> before = run.losses()
>>> for _ in range(20):
...     run.learn_epoch()
>>> run.epoch, run.losses()[0] < before[0]
(20, True)

The loss of two classes is the TensorFlow Playground's: the mean of ½(output − target)² with targets −1 and 1
and a tanh at the end. Three classes learn by softmax and cross-entropy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.nn import (
    SGD,
    Adam,
    Dense,
    Dropout,
    Layer,
    Optimizer,
    ReLU,
    Sigmoid,
    Tanh,
    half_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.number import Array, Owned, plain_array
from tinygrad_edu.playground.settings import Settings
from tinygrad_edu.playground.shapes import Numbers, inputs_of, make_points
from tinygrad_edu.training import Sequential, confusion_matrix
from tinygrad_edu.value import Value

_ACTIVATION = {"tanh": Tanh, "relu": ReLU, "sigmoid": Sigmoid}


def build_network(settings: Settings, rng: np.random.Generator) -> Sequential:
    """Return the network that settings ask for, its weights drawn from `rng`; float64.

    >>> build_network(Settings(network_shape=(3,)), np.random.default_rng(0))
    Sequential(Dense(2, 3), Tanh(), Dense(3, 1), Tanh())
    """
    layers: list[Layer] = []
    n_in = inputs_of(np.zeros((1, 2)), settings).shape[1]
    init = "zeros" if settings.init_zero else "glorot_uniform"
    for neurons, activation, dropout in settings.layer_settings():
        layers.append(Dense(n_in, neurons, init=init, dtype=np.float64))
        if activation in _ACTIVATION:
            layers.append(_ACTIVATION[activation]())
        if dropout:
            layers.append(Dropout(dropout))
        n_in = neurons
    layers.append(Dense(n_in, 3 if settings.classes == 3 else 1, init=init, dtype=np.float64))
    if settings.classes == 2:
        layers.append(Tanh())
    return Sequential(*layers, rng=rng)


def build_optimizer(name: str, network: Layer, rate: float) -> Optimizer:
    """Return an optimizer by its name in a link.

    >>> build_optimizer("momentum", Dense(1, 1), 0.1)
    SGD(lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)
    """
    parameters = network.parameters()
    if name == "adam":
        return Adam(parameters, lr=rate)
    return SGD(parameters, lr=rate, momentum=0.9 if name == "momentum" else 0.0)


class Lesson:
    """A network that learns points, as settings say; the same settings give the same lesson, bit for bit.

    Attributes: `settings`; `network`, a Sequential; `optimizer`; `epoch`, how many are whole; `x_train`
    (n, inputs), `y_train` (n, 1) or classes (n,), and the same of the test; `points_train` and
    `points_test` (n, 2), with `answers_train` and `answers_test`; `begun`, at which point the next batch
    begins; `trouble`, why learning has stopped, or "".
    """

    def __init__(self, settings: Settings) -> None:
        for_points, for_weights = settings.streams(2)
        points, answers = make_points(settings, for_points)
        cut = round(len(points) * settings.perc_train_data / 100)
        self.points_train, self.points_test = points[:cut], points[cut:]
        self.answers_train, self.answers_test = answers[:cut], answers[cut:]
        self.x_train, self.x_test = (inputs_of(p, settings) for p in (points[:cut], points[cut:]))
        self.y_train, self.y_test = (
            targets(a, settings) for a in (self.answers_train, self.answers_test)
        )
        self.settings = settings
        self.network = build_network(settings, for_weights)
        self.optimizer = build_optimizer(settings.optimizer, self.network, settings.learning_rate)
        self.epoch = self.begun = 0
        self.trouble = ""

    # -- learning --------------------------------------------------------------------------------

    def learn_batch(self) -> None:
        """Take one step, on the next batch; with the last batch of the points, an epoch is whole."""
        x, y = self.next_batch()
        if not len(x):
            return
        self.network.train()
        with np.errstate(all="ignore"):  # what overflows is told as trouble
            output = self.network(x)
            self.optimizer.zero_grad()
            if self.settings.classes == 3:
                softmax_cross_entropy(output, labels=y).backward()
            else:  # ∂/∂output of the mean of ½(output − target)²: backward may begin there
                output.backward((output.data - y) * (1 / len(y)))
            self.optimizer.step()
            self._shrink_weights()
        self.begun += len(x)
        if self.begun >= len(self.x_train):
            self.begun, self.epoch = 0, self.epoch + 1

    def learn_epoch(self) -> None:
        """Take a step for each batch that is left of this epoch; says in `trouble` if numbers overflow."""
        begun = self.epoch
        while self.epoch == begun and len(self.x_train):
            self.learn_batch()
        self.look_for_trouble()

    def next_batch(self) -> tuple[Numbers, Numbers]:
        """Return the inputs and targets that the next step will learn from."""
        batch = slice(self.begun, self.begun + self.settings.batch_size)
        return self.x_train[batch], self.y_train[batch]

    def _shrink_weights(self) -> None:
        """Regularize: L2 takes a share of each weight away, L1 the same amount, down to 0; biases stay."""
        kind, step = (
            self.settings.regularization,
            self.settings.learning_rate * self.settings.regularization_rate,
        )
        if kind == "none" or not step:
            return
        for layer in self.dense_layers():
            w = plain_array(layer.weight.data)
            smaller = w - step * w if kind == "L2" else np.sign(w) * np.maximum(abs(w) - step, 0.0)
            layer.weight.data = Owned(smaller)

    def look_for_trouble(self) -> None:
        """Say in `trouble` if a weight has become NaN or infinite, and what to do."""
        if all(np.isfinite(p.data).all() for p in self.network.parameters()):
            return
        self.trouble = (
            f"A weight has become too large for any number (NaN) in epoch {self.epoch}. Each step was so "
            "long that it jumped over the valley and landed higher than before, again and again. Press Reset "
            f"and take a smaller learning rate, for example {self.settings.learning_rate / 10:g}; "
            "tanh instead of ReLU and fewer inputs such as X₁² help as well."
        )

    def change(self, settings: Settings) -> None:
        """Go on with another rate, batch size or regularization, without forgetting anything."""
        self.settings = settings
        self.optimizer.lr = settings.learning_rate

    # -- asking ----------------------------------------------------------------------------------

    def loss(self, output: Array, y: Numbers) -> Any:
        """Return how wrong outputs are, as a Value if the outputs are: what `explain` is asked about."""
        if self.settings.classes == 3:
            return softmax_cross_entropy(output, labels=y)
        return half_squared_error(output, y) / len(y)

    def answer(self, x: Numbers) -> Numbers:
        """Return what the network says to inputs (n, inputs), without learning: (n, outputs)."""
        with self.network.answering(), np.errstate(all="ignore"):
            return _plain(self.network(x))

    def losses(self) -> tuple[float, float]:
        """Return the loss on the training points and on the test points; NaN where there are none."""
        with np.errstate(all="ignore"):
            return tuple(  # type: ignore[return-value]
                float(self.loss(self.answer(x), y)) if len(x) else float("nan")
                for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test))
            )

    def confusion(self) -> Numbers | None:
        """Return how often each class of the test (row) was taken for each class (column); integers.

        None for regression, and where there are no test points.
        """
        if not self.settings.classes or not len(self.x_test):
            return None
        output = self.answer(self.x_test)
        three = self.settings.classes == 3
        said = output.argmax(axis=1) if three else (output[:, 0] > 0).astype(int)
        return confusion_matrix(self.answers_test, said, self.settings.classes)

    def dense_layers(self) -> list[Dense]:
        """Return the layers that have weights, in order."""
        return [layer for layer in self.network if isinstance(layer, Dense)]

    def what_neurons_say(self, x: Numbers) -> Iterator[Numbers]:
        """Yield what the neurons of each layer say to inputs (n, inputs): (n, neurons), layer by layer."""
        with self.network.answering(), np.errstate(all="ignore"):
            said, started = x, False
            for layer in self.network:
                if isinstance(layer, Dense) and started:
                    yield said
                said, started = _plain(layer(said)), True
            yield said


def _plain(output: Array) -> Numbers:
    return np.asarray(plain_array(output.data if isinstance(output, Value) else output))


def targets(answers: Numbers, settings: Settings) -> Numbers:
    """Return what the network shall say: −1 or 1, a number, or with three classes the class itself."""
    if settings.classes == 3:
        return answers
    return (answers if not settings.classes else 2.0 * answers - 1.0)[:, None]
