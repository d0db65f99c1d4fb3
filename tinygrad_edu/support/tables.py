"""Tables for people: the same rows as text for a terminal, as Markdown and as HTML for a notebook.

Cells are texts: who writes a table decides how many digits are worth reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import fill

#: Prose is wrapped to this many columns.
WIDTH = 100
#: Colors of marked rows in HTML, in light and dark notebooks; what they mean is written in the row as well.
COLORS = {
    "good": "background:#e8f5e9;color:#1b1b1b",
    "bad": "background:#ffebee;color:#1b1b1b",
    "": "background:transparent",
}


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with straight columns, numbers to the right; the first row may be a header.

    >>> aligned([["name", "size"], ["w", "12"], ["bias", "3"]])
    ['name  size', 'w       12', 'bias     3']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = _numeric(rows)
    return [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    ]


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] | None = None
) -> str:
    """Return a table with a rule below its header, and another one above its last row if there is a `total`.

    >>> print(text_table(["name", "size"], [["w", "12"], ["bias", "3"]], total=["", "15"]))
    name  size
    ----------
    w       12
    bias     3
    ----------
            15
    """
    last = [total] if total else []
    first, *lines = aligned([header, *rows, *last])
    rule = "-" * max(map(len, [first, *lines]))
    if total:
        lines.insert(-1, rule)
    return "\n".join([first, rule, *lines])


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return rows as a Markdown table.

    >>> print(markdown_table(["a", "b"], [["1", "x|y"]]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = [[cell.replace("|", "\\|") for cell in row] for row in [header, *rows]]
    written = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([written[0], "|" + "---|" * len(header), *written[1:]])


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str] | None = None
) -> str:
    """Return rows as an HTML table; `marks` says of each row whether it is "good", "bad" or neither.

    >>> "&lt;w&gt;" in html_table(["name"], [["<w>"]], ["bad"])
    True
    """
    sides = ["right" if numeric else "left" for numeric in _numeric([header, *rows])]

    def line(tag: str, cells: Sequence[str], mark: str = "") -> str:
        written = "".join(
            f"<{tag} style='text-align:{side};padding:2px 10px'>{escape(cell)}</{tag}>"
            for cell, side in zip(cells, sides, strict=True)
        )
        return f"<tr style='{COLORS[mark]}'>{written}</tr>"

    body = "".join(line("td", *row) for row in zip(rows, marks or [""] * len(rows), strict=True))
    return f"<table><thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"


def number(x: float | None, digits: int = 9) -> str:
    """Return a number as pencil and paper would have it: nine decimals, short where it is short.

    >>> number(0.5), number(0.08216704056), number(1.0), number(3e-12), number(None)
    ('0.5', '0.082167041', '1', '3.000000e-12', '–')
    >>> number(0.08216704056, 8), number(-3e-12, 8), number(float("nan"))
    ('0.08216704', '-3.00000e-12', 'nan')
    """
    if x is None:
        return "–"
    if x == round(x, 4) and abs(x) < 1e6:
        return f"{x:g}" if x != int(x) else str(int(x))
    return f"{x:.{digits}f}" if 1e-5 <= abs(x) < 1e5 else f"{x:.{digits - 3}e}"


def small(x: float | None) -> str:
    """Return a relative difference: two digits are enough, and none where it is mere rounding.

    >>> small(1.234e-8), small(2e-16), small(None)
    ('1.2e-08', '<1e-13', '–')
    """
    if x is None or x != x:
        return "–"
    return "<1e-13" if x < 1e-13 else f"{x:.1e}"


def wrap(line: str) -> str:
    """Return a line of prose as several, indented from the second on, where it is wider than a page."""
    return fill(line, WIDTH, subsequent_indent="    ")


def name_list(names: list[str], most: int = 4) -> str:
    """Return names for a line of text, and how many more there are.

    >>> name_list(["w1", "w2", "w3"], most=2)
    'w1, w2 and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _numeric(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Return of each column whether nothing but numbers stands below its first cell; they go to the right."""
    return [all(map(_is_number, column[1:])) for column in zip(*rows, strict=True)]


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "").lstrip("<"))
    except ValueError:
        return cell in ("–", "", ".", "≈0")
    return True
