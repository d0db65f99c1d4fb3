"""Every example program ends as programs should, prints on any console, and needs no docstrings."""

import argparse
import io
import os
import re
import subprocess
import sys

import pytest

from .test_programs import ROOT, command, environment, interrupt, main_of

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
PROGRAMS = [name for name in EXAMPLES if name != "xor"]  # which is a script of twenty lines


@pytest.fixture(autouse=True)
def beside_one_another(monkeypatch, tmp_path):
    """Programs import from one another, and write into the folder that they run in."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.chdir(tmp_path)


def test_all_programs_are_looked_at():
    assert len(PROGRAMS) >= 13


@pytest.mark.parametrize("name", PROGRAMS)
def test_ctrl_c_and_mistakes_anywhere(name, monkeypatch, capsys):
    main = main_of(name)
    for raised, status, told in (
        (KeyboardInterrupt, 130, ""),
        (ValueError("what was wrong"), 2, f"{name}.py: what was wrong\n"),
        (OSError("the disk is full"), 2, f"{name}.py: the disk is full\n"),
    ):

        def fail(*_, raised=raised):
            raise raised

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", fail)
        assert main([]) == status
        assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_help_is_printed_on_any_console(name, encoding, monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", console)
    with pytest.raises(SystemExit) as ended:
        main_of(name)(["--help"])
    assert ended.value.code == 0
    assert b"--quick" in console.buffer.getvalue()


@pytest.mark.parametrize("name", ["worked_example", "spot_the_bug", "football"])
def test_formulas_are_printed_on_a_console_that_knows_no_greek(name, monkeypatch):
    for module in ("tinygrad_edu.drawing", "tinygrad_edu"):
        for draw in ("draw_graph", "play_backward", "draw_network"):
            monkeypatch.setattr(f"{module}.{draw}", lambda *_, **__: None, raising=False)
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert main_of(name)(["--quick"]) == 0
    assert re.search(rb"\\u22|\\u03", console.buffer.getvalue())


def test_programs_need_no_docstrings(tmp_path):
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        importlib.import_module(name).main(['--help'])\n"
        "    except SystemExit as ended:\n"
        "        ended.code == 0 or sys.exit(name)\n"
    )
    path = os.pathsep.join([str(ROOT / "examples"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-OO", "-c", code, *PROGRAMS], cwd=tmp_path,
        env=environment() | {"PYTHONPATH": path}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("--quick") >= len(PROGRAMS)


def test_ctrl_c_outside_of_any_training(tmp_path):
    status, _, errors = interrupt(tmp_path, "NOT", "lernmi.py", "--quick")
    assert (status, errors) == (130, "")


def test_a_reader_that_has_seen_enough(tmp_path):
    program = subprocess.Popen(
        command("lernmi.py", "--quick"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert program.stdout.readline().startswith(b"NOT")
    program.stdout.close()
    with program.stderr:
        assert (program.wait(), program.stderr.read()) == (141, b"")
