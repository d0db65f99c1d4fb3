"""Damage: exactly as much is gone as was asked for, and nothing else."""

import io
import os
import sys

import numpy as np
import pytest

from tinygrad_edu import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    Model,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
)
from tinygrad_edu.lab.damage.images import add_noise, cut_gaps, occlude
from tinygrad_edu.lab.damage.knocking import importance_table, knock_out
from tinygrad_edu.lab.damage.measuring import LEVELS, damage_table, measure_damage
from tinygrad_edu.lab.damage.neurons import hidden_neurons
from tinygrad_edu.lab.damage.plotting import plot_damage
from tinygrad_edu.lab.damage.removing import remove_links, remove_neurons, silence
from tinygrad_edu.training import accuracy

RNG = np.random.default_rng(0)
X = RNG.random((30, 16), np.float32)
Y = np.arange(30) % 3


def dense():
    """16-6-5-3 with biases, so that nothing is 0 by chance."""
    start = {"bias_init": "standard_normal"}
    return Sequential(
        *(Dense(16, 6, **start), Sigmoid(), Dropout(0.5)),
        *(Dense(6, 5, **start), ReLU(), Dense(5, 3, **start)),
        rng=1,
    )


def convolution():
    """Two convolutions and two Dense layers: maps are heard by a convolution, and by Dense after Flatten."""
    start = {"bias_init": "standard_normal"}
    return Sequential(
        *(Reshape(1, 4, 4), Conv2D(1, 3, size=3, padding=1, **start), Sigmoid(), MaxPool2D(2)),
        *(Conv2D(3, 4, size=(1, 2), **start), ReLU(), Flatten()),
        *(Dense(8, 5, **start), ReLU(), Dense(5, 3, **start)),
        rng=95,  # with which its answers differ from sample to sample
    )


def state(model):
    return {name: np.array(values) for name, values in model.state_dict().items()}


#: After how many layers the neurons of a hidden layer have spoken: after its activation.
SPOKEN = {dense: {"dense1": 2, "dense2": 5}, convolution: {"conv2d1": 3, "conv2d2": 6, "dense1": 9}}


def without(build, layer, gone, x=X):
    """Return the answers if the numbers that these neurons say are set to 0 on their way."""
    model, spoken = build(), SPOKEN[build][layer]
    said = model[:spoken].predict(x).copy()
    said[:, gone] = 0
    return model[spoken:].predict(said)


BOTH = pytest.mark.parametrize("build", [dense, convolution])
EACH = pytest.mark.parametrize(
    ("build", "layer"), [(build, layer) for build in SPOKEN for layer in SPOKEN[build]]
)
REMOVE = pytest.mark.parametrize("remove", [remove_neurons, remove_links])


def links(model):
    return [layer.weight for layer in model if isinstance(layer, Dense | Conv2D)]


def zeros(model):
    return sum(int((weight.data == 0).sum()) for weight in links(model))


# ------------------------------------------------------------------------------------------------
# The network
# ------------------------------------------------------------------------------------------------


def test_hidden_are_all_neurons_but_the_answers():
    assert hidden_neurons(dense()) == {"dense1": 6, "dense2": 5}
    assert hidden_neurons(convolution()) == {"conv2d1": 3, "conv2d2": 4, "dense1": 5}
    assert hidden_neurons(Sequential(Dense(4, 2))) == {}


def test_a_silenced_neuron_says_0_by_hand():
    model = Sequential(Dense(2, 2), Sigmoid(), Dense(2, 1))
    model[0].weight.data, model[0].bias.data = [[1.0, 2.0], [-1.0, 0.5]], [0.5, -0.5]
    model[2].weight.data, model[2].bias.data = [[3.0], [-4.0]], [0.25]
    sigma = 1 / (1 + np.exp(-(1.0 * 2 + 2.0 * 0.5 - 0.5)))
    answer = silence(model, {"dense1": [0]}).predict([[1.0, 2.0]])
    np.testing.assert_allclose(answer, [[-4.0 * sigma + 0.25]], rtol=1e-6)


