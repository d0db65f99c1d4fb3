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
    """Return the text of each function that a program calls, or that such a function calls."""
    definitions = source.library.definitions
    called: set[str] = set()
    todo: list[ast.AST] = [line.expression for line in source.lines]
    while todo:
        names = {node.id for node in ast.walk(todo.pop()) if isinstance(node, ast.Name)}
        new = (names & definitions.keys()) - called
        called |= new
        todo += [definitions[name] for name in new]
    return [
        ast.unparse(ast.fix_missing_locations(definition))
        for name, definition in definitions.items()
        if name in called
    ]


def written_lines(lines: Iterable[Line]) -> list[str]:
    """Return lines as text, with the shapes of arrays as comments."""
    found = []
    for line in lines:
        text = ast.unparse(ast.fix_missing_locations(line.statement()))
        shape = shape_of(line.traced._number)
        found.append(f"{text:<{COMMENTS_AT}}  # {shape}" if shape else text)
    return found
