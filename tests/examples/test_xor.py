"""The smallest whole program: it is short, and it learns."""

import ast
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "examples" / "xor.py"


def test_it_learns_what_one_neuron_cannot(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM)],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300, check=True,
    )  # fmt: skip
    losses = [float(loss) for loss in re.findall(r"loss (\d\.\d+)", done.stdout)]
    assert losses[-1] < 0.01 < losses[0]
    said = re.findall(r"(\d) xor (\d) is (-?\d\.\d\d)", done.stdout)
    assert [round(float(answer)) for _, _, answer in said] == [0, 1, 1, 0]
    assert [int(a) ^ int(b) for a, b, _ in said] == [0, 1, 1, 0]


def test_it_is_read_at_one_glance():
    text = PROGRAM.read_text(encoding="utf-8")
    body = text.partition('"""\n\n')[2]
    code = [line for line in body.splitlines() if line.strip()]
    assert len(code) <= 20
    assert not any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(text))
    )
