"""Back query: the logit walk, gradient ascent on pictures, what speaks for an answer, and round trips."""

import builtins

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Value,
    check_gradients,
)
from tinygrad_edu.by_hand import RashidNetwork, target_outputs
from tinygrad_edu.by_hand.rashid import logit, rescale
from tinygrad_edu.lab import (
    confidence,
    gradient_ascent,
    logit_walk,
    plot_round_trip,
    plot_saliency,
    round_trip,
    saliency,
    wanted_outputs,
)
from tinygrad_edu.lab.dreaming import gaussian_blur, log_odds, total_variation
from tinygrad_edu.lab.portraits import as_images

RNG = np.random.default_rng(0)
PICTURES = RNG.random((3, 6))


def book_network(pencil):
    """Return the same network made of layers."""
    hidden, inputs = pencil.wih.shape
    outputs = len(pencil.who)
    first = Dense(inputs, hidden, bias=False, dtype="float64")
    second = Dense(hidden, outputs, bias=False, dtype="float64")
    first.weight.data, second.weight.data = pencil.wih.T, pencil.who.T
    return Sequential(first, Sigmoid(), second, Sigmoid())


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn")
    from tinygrad_edu.datasets import load_digits

    return load_digits()


def learned(digits, layers, epochs=8):
    """Return a network of float32 that has learned the small digits quickly."""
    model = Sequential(*layers, rng=0)
    ends_in_sigmoid = isinstance(model[-1], Sigmoid)
    scores = model[:-1] if ends_in_sigmoid else model
    scores.fit(
        digits.x_train, digits.y_train, loss=tg.softmax_cross_entropy, epochs=epochs, rng=0,
        optimizer=tg.Adam(model.parameters(), lr=3e-3), verbose=False,
    )  # fmt: skip
    model.eval()
    return model


@pytest.fixture(scope="module")
def mlp(digits):
    return learned(digits, [Dense(64, 48), ReLU(), Dropout(0.2), Dense(48, 10)])


@pytest.fixture(scope="module")
def book(digits):
    """The book's architecture, taught by its own rule."""
    pencil = RashidNetwork(64, 40, 10, learning_rate=0.1, rng=0)
    pixels = np.asarray(digits.x_train) * 0.99 + 0.01
    for _ in range(10):
        for x, label in zip(pixels, digits.y_train, strict=True):
            pencil.train_step(x, target_outputs(label))
    return book_network(pencil)


# ------------------------------------------------------------------------------------------------
# The logit walk
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_walk_is_that_of_the_book(seed):
    pencil = RashidNetwork(20, 9, 5, rng=seed)
    walked = logit_walk(book_network(pencil))
    for label in range(5):
        by_hand = pencil.backquery(target_outputs(label, outputs=5))
        np.testing.assert_allclose(walked[label], by_hand, rtol=0, atol=1e-12)
        alone = logit_walk(book_network(pencil), label)
        np.testing.assert_allclose(alone, by_hand, rtol=0, atol=1e-12)


def test_targets_of_ones_own_may_take_the_place_of_labels():
    pencil = RashidNetwork(20, 9, 3, rng=0)
    targets = np.array([[0.5, 0.9, 0.2], [0.1, 0.2, 0.3]])
    walked = logit_walk(book_network(pencil), targets=targets)
    for row, picture in zip(targets, walked, strict=True):
        np.testing.assert_allclose(picture, pencil.backquery(row), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("labels", "shape"), [(1, (4,)), ([2, 0], (2, 4)), ([[1], [0]], (2, 1, 4))]
)
def test_pictures_have_the_shape_of_the_labels_and_their_features(labels, shape):
    model = Sequential(Dense(4, 5), Sigmoid(), Dense(5, 3), Sigmoid(), rng=0)
    walked = logit_walk(model, labels)
    assert walked.shape == shape
    np.testing.assert_allclose(walked.min(axis=-1), 0.01)
    np.testing.assert_allclose(walked.max(axis=-1), 0.99)


