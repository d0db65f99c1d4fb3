"""A recorded calculation, run again: forward with other numbers, backward with other rules.

A graph of Values is a recipe. It lists every operation and what went into it, so it can be cooked again
with one ingredient changed. Three questions of this package are answered that way:

* *What if this weight were a little larger?* Run forward with that one number moved: difference quotients,
  without the need to call the user's program again.
* *Which numbers depend on this weight at all?* Run forward with NaN in its place. NaN swallows all it
  touches, like a drop of dye in water: what has turned NaN at the end is what the weight flows into.
* *What would a mistaken derivation have given?* Run backward with one rule replaced by a wrong one.

The chain rule is the engine's own, `chain_rule`, which takes the rules to apply and the numbers to apply
them to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.check import STEPS, finite_difference
from tinygrad_edu.number import Array, plain_array
from tinygrad_edu.ops import Operation
from tinygrad_edu.value import PullBack, Value, ancestors, chain_rule, pull_back

#: One use of a Value: the node that uses it, and as which of its inputs.
Use: TypeAlias = tuple[Value, int]
Numbers: TypeAlias = dict[Value, Array]
Index: TypeAlias = tuple[int, ...]
#: Computes a derivative: (g, z, *inputs, **parameters) → ∂L/∂input.
RuleFunction: TypeAlias = Callable[..., Array]


def operation_of(node: Value) -> Operation:
    """Return the operation that made a Value. Raises ValueError if none did."""
    op = node.op
    if not isinstance(op, Operation):
        raise ValueError(
            f"expected a computed Value, got {node.name or 'one'} that was made directly"
        )
    return op


class Recorded:
    """The calculation that led to one Value.

    Attributes: `output`, that Value; `nodes`, all Values it was made from and itself, youngest first;
    `numbers`, their data; `uses`, for each Value the Uses at which it is used, oldest user last.

    >>> x = Value(3.0)
    >>> again = Recorded(x * x + 1.0)
    >>> again.forward({x: 5.0})[again.output], again.backward()[x]
    (26.0, 6.0)
    """

    def __init__(self, output: Value) -> None:
        self.output = output
        self.nodes = ancestors(output)
        self.numbers: Numbers = {node: plain_array(node.data) for node in self.nodes}
        self.uses: dict[Value, list[Use]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for position, x in enumerate(node.inputs):
                if isinstance(x, Value):
                    self.uses[x].append((node, position))

    def forward(self, changes: Mapping[Value, Array]) -> Numbers:
        """Return every node's number, computed with other numbers for some Values, which may be results."""
        numbers: Numbers = {}
        for node in reversed(self.nodes):
            numbers[node] = changes[node] if node in changes else self.numbers[node]
            if node.op is None or node in changes:
                continue
            inputs = node.inputs
            arguments = [numbers[x] if isinstance(x, Value) else x for x in inputs]
            if any(
                isinstance(x, Value) and new is not self.numbers[x]
                for x, new in zip(inputs, arguments, strict=True)
            ):
                numbers[node] = operation_of(node).evaluate(arguments, node.options)
        return numbers

    def arguments(self, node: Value, numbers: Numbers | None = None) -> list[Array]:
        """Return the numbers that went into a node."""
        numbers = self.numbers if numbers is None else numbers
        return [numbers[x] if isinstance(x, Value) else x for x in node.inputs]

    def pull(
        self,
        rules: Mapping[Use, RuleFunction] | None = None,
        numbers: Numbers | None = None,
    ) -> PullBack:
        """Return how gradients flow back along an edge, with these rules and numbers for the right ones."""
        found, number = rules or {}, (self.numbers if numbers is None else numbers).__getitem__

        def flow(node: Value, position: int, g: Array) -> Array:
            return pull_back(node, position, g, found.get((node, position)), number)

        return flow

    def seed(self) -> Array:
        """Return the gradient of the output by itself: 1."""
        return 1.0 if not self.output.shape else np.ones(self.output.shape)

    def backward(
        self,
        rules: Mapping[Use, RuleFunction] | None = None,
        numbers: Numbers | None = None,
        order: Sequence[Value] | None = None,
        overwritten: Collection[Value] = (),
    ) -> Numbers:
        """Return the gradient of every node, with these rules in place of the right ones.

        `numbers` are those of another forward pass; `order` is another order of visiting the nodes, in
        which what arrives at a node too late is not passed on. In the gradients of the Values in
        `overwritten` parts are not added up: the last one replaces all before.
        """
        gradients: Numbers = {self.output: self.seed()}
        visited = self.nodes if order is None else order
        for node, position, _, share, _ in chain_rule(
            visited, gradients, self.pull(rules, numbers)
        ):
            if node.inputs[position] in overwritten:
                gradients[node.inputs[position]] = share
        return gradients

    def difference_quotients(
        self, value: Value, entries: Sequence[Index], expected: Sequence[float]
    ) -> list[float]:
        """Return the derivative of the output by some entries of a Value, by five-point differences.

        Computed in float64, whatever the Values are. A quotient that is not what was expected is taken
        again with smaller steps, since a kink such as that of relu may lie within the reach of the first;
        if none of them is, that one is returned which is nearest to its neighbor.
        """
        wide = {node: np.asarray(n, float) for node, n in self.numbers.items() if node.op is None}
        base = {node: n if n.ndim else float(n) for node, n in wide.items()}
        exact = 1e-6 if value.dtype == np.float64 else 1e-5

        def quotient(entry: Index, step: float) -> float:
            start = np.array(plain_array(value.data), dtype=float)
            scale = max(1.0, abs(float(start[entry])))

            def moved(by: Any) -> float:
                array = start.copy()
                array[entry] += scale * float(by)
                new = array if array.ndim else float(array)
                return float(np.sum(self.forward({**base, value: new})[self.output]))

            return float(finite_difference(moved, 0.0, step)) / scale

        def most_credible(entry: Index, wanted: float) -> float:
            tries: list[float] = []
            for step in STEPS:
                tries.append(quotient(entry, step))
                if np.isclose(tries[-1], wanted, rtol=exact, atol=1e-9):
                    return tries[-1]
            gaps = np.abs(np.diff(tries))
            return tries[int(np.argmin(gaps)) + 1]

        with np.errstate(all="ignore"):
            return [most_credible(e, x) for e, x in zip(entries, expected, strict=True)]
