"""A chain of a million Values: forward, backward, and setting it free.

python tests/benchmarks/chain.py
"""

from __future__ import annotations

import time

from tinygrad_edu import Value

LENGTH = 1_000_000


def main() -> None:
    clock = [time.perf_counter()]
    x = Value(1.0)
    y = x
    for _ in range(LENGTH):
        y = y + 1.0
    clock.append(time.perf_counter())
    y.backward()
    clock.append(time.perf_counter())
    assert x.grad == 1.0
    del y
    clock.append(time.perf_counter())
    print(f"A chain of {LENGTH:,} Values")
    for name, start, end in zip(
        ["forward", "backward", "deletion"], clock, clock[1:], strict=False
    ):
        print(f"  {name:<10} {end - start:6.2f} s")


if __name__ == "__main__":
    main()
