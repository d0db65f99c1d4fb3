"""A picture in DOT, the language of Graphviz.

DOT says which nodes there are and how they look; Graphviz finds out where they go. The text is made by the
`graphviz` package, in the order of the picture, so that the same picture gives the same bytes.
"""

from __future__ import annotations

import graphviz

from tinygrad_edu.drawing.picture import Edge, GraphPicture, Node
from tinygrad_edu.drawing.shorten import Panel
from tinygrad_edu.drawing.style import (
    FAINT,
    FAINT_GRADIENT,
    GRADIENT,
    GRAY,
    INK,
    MARKS,
    PALE,
    PATH,
    STYLES,
    WRONG,
    bold,
    broken,
    cell_color,
    escape,
    font,
    html,
    ink_on,
    new_graph,
    on_white,
)


def to_dot(picture: GraphPicture) -> str:
    """Return a picture as the text of a DOT file.

    >>> print(to_dot(GraphPicture([Node("v0", "leaf", "a")])).splitlines()[0])
    digraph {
    """
    graph = new_graph(rankdir="LR" if picture.direction == "right" else "TB")
    if picture.direction == "right":
        graph.attr(ranksep="0.12")  # labels keep things apart; narrow pictures are shown larger
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
                label=html(font(bold(title), 12)), style="rounded,dashed", color="#888888", fontcolor=INK,
                labeljust="l", margin="10", id=f"cluster{number}",
            )  # fmt: skip
            for node in members[part]:
                _add_node(cluster, node)
    for number, edge in enumerate(picture.edges):
        _add_edge(graph, edge, f"e{number}")
    rows = [_legend()] if picture.legend else []
    notes = (font(escape(broken(note, 120)), 11) for note in picture.notes)
    rows += [f'<TR><TD ALIGN="LEFT" BALIGN="LEFT">{note}</TD></TR>' for note in notes]
    if rows:
        below = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>'
        graph.attr(label=html(below), labelloc="b", labeljust="l", fontcolor=INK)
    return str(graph.source)


def _add_node(graph: graphviz.Digraph, node: Node) -> None:
    attributes = STYLES[node.kind] | MARKS[node.mark]
    graph.node(
        node.key,
        label=html(_label(node)),
        id=node.key,
        **{"class": f"{node.kind} {node.mark}".strip()},
        **attributes,
    )


def _label(node: Node) -> str:
    faded = node.mark == "faded"
    if node.kind == "operation":
        return font(escape(node.title), 15 if len(node.title) <= 2 else 12)
    if node.kind == "constant":
        return font(_lines(node.panels[0]), 10, FAINT if faded else GRAY)
    frame = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{}</TABLE>'
    rows = [bold(node.title)] if node.title else []
    if node.mark == "wrong":
        rows.insert(0, font("✗ here", 12, WRONG))
    if node.kind == "fold":
        rows += [font(_lines(panel), 10, GRAY) for panel in node.panels]
    else:  # a table by itself, which a long title does not stretch
        data, grad = (FAINT, FAINT_GRADIENT) if faded else (INK, GRADIENT)
        inks = (grad if panel.label == "grad" else data for panel in node.panels)
        numbers = map(_panel_row, node.panels, inks)
        rows.append(frame.format("".join(numbers)))
    return frame.format("".join(f"<TR><TD>{row}</TD></TR>" for row in rows))


def _panel_row(panel: Panel, color: str) -> str:
    content = font(_lines(panel), 9 if panel.cells or len(panel.lines) > 1 else 12, color)
    if panel.cells:
        inside = (
            f'<TR><TD ALIGN="LEFT">{content}</TD></TR><TR><TD>{cell_table(panel.cells)}</TD></TR>'
        )
        content = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{inside}</TABLE>'
    # This space stays where an ordinary one at the end of a text is dropped.
    label = font(f"{escape(panel.label)}&#160;", 10, color)
    return f'<TR><TD ALIGN="RIGHT">{label}</TD><TD ALIGN="LEFT">{content}</TD></TR>'


def _lines(panel: Panel) -> str:
    return "<BR/>".join(map(escape, panel.lines))


def cell_table(cells: tuple[tuple[tuple[str, float], ...], ...], size: int = 7) -> str:
    """Return shaded cells as a table; those without text are `size` points wide and high."""
    rows = []
    for row in cells:
        parts = []
        for text, shade in row:
            fill = f'BGCOLOR="{cell_color(shade)}"'
            if text:
                inside = font(text, 9, ink_on(shade))
                parts.append(f'<TD BORDER="1" COLOR="#bbbbbb" CELLPADDING="2" {fill}>{inside}</TD>')
            else:
                fixed = f'FIXEDSIZE="TRUE" WIDTH="{size}" HEIGHT="{size}"'
                parts.append(f'<TD CELLPADDING="0" {fixed} {fill}></TD>')
        rows.append(f"<TR>{''.join(parts)}</TR>")
    frame = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" BGCOLOR="white"'
    if not cells[0][0][0]:  # kept from being stretched, so that the cells of a map touch
        width, height = size * len(cells[0]) + 2, size * len(cells) + 2
        frame = (
            'BORDER="1" COLOR="#bbbbbb" BGCOLOR="white" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
            f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
        )
    return f"<TABLE {frame}>{''.join(rows)}</TABLE>"


def _add_edge(graph: graphviz.Digraph, edge: Edge, key: str) -> None:
    # What the eye should follow is drawn straight: the way of the Values, not that of constants.
    attributes = {"weight": "1" if edge.tail.startswith("c") else "8"}
    if any(edge.texts):
        colors = (FAINT, FAINT_GRADIENT) if edge.mark == "faded" else (INK, GRADIENT)
        pairs = zip(edge.texts, colors, strict=True)
        lines = (font(escape(text), 10, color) for text, color in pairs if text)
        # Some room, so that the line, which may be thick, passes beside its label.
        spacing = 6 if edge.mark in ("path", "wrong") else 4
        attributes["label"] = html(on_white("<BR/>".join(lines), spacing, padding=0))
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
        _sample("constant", "a constant", 'STYLE="ROUNDED,DOTTED"'),
        _sample("operation", "operation", 'STYLE="ROUNDED"'),
        _sample("fold", "several, folded"),
        font("∂ local derivative", 11),
        font("← what flowed back", 11, GRADIENT),
    ]
    cells = "".join(f'<TD ALIGN="LEFT">{sample}</TD>' for sample in samples)
    return (
        f'<TR><TD ALIGN="LEFT"><TABLE BORDER="0" CELLSPACING="3"><TR>{cells}</TR></TABLE></TD></TR>'
    )


def _sample(kind: str, text: str, shape: str = "") -> str:
    look = STYLES[kind]
    frame = f'BORDER="1" CELLBORDER="0" CELLSPACING="1" COLOR="{look["color"]}" BGCOLOR="{look["fillcolor"]}"'
    return f"<TABLE {frame} {shape}><TR><TD>{font(text, 11)}</TD></TR></TABLE>"


def _framed(table: str, color: str) -> str:
    frame = f'BORDER="1" CELLBORDER="0" CELLSPACING="0" COLOR="{color}"'
    return f"<TABLE {frame}><TR><TD>{table}</TD></TR></TABLE>"
