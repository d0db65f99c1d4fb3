"""The ways to make a mistake: where it can be made in a given calculation, and what it changes there.

Most are made by one of a few helpers: a wrong rule `at_places` or `in_one_stream`, something else `handed`
in, a constant or a node computed otherwise, other numbers `before_the_step` or `through` weights that have
moved. Each yields where it is made, a `Change` of the walk, and what fills the gap in the mistake's sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, permutations
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.compare.mistakes.changes import Change, Twist
from tinygrad_edu.compare.mistakes.rules import (
    INPUTS,
    WrongRule,
    multiplied,
    nothing,
    reading,
)
from tinygrad_edu.compare.places import Case
from tinygrad_edu.compare.recorded import Use, operation_of
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import name_list
from tinygrad_edu.value import Value

#: With more weights, or more inputs, than this, no two are exchanged: there would be too many pairs.
MOST_EXCHANGED = 12

#: Where a mistake is made, what it changes, and what fills the gap in its sentence. What needs a number that
#: is not known, such as a learning rate, makes a change of that number.
Attempt: TypeAlias = tuple[str, Change | Callable[[float], Change], Any]
#: All attempts at a mistake in a calculation.
Attempts: TypeAlias = Callable[[Case], Iterable[Attempt]]


# ------------------------------------------------------------------------------------------------
# Wrong rules
# ------------------------------------------------------------------------------------------------


def at_places(wrong: WrongRule, grouped: bool = True) -> Attempts:
    """Use a wrong rule at one place, at all of a layer, or at all of a kind."""

    def ways(case: Case) -> Iterator[Attempt]:
        for where, rules, gap in _wrong_rules(case, wrong, grouped):
            yield where, Change(rules), gap

    return ways


def in_one_stream(wrong: WrongRule, own: bool) -> Attempts:
    """Use a wrong rule for a layer's own weights only, or only in what is passed on to earlier layers."""

    def ways(case: Case) -> Iterator[Attempt]:
        for where, rules, gap in _wrong_rules(case, wrong, grouped=True):
            yield where, Change(own=rules) if own else Change(onward=rules), gap

    return ways


def _wrong_rules(
    case: Case, wrong: WrongRule, grouped: bool
) -> Iterator[tuple[str, dict[Use, Twist], Any]]:
    found = {edge: made for edge in case.edges if (made := wrong(case, edge))}
    for where, edges in case.families(list(found), grouped):
        yield where, {edge: found[edge][0] for edge in edges}, found[edges[0]][1]


def terms_weighed(case: Case) -> Iterator[Attempt]:
    """Give a term of the loss another weight, such as a regularization: λ for λ/2, or divided by N."""
    todo = [case.recorded.output]
    for node in todo:
        terms = [x for x in node.inputs if isinstance(x, Value) and x in case.carrying and x.op]
        if operation_of(node).name not in ("add", "subtract") or len(terms) < 2:
            continue
        todo += terms
        for position, x in enumerate(node.inputs):
            for n in (2, *case.counts()) if x in terms else ():
                for factor in (float(n), 1.0 / n):
                    yield case.place(x), Change({(node, position): multiplied(factor)}), factor


def divided_on_the_way(case: Case) -> Iterator[Attempt]:
    """Divide what a layer passes on by an N that it is divided by already."""
    for node, position in case.edges:
        if case.is_product((node, position), by_weight=False):
            for n in case.counts():
                where = f"what {case.place(node, position)} passes on"
                yield where, Change({(node, position): multiplied(1.0 / n)}), n


def slope_of_logits(case: Case) -> Iterator[Attempt]:
    """Behind a loss that has the sigmoid in it multiply by its slope all the same."""
    for node in case.recorded.nodes:
        if node.op is None or node.op.name != "softplus" or node.inputs[0] not in case.carrying:
            continue
        (x,) = node.inputs

        def twist(right: Any, number: Any, x: Value = x) -> Any:
            slope = ops.sigmoid(number(x)) * ops.sigmoid(-number(x))
            return lambda *inputs, **options: right(*inputs, **options) * slope

        rules = dict.fromkeys(case.recorded.uses[x], twist)
        yield f"what flows into {case.place(node)}", Change(rules), "σ(x)·(1 − σ(x))"


