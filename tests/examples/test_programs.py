"""The example programs, run as people run them. No test here touches the network: all take the digits."""

import contextlib
import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from tinygrad_edu import Dense, Sequential

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("safetensors")

ROOT = Path(__file__).parents[2]
LAST_LINE = re.compile(r"test accuracy (\d+\.\d\d) %")
MNIST = os.environ.get("TINYGRAD_EDU_DATA", "")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Programs write into the folder they run in; let that be an empty one."""
    monkeypatch.chdir(tmp_path)


def command(name, *arguments):
    return [sys.executable, "-W", "error", str(ROOT / "examples" / name), *map(str, arguments)]


def environment():
    """Return the environment of a program that finds this package.

    It calculates in one thread: for small matrices, two that wait for one another on a busy machine are
    five times slower.
    """
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def run(folder, name, *arguments):
    """Run a program in a folder, away from any terminal; return its status, output and error output."""
    done = subprocess.run(
        command(name, *arguments), cwd=folder, env=environment(), capture_output=True,
        stdin=subprocess.DEVNULL, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def run_here(folder, name, *arguments):
    """Do what `run` does within this process, where the libraries are loaded already: that takes seconds."""
    streams = [
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors, write_through=True)
        for errors in ("strict", "backslashreplace")  # as of every Python program
    ]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
    ):
        try:
            status = main_of(name.removesuffix(".py"))([str(one) for one in arguments])
        except SystemExit as ended:
            status = ended.code or 0
    return status, *(stream.buffer.getvalue().decode() for stream in streams)


def interrupt(folder, begins, name, *arguments):
    """Run a program, press Ctrl-C when a line begins like that; return what `run` does."""
    program = subprocess.Popen(
        command(name, *arguments), cwd=folder, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    try:
        lines = iter(program.stdout.readline, "")
        assert any(line.startswith(begins) for line in lines)
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=300)
    finally:
        program.kill()
        program.wait()
    return program.returncode, output, errors


def main_of(name):
    """Return the main function of a program, to be called within this process."""
    spec = importlib.util.spec_from_file_location(
        f"example_{name}", ROOT / "examples" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, "path", [str(ROOT / "examples"), *sys.path]):
        spec.loader.exec_module(module)
    return module.main


def accuracy(output):
    """Return the number in the last line, in percent."""
    return float(LAST_LINE.fullmatch(output.splitlines()[-1])[1])


# ------------------------------------------------------------------------------------------------
# mnist.py
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder in which mnist.py has learned quickly, and what it printed."""
    folder = tmp_path_factory.mktemp("learned")
    status, output, errors = run(folder, "mnist.py", "--data", "digits", "--quick")
    assert (status, errors) == (0, "")
    return folder, output


def test_mnist_ends_with_the_test_accuracy(learned):
    _, output = learned
    assert 70 < accuracy(output) < 100


def test_mnist_tells_data_layers_progress_confusion_and_memory(learned):
    _, output = learned
    assert output.startswith("data: the 1,797 real 8×8 digits of scikit-learn")
    assert re.search(r"^dense1 +Dense +\(N, 64\) +4,160$", output, re.MULTILINE)
    assert re.search(
        r"^epoch 5/5  loss .*  val_accuracy 0\.\d{4}  [\d.]+ m?s$", output, re.MULTILINE
    )
    table = output.split("columns: what the network read\n")[1].splitlines()[1:11]
    counts = [[int(cell.replace(".", "0")) for cell in line.split()[1:]] for line in table]
    right = sum(row[digit] for digit, row in enumerate(counts))
    assert round(100 * right / np.sum(counts), 2) == accuracy(output)
    assert int(re.search(r"peak memory: (\d+) MB", output)[1]) < 400
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", output)


def test_mnist_saves_the_model_and_a_picture_of_the_worst_mistakes(learned):
    from matplotlib.image import imread

    folder, output = learned
    pictures = ["mistakes.png", "network.svg"]
    assert sorted(os.listdir(folder / "out")) == sorted([*pictures, "mnist.safetensors"])
    assert all(f"out/{name}" in output for name in pictures)
    assert "the model: out/mnist.safetensors" in output
    picture = imread(folder / "out" / "mistakes.png")[..., :3]
    thirds = np.array_split(picture, 5, axis=1)  # five columns of digits, none of them empty
    assert all(np.mean(part < 0.5) > 0.01 for part in thirds)