@EACH
def test_a_silenced_neuron_or_feature_map_is_heard_by_nobody(build, layer):
    damaged = silence(build(), {layer: [2, 0]})
    expected = without(build, layer, [2, 0])
    np.testing.assert_allclose(damaged.predict(X), expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(expected, build().predict(X), atol=1e-3)


@BOTH
def test_the_model_itself_is_never_changed(build):
    model = build()
    before = state(model)
    remove_neurons(model, 1.0, rng=0)
    remove_links(model, 1.0, rng=0)
    silence(model, {name: [0] for name in hidden_neurons(model)})
    knock_out(model, X, Y)
    after = state(model)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert model.training


@BOTH
@REMOVE
def test_a_share_of_0_changes_nothing(build, remove):
    before, after = state(build()), state(remove(build(), 0.0, rng=0))
    assert all(np.array_equal(before[name], after[name]) for name in before)


@BOTH
@REMOVE
def test_a_share_of_1_leaves_the_same_answer_to_everything(build, remove):
    answers = remove(build(), 1.0, rng=0).predict(X)
    assert (answers == answers[0]).all()


@BOTH
def test_links_are_removed_in_the_number_asked_for_and_biases_stay(build):
    model, total = build(), sum(weight.size for weight in links(build()))
    assert zeros(model) == 0
    assert zeros(remove_links(model, count=7, rng=0)) == 7
    damaged = remove_links(model, 0.25, rng=0)
    assert zeros(damaged) == round(0.25 * total)
    before, after = state(model), state(damaged)
    for name, numbers in before.items():
        left = after[name] != 0
        assert np.array_equal(after[name][left], numbers[left])
        assert name.endswith("weight") or left.all()


def test_neurons_are_removed_in_the_number_asked_for():
    # In dense(), a neuron of dense1 has 5 links to the next layer, one of dense2 has 3.
    damaged = remove_neurons(dense(), count=4, rng=0)
    silent = [(layer.weight.data == 0).all(axis=1).sum() for layer in (damaged[3], damaged[5])]
    assert sum(silent) == 4
    assert zeros(damaged) == silent[0] * 5 + silent[1] * 3
    half = remove_neurons(dense(), 0.5, layer="dense1", rng=0)
    assert (half[3].weight.data == 0).all(axis=1).sum() == 3
    assert zeros(half) == 3 * 5


def test_links_of_one_layer_are_removed_alone():
    damaged = remove_links(dense(), 1.0, layer="dense2")
    assert [(weight.data == 0).all() for weight in links(damaged)] == [False, True, False]


@REMOVE
def test_the_same_seed_removes_the_same_and_a_larger_share_more(remove):
    def gone(share, seed):
        return (
            np.concatenate([w.data.ravel() for w in links(remove(dense(), share, rng=seed))]) == 0
        )

    assert np.array_equal(gone(0.5, 3), gone(0.5, 3))
    assert not np.array_equal(gone(0.5, 3), gone(0.5, 4))
    assert (gone(0.75, 3) >= gone(0.5, 3)).all()
    assert gone(0.75, 3).sum() > gone(0.5, 3).sum()


def test_models_inside_models_are_damaged_too():
    model = Sequential(Sequential(Dense(16, 4), Sigmoid()), Dense(4, 3), rng=0)
    assert hidden_neurons(model) == {"sequential1.dense1": 4}
    flat = Sequential(*model[0], model[1])
    damaged = silence(model, {"sequential1.dense1": [1]})
    np.testing.assert_array_equal(damaged.predict(X), silence(flat, {"dense1": [1]}).predict(X))


class Shortcut(Layer):
    """x + a Dense of x: its neurons are heard twice, and nobody knows by whom."""

    def __init__(self):
        self.inner = Dense(4, 4)

    def forward(self, x):
        return x + self.inner(x)


class Alone(Model):
    def __init__(self):
        self.inner = Dense(4, 4)

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (
            lambda: remove_neurons(dense(), 1.5),
            ValueError,
            "share of the neurons from 0 to 1, got 1.5",
        ),
        (lambda: remove_links(dense(), float("nan")), ValueError, "from 0 to 1, got nan"),
        (lambda: remove_neurons(dense(), count=12), ValueError, "from 0 to 11, .* got 12"),
        (lambda: remove_neurons(dense(), count=2.5), ValueError, "from 0 to 11, .* got 2.5"),
        (lambda: remove_neurons(dense()), TypeError, "either a share of the neurons"),
        (lambda: remove_links(dense(), 0.5, count=2), TypeError, "either a share of the links"),
        (lambda: remove_neurons(dense(), 0.5, layer="dense3"), ValueError, "one of dense1, dense2"),
        (lambda: remove_links(dense(), 0.5, layer="relu1"), ValueError, "dense1, dense2, dense3"),
        (lambda: remove_neurons(Sequential(Dense(4, 2)), 0.5), ValueError, "no hidden layer"),
        (lambda: remove_links(Sequential(ReLU()), 0.5), ValueError, "no links"),
        (lambda: remove_neurons(Alone(), 0.5), TypeError, "expected a Sequential.* got Alone"),
        (lambda: silence(dense(), {"dense1": [6]}), IndexError, r"numbered from 0 to 5, got \[6\]"),
        (lambda: silence(dense(), {"dense1": [-1]}), IndexError, "numbered from 0 to 5"),
        (lambda: silence(dense(), {"dense1": [True, False]}), IndexError, "numbered from 0 to 5"),
        (lambda: silence(dense(), {"dense4": [0]}), ValueError, "one of dense1, dense2"),
        (
            lambda: remove_neurons(Sequential(Dense(4, 4), Shortcut(), Dense(4, 2)), 0.5),
            TypeError,
            r"neurons of shortcut1 \(Shortcut\)",
        ),
        (
            lambda: hidden_neurons(
                Sequential(Dense(4, 18), Reshape(2, 3, 3), Conv2D(2, 3), Flatten(), Dense(27, 2))
            ),
            ValueError,
            "which of the 2 inputs of conv2d1 hear which of the 18 neurons of dense1",
        ),
    ],
)
def test_what_cannot_be_removed_is_refused(damage, error, message):
    with pytest.raises(error, match=message):
        damage()


