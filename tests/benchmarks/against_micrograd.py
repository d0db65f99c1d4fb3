"""micrograd's own demo program on both engines: an MLP 2-16-16-1 of single numbers, 50 points of two moons.

    python tests/benchmarks/against_micrograd.py

The network, the max-margin loss with weight decay and the loop of gradient descent are written once, with
the operators that both engines have. The one difference: our program hands the points over as plain
numbers, where the demo wraps each in a Value.

It is measured in three ways. "As it is": the points come from NumPy, and the last loss stays alive, with its
graph, while the next is computed. "At its best": Python's floats, and each step a function, whose graph goes
when it returns. In both, Python collects garbage whenever it sees fit: micrograd's Values and closures refer
to each other in cycles, which nothing else sets free, and the more of them there are, the longer it looks.
"At its best, collector off": it does not look, and the cycles that a step left are cleared away before the
next, unmeasured. The engines take turns, each in a process of its own, since one's garbage would otherwise be
cleared away in the other's time.

Source: Karpathy, micrograd, demo.ipynb, 2020.
"""

from __future__ import annotations

import gc
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from timing import peer, print_table

LAYERS = [2, 16, 16, 1]
POINTS = 50
TURNS, STEPS = 3, 12
ENGINES = ["micrograd", "tinygrad_edu"]


class Way(NamedTuple):
    """What the points are made of, whether the last loss is kept, and whether garbage is collected."""

    number: Callable[[float], Any]
    keep: bool
    collect: bool


WAYS = {
    "as it is": Way(np.float64, keep=True, collect=True),
    "at its best": Way(float, keep=False, collect=True),
    "at its best, collector off": Way(float, keep=False, collect=False),
}


def two_moons(seed: int) -> tuple[list[list[float]], list[float]]:
    """Return points on two interleaved half circles, with noise, and which one each belongs to: ±1."""
    draw = random.Random(seed)
    points, sides = [], []
    for i in range(POINTS):
        angle, side = math.pi * draw.random(), 1.0 if i % 2 else -1.0
        x, y = math.cos(angle), math.sin(angle)
        point = [x, y] if side < 0.0 else [1.0 - x, 0.5 - y]
        points.append([coordinate + draw.gauss(0.0, 0.1) for coordinate in point])
        sides.append(side)
    return points, sides


class Network:
    """micrograd's MLP: neurons of single weights, ReLU between the layers."""

    def __init__(self, value: Callable[[float], Any], seed: int) -> None:
        draw = random.Random(seed)
        self.layers = [
            [([value(draw.uniform(-1.0, 1.0)) for _ in range(n)], value(0.0)) for _ in range(m)]
            for n, m in pairwise(LAYERS)
        ]

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for weights, bias in layer for p in (*weights, bias)]

    def __call__(self, x: Sequence[Any]) -> Any:
        for layer in self.layers:
            sums = [
                sum((w * i for w, i in zip(weights, x, strict=True)), bias)
                for weights, bias in layer
            ]
            x = sums if layer is self.layers[-1] else [s.relu() for s in sums]
        return x[0]


class Demo:
    """The demo with one of the engines."""

    def __init__(self, engine: str, number: Callable[[float], Any]) -> None:
        if engine == "micrograd":
            self.value = self.coordinate = peer("micrograd.engine", "micrograd").Value
            self.no_gradient: Any = 0
        else:
            from tinygrad_edu import Value

            self.value, self.coordinate, self.no_gradient = Value, number, None
        self.network = Network(self.value, seed=1337)
        points, sides = two_moons(seed=1)
        self.points = [[number(c) for c in point] for point in points]
        self.sides = [number(side) for side in sides]

    def step(self) -> Any:
        parameters = self.network.parameters()
        inputs = [[self.coordinate(c) for c in point] for point in self.points]
        scores = [self.network(x) for x in inputs]
        margins = [(1 + -y * s).relu() for y, s in zip(self.sides, scores, strict=True)]
        loss = sum(margins) * (1.0 / POINTS) + 1e-4 * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = self.no_gradient
        loss.backward()
        for p in parameters:
            p.data = p.data - 0.1 * p.grad
        return loss

    def train(self, way: Way) -> Iterator[tuple[float, float]]:
        """Yield the milliseconds and the loss of each step."""
        loss = None
        for _ in range(STEPS):
            if not way.collect:
                gc.collect()
                gc.disable()
            start = time.perf_counter()
            loss = self.step()
            number = float(loss.data)
            if not way.keep:
                loss = None
            yield 1e3 * (time.perf_counter() - start), number


def measure(way: str) -> None:
    times: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    losses: dict[str, list[float]] = {}
    for _ in range(TURNS):
        for engine in ENGINES:
            command = [sys.executable, __file__, engine, way]
            answer = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            milliseconds, losses[engine] = json.loads(answer)
            times[engine] += milliseconds
    medians = {engine: statistics.median(times[engine]) for engine in ENGINES}
    print_table(f"micrograd's demo {way}, median of {TURNS * STEPS} steps", medians, "tinygrad_edu")
    theirs, ours = losses.values()
    apart = max(abs(a - b) / abs(a) for a, b in zip(theirs, ours, strict=True))
    print(f"  losses {ours[0]:.6f} → {ours[-1]:.6f}, relative difference at most {apart:.1e}")
    if apart > 1e-6:
        sys.exit("the two engines do not compute the same losses")


def main() -> None:
    if len(sys.argv) == 3:
        engine, way = sys.argv[1], WAYS[sys.argv[2]]
        steps = Demo(engine, way.number).train(way)
        print(json.dumps(list(zip(*steps, strict=True))))
        return
    peer("micrograd.engine", "micrograd")
    for name in WAYS:
        measure(name)


if __name__ == "__main__":
    main()
