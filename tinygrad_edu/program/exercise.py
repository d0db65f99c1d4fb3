"""Exercises: a program with lines left out, which tells by itself what is right.

A line of the way back says how much the loss changes with some number of the way forward. That can be
measured: nudge the number, and look at the loss. So an exercise needs no stored answers. Each blank is held
against difference quotients of the exercise's own forward pass, with the other blanks filled by theirs, so
that one mistake does not spoil what comes after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinygrad_edu.number import shape_of
from tinygrad_edu.ops import Operation
from tinygrad_edu.program.compiled import Compiled
from tinygrad_edu.program.saved import SavedProgram, example_argument, example_weight, function_text
from tinygrad_edu.program.source import Line
from tinygrad_edu.program.text import functions_above, written_lines
from tinygrad_edu.program.traced import Traced
from tinygrad_edu.support import check_writable, replacing

Hint = Literal["shape", "formula"] | None
#: The largest number whose gradient is measured, entry by entry.
LARGEST = 2_000

CHECK = '''
def measured(name):
    """Return how the loss changes with each entry of a number: a difference quotient."""
    start = np.zeros(SHAPES[name])
    slopes = np.zeros(SHAPES[name])
    for entry in np.ndindex(start.shape):
        loss = []
        for step in (1e-6, -1e-6):
            nudge = start.copy()
            nudge[entry] = step
            loss.append(forward(weights, *data, nudges={name: nudge})[0])
        slopes[entry] = (loss[0] - loss[1]) / 2e-6
    return slopes


def verdict(answer, right):
    """Return what is to be said of an answer, without saying the answer."""
    if answer is ...:
        return "not filled in"
    answer = np.asarray(answer)
    if answer.shape != right.shape:
        return f"of shape {answer.shape}, and should be of {right.shape}"
    wrong = ~(np.abs(answer - right) <= 1e-5 * max(1e-3, np.abs(right).max(initial=0.0)))
    if not wrong.any():
        return "right"
    return f"wrong in {wrong.sum()} of {wrong.size} entries"


def main():
    """Say which lines are right."""
    kept = forward(weights, *data)[1]
    slopes = {name: measured(name) for name in SHAPES}
    said = {}

    def check(name, answer):
        said[name] = verdict(answer, slopes[name])
        return slopes[name]

    try:
        backward(weights, kept, check)
    except Exception as error:
        print(f"stopped after {len(said)} of {len(SHAPES)} lines: {type(error).__name__}: {error}")
    for name, words in said.items():
        print(f"d_{name}: {words}")
    print(f"{list(said.values()).count('right')} of {len(SHAPES)}")
'''.strip()


def write_exercise(
    compiled: Compiled, path: str | os.PathLike[str], blanks: int, rng: Any, hint: Hint
) -> None:
    """Write an exercise, and its solution beside it; see `Program.exercise`."""
    file = check_writable(path)
    exercise = Exercise(compiled, blanks, rng, hint)
    texts = {file: exercise.blocks(solved=False)}
    texts[file.with_stem(f"{file.stem}_solution")] = exercise.blocks(solved=True)
    for place, blocks in texts.items():
        with replacing(place) as out:
            out.write(_text(place, blocks).encode())


def _text(file: Path, blocks: Sequence[str]) -> str:
    """Return blocks as a module, or as the cells of a notebook, in float64, where differences are seen."""
    blocks = [block.replace("np.float32", "np.float64") for block in blocks]
    if file.suffix != ".ipynb":
        return "\n\n\n".join(blocks) + '\n\n\nif __name__ == "__main__":\n    main()\n'
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell{number}",
            "metadata": {},
            "outputs": [],
            "source": block.splitlines(keepends=True),
        }
        for number, block in enumerate([*blocks, "main()"])
    ]
    return json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1
    )


class Exercise(SavedProgram):
    """The text of an exercise: a saved program in float64 whose numbers can be nudged, with blanks."""

    def __init__(self, compiled: Compiled, blanks: int, rng: Any, hint: Hint) -> None:
        super().__init__(compiled, "An exercise: write the lines that are left out, each `...`.")
        if hint not in ("shape", "formula", None):
            raise ValueError(f'expected "shape", "formula" or None as a hint, got {hint!r}')
        if compiled.recorded.result.recorder.generators:
            raise ValueError(
                "a program that draws random numbers has another loss each time, of which nobody can measure "
                "how it changes; call model.eval() before"
            )
        self.hint = hint
        self.owners = self._measurable()
        if not 1 <= blanks <= len(self.owners):
            raise ValueError(
                f"expected from 1 to {len(self.owners)} blanks, for lines that can be measured, got {blanks}"
            )
        chosen = np.random.default_rng(rng).permutation(len(self.owners))[:blanks]
        names = list(self.owners)
        self.blanks = [names[i] for i in sorted(chosen)]

    def _measurable(self) -> dict[str, tuple[str, Traced]]:
        """Return the lines of the way back that can be measured, with the name of what they belong to."""
        names = dict(self.source.leaves)
        names |= {line.traced: line.name for line in self._section(0)}
        found = {}
        for line in self._section(1):
            owner = self.recorded.gradient_of.get(line.traced)
            if owner in names and np.size(owner._number) <= LARGEST:
                found[line.name] = names[owner], owner
        return found

    def blocks(self, solved: bool) -> list[str]:
        """Return the parts of the file."""
        data = [f"{name} = {example_argument(x._number)}" for name, x in self.arguments.items()]
        given = ["numbers = np.random.default_rng(0)", "weights = {"]
        given += [f'    "{n}": {example_weight(w._number)},' for n, w in self.weights.items()]
        given += ["}", *data, f"data = [{', '.join(self.arguments)}]"]
        owners = [self.owners[name] for name in self.blanks]
        shapes = {name: shape_of(owner._number) for name, owner in owners}
        given += [f"SHAPES = {shapes}  # of what is asked for"]
        functions = [*functions_above(self.source), self._forward(), self._backward(solved)]
        return [self._head(), *functions, "\n".join(given), CHECK]

    def _forward_lines(self) -> list[str]:
        nudged = {self.owners[name][0] for name in self.blanks}
        lines = [_nudge(name) for name in (*self.weights, *self.arguments) if name in nudged]
        for line in self._section(0):
            lines += written_lines([line])
            lines += [_nudge(line.name)] if line.name in nudged else []
        return lines

    def _forward(self) -> str:
        unpacked = [f'{name} = weights["{name}"]' for name in self.weights]
        kept = ", ".join(f'"{name}": {name}' for name in self._kept())
        result = self.result()
        body = ['"""Return the loss, and what the way back needs; nudges are added to numbers."""']
        body += [*unpacked, *self._forward_lines(), f"return {result}, {{{kept}}}"]
        return function_text("forward", ["weights", *self.arguments, "nudges={}"], body)

    def _backward(self, solved: bool = True) -> str:
        text = super()._backward()
        for number, name in enumerate(self.blanks, start=1):
            line = next(found for found in self._section(1) if found.name == name)
            [written] = written_lines([line])
            owner = self.owners[name][0]
            blank = written if solved else f"{name} = ...  # {number}{self._hint_for(line)}"
            text = text.replace(
                f"\n    {written}\n", f'\n    {blank}\n    {name} = check("{owner}", {name})\n'
            )
        return text.replace(
            "(weights, kept)", "(weights, kept, check=lambda name, answer: answer)", 1
        )

    def _hint_for(self, line: Line) -> str:
        if self.hint is None:
            return ""
        if self.hint == "shape":
            return f": a number of shape {shape_of(line.traced._number)}"
        owner, told = self.owners[line.name][1], []
        for step in self.recorded.steps:
            function = getattr(step.origin, "function", None)
            if isinstance(function, Operation):
                places = [i for i, x in enumerate(step.origin.arguments) if x is owner]
                told += [function.told_of(place) for place in places if function.differentiable]
        return f": {'; '.join(dict.fromkeys(told))}" if told else ""


def _nudge(name: str) -> str:
    return f'{name} = {name} + nudges.get("{name}", 0.0)'
