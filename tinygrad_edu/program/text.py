"""Text: a program as one reads it, and as a file."""

from __future__ import annotations

import ast
from tinygrad_edu.program.source import SECTIONS, Source, shape_comment


def listing(source: Source) -> str:
    """Return a program as text: what stands above, then forward, backward and the step."""
    blocks = [
        ast.unparse(ast.fix_missing_locations(f)) for f in source.library.definitions.values()
    ]
    for number, title in enumerate(SECTIONS):
        lines = [line for line in source.lines if line.section == number]
        if lines:
            written = [ast.unparse(line.statement()) + shape_comment(line.traced) for line in lines]
            blocks.append("\n".join([f"# {title}", *written]))
    return "\n\n".join(blocks)
