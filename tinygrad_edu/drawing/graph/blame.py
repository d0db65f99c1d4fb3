"""Whose fault is it: the paths from a result to one Value, and what each contributes.

The gradient of a Value is the sum, over all paths from the result to it, of the product of the local
derivatives along the path. The chain rule never lists them; here it carries `Ways` instead of gradients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import flow, in_order, is_stale
from tinygrad_edu.number import Array
from tinygrad_edu.support import Ways
from tinygrad_edu.value import Value, chain_rule, dependents


def seed_of(output: Value) -> Array:
    """Return ∂output/∂output, with which the way back begins: 1, or as many as there are numbers."""
    return 1.0 if not output.shape else np.ones(output.shape, output.dtype)


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
    for _ in chain_rule(members, found, flow):
        pass
    return {x: g for x, g in found.items() if not x.shape}


def paths(output: Value, to: Value, most: int = 5) -> Ways:
    """Return all paths to a Value, and the `most` of them that contribute most to ∂output/∂to.

    At each Value only the largest are followed further. For single numbers that loses none of the largest;
    for arrays, where contributions may cancel later on, it holds as long as no more than `most` paths meet.
    Each step is an edge, (node, position). Where data was replaced, paths are counted and none contributes.

    >>> a = Value(3.0)
    >>> found = paths(a * a * a + a, to=a, most=2)
    >>> found.count, [way.product for way in found.largest]
    (4, [9.0, 9.0])
    """
    order = in_order(output)
    leading = dependents(order, [to])
    known = not any(map(is_stale, order))
    ways: dict[Value, Ways] = {output: Ways.begin(seed_of(output) if known else 0.0, most)}

    def pull(node: Value, position: int, arrived: Ways) -> Ways:
        if node.inputs[position] not in leading:
            return Ways(most)
        return arrived.along((node, position), lambda g: flow(node, position, g) if known else 0.0)

    for _ in chain_rule(order, ways, pull):
        pass
    return ways.get(to, Ways(most))
