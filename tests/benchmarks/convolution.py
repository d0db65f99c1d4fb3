"""A training step of a small convolutional network in tinygrad_edu and in PyTorch.

    python tests/benchmarks/convolution.py

The network of `recipes.convolution` on random images of 28×28: forward, backward and a step of gradient
descent in float32, both from the same weights. PyTorch has hand-tuned convolutions in C++; ours are windows
and a matrix product in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from timing import Program, in_turn, peer, print_table

from tinygrad_edu import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    softmax_cross_entropy,
)

RATE, BATCH, TURNS, STEPS = 0.01, 64, 10, 10
GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.random((BATCH, 1, 28, 28), dtype=np.float32)
LABELS = GENERATOR.integers(0, 10, BATCH)


def build() -> Sequential:
    """Return the network without dropout, whose random numbers would differ."""
    return Sequential(
        *(Conv2D(1, 16, 5, padding=2, init="he_normal"), ReLU(), MaxPool2D(2)),
        *(Conv2D(16, 32, 5, padding=2, init="he_normal"), ReLU(), MaxPool2D(2)),
        Flatten(),
        *(Dense(1568, 128, init="he_normal"), ReLU(), Dense(128, 10)),
        rng=0,
    )


def by_us(model: Sequential, losses: list[float]) -> Program:
    """Return a step of our layers, loss and optimizer."""
    optimizer = SGD(model.parameters(), lr=RATE)

    def step() -> None:
        loss = softmax_cross_entropy(model(IMAGES), LABELS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return step


def by_pytorch(model: Sequential, losses: list[float], torch: Any) -> Program:
    """Return a step of PyTorch's layers, loss and optimizer, from the same weights."""
    nn = torch.nn
    theirs = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        *(nn.Linear(1568, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    with torch.no_grad():
        for p, (name, array) in zip(theirs.parameters(), model.state_dict().items(), strict=True):
            axes = (3, 2, 0, 1) if array.ndim == 4 else range(array.ndim)[::-1]
            assert p.shape == array.transpose(axes).shape, name
            p.copy_(torch.tensor(array.transpose(axes).copy()))
    images, labels = torch.tensor(IMAGES), torch.tensor(LABELS)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=RATE)

    def step() -> None:
        loss = nn.functional.cross_entropy(theirs(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return step


def main() -> None:
    torch = peer("torch", "torch")
    torch.set_num_threads(2)
    model = build()
    losses: list[list[float]] = [[], []]
    # PyTorch first: it copies the weights, which the other then changes.
    programs = {
        "PyTorch, 2 threads": by_pytorch(model, losses[1], torch),
        "tinygrad_edu": by_us(model, losses[0]),
    }
    medians = in_turn(programs, TURNS, STEPS)
    print_table(
        f"A step of two convolutions and two Dense layers, batch {BATCH}, median of {TURNS * STEPS}",
        medians,
        "PyTorch, 2 threads",
    )
    apart = max(abs(a - b) for a, b in zip(*losses, strict=True))
    print(f"  losses {losses[0][0]:.4f} → {losses[0][-1]:.4f}; largest difference {apart:.1e}")


if __name__ == "__main__":
    main()