def test_each_layer_is_undone_by_its_inverse():
    model = Sequential(
        Dense(6, 5, bias_init="standard_normal", dtype="float64"),
        LeakyReLU(0.1),
        Dense(5, 4, bias_init="standard_normal", dtype="float64"),
        Tanh(),
        Dense(4, 3, bias_init="standard_normal", dtype="float64"),
        rng=0,
    )
    (w1, b1), (w2, b2), (w3, b3) = [
        (dense.weight.data, dense.bias.data) for dense in model.layers[::2]
    ]
    scores = logit(target_outputs(2, outputs=3))  # as if a sigmoid followed
    signal = 2 * rescale((scores - b3) @ w3.T) - 1  # .01 … .99 becomes −.98 … .98
    signal = (np.arctanh(signal) - b2) @ w2.T
    signal = np.where(signal > 0, signal, signal / 0.1)
    by_hand = rescale((signal - b1) @ w1.T)
    np.testing.assert_allclose(logit_walk(model, 2), by_hand, rtol=0, atol=1e-12)


def test_a_last_tanh_is_asked_for_numbers_that_it_gives():
    model = Sequential(Dense(2, 3), Tanh())
    np.testing.assert_allclose(wanted_outputs(model, 0), [0.98, -0.98, -0.98])


def test_what_does_nothing_when_a_network_answers_is_passed_by():
    dense, last = Dense(4, 3, rng=0), Dense(3, 2, rng=1)
    plain = logit_walk(Sequential(dense, Sigmoid(), last, Sigmoid()))
    inner = Sequential(Reshape(1, 2, 2), Flatten(), dense, Sigmoid(), Dropout(0.5))
    np.testing.assert_array_equal(logit_walk(Sequential(inner, last, Sigmoid())), plain)


def test_a_walk_from_a_value_is_recorded_layer_by_layer():
    model = Sequential(Dense(4, 3), Sigmoid(), Dense(3, 2), Sigmoid(), rng=0)
    targets = Value(wanted_outputs(model, 1), "wanted")
    picture = logit_walk(model, targets=targets)
    np.testing.assert_array_equal(picture.data, logit_walk(model, 1))
    text = picture.draw(fold="layers").source
    for step in ("sigmoid2", "dense2", "sigmoid1", "dense1"):
        assert f"undo {step}" in text
    assert "rescale for sigmoid1" in text


def test_a_walk_can_be_differentiated():
    model = Sequential(
        Dense(4, 3, dtype="float64"), Sigmoid(), Dense(3, 2, dtype="float64"), Sigmoid(), rng=0
    )
    check_gradients(lambda targets: logit_walk(model, targets=targets), [0.3, 0.8])


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Dense(4, 3), ReLU(), Dense(3, 2)], ["relu1 (ReLU)", "all negative numbers became 0"]),
        ([Dense(4, 3), Softmax()], ["softmax1 (Softmax)", "model[:-1]"]),
        ([Dense(4, 3), LeakyReLU(0.0), Dense(3, 2)], ["leakyrelu1", "slope 0"]),
        ([Conv2D(1, 2), Flatten(), Dense(4, 2)], ["conv2d1 (Conv2D)", "slide"]),
        ([MaxPool2D(2), Flatten(), Dense(4, 2)], ["maxpool2d1 (MaxPool2D)", "window"]),
    ],
)
def test_a_layer_without_inverse_is_named_and_what_to_use_instead(layers, words):
    with pytest.raises(ValueError, match="gradient_ascent") as raised:
        logit_walk(Sequential(*layers))
    for word in words:
        assert word in str(raised.value)


