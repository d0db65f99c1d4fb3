"""reproduce.py: what it keeps, when it stops and goes on, what it concludes, and where it writes."""

import doctest
import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.datasets import Dataset, Pixels

from .test_programs import ROOT, command, environment, main_of, run, run_here

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("joblib")

DOCS = ROOT / "docs" / "results.md"
FEW = ["--data", "digits", "--images", 60]
RASHID = [*FEW, "--jobs", 1, "--only", "rashid"]


@pytest.fixture(scope="module", autouse=True)
def published():
    """Programs find their rooms beside them; so shall we, and the workers that runs are handed to."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown()  # workers of another test do not know the way
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples")
        yield


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Programs write into the folder they run in; let that be an empty one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def reproduce(capsys):
    """A function that runs the program here; it returns status, output and error output."""

    def call(*arguments):
        status = main_of("reproduce")(list(map(str, arguments)))
        return status, *capsys.readouterr()

    return call


def files(folder=Path("out/reproduce")):
    return {path.name: path for path in folder.glob("runs/*/*.json")}


# ------------------------------------------------------------------------------------------------
# All of it
# ------------------------------------------------------------------------------------------------


def test_quick_measures_every_claim_and_leaves_the_published_page_alone(tmp_path):
    from published.sources import CLAIMS

    before = DOCS.read_bytes() if DOCS.exists() else None
    arguments = ("reproduce.py", "--quick", "--images", 150, "--jobs", 1)
    status, output, errors = run_here(tmp_path, *arguments)
    assert (status, errors) == (0, "")
    assert output.startswith("data: the 1,797 real 8×8 digits")
    assert (
        "\n64 published numbers in 68 rows. Reproduced: 38; source is wrong: 5; other data: 25. "
        "Beyond them, 14 of our own. Holds: 2; other data: 12\n" in output
    )
    page = (tmp_path / "out/reproduce/results.md").read_text(encoding="utf-8")
    assert "These are not the published settings" in page
    rows = [line for line in page.splitlines() if re.search(r"\| (\*\*)?[a-z ]+(\*\*)? \|$", line)]
    assert sum(not row.startswith(("| claim", "| run")) for row in rows) == len(CLAIMS)
    assert not any("| – |" in row for row in rows)  # all were measured
    for name in ("rate", "epochs", "hidden", "angle"):
        assert (tmp_path / f"out/reproduce/results/{name}.svg").stat().st_size > 5000
        assert f"results/{name}.svg)" in page
    assert (DOCS.read_bytes() if DOCS.exists() else None) == before

    assert " left" in output
    status, output, errors = run_here(tmp_path, *arguments)  # nothing is left to do
    assert (status, errors) == (0, "")
    assert " left" not in output
    assert (tmp_path / "out/reproduce/results.md").read_text(encoding="utf-8") == page


def test_runs_side_by_side_give_what_one_after_the_other_gives(tmp_path):
    from published.results import Store
    from published.runs import load
    from reproduce import plan

    for jobs in (1, 2):
        options = [*FEW, "--seeds", 2, "--only", "dense", "--jobs", jobs, "--out", jobs]
        # In a process of its own: workers that another test has left behind know nothing of the examples.
        status, _, errors = run(tmp_path, "reproduce.py", *options)
        assert (status, errors) == (0, "")
    stores = [Store(tmp_path / jobs / "runs", load("digits", 60)) for jobs in ("1", "2")]
    done = [one for one in plan(2) if one.kind == "dense"]
    assert len(done) == 4
    results = [[store.load(one)["result"] for one in done] for store in stores]
    for one, other in zip(*results, strict=True):
        assert one["accuracy"] == other["accuracy"]
    assert results[0][0]["accuracy"] != results[0][2]["accuracy"]  # another seed is another run


# ------------------------------------------------------------------------------------------------
# Stopping and going on
# ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGINT for one process")
def test_ctrl_c_leaves_what_is_done_and_the_same_command_goes_on(tmp_path):
    options = ["--data", "digits", "--images", 20, "--only", "rashid", "--jobs", 2, "--seeds"]
    # Without -W error: threadpoolctl, stopped while it reads a file, leaves that to the garbage collector.
    plain = [part for part in command("reproduce.py", *options, 40) if part not in ("-W", "error")]
    program = subprocess.Popen(
        plain, cwd=tmp_path, env=environment(), encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        lines = []
        for line in iter(program.stdout.readline, ""):
            lines += [line] if " left" in line else []
            if len(lines) == 3:
                break
        os.killpg(program.pid, signal.SIGINT)  # a terminal tells all processes
        output, errors = program.communicate(timeout=300)
    finally:
        program.kill()
        program.wait()
    assert (program.returncode, errors) == (130, "")
    assert output.splitlines()[-1].startswith("stopped; what is done is kept")
    kept = files(tmp_path / "out/reproduce")
    assert len(kept) >= 3
    for path in kept.values():
        json.loads(path.read_text(encoding="utf-8"))
    assert list((tmp_path / "out/reproduce").glob("runs/*/.*")) == []  # nothing half-written

    before = {name: path.stat().st_mtime_ns for name, path in kept.items()}
    status, output, errors = run_here(tmp_path, "reproduce.py", *options, 1)
    assert (status, errors) == (0, "")
    done_again = {name for name in before if kept[name].stat().st_mtime_ns != before[name]}
    assert done_again == set()
    of_first_seed = [name for name in files(tmp_path / "out/reproduce") if "seed=0" in name]
    assert output.count(" left") == len(set(of_first_seed) - set(before))


def test_a_run_that_fails_is_told_of_and_leaves_the_others(reproduce):
    options = ["--data", "digits", "--images", 5, "--seeds", 1, "--jobs", 1]
    status, output, errors = reproduce(*options, "--only", "nielsen", "dense", "links")
    assert status == 1
    assert re.search(
        r"^reproduce.py: nielsen falling=False seed=0 failed: ValueError: .* batch_size", errors
    )
    assert errors.count("\n") == 2  # with its rate falling as well
    assert output.count(" left") == 5
    assert len(files()) == 3
    assert "not measured" in Path("out/reproduce/results.md").read_text(encoding="utf-8")


def test_a_damaged_file_is_told_of_and_done_again(reproduce):
    assert reproduce(*RASHID, "--seeds", 1)[0] == 0
    whole = {name: path.read_bytes() for name, path in files().items()}
    names = sorted(whole)
    half, other, empty, foreign = names[:4]
    files()[half].write_bytes(whole[half][:40])
    files()[other].write_bytes(whole[names[5]])
    files()[empty].write_bytes(b"")
    files()[foreign].write_text('["not", "a run"]', encoding="utf-8")
    status, output, errors = reproduce(*RASHID, "--seeds", 1)
    assert status == 0
    assert output.count(" left") == 4
    assert errors.count("is damaged and counts for nothing") == 4
    assert "it holds another run than its name says" in errors
    for name in names[:4]:
        again, first = (json.loads(text) for text in (files()[name].read_bytes(), whole[name]))
        assert again["result"]["accuracy"] == first["result"]["accuracy"]


def test_again_does_runs_once_more_and_list_shows_what_is_done(reproduce):
    options = [*FEW, "--jobs", 1, "--seeds", 1]
    listed = reproduce(*options, "--list")[1]
    assert listed.count("to do  ") == len(listed.splitlines()) > 20
    assert reproduce(*options, "--only", "football", "links")[0] == 0
    assert reproduce(*options, "--list")[1].count("to do") == len(listed.splitlines()) - 2
    before = {name: path.stat().st_mtime_ns for name, path in files().items()}
    assert set(before) == {"football.json", "links.json"}
    assert reproduce(*options, "--only", "football", "links", "--again", "links")[0] == 0
    after = {name: path.stat().st_mtime_ns for name, path in files().items()}
    assert after["links.json"] > before["links.json"]
    assert after["football.json"] == before["football.json"]


def test_results_of_other_images_are_kept_apart(reproduce):
    for images in (60, 61):
        options = ("--data", "digits", "--images", images, "--seeds", 1, "--jobs", 1)
        assert reproduce(*options, "--only", "dense", "links")[0] == 0
    folders = {path.parent.name for path in Path("out/reproduce/runs").glob("*/*.json")}
    assert folders == {"8-8-digits-60-images", "8-8-digits-61-images", "no-data"}


# ------------------------------------------------------------------------------------------------
# Verdicts, and the page that is published
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "values", "expected"),
    [
        ({}, [97.2, 97.8], "reproduced"),
        ({}, [97.31], "reproduced"),
        ({}, [97.29], "not reproduced"),
        ({}, [97.71], "exceeded"),
        ({}, [97.4, 98.9], "reproduced"),
        ({}, [97.6, 98.9], "exceeded"),
        ({"low": 98.5, "high": 100.0, "tolerance": 0.0}, [98.0, 98.8], "not reproduced"),
        ({"better": "less"}, [97.2], "exceeded"),
        ({"better": "less"}, [97.8], "not reproduced"),
        ({"better": "neither"}, [97.8], "not reproduced"),
        ({"low": 95.0}, [95.5], "reproduced"),
        ({"right": 96.0}, [96.1], "source is wrong"),
        ({"right": 96.0}, [95.0], "not reproduced"),
        ({"right": 96.0}, [97.5], "reproduced"),
        ({}, [], "not measured"),
    ],
)
def test_a_verdict_follows_from_numbers(changes, values, expected):
    from published.claims import Claim, verdict

    claim = Claim("accuracy", "", "97.5 %", (), float, 97.5, 97.5, 0.2, "more")
    assert verdict(replace(claim, **changes), values) == expected


def test_a_calculation_must_agree_in_every_printed_digit():
    from published.claims import digits, verdict
    from published.runs import Run

    claim = digits("E", "", "0.291027924", Run.of("links"))
    assert verdict(claim, [0.2910279244]) == "reproduced"
    assert verdict(claim, [0.2910279246]) == "not reproduced"
    assert claim.show(0.2910279244) == "0.291027924"


@pytest.fixture(scope="module")
def mnist():
    """Something that is called MNIST and has as many images, each of two pixels."""
    x, y = Pixels(np.zeros((60_000, 2), np.uint8)), np.zeros(60_000, np.int64)
    return Dataset("MNIST", x, y, x[:0], y[:0], (1, 2), tuple("0123456789"), "made up")


@pytest.fixture(scope="module")
def all_runs(published, mnist, tmp_path_factory):
    """A folder in which all runs are done; all networks are perfect, and all calculations right."""
    from published.results import Store
    from reproduce import plan

    perfect = {
        "accuracy": [1.0] * 30, "loss": [0.0] * 30, "epoch_seconds": [10.0] * 30, "own_label": 2,
        "mean_cosine": 0.85, "least_cosine": 0.3,
        **{f"without {removed}": [0.5] * 5 for removed in (10, 50, 100, 150)},
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("all")
    store = Store(folder, mnist)
    for one in plan(3):
        store.save(one, perfect if one.by_chance else one(mnist), 1.5)
    return folder


@pytest.fixture
def finished(all_runs, mnist, tmp_path):
    """A store of its own with all those runs."""
    from published.results import Store

    shutil.copytree(all_runs, tmp_path / "out/reproduce/runs")
    return Store(tmp_path / "out/reproduce/runs", mnist)


def test_the_full_run_on_mnist_writes_the_published_page(
    finished, mnist, tmp_path, monkeypatch, capsys
):
    main = main_of("reproduce")
    monkeypatch.setitem(main.__wrapped__.__globals__, "load", lambda *_: mnist)
    monkeypatch.setitem(main.__wrapped__.__globals__, "DOCS", tmp_path / "docs")
    assert main([]) == 0
    assert f"all of them: {tmp_path / 'docs' / 'results.md'}" in capsys.readouterr().out
    page = (tmp_path / "docs/results.md").read_text(encoding="utf-8")
    assert "These are not" not in page
    assert "made up" not in page  # where the files lie is nobody's business
    assert re.search(r"\| 97.5 % \| 100.00 % \(100.00 … 100.00\) \| \*\*exceeded\*\* \|", page)
    assert re.search(r"84.2 % \| 50.00 % .* \| \*\*does not hold\*\* \|", page)
    assert re.search(r"0.045 \| 0.055 \| \*\*source is wrong\*\* \|", page)
    assert re.search(r"0.016 \| 0.016 \| reproduced \|", page)
    assert "½(.3² + .1² + .1²)" in page  # the reason
    assert len(re.findall(r"!\[.*\]\(results/\w+\.svg\)", page)) == 4
    assert not (tmp_path / "out/reproduce/results.md").exists()


def test_numbers_of_our_own_are_counted_and_told_apart_from_published_ones(finished, mnist):
    from published.page import Page
    from published.sources import OWN, SOURCES
    from reproduce import plan

    page = Page(mnist, finished, plan(3))
    published, own = page.summary.split(" Beyond them, ")
    counts = [sum(map(int, re.findall(r": (\d+)", part))) for part in (published, own)]
    assert counts == [68, 14] == [sum(map(len, SOURCES.values())), len(OWN)]
    assert published.startswith("64 published numbers in 68 rows. ")  # four of Mazur's have two
    assert {outcome.verdict for outcome in page.own} == {"holds", "does not hold"}
    text = page.write(finished.folder.parent).read_text(encoding="utf-8")
    tables, ours = text.split("\n## Goals and measurements of our own\n")
    assert "| published | ours |" not in ours
    for outcome in page.own:
        assert outcome.row() in ours
        assert outcome.row() not in tables


@pytest.mark.parametrize(
    ("accuracies", "expected"), [((0.9507, 0.9515, 0.9478), "holds"), ((0.9499,) * 3, "does not")]
)
def test_whether_a_goal_is_reached_is_decided_before_rounding(
    accuracies, expected, finished, mnist
):
    from published.page import Page
    from published.runs import Run
    from reproduce import plan

    run = Run.of("nielsen", falling=True)
    for seed, accuracy in enumerate(accuracies):
        finished.save(run.with_seed(seed), {"accuracy": [accuracy]}, 1.5)
    (outcome,) = (one for one in Page(mnist, finished, plan(3)).own if one.claim.runs == (run,))
    assert outcome.verdict.startswith(expected)
    assert f" {100 * sum(accuracies) / 3:.4f} % (" in outcome.row()


@pytest.mark.parametrize("stale", [{"accuracy": [0.9] * 10}, {"accuracy": [0.9]}])
def test_what_was_kept_before_a_run_measured_as_much_is_told_of(
    stale, finished, mnist, monkeypatch, capsys
):
    from published.ladders import HIDDEN

    main = main_of("reproduce")
    monkeypatch.setitem(main.__wrapped__.__globals__, "load", lambda *_: mnist)
    finished.save(HIDDEN[200], stale, 1.5)
    assert main([]) == 2
    error = capsys.readouterr().err
    assert re.match(r"reproduce\.py: what is kept lacks '.*; measure it: --again rashid\n$", error)


@pytest.mark.parametrize("lacking", ["a run", "a seed", "an image"])
def test_less_than_the_full_run_is_not_published(lacking, finished, mnist, tmp_path):
    from published.page import Page
    from published.results import Store
    from reproduce import plan

    assert Page(mnist, finished, plan(3)).is_complete
    if lacking == "a run":
        finished.path(plan(3)[-1]).unlink()
        assert not Page(mnist, finished, plan(3)).is_complete
    elif lacking == "a seed":
        assert not Page(mnist, finished, plan(2)).is_complete
    else:
        fewer = replace(mnist, x_train=Pixels(mnist.x_train.raw[1:]), y_train=mnist.y_train[1:])
        store = Store(tmp_path / "fewer", fewer)
        for one in plan(3):
            store.save(one, finished.load(one)["result"], 1.0)
        page = Page(fewer, store, plan(3))
        assert not page.is_complete
        assert "exceeded" not in page.summary  # no verdict on other data


# ------------------------------------------------------------------------------------------------
# What it measures, and what it says
# ------------------------------------------------------------------------------------------------


def test_the_books_run_is_its_rule_in_the_order_of_the_file():
    from published.runs import Run, load

    from tinygrad_edu.by_hand import RashidNetwork, scale_pixels, target_outputs

    data = load("digits", 100)
    result = Run.of("rashid", hidden=8, rate=0.3, epochs=2, angle=0)(data)
    network = RashidNetwork(64, 8, 10, 0.3, rule="book", rng=0)
    for expected in result["accuracy"]:
        for image, label in zip(data.x_train.raw, data.y_train, strict=True):
            network.train_step(scale_pixels(image), target_outputs(label))
        answers = network.query(scale_pixels(data.x_test.raw)).argmax(axis=1)
        assert np.mean(answers == data.y_test) == pytest.approx(expected, abs=0.003)
    assert 0 < result["least_cosine"] <= result["mean_cosine"] < 0.9999


def test_turned_copies_follow_each_image(monkeypatch):
    from published.runs import Run, load

    from tinygrad_edu.by_hand import RashidNetwork

    seen, step = [], RashidNetwork.train_step
    monkeypatch.setattr(
        RashidNetwork, "train_step",
        lambda self, x, t: (seen.append((np.array(x), int(t.argmax()))), step(self, x, t))[1],
    )  # fmt: skip
    data = load("digits", 3)
    Run.of("rashid", hidden=4, rate=0.1, epochs=1, angle=10)(data)
    assert [label for _, label in seen] == np.repeat(data.y_train, 3).tolist()
    from scipy.ndimage import rotate

    image = seen[3][0].reshape(8, 8)
    for copy, degrees in ((seen[4][0], 10), (seen[5][0], -10)):
        expected = rotate(image, degrees, order=1, reshape=False, cval=0.01)
        np.testing.assert_allclose(copy.reshape(8, 8), expected, atol=1e-5)


def test_what_is_removed_was_of_use():
    from published.runs import Run, load

    run = Run.of("rashid_damaged", hidden=200, rate=0.3, epochs=5, draws=3)
    result = run(load("digits", 300))
    means = [np.mean(result[f"without {removed}"]) for removed in (10, 50, 100, 150)]
    assert len(result["without 10"]) == 3
    assert result["accuracy"] >= means[0] - 0.02
    assert means[0] > means[1] > means[2] > means[3] > 0.1
    assert run.with_seed(1)(load("digits", 300)) != result


@pytest.mark.parametrize("name", ["nielsen", "keras_mlp"])
@pytest.mark.parametrize("falling", [False, True])
def test_a_recipe_is_followed_with_its_own_rate_or_one_that_falls(name, falling, monkeypatch):
    from published import by_autograd
    from published.runs import load

    original, given = getattr(by_autograd.recipes, name), {}

    def recipe(data, **options):
        given.update(options, images=len(data.y_train))
        return original(data, epochs=1, **options)

    monkeypatch.setattr(by_autograd.recipes, name, recipe)
    result = getattr(by_autograd, name)(load("digits", 300), seed=0, falling=falling)
    assert given["images"] == (
        250 if name == "nielsen" else 300
    )  # Nielsen kept some to validate on
    assert len(result["accuracy"]) == len(result["loss"]) == 1
    assert falling == ("lr" in given)
    if falling:
        steps = {"nielsen": 30 * 25, "keras_mlp": 20 * 3}[name]
        rates = [given["lr"](step) for step in range(steps)]
        assert max(rates) == pytest.approx({"nielsen": 3.0, "keras_mlp": 1e-3}[name])
        assert rates[-1] < 0.01 * max(rates)


def test_the_examples_in_docstrings_are_right():
    from published import claims, runs

    for module in (claims, runs):
        found = doctest.testmod(module)
        assert found.attempted > 0
        assert found.failed == 0


@pytest.mark.parametrize(
    "options", [["--seeds", "0"], ["--jobs", "0"], ["--images", "0"], ["--only", "nothing"]]
)
def test_bad_options_end_with_status_2_and_a_word(options, reproduce, capsys):
    with pytest.raises(SystemExit) as ended:
        reproduce(*options)
    assert ended.value.code == 2
    assert options[0].strip("-") in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(reproduce, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    status, _, errors = reproduce(*RASHID, "--seeds", 1, "--out", tmp_path / "file")
    assert status == 2
    assert errors.startswith("reproduce.py: ")
    assert errors.count("\n") == 1