def inputs_swapped(case: Case) -> Iterator[Attempt]:
    """Take one of two inputs of a layer for the other in the gradients of its weights."""
    for node, position in case.edges:
        if case.is_product((node, position), by_weight=True):
            other = 1 - position
            shape = shape_of(case.recorded.arguments(node)[other])
            axis = -2 if other == 1 and len(shape) > 1 else -1
            width = shape[axis] if shape[axis] <= MOST_EXCHANGED else 0
            for i, j in combinations(range(width), 2):
                swapped = partial(_swapped, INPUTS + other, axis, i, j)
                rules = {(node, position): reading(INPUTS + other, other=swapped)}
                yield case.place(node, position), Change(rules), f"inputs {i} and {j}"
    yield from _factors_swapped(case)


def _swapped(which: int, axis: int, i: int, j: int, number: Any, *read: Array) -> Array:
    order = np.arange(read[which].shape[axis])
    order[[i, j]] = j, i
    return np.take(read[which], order, axis=axis)


def _factors_swapped(case: Case) -> Iterator[Attempt]:
    """The same in a network with a Value for each weight: two factors of weights are exchanged."""
    uses: dict[Any, list[Use]] = {}
    for node, position in case.edges:
        if operation_of(node).name == "multiply" and node.inputs[position] in case.names:
            other = node.inputs[1 - position]
            if not shape_of(other) and other not in case.names:
                uses.setdefault(other, []).append((node, position))
    for a, b in combinations(uses if len(uses) <= MOST_EXCHANGED else (), 2):
        rules = {}
        for edges, taken in ((uses[a], b), (uses[b], a)):
            for edge in edges:

                def other(number: Any, *_: Array, taken: Any = taken) -> Array:
                    return number(taken) if isinstance(taken, Value) else taken

                rules[edge] = reading(INPUTS + 1 - edge[1], other=other)
        words = [x.name or "a Value" if isinstance(x, Value) else f"{x:g}" for x in (a, b)]
        yield "the weights they are multiplied by", Change(rules), " and ".join(words)


# ------------------------------------------------------------------------------------------------
# Something else is handed in
# ------------------------------------------------------------------------------------------------


def handed(
    makers: Callable[[Case], Iterable[tuple[Callable[[Array], Array | None], Any]]],
    only_all: bool = False,
) -> Attempts:
    """Hand in something made of the right gradient of a parameter, of a layer, …, or only of all of them.

    `makers` yields functions of a gradient, each with what fills the gap in the sentence; one that returns
    None cannot be applied to that gradient.
    """

    def ways(case: Case) -> Iterator[Attempt]:
        groups = [(f"the gradient of {where}", vs) for where, vs in case.groups_of_parameters()]
        everything = [("all parameters", list(case.parameters.values()))]
        for where, values in everything if only_all else groups:
            for make, gap in makers(case):
                fitting = [v for v in values if make(case.truth[v]) is not None]
                if fitting:
                    yield where, Change(handed=({v: (v, make) for v in fitting},)), gap

    return ways


def times(factors: Callable[[Case], Iterable[float]]) -> Callable[[Case], Any]:
    """Return makers that multiply by factors, which fill the gap as well."""
    return lambda case: [(partial(np.multiply, factor), factor) for factor in factors(case)]


def divided(case: Case) -> list[tuple[Any, int]]:
    """Return makers that divide by what may be the N of a mean."""
    return [(partial(np.multiply, 1.0 / n), n) for n in case.counts()]


def transposed(_: Case) -> list[tuple[Any, str]]:
    """Return the maker that lays a matrix on its side."""
    return [(lambda g: np.transpose(g) if np.ndim(g) == 2 else None, "")]


def turned_round(_: Case) -> list[tuple[Any, str]]:
    """Return the maker that turns a convolution's filters by half a turn."""
    return [(lambda g: g[::-1, ::-1] if np.ndim(g) == 4 else None, "")]


def of_another(case: Case) -> Iterator[Attempt]:
    """Hand in the gradient of another parameter of the same shape, or exchange the two."""
    values = list(case.parameters.values())
    for a, b in permutations(values if len(values) <= MOST_EXCHANGED else (), 2):
        if a.shape == b.shape:
            as_it_is = Change(handed=({a: (b, _same)},))
            where = f"the gradient of {case.names[a]}"
            yield where, as_it_is, f"that of {case.names[b]} is handed in"
            if case.names[a] < case.names[b]:
                both = Change(handed=({a: (b, _same), b: (a, _same)},))
                yield where, both, f"it is exchanged with that of {case.names[b]}"


def _same(g: Array) -> Array:
    return g


