"""The chain rule for one weight, written out as a person would: paths, factors, products, sum.

Names decide how much is told. Between two Values that have names, such as `out_o1` and `net_o1`, all steps
are drawn together into one factor ∂out_o1/∂net_o1, as in a textbook, and the steps are listed under it.
Where nothing has a name, every operation is a factor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from math import prod
from typing import TypeVar

import numpy as np

from tinygrad_edu.compare.evidence import value_named
from tinygrad_edu.compare.latex import decimal, fraction, in_brackets
from tinygrad_edu.compare.paths import Entry, EntryStep, find_paths
from tinygrad_edu.compare.recorded import Index, Recorded, operation_of
from tinygrad_edu.support import SIGNS, Way, aligned, html_table, markdown_table, number, text_table
from tinygrad_edu.value import Value, grad

Item = TypeVar("Item")

#: What is told of each factor: a step is one operation, and a factor consists of one step or several.
COLUMNS = ("factor", "formula", "derivative", "step", "value")


@dataclass(frozen=True)
class Factor:
    """One factor of a path, ∂upper/∂lower: the labels, the number, and the steps it consists of."""

    upper: str
    lower: str
    value: float
    steps: tuple[EntryStep, ...]

    @property
    def symbol(self) -> str:
        """The factor as a derivative, ∂upper/∂lower."""
        return f"∂{self.upper}/∂{self.lower}"


@dataclass(frozen=True)
class Explanation:
    """Why a derivative is what it is; prints as text, and as HTML in a notebook.

    Attributes: `output` and `wrt`, as written; `count`, how many paths lead from the one to the other;
    `paths`, the largest of them, each a tuple of Factors; `products`, theirs; `total`, the sum of all
    paths; `autograd` and `quotient`, the same derivative as the engine and difference quotients have it.
    """

    output: str
    wrt: str
    count: int
    paths: tuple[tuple[Factor, ...], ...]
    products: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    autograd: float
    quotient: float
    lines: int = field(default=12, repr=False)

    # -- parts of the story ----------------------------------------------------------------------

    def _title(self, position: int) -> str:
        """Name a path, and say how many it stands for."""
        chain = [self.paths[position][0].upper, *(f.lower for f in self.paths[position])]
        if len(chain) > self.lines:
            left_out = len(chain) - 6
            chain = [*chain[:3], f"({left_out} more)", *chain[-3:]]
        each = self.counts[position]
        times = f", which stands for {each:,} that pass the same nodes" if each > 1 else ""
        return f"path {position + 1} of {self.count:,}{times}: {' → '.join(chain)}"

    def _table(self, position: int) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of a path, without columns that are empty."""
        columns = zip(COLUMNS, *self._rows(position), strict=True)
        header, *rows = zip(*(column for column in columns if any(column[1:])), strict=True)
        return list(header), [list(row) for row in rows]

    def _rows(self, position: int) -> Iterator[tuple[str, ...]]:
        """Yield the cells of COLUMNS for each factor of a path, and below a factor for its steps."""
        factors = self.paths[position]
        for factor in _folded(factors, self.lines):
            if isinstance(factor, int):
                left_out = prod([f.value for f in factors[3 : 3 + factor]])
                yield "…", f"{factor:,} more factors", "", "", number(left_out)
            elif len(factor.steps) == 1:
                yield factor.symbol, *_rule(factor.steps[0]), "", number(factor.value)
            else:
                yield factor.symbol, "", "", "", number(factor.value)
                for step in _folded(factor.steps, self.lines):
                    if isinstance(step, int):
                        left_out = prod([s.factor for s in factor.steps[3 : 3 + step]])
                        yield "", f"… {step:,} more steps", "", number(left_out), ""
                    else:
                        yield "", *_rule(step), number(step.factor), ""
        yield "product", "", "", "", number(self.products[position])

    def _sums(self) -> list[tuple[str, str]]:
        rest = self.count - sum(self.counts)
        of = f" (with {rest:,} more, not shown)" if rest else ""
        return [
            (f"sum of the paths{of}", number(self.total)),
            ("autograd", number(self.autograd)),
            ("difference quotient", number(float(f"{self.quotient:.10g}"))),
        ]

    def _headline(self) -> str:
        paths = "1 path" if self.count == 1 else f"{self.count:,} paths"
        if not self.count:
            paths = "no path whose product is not 0"
        return f"∂{self.output}/∂{self.wrt} = {number(self.total)}  ({paths})"

    # -- three ways to tell it -------------------------------------------------------------------

    def __str__(self) -> str:
        blocks = [self._headline()]
        for position in range(len(self.paths)):
            table = text_table(*self._table(position))
            blocks.append(f"{self._title(position)}\n{_indent(table)}")
        blocks.append("\n".join(aligned(self._sums())))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def latex(self) -> str:
        r"""Return the derivative as a formula in LaTeX, one line a path.

        >>> w = Value(3.0, name="w")
        >>> print(explain(2.0 * w, w).latex())
        \begin{aligned}
        \frac{\partial \mathrm{output}}{\partial w}
        &= \frac{\partial \mathrm{output}}{\partial w} = 2
        \end{aligned}
        """
        dot = r" \cdot "
        lines = [fraction(self.output, self.wrt)]
        for position, factors in enumerate(self.paths):
            shown = _folded(factors, self.lines)
            symbols = [
                r"\cdots" if isinstance(f, int) else fraction(f.upper, f.lower) for f in shown
            ]
            values = [r"\cdots" if isinstance(f, int) else in_brackets(f.value) for f in shown]
            times = (
                f"{self.counts[position]} \\text{{ paths: }} " if self.counts[position] > 1 else ""
            )
            result = decimal(self.products[position])
            numbers = f" = {dot.join(values)}" if len(values) > 1 else ""
            sign = "&=" if not position else "&+"
            lines.append(f"{sign} {times}{dot.join(symbols)}{numbers} = {result}")
        rest = self.count - sum(self.counts)
        if rest:
            lines.append(f"&+ \\text{{{rest} more paths}}")
        if len(self.paths) != 1 or rest:
            lines.append(f"&= {decimal(self.total)}")
        first, *others = lines
        body = " \\\\\n".join(others)
        return f"\\begin{{aligned}}\n{first}\n{body}\n\\end{{aligned}}"

    def markdown(self) -> str:
        """Return the explanation as Markdown, with the formula in LaTeX and a table for each path."""
        blocks = [f"### {self._headline()}", f"$$\n{self.latex()}\n$$"]
        for position in range(len(self.paths)):
            blocks.append(f"**{self._title(position)}**")
            blocks.append(markdown_table(*self._table(position)))
        blocks.append(markdown_table(["", "value"], self._sums()))
        return "\n\n".join(blocks) + "\n"

    def html(self) -> str:
        """Return the explanation as HTML tables."""
        blocks = [f"<h4>{escape(self._headline())}</h4>"]
        for position in range(len(self.paths)):
            blocks.append(f"<p>{escape(self._title(position))}</p>")
            blocks.append(html_table(*self._table(position)))
        blocks.append(html_table(["", "value"], self._sums()))
        return "\n".join(blocks)

    _repr_html_ = html


