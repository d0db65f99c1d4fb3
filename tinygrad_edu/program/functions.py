"""Functions as text: the operations' own source, so that no table of code stands beside them.

What an operation computes stands in its function. A program takes it from there: a function that is one
expression is written into the line that calls it, a longer one stands above the program, without its
annotations and docstring. A test that is known already, such as `type(x) is float`, is left out with what it
leads to.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import math
import textwrap
import types
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.ops import Operation

_UNKNOWN = object()
#: What may be asked of a number whose type and shape are known, and no more.
_OF_TYPES = ("type", "np.ndim", "np.shape")


class NoSourceError(Exception):
    """A function whose text cannot stand in a file of its own."""


@functools.cache
def _definition(function: Any) -> ast.FunctionDef:
    """Return the syntax of a function, as it stands in its file. Raises NoSourceError."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        raise NoSourceError(f"there is no source of {function!r}") from None
    found = tree.body[0]
    if isinstance(found, ast.FunctionDef) and found.name == function.__name__:
        return _bare(found)
    raise NoSourceError(f"{function!r} is no function of its own")


def _bare(definition: ast.FunctionDef) -> ast.FunctionDef:
    """Take off a definition what is for people, and of what it raises leave the first words."""
    body = definition.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        definition.body = body[1:]
    definition.decorator_list, definition.returns = [], None
    for node in ast.walk(definition):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):
            raised = node.body[-1]
            node.body = [raised]
            if isinstance(raised.exc, ast.Call):
                raised.exc.args = [_first_words(raised.exc.args[0])]
    return definition


def _first_words(message: ast.expr) -> ast.Constant:
    """Return the beginning of a message; who runs the program itself hears all of it from the graph."""
    first = message.values[0] if isinstance(message, ast.JoinedStr) else message
    text = str(first.value) if isinstance(first, ast.Constant) else "unexpected numbers"
    return ast.Constant(text.split(",")[0].split(";")[0].rstrip(" 0…("))


def function_of(called: Any) -> Any:
    """Return the plain function behind an operation or a decorated function."""
    function = called.forward if isinstance(called, Operation) else called
    return inspect.unwrap(function)


def settled(
    function: Any, arguments: Sequence[Any], options: Mapping[str, Any]
) -> tuple[ast.FunctionDef, list[str]]:
    """Return a function's definition with the tests left out that are known, and the names of its inputs.

    `arguments` are the numbers of one run: only their types and shapes are looked at. `options` holds the
    options that are the same in every run.
    """
    definition = copy.deepcopy(_definition(function))
    spec = definition.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    if spec.vararg is None and len(names) >= len(arguments):
        known = _Known(function, dict(zip(names, arguments, strict=False)), options)
        definition.body = known.block(definition.body)
    return definition, names


class _Known(ast.NodeTransformer):
    """Takes the way through a function that types and options decide."""

    def __init__(
        self, function: Any, inputs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> None:
        self.inputs, self.options = inputs, options
        self.scope = {**function.__globals__, **options, **inputs}
        numbers = list(inputs.values())
        exponent = numbers[-1] if numbers else None
        self.is_real = any(isinstance(x, np.ndarray) for x in numbers) or (
            type(exponent) is Literal and exponent.is_integer()
        )

    def answer(self, test: ast.expr) -> Any:
        """Return what a test says, if types and options decide it, else _UNKNOWN."""
        if self.is_real and ast.unparse(test).endswith("is complex"):
            return False
        if isinstance(test, ast.BoolOp):
            answers = [self.answer(part) for part in test.values]
            decides = isinstance(test.op, ast.Or)
            if any(a is not _UNKNOWN and bool(a) is decides for a in answers):
                return decides
            return _UNKNOWN if _UNKNOWN in answers else not decides
        typed = {
            id(node.args[0])
            for node in ast.walk(test)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _OF_TYPES
        }
        for node in ast.walk(test):
            if isinstance(node, ast.Name):
                known = node.id in self.options or hasattr(builtins, node.id) or node.id == "np"
                if not known and not (id(node) in typed and node.id in self.inputs):
                    return _UNKNOWN
        scope = self.scope | {"type": _type}
        try:
            return eval(compile(ast.Expression(test), "<test>", "eval"), scope)
        except Exception:  # a question that makes sense only where another was answered otherwise
            return _UNKNOWN

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return statements without those that are not reached."""
        found: list[ast.stmt] = []
        for statement in body:
            if (
                isinstance(statement, ast.If)
                and (said := self.answer(statement.test)) is not _UNKNOWN
            ):
                found += self.block(statement.body if said else statement.orelse)
            else:
                found.append(self.visit(statement))
            if found and isinstance(found[-1], ast.Return | ast.Raise):
                break
        return found

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        said = self.answer(node.test)
        if said is _UNKNOWN:
            self.generic_visit(node)
            return node
        kept: ast.expr = self.visit(node.body if said else node.orelse)
        return kept


class Literal(float):
    """A float that is written out, so that it is the same in every run."""


def _type(x: Any) -> type:
    return float if type(x) is Literal else type(x)


class Template:
    """A function as one expression in its parameters, to be filled with arguments.

    Attributes: `definition`, the function; `parameters`, the names of its inputs; `is_arithmetic`, whether
    the expression is made of operators alone; `expression` is None where the function is more than one.
    """

    def __init__(
        self,
        definition: ast.FunctionDef,
        parameters: list[str],
        renamed: ast.FunctionDef,
        formula: tuple[str, Sequence[str]],
    ) -> None:
        self.definition, self.parameters = definition, parameters
        self.variadic = definition.args.vararg.arg if definition.args.vararg else None
        self.expression = _straight(renamed) or _formula(*formula, parameters)
        nodes = [] if self.expression is None else list(ast.walk(self.expression))
        self._uses = Counter(node.id for node in nodes if isinstance(node, ast.Name))
        allowed = ast.BinOp | ast.UnaryOp | ast.Name | ast.Constant | ast.operator | ast.unaryop
        self.is_arithmetic = all(isinstance(n, allowed | ast.expr_context) for n in nodes)

    def fill(self, arguments: Mapping[str, ast.expr]) -> ast.expr | None:
        """Return the expression with arguments in it; None where one that is computed would stand twice."""
        if self.expression is None:
            return None
        for name, argument in arguments.items():
            if self._uses[name] > 1 and not _is_plain(argument):
                return None
        return _put(self.expression, arguments)


def _straight(definition: ast.FunctionDef) -> ast.expr | None:
    """Return what a function of assignments and a return computes, as one expression; None for others."""
    scope: dict[str, ast.expr] = {}
    *before, last = definition.body
    for statement in before:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            return None
        scope[statement.targets[0].id] = _put(statement.value, scope)
    if not isinstance(last, ast.Return) or last.value is None:
        return None
    uses = Counter(node.id for node in ast.walk(last.value) if isinstance(node, ast.Name))
    if any(uses[name] > 1 and not _is_plain(found) for name, found in scope.items()):
        return None
    return _put(last.value, scope)


def _formula(text: str, letters: Sequence[str], parameters: Sequence[str]) -> ast.expr | None:
    """Return an operation's formula, x @ W + b, as an expression, if it is one of operators alone."""
    try:
        found = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    allowed = ast.BinOp | ast.Name | ast.operator | ast.expr_context
    nodes = list(ast.walk(found))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    if not all(isinstance(node, allowed) for node in nodes) or names != set(letters):
        return None
    pairs = zip(letters, parameters, strict=True)
    return _put(found, {letter: ast.Name(name, ast.Load()) for letter, name in pairs})


def _put(node: Any, scope: Mapping[str, ast.expr]) -> Any:
    """Return a copy of an expression with others in the place of names."""
    if isinstance(node, ast.Name):
        return scope.get(node.id, node)
    if isinstance(node, list):
        return [_put(part, scope) for part in node]
    if not isinstance(node, ast.AST) or not node._fields:
        return node
    return type(node)(**{name: _put(getattr(node, name), scope) for name in node._fields})


def _is_plain(node: ast.expr) -> bool:
    """Return whether an expression is a name or a number."""
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Name | ast.Constant)


