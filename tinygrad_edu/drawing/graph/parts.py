"""Which Values belong together: the layers and neurons that a picture frames or folds.

A part is noted where it is computed: `in_part("dense1", layer.forward, x)` calls the function, and leaves its
name and the birth number at which it began with the result. Since Values are numbered at birth, everything
between that number and the result was made in there.

What was computed without a note can still be told by names: the leaves 'hidden[0].w' and 'hidden[0].b'
belong to neuron 'hidden[0]' of layer 'hidden', and so does what is computed from them and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinygrad_edu import ops
from tinygrad_edu.value import Value


def parts_of(nodes: Sequence[Value]) -> dict[Value, str]:
    """Return the part of each Value that belongs to one, of some Values given youngest first.

    Two calls of the same layer are two parts: 'dense1' and 'dense1 (2)'.
    """
    found: dict[Value, str] = {}
    calls: dict[str, int] = {}
    begun: list[tuple[str, int]] = []
    for node in nodes:
        while begun and node.birth < begun[-1][1]:
            begun.pop()
        if node.part:
            name, first = node.part
            name = _full_name(name, node)
            calls[name] = calls.get(name, 0) + 1
            begun.append((name if calls[name] == 1 else f"{name} ({calls[name]})", first))
        if begun and node.op is not None:
            found[node] = begun[-1][0]
    if not found:
        _add_by_names(nodes, found)
    _add_leaves(nodes, found)
    return found


def layer_of(part: str) -> str:
    """Return the layer of a neuron's part, and a layer's own name as it is.

    >>> layer_of("hidden[3]"), layer_of("dense1"), layer_of("hidden[3] (2)")
    ('hidden', 'dense1', 'hidden (2)')
    """
    return re.sub(r"\[\d+\](?=( \(\d+\))?$)", "", part)


def _full_name(name: str, result: Value) -> str:
    """Return a layer's name as its weights have it: inside another model, 'sequential1.dense1'."""
    names = (x.name.rpartition(".")[0] for x in result.inputs if type(x) is Value and x.name)
    return next((longer for longer in names if longer.endswith(f".{name}")), name)


def _add_by_names(nodes: Sequence[Value], found: dict[Value, str]) -> None:
    """Tell parts by the dotted names of leaves, and of what is computed from one part alone."""
    named = {
        node: node.name.rpartition(".")[0]
        for node in nodes
        if node.op is None and node.name and "." in node.name.strip(".")
    }
    for node in reversed(nodes[1:]):  # the result of all is nobody's
        owners = {named[x] for x in node.inputs if type(x) is Value and x in named}
        if not owners:
            # Sums and activations stay within; where a constant or a target comes in, a loss begins.
            # The 0 with which Python's sum() begins is neither.
            summed = node.op is ops.add
            owners = {
                found.get(x, "") if type(x) is Value else ""
                for x in node.inputs
                if not (summed and type(x) is float and x == 0.0)
            }
        if len(owners) == 1 and (owner := owners.pop()):
            found[node] = owner


def _add_leaves(nodes: Sequence[Value], found: dict[Value, str]) -> None:
    """Put the leaves that only one part uses, such as its weights, into that part.

    What has no name there is an input that happens to be used once, and stays outside.
    """
    users: dict[Value, set[str]] = {}
    for node in nodes:
        for x in node.inputs:
            if type(x) is Value and x.op is None:
                users.setdefault(x, set()).add(found.get(node, ""))
    for x, parts in users.items():
        if len(parts) == 1 and x.name and "." in x.name and (part := next(iter(parts))):
            found[x] = part