def explain(
    output: Value,
    wrt: Value | str,
    index: int | Index | None = None,
    *,
    paths: int = 4,
    lines: int = 12,
) -> Explanation:
    """Write out ∂output/∂wrt by the chain rule: every path, each factor, the products and their sum.

    `output` is a single number. `wrt` is a Value that it was made from, a weight or a result on the way, or
    its name; of an array, `index` says which number. The `paths` with the largest products are shown; all
    are counted and summed, even 2⁶⁰ of them. Chains of more than `lines` factors are folded in the middle.

    Beside the sum stand autograd's gradient and a difference quotient. Nothing is changed.

    Raises TypeError if `output` is no Value; ValueError if it is no single number, if there is no such name,
    if an index is missing or out of range, or if the arrays on the way have too many entries to follow one
    by one; RuntimeError if data was replaced after the calculation.

    >>> w, b = Value(3.0, name="w"), Value(-1.0, name="b")
    >>> z = 2.0 * w + b
    >>> z.name = "z"
    >>> loss = z * z
    >>> loss.name = "E"
    >>> print(explain(loss, w))
    ∂E/∂w = 20  (2 paths)
    <BLANKLINE>
    path 1 of 2, which stands for 2 that pass the same nodes: E → z → w
      factor   formula  derivative                    step  value
      -----------------------------------------------------------
      ∂E/∂z    x·y      both of ∂/∂x = y,   ∂/∂y = x           10
      ∂z/∂w                                                     2
               x + y    ∂/∂x = 1                         1
               x·y      ∂/∂y = x                         2
      product                                                  20
    <BLANKLINE>
    sum of the paths     20
    autograd             20
    difference quotient  20
    """
    _check_output(output)
    if paths < 1 or lines < 7:
        raise ValueError(f"expected paths ≥ 1 and lines ≥ 7, got {paths} and {lines}")
    target = value_named(output, wrt)
    at = _index(target, index)
    recorded = Recorded(output)
    if output.op is None or target not in recorded.numbers or target is output:
        name = target.name or f"the Value of shape {target.shape}"
        raise ValueError(
            f"the output was not computed from {name}, so no path leads there; was it made by detach(), "
            "inside no_grad(), or with other Values?"
        )
    autograd = float(np.asarray(grad(output, target))[at])
    found = find_paths(recorded, target, at, paths)
    (quotient,) = recorded.difference_quotients(target, [at], [autograd])
    label = _Labels(output, found.largest)
    return Explanation(
        label((output, (0,) * len(output.shape))),
        label((target, at)),
        found.count,
        tuple(tuple(_factors(way, label)) for way in found.largest),
        tuple(way.product for way in found.largest),
        tuple(way.count for way in found.largest),
        found.total,
        autograd,
        quotient,
        lines,
    )


