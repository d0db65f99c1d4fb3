"""The museum of mistakes: every way in which a derivation by hand is known to go wrong.

A *mutation* is the chain rule with exactly one thing done wrong: one rule replaced, one path forgotten, one
number taken too early or too late. Each yields the gradients that somebody would get who made that one
mistake. `audit` runs them all and looks which of them gives the numbers in question.

The table `MISTAKES` at the end lists them, one entry each: a name, a sentence, and the ways to make the
mistake in a given calculation. Most are made by one of four helpers: a wrong rule `at_places`, a wrong
rule `in_one_stream`, right gradients `times` a number, or those of `before_the_step`. To add a mistake,
add an entry. Where several give the same numbers, the one further up is named first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.compare.places import LINEAR, MOVES, Case, whole_divisor
from tinygrad_edu.compare.recorded import Numbers, Recorded, RuleFunction, Use, operation_of
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import name_list
from tinygrad_edu.value import Value, chain_rule

#: Operations without a factor that could be left out so that the shapes still fit.
WITHOUT_FACTOR = MOVES | {"matmul", "dense", "mean", "softmax_cross_entropy", "where"}
#: Operations whose slopes are taken for one another.
ACTIVATIONS = frozenset({"sigmoid", "tanh", "relu", "leaky_relu", "softplus"})
#: With more weights than this, no two are exchanged: there would be too many pairs.
MOST_EXCHANGED = 20
#: Where each layer moves its weights before it passes the error on, at most this many layers are followed.
MOST_LAYERS = 60

#: Returns the gradients that a mistake gives; takes a learning rate if the mistake needs one.
Attempt: TypeAlias = Callable[..., Numbers]
#: All attempts at a mistake in a calculation: where, the attempt, and what fills the gap in its sentence.
Attempts: TypeAlias = Callable[[Case], Iterable[tuple[str, Attempt, Any]]]
#: The wrong rule of a place, and what fills the gap in the sentence; None where it cannot be made.
WrongRule: TypeAlias = Callable[[Case, Use], tuple[RuleFunction, Any] | None]


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make: its `name`, `what` is done as a sentence with a gap, and the `ways`."""

    name: str
    what: str
    ways: Attempts
    needs_rate: bool = False


# ------------------------------------------------------------------------------------------------
# Four kinds of ways
# ------------------------------------------------------------------------------------------------


def at_places(wrong: WrongRule, grouped: bool = True) -> Attempts:
    """Use a wrong rule at one place, at all of a layer, or at all of a kind."""

    def ways(case: Case) -> Iterator[tuple[str, Attempt, Any]]:
        for where, rules, gap in _wrong_rules(case, wrong, grouped):
            yield where, partial(case.recorded.backward, rules), gap

    return ways


def in_one_stream(wrong: WrongRule, own: bool) -> Attempts:
    """Use a wrong rule for a layer's own weights only, or only in what is passed on to earlier layers."""

    def ways(case: Case) -> Iterator[tuple[str, Attempt, Any]]:
        for where, rules, gap in _wrong_rules(case, wrong, grouped=True):
            right: Mapping[Use, RuleFunction] = {}
            streams = (rules, right) if own else (right, rules)
            yield where, partial(_two_streams, case.recorded, *streams), gap

    return ways


def times(
    factors: Callable[[Case], Iterable[tuple[float, Any]]], only_all: bool = False
) -> Attempts:
    """Multiply the right gradient of a parameter, of all biases, all weights, or only of all by factors.

    `factors` yields each with what fills the gap in the sentence.
    """

    def ways(case: Case) -> Iterator[tuple[str, Attempt, Any]]:
        groups = [(f"the gradient of {where}", vs) for where, vs in case.groups_of_parameters()]
        everything = [("all parameters", list(case.parameters.values()))]
        for where, values in everything if only_all else groups:
            for factor, gap in factors(case):
                yield where, partial(case.scaled, dict.fromkeys(values, factor)), gap

    return ways


def before_the_step(numbers: Callable[[Case], Numbers], added: bool = False) -> Attempts:
    """Go back through these numbers, if it is known what the parameters were before the last step.

    What comes out is given instead of the right gradients, or `added` to them.
    """

    def run(case: Case) -> Numbers:
        old = case.recorded.backward(numbers=numbers(case))
        return {v: g + old.get(v, 0.0) for v, g in case.truth.items()} if added else old

    return lambda case: [("all parameters", partial(run, case), "")] if case.before else []


def _wrong_rules(
    case: Case, wrong: WrongRule, grouped: bool
) -> Iterator[tuple[str, dict[Use, RuleFunction], Any]]:
    found = {edge: made for edge in case.edges if (made := wrong(case, edge))}
    for where, edges in case.families(list(found), grouped):
        yield where, {edge: found[edge][0] for edge in edges}, found[edges[0]][1]


