"""Runs by the sources' own rules, in pencil algebra: no autograd here.

The book's network learns one sample at a time, in the order of the file, by a rule that is not quite the
gradient. To check its numbers is to do the same. The others are the numbers of worked examples, which come
out the same on every computer.
"""

import time
from typing import Any

import numpy as np

from tinygrad_edu.by_hand import (
    Link,
    Neuron,
    RashidNetwork,
    ThresholdNeuron,
    WorkedExample,
    scale_pixels,
    target_outputs,
)
from tinygrad_edu.by_hand import total_error as half_squares
from tinygrad_edu.by_hand.links import sigmoid as squash
from tinygrad_edu.by_hand.neuron import sigmoid
from tinygrad_edu.datasets import Dataset, rotate

TARGETS = [target_outputs(label) for label in range(10)]


def images_of(data: Dataset) -> Any:
    """Return the images to learn from as the book scales them; in single precision, to halve the memory."""
    return scale_pixels(data.x_train.raw).astype(np.float32)


def rashid(
    data: Dataset, seed: int, hidden: int, rate: float, epochs: int, angle: float
) -> dict[str, Any]:
    """Train by the book: its rule, one sample at a time, in the order of the file.

    With an angle, each image is followed by two copies, turned that far to either side. Afterwards the
    network is queried backwards.
    """
    network = RashidNetwork(data.x_train.shape[1], hidden, 10, rate, rule="book", rng=seed)
    copies = [images_of(data)]
    if angle:
        shape = data.image_shape
        copies += [rotate(copies[0], a, fill=0.01, image_shape=shape) for a in (angle, -angle)]
    every = max(1, len(data.y_train) // 60)
    accuracies, seconds, cosines = [], [], []
    for _ in range(epochs):
        begin = time.process_time()
        for index, label in enumerate(data.y_train.tolist()):
            if index % every == 0:
                cosines.append(cosine(network, copies[0][index], TARGETS[label]))
            for images in copies:
                network.train_step(images[index], TARGETS[label])
        seconds.append(time.process_time() - begin)
        accuracies.append(accuracy(network, data))
    answers = [int(network.query(network.backquery(t)).argmax()) for t in TARGETS]
    return {
        "accuracy": accuracies,
        "epoch_seconds": seconds,
        "mean_cosine": float(np.mean(cosines)),
        "least_cosine": float(np.min(cosines)),
        "own_label": sum(answer == label for label, answer in enumerate(answers)),
    }


def rashid_seconds(hidden: int, rate: float, epochs: int, angle: float) -> float:
    """Return about how long `rashid` takes."""
    samples = epochs * 60_000 * (3 if angle else 1)
    return samples * (22e-6 + 0.52e-6 * hidden)


def cosine(network: RashidNetwork, x: Any, targets: Any) -> float:
    """Return the cosine between the book's step for wih and the gradient."""
    slope = network.gradients(x, targets)["wih"].ravel()
    step = network.update_rule(x, targets)["wih"].ravel()
    return float(slope @ step / (np.linalg.norm(slope) * np.linalg.norm(step)))


def accuracy(network: RashidNetwork, data: Dataset) -> float:
    """Return the share of test images that a network reads rightly."""
    answers = network.query(scale_pixels(data.x_test.raw)).argmax(axis=1)
    return float(np.mean(answers == data.y_test))


def rashid_damaged(
    data: Dataset, seed: int, hidden: int, rate: float, epochs: int, draws: int
) -> dict[str, Any]:
    """Train by the book, remove 10, 50, 100 and 150 hidden nodes at random, and measure each time."""
    network = RashidNetwork(data.x_train.shape[1], hidden, 10, rate, rule="book", rng=seed)
    images = images_of(data)
    for _ in range(epochs):
        for image, label in zip(images, data.y_train.tolist(), strict=True):
            network.train_step(image, TARGETS[label])
    h = sigmoid(scale_pixels(data.x_test.raw) @ network.wih.T)
    measured: dict[str, Any] = {"accuracy": accuracy(network, data)}
    for removed in (10, 50, 100, 150):
        rng, right = np.random.default_rng(seed), []
        for _ in range(draws):
            left = rng.permutation(hidden)[removed:]
            scores = h[:, left] @ network.who[:, left].T  # the last sigmoid changes no order
            right.append(float(np.mean(scores.argmax(axis=1) == data.y_test)))
        measured[f"without {removed}"] = right
    return measured


def links() -> dict[str, Any]:
    """Return the numbers of Lernmi's Link with weight .5, input .3, output .8, rate .1."""
    link = Link(Neuron(output=0.3), Neuron(output=0.8), weight=0.5)
    link.output_neuron.sensitivity = 0.1
    link.back_propagate()
    link.learn(rate=0.1)
    return {
        "output sensitivity": link.output_sensitivity,
        "sensitivity sent back": link.input_neuron.sensitivity,
        "change of weight": link.weight - 0.5,
        "σ(0)": squash(0.0),
        "σ(1)": squash(1.0),
    }


def slides() -> dict[str, Any]:
    """Return the error of the slides' example."""
    return {"error": half_squares([0, 0, 1, 0], [0, 0.3, 0.9, 0.1])}


def football() -> dict[str, Any]:
    """Return what the neuron of the park decides for each (sunny, friends), and its bias."""
    neuron, days = ThresholdNeuron(weights=(1, 3), threshold=2), [(0, 0), (1, 0), (0, 1), (1, 1)]
    return {
        "bias": neuron.bias,
        **{f"{s}{f}": int(neuron.fires([(s, f)])[0]) for s, f in days},
    }


def mazur(order: str, biases: str = "frozen") -> dict[str, Any]:
    """Return every number of the worked example; `order` and `biases` are those of `WorkedExample`."""
    net = WorkedExample(order=order, biases=biases)  # type: ignore[arg-type]
    nodes = net.forward()
    o1, o2 = nodes["out_o1"], nodes["out_o2"]
    numbers = nodes | {name.replace("dE/d", "∂E/∂"): s for name, s in net.backward().items()}
    numbers |= {
        "E_o1": half_squares([0.01], [o1]),
        "E_o2": half_squares([0.99], [o2]),
        "E": net.error(),
        "o1(1 − o1)": o1 * (1 - o1),
    }
    for step in range(1, 10_001):
        net.train_step()
        if step == 1:
            numbers |= {f"{name} after 1": float(w) for name, w in net.parameters().items()}
        if step in (1, 9_999, 10_000):
            numbers[f"E after {step}"] = net.error()
    last = net.forward()
    return numbers | {f"{name} after 10000": last[name] for name in ("out_o1", "out_o2")}
