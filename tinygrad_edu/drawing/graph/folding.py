"""Large graphs made small: several Values and their operations become one box.

A fold acts like one big operation. Values go in, results come out, and both keep their own nodes with the
data and gradients that they have in the open graph; only what lies between is hidden. Neurons and layers
are folded by their `parts`. What is still too large loses its middle: the Values nearest to the result and
nearest to the origins stay, since these are where one looks first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tinygrad_edu.drawing.graph.parts import layer_of
from tinygrad_edu.value import Value

#: "auto" folds as little as keeps a picture readable, "nothing" shows every Value.
FoldBy = Literal["auto", "nothing", "neurons", "layers"]


@dataclass(slots=True)
class Fold:
    """Values that are drawn as one box: `members` youngest first, and the `results` used outside of it."""

    title: str
    part: str = ""
    members: list[Value] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)


def choose_folds(
    nodes: Sequence[Value], parts: dict[Value, str], fold: FoldBy, max_nodes: int
) -> tuple[dict[Value, Fold], str]:
    """Return the fold of each folded Value, and a sentence about what was folded and why.

    `nodes` are all Values of a graph, youngest first. Raises ValueError for an unknown `fold`.
    """
    known = ("auto", "nothing", "neurons", "layers")
    if fold not in known:
        raise ValueError(f"expected fold to be one of {', '.join(map(repr, known))}, got {fold!r}")
    if fold == "nothing" or (fold == "auto" and len(nodes) <= max_nodes):
        return {}, ""
    folds: dict[Value, Fold] = {}
    if fold in ("auto", "neurons"):
        folds = fold_parts(nodes, parts, layers=False)
    crowded = count_visible(nodes, folds) > max_nodes or count_edges(nodes, folds) > 2 * max_nodes
    if fold == "layers" or (fold == "auto" and crowded):
        folds = fold_parts(nodes, parts, layers=True)
    if count_visible(nodes, folds) > max_nodes:
        fold_middle(nodes, folds, max_nodes)
    if not folds:
        return {}, f"no {fold} were found to fold"
    boxes = len({id(box) for box in folds.values()})
    noun = "boxes" if boxes > 1 else "box"
    text = f"{len(folds):,} of {len(nodes):,} values are folded into {boxes} {noun}"
    return folds, text if fold != "auto" else f'{text}; fold="nothing" shows them all'


def fold_parts(nodes: Sequence[Value], parts: dict[Value, str], layers: bool) -> dict[Value, Fold]:
    """Fold neurons, and layers that have none; or with `layers` whole layers.

    A part that is a single operation without weights is as small as its box and stays open.
    """
    boxes: dict[str, Fold] = {}
    for node in nodes:
        if part := parts.get(node):
            layer = layer_of(part)
            title = layer if layers else part
            boxes.setdefault(title, Fold(title, "" if title == layer else layer)).members.append(
                node
            )
    folds = {}
    for box in boxes.values():
        if len(box.members) > 1:
            folds.update(dict.fromkeys(box.members, box))
    _open_circles(nodes, folds)
    _find_results(nodes, folds)
    return folds


def fold_middle(nodes: Sequence[Value], folds: dict[Value, Fold], max_nodes: int) -> None:
    """Add a fold of the middle of a graph, so that about `max_nodes` Values remain visible."""
    hidden = {node for node, box in folds.items() if node not in box.results}
    computed = [node for node in nodes if node.op is not None and node not in hidden]
    keep = max(max_nodes // 6, 1)
    middle = Fold("the middle")
    chosen = set(computed[keep:-keep])
    if not chosen:
        return
    # Between the first and the last chosen, births run through: nothing outside can depend on the inside
    # and be used by it, so the folded graph has no cycle. Folds that lie in there are swallowed.
    newest, oldest = computed[keep].birth, computed[-keep - 1].birth
    users: dict[Value, list[Value]] = {}
    for node in nodes:
        for x in node.inputs:
            if type(x) is Value and x.op is None:
                users.setdefault(x, []).append(node)
    swallowed = {id(folds[n]) for n in chosen if n in folds}
    for node in nodes:
        inside = oldest <= node.birth <= newest if node.op is not None else False
        if inside or id(folds.get(node)) in swallowed:
            chosen.add(node)
    for x, using in users.items():
        if all(node in chosen for node in using):
            chosen.add(x)
    middle.members = [node for node in nodes if node in chosen]
    folds.update(dict.fromkeys(middle.members, middle))
    _find_results(nodes, folds)


def _open_circles(nodes: Sequence[Value], folds: dict[Value, Fold]) -> None:
    """Open the folds that would feed themselves: what leaves them comes back, changed by something else."""
    while box := _in_circle(nodes, folds):
        for node in box.members:
            del folds[node]


def _in_circle(nodes: Sequence[Value], folds: dict[Value, Fold]) -> Fold | None:
    """Return a fold that waits for itself: the first that is reached, coming from the leaves."""
    users: dict[int, list[int]] = {}
    waiting: dict[int, int] = {}
    for node in nodes:
        unit = id(folds.get(node, node))
        waiting.setdefault(unit, 0)
        for x in node.inputs:
            if type(x) is Value and (used := id(folds.get(x, x))) != unit:
                users.setdefault(used, []).append(unit)
                waiting[unit] += 1
    ready = [unit for unit, count in waiting.items() if not count]
    while ready:
        for user in users.get(ready.pop(), ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    stuck = (folds[node] for node in reversed(nodes) if node.op is not None and node in folds)
    return next((box for box in stuck if waiting[id(box)]), None)


def count_visible(nodes: Sequence[Value], folds: dict[Value, Fold]) -> int:
    """Return how many Values have a node of their own."""
    boxes = {id(box): box for box in folds.values()}.values()
    return len(nodes) - len(folds) + sum(len(box.results) for box in boxes)


def count_edges(nodes: Sequence[Value], folds: dict[Value, Fold]) -> int:
    """Return how many edges lead from a Value to where it is used."""
    into_boxes: set[tuple[int, int]] = set()
    open_edges = 0
    for node in nodes:
        box = folds.get(node)
        for x in node.inputs:
            if type(x) is Value and box is None:
                open_edges += 1
            elif type(x) is Value and folds.get(x) is not box:
                into_boxes.add((id(x), id(box)))
    return open_edges + len(into_boxes)


def _find_results(nodes: Sequence[Value], folds: dict[Value, Fold]) -> None:
    """Note for each fold which of its Values are used outside of it; the output of the graph is, too."""
    for box in {id(box): box for box in folds.values()}.values():
        box.results = []
    seen: set[Value] = set()
    if nodes[0] in folds:
        folds[nodes[0]].results.append(nodes[0])
        seen.add(nodes[0])
    for node in nodes:
        for x in node.inputs:
            if type(x) is Value and x not in seen and x in folds:
                box = folds[x]
                if folds.get(node) is not box:
                    box.results.append(x)
                    seen.add(x)
