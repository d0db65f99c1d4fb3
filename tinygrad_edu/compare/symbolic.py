"""Derivatives as formulas: a graph of single numbers, handed to a computer algebra system.

Autograd computes the *number* ∂E/∂w at one point. Symbolic differentiation computes the *formula*, good for
every point, and is what one does on paper. It shows what autograd spares us: a formula has no memory of
what was computed already, so it grows with the number of paths, not with the number of operations. 30 times
y = y·y + y makes 61 nodes and a formula with more than 2³⁰ terms. What would not fit on a page is refused.

SymPy does the algebra; it is an extra: pip install "tinygrad_edu[symbolic]".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tinygrad_edu.compare.evidence import value_named
from tinygrad_edu.support import SIGNS, needed
from tinygrad_edu.value import Value, ancestors

#: Operations in a formula, and how deeply they may be nested: about a page, and what SymPy can print.
MOST_OPERATIONS = 2_000
DEEPEST = 80


@dataclass(frozen=True)
class Formula:
    """A formula in the Values that a result was made from.

    Attributes: `expression`, SymPy's; `symbols`, the name of each Value in it, and the Value.
    `str(formula)` is text, `formula.latex` LaTeX, and a notebook shows it typeset.
    `formula(w=2.0)` is its number where w is 2; all other Values keep the numbers they have.
    """

    expression: Any
    symbols: Mapping[str, Value]

    def __str__(self) -> str:
        return str(self.expression)

    __repr__ = __str__

    @property
    def latex(self) -> str:
        """The formula in LaTeX."""
        return str(_sympy().latex(self.expression))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __call__(self, **numbers: float) -> float:
        """Return the formula's number, NaN where it is no real number.

        Raises TypeError for a name that is not in `symbols`.
        """
        unknown = [name for name in numbers if name not in self.symbols]
        if unknown:
            raise TypeError(
                f"there is no {', '.join(unknown)} in this formula, only {', '.join(self.symbols)}"
            )
        sympy = _sympy()
        values = {name: value.data for name, value in self.symbols.items()} | numbers
        at = {sympy.Symbol(name, real=True): sympy.Float(x) for name, x in values.items()}
        found = self.expression.subs(at).evalf()
        return float(found) if found.is_real or found.is_infinite else float("nan")


def formula(value: Value) -> Formula:
    """Return how a single number was computed as a formula in the Values it was made from.

    Values without a name are called x1, x2, …; a second one of the same name gets a number. Plain numbers
    stay numbers. Every operation between single numbers is known; see `derivative` for what it raises.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> formula((a * b + 10).tanh())
    tanh(a*b + 10)
    """
    expression, symbols = _convert(value)
    return Formula(expression, symbols)


def derivative(value: Value, wrt: Value | str) -> Formula:
    r"""Return the formula of ∂value/∂wrt; `wrt` is a Value that you made, or its name.

    Raises ImportError if SymPy is not installed; TypeError for arrays (index them, or use `explain`);
    ValueError if `wrt` is not among the Values that the result was made from, or where the formula would be
    longer than a page.

    >>> w = Value(0.5, name="w")
    >>> slope = derivative((2.0 * w).sigmoid(), "w")
    >>> slope
    2*(1 - sigmoid(2*w))*sigmoid(2*w)
    >>> print(slope.latex)
    2 \left(1 - \sigma\left(2 w\right)\right) \sigma\left(2 w\right)
    >>> round(slope(w=0.0), 12)
    0.5
    """
    expression, symbols = _convert(value)
    target = value_named(value, wrt)
    names = [name for name, leaf in symbols.items() if leaf is target]
    if not names:
        raise ValueError(
            f"the formula has no {target.name or 'such Value'} in it, only {', '.join(symbols)}; "
            "differentiate by a Value that you made, not by a result"
        )
    sympy = _sympy()
    return Formula(sympy.diff(expression, sympy.Symbol(names[0], real=True)), symbols)


def _sympy() -> Any:
    """Import SymPy, or say how to get it."""
    with needed("SymPy", "a formula", extra="symbolic"):
        import sympy
    return sympy


@cache
def _sigmoid(sympy: Any) -> Any:
    """Return σ as a function of its own, which SymPy leaves as it is: σ′ = σ·(1 − σ) stays readable."""

    class sigmoid(sympy.Function):  # type: ignore[misc]  # noqa: N801, it prints as this
        nargs = 1

        def fdiff(self, argindex: int = 1) -> Any:
            return self * (1 - self)

        def _eval_is_real(self) -> bool | None:
            return True if self.args[0].is_real else None

        def _eval_evalf(self, precision: int) -> Any:
            return (1 / (1 + sympy.exp(-self.args[0])))._eval_evalf(precision)

        def _latex(self, printer: Any, exp: str | None = None) -> str:
            inner = printer._print(self.args[0])
            return rf"\sigma{f'^{{{exp}}}' if exp else ''}\left({inner}\right)"

    return sigmoid


def _convert(value: Value) -> tuple[Any, dict[str, Value]]:
    """Turn a graph into a SymPy expression, oldest Value first."""
    if not isinstance(value, Value):
        call = "; call it first" if callable(value) else ""
        raise TypeError(f"expected a Value to write as a formula, got {type(value).__name__}{call}")
    sympy = _sympy()
    nodes = ancestors(value)[::-1]
    _check_size(nodes)
    write = _writers(sympy)
    symbols: dict[str, Value] = {}
    found: dict[Value, Any] = {}
    for node in nodes:
        if node.op is None:
            name = _free_name(node.name, symbols)
            symbols[name] = node
            found[node] = sympy.Symbol(name, real=True)
        elif node.op.name in write:
            inputs = [
                found[x] if isinstance(x, Value) else _constant(sympy, x) for x in node.inputs
            ]
            found[node] = write[node.op.name](*inputs, **node.options)
        else:
            raise TypeError(
                f"{node.op.name} has no formula for a single number; explain() tells its derivative"
            )
    return found[value], symbols


def _check_size(nodes: list[Value]) -> None:
    """Raise where a formula would be for arrays, or longer than a page; shared parts are written out anew."""
    size: dict[Value, int] = {}
    depth: dict[Value, int] = {}
    for node in nodes:
        if node.shape or any(getattr(x, "shape", ()) for x in node.inputs):
            name = node.name or (node.op.name if node.op else "a Value")
            raise TypeError(
                f"a formula is made of single numbers, and {name} is of shape {node.shape} or computed "
                "from arrays; write the network with one Value for each weight, or use explain()"
            )
        inputs = [x for x in node.inputs if isinstance(x, Value)]
        size[node] = 1 + sum(size[x] for x in inputs)
        depth[node] = 1 + max((depth[x] for x in inputs), default=0)
        if size[node] > MOST_OPERATIONS or depth[node] > DEEPEST:
            raise ValueError(
                f"the formula has more than {MOST_OPERATIONS:,} operations, or more than {DEEPEST} inside "
                "one another, too many to read; take a Value further inside, or use explain(), which folds"
            )


def _free_name(name: str | None, taken: Mapping[str, Value]) -> str:
    """Return the name, with a number behind it if there is none or it is taken."""
    name = name and name.translate(SIGNS)
    stem = name or "x"
    if name and name not in taken:
        return name
    number = 1 if not name else 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def _constant(sympy: Any, x: float) -> Any:
    """Write whole numbers without a decimal point."""
    return sympy.Integer(int(x)) if x.is_integer() and abs(x) < 1e15 else sympy.Float(x)


def _writers(sympy: Any) -> dict[str, Callable[..., Any]]:
    """Return how SymPy writes each operation, with the same choices at the kinks.

    Where the derivative jumps, a piecewise formula says which side counts: relu′(0) = 0. SymPy's Max has
    the derivative ½ at a tie, and Abs has 0 at 0, as ours.
    """
    piecewise = sympy.Piecewise

    def same(x: Any, **_: Any) -> Any:
        return x

    def clip(x: Any, *, low: float, high: float) -> Any:
        return piecewise((low, x <= low), (high, x >= high), (x, True))

    def leaky_relu(x: Any, *, slope: float) -> Any:
        return piecewise((x, x > 0), (slope * x, True))

    return {
        "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y,
        "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y,
        "negative": lambda x: -x,
        "power": lambda x, y: x**y,
        "abs": sympy.Abs,
        "maximum": sympy.Max,
        "minimum": sympy.Min,
        "clip": clip,
        "where": lambda c, x, y: piecewise((x, sympy.Ne(c, 0)), (y, True)),
        "exp": sympy.exp,
        "log": sympy.log,
        "sqrt": sympy.sqrt,
        "sin": sympy.sin,
        "cos": sympy.cos,
        "tanh": sympy.tanh,
        "sigmoid": _sigmoid(sympy),
        "relu": lambda x: piecewise((x, x > 0), (0, True)),
        "leaky_relu": leaky_relu,
        "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
        "sum": same,
        "mean": same,
        "max": same,
        "min": same,
        "astype": same,
    }
