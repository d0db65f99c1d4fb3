"""The museum of mistakes: every way in which a derivation by hand is known to go wrong.

A *mutation* is the chain rule with exactly one thing done wrong: one rule replaced, one path forgotten, one
number taken too early or too late. Each yields the gradients that somebody would get who made that one
mistake. `audit` runs them all and looks which of them gives the numbers in question.

To add a mistake, write a generator of `Mutation`s and put it into `MISTAKES`. Those that come first there are
named first where several give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.compare.recorded import Edge, Numbers, Recorded, operation_of
from tinygrad_edu.ops import Array, Rule, shape_of
from tinygrad_edu.value import Value

#: Operations that only add numbers up or move them: their derivative is 1, or −1.
MOVES = frozenset({
    "add", "subtract", "negative", "sum", "reshape", "transpose", "broadcast_to", "getitem", "scatter",
    "pad", "join", "astype",
})  # fmt: skip
#: Operations that a layer's weighted sum may consist of.
LINEAR = MOVES | {"multiply", "divide", "matmul", "dense", "mean"}
#: Operations without a factor that could be left out so that the shapes still fit.
WITHOUT_FACTOR = MOVES | {"matmul", "dense", "mean", "softmax_cross_entropy", "where"}
#: Places are tried one by one up to this number; in larger graphs only all of a layer, and all of a kind.
MOST_PLACES = 200
#: Pairs of exchanged weights are tried among so many.
MOST_EXCHANGED = 20


@dataclass(frozen=True)
class Mutation:
    """One mistake: its `name`, `where` it is made, `what` is done, and the gradients that come out.

    `run` returns the gradients of the parameters; it takes a rate if `needs_rate`.
    """

    name: str
    where: str
    what: str
    run: Callable[..., Numbers]
    needs_rate: bool = False


@dataclass(frozen=True)
class Family:
    """Places at which the same mistake may be made together, and what to call them."""

    where: str
    edges: tuple[Edge, ...]


class Case:
    """A recorded calculation and all that mutations want to know about it.

    `parameters` are Values by name; `before` are numbers that parameters had before the last step, if known.
    """

    def __init__(
        self,
        recorded: Recorded,
        parameters: Mapping[str, Value],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.recorded = recorded
        self.parameters = {n: v for n, v in parameters.items() if v in recorded.numbers}
        self.before = {
            self.parameters[name]: ops.as_number(np.array(array, float))
            for name, array in (before or {}).items()
            if name in self.parameters
        }
        self.truth = recorded.backward()
        carrying = recorded.dependents(self.parameters.values())
        #: All uses of Values on the way from the output to a parameter.
        self.edges: list[Edge] = [
            (node, position)
            for node in recorded.nodes
            for position, x in enumerate(node.inputs)
            if isinstance(x, Value) and x in carrying
        ]
        #: Whether there are so many places that they are tried in groups only.
        self.is_large = len(self.edges) > MOST_PLACES
        self.names = {value: name for name, value in self.parameters.items()}
        self._depth = self._levels()

    def __call__(self, rules: Mapping[Edge, Rule]) -> Numbers:
        """Return the gradients with some rules replaced."""
        return self.recorded.backward(rules)

    def scaled(self, factors: Mapping[Value, float]) -> Numbers:
        """Return the right gradients, some of them times a factor."""
        return self.truth | {value: self.truth[value] * f for value, f in factors.items()}

    # -- places ----------------------------------------------------------------------------------

    def families(self, wanted: Callable[[Edge], bool]) -> Iterator[Family]:
        """Yield single places, then all of a layer, then all of a kind, each set once."""
        edges = [edge for edge in self.edges if wanted(edge)]
        sets: dict[tuple[Edge, ...], str] = {}
        if not self.is_large:
            sets = {(edge,): self.place(edge) for edge in edges}
        for key in (self._layer_of, self._kind_of):
            groups: dict[Any, list[Edge]] = {}
            for edge in edges:
                groups.setdefault(key(edge), []).append(edge)
            for group in groups.values():
                op = operation_of(group[0][0])
                where = f"all {len(group)} {_words_for(op)}"
                if key == self._layer_of:
                    where += f" of one layer, such as {self.place(group[0])}"
                sets.setdefault(tuple(group), where)
        for group_edges, where in sets.items():
            yield Family(where, group_edges)

    def place(self, edge: Edge) -> str:
        """Describe a use of a Value: the operation, and the layer or the name by which to find it.

        Of a node as a whole, the position is −1.
        """
        node, position = edge
        text = _words_for(operation_of(node))
        text += f" that gives {node.name}" if node.name else ""
        if owners := self.owners(node):
            text += f" in the layer of {', '.join(owners[:3])}{' …' if len(owners) > 3 else ''}"
        elif not node.name:
            text += " in the loss"
        x = node.inputs[position] if position >= 0 else None
        if len(node.inputs) > 1 and isinstance(x, Value):
            name = self.names.get(x) or x.name
            text += f", toward {name}" if name else ""
        return text

    def owners(self, node: Value) -> list[str]:
        """Return the parameters whose weighted sum a node belongs to: those below it, up to the next bend."""
        found: dict[str, None] = {}
        todo, seen = [node], {node}
        while todo:
            current = todo.pop()
            for x in current.inputs:
                if isinstance(x, Value) and x not in seen:
                    seen.add(x)
                    if x in self.names:
                        found[self.names[x]] = None
                    elif x.op is not None and x.op.name in LINEAR:
                        todo.append(x)
        return sorted(found)

    def groups_of_parameters(self) -> Iterator[tuple[str, list[Value]]]:
        """Yield each parameter, all biases, all others, and all, with words for them."""
        if len(self.parameters) <= MOST_PLACES:
            for name, value in self.parameters.items():
                yield name, [value]
        biases = self.biases()
        others = [v for v in self.parameters.values() if v not in set(biases)]
        if len(biases) > 1 and others:
            yield f"all {len(biases)} biases", biases
        if len(others) > 1 and biases:
            yield f"all {len(others)} weights", others
        if len(self.parameters) > 1:
            yield f"all {len(self.parameters)} parameters", list(self.parameters.values())

    def biases(self) -> list[Value]:
        """Return the parameters that are added and nothing else."""

        def is_added(edge: Edge) -> bool:
            name = operation_of(edge[0]).name
            return name == "add" or (name == "dense" and edge[1] == 2)

        uses = self.recorded.uses
        return [v for v in self.parameters.values() if all(map(is_added, uses[v]))]

    def crossed(self) -> list[str]:
        """Return the parameters through which something flows back to others: factors, not addends."""
        found: dict[str, None] = {}
        for node, position in self.edges:
            name = operation_of(node).name
            if name in LINEAR - MOVES and node.inputs[position] not in self.names:
                for x in node.inputs:
                    is_factor = isinstance(x, Value) and x in self.names
                    if is_factor and not (name == "dense" and x is node.inputs[2]):
                        found[self.names[x]] = None
        return sorted(found)

    def counts(self) -> list[int]:
        """Return the numbers that may be the N of a mean: lengths of batches, and constant divisors."""
        found: dict[int, None] = {}
        for node, position in self.edges:
            x, name = node.inputs[position], operation_of(node).name
            if name == "divide" and position == 0 and isinstance(node.inputs[1], float):
                found[round(node.inputs[1])] = None
            if name in ("mean", "sum", "softmax_cross_entropy") and x.shape:
                found[x.shape[0]] = found[x.size] = found[x.size // max(node.size, 1)] = None
        return [n for n in found if n > 1][:6]

    def _levels(self) -> dict[Value, int]:
        """Return for each node how many of the same operation lie on the longest way up to the output."""
        deepest: dict[Value, dict[str, int]] = {self.recorded.output: {}}
        levels: dict[Value, int] = {}
        for node in self.recorded.nodes:
            if node.op is None:
                continue
            name = operation_of(node).name
            above = deepest.pop(node)
            levels[node] = above.get(name, 0)
            below = above | {name: levels[node] + 1}
            for x in node.inputs:
                if isinstance(x, Value):
                    had = deepest.setdefault(x, {})
                    for kind, count in below.items():
                        had[kind] = max(count, had.get(kind, 0))
        return levels

    def _kind_of(self, edge: Edge) -> tuple[Any, ...]:
        node, position = edge
        return operation_of(node).name, position, node.inputs[position].op is None

    def _layer_of(self, edge: Edge) -> tuple[Any, ...]:
        return (*self._kind_of(edge), self._depth[edge[0]])

    # -- two streams -----------------------------------------------------------------------------

    def parted(self, own: Mapping[Edge, Rule], onward: Mapping[Edge, Rule]) -> Numbers:
        """Return the gradients if a layer's own weights get one thing and the layers before it another.

        Two streams run back side by side. They part where `own` and `onward` have different rules, for
        example at the activation of a layer; weights are fed from the one, and what passes the next
        activation comes from the other.
        """
        recorded = self.recorded
        streams: tuple[Numbers, Numbers] = ({}, {})
        for stream in streams:
            stream[recorded.output] = recorded.seed()
        for node in recorded.nodes:
            if node.op is None or node not in streams[1]:
                continue
            g_own, g_onward = (stream[node] for stream in streams)
            if node.op.name not in LINEAR:
                g_own = g_onward
            for position, x in enumerate(node.inputs):
                if isinstance(x, Value):
                    edge = (node, position)
                    parts = (
                        recorded.part(edge, g_own, own.get(edge)),
                        recorded.part(edge, g_onward, onward.get(edge)),
                    )
                    for stream, part in zip(streams, parts, strict=True):
                        stream[x] = stream[x] + part if x in stream else part
        return streams[0]


# ------------------------------------------------------------------------------------------------
# Rules that are wrong
# ------------------------------------------------------------------------------------------------


def _words_for(op: ops.Operation) -> str:
    """Return an operation's name, and its symbol where that is another word."""
    return op.name if op.symbol == op.name else f"{op.name} ({op.symbol})"


