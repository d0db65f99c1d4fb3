"""How programs end: the status, what is told, and to whom; and that they print on any console."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.support import program

ROOT = Path(__file__).parents[2]

LONG = """
from tinygrad_edu.support import program

@program
def main(arguments):
    print("begun", flush=True)
    while True:
        print("and so on")

raise SystemExit(main([]))
"""


@pytest.fixture
def long():
    """A program that prints until somebody stops it."""
    begun = subprocess.Popen(
        [sys.executable, "-c", LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert begun.stdout.readline() == b"begun\n"
    yield begun
    begun.kill()
    begun.wait()
    begun.stdout.close()
    begun.stderr.close()


def test_a_program_whose_reader_has_gone_ends_without_a_word(long):
    long.stdout.close()
    assert (long.wait(), long.stderr.read()) == (141, b"")


def test_ctrl_c_ends_without_a_stack_trace(long):
    long.send_signal(signal.SIGINT)
    _, errors = long.communicate()
    assert (long.returncode, errors) == (130, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to be full")
def test_output_that_cannot_be_written_is_told_once():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", LONG.replace("while True", "if True")], stdout=full,
            stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"No space left" in done.stderr


def ending(raised):
    @program
    def main(arguments):
        raise raised

    return main([])


@pytest.mark.parametrize(
    "mistake",
    [
        ValueError("no"), FileNotFoundError("no"), TypeError("no"), ImportError("no"), MemoryError("no"),
        ArithmeticError("no"), RuntimeError("no"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_mistake_is_told_in_one_line_with_status_2(mistake, capsys):
    mistake.add_note("in the third row")
    assert ending(mistake) == 2
    assert capsys.readouterr() == ("", "test_programs.py: no; in the third row\n")


def test_a_mistake_without_words_has_its_name(capsys):
    assert ending(MemoryError()) == 2
    assert capsys.readouterr().err == "test_programs.py: MemoryError\n"


@pytest.mark.parametrize("error", [KeyError, AttributeError, AssertionError, IndexError])
def test_what_is_our_own_fault_keeps_its_stack_trace(error):
    with pytest.raises(error):
        ending(error("a bug"))


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", rb"\u2202loss \xd7 \u2082 \udcff"),
        ("latin-1", b"\\u2202loss \xd7 \\u2082 \\udcff"),
        ("cp437", b"\\u2202loss \\xd7 \\u2082 \\udcff"),
        ("utf-8", "∂loss × ₂ \\udcff".encode()),
    ],
)
def test_any_letter_is_printed_on_any_console(encoding, printed, monkeypatch):
    @program
    def main(arguments):
        print("∂loss × ₂ \udcff")
        return 0

    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    monkeypatch.setattr(sys, "stdout", console)
    assert main([]) == 0
    assert console.buffer.getvalue() == printed + b"\n"


def test_a_program_without_any_output_runs(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert program(lambda arguments: print("into nothing") or 0)([]) == 0
