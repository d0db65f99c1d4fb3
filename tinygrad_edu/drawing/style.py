"""Ink: fonts, colors, shapes, and a user's text as Graphviz takes it.

The colors are those of Okabe and Ito, which the color-blind can tell apart, and nothing is told by color
alone: leaves have corners, results are round, the output has a double line, constants are small and dotted,
folds look like a box, a fault is thick and has a ✗. Gradients are always vermilion.
"""

from __future__ import annotations

import re
from html import escape as html_escape

import graphviz

from tinygrad_edu.support import SIGNS, colors

FONT = "Helvetica,Arial,sans-serif"
INK, GRAY, FAINT, PALE = colors.INK, colors.GRAY, "#8a8a8a", "#c4c4c4"
#: The lines between nodes, and around what was computed.
LINE = "#555555"
#: What flows back, everywhere: vermilion, dark enough to read.
GRADIENT = colors.GRADIENT
#: The same beside a path that is marked: still told apart from what flows forward.
FAINT_GRADIENT = "#a8837a"
PATH, WRONG = colors.BLUE, "#d00000"
POSITIVE, NEGATIVE, NEGATIVE_INK = colors.BLUE, colors.VERMILION, colors.DARK_VERMILION

#: What each color becomes where a reader wants a dark page. A page that has its own tells it in --paper.
DARK = {
    "white": "var(--paper, #0d1117)",
    INK: "#e6edf3",
    GRAY: "#a3adb8",
    FAINT: "#7d8590",
    PALE: "#3d444d",
    LINE: "#8b949e",
    GRADIENT: "#ff9a66",
    FAINT_GRADIENT: "#8f7268",
    WRONG: "#ff6b6b",
    NEGATIVE_INK: "#ff9a66",
    colors.PALE_BLUE: "#10283c",  # the grounds of the nodes …
    colors.PALE_ORANGE: "#382a10",
    "#eeeeee": "#262c33",
    "#fbf3c4": "#3d3814",
    "#e8e4ee": "#2c2638",
    "#fafafa": "#14181d",
    "#ffe9e9": "#43161a",
    "#e8e8e8": "#30363d",
    colors.DARK_ORANGE: "#d29a3e",  # … and their frames
    "#999999": "#6e7681",
    "#a08a1e": "#b5a235",
    "#5b4a72": "#a996c6",
    "#888888": "#6e7681",
    "#444444": "#8b949e",
    "#bbbbbb": "#484f58",
}
_PARTS = ("fill", "stroke")
#: As lines and letters; as the ground of a number, they are dark enough.
DARK_INK = {POSITIVE: "#58b0f0", NEGATIVE: "#ff8c3a"}

#: How each kind of node looks.
STYLES = {
    "leaf": {
        "shape": "box",
        "style": "filled",
        "fillcolor": colors.PALE_BLUE,
        "color": colors.BLUE,
    },
    "result": {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "white",
        "color": LINE,
    },
    "output": {
        "shape": "box",
        "style": "filled",
        "fillcolor": colors.PALE_ORANGE,
        "color": colors.DARK_ORANGE,
        "peripheries": "2",
    },
    "constant": {
        "shape": "box",
        "style": "rounded,filled,dotted",
        "fillcolor": "#eeeeee",
        "color": "#999999",
        "margin": "0.08,0.02",
        "height": "0.2",
        "width": "0.2",
    },
    "operation": {
        "shape": "ellipse",
        "style": "filled",
        "fillcolor": "#fbf3c4",
        "color": "#a08a1e",
        "margin": "0.02,0.01",
        "width": "0.4",
        "height": "0.4",
        "ordering": "in",  # a − b: a comes first
    },
    "fold": {
        "shape": "box3d",
        "style": "filled",
        "fillcolor": "#e8e4ee",
        "color": "#5b4a72",
        "margin": "0.15,0.08",
    },
}
MARKS = {
    "": {},
    "path": {"color": PATH, "penwidth": "2.4"},
    "faded": {"color": PALE, "fillcolor": "#fafafa", "fontcolor": FAINT},
    "wrong": {"color": WRONG, "penwidth": "4", "fillcolor": "#ffe9e9"},
}


def new_graph(**attributes: str) -> graphviz.Digraph:
    """Return an empty graph with the house's fonts and lines."""
    graph = graphviz.Digraph()
    graph.attr(
        fontname=FONT, bgcolor="white", pad="0.06", nodesep="0.2", ranksep="0.35", **attributes
    )
    graph.attr("node", fontname=FONT, fontsize="12", fontcolor=INK, margin="0.03,0.03")
    graph.attr("edge", fontname=FONT, fontsize="10", fontcolor=INK, color=LINE, arrowsize="0.7")
    return graph


