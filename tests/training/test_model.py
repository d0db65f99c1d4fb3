"""Models: Sequential's names, what it refuses, its summary; and models of one's own."""

import copy
import pickle

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Model,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Value,
    binary_cross_entropy,
    mean_squared_error,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype(np.float32)


def network():
    return Sequential(Dense(3, 4), ReLU(), Dense(4, 2), rng=0)


def names(model):
    return [p.name for p in model.parameters()]


# ------------------------------------------------------------------------------------------------
# Sequential
# ------------------------------------------------------------------------------------------------


def test_each_layer_gets_the_output_of_the_one_before():
    model = network()
    np.testing.assert_array_equal(model(X).data, model[2](model[1](model[0](X))).data)


def test_layers_and_parameters_are_named_by_kind_and_number():
    model = Sequential(Dense(3, 4), ReLU(), Dense(4, 4, bias=False), ReLU(), Dense(4, 2))
    assert [layer.name for layer in model] == ["dense1", "relu1", "dense2", "relu2", "dense3"]
    assert names(model) == [
        "dense1.weight", "dense1.bias", "dense2.weight", "dense3.weight", "dense3.bias",
    ]  # fmt: skip


def test_a_slice_is_a_model_that_shares_the_weights():
    model = network()
    first = model[:2]
    assert isinstance(first, Sequential)
    np.testing.assert_array_equal(first.predict(X), model[1](model[0](X)).data)
    assert first[0] is model[0]
    last = model[1:]
    assert list(last) == [model[1], model[2]]
    assert [layer.name for layer in model] == ["dense1", "relu1", "dense2"]
    assert model[2].weight.name == "dense2.weight"


def test_it_is_a_sequence_of_its_layers():
    layers = [Dense(3, 4), ReLU(), Dense(4, 2)]
    model = Sequential(*layers)
    assert list(model) == layers
    assert len(model) == 3
    assert model[-1] is layers[2]
    assert repr(model) == "Sequential(Dense(3, 4), ReLU(), Dense(4, 2))"


def test_a_part_of_a_model_as_a_model_of_its_own_leaves_the_whole_complete():
    whole = Sequential(Dense(3, 2), ReLU(), Dense(2, 3), rng=0)
    before = whole.state_dict()
    decoder = Sequential(*whole.layers[2:])
    assert names(decoder) == ["dense1.weight", "dense1.bias"]
    assert names(whole) == ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    assert {name: array.tolist() for name, array in whole.state_dict().items()} == {
        name: array.tolist() for name, array in before.items()
    }
    decoder[0].weight.data = np.ones((2, 3))
    np.testing.assert_array_equal(whole[2].weight.data, np.ones((2, 3)))  # shared, not copied


def test_a_layer_that_is_added_later_is_counted():
    model = network()
    model.layers.append(Dense(2, 2))
    assert names(model)[-2:] == ["dense3.weight", "dense3.bias"]


def test_models_within_models():
    model = Sequential(network(), ReLU(), network(), rng=0)
    assert names(model)[:2] == ["sequential1.dense1.weight", "sequential1.dense1.bias"]
    assert names(model)[-1] == "sequential2.dense2.bias"
    assert not np.array_equal(model[0][0].weight.data, model[2][0].weight.data)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "at least one layer"),
        ([[Dense(3, 2)]], TypeError, r"unpacked with a star: Sequential\(\*layers\)"),
        ([Dense(3, 2), ReLU], TypeError, r"needs its parentheses: ReLU\(\)"),
        ([(layer := ReLU()), Dense(3, 2), layer], ValueError, "stands twice; make a second one"),
        ([Dense(3, 2), np.tanh], TypeError, "expected layers, got <ufunc 'tanh'>"),
    ],
)
def test_what_is_no_chain_of_layers_is_refused(layers, error, message):
    with pytest.raises(error, match=message):
        Sequential(*layers)


def test_copies_are_independent():
    model = network()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        twin[0].weight.data = np.zeros((3, 4))
        assert np.any(model[0].weight.data)


# ------------------------------------------------------------------------------------------------
# Summary
# ------------------------------------------------------------------------------------------------


def rows(capsys):
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_the_summary_tells_layers_shapes_and_parameters(capsys):
    model = Sequential(Dense(784, 512), ReLU(), Dropout(0.2), Dense(512, 10, bias=False), rng=0)
    model.summary()
    text = capsys.readouterr().out
    assert [line.split() for line in text.splitlines()] == [
        ["layer", "output", "shape", "parameters"],
        [text.splitlines()[1]],
        ["dense1", "Dense", "(N,", "512)", "401,920"],
        ["relu1", "ReLU", "(N,", "512)", "0"],
        ["dropout1", "Dropout", "(N,", "512)", "0"],
        ["dense2", "Dense", "(N,", "10)", "5,120"],
        [text.splitlines()[1]],
        ["in", "total", "407,040"],
    ]
    assert set(text.splitlines()[1]) == {"-"}
    assert len({len(line) for line in text.splitlines()}) == 1


