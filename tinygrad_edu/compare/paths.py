"""Paths: all the ways on which one number flows into another, and what each way contributes.

The chain rule, written out: dE/dw is a sum over all paths from E down to w, and each path contributes the
product of the derivatives along it. Backpropagation never lists these paths, and must not: 60 times
y = y + y makes 61 nodes and 2⁶⁰ paths. It adds up what arrives at each node, and so visits each node once.

The same trick counts the paths and finds the weightiest ones without listing any: the paths from a node down
to w are those from each of its inputs, one step longer. So one walk from w up to E suffices, in which each
node keeps three things: how many paths there are, the sum of their products, and the few largest of them.

A path runs between single numbers, so an array is taken apart into its entries. What an operation's rule
answers to a g that is 1 at one entry and 0 elsewhere are the derivatives of that one entry.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tinygrad_edu.compare.recorded import Index, Numbers, Recorded
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.value import Value

#: One number: a Value, and the index in it, () for a float.
Entry: TypeAlias = tuple[Value, Index]

#: So many steps between entries of arrays are followed, at most.
MOST_ARRAY_STEPS = 50_000


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain: `upper` was computed from `lower`, and ∂upper/∂lower is `factor`.

    `uses` is how often the operation uses `lower`: 2 for x·x, where the factor is the sum of both.
    """

    upper: Entry
    lower: Entry
    position: int
    factor: float
    uses: int


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the output down to a Value, and their product.

    `count` is the number of paths that look like this: each step that uses its input twice doubles it.
    """

    steps: tuple[Step, ...]
    product: float
    count: int


@dataclass(frozen=True)
class Paths:
    """What `find_paths` finds: `count` of all paths, the `total` of their products, the `largest`."""

    count: int
    total: float
    largest: tuple[Path, ...]


def find_paths(recorded: Recorded, wrt: Value, index: Index = (), most: int = 4) -> Paths:
    """Return how one entry of a Value flows into the output, a single number.

    Between entries of arrays only steps with a derivative other than 0 count as steps. `most` is how many
    of the largest paths are returned.

    Raises ValueError if arrays have too many entries on the way to be followed one by one.

    >>> y = x = Value(1.0)
    >>> for _ in range(60):
    ...     y = y + y
    >>> found = find_paths(Recorded(y), x)
    >>> found.count == 2**60, found.total == 2**60
    (True, True)
    """
    dyed = _dye(recorded, wrt, index)
    steps = _steps(recorded, dyed, (wrt, index))
    return _add_up(recorded, steps, (wrt, index), most)


def _dye(recorded: Recorded, wrt: Value, index: Index) -> Numbers:
    """Return the numbers of all nodes after NaN was put in the place of one entry."""
    start = np.array(recorded.numbers[wrt], dtype=float)
    start[index] = np.nan
    with np.errstate(all="ignore"):
        return recorded.forward({wrt: start if start.ndim else float(start)})


def _steps(recorded: Recorded, dyed: Numbers, end: Entry) -> dict[Entry, list[Step]]:
    """Return the steps down from each entry that lies between the output and the end."""
    top: Entry = (recorded.output, (0,) * len(recorded.output.shape))
    waiting: dict[Value, dict[Index, None]] = {recorded.output: {top[1]: None}}
    steps: dict[Entry, list[Step]] = {}
    in_arrays = 0
    for node in recorded.nodes:
        if node is end[0]:
            continue
        entries = waiting.pop(node, {})
        for entry in entries:
            down = _down(recorded, dyed, (node, entry))
            steps[node, entry] = down
            for step in down:
                waiting.setdefault(step.lower[0], {})[step.lower[1]] = None
            in_arrays += len(down) if entry else 0
            if in_arrays + len(entries) * bool(entry) > MOST_ARRAY_STEPS:
                raise ValueError(
                    f"more than {MOST_ARRAY_STEPS:,} steps lead from single entries of arrays to others, "
                    "too many to write out; explain the loss of one sample, x[:1], or a smaller network"
                )
    return steps


def _down(recorded: Recorded, dyed: Numbers, upper: Entry) -> list[Step]:
    """Return the steps from one entry to all dyed entries that it was computed from."""
    node, entry = upper
    found: dict[Entry, Step] = {}
    for position, x in enumerate(node.inputs):
        if not isinstance(x, Value) or not _is_dyed(dyed[x]):
            continue
        g: Array = 1.0
        if entry:
            g = np.zeros(node.shape)
            g[entry] = 1.0
        part = recorded.part((node, position), g)
        if not shape_of(part):
            pairs: list[tuple[Index, float]] = [((), float(part))]
        else:
            wanted = np.isnan(dyed[x]) & (part != 0)
            pairs = [(tuple(map(int, i)), float(part[tuple(i)])) for i in np.argwhere(wanted)]
        for i, factor in pairs:
            before = found.get((x, i))
            if before:  # x·x: both uses lead to the same number
                factor, uses = before.factor + factor, before.uses + 1
                found[x, i] = Step(upper, (x, i), before.position, factor, uses)
            else:
                found[x, i] = Step(upper, (x, i), position, factor, 1)
    return list(found.values())


def _is_dyed(number: Array) -> bool:
    """Return whether any entry is NaN, for floats at once."""
    return number != number if isinstance(number, float) else bool(np.isnan(number).any())


class _Chain:
    """Some steps and the rest of the path, shared by all paths that end alike."""

    __slots__ = ("count", "product", "rest", "step")

    def __init__(self, step: Step | None, rest: _Chain | None) -> None:
        self.step = step
        self.rest = rest
        self.product: float = step.factor * rest.product if step and rest else 1.0
        self.count: int = step.uses * rest.count if step and rest else 1

    def path(self) -> Path:
        steps = []
        chain: _Chain | None = self
        while chain is not None and chain.step is not None:
            steps.append(chain.step)
            chain = chain.rest
        return Path(tuple(steps), self.product, self.count)


def _add_up(recorded: Recorded, steps: dict[Entry, list[Step]], end: Entry, most: int) -> Paths:
    """Walk up from the end, and keep at each entry the count, the sum and the largest of its paths."""
    known: dict[Entry, tuple[int, float, list[_Chain]]] = {end: (1, 1.0, [_Chain(None, None)])}
    for upper, down in reversed(steps.items()):
        count, total, candidates = 0, 0.0, []
        for step in down:
            if step.lower in known:
                paths, product, chains = known[step.lower]
                count += step.uses * paths
                total += step.factor * product
                candidates += [_Chain(step, chain) for chain in chains]
        if count:
            best = heapq.nlargest(most, candidates, key=lambda chain: abs(chain.product))
            known[upper] = (count, total, best)
    top: Entry = (recorded.output, (0,) * len(recorded.output.shape))
    count, total, chains = known.get(top, (0, 0.0, []))
    return Paths(count, total, tuple(chain.path() for chain in chains))
