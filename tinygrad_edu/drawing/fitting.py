"""Room for text in any font: a picture is drawn here, and read in a font that nobody here knows.

An SVG names its fonts, and each viewer takes what it has: Helvetica, Arial, DejaVu Sans, Noto Sans … Graphviz
measures text in a font of the machine that draws, so elsewhere text would overflow its box. Therefore
each cell is made at least as wide as its text in the widest of the usual fonts (`with_room`), and text is
anchored where it belongs, in the middle of its cell or at its side, so that a narrower font leaves as much
room on both sides (`anchored`).

Graphviz writes where a text starts, wherever it belongs. How wide it took the text to be is told by a mark
behind it: a letter of one point, which is taken out again.
"""

from __future__ import annotations

import math
import re
import unicodedata

#: Characters by their width, in parts of the font size: in the widest of DejaVu, Liberation and Noto Sans.
_CHARACTERS = {
    0.28: "ijl'′ⁱʲ",
    0.34: " ,.·:;I",
    0.42: "frt!()[]/\\-°ʸᵀ¹²³₀₁₂₃₄₅₆₇₈₉",
    0.50: 'J`"ˣ⁻',
    0.56: "szcLε*?_|",
    0.60: "kvxyγλτ∂",
    0.64: "0123456789abdeghnopquFT{}$Σ√σβδθμρ",
    0.70: "ABEKPSVXYZαπ∇",
    0.79: "CDGHNOQRU&φ∑",
    0.85: "w#+<=>^~−×↦⊙ω∞≤≥≠≈✗",
}
_WIDTHS = {character: width for width, all in _CHARACTERS.items() for character in all}
#: Any other is as wide as the font is high; in bold, each is so much wider.
_OTHER, _BOLD = 1.0, 0.1

#: The size of text outside of any <FONT POINT-SIZE>, as in `style.new_graph`.
_SIZE = 12.0
_ENTITIES = re.compile(r"&(?:#?\w+);")
_NAMED = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#160;": " ", "&#92;": "\\"}
_CELL = re.compile(r"<TD([^<>]*)>((?:(?!</?TD|<TABLE).)*)</TD>", re.DOTALL)
_TABLE = (
    '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR><TD>{}</TD></TR></TABLE>'
)
_MARKED = re.compile(
    r'<text([^<>]*) text-anchor="start" x="([-\d.]+)"([^<>]*>[^<>]*</text>\n)'
    r'<text[^<>]* x="([-\d.]+)"[^<>]* font-size="1\.00"[^<>]*>([lmr])</text>\n'
)


def width_of(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text is, in points, in the widest of the usual sans-serif fonts.

    >>> round(width_of("0.5", 10.0), 1), round(width_of("é", 10.0, bold=True), 1)
    (16.2, 7.4)
    """
    letters = (unicodedata.normalize("NFD", character)[0] for character in text)
    return size * sum(_WIDTHS.get(letter, _OTHER) + _BOLD * bold for letter in letters)


def with_room(source: str) -> str:
    """Return DOT text in which each cell of a label has room for its text, with a mark behind each text."""
    done, at = [], 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|=<', source):
        if found.group() == "=<" and found.end() > at:
            end = _end_of_label(source, found.end())
            done += [source[at : found.end()], _roomy(source[found.end() : end])]
            at = end
    return "".join([*done, source[at:]])


def anchored(svg: str) -> str:
    """Return an SVG in which each marked text is anchored in its middle or at its side, without the marks."""

    def anchor(found: re.Match[str]) -> str:
        before, start, after, end, side = found.groups()
        name, x = {
            "l": ("start", float(start)),
            "m": ("middle", (float(start) + float(end)) / 2),
            "r": ("end", float(end)),
        }[side]
        return f'<text{before} text-anchor="{name}" x="{x:.2f}"{after}'

    return _MARKED.sub(anchor, svg)


def _end_of_label(source: str, start: int) -> int:
    """Return where the label ends that begins at `start`, behind its "<"."""
    depth = 1
    for sign in re.finditer("[<>]", source[start:]):
        depth += 1 if sign.group() == "<" else -1
        if not depth:
            return start + sign.start()
    return len(source)


def _roomy(label: str) -> str:
    if "<TABLE" not in label:
        label = _TABLE.format(label)
    return _CELL.sub(_roomy_cell, label)


def _roomy_cell(found: re.Match[str]) -> str:
    attributes, content = found.groups()
    parts = re.split(r"(<[^<>]*>)", content)  # text, tag, text, tag, … text
    sizes, bold, line, widest = [_SIZE], False, 0.0, 0.0
    for part in parts:
        if part.startswith("<FONT"):
            size = re.search(r"POINT-SIZE=[\"']([\d.]+)", part)
            sizes.append(float(size[1]) if size else sizes[-1])
        elif part == "</FONT>":
            sizes.pop()
        elif part in ("<B>", "</B>"):
            bold = part == "<B>"
        elif part.startswith("<BR"):
            line = 0.0
        elif part:
            shown = _ENTITIES.sub(lambda entity: _NAMED.get(entity.group(), "?"), part)
            line += width_of(shown, sizes[-1], bold)
        widest = max(widest, line)
    if not widest or "FIXEDSIZE" in attributes:
        return found.group()
    side = re.search(r' ALIGN="(LEFT|RIGHT)"', attributes)
    mark = f'<FONT POINT-SIZE="1">{side[1][0].lower() if side else "m"}</FONT>'
    marked = "".join(part + mark if part and part[0] != "<" else part for part in parts)
    padding = re.search(r'CELLPADDING="(\d+)"', attributes)
    width = math.ceil(widest) + 2 * (int(padding[1]) + 1 if padding else 1)
    given = re.search(r' WIDTH="(\d+)"', attributes)
    if given:
        attributes = attributes.replace(given.group(), "")
        width = max(width, int(given[1]))
    return f'<TD{attributes} WIDTH="{width}">{marked}</TD>'
