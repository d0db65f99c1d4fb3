"""The chain rule, one edge at a time.

`backward()` needs only the products; a picture wants to show the factors. For z = f(x, y), the edge from
x to z carries the local derivative ∂z/∂x, and what flows back along it is ∂L/∂z · ∂z/∂x. Both are asked
of the operation's own rule, so that a picture cannot disagree with `backward()`: the rule is linear in what
flows in, hence with 1 flowing in it returns the local derivative.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu.number import Array, run
from tinygrad_edu.value import Value, ancestors, pull_back

#: Beyond this many numbers, a local derivative is given as a formula instead of being computed.
LARGE = 100_000


def number_of(x: Array) -> Array:
    """Return the number behind a Value, and a plain number as it is."""
    return x._number if type(x) is Value else x


def in_order(value: Value) -> list[Value]:
    """Return a Value and all that it was made from, each after all that use it.

    That is `ancestors`, but for leaves whose data was replaced since: reborn, they are younger than what was
    made from them, and stand here where they were first used.

    >>> w = Value(1.0)
    >>> y = w * 2.0
    >>> w.data = 3.0
    >>> in_order(y) == [y, w], ancestors(y) == [w, y]
    (True, True)
    """
    nodes = ancestors(value)
    first_use: dict[Value, float] = {}
    for node in nodes:
        for x in node.inputs:
            if type(x) is Value and x.birth > node.birth:
                first_use[x] = min(first_use.get(x, math.inf), node.birth - 0.5)
    if not first_use:
        return nodes
    return sorted(nodes, key=lambda node: first_use.get(node, node.birth), reverse=True)


def is_stale(node: Value) -> bool:
    """Return whether the data of an input was replaced after the node was computed from it."""
    return any(type(x) is Value and x.birth > node.birth for x in node.inputs)


def flow(node: Value, position: int, upstream: Array) -> Array:
    """Return what flows back into the input at `position` when `upstream` flows into the node's result.

    That is the engine's own step, without warnings: a picture shows infinity where there is one.

    >>> x, w = Value(3.0), Value(2.0)
    >>> flow(x * w, 0, 10.0)
    20.0
    """
    with np.errstate(all="ignore"):
        return pull_back(node, position, upstream)


def local_derivative(node: Value, position: int) -> Array:
    """Return ∂node/∂input as numbers, or None where that would be a table with more than two sides.

    A float for numbers; an array of the input's shape where the node is a single number; an array of the
    node's shape where each of its entries depends on one entry of the input (element-wise operations).

    >>> x = Value([1.0, 2.0])
    >>> local_derivative(x * x, 0), local_derivative(x.sum(), 0), local_derivative(x.softmax(), 0)
    (array([1., 2.]), array([1., 1.]), None)
    """
    assert node.op is not None
    x = node.inputs[position]
    if is_stale(node) or max(node.size, x.size) > LARGE:
        return None
    if not node.shape:
        return flow(node, position, 1.0)
    if not node.op.elementwise:
        return None
    arguments = np.ones(node.shape, node.dtype), *map(number_of, (node, *node.inputs))
    with np.errstate(all="ignore"):
        factor = run(node.op.derivative(position), arguments, node.options)
    return np.broadcast_to(factor, node.shape)
