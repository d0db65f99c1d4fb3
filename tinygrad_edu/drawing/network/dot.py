"""A network's picture in DOT. Here each place is known beforehand; Graphviz only draws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import graphviz

from tinygrad_edu.drawing.network.network import (
    COLUMN,
    ROW,
    Block,
    Column,
    Link,
    NetworkPicture,
    Neuron,
)
from tinygrad_edu.drawing.shorten import short
from tinygrad_edu.drawing.style import (
    FONT,
    GRAY,
    INK,
    WRONG,
    bold,
    cell_color,
    escape,
    html,
    ink_on,
    new_graph,
    on_white,
)
from tinygrad_edu.support import colors

#: With no more links than this, each weight is written on its link.
WRITTEN = 12
#: The diameter of a circle in inches, and of the least important where they differ.
WIDTH, SMALLEST = 0.4, 0.12
#: With more blocks than this, they stand below each other.
MOST_IN_A_ROW = 8


def network_to_dot(picture: NetworkPicture, digits: int = 3) -> str:
    """Return a picture of neurons as the text of a DOT file, to be drawn with the engine "neato"."""
    graph = graphviz.Digraph()
    graph.attr(
        bgcolor="white", pad="0.2", splines="line", inputscale="72", outputorder="edgesfirst"
    )
    graph.attr("node", fontname=FONT, fontsize="10", fontcolor=INK, shape="plain")
    graph.attr("edge", arrowhead="none")
    # Strong links are drawn last, above the weak ones.
    written = len(picture.links) <= WRITTEN
    widest = 3.5 if written else 2.4 if len(picture.links) <= 80 else 1.5
    for link in sorted(picture.links, key=lambda link: link.strength):
        _add_link(graph, link, widest)
    for link in picture.links if written else ():
        _add_weight(graph, link, digits)
    last = picture.columns[-1]
    top = max(column.neurons[0].y for column in picture.columns)
    for column in picture.columns:
        _add_titles(graph, column, top)
        for neuron in column.neurons:
            _add_neuron(graph, neuron, digits)
        _add_names(graph, column, at_right=column is last)
    if picture.image is not None:
        _add_image(graph, picture)
    return str(graph.source)


def blocks_to_dot(blocks: Sequence[Block]) -> str:
    """Return the block view as the text of a DOT file: a row, or a column where a row would be too long."""
    graph = new_graph(rankdir="LR" if len(blocks) <= MOST_IN_A_ROW else "TB")
    for number, block in enumerate(blocks):
        rows = [bold(block.title)]
        if block.text:
            rows.append(f'<FONT POINT-SIZE="10">{escape(block.text)}</FONT>')
        if block.parameters:
            text = f"{block.parameters:,} parameters"
            rows.append(f'<FONT POINT-SIZE="10" COLOR="{GRAY}">{text}</FONT>')
        style = {"style": "rounded,filled", "fillcolor": "#ffffff", "color": "#555555"}
        if block.parameters:
            style = {"style": "filled", "fillcolor": colors.PALE_BLUE, "color": colors.BLUE}
        graph.node(
            f"b{number}", label=html("<BR/>".join(rows)), shape="box", margin="0.15,0.1", **style
        )
        if number:
            shape = blocks[number - 1].shape
            graph.edge(f"b{number - 1}", f"b{number}", label=html(f"&#160;{escape(shape)}&#160;"))
    if blocks[-1].shape:
        graph.node("end", label="", shape="point", style="invis")
        graph.edge(
            f"b{len(blocks) - 1}", "end", label=html(f"&#160;{escape(blocks[-1].shape)}&#160;")
        )
    total = sum(block.parameters for block in blocks)
    graph.attr(
        label=html(f"{total:,} parameters; N is the number of samples"),
        fontsize="11",
        fontcolor=GRAY,
    )
    return str(graph.source)


def _add_link(graph: graphviz.Digraph, link: Link, widest: float) -> None:
    if not math.isfinite(link.weight):  # neither large nor small, but broken
        graph.edge(link.tail.key, link.head.key, color=WRONG, penwidth="2", style="dotted")
        return
    alpha = f"{round(60 + 195 * link.strength):02x}"
    color = (colors.BLUE if link.weight >= 0 else colors.VERMILION) + alpha
    style = "solid" if link.weight >= 0 else "dashed"
    width = f"{0.2 + (widest - 0.2) * link.strength:.2f}"
    graph.edge(link.tail.key, link.head.key, color=color, penwidth=width, style=style)


def _add_weight(graph: graphviz.Digraph, link: Link, digits: int) -> None:
    """Write a weight on its link, a third of the way, where links of one neuron have parted already."""
    tail, head = link.tail, link.head
    x, y = (tail.x + (head.x - tail.x) * 0.36, tail.y + (head.y - tail.y) * 0.36)
    color = colors.BLUE if link.weight >= 0 else colors.DARK_VERMILION
    text = f'<FONT POINT-SIZE="9" COLOR="{color}">{short(link.weight, digits)}</FONT>'
    _text(graph, f"w_{tail.key}_{head.key}", x, y, on_white(text))


def _add_neuron(graph: graphviz.Digraph, neuron: Neuron, digits: int) -> None:
    on = "" if neuron.on is None else short(neuron.on, min(digits, 2))
    width = WIDTH if neuron.size is None else SMALLEST + (WIDTH - SMALLEST) * neuron.size**0.5
    if width < 0.75 * WIDTH:  # too small to write in
        on = ""
    ink = ink_on(neuron.shade)
    graph.node(
        neuron.key,
        label=html(f'<FONT POINT-SIZE="8" COLOR="{ink}">{on}</FONT>') if on else "",
        shape="circle",
        fixedsize="true",
        width=f"{width:.2f}",
        style="filled",
        fillcolor=cell_color(neuron.shade),
        color="#444444",
        pos=_pos(neuron.x, neuron.y),
    )
    notes = [neuron.note] if neuron.note else []
    if neuron.bias is not None:
        notes.append(f"b {short(neuron.bias, min(digits, 2))}")
    if notes:
        text = f'<FONT POINT-SIZE="8" COLOR="{GRAY}">{" · ".join(notes)}</FONT>'
        _text(graph, f"b_{neuron.key}", neuron.x, neuron.y - 36 * width - 6, on_white(text))


def _add_names(graph: graphviz.Digraph, column: Column, at_right: bool) -> None:
    """Write names of inputs at their left, or of outputs at their right, with their probabilities as bars."""
    width = max(_width(line) for neuron in column.neurons for line in neuron.name.split("\n"))
    for neuron in column.neurons:
        cells = f'<TD WIDTH="{width}" ALIGN="{"LEFT" if at_right else "RIGHT"}">{bold(neuron.name)}</TD>'
        total = width + 4
        if neuron.probability is not None:
            cells += _bar(neuron.probability)
            total += 61 + 40 + 4
        if neuron.name or neuron.probability is not None:
            table = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1"><TR>{cells}</TR></TABLE>'
            offset = total / 2 + 20
            x = neuron.x + (offset if at_right else -offset)
            _text(graph, f"t_{neuron.key}", x, neuron.y, table)


def _bar(probability: float) -> str:
    """Return a probability as a bar and its percentage, in two cells of fixed width."""
    known = math.isfinite(probability)
    width = max(round(60 * probability), 1) if known else 1
    percent = f"{probability:.0%}" if probability >= 0.01 else "&lt;1%" if known else "NaN"
    fixed = 'FIXEDSIZE="TRUE" HEIGHT="10"'
    frame = f'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {fixed} WIDTH="61"'
    return (
        f'<TD><TABLE {frame}><TR><TD {fixed} WIDTH="{width}" BGCOLOR="{colors.BLUE}"></TD>'
        f'<TD {fixed} WIDTH="{61 - width}" BGCOLOR="#e8e8e8"></TD></TR></TABLE></TD>'
        f'<TD ALIGN="RIGHT" WIDTH="40">{percent}</TD>'
    )


def _width(line: str) -> int:
    """Return about how wide a line in bold is, in points, and a little more."""
    shown = line[:40]  # longer lines are broken
    return round(sum(11 if character > "\u2e80" else 6.4 for character in shown)) + 4


def _add_titles(graph: graphviz.Digraph, column: Column, top: float) -> None:
    x = column.neurons[0].x
    subtitle = f'<FONT POINT-SIZE="9" COLOR="{GRAY}">{escape(column.subtitle)}</FONT>'
    _text(graph, f"c_{column.neurons[0].key}", x, top + 36, f"{bold(column.title)}<BR/>{subtitle}")
    if column.folded:
        y = column.neurons[column.above - 1].y - ROW
        text = f'⋮<BR/><FONT POINT-SIZE="9">… {column.folded:,} {column.others} …</FONT><BR/>⋮'
        _text(graph, f"g_{column.neurons[0].key}", x, y, on_white(text))


def _add_image(graph: graphviz.Digraph, picture: NetworkPicture) -> None:
    """Draw the input as an image of gray cells at the left, white on black."""
    assert picture.image is not None
    size = max(112 // len(picture.image), 2)
    fixed = f'<TD FIXEDSIZE="TRUE" WIDTH="{size + 1}" HEIGHT="{size + 1}" BGCOLOR="#'
    rows = "".join(
        "<TR>"
        + "".join(fixed + 3 * f"{round(255 * pixel):02x}" + '"></TD>' for pixel in row)
        + "</TR>"
        for row in picture.image.tolist()
    )
    # Cells overlap by one point, since seams between them would look like a grid.
    frame = 'BORDER="1" CELLBORDER="0" CELLSPACING="-1" CELLPADDING="0" BGCOLOR="#000000"'
    table = f"<TABLE {frame}>{rows}</TABLE>"
    x = picture.columns[0].neurons[0].x - COLUMN
    _text(graph, "image", x, 0.0, table)
    side = len(picture.image)
    text = f'<FONT POINT-SIZE="9" COLOR="{GRAY}">{side}×{side} pixels</FONT>'
    _text(graph, "image_text", x, -side * size / 2 - 12, text)
    start, end = (x + side * size / 2 + 4, x + COLUMN - 34)
    for key, place in (("arrow_start", start), ("arrow_end", end)):
        graph.node(key, label="", shape="point", width="0", style="invis", pos=_pos(place, 0.0))
    graph.edge("arrow_start", "arrow_end", arrowhead="normal", color=GRAY)


def _text(graph: graphviz.Digraph, key: str, x: float, y: float, content: str) -> None:
    graph.node(key, label=html(content), pos=_pos(x, y))


def _pos(x: float, y: float) -> str:
    return f"{x:.1f},{y:.1f}!"
