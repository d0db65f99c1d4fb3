"""Sweeps: every run is there once, whatever becomes of it, and the same however it was run."""

import csv
import json
import math
import os
import re
import sys
import time
import warnings
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest

from tinygrad_edu import SGD, Dense, History, Sequential, TrainingDivergedError
from tinygrad_edu import softmax_cross_entropy as cross_entropy
from tinygrad_edu.lab.sweep import Sweep, grid, plot_sweep, side_by_side, sweep, write_into_page
from tinygrad_edu.lab.sweep.labels import spread
from tinygrad_edu.lab.sweep.summary import Run

pytest.importorskip("joblib")
pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)


def history(*accuracies, name="val_accuracy"):
    made = History()
    for value in accuracies:
        made.append({name: value})
    return made


def train():
    """Return a function that trains; made here, so that other processes get it itself, not its address."""

    def run(x, y, lr, seed):
        model = Sequential(Dense(4, 2), rng=seed)
        optimizer = SGD(model.parameters(), lr=lr)
        return model.fit(
            x, y, loss=cross_entropy, optimizer=optimizer, epochs=3, rng=seed,
            validation_data=(x, y), verbose=False,
        )  # fmt: skip

    return run


def curves(results):
    """Return everything of all runs but how long they took."""
    return [
        (
            *(run.setting, run.seed, run.diverged, run.note),
            *({k: v for k, v in e.items() if k != "seconds"} for e in run.history.epochs),
        )
        for run in results.runs
    ]


def quick(run, settings, *data, **options):
    return sweep(run, settings, *data, **{"jobs": 1, "verbose": False} | options)


# ------------------------------------------------------------------------------------------------
# Settings
# ------------------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_once():
    made = grid(a=[1, 2], b=(3,), c=range(2))
    assert made == [
        {"a": 1, "b": 3, "c": 0},
        {"a": 1, "b": 3, "c": 1},
        {"a": 2, "b": 3, "c": 0},
        {"a": 2, "b": 3, "c": 1},
    ]


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"lr": 0.1}, TypeError, r"write lr=\[0.1\]"),
        ({"optimizer": "adam"}, TypeError, r"write optimizer=\['adam'\]"),
        ({"lr": []}, ValueError, "no choice of lr"),
    ],
)
def test_a_grid_says_what_is_wrong_with_choices(choices, error, message):
    with pytest.raises(error, match=message):
        grid(**choices)


@pytest.mark.parametrize(
    ("settings", "seeds", "error", "message"),
    [
        ([], 1, ValueError, "at least one setting"),
        ([{}], 0, ValueError, "at least one seed, got 0"),
        ({"lr": 0.1}, 1, TypeError, "expected a list of settings"),
        ([0.1], 1, TypeError, "expected a list of settings"),
    ],
)
def test_what_cannot_be_swept_is_refused(settings, seeds, error, message):
    with pytest.raises(error, match=message):
        quick(lambda seed: history(1.0), settings, seeds=seeds)


# ------------------------------------------------------------------------------------------------
# Running
# ------------------------------------------------------------------------------------------------


def test_every_setting_runs_with_every_seed_and_comes_back_in_order():
    seen = []

    def run(data, lr, seed):
        seen.append((data, lr, seed))
        return history(lr + seed)

    results = quick(run, grid(lr=[0.1, 0.2]), "data", seeds=2)
    assert seen == [("data", 0.1, 0), ("data", 0.2, 0), ("data", 0.1, 1), ("data", 0.2, 1)]
    assert [(r.setting["lr"], r.seed) for r in results.runs] == [
        (0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1),
    ]  # fmt: skip
    assert [r.history["val_accuracy"] for r in results.runs] == [[0.1], [1.1], [0.2], [1.2]]
    assert results.stopped is None


