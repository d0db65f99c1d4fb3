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

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.check import STEPS, finite_difference
from tinygrad_edu.number import Array, plain_array
from tinygrad_edu.ops import Operation
from tinygrad_edu.value import PullBack, Value, ancestors, chain_rule, dependents, pull_back

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
    >>> again.forward({x: 5.0})[again.output], again.truth[x]
    (26.0, 6.0)
    """

    def __init__(self, output: Value) -> None:
        self.output = output
        self.nodes = ancestors(output)
        self.numbers: Numbers = {node: plain_array(node.data) for node in self.nodes}
        self._leading: dict[frozenset[Value], set[Value]] = {}
        self.uses: dict[Value, list[Use]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for position, x in enumerate(node.inputs):
                if isinstance(x, Value):
                    self.uses[x].append((node, position))

    def forward(
        self,
        changes: Mapping[Value, Array] | None = None,
        ways: Mapping[Value, Callable[..., Array]] | None = None,
    ) -> Numbers:
        """Return every node's number, computed with other numbers for some Values, which may be results.

        `ways` are other ways of computing some nodes: functions of what went into them.
        """
        changes, ways = changes or {}, ways or {}
        numbers: Numbers = {}
        for node in reversed(self.nodes):
            numbers[node] = changes[node] if node in changes else self.numbers[node]
            arguments = self.arguments(node, numbers)
            if node in ways:
                numbers[node] = ways[node](*arguments)
            elif (
                node.op is not None
                and node not in changes
                and any(
                    isinstance(x, Value) and new is not self.numbers[x]
                    for x, new in zip(node.inputs, arguments, strict=True)
                )
            ):
                numbers[node] = operation_of(node).evaluate(arguments, node.options)
        return numbers

    def arguments(self, node: Value, numbers: Numbers | None = None) -> list[Array]:
        """Return the numbers that went into a node."""
        numbers = self.numbers if numbers is None else numbers
        return [numbers[x] if isinstance(x, Value) else x for x in node.inputs]

    def pull(
        self,
        twists: Mapping[Use, Callable[..., RuleFunction]] | None = None,
        numbers: Numbers | None = None,
    ) -> PullBack:
        """Return how gradients flow back along an edge, with these numbers in place of the right ones.

        `twists` make another rule of the right one, at some places: functions of the rule and of what looks
        up a Value's number.
        """
        number = (self.numbers if numbers is None else numbers).__getitem__
        rules = {
            (node, position): twist(operation_of(node).derivative(position), number)
            for (node, position), twist in (twists or {}).items()
        }

        def flow(node: Value, position: int, g: Array) -> Array:
            return pull_back(node, position, g, rules.get((node, position)), number)

        return flow

    def seed(self) -> Array:
        """Return the gradient of the output by itself: 1."""
        return 1.0 if not self.output.shape else np.ones(self.output.shape)

    def leading_to(self, values: frozenset[Value]) -> set[Value]:
        """Return some Values and all that was made from them; what was asked once is remembered."""
        if values not in self._leading:
            self._leading[values] = dependents(self.nodes, values)
        return self._leading[values]

    @cached_property
    def truth(self) -> Numbers:
        """The right gradient of every node."""
        gradients: Numbers = {self.output: self.seed()}
        for _ in chain_rule(self.nodes, gradients, self.pull()):
            pass
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
