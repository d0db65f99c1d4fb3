"""Ways: all paths that have arrived at one place, counted, summed, and the largest few of them remembered.

The chain rule adds up products over paths, and there may be more paths than atoms: after y = y + y sixty
times there are 2⁶⁰. Nobody lists them. But what arrives at a place can be kept in two numbers and a short
list: how many paths there are, the sum of their products, and the few largest. All three can be carried one
step further, and those that arrive from two sides can be added: all that the chain rule asks for.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True, slots=True)
class Way:
    """Some steps from the beginning, and their product; `count` paths look like this.

    Kept as a linked list, `last` step and the way `before` it, so that long ways share their beginnings.
    """

    product: Array
    count: int = 1
    last: Any = None
    before: Way | None = None

    def steps(self) -> tuple[Any, ...]:
        """Return the steps, the first one first."""
        found = []
        way: Way | None = self
        while way is not None and way.before is not None:
            found.append(way.last)
            way = way.before
        return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Ways:
    """All paths to one place: their `count`, the `total` of their products, the `largest`, at most `most`.

    >>> here = Ways.begin(1.0, most=2)
    >>> for name in "abc":  # each step doubles the paths: one takes the factor 3, one the factor 1
    ...     here = here.along(name, lambda g: 3.0 * g) + here.along(name.upper(), lambda g: g)
    >>> here.count, here.total, [("".join(way.steps()), way.product) for way in here.largest]
    (8, 64.0, [('abc', 27.0), ('Abc', 9.0)])
    """

    most: int
    count: int = 0
    total: Array = 0.0
    largest: tuple[Way, ...] = ()

    @classmethod
    def begin(cls, product: Array, most: int) -> Ways:
        """Return the one path that has taken no step yet."""
        return cls(most, 1, product, (Way(product),))

    def along(self, step: Any, flow: Callable[[Array], Array], uses: int = 1) -> Ways:
        """Return all paths one step further: `flow` makes of a product the next; `uses` paths take it."""
        longer = (Way(flow(w.product), uses * w.count, step, w) for w in self.largest)
        return Ways(self.most, uses * self.count, flow(self.total), tuple(longer))

    def __add__(self, other: Ways) -> Ways:
        if not self.count or not other.count:
            return self if self.count else other
        both = (*self.largest, *other.largest)
        largest = heapq.nlargest(self.most, both, key=lambda way: magnitude(way.product))
        return Ways(self.most, self.count + other.count, self.total + other.total, tuple(largest))


def magnitude(number: Array) -> float:
    """Return how large a number is, or all the numbers in an array together, regardless of sign.

    >>> magnitude(-2.0), magnitude(np.array([1.0, -3.0]))
    (2.0, 4.0)
    """
    return abs(number) if type(number) is float else float(np.sum(np.abs(number)))
