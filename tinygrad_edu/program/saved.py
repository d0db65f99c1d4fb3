"""Saved: a program as a file that needs NumPy alone.

The lines are those that run here, spread over functions: `forward`, `backward` and, with an optimizer,
`step`. What one of them needs of another is handed over by name: weights, gradients and memory are dicts of
arrays, and `kept` is what the way back needs of the way forward.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.number import shape_of
from tinygrad_edu.program.compiled import Compiled
from tinygrad_edu.program.source import Line
from tinygrad_edu.program.text import functions_above, written_lines
from tinygrad_edu.program.traced import ProgramError, Traced
from tinygrad_edu.support import check_writable, replacing

#: How many numbers of a weight or constant are written out.
MOST_NUMBERS = 1_000
FEW_NUMBERS = 16


def save(compiled: Compiled, path: str | os.PathLike[str], title: str) -> None:
    """Write a program into a file. Raises ProgramError where something has no text."""
    text = SavedProgram(compiled, title).text()
    with replacing(check_writable(path)) as file:
        file.write(text.encode())


class SavedProgram:
    """The text of a file, function by function."""

    def __init__(self, compiled: Compiled, title: str) -> None:
        self.compiled, self.source, self.title = compiled, compiled.source, title
        self.recorded = compiled.recorded
        self.arguments = self._names("argument")
        self.weights = self._names("weight")
        self.memory = self._names("memory")

    def result(self) -> str:
        """Return what the result is called."""
        return ast.unparse(self.source.written(self.recorded.result))

    def _names(self, kind: str) -> dict[str, Traced]:
        return {self.source.leaves[traced]: traced for traced in self.compiled.given[kind]}

    def text(self) -> str:
        """Return the whole file."""
        blocks = [self._head(), *functions_above(self.source), self._forward()]
        if self.recorded.gradients:
            blocks.append(self._backward())
        if self.recorded.updates:
            blocks.append(self._step())
        blocks.append(self._example())
        return "\n\n\n".join(blocks) + "\n"

    # -- functions -------------------------------------------------------------------------------

    def _head(self) -> str:
        lines = [f'"""{self.title}', "", "This file needs NumPy alone.", '"""', ""]
        text = "\n".join(functions_above(self.source) + written_lines(self.source.lines))
        lines += ["import math", ""] if "math." in text else []
        lines += ["import numpy as np"]
        named = {**self.source.library.constants, **self.source.library.objects}
        named |= {
            name: traced.origin.source
            for traced, name in self.source.leaves.items()
            if traced.origin.kind == "constant"
        }
        lines += [""] if named else []
        return "\n".join([*lines, *(f"{name} = {_literal(name, x)}" for name, x in named.items())])

    def _forward(self) -> str:
        lines = self._section(0)
        used = _used(lines)
        result = self.result()
        kept = self._kept()
        body = [f'"""Return the {"loss" if kept else "output"}, and what the way back needs."""']
        for name, traced in self.arguments.items():
            if shape := traced.shape:
                body.append(f"if np.shape({name}) != {shape}:")
                body.append(
                    f'    raise ValueError(f"expected {name} of shape {shape}, got {{np.shape({name})}}")'
                )
        body += [f'{name} = weights["{name}"]' for name in self.weights if name in used | {result}]
        body += written_lines(lines)
        body += ["kept = {" + ", ".join(f'"{name}": {name}' for name in kept) + "}"]
        body += [f"return {result}, kept"]
        return function_text("forward", ["weights", *self.arguments], body)

    def _kept(self) -> list[str]:
        """Return the names of the numbers of the way forward that the way back needs."""
        needed = _used(self._section(1)) | {
            inner.id
            for g in self.recorded.gradients.values()
            for inner in ast.walk(self.source.written(g))
            if isinstance(inner, ast.Name)
        }
        forward = [*self.arguments, *(line.name for line in self._section(0))]
        return [name for name in forward if name in needed]

    def _backward(self) -> str:
        lines = self._section(1)
        gradients = {
            self.source.leaves[g_of]: ast.unparse(self.source.written(g))
            for g_of, g in self._gradients()
        }
        used = _used(lines) | set(gradients.values())
        body = ['"""Return the gradient of each weight by name."""']
        body += [f'{name} = weights["{name}"]' for name in self.weights if name in used]
        body += [f'{name} = kept["{name}"]' for name in self._kept()]
        body += written_lines(lines)
        body += ["return {", *(f'    "{name}": {g},' for name, g in gradients.items()), "}"]
        return function_text("backward", ["weights", "kept"], body)

    def _gradients(self) -> Iterator[tuple[Traced, Traced]]:
        """Yield each weight that is used, and its gradient."""
        by_value = {traced.origin.source: traced for traced in self.compiled.given["weight"]}
        for value, g in self.recorded.gradients.items():
            yield by_value[value], g

    def _step(self) -> str:
        lines = self._section(2)
        used = _used(lines)
        result = self.result()
        body = [
            '"""Take one step: change weights and memory, which is {} at first; return the loss."""'
        ]
        body += [f"{result}, kept = forward({', '.join(['weights', *self.arguments])})"]
        body += ["gradients = backward(weights, kept)"]
        body += [f'{name} = weights["{name}"]' for name in self.weights if name in used]
        for traced, g in self._gradients():
            name, weight = ast.unparse(self.source.written(g)), self.source.leaves[traced]
            if name in used and name not in self.weights and name not in self.arguments:
                body.append(f'{name} = gradients["{weight}"]')
        for name, traced in self.memory.items():
            body.append(f'{name} = memory.get("{name}", {self.recorded.begins[traced]!r})')
        body += written_lines(lines)
        by_value = {traced.origin.source: name for name, traced in self.weights.items()}
        for value, new in self.recorded.updates.items():
            body.append(f'weights["{by_value[value]}"] = {ast.unparse(self.source.written(new))}')
        for new in self.recorded.memories.values():
            old = self.source.leaves[self.recorded.replaced[new]]
            body.append(f'memory["{old}"] = {ast.unparse(self.source.written(new))}')
        rate = [f"rate={traced._number!r}" for traced in self._names("rate").values()]
        return function_text(
            "step", ["weights", "memory", *self.arguments, *rate], [*body, f"return {result}"]
        )

    def _section(self, number: int) -> list[Line]:
        return [line for line in self.source.lines if line.section == number]

    # -- the example -----------------------------------------------------------------------------

    def _example(self) -> str:
        """Return how the functions are called, with numbers to try them on."""
        body = ["numbers = np.random.default_rng(0)", "weights = {"]
        body += [f'    "{name}": {example_weight(w._number)},' for name, w in self.weights.items()]
        body += ["}"]
        body += [f"{name} = {example_argument(x._number)}" for name, x in self.arguments.items()]
        arguments = ", ".join(["weights", *self.arguments])
        body += [f"result, kept = forward({arguments})", 'print("forward:", result)']
        if self.recorded.gradients:
            body += [
                "gradients = backward(weights, kept)",
                "for name, gradient in gradients.items():",
            ]
            body += ['    print("gradient of", name, np.shape(gradient), np.sum(gradient))']
        if self.recorded.updates:
            body += ["memory = {}", "for _ in range(10):"]
            body += [
                f'    print("loss:", step({arguments.replace("weights", "weights, memory", 1)}))'
            ]
        return "\n".join(['if __name__ == "__main__":', *(f"    {line}" for line in body)])


def function_text(name: str, arguments: list[str], body: Iterable[str]) -> str:
    """Return a function of these lines."""
    lines = "\n".join(body).split("\n")
    return "\n".join([f"def {name}({', '.join(arguments)}):", *(f"    {line}" for line in lines)])


def _used(lines: Iterable[Line]) -> set[str]:
    """Return the names that lines use, of other lines, too."""
    return {
        node.id
        for line in lines
        for node in ast.walk(line.expression)
        if isinstance(node, ast.Name)
    }


def _literal(name: str, x: Any) -> str:
    """Return a constant as text. Raises ProgramError for what has none."""
    if isinstance(x, np.random.Generator):
        return "np.random.default_rng()"
    if isinstance(x, np.ndarray) and x.size <= MOST_NUMBERS:
        return f"np.array({x.tolist()}, np.{x.dtype.name}).reshape({x.shape})"
    if isinstance(x, int | float | str | tuple):
        return repr(x)
    if isinstance(x, np.ndarray):
        raise ProgramError(
            f"an array of {x.size:,} numbers from outside takes part, too many to write into a file; hand it "
            "over as an argument"
        )
    raise ProgramError(
        f"{name} is your own, and its text cannot stand in a file of its own; write it with operations of "
        "tinygrad_edu, or with NumPy alone"
    )


def example_weight(x: Any) -> str:
    """Return numbers for a weight to try a file on: its own, if they are few."""
    if np.size(x) <= FEW_NUMBERS:
        return f"np.array({x.tolist()}, np.{x.dtype.name})" if shape_of(x) else repr(x)
    return f"numbers.normal(0.0, 0.1, {x.shape}).astype(np.{x.dtype.name})"


def example_argument(x: Any) -> str:
    """Return numbers for an argument to try a file on."""
    if not shape_of(x):
        return repr(x.item() if isinstance(x, np.generic) else x)
    if x.dtype.kind in "iub":
        above = max(1, int(x.max(initial=0)) + 1)
        return f"numbers.integers(0, {above}, {x.shape}).astype(np.{x.dtype.name})"
    return f"numbers.random({x.shape}).astype(np.{x.dtype.name})"
