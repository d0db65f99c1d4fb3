"""What the benchmarks share: running several programs in turn, and a table of their medians.

Timings on a shared machine wander by a third. The programs of one comparison therefore take turns, so that
a slow second hits them all, and medians are reported. Before each turn the garbage of the one before is
collected, unmeasured, so that nobody clears away what another has left; within a turn of several steps each
program's own garbage is collected whenever Python sees fit, and counts.
"""

from __future__ import annotations

import gc
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from types import ModuleType

Program = Callable[[], object]


def in_turn(
    programs: Mapping[str, Program],
    turns: int,
    steps: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Let each program take `steps` steps at a time; return each one's median step in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(turns):
        for name, program in programs.items():
            gc.collect()
            for _ in range(steps):
                start = clock()
                program()
                times[name].append(1e3 * (clock() - start))
    return {name: statistics.median(found) for name, found in times.items()}


def print_table(title: str, medians: Mapping[str, float], base: str) -> None:
    """Print each median, and how many times the one of `base` it is."""
    print(f"\n{title}")
    for name, median in medians.items():
        print(f"  {name:<20} {median:10.2f} ms  × {median / medians[base]:6.2f}")


def peer(module: str, package: str) -> ModuleType:
    """Import what we compare with, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        sys.exit(f"this comparison needs {package} beside tinygrad_edu: pip install {package}")
