"""Layers: shapes, parameters and their names, modes, randomness, state, and layers of one's own."""

import numpy as np
import pytest

from tinygrad_edu import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Value,
    softmax_cross_entropy,
)
from tinygrad_edu.check import check_gradients
from tinygrad_edu.nn import dtype_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))


class Scale(Layer):
    def __init__(self, size):
        self.size = size
        self.factor = Value(np.ones(size))

    def forward(self, x):
        return x * self.factor


class Twins(Layer):
    """Two layers that share one weight."""

    def __init__(self):
        self.first = Dense(3, 3, rng=0, dtype=float)
        self.second = Dense(3, 3, rng=1, dtype=float)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x).tanh())


class Nest(Layer):
    """Values and layers in attributes, lists, tuples, dicts, and in one another."""

    def __init__(self):
        self.gain = Value(2.0)
        self.branches = [Dense(3, 2, rng=0), (Dense(3, 2, rng=1), Dropout(0.5))]
        self.heads = {"left": Scale(2), "right": Scale(2)}
        self.note = "no parameter"
        self.cache = self.gain * 2  # computed, hence no parameter

    def forward(self, x):
        return self.gain * self.heads["left"](self.branches[0](x))


def identical(one, other):
    """Return whether two states hold the same bits."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


# ------------------------------------------------------------------------------------------------
# Dense
# ------------------------------------------------------------------------------------------------


def test_dense_is_x_w_plus_b():
    layer = Dense(3, 2, rng=0, dtype=float, bias_init="standard_normal")
    expected = X @ layer.weight.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer(X).data, expected, rtol=1e-12)


def test_dense_has_weight_and_bias_of_the_promised_shapes():
    layer = Dense(3, 2)
    assert (layer.weight.shape, layer.bias.shape) == ((3, 2), (2,))
    assert [p.name for p in layer.parameters()] == ["weight", "bias"]


def test_dense_without_bias():
    layer = Dense(3, 2, bias=False, rng=0, dtype=float)
    assert layer.bias is None
    assert list(layer.named_parameters()) == ["weight"]
    np.testing.assert_allclose(layer(X).data, X @ layer.weight.numpy(), rtol=1e-12)


def test_dense_takes_more_axes_in_front():
    layer = Dense(3, 2, rng=0, dtype=float)
    batch = RNG.normal(size=(4, 5, 3))
    assert layer(batch).shape == (4, 5, 2)
    np.testing.assert_allclose(layer(batch).data[1], layer(batch[1]).data, rtol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_dense_gradients(bias):
    layer = Dense(3, 2, bias=bias, dtype=float)
    parameters = layer.parameters()

    def loss(x, *numbers):
        layer.weight, layer.bias = numbers[0], (numbers[1] if bias else None)
        return (layer(x) ** 2).mean()

    check_gradients(loss, X, *[RNG.normal(size=p.shape) for p in parameters], order=2)


@pytest.mark.parametrize("sizes", [(0, 2), (2, 0), (-1, 3)])
def test_dense_of_no_size_is_refused(sizes):
    with pytest.raises(ValueError, match="at least one input and one output, got"):
        Dense(*sizes)


@pytest.mark.parametrize("sizes", [("64", 10), (3.0, 2), (3, None)])
@pytest.mark.parametrize("kind", [Dense, Conv2D])
def test_sizes_that_are_no_whole_numbers_are_refused(kind, sizes):
    with pytest.raises(ValueError, match="give two whole numbers, as in"):
        kind(*sizes)


@pytest.mark.parametrize("kind", [Dense, Conv2D])
def test_weights_that_are_no_fractions_are_refused(kind):
    with pytest.raises(TypeError, match=r"floating-point dtype, such as np\.float32, got int"):
        kind(3, 2, dtype=int)


@pytest.mark.parametrize("shape", [(5, 4), (4,), (), (3, 5)])
def test_a_wrong_number_of_features_names_layer_and_both_shapes(shape):
    model = Sequential(Dense(3, 4), ReLU(), Dense(4, 2))
    with pytest.raises(ValueError, match=r"dense1 has 3 inputs and expects shape \(N, 3\), got \("):
        model(np.ones(shape))


def test_an_inner_mismatch_names_the_inner_layer():
    model = Sequential(Dense(3, 4), ReLU(), Dense(5, 2))
    with pytest.raises(ValueError, match=r"dense2 has 5 inputs .* got \(1, 4\)"):
        model(np.ones((1, 3)))


def test_pictures_without_flatten_get_the_hint():
    with pytest.raises(ValueError, match=r"put Flatten\(\) before it"):
        Dense(784, 10)(np.ones((2, 28, 28)))


# ------------------------------------------------------------------------------------------------
# Layers without parameters
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (ReLU(), lambda x: np.maximum(x, 0)),
        (LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
        (Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (Tanh(), np.tanh),
        (Softmax(), lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)),
    ],
    ids=["ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax"],
)
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 3, 4)])
def test_activations_are_their_formulas_for_any_shape(layer, function, shape):
    x = RNG.normal(size=shape)
    np.testing.assert_allclose(layer(x), function(x), rtol=1e-12)
    np.testing.assert_allclose(layer(Value(x)).data, function(x), rtol=1e-12)
    assert layer.parameters() == []


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), Sigmoid(), Tanh(), Softmax(), Flatten()])
def test_activations_keep_float32(layer):
    assert layer(X.astype(np.float32)).dtype == np.float32
    assert layer(Value(X.astype(np.float32))).dtype == np.float32


def test_flatten_keeps_the_samples_and_the_order_of_their_numbers():
    x = RNG.normal(size=(5, 2, 3, 4))
    np.testing.assert_array_equal(Flatten()(x), x.reshape(5, 24))
    value = Value(x)
    (Flatten()(value) * np.arange(24)).sum().backward()
    np.testing.assert_array_equal(value.grad[3], np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize("shape", [(), (5,)])
def test_flatten_wants_a_batch(shape):
    with pytest.raises(ValueError, match=r"batch of shape \(N, …\), got .* write x\[None\]"):
        Flatten()(np.ones(shape))


def test_a_layer_without_forward_says_so():
    class Empty(Layer):
        pass

    with pytest.raises(NotImplementedError, match="Empty needs a method forward"):
        Empty()(X)


# ------------------------------------------------------------------------------------------------
# Dropout
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_silences_its_share_and_keeps_the_mean(rate):
    answer = Dropout(rate, rng=0)(np.ones((300, 300)))
    assert np.mean(answer == 0) == pytest.approx(rate, abs=0.01)
    assert answer.mean() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(np.unique(answer), [0, 1 / (1 - rate)])


def test_dropout_treats_each_number_by_itself():
    kept = Dropout(0.5, rng=0)(np.ones((400, 100))) > 0
    assert np.all(np.abs(kept.mean(axis=0) - 0.5) < 0.15)  # six standard deviations
    assert np.all(np.abs(kept.mean(axis=1) - 0.5) < 0.30)


def test_dropout_draws_anew_at_each_call():
    drop = Dropout(0.5, rng=0)
    assert not np.array_equal(drop(np.ones(100)), drop(np.ones(100)))


def test_the_gradient_passes_where_the_number_passed():
    x = Value(np.ones((20, 20)))
    answer = Dropout(0.3, rng=0)(x)
    answer.sum().backward()
    np.testing.assert_array_equal(x.grad, answer.data)


def test_dropout_passes_everything_on_when_not_learning():
    drop = Dropout(0.5, rng=0)
    drop.eval()
    assert drop(X) is X
    drop.train()
    assert not np.array_equal(drop(X), X)


def test_dropout_of_rate_0_is_nothing_and_draws_nothing():
    rng = np.random.default_rng(0)
    assert Dropout(0.0, rng=rng)(X) is X
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_the_type(dtype):
    assert Dropout(0.5, rng=0)(Value(X.astype(dtype))).dtype == dtype
    assert Dropout(0.5, rng=0)(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("rate", [1.0, -0.1, 20, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(ValueError, match=r"the share to silence, 0 ≤ rate < 1, got"):
        Dropout(rate)


# ------------------------------------------------------------------------------------------------
# Parameters
# ------------------------------------------------------------------------------------------------


def test_parameters_are_found_in_attributes_lists_tuples_dicts_and_layers():
    nest = Nest()
    assert [(p.name, p.shape) for p in nest.parameters()] == [
        ("gain", ()),
        ("branches.0.weight", (3, 2)),
        ("branches.0.bias", (2,)),
        ("branches.1.0.weight", (3, 2)),
        ("branches.1.0.bias", (2,)),
        ("heads.left.factor", (2,)),
        ("heads.right.factor", (2,)),
    ]


def test_a_shared_value_is_one_parameter_with_both_gradients():
    twins = Twins()
    assert list(twins.named_parameters()) == ["first.weight", "first.bias", "second.bias"]
    twins(X).sum().backward()
    shared = twins.first.weight.grad

    apart = Twins()
    apart.second.weight = Value(apart.first.weight.data)
    apart(X).sum().backward()
    both = apart.first.weight.grad + apart.second.weight.grad
    np.testing.assert_allclose(shared, both, rtol=1e-12)


def test_zero_grad_reaches_everything():
    nest = Nest()
    nest(X).sum().backward()
    assert nest.branches[0].weight.grad is not None
    nest.zero_grad()
    assert all(p.grad is None for p in nest.parameters())


def test_train_and_eval_reach_everything():
    nest = Nest()
    drop = nest.branches[1][1]
    nest.eval()
    assert (nest.training, nest.heads["left"].training, drop.training) == (False, False, False)
    nest.train()
    assert (nest.training, nest.heads["left"].training, drop.training) == (True, True, True)


# ------------------------------------------------------------------------------------------------
# State
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Nest, Twins, lambda: Dense(3, 2), lambda: Scale(3)])
def test_state_goes_round(kind):
    one, other = kind(), kind()
    for value in one.parameters():
        value.data = RNG.normal(size=value.shape)
    other.load_state_dict(one.state_dict())
    assert identical(one.state_dict(), other.state_dict())


def test_a_state_is_a_copy():
    layer = Dense(3, 2, rng=0)
    state = layer.state_dict()
    state["weight"][:] = 9
    assert not np.any(layer.weight.data == 9)
    state = layer.state_dict()
    layer.load_state_dict(state)
    state["weight"][:] = 9
    assert not np.any(layer.weight.data == 9)


def test_a_state_of_another_type_is_converted():
    layer = Dense(3, 2, rng=0)
    layer.load_state_dict({"weight": np.ones((3, 2), np.int64), "bias": [0.5, 1.5]})
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    np.testing.assert_array_equal(layer.bias.data, [0.5, 1.5])


def test_a_state_that_does_not_fit_is_refused_with_all_its_faults_and_changes_nothing():
    model = Sequential(Dense(3, 4), ReLU(), Dense(4, 2), rng=0)
    before = model.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    del state["dense1.bias"]
    state["dense3.weight"] = np.ones(3)
    state["dense2.weight"] = np.ones((2, 4))
    with pytest.raises(ValueError, match="do not fit this model") as refusal:
        model.load_state_dict(state)
    for fault in (
        "missing dense1.bias",
        "unknown dense3.weight",
        "dense2.weight has shape (2, 4) instead of (4, 2)",
    ):
        assert fault in str(refusal.value)
    assert identical(model.state_dict(), before)


def test_a_state_of_no_numbers_changes_nothing():
    layer = Dense(3, 1, rng=0)
    before = layer.state_dict()
    with pytest.raises(TypeError, match="expected real numbers"):
        layer.load_state_dict({"weight": np.ones((3, 1)), "bias": ["a"]})
    assert identical(layer.state_dict(), before)


# ------------------------------------------------------------------------------------------------
# Randomness
# ------------------------------------------------------------------------------------------------


def network(rng):
    return Sequential(Dense(3, 8), ReLU(), Dropout(0.5), Dense(8, 2), Dropout(0.2), rng=rng)


def test_one_seed_gives_one_network_with_one_sequence_of_dropout():
    one, same, other = network(7), network(7), network(8)
    assert identical(one.state_dict(), same.state_dict())
    assert not identical(one.state_dict(), other.state_dict())
    for _ in range(3):
        np.testing.assert_array_equal(one(X).data, same(X).data)


def test_a_generator_is_as_good_as_a_seed():
    one, same = network(7), network(np.random.default_rng(7))
    assert identical(one.state_dict(), same.state_dict())


def test_without_a_seed_each_network_is_another():
    assert not identical(network(None).state_dict(), network(None).state_dict())


def test_a_model_without_rng_leaves_the_weights_of_its_layers():
    layer = Dense(3, 2, rng=5)
    assert identical(Sequential(layer)[0].state_dict(), Dense(3, 2, rng=5).state_dict())


def test_layers_of_one_model_draw_different_numbers():
    model = Sequential(Dense(3, 3), Dense(3, 3), rng=0)
    assert not np.array_equal(model[0].weight.data, model[1].weight.data)


def test_numpys_global_generator_is_left_alone():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    model = network(None)
    model(X)
    network(0)(X)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    assert identical(network(0).state_dict(), network(0).state_dict())


# ------------------------------------------------------------------------------------------------
# Layers in order, and answering
# ------------------------------------------------------------------------------------------------


def test_layers_stand_in_order_with_those_of_models_inside_in_their_place():
    inner = Sequential(Dense(2, 2), ReLU())
    last = Dense(2, 1)
    model = Sequential(ReLU(), Sequential(inner, last))
    assert [name for name, _ in model.named_layers()] == [
        "relu1",
        "sequential1.sequential1.dense1",
        "sequential1.sequential1.relu1",
        "sequential1.dense1",
    ]
    assert model.in_order() == [model[0], *inner, last]


def test_a_layer_that_is_no_sequence_stands_for_itself_whatever_it_holds():
    class Residual(Layer):
        def __init__(self):
            self.layers = [Dense(2, 2), ReLU()]

        def forward(self, x):
            return x + self.layers[1](self.layers[0](x))

    layer = Residual()
    assert layer.in_order() == [layer]
    assert list(Sequential(layer).named_layers()) == [("residual1", layer)]


def test_nothing_is_recorded_while_a_model_answers_and_every_layer_is_as_before():
    inner = Sequential(Dropout(0.5), Dropout(0.5))
    inner[1].eval()  # somebody has switched off this one alone
    model = Sequential(Dense(3, 3), inner, rng=0)
    x = np.ones((4, 3), np.float32)
    with model.answering():
        answer = model(x)
        assert np.array_equal(answer.data, model(x).data)
        assert answer.inputs == ()
    assert [layer.training for layer in (model, inner, *inner)] == [True, True, True, False]
    assert model(x).inputs


def test_an_error_ends_the_answering_as_well():
    model = Sequential(Dense(3, 3))
    with pytest.raises(ZeroDivisionError), model.answering():
        raise ZeroDivisionError
    assert model.training
    assert model[0].training
    assert model(np.ones((1, 3))).inputs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_calculates_in_the_type_of_its_first_parameter(dtype):
    assert dtype_of(Sequential(ReLU(), Dense(2, 2, dtype=dtype), Dense(2, 1))) == dtype
    assert dtype_of(ReLU()) == "float32"


# ------------------------------------------------------------------------------------------------
# Descriptions
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Dense(3, 2), "Dense(3, 2)"),
        (Dense(3, 2, bias=False), "Dense(3, 2, bias=False)"),
        (Dropout(0.5), "Dropout(rate=0.5)"),
        (LeakyReLU(0.1), "LeakyReLU(slope=0.1)"),
        (ReLU(), "ReLU()"),
        (Scale(3), "Scale(size=3)"),
    ],
)
def test_repr_is_how_to_build_it(layer, text):
    assert repr(layer) == text


def test_a_layer_that_forgets_its_arguments_can_still_be_shown():
    class Forgetful(Layer):
        def __init__(self, size):
            self.factor = Value(np.ones(size))

        def forward(self, x):
            return x * self.factor

    layer = Forgetful(3)
    assert repr(layer) == "Forgetful(…)"
    with pytest.raises(TypeError, match=r"write self\.size = size into Forgetful\.__init__"):
        layer.config()


@pytest.mark.parametrize(
    "layer", [Dense(3, 2, bias=False, init="he_normal", dtype=float), Dropout(0.3), LeakyReLU(0.2)]
)
def test_config_builds_a_layer_like_this_one(layer):
    assert type(layer).from_config(layer.config()).config() == layer.config()


def test_a_subclass_without_its_own_init_has_the_config_of_its_parent():
    class Leakier(LeakyReLU):
        pass

    assert Leakier(0.3).config() == {"slope": 0.3}


# ------------------------------------------------------------------------------------------------
# A whole network
# ------------------------------------------------------------------------------------------------


def test_gradients_of_a_network_by_finite_differences():
    model = Sequential(
        Dense(3, 4, dtype=float), Tanh(), Dense(4, 4, dtype=float), Softmax(), Scale(4), rng=0
    )
    named = model.named_parameters()
    labels = np.array([0, 1, 2, 3, 1])
    before = {name: value.numpy() for name, value in named.items()}

    def loss(*numbers):
        for layer, weight, bias in ((model[0], *numbers[:2]), (model[2], *numbers[2:4])):
            layer.weight, layer.bias = weight, bias
        model[4].factor = numbers[4]
        return softmax_cross_entropy(model(X), labels)

    check_gradients(loss, *before.values())


def test_a_network_against_pytorch():
    torch = pytest.importorskip("torch")
    model = Sequential(
        Dense(3, 8, dtype=float), ReLU(), Dense(8, 6, dtype=float), Tanh(),
        Dense(6, 4, dtype=float), rng=0,
    )  # fmt: skip
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 6), torch.nn.Tanh(),
        torch.nn.Linear(6, 4),
    ).double()  # fmt: skip
    dense = [layer for layer in model if isinstance(layer, Dense)]
    linear = [layer for layer in theirs if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for ours, other in zip(dense, linear, strict=True):
            other.weight.copy_(torch.from_numpy(ours.weight.numpy().T))
            other.bias.copy_(torch.from_numpy(ours.bias.numpy()))
    x, labels = RNG.normal(size=(32, 3)), RNG.integers(0, 4, 32)
    loss = softmax_cross_entropy(model(x), labels)
    their_loss = torch.nn.functional.cross_entropy(
        theirs(torch.from_numpy(x)), torch.from_numpy(labels)
    )
    loss.backward()
    their_loss.backward()
    assert loss.data == pytest.approx(their_loss.item(), rel=1e-12)
    for ours, other in zip(dense, linear, strict=True):
        np.testing.assert_allclose(
            ours.weight.grad, other.weight.grad.numpy().T, rtol=1e-9, atol=1e-15
        )
        np.testing.assert_allclose(ours.bias.grad, other.bias.grad.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("layer", [Dense(3, 2, rng=0), Flatten(), Dropout(0.5, rng=0)])
def test_a_batch_may_be_a_list_of_lists(layer):
    layer.eval()
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    answers = [layer(batch) for batch in (rows, np.array(rows))]
    one, other = (np.asarray(a.data if isinstance(a, Value) else a) for a in answers)
    np.testing.assert_array_equal(one, other)


def test_an_output_remembered_while_answering_is_no_parameter():
    class Remembering(Layer):
        def __init__(self):
            self.inner = Dense(2, 2, rng=0)

        def forward(self, x):
            self.output = self.inner(x)
            return self.output

    model = Sequential(Remembering())
    before = list(model.state_dict())
    model.predict([[1.0, 2.0]])
    assert list(model.state_dict()) == before


# ------------------------------------------------------------------------------------------------
# Buffers: arrays that belong to what a layer knows, and are not learned
# ------------------------------------------------------------------------------------------------


class Standing(Layer):
    """Arrays wherever an attribute can hold them, and notes that are none."""

    def __init__(self):
        self.mean = np.zeros(3)
        self.pair = (np.ones(2, np.float32), {"count": np.array(7), "deep": [np.zeros((1, 2))]})
        self.inner = [Dense(3, 2, rng=0), Counting()]
        self.words = np.array(["no", "number"])
        self._last = np.ones(99)

    def forward(self, x):
        self._last = x
        return self.inner[1](self.inner[0](x - self.mean))


class Counting(Layer):
    """Knows how often it was asked, and what it saw last, of which it knows no size in the beginning."""

    def __init__(self):
        self.calls, self.seen = np.zeros((), np.int64), None

    def forward(self, x):
        self.calls, self.seen = self.calls + 1, np.array(x.data[-1])
        return x


def test_arrays_are_found_in_attributes_tuples_dicts_lists_and_layers_but_not_private_ones():
    assert {name: array.shape for name, array in Standing().named_buffers().items()} == {
        "mean": (3,),
        "pair.0": (2,),
        "pair.1.count": (),
        "pair.1.deep.0": (1, 2),
        "inner.1.calls": (),
    }


def test_buffers_are_part_of_the_state_and_no_parameters():
    layer = Standing()
    assert [*layer.state_dict()] == [*layer.named_parameters(), *layer.named_buffers()]
    assert [p.name for p in layer.parameters()] == ["inner.0.weight", "inner.0.bias"]


def test_buffers_go_round_wherever_they_are_held_and_keep_their_types():
    one, other = Standing(), Standing()
    one.mean = RNG.normal(size=3)
    one.pair[1]["deep"][0] = np.array([[3.0, 4.0]])
    one(X)
    other.load_state_dict(one.state_dict())
    assert identical(other.state_dict(), one.state_dict())
    np.testing.assert_array_equal(other(X).data, one(X).data)
    assert other.inner[1].calls == 2


def test_a_buffer_that_was_not_made_yet_is_taken_as_it_comes():
    one, other = Counting(), Counting()
    one(Value(X))
    assert other.seen is None
    other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(other.seen, X[-1])


def test_an_attribute_that_an_argument_left_empty_is_no_place_for_a_buffer():
    layer = Dense(3, 2, bias=False)
    with pytest.raises(ValueError, match="unknown bias"):
        layer.load_state_dict({"weight": np.ones((3, 2)), "bias": np.ones(2)})
    with pytest.raises(ValueError, match="unknown n_in"):
        layer.load_state_dict({"weight": np.ones((3, 2)), "n_in": 5})


def test_loading_exchanges_buffers_and_leaves_the_old_arrays_to_who_has_them():
    layer, zeros = Standing(), np.zeros(3)
    layer.mean = zeros
    w = Value(np.ones(3))
    y = (w * layer.mean).sum()
    layer.load_state_dict(layer.state_dict() | {"mean": np.ones(3)})
    y.backward()
    assert w.grad.tolist() == zeros.tolist() == [0, 0, 0]
    assert layer.mean.tolist() == [1, 1, 1]


def test_a_state_is_a_copy_of_buffers_too():
    layer = Standing()
    state = layer.state_dict()
    state["mean"][:] = 9
    layer.load_state_dict(state | {"mean": (given := np.ones(3))})
    given[:] = 9
    assert layer.mean.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("mean", np.ones(4), r"mean has shape \(4,\) instead of \(3,\)"),
        ("inner.1.calls", 2.5, r"inner\.1\.calls holds numbers that int64 cannot"),
        ("inner.1.calls", np.nan, r"inner\.1\.calls holds numbers that int64 cannot"),
        ("pair.0", [1e39, 0], r"pair\.0 holds numbers that float32 cannot"),
        ("inner.0.bias", [1e39, 0], r"inner\.0\.bias holds numbers that float32 cannot"),
        ("mean", None, "missing mean"),
        ("_last", np.ones(99), "unknown _last"),
    ],
)
def test_a_buffer_that_does_not_fit_changes_nothing(name, given, fault):
    layer = Standing()
    before = layer.state_dict()
    state = {key: array + 1 for key, array in before.items()}
    state = (
        state | {name: given} if given is not None else {k: state[k] for k in state if k != name}
    )
    with pytest.raises(ValueError, match=fault):
        layer.load_state_dict(state)
    assert identical(layer.state_dict(), before)


def test_a_masked_buffer_is_refused_since_its_mask_would_be_lost():
    layer = Standing()
    layer.mean = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    with pytest.raises(TypeError, match="masked array"):
        layer.state_dict()


def test_an_array_argument_is_shown_by_its_shape():
    class Shifted(Layer):
        def __init__(self, mean):
            self.mean = mean

    assert repr(Shifted(np.zeros((2, 3)))) == "Shifted(mean=array(2, 3))"
