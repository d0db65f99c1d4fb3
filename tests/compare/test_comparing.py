"""The table: what it says of gradients that agree, differ, are missing, too many or mis-shaped."""

import sys

import numpy as np
import pytest

from tinygrad_edu import Dense, Dropout, ReLU, Sequential, Value, no_grad, softmax_cross_entropy
from tinygrad_edu.by_hand import NielsenNetwork, SoftmaxMLP, WorkedExample
from tinygrad_edu.compare import compare, compare_training, twin
from tinygrad_edu.compare.comparing import GradientsDisagreeError

RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(3, 2)), RNG.normal(size=2)
X = RNG.normal(size=(5, 3))


def quadratic():
    """A loss of a matrix and a vector, whose gradients are easy to write down."""
    w, b = Value(W, name="w"), Value(B, name="b")
    z = X @ w + b
    return (z * z).sum()


def by_hand():
    z = X @ W + B
    return {"w": 2 * X.T @ z, "b": 2 * z.sum(axis=0)}


def test_agreement():
    report = compare(quadratic(), by_hand())
    assert report.ok
    assert report.differing == []
    row = report["w"]
    assert row.shape == (3, 2)
    assert row.verdict == "equal"
    assert row.relative < 1e-14
    assert row.cosine == pytest.approx(1.0)
    assert row.quotient == pytest.approx(row.autograd, rel=1e-8)
    assert row.autograd == np.max(np.abs(by_hand()["w"])) * np.sign(row.autograd)
    report.check()


def test_disagreement_shows_the_entry_where_it_is_largest():
    given = by_hand()
    given["w"][2, 1] += 0.5
    report = compare(quadratic(), given)
    assert report.differing == ["w"]
    row = report["w"]
    assert row.entry == (2, 1)
    assert row.absolute == pytest.approx(0.5)
    assert row.by_hand - row.autograd == pytest.approx(0.5)
    assert row.quotient == pytest.approx(row.autograd)
    assert "sides with autograd" in row.note
    with pytest.raises(GradientsDisagreeError, match="w disagree"):
        report.check()


def test_a_table_of_usual_names_fits_into_100_columns():
    network = NielsenNetwork([784, 100, 10], rng=0)
    x, y = RNG.random((2, 784)), np.eye(10)[[3, 4]]
    wrong = {name: -2e3 * g for name, g in network.gradients(x, y).items()}
    text = str(compare(twin(network), wrong, x, y))
    assert max(map(len, text.splitlines())) <= 100
    assert (
        "weights[0], weights[1], biases[0], biases[1]: the difference quotient sides with" in text
    )
    for word in ("100×784", "differs", "-1.0000", "1.0e+00"):
        assert word in text


def test_missing_extra_and_mis_shaped():
    w = by_hand()["w"]
    report = compare(quadratic(), {"w": w.T, "c": 1.0})
    assert [(row.name, row.verdict) for row in report.rows] == [
        ("w", "wrong shape"),
        ("b", "missing"),
        ("c", "extra"),
    ]
    assert "(2, 3) was given, which fits transposed" in str(report)
    unsummed = compare(quadratic(), {"w": w, "b": 2 * (X @ W + B)})
    assert "sum over the first axis" in unsummed["b"].note


def test_brackets_around_a_number_are_no_batch():
    a, v = Value(2.0, name="a"), Value([1.0, 2.0], name="v")
    report = compare(a * a + (v * v).sum(), {"a": [4.0], "v": [[2.0, 4.0]]})
    assert report["a"].note == "(1,) was given, one number in brackets"
    assert report["v"].note == "(1, 2) was given, which fits when reshaped"


def test_none_is_nothing_and_values_may_be_the_keys():
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    report = compare(a * b, {a: 3.0, b: None})
    assert [(row.name, row.verdict) for row in report.rows] == [("a", "equal"), ("b", "missing")]
    assert compare(a * b, {a: 3.0, b: 2.0}, parameters={"x": a, "y": b}).ok
    other = compare(a * b, {a: 3.0, b: 2.0, Value(1.0): 0.0})
    assert other.differing == ["a nameless Value"]


def test_one_gradient_is_not_called_all_of_them():
    a = Value(2.0, name="a")
    assert compare(a * a, {"a": 4.0}).summary == "the gradient agrees within a relative 1e-10"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    given = by_hand()
    given["b"][1] = bad
    report = compare(quadratic(), given)
    assert report["b"].verdict == "not finite"
    assert report["b"].entry == (1,)
    assert "b: NaN or infinity in by hand" in str(report)
    a = Value(2.0, name="a")
    infinite = compare(a * 1e200 * 1e200, {"a": np.inf})
    assert infinite["a"].note == "NaN or infinity in autograd and by hand"
    assert compare(a * 1e200 * 1e200, {"a": 1.0})["a"].note == "NaN or infinity in autograd"


