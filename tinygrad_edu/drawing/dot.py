"""A picture in DOT, the language of Graphviz.

DOT says which nodes there are and how they look; Graphviz finds out where they go. This is the only place
that knows colours and shapes. The colours are those of Okabe and Ito, which the colour-blind can tell
apart, and nothing is told by colour alone: leaves have corners, results are round, the output has a double
line, constants are small and dashed, folds look like a box, a fault is thick and has a ✗. Gradients are
always vermilion.

The text is made by the `graphviz` package, in the order of the picture, so that the same picture gives the
same bytes.
"""

from __future__ import annotations

import graphviz

from tinygrad_edu.drawing.picture import Edge, Node, Picture
from tinygrad_edu.drawing.shorten import Panel

FONT = "Helvetica,Arial,sans-serif"
INK, GREY, PALE = "#1a1a1a", "#666666", "#c4c4c4"
#: What flows back, everywhere: vermilion, dark enough to read.
GRADIENT = "#b03a00"
PATH, WRONG = "#0072b2", "#d00000"
POSITIVE, NEGATIVE = (0, 114, 178), (213, 94, 0)

#: How each kind of node looks.
STYLES = {
    "leaf": {"shape": "box", "style": "filled", "fillcolor": "#e3f0fa", "color": "#0072b2"},
    "result": {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "#ffffff",
        "color": "#555555",
    },
    "output": {
        "shape": "box",
        "style": "filled",
        "fillcolor": "#fdf0d5",
        "color": "#a86400",
        "peripheries": "2",
    },
    "constant": {
        "shape": "box",
        "style": "rounded,filled,dashed",
        "fillcolor": "#eeeeee",
        "color": "#999999",
        "margin": "0.08,0.02",
        "height": "0.2",
        "width": "0.2",
    },
    "operation": {
        "shape": "ellipse",
        "style": "filled",
        "fillcolor": "#f6f0b8",
        "color": "#555555",
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
    "faded": {"color": PALE, "fillcolor": "#fafafa"},
    "wrong": {"color": WRONG, "penwidth": "4", "fillcolor": "#ffe9e9"},
}


def to_dot(picture: Picture) -> str:
    """Return a picture as the text of a DOT file.

    >>> print(to_dot(Picture([Node("v0", "leaf", "a")])).splitlines()[0])
    digraph {
    """
    graph = new_graph(rankdir="LR" if picture.direction == "right" else "TB")
    large = len(picture.nodes) > 300
    if large:  # a rougher layout, in seconds instead of minutes
        graph.attr(nslimit="0.05", nslimit1="0.05", mclimit="0.01", splines="line")
    for node in picture.nodes:
        if not node.part:
            _add_node(graph, node)
    members: dict[str, list[Node]] = {part: [] for part in picture.parts}
    for node in picture.nodes:
        if node.part:
            members[node.part].append(node)
    for number, (part, title) in enumerate(picture.parts.items()):
        with graph.subgraph(name=f"cluster_{number}") as cluster:
            cluster.attr(
                label=html(bold(title)), style="rounded,dashed", color="#888888", fontcolor=INK,
                labeljust="l", margin="10", id=f"cluster{number}",
            )  # fmt: skip
            for node in members[part]:
                _add_node(cluster, node)
    for number, edge in enumerate(picture.edges):
        _add_edge(graph, edge, f"e{number}")
    rows = [_legend()] if picture.legend else []
    rows += [f'<TR><TD ALIGN="LEFT">{escape(note)}</TD></TR>' for note in picture.notes]
    if rows:
        below = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>'
        graph.attr(label=html(below), labelloc="b", labeljust="l", fontsize="11", fontcolor=INK)
    return str(graph.source)


def new_graph(**attributes: str) -> graphviz.Digraph:
    """Return an empty graph with the house's fonts and lines."""
    graph = graphviz.Digraph()
    graph.attr(
        fontname=FONT, bgcolor="white", pad="0.15", nodesep="0.2", ranksep="0.35", **attributes
    )
    graph.attr("node", fontname=FONT, fontsize="12", fontcolor=INK, margin="0.06,0.03")
    graph.attr(
        "edge", fontname=FONT, fontsize="10", fontcolor=INK, color="#555555", arrowsize="0.7"
    )
    return graph


def _add_node(graph: graphviz.Digraph, node: Node) -> None:
    attributes = STYLES[node.kind] | MARKS[node.mark]
    faded = {"fontcolor": "#8a8a8a"} if node.mark == "faded" else {}
    graph.node(
        node.key,
        label=html(_label(node)),
        id=node.key,
        **{"class": f"{node.kind} {node.mark}".strip()},
        **(attributes | faded),
    )


def _label(node: Node) -> str:
    if node.kind == "operation":
        size = 16 if len(node.title) <= 2 else 12
        return f'<FONT POINT-SIZE="{size}">{escape(node.title)}</FONT>'
    if node.kind == "constant":
        text = "<BR/>".join(escape(line) for line in node.panels[0].lines)
        return f'<FONT POINT-SIZE="10" COLOR="{GREY}">{text}</FONT>'
    rows = f'<TR><TD COLSPAN="2">{bold(node.title)}</TD></TR>' if node.title else ""
    if node.mark == "wrong":
        rows = f'<TR><TD COLSPAN="2"><FONT COLOR="{WRONG}">✗ here</FONT></TD></TR>' + rows
    rows += "".join(_panel_row(panel, node.kind == "fold") for panel in node.panels)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'


def _panel_row(panel: Panel, wide: bool) -> str:
    color = GRADIENT if panel.label == "grad" else INK
    lines = "<BR/>".join(escape(line) for line in panel.lines)
    if wide:
        text = f'<FONT POINT-SIZE="10" COLOR="{GREY}">{lines}</FONT>'
        return f'<TR><TD COLSPAN="2">{text}</TD></TR>'
    if panel.cells:
        text = f'<FONT POINT-SIZE="9" COLOR="{color}">{lines}</FONT>'
        inside = f'<TR><TD ALIGN="LEFT">{text}</TD></TR><TR><TD>{cell_table(panel.cells)}</TD></TR>'
        content = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{inside}</TABLE>'
    else:
        size = 12 if len(panel.lines) == 1 else 9
        content = f'<FONT POINT-SIZE="{size}" COLOR="{color}">{lines}</FONT>'
    label = f'<FONT POINT-SIZE="10" COLOR="{color}">{escape(panel.label)} </FONT>'
    return f'<TR><TD ALIGN="RIGHT">{label}</TD><TD ALIGN="LEFT">{content}</TD></TR>'


def cell_table(cells: tuple[tuple[tuple[str, float], ...], ...], size: int = 7) -> str:
    """Return shaded cells as a table; those without text are `size` points wide and high."""
    rows = []
    for row in cells:
        parts = []
        for text, shade in row:
            fill = f'BGCOLOR="{cell_color(shade)}"'
            if text:
                ink = "#ffffff" if abs(shade) > 0.62 else INK
                inside = f'<FONT POINT-SIZE="9" COLOR="{ink}">{text}</FONT>'
                parts.append(f'<TD BORDER="1" COLOR="#bbbbbb" CELLPADDING="2" {fill}>{inside}</TD>')
            else:
                fixed = f'FIXEDSIZE="TRUE" WIDTH="{size}" HEIGHT="{size}"'
                parts.append(f'<TD CELLPADDING="0" {fixed} {fill}></TD>')
        rows.append(f"<TR>{''.join(parts)}</TR>")
    frame = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
    if not cells[0][0][0]:  # kept from being stretched, so that the cells of a map touch
        width, height = size * len(cells[0]) + 2, size * len(cells) + 2
        frame = (
            'BORDER="1" COLOR="#bbbbbb" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
            f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
        )
    return f"<TABLE {frame}>{''.join(rows)}</TABLE>"


def cell_color(shade: float) -> str:
    """Return white for 0, blue for 1, orange for −1, and what lies between.

    >>> cell_color(0.0), cell_color(1.0), cell_color(-1.0)
    ('#ffffff', '#0072b2', '#d55e00')
    """
    target = POSITIVE if shade > 0 else NEGATIVE
    return "#" + "".join(f"{round(255 + (part - 255) * abs(shade)):02x}" for part in target)


def _add_edge(graph: graphviz.Digraph, edge: Edge, key: str) -> None:
    # What the eye should follow is drawn straight: the way of the Values, not that of constants.
    attributes = {"weight": "1" if edge.tail.startswith("c") else "8"}
    if any(edge.texts):
        local, flow = (escape(text) for text in edge.texts)
        if edge.mark == "faded":
            local, flow = (
                f'<FONT COLOR="#9a9a9a">{text}</FONT>' if text else "" for text in (local, flow)
            )
        elif flow:
            flow = f'<FONT COLOR="{GRADIENT}">{flow}</FONT>'
        lines = (f"&#160;{text}&#160;" for text in (local, flow) if text)
        room = '<BR/><FONT POINT-SIZE="4"> </FONT>' if edge.mark in ("path", "wrong") else ""
        attributes["label"] = html("<BR/>".join(lines) + room)
    if edge.mark == "path":
        width = 3.8 - 0.5 * (edge.rank - 1) if edge.rank else 1.2
        attributes |= {"color": PATH, "penwidth": f"{width:.1f}"}
    elif edge.mark == "wrong":
        attributes |= {"color": WRONG, "penwidth": "4"}
    elif edge.mark == "faded":
        attributes["color"] = PALE
    graph.edge(edge.tail, edge.head, id=key, **attributes)


def _legend() -> str:
    """Return the legend as a row of small tables, each framed like the nodes that it explains."""
    samples = [
        _sample("leaf", "a value you made"),
        _sample("result", "a computed value", 'STYLE="ROUNDED"'),
        _framed(_sample("output", "the value drawn"), STYLES["output"]["color"]),
        _sample("constant", "a constant", 'STYLE="ROUNDED,DASHED"'),
        _sample("operation", "operation", 'STYLE="ROUNDED"'),
        _sample("fold", "several, folded"),
        "∂ local derivative",
        f'<FONT COLOR="{GRADIENT}">← what flowed back</FONT>',
    ]
    cells = "".join(f'<TD ALIGN="LEFT">{sample}</TD>' for sample in samples)
    return (
        f'<TR><TD ALIGN="LEFT"><TABLE BORDER="0" CELLSPACING="3"><TR>{cells}</TR></TABLE></TD></TR>'
    )


def _sample(kind: str, text: str, shape: str = "") -> str:
    look = STYLES[kind]
    frame = f'BORDER="1" CELLBORDER="0" CELLSPACING="1" COLOR="{look["color"]}" BGCOLOR="{look["fillcolor"]}"'
    return f"<TABLE {frame} {shape}><TR><TD>{text}</TD></TR></TABLE>"


def _framed(table: str, color: str) -> str:
    frame = f'BORDER="1" CELLBORDER="0" CELLSPACING="0" COLOR="{color}"'
    return f"<TABLE {frame}><TR><TD>{table}</TD></TR></TABLE>"


def html(text: str) -> str:
    """Mark a text as one of Graphviz's HTML-like labels."""
    return f"<{text}>"


def bold(text: str) -> str:
    """Return a user's text in bold."""
    return f"<B>{escape(text)}</B>"


def escape(text: str) -> str:
    r"""Return a user's text so that Graphviz shows it as typed, in as many lines.

    Graphviz would read \N as the node's name, so a backslash is doubled as well. Characters that no XML
    file may hold are shown as the signs for them: ␀, ␁, …

    >>> escape('a<b>\\N & "c"\n|{d}')
    'a&lt;b&gt;&#92;&#92;N &amp; &quot;c&quot;<BR/>|{d}'
    """
    return text.translate(_ESCAPES)


_ESCAPES: dict[int, str] = {code: chr(0x2400 + code) for code in range(32)}
_ESCAPES |= dict.fromkeys(
    [0x7F, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}"
)
_ESCAPES |= str.maketrans(
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