def _pass_on(g: Array, z: Array, *inputs: Array, **parameters: Any) -> Array:
    """Hand on what arrives as if the derivative were 1."""
    return g


def _nothing(g: Array, z: Array, *inputs: Array, **parameters: Any) -> Array:
    return 0.0


def _times(edge: Edge, factor: float) -> Rule:
    """Return the right rule of an edge times a factor."""
    right = operation_of(edge[0]).derivative(edge[1])
    return lambda g, z, *inputs, **parameters: factor * right(g, z, *inputs, **parameters)


def _has_factor(edge: Edge) -> bool:
    return operation_of(edge[0]).name not in WITHOUT_FACTOR


def _bends(edge: Edge) -> bool:
    """Tell activations, whose derivative depends on where one is, from sums and products."""
    node, _ = edge
    return len(node.inputs) == 1 and _has_factor(edge)


def _rule_text(edge: Edge) -> str:
    """Return the derivative as the operation's formula has it."""
    op = operation_of(edge[0])
    rules = op.formula.partition("        ")[2].strip().split(",   ")
    return rules[edge[1]] if edge[1] < len(rules) else rules[-1]


def _divides_by_count(edge: Edge) -> float:
    """Return the constant N of a division by N, else 0."""
    node, position = edge
    divisor = node.inputs[1] if operation_of(node).name == "divide" and position == 0 else 0.0
    return divisor if isinstance(divisor, float) and divisor == round(divisor) > 1 else 0.0