def test_mnist_measures_a_saved_model_again(learned, tmp_path):
    folder, output = learned
    file = folder / "out" / "mnist.safetensors"
    before = file.read_bytes()
    status, again, errors = run_here(tmp_path, "mnist.py", "--data", "digits", "--load", file)
    assert (status, errors) == (0, "")
    assert accuracy(again) == accuracy(output)
    assert "epoch" not in again
    assert file.read_bytes() == before
    assert sorted(os.listdir(tmp_path / "out")) == ["mistakes.png", "network.svg"]


@pytest.mark.slow
def test_mnist_reaches_97_percent_on_the_digits_with_its_defaults(tmp_path):
    status, output, errors = run_here(tmp_path, "mnist.py", "--data", "digits")
    assert (status, errors) == (0, "")
    assert accuracy(output) >= 97


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGINT for one process")
def test_mnist_keeps_the_model_when_it_is_interrupted(tmp_path):
    options = ("--data", "digits", "--layers", 16, "--epochs", 100_000)
    status, output, errors = interrupt(tmp_path, "epoch 1/100000", "mnist.py", *options)
    assert (status, errors) == (130, "")
    assert re.search(
        r"^stopped by Ctrl-C after \d+ whole epochs; the weights are kept$", output, re.M
    )
    assert LAST_LINE.fullmatch(output.splitlines()[-1])
    assert len(Sequential.load(tmp_path / "out" / "mnist.safetensors").layers) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "expected at least one epoch, got 0"),
        (["--batch", "0"], "expected a batch_size from 1 to 1438"),
        (["--batch", "5000"], "expected a batch_size from 1 to 1438"),
        (["--layers", "0"], "Dense needs at least one input and one output"),
        (["--dropout", "1"], "the dropout rate is the share to silence"),
        (["--lr", "-1"], "expected a learning rate above 0"),
        (["--lr", "nan"], "expected a learning rate above 0"),
        (["--lr", "1e30", "--quick"], "A learning rate of a tenth may help"),
        (["--load", "none.safetensors"], "there is no model file none.safetensors"),
        (["--load", "pickle"], "looks like a pickle"),
        (
            ["--load", "other.safetensors"],
            "dense1 has 3 inputs and expects shape (N, 3), got (359, 64)",
        ),
        (["--out", "pickle"], "pickle"),
        (["--out", "pickle/below"], "pickle"),
    ],
)
def test_mnist_answers_bad_input_with_one_line_and_status_2(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("pickle").write_bytes(b"\x80\x04N.")
    Sequential(Dense(3, 10)).save("other.safetensors")
    assert main_of("mnist")(["--data", "digits", *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("mnist.py: ")
    assert errors.count("\n") == 1
    assert message in errors


def test_a_bad_option_in_a_process_of_its_own(tmp_path):
    status, output, errors = run(tmp_path, "mnist.py", "--data", "digits", "--load", "none")
    assert (status, errors) == (2, "mnist.py: there is no model file none\n")
    assert "test accuracy" not in output


@pytest.mark.parametrize("name", ["mnist", "football"])
def test_help_names_every_option(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main_of(name)(["--help"])
    assert ended.value.code == 0
    assert "--quick" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="TINYGRAD_EDU_DATA names no folder with MNIST's four files")
def test_mnist_on_mnist_itself(tmp_path):
    status, output, errors = run(tmp_path, "mnist.py")
    assert (status, errors) == (0, "")
    assert output.startswith("data: ")
    assert "digits of scikit-learn" not in output
    assert accuracy(output) >= 97.8
    assert int(re.search(r"peak memory: (\d+) MB", output)[1]) < 400


# ------------------------------------------------------------------------------------------------
# football.py
# ------------------------------------------------------------------------------------------------

TRUTH_TABLE = [[0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]]


def football(capsys, *arguments):
    status = main_of("football")(list(arguments))
    return status, capsys.readouterr()


def test_football_in_a_process_of_its_own(tmp_path):
    status, output, errors = run(tmp_path, "football.py", "--sunny", "--players", 4)
    assert (status, errors) == (0, "")
    assert output.splitlines()[-1] == "Decision: play!"
    kinds = [
        f"football_{kind}_{when}.svg"
        for kind in ("neuron", "graph")
        for when in ("before", "after")
    ]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(kinds)
    assert all(f"out/{name}" in output for name in kinds)


def test_football_prints_the_truth_table_and_its_moral(capsys):
    _, shown = football(capsys, "--quick")
    lines = shown.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split() == ["sunny", "friends", "plays"])
    assert [
        [int(cell) for cell in line.split()] for line in lines[start + 1 : start + 5]
    ] == TRUTH_TABLE
    assert "the sun never matters" in shown.out


@pytest.mark.parametrize(
    ("options", "decision"),
    [
        (["--sunny", "--players", "4"], "play!"),
        (["--sunny", "--players", "3"], "stay at home."),
        (["--players", "7"], "play!"),
        (["--players", "6"], "stay at home."),
    ],
)
def test_football_has_learned_the_rule_behind_the_diary(options, decision, capsys):
    status, shown = football(capsys, *options)
    assert status == 0
    assert shown.out.splitlines()[-1] == f"Decision: {decision}"


def test_football_shows_how_it_learns(capsys):
    _, shown = football(capsys)
    rows = re.findall(r"^ +(\d+)  (\d\.\d{4})  .* (\d+\.\d)%$", shown.out, re.MULTILINE)
    losses = [float(loss) for _, loss, _ in rows]
    assert [int(step) for step, _, _ in rows] == [0, 1, 3, 10, 30, 100, 300, 1000]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == 0.6931  # ln 2: it knows nothing
    assert float(rows[-1][2]) > 90
    sun, players = re.search(
        r"sun : players/10 = (\S+) : (\S+)\.$", shown.out, re.MULTILINE
    ).groups()
    assert float(sun) == pytest.approx(1, abs=0.15)  # the rule behind the diary is 1 : 3
    assert float(players) == pytest.approx(3, abs=0.15)


def test_football_reads_a_diary_of_ones_own(tmp_path, capsys):
    days = [
        f"2025-05-{day:02},{'sunny' if day % 2 else 'rainy'},{day % 5},{'yes' if day % 2 else 'no'}"
        for day in range(1, 31)
    ]
    diary = tmp_path / "diary.csv"
    diary.write_text("\n".join(["date,weather,players,played", *days]))
    status, shown = football(capsys, "--diary", str(diary), "--sunny", "--players", "0")
    assert (status, shown.out.splitlines()[-1]) == (0, "Decision: play!")
    assert "learn from 24 days of a diary, keep 6" in shown.out
    _, shown = football(capsys, "--diary", str(diary), "--players", "4")
    assert shown.out.splitlines()[-1] == "Decision: stay at home."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "diary.csv"),
        ("", "lacks the column"),
        ("date,weather,players,played\n2025-05-01,sunny,four,yes\n", "line 2, column players"),
        ("date,weather,players,played\n2025-05-01,sunny,4,yes\n", "give more rows"),
    ],
)
def test_football_answers_a_bad_diary_with_one_line_and_status_2(
    content, message, tmp_path, capsys
):
    diary = tmp_path / "diary.csv"
    if content is not None:
        diary.write_text(content)
    status, shown = football(capsys, "--diary", str(diary))
    assert (status, shown.out) == (2, "")
    assert shown.err.startswith("football.py: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


@pytest.mark.parametrize("options", [["--players", "-1"], ["--steps", "0"], ["--players", "many"]])
def test_football_refuses_options_that_make_no_sense(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("football")(options)
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


QUICK = [
    "back_query", "compare_by_hand", "damage", "gallery", "lernmi", "mnist", "own_handwriting",
    "reproduce", "runs", "small_computer",
]  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_quick_takes_the_small_digits(name, tmp_path, monkeypatch, capsys):
    asked = []

    def load(kind="mnist", *_, **__):
        asked.append(kind)
        raise OSError("that is all that this test wants to know")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples"), *sys.path])
    main = main_of(name)
    loader = "load" if name == "reproduce" else "load_handwriting"
    monkeypatch.setitem(main.__wrapped__.__globals__, loader, load)
    with contextlib.suppress(OSError):  # most say it in words, and end
        assert main(["--quick"]) == 2
    assert asked == ["digits"]
    assert "small digits" in " ".join(main_help(main, capsys).split())


def main_help(main, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    return capsys.readouterr().out