# ------------------------------------------------------------------------------------------------
# Which neurons matter
# ------------------------------------------------------------------------------------------------


@EACH
def test_knocking_out_one_by_one_counts_as_a_naive_loop_does(build, layer):
    model, x = build(), 5 * RNG.standard_normal((300, 16)).astype(np.float32)
    y = model.predict(x).argmax(axis=1)
    y[::5] = (y[::5] + 1) % 3  # what the model does not know can be guessed without a neuron
    right = model.predict(x).argmax(axis=1) == y
    found = knock_out(model, x, y, layer=layer)
    assert found.keys() == {layer}
    naive = []
    for neuron in range(hidden_neurons(model)[layer]):
        left = without(build, layer, [neuron], x).argmax(axis=1) == y
        naive.append([int(right[y == c].sum() - left[y == c].sum()) for c in range(3)])
    assert found[layer].tolist() == naive
    assert np.any(naive)


def test_many_samples_are_counted_like_a_few():
    model = dense()
    many = knock_out(model, np.tile(X, (20, 1)), np.tile(Y, 20))
    few = knock_out(model, X, Y)
    assert many.keys() == few.keys() == {"dense1", "dense2"}
    for name in few:
        np.testing.assert_array_equal(many[name], 20 * few[name])


def test_bad_labels_and_models_are_refused_before_the_work():
    with pytest.raises(ValueError, match="3"):
        knock_out(dense(), X, Y + 1)
    with pytest.raises(ValueError, match="no hidden layer"):
        knock_out(Sequential(Dense(16, 3)), X, Y)
    with pytest.raises(ValueError, match="one of dense1, dense2"):
        knock_out(dense(), X, Y, layer="relu1")


def test_the_table_names_the_neurons_that_are_missed_most():
    missed = {"dense1": np.array([[0, 1, 0], [4, -1, 2]]), "dense2": np.array([[-3, 0, 9]])}
    table = importance_table(missed, ["cat", "dog", "cow"], count=2).splitlines()
    assert [line.split() for line in table[1:]] == [
        ["dense2", "#0", "6", "cow:", "9"],
        ["dense1", "#1", "5", "cat:", "4,", "cow:", "2"],
    ]


# ------------------------------------------------------------------------------------------------
# The images
# ------------------------------------------------------------------------------------------------

DAMAGES = pytest.mark.parametrize("damage", [add_noise, cut_gaps, occlude])


