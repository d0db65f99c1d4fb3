"""One version of a program: for arguments of certain shapes, compiled."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.program.source import Line, Recorded, Source
from tinygrad_edu.program.traced import Leaf, Traced
from tinygrad_edu.value import Value

#: From how many bytes on a difference is written into the array that is subtracted, if nobody else has it.
LARGE = 1 << 14
#: What a program is given, in this order.
KINDS = ("argument", "weight", "memory", "rate")


class Compiled:
    """The lines of a recording as a function.

    `run(*arguments, *weights, *memory, *rate)` returns all that the recording wants. Attributes: `source`,
    `recorded`; `weights`, the Values to read; `argument_places`, which of the arguments take part.
    """

    def __init__(self, recorded: Recorded, places: dict[Traced, int]) -> None:
        self.recorded, self.source = recorded, Source(recorded)
        given: dict[str, list[Traced]] = {kind: [] for kind in KINDS}
        scope: dict[str, Any] = {"np": np, "math": math}
        for traced, name in self.source.leaves.items():
            assert isinstance(traced.origin, Leaf)
            if traced.origin.kind == "constant":
                scope[name] = traced.origin.source
            else:
                given[traced.origin.kind].append(traced)
        self.given = given
        self.argument_places = [places[traced] for traced in given["argument"]]
        self.weights: list[Value] = [traced.origin.source for traced in given["weight"]]
        self.run = self._compile(
            scope | self.source.library.objects | self.source.library.constants
        )

    def names_of_weights(self) -> dict[Value, str]:
        """Return what each Value is called in the lines."""
        return {traced.origin.source: self.source.leaves[traced] for traced in self.given["weight"]}

    def _compile(self, scope: dict[str, Any]) -> Callable[..., Sequence[Any]]:
        names = [self.source.leaves[traced] for kind in KINDS for traced in self.given[kind]]
        rest = self.source.free_name("rest")
        body = [_in_place(line, rest) for line in self.source.lines]
        outputs: list[ast.expr] = [
            self.source.written(traced) for traced in self.recorded.outputs()
        ]
        body.append(ast.Return(ast.Tuple(outputs, ast.Load())))
        spec = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
        function = ast.FunctionDef("run", spec, body, [])
        above = list(self.source.library.definitions.values())
        module = ast.fix_missing_locations(ast.Module([*above, function], []))
        exec(compile(module, "<program>", "exec"), scope)
        found: Callable[..., Sequence[Any]] = scope["run"]
        return found


def _in_place(line: Line, rest: str) -> ast.stmt:
    """Return a line as it is run: w − rate·g is written into the array of rate·g, which nobody else has.

    NumPy does so by itself for what it may compute either way round. A new array would be one more that has
    to go through the cache.
    """
    statement, number, origin = line.statement(), line.traced._number, line.traced.origin
    expression = line.expression
    if not (isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Sub)):
        return statement
    right = origin.arguments[1] if origin.function in (operator.sub, ops.subtract) else None
    if not isinstance(right, Traced) or not isinstance(expression.right, ast.BinOp):
        return statement
    taken = right._number
    if not (isinstance(number, np.ndarray) and isinstance(taken, np.ndarray)):
        return statement
    if number.nbytes < LARGE or (taken.shape, taken.dtype) != (number.shape, number.dtype):
        return statement
    if not (number.flags.c_contiguous and taken.flags.c_contiguous):
        return statement
    named = ast.NamedExpr(ast.Name(rest, ast.Store()), expression.right)
    out = ast.keyword("out", ast.Name(rest, ast.Load()))
    function = ast.parse("np.subtract", mode="eval").body
    call = ast.Call(function, [expression.left, named], [out])
    return ast.Assign([ast.Name(line.name, ast.Store())], call, lineno=0)