def test_a_layer_of_ones_own_is_not_guessed_at():
    class Double(tg.Layer):
        def forward(self, x):
            return 2.0 * x

    with pytest.raises(ValueError, match=r"Double.*knows nothing of its inverse"):
        logit_walk(Sequential(Dense(2, 2), Double()))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": 3}, ValueError, "expected labels 0…1"),
        ({"labels": -1}, ValueError, "expected labels 0…1"),
        ({"labels": 0.5}, TypeError, "expected integer labels"),
        ({"labels": []}, TypeError, "expected integer labels"),
        ({"targets": [0.5, 1.0]}, ValueError, "above 0 and below 1, as sigmoid2 gives them"),
        ({"targets": [np.nan, 0.5]}, ValueError, "above 0 and below 1"),
        ({"targets": [0.5, 0.5, 0.5]}, ValueError, r"shape \(…, 2\), got \(3,\)"),
        ({"labels": 1, "targets": [0.5, 0.6]}, ValueError, "got both"),
    ],
)
def test_wishes_that_make_no_sense(arguments, error, message):
    model = Sequential(Dense(4, 3), Sigmoid(), Dense(3, 2), Sigmoid(), rng=0)
    with pytest.raises(error, match=message):
        logit_walk(model, **arguments)


def test_a_network_that_treats_all_inputs_alike_has_no_portrait():
    with pytest.raises(ValueError, match="train the network first"):
        logit_walk(Sequential(Dense(4, 2, init="zeros"), Sigmoid()))


def test_there_must_be_weights_to_be_shown():
    with pytest.raises(ValueError, match="no Dense layer"):
        logit_walk(Sequential(Sigmoid()))


# ------------------------------------------------------------------------------------------------
# Priors and the goal
# ------------------------------------------------------------------------------------------------


def test_total_variation_and_its_gradient():
    pictures = RNG.random((2, 1, 4, 5))
    by_hand = np.sum(np.diff(pictures, axis=-1) ** 2) + np.sum(np.diff(pictures, axis=-2) ** 2)
    assert total_variation(pictures) == pytest.approx(by_hand)
    assert total_variation(np.full((3, 3), 0.7)) == 0.0
    check_gradients(total_variation, pictures)


def test_log_odds_and_their_gradient():
    scores, labels = RNG.normal(size=(4, 5)), np.array([0, 4, 2, 2])
    p = tg.softmax(scores)[np.arange(4), labels]
    np.testing.assert_allclose(log_odds(scores, labels), np.log(p / (1 - p)))
    check_gradients(lambda s: log_odds(s, labels), scores)
    assert log_odds(np.array([[3.0]]), np.array([0])) == [3.0]


def test_log_odds_do_not_saturate():
    scores = Value([[1000.0, 0.0, -1000.0]])
    odds = log_odds(scores, np.array([0]))
    odds.sum().backward()
    assert odds.data.tolist() == [1000.0]
    np.testing.assert_allclose(scores.grad, [[1.0, -1.0, 0.0]])


def test_blurring_spreads_ink_and_loses_none():
    pytest.importorskip("scipy")
    pictures = RNG.random((2, 1, 7, 9))
    blurred = gaussian_blur(pictures, 1.2)
    np.testing.assert_allclose(blurred.mean(axis=(2, 3)), pictures.mean(axis=(2, 3)))
    assert total_variation(blurred) < 0.2 * total_variation(pictures)
    np.testing.assert_allclose(blurred[0, 0], gaussian_blur(pictures[0, 0], 1.2))  # each for itself


# ------------------------------------------------------------------------------------------------
# Gradient ascent
# ------------------------------------------------------------------------------------------------


def assert_all_returned(model, pictures):
    trip = round_trip(model, pictures)
    assert trip.seen.tolist() == list(range(10))
    assert trip.own.min() > 0.9


@pytest.mark.parametrize("net", ["mlp", "book"])
def test_ascent_returns_its_own_label_ten_times_out_of_ten(net, request):
    pytest.importorskip("scipy")
    model = request.getfixturevalue(net)
    pictures, history = gradient_ascent(model, rng=0)
    assert pictures.shape == (10, 64)
    assert pictures.dtype == model[0].weight.dtype
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert_all_returned(model, pictures)
    assert history.shape == (201, 10)
    own = confidence(model, pictures)[np.arange(10), np.arange(10)]
    np.testing.assert_allclose(history[-1], own, rtol=1e-5)
    assert history[0].mean() < 0.5