class Library:
    """The functions that stand above a program, each under a name of its own.

    `definitions` are they by name, those that are called before those that call them; `constants` the numbers
    that they use by name; `objects` what has no text, by the name under which the program finds it.
    """

    def __init__(self, taken: Callable[[str], str]) -> None:
        self.free_name = taken
        self.definitions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, Any] = {}
        self.objects: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def name_of(self, function: Any, definition: ast.FunctionDef | None = None) -> str:
        """Return the name of a function, after it has been taken in; `definition` is one that is settled."""
        text = None if definition is None else ast.unparse(definition)
        key = (function, text)
        if key in self._names:
            return self._names[key]
        name = self._names[key] = self.free_name(function.__name__.strip("_<>") or "function")
        try:
            if not function.__module__.startswith("tinygrad_edu."):
                raise NoSourceError(f"{function.__name__} is your own function")
            definition = definition or copy.deepcopy(_definition(function))
            self.definitions[name] = self._stripped(function, definition, name)
        except NoSourceError:
            self.objects[name] = function
        return name

    def _stripped(self, function: Any, definition: ast.FunctionDef, name: str) -> ast.FunctionDef:
        """Return a definition under its name here, with the names that it uses found in this library."""
        definition.name = name
        spec = definition.args
        everywhere = (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg)
        renamed = self.expression(function, definition, {a.arg for a in everywhere if a})
        ast.fix_missing_locations(renamed)
        return renamed

    def expression(self, function: Any, node: Any, local: set[str] | None = None) -> Any:
        """Return syntax from a function with the names of its module replaced by those of this library."""
        local = set(local or ()) | {
            found.id
            for found in ast.walk(node)
            if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store)
        }
        return _Rename(self, function, local).visit(copy.deepcopy(node))

    def find(self, function: Any, name: str) -> str:
        """Return the name in this library of what a function calls `name`. Raises NoSourceError."""
        outside = inspect.getclosurevars(function).nonlocals | function.__globals__
        if name not in outside:
            return name  # a built-in one
        found = outside[name]
        if found in (np, math):
            return name
        if isinstance(found, Operation | types.FunctionType):
            return self.name_of(function_of(found))
        if isinstance(found, int | float | str | tuple):
            self.constants[name] = found
            return name
        if getattr(builtins, name, None) is found:
            return name
        raise NoSourceError(
            f"{function.__name__} uses {name}, which cannot stand in a file of its own"
        )


class _Rename(ast.NodeTransformer):
    def __init__(self, library: Library, function: Any, local: set[str]) -> None:
        self.library, self.function, self.local = library, function, local

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        text = ast.unparse(node.value)
        if text == "builtins":
            return ast.Name(node.attr, ast.Load())
        if node.attr == "forward" and text in self.function.__globals__:
            kept: ast.expr = self.visit(node.value)
            return kept
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.local or not isinstance(node.ctx, ast.Load):
            return node
        return ast.Name(self.library.find(self.function, node.id), ast.Load())

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], self.visit(node.value))
