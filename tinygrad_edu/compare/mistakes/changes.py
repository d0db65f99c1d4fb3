"""What a mistake does: it changes the walk of the chain rule, and in one of a few manners only.

Whoever goes back through a network by hand walks as the chain rule does, from the loss to the weights. On the
way one may use a wrong rule, have computed something else on the way forward, read a wrong number, lose what
had arrived already, visit nodes too early, or hand in the wrong thing at the end. A `Change` holds what is
different. Two mistakes at once are a change too, one change `then` the other, and so pairs cost no code of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TypeAlias, TypeVar

import numpy as np

from tinygrad_edu.compare.places import LINEAR, MOVES
from tinygrad_edu.compare.recorded import Numbers, Recorded, RuleFunction, Use, operation_of
from tinygrad_edu.number import Array
from tinygrad_edu.value import PullBack, Value, chain_rule

#: Where each layer moves its weights before it passes the error on, at most this many layers are followed.
MOST_LAYERS = 60

#: Returns the number of a Value that the walk reads.
Lookup: TypeAlias = Callable[[Value], Array]
#: Makes a wrong rule of the right one; it may look up what other Values are.
Twist: TypeAlias = Callable[[RuleFunction, Lookup], RuleFunction]
#: What is handed in as a parameter's gradient: a function of the gradient of some parameter, mostly its own.
Handed: TypeAlias = Mapping[Value, tuple[Value, Callable[[Array], Array]]]
_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Change:
    """What a mistake changes of the walk; what is left empty is as it should be.

    `rules`: how the rule is twisted at some places. `own` and `onward`: the same for a layer's own weights
    only, or only in what is passed on to earlier layers. `forward`: how some nodes are computed in the
    derivation. `back`: numbers that are read on the way back only. `through`: what is read in a parameter's
    place on the way back, a function of its number and its gradient; `settled`, whether each layer's gradient
    is known before the error passes it. `order`: in which the nodes are visited. `overwritten`: Values where
    the last part that arrives replaces all before. `handed`: what is handed in at the end, step by step.
    """

    rules: Mapping[Use, Twist] = field(default_factory=dict)
    own: Mapping[Use, Twist] = field(default_factory=dict)
    onward: Mapping[Use, Twist] = field(default_factory=dict)
    forward: Mapping[Value, Callable[..., Array]] = field(default_factory=dict)
    back: Mapping[Value, Array] = field(default_factory=dict)
    through: Mapping[Value, Callable[[Array, Array], Array]] = field(default_factory=dict)
    settled: bool = True
    order: tuple[Value, ...] = ()
    overwritten: frozenset[Value] = frozenset()
    handed: tuple[Handed, ...] = ()

    def then(self, other: Change) -> Change:
        """Return both changes at once, this one first where they meet."""
        return Change(
            _joined(self.rules, other.rules),
            _joined(self.own, other.own),
            _joined(self.onward, other.onward),
            {**self.forward, **other.forward},
            {**self.back, **other.back},
            {**self.through, **other.through},
            self.settled and other.settled,
            other.order or self.order,
            self.overwritten | other.overwritten,
            self.handed + other.handed,
        )

    def manner(self) -> tuple[str, ...]:
        """Return the names of what is changed at all."""
        right = Change()
        names = (each.name for each in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(right, name))

    def meets(self, other: Change) -> bool:
        """Whether it may matter which of the two comes first."""
        places = self.rules.keys() | self.own.keys() | self.onward.keys()
        others = other.rules.keys() | other.own.keys() | other.onward.keys()
        return bool(places & others or (self.handed and other.handed))

    @property
    def borrows(self) -> bool:
        """Whether what comes out for one parameter depends on what came out for another."""
        elsewhere = any(
            x is not v and x.op is None for step in self.handed for v, (x, _) in step.items()
        )
        return bool(self.through) or elsewhere

    def gradients(self, recorded: Recorded, wanted: Value | None = None) -> Numbers:
        """Walk back and return the gradients that come out; with `wanted`, only what leads to that one."""
        numbers = recorded.forward(ways=self.forward) if self.forward else recorded.numbers
        order: Sequence[Value] = self.order or recorded.nodes
        if wanted is not None and not self.through:
            leading = recorded.leading_to(self._sources(wanted))
            order = [node for node in order if node in leading]
        at_the_end_only = self.manner() == ("handed",)
        found = (
            recorded.truth if at_the_end_only else self._walk(recorded, order, numbers, self.back)
        )
        for _ in range((MOST_LAYERS if self.settled else 1) if self.through else 0):
            moved = {v: read(numbers[v], found[v]) for v, read in self.through.items()}
            before, found = found, self._walk(recorded, order, numbers, {**self.back, **moved})
            if all(np.array_equal(before[v], found[v]) for v in moved):
                break
        for step in self.handed:
            made = {v: make(found[x]) for v, (x, make) in step.items() if x in found}
            found = {**found, **made}
        return found

    def _sources(self, wanted: Value) -> frozenset[Value]:
        """Return the parameters whose gradients go into what is handed in for one of them."""
        sources = frozenset([wanted])
        for step in reversed(self.handed):
            sources |= frozenset(step[v][0] for v in sources if v in step)
        return sources

    def _walk(
        self,
        recorded: Recorded,
        order: Sequence[Value],
        numbers: Numbers,
        read: Mapping[Value, Array],
    ) -> Numbers:
        replaced = _moved_along(recorded, read)

        def pull(stream: Mapping[Use, Twist]) -> PullBack:
            twists = _joined(self.rules, stream) if stream else self.rules
            right = recorded.pull(twists, numbers)
            if not replaced:
                return right
            other = recorded.pull(twists, {**numbers, **replaced})

            def flow(node: Value, position: int, g: Array) -> Array:
                """Read what was replaced, except for its own gradient, such as that of a decay."""
                own = node.inputs[position] in replaced
                return (right if own else other)(node, position, g)

            return flow

        if not (self.own or self.onward):
            return walk(recorded, order, pull({}), self.overwritten)
        onward = walk(recorded, order, pull(self.onward), self.overwritten)
        return walk(recorded, order, pull(self.own), self.overwritten, onward)


def walk(
    recorded: Recorded,
    order: Sequence[Value],
    pull: PullBack,
    overwritten: Collection[Value] = (),
    onward: Numbers | None = None,
) -> Numbers:
    """Go back once. With `onward`, of another walk, each layer's own weights get what this one brings.

    Where a layer ends, at a bend, what has come so far was its own, and what goes on is taken from `onward`.
    """
    gradients: Numbers = {recorded.output: recorded.seed()}
    for node, position, _, share, _ in chain_rule(order, gradients, pull):
        x = node.inputs[position]
        if x in overwritten:
            gradients[x] = share
        if onward is not None and x.op is not None and x.op.name not in LINEAR:
            gradients[x] = onward[x]
    return gradients


def _moved_along(recorded: Recorded, new: Mapping[Value, Array]) -> Numbers:
    """Return other numbers for some Values, and for those that only move them, such as W.T."""
    numbers = dict(new)
    for node in reversed(recorded.nodes) if new else ():
        if len(node.inputs) == 1 and node.inputs[0] in numbers:
            op = operation_of(node)
            if op.name in MOVES - {"sum"}:
                numbers[node] = op.evaluate([numbers[node.inputs[0]]], node.options)
    return numbers


def _joined(first: Mapping[_Key, Twist], second: Mapping[_Key, Twist]) -> Mapping[_Key, Twist]:
    """Return the twists of both, one after the other where they meet."""
    if not first or not second:
        return first or second
    joined = {**first, **second}
    for key in first.keys() & second.keys():
        joined[key] = _one_after_the_other(first[key], second[key])
    return joined


def _one_after_the_other(first: Twist, second: Twist) -> Twist:
    return lambda right, number: second(first(right, number), number)