def test_ascent_through_convolutions(digits):
    pytest.importorskip("scipy")
    layers = [Conv2D(1, 8, padding=1), ReLU(), MaxPool2D(2), Flatten(), Dense(128, 10)]
    flat = learned(digits, [Reshape(1, 8, 8), *layers], epochs=4)
    pictures, _ = gradient_ascent(flat, steps=60, rng=0)
    assert pictures.shape == (10, 64)
    assert_all_returned(flat, pictures)
    images, _ = gradient_ascent(flat[1:], input_shape=(1, 8, 8), steps=60, rng=0)
    assert images.shape == (10, 1, 8, 8)
    np.testing.assert_allclose(images.reshape(10, 64), pictures, atol=1e-5)
    with pytest.raises(ValueError, match=r"Conv2D.*input_shape=\(1, 28, 28\)"):
        gradient_ascent(flat[1:])


def test_one_seed_gives_one_picture(mlp):
    first, again, other = (
        gradient_ascent(mlp, 3, steps=5, blur=0, rng=seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_a_picture_of_a_batch_is_the_one_made_alone(mlp):
    options = {"steps": 20, "noise": 0.0, "blur": 0.0}
    batch, history = gradient_ascent(mlp, [2, 7], **options)
    alone, its_history = gradient_ascent(mlp, 7, **options)
    assert (alone.shape, its_history.shape) == ((64,), (21,))
    np.testing.assert_allclose(batch[1], alone, atol=1e-4)
    np.testing.assert_allclose(history[:, 1], its_history, atol=1e-3)


def test_each_prior_does_what_it_says(mlp):
    pytest.importorskip("scipy")
    without = {"weight_decay": 0.0, "variation": 0.0, "blur": 0.0, "steps": 60, "rng": 0}
    plain, _ = gradient_ascent(mlp, **without)
    pale, _ = gradient_ascent(mlp, **without | {"weight_decay": 1.0})
    calm, _ = gradient_ascent(mlp, **without | {"variation": 1.0})
    soft, _ = gradient_ascent(mlp, **without | {"blur": 1.0, "blur_every": 5})
    assert np.sum(pale**2) < 0.5 * np.sum(plain**2)
    rough = total_variation(as_images(plain))
    assert total_variation(as_images(calm)) < 0.5 * rough
    assert total_variation(as_images(soft)) < 0.5 * rough


def test_ascent_follows_the_objective_it_names():
    model = Sequential(Dense(6, 3, dtype="float64"), rng=0)
    start, label = RNG.uniform(0.3, 0.7, 6), 1
    step = 1e-3  # Adam's first step is lr · sign(gradient)
    options = {"steps": 1, "lr": step, "noise": 0.0, "blur": 0.0, "start": start}
    options |= {"weight_decay": 0.7, "variation": 0.4, "image_shape": (2, 3)}
    moved, _ = gradient_ascent(model, label, **options)

    def goal(x):
        image = x.reshape(2, 3)
        odds = log_odds(model(x[None]), np.array([label])).sum()
        return odds - 0.7 * (x * x).sum() - 0.4 * total_variation(image)

    slope = tg.finite_difference(lambda x: goal(Value(x)), start)
    np.testing.assert_allclose(moved - start, step * np.sign(slope), rtol=1e-5)


def test_a_real_digit_as_the_start_becomes_another_one_for_the_network(mlp, digits):
    nine = digits.x_test[np.flatnonzero(digits.y_test == 9)[0]]
    options = {"noise": 0.0, "weight_decay": 0.0, "variation": 0.0, "blur": 0.0}
    fooling, history = gradient_ascent(mlp, 3, start=nine, steps=20, lr=0.02, **options)
    assert np.abs(fooling - nine).max() < 0.45
    assert history[0] < 0.5 < 0.9 < history[-1]


def test_the_model_keeps_its_mode_its_weights_and_its_gradients(mlp):
    mlp.train()
    mlp[0].weight.grad = 7.0
    before = mlp.state_dict()
    gradient_ascent(mlp, 1, steps=3, blur=0)
    saliency(mlp, np.zeros((1, 64)))
    round_trip(mlp, np.zeros((1, 64)), [0])
    assert all(layer.training for layer in mlp)
    assert mlp[0].weight.grad == 7.0
    mlp.zero_grad()
    mlp.eval()
    for name, numbers in mlp.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps and blur_every from 1, got 0 and 10"),
        ({"blur_every": 0}, ValueError, "steps and blur_every"),
        ({"lr": -1.0}, ValueError, "learning rate above 0"),
        ({"weight_decay": -0.1}, ValueError, "≥ 0"),
        ({"variation": np.nan}, ValueError, "≥ 0"),
        ({"clip": (1.0, 0.0)}, ValueError, "low < high"),
        ({"labels": 2}, ValueError, "expected labels 0…1"),
        ({"labels": "1"}, TypeError, "expected integer labels"),
        ({"image_shape": (4, 4)}, ValueError, "6 numbers are not 4×4 pixels"),
        ({}, ValueError, "6 numbers are not 2×2 pixels; give their height and width"),
        (
            {"start": np.zeros(5)},
            ValueError,
            r"start .* broadcasts to .* \(2, 6\), got shape \(5,\)",
        ),
        ({"labels": 1, "start": np.zeros((2, 6))}, ValueError, r"\(6,\), got shape \(2, 6\)"),
    ],
)
def test_ascents_that_make_no_sense(options, error, message):
    model = Sequential(Dense(6, 2), rng=0)
    with pytest.raises(error, match=message):
        gradient_ascent(model, **{"blur": 0.0, **options})


