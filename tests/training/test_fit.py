"""Training: that networks learn, that one seed gives one result, and what happens when it goes wrong."""

import gc
import io
import math
import os
import re
import sys
import tracemalloc
from functools import cache

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
    Checkpoint,
    Dense,
    Dropout,
    EarlyStopping,
    Layer,
    Model,
    ReLU,
    RMSprop,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    TrainingDivergedError,
    Value,
    binary_cross_entropy,
    evaluate,
    fit,
    half_squared_error,
    mean_squared_error,
    predict,
    softmax_cross_entropy,
)
from tinygrad_edu.datasets import Compose, Pixels, Rotate, Shift, load_digits
from tinygrad_edu.training import accuracy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0)  # classes 0, 1, 2
QUIET = {"verbose": False}


def network(rng=0, dtype=np.float32):
    return Sequential(
        Dense(3, 16, dtype=dtype), ReLU(), Dropout(0.1), Dense(16, 3, dtype=dtype), rng=rng
    )


class First(Layer):
    """The first number of each sample, (N, …) → (N,)."""

    def forward(self, x):
        return x[:, 0]


def teach(model, x=X, y=Y, **options):
    defaults = {"loss": softmax_cross_entropy, "batch_size": 8, "rng": 0} | QUIET
    options = defaults | options
    options.setdefault("optimizer", Adam(model.parameters(), lr=0.01))
    return fit(model, x, y, **options)


