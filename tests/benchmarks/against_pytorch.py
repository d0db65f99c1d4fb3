"""A training step of a network in hand-written NumPy, in tinygrad_edu and in PyTorch.

    python tests/benchmarks/against_pytorch.py

Forward, backward and a step of gradient descent in float32 on random data, all starting from the same
weights: once in the size of MNIST, where the matrix products take the time, once so small that the graph
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from timing import Program, in_turn, peer, print_table

from tinygrad_edu import Value, ops

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


def by_us(task: Task, losses: list[float]) -> Program:
    """Return a step that our engine differentiates."""
    weights, biases = [Value(w) for w in task.weights], [Value(b) for b in task.biases]

    def step() -> None:
        h: Any = task.x
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = ops.dense(h, w, b)
            h = ops.relu(h) if i < len(weights) - 1 else h
        loss = ops.softmax_cross_entropy(h, labels=task.labels)
        for p in (*weights, *biases):
            p.grad = None
        loss.backward()
        for p in (*weights, *biases):
            p.data -= RATE * p.grad
        losses.append(loss.item())

    return step


def by_pytorch(task: Task, losses: list[float], torch: Any) -> Program:
    """Return a step that PyTorch differentiates."""
    parameters = [torch.tensor(p, requires_grad=True) for p in (*task.weights, *task.biases)]
    weights, biases = parameters[: len(task.weights)], parameters[len(task.weights) :]
    x, labels = torch.tensor(task.x), torch.tensor(task.labels)
    optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step() -> None:
        h = x
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = torch.addmm(b, h, w)
            h = torch.relu(h) if i < len(weights) - 1 else h
        loss = torch.nn.functional.cross_entropy(h, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return step


def main() -> None:
    torch = peer("torch", "torch")
    torch.set_num_threads(2)
    for widths, batch, steps in [((784, 512, 512, 10), 128, 20), ((64, 30, 10), 10, 200)]:
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