def not_summed(
    words: str, reduced: Callable[[Array, int], Array], reshaped: bool = True
) -> Attempts:
    """Hand in something else than the sum of what broadcasting had repeated, for a bias of a batch.

    `reduced` is a function of what arrives and the axis of the samples; what it gives is brought into the
    shape of the bias, unless it is not to be `reshaped`.
    """

    def ways(case: Case) -> Iterator[Attempt]:
        for name, value in case.parameters.items():
            edges = case.recorded.uses[value]
            node, position = edges[0]
            names = ("add", "subtract", "dense") if position == len(node.inputs) - 1 else ("add",)
            raw, own = shape_of(case.truth.get(node)), (1,) * (node.ndim - value.ndim) + value.shape
            axes = [axis for axis in range(len(raw)) if own[axis] == 1 < raw[axis]]
            if len(edges) != 1 or operation_of(node).name not in names or len(axes) != 1:
                continue
            sign = -1.0 if operation_of(node).name == "subtract" else 1.0

            def make(
                g: Array, axis: int = axes[0], like: Value = value, sign: float = sign
            ) -> Array:
                found = np.asarray(sign * reduced(g, axis))
                return found.reshape(like.shape) if reshaped and found.size == like.size else found

            yield f"the gradient of {name}", Change(handed=({value: (node, make)},)), words

    return ways


def without_keepdims(g: Array, axis: int) -> Array:
    """Return the sum in the shape that it has with keepdims=True, or lacks it."""
    total = g.sum(axis=axis)
    return total[None] if axis == 0 else total


def decayed(case: Case) -> Iterator[Attempt]:
    """Add λ times the parameter to its gradient, though no such term is in the loss."""
    for where, values in case.groups_of_parameters():

        def change(rate: float, values: list[Value] = values) -> Change:
            def make(v: Value) -> Callable[[Array], Array]:
                return lambda g: g + rate * case.recorded.numbers[v]

            return Change(handed=({v: (v, make(v)) for v in values},))

        yield f"the gradient of {where}", change, ""


# ------------------------------------------------------------------------------------------------
# Other numbers
# ------------------------------------------------------------------------------------------------


def before_the_step(forward: bool = True, added: bool = False) -> Attempts:
    """Go back through the numbers before the last step, if it is known what the parameters were then.

    Those of a forward pass of then, or only the weights of then on the way back; `added`: what comes out is
    added to the right gradients.
    """

    def ways(case: Case) -> Iterator[Attempt]:
        if not case.before:
            return
        ways = {v: partial(_constant, old) for v, old in case.before.items()}
        stale = Change(forward=ways) if forward else Change(back=case.before)
        if not added:
            yield "all parameters", stale, ""
            if not forward:
                return
        old = stale.gradients(case.recorded)
        for where, values in case.groups_of_parameters():
            makers = {v: (v, partial(_kept, old[v], added)) for v in values}
            yield f"the gradient of {where}", Change(handed=(makers,)), ""

    return ways


def _constant(number: Array, *_: Array) -> Array:
    return number


def _kept(old: Array, added: bool, g: Array) -> Array:
    return g + old if added else old


def moved_early(settled: bool) -> Attempts:
    """Go back through weights that have moved already, each by its own gradient; all of them, or one.

    A layer's gradient depends on those of the layers behind it only, so repeating settles from the back;
    if it is not `settled`, all have moved by the right gradients.
    """

    def ways(case: Case) -> Iterator[Attempt]:
        crossed = case.crossed()
        groups = [crossed] if crossed else []
        if settled and 1 < len(crossed) <= MOST_EXCHANGED:
            groups += [[name] for name in crossed]
        for group in groups:
            values = [case.parameters[name] for name in group]

            def change(rate: float, values: list[Value] = values) -> Change:
                moved = dict.fromkeys(values, lambda w, g: w - rate * g)
                return Change(through=moved, settled=settled)

            yield f"the way back through {name_list(group)}", change, ""

    return ways


def gradient_for_weight(case: Case) -> Iterator[Attempt]:
    """Go back through the gradient of a weight in place of the weight."""
    names = case.crossed()
    alone = [[name] for name in names] if len(names) <= MOST_EXCHANGED else []
    for group in [*alone, names] if len(names) != 1 else alone:
        through = {case.parameters[name]: (lambda w, g: g) for name in group}
        yield f"the way back through {name_list(group)}", Change(through=through), ""


def exchanged(case: Case) -> Iterator[Attempt]:
    """Take one weight where another belongs: W for Wᵀ, where there is a Value for each weight."""
    crossed = [case.parameters[name] for name in case.crossed()]
    numbers = case.recorded.numbers
    for a, b in combinations(crossed, 2) if len(crossed) <= 20 else ():
        if a.shape == b.shape:
            where = f"the way back through {case.names[a]} and {case.names[b]}"
            yield where, Change(back={a: numbers[b], b: numbers[a]}), ""


