"""Lines of CSV as numbers, and where in them the first mistake is.

NumPy reads a block of lines at once, and very fast. If anything in the block is wrong, it is gone through
again cell by cell, slowly, to say which cell it is: a fast way while all is well, and a patient one for the
message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Batch: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]  # pixels and labels
Line: TypeAlias = tuple[int, str]  # its number, counted from 1, and its text, which is not blank

_LABEL_NAMES = ("label", "class")


@dataclass(frozen=True)
class Columns:
    """What the first line tells: how cells are parted, what columns are called, which is the label."""

    path: Path
    delimiter: str
    names: list[str]
    label: int  # which of them is the label
    has_header: bool
    classes: int


def find_columns(lines: Iterator[Line], path: Path, classes: int) -> tuple[Columns, Iterator[Line]]:
    """Return what the first line tells, and all the lines that hold images."""
    first = next(lines, None)
    if first is None:
        raise ValueError(
            f"{path}: is empty; expected lines of a label and its pixels, as in 5,0,0,255"
        )
    number, line = first
    delimiter = next((mark for mark in ";\t" if mark in line), ",")
    cells = _cells(line, delimiter)
    if len(cells) < 2:
        raise ValueError(
            f"{path}, line {number}: has one cell only, {line[:40]!r}; expected a label and its pixels, "
            "parted by commas"
        )
    labels = [i for i, name in enumerate(cells) if name.lower() in _LABEL_NAMES]
    if not labels and any(_is_number(cell) for cell in cells):
        names = ["label", *(f"pixel {i}" for i in range(len(cells) - 1))]
        return Columns(path, delimiter, names, 0, False, classes), chain([first], lines)
    if len(labels) != 1:
        raise ValueError(
            f"{path}, line {number}: expected one column called {' or '.join(_LABEL_NAMES)}, found "
            f"{len(labels) or 'none'} among {len(cells)} names: {', '.join(cells[:3])[:80]}, …"
        )
    return Columns(path, delimiter, cells, labels[0], True, classes), lines


def read_numbers(block: list[Line], columns: Columns) -> Batch:
    """Return the pixels and labels in some lines."""
    try:
        table = np.loadtxt(
            [line for _, line in block], np.float32, comments=None, delimiter=columns.delimiter,
            quotechar='"', ndmin=2,
        )  # fmt: skip
    except ValueError:
        raise _what_is_wrong(block, columns) from None
    limits = np.full(len(columns.names), 255)
    limits[columns.label] = columns.classes - 1
    if table.shape[1] != len(limits) or not np.all(
        (table >= 0) & (table <= limits) & (table == np.floor(table))
    ):
        raise _what_is_wrong(block, columns)
    labels = table[:, columns.label].astype(np.int64)
    pixels = np.delete(table, columns.label, axis=1).astype(np.uint8)
    if not columns.has_header and not labels.any():
        last = np.unique(pixels[:, -1])
        if len(last) > 2 and last.max() < columns.classes:
            raise ValueError(
                f"{columns.path}: the labels seem to stand in the last column, since the first is 0 in "
                f"{len(block)} lines and the last goes from {last.min()} to {last.max()}; move them to the "
                "front, or put a line of names on top, with label above them"
            )
    return pixels, labels


def _what_is_wrong(block: list[Line], columns: Columns) -> ValueError:
    """Return an error that tells in which line and column the first mistake is."""
    for number, line in block:
        where = f"{columns.path}, line {number}"
        cells = _cells(line, columns.delimiter)
        if len(cells) != len(columns.names):
            return ValueError(
                f"{where}: has {len(cells)} cells, expected {len(columns.names)} as in the first line, a "
                f"label and {len(columns.names) - 1} pixels; is the file cut short, or a cell missing?"
            )
        for column, cell in enumerate(cells):
            is_label = column == columns.label
            limit = columns.classes - 1 if is_label else 255
            if _is_number(cell) and float(cell) in range(limit + 1):
                continue
            hint = ""
            if is_label and _is_number(cell):
                hint = "; give classes= if there are more" + (
                    "" if columns.has_header else
                    ", or a first line of names, label among them, if it stands in another column"
                )  # fmt: skip
            elif _is_number(cell) and 0 < float(cell) < 1:
                hint = "; if pixels go from 0 to 1 here, multiply them by 255 and round"
            return ValueError(
                f"{where}, column {column + 1} ({columns.names[column]}): found {cell[:40]!r}, expected a "
                f"whole number from 0 to {limit}{hint}"
            )
    return ValueError(
        f"{columns.path}, lines {block[0][0]} to {block[-1][0]}: are not numbers as NumPy reads them"
    )


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip(' "') for cell in line.split(delimiter)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
