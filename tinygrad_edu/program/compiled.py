"""One version of a program: for arguments of certain shapes, compiled."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.program.source import Recorded, Source
from tinygrad_edu.program.traced import Leaf, Traced
from tinygrad_edu.value import Value

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
        body = [line.statement() for line in self.source.lines]
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
