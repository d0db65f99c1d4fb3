"""Paths: all the ways on which one number flows into another, and what each way contributes.

The chain rule, written out: dE/dw is a sum over all paths from E down to w, and each path contributes the
product of the derivatives along it. Backpropagation never lists these paths, and must not: 60 times
y = y + y makes 61 nodes and 2⁶⁰ paths. It adds up what arrives at each node, and so visits each node once.

The same walk counts the paths and finds the weightiest ones without listing any. Instead of a gradient, each
node is given its `Ways`: how many paths have come from E so far, the sum of their products, and the few
largest.

A path runs between single numbers, so an array is taken apart into its entries. What an operation's rule
answers to a g that is 1 at one entry and 0 elsewhere are the derivatives of that one entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tinygrad_edu.compare.recorded import Index, Numbers, Recorded
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import Ways
from tinygrad_edu.value import Value, chain_rule

#: One number: a Value, and the index in it, () for a float.
Entry: TypeAlias = tuple[Value, Index]

#: So many steps between entries of arrays are followed, at most.
MOST_ARRAY_STEPS = 50_000


@dataclass(frozen=True, slots=True)
class EntryStep:
    """One link of the chain: `upper` was computed from `lower`, and ∂upper/∂lower is `factor`.

    `uses` is how often the operation uses `lower`: 2 for x·x, where the factor is the sum of both.
    """

    upper: Entry
    lower: Entry
    position: int
    factor: float
    uses: int

    def times(self, product: float) -> float:
        """Return the product of a path that takes this step."""
        return product * self.factor


class Entries(dict[Index, Ways]):
    """The ways that have arrived at each entry of a Value; what comes from two sides is added up."""

    def __add__(self, other: Entries) -> Entries:
        found = Entries(self)
        for entry, ways in other.items():
            found[entry] = found[entry] + ways if entry in found else ways
        return found


def find_paths(recorded: Recorded, wrt: Value, index: Index = (), most: int = 4) -> Ways:
    """Return how one entry of a Value flows into the output, a single number: all paths, and the largest.

    Between entries of arrays only steps with a derivative other than 0 count as steps. `most` is how many
    of the largest paths are returned; the steps of each are `EntryStep`s.

    Raises ValueError if arrays have too many entries on the way to be followed one by one.

    >>> y = x = Value(1.0)
    >>> for _ in range(60):
    ...     y = y + y
    >>> found = find_paths(Recorded(y), x)
    >>> found.count == 2**60, found.total == 2**60
    (True, True)
    """
    dyed = _dye(recorded, wrt, index)
    top: Index = (0,) * len(recorded.output.shape)
    arrived = {recorded.output: Entries({top: Ways.begin(1.0, most)})}
    in_arrays = 0

    def pull(node: Value, position: int, entries: Entries) -> Entries:
        nonlocal in_arrays
        found = Entries()
        for entry, ways in entries.items():
            steps = _down(recorded, dyed, (node, entry), position) if node is not wrt else []
            for step in steps:
                further = ways.along(step, step.times, step.uses)
                lower = step.lower[1]
                found[lower] = found[lower] + further if lower in found else further
            if not entry:  # a single number, which has no index
                continue
            in_arrays += len(steps)
            if in_arrays + len(entries) > MOST_ARRAY_STEPS:
                raise ValueError(
                    f"more than {MOST_ARRAY_STEPS:,} steps lead from single entries of arrays to others, "
                    "too many to write out; explain the loss of one sample, x[:1], or a smaller network"
                )
        return found

    for _ in chain_rule(recorded.nodes, arrived, pull):
        pass
    return arrived.get(wrt, Entries()).get(index, Ways(most))


def _dye(recorded: Recorded, wrt: Value, index: Index) -> Numbers:
    """Return the numbers of all nodes after NaN was put in the place of one entry."""
    start = np.array(recorded.numbers[wrt], dtype=float)
    start[index] = np.nan
    with np.errstate(all="ignore"):
        return recorded.forward({wrt: start if start.ndim else float(start)})


def _down(recorded: Recorded, dyed: Numbers, upper: Entry, position: int) -> list[EntryStep]:
    """Return the steps from one entry to all dyed entries of an input that it was computed from.

    An input that is used several times, as in x·x, is looked at once, where it is used first.
    """
    node, entry = upper
    x = node.inputs[position]
    uses = [place for place, y in enumerate(node.inputs) if y is x]
    if position != uses[0] or not _is_dyed(dyed[x]):
        return []
    g: Array = 1.0
    if entry:
        g = np.zeros(node.shape)
        g[entry] = 1.0
    found: dict[Index, EntryStep] = {}
    for place in uses:
        share = recorded.pull()(node, place, g)
        if shape_of(share):
            wanted = np.isnan(dyed[x]) & (share != 0)
            pairs = [(tuple(map(int, i)), float(share[tuple(i)])) for i in np.argwhere(wanted)]
        else:
            pairs = [((), float(share))]
        for i, factor in pairs:
            if before := found.get(i):  # x·x: both uses lead to the same number
                first, factor, count = before.position, before.factor + factor, before.uses + 1
                found[i] = EntryStep(upper, (x, i), first, factor, count)
            else:
                found[i] = EntryStep(upper, (x, i), place, factor, 1)
    return list(found.values())


def _is_dyed(number: Array) -> bool:
    """Return whether any entry is NaN, for floats at once."""
    return number != number if isinstance(number, float) else bool(np.isnan(number).any())
