"""Numbers as people write them: short, and a table or a heat map where there are many.

A picture has room for three or four digits, not for 0.30000000000000004. One number becomes a few
characters; up to 8×8 numbers become a table of shaded cells; more become their smallest, mean and largest
and a small map in which one cell stands for the mean of a block. Negative is orange, positive is blue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.number import Array

#: Up to this many rows and columns are written out.
TABLE = 8
#: A heat map has at most this many rows and columns.
MAP = 12


def check_counts(**numbers: int) -> None:
    """Raise TypeError or ValueError, which names it, for an option that is no whole number from 1 on.

    >>> check_counts(digits=0)
    Traceback (most recent call last):
    ValueError: expected digits to be 1 or more, got 0
    """
    for name, number in numbers.items():
        if not isinstance(number, int):
            raise TypeError(f"expected {name} to be a whole number, got {type(number).__name__}")
        if number < 1:
            raise ValueError(f"expected {name} to be 1 or more, got {number}")


def short(number: float, digits: int = 4) -> str:
    """Return a number with at most `digits` significant digits, and without needless zeros.

    >>> short(0.1 + 0.2), short(-2.0), short(1234567.0), short(0.00001234567, digits=3)
    ('0.3', '−2', '1.235e6', '1.23e−5')
    """
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if number == int(number) and abs(number) < 10 ** max(digits, 5):
        text = str(int(number))
    else:
        text = f"{number:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def edge_number(number: Array, digits: int = 4) -> str:
    """Return a number for the side of an edge, where there is room for one line.

    >>> edge_number(np.array([[1.0, 2.0]]), 4), edge_number(np.ones(3), 4)
    ('1×2: 1 … 2', '3: all 1')
    """
    if not isinstance(number, np.ndarray):
        return short(float(number), digits)
    if not number.size:
        return f"{shape_text(number.shape)}: empty"
    return f"{shape_text(number.shape)}: {range_text(number, min(digits, 3))}"


@dataclass(frozen=True, slots=True)
class Panel:
    """Some numbers as a picture shows them.

    `label` says what they are ("data", "grad"); `lines` is text; `cells` holds, row by row, a text (empty in
    a heat map) and a shade from −1 (most negative) to 1 (most positive) for each number or block.
    """

    label: str
    lines: tuple[str, ...]
    cells: tuple[tuple[tuple[str, float], ...], ...] = ()


def panel(label: str, number: Array, digits: int = 4, cells: bool = True) -> Panel:
    """Return a float or an array (of any shape) as a `Panel`; `cells=False` leaves tables and maps out.

    >>> panel("data", 0.5).lines
    ('0.5',)
    >>> panel("data", np.arange(100.0).reshape(10, 10)).lines
    ('10×10 float64', 'min 0, mean 49.5, max 99')
    """
    if not isinstance(number, np.ndarray):
        return Panel(label, (short(float(number), digits),))
    empty = "" if number.size else ": empty"
    lines = [f"{shape_text(number.shape)} {number.dtype}{empty}"]
    flat = number.reshape(-1, number.shape[-1]) if number.size else np.empty((0, 0))
    written = max(flat.shape) <= TABLE
    if number.size and not (written and cells):
        lines.append(range_text(number, min(digits, 3), ("min ", "mean ", "max ")))
    if not cells or not number.size or (not written and lines[-1].startswith("all")):
        return Panel(label, tuple(lines))
    shown = flat if written else blocks(flat)
    finite = np.abs(shown[np.isfinite(shown)])
    largest = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    rows = tuple(
        tuple((short(x, digits) if written else "", shade(x / largest)) for x in row)
        for row in shown.tolist()
    )
    return Panel(label, tuple(lines), rows)


def shade(x: float) -> float:
    """Return x within −1 … 1, and 0 for NaN: how strongly a cell is colored."""
    return 0.0 if x != x else round(min(max(x, -1.0), 1.0), 3)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people say it.

    >>> shape_text((64, 10)), shape_text((3,))
    ('64×10', '3')
    """
    return "×".join(map(str, shape))


def range_text(number: np.ndarray[Any, Any], digits: int = 4, labels: tuple[str, ...] = ()) -> str:
    """Return the smallest and the largest of some numbers; with three labels the mean between them.

    >>> range_text(np.array([1.0, 2.0])), range_text(np.zeros(3))
    ('1 … 2', 'all 0')
    """
    with np.errstate(all="ignore"):
        low, middle, high = (float(f(number)) for f in (np.min, np.mean, np.max))
    if low == high:
        return f"all {short(low, digits)}"
    if labels:
        texts = (short(x, digits) for x in (low, middle, high))
        return ", ".join(label + text for label, text in zip(labels, texts, strict=True))
    return f"{short(low, digits)} … {short(high, digits)}"


def blocks(flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a matrix of at most MAP×MAP blocks, each the mean of what it stands for."""
    for axis in (0, 1):
        length = flat.shape[axis]
        if length > MAP:
            edges = np.linspace(0, length, MAP + 1).astype(int)
            sums = np.add.reduceat(flat, edges[:-1], axis=axis, dtype=float)
            flat = sums / np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
    return flat