@DAMAGES
@pytest.mark.parametrize("shape", [(5, 81), (5, 9, 9), (5, 1, 9, 9), (5, 6, 12)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_damaged_images_keep_shape_dtype_and_range_and_the_originals_stay(damage, shape, dtype):
    images = RNG.random(shape).astype(dtype)
    before = images.copy()
    found = damage(images, 0.5, rng=0)
    assert (found.shape, found.dtype) == (shape, dtype)
    assert 0 <= found.min() <= found.max() <= 1
    np.testing.assert_array_equal(images, before)
    assert not np.array_equal(found, images)
    np.testing.assert_array_equal(found, damage(images, 0.5, rng=0))
    assert not np.array_equal(found, damage(images, 0.5, rng=1))
    np.testing.assert_array_equal(damage(images, 0.0, rng=0), images)


@DAMAGES
def test_flat_images_and_images_with_a_channel_are_damaged_alike(damage):
    images = RNG.random((4, 9, 9))
    expected = damage(images, 0.3, rng=5)
    for shape in ((4, 81), (4, 1, 9, 9)):
        found = damage(images.reshape(shape), 0.3, rng=5)
        np.testing.assert_array_equal(found.reshape(images.shape), expected)


def test_noise_has_the_level_asked_for_and_no_mean():
    noise = add_noise(np.full((50, 20, 20), 0.5), 0.1, rng=0) - 0.5
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.003)


def test_gaps_take_exactly_a_share_of_the_squares_with_ink():
    images = np.zeros((6, 27, 27))
    images[:, 3:24, 6:15] = 0.75  # 7 · 3 squares of 3×3 pixels
    for share in (0.2, 0.5, 1.0):
        found = cut_gaps(images, share, rng=0)
        squares = found.reshape(6, 9, 3, 9, 3).transpose(0, 1, 3, 2, 4).reshape(6, 81, 9)
        assert np.isin(squares.sum(axis=2), [0, 9 * 0.75]).all()  # each is whole or gone
        kept = (squares[:, :, 0] > 0).sum(axis=1)
        assert kept.tolist() == [21 - round(21 * share)] * 6


def test_a_patch_covers_exactly_its_share_somewhere_else_in_each_image():
    images = np.ones((40, 20, 10))
    found = occlude(images, 0.25, rng=0, value=0.5) == 0.5
    assert (found.sum(axis=(1, 2)) == 50).all()
    assert (found.any(axis=2).sum(axis=1) == 10).all()  # a rectangle of 10×5
    assert (found.any(axis=1).sum(axis=1) == 5).all()
    assert len({tuple(patch.ravel()) for patch in found}) > 20
    assert (occlude(images, 1.0) == 0).all()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((2, 9), 255), "divide bytes by 255"),
        (np.full((2, 9), -0.1), "from 0, paper, to 1, ink"),
        (np.full((2, 9), np.nan), "from 0, paper, to 1, ink"),
        (np.ones((2, 8)), "square, got 8 pixels"),
        (np.ones(9), "expected images of shape"),
        (np.ones((2, 3, 4, 4)), "one channel"),
        (np.empty((0, 9)), "expected images of shape"),
        ([["a"]], "expected images of shape"),
    ],
)
@DAMAGES
def test_what_are_no_images_is_refused(damage, images, message):
    with pytest.raises(ValueError, match=message):
        damage(images, 0.5)


@pytest.mark.parametrize(
    ("damage", "level"),
    [(add_noise, -0.1), (add_noise, np.inf), (cut_gaps, 1.1), (occlude, -0.1), (occlude, np.nan)],
)
def test_impossible_levels_are_refused(damage, level):
    with pytest.raises(ValueError, match=f"got {level}"):
        damage(X, level)


# ------------------------------------------------------------------------------------------------
# Curves
# ------------------------------------------------------------------------------------------------


def test_measured_is_the_accuracy_of_each_draw():
    models = {"one": dense(), "two": convolution()}
    found = measure_damage(models, X, Y, [0.0, 0.5, 1.0], draws=2, seed=7)
    assert len(found) == 5
    for by_model in found.values():
        for name, measured in by_model.items():
            assert measured.shape == (3, 2)
            assert (measured[0] == accuracy(models[name].predict(X), Y)).all()
    removed = remove_neurons(models["two"], 0.5, rng=8)
    expected = accuracy(removed.predict(X), Y)
    assert found["hidden neurons removed"]["two"][1, 1] == pytest.approx(expected)
    noisy = accuracy(models["one"].predict(add_noise(X, 1.0, rng=7)), Y)
    assert found["noise, standard deviation"]["one"][2, 0] == pytest.approx(noisy)


def test_what_a_model_has_learned_with_does_not_matter():
    from tinygrad_edu import SGD, mean_squared_error

    model = Sequential(Dense(16, 4), Sigmoid(), Dense(4, 3), rng=0)
    optimizer = SGD(model.parameters(), lr=0.1)
    model.fit(
        X, np.eye(3)[Y], loss=mean_squared_error, optimizer=optimizer, epochs=1, verbose=False, rng=0
    )  # fmt: skip
    found = measure_damage({"mine": model}, X, Y, [0.0], draws=1, to_images={})
    assert found["links removed"]["mine"][0, 0] == pytest.approx(accuracy(model.predict(X), Y))