def test_results_are_the_same_to_the_last_bit_however_they_were_run():
    import joblib

    settings = grid(lr=[0.1, 1.0, 1e45])
    alone = quick(train(), settings, X, Y, seeds=2)
    two = quick(train(), settings, X, Y, seeds=2, jobs=2)
    with joblib.parallel_config(backend="threading"):
        threads = quick(train(), settings, X, Y, seeds=2, jobs=2)
    assert curves(alone) == curves(two) == curves(threads)
    assert len({str(run.history["loss"]) for run in alone.runs if not run.diverged}) == 4


def test_calls_side_by_side_are_given_up_without_a_word_when_nobody_waits(recwarn):
    with closing(side_by_side(time.sleep, [(0,), (600,), (600,)], jobs=2)) as results:
        assert next(results) is None
        begin = time.monotonic()
    assert time.monotonic() - begin < 300  # a second, however long it is on a busy machine
    assert [str(warning.message) for warning in recwarn] == []
    assert list(side_by_side(pow, [], jobs=2)) == []


def test_an_array_is_not_sent_with_every_run_but_shared():
    def run(x, i, seed):
        return history(float(isinstance(x, np.memmap)), float(os.getpid()))

    large = np.zeros(2_000_000, np.uint8)
    runs = quick(run, grid(i=range(4)), large, jobs=2).runs
    assert all(run.history["val_accuracy"][0] == 1.0 for run in runs)
    assert os.getpid() not in {int(run.history["val_accuracy"][1]) for run in runs}


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_run_calculates_in_one_thread(jobs):
    def run(seed):
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return history(*(float(pool["num_threads"]) for pool in threadpool_info()))

    for done in quick(run, [{}], seeds=2, jobs=jobs).runs:
        assert set(done.history["val_accuracy"]) == {1.0}


def test_a_run_that_diverges_is_a_result_and_not_the_end():
    results = quick(train(), grid(lr=[1e45, 0.1]), X, Y)
    bad, good = results.runs
    assert (bad.diverged, bad.note) == (True, "diverged in epoch 1")
    assert (good.diverged, good.note, len(good.history)) == (False, "", 3)


def test_epochs_before_the_divergence_are_kept():
    def run(seed):
        raise TrainingDivergedError("the loss became nan", history(0.5, 0.6), 3, 1)

    (done,) = quick(run, [{}]).runs
    assert done.history["val_accuracy"] == [0.5, 0.6]
    assert done.note == "diverged in epoch 3"


def test_warnings_are_notes_of_their_run_and_trouble_nobody_else():
    def run(lr, seed):
        if lr > 1:
            warnings.warn("all neurons are silent; try something else", stacklevel=1)
            warnings.warn("all neurons are silent; try something else", stacklevel=1)
        return history(0.1)

    loud, silent = quick(run, grid(lr=[2.0, 0.2])).runs
    assert (loud.note, silent.note) == ("all neurons are silent", "")


def test_why_a_training_ended_early_is_a_note():
    def run(seed):
        made = history(0.1)
        made.stopped = "good enough"
        return made

    assert quick(run, [{}]).runs[0].note == "good enough"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_mistake_in_a_setting_is_told_with_the_setting(jobs):
    def run(lr, seed):
        return SGD(Dense(1, 1).parameters(), lr=lr)

    with pytest.raises(ValueError, match="expected a learning rate above 0") as caught:
        quick(run, grid(lr=[-0.5]), jobs=jobs)
    assert "in the run with lr -0.5, seed 0" in caught.value.__notes__


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_leaves_the_others(jobs, capsys):
    def run(x, y, size, seed):
        model = Sequential(Dense(4, size), Dense(size, 2), rng=seed)
        return model.fit(
            x, y, loss=cross_entropy, optimizer=SGD(model.parameters(), lr=0.1), epochs=1, rng=seed,
            validation_data=(x, y), verbose=False,
        )  # fmt: skip

    results = sweep(run, grid(size=[8, 0, 4]), X, Y, seeds=2, jobs=jobs)
    assert [len(one.history) for one in results.runs] == [1, 1, 0, 0, 1, 1]
    failed = results.summary()[1]
    assert failed.note.startswith("failed: Dense needs at least one input and one output")
    assert not results.runs[2].diverged
    assert results.table().splitlines()[3].split()[:3] == ["0", "2", "failed"]
    assert "size 0  seed 0  failed: Dense needs" in capsys.readouterr().out
    assert results.findings()[1].startswith("worst: size ")
    pytest.importorskip("matplotlib")
    assert "0  failed" in texts(plot_sweep(results).axes[0])