def test_zeros_and_rounding():
    x = Value(2.0, name="x")
    loss = x - x + 0.0 * x
    assert compare(loss, {"x": 0.0}).ok
    assert not compare(loss, {"x": 1e-3}).ok
    assert compare(loss, {"x": 0.0})["x"].cosine is None
    big, tiny = Value(1.0, name="big"), Value(1.0, name="tiny")
    loss = big * 1e6 + (tiny - tiny)
    assert compare(loss, {"big": 1e6, "tiny": 1e-12}).ok  # rounding, beside a million
    assert not compare(loss, {"big": 1e6, "tiny": 1e-3}).ok


def test_tolerance_is_relative_and_stated():
    given = {name: g * (1 + 1e-6) for name, g in by_hand().items()}
    assert not compare(quadratic(), given).ok
    report = compare(quadratic(), given, tolerance=1e-5)
    assert report.ok
    assert "within a relative 1e-05" in str(report)


def test_a_model_with_its_loss():
    network = SoftmaxMLP([4, 6, 3], rng=1)
    layers = Dense(4, 6, dtype=float), ReLU(), Dropout(0.0), Dense(6, 3, dtype=float)
    model = Sequential(*layers)
    model.load_state_dict(network.parameters())
    x, labels = RNG.normal(size=(7, 4)), RNG.integers(0, 3, 7)
    report = compare(model, network.gradients, x, labels, loss=softmax_cross_entropy)
    report.check()
    assert [row.name for row in report.rows] == list(network.parameters())
    assert all(value.grad is None for value in model.parameters())


def test_a_function_of_ones_own():
    w = Value([0.5, -1.0], name="w")

    def loss(x):
        return ((w * x).sum() - 1.0) ** 2

    def mine(x):
        return {"w": 2 * (np.dot(w.data, x) - 1) * np.array(x)}

    compare(loss, mine, [2.0, 3.0]).check()


def test_parameters_may_be_named_later():
    a, b = Value(2.0), Value(3.0)
    assert compare(a * b, {"a": 3.0, "b": 2.0}, parameters={"a": a, "b": b}).ok


def test_a_parameter_that_the_loss_does_not_use_has_gradient_zero():
    a, b = Value(2.0), Value([3.0, 1.0])
    report = compare(a * a, {"a": 4.0, "b": [0.0, 0.0]}, parameters={"a": a, "b": b})
    report.check()


def test_rounded_numbers_are_not_accused_by_the_quotient():
    report = compare(twin(WorkedExample())(), {"w5": 0.082167041})
    assert report["w5"].verdict == "differs"
    assert "if they are rounded, pass tolerance=1e-5" in report["w5"].note
    assert compare(twin(WorkedExample())(), {"w5": 0.082167041}, tolerance=1e-5)["w5"].ok


def test_the_quotient_contradicts_at_a_kink_and_it_is_said():
    x = Value(0.0, name="x")
    report = compare(x.relu(), {"x": 0.0})
    assert report.ok
    assert "contradicts autograd" in report["x"].note


def test_the_quotient_survives_a_kink_nearby():
    x = Value(5e-4, name="x")
    report = compare(x.relu() * 3.0, {"x": 3.0})
    assert report["x"].note == ""
    assert report["x"].quotient == pytest.approx(3.0)


def test_quotients_are_taken_in_float64_even_for_float32():
    w = Value(np.array([0.1, 0.2], np.float32), name="w")
    loss = (w * w * w).sum()
    row = compare(loss, {"w": 3 * w.numpy() ** 2})["w"]
    assert row.quotient == pytest.approx(3 * float(w.data[1]) ** 2, rel=1e-9)


def test_quotients_can_be_left_out():
    assert compare(quadratic(), by_hand(), samples=0)["w"].quotient is None


def test_in_a_terminal_and_in_a_notebook():
    w = Value([1.0, 2.0], name="<w|>")
    report = compare((w * w).sum(), {"<w|>": [2.0, 5.0]})
    text, html = str(report), report._repr_html_()
    assert repr(report) == text
    assert "\x1b" not in text
    assert "&lt;w|&gt;" in html
    assert "<w" not in html
    assert "differs" in html