def cell_color(shade: float) -> str:
    """Return blue for a positive, orange for a negative shade; near 0, the paper shines through.

    >>> cell_color(0.0), cell_color(1.0), cell_color(-0.5)
    ('#d55e0000', '#0072b2ff', '#d55e0080')
    """
    return f"{POSITIVE if shade > 0 else NEGATIVE}{round(255 * abs(shade)):02x}"


def ink_on(shade: float) -> str:
    """Return the color in which text is readable on a cell: white on strong blue, else black."""
    return "#ffffff" if shade > 0.85 else INK


def with_dark_colors(svg: str) -> str:
    r"""Return an SVG with a style that takes over where a reader wants dark pages.

    >>> print(with_dark_colors('<svg>\n<path fill="white"/></svg>'))
    <svg class="tinygrad-edu">
    <style>
    @media (prefers-color-scheme: dark) {
    :where(.tinygrad-edu) [fill="white"] { fill: var(--paper, #0d1117) }
    }
    </style>
    <path fill="white"/></svg>
    """
    looks = [(f'[{what}="{old}"]', what, new) for old, new in DARK.items() for what in _PARTS]
    for old, new in DARK_INK.items():
        looks += [(f'[stroke="{old}"]', "stroke", new), (f'text[fill="{old}"]', "fill", new)]
    rules = [
        f":where(.tinygrad-edu) {selector} {{ {what}: {new} }}\n"
        for selector, what, new in looks
        if selector[selector.index("[") + 1 : -1] in svg
    ]
    style = f"<style>\n@media (prefers-color-scheme: dark) {{\n{''.join(rules)}}}\n</style>\n"
    opening, end, rest = svg.partition(">\n")
    return f'{opening} class="tinygrad-edu"{end}{style}{rest}'


def on_white(text: str, spacing: int = 0, padding: int = 1) -> str:
    """Return a label with a white ground, to stand on lines, and `spacing` points of clear space around."""
    frame = f'BORDER="0" CELLBORDER="0" CELLPADDING="{padding}" CELLSPACING="{spacing}"'
    return f'<TABLE {frame}><TR><TD BGCOLOR="white">{text}</TD></TR></TABLE>'


def font(text: str, size: int, color: str = "") -> str:
    """Return a label's text in a size, in points, and a color."""
    ink = f' COLOR="{color}"' if color else ""
    return f'<FONT POINT-SIZE="{size}"{ink}>{text}</FONT>'


def html(text: str) -> str:
    """Mark a text as one of Graphviz's HTML-like labels."""
    return f"<{text}>"


def bold(text: str) -> str:
    """Return a user's text in bold."""
    return f"<B>{escape(broken(text))}</B>"


def broken(text: str, width: int = 40) -> str:
    r"""Return a text with its long lines broken, after a space, a dot or an underscore if there is one.

    >>> broken("encoder.layer_12.attention", width=20)
    'encoder.layer_12.\nattention'
    """
    long = rf"(?=[^\n]{{{width + 1}}})"
    return re.sub(
        rf"{long}([^\n]{{{width // 2},{width - 1}}}[ ._]|[^\n]{{{width}}})", r"\1\n", text
    )


def in_page(text: str) -> str:
    r"""Return a user's text so that a page or an SVG shows it as typed, in one line.

    Characters that no XML file may hold are shown as the signs for them, as `escape` does.

    >>> in_page('a<b> & "c"\n')
    'a&lt;b&gt; &amp; "c"␊'
    """
    return html_escape(text.translate(SIGNS), quote=False)


def escape(text: str) -> str:
    r"""Return a user's text so that Graphviz shows it as typed, in as many lines.

    Graphviz would read \N as the node's name, so a backslash is doubled as well. Characters that no XML
    file may hold are shown as the signs for them: ␀, ␁, …

    >>> escape('a<b>\\N & "c"\n|{d}')
    'a&lt;b&gt;&#92;&#92;N &amp; &quot;c&quot;<BR/>|{d}'
    """
    return text.translate(_ESCAPES)


_ESCAPES = SIGNS | str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\\": "&#92;&#92;",
        "\n": "<BR/>",
        "\t": "    ",
    }
)