def test_without_scipy_there_is_no_blur_and_a_word_how_to_get_it(mlp, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match="blur=0"):
        gradient_ascent(mlp, 1)
    gradient_ascent(mlp, 1, steps=2, blur=0)


# ------------------------------------------------------------------------------------------------
# Saliency
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [[], [Sigmoid()], [Tanh()], [Softmax()]])
def test_saliency_is_the_slope_of_one_score(last):
    layers = [Dense(6, 5, dtype="float64"), Tanh(), Dense(5, 3, dtype="float64")]
    model = Sequential(*layers, *last, rng=0)
    labels = [2, 0, 1]
    slopes = saliency(model, PICTURES, labels)
    assert slopes.shape == PICTURES.shape
    for picture, slope, label in zip(PICTURES, slopes, labels, strict=True):
        by_quotient = tg.finite_difference(
            lambda x, label=label: model[:3](x[None]).data[0, label], picture
        )
        np.testing.assert_allclose(slope, by_quotient, rtol=1e-8)


def test_saliency_is_by_default_about_what_the_network_sees():
    model = Sequential(Dense(6, 5), ReLU(), Dense(5, 3), rng=0)
    seen = model.predict(PICTURES).argmax(axis=1)
    np.testing.assert_array_equal(saliency(model, PICTURES), saliency(model, PICTURES, seen))


def test_without_biases_gradient_times_ink_adds_up_to_the_score():
    model = Sequential(Dense(6, 5, bias=False), ReLU(), Dense(5, 3, bias=False), rng=0)
    parts = saliency(model, PICTURES, [1, 1, 1]) * PICTURES
    np.testing.assert_allclose(parts.sum(axis=1), model.predict(PICTURES)[:, 1], rtol=1e-5)


def test_saliency_refuses_what_does_not_fit():
    model = Sequential(Dense(6, 3))
    with pytest.raises(ValueError, match="dense1 has 6 inputs"):
        saliency(model, np.zeros((2, 5)))
    with pytest.raises(ValueError, match="expected labels 0…2"):
        saliency(model, PICTURES, [3, 0, 0])
    with pytest.raises(ValueError, match=r"shape \(N, …\), got \(6,\); .* picture\[None\]"):
        saliency(model, PICTURES[0])


# ------------------------------------------------------------------------------------------------
# Round trips and sheets
# ------------------------------------------------------------------------------------------------


def test_confidence_is_what_the_last_layer_means():
    outputs = np.array([[-2.0, 0.5, 1.0]])
    for last, expected in (
        (Sigmoid(), tg.sigmoid(outputs)),
        (Tanh(), (1 + np.tanh(outputs)) / 2),
        (Softmax(), tg.softmax(outputs)),
        (LeakyReLU(1.0), tg.softmax(outputs)),
    ):
        np.testing.assert_allclose(confidence(Sequential(last), outputs), expected, rtol=1e-6)