def test_many_rows_are_folded_and_the_wrong_ones_stay():
    values = {f"w{i}": Value(float(i), name=f"w{i}") for i in range(200)}
    total = sum((v * v for v in values.values()), start=Value(0.0))
    given = {name: 2.0 * value.data for name, value in values.items()}
    given["w150"] = -1.0
    report = compare(total, given, samples=0)
    assert report.differing == ["w150"]
    assert "w150" in str(report)
    assert "and 170 more, of which 0 differ" in str(report)
    assert str(report).count("\n") < 40


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: compare(Value(1.0) * 2.0, {}),
            ValueError,
            "no Value in this calculation has a name",
        ),
        (lambda: compare(quadratic(), [1, 2]), TypeError, "as a dict of arrays by name, got list"),
        (lambda: compare(quadratic(), {"w": "x"}), TypeError, "given for 'w' is no number"),
        (lambda: compare(Value([1.0], name="w") * [[1.0, 2.0]], {}), TypeError, "single number"),
        (lambda: compare(lambda: 3.0, {}), TypeError, "got float"),
        (lambda: compare(Dense(2, 1), {}, X), TypeError, "needs a loss"),
        (lambda: compare(Dense(2, 1), {}, X, loss=sum), TypeError, "inputs and targets"),
        (lambda: compare(Value(1.0, "w") + Value(1.0, "w"), {}), ValueError, "name 'w'"),
        (lambda: twin(Dense(2, 1)), TypeError, "expected one of SigmoidNeuron"),
        (lambda: compare([1.0], {}), TypeError, "a loss .a Value., a function .* got list"),
        (
            lambda: compare(quadratic(), {}, parameters=[Value(1.0)]),
            TypeError,
            "by name, got list",
        ),
        (lambda: compare(quadratic(), {}, parameters={"w": 1.0}), TypeError, "'w' to be a Value"),
        (lambda: compare(quadratic(), {"w": 1j}), TypeError, "a gradient is real"),
        (lambda: compare(Dense(2, 1), {}, X, X, loss="mse"), TypeError, "function .* got str"),
        (lambda: compare(quadratic(), {}, tolerance=-1.0), ValueError, "tolerance ≥ 0 .* got -1"),
        (lambda: compare(quadratic(), {}, samples=-1), ValueError, "samples ≥ 0, got None and -1"),
        (lambda: compare(quadratic(), {})["v"], KeyError, "'v' is none of w, b"),
    ],
)
def test_errors_say_what_was_given_and_expected(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_a_loss_that_was_not_recorded():
    with no_grad(), pytest.raises(ValueError, match="no Value in this calculation has a name"):
        compare(quadratic(), by_hand())


# -- along training --


def test_along_training_with_a_plot(tmp_path):
    net = WorkedExample(order="in_place")
    along = compare_training(twin(net), net.update_rule, [()] * 8, net.train_step)
    assert not along.ok
    assert along.differing == ["w1", "w2", "w3", "w4"]
    assert len(along.steps) == len(along.along("w1")) == 8
    assert along.losses[0] == pytest.approx(0.298371109)
    assert "differs in 8 of 8" in str(along)
    assert "8 steps" in str(along)
    assert "<table>" in along._repr_html_()
    pytest.importorskip("matplotlib")
    path = along.plot(tmp_path / "difference.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch, tmp_path):
    net = WorkedExample()
    along = compare_training(twin(net), net.gradients, [()], net.train_step)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install \"tinygrad_edu\[plot\]\""):
        along.plot(tmp_path / "difference.png")


def test_a_gradient_that_goes_missing_on_the_way():
    network = NielsenNetwork([3, 2], rng=0)
    seen = []

    def forgetful(x, y):
        seen.append(1)
        given = network.gradients(x, y)
        if len(seen) > 2:
            del given["biases[0]"]
        return given

    data = X, np.eye(2)[[0, 1, 0, 1, 1]]
    along = compare_training(twin(network), forgetful, [data] * 4, network.train_step)
    assert [step.ok for step in along.steps] == [True, True, False, False]
    assert "nan" not in str(along)


def test_training_needs_functions_and_batches():
    net = WorkedExample()
    with pytest.raises(TypeError, match="computed anew"):
        compare_training(twin(net), net.gradients(), [()], net.train_step)
    with pytest.raises(TypeError, match=r"a batch as a tuple .* got ndarray"):
        compare_training(twin(net), net.gradients, [X], net.train_step)
    with pytest.raises(ValueError, match="at least one batch"):
        compare_training(twin(net), net.gradients, [], net.train_step)