@pytest.mark.parametrize("installed", [True, False])
def test_the_bar_shows_in_a_terminal_if_it_is_asked_for(installed, monkeypatch):
    if installed:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = {}
    for verbose in (True, False):
        monkeypatch.setattr("sys.stderr", Terminal())
        found = measure_damage({"mine": dense()}, X, Y, [0.5], draws=1, verbose=verbose)
        assert len(found) == 5
        shown[verbose] = sys.stderr.getvalue()
    assert ("/5 " in shown[True]) == installed
    assert shown[False] == ""


def test_there_is_at_least_one_draw():
    with pytest.raises(ValueError, match="at least one draw, got 0"):
        measure_damage({"mine": dense()}, X, Y, draws=0)


def test_the_table_has_the_means():
    table = damage_table({"noise": {"a": [[1, 0.5]], "b": [[0.25, 0.25]]}}, [0.5]).splitlines()
    assert [line.split() for line in table] == [["noise", "0.50"], ["a", "0.750"], ["b", "0.250"]]


def test_the_figure_has_a_panel_for_each_damage_with_means_bands_and_crosses(tmp_path):
    pytest.importorskip("matplotlib")
    curves = {"hidden neurons removed": {"a": [[1, 1], [0.2, 0.4]]}}
    curves["gaps, share of the ink"] = {"a": [[1, 1], [0.5, 0.7]], "b": [[1, 1], [0.1, 0.1]]}
    figure = plot_damage(
        curves, [0.0, 1.0], tmp_path / "damage.png", image=np.ones((9, 9)), chance=0.1,
        points={"hidden neurons removed": {0.5: 0.6}}, lost=[0.1, -0.1, 0.3],
    )  # fmt: skip
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert panels.keys() == {*curves, "points lost without one neuron"}
    first, second = (panels[name] for name in curves)
    assert np.allclose(first.lines[0].get_ydata(), [1, 0.3])
    assert np.allclose(second.lines[1].get_ydata(), [1, 0.1])
    band = second.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.5, 1.0)
    assert [0.6] in [list(line.get_ydata()) for line in first.lines]
    bars = [bar.get_height() for bar in panels["points lost without one neuron"].patches]
    assert np.allclose(bars, [30, 10, -10])
    assert len(second.child_axes) == 5
    assert not first.child_axes
    assert (tmp_path / "damage.png").stat().st_size > 1000


def test_more_networks_than_colors_are_all_drawn_and_all_look_different():
    pytest.importorskip("matplotlib")
    curves = {"noise": {f"network {n}": [[0.9], [n / 10]] for n in range(6)}}
    lines = plot_damage(curves, [0.0, 1.0]).axes[0].lines
    assert [line.get_ydata()[1] for line in lines] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 6


def test_curves_that_do_not_fit_the_levels_are_refused():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=r"\(levels, draws\) with 10 levels, got shape \(2, 1\)"):
        plot_damage({"noise": {"mine": [[1.0], [0.5]]}}, LEVELS)


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("TINYGRAD_EDU_DATA"), reason="needs MNIST: TINYGRAD_EDU_DATA"
)
def test_the_books_network_loses_as_much_as_was_measured_before():
    from tinygrad_edu.by_hand import RashidNetwork, scale_pixels, target_outputs
    from tinygrad_edu.datasets.mnist import load_mnist

    data = load_mnist()
    pencil = RashidNetwork(784, 200, 10, learning_rate=0.1, rng=0)
    for i in np.tile(np.arange(60_000), 5):
        pencil.train_step(scale_pixels(data.x_train.raw[i]), target_outputs(data.y_train[i]))
    first, second = Dense(784, 200, bias=False), Dense(200, 10, bias=False)
    first.weight.data, second.weight.data = pencil.wih.T, pencil.who.T
    model, x = Sequential(first, Sigmoid(), second, Sigmoid()), scale_pixels(data.x_test.raw)
    for count, before, near in (
        *((10, 0.972, 0.03), (50, 0.944, 0.03), (100, 0.842, 0.03)),
        (150, 0.530, 0.05),  # where means of five draws of one network scatter by .04
    ):
        draws = [remove_neurons(model, count=count, rng=seed) for seed in range(25)]
        left = np.mean([accuracy(damaged.predict(x), data.y_test) for damaged in draws])
        assert left == pytest.approx(before, abs=near), count