def _check_output(output: object) -> None:
    """Raise TypeError for what is no Value, ValueError for one that is no single number."""
    if not isinstance(output, Value):
        call = "; call it, and explain what it returns" if callable(output) else ""
        raise TypeError(f"expected a Value to explain, got {type(output).__name__}{call}")
    if output.size != 1:
        raise ValueError(
            f"expected a single number to explain, got shape {output.shape}; index it, output[0, 1], "
            "or take its sum()"
        )


def _index(value: Value, index: int | Index | None) -> Index:
    """Return a whole index from 0 into a Value, or say why there is none."""
    if index is None:
        if value.size != 1:
            raise ValueError(
                f"{value.name or 'the Value'} has shape {value.shape}; say which number: "
                f"index={tuple(0 for _ in value.shape)}"
            )
        return (0,) * value.ndim
    given = index if isinstance(index, tuple) else (index,)
    fits = len(given) == value.ndim and all(
        isinstance(i, int | np.integer) and -n <= i < n
        for i, n in zip(given, value.shape, strict=False)
    )
    if not fits:
        raise ValueError(f"expected an index of one number in shape {value.shape}, got {index!r}")
    return tuple(int(i) % n for i, n in zip(given, value.shape, strict=True))


class _Labels:
    """Gives each number a short label: its name, or v1, v2, … in order of birth."""

    def __init__(self, output: Value, ways: tuple[Way, ...]) -> None:
        seen = {step.lower[0] for way in ways for step in way.steps()} | {output}
        nameless = sorted((v for v in seen if not v.name), key=lambda value: value.birth)
        self._names = {value: f"v{i}" for i, value in enumerate(nameless, 1)}
        if not output.name:
            self._names[output] = "output"

    def __call__(self, entry: Entry) -> str:
        value, index = entry
        name = value.name.translate(SIGNS) if value.name else self._names.get(value, "x")
        return f"{name}[{', '.join(map(str, index))}]" if value.size > 1 else name


def _factors(way: Way, label: _Labels) -> Iterator[Factor]:
    """Draw together the steps between Values with names; without names on the way, each step stays."""
    steps = way.steps()
    named_on_the_way = any(step.lower[0].name for step in steps[:-1])
    begun: list[EntryStep] = []
    for position, step in enumerate(steps):
        begun.append(step)
        last = position == len(steps) - 1
        if last or step.lower[0].name or not named_on_the_way:
            value = prod([s.factor for s in begun])
            yield Factor(label(begun[0].upper), label(step.lower), value, tuple(begun))
            begun = []


def _folded(items: tuple[Item, ...], most: int) -> list[Item | int]:
    """Return the items, or the first and last three and between them how many were left out."""
    if len(items) <= most:
        return list(items)
    first: list[Item | int] = list(items[:3])
    return [*first, len(items) - 6, *list(items[-3:])]


def _rule(step: EntryStep) -> tuple[str, str]:
    """Return an operation's formula, and the derivative that this step takes."""
    node, op = step.upper[0], operation_of(step.upper[0])
    if step.uses == 1:
        return op.definition, op.told_of(step.position)
    told = ",   ".join(op.told_of(position) for position in range(len(node.inputs)))
    return op.definition, f"{'both' if step.uses == 2 else step.uses} of {told}"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