@pytest.mark.parametrize("how", ["raised", "noticed by fit"])
def test_ctrl_c_keeps_the_runs_that_have_ended(how):
    def run(i, seed):
        if i == 2 and how == "raised":
            raise KeyboardInterrupt
        made = history(0.5)
        made.stopped = "Ctrl-C" if i == 2 else None  # half a run, as fit returns it
        return made

    results = quick(run, grid(i=range(5)))
    assert [run.setting["i"] for run in results.runs] == [0, 1]
    assert results.stopped == "Ctrl-C after 2 of 5 runs"
    assert "stopped: Ctrl-C after 2 of 5 runs" in repr(results)


def test_a_line_for_each_run_says_how_far_it_is(capsys):
    sweep(train(), [{"lr": 0.1}, {"lr": 1e45}], X, Y, jobs=1)
    first, second = capsys.readouterr().out.splitlines()
    assert re.match(r"1/2  lr 0\.1  seed 0  val_loss \d\.\d{4}  val_accuracy \d\.\d{4}  0 s", first)
    assert second.startswith("2/2  lr 1e+45  seed 0  diverged in epoch 1  0 s")
    quick(train(), [{"lr": 0.1}], X, Y)
    assert capsys.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------
# Results
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def results():
    a, b = {"lr": 0.1, "layers": "64"}, {"lr": 0.01, "layers": "64"}
    return Sweep(
        [
            Run(a, 0, history(0.5, 0.9, 0.8), seconds=1.0),
            Run(a, 1, history(0.6, 0.7, 0.9), seconds=3.0),
            Run(b, 0, history(0.75), diverged=True, note="diverged in epoch 2"),
            Run(b, 1, history(0.5, 0.6, 0.7), seconds=1.0),
        ]
    )


def test_a_summary_has_mean_and_range_over_the_seeds(results):
    a, b = results.summary()
    assert (a.final, a.low, a.high) == (pytest.approx(0.85), 0.8, 0.9)
    assert (a.best, a.best_epochs, a.seconds, a.note) == (0.9, (2, 3), 2.0, "")
    assert (b.final, b.low, b.high, b.best_epochs) == (0.7, 0.7, 0.7, (3, 3))
    assert b.note == "diverged in epoch 2 (1 of 2 runs)"


def test_of_losses_less_is_better():
    made = Sweep([Run({"lr": 0.1}, 0, history(0.5, 0.2, math.nan, 0.3, name="val_loss"))])
    (row,) = made.summary("val_loss")
    assert (row.final, row.best, row.best_epochs) == (0.3, 0.2, (2, 2))
    with pytest.raises(KeyError, match="no 'val_accuracy' was measured; there are val_loss"):
        made.summary()


def test_the_table_has_a_line_for_each_setting_and_its_notes(results):
    lines = results.table().splitlines()
    assert lines[0] == "all with layers 64"
    assert lines[1].split() == ["lr", "runs", "final", "range", "best", "at", "epoch", "seconds"]
    assert lines[3].split() == ["0.1", "2", "85.00", "80.00", "…", "90.00", "90.00", "2–3", "2.0"]
    assert lines[4].split() == ["0.01", "2", "70.00", "70.00", "70.00", "3", "0.5"]
    assert lines[5:] == ["lr 0.01: diverged in epoch 2 (1 of 2 runs)"]
    markdown = results.table(markdown=True)
    assert "| 0.1 | 2 | 85.00 | 80.00 … 90.00 | 90.00 | 2–3 | 2.0 |" in markdown
    assert markdown.endswith("\n\n* lr 0.01: diverged in epoch 2 (1 of 2 runs)")


