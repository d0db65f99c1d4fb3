"""One's own points from a table: CSV with two numbers and a class on each line.

A spreadsheet writes commas, semicolons or tabs, with a header or without, and classes may be any words: the
first is drawn orange, the second blue, the third green. Numbers beyond the plane that is shown are stretched
into it, each column for itself.
"""

from __future__ import annotations

import csv
import io

import numpy as np

from tinygrad_edu.playground.settings import MOST_OWN, Point


def read_points(text: str) -> tuple[Point, ...]:
    r"""Return the points of a table. Raises ValueError, which says the line and what was expected there.

    >>> read_points("x,y,color\n1,2,red\n-3,4,blue\n")
    ((1.0, 2.0, 1), (-3.0, 4.0, 0))
    """
    rows = _rows(text.lstrip("\ufeff"))
    if not rows:
        raise ValueError("there are no points in this file; expected lines such as 1.5,-2,blue")
    if len(rows) > MOST_OWN:
        raise ValueError(f"there are {len(rows)} points in this file; {MOST_OWN} are the most")
    names = sorted({name for _, _, name in rows}, key=_in_order)
    if len(names) > 3:
        raise ValueError(
            f"there are {len(names)} classes in the third column ({', '.join(names[:4])}, …); "
            "three are the most"
        )
    places = np.array([row[:2] for row in rows])
    low, high = places.min(axis=0), places.max(axis=0)
    if np.abs(places).max() > 6:
        places = (places - low) / np.where(high > low, high - low, 1.0) * 10 - 5
    return tuple(
        (round(float(x), 2), round(float(y), 2), names.index(name))
        for (x, y), (_, _, name) in zip(places, rows, strict=True)
    )


def _rows(text: str) -> list[tuple[float, float, str]]:
    first = text.split("\n", 1)[0]
    parted = max(",;\t", key=first.count)
    rows = []
    for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=parted), start=1):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            x, y, name = (cell.strip() for cell in cells[:3])
            place = float(x), float(y)
        except ValueError:
            if number == 1:
                continue  # a header
            raise ValueError(
                f"line {number} is {parted.join(cells)[:60]!r}; expected two numbers and a class, "
                "such as 1.5,-2,blue"
            ) from None
        if not np.isfinite(place).all():
            raise ValueError(f"line {number} holds {x} and {y}; expected two finite numbers")
        rows.append((*place, name))
    return rows


def _in_order(name: str) -> tuple[float, str]:
    """Numbers by size, so that −1 is orange and 1 blue; words by the alphabet."""
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name
