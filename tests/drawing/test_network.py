"""What a picture of a network shows."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Value,
)
from tinygrad_edu.drawing import draw_network, render, svg_of_model
from tinygrad_edu.drawing.fitting import width_of
from tinygrad_edu.drawing.network.dot import blocks_to_dot, network_to_dot
from tinygrad_edu.drawing.network.labels import Box
from tinygrad_edu.drawing.network.network import layers_of, picture_blocks, picture_network

needs_graphviz = pytest.mark.skipif(
    not (render.shutil.which("dot") or render.importlib.util.find_spec("pygraphviz")),
    reason="neither the program dot nor the package pygraphviz is installed",
)


@pytest.fixture
def neuron() -> Sequential:
    model = Sequential(Dense(2, 1), Sigmoid())
    model.layers[0].weight.data = [[0.5], [-1.0]]
    model.layers[0].bias.data = [0.25]
    return model


@pytest.fixture
def digits() -> Sequential:
    return Sequential(Flatten(), Dense(64, 32), ReLU(), Dropout(0.2), Dense(32, 10), rng=0)


def test_neurons_stand_in_columns_with_weighted_links(neuron: Sequential) -> None:
    picture = picture_network(neuron, input_names=["shots", "goals"], labels=["win"])
    assert [(c.title, c.subtitle) for c in picture.columns] == [
        ("input", "2"),
        ("dense1", "1 · Sigmoid"),
    ]
    assert [n.name for column in picture.columns for n in column.neurons] == [
        "shots",
        "goals",
        "win",
    ]
    assert [(link.weight, link.strength) for link in picture.links] == [(0.5, 0.5), (-1.0, 1.0)]
    assert picture.columns[1].neurons[0].bias == 0.25
    assert picture.parameters == 3


def test_with_an_input_each_neuron_shows_how_much_it_is_on(neuron: Sequential) -> None:
    picture = picture_network(neuron, [2.0, -1.0])
    assert [n.on for n in picture.columns[0].neurons] == [2.0, -1.0]
    assert [n.shade for n in picture.columns[0].neurons] == [1.0, -0.5]
    assert picture.columns[1].neurons[0].on == pytest.approx(1 / (1 + np.exp(-2.25)), rel=1e-6)


def test_columns_do_not_overlap_and_are_centered(digits: Sequential) -> None:
    picture = picture_network(digits, max_neurons=6)
    for column in picture.columns:
        ys = [n.y for n in column.neurons]
        assert ys == sorted(ys, reverse=True)
        assert sum(ys) == pytest.approx(0.0)
        assert max(np.diff(ys)) <= -40
    assert len({n.x for column in picture.columns for n in column.neurons}) == 3


def test_of_large_layers_the_first_and_last_neurons_are_shown(digits: Sequential) -> None:
    picture = picture_network(digits, max_neurons=6)
    assert picture.columns[0].shown == [0, 1, 2, 61, 62, 63]
    assert [column.folded for column in picture.columns] == [58, 26, 0]
    assert len(picture.links) == 36 + 60
    assert "… 26 more …" in network_to_dot(picture)


def test_with_an_input_the_most_active_neurons_are_shown(digits: Sequential) -> None:
    pixels = np.zeros(64)
    pixels[[9, 20, 21, 22, 40, 50, 60]] = [1.0, 0.5, -2.0, 0.25, 1.0, 1.0, 0.75]
    picture = picture_network(digits, pixels, max_neurons=6)
    column = picture.columns[0]
    assert column.shown == [9, 20, 21, 40, 50, 60]
    assert [n.note for n in column.neurons] == ["#9", "#20", "#21", "#40", "#50", "#60"]
    dot = network_to_dot(picture)
    assert "… 58 less active …" in dot
    place = re.search(r'g_n0_9 \[label=.*?pos="[-\d.]+,([-\d.]+)!"', dot, re.DOTALL)
    assert place is not None
    assert float(place[1]) < column.neurons[-1].y  # none of them stands between those shown
    assert all(not n.note for n in picture.columns[2].neurons)  # which are all there are


def test_of_many_answers_the_best_are_shown() -> None:
    model = Sequential(Dense(1, 26), rng=0)
    model.layers[0].weight.data = [np.arange(26.0) - 20.0]
    picture = picture_network(model, [1.0], labels=[chr(97 + n) for n in range(26)])
    assert [n.name for n in picture.columns[1].neurons] == list("opqrstuvwxyz")


def test_broken_neurons_are_among_those_shown() -> None:
    model = Sequential(Dense(20, 1), rng=0)
    picture = picture_network(model, np.where(np.arange(20) == 15, np.nan, 1.0), max_neurons=4)
    assert picture.columns[0].shown == [0, 1, 2, 15]


def test_a_square_input_stands_at_the_left_as_an_image(digits: Sequential) -> None:
    pixels = np.arange(64.0)
    picture = picture_network(digits, pixels)
    assert picture.image is not None
    assert picture.image.shape == (8, 8)
    assert (picture.image.min(), picture.image.max()) == (0.0, 1.0)
    assert picture_network(digits).image is None


@pytest.mark.parametrize("shape", [(64,), (1, 64), (8, 8), (1, 8, 8), (1, 1, 8, 8)])
def test_one_sample_is_taken_in_any_shape(digits: Sequential, shape: tuple[int, ...]) -> None:
    picture = picture_network(digits, np.ones(shape))
    expected = digits.predict(np.ones((1, 64)))[0]
    assert [n.on for n in picture.columns[-1].neurons] == pytest.approx(list(expected), rel=1e-5)


def test_softmax_stands_beside_the_labels(digits: Sequential) -> None:
    picture = picture_network(digits, np.ones(64), labels=range(10))
    chances = [n.probability for n in picture.columns[-1].neurons]
    scores = digits.predict(np.ones((1, 64)))[0]
    assert chances == pytest.approx(list(np.exp(scores) / np.exp(scores).sum()), rel=1e-5)
    assert all(
        n.probability is None for n in picture_network(digits, np.ones(64)).columns[-1].neurons
    )


def test_a_softmax_layer_is_not_applied_twice() -> None:
    model = Sequential(Dense(3, 2), Softmax(), rng=0)
    picture = picture_network(model, np.ones(3), labels=["no", "yes"])
    assert [n.probability for n in picture.columns[-1].neurons] == [
        n.on for n in picture.columns[-1].neurons
    ]


def test_drawing_neither_trains_nor_records(digits: Sequential) -> None:
    digits.train()
    first = picture_network(digits, np.ones(64)).columns[1].neurons[0].on
    assert first == picture_network(digits, np.ones(64)).columns[1].neurons[0].on
    assert all(layer.training for layer in digits.layers)
    assert all(p.grad is None for p in digits.parameters())


def test_layers_of_ones_own_are_handed_values_as_in_training() -> None:
    class Center(Layer):
        def forward(self, x: Value) -> Value:
            return (x - x.mean()).relu().sqrt()

    model = Sequential(Dense(3, 2), Center(), Dense(2, 1), rng=0)
    picture = picture_network(model, np.ones(3))
    assert picture.columns[-1].neurons[0].on == pytest.approx(model.predict(np.ones((1, 3))).item())


def test_values_are_taken_as_inputs(neuron: Sequential) -> None:
    assert picture_network(neuron, Value([1.0, 2.0])).columns[0].neurons[1].on == 2.0


def test_models_inside_models_are_drawn_as_one() -> None:
    inner = Sequential(Dense(2, 3), Tanh())
    assert [type(layer).__name__ for layer in layers_of(Sequential(inner, Dense(3, 1)))] == [
        "Dense",
        "Tanh",
        "Dense",
    ]
    assert layers_of(inner.layers[0]) == [inner.layers[0]]


def test_the_block_view_has_shapes_and_parameter_counts(digits: Sequential) -> None:
    blocks = picture_blocks(digits)
    assert [(b.title, b.parameters, b.shape) for b in blocks] == [
        ("input", 0, "N×64"),
        ("flatten1", 0, "N×64"),
        ("dense1", 2080, "N×32"),
        ("relu1", 0, "N×32"),
        ("dropout1", 0, "N×32"),
        ("dense2", 330, "N×10"),
    ]
    assert "2,410 parameters" in blocks_to_dot(blocks)


def test_blocks_of_unknown_shape_are_drawn_without() -> None:
    class Strange(Layer):
        def forward(self, x: Value) -> Value:
            return x * 2.0

    assert [block.shape for block in picture_blocks(Strange())] == ["", ""]
    assert draw_network(Strange()).engine == "dot"


def test_deep_networks_are_drawn_as_blocks_by_themselves() -> None:
    deep = Sequential(*(Dense(4, 4) for _ in range(7)))
    assert draw_network(deep).engine == "dot"
    assert draw_network(deep, view="neurons").engine == "neato"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": np.ones(5)}, "one input of 2 numbers, got shape \\(5,\\)"),
        ({"labels": ["a", "b"]}, "expected 1 labels, one for each, got 2"),
        ({"input_names": ["a"]}, "expected 2 input_names"),
        ({"view": "3d"}, "'auto', 'neurons', 'blocks', got '3d'"),
        ({"path": "network.bmp"}, r"\.svg, \.png"),
    ],
)
def test_what_does_not_fit_is_refused(
    neuron: Sequential, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_network(neuron, **options)  # type: ignore[arg-type]


def test_what_has_no_layers_is_refused() -> None:
    with pytest.raises(TypeError, match="pass a Sequential or a layer"):
        draw_network("model")
    with pytest.raises(ValueError, match="no Dense layer"):
        draw_network(ReLU(), view="neurons")


@needs_graphviz
@pytest.mark.parametrize("ending", [".svg", ".png", ".pdf", ".dot", ".html"])
def test_all_files_can_be_written(digits: Sequential, tmp_path: Path, ending: str) -> None:
    draw_network(digits, tmp_path / f"network{ending}", input=np.ones(64), labels=range(10))
    assert (tmp_path / f"network{ending}").stat().st_size > 1000


@needs_graphviz
def test_the_layout_is_ours_and_names_are_shown_as_typed(neuron: Sequential) -> None:
    svg = draw_network(neuron, input_names=["a<b>&", "\\N"]).svg()
    assert "a&lt;b&gt;&amp;" in svg
    assert re.search(r">\\N<", svg)
    circles = re.findall(r'<ellipse[^>]*cx="([-\d.]+)"', svg)
    assert len(circles) == 3
    assert len(set(circles)) == 2


@needs_graphviz
def test_a_model_shows_itself_in_a_notebook(digits: Sequential) -> None:
    assert (svg_of_model(digits) or "").startswith("<svg")
    assert svg_of_model(object()) is None


def test_the_same_model_gives_the_same_dot(digits: Sequential) -> None:
    again = Sequential(Flatten(), Dense(64, 32), ReLU(), Dropout(0.2), Dense(32, 10), rng=0)
    assert draw_network(digits).source == draw_network(again).source


def test_layers_of_models_inside_models_have_the_names_of_both() -> None:
    model = Sequential(Dense(2, 3), Sequential(Dense(3, 3), Tanh()), Dense(3, 1), rng=0)
    titles = [column.title for column in picture_network(model).columns]
    assert titles == ["input", "dense1", "sequential1.dense1", "dense2"]
    assert [block.title for block in picture_blocks(model)][2] == "sequential1.dense1"


def test_broken_numbers_are_drawn() -> None:
    model = Sequential(Dense(2, 2), rng=0)
    model.layers[0].weight.data = [[np.nan, np.inf], [1.0, -2.0]]  # type: ignore[attr-defined]
    picture = picture_network(model, [1.0, np.nan], labels=["no", "yes"])
    assert [link.strength for link in picture.links][2:] == [0.5, 1.0]
    dot = network_to_dot(picture)
    assert dot.count("style=dotted") == 2
    assert dot.count(">NaN</TD>") == 2


def test_long_names_stand_clear_of_the_circles(neuron: Sequential) -> None:
    names = ["a name that is rather long", "b"]
    dot = draw_network(neuron, input_names=names).source
    places = {
        key: float(x) for key, x in re.findall(r'(\w+) \[label=.*pos="(-?[\d.]+),[-\d.]+!"', dot)
    }
    assert places["n0_0"] - places["t_n0_0"] > len(names[0]) * 6 / 2 + 14
    assert places["t_n0_0"] == places["t_n0_1"]


def test_a_deep_network_is_a_column_of_blocks() -> None:
    assert "rankdir=LR" in draw_network(Sequential(*(Tanh() for _ in range(7)))).source
    assert "rankdir=TB" in draw_network(Sequential(*(Tanh() for _ in range(8)))).source


@pytest.mark.parametrize("option", ["max_neurons", "digits"])
def test_counts_are_whole_numbers_from_one_on(neuron: Sequential, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} to be 1 or more, got 0"):
        draw_network(neuron, **{option: 0})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=f"{option} to be a whole number, got str"):
        draw_network(neuron, **{option: "3"})  # type: ignore[arg-type]


def test_the_most_important_neurons_stand_first_and_are_the_largest(digits: Sequential) -> None:
    importance = np.linspace(-0.5, 1.0, 32)
    importance[7] = 4.0
    picture = picture_network(digits, max_neurons=6, importance={"dense1": importance})
    column = picture.columns[1]
    assert column.shown == [7, 31, 30, 2, 1, 0]
    assert column.subtitle == "32 · ReLU · Dropout 0.2 · ranked"
    assert [n.note for n in column.neurons][:2] == ["#7: 4", "#31: 1"]
    sizes = [n.size for n in column.neurons]
    assert sizes[:2] == [1.0, 0.25]
    assert sizes[-3:] == [0.0, 0.0, 0.0]  # what does harm is drawn like what does nothing …
    assert [n.shade > 0 for n in column.neurons] == 3 * [True] + 3 * [False]  # … but orange
    ys = [n.y for n in column.neurons]
    assert ys == sorted(ys, reverse=True)
    weight = digits.layers[1].weight.data  # type: ignore[attr-defined]
    drawn = {(link.tail.key, link.head.key): link.weight for link in picture.links}
    assert drawn["n0_0", "n1_7"] == weight[0, 7]
    assert picture_network(digits, max_neurons=6).columns[2].shown == picture.columns[2].shown


def test_with_an_input_the_color_tells_the_state_and_the_size_the_importance(
    neuron: Sequential,
) -> None:
    picture = picture_network(neuron, [2.0, -1.0], importance={"input": [0.0, 3.0]})
    assert picture.columns[0].shown == [1, 0]
    assert [n.shade for n in picture.columns[0].neurons] == [-0.5, 1.0]
    assert [n.size for n in picture.columns[0].neurons] == [1.0, 0.0]
    dot = network_to_dot(picture)
    widths = [
        re.search(rf"\t{key} \[.*?width=([\d.]+)", dot, re.S)[1]  # type: ignore[index]
        for key in ("n0_1", "n0_0", "n1_0")
    ]
    assert widths == ["0.40", "0.12", "0.40"]


def test_neurons_of_no_importance_can_be_drawn(neuron: Sequential) -> None:
    picture = picture_network(neuron, importance={"input": [0, 0]})
    assert [n.size for n in picture.columns[0].neurons] == [0.0, 0.0]
    assert "width=0.12" in network_to_dot(picture)


@pytest.mark.parametrize(
    ("importance", "message"),
    [
        ({"dense2": [1.0]}, "importance for one of input, dense1, got it for 'dense2'"),
        ({"input": [1.0]}, r"importance of input as 2 finite numbers.* got shape \(1,\)"),
        ({"dense1": [np.nan]}, "importance of dense1 as 1 finite numbers.* 1 not finite"),
    ],
)
def test_importance_that_does_not_fit_is_refused(
    neuron: Sequential, importance: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_network(neuron, importance=importance)


def test_a_convolution_that_is_given_an_input_shows_its_images() -> None:
    layers = (Reshape(1, 8, 8), Conv2D(1, 10, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(90, 2))
    model = Sequential(*layers, rng=0)
    x = np.random.default_rng(0).uniform(size=64)
    blocks = picture_blocks(model, x)
    shapes = [[image.shape for image in block.maps] for block in blocks]
    assert shapes == [[(8, 8)], [(8, 8)], 8 * [(6, 6)], 8 * [(6, 6)], 8 * [(3, 3)], [], []]
    assert [block.hidden for block in blocks] == [0, 0, 2, 2, 2, 0, 0]
    seen = Sequential(*model.layers[:2]).predict(x.reshape(1, 64))[0]
    assert blocks[2].maps[3] == pytest.approx(seen[3] / np.abs(seen).max(), rel=1e-5)
    assert min(image.min() for image in blocks[3].maps) == 0.0
    dot = draw_network(model, input=x).source
    assert dot.count(">+ 2<") == 3
    assert "rankdir=TB" in dot
    assert not any(block.maps for block in picture_blocks(model))


def test_large_and_broken_images_are_drawn_coarsely() -> None:
    model = Sequential(Conv2D(1, 1, 3), rng=0)
    image = np.ones((1, 28, 28))
    image[0, 0, 0] = np.nan
    maps = picture_blocks(model, image)[1].maps
    assert [map.shape for map in maps] == [(12, 12)]
    assert 'BGCOLOR="#' in draw_network(model, input=image).source


@pytest.mark.parametrize(
    "sizes", [(2, 3), (3, 3), (3, 4), (4, 3), (2, 6), (6, 2), (12, 1), (2, 3, 2)]
)
def test_no_weight_stands_on_another_or_on_a_neuron(sizes: tuple[int, ...]) -> None:
    layers = [Dense(n, m) for n, m in itertools.pairwise(sizes)]
    picture = picture_network(Sequential(*layers, rng=1))
    assert picture.written
    dot = network_to_dot(picture)
    found = re.findall(r'\tw_(\w+?)_(n\d+_\d+) \[.*>(−?[\d.]+)<.*pos="([-\d.]+),([-\d.]+)!"', dot)
    assert len(found) == len(picture.links)
    neurons = {neuron.key: neuron for column in picture.columns for neuron in column.neurons}
    boxes = [Box(n.x, n.y, 28.8, 28.8) for n in neurons.values()]
    for tail, head, text, x, y in found:
        a, b = neurons[tail], neurons[head]
        on_link = a.y + (b.y - a.y) * (float(x) - a.x) / (b.x - a.x)
        assert float(y) == pytest.approx(on_link, abs=0.2)
        boxes.append(Box(float(x), float(y), width_of(text, 9), 10))
    assert not any(one.overlap(two) for one, two in itertools.combinations(boxes, 2))
