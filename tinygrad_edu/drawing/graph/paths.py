"""The way back, edge by edge and path by path.

The gradient of a Value is the sum, over all paths from the result to it, of the product of the local
derivatives along the path. `steps_backward` adds it up as `backward()` does, one edge at a time; `paths`
finds the paths that matter most.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import flow, in_order, is_stale
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value


def seed_of(output: Value) -> Array:
    """Return ∂output/∂output, with which the way back begins: 1, or as many as there are numbers."""
    return 1.0 if not output.shape else np.ones(output.shape, output.dtype)


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the way back: `part` flows from `node` into its input, whose gradient was `before`."""

    node: Value
    position: int
    upstream: Array
    part: Array
    before: Array
    after: Array


def steps_backward(output: Value) -> Iterator[Step]:
    """Walk from a result to its origins as `backward()` does, and tell of each edge; touches no `grad`.

    >>> a = Value(3.0)
    >>> [(step.part, step.after) for step in steps_backward(a * a)]
    [(3.0, 3.0), (3.0, 6.0)]
    """
    gradients = {output: seed_of(output)}
    for node in in_order(output):
        for position, x in enumerate(node.inputs):
            if type(x) is Value:
                part = flow(node, position, gradients[node])
                before = gradients.get(x)
                gradients[x] = part if before is None else before + part
                yield Step(node, position, gradients[node], part, before, gradients[x])


def through(members: Sequence[Value], result: Value) -> dict[Value, Array]:
    """Return ∂result/∂x for each x that some Values, youngest first, were made from to make the result.

    These must be single numbers: what flows through several arrays is no product of tables.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> z = y * 2.0
    >>> through([z, y], z)[x]
    12.0
    """
    if any(value.shape or is_stale(value) for value in members):
        return {}
    found: dict[Value, Array] = {result: 1.0}
    for value in members:
        for position, x in enumerate(value.inputs if value in found else ()):
            if type(x) is Value:
                found[x] = found.get(x, 0.0) + flow(value, position, found[value])
    return {x: g for x, g in found.items() if not x.shape}


@dataclass(frozen=True, slots=True)
class Path:
    """A way from a result back to a Value: `edges` as (node, position), and what it contributes."""

    edges: tuple[tuple[Value, int], ...]
    contribution: Array

    @property
    def size(self) -> float:
        """How much it contributes, regardless of sign: the sum of |contribution|."""
        return magnitude(self.contribution)


def magnitude(number: Array) -> float:
    """Return how large a number is, or all the numbers in an array together, regardless of sign."""
    return abs(number) if type(number) is float else float(np.sum(np.abs(number)))


def paths(output: Value, to: Value, most: int = 5) -> list[Path]:
    """Return the `most` paths that contribute most to ∂output/∂to, the largest first.

    There may be more paths than atoms (2⁶⁰ after y = y + y sixty times), so at each Value only the
    largest are followed further. For single numbers that loses none of the largest; for arrays, where
    contributions may cancel later on, it holds as long as no more than `most` paths meet.

    >>> a = Value(3.0)
    >>> [path.contribution for path in paths(a * a * a + a, to=a, most=2)]
    [9.0, 9.0]
    """
    order = in_order(output)
    leading = {to}  # all that depends on `to`
    for node in reversed(order):
        if any(type(x) is Value and x in leading for x in node.inputs):
            leading.add(node)
    # A path is kept as a linked list (its last edge, the rest), so that long ones share their beginnings.
    found: dict[Value, list[tuple[Array, tuple[object, ...]]]] = {output: [(seed_of(output), ())]}
    for node in order:
        arrived = found.get(node, []) if node is to else found.pop(node, [])
        for position, x in enumerate(node.inputs):
            if type(x) is Value and x in leading:
                waiting = found.setdefault(x, [])
                waiting += [(flow(node, position, g), (node, position, way)) for g, way in arrived]
                if len(waiting) > most:
                    found[x] = heapq.nlargest(most, waiting, key=lambda item: magnitude(item[0]))
    ranked = sorted(found.get(to, []), key=lambda item: magnitude(item[0]), reverse=True)
    return [Path(tuple(_unlink(way)), g) for g, way in ranked]


def _unlink(way: tuple[object, ...]) -> list[tuple[Value, int]]:
    edges = []
    while way:
        node, position, way = way  # type: ignore[assignment]
        edges.append((node, position))
    return edges[::-1]  # type: ignore[return-value]
