"""back_query.py, run as people run it, on the small digits."""

import os
import re

import numpy as np
import pytest

from tinygrad_edu import Dense, Sequential, Softmax

from .test_programs import interrupt, main_of, run_here

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("safetensors")

SHEETS = ("ascent.svg", "fooling.svg", "saliency.svg", "score_graph.svg")
WALKS = ("walk.svg", "walk_graph.svg")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder in which the book's network has learned quickly, and what was printed."""
    folder = tmp_path_factory.mktemp("back_query")
    status, output, errors = run_here(folder, "back_query.py", "--data", "digits", "--quick")
    assert (status, errors) == (0, "")
    return folder / "out", output


def rows(output):
    """Return the rows of the tables, each a list of numbers."""
    return [list(map(float, row)) for row in map(str.split, re.findall(r"^ +\d .*$", output, re.M))]


def test_both_round_trips_stand_side_by_side(learned):
    _, output = learned
    assert re.search(r"^logit walk +gradient ascent$", output, re.M)
    table = np.array(rows(output))
    assert table.shape == (10, 10)
    walk, ascent = table[:, :5], table[:, 5:]
    assert walk[:, 0].tolist() == ascent[:, 0].tolist() == list(range(10))
    assert ascent[:, 1].tolist() == list(range(10))
    assert ascent[:, 3].min() > 0.9
    returned = int((walk[:, 0] == walk[:, 1]).sum())
    assert re.search(
        rf"^{returned} of 10 seen .* 10 of 10 seen as what was asked for$", output, re.M
    )


def test_sheets_graphs_and_the_model_are_written(learned):
    out, output = learned
    names = {f"back_query_rashid_{name}" for name in (*SHEETS, *WALKS)}
    assert set(os.listdir(out)) == names | {"back_query_rashid.safetensors"}
    assert "the pictures: out/back_query_rashid_*" in output
    walk = (out / "back_query_rashid_walk_graph.svg").read_text(encoding="utf-8")
    for step in (
        "wanted: 4",
        "undo sigmoid2",
        "undo dense2",
        "rescale for sigmoid1",
        "undo dense1",
    ):
        assert step in walk
    score = (out / "back_query_rashid_score_graph.svg").read_text(encoding="utf-8")
    assert "score of 4" in score
    assert "grad" in score
    assert "sigmoid2" not in score


def test_a_saved_network_is_asked_for_one_digit(learned, tmp_path, capsys):
    out, output = learned
    file = str(out / "back_query_rashid.safetensors")
    options = ["--data", "digits", "--load", file, "--label", "7", "--out", str(tmp_path)]
    assert main_of("back_query")(options) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^test accuracy \d+\.\d\d%$", output, re.M)[0] in printed
    assert [row[:1] + row[5:6] for row in rows(printed)] == [[7.0, 7.0]]
    assert "epoch" not in printed
    assert not (tmp_path / "back_query_rashid.safetensors").exists()


def test_the_score_of_a_network_that_ends_in_softmax_is_what_goes_into_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Sequential(Dense(64, 10), Softmax(), rng=0).save("shares.safetensors")
    assert main_of("back_query")(["--data", "digits", "--load", "shares.safetensors"]) == 0
    graph = (tmp_path / "out" / "back_query_rashid_score_graph.svg").read_text(encoding="utf-8")
    assert "dense1" in graph
    assert "softmax" not in graph


def test_ctrl_c_ends_quietly_with_status_130_and_nothing_half_learned(tmp_path):
    options = ("--data", "digits", "--net", "rashid")
    status, _, errors = interrupt(tmp_path, "epoch 1/20", "back_query.py", *options)
    assert (status, errors) == (130, "")
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("net", "reason"), [("keras", "relu1 (ReLU)"), ("convolution", "conv2d1 (Conv2D)")]
)
def test_other_networks_are_climbed_and_it_is_said_why_not_walked(net, reason, tmp_path, capsys):
    options = ["--data", "digits", "--net", net, "--epochs", "8", "--out", str(tmp_path)]
    assert main_of("back_query")(options) == 0
    printed = capsys.readouterr().out
    assert f"no logit walk: {reason} cannot be undone" in printed
    table = np.array(rows(printed))
    assert table[:, 1].tolist() == list(range(10))
    assert table[:, 3].min() > 0.9
    names = {f"back_query_{net}_{name}" for name in SHEETS}
    assert set(os.listdir(tmp_path)) == names | {f"back_query_{net}.safetensors"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--load", "none.safetensors"], "there is no model file none.safetensors"),
        (["--load", "other.safetensors"], "dense1 has 3 inputs"),
        (["--out", "other.safetensors/below"], "other.safetensors"),
    ],
)
def test_bad_input_is_answered_with_one_line_and_status_2(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Sequential(Dense(3, 10)).save("other.safetensors")
    assert main_of("back_query")(["--data", "digits", *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("back_query.py: ")
    assert errors.count("\n") == 1
    assert message in errors


def test_without_graphviz_there_are_no_graphs_but_all_the_rest(
    learned, tmp_path, monkeypatch, capsys
):
    from tinygrad_edu.drawing import DrawingError

    def nothing(*_, **__):
        raise DrawingError("Graphviz is missing")

    monkeypatch.setattr("tinygrad_edu.drawing.drawing.Drawing.save", nothing)
    file = str(learned[0] / "back_query_rashid.safetensors")
    assert main_of("back_query")(["--data", "digits", "--load", file, "--out", str(tmp_path)]) == 0
    assert "no graphs: Graphviz is missing" in capsys.readouterr().out
    assert (tmp_path / "back_query_rashid_ascent.svg").exists()


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--label", "10"], ["--net", "nielsen"]])
def test_options_that_make_no_sense_are_refused(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("back_query")(options)
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("back_query")(["--help"])
    assert ended.value.code == 0
    assert "--quick" in capsys.readouterr().out
