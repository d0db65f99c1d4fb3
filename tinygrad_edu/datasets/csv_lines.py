"""Lines of CSV as numbers, and where in them the first mistake is.

NumPy reads a block of lines at once, and very fast. If anything in the block is wrong, it is gone through
again cell by cell, slowly, to say which cell it is: a fast way while all is well, and a patient one for the
message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.support import warn_caller

Batch: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]  # pixels and labels
Line: TypeAlias = tuple[int, str]  # its number, counted from 1, and its text, which is not blank

_LABEL_NAMES = ("label", "class")
#: Names of columns that number the lines: pandas writes one without a name, and reads it as "Unnamed: 0".
_NUMBERING = re.compile(
    r"|#|unnamed: *\d.*|level_0|key|row"
    r"|((image|img|row|sample|line)[ _-]?)?(id|index|idx|number|no\.?|nr\.?)",
    re.IGNORECASE,
)
_MANY = 16  # so many running numbers are no chance


@dataclass(frozen=True)
class Columns:
    """What the first line tells: how cells are parted, what columns are called, which is the label."""

    path: Path
    delimiter: str
    names: list[str]
    label: int  # which of them is the label
    pixels: list[int]  # which of them are pixels
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
        pixels = list(range(1, len(cells)))
        return Columns(path, delimiter, names, 0, pixels, False, classes), chain([first], lines)
    if len(labels) != 1:
        raise ValueError(
            f"{path}, line {number}: expected one column called {' or '.join(_LABEL_NAMES)}, found "
            f"{len(labels) or 'none'} among {len(cells)} names: {', '.join(cells[:3])[:80]}, …"
        )
    return _named_columns(path, number, delimiter, cells, labels[0], classes), lines


def _named_columns(
    path: Path, number: int, delimiter: str, names: list[str], label: int, classes: int
) -> Columns:
    """Return what a line of names tells, and say which columns hold no pixels."""
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise ValueError(
            f"{path}, line {number}: there is more than one column called {', '.join(sorted(twice))[:80]}; "
            "each pixel has a column of its own, so remove the copies"
        )
    others = [i for i in range(len(names)) if i != label]
    numbering = [i for i in others if _NUMBERING.fullmatch(names[i])]
    pixels = [i for i in others if i not in numbering]
    if not pixels:
        raise ValueError(f"{path}, line {number}: names no pixels, only {', '.join(names)[:80]}")
    if numbering:
        said = ", ".join(f"{i + 1} ({names[i] or 'without a name'})" for i in numbering)
        warn_caller(
            f"{path}: column {said[:200]} numbers the lines and holds no pixels; passed over"
        )
    return Columns(path, delimiter, names, label, pixels, True, classes)


def read_numbers(block: list[Line], columns: Columns) -> Batch:
    """Return the pixels and labels in some lines."""
    wanted = [columns.label, *columns.pixels]
    skips = len(wanted) < len(columns.names)
    parts = len(columns.names) - 1
    if skips and any(line.count(columns.delimiter) != parts for _, line in block):
        raise _what_is_wrong(block, columns)
    try:
        table = np.loadtxt(
            [line for _, line in block], np.float32, comments=None, delimiter=columns.delimiter,
            quotechar='"', ndmin=2, usecols=wanted if skips else None,
        )  # fmt: skip
    except ValueError:
        raise _what_is_wrong(block, columns) from None
    if not skips:
        if table.shape[1] != len(wanted):
            raise _what_is_wrong(block, columns)
        table = table[:, wanted]
    limits = np.array([columns.classes - 1] + [255] * len(columns.pixels))
    if not np.all((table >= 0) & (table <= limits) & (table == np.floor(table))):
        raise _what_is_wrong(block, columns)
    labels, pixels = table[:, 0].astype(np.int64), table[:, 1:].astype(np.uint8)
    if columns.label > 0 and len(block) >= _MANY and np.all(np.diff(table[:, 1]) == 1):
        raise ValueError(
            f"{columns.path}: the first column, {columns.names[columns.pixels[0]]}, seems to number the "
            "lines; call it id, and it is passed over"
        )
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
            if column not in (columns.label, *columns.pixels):
                continue
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
