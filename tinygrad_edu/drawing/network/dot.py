"""A network's picture in DOT. Here each place is known beforehand; Graphviz only draws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import graphviz

from tinygrad_edu.drawing.fitting import width_of
from tinygrad_edu.drawing.graph.dot import cell_table
from tinygrad_edu.drawing.network.activity import Numbers
from tinygrad_edu.drawing.network.labels import Box, place_labels
from tinygrad_edu.drawing.network.network import (
    COLUMN,
    ROW,
    Block,
    Circle,
    Column,
    Connection,
    NetworkPicture,
)
from tinygrad_edu.drawing.shorten import shade, short
from tinygrad_edu.drawing.style import (
    FONT,
    GRAY,
    INK,
    LINE,
    NEGATIVE,
    NEGATIVE_INK,
    POSITIVE,
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
from tinygrad_edu.support import colors

#: The diameter of a circle in inches, and of the least important where they differ.
WIDTH, SMALLEST = 0.4, 0.12
#: About how wide and high an image in a block is, in points.
MAP_SIZE = 48
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
    widest = 3.5 if picture.written else 2.4 if len(picture.links) <= 80 else 1.5
    for link in sorted(picture.links, key=lambda link: link.strength):
        _add_link(graph, link, widest)
    if picture.written:
        _add_weights(graph, picture, digits)
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
    wide = len(blocks) > MOST_IN_A_ROW or any(block.maps for block in blocks)
    graph = new_graph(rankdir="TB" if wide else "LR")
    for number, block in enumerate(blocks):
        style = {"style": "rounded,filled", "fillcolor": "white", "color": LINE}
        if block.parameters:
            style = {"style": "filled", "fillcolor": colors.PALE_BLUE, "color": POSITIVE}
        label = html(_block_label(block))
        graph.node(f"b{number}", label=label, shape="box", margin="0.15,0.1", **style)
    if blocks[-1].shape:
        graph.node("end", label="", shape="point", style="invis")
    heads = [
        *(f"b{number}" for number in range(1, len(blocks))),
        *(["end"] if blocks[-1].shape else []),
    ]
    for number, (block, head) in enumerate(zip(blocks, heads, strict=False)):
        shape = font(f"&#160;{escape(block.shape)}&#160;", 10)
        graph.edge(f"b{number}", head, label=html(shape))
    total = sum(block.parameters for block in blocks)
    graph.attr(label=html(font(f"{total:,} parameters; N is the number of samples", 11, GRAY)))
    return str(graph.source)


def _block_label(block: Block) -> str:
    """Return what stands in a block: its name, what it is, and below that the images it answers with."""
    rows = [bold(block.title)]
    if block.text:
        rows.append(font(escape(block.text), 10))
    if block.parameters:
        rows.append(font(f"{block.parameters:,} parameters", 10, GRAY))
    frame = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{}" CELLPADDING="0">{}</TABLE>'
    if block.maps:
        size = MAP_SIZE // max(map(max, (image.shape for image in block.maps)))
        images = [cell_table(_shades(image), size) for image in block.maps]
        if block.hidden:
            images.append(font(f"+ {block.hidden}", 10, GRAY))
        cells = "".join(f"<TD>{image}</TD>" for image in images)
        rows.append(frame.format(3, f"<TR>{cells}</TR>"))
    return frame.format(0, "".join(f"<TR><TD>{row}</TD></TR>" for row in rows))


def _shades(image: Numbers) -> tuple[tuple[tuple[str, float], ...], ...]:
    return tuple(tuple(("", shade(x)) for x in row) for row in image.tolist())


def _add_link(graph: graphviz.Digraph, link: Connection, widest: float) -> None:
    if not math.isfinite(link.weight):  # neither large nor small, but broken
        graph.edge(link.tail.key, link.head.key, color=WRONG, penwidth="2", style="dotted")
        return
    alpha = f"{round(60 + 195 * link.strength):02x}"
    color = (POSITIVE if link.weight >= 0 else NEGATIVE) + alpha
    style = "solid" if link.weight >= 0 else "dashed"
    width = f"{0.2 + (widest - 0.2) * link.strength:.2f}"
    graph.edge(link.tail.key, link.head.key, color=color, penwidth=width, style=style)


def _add_weights(graph: graphviz.Digraph, picture: NetworkPicture, digits: int) -> None:
    """Write each weight on its link."""
    neurons = [neuron for column in picture.columns for neuron in column.neurons]
    circles = {neuron.key: Box(neuron.x, neuron.y, 72 * WIDTH, 72 * WIDTH) for neuron in neurons}
    notes = [_note_box(neuron, digits) for neuron in neurons]
    texts = [short(link.weight, digits) for link in picture.links]
    places = place_labels(
        [(circles[link.tail.key], circles[link.head.key]) for link in picture.links],
        [(width_of(text, 9) + 4, 15) for text in texts],
        [*circles.values(), *notes],
    )
    for link, text, place in zip(picture.links, texts, places, strict=True):
        color = POSITIVE if link.weight >= 0 else NEGATIVE_INK
        key = f"w_{link.tail.key}_{link.head.key}"
        _text(graph, key, place.x, place.y, on_white(font(text, 9, color)))


def _note(neuron: Circle, digits: int) -> str:
    """Return what stands below a neuron: which it is, and its bias."""
    notes = [neuron.note] if neuron.note else []
    if neuron.bias is not None:
        notes.append(f"b {short(neuron.bias, min(digits, 2))}")
    return " · ".join(notes)


def _note_box(neuron: Circle, digits: int) -> Box:
    """Return where that stands."""
    width = width_of(_note(neuron, digits), 8)
    return Box(neuron.x, neuron.y - 36 * _diameter(neuron) - 6, width, 12 if width else 0)


def _diameter(neuron: Circle) -> float:
    """Return how wide a neuron is, in inches."""
    return WIDTH if neuron.size is None else SMALLEST + (WIDTH - SMALLEST) * neuron.size**0.5


def _add_neuron(graph: graphviz.Digraph, neuron: Circle, digits: int) -> None:
    on = "" if neuron.on is None else short(neuron.on, min(digits, 2))
    width = _diameter(neuron)
    if width < 0.75 * WIDTH:  # too small to write in
        on = ""
    ink = ink_on(neuron.shade)
    graph.node(
        neuron.key,
        label=html(font(on, 8, ink)) if on else "",
        shape="circle",
        fixedsize="true",
        width=f"{width:.2f}",
        style="filled",
        fillcolor=cell_color(neuron.shade),
        color="#444444",
        pos=_pos(neuron.x, neuron.y),
    )
    if note := _note(neuron, digits):
        place = _note_box(neuron, digits)
        text = on_white(font(note, 8, GRAY))
        _text(graph, f"b_{neuron.key}", place.x, place.y, text)


def _add_names(graph: graphviz.Digraph, column: Column, at_right: bool) -> None:
    """Write names of inputs at their left, or of outputs at their right, with their probabilities as bars."""
    names = [line for neuron in column.neurons for line in broken(neuron.name).split("\n")]
    width = math.ceil(max(width_of(name, 10, bold=True) for name in names)) + 2
    for neuron in column.neurons:
        name = font(bold(neuron.name), 10)
        cells = f'<TD WIDTH="{width}" ALIGN="{"LEFT" if at_right else "RIGHT"}">{name}</TD>'
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
        f'<TD><TABLE {frame}><TR><TD {fixed} WIDTH="{width}" BGCOLOR="{POSITIVE}"></TD>'
        f'<TD {fixed} WIDTH="{61 - width}" BGCOLOR="#e8e8e8"></TD></TR></TABLE></TD>'
        f'<TD ALIGN="RIGHT" WIDTH="40">{percent}</TD>'
    )


def _add_titles(graph: graphviz.Digraph, column: Column, top: float) -> None:
    x = column.neurons[0].x
    subtitle = font(escape(column.subtitle), 9, GRAY)
    _text(
        graph,
        f"c_{column.neurons[0].key}",
        x,
        top + 36,
        f"{font(bold(column.title), 10)}<BR/>{subtitle}",
    )
    if column.folded:
        y = column.neurons[column.above - 1].y - ROW
        text = f"⋮<BR/>{font(f'… {column.folded:,} {column.others} …', 9)}<BR/>⋮"
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
    text = font(f"{side}×{side} pixels", 9, GRAY)
    _text(graph, "image_text", x, -side * size / 2 - 12, text)
    start, end = (x + side * size / 2 + 4, x + COLUMN - 34)
    for key, place in (("arrow_start", start), ("arrow_end", end)):
        graph.node(key, label="", shape="point", width="0", style="invis", pos=_pos(place, 0.0))
    graph.edge("arrow_start", "arrow_end", arrowhead="normal", color=GRAY)


def _text(graph: graphviz.Digraph, key: str, x: float, y: float, content: str) -> None:
    graph.node(key, label=html(content), pos=_pos(x, y))


def _pos(x: float, y: float) -> str:
    return f"{x:.1f},{y:.1f}!"
