"""Source: a recording as lines of plain NumPy.

Each number that is used more than once, or that has a name, has a line of its own; the others are written
into the line that uses them. What nobody needs has no line. The lines are kept as Python's own syntax
trees, so there are no parentheses without need; from the same trees the text is printed and the program
compiled, and so what is read and what is run cannot disagree.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.number import shape_of
from tinygrad_edu.ops import Operation
from tinygrad_edu.program.functions import (
    Library,
    Literal,
    NoSourceError,
    Template,
    function_of,
    settled,
)
from tinygrad_edu.program.traced import Call, Leaf, Method, Traced, has, traced_in
from tinygrad_edu.value import Value

#: How many operations are written into one line.
LONGEST = 10
SECTIONS = ("forward", "backward", "step")

_BINARY: dict[Any, type[ast.operator]] = {
    operator.add: ast.Add, operator.sub: ast.Sub, operator.mul: ast.Mult, operator.truediv: ast.Div,
    operator.pow: ast.Pow, operator.matmul: ast.MatMult, operator.floordiv: ast.FloorDiv,
    operator.mod: ast.Mod, operator.and_: ast.BitAnd, operator.or_: ast.BitOr, operator.xor: ast.BitXor,
}  # fmt: skip
_COMPARED: dict[Any, type[ast.cmpop]] = {
    operator.lt: ast.Lt, operator.le: ast.LtE, operator.gt: ast.Gt, operator.ge: ast.GtE,
    operator.eq: ast.Eq, operator.ne: ast.NotEq,
}  # fmt: skip
_UNARY: dict[Any, type[ast.unaryop]] = {
    operator.neg: ast.USub, operator.pos: ast.UAdd, operator.invert: ast.Invert,
}  # fmt: skip


@dataclass
class Recorded:
    """What a run was: all its numbers, and which of them are wanted.

    `steps` are in the order of their birth; `ends` the births at which each section ends; `gradients` and
    `updates` are what each weight receives, `memories` what an optimizer remembers; `names` are those that
    numbers shall have, `gradient_of` the number to which a gradient belongs, `replaced` the weight that a new
    number takes the place of.
    """

    steps: list[Traced]
    effects: list[Traced]
    ends: list[int]
    result: Traced
    arguments: list[Traced]
    gradients: dict[Value, Traced] = field(default_factory=dict)
    updates: dict[Value, Traced] = field(default_factory=dict)
    memories: dict[tuple[int, str], Traced] = field(default_factory=dict)
    names: dict[Traced, str] = field(default_factory=dict)
    gradient_of: dict[Traced, Traced] = field(default_factory=dict)
    replaced: dict[Traced, Traced] = field(default_factory=dict)
    memory_of: dict[Traced, tuple[str, Traced]] = field(default_factory=dict)
    begins: dict[Traced, Any] = field(default_factory=dict)

    def outputs(self) -> list[Traced]:
        """Return the numbers that are wanted, in the order in which a program returns them."""
        further = (self.gradients, self.updates, self.memories)
        return [self.result, *(traced for wanted in further for traced in wanted.values())]

    def section(self, traced: Traced) -> int:
        """Return which section a number is computed in."""
        return sum(traced.birth >= end for end in self.ends)


@dataclass
class Line:
    """A step that is written: a name, what it is, in which section, and a number of this run."""

    name: str
    expression: ast.expr
    section: int
    traced: Traced

    def statement(self) -> ast.stmt:
        """Return the line as syntax; what gives nothing has no name."""
        if self.traced._number is None:
            return ast.Expr(self.expression)
        return ast.Assign([ast.Name(self.name, ast.Store())], self.expression, lineno=0)


class Source:
    """The lines of a recording.

    Attributes: `lines`; `leaves`, the names of what a program is given, by Traced number; `library`, what
    stands above.
    """

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.taken = {
            *("forward", "backward", "step", "gradients", "numbers", "result"),
            "np",
            "math",
            "float",
            "bool",
            "int",
            "abs",
            "slice",
            "weights",
            "kept",
            "memory",
        }
        self.library = Library(self.free_name)
        self._templates: dict[Any, Template] = {}
        self._numbers: Counter[str] = Counter()
        self.leaves: dict[Traced, str] = {}
        self.lines: list[Line] = []
        self._written: dict[Traced, ast.expr] = {}
        self._names: dict[Traced, str] = {}
        self._cost: dict[Traced, int] = {}
        self._count()
        for traced in recorded.steps:
            if traced in self.uses:
                self._write(traced)

    # -- which numbers have a line ---------------------------------------------------------------

    def _count(self) -> None:
        """Count the uses of each number that is needed, from the last to the first."""
        recorded = self.recorded
        self.uses: dict[Traced, int] = {}
        self.user: dict[Traced, Traced] = {}
        self.users: dict[Traced, list[Traced]] = {}
        self.wanted = {*recorded.outputs(), *recorded.effects}
        for traced in self.wanted:
            self.uses[traced] = 1
        for traced in reversed(recorded.steps):
            if traced in self.uses and isinstance(traced.origin, Call):
                for part in traced_in(traced.origin):
                    self.uses[part] = self.uses.get(part, 0) + 1
                    self.user[part] = traced
                    if isinstance(part.origin, Leaf):
                        self.users.setdefault(part, []).append(traced)

    def _has_line(self, traced: Traced) -> bool:
        recorded = self.recorded
        if traced not in self.wanted and self._is_turned_name(traced):
            return False  # w.T is no more to read, and nothing to compute
        if traced in self.wanted or self.uses[traced] > 1 or traced in recorded.names:
            return True
        owner = recorded.gradient_of.get(traced)
        return (
            recorded.section(traced) != recorded.section(self.user[traced])
            or self._cost[traced] > LONGEST
            or (owner is not None and owner in self._names)
        )

    def _is_turned_name(self, traced: Traced) -> bool:
        """Return whether a number is that of a name with its axes reversed, w.T."""
        function, arguments, options = traced.origin
        if getattr(function, "name", "") != "transpose" or options.get("axes") is not None:
            return False
        return len(arguments) == 1 and arguments[0] in self._names

    # -- names -----------------------------------------------------------------------------------

    def free_name(self, wish: str) -> str:
        """Return a name that is not taken yet: the wish, or the wish with a number behind it."""
        wish = re.sub(r"\W+", "_", wish).strip("_")
        if not wish.isidentifier() or keyword.iskeyword(wish):
            wish = f"n_{wish}"
        name = wish
        while name in self.taken:
            first = 1 if wish in self.library.definitions else 2
            self._numbers[wish] = max(first, self._numbers[wish] + 1)
            name = f"{wish}_{self._numbers[wish]}"
        self.taken.add(name)
        return name

    def _name(self, traced: Traced) -> str:
        recorded = self.recorded
        if traced in recorded.replaced and self._is_over(recorded.replaced[traced], traced):
            return self._names[recorded.replaced[traced]]
        if traced in recorded.replaced and recorded.replaced[traced] in self._names:
            return self.free_name(f"new_{self._names[recorded.replaced[traced]]}")
        if traced in recorded.names:
            return self.free_name(recorded.names[traced])
        if traced in recorded.memory_of:
            name, weight = recorded.memory_of[traced]
            return self.free_name(f"{name}_{self._names[weight]}")
        if traced in recorded.gradient_of:
            owner = recorded.gradient_of[traced]
            if owner in self._names:
                return self.free_name(f"d_{self._names[owner]}")
            return self.free_name(f"d_{_kind(owner)}")
        return self.free_name(_kind(traced))

    def _is_over(self, old: Traced, new: Traced) -> bool:
        """Return whether nobody needs a weight once its new number is computed, so that it takes its name."""
        if old not in self._names or old in self.wanted:
            return False
        users = self.users.get(old, [])
        for i, user in enumerate(users):
            while not self._has_line(user):
                users[i] = user = self.user[user]
        return all(user.birth <= new.birth for user in users)

    # -- writing ---------------------------------------------------------------------------------

    def _write(self, traced: Traced) -> None:
        origin = traced.origin
        if isinstance(origin, Leaf):
            if origin.kind == "literal":
                self._written[traced] = number_syntax(origin.source)
            else:
                self._names[traced] = self.leaves[traced] = self._name(traced)
                self._written[traced] = ast.Name(self.leaves[traced], ast.Load())
            self._cost[traced] = 0
            return
        self._cost[traced] = 1 + sum([self._cost[x] for x in traced_in(origin)])
        expression = self._call(traced, origin)
        if not self._has_line(traced):
            self._written[traced] = expression
            return
        name = self._names[traced] = self._name(traced)
        self._cost[traced] = 0
        self._written[traced] = ast.Name(name, ast.Load())
        self.lines.append(Line(name, expression, self.recorded.section(traced), traced))

    def written(self, traced: Traced) -> ast.expr:
        """Return the name under which a number is found, or the number itself."""
        return self._written[traced]

    def _call(self, traced: Traced, call: Call) -> ast.expr:
        """Return the syntax of a call."""
        function, arguments, options = call
        if isinstance(function, Operation):
            return self._operation(function, arguments, options)
        if function in _BINARY or function in _COMPARED:
            return self._between(function, *arguments)
        if function in _UNARY:
            return ast.UnaryOp(_UNARY[function](), self.syntax(arguments[0]))
        if function is operator.getitem:
            return ast.Subscript(
                self.syntax(arguments[0]), self.index_syntax(arguments[1]), ast.Load()
            )
        if isinstance(function, Method):
            return self._method(function.name, arguments, options)
        if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith(
            "numpy"
        ):
            called: ast.expr = ast.parse(_numpy_name(function), mode="eval").body
        elif function in (float, bool, int, abs):
            called = ast.Name(function.__name__, ast.Load())
        else:
            called = ast.Name(self.library.name_of(function_of(function)), ast.Load())
        return self._called(called, arguments, options)

    def _called(
        self, called: ast.expr, arguments: Iterable[Any], options: Mapping[str, Any]
    ) -> ast.expr:
        keywords = [ast.keyword(name, self.syntax(option)) for name, option in options.items()]
        return tidy(ast.Call(called, [self.syntax(x) for x in arguments], keywords))

    def _method(
        self, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> ast.expr:
        x = self.syntax(arguments[0])
        if name == "transpose" and len(arguments) == 1:
            return ast.Attribute(x, "T", ast.Load())
        axis = options.get("axis")
        if type(axis) is tuple and len(axis) == 1:
            options = {**options, "axis": axis[0]}
        return self._called(ast.Attribute(x, name, ast.Load()), arguments[1:], options)

    def _between(self, function: Any, x: Any, y: Any) -> ast.expr:
        is_float = _are_floats((x, y))
        left, right = self.syntax(x, is_float), self.syntax(y, is_float)
        if function in _COMPARED:
            return ast.Compare(left, [_COMPARED[function]()], [right])
        return ast.BinOp(left, _BINARY[function](), right)

    def _operation(
        self, operation: Operation, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> ast.expr:
        """Return an operation as an expression, if its function is one, or else as a call of it."""
        function = function_of(operation)
        options = {**operation.defaults, **options}
        try:
            template = self._template(operation, arguments, options)
            short = template.is_arithmetic and _are_floats(arguments)
            syntax = [self.syntax(x, short) for x in arguments]
            given = dict(zip(template.parameters, syntax, strict=False))
            if template.variadic:
                given[template.variadic] = ast.List(syntax, ast.Load())
            given |= {name: self.syntax(option) for name, option in options.items()}
            if (written := template.fill(given)) is not None:
                return tidy(written, is_array=bool(shape_of(arguments[0])))
            called = self.library.name_of(function, template.definition)
        except NoSourceError:
            called = self.library.name_of(function)
        changed = {
            k: v for k, v in options.items() if not _same(operation.defaults.get(k, _same), v)
        }
        return self._called(ast.Name(called, ast.Load()), arguments, changed)

    def _template(
        self, operation: Operation, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Template:
        """Return an operation's function for arguments of some types. Raises NoSourceError."""
        fixed = {k: v for k, v in options.items() if not has(Traced, v)}
        numbers = [_of_run(x) for x in arguments]
        kinds = ((type(x), np.shape(x), type(x) is Literal and x.is_integer()) for x in numbers)
        key = (operation, repr(fixed) if fixed else "", *kinds)
        if key not in self._templates:
            function = function_of(operation)
            definition, names = settled(function, numbers, fixed)
            renamed = self.library.expression(function, definition, {*names, *options})
            formula = operation.formula, operation.letters
            self._templates[key] = Template(definition, names, renamed, formula)
        return self._templates[key]

    def index_syntax(self, index: Any) -> ast.expr:
        """Return what stands between the brackets."""
        if type(index) is slice:
            bounds = [
                None if x is None else self.syntax(x) for x in (index.start, index.stop, index.step)
            ]
            return ast.Slice(*bounds)
        if type(index) is tuple and index:
            return ast.Tuple([self.index_syntax(x) for x in index], ast.Load())
        return self.syntax(index)

    def syntax(self, x: Any, short: bool = False) -> ast.expr:
        """Return an argument as syntax; `short` writes 2 for 2.0, where that is the same."""
        if isinstance(x, Traced):
            if short and isinstance(x.origin, Leaf) and x.origin.kind == "literal":
                return number_syntax(x.origin.source, short)
            return self._written[x]
        if type(x) is float:
            return number_syntax(x, short)
        if x is None or x is ... or type(x) in (bool, int, str):
            return number_syntax(x) if type(x) is int else ast.Constant(x)
        if type(x) is tuple:
            return ast.Tuple([self.syntax(part) for part in x], ast.Load())
        if type(x) is list:
            return ast.List([self.syntax(part) for part in x], ast.Load())
        if type(x) is slice:
            bounds = [self.syntax(part) for part in (x.start, x.stop, x.step)]
            return ast.Call(ast.Name("slice", ast.Load()), bounds, [])
        if any(x is kind for kind in (float, int, bool)):
            return ast.Name(x.__name__, ast.Load())
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return ast.parse(f"np.{np.dtype(x).name}", mode="eval").body
        for name, known in self.library.objects.items():
            if known is x:
                return ast.Name(name, ast.Load())
        name = self.free_name("rng" if isinstance(x, np.random.Generator) else "given")
        self.library.objects[name] = x
        return ast.Name(name, ast.Load())