def identical(one, other):
    """Return whether two states hold the same bits."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


@cache
def digits():
    pytest.importorskip("sklearn")
    return load_digits()


# ------------------------------------------------------------------------------------------------
# Learning
# ------------------------------------------------------------------------------------------------


def test_it_learns_xor():
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    model = Sequential(Dense(2, 8), Tanh(), Dense(8, 1), rng=0)
    history = model.fit(
        x, y, loss=binary_cross_entropy, optimizer=Adam(model.parameters(), lr=0.05), epochs=200,
        **QUIET,
    )  # fmt: skip
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.05 < 0.6 < history["loss"][0]
    np.testing.assert_array_equal(model.predict(x) > 0, y)


def test_it_learns_real_digits():
    data = digits()
    model = Sequential(Dense(64, 64), ReLU(), Dense(64, 10), rng=0)
    history = model.fit(
        data.x_train, data.y_train, loss=softmax_cross_entropy, epochs=20, batch_size=32, rng=0,
        optimizer=Adam(model.parameters(), lr=3e-3), **QUIET,
    )  # fmt: skip
    assert model.evaluate(data.x_test, data.y_test)["accuracy"] >= 0.95
    assert history["loss"][-1] < 0.1 * history["loss"][0]


@pytest.mark.parametrize(
    ("kind", "rate"), [(SGD, 0.5), (RMSprop, 0.01), (Adam, 0.02)], ids=["SGD", "RMSprop", "Adam"]
)
def test_every_optimizer_learns_a_line(kind, rate):
    x = np.linspace(-1, 1, 30)[:, None]
    model = Sequential(Dense(1, 1), rng=0)
    model.fit(
        x, 0.7 * x - 0.2, loss=mean_squared_error, optimizer=kind(model.parameters(), lr=rate),
        epochs=100, batch_size=10, rng=0, **QUIET,
    )  # fmt: skip
    assert model[0].weight.data.item() == pytest.approx(0.7, abs=0.03)
    assert model[0].bias.data.item() == pytest.approx(-0.2, abs=0.03)


def test_a_loop_written_by_hand_does_what_fit_does():
    one, other = network(), network()
    teach(one, epochs=3, shuffle=False)

    optimizer = Adam(other.parameters(), lr=0.01)
    other.train()
    for _ in range(3):
        for start in range(0, len(X), 8):
            loss = softmax_cross_entropy(other(X[start : start + 8]), Y[start : start + 8])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert identical(one.state_dict(), other.state_dict())


def test_training_against_pytorch():
    torch = pytest.importorskip("torch")
    ours = Sequential(Dense(3, 16, dtype=float), ReLU(), Dense(16, 3, dtype=float), rng=0)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)
    ).double()
    with torch.no_grad():
        for place in (0, 2):
            theirs[place].weight.copy_(torch.from_numpy(ours[place].weight.numpy().T))
            theirs[place].bias.copy_(torch.from_numpy(ours[place].bias.numpy()))
    history = teach(ours, epochs=3, shuffle=False)

    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    x, y = torch.from_numpy(X).double(), torch.from_numpy(Y)
    losses = []
    for start in list(range(0, len(X), 8)) * 3:
        optimizer.zero_grad()
        batch = slice(start, start + 8)
        loss = torch.nn.functional.cross_entropy(theirs(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    expected = np.reshape(losses, (3, 5)).mean(axis=1)
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-8)
    np.testing.assert_allclose(
        ours[2].weight.data, theirs[2].weight.detach().numpy().T, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays_that_of_the_model(dtype):
    model = network(dtype=dtype)
    for given in (np.float32, np.float64):
        teach(model, X.astype(given), validation_data=(X, Y))
    for value in model.parameters():
        assert value.dtype == value.grad.dtype == dtype
    assert model.predict(X).dtype == dtype


def test_a_network_of_ones_own_with_a_layer_of_ones_own_learns():
    class Scale(Layer):
        def __init__(self, size):
            self.factor = Value(np.ones(size))

        def forward(self, x):
            return x * self.factor

    class Parallel(Model):
        def __init__(self):
            self.layers = [Dense(3, 3, rng=0), Dense(3, 3, rng=1)]  # side by side, not in sequence
            self.scale = Scale(3)

        def forward(self, x):
            return self.scale(self.layers[0](x) + self.layers[1](x))

    model = Parallel()
    history = model.fit(
        X,
        Y,
        loss=softmax_cross_entropy,
        optimizer=Adam(model.parameters(), lr=0.05),
        epochs=5,
        **QUIET,
    )
    assert history["loss"][-1] < history["loss"][0]
    assert np.all(model.scale.factor.data != 1)


# ------------------------------------------------------------------------------------------------
# One seed, one result
# ------------------------------------------------------------------------------------------------


def curves(history):
    return {name: history[name] for name in history if name != "seconds"}


def test_one_seed_gives_one_history_and_one_network_to_the_last_bit():
    def run(seed, order):
        model = network(rng=seed)
        history = teach(model, epochs=3, rng=order, validation_data=(X[:10], Y[:10]))
        return curves(history), model.state_dict()

    (history, state), (again, same) = run(0, 1), run(0, 1)
    assert history == again
    assert identical(state, same)
    assert run(0, 2)[0] != history
    assert run(2, 1)[0] != history


def test_without_shuffling_no_random_numbers_are_drawn():
    rng = np.random.default_rng(0)
    teach(network(), shuffle=False, rng=rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_each_epoch_has_another_order():
    seen = []

    class Watch(Layer):
        def forward(self, x):
            if self.training:
                seen.append(np.asarray(x)[0].tolist())
            return x

    model = Sequential(Watch(), Dense(3, 3), rng=0)
    teach(model, epochs=4, batch_size=40)
    assert len({tuple(first) for first in seen}) > 1


def test_numpys_global_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    teach(network(rng=None), epochs=2, rng=None)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# ------------------------------------------------------------------------------------------------
# What is measured
# ------------------------------------------------------------------------------------------------


def test_the_loss_of_an_epoch_is_the_mean_over_samples_not_over_batches():
    losses = []

    def loss(output, target):
        value = mean_squared_error(output, target)
        if value.op is not None:  # not the trial before training
            losses.append((value.item(), len(target)))
        return value

    model = Sequential(Dense(3, 1), rng=0)
    history = teach(model, y=X[:, :1], loss=loss, batch_size=24)
    assert [count for _, count in losses] == [24, 16]
    assert history["loss"] == [pytest.approx(sum(l * n for l, n in losses) / 40, rel=1e-12)]  # noqa: E741


def test_validation_is_measured_after_each_epoch_without_dropout():
    model = network()
    history = teach(model, epochs=2, validation_data=(X, Y))
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    measured = model.evaluate(X, Y, loss=softmax_cross_entropy, batch_size=8)
    assert measured == {"loss": history["val_loss"][-1], "accuracy": history["val_accuracy"][-1]}


def test_a_loss_that_sums_over_its_batch_is_validated_in_batches_of_the_same_size():
    model = Sequential(Dense(3, 1), rng=0)
    target = X[:, :1]
    history = teach(
        model, X, target, loss=half_squared_error, optimizer=SGD(model.parameters(), lr=1e-9),
        validation_data=(X, target),
    )  # fmt: skip
    assert history["val_loss"] == pytest.approx(history["loss"], rel=1e-4)


def test_validation_data_may_be_pixels():
    pixels = Pixels(RNG.integers(0, 256, (40, 3), dtype=np.uint8))
    assert len(teach(network(), pixels, validation_data=[pixels, Y])["val_loss"]) == 1


def test_validation_data_changes_nothing_that_is_learned():
    one, other = network(), network()
    teach(one, epochs=2)
    teach(other, epochs=2, validation_data=(X, Y))
    assert identical(one.state_dict(), other.state_dict())


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "names"),
    [
        (softmax_cross_entropy, 3, Y, ["loss", "accuracy"]),
        (binary_cross_entropy, 1, (Y[:, None] > 0), ["loss", "accuracy"]),
        (mean_squared_error, 3, X, ["loss"]),
        (half_squared_error, 1, Y[:, None], ["loss"]),
    ],
)
def test_by_default_the_accuracy_is_measured_where_it_has_a_meaning(loss, outputs, target, names):
    model = Sequential(Dense(3, outputs), rng=0)
    history = teach(model, y=target, loss=loss, optimizer=SGD(model.parameters(), lr=1e-3))
    assert list(history) == [*names, "seconds"]
    assert list(model.evaluate(X, target, loss=loss)) == names


def test_metrics_of_ones_own_see_arrays():
    def worst(output, target):
        assert type(output) is type(target) is np.ndarray
        return np.max(np.abs(output - target))

    model = Sequential(Dense(3, 3), rng=0)
    history = teach(model, y=X, loss=mean_squared_error, metrics={"worst": worst}, batch_size=40)
    assert list(history) == ["loss", "worst", "seconds"]
    assert model.evaluate(X, X, metrics={"worst": worst})["worst"] > 0
    assert list(teach(model, y=X, loss=mean_squared_error, metrics={})) == ["loss", "seconds"]


def test_evaluate_knows_the_loss_of_the_last_fit():
    model = network()
    model.fit(X, Y, loss=softmax_cross_entropy, optimizer=Adam(model.parameters()), **QUIET)
    assert list(model.evaluate(X, Y)) == ["loss", "accuracy"]
    assert list(evaluate(model, X, Y)) == ["accuracy"]


def test_evaluate_and_predict_do_not_depend_on_the_batch_size_and_change_nothing():
    model = network()
    teach(model)
    model.train()
    before = model.state_dict()
    for size in (1, 7, 40, 1000):
        np.testing.assert_allclose(predict(model, X, batch_size=size), model.predict(X), rtol=1e-5)
        measured = evaluate(model, X, Y, loss=softmax_cross_entropy, batch_size=size)
        assert measured["loss"] == pytest.approx(
            evaluate(model, X, Y, loss=softmax_cross_entropy)["loss"], rel=1e-5
        )
    assert identical(model.state_dict(), before)
    assert model.training is model[2].training is True


def test_a_part_that_was_switched_off_stays_off_after_an_answer():
    model = Sequential(Sequential(Dense(3, 3), Dropout(0.5)), Dropout(0.5), rng=0)
    model[0].eval()
    model.predict(X)
    evaluate(model, X, X, loss=mean_squared_error)
    with pytest.raises(ValueError, match="has 3 inputs"):
        model.predict(X[:, :2])
    modes = [model, model[0], model[0][0], model[0][1], model[1]]
    assert [layer.training for layer in modes] == [True, False, False, False, True]


def test_predictions_are_a_plain_array_of_ones_own():
    model = network()
    answers = model.predict(X.tolist())
    assert type(answers) is np.ndarray
    answers[:] = 0
    assert np.any(model.predict(X))


def test_afterwards_the_model_answers():
    model = network()
    teach(model)
    assert model.training is model[2].training is False


# ------------------------------------------------------------------------------------------------
# Augmentation
# ------------------------------------------------------------------------------------------------


def test_augment_is_asked_for_each_batch_of_the_training_and_for_nothing_else():
    seen = []

    def augment(x, rng):
        seen.append((x.shape, x.dtype, rng))
        return x + np.float32(100)

    class Largest(Layer):
        """Notes the largest of its inputs, while learning and while answering."""

        def __init__(self):
            self.noted = {True: [], False: []}

        def forward(self, x):
            self.noted[self.training].append(x.max())
            return x

    spy = Largest()
    model = Sequential(spy, Dense(3, 3), rng=0)
    teach(model, batch_size=16, epochs=2, augment=augment, validation_data=(X, Y))
    assert [shape for shape, _, _ in seen] == [(1, 3)] + 2 * [(16, 3), (16, 3), (8, 3)]
    assert {dtype for _, dtype, _ in seen} == {np.dtype(np.float32)}
    assert len({id(rng) for _, _, rng in seen[1:]}) == 1
    assert len(spy.noted[True]) == 6
    assert min(spy.noted[True]) > 90
    assert max(spy.noted[False]) < 10


def test_augment_draws_from_the_seed_of_the_training():
    def noisy(x, rng):
        return x + rng.normal(size=x.shape).astype(x.dtype)

    states = []
    for seed, augment in [(0, noisy), (0, noisy), (1, noisy), (0, None)]:
        teach(model := network(), epochs=2, rng=seed, augment=augment)
        states.append(model.state_dict())
    assert identical(states[0], states[1])
    assert not identical(states[0], states[2])
    assert not identical(states[0], states[3])


def test_an_augment_that_changes_nothing_and_draws_nothing_changes_no_training():
    teach(one := network(), epochs=2)
    teach(other := network(), epochs=2, augment=lambda x, rng: x)
    assert identical(one.state_dict(), other.state_dict())


def test_each_epoch_sees_other_inputs_and_the_data_stay_as_they_are():
    x, sums = X.copy(), []

    def spoil(batch, rng):
        batch *= rng.uniform(size=batch.shape).astype(batch.dtype)  # in place
        sums.append(batch.sum())
        return batch

    teach(network(), x=x, batch_size=40, epochs=3, shuffle=False, augment=spoil)
    np.testing.assert_array_equal(x, X)
    assert len(set(sums)) == len(sums) == 4  # one to try it out


def test_an_augment_that_goes_wrong_later_is_stopped_there():
    calls = []

    def augment(x, rng):
        calls.append(x)
        return x if len(calls) < 4 else x[:-1]

    with pytest.raises(ValueError, match=r"\(8, 3\) and float32, got \(7, 3\) and float32"):
        teach(model := network(), augment=augment)
    assert not model.training


def test_who_learned_from_turned_and_moved_digits_reads_turned_and_moved_digits():
    data, augment = digits(), Compose(Rotate(20), Shift(1))
    changed = augment(data.x_test, rng=0)
    accuracies = []
    for chosen in (None, augment):
        model = Sequential(Dense(64, 64), ReLU(), Dense(64, 10), rng=0)
        adam = Adam(model.parameters(), lr=3e-3)
        teach(
            model,
            data.x_train,
            data.y_train,
            epochs=10,
            batch_size=32,
            optimizer=adam,
            augment=chosen,
        )
        accuracies.append(evaluate(model, changed, data.y_test)["accuracy"])
    assert accuracies[1] > accuracies[0] + 0.1, accuracies


# ------------------------------------------------------------------------------------------------
# Wrong input is refused before anything changes
# ------------------------------------------------------------------------------------------------


def last(y, value):
    """Return targets the last of which is wrong, so that a look at the first batch is not enough."""
    y = np.array(y)
    y[-1] = value
    return y


BAD_X = np.where(np.arange(40)[:, None] == 35, np.nan, X)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"x": X[:, :2]},
            ValueError,
            r"dense1 has 3 inputs and expects shape \(N, 3\), got \(40, 2\)",
        ),
        ({"x": X[0]}, ValueError, r"for one sample write x\[None\]"),
        ({"x": X[:30]}, ValueError, r"x has 30 samples, but y has shape \(40,\)"),
        ({"x": X[:0], "y": Y[:0]}, ValueError, "at least one sample in x"),
        ({"x": [[1, 2, 3], [1]], "y": Y[:2]}, ValueError, "samples of x differ in length"),
        (
            {"x": BAD_X},
            ValueError,
            "x holds 3 numbers that are NaN or infinite, the first in sample 35",
        ),
        ({"y": last(Y, 3)}, ValueError, "labels 0…2 for 3 classes, got 3 .*count classes from 0"),
        ({"y": Y + 1}, ValueError, r"got 3 \(\d+ of 40 are outside\)"),
        ({"y": last(Y, -1)}, ValueError, "labels 0…2 for 3 classes, got -1"),
        (
            {"y": Y.astype(float)},
            TypeError,
            r"integer labels 0…2, got dtype float64; .*astype\(int\)",
        ),
        ({"y": np.eye(3)[Y]}, TypeError, r"one-hot rows into labels with y\.argmax\(axis=1\)"),
        ({"y": Y.astype(str)}, TypeError, r"numbers in y, got dtype <U21; .*return_inverse=True"),
        ({"y": Y[:, None]}, ValueError, r"one label for each row of logits"),
        ({"y": None}, TypeError, "expected targets y, .* got None; .* give x for both"),
        ({"batch_size": 0}, ValueError, "batch_size from 1 to 40, the number of samples, got 0"),
        ({"batch_size": -1}, ValueError, "batch_size from 1 to 40"),
        ({"batch_size": 41}, ValueError, "batch_size from 1 to 40, the number of samples, got 41"),
        ({"batch_size": True}, ValueError, "batch_size from 1 to 40, .* got True"),
        ({"epochs": 0}, ValueError, "at least one epoch, got 0"),
        ({"epochs": 1.5}, TypeError, r"a whole number of epochs, got 1\.5"),
        ({"epochs": True}, TypeError, "a whole number of epochs, got True"),
        ({"epochs": "3"}, TypeError, "a whole number of epochs, got '3'"),
        ({"epochs": None}, TypeError, "a whole number of epochs, got None"),
        ({"epoch": 3}, TypeError, r"^fit\(\) has no option epoch; did you mean epochs\?"),
        ({"lr": 0.1}, TypeError, r"no option lr; write optimizer=Adam\(model\.parameters\(\), lr="),
        ({"validation_split": 0.1}, TypeError, r"write validation_data=\(x_val, y_val\)"),
        (
            {"callbacks": [EarlyStopping]},
            TypeError,
            r"the class EarlyStopping; .* EarlyStopping\(…\)",
        ),
        (
            {"callbacks": [EarlyStopping()]},
            KeyError,
            "no 'val_loss' is measured; .* pass validation",
        ),
        (
            {"callbacks": [EarlyStopping("f1", mode="max")]},
            KeyError,
            "no 'f1' is measured; there are loss,",
        ),
        (
            {"x": X * np.float64(1e39)},
            ValueError,
            r"x reaches .*e\+39, and float32, .* up to 3\.4e\+38; scale",
        ),
        ({"x": -np.eye(40, 3) * 1e200}, ValueError, r"x reaches 1e\+200, and float32"),
        (
            {"validation_data": (X * np.float64(1e39), Y)},
            ValueError,
            "x_val reaches .*, and float32",
        ),
        (
            {"loss": mean_squared_error},
            ValueError,
            r"targets of the output's shape \(40, 3\), got \(40,\); for classes take softmax_cross_entropy",
        ),
        (
            {"loss": lambda o, y: o.sum(axis=1)},
            ValueError,
            r"single number, got shape \(1,\); .* mean",
        ),
        (
            {"loss": lambda o, y: o.sum().item()},
            TypeError,
            "loss to return a Value, got float; compute",
        ),
        ({"loss": lambda o, y: Value(o.data).sum()}, RuntimeError, "no parameter has a gradient"),
        ({"validation_data": (X[:, :2], Y)}, ValueError, "dense1 has 3 inputs"),
        ({"validation_data": (X, last(Y, 7))}, ValueError, "labels 0…2 for 3 classes, got 7"),
        ({"validation_data": (X, Y[:5])}, ValueError, "x_val has 40 samples, but y_val has shape"),
        ({"validation_data": (BAD_X, Y)}, ValueError, "x_val holds 3 numbers"),
        ({"validation_data": 0.2}, TypeError, r"validation_data=\(x_val, y_val\), .* got float"),
        ({"validation_data": X}, TypeError, r"validation_data=\(x_val, y_val\), .* got ndarray"),
        ({"validation_data": (X, Y, X)}, TypeError, r"validation_data=\(x_val, y_val\)"),
        (
            {"metrics": ["accuracy"]},
            TypeError,
            r"metrics as functions by name, for example \{'accuracy': accuracy\}",
        ),
        ({"metrics": {"wrong": lambda o, y: 1 / 0}}, ZeroDivisionError, "division by zero"),
        *(
            (
                {"metrics": {name: accuracy}},
                ValueError,
                f"cannot be called {name or 'nothing'}, which .* call it my_",
            )
            for name in ("loss", "count", "self", "seconds", "val_loss", "val_mine", "")
        ),
        ({"metrics": {1: accuracy}}, TypeError, "metrics as functions by name"),
        (
            {"callbacks": EarlyStopping("loss")},
            TypeError,
            r"a list of callbacks, .* got .*callbacks=\[",
        ),
        ({"callbacks": ["early"]}, TypeError, r"a list of callbacks, .* got \['early'\]"),
        ({"augment": 0.1}, TypeError, r"augment to be a function \(inputs, rng\), .* got 0.1"),
        ({"augment": Rotate}, TypeError, r"such as datasets.Rotate\(10\), got <class .*Rotate"),
        ({"augment": Rotate(10)}, ValueError, "3 pixels make no square"),
        ({"augment": lambda x, rng: None}, TypeError, "augment to return an array .* got None"),
        (
            {"augment": lambda x, rng: x.tolist()},
            TypeError,
            "augment to return an array .* got list$",
        ),
        (
            {"augment": lambda x, rng: x[:, :2]},
            ValueError,
            r"augment to return .* \(1, 3\) and float32, got \(1, 2\) and float32",
        ),
        (
            {"augment": lambda x, rng: x + rng.random(x.shape)},
            ValueError,
            r"\(1, 3\) and float32, got \(1, 3\) and float64",
        ),
        ({"augment": lambda x, rng: np.full_like(x, np.nan)}, ValueError, "returned NaN or"),
        ({"loss": None}, TypeError, "loss to be a function .* got None"),
        ({"rng": "a"}, TypeError, "expected rng to be a seed, .* or a Generator, got 'a'"),
        ({"rng": -1}, TypeError, "expected rng to be a seed, .* or a Generator, got -1"),
        ({"loss": "mse"}, TypeError, "loss to be a function .* mean_squared_error, got 'mse'"),
        ({"optimizer": "adam"}, TypeError, r"got 'adam'; .* Adam\(model\.parameters\(\)\)"),
        ({"optimizer": Adam}, TypeError, r"an optimizer, got <class .*Adam\(model\.parameters"),
        ({"metrics": {"accuracy": "accuracy"}}, TypeError, "metrics as functions by name"),
        (
            {"optimizer": SGD(network().parameters())},
            ValueError,
            r"no parameter of this model; .*Adam\(",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_any_weight_changes(options, error, message):
    model = network()
    before = model.state_dict()
    with pytest.raises(error, match=message):
        teach(model, **options)
    assert identical(model.state_dict(), before)


MASKED = np.ma.array(X, mask=X > 1)


@pytest.mark.parametrize(
    "options",
    [
        {"x": MASKED},
        {"x": list(MASKED)},
        {"y": np.ma.array(Y, mask=Y == 0)},
        {"x": np.ma.array(X)},
        {"validation_data": (MASKED, Y)},
        {"validation_data": (X, np.ma.array(Y, mask=Y == 0))},
    ],
)
def test_masked_numbers_are_not_learned(options):
    model = network()
    before = model.state_dict()
    with pytest.raises(
        TypeError, match=r"numbers in [xy](_val)?, got a masked array.*\.filled\(0\)"
    ):
        teach(model, **options)
    with pytest.raises(TypeError, match="masked array"):
        model.predict(MASKED)
    assert identical(model.state_dict(), before)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            lambda: (row for row in X),
            r"all samples in x, got a generator; .* np\.stack\(list\(x\)\)",
        ),
        (lambda: iter(X), "got a .*iterator"),
        (lambda: map(np.asarray, X), "got a map"),
        (lambda: {"a": X}, "expected an array of all samples in x, got a dict"),
        (lambda: np.array([[1.0, None]] * 40), "got dtype object; the first that is none is None"),
        (
            lambda: np.array([[1.0, 2]] * 40, object),
            r"first, for example with np\.asarray\(x, dtype=float\)",
        ),
    ],
)
def test_what_is_no_array_is_answered_with_what_to_do(data, message):
    with pytest.raises(TypeError, match=message):
        teach(network(), x=data())


def test_sparse_arrays_are_answered_with_what_to_do():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.coo_array):
        with pytest.raises(TypeError, match=r"sparse one; give x\.toarray\(\)"):
            teach(network(), x=kind(X))


def test_tables_of_numbers_are_learned_from_and_others_answered_with_their_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    learned = teach(one := network(), epochs=2)["loss"]
    assert teach(other := network(), x=frame, y=pandas.Series(Y), epochs=2)["loss"] == learned
    assert identical(one.state_dict(), other.state_dict())
    mixed = frame.assign(b=frame.b > 0, c=np.arange(40))
    teach(network(), x=mixed)
    teach(network(), x=frame.assign(a=frame.a.astype("Float64")))
    for column in (["x"] * 40, [None] * 40, pandas.Categorical(["x"] * 40)):
        with pytest.raises(
            TypeError, match=r"numbers in x, .*; make numbers of the columns b, or leave"
        ):
            teach(network(), x=frame.assign(b=column))
    with pytest.raises((TypeError, ValueError), match="x"):
        teach(network(), x=frame.assign(a=frame.a.mask(frame.a > 1).astype("Float64")))


class Embedding(Layer):
    """Looks up a row for each whole number: (N, T) → (N, T·d)."""

    def __init__(self, many, d):
        self.many, self.d = many, d
        self.table = Value(np.random.default_rng(0).normal(size=(many, d)).astype(np.float32))

    def forward(self, x):
        assert x.dtype.kind in "iu"
        return self.table[x].reshape(len(x), -1)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_whole_numbers_stay_whole_for_a_layer_that_looks_them_up(dtype):
    words = np.random.default_rng(0).integers(0, 200, (40, 3)).astype(dtype)
    model = Sequential(Embedding(200, 2), Dense(6, 3), rng=0)
    history = teach(model, words, Y, epochs=30, validation_data=(words, Y))
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert model.predict(words).shape == (40, 3)
    assert model.evaluate(words, Y)["accuracy"] == history["val_accuracy"][-1]


@pytest.mark.parametrize("error", [IndexError, TypeError])
def test_a_lookup_that_fails_with_whole_numbers_too_is_told_as_it_is(error):
    class Failing(Layer):
        def forward(self, x):
            raise error(f"not with {x.dtype}")

    with pytest.raises(error, match="not with float32"):
        teach(Sequential(Failing(), Dense(3, 3)), x=np.ones((40, 3), int))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_whole_numbers_become_floats_for_all_other_layers(dtype):
    seen = []

    class Watch(Layer):
        def forward(self, x):
            seen.append(x.dtype)
            return x - 1  # bytes would wrap round

    x = (X > 0).astype(dtype)
    one, other = (Sequential(Watch(), Dense(3, 3), rng=0) for _ in range(2))
    teach(one, x=x)
    teach(other, x=x.astype(np.float32))
    assert set(seen) == {np.dtype(np.float32)}
    assert identical(one.state_dict(), other.state_dict())


def test_rows_of_whole_numbers_stay_whole_for_a_loss_that_takes_nothing_else():
    words = np.random.default_rng(0).integers(0, 5, (40, 3))

    def loss(output, target):
        return softmax_cross_entropy(output.reshape(-1, 5), target.reshape(-1))

    model = Sequential(Embedding(5, 5), Dense(15, 15), rng=0)
    history = teach(model, words, words, loss=loss, epochs=20, validation_data=(words, words))
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: teach(Sequential(Dense(3, 3)), x=x), r"\(40, 2\)"),
        (lambda x: teach(Sequential(Dense(2, 1), Dense(4, 3)), x=x), r"\(40, 1\)"),
        (
            lambda x: teach(Sequential(Dense(2, 3)), x=x, validation_data=(x[:7, :1], Y[:7])),
            r"\(7, 1\)",
        ),
        (lambda x: evaluate(Sequential(Dense(3, 3)), x, Y), r"\(40, 2\)"),
        (
            lambda x: teach(Sequential(Dense(2, 3)), x, loss=lambda o, y: Dense(4, 1)(o).mean()),
            r"\(40, 3\)",
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_that_of_what_was_given_not_of_what_was_tried(call, shape):
    with pytest.raises(ValueError, match=rf"expects shape .*, got {shape}"):
        call(X[:, :2])


def test_warnings_point_at_the_line_that_called_the_training():
    model = Sequential(Dense(3, 8), ReLU(), Dense(8, 3), rng=0)
    model[0].bias.data = np.full(8, -1e6)
    pixels = np.tile([[0, 200, 255]], (40, 1))
    optimizer = SGD(model.parameters(), lr=1e-9)
    with pytest.warns(UserWarning, match="pixels|silent") as caught:
        model.fit(pixels, Y, loss=softmax_cross_entropy, optimizer=optimizer, **QUIET)
    assert len(caught) == 2
    with pytest.warns(UserWarning, match="pixels") as also:
        model.predict(pixels)
    with pytest.warns(UserWarning, match="compares each output") as again:
        teach(Sequential(Dense(3, 1), rng=0), y=Y, loss=squared)
    assert {warning.filename for warning in [*caught, *also, *again]} == {__file__}


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "names"),
    [
        (lambda o, y: 2.0 * softmax_cross_entropy(o, y), 3, Y, ["loss", "accuracy"]),
        (lambda o, y: softmax_cross_entropy(o / 2, y), 3, Y.astype(np.uint8), ["loss", "accuracy"]),
        (lambda o, y: ((o - np.eye(3)[y]) ** 2).mean(), 3, Y, ["loss", "accuracy"]),
        (lambda o, y: ((o[:, 0] - y) ** 2).mean(), 1, Y, ["loss"]),
        (lambda o, y: ((o[:, 0] - y) ** 2).mean(), 2, Y, ["loss"]),
        (lambda o, y: ((o - X[: len(y)]) ** 2).mean(), 3, Y - 1, ["loss"]),
    ],
)
def test_with_a_loss_of_ones_own_the_accuracy_is_measured_where_each_class_has_a_score(
    loss, outputs, target, names
):
    model = Sequential(Dense(3, outputs), rng=0)
    history = teach(model, y=target, loss=loss, validation_data=(X[:8], target[:8]))
    assert list(history) == [*names, *(f"val_{name}" for name in names), "seconds"]
    assert list(model.evaluate(X[:8], target[:8], loss=loss)) == names


@pytest.mark.parametrize("target", [2, -1])
def test_a_yes_or_no_that_is_neither_is_found_wherever_it_stands(target):
    model = Sequential(Dense(3, 1), rng=0)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"expected targets from 0 to 1, got"):
        teach(model, y=last((Y[:, None] > 0).astype(int), target), loss=binary_cross_entropy)
    assert identical(model.state_dict(), before)


def test_a_column_of_outputs_against_a_row_of_targets_is_refused():
    model = Sequential(Dense(3, 1), rng=0)
    before = model.state_dict()
    for loss in (mean_squared_error, binary_cross_entropy):
        with pytest.raises(ValueError, match=r"\(40, 1\), got \(40,\); reshape .*y\[:, None\]"):
            teach(model, y=(Y > 0), loss=loss)
    assert identical(model.state_dict(), before)


def squared(output, target):
    return ((output - target) ** 2).mean()


@pytest.mark.parametrize(
    ("outputs", "target", "message"),
    [
        (Dense(3, 1), Y, r"model gives shape \(N, 1\), y has \(N,\), .*train with y\[:, None\] instead"),
        (First(), Y[:, None], r"model gives shape \(N,\), y has \(N, 1\), .* y\[:, 0\] instead"),
    ],
    ids=["column", "row"],
)  # fmt: skip
def test_a_loss_of_ones_own_that_compares_each_with_each_is_warned_of(outputs, target, message):
    model = Sequential(Dense(3, 3), outputs, rng=0)
    with pytest.warns(UserWarning, match=message) as caught:
        teach(model, y=target, loss=squared, epochs=2)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (squared, Y[:, None]),
        (lambda o, y: squared(o, y[:, None]), Y),
        (lambda o, y: squared(o[:, 0], y), Y),
        (lambda o, y: squared(o, o.T) + squared(o[:, 0], y), Y),  # each pair is meant
    ],
)
def test_a_loss_of_ones_own_that_compares_one_with_one_is_not_warned_of(loss, target):
    teach(Sequential(Dense(3, 1), rng=0), y=target, loss=loss)


def test_what_fails_within_a_loss_of_ones_own_names_the_shapes_that_were_given():
    with pytest.raises(ValueError, match="for classes take") as caught:
        teach(network(), loss=lambda o, y: 2.0 * mean_squared_error(o, y))
    assert caught.value.__notes__[-1].endswith("the model gives shape (40, 3), y has (40,)")


class Cut(Layer):
    """Passes the numbers on, but not the gradient."""

    def forward(self, x):
        return x.data


def test_parameters_that_get_no_gradient_are_warned_of_once():
    model = Sequential(Dense(3, 4), Cut(), Dense(4, 3), rng=0)
    with pytest.warns(
        UserWarning,
        match=r"^dense1\.weight, dense1\.bias got no gradient: the loss .* is \.data, detach\(\) or",
    ) as caught:
        teach(model, epochs=2)
    assert len(caught) == 1


def test_frozen_parameters_need_no_gradient():
    model = Sequential(Dense(3, 4), Cut(), Dense(4, 3), rng=0)
    teach(model, optimizer=SGD(model[2].parameters()))


@pytest.mark.parametrize(
    ("layer", "loss", "target"),
    [(Softmax(), softmax_cross_entropy, Y), (Sigmoid(), binary_cross_entropy, np.eye(3)[Y])],
)
@pytest.mark.parametrize("nested", [False, True])
def test_softmax_or_sigmoid_twice_is_refused(layer, loss, target, nested):
    layers = [Dense(3, 3), layer]
    model = Sequential(Sequential(*layers)) if nested else Sequential(*layers)
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"contains the .* already, and twice is wrong: leave out"):
        teach(model, y=target, loss=loss)
    assert identical(model.state_dict(), before)


def test_pixels_from_0_to_255_are_warned_of():
    with pytest.warns(
        UserWarning, match=r"looks like pixels from 0 to 255.* datasets\.Pixels\(x\)"
    ):
        teach(network(), RNG.integers(0, 256, (40, 3), dtype=np.uint8), batch_size=40)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.predict(X[0]), r"for one sample write x\[None\]"),
        (lambda m: m.predict(X[:, :2]), r"dense1 has 3 inputs and expects shape \(N, 3\)"),
        (lambda m: m.predict(X[:0]), "at least one sample"),
        (lambda m: m.predict(BAD_X), "the first in sample 35"),
        (lambda m: m.predict(X, batch_size=0), "expected a batch_size from 1 to 40, .* got 0"),
        (lambda m: m.predict(X, batch_size=-1), "expected a batch_size from 1 to 40, .* got -1"),
        (
            lambda m: m.predict(X, batch_size=None),
            "expected a batch_size from 1 to 40, .* got None",
        ),
        (lambda m: m.predict(X, batch_size=2.5), "expected a batch_size from 1 to 40, .* got 2.5"),
        (lambda m: m.evaluate(X, Y[:5]), r"x has 40 samples, but y has shape \(5,\)"),
        (lambda m: m.evaluate(X, Y + 1, loss=softmax_cross_entropy), "count classes from 0"),
        (lambda m: m.evaluate(X, X), r"nothing to measure.*write evaluate\(x, y, loss=…\)"),
        (lambda m: evaluate(m, X, Y, batch_size=0), "expected a batch_size from 1 to 40"),
    ],
)
def test_predict_and_evaluate_refuse_what_does_not_fit(call, message):
    model = network()
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        call(model)
    assert identical(model.state_dict(), before)


def test_small_data_needs_no_batch_size():
    model = network()
    history = fit(
        model, X[:5], Y[:5], loss=softmax_cross_entropy, optimizer=SGD(model.parameters()), **QUIET
    )
    assert len(history) == 1


# ------------------------------------------------------------------------------------------------
# Divergence
# ------------------------------------------------------------------------------------------------


def watched(loss, model):
    """Return the loss, and a list that remembers the weights with which it was finite in training."""
    states = []

    def watch(output, target):
        value = loss(output, target)
        if value.op is not None and math.isfinite(value.item()):
            states.append(model.state_dict())
        return value

    return watch, states


@pytest.mark.parametrize("batch_size", [8, 40], ids=["within an epoch", "between epochs"])
def test_an_exploding_loss_is_explained_and_the_last_good_weights_are_kept(batch_size):
    model = Sequential(Dense(3, 8), ReLU(), Dense(8, 3), rng=0)
    loss, states = watched(mean_squared_error, model)
    with np.errstate(all="raise"), pytest.raises(TrainingDivergedError) as caught:
        teach(
            model, y=X, loss=loss, epochs=50, batch_size=batch_size, validation_data=(X, X),
            optimizer=SGD(model.parameters(), lr=1e6),
        )  # fmt: skip
    error = caught.value
    assert re.match(
        rf"the (loss|weights) became (nan|inf|infinite or NaN) in epoch {error.epoch}, "
        rf"batch {error.batch}; .*A learning rate of a tenth may help: lr=100000$",
        str(error),
    )
    assert len(states) > 1
    assert identical(model.state_dict(), states[-1])
    assert len(error.history) == error.epoch - 1
    assert len(states) <= len(error.history) * -(-40 // batch_size) + error.batch
    assert np.all(np.isfinite(model.predict(X[:1])))
    assert model.training is False


def test_weights_that_the_very_last_step_has_ruined_are_noticed():
    model = Sequential(Dense(3, 3), rng=0)
    before = model.state_dict()
    with pytest.raises(
        TrainingDivergedError, match=r"weights became infinite .* epoch 1, batch 1; the"
    ):
        teach(
            model, y=X * 1e10, loss=mean_squared_error, batch_size=40,
            optimizer=SGD(model.parameters(), lr=1e30),
        )  # fmt: skip
    assert identical(model.state_dict(), before)


def test_the_first_layer_that_gives_no_numbers_is_named():
    class Logarithm(Layer):
        def forward(self, x):
            return x.log()

    model = Sequential(Dense(3, 3), Logarithm(), Dense(3, 3), rng=0)
    before = model.state_dict()
    what = "the loss became nan in epoch 1, batch 1; the first layer to give NaN or infinity is logarithm1"
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match=what):
        teach(model)
    assert identical(model.state_dict(), before)


def test_of_a_model_of_ones_own_at_least_the_model_is_named():
    class Own(Model):
        def __init__(self):
            self.dense = Dense(3, 3, rng=0)

        def forward(self, x):
            return self.dense(x).log()

    what = "the first layer to give NaN or infinity is Own"
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match=what):
        teach(Own())


def test_a_loss_that_overflows_by_itself_is_named():
    def loss(output, target):
        return mean_squared_error(output, target) * (math.inf if output.op else 1.0)

    with pytest.raises(TrainingDivergedError, match="it is the loss itself that overflows"):
        teach(network(), y=X, loss=loss)


def test_a_diverged_training_ends_with_the_best_weights_if_they_are_watched():
    model = Sequential(Dense(3, 3), rng=0)
    rates = [0.1] * 10 + [1e30] * 90
    with pytest.raises(TrainingDivergedError) as caught:
        teach(
            model, y=X, loss=mean_squared_error, batch_size=40, epochs=20, validation_data=(X, X),
            optimizer=SGD(model.parameters(), lr=lambda step: rates[step]),
            callbacks=[EarlyStopping(patience=9)],
        )  # fmt: skip
    best = min(caught.value.history["val_loss"])
    assert model.evaluate(X, X, loss=mean_squared_error)["loss"] == best


@pytest.mark.parametrize("scale", [1e25, 1e30])
def test_data_that_are_too_large_are_not_blamed_on_the_rate(scale):
    model = Sequential(Dense(3, 3), rng=0)
    before = model.state_dict()
    with pytest.raises(
        TrainingDivergedError, match=r"The inputs reach .*e\+\d\d: scale them"
    ) as caught:
        teach(model, x=X * scale, y=X, loss=mean_squared_error, batch_size=40)
    assert "rate" not in str(caught.value)
    assert "No step was taken yet" in str(caught.value)
    assert identical(model.state_dict(), before)


def test_silent_neurons_are_warned_of():
    model = Sequential(Dense(3, 8), ReLU(), Dense(8, 3), rng=0)
    model[0].bias.data = np.full(8, -100.0)
    with pytest.warns(UserWarning, match=r"all neurons of relu1 are silent .*LeakyReLU\(\)"):
        teach(model)


def test_some_silent_neurons_are_not_warned_of():
    model = Sequential(Dense(3, 8), ReLU(), Dense(8, 3), rng=0)
    model[0].bias.data = [-100.0] * 7 + [1.0]
    teach(model)  # warnings are errors in tests


# ------------------------------------------------------------------------------------------------
# Ctrl-C
# ------------------------------------------------------------------------------------------------


def test_ctrl_c_in_the_middle_of_an_epoch_keeps_weights_and_history(capsys):
    model = network()
    loss, states = watched(softmax_cross_entropy, model)

    def interrupted(output, target):
        if len(states) == 12:
            raise KeyboardInterrupt
        return loss(output, target)

    history = teach(model, loss=interrupted, epochs=10, verbose=True)
    assert history.stopped == "Ctrl-C"
    assert len(history) == 2
    assert "stopped by Ctrl-C after 2 whole epochs; the weights are kept" in capsys.readouterr().out
    assert len(states) == 12
    assert not identical(model.state_dict(), states[-1])  # the step of the twelfth batch was taken
    assert model.training is False
    teach(model)  # and one may go on


def test_ctrl_c_in_a_callback_keeps_the_epoch_that_has_ended():
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    history = teach(network(), epochs=10, callbacks=[interrupt])
    assert (len(history), history.stopped) == (3, "Ctrl-C")


def test_after_ctrl_c_the_best_weights_return_if_they_are_watched():
    model = network()

    def interrupt(epoch):
        if epoch.number == 2:
            model[0].weight.data = np.full((3, 16), 9.0)  # much worse than what was learned
        if epoch.number == 3:
            raise KeyboardInterrupt

    history = teach(
        model, epochs=10, validation_data=(X, Y), callbacks=[EarlyStopping(), interrupt]
    )
    best = min(history["val_loss"])
    measured = model.evaluate(X, Y, loss=softmax_cross_entropy, batch_size=8)
    assert measured["loss"] == best < history["val_loss"][-1]


# ------------------------------------------------------------------------------------------------
# Errors on the way
# ------------------------------------------------------------------------------------------------


def failing(epoch):
    if epoch.number == 3:
        raise OSError(28, "No space left on device")


def test_a_callback_that_fails_loses_no_history():
    finished = []

    class Closing:
        def __call__(self, epoch):
            pass

        def finish(self, model):
            finished.append(model.training)

    model = network()
    with pytest.raises(OSError, match="No space left") as caught:
        teach(model, epochs=9, callbacks=[failing, Closing()])
    assert len(model.history) == 3
    assert caught.value.history is model.history
    assert caught.value.__notes__ == [
        "epochs measured before: 3; they stand in the attribute `history` of this error, and of the model"
    ]
    assert finished == [False]


def test_a_disk_that_is_full_loses_no_history_and_no_file(tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    model, path, written = network(), tmp_path / "run.safetensors", []

    def fsync(descriptor):
        written.append(descriptor)
        if len(written) == 4:  # one for trial, two epochs
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        teach(model, epochs=9, callbacks=[Checkpoint(path, keep="last")])
    assert len(model.history) == 3
    assert os.listdir(tmp_path) == ["run.safetensors"]
    resumed = teach(other := network(5), epochs=5, resume=path)
    assert curves(resumed) == curves(teach(one := network(), epochs=5))
    assert identical(one.state_dict(), other.state_dict())


def test_one_callback_that_cannot_finish_keeps_none_from_finishing():
    finished = []

    class Closing:
        def __init__(self, error):
            self.error = error

        def __call__(self, epoch):
            pass

        def finish(self, model):
            finished.append(self)
            if self.error:
                raise self.error

    callbacks = [Closing(OSError("one")), Closing(None), Closing(ValueError("two"))]
    model = network()
    with pytest.raises(OSError, match="one") as caught:
        teach(model, epochs=2, callbacks=callbacks)
    assert finished == callbacks
    assert len(model.history) == len(caught.value.history) == 2
    with pytest.raises(OSError, match="No space left") as caught:
        teach(model, epochs=4, callbacks=[failing, *callbacks])
    assert "at the end of the training: OSError('one')" in caught.value.__notes__[-1]


def test_a_history_of_a_models_own_is_left_alone():
    class Own(Model):
        def __init__(self):
            self.dense = Dense(3, 3, rng=0)
            self.history = "of this model"

        def forward(self, x):
            return self.dense(x)

    model = Own()
    assert len(teach(model, epochs=2)) == 2
    assert model.history == "of this model"


# ------------------------------------------------------------------------------------------------
# What is shown
# ------------------------------------------------------------------------------------------------


def test_without_a_terminal_there_is_one_plain_line_an_epoch(capfd):
    teach(network(), epochs=2, validation_data=(X, Y), verbose=True)
    shown = capfd.readouterr()
    assert shown.err == ""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", shown.out)
    number = r"\d\.\d{4}"
    line = (
        rf"loss {number}  accuracy {number}  val_loss {number}  val_accuracy {number}  [\d.]+ m?s\n"
    )
    assert re.fullmatch(rf"epoch 1/2  {line}epoch 2/2  {line}", shown.out)


def test_in_a_terminal_there_is_a_bar_and_it_is_gone_when_something_happens(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    model = Sequential(Dense(3, 3), rng=0)
    optimizer = SGD(model.parameters(), lr=1e30)
    with pytest.raises(TrainingDivergedError) as caught:
        teach(model, y=X, loss=mean_squared_error, optimizer=optimizer, verbose=True)
    assert "epoch 1/1:   0%" in stream.getvalue()
    assert stream.getvalue().endswith("\r")
    assert caught.value.epoch == 1  # the error, and with it the frames that drew the bar, live on
    assert "\r" not in capsys.readouterr().out


def test_it_learns_the_same_without_tqdm(capsys, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    with_bar = teach(network(), epochs=2, verbose=True)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    stream.truncate(0)
    assert curves(teach(network(), epochs=2, verbose=True)) == curves(with_bar)
    assert stream.getvalue() == ""
    assert capsys.readouterr().out.count("epoch 2/2") == 2


def test_silence_if_wanted(capfd):
    teach(network(), epochs=2, callbacks=[lambda epoch: epoch.stop("now")])
    assert capfd.readouterr() == ("", "")


def test_a_reason_to_stop_is_shown(capsys):
    teach(network(), epochs=3, verbose=True, callbacks=[lambda epoch: epoch.stop("good enough")])
    assert capsys.readouterr().out.endswith("stopped: good enough\n")


def test_a_checkpoint_during_training_can_be_loaded(tmp_path):
    pytest.importorskip("safetensors")
    model, path = network(), tmp_path / "best.safetensors"
    history = teach(model, epochs=4, validation_data=(X, Y), callbacks=[Checkpoint(path)])
    loaded = Sequential.load(path)
    measured = loaded.evaluate(X, Y, loss=softmax_cross_entropy, batch_size=8)
    assert measured["loss"] == min(history["val_loss"])


# ------------------------------------------------------------------------------------------------
# Memory
# ------------------------------------------------------------------------------------------------


def test_pixels_never_become_floats_all_at_once():
    raw = np.random.default_rng(0).integers(
        0, 256, (20_000, 100), dtype=np.uint8
    )  # 8 MB as float32
    labels = np.arange(20_000) % 3
    model = Sequential(Dense(100, 3), rng=0)
    tracemalloc.start()
    try:
        teach(model, Pixels(raw), labels, batch_size=100, validation_data=(Pixels(raw), labels))
        model.predict(Pixels(raw))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_500_000


def growth(work, times):
    """Return by how many bytes memory grows, with the garbage collector off, and check that it has no work.

    (What Python keeps for its next small tuples is no growth; collecting drops it, before and after.)
    """
    work()  # imports, caches
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(times):
            work()
        assert gc.collect() == 0
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    return after - before


def test_training_steps_leave_no_memory_behind_without_the_garbage_collector():
    model = network()
    optimizer = Adam(model.parameters())

    def step():
        loss = softmax_cross_entropy(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert growth(step, 500) < 50_000  # 100 bytes a step: less than the smallest Value


def test_epochs_leave_no_memory_behind_without_the_garbage_collector():
    model = network()
    optimizer = Adam(model.parameters())
    metrics = {"accuracy": accuracy}

    def train():
        teach(model, epochs=10, optimizer=optimizer, metrics=metrics, validation_data=(X, Y))

    assert growth(train, 10) < 50_000  # of 500 steps