def test_a_round_trip_tells_what_was_asked_what_is_seen_and_how_sure():
    pictures = np.array([[0.0, 9.0], [9.0, 9.0], [-9.0, 0.0]])
    trip = round_trip(Sequential(Sigmoid()), pictures, [1, 1, 0])
    assert trip.seen.tolist() == [1, 0, 1]
    np.testing.assert_allclose(trip.own, tg.sigmoid(np.array([9.0, 9.0, -9.0])), rtol=1e-4)
    np.testing.assert_allclose(trip.share[1], 0.5)
    assert trip.returned == 1
    lines = str(trip).splitlines()
    assert lines[1].split() == ["1", "1", "1.000", "1.000", "0.667"]
    assert lines[-1] == "1 of 3 seen as what was asked for"
    assert len(lines) == 5


def test_a_round_trip_refuses_labels_that_do_not_fit():
    with pytest.raises(ValueError, match="expected one label for each row"):
        round_trip(Sequential(Sigmoid()), PICTURES, [0, 1])
    with pytest.raises(ValueError, match="expected labels 0…5"):
        round_trip(Sequential(Sigmoid()), PICTURES, [0, 1, 6])


def test_the_sheet_shows_every_picture_with_the_answer(tmp_path):
    pytest.importorskip("matplotlib")
    trip = round_trip(Sequential(Sigmoid()), PICTURES, [0, 1, 2])
    file = tmp_path / "sheet.png"
    figure = plot_round_trip(PICTURES, trip, file, title="walk", image_shape=(2, 3))
    assert file.read_bytes().startswith(b"\x89PNG")
    assert len(figure.axes) == 3
    for axes, picture, seen, sure, label in zip(
        figure.axes, PICTURES, trip.seen, trip.sure, trip.labels, strict=True
    ):
        np.testing.assert_allclose(axes.images[0].get_array(), picture.reshape(2, 3))
        assert axes.get_title() == f"asked for {label}\nsees {seen}, {sure:.1%} sure"
        assert (axes.title.get_color() == "black") == (seen == label)


def test_the_sheet_shows_colored_pictures_in_gray_and_needs_an_answer_for_each():
    pytest.importorskip("matplotlib")
    pictures = RNG.random((2, 3, 2, 2))
    trip = round_trip(Sequential(Flatten(), Sigmoid()), pictures)
    shown = plot_round_trip(pictures, trip).axes[1].images[0].get_array()
    np.testing.assert_allclose(shown, pictures[1].mean(axis=0))
    with pytest.raises(ValueError, match="shorter"):
        plot_round_trip(np.concatenate([pictures, pictures]), trip)


def test_the_saliency_picture_has_two_colors(tmp_path):
    pytest.importorskip("matplotlib")
    pictures, slopes = np.array([[0.0, 0.5, 1.0, 1.0]]), np.array([[2.0, -4.0, 0.0, 1.0]])
    figure = plot_saliency(pictures, slopes, ["says 1"], tmp_path / "saliency.png")
    _, gradient, times_ink = figure.axes
    speaks = gradient.images[1]
    red, _, blue, _ = speaks.cmap(speaks.norm(1.0))
    assert blue > red
    red, _, blue, _ = speaks.cmap(speaks.norm(-1.0))
    assert red > blue
    assert np.ravel(speaks.get_array()).tolist() == [1.0, -1.0, 0.0, 1.0]
    np.testing.assert_allclose(np.ravel(speaks.get_alpha()), [0.5, 1.0, 0.0, 0.25])
    np.testing.assert_allclose(np.ravel(times_ink.images[1].get_alpha()), [0.0, 1.0, 0.0, 0.5])
    assert (tmp_path / "saliency.png").exists()


def test_a_saliency_of_nothing_at_all_is_clear():
    pytest.importorskip("matplotlib")
    figure = plot_saliency(np.zeros((1, 4)), np.zeros((1, 4)), ["nothing"])
    assert not np.any(figure.axes[1].images[1].get_alpha())