# ------------------------------------------------------------------------------------------------
# The mistakes
# ------------------------------------------------------------------------------------------------


def assignment(case: Case) -> Iterator[Mutation]:
    """`=` instead of `+=`: of several parts that flow into a Value, only one survives."""
    name = "= instead of +="
    uses = {x: edges for x, edges in case.recorded.uses.items() if len(edges) > 1}
    carrying = {node.inputs[position] for node, position in case.edges}
    reused = [x for x in uses if x in carrying]
    if not case.is_large:
        for x in reused:
            for kept in (uses[x][-1], uses[x][0]):
                others = [edge for edge in uses[x] if edge != kept]
                what = f"of {len(uses[x])} parts only the one from {case.place(kept)} is kept"
                where = x.name or (case.place((x, -1)) if x.op else "a Value without a name")
                rules: dict[Edge, Rule] = dict.fromkeys(others, _nothing)
                yield Mutation(name, f"the gradient of {where}", what, partial(case, rules))
    for words, order in (("", None), (", depth first", _depth_first_topological(case.recorded))):
        run = partial(case.recorded.backward, overwritten=set(reused), order=order)
        what = f"the part that arrives last replaces all before{words}"
        yield Mutation(name, f"all {len(reused)} Values that are used more than once", what, run)


def dropped_path(case: Case) -> Iterator[Mutation]:
    """One path of a fan-out is forgotten, or the only one is cut."""
    if case.is_large:
        return
    for edge in case.edges:
        ways = len(case.recorded.uses[edge[0].inputs[edge[1]]])
        what = f"one of {ways} paths is forgotten" if ways > 1 else "the only path is cut"
        run = partial(case, {edge: _nothing})
        yield Mutation("path dropped", case.place(edge), what, run)


