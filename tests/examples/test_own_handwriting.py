"""own_handwriting.py, run as people run it. It learns from the small digits: no test touches the network."""

import json
import shutil
from pathlib import Path

import pytest

from tinygrad_edu.datasets import load_digits
from tinygrad_edu.lab.recipes import convolution

from .test_programs import ROOT, main_of, run_here

pytest.importorskip("PIL")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("safetensors")

SAMPLES = ROOT / "docs" / "handwriting"
DIGITS = ("--data", "digits", "--quick")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Programs write into the folder they run in; let that be an empty one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder in which the program has learned quickly, and what it printed."""
    folder = tmp_path_factory.mktemp("handwriting")
    status, output, errors = run_here(folder, "own_handwriting.py", *DIGITS)
    assert (status, errors) == (0, "")
    return folder, output


@pytest.fixture
def ask(learned, capsys):
    """Run the program within this process, with the network that was learned."""
    network = learned[0] / "out" / "own_handwriting_digits_quick.safetensors"

    def run_it(*arguments):
        status = main_of("own_handwriting")(["--load", str(network), *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_it


def rows(output):
    return [json.loads(line) for line in output.splitlines()]


def test_it_reads_the_samples_and_draws_the_contact_sheet(learned):
    folder, output = learned
    read = {line.split()[0]: line for line in output.splitlines() if line[:1].isdigit()}
    assert sorted(read) == sorted(p.name for p in SAMPLES.iterdir() if p.name[0].isdigit())
    right = sum(", right" in line for line in read.values())
    assert right >= 7, output  # a guess would give one; the digits it learned from are 8×8
    assert "nothing_but_shadow.jpg       none: " in output
    sheet = (folder / "out" / "handwriting.svg").read_text(encoding="utf-8")
    assert sheet.count("<image") >= 4 * len(list(SAMPLES.iterdir()))


def test_json_is_one_line_a_picture_and_nothing_else(ask):
    status, output, errors = ask("--json", SAMPLES)
    said = rows(output)
    assert status == 0
    assert [set(row) for row in said] == [{"file", "answer", "confidence"}] * 11
    assert [row["file"] for row in said] == sorted(map(str, SAMPLES.iterdir()))
    assert all(row["answer"] in range(10) and 0.1 <= row["confidence"] <= 1 for row in said[:10])
    assert (said[10]["answer"], said[10]["confidence"]) == (None, 0.0)
    assert "the contact sheet" in errors


def test_the_network_is_kept_until_another_is_wanted(learned):
    file = learned[0] / "out" / "own_handwriting_digits_quick.safetensors"
    ask = (learned[0], "own_handwriting.py", "--json", *DIGITS, SAMPLES / "4_thin_pen.png")
    before = file.stat().st_mtime_ns
    status, output, errors = run_here(*ask)
    assert (status, len(rows(output)), file.stat().st_mtime_ns) == (0, 1, before)
    assert "the network learns" not in errors
    status, again, errors = run_here(*ask, "--again")
    assert (status, again, file.stat().st_mtime_ns > before) == (0, output, True)
    assert "the network learns" in errors  # told there, since nothing but JSON goes to the output


def test_a_network_is_kept_as_what_it_has_learned_from(monkeypatch, capsys):
    """Where MNIST cannot be had, the small digits take its place; their network must not stay there."""
    main = main_of("own_handwriting")
    monkeypatch.setitem(main.__wrapped__.__globals__, "load_handwriting", lambda _: load_digits())
    quickly = lambda data, _, rng: convolution(data, 1, rng)  # noqa: E731
    monkeypatch.setitem(main.__wrapped__.__globals__, "convolution", quickly)
    for told in ("the network learns", "the network: "):
        assert main([str(SAMPLES / "4_thin_pen.png")]) == 0
        assert told in capsys.readouterr().out
    assert [file.name for file in Path("out").glob("*.safetensors")] == [
        "own_handwriting_digits.safetensors"
    ]


def test_a_bad_file_is_told_and_the_others_are_read(ask, tmp_path):
    (tmp_path / "mine").mkdir()
    shutil.copy(SAMPLES / "3_gaps.png", tmp_path / "mine")
    (tmp_path / "mine" / "1_broken.png").write_bytes(b"no picture")
    status, output, errors = ask("--json", tmp_path / "mine")
    broken, good = rows(output)
    assert status == 2
    assert (broken["answer"], broken["confidence"]) == (None, 0.0)
    assert "no picture" in broken["error"]
    assert "1_broken.png" in errors
    assert "error" not in good
    assert good["answer"] is not None


@pytest.mark.parametrize("name", ["drei ü.png", "a\nb.png", "\udcff.png"])
def test_any_name_is_one_line_of_json_and_a_title_in_the_contact_sheet(name, learned, tmp_path):
    try:
        shutil.copy(SAMPLES / "3_gaps.png", tmp_path / name)
    except OSError:
        pytest.skip("this file system takes no such name")
    ask = (learned[0], "own_handwriting.py", *DIGITS, tmp_path)
    status, output, errors = run_here(*ask)
    assert (status, errors) == (0, "")
    status, output, errors = run_here(*ask, "--json")
    assert (status, [row["file"] for row in rows(output)]) == (0, [str(tmp_path / name)])


def test_a_picture_without_a_label_is_neither_right_nor_wrong(ask, tmp_path):
    shutil.copy(SAMPLES / "3_gaps.png", tmp_path / "mine.png")
    _, output, _ = ask(tmp_path / "mine.png")
    (line,) = [line for line in output.splitlines() if line.startswith("mine.png")]
    assert "sure" in line
    assert "right" not in line
    assert "wrong" not in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.png"], "there is no file or folder nowhere.png"),
        (["."], "holds no pictures"),
        (["--load", "nothing.safetensors", str(SAMPLES)], "nothing.safetensors"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments, said, ask):
    status, output, errors = ask(*arguments)
    assert status == 2
    assert errors.startswith("own_handwriting.py: ")
    assert errors.count("\n") == 1
    assert said in errors
    assert "Traceback" not in output + errors
