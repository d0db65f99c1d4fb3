"""Pencil algebra stands alone: by_hand imports NumPy, the standard library and itself only."""

import ast
import sys
from pathlib import Path

import tinygrad_edu.by_hand


def test_by_hand_imports_nothing_of_ours_but_itself():
    allowed = {"numpy", *sys.stdlib_module_names}
    for file in Path(tinygrad_edu.by_hand.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file.name} imports relatively"
                names = [node.module]
            for name in names:
                inside = name.startswith("tinygrad_edu.by_hand")
                assert inside or name.split(".")[0] in allowed, f"{file.name} imports {name}"