def test_the_summary_follows_the_shape_of_a_sample(capsys):
    Sequential(Flatten(), Dense(12, 2)).summary(input_shape=(3, 4))
    shown = rows(capsys)
    assert shown[2] == ["flatten1", "Flatten", "(N,", "12)", "0"]
    assert shown[3] == ["dense1", "Dense", "(N,", "2)", "26"]


def test_the_summary_of_an_unknown_shape_has_question_marks(capsys):
    Sequential(Flatten(), Dense(12, 2)).summary()
    assert rows(capsys)[3] == ["dense1", "Dense", "?", "26"]


def test_the_summary_counts_a_shared_weight_once(capsys):
    model = Sequential(Dense(3, 3, bias=False), Dense(3, 3, bias=False))
    model[1].weight = model[0].weight
    model.summary()
    assert rows(capsys)[-1] == ["in", "total", "9"]


def test_the_summary_changes_nothing(capsys):
    model = Sequential(Dense(3, 4), Dropout(0.5), rng=0)
    twin = Sequential(Dense(3, 4), Dropout(0.5), rng=0)
    model.summary()
    assert model.training is True
    np.testing.assert_array_equal(model(X).data, twin(X).data)
    assert all(p.grad is None for p in model.parameters())


def test_long_names_keep_the_columns_straight(capsys):
    class AVeryLongNameForALayer(Layer):
        def forward(self, x):
            return x

    Sequential(Dense(3, 4), AVeryLongNameForALayer()).summary()
    assert len({len(line) for line in capsys.readouterr().out.splitlines()}) == 1


# ------------------------------------------------------------------------------------------------
# A model of one's own
# ------------------------------------------------------------------------------------------------


class Shortcut(Model):
    def __init__(self):
        self.inner = Dense(3, 3, rng=0)
        self.gain = Value(1.0)

    def forward(self, x):
        return x + self.gain * self.inner(x).relu()


def test_a_model_of_ones_own_learns_answers_and_keeps_its_state():
    model, y = Shortcut(), 2 * X
    assert names(model) == ["inner.weight", "inner.bias", "gain"]
    before = model.evaluate(X, y, loss=mean_squared_error)["loss"]
    model.fit(
        X, y, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.05), epochs=50,
        verbose=False,
    )  # fmt: skip
    assert model.evaluate(X, y)["loss"] < 0.7 * before
    other = Shortcut()
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_a_model_that_ends_in_what_its_loss_does_not_contain_is_fine():
    model = Sequential(Dense(3, 3), Sigmoid(), Dense(3, 3), Softmax(), rng=0)
    history = model.fit(
        X, np.full((6, 3), 1 / 3), loss=mean_squared_error, epochs=1,
        optimizer=SGD(model.parameters()), verbose=False,
    )  # fmt: skip
    assert len(history) == 1


def test_probabilities_may_be_trained_on_if_the_loss_is_told_so():
    def loss(output, target):
        return binary_cross_entropy(output, target, from_logits=False)

    model = Sequential(Dense(3, 1), Sigmoid(), rng=0)
    y = X[:, :1] > 0
    history = model.fit(
        X, y, loss=loss, optimizer=SGD(model.parameters(), lr=50.0), epochs=50, verbose=False
    )
    assert history["loss"][-1] < history["loss"][0]
    np.testing.assert_array_equal(model.predict(X) > 0.5, y)


def test_the_summary_of_a_model_of_ones_own_lists_its_parts(capsys):
    Shortcut().summary()
    shown = rows(capsys)
    assert shown[2:4] == [["inner", "Dense", "?", "12"], ["gain", "Value", "?", "1"]]
    assert shown[-1] == ["in", "total", "13"]


def test_the_summary_of_a_model_without_parts(capsys):
    class Double(Model):
        def forward(self, x):
            return x + x

    Double().summary()
    assert rows(capsys)[-1] == ["in", "total", "0"]


def test_the_numbers_of_a_model_of_ones_own_go_into_a_file_of_numpy_and_back(tmp_path):
    model, other = Shortcut(), Shortcut()
    model.gain.data = 3.0
    np.savez(tmp_path / "weights.npz", **model.state_dict())
    with np.load(tmp_path / "weights.npz") as state:
        other.load_state_dict(state)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_a_model_may_take_several_inputs():
    class Difference(Model):
        def __init__(self):
            self.inner = Dense(3, 2, rng=0)

        def forward(self, one, other):
            return self.inner(one) - self.inner(other)

    model = Difference()
    answer = model(X, X - 1.0)
    answer.sum().backward()
    expected = np.tile(model.inner.weight.data.sum(axis=0), (6, 1))
    np.testing.assert_allclose(answer.data, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.inner.weight.grad, 6.0, rtol=1e-5)


def test_evaluate_measures_what_the_last_fit_measured():
    model = network()

    def largest(output, target):
        return float(output.max())

    target = np.zeros((6, 2), np.float32)
    model.fit(
        X, target, loss=mean_squared_error, optimizer=SGD(model.parameters(), lr=0.01),
        metrics={"largest": largest}, verbose=False,
    )  # fmt: skip
    measured = model.evaluate(X, target)
    assert set(measured) == {"loss", "largest"}
    assert measured["largest"] == pytest.approx(float(model.predict(X).max()))
    assert set(model.evaluate(X, target, metrics={})) == {"loss"}