def missing_count(case: Case) -> Iterator[Mutation]:
    """A sum for a mean: 1/N is missing."""
    for edge in case.edges:
        node, position = edge
        name = operation_of(node).name
        count = _divides_by_count(edge)
        if name in ("mean", "softmax_cross_entropy"):
            x = node.inputs[position]
            count = x.size / node.size if name == "mean" else float(np.size(node.params["labels"]))
        if count > 1:
            what = f"a sum for a mean: everything behind it is {count:g} times as large"
            run = partial(case, {edge: _times(edge, count)})
            yield Mutation("1/N missing", case.place(edge), what, run)
    for where, values in case.groups_of_parameters():
        for n in case.counts():
            run = partial(case.scaled, dict.fromkeys(values, float(n)))
            yield Mutation("1/N missing", f"the gradient of {where}", f"{n} times too large", run)


def extra_count(case: Case) -> Iterator[Mutation]:
    """A mean for a sum: divided by an N that does not belong there."""
    for where, values in case.groups_of_parameters():
        for n in case.counts():
            run = partial(case.scaled, dict.fromkeys(values, 1.0 / n))
            what = f"divided by {n}, a mean for a sum"
            yield Mutation("divided by N", f"the gradient of {where}", what, run)


def factor_left_out(case: Case) -> Iterator[Mutation]:
    """A factor of the chain is left out, everywhere behind it."""
    for family in case.families(_has_factor):
        rules: dict[Edge, Rule] = dict.fromkeys(family.edges, _pass_on)
        what = f"the factor {_rule_text(family.edges[0])} is left out"
        yield Mutation("factor left out", family.where, what, partial(case, rules))


def factor_left_out_in_part(case: Case) -> Iterator[Mutation]:
    """An activation's factor reaches its layer's own weights and not the layers before, or vice versa."""
    for family in case.families(_bends):
        wrong: dict[Edge, Rule] = dict.fromkeys(family.edges, _pass_on)
        factor = _rule_text(family.edges[0])
        for own, onward, words in (
            (
                {},
                wrong,
                "in what is passed on to the layers before, not for the layer's own weights",
            ),
            (wrong, {}, "for the layer's own weights, not in what is passed on"),
        ):
            what = f"the factor {factor} is left out {words}"
            run = partial(case.parted, own, onward)
            yield Mutation("factor left out", family.where, what, run)


