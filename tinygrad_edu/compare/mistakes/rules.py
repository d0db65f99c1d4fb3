"""Rules that are wrong: how one derivative is taken for another, or is given the wrong numbers.

Each is a `WrongRule`: it is shown a place in a calculation, and answers with a `Twist` of the right rule and
what fills the gap in the mistake's sentence, or with None where that mistake cannot be made. Most people do
not invent a formula. They leave a factor out, or read another number than they should: `reading` is the
right rule, given something else at one of its arguments. A rule's arguments are g, what flows; z, the
result; and then the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.compare.mistakes.changes import Lookup, Twist
from tinygrad_edu.compare.places import MOVES, Case, whole_divisor
from tinygrad_edu.compare.recorded import RuleFunction, Use, operation_of
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.value import Value

#: The twist of a place, and what fills the gap in the sentence; None where it cannot be made.
WrongRule: TypeAlias = Callable[[Case, Use], tuple[Twist, Any] | None]

#: Operations without a factor that could be left out so that the shapes still fit.
WITHOUT_FACTOR = MOVES | {"matmul", "dense", "mean", "softmax_cross_entropy", "where", "max", "min"}
#: Operations whose slopes are taken for one another.
ACTIVATIONS = frozenset({"sigmoid", "tanh", "relu", "leaky_relu", "softplus"})
#: Where the arguments of a rule begin: g, z, and then the inputs.
G, Z, INPUTS = 0, 1, 2


# ------------------------------------------------------------------------------------------------
# Three kinds of twists
# ------------------------------------------------------------------------------------------------


def instead(rule: RuleFunction) -> Twist:
    """Use another rule."""
    return lambda right, number: rule


def multiplied(factor: float) -> Twist:
    """Multiply what the rule gives."""
    return lambda right, number: lambda *inputs, **options: factor * right(*inputs, **options)


def reading(*which: int, other: Callable[..., Array]) -> Twist:
    """Give the rule other(number, *arguments) for some of its arguments; `number` looks Values up."""

    def twist(right: RuleFunction, number: Lookup) -> RuleFunction:
        def rule(*arguments: Array, **options: Any) -> Array:
            read = list(arguments)
            for i in which:
                read[i] = other(number, *arguments)
            return right(*read, **options)

        return rule

    return twist


nothing = instead(lambda *inputs, **options: 0.0)
unchanged = instead(lambda g, *inputs, **options: g)


# ------------------------------------------------------------------------------------------------
# A factor that is left out, or is too many
# ------------------------------------------------------------------------------------------------


def no_factor(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Hand on what arrives as if the derivative were 1."""
    left_out = unchanged, operation_of(edge[0]).told_of(edge[1])
    return None if operation_of(edge[0]).name in WITHOUT_FACTOR else left_out