def filters_not_turned(case: Case) -> Iterator[Attempt]:
    """Go back through a convolution's filters turned by half a turn."""
    turned = {
        case.parameters[name]: case.recorded.numbers[case.parameters[name]][::-1, ::-1]
        for name in case.crossed()
        if case.parameters[name].ndim == 4
    }
    for value, number in turned.items():
        yield f"the way back through {case.names[value]}", Change(back={value: number}), ""


def without_bias(case: Case) -> Iterator[Attempt]:
    """Compute the network without a bias, or without any."""
    biases = case.biases()
    alone = [] if case.is_large else [[bias] for bias in biases]
    for group in [*alone, biases]:
        if group:
            zeros = {b: partial(_constant, b.numpy() * 0.0 if b.shape else 0.0) for b in group}
            yield name_list([case.names[b] for b in group]), Change(forward=zeros), ""


def other_targets(words: str, other: Callable[[Array, int], Array]) -> Attempts:
    """Compute the error with other targets: constants that the network's output is laid beside.

    `other` is a function of the targets and the axis of the samples.
    """

    def ways(case: Case) -> Iterator[Attempt]:
        for node in case.recorded.nodes:
            op, inputs = node.op, node.inputs
            beside = op is not None and (
                op.name in ("subtract", "add") or (op.name == "multiply" and not case.level(node))
            )
            for i, x in enumerate(inputs if beside and node in case.carrying else ()):
                if isinstance(x, np.ndarray) and x.ndim:
                    made = other(x, case.sample_axis if x.ndim > 1 else 0)
                    yield case.place(node), _with_constant(node, i, made), words

    return ways


def next_class(by: int) -> Callable[[Array, int], Array]:
    """Return what moves targets along the axis that is not that of the samples."""
    return lambda t, samples: np.roll(t, by, axis=-1 if samples == 0 else 0)


def next_sample(by: int) -> Callable[[Array, int], Array]:
    """Return what moves targets along the axis of the samples."""
    return lambda t, samples: np.roll(t, by, axis=samples)


def _with_constant(node: Value, i: int, new: Array) -> Change:
    """Return the change that another constant makes: forward, and in the rules that read it."""
    op = operation_of(node)

    def computed(*inputs: Array) -> Array:
        return op.evaluate([new if k == i else x for k, x in enumerate(inputs)], node.options)

    rule = reading(INPUTS + i, other=lambda number, *_: new)
    return Change({(node, 1 - i): rule}, forward={node: computed})


# ------------------------------------------------------------------------------------------------
# What has arrived is lost, or comes too late
# ------------------------------------------------------------------------------------------------


def one_survives(case: Case) -> Iterator[Attempt]:
    """Of several parts that flow into a Value, keep the last or the first."""
    for x in [] if case.is_large else _reused(case):
        edges = case.recorded.uses[x]
        for kept in (edges[-1], edges[0]):
            rules = {edge: nothing for edge in edges if edge != kept}
            name = x.name or (case.place(x) if x.op else "a Value without a name")
            words = f"{len(edges)} parts only the one from {case.place(*kept)}"
            yield f"the gradient of {name}", Change(rules), words


def all_overwritten(case: Case) -> Iterator[Attempt]:
    """Let what arrives last replace all before, in our order and in that of most homemade engines."""
    reused = frozenset(_reused(case))
    where = f"all {len(reused)} Values that are used more than once"
    for order, words in (((), ""), (tuple(_depth_first(case)), ", depth first")):
        yield where, Change(overwritten=reused, order=order), words


def _reused(case: Case) -> list[Value]:
    carrying = {node.inputs[position] for node, position in case.edges}
    return [x for x, edges in case.recorded.uses.items() if len(edges) > 1 and x in carrying]


def without_order(case: Case) -> Iterator[Attempt]:
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
        yield "the whole graph", Change(order=tuple(order)), words


def _depth_first(case: Case) -> list[Value]:
    """Return the nodes in the order of a depth-first topological sort, as most homemade engines have it."""
    order: dict[Value, None] = {}
    seen: set[Value] = set()
    todo: list[tuple[Value, bool]] = [(case.recorded.output, False)]
    while todo:
        node, done = todo.pop()
        if done:
            order[node] = None
        elif node not in seen:
            seen.add(node)
            todo.append((node, True))
            todo += [(x, False) for x in reversed(node.inputs) if isinstance(x, Value)]
    return list(order)[::-1]
