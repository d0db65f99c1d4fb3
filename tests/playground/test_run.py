"""Runs: the same settings give the same weights, here and in a loop written by hand."""

import runpy

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
    Dense,
    Dropout,
    ReLU,
    Sequential,
    Tanh,
    half_squared_error,
    softmax_cross_entropy,
)  # fmt: skip
from tinygrad_edu.playground import Lesson, Settings, read_link
from tinygrad_edu.playground.blame import blame, graph_of_one_point, run_through, slow_step
from tinygrad_edu.playground.curves import MOST, Curve
from tinygrad_edu.playground.points_file import read_points
from tinygrad_edu.playground.program import write_program, write_step
from tinygrad_edu.playground.shapes import SHAPES

LINKS = [
    "#",
    "#dataset=xor&activation=relu&batchSize=7&learningRate=0.03",
    "#dataset=wheel&networkShape=5&dropout=0.3&optimizer=adam&learningRate=0.01",
    "#dataset=spiral&networkShape=&sinX=true&regularization=L1&regularizationRate=0.01",
    "#problem=regression&regDataset=reg-gauss&regularization=L2&regularizationRate=0.1&optimizer=momentum&learningRate=0.01",
    "#initZero=true&activations=linear,sigmoid",
]


def weights(network):
    return [parameter.numpy() for parameter in network.parameters()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_loop_written_by_hand_comes_to_the_same_weights_bit_for_bit():
    settings = read_link(
        "#dataset=circle&networkShape=4,2&batchSize=10&learningRate=0.03&seed=0.5"
    ).settings
    run = Lesson(settings)
    network = Sequential(
        Dense(2, 4, dtype="float64"), Tanh(), Dense(4, 2, dtype="float64"), Tanh(),
        Dense(2, 1, dtype="float64"), Tanh(), rng=settings.streams(2)[1],
    )  # fmt: skip
    assert same(weights(network), weights(run.network))
    optimizer = SGD(network.parameters(), lr=0.03)
    for _ in range(3):
        run.learn_epoch()
        for start in range(0, 250, 10):
            x, y = run.x_train[start : start + 10], run.y_train[start : start + 10]
            loss = half_squared_error(network(x), y) / len(y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert run.epoch == 3
    assert same(weights(network), weights(run.network))


def test_three_classes_with_dropout_and_adam_by_hand_as_well():
    settings = read_link(
        "#dataset=three&networkShape=6&activation=relu&dropout=0.5&optimizer=adam"
    ).settings
    run = Lesson(settings)
    network = Sequential(
        Dense(2, 6, dtype="float64"), ReLU(), Dropout(0.5), Dense(6, 3, dtype="float64"),
        rng=settings.streams(2)[1],
    )  # fmt: skip
    optimizer = Adam(network.parameters(), lr=0.1)
    for start in range(0, 250, 30):
        x, y = run.x_train[start : start + 30], run.y_train[start : start + 30]
        loss = softmax_cross_entropy(network(x), labels=y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    run.learn_epoch()
    assert same(weights(network), weights(run.network))


@pytest.mark.parametrize("link", LINKS)
def test_the_program_of_a_run_runs_and_comes_to_the_same_losses(link, tmp_path, capsys):
    run = Lesson(read_link(link).settings)
    for _ in range(3):
        run.learn_epoch()
    file = tmp_path / "run.py"
    file.write_text(write_program(run.settings, 3))
    program = runpy.run_path(str(file))
    assert same(weights(program["network"]), weights(run.network))
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert losses == list(run.losses())


@pytest.mark.parametrize("link", [link for link in LINKS if "dropout" not in link])
def test_one_step_as_plain_numpy_is_the_step_that_the_page_takes(link, tmp_path):
    run = Lesson(read_link(link + "&regularizationRate=0").settings)
    file = tmp_path / "step.py"
    file.write_text(write_step(run))
    assert "tinygrad_edu" not in file.read_text()
    step = runpy.run_path(str(file))["step"]
    saved = {
        name.replace(".", "_"): np.array(w.data)
        for name, w in run.network.named_parameters().items()
    }
    x, y = run.next_batch()
    before = float(run.loss(run.answer(x), y))
    assert step(saved, {}, x, y) == pytest.approx(before, rel=1e-12)
    run.learn_batch()
    for name, w in run.network.named_parameters().items():
        np.testing.assert_allclose(saved[name.replace(".", "_")], w.data, rtol=1e-10, atol=1e-14)


def test_to_write_a_step_changes_nothing():
    link = "#dataset=three&networkShape=6&activation=relu&dropout=0.5&optimizer=adam"
    one, other = (Lesson(read_link(link).settings) for _ in range(2))
    write_step(one)
    one.learn_batch()
    other.learn_batch()
    assert same(weights(one.network), weights(other.network))


@pytest.mark.parametrize("link", LINKS[:4])
def test_batch_by_batch_is_the_same_as_epoch_by_epoch(link):
    by_epoch, by_batch = Lesson(read_link(link).settings), Lesson(read_link(link).settings)
    by_epoch.learn_epoch()
    while by_batch.epoch == 0:
        by_batch.learn_batch()
    assert same(weights(by_epoch.network), weights(by_batch.network))


def test_the_circle_is_learned():
    run = Lesson(Settings())
    for _ in range(120):
        run.learn_epoch()
    assert run.losses()[1] < 0.02
    table = run.confusion()
    assert table.sum() == 250
    assert np.trace(table) > 240


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_as_many_points_as_wanted_within_the_plane(name):
    points, answers = SHAPES[name](101, 0.0, np.random.default_rng(0))
    assert points.shape == (101, 2)
    assert answers.shape == (101,)
    assert np.abs(points).max() < 7
    if name.startswith("reg"):
        assert np.abs(answers).max() <= 1.2
    else:
        assert set(answers) == ({0, 1, 2} if name in ("three", "wheel") else {0, 1})


def test_l1_makes_weights_exactly_zero_and_l2_only_small():
    for kind, zeros in (("L1", True), ("L2", False)):
        run = Lesson(Settings(regularization=kind, regularization_rate=0.3))
        for _ in range(30):
            run.learn_epoch()
        numbers = np.concatenate([layer.weight.numpy().ravel() for layer in run.dense_layers()])
        assert bool((numbers == 0).any()) is zeros
        assert abs(numbers).max() < 0.5


def test_trouble_is_told_with_what_to_do_and_learning_stops():
    run = Lesson(
        read_link("#activation=relu&learningRate=1000&xSquared=true&problem=regression").settings
    )
    for _ in range(50):
        run.learn_epoch()
        if run.trouble:
            break
    assert "NaN" in run.trouble
    assert "for example 100" in run.trouble


def test_points_of_ones_own_may_be_none():
    run = Lesson(Settings(dataset="own"))
    run.learn_epoch()
    assert run.epoch == 0
    assert np.isnan(run.losses()).all()


def test_a_curve_stays_small_and_keeps_its_ends():
    curve = Curve()
    for epoch in range(10_000):
        if curve.wants(epoch):
            curve.add(epoch, 1.0, 2.0)
    assert MOST / 2 <= len(curve.epochs) <= MOST
    assert curve.epochs[0] == 0
    assert curve.epochs[-1] >= 10_000 - curve.every


# ------------------------------------------------------------------------------------------------
# Blame
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["#", "#dataset=three", "#problem=regression&networkShape=3"])
@pytest.mark.parametrize(("layer", "source"), [(0, 1), (0, -1), (1, 0)])
def test_blame_is_the_gradient_of_the_next_step(link, layer, source):
    run = Lesson(read_link(link).settings)
    told = blame(run, layer, source, 0)
    loss = run_through(run, *run.next_batch()).loss
    run.network.zero_grad()
    loss.backward()
    dense = run.dense_layers()[layer]
    gradient = dense.bias.grad[0] if source < 0 else dense.weight.grad[source, 0]
    assert told["gradient"] == pytest.approx(gradient, rel=1e-12)
    assert told["quotient"] == pytest.approx(gradient, rel=1e-5, abs=1e-9)
    assert sum(route["amount"] for route in told["routes"]) == pytest.approx(gradient, rel=1e-9)


def test_blame_of_the_largest_network_takes_few_paths_and_counts_all():
    run = Lesson(Settings(network_shape=(8,) * 6, batch_size=2))
    told = blame(run, 0, 0, 0)
    assert told["count"] == 2 * 2 * 8**5  # two points, and the error is squared: it is used twice
    assert 1 <= len(told["routes"]) <= 12


@pytest.mark.parametrize("dropout", [(), (0.5, 0.5)])
def test_a_slow_step_is_the_step_that_learning_takes(dropout):
    slow, quick = Lesson(Settings(dropout=dropout)), Lesson(Settings(dropout=dropout))
    step = slow_step(slow)
    quick.learn_batch()
    assert same(weights(slow.network), weights(quick.network))
    moved = np.array(step["after"][0]["weight"]) - np.array(step["before"][0]["weight"])
    assert moved == pytest.approx(-0.1 * np.array(step["gradients"][0]["weight"]))


def test_looking_at_a_run_does_not_change_it():
    run, alone = Lesson(Settings(dropout=(0.5,))), Lesson(Settings(dropout=(0.5,)))
    blame(run, 0, 0, 0)
    assert graph_of_one_point(run, "layers").startswith("<svg")
    run.losses()
    run.confusion()
    run.learn_epoch()
    alone.learn_epoch()
    assert same(weights(run.network), weights(alone.network))


# ------------------------------------------------------------------------------------------------
# Tables
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("1,2,-1\n3,4,1\n", ((1, 2, 0), (3, 4, 1))),
        ("\ufeffx;y;what\r\n1;2;b\r\n\r\n3;4;a\r\n", ((1, 2, 1), (3, 4, 0))),
        ("1\t2\tc\n3\t4\tb\n5\t6\ta\n", ((1, 2, 2), (3, 4, 1), (5, 6, 0))),
        ("0,0,a\n100,10,b\n", ((-5, -5, 0), (5, 5, 1))),
    ],
)
def test_a_table_of_any_kind_becomes_points(text, points):
    assert read_points(text) == points


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no points"),
        ("x,y,c\n", "no points"),
        ("1,2,a\n1,b,a\n", "line 2 is '1,b,a'; expected two numbers"),
        ("1,2\n1,2\n", "line 2"),
        ("1,2,a\n1,2,b\n1,2,c\n1,2,d\n", "4 classes"),
        ("1,2,a\n" * 501, "500 are the most"),
        ("1,2,a\nnan,2,a\n", "finite"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(text, message):
    with pytest.raises(ValueError, match=message):
        read_points(text)