def _kind(traced: Traced) -> str:
    """Return what to call a number that has no name of its own."""
    origin = traced.origin
    if isinstance(origin, Leaf):
        return origin.kind
    function = origin.function
    if isinstance(function, type) and isinstance(origin.arguments[0], Traced):
        return _kind(origin.arguments[0])
    name = function.name if isinstance(function, Operation | Method) else function.__name__
    return str(name).strip("_").removeprefix("draw_")


def _are_floats(arguments: Iterable[Any]) -> bool:
    """Return whether all arguments are floats or arrays of floats, so that 2 is as good as 2.0."""
    numbers = [x._number if isinstance(x, Traced) else x for x in arguments]
    kinds = [getattr(getattr(x, "dtype", None), "kind", "") for x in numbers]
    return all(type(x) is float or kind == "f" for x, kind in zip(numbers, kinds, strict=True))


def _of_run(x: Any) -> Any:
    """Return an argument's number of this run; a literal is marked as one that all runs have."""
    if type(x) is float:
        return Literal(x)
    if isinstance(x, Traced):
        is_literal = isinstance(x.origin, Leaf) and x.origin.kind == "literal"
        return Literal(x._number) if is_literal else x._number
    return x


def _same(x: Any, y: Any) -> bool:
    return type(x) is type(y) and (x is y or (isinstance(x, int | float | str | tuple) and x == y))


