"""Operations: a calculus that knows no graph.

Backpropagation needs two things of an operation z = f(x, y): how to compute z, and how a small change
of each input changes z. This module holds both, side by side, for every operation there is, and nothing
else: no graph, no training, no network.

A derivative is written as a *rule*. It receives g = ∂L/∂z (how much the final result L changes with z),
then z, then the inputs, and returns ∂L/∂x, which by the chain rule is g · ∂z/∂x. For z = x·y:

    @op("×", dx=lambda g, z, x, y: g * y,
             dy=lambda g, z, x, y: g * x)
    def multiply(x, y):
        '''x·y        ∂/∂x = y,   ∂/∂y = x'''
        return x * y

That block is all it takes to add an operation. `@op` puts it into the table `OPERATIONS`, from which
`Value` gets its methods, pictures their symbols, and the tests their list of what to prove.

Rules are written with operators and with the operations of this module, which work on floats, arrays and
Values alike. A rule that is handed Values therefore yields Values: gradients that have gradients again.
Two conventions keep rules short: a rule may return less than the shape of its input (it is broadcast) or
more (it is summed over what broadcasting had repeated); whoever applies it sees to that.

The symbols: g what flows back, z the result, x and y the inputs; keyword arguments are parameters such
as `axis`, which have no derivative.

Where a derivative does not exist, the choice is fixed: relu′(0) = 0, |x|′ = 0 at 0, clip′ = 0 at its bounds,
the gradient of a tied maximum is split evenly.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

#: What operations work on: a float, a NumPy array or a Value.
Array: TypeAlias = Any
Rule: TypeAlias = Callable[..., Array]
Axis: TypeAlias = int | tuple[int, ...] | None

#: Every operation by name: the arithmetic, and what is composed of it.
OPERATIONS: dict[str, Callable[..., Array]] = {}


class Operation:
    """A function of numbers together with its derivatives; what `@op` makes of a plain function.

    Attributes: `name`; `symbol`, for pictures; `formula`, the first line of the docstring; `forward`,
    the function itself; `derivatives`, one rule per input; `parameters`, the names of what is no input,
    such as `axis`, and `defaults`, their values where they have one.

    >>> multiply(3.0, 4.0), multiply.symbol, multiply.formula
    (12.0, '×', 'x·y        ∂/∂x = y,   ∂/∂y = x')
    """

    def __init__(
        self, forward: Rule, symbol: str, derivatives: tuple[Rule, ...], each: Rule | None
    ) -> None:
        functools.update_wrapper(self, forward)
        self.name: str = forward.__name__
        self.symbol = symbol
        self.formula: str = (forward.__doc__ or "").split("\n")[0]
        self.forward = forward
        self.derivatives = derivatives
        self._each = each
        self.differentiable = bool(derivatives or each)
        signature = inspect.signature(forward).parameters.values()
        parameters = [p for p in signature if p.kind is p.KEYWORD_ONLY]
        self.parameters = tuple(p.name for p in parameters)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        variadic = any(p.kind is p.VAR_POSITIONAL for p in signature)
        self._arity = None if variadic else len(signature) - len(parameters)
        if derivatives and len(derivatives) != self._arity:
            raise TypeError(
                f"{self.name} has {self._arity} inputs but {len(derivatives)} rules; give one for each, "
                "or one for all: each=lambda position, g, z, *inputs: …"
            )

    def __repr__(self) -> str:
        return f"<operation {self.name} {self.symbol}>"

    def __get__(self, value: Array, kind: type | None = None) -> Rule:
        """Make an operation a method where it is an attribute of a class: value.exp() is exp(value)."""
        return self if value is None else functools.partial(self, value)

    def __reduce__(self) -> str:
        return self.name  # pickled and copied by name, like a function

    def derivative(self, position: int) -> Rule:
        """Return the rule for the input at `position`."""
        return functools.partial(self._each, position) if self._each else self.derivatives[position]

    def __call__(self, *inputs: Array, **parameters: Any) -> Array:
        """Compute. If an input keeps a record of what is done with it (a Value), it takes over.

        Parameters may be given by name, or by position behind the inputs: sum(x, 0), clip(x, 0, 1).
        """
        if self.parameters:
            extra = inputs[self._arity :] if self._arity else ()
            if extra:
                parameters |= dict(zip(self.parameters, extra, strict=False))
                inputs = (*inputs[: self._arity], *extra[len(self.parameters) :])
            parameters = self.defaults | parameters
            for name, parameter in parameters.items():
                if hasattr(parameter, "record_operation"):
                    order = ", ".join(("x", *self.parameters))
                    raise TypeError(
                        f"{self.name} has no derivative by {name}; give it a plain number, in the order "
                        f"{self.name}({order})"
                    )
        for x in inputs:
            if hasattr(x, "record_operation"):
                return x.record_operation(self, inputs, parameters)
        numbers = [as_number(x) for x in inputs]
        if self.differentiable:  # bytes and other integers would wrap round
            numbers = [
                x.astype(np.result_type(x, np.float32))
                if shape_of(x) and x.dtype.kind in "iu"
                else x
                for x in numbers
            ]
        return self.evaluate(numbers, parameters)

    def evaluate(self, inputs: Sequence[Array], parameters: Mapping[str, Any]) -> Array:
        """Return forward(*inputs, **parameters) as a float or an array, for plain numbers."""
        return simplify(run(self.forward, inputs, parameters, self.name))


def op(
    symbol: str, dx: Rule | None = None, dy: Rule | None = None, *, each: Rule | None = None
) -> Callable[[Rule], Operation]:
    """Turn a function into an `Operation` and enter it in the table (see the module's docstring).

    `dx` and `dy` are the rules of the first and the second input. An operation of other numbers of
    inputs gives one rule `each(position, g, z, *inputs, **parameters)`. An operation without rules, such
    as a comparison, has no derivative: its result is a plain number, outside of any graph.
    """
    rules = tuple(rule for rule in (dx, dy) if rule)

    def enter(forward: Rule) -> Operation:
        operation = Operation(forward, symbol, rules, each)
        OPERATIONS[operation.name] = operation
        return operation

    return enter


def composed(function: Rule) -> Rule:
    """Enter a function in the table that needs no rule, since it is made of operations that have one."""
    OPERATIONS[function.__name__] = function
    return function


# ------------------------------------------------------------------------------------------------
# Numbers: a float or an array, never anything between
# ------------------------------------------------------------------------------------------------


def as_number(x: Any) -> Array:
    """Return `x` as a float or as an array of bools, integers or floats of at least one axis.

    Arrays are passed on as they are, uncopied. Raises TypeError for what is not made of real numbers.

    >>> as_number(2), as_number(np.float32(0.5)), as_number([1, 2])
    (2.0, 0.5, array([1, 2]))
    """
    if type(x) is float:
        return x
    if isinstance(x, float | int):  # np.float64 is a float, and True an int
        return float(x)
    try:
        array = np.asarray(x)
    except ValueError as error:  # NumPy's word for rows of different lengths
        raise ValueError(
            f"expected rows of one length, got a ragged {type(x).__name__}; "
            "pad the rows or cut them to one length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"expected real numbers, got {type(x).__name__} of dtype {array.dtype}; "
            "convert it first, for example with np.asarray(data, dtype=float)"
        )
    return array if array.ndim else float(array)


def simplify(result: Any) -> Array:
    """Return a result with floats for NumPy's scalars and for arrays without axes.

    Float × float is twenty times as fast as array × array without axes; and a Python float lets a float32
    array stay float32, where a NumPy float64 would widen it.
    """
    if type(result) is float or (type(result) is np.ndarray and result.ndim):
        return result
    return result.item() if isinstance(result, np.ndarray | np.generic) else result


def run(
    function: Rule, inputs: Sequence[Array], parameters: Mapping[str, Any], name: str = ""
) -> Array:
    """Return function(*inputs, **parameters), with NumPy's answers at the edges of the real numbers.

    Python's floats refuse 1/0, log(0) or e¹⁰⁰⁰ with an exception; NumPy answers with infinity or NaN and a
    warning, so that one bad number in a million can be found afterwards. Scalars follow NumPy here.
    """
    try:
        return function(*inputs, **parameters)
    except (ArithmeticError, ValueError) as error:
        if all(isinstance(x, float) for x in inputs):
            return function(*map(np.float64, inputs), **parameters)
        if name:
            shapes = ", ".join(str(shape_of(x)) for x in inputs)
            error.add_note(f"while computing {name} of shapes {shapes}")
        raise


def shape_of(x: Array) -> tuple[int, ...]:
    """Return the shape of a number: () for a float."""
    return getattr(x, "shape", ())


# ------------------------------------------------------------------------------------------------
# Comparisons: plain truth values, without derivative
# ------------------------------------------------------------------------------------------------


@op("<")
def less(x: Array, y: Array) -> Array:
    """x < y        no derivative

    >>> less(1.0, np.array([0.0, 2.0]))
    array([False,  True])
    """
    return x < y


@op("≤")
def less_equal(x: Array, y: Array) -> Array:
    """x ≤ y        no derivative

    >>> less_equal(2.0, 2.0)
    True
    """
    return x <= y


@op(">")
def greater(x: Array, y: Array) -> Array:
    """x > y        no derivative

    >>> greater(2.0, 2.0)
    False
    """
    return x > y


@op("≥")
def greater_equal(x: Array, y: Array) -> Array:
    """x ≥ y        no derivative

    >>> greater_equal(2.0, 2.0)
    True
    """
    return x >= y


@op("=")
def equal(x: Array, y: Array) -> Array:
    """x = y        no derivative

    On Values too this compares numbers, while the operator == between two Values asks whether they are
    the same node.

    >>> equal(np.array([1.0, 2.0]), 2.0)
    array([False,  True])
    """
    return x == y


@op("≠")
def not_equal(x: Array, y: Array) -> Array:
    """x ≠ y        no derivative

    >>> not_equal(1.0, 2.0)
    True
    """
    return x != y


@op("sign")
def sign(x: Array) -> Array:
    """sign(x): −1, 0 or 1        no derivative: it is 0 wherever there is one

    >>> sign(np.array([-2.0, 0.0, 5.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


# ------------------------------------------------------------------------------------------------
# Arithmetic, element by element, with broadcasting
# ------------------------------------------------------------------------------------------------


@op("+", dx=lambda g, z, x, y: g, dy=lambda g, z, x, y: g)
def add(x: Array, y: Array) -> Array:
    """x + y        ∂/∂x = 1,   ∂/∂y = 1

    >>> add(np.ones((2, 1)), np.arange(3.0)).shape
    (2, 3)
    """
    return x + y


@op("−", dx=lambda g, z, x, y: g, dy=lambda g, z, x, y: -g)
def subtract(x: Array, y: Array) -> Array:
    """x − y        ∂/∂x = 1,   ∂/∂y = −1

    >>> subtract(5.0, 3.0)
    2.0
    """
    return x - y


@op("×", dx=lambda g, z, x, y: g * y, dy=lambda g, z, x, y: g * x)
def multiply(x: Array, y: Array) -> Array:
    """x·y        ∂/∂x = y,   ∂/∂y = x

    >>> multiply(2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return x * y


@op("÷", dx=lambda g, z, x, y: g / y, dy=lambda g, z, x, y: -g * z / y)
def divide(x: Array, y: Array) -> Array:
    """x/y        ∂/∂x = 1/y,   ∂/∂y = −x/y²

    >>> divide(1.0, 4.0)
    0.25
    """
    return x / y


@op("neg", dx=lambda g, z, x: -g)
def negative(x: Array) -> Array:
    """−x        ∂/∂x = −1

    >>> negative(3.0)
    -3.0
    """
    return -x


# At x = 0 both factors of a derivative can be 0 · ∞. Replacing the number that would become infinite by a
# harmless one, while the other factor is 0, gives the right 0, in every order of differentiation.
@op(
    "^",
    dx=lambda g, z, x, y: g * y * power(x, where(equal(y, 0.0), 1.0, y - 1.0)),
    dy=lambda g, z, x, y: g * z * log(where(equal(x, 0.0) & (y >= 0.0), 1.0, x)),
)
def power(x: Array, y: Array) -> Array:
    """xʸ        ∂/∂x = y·xʸ⁻¹,   ∂/∂y = xʸ·ln x

    0⁰ = 1 with gradient 0. A negative x with a fractional y gives NaN, never a complex number.

    >>> power(2.0, 3.0), power(4.0, -0.5)
    (8.0, 0.5)
    """
    z = x**y
    return np.float64(x) ** y if type(z) is complex else z


@op("abs", dx=lambda g, z, x: g * sign(x))
def abs(x: Array) -> Array:
    """|x|        ∂/∂x = sign(x), and 0 at 0

    >>> abs(-2.0)
    2.0
    """
    return builtins.abs(x)


@op(
    "max",
    dx=lambda g, z, x, y: g * ((x > y) + 0.5 * equal(x, y)),
    dy=lambda g, z, x, y: g * ((y > x) + 0.5 * equal(x, y)),
)
def maximum(x: Array, y: Array) -> Array:
    """max(x, y)        ∂/∂x = [x > y],   ∂/∂y = [y > x];   ½ each where x = y

    >>> maximum(np.array([-1.0, 2.0]), 0.0)
    array([0., 2.])
    """
    return np.maximum(x, y)


@op(
    "min",
    dx=lambda g, z, x, y: g * ((x < y) + 0.5 * equal(x, y)),
    dy=lambda g, z, x, y: g * ((y < x) + 0.5 * equal(x, y)),
)
def minimum(x: Array, y: Array) -> Array:
    """min(x, y)        ∂/∂x = [x < y],   ∂/∂y = [y < x];   ½ each where x = y

    >>> minimum(np.array([-1.0, 2.0]), 0.0)
    array([-1.,  0.])
    """
    return np.minimum(x, y)


@op("clip", dx=lambda g, z, x, *, low, high: g * ((x > low) & (x < high)))
def clip(x: Array, *, low: Array = -math.inf, high: Array = math.inf) -> Array:
    """min(max(x, low), high)        ∂/∂x = [low < x < high]

    >>> clip(np.array([-5.0, 0.5, 5.0]), low=0.0, high=1.0)
    array([0. , 0.5, 1. ])
    """
    return np.minimum(np.maximum(x, low), high)


def _where_rule(position: int, g: Array, z: Array, condition: Array, x: Array, y: Array) -> Array:
    if position == 0:
        return 0.0  # a condition is a yes or a no; nothing flows into it
    return where(condition, g, 0.0) if position == 1 else where(condition, 0.0, g)


@op("where", each=_where_rule)
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y        ∂/∂x = [condition],   ∂/∂y = [not condition]

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if type(condition) is bool and type(x) is float and type(y) is float:
        return x if condition else y
    return np.where(condition, x, y)


# ------------------------------------------------------------------------------------------------
# Functions of one number. For floats the math module is ten times faster than NumPy.
# ------------------------------------------------------------------------------------------------


@op("exp", dx=lambda g, z, x: g * z)
def exp(x: Array) -> Array:
    """eˣ        ∂/∂x = eˣ

    >>> exp(0.0)
    1.0
    """
    return math.exp(x) if type(x) is float else np.exp(x)


@op("ln", dx=lambda g, z, x: g / x)
def log(x: Array) -> Array:
    """ln x        ∂/∂x = 1/x

    >>> log(1.0)
    0.0
    """
    return math.log(x) if type(x) is float else np.log(x)


@op("√", dx=lambda g, z, x: 0.5 * g / z)
def sqrt(x: Array) -> Array:
    """√x        ∂/∂x = 1/(2√x)

    >>> sqrt(9.0)
    3.0
    """
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


@op("sin", dx=lambda g, z, x: g * cos(x))
def sin(x: Array) -> Array:
    """sin x        ∂/∂x = cos x

    >>> sin(0.0)
    0.0
    """
    return math.sin(x) if type(x) is float else np.sin(x)


@op("cos", dx=lambda g, z, x: -g * sin(x))
def cos(x: Array) -> Array:
    """cos x        ∂/∂x = −sin x

    >>> cos(0.0)
    1.0
    """
    return math.cos(x) if type(x) is float else np.cos(x)


@op("tanh", dx=lambda g, z, x: g * (1.0 - z * z))
def tanh(x: Array) -> Array:
    """tanh x        ∂/∂x = 1 − tanh² x

    >>> tanh(0.0)
    0.0
    """
    return math.tanh(x) if type(x) is float else np.tanh(x)


@op("σ", dx=lambda g, z, x: g * z * (1.0 - z))
def sigmoid(x: Array) -> Array:
    """σ(x) = 1/(1 + e⁻ˣ)        ∂/∂x = σ(x)·(1 − σ(x))

    Computed from e^−|x|, which cannot overflow.

    >>> sigmoid(0.0), sigmoid(np.array([-1000.0, 1000.0]))
    (0.5, array([0., 1.]))
    """
    if type(x) is float:
        e = math.exp(-builtins.abs(x))
        return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)
    with np.errstate(under="ignore"):
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1.0, e) / (1.0 + e)


@op("ReLU", dx=lambda g, z, x: g * (x > 0.0))
def relu(x: Array) -> Array:
    """max(x, 0)        ∂/∂x = [x > 0]

    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    if type(x) is float:
        return 0.0 if x <= 0.0 else x  # this way round, NaN stays NaN
    return np.maximum(x, 0.0)


@op("LReLU", dx=lambda g, z, x, *, slope: g * where(x > 0.0, 1.0, slope))
def leaky_relu(x: Array, *, slope: float = 0.01) -> Array:
    """x if x > 0 else slope·x        ∂/∂x = 1 if x > 0 else slope

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    return np.where(np.greater(x, 0.0), x, slope * x)


@op("softplus", dx=lambda g, z, x: g * sigmoid(x))
def softplus(x: Array) -> Array:
    """ln(1 + eˣ), a smooth ReLU        ∂/∂x = σ(x)

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    if type(x) is float:
        return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-builtins.abs(x)))
    with np.errstate(under="ignore"):
        return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@composed
def gelu(x: Array) -> Array:
    """½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), a smooth ReLU

    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016, section 2 (its tanh approximation).

    >>> round(gelu(1.0), 4)
    0.8412
    """
    return 0.5 * x * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


# ------------------------------------------------------------------------------------------------
# Reductions: many numbers become one
# ------------------------------------------------------------------------------------------------


def _axes(x: Array, axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction runs over, as numbers from 0."""
    if axis is None or not shape_of(x):
        return tuple(range(len(shape_of(x))))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % len(shape_of(x)) for a in axes)


def _keep(z: Array, x: Array, axis: Axis) -> Array:
    """Give a reduced z, or its gradient, the axes of x back, with length 1, so that it broadcasts to x."""
    axes = _axes(x, axis)
    kept = tuple(1 if a in axes else length for a, length in enumerate(shape_of(x)))
    return z if shape_of(z) in (kept, ()) else reshape(z, shape=kept)


def _count(x: Array, axis: Axis) -> int:
    """Return how many numbers go into one result of a reduction."""
    return math.prod(shape_of(x)[a] for a in _axes(x, axis))


def _tied(g: Array, z: Array, x: Array, *, axis: Axis, keepdims: bool) -> Array:
    """Send the gradient of a maximum or minimum to the entries that attain it, in equal parts."""
    attains = equal(x, _keep(z, x, axis))
    dtype = getattr(
        z, "dtype", float
    )  # counted in the type of the numbers: float32 is twice as fast
    parts = attains / np.sum(attains, axis=axis, keepdims=True, dtype=dtype)
    return _keep(g, x, axis) * parts


@op("Σ", dx=lambda g, z, x, *, axis, keepdims: _keep(g, x, axis))
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Σ xᵢ over an axis, several, or all        ∂/∂xᵢ = 1

    >>> sum(np.ones((2, 3)), axis=0)
    array([2., 2., 2.])
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


@op("mean", dx=lambda g, z, x, *, axis, keepdims: _keep(g, x, axis) / _count(x, axis))
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """(1/n) Σ xᵢ over an axis, several, or all        ∂/∂xᵢ = 1/n

    >>> mean(np.array([1.0, 2.0, 6.0]))
    3.0
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


@op("max", dx=_tied)
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest xᵢ        ∂/∂xᵢ = 1/k if xᵢ is one of the k largest, else 0

    Raises ValueError for an empty reduction.

    >>> max(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1)
    array([5., 7.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@op("min", dx=_tied)
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest xᵢ        ∂/∂xᵢ = 1/k if xᵢ is one of the k smallest, else 0

    Raises ValueError for an empty reduction.

    >>> min(np.array([3.0, 1.0, 2.0]))
    1.0
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@composed
def var(x: Array, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Array:
    """Σ (xᵢ − mean)² / (n − ddof), the variance

    >>> var(np.array([1.0, 3.0]))
    1.0
    """
    deviation = x - mean(x, axis=axis, keepdims=True)
    return sum(deviation * deviation, axis=axis, keepdims=keepdims) / (_count(x, axis) - ddof)


# ------------------------------------------------------------------------------------------------
# Shapes: the same numbers in another arrangement
# ------------------------------------------------------------------------------------------------


@op("reshape", dx=lambda g, z, x, *, shape: reshape(g, shape=shape_of(x)))
def reshape(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """The same numbers in another shape        the gradient is shaped back

    >>> reshape(np.arange(6.0), shape=(2, -1)).shape
    (2, 3)
    """
    return np.reshape(x, shape)


def _transpose_rule(g: Array, z: Array, x: Array, *, axes: tuple[int, ...] | None) -> Array:
    back = None if axes is None else tuple(np.argsort([a % len(axes) for a in axes]).tolist())
    return transpose(g, axes=back)


@op("transpose", dx=_transpose_rule)
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """The axes in another order, by default reversed        the gradient is ordered back

    >>> transpose(np.ones((2, 3, 4)), axes=(1, 0, 2)).shape
    (3, 2, 4)
    """
    return np.transpose(x, axes)


@op("expand", dx=lambda g, z, x, *, shape: g)
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """x repeated along new or single axes        the gradients of the copies are summed

    >>> broadcast_to(np.array([1.0, 2.0]), shape=(2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


@op("cast", dx=lambda g, z, x, *, dtype: g)
def astype(x: Array, *, dtype: Any) -> Array:
    """x in another floating-point type        the gradient is cast back

    Raises TypeError for other types.

    >>> astype(np.ones(2), dtype=np.float32).dtype
    dtype('float32')
    """
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"expected a floating-point type, got {np.dtype(dtype)}, through which no gradient flows; "
            "value.data.astype(…) gives a plain array"
        )
    return np.asarray(x).astype(dtype)


@op("[ ]", dx=lambda g, z, x, *, index: scatter(g, index=index, shape=shape_of(x)))
def getitem(x: Array, *, index: Any) -> Array:
    """x[index]: numbers, slices, integer arrays, masks        repeated entries add up their gradients

    >>> getitem(np.arange(5.0), index=[0, 0, 3])
    array([0., 0., 3.])
    """
    return x[index]


def _is_basic(index: Any) -> bool:
    """Return whether an index is made of numbers and slices only, so that it can hit no entry twice."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = (int, slice, type(None), type(...))
    return all(isinstance(part, kinds) and not isinstance(part, bool) for part in parts)


@op("scatter", dx=lambda g, z, x, *, index, shape: getitem(g, index=index))
def scatter(x: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros with x added at [index], the reverse of indexing        ∂/∂x = what stands at [index]

    >>> scatter(np.array([1.0, 2.0, 5.0]), index=[0, 0, 3], shape=(4,))
    array([3., 0., 0., 5.])
    """
    result = np.zeros(shape, getattr(x, "dtype", float))
    if _is_basic(index):
        result[index] = x
    else:
        np.add.at(result, index, x)
    return result


def _pad_rule(g: Array, z: Array, x: Array, *, width: Any, value: float) -> Array:
    before = np.broadcast_to(np.asarray(width), (len(x.shape), 2))[:, 0]
    inner = tuple(slice(b, b + n) for b, n in zip(before.tolist(), x.shape, strict=True))
    return getitem(g, index=inner)


@op("pad", dx=_pad_rule)
def pad(x: Array, *, width: Any, value: float = 0.0) -> Array:
    """x with a border of a constant        the border's gradient is dropped

    `width` is NumPy's `pad_width`: one number, (before, after), or such a pair for each axis.

    >>> pad(np.array([1.0, 2.0]), width=1)
    array([0., 1., 2., 0.])
    """
    return np.pad(x, width, constant_values=value)


def _part(position: int, g: Array, z: Array, *xs: Array, axis: int) -> Array:
    """Return that part of a concatenation's gradient which belongs to the input at `position`."""
    axis %= len(shape_of(g))
    start = builtins.sum(x.shape[axis] for x in xs[:position])
    stop = start + xs[position].shape[axis]
    return getitem(g, index=(slice(None),) * axis + (slice(start, stop),))


@op("concat", each=_part)
def join(*xs: Array, axis: int = 0) -> Array:
    """x₁ ⧺ x₂ ⧺ … along an axis        each input gets its part of the gradient

    >>> join(np.ones(2), np.zeros(1))
    array([1., 1., 0.])
    """
    return np.concatenate(xs, axis=axis)


@composed
def concatenate(values: Sequence[Array], axis: int = 0) -> Array:
    """`join` for a sequence of values, as NumPy and PyTorch write it

    >>> concatenate([np.ones(2), np.zeros(1)])
    array([1., 1., 0.])
    """
    return join(*values, axis=axis)


@composed
def stack(values: Sequence[Array], axis: int = 0) -> Array:
    """x₁, x₂, … of one shape along a new axis; floats become a vector

    >>> stack([1.0, 2.0]), stack([np.ones(2), np.zeros(2)], axis=1).shape
    (array([1., 2.]), (2, 2))
    """
    if not values:
        raise ValueError("stack needs at least one value, got an empty sequence")
    old = shape_of(values[0])
    new = axis % (len(old) + 1)
    raised = [reshape(x, shape=(*shape_of(x)[:new], 1, *shape_of(x)[new:])) for x in values]
    return join(*raised, axis=new)


# ------------------------------------------------------------------------------------------------
# Matrices
# ------------------------------------------------------------------------------------------------


def _swap(x: Array) -> Array:
    """Transpose the last two axes."""
    if len(x.shape) == 2:
        return x.T
    axes = tuple(range(len(x.shape)))
    return transpose(x, axes=(*axes[:-2], axes[-1], axes[-2]))


def _as_matrices(g: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Write a product in which x is a row or y is a column (one axis each) as a product of matrices."""
    row, column = len(x.shape) == 1, len(y.shape) == 1
    batch = shape_of(g)[: len(shape_of(g)) - (not row) - (not column)]
    rows = 1 if row else x.shape[-2]
    columns = 1 if column else y.shape[-1]
    x = x.reshape(1, *x.shape) if row else x
    y = y.reshape(*y.shape, 1) if column else y
    return reshape(g, shape=(*batch, rows, columns)), x, y


def _matmul_dx(g: Array, z: Array, x: Array, y: Array) -> Array:
    g, _, y = _as_matrices(g, x, y) if 1 in (len(x.shape), len(y.shape)) else (g, x, y)
    d = g @ _swap(y)
    return d.reshape(*d.shape[:-2], d.shape[-1]) if len(x.shape) == 1 else d


def _matmul_dy(g: Array, z: Array, x: Array, y: Array) -> Array:
    g, x, _ = _as_matrices(g, x, y) if 1 in (len(x.shape), len(y.shape)) else (g, x, y)
    d = _swap(x) @ g
    return d.reshape(d.shape[:-1]) if len(y.shape) == 1 else d


@op("@", dx=_matmul_dx, dy=_matmul_dy)
def matmul(x: Array, y: Array) -> Array:
    """x @ y        ∂/∂x = g @ yᵀ,   ∂/∂y = xᵀ @ g

    Vectors, matrices and stacks of matrices, as NumPy's `matmul`: (…, n, m) @ (…, m, p) is (…, n, p).

    >>> matmul(np.ones((2, 3)), np.ones(3))
    array([3., 3.])
    """
    return np.matmul(x, y)


def _dense_rule(position: int, g: Array, z: Array, x: Array, weight: Array, bias: Array) -> Array:
    if position == 0:
        return _matmul_dx(g, z, x, weight)
    return _matmul_dy(g, z, x, weight) if position == 1 else g


@op("dense", each=_dense_rule)
def dense(x: Array, weight: Array, bias: Array) -> Array:
    """x @ W + b        ∂/∂x = g @ Wᵀ,   ∂/∂W = xᵀ @ g,   ∂/∂b = Σ g over the batch

    One operation instead of two, since it adds the bias in place: x (…, n), W (n, m), b (m,).

    >>> dense(np.ones((2, 3)), np.ones((3, 1)), np.array([0.5])).tolist()
    [[3.5], [3.5]]
    """
    z = np.matmul(x, weight)
    if z.ndim and shape_of(bias) == z.shape[-1:] and bias.dtype == z.dtype:
        z += bias
        return z
    return z + bias


# ------------------------------------------------------------------------------------------------
# Images: a small window slides over a large picture
# ------------------------------------------------------------------------------------------------


def as_pair(size: int | tuple[int, int], what: str, least: int = 1) -> tuple[int, int]:
    """Return (height, width) of a size that may be one number for both. ValueError if it is neither.

    >>> as_pair(3, "size")
    (3, 3)
    """
    pair = (size, size) if isinstance(size, int | np.integer) else size
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(n, int | np.integer) and n >= least for n in pair)
    ):
        raise ValueError(
            f"{what} is a whole number of at least {least}, or two of them, (height, width); got {size!r}"
        )
    return int(pair[0]), int(pair[1])


def _count_windows(image: Any, size: Any, stride: Any, padding: Any) -> tuple[int, int]:
    """Return how many windows there are from top to bottom, and from left to right.

    Raises ValueError if not even one fits into the image, (height, width).
    """
    (h, w), (kh, kw), (sh, sw), (ph, pw) = image, size, stride, padding
    if kh > h + 2 * ph or kw > w + 2 * pw:
        raise ValueError(
            f"a window of {kh}×{kw} does not fit into images of {h}×{w} with a padding of {padding}; "
            "take a smaller window, or more padding"
        )
    return (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1


def _windows_rule(g: Array, z: Array, x: Array, *, size: Any, stride: Any, padding: Any) -> Array:
    return overlap_add(g, image=x.shape[2:], stride=stride, padding=padding)


@op("windows", dx=_windows_rule)
def windows(x: Array, *, size: Any, stride: Any = 1, padding: Any = 0) -> Array:
    """[i, j]: the pixel (i, j) of every window on x        `overlap_add` sends each gradient back

    A window of `size` (height, width) slides over the images x of shape (N, C, H, W) in steps of `stride`,
    over a border of `padding` zeros. The result has shape (height, width, N, C, H′, W′), with
    H′ = (H + 2·padding − height) // stride + 1, and W′ likewise. It copies no pixel, except to add the
    border: the windows are read from the image itself.

    Raises ValueError for other shapes and for windows that do not fit.

    >>> windows(np.arange(16.0).reshape(1, 1, 4, 4), size=2, stride=2)[1, 0]
    array([[[[ 4.,  6.],
             [12., 14.]]]])
    """
    size, stride = as_pair(size, "size"), as_pair(stride, "stride")
    padding = as_pair(padding, "padding", least=0)
    if len(shape_of(x)) != 4:
        raise ValueError(
            f"expected images of shape (N, channels, height, width), got {shape_of(x)}; for one image "
            "write x[None], for images in rows x.reshape(-1, channels, height, width)"
        )
    (ph, pw), (n, c, h, w) = padding, x.shape
    _count_windows((h, w), size, stride, padding)  # raises if there is none
    if ph or pw:
        # The channels of a pixel lie side by side in memory, as `conv2d` wants them.
        bordered = np.zeros((n, h + 2 * ph, w + 2 * pw, c), x.dtype).transpose(0, 3, 1, 2)
        bordered[:, :, ph : ph + h, pw : pw + w] = x
        x = bordered
    sliding = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return sliding[:, :, :: stride[0], :: stride[1]].transpose(4, 5, 0, 1, 2, 3)


def _overlap_add_rule(
    g: Array, z: Array, x: Array, *, image: Any, stride: Any, padding: Any
) -> Array:
    return windows(g, size=x.shape[:2], stride=stride, padding=padding)


@op("overlap-add", dx=_overlap_add_rule)
def overlap_add(x: Array, *, image: tuple[int, int], stride: Any = 1, padding: Any = 0) -> Array:
    """Each pixel is the sum of what all windows hold of it        the gradient is cut into `windows`

    The reverse of `windows` in the sense of derivatives: x of shape (height, width, N, C, H′, W′) gives
    images of shape (N, C, *image).

    Raises ValueError for other shapes, and if images of that size have another number of windows.

    >>> overlap_add(np.ones((2, 2, 1, 1, 2, 2)), image=(3, 3))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    if len(shape_of(x)) != 6:
        raise ValueError(
            f"expected windows of shape (height, width, N, channels, H′, W′), got {shape_of(x)}"
        )
    (sh, sw), (ph, pw) = as_pair(stride, "stride"), as_pair(padding, "padding", least=0)
    h, w = as_pair(image, "image", least=0)
    kh, kw, n, c, rows, columns = x.shape
    expected = _count_windows((h, w), (kh, kw), (sh, sw), (ph, pw))
    if (rows, columns) != expected:
        raise ValueError(
            f"images of {h}×{w} have {expected[0]}×{expected[1]} windows of {kh}×{kw} with stride "
            f"{(sh, sw)} and padding {(ph, pw)}, got {rows}×{columns}; take the size, stride and padding "
            "that cut the windows out"
        )
    total = np.zeros((n, h + 2 * ph, w + 2 * pw, c), x.dtype).transpose(0, 3, 1, 2)
    for i in range(kh):
        for j in range(kw):
            total[:, :, i : i + sh * rows : sh, j : j + sw * columns : sw] += x[i, j]
    return total[:, :, ph : ph + h, pw : pw + w]


@composed
def conv2d(
    x: Array, weight: Array, bias: Array | None = None, stride: Any = 1, padding: Any = 0
) -> Array:
    """Σ over window and channels of x·W, + b: the same small filters at every place of an image

    Images x (N, C, H, W), filters W (height, width, C, F) and b (F,) give (N, F, H′, W′), where
    H′ = (H + 2·padding − height) // stride + 1. All windows are laid out as the rows of a matrix, so that
    one matrix product does all the work. As everywhere in deep learning the filter is not turned round,
    which mathematicians call a cross-correlation.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
    1998, section II.A.

    Raises ValueError for shapes that do not fit.

    >>> image = np.array([[0.0, 0.0, 5.0, 5.0]]).reshape(1, 1, 1, 4)
    >>> edge = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)  # the right pixel minus the left one
    >>> conv2d(image, edge)[0, 0]
    array([[0., 5., 0.]])
    """
    if len(np.shape(weight)) != 4:
        raise ValueError(
            f"expected filters of shape (height, width, channels, filters), got {np.shape(weight)}"
        )
    kh, kw, channels, filters = np.shape(weight)
    seen = windows(x, size=(kh, kw), stride=stride, padding=padding)
    _, _, n, found, rows, columns = seen.shape
    if found != channels:
        raise ValueError(
            f"filters of shape {np.shape(weight)}, (height, width, channels, filters), have {channels} "
            f"channels, and images of shape {np.shape(x)} have {found}"
        )
    if bias is not None and np.shape(bias) != (filters,):
        raise ValueError(
            f"expected one bias for each filter, of shape ({filters},), got {np.shape(bias)}"
        )
    matrix = reshape(
        transpose(seen, axes=(2, 4, 5, 0, 1, 3)), shape=(n * rows * columns, kh * kw * channels)
    )
    flat = reshape(weight, shape=(kh * kw * channels, filters))
    z = matmul(matrix, flat) if bias is None else dense(matrix, flat, bias)
    return transpose(reshape(z, shape=(n, rows, columns, filters)), axes=(0, 3, 1, 2))


@composed
def max_pool2d(x: Array, size: Any = 2, stride: Any = None) -> Array:
    """The largest number in each window: whether something was seen, wherever it was

    (N, C, H, W) → (N, C, H′, W′), H′ = (H − height) // stride + 1. Windows lie side by side unless `stride`
    says otherwise; what is left over at the right and below is dropped. As in `max`, the gradient of a tie
    is split evenly.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    size = as_pair(size, "size")
    seen = windows(x, size=size, stride=size if stride is None else stride)
    kh, kw, n, channels, rows, columns = seen.shape
    # Copied, so that what is compared lies in long rows: that makes the search five times as fast.
    pixels = reshape(
        transpose(seen, axes=(0, 1, 2, 4, 5, 3)), shape=(kh * kw, n, rows, columns, channels)
    )
    return transpose(max(pixels, axis=0), axes=(0, 3, 1, 2))


# ------------------------------------------------------------------------------------------------
# Probabilities
# ------------------------------------------------------------------------------------------------


@op(
    "softmax",
    dx=lambda g, z, x, *, axis: z * (g - sum(g * z, axis=axis, keepdims=True)),
)
def softmax(x: Array, *, axis: int = -1) -> Array:
    """eˣⁱ / Σ eˣʲ        ∂L/∂xᵢ = zᵢ·(gᵢ − Σ gⱼ·zⱼ)

    The largest x is subtracted first: that changes nothing but prevents overflow.

    >>> softmax(np.array([1000.0, 0.0]))
    array([1., 0.])
    """
    with np.errstate(under="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


@op("log-softmax", dx=lambda g, z, x, *, axis: g - exp(z) * sum(g, axis=axis, keepdims=True))
def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """xᵢ − ln Σ eˣʲ        ∂L/∂xᵢ = gᵢ − softmax(x)ᵢ·Σ gⱼ

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    with np.errstate(under="ignore"):
        shifted = x - np.max(x, axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def as_labels(labels: Any, logits_shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return labels as an array, if they fit logits of a shape (…, classes); otherwise say why not.

    Raises TypeError for labels that are no integers, ValueError for wrong shapes or labels out of range.

    >>> as_labels([2, 0], (2, 3))
    array([2, 0])
    """
    if not logits_shape:
        raise ValueError("expected logits of shape (N, classes), got a single number")
    classes = logits_shape[-1]
    array = np.asarray(labels)
    if array.ndim > len(logits_shape):
        raise ValueError(
            f"expected one label for each row of scores, got labels of shape {array.shape} and scores of "
            f"shape {logits_shape}; the order is (scores, labels)"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"expected integer labels 0…{classes - 1}, got dtype {array.dtype}; "
            "turn one-hot rows into labels with y.argmax(axis=1), whole floats with y.astype(int)"
        )
    if array.shape != logits_shape[:-1]:
        raise ValueError(
            f"expected one label for each row of logits {logits_shape}, that is shape "
            f"{logits_shape[:-1]}, got {array.shape}"
        )
    if array.size == 0:
        raise ValueError("expected at least one label, got none")
    if array.min() < 0 or array.max() >= classes:
        wrong = array[(array < 0) | (array >= classes)]
        hint = "count classes from 0" if classes > 1 else "for a yes or no use binary_cross_entropy"
        raise ValueError(
            f"expected labels 0…{classes - 1} for {classes} classes, got {wrong.flat[0]} "
            f"({wrong.size} of {array.size} are outside); {hint}"
        )
    return array


def _cross_entropy_dx(g: Array, z: Array, x: Array, *, labels: Any) -> Array:
    labels = np.ravel(labels)
    one_hot = np.zeros((labels.size, x.shape[-1]), x.dtype)
    one_hot[np.arange(labels.size), labels] = 1.0
    return (softmax(x) - one_hot.reshape(x.shape)) * (g / labels.size)


@op("cross-entropy", dx=_cross_entropy_dx)
def softmax_cross_entropy(x: Array, *, labels: Any) -> Array:
    """−(1/N) Σ ln softmax(x)[label]        ∂/∂x = (softmax(x) − one_hot(label))/N

    The loss of a classifier. `x` holds raw scores ("logits") of shape (N, classes) or (classes,),
    `labels` integers of shape (N,) or (). Softmax and logarithm in one step cannot overflow, and their
    derivatives cancel to the difference between what the network believes and what is so.

    Raises TypeError for labels that are no integers, ValueError for wrong shapes or labels out of range.

    >>> softmax_cross_entropy(np.array([[1000.0, 0.0]]), labels=[1])
    1000.0
    """
    labels = as_labels(labels, shape_of(x)).ravel()
    logarithms = log_softmax.forward(x, axis=-1).reshape(labels.size, -1)
    return -np.mean(logarithms[np.arange(labels.size), labels])