def test_a_setting_of_which_no_run_came_to_its_end_says_so():
    made = Sweep([Run({"lr": 9.0}, 0, History(), diverged=True, note="diverged in epoch 1")])
    assert "diverged" in made.table().splitlines()[2]
    assert made.findings() == ["no run came to its end"]
    assert repr(Sweep([], "Ctrl-C after 0 of 1 runs")).startswith("no run has ended\nstopped")


def test_findings_tell_best_worst_difference_and_luck(results):
    a, b = results.settings
    best, worst, pair, luck = results.findings([(a, b)])
    assert best == "best: lr 0.1, with 85.00 %"
    assert worst == "worst: lr 0.01, with 70.00 %"
    assert pair.startswith("lr 0.01 ends 15.00 points below lr 0.1")
    assert "lie 5.00 points" in luck  # 10 and 0 in the two settings
    assert results.findings([(b, a)])[2].startswith("lr 0.1 ends 15.00 points above lr 0.01")


def test_a_saved_sweep_is_the_same_when_loaded(results, tmp_path):
    file = tmp_path / "sweep.json"
    results.runs.append(Run({"lr": 7.0}, 0, history(0.1, math.nan), note="never learned"))
    results.stopped = "Ctrl-C after 5 of 6 runs"
    results.save(file)
    json.loads(file.read_text(), parse_constant=pytest.fail)  # no NaN: other programs read it
    again = Sweep.load(file)
    assert repr(again) == repr(results)
    assert curves(again)[:4] == curves(results)[:4]
    assert np.isnan(again.runs[-1].history["val_accuracy"][1])