def derivative_elsewhere(case: Case) -> Iterator[Mutation]:
    """An activation's derivative is taken at its output, or its formula is fed the input for the output."""
    for family in case.families(_bends):
        at_output: dict[Edge, Rule] = {}
        of_input: dict[Edge, Rule] = {}
        for edge in family.edges:
            op = operation_of(edge[0])
            right = op.derivative(edge[1])
            at_output[edge] = partial(_at_output, right, op.evaluate)
            of_input[edge] = partial(_of_input, right)
        name = "derivative at the wrong place"
        what = "the derivative is taken at the output instead of the input, f′(f(x))"
        yield Mutation(name, family.where, what, partial(case, at_output))
        what = "the derivative's formula is given the input x where it needs the output f(x)"
        yield Mutation(name, family.where, what, partial(case, of_input))


def _at_output(right: Rule, evaluate: Rule, g: Array, z: Array, x: Array, **params: Any) -> Array:
    return right(g, evaluate([z], params), z, **params)


def _of_input(right: Rule, g: Array, z: Array, x: Array, **params: Any) -> Array:
    return right(g, x, x, **params)


def turned_sign(case: Case) -> Iterator[Mutation]:
    """A minus too many or too few."""
    for where, values in case.groups_of_parameters():
        run = partial(case.scaled, dict.fromkeys(values, -1.0))
        yield Mutation("sign turned", f"the gradient of {where}", "plus for minus", run)
    for family in case.families(lambda edge: True):
        rules = {edge: _times(edge, -1.0) for edge in family.edges}
        yield Mutation("sign turned", family.where, "plus for minus", partial(case, rules))


def early_update(case: Case) -> Iterator[Mutation]:
    """Weights move before the error is passed back through them."""
    name = "weights updated too early"
    crossed = case.crossed()
    if not crossed:
        return
    shown = ", ".join(crossed[:4]) + (f" and {len(crossed) - 4} more" if len(crossed) > 4 else "")
    where = f"the way back through {shown}"
    what = "each layer's weights move first, and the error goes back through the moved ones"
    yield Mutation(name, where, what, partial(_in_place, case, 60), needs_rate=True)
    what = "all weights move first, then the error goes back through the moved ones"
    yield Mutation(name, where, what, partial(_in_place, case, 1), needs_rate=True)


def _in_place(case: Case, rounds: int, rate: float) -> Numbers:
    """Go backward through weights that have moved already, each by its own gradient.

    A layer's gradient depends on those of the layers behind it only, so repeating settles from the back.
    """
    numbers, gradients = case.recorded.numbers, case.truth
    for _ in range(rounds):
        moved = {v: numbers[v] - rate * gradients[v] for v in case.parameters.values()}
        before, gradients = gradients, case.recorded.backward(numbers={**numbers, **moved})
        if all(np.array_equal(before[v], gradients[v]) for v in case.parameters.values()):
            break
    return gradients


def stale_weights(case: Case) -> Iterator[Mutation]:
    """The gradient, or a part of it, belongs to the parameters before the last step."""
    if not case.before:
        return
    recorded = case.recorded
    numbers = recorded.forward(case.before)

    def accumulated() -> Numbers:
        old = recorded.backward(numbers=numbers)
        return {value: g + old.get(value, 0.0) for value, g in case.truth.items()}

    what = "the gradient is that of the parameters before the last step; the graph was not computed anew"
    run = partial(recorded.backward, numbers=numbers)
    yield Mutation("stale weights", "all parameters", what, run)
    what = "the error goes back through the weights from before the last step"
    run = partial(recorded.backward, numbers={**recorded.numbers, **case.before})
    yield Mutation("stale weights", "all parameters", what, run)
    what = "the gradient of the step before is still in it"
    yield Mutation("forgotten zero_grad", "all parameters", what, accumulated)