def _numpy_name(function: Any) -> str:
    module = "np.linalg" if "linalg" in getattr(function, "__module__", "") else "np"
    name = function.__name__
    return f"{module}.{ {'absolute': 'abs'}.get(name, name) }"


def number_syntax(x: float, short: bool = False) -> ast.expr:
    """Return a number as syntax; `short` leaves out the .0 of a whole one."""
    if not math.isfinite(x):
        name = "nan" if math.isnan(x) else "inf"
        found: ast.expr = ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())
        return ast.UnaryOp(ast.USub(), found) if x < 0 else found
    if (
        short
        and x == int(x)
        and abs(x) < 1e6
        and math.copysign(1.0, x) * x >= 0
        and not _is_minus_zero(x)
    ):
        x = int(x)
    if x < 0 or _is_minus_zero(x):
        return ast.UnaryOp(ast.USub(), ast.Constant(-x))
    return ast.Constant(x)


def _is_minus_zero(x: float) -> bool:
    return x == 0 and math.copysign(1.0, x) < 0


def tidy(node: Any, is_array: bool = False) -> Any:
    """Return an expression as one writes it: a @ b for np.matmul(a, b), and no option that is the usual."""
    if isinstance(node, ast.Call):
        text = ast.unparse(node.func)
        usual = {"axis": None, "keepdims": False} if "." in text else {}
        node.keywords = [
            k
            for k in node.keywords
            if not (
                k.arg in usual
                and isinstance(k.value, ast.Constant)
                and k.value.value is usual[k.arg]
            )
        ]
        if text == "np.matmul" and len(node.args) == 2 and not node.keywords:
            return ast.BinOp(node.args[0], ast.MatMult(), node.args[1])
        if is_array and text == "np.transpose" and ast.unparse(node.args[-1]) == "None":
            return ast.Attribute(node.args[0], "T", ast.Load())
    if isinstance(node, ast.BinOp):
        node.left, node.right = tidy(node.left), tidy(node.right)
    return node
