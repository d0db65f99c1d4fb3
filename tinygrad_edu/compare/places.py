"""Where a mistake can be made: the places in a recorded calculation, alone, by layer, by kind, in words.

A place is a use of a Value: one arrow of the graph, along which the chain rule multiplies by one derivative.
Somebody who errs at one of them often errs at all that look alike, so places also come in families: all of
a layer, and all of a kind in the whole network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.compare.recorded import Recorded, Use, operation_of
from tinygrad_edu.number import as_number
from tinygrad_edu.support import name_list
from tinygrad_edu.value import Value, dependents

#: Operations that only add numbers up or move them: their derivative is 1, or −1.
MOVES = frozenset({
    "add", "subtract", "negative", "sum", "reshape", "transpose", "broadcast_to", "getitem", "scatter",
    "pad", "join", "astype", "windows", "overlap_add",
})  # fmt: skip
#: Operations that a layer's weighted sum may consist of; all others bend what flows through them.
LINEAR = MOVES | {"multiply", "divide", "matmul", "dense", "mean"}
#: Places are tried one by one up to this number; in larger graphs only all of a layer, and all of a kind.
MOST_PLACES = 200


class Case:
    """A recorded calculation, and what a search for mistakes wants to know about it.

    `parameters` are Values by name; `before` are numbers that parameters had before the last step, if known.
    Attributes: `truth`, the right gradients; `carrying`, the Values that depend on a parameter; `edges`, all
    uses of them on the way from the output to a parameter; `is_large`, whether there are too many of them to
    be tried one by one.
    """

    def __init__(
        self,
        recorded: Recorded,
        parameters: Mapping[str, Value],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.recorded = recorded
        self.parameters = {n: v for n, v in parameters.items() if v in recorded.numbers}
        self.names = {value: name for name, value in self.parameters.items()}
        self.before = {
            self.parameters[name]: as_number(np.array(array, float))
            for name, array in (before or {}).items()
            if name in self.parameters
        }
        self.truth = recorded.truth
        self.carrying = dependents(recorded.nodes, self.parameters.values())
        self.edges: list[Use] = [
            (node, position)
            for node in recorded.nodes
            for position, x in enumerate(node.inputs)
            if isinstance(x, Value) and x in self.carrying
        ]
        self.is_large = len(self.edges) > MOST_PLACES
        #: How many bends lie between a node and the output, at most: 0 in the last layer.
        self._level: dict[Value, int] = {recorded.output: 0}
        for node in recorded.nodes:
            bends = node.op is not None and node.op.name not in LINEAR
            below = self._level[node] + 1 if bends else self._level[node]
            for x in node.inputs:
                if isinstance(x, Value):
                    self._level[x] = max(self._level.get(x, 0), below)

    def is_product(self, edge: Use, by_weight: bool | None = None) -> bool:
        """Whether a place is one of the factors of a matrix product: the weight, or the other one."""
        node, position = edge
        if operation_of(node).name not in ("matmul", "dense") or position > 1:
            return False
        return by_weight is None or by_weight == (
            self._unmoved(node.inputs[position]) in self.names
        )

    @cached_property
    def sample_axis(self) -> int:
        """The axis along which the samples lie: 0, or the last if weights stand on the left, W @ x."""
        left = (
            edge for edge in self.edges if edge[1] == 0 and self.is_product(edge, by_weight=True)
        )
        return -1 if any(node.ndim == 2 for node, _ in left) else 0

    def level(self, node: Value) -> int:
        """Return how many bends lie between a node and the output: 0 in the last layer."""
        return self._level[node]

    # -- families of places ----------------------------------------------------------------------

    def families(self, edges: list[Use], grouped: bool) -> Iterator[tuple[str, list[Use]]]:
        """Yield single places, then (if `grouped`) all of a layer and all of a kind, with words for them.

        What is alone in its layer or of its kind is yielded once.
        """

        def kind(edge: Use) -> tuple[Any, ...]:
            node, position = edge
            return operation_of(node).name, position, node.inputs[position].op is None

        def layer(edge: Use) -> tuple[Any, ...]:
            return *kind(edge), self._level[edge[0]]

        def itself(edge: Use) -> tuple[Any, ...]:
            return edge

        seen: set[tuple[Use, ...]] = set()
        keys = [] if self.is_large else [itself]
        if grouped:
            keys += [layer, kind]
        for key in keys:
            groups: dict[tuple[Any, ...], list[Use]] = {}
            for edge in edges:
                groups.setdefault(key(edge), []).append(edge)
            for group in groups.values():
                if tuple(group) in seen:
                    continue
                seen.add(tuple(group))
                where = self.place(*group[0])
                if len(group) > 1:
                    such_as = f" of one layer, such as {where}" if key is layer else ""
                    where = f"all {len(group)} {_words_for(group[0][0])}{such_as}"
                yield where, group

    # -- words for places ------------------------------------------------------------------------

    def place(self, node: Value, position: int | None = None) -> str:
        """Describe a node, or one use of a Value in it: the operation, and the layer or name."""
        text = _words_for(node)
        text += f" that gives {node.name}" if node.name else ""
        if owners := self._owners(node):
            text += f" in the layer of {', '.join(owners[:3])}{' …' if len(owners) > 3 else ''}"
        elif not node.name:
            text += " in the loss"
        x = node.inputs[position] if position is not None and len(node.inputs) > 1 else None
        name = (self.names.get(x) or x.name) if isinstance(x, Value) else None
        return f"{text}, toward {name}" if name else text

    def _owners(self, node: Value) -> list[str]:
        """Return the parameters whose weighted sum a node belongs to: those below it, up to the next bend."""
        found: set[str] = set()
        todo, seen = [node], {node}
        while todo:
            for x in todo.pop().inputs:
                if isinstance(x, Value) and x not in seen:
                    seen.add(x)
                    if x in self.names:
                        found.add(self.names[x])
                    elif x.op is not None and x.op.name in LINEAR:
                        todo.append(x)
        return sorted(found)

    # -- parameters ------------------------------------------------------------------------------

    def groups_of_parameters(self) -> Iterator[tuple[str, list[Value]]]:
        """Yield each parameter, each layer, all from a layer back, all biases, all others, and all."""
        groups: dict[tuple[Value, ...], str] = {}
        if len(self.parameters) <= MOST_PLACES:
            groups |= {(value,): name for name, value in self.parameters.items()}
        layers = self.layers()
        for i, layer in enumerate(layers if len(self.parameters) <= MOST_PLACES else []):
            words = name_list([self.names[v] for v in layer])
            groups.setdefault(tuple(layer), words)
            behind = [v for later in layers[i:] for v in later]
            if i > 0:
                back = f"all {len(behind)} parameters from the layer of {words} back to the input"
                groups.setdefault(tuple(behind), back)
        every, biases = list(self.parameters.values()), self.biases()
        others = [v for v in every if v not in set(biases)]
        groups.setdefault(tuple(biases), f"all {len(biases)} biases")
        groups.setdefault(tuple(others), f"all {len(others)} weights")
        groups[tuple(every)] = (
            f"all {len(every)} parameters" if len(every) > 1 else self.names[every[0]]
        )
        yield from ((words, list(group)) for group, words in groups.items() if group)

    def layers(self) -> list[list[Value]]:
        """Return the parameters layer by layer, from the output back: by how many bends lie behind them."""
        by_level: dict[int, list[Value]] = {}
        for value in self.parameters.values():
            by_level.setdefault(self._level[value], []).append(value)
        return [by_level[level] for level in sorted(by_level)]

    def biases(self) -> list[Value]:
        """Return the parameters that are added and nothing else."""

        def is_added(edge: Use) -> bool:
            name = operation_of(edge[0]).name
            return name == "add" or (name == "dense" and edge[1] == 2)

        uses = self.recorded.uses
        return [v for v in self.parameters.values() if all(map(is_added, uses[v]))]

    def crossed(self) -> list[str]:
        """Return the parameters through which something flows back to others: factors, not addends."""
        found: set[str] = set()
        for node, position in self.edges:
            name = operation_of(node).name
            if name in LINEAR - MOVES and self._unmoved(node.inputs[position]) not in self.names:
                factors = map(self._unmoved, node.inputs[:2] if name == "dense" else node.inputs)
                found |= {
                    self.names[x] for x in factors if isinstance(x, Value) and x in self.names
                }
        return sorted(found)

    @staticmethod
    def _unmoved(x: Any) -> Any:
        """Return what a Value was before its numbers were only moved, as in W.T, or what was given."""
        while isinstance(x, Value) and x.op is not None and x.op.name in ("transpose", "reshape"):
            x = x.inputs[0]
        return x if isinstance(x, Value) else None

    def counts(self) -> list[int]:
        """Return the numbers that may be the N of a mean: lengths of batches, and constant divisors."""
        found: dict[int, None] = {}
        for node, position in self.edges:
            x, name = node.inputs[position], operation_of(node).name
            if count := whole_divisor((node, position)):
                found[count] = None
            if name in ("mean", "sum", "softmax_cross_entropy") and x.shape:
                lengths = x.shape[0], x.size, x.size // max(node.size, 1), x.shape[-1]
                found |= dict.fromkeys(lengths)
        return [n for n in found if n > 1][:6]


def whole_divisor(edge: Use) -> int:
    """Return the N of a division by a constant whole number N, else 0."""
    node, position = edge
    divisor = node.inputs[1] if operation_of(node).name == "divide" and position == 0 else None
    return int(divisor) if isinstance(divisor, float) and divisor.is_integer() else 0


def _words_for(node: Value) -> str:
    """Return an operation's name, and its symbol where that is another word."""
    op = operation_of(node)
    return op.name if op.symbol == op.name else f"{op.name} ({op.symbol})"
