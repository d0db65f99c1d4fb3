"""A training step of a network in hand-written NumPy, in tinygrad_edu and in PyTorch.

    python tests/benchmarks/against_pytorch.py

Forward, backward and a step of gradient descent in float32 on random data, all starting from the same
weights: a large network, where the matrix products take the time, and small ones, where the graph does. Each
is written as its users write it; only the first knows its derivatives beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from timing import Program, in_turn, peer, print_table

from tinygrad_edu import SGD, Dense, Layer, ReLU, Sequential, softmax_cross_entropy

Array = np.ndarray[Any, np.dtype[Any]]
RATE = 0.01
TURNS = 10


class Task:
    """Random data and starting weights for a network of some widths."""

    def __init__(self, widths: Sequence[int], batch: int) -> None:
        generator = np.random.default_rng(0)
        self.x = generator.standard_normal((batch, widths[0]), dtype=np.float32)
        self.labels = generator.integers(0, widths[-1], batch)
        self.weights = [
            generator.standard_normal((n, m), dtype=np.float32) * np.float32((2 / n) ** 0.5)
            for n, m in pairwise(widths)
        ]
        self.biases = [np.zeros(m, np.float32) for m in widths[1:]]


def by_hand(task: Task, losses: list[float]) -> Program:
    """Return a step that is written out in NumPy, with no engine at all."""
    weights, biases = [w.copy() for w in task.weights], [b.copy() for b in task.biases]
    rows = np.arange(len(task.labels))

    def step() -> None:
        layers = [task.x]
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = layers[-1] @ w
            z += b
            layers.append(np.maximum(z, 0.0) if i < len(weights) - 1 else z)
        z = layers.pop()
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        losses.append(float((np.log(total)[:, 0] - z[rows, task.labels]).mean()))
        g = e / total
        g[rows, task.labels] -= 1.0
        g /= len(rows)
        for i in reversed(range(len(weights))):
            dw, db = layers[i].T @ g, g.sum(axis=0)
            if i:
                g = g @ weights[i].T
                g *= layers[i] > 0.0
            weights[i] -= RATE * dw
            biases[i] -= RATE * db

    return step


def our_model(task: Task) -> Sequential:
    """Return our layers with the weights of a task."""
    layers: list[Layer] = []
    for weight, bias in zip(task.weights, task.biases, strict=True):
        dense = Dense(*weight.shape)
        dense.load_state_dict({"weight": weight, "bias": bias})
        layers += [dense, ReLU()]
    return Sequential(*layers[:-1])


def by_us(task: Task, losses: list[float]) -> Program:
    """Return a step of our layers, loss and optimizer."""
    model = our_model(task)
    optimizer = SGD(model.parameters(), lr=RATE)

    def step() -> None:
        loss = softmax_cross_entropy(model(task.x), task.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return step


def by_pytorch(task: Task, losses: list[float], torch: Any) -> Program:
    """Return a step of PyTorch's layers, loss and optimizer."""
    layers: list[Any] = []
    for weight, bias in zip(task.weights, task.biases, strict=True):
        linear = torch.nn.Linear(*weight.shape)
        state = {"weight": torch.tensor(weight.T.copy()), "bias": torch.tensor(bias)}
        linear.load_state_dict(state)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    x, labels = torch.tensor(task.x), torch.tensor(task.labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return step


def main() -> None:
    torch = peer("torch", "torch")
    torch.set_num_threads(2)
    sizes = [((784, 512, 512, 10), 128, 20), ((784, 30, 10), 10, 200), ((64, 30, 10), 10, 200)]
    for widths, batch, steps in sizes:
        task = Task(widths, batch)
        losses: list[list[float]] = [[], [], []]
        medians = in_turn(
            {
                "NumPy by hand": by_hand(task, losses[0]),
                "tinygrad_edu": by_us(task, losses[1]),
                "PyTorch, 2 threads": by_pytorch(task, losses[2], torch),
            },
            TURNS,
            steps,
        )
        shape = "-".join(map(str, widths))
        print_table(
            f"A step of an MLP {shape}, batch {batch}, median of {TURNS * steps}",
            medians,
            "NumPy by hand",
        )
        apart = max(abs(a - c) + abs(b - c) for a, b, c in zip(*losses, strict=True))
        print(f"  losses {losses[1][0]:.4f} → {losses[1][-1]:.4f}; largest difference {apart:.1e}")


if __name__ == "__main__":
    main()