def accumulated(case: Case) -> Iterator[Mutation]:
    """Several backward passes over the same parameters, without forgetting in between."""
    values = case.parameters.values()
    for times in range(2, 11):
        run = partial(case.scaled, dict.fromkeys(values, float(times)))
        what = f"the gradients of {times} backward passes are added up"
        yield Mutation("forgotten zero_grad", "all parameters", what, run)


def missing_half(case: Case) -> Iterator[Mutation]:
    """The 2 of a square and the ½ before it do not cancel."""
    for where, values in case.groups_of_parameters():
        for factor, what in (
            (0.5, "half as large: a 2 is missing"),
            (2.0, "twice as large: a ½ is"),
        ):
            what = what if factor < 1 else f"{what} missing"
            run = partial(case.scaled, dict.fromkeys(values, factor))
            yield Mutation("factor 2", f"the gradient of {where}", what, run)


def transposed(case: Case) -> Iterator[Mutation]:
    """W where Wᵀ belongs (which fits square matrices only), or a gradient that lies on its side."""
    for where, values in case.groups_of_parameters():
        matrices = [value for value in values if value.ndim == 2]
        if matrices:
            run = partial(_lying, case, matrices)
            yield Mutation("transposed", f"the gradient of {where}", "it lies on its side", run)
    for edge in case.edges:
        node, position = edge
        if operation_of(node).name not in ("matmul", "dense") or position > 1:
            continue
        other = case.recorded.arguments(node)[1 - position]
        if other.ndim == 2 and other.shape[0] == other.shape[1]:
            right = operation_of(node).derivative(position)
            run = partial(case, {edge: partial(_other_transposed, right, 1 - position)})
            what = "the other matrix of the product is not transposed, or once too often"
            yield Mutation("transposed", case.place(edge), what, run)


def _lying(case: Case, matrices: list[Value]) -> Numbers:
    return {**case.truth, **{value: case.truth[value].T for value in matrices}}


def _other_transposed(
    right: Rule, position: int, g: Array, z: Array, *inputs: Array, **parameters: Any
) -> Array:
    arguments = list(inputs)
    arguments[position] = arguments[position].T
    return right(g, z, *arguments, **parameters)


def exchanged_weights(case: Case) -> Iterator[Mutation]:
    """One weight where another belongs: W for Wᵀ, in a network that has a Value for each weight."""
    crossed = [case.parameters[name] for name in case.crossed()]
    if len(crossed) > MOST_EXCHANGED:
        return
    numbers = case.recorded.numbers
    for first, second in combinations(crossed, 2):
        if first.shape == second.shape:
            swapped = {**numbers, first: numbers[second], second: numbers[first]}
            where = f"the way back through {case.names[first]} and {case.names[second]}"
            what = "each is taken for the other, as if W stood where Wᵀ belongs"
            run = partial(case.recorded.backward, numbers=swapped)
            yield Mutation("weights exchanged", where, what, run)


def missing_bias(case: Case) -> Iterator[Mutation]:
    """The network was computed without a bias."""
    biases = case.biases()
    groups = [[bias] for bias in biases] + ([biases] if len(biases) > 1 else [])
    for group in groups[-MOST_PLACES:]:
        where = ", ".join(case.names[bias] for bias in group[:4])
        where += f" and {len(group) - 4} more" if len(group) > 4 else ""
        run = partial(_without, case, group)
        what = "the network is computed as if it were 0, in the derivation"
        yield Mutation("bias missing", where, what, run)


def _without(case: Case, biases: list[Value]) -> Numbers:
    zeros = {bias: bias.numpy() * 0.0 if bias.shape else 0.0 for bias in biases}
    return case.recorded.backward(numbers=case.recorded.forward(zeros))