def _two_streams(
    recorded: Recorded, own: Mapping[Use, RuleFunction], onward: Mapping[Use, RuleFunction]
) -> Numbers:
    """Go back with two streams side by side: a layer's own weights get one, the layers before it the other.

    They part where `own` and `onward` have different rules, such as at the activation of a layer. Weights
    are fed from the first; what passes the next activation comes from the second.
    """
    second = recorded.backward(onward)
    first: Numbers = {recorded.output: recorded.seed()}
    for node, position, *_ in chain_rule(recorded.nodes, first, recorded.pull(own)):
        x = node.inputs[position]
        if x.op is not None and x.op.name not in LINEAR:
            first[x] = second[x]  # here ends a layer, and what has come so far was its own
    return first


# ------------------------------------------------------------------------------------------------
# Rules that are wrong
# ------------------------------------------------------------------------------------------------


def no_factor(_: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Hand on what arrives as if the derivative were 1."""
    left_out = (lambda g, *inputs, **options: g), rule_text(edge)
    return None if operation_of(edge[0]).name in WITHOUT_FACTOR else left_out


def no_slope(case: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Leave the factor out at an activation only: its slope depends on where one is."""
    return no_factor(case, edge) if len(edge[0].inputs) == 1 else None


def no_minus(_: Case, edge: Use) -> tuple[RuleFunction, str]:
    """Turn the sign."""
    return _multiplied(edge, -1.0), ""


def no_count(_: Case, edge: Use) -> tuple[RuleFunction, float] | None:
    """Leave the 1/N of a mean out."""
    node, position = edge
    count = float(whole_divisor(edge))
    if operation_of(node).name == "mean":
        count = node.inputs[position].size / node.size
    elif operation_of(node).name == "softmax_cross_entropy":
        count = float(np.size(node.options["labels"]))
    return (_multiplied(edge, count), count) if count > 1 else None


def no_label(_: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Behind softmax cross-entropy pass on p where p − y belongs."""
    if operation_of(edge[0]).name != "softmax_cross_entropy":
        return None
    return (lambda g, z, x, *, labels: ops.softmax(x) * (g / np.size(labels))), ""


def no_path(case: Case, edge: Use) -> tuple[RuleFunction, str]:
    """Pass nothing on."""
    paths = len(case.recorded.uses[edge[0].inputs[edge[1]]])
    return nothing, f"one of {paths} paths is forgotten" if paths > 1 else "the only path is cut"


def nothing(*inputs: Array, **options: Any) -> Array:
    """Return 0, whatever flows."""
    return 0.0


def not_transposed(case: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Multiply by W where Wᵀ belongs, which fits square matrices only."""
    (node, position), op = edge, operation_of(edge[0])
    if op.name not in ("matmul", "dense") or position > 1:
        return None
    shape = shape_of(case.recorded.arguments(node)[1 - position])
    if len(shape) != 2 or shape[0] != shape[1]:
        return None

    def rule(g: Array, z: Array, *inputs: Array, **options: Any) -> Array:
        turned = [x.T if i == 1 - position else x for i, x in enumerate(inputs)]
        return op.derivative(position)(g, z, *turned, **options)

    return rule, ""


def slope_at_output(case: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Take an activation's derivative at its output, f′(f(x))."""
    op = operation_of(edge[0])
    rule = op.derivative(0)
    wrong = (lambda g, z, x, **p: rule(g, op.evaluate([z], p), z, **p)), ""
    return wrong if no_slope(case, edge) else None


def slope_from_input(case: Case, edge: Use) -> tuple[RuleFunction, str] | None:
    """Put the input x into the formula where the output f(x) belongs."""
    rule = operation_of(edge[0]).derivative(0)
    return ((lambda g, z, x, **p: rule(g, x, x, **p)), "") if no_slope(case, edge) else None


def slope_of(other: ops.Operation) -> WrongRule:
    """Take the derivative of another activation, with this one's input and output."""
    wrong = (lambda g, z, x, **p: other.derivative(0)(g, z, x)), other.name
    which = ACTIVATIONS - {other.name}
    return lambda case, edge: wrong if operation_of(edge[0]).name in which else None


def one_row(kept: int) -> WrongRule:
    """Let one sample of a batch count, and none of the others."""

    def wrong(_: Case, edge: Use) -> tuple[RuleFunction, int] | None:
        right = operation_of(edge[0]).derivative(edge[1])

        def rule(g: Array, *inputs: Array, **options: Any) -> Array:
            row = np.zeros_like(g)
            row[kept] = g[kept]
            return right(row, *inputs, **options)

        rows = edge[0].shape[0] if edge[0].shape else 0
        return (rule, rows) if rows > 1 else None

    return wrong


def rule_text(edge: Use) -> str:
    """Return the derivative as the operation's formula has it."""
    return operation_of(edge[0]).told_of(edge[1])


def _multiplied(edge: Use, factor: float) -> RuleFunction:
    right = operation_of(edge[0]).derivative(edge[1])
    return lambda g, *inputs, **options: factor * right(g, *inputs, **options)


# ------------------------------------------------------------------------------------------------
# Mistakes that are no wrong rule at a place
# ------------------------------------------------------------------------------------------------


def one_survives(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Of several parts that flow into a Value, keep the last or the first."""
    for x in [] if case.is_large else _reused(case):
        edges = case.recorded.uses[x]
        for kept in (edges[-1], edges[0]):
            rules = {edge: nothing for edge in edges if edge != kept}
            name = x.name or (case.place(x) if x.op else "a Value without a name")
            words = f"{len(edges)} parts only the one from {case.place(*kept)}"
            yield f"the gradient of {name}", partial(case.recorded.backward, rules), words


def all_overwritten(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Let what arrives last replace all before, in our order and in that of most homemade engines."""
    reused = _reused(case)
    where = f"all {len(reused)} Values that are used more than once"
    for order, words in ((None, ""), (_depth_first(case.recorded), ", depth first")):
        yield where, partial(case.recorded.backward, overwritten=set(reused), order=order), words


def _reused(case: Case) -> list[Value]:
    carrying = {node.inputs[position] for node, position in case.edges}
    return [x for x, edges in case.recorded.uses.items() if len(edges) > 1 and x in carrying]


def moved_early(rounds: int) -> Attempts:
    """Go back through weights that have moved already, each by its own gradient.

    A layer's gradient depends on those of the layers behind it only, so repeating settles from the back;
    after one round, all have moved by the right gradients.
    """

    def run(case: Case, rate: float) -> Numbers:
        numbers, gradients = case.recorded.numbers, case.truth
        for _ in range(rounds):
            moved = {v: numbers[v] - rate * gradients[v] for v in case.parameters.values()}
            before, gradients = gradients, case.recorded.backward(numbers={**numbers, **moved})
            if all(np.array_equal(before[v], gradients[v]) for v in moved):
                break
        return gradients

    def ways(case: Case) -> Iterator[tuple[str, Attempt, str]]:
        if crossed := case.crossed():
            yield f"the way back through {name_list(crossed)}", partial(run, case), ""

    return ways


def exchanged(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Take one weight where another belongs: W for Wᵀ, where there is a Value for each weight."""
    crossed = [case.parameters[name] for name in case.crossed()]
    numbers = case.recorded.numbers
    for a, b in combinations(crossed, 2) if len(crossed) <= MOST_EXCHANGED else ():
        if a.shape == b.shape:
            swapped = {**numbers, a: numbers[b], b: numbers[a]}
            where = f"the way back through {case.names[a]} and {case.names[b]}"
            yield where, partial(case.recorded.backward, numbers=swapped), ""


def on_its_side(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Give the gradient of a matrix transposed."""
    for where, values in case.groups_of_parameters():
        if turned := {v: np.transpose(case.truth[v]) for v in values if v.ndim == 2}:
            yield f"the gradient of {where}", partial(dict, case.truth | turned), ""


def without_bias(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Compute the network without a bias, or without any."""

    def run(zeros: Numbers) -> Numbers:
        return case.recorded.backward(numbers=case.recorded.forward(zeros))

    biases = case.biases()
    alone = [] if case.is_large else [[bias] for bias in biases]
    for group in [*alone, biases]:
        if group:
            zeros = {bias: bias.numpy() * 0.0 if bias.shape else 0.0 for bias in group}
            yield name_list([case.names[b] for b in group]), partial(run, zeros), ""


def not_summed(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Do not sum what broadcasting had repeated: a bias that serves a batch gets one sample's gradient."""
    for name, value in case.parameters.items():
        edges = case.recorded.uses[value]
        if len(edges) != 1:
            continue
        ((node, position),) = edges
        arguments = case.truth[node], case.recorded.numbers[node], *case.recorded.arguments(node)
        raw = operation_of(node).derivative(position)(*arguments, **node.options)
        if len(shape_of(raw)) > value.ndim:
            for words, reduced in (
                ("not summed over the batch", raw),
                ("averaged over the batch instead of summed", raw.mean(axis=0)),
                ("of the first sample only", raw[0]),
                ("of the last sample only", raw[-1]),
            ):
                yield f"the gradient of {name}", partial(dict, case.truth | {value: reduced}), words


def without_order(case: Case) -> Iterator[tuple[str, Attempt, str]]:
    """Visit nodes in the order in which a search from the output meets them."""
    for words, next_one in (("breadth first", 0), ("depth first", -1)):
        order: dict[Value, None] = {}
        todo = [case.recorded.output]
        while todo:
            node = todo.pop(next_one)
            if node not in order:
                order[node] = None
                below = [x for x in node.inputs if isinstance(x, Value)]
                todo += below if next_one == 0 else below[::-1]
        yield "the whole graph", partial(case.recorded.backward, order=list(order)), words


def _depth_first(recorded: Recorded) -> list[Value]:
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


# ------------------------------------------------------------------------------------------------
# The table
# ------------------------------------------------------------------------------------------------


def by(*factors: float) -> Callable[[Case], Iterable[tuple[float, float]]]:
    """Return these factors, whatever the case, to fill the gap in the sentence as well."""
    return lambda case: [(factor, factor) for factor in factors]


#: All mistakes, the likelier ones first where several have the same effect.
MISTAKES: tuple[Mistake, ...] = (
    Mistake("= instead of +=", "of {} is kept", one_survives),
    Mistake("= instead of +=", "the part that arrives last replaces all before{}", all_overwritten),
    Mistake("1/N missing", "a sum for a mean: everything behind it is {:g} times as large",
            at_places(no_count)),
    Mistake("1/N missing", "{} times too large",
            times(lambda case: [(float(n), n) for n in case.counts()])),
    Mistake("factor left out", "the factor {} is left out", at_places(no_factor)),
    Mistake("factor left out", "the factor {} is left out in what is passed on to the layers before, "
            "not for the layer's own weights", in_one_stream(no_slope, own=False)),
    Mistake("factor left out", "the factor {} is left out for the layer's own weights, not in what is "
            "passed on", in_one_stream(no_slope, own=True)),
    Mistake("sign turned", "plus for minus", times(by(-1.0))),
    Mistake("sign turned", "plus for minus", at_places(no_minus)),
    Mistake("weights updated too early", "each layer's weights move first, and the error goes back "
            "through the moved ones", moved_early(MOST_LAYERS), needs_rate=True),
    Mistake("weights updated too early", "all weights move first, then the error goes back through the "
            "moved ones", moved_early(1), needs_rate=True),
    Mistake("stale weights", "the gradient is that of the parameters before the last step; the graph was "
            "not computed anew", before_the_step(lambda case: case.recorded.forward(case.before))),
    Mistake("stale weights", "the error goes back through the weights from before the last step",
            before_the_step(lambda case: case.recorded.numbers | case.before)),
    Mistake("forgotten zero_grad", "the gradient of the step before is still in it",
            before_the_step(lambda case: case.recorded.forward(case.before), added=True)),
    Mistake("forgotten zero_grad", "the gradients of {:g} backward passes are added up",
            times(by(*range(2, 11)), only_all=True)),
    Mistake("factor 2", "half as large: a 2 is missing", times(by(0.5))),
    Mistake("factor 2", "twice as large: a ½ is missing", times(by(2.0))),
    Mistake("divided by N", "divided by {}, a mean for a sum",
            times(lambda case: [(1.0 / n, n) for n in case.counts()])),
    Mistake("transposed", "it lies on its side", on_its_side),
    Mistake("transposed", "the other matrix of the product is not transposed, or once too often",
            at_places(not_transposed)),
    Mistake("weights exchanged", "each is taken for the other, as if W stood where Wᵀ belongs", exchanged),
    Mistake("unbroadcast missing", "{}", not_summed),
    Mistake("bias missing", "the network is computed as if it were 0, in the derivation", without_bias),
    Mistake("never written", "it stays 0", times(by(0.0))),
    Mistake("label missing", "p instead of p − y: the label is not subtracted", at_places(no_label)),
    Mistake("derivative at the wrong place", "the derivative is taken at the output instead of the input, "
            "f′(f(x))", at_places(slope_at_output)),
    Mistake("derivative at the wrong place", "the derivative's formula is given the input x where it needs "
            "the output f(x)", at_places(slope_from_input)),
    *(Mistake("another activation's slope", "the derivative is that of {}", at_places(slope_of(other)))
      for other in (ops.sigmoid, ops.tanh, ops.relu)),
    Mistake("one sample only", "of {} samples only the last one counts",
            at_places(one_row(-1), grouped=False)),
    Mistake("one sample only", "of {} samples only the first one counts",
            at_places(one_row(0), grouped=False)),
    Mistake("no topological order", "nodes are visited {} from the output, some before all has arrived at "
            "them", without_order),
    Mistake("path dropped", "{}", at_places(no_path, grouped=False)),
)  # fmt: skip
