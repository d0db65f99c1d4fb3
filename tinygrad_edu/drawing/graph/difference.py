"""Two graphs of one program: where do their gradients part?

A wrong derivative spoils the gradient of the Value it flows into and of everything behind it. Going backward
from the result, the first Value whose gradients differ is therefore next to the fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_edu.drawing.graph.derivatives import flow, is_stale, number_of
from tinygrad_edu.drawing.picture import GraphPicture, uses_of
from tinygrad_edu.drawing.shorten import panel
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value


def mark_difference(
    picture: GraphPicture,
    nodes: Sequence[Value],
    other: Value,
    digits: int,
) -> None:
    """Write the other graph's gradient into each node where it differs, and mark the first in red."""
    if not isinstance(other, Value):
        raise TypeError(
            f"expected diff to be a Value, the result of another run, got {type(other).__name__}"
        )
    pairs, odd = pair(nodes[0], other)
    if odd is not None:
        picture.notes.append(
            f"the two graphs are not alike: {_name(odd)} has no counterpart in the other graph"
        )
    parted = [node for node in nodes if node in pairs and differ(node.grad, pairs[node].grad)]
    by_value = {
        node.value: node for node in picture.nodes if node.kind not in ("operation", "fold")
    }
    for node in parted:
        if node in by_value and (there := pairs[node].grad) is not None:
            by_value[node].panels.append(panel("other", number_of(there), digits))
    if not parted:
        if any(differ(number_of(node), number_of(pairs[node])) for node in pairs):
            picture.notes.append("the graphs hold different data")
        picture.notes.append("no gradient differs between the two graphs")
        return
    first = parted[0]
    if first in by_value:
        by_value[first].mark = "wrong"
    culprits = _mark_edges(picture, first, pairs)
    through = f", in what flows through {' and '.join(dict.fromkeys(culprits))}" if culprits else ""
    picture.notes.append(
        f"going backward, gradients first part at {_name(first)}{through}; "
        f"{len(parted)} of {len(pairs)} differ"
    )


def _mark_edges(picture: GraphPicture, first: Value, pairs: Mapping[Value, Value]) -> list[str]:
    """Mark the edges along which something else flows back into a Value; return their operations' names."""
    culprits = []
    for edge, value, position in uses_of(picture):
        used = value.inputs[position] is first and value in pairs and value.grad is not None
        if used and not is_stale(value) and not is_stale(pairs[value]):
            here = flow(value, position, number_of(value.grad))
            twin = pairs[value]
            if twin.grad is None or differ(here, flow(twin, position, number_of(twin.grad))):
                edge.mark = "wrong"
                culprits.append(value.op.name if value.op else "")
    return culprits


def pair(value: Value, other: Value) -> tuple[dict[Value, Value], Value | None]:
    """Walk two graphs side by side; return each Value's counterpart, and the first Value without one.

    >>> a, b = Value(1.0), Value(1.0)
    >>> pairs, odd = pair(a * 2.0, b * 2.0)
    >>> pairs[a] is b, odd
    (True, None)
    """
    pairs = {value: other}
    todo = [(value, other)]
    odd = None
    while todo:
        here, there = todo.pop()
        alike = _operation(here) == _operation(there) and len(here.inputs) == len(there.inputs)
        if not alike:
            odd = here if odd is None else odd
            continue
        for x, y in zip(here.inputs, there.inputs, strict=True):
            if type(x) is Value and type(y) is Value and x not in pairs:
                pairs[x] = y
                todo.append((x, y))
    return pairs, odd


def differ(here: Array, there: Array) -> bool:
    """Return whether two gradients differ by more than rounding; a missing one differs from any."""
    if here is None or there is None:
        return here is not there
    a, b = np.asarray(number_of(here)), np.asarray(number_of(there))
    return a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True)


def _operation(value: Value) -> str:
    return value.op.symbol if value.op else ""


def _name(value: Value) -> str:
    operation = f"the result of {value.op.name}" if value.op else "a leaf"
    return f"{value.name!r}" if value.name else f"{operation}"
