"""Where the weights of a small network stand: each on its own link, and none over another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: The part of the way at which a weight stands by choice, where the links of one neuron have parted already.
CHOICE = 0.36
#: How far a weight may stand from its choice, nearest first: from .1 to .9 of the way.
_PARTS = sorted((part / 100 for part in range(10, 91, 2)), key=lambda part: abs(part - CHOICE))


class Box(NamedTuple):
    """A rectangle around its middle (x, y), in points."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        """Return the area that two boxes have in common.

        >>> Box(0, 0, 4, 2).overlap(Box(3, 0, 4, 2)), Box(0, 0, 4, 2).overlap(Box(0, 2, 4, 2))
        (2.0, 0.0)
        """
        wide = (self.width + other.width) / 2 - abs(self.x - other.x)
        high = (self.height + other.height) / 2 - abs(self.y - other.y)
        return max(wide, 0.0) * max(high, 0.0)


def place_labels(
    links: Sequence[tuple[Box, Box]], sizes: Sequence[tuple[float, float]], taken: Iterable[Box]
) -> list[Box]:
    """Return a place on each link, from the middle of one box to that of another, for a label of its size.

    What is `taken`, such as the neurons, stays free. A label moves along its link until it covers nothing;
    where there is no such place, it stands where it covers least.

    >>> a, b = Box(0, 0, 0, 0), Box(100, 0, 0, 0)
    >>> [place.x for place in place_labels([(a, b), (a, b)], [(20, 10), (20, 10)], [])]
    [36.0, 16.0]
    """
    placed = list(taken)
    found = []
    for (tail, head), (width, height) in zip(links, sizes, strict=True):
        places = (
            Box(tail.x + (head.x - tail.x) * part, tail.y + (head.y - tail.y) * part, width, height)
            for part in _PARTS
        )
        best = min(places, key=lambda place: sum(map(place.overlap, placed)))
        placed.append(best)
        found.append(best)
    return found
