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

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.number import Array, Rule, as_number, run, shape_of, simplify

#: Every operation by name: the arithmetic, and what is composed of it.
OPERATIONS: dict[str, Callable[..., Array]] = {}


class Operation:
    """A function of numbers together with its derivatives; what `@op` makes of a plain function.

    Attributes: `name`; `symbol`, for pictures; `formula`, the first line of the docstring; `forward`,
    the function itself; `derivatives`, one rule per input; `parameters`, the names of what is no input,
    such as `axis`, and `defaults`, their values where they have one.

    >>> from tinygrad_edu.ops import multiply
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
