"""A computation graph as text, for the terminal.

    loss  (^)  data 0.1669  grad 1
    ├── (−)  data −0.4085  grad −0.8171
    │   ├── p  (σ)  data 0.5915  grad −0.8171
    ⋮   ⋮
    └── 2

A graph is no tree: what is used twice is drawn once, and named where it is used again.
"""

from __future__ import annotations

from tinygrad_edu.drawing.graph.derivatives import number_of
from tinygrad_edu.drawing.shorten import edge_number
from tinygrad_edu.number import Array
from tinygrad_edu.support import SIGNS
from tinygrad_edu.value import Value


def text_tree(value: Value, *, max_lines: int = 200, max_depth: int = 40, digits: int = 4) -> str:
    """Return a text drawing of how a Value was computed, with data and gradients.

    Beyond `max_lines` lines or `max_depth` levels, it says how much is left out.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> print(text_tree(loss))
    (tanh)  data 0.9993  grad 1
    └── (+)  data 4  grad 0.001341
        ├── (×)  data −6  grad 0.001341
        │   ├── a  data 2  grad −0.004023
        │   └── b  data −3  grad 0.002682
        └── 10
    """
    lines: list[str] = []
    numbers: dict[Value, int] = {}  # the line in which each Value stands
    left_out = 0
    # Each entry: what to draw, what stands before it, before its own inputs, and how deep it is.
    todo: list[tuple[Array, str, str, int]] = [(value, "", "", 0)]
    while todo:
        x, before, below, depth = todo.pop()
        if len(lines) >= max_lines:
            left_out += 1
            continue
        if type(x) is not Value:
            lines.append(before + edge_number(x, digits))
            continue
        if x in numbers:
            again = "" if x.op is None else f"  (as in line {numbers[x]})"
            lines.append(f"{before}{_line(x, digits)}{again}")
            continue
        lines.append(before + _line(x, digits))
        numbers[x] = len(lines)
        if depth >= max_depth and x.inputs:
            lines.append(f"{below}└── … deeper; draw() or tree(max_depth=…) shows more")
            continue
        last = len(x.inputs) - 1
        for position in range(last, -1, -1):
            fork, rail = ("└── ", "    ") if position == last else ("├── ", "│   ")
            todo.append((x.inputs[position], below + fork, below + rail, depth + 1))
    if left_out:
        lines.append(f"… at least {left_out:,} more; tree(max_lines=…) shows more")
    return "\n".join(lines)


def _line(value: Value, digits: int) -> str:
    """Return a Value in one line."""
    words = [value.name.replace("\n", " ").translate(SIGNS)] if value.name else []
    if value.op is not None:
        words.append(f"({value.op.symbol})")
    words.append(f"data {edge_number(number_of(value), digits)}")
    if value.grad is not None:
        words.append(f"grad {edge_number(number_of(value.grad), digits)}")
    return "  ".join(words)
