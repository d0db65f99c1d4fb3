"""damage.py, run as people run it, on the small digits."""

import os
import re

import pytest

from tinygrad_edu import Dense, Sequential
from tinygrad_edu.by_hand import scale_pixels
from tinygrad_edu.datasets import load_digits
from tinygrad_edu.lab.damage.removing import remove_neurons
from tinygrad_edu.training import accuracy

from .test_programs import ROOT, interrupt, main_of, run_here

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("safetensors")

LEVELS = 10
KINDS = ("hidden neurons removed", "links removed", "noise", "gaps", "patch")


@pytest.fixture(autouse=True)
def beside_the_other_programs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A folder in which the program has run quickly, and what it printed."""
    folder = tmp_path_factory.mktemp("damage")
    status, output, errors = run_here(folder, "damage.py", "--quick")
    assert (status, errors) == (0, "")
    return folder / "out", output


def curves(output, name="200 sigmoid"):
    """Return the rows of the table of accuracies, a list for each kind of damage."""
    rows = re.findall(rf"^  {name} +((?:\d\.\d{{3}} *)+)$", output, re.M)
    return [list(map(float, row.split())) for row in rows]


def test_every_damage_takes_the_accuracy_from_all_to_chance(damaged):
    _, output = damaged
    found = curves(output)
    assert [len(row) for row in found] == [LEVELS] * len(KINDS)
    assert all(kind in output for kind in KINDS)
    assert len({row[0] for row in found}) == 1
    assert found[0][0] > 0.9
    for row in found:
        assert row[-1] < 0.5 * row[0]
    assert found[0][-1] == found[1][-1] == pytest.approx(0.1, abs=0.02)


def test_the_books_network_is_shown_pixels_as_it_has_learned_to_see_them(damaged):
    out, output = damaged
    model, digits = Sequential.load(out / "damage_rashid.safetensors"), load_digits()
    x, y = scale_pixels(digits.x_test.raw), digits.y_test
    assert curves(output)[0][0] == round(accuracy(model.predict(x), y), 3)
    halves = [accuracy(remove_neurons(model, 0.5, rng=k).predict(x), y) for k in range(2)]
    assert curves(output)[0][5] == pytest.approx(sum(halves) / 2, abs=0.0006)


def test_pictures_and_the_model_are_written_and_the_neurons_named(damaged):
    out, output = damaged
    assert set(os.listdir(out)) == {"damage.svg", "neurons.svg", "damage_rashid.safetensors"}
    most = [int(count) for count in re.findall(r"^dense1 #\d+ +(\d+) ", output, re.M)]
    assert len(most) == 8
    assert most == sorted(most, reverse=True)
    assert most[0] > 0
    first = re.search(r"^dense1 (#\d+) ", output, re.M)[1]
    assert f">{first}: " in (out / "neurons.svg").read_text(encoding="utf-8")


def test_saved_models_are_damaged_again_without_learning(damaged, tmp_path, capsys):
    out, output = damaged
    file = str(out / "damage_rashid.safetensors")
    options = ["--quick", "--net", "rashid", "half", "--load", file, file, "--out", str(tmp_path)]
    assert main_of("damage")(options) == 0
    printed = capsys.readouterr().out
    assert "learns" not in printed
    assert curves(printed) == curves(output)
    assert len(curves(printed, "512-512, dropout 0.5")) == len(KINDS)
    assert set(os.listdir(tmp_path)) == {"damage.svg", "neurons.svg"}


def test_the_larger_nets_learn_with_the_dropout_they_are_named_for(tmp_path, monkeypatch, capsys):
    from tinygrad_edu.lab import recipes

    rates = []

    def fast(data, epochs, rng, dropout):
        rates.append(dropout)
        return recipes.nielsen(data, 1, rng, verbose=False)

    monkeypatch.setattr(recipes, "keras_mlp", fast)
    assert main_of("damage")(["--quick", "--net", "half", "plain", "--out", str(tmp_path)]) == 0
    assert rates == [0.5, 0.0]
    assert (tmp_path / "damage_plain.safetensors").exists()
    assert len(curves(capsys.readouterr().out, "512-512, dropout 0")) == len(KINDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--load", "none.safetensors"], "none.safetensors"),
        (["--load", "other.safetensors"], "dense1 has 3 inputs"),
        (["--load", "shallow.safetensors"], "no hidden layer"),
        (["--out", "other.safetensors/below"], "other.safetensors"),
    ],
)
def test_bad_input_is_answered_with_one_line_and_status_2(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Sequential(Dense(3, 4), Dense(4, 10)).save("other.safetensors")
    Sequential(Dense(64, 10)).save("shallow.safetensors")
    assert main_of("damage")(["--quick", *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("damage.py: ")
    assert errors.count("\n") == 1
    assert message in errors


def test_a_folder_that_cannot_be_written_to_is_told_before_the_learning(monkeypatch, capsys):
    monkeypatch.setattr("tinygrad_edu.support.files.os.access", lambda *_: False)
    assert main_of("damage")(["--quick"]) == 2
    printed = capsys.readouterr()
    assert "may not be written to; choose another" in printed.err
    assert "learns" not in printed.out


def test_without_graphviz_there_are_still_the_curves(damaged, tmp_path, monkeypatch, capsys):
    from tinygrad_edu.drawing import DrawingError

    def nothing(*_, **__):
        raise DrawingError("Graphviz is missing")

    monkeypatch.setattr("tinygrad_edu.drawing.drawing.Drawing.save", nothing)
    file = str(damaged[0] / "damage_rashid.safetensors")
    assert main_of("damage")(["--quick", "--load", file, "--out", str(tmp_path)]) == 0
    assert "no picture of the neurons: Graphviz is missing" in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["damage.svg"]


def test_ctrl_c_ends_quietly_with_status_130(tmp_path):
    options = ("--data", "digits", "--net", "keras")
    status, _, errors = interrupt(tmp_path, "epoch 1/20", "damage.py", *options)
    assert (status, errors) == (130, "")
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--draws", "0"], "--draws must be 1 or more, got 0"),
        (["--net", "rashid", "half", "--load", "one.safetensors"], "one file for each --net, 2"),
        (["--net", "nielsen"], "--net"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("damage")(options)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        main_of("damage")(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"--{name}" in printed for name in ("net", "load", "draws", "seed", "out", "quick"))
