"""Text: a program as one reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tinygrad_edu.number import shape_of
from tinygrad_edu.program.source import SECTIONS, Line, Source

#: Where comments begin, if the lines leave room for it.
COMMENTS_AT = 48


def listing(source: Source) -> str:
    """Return a program as text: what stands above, then forward, backward and the step."""
    blocks = functions_above(source)
    for number, title in enumerate(SECTIONS):
        lines = [line for line in source.lines if line.section == number]
        if lines:
            blocks.append("\n".join([f"# {title}", *written_lines(lines)]))
    return "\n\n".join(blocks)


def functions_above(source: Source) -> list[str]:
    """Return the text of each function that a program calls."""
    definitions = source.library.definitions.values()
    return [ast.unparse(ast.fix_missing_locations(found)) for found in definitions]


def written_lines(lines: Iterable[Line]) -> list[str]:
    """Return lines as text, with the shapes of arrays as comments."""
    found = []
    for line in lines:
        text = ast.unparse(ast.fix_missing_locations(line.statement()))
        shape = shape_of(line.traced._number)
        found.append(f"{text:<{COMMENTS_AT}}  # {shape}" if shape else text)
    return found