def test_a_csv_file_has_a_line_for_each_epoch_of_each_run(results, tmp_path):
    results.save(tmp_path / "sweep.csv")
    with open(tmp_path / "sweep.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 10
    assert lines[1] == {
        "lr": "0.1", "layers": "64", "seed": "0", "epoch": "2", "val_accuracy": "0.9",
    }  # fmt: skip


def test_a_frame_has_a_line_for_each_epoch_of_each_run(results):
    pytest.importorskip("pandas")
    frame = results.frame()
    assert list(frame.columns) == ["lr", "layers", "seed", "epoch", "val_accuracy"]
    assert len(frame) == 10
    assert frame.iloc[1].to_dict() == {
        "lr": 0.1, "layers": "64", "seed": 0, "epoch": 2, "val_accuracy": 0.9,
    }  # fmt: skip
    assert frame.groupby("lr")["val_accuracy"].max().to_dict() == {0.01: 0.75, 0.1: 0.9}


def test_a_frame_and_a_csv_file_say_the_same(results, tmp_path):
    pandas = pytest.importorskip("pandas")
    results.save(tmp_path / "sweep.csv")
    read = pandas.read_csv(tmp_path / "sweep.csv", dtype={"layers": str})
    assert read.to_dict("records") == results.frame().to_dict("records")


def test_a_frame_needs_pandas(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'a DataFrame needs pandas.*"tinygrad_edu\[sweep\]"'):
        results.frame()


def test_files_that_are_something_else_are_refused(results, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.json or \.csv"):
        results.save(tmp_path / "sweep.txt")
    for content in ("", "[]", '{"runs": [{}]}', '{"runs": 3}', '{"runs": [], "other": 1}'):
        (tmp_path / "other.json").write_text(content)
        with pytest.raises(ValueError, match="does not hold a sweep"):
            Sweep.load(tmp_path / "other.json")
    with pytest.raises(FileNotFoundError):
        Sweep.load(tmp_path / "none.json")


def test_a_page_gets_the_numbers_between_its_marks_and_keeps_the_rest(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- sweep: begin -->\nolder\n<!-- sweep: end -->\nafter\n")
    for _ in range(2):  # the second time in place of the first
        write_into_page(results, page)
    text = page.read_text()
    assert text.startswith("before\n<!-- sweep: begin -->\n\n* best: lr 0.1, with 85.00 %\n")
    assert text.endswith("\n<!-- sweep: end -->\nafter\n")
    assert results.table(markdown=True) in text
    assert "older" not in text
    assert text.count("best: ") == 1
    page.write_text("no marks")
    with pytest.raises(ValueError, match="<!-- sweep: begin -->"):
        write_into_page(results, page)
    assert page.read_text() == "no marks"


# ------------------------------------------------------------------------------------------------
# Chart
# ------------------------------------------------------------------------------------------------


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_chart_names_every_line_and_measures_gaps(results, tmp_path):
    pytest.importorskip("matplotlib")
    a, b = results.settings
    path = tmp_path / "chart.svg"
    figure = plot_sweep(results, {"Which rate?": [a, b], "One?": [a]}, a, [(a, b)], path=path)
    first, second = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Which rate?", "One?"]
    assert {"0.1  85.00", "15.0 points"} <= set(texts(first))
    assert "15.0 points" not in texts(second)
    line = next(line for line in first.lines if line.get_color() == "#1a1a1a")
    np.testing.assert_allclose(line.get_xydata(), [[1, 55], [2, 80], [3, 85]])
    once = path.read_bytes()
    plot_sweep(results, {"Which rate?": [a, b], "One?": [a]}, a, [(a, b)], path=path)
    assert path.read_bytes() == once


def test_what_ends_far_below_is_named_and_the_rest_is_told_apart():
    pytest.importorskip("matplotlib")
    ends = {0.1: 0.98, 0.2: 0.97, 9.0: 0.10}
    made = Sweep([Run({"lr": lr}, 0, history(end, end)) for lr, end in ends.items()])
    made.runs.append(Run({"lr": 99.0}, 0, History(), diverged=True, note="diverged in epoch 1"))
    (axes,) = plot_sweep(made).axes
    assert axes.get_ylim()[0] > 80
    assert {"9  10.00 ↓", "99  diverged"} <= set(texts(axes))


def test_a_chart_of_losses_is_logarithmic_and_names_what_ends_far_above():
    pytest.importorskip("matplotlib")
    made = Sweep(
        [
            Run({"lr": lr}, 0, history(1.0, end, name="val_loss"))
            for lr, end in {0.1: 0.1, 0.2: 0.2, 9.0: 1e9}.items()
        ]
    )
    (axes,) = plot_sweep(made, monitor="val_loss").axes
    assert axes.get_yscale() == "log"
    assert "9  1000000000.0000 ↑" in texts(axes)


def test_by_default_each_choice_of_the_first_name_has_a_panel():
    pytest.importorskip("matplotlib")
    settings = grid(optimizer=["adam", "sgd"], lr=[0.1, 0.2], dropout=[0.0, 0.5])
    made = Sweep([Run(one, 0, history(0.9)) for one in settings])
    first, second = plot_sweep(made).axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == (
        "optimizer adam", "optimizer sgd",
    )  # fmt: skip
    assert "lr 0.2 dropout 0.5  90.00" in texts(second)


def test_a_chart_needs_a_run_and_leaves_no_half_files(results, tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_sweep(Sweep([]))
    with pytest.raises(ValueError, match="no run has a setting of any panel"):
        plot_sweep(results, {"Which?": [{"lr": 5.0}]})
    with pytest.raises(ValueError, match="xyz"):
        plot_sweep(results, path=tmp_path / "chart.xyz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("heights", [[0.0] * 5, [1.0] * 5, [0.1, 0.11, 0.5, 0.99, 1.0], [0.4] * 30])
def test_names_are_moved_apart_and_stay_inside(heights):
    moved = spread(heights, gap=0.1)
    gap = min(0.1, 1 / (len(heights) - 1))
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert moved[0] >= -1e-9
    assert moved[-1] <= 1 + 1e-9


def test_names_that_are_far_enough_apart_stay_where_they_are():
    assert spread([0.1, 0.5, 0.9], gap=0.1) == pytest.approx([0.1, 0.5, 0.9])
