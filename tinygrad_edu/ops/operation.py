"""What an operation is: a way to compute, and beside it a way to differentiate.

Backpropagation needs two things of an operation z = f(x, y): how to compute z, and how a small change of
each input changes z. Both stand in one block, and nothing else: no graph, no training, no network.

A derivative is written as a *rule*. It receives g = ∂L/∂z (how much the final result L changes with z),
then z, then the inputs, and returns ∂L/∂x, which by the chain rule is g · ∂z/∂x. For z = x·y:

    @op(
        "×", "x·y",
        dx=Rule("y", lambda g, z, x, y: g * y),
        dy=Rule("x", lambda g, z, x, y: g * x),
        elementwise=True,
    )
    def multiply(x, y):
        return x * y

That block is all it takes to add an operation. `@op` puts it into the table `OPERATIONS`, from which
`Value` gets its methods, pictures their symbols and formulas, and the tests their list of what to prove.

Rules are written with operators and with other operations, which work on floats, arrays and Values alike. A
rule that is handed Values therefore yields Values: gradients that have gradients again. Two conventions keep
rules short: a rule may return less than the shape of its input (it is broadcast) or more (it is summed over
what broadcasting had repeated); whoever applies it sees to that.

The symbols: g what flows back, z the result, x and y the inputs; keyword arguments are options such as
`axis`, which have no derivative. Where a derivative does not exist, the choice is fixed: relu′(0) = 0,
|x|′ = 0 at 0, clip′ = 0 at its bounds, the gradient of a tied maximum is split evenly.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tinygrad_edu.number import Array, as_number, run, simplify, widen


@dataclass(frozen=True, slots=True)
class Rule:
    """What one input of an operation receives of g, the gradient of the result, in words and in code.

    `formula` tells people. What it tells is its `kind`: the "factor" ∂z/∂x that g is multiplied by; or the
    whole "flow", in which g stands itself, such as g @ yᵀ; or, of what only moves numbers, "words".
    `function(g, z, *inputs, **options)` computes ∂L/∂x.
    """

    formula: str
    function: Callable[..., Array]
    kind: Literal["factor", "flow", "words"] = "factor"


class Operation:
    """A function of numbers together with its derivatives; what `@op` makes of a plain function.

    Attributes: `name`; `symbol`, for pictures; `formula`, in the `letters` of its inputs, and `definition`,
    which goes on where that is only a name, σ(x) = 1/(1 + e⁻ˣ); `rules`, one for each input, and
    `derivatives`, their functions; `elementwise`, whether each entry of the result depends on one entry of
    each input; `forward`, the function itself; `options`, the names of what is no input, such as `axis`,
    and `defaults`, their values where they have one.

    >>> from tinygrad_edu.ops import multiply
    >>> multiply(3.0, 4.0), multiply.symbol, multiply.formula, multiply.told_of(0)
    (12.0, '×', 'x·y', '∂/∂x = y')
    """

    def __init__(
        self,
        forward: Callable[..., Array],
        symbol: str,
        formula: str = "",
        *,
        elementwise: bool = False,
        meaning: str = "",
        each: Rule | Callable[..., Array] | None = None,
        **rules: Rule | Callable[..., Array],
    ) -> None:
        functools.update_wrapper(self, forward)
        self.name: str = forward.__name__
        self.forward, self.symbol = forward, symbol
        self.elementwise = elementwise
        signature = inspect.signature(forward).parameters.values()
        inputs = [p for p in signature if p.kind is not p.KEYWORD_ONLY]
        self.options = tuple(p.name for p in signature if p.kind is p.KEYWORD_ONLY)
        self.defaults = {p.name: p.default for p in signature if p.default is not p.empty}
        self.is_variadic = any(p.kind is p.VAR_POSITIONAL for p in inputs)
        self._arity = None if self.is_variadic else len(inputs)
        if rules and [name[:1] for name in rules] != ["d"] * len(inputs):
            raise TypeError(
                f"{self.name} has {len(inputs)} inputs but the rules {', '.join(rules)}; give one for each, "
                "dx=…, dy=…, or one for all: each=lambda position, g, z, *inputs: …"
            )
        self.differentiable = bool(rules or each)
        self.letters = tuple(name[1:] for name in rules) or tuple(p.name for p in inputs)
        self.formula = formula or f"{self.name}({', '.join(self.letters)})"
        self.definition = f"{self.formula} = {meaning}" if meaning else self.formula
        self.rules = tuple(r if isinstance(r, Rule) else Rule("", r) for r in rules.values())
        self.derivatives = tuple(rule.function for rule in self.rules)
        self._each = each if each is None or isinstance(each, Rule) else Rule("", each)
        told = ",   ".join(map(self.told_of, range(len(self.rules) or 1)))
        self.__doc__ = f"{self.definition}        {told}\n\n{inspect.getdoc(forward) or ''}"

    def __repr__(self) -> str:
        return f"<operation {self.name} {self.symbol}>"

    def __get__(self, value: Array, kind: type | None = None) -> Callable[..., Array]:
        """Make an operation a method where it is an attribute of a class: value.exp() is exp(value)."""
        return self if value is None else functools.partial(self, value)

    def __reduce__(self) -> str:
        return self.name  # pickled and copied by name, like a function

    def derivative(self, position: int) -> Callable[..., Array]:
        """Return the function that computes the derivative by the input at `position`."""
        each = self._each
        return functools.partial(each.function, position) if each else self.derivatives[position]

    def rule(self, position: int) -> Rule:
        """Return what there is to say of the derivative by the input at `position`."""
        return self._each or self.rules[position]

    def told_of(self, position: int) -> str:
        """Return the derivative by the input at `position` as people write it: ∂/∂x = y."""
        if not self.differentiable:
            return "no derivative"
        rule = self.rule(position)
        start = {"factor": "∂/∂", "flow": "∂L/∂", "words": ""}[rule.kind]
        return f"{start}{self.letters[position]} = {rule.formula}" if start else rule.formula

    def __call__(self, *inputs: Array, **options: Any) -> Array:
        """Compute. If an input keeps a record of what is done with it (a Value), it takes over.

        Options may be given by name, or by position behind the inputs: sum(x, 0), clip(x, 0, 1).
        """
        if self.options:
            extra = inputs[self._arity :] if self._arity else ()
            if extra:
                options |= dict(zip(self.options, extra, strict=False))
                inputs = (*inputs[: self._arity], *extra[len(self.options) :])
            options = self.defaults | options
            for name, option in options.items():
                if hasattr(option, "backward"):
                    raise TypeError(
                        f"{self.name} has no derivative by {name}; give it a plain number, in the order "
                        f"{self.name}({', '.join(('x', *self.options))})"
                    )
                if hasattr(option, "record_operation"):
                    return option.record_operation(self, inputs, options)
        for x in inputs:
            if hasattr(x, "record_operation"):
                return x.record_operation(self, inputs, options)
        numbers = [as_number(x) for x in inputs]
        return self.evaluate(map(widen, numbers) if self.differentiable else numbers, options)

    def evaluate(self, inputs: Iterable[Array], options: Mapping[str, Any]) -> Array:
        """Return forward(*inputs, **options) as a float or an array, for plain numbers."""
        return simplify(run(self.forward, tuple(inputs), options, self.name))


#: Every operation by name: what has rules, and what is composed of it.
OPERATIONS: dict[str, Callable[..., Array]] = {}
#: The names of those that Value has as methods.
METHODS: set[str] = set()


def op(
    symbol: str, formula: str = "", *, method: bool = True, **told: Any
) -> Callable[[Callable[..., Array]], Operation]:
    """Turn a function into an `Operation` and enter it in the table (see the module's docstring).

    `symbol` and `formula` are for pictures and sentences. `dx`, `dy` and so on, a letter for each input, are
    the `Rule`s, or bare functions; an operation of any number of inputs gives one rule for all,
    `each(position, g, z, *inputs, **options)`. An operation without rules, such as a comparison, has no
    derivative: its result is a plain number, outside of any graph. `method` says whether Value has a method
    of that name, and `elementwise` whether each entry of the result depends on one entry of each input.
    """

    def enter(forward: Callable[..., Array]) -> Operation:
        operation: Operation = composed(method=method)(Operation(forward, symbol, formula, **told))
        return operation

    return enter


def composed(*, method: bool = True) -> Callable[[Any], Any]:
    """Enter a function in the table that needs no rule, since it is made of operations that have one."""

    def enter(function: Any) -> Any:
        OPERATIONS[function.__name__] = function
        if method:
            METHODS.add(function.__name__)
        return function

    return enter
