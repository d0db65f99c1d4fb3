"""What a program gains: a training step by the graph, by its program, by NumPy by hand, and by PyTorch.

    python tests/benchmarks/programs.py

The networks, data and first weights are those of `against_pytorch.py`, the single numbers those of
micrograd's demo in `against_micrograd.py`; losses must agree. Times are those of the processor, in turn,
medians: another busy process changes them less than the clock on the wall. Still it changes them, through the
caches, and a line says so where the wall's clock ran much faster. PyTorch is left out where it is not
installed.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from typing import Any

from against_micrograd import Demo
from against_pytorch import RATE, Task, by_hand, by_pytorch, by_us, our_model
from timing import Program as Step
from timing import in_turn, print_table

from tinygrad_edu import SGD, Program, softmax_cross_entropy

TURNS = 10
SIZES = [
    ((784, 512, 512, 10), 128, 3),
    ((784, 512, 512, 10), 32, 5),
    ((784, 200, 10), 1, 20),
    ((784, 30, 10), 10, 40),
    ((64, 30, 10), 10, 40),
]


def by_program(task: Task, losses: list[float]) -> Step:
    """Return a step of our layers, written down."""
    model = our_model(task)

    def loss_of(x: Any, labels: Any) -> Any:
        return softmax_cross_entropy(model(x), labels)

    optimizer = SGD(model.parameters(), lr=RATE)
    program = Program(loss_of, task.x, task.labels, optimizer=optimizer)
    return lambda: losses.append(program(task.x, task.labels))


def measure_networks() -> None:
    """Print a table for each size."""
    for widths, batch, steps in SIZES:
        task = Task(widths, batch)
        losses: list[list[float]] = [[], [], [], []]
        programs = {
            "NumPy by hand": by_hand(task, losses[0]),
            "the graph": by_us(task, losses[1]),
            "its program": by_program(task, losses[2]),
        }
        if importlib.util.find_spec("torch"):
            import torch

            torch.set_num_threads(1)
            programs["PyTorch, 1 thread"] = by_pytorch(task, losses[3], torch)
        medians = in_turn(programs, TURNS, steps, time.process_time)
        shape = "-".join(map(str, widths))
        print_table(f"A step of an MLP {shape}, batch {batch}", medians, "NumPy by hand")
        assert losses[1] == losses[2], "a program must be equal to the graph to the last bit"
        print(f"  losses by hand differ by {largest_difference(losses):.1e}")


def largest_difference(losses: Sequence[Sequence[float]]) -> float:
    return max(abs(a - b) for a, b in zip(losses[0], losses[1], strict=True))


def measure_single_numbers() -> None:
    """Print what it costs to write down micrograd's demo, and what it gains."""
    demo = Demo("tinygrad_edu", float)
    demo.network.parameters()

    def loss_of() -> Any:
        scores = [demo.network(point) for point in demo.points]
        margins = [(1 + -y * s).relu() for y, s in zip(demo.sides, scores, strict=True)]
        weights = demo.network.parameters()
        return sum(margins) * (1.0 / len(margins)) + 1e-4 * sum(p * p for p in weights)

    start = time.process_time()
    program = Program(loss_of)
    seconds = time.process_time() - start
    medians = in_turn(
        {"the graph": lambda: loss_of().backward(), "its program": program},
        TURNS,
        1,
        time.process_time,
    )
    print_table("micrograd's demo, loss and gradients", medians, "the graph")
    print(f"  written down in {seconds:.1f} s, once")


def main() -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    measure_networks()
    measure_single_numbers()
    share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    if share < 0.9:
        print(f"\nthe machine was busy: this program had {share:.0%} of a processor")


if __name__ == "__main__":
    main()
