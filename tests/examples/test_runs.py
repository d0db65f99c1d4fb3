"""The program that tries many settings, run as people run it, on the small digits."""

import csv
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.lab.sweep import Sweep

from .test_programs import run_here

for needed in ("joblib", "sklearn", "matplotlib", "tqdm", "threadpoolctl"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
DIGITS = ["--data", "digits"]
SMALL = [*DIGITS, "--epochs", "2", "--images", "600", "--jobs", "1"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The program writes into the folder it runs in; let that be an empty one."""
    monkeypatch.chdir(tmp_path)


def program():
    """Return the program as a module, to be called within this process."""
    spec = importlib.util.spec_from_file_location("example_runs", ROOT / "examples" / "runs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(*arguments):
    return program().main([str(argument) for argument in arguments])


def command(*arguments):
    return [sys.executable, str(ROOT / "examples" / "runs.py"), *map(str, arguments)]


def environment():
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {
        "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A folder in which all questions were answered quickly, and what was printed."""
    folder = tmp_path_factory.mktemp("answered")
    status, output, errors = run_here(folder, "runs.py", *DIGITS, "--quick", "--jobs", 1)
    assert (status, errors) == (0, "")
    return folder / "out", output


def test_all_questions_are_answered(answered):
    _, output = answered
    assert output.startswith("data: the 1,797 real 8×8 digits of scikit-learn")
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", output)
    assert "17/17  optimizer" in output
    assert "all with epochs 3, batch 32\n" in output
    assert re.search(r"^\* best: optimizer \w+, lr .*, with \d\d\.\d\d %$", output, re.M)
    assert re.search(r"^\* lr 0\.05 ends \d+\.\d\d points (above|below) lr 0\.001", output, re.M)


def test_curves_and_numbers_of_every_run_are_written(answered):
    out, _ = answered
    assert sorted(os.listdir(out)) == ["runs.csv", "runs.json", "runs.svg"]
    results = Sweep.load(out / "runs.json")
    assert len(results.runs) == len(results.settings) == 17
    for one in (one for each in program().QUESTIONS.values() for one in each):
        assert len(results.of(one | {"epochs": 3, "batch": 32})) == 1
    with open(out / "runs.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 17 * 3


def test_the_chart_has_a_panel_for_each_question_and_measures_adams_large_step(
    answered, monkeypatch
):
    module, figures = program(), []
    plot = module.plot_sweep
    monkeypatch.setattr(module, "plot_sweep", lambda *a, **k: figures.append(plot(*a, **k)))
    assert module.main(["--load", str(answered[0] / "runs.json")]) == 0
    panels = {axes.get_title(loc="left"): axes for axes in figures[0].axes}
    assert list(panels) == list(module.QUESTIONS)
    name = re.compile(r"(\d\d?\.\d\d|diverged)( [↓↑])?$")
    for title, axes in panels.items():
        named = [text for text in axes.texts if name.search(text.get_text())]
        assert len(named) == len(module.QUESTIONS[title])
    gaps = [t for t, axes in panels.items() if any("points" in x.get_text() for x in axes.texts)]
    assert gaps == ["Adam: which rate?"]


def test_choices_of_ones_own_are_combined(capsys):
    choices = ["--optimizer", "adam", "sgd", "--lr", "0.01", "0.1", "--layers", "8", "8,4"]
    assert main(*SMALL, *choices, "--dropout", "0.1", "--seeds", 2) == 0
    results = Sweep.load("out/runs.json")
    assert len(results.runs) == 2 * 2 * 2 * 2
    assert {one["layers"] for one in results.settings} == {"8", "8-4"}
    assert {one["dropout"] for one in results.settings} == {0.1}
    assert "16/16" in capsys.readouterr().out


def test_without_a_rate_each_optimizer_has_its_own():
    assert main(*SMALL, "--optimizer", "adam", "sgd", "--layers", 8, "--seeds", 1) == 0
    rates = {one["optimizer"]: one["lr"] for one in Sweep.load("out/runs.json").settings}
    assert rates == {"adam": 0.001, "sgd": 0.1}


def test_a_run_that_diverges_is_a_line_of_the_table(capsys):
    assert main(*SMALL, "--lr", "1e45", "0.01", "--layers", 8, "--seeds", 1) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^ *1e\+45 +1 +diverged ", shown, re.M)
    assert "lr 1e+45: diverged in epoch 1" in shown
    assert [run.diverged for run in Sweep.load("out/runs.json").runs] == [True, False]


def test_what_was_run_is_drawn_again_and_put_into_a_page(capsys):
    assert main(*SMALL, "--layers", 8, 16, "--seeds", 1, "--out", "first") == 0
    Path("page.md").write_text("text\n<!-- sweep: begin -->\n<!-- sweep: end -->\n")
    capsys.readouterr()
    assert main("--load", "first/runs.json", "--page", "page.md") == 0
    assert "1/2" not in capsys.readouterr().out
    assert Path("pictures/runs.svg").read_bytes() == Path("first/runs.svg").read_bytes()
    assert json.loads(Path("out/runs.json").read_text()) == json.loads(
        Path("first/runs.json").read_text()
    )
    assert "| layers | runs | final |" in Path("page.md").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGINT for one process")
@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_ctrl_c_keeps_what_is_finished(jobs, tmp_path):
    long = ["--layers", 64, "--optimizer", "adam", "--seeds", 400, "--epochs", 4, "--jobs", jobs]
    running = subprocess.Popen(
        command(*DIGITS, *long), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    try:
        lines = iter(running.stdout.readline, "")
        assert any(line.lstrip().startswith("2/400") for line in lines)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        output, errors = running.communicate(timeout=300)
    finally:
        running.kill()
        running.wait()
    assert (running.returncode, errors) == (130, "")
    results = Sweep.load("out/runs.json")
    count = int(re.search(r"^stopped: Ctrl-C after (\d+) of 400 runs$", output, re.M)[1])
    assert 2 <= count == len(results.runs) < 400
    assert all(len(run.history) == 4 for run in results.runs)
    assert Path("out/runs.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", 0], "expected at least one epoch, got 0; in the run with optimizer sgd"),
        (["--seeds", 0], "expected at least one seed, got 0"),
        (["--lr", -1], "expected a learning rate above 0"),
        (["--dropout", 1], "the dropout rate is the share to silence"),
        (["--layers", 0], "Dense needs at least one input and one output, got (64, 0)"),
        (["--images", 5], "expected at least one sample in x_val"),
        (["--jobs", 0], "n_jobs"),
        (["--load", "none.json"], "none.json"),
        (["--load", "other.json"], "other.json does not hold a sweep"),
        (["--out", "other.json"], "other.json"),
        (["--layers", 8, "--page", "none.md"], "none.md"),
    ],
)
def test_bad_input_is_answered_with_one_line_and_status_2(options, message, capsys):
    Path("other.json").write_text("[]")
    usual = ["--epochs", 1, "--jobs", 1, "--seeds", 1, "--optimizer", "sgd"]
    assert main(*DIGITS, *usual, *options) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("runs.py: ")
    assert errors.count("\n") == 1
    assert message in errors


@pytest.mark.parametrize(
    "options", [["--layers", "many"], ["--optimizer", "newton"], ["--lr", "fast"]]
)
def test_options_that_make_no_sense_are_refused(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(*options)
    assert ended.value.code == 2
    assert options[1] in capsys.readouterr().err


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        main("--help")
    assert ended.value.code == 0
    assert {"--quick", "--dask", "--load"} <= set(capsys.readouterr().out.split())
