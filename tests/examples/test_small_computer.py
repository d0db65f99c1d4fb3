"""The program for very small computers: it learns while it reads, and holds next to nothing in memory."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.datasets import write_csv
from tinygrad_edu.datasets.csv_file import read_csv

from .test_programs import MNIST, ROOT, main_of, run, run_here

pytest.importorskip("sklearn")

PROGRAM = ROOT / "examples" / "small_computer.py"
ROW = re.compile(r"^\d+-\d+-10 (.*?) +(\d+) +([\d,]+) +([\d.]+) +([\d.]+) %$", re.MULTILINE)


def rows(output):
    """Return (images seen, test accuracy) by the network's name."""
    return {
        name: (int(images.replace(",", "")), float(accuracy))
        for name, _, images, _, accuracy in ROW.findall(output)
    }


def memory(output):
    return int(re.search(r"^peak memory: (\d+) MB$", output, re.MULTILINE)[1])


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder in which the program has run quickly, and what it printed."""
    folder = tmp_path_factory.mktemp("small")
    status, output, errors = run(folder, PROGRAM.name, "--quick")
    assert (status, errors) == (0, "")
    return folder, output


def test_it_is_short_and_helps(tmp_path):
    assert len(PROGRAM.read_text(encoding="utf-8").splitlines()) <= 121
    status, output, errors = run_here(tmp_path, PROGRAM.name, "--help")
    assert (status, errors) == (0, "")
    assert "--csv TRAIN TEST" in output
    assert "--quick" in output


def test_both_networks_learn_while_they_read(learned):
    _, output = learned
    assert output.startswith("data: the 1,797 real 8×8 digits of scikit-learn")
    found = rows(output)
    assert found.keys() == {"by hand", "by autograd"}
    assert [images for images, _ in found.values()] == [1438, 1438]
    assert 65 < found["by hand"][1] < 100
    assert 75 < found["by autograd"][1] < 100
    assert memory(output) < 300
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", output)  # no terminal, no bar


def test_the_files_are_the_digits(learned):
    from tinygrad_edu.datasets import load_digits

    folder, _ = learned
    assert sorted(os.listdir(folder / "out")) == ["digits_test.csv", "digits_train.csv"]
    x, y = read_csv(folder / "out" / "digits_train.csv")
    np.testing.assert_array_equal(x.raw, load_digits().x_train.raw)
    np.testing.assert_array_equal(y, load_digits().y_train)


def test_files_of_ones_own_give_the_same_and_take_less_memory(learned, tmp_path):
    folder, output = learned
    files = [folder / "out" / f"digits_{part}.csv" for part in ("train", "test")]
    status, again, errors = run(tmp_path, PROGRAM.name, "--csv", *files, "--hidden", 10)
    assert (status, errors) == (0, "")
    assert rows(again) == rows(output)
    assert "data:" not in again
    assert memory(again) <= memory(output)
    assert os.listdir(tmp_path / "out") == []


def test_files_once_written_are_taken_again(learned, monkeypatch, capsys):
    folder, output = learned
    monkeypatch.chdir(folder)
    before = Path("out/digits_train.csv").stat().st_mtime_ns
    assert main_of("small_computer")(["--quick"]) == 0
    again = capsys.readouterr().out
    assert rows(again) == rows(output)
    assert "data:" not in again
    assert Path("out/digits_train.csv").stat().st_mtime_ns == before


def test_more_epochs_learn_more(learned, capsys, tmp_path):
    folder, _ = learned
    out = ["--out", str(folder / "out"), "--data", "digits"]
    assert main_of("small_computer")([*out, "--epochs", "8"]) == 0
    found = rows(capsys.readouterr().out)
    assert [images for images, _ in found.values()] == [8 * 1438, 8 * 1438]
    assert all(accuracy > 92 for _, accuracy in found.values())


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "train.csv"),
        ("5,0,0\n5,x,0\n", [], "train.csv, line 2, column 2 (pixel 0): found 'x'"),
        ("12,0,0\n", [], "found '12', expected a whole number from 0 to 9"),
        ("", [], "train.csv: is empty"),
        ("5,0,0\n", [], "inputs"),  # the files to test on have 3 pixels
        ("5,0,0\n" * 300 + "5,x,0\n", [], "inputs"),  # which is said before anything is learned
        ("5,0,0,0\n", ["--hidden", "0"], "0"),
        ("5,0,0,0\n", ["--rate", "-1"], "learning_rate"),
    ],
)
def test_bad_input_is_answered_with_one_line_and_status_2(
    content, options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("train.csv").write_text(content)
    write_csv("test.csv", np.zeros((2, 3), np.uint8), [5, 0])
    assert main_of("small_computer")(["--csv", "train.csv", "test.csv", *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("small_computer.py: ")
    assert errors.count("\n") == 1
    assert message in errors


def test_no_epoch_at_all_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("small_computer")(["--epochs", "0"])
    assert ended.value.code == 2
    assert "--epochs must be 1 or more" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="TINYGRAD_EDU_DATA names no folder with MNIST's four files")
def test_one_epoch_of_mnist_with_50_hidden_nodes_takes_less_than_300_mb(tmp_path):
    status, output, errors = run(tmp_path, PROGRAM.name)
    assert (status, errors) == (0, "")
    found = rows(output)
    assert [images for images, _ in found.values()] == [60_000, 60_000]
    assert found["by hand"][1] > 92
    assert found["by autograd"][1] > 94
    assert memory(output) < 300
    status, output, errors = run(tmp_path, PROGRAM.name)  # the files are there: it only streams
    assert (status, errors) == (0, "")
    assert rows(output) == found
    assert memory(output) < 100