def missing_sum(case: Case) -> Iterator[Mutation]:
    """What broadcasting had repeated is not summed: a bias that serves a batch gets one sample's gradient."""
    reductions: tuple[tuple[str, Callable[[Array], Array]], ...] = (
        ("not summed over the batch", lambda part: part),
        ("averaged over the batch instead of summed", lambda part: part.mean(axis=0)),
        ("of the first sample only", lambda part: part[0]),
        ("of the last sample only", lambda part: part[-1]),
    )
    for name, value in case.parameters.items():
        edges = case.recorded.uses[value]
        if len(edges) != 1:
            continue
        node, position = edges[0]
        raw = operation_of(node).derivative(position)(
            case.truth[node],
            case.recorded.numbers[node],
            *case.recorded.arguments(node),
            **node.params,
        )
        if len(shape_of(raw)) > value.ndim:
            for what, reduce in reductions:
                run = partial(_replaced, case, value, reduce(raw))
                yield Mutation("unbroadcast missing", f"the gradient of {name}", what, run)


def _replaced(case: Case, value: Value, gradient: Array) -> Numbers:
    return {**case.truth, value: gradient}


def never_written(case: Case) -> Iterator[Mutation]:
    """A gradient stays 0."""
    for where, values in case.groups_of_parameters():
        run = partial(case.scaled, dict.fromkeys(values, 0.0))
        yield Mutation("never written", f"the gradient of {where}", "it stays 0", run)


def forgotten_label(case: Case) -> Iterator[Mutation]:
    """The gradient of softmax cross-entropy without the label: p for p − y."""
    for edge in case.edges:
        if operation_of(edge[0]).name == "softmax_cross_entropy":
            what = "p instead of p − y: the label is not subtracted"
            run = partial(case, {edge: _without_label})
            yield Mutation("label missing", case.place(edge), what, run)


def _without_label(g: Array, z: Array, x: Array, *, labels: Any) -> Array:
    return ops.softmax(x) * (g / np.size(labels))


def wrong_order(case: Case) -> Iterator[Mutation]:
    """Nodes pass on what they have before all of it has arrived."""
    for words, order in (
        ("breadth first", _by_arrival(case.recorded, first_in_first_out=True)),
        ("depth first", _by_arrival(case.recorded, first_in_first_out=False)),
    ):
        what = f"nodes are visited {words} from the output, some before all has arrived at them"
        run = partial(case.recorded.backward, order=order)
        yield Mutation("no topological order", "the whole graph", what, run)


def _by_arrival(recorded: Recorded, first_in_first_out: bool) -> list[Value]:
    """Return the nodes in the order in which a search from the output meets them."""
    found: dict[Value, None] = {}
    todo = [recorded.output]
    while todo:
        node = todo.pop(0 if first_in_first_out else -1)
        if node in found:
            continue
        found[node] = None
        below = [x for x in node.inputs if isinstance(x, Value)]
        todo += below if first_in_first_out else below[::-1]
    return list(found)


def _depth_first_topological(recorded: Recorded) -> list[Value]:
    """Return the nodes in the order of a depth-first topological sort, as most homemade engines have it."""
    order: dict[Value, None] = {}
    seen: set[Value] = set()
    todo: list[tuple[Value, bool]] = [(recorded.output, False)]
    while todo:
        node, done = todo.pop()
        if done:
            order[node] = None
        elif node not in seen:
            seen.add(node)
            todo.append((node, True))
            todo += [(x, False) for x in reversed(node.inputs) if isinstance(x, Value)]
    return list(order)[::-1]


Mistake: TypeAlias = Callable[[Case], Iterator[Mutation]]

#: All mistakes, the likelier ones first where several have the same effect.
MISTAKES: tuple[Mistake, ...] = (
    assignment,
    missing_count,
    factor_left_out,
    factor_left_out_in_part,
    turned_sign,
    early_update,
    stale_weights,
    accumulated,
    missing_half,
    extra_count,
    transposed,
    exchanged_weights,
    missing_sum,
    missing_bias,
    never_written,
    forgotten_label,
    derivative_elsewhere,
    wrong_order,
    dropped_path,
)