def no_slope(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Leave the factor out at an activation only: its slope depends on where one is."""
    return no_factor(case, edge) if len(edge[0].inputs) == 1 else None


def twice(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Multiply by an activation's slope, or by a mask, once too often."""
    node, op = edge[0], operation_of(edge[0])
    masked = op.name == "multiply" and isinstance(node.inputs[1 - edge[1]], np.ndarray)
    if not masked and not (op.elementwise and len(node.inputs) == 1 and op.name not in MOVES):
        return None

    def twist(right: RuleFunction, number: Lookup) -> RuleFunction:
        return lambda g, *inputs, **options: right(right(g, *inputs, **options), *inputs, **options)

    return twist, op.told_of(edge[1])


def no_minus(_: Case, edge: Use) -> tuple[Twist, str]:
    """Turn the sign."""
    return multiplied(-1.0), ""


def no_count(_: Case, edge: Use) -> tuple[Twist, float] | None:
    """Leave the 1/N of a mean out."""
    node, position = edge
    count = float(whole_divisor(edge))
    if operation_of(node).name == "mean":
        count = node.inputs[position].size / node.size
    elif operation_of(node).name == "softmax_cross_entropy":
        count = float(np.size(node.options["labels"]))
    return (multiplied(count), count) if count > 1 else None


def no_path(case: Case, edge: Use) -> tuple[Twist, str]:
    """Pass nothing on."""
    paths = len(case.recorded.uses[edge[0].inputs[edge[1]]])
    return nothing, f"one of {paths} paths is forgotten" if paths > 1 else "the only path is cut"


# ------------------------------------------------------------------------------------------------
# The right rule, but other numbers
# ------------------------------------------------------------------------------------------------


def not_transposed(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Multiply by W where Wᵀ belongs, which fits square matrices only."""
    other = 1 - edge[1]
    shape = shape_of(case.recorded.arguments(edge[0])[other]) if case.is_product(edge) else ()
    if len(shape) != 2 or shape[0] != shape[1]:
        return None
    return reading(INPUTS + other, other=lambda number, *read: read[INPUTS + other].T), ""


def upstream_transposed(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Transpose what arrives, which fits only where there are as many samples as neurons."""
    shape = edge[0].shape
    if not case.is_product(edge) or len(shape) != 2 or shape[0] != shape[1]:
        return None
    return reading(G, other=lambda number, *read: read[G].T), ""


def no_input(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Give a layer's weights what arrives, without the inputs that they are multiplied by."""
    i = INPUTS + 1 - edge[1]
    made = reading(i, other=lambda number, *read: np.ones_like(read[i])), ""
    return made if case.is_product(edge, by_weight=True) else None


def before_activation(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Read a layer's sum z where its output h belongs."""
    node, position = edge
    read = node.inputs[1 - position] if len(node.inputs) > 1 and position < 2 else None
    bent = isinstance(read, Value) and read.op is not None and read.op.name in ACTIVATIONS
    if not bent or not (case.is_product(edge) or operation_of(node).name == "multiply"):
        return None
    assert isinstance(read, Value)
    z = read.inputs[0]
    return reading(INPUTS + 1 - position, other=lambda number, *_: number(z)), ""


def activated_again(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Read f(h) where the output h of an activation belongs."""
    made = before_activation(case, edge)
    if made is None:
        return None
    op, i = edge[0].inputs[1 - edge[1]].op, INPUTS + 1 - edge[1]
    return reading(i, other=lambda number, *read: op.evaluate([read[i]], {})), ""


def no_mask_scale(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Multiply by a mask of 0 and 1 where the mask's numbers belong, 0 and 1/keep."""
    node, position = edge
    mask = node.inputs[1 - position] if operation_of(node).name == "multiply" else None
    if not isinstance(mask, np.ndarray) or len(np.unique(mask)) != 2 or 0.0 not in mask:
        return None
    i = INPUTS + 1 - position
    return reading(i, other=lambda number, *read: (read[i] != 0) * 1.0), ""


def slope_at_output(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Take an activation's derivative at its output, f′(f(x))."""
    if no_slope(case, edge) is None:
        return None
    op, options = operation_of(edge[0]), edge[0].options

    def twist(right: RuleFunction, number: Lookup) -> RuleFunction:
        return lambda g, z, x, **p: right(g, op.evaluate([z], options), z, **p)

    return twist, ""


def slope_from_input(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Put the input x into the formula where the output f(x) belongs."""
    made = reading(Z, other=lambda number, *read: read[INPUTS]), ""
    return made if no_slope(case, edge) else None


def slope_elsewhere(case: Case, edge: Use) -> tuple[Twist, str] | None:
    """Take the slope, or the mask, of another layer of the same width."""
    node = edge[0]
    if operation_of(node).name not in ACTIVATIONS:
        return None
    same = [n for n in case.recorded.nodes if n.op is node.op and n.shape == node.shape != ()]
    if len(same) < 2:
        return None
    other = same[same.index(node) - 1]

    def twist(right: RuleFunction, number: Lookup) -> RuleFunction:
        return lambda g, z, x, **p: right(g, number(other), number(other.inputs[0]), **p)

    return twist, case.place(other)


def masked_by_gradient(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Let a ReLU pass what is positive on the way back, instead of what was positive on the way forward."""
    made = instead(lambda g, *_: g * (np.asarray(g) > 0.0)), ""
    return made if operation_of(edge[0]).name == "relu" else None


def one_sample(kept: int) -> WrongRule:
    """Let one sample of a batch count, and none of the others."""

    def only(array: Array, axis: int) -> Array:
        at = (*[slice(None)] * (array.ndim - 1 if axis else 0), kept)
        found = np.zeros_like(array)
        found[at] = array[at]
        return found

    def wrong(case: Case, edge: Use) -> tuple[Twist, int] | None:
        node, position = edge
        axis, shape = case.sample_axis if node.ndim == 2 else 0, node.shape
        if operation_of(node).name == "softmax_cross_entropy":
            axis, shape = 0, node.inputs[position].shape

        def twist(right: RuleFunction, number: Lookup) -> RuleFunction:
            def rule(g: Array, *inputs: Array, **options: Any) -> Array:
                if shape_of(g):
                    return right(only(g, axis), *inputs, **options)
                return only(np.broadcast_to(right(g, *inputs, **options), shape), axis)

            return rule

        return (twist, shape[axis]) if shape and shape[axis] > 1 else None

    return wrong


# ------------------------------------------------------------------------------------------------
# Another formula
# ------------------------------------------------------------------------------------------------


def slope_of(other: ops.Operation) -> WrongRule:
    """Take the derivative of another activation, with this one's input and output."""
    wrong = instead(lambda g, z, x, **p: other.derivative(0)(g, z, x)), other.name
    which = ACTIVATIONS - {other.name}
    return lambda case, edge: wrong if operation_of(edge[0]).name in which else None


def formula(name: str, words: str, slope: Callable[..., Array]) -> WrongRule:
    """Take slope(z, *inputs) for the derivative of an operation by its first input."""
    wrong = instead(lambda g, z, *inputs, **p: g * slope(z, *inputs, **p)), words
    return lambda case, edge: wrong if operation_of(edge[0]).name == name and edge[1] == 0 else None


#: Formulas that are taken for the right one: the operation, the wrong formula, and its slope(z, *inputs).
FORMULAS: tuple[tuple[str, str, Callable[..., Array]], ...] = (
    ("tanh", "1 − h for 1 − h²", lambda h, x: 1.0 - h),
    ("tanh", "1 + h² for 1 − h²", lambda h, x: 1.0 + h * h),
    ("tanh", "(1 − h)² for 1 − h²", lambda h, x: (1.0 - h) ** 2),
    ("tanh", "h² for 1 − h²", lambda h, x: h * h),
    ("tanh", "h for 1 − h²", lambda h, x: h),
    ("sigmoid", "a·(1 + a) for a·(1 − a)", lambda a, x: a * (1.0 + a)),
    ("sigmoid", "1 − a for a·(1 − a)", lambda a, x: 1.0 - a),
    ("sigmoid", "a for a·(1 − a)", lambda a, x: a),
    ("sigmoid", "a² for a·(1 − a)", lambda a, x: a * a),
    ("sigmoid", "(1 − a)² for a·(1 − a)", lambda a, x: (1.0 - a) ** 2),
    ("relu", "max(x, 0) for [x > 0]", lambda h, x: h),
    ("relu", "[x < 0] for [x > 0]", lambda h, x: (np.asarray(x) < 0.0) * 1.0),
    ("leaky_relu", "the two slopes exchanged", lambda h, x, slope: np.where(x > 0, slope, 1.0)),
    ("leaky_relu", "the small slope everywhere", lambda h, x, slope: slope),
    ("softplus", "1 − σ(x) for σ(x)", lambda h, x: 1.0 - ops.sigmoid(x)),
    ("softplus", "σ(x)·(1 − σ(x)) for σ(x)", lambda h, x: ops.sigmoid(x) * ops.sigmoid(-x)),
    ("exp", "x·eˣ⁻¹ for eˣ", lambda z, x: x * ops.exp(x - 1.0)),
    ("log", "x for 1/x", lambda z, x: x),
    ("power", "y·xʸ for y·xʸ⁻¹", lambda z, x, y: y * z),
)


def behind_softmax(
    words: str, blame: Callable[[Array, Array, Array], Array], square: bool = False
) -> WrongRule:
    """Pass blame(x, p, labels) on from softmax cross-entropy, where p − y belongs, divided by N all the same.

    `square`: only where there are as many samples as classes.
    """

    def rule(g: Array, z: Array, x: Array, *, labels: Any) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        found = blame(rows, ops.softmax(rows), np.ravel(labels))
        return found.reshape(x.shape) * (g / np.size(labels))

    def wrong(_: Case, edge: Use) -> tuple[Twist, str] | None:
        if operation_of(edge[0]).name != "softmax_cross_entropy":
            return None
        shape = edge[0].inputs[0].shape
        fits = not square or (len(shape) == 2 and shape[0] == shape[1] > 1)
        return (instead(rule), words) if fits else None

    return wrong


def one_hot(labels: Array, p: Array) -> Array:
    """Return labels as rows of 0 and 1, as wide as p; a label outside is counted from the other end."""
    return ops.one_hot(labels % p.shape[1], p.shape, p.dtype)


def labels_that_are(other: Callable[[Array], Array]) -> Callable[..., Array]:
    """Return what is passed on by who takes other labels."""
    return lambda x, p, labels: p - one_hot(other(labels), p)


def softmax_over(
    axis: int | None, keepdims: bool = True, shifted: bool = False
) -> Callable[..., Array]:
    """Return what is passed on by who takes the sum in the softmax over another axis.

    `shifted`: each row's largest score was subtracted first.
    """

    def blame(x: Array, p: Array, labels: Array) -> Array:
        e = np.exp(x - np.max(x, axis=1 if shifted else None, keepdims=True))
        return e / e.sum(axis=axis, keepdims=keepdims) - one_hot(labels, p)

    return blame


def in_softmax(words: str, flow: Callable[[Array, Array, Array], Array]) -> WrongRule:
    """Pass flow(g, p, x) on from a softmax that is an operation of its own."""
    wrong = instead(lambda g, z, x, **options: flow(g, z, x)), words
    return lambda case, edge: wrong if operation_of(edge[0]).name == "softmax" else None


def repeats_lost(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Write each gradient to its place instead of adding it: of a repeated index, the last one stays."""

    def rule(g: Array, z: Array, x: Array, *, index: Any) -> Array:
        place = np.zeros(shape_of(x), g.dtype)
        place[index] = g
        return place

    return (
        (instead(rule), "") if operation_of(edge[0]).name == "getitem" and edge[0].shape else None
    )


def repeats_averaged(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Take the mean of the gradients of a repeated index instead of their sum."""
    right = operation_of(edge[0]).derivative(0)

    def rule(g: Array, z: Array, x: Array, *, index: Any) -> Array:
        counts = right(np.ones_like(g), z, x, index=index)
        return right(g, z, x, index=index) / np.maximum(counts, 1.0)

    return (
        (instead(rule), "") if operation_of(edge[0]).name == "getitem" and edge[0].shape else None
    )


def windows_assigned(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Write the gradients of a convolution's windows to their pixels instead of adding them."""

    def rule(g: Array, z: Array, x: Array, *, size: Any, stride: Any, padding: Any) -> Array:
        (sh, sw), (ph, pw) = ops.as_pair(stride, "stride"), ops.as_pair(padding, "padding", least=0)
        (n, c, h, w), (kh, kw, *_, rows, columns) = x.shape, g.shape
        image = np.zeros((n, c, h + 2 * ph, w + 2 * pw), x.dtype)
        for r in range(rows):
            for k in range(columns):
                there = image[:, :, r * sh : r * sh + kh, k * sw : k * sw + kw]
                there[...] = g[..., r, k].transpose(2, 3, 0, 1)
        return image[:, :, ph : ph + h, pw : pw + w]

    return (instead(rule), "") if operation_of(edge[0]).name == "windows" else None


def to_all_of_them(_: Case, edge: Use) -> tuple[Twist, str] | None:
    """Give the gradient of a maximum to all that it was chosen from, or that of a mean, in equal parts."""

    def rule(g: Array, z: Array, x: Array, *, axis: Any, keepdims: bool) -> Array:
        if shape_of(g) and not keepdims and axis is not None:
            g = np.expand_dims(g, axis)
        return np.broadcast_to(g, x.shape) / (x.size / max(np.size(g), 1))

    return (instead(rule), "") if operation_of(edge[0]).name in ("max", "min") else None
