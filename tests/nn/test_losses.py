"""Losses: their formulas, their gradients of both orders, and what they do with extreme or wrong input."""

import math

import numpy as np
import pytest

from tinygrad_edu import (
    Value,
    binary_cross_entropy,
    grad,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.check import check_gradients

RNG = np.random.default_rng(0)
OUTPUT = RNG.normal(size=(4, 3))
NUMBERS = RNG.normal(size=(4, 3))
CHANCES = RNG.uniform(size=(4, 3))
LABELS = np.array([2, 0, 1, 2])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ------------------------------------------------------------------------------------------------
# Formulas and gradients
# ------------------------------------------------------------------------------------------------


def test_half_squared_error_is_the_formula_and_its_gradient_is_o_minus_t():
    output = Value(OUTPUT)
    loss = half_squared_error(output, NUMBERS)
    loss.backward()
    assert loss.data == pytest.approx(0.5 * np.sum((NUMBERS - OUTPUT) ** 2), rel=1e-12)
    np.testing.assert_allclose(output.grad, OUTPUT - NUMBERS, rtol=1e-12)


def test_mean_squared_error_is_the_formula_and_its_gradient():
    output = Value(OUTPUT)
    loss = mean_squared_error(output, NUMBERS)
    loss.backward()
    assert loss.data == pytest.approx(np.mean((NUMBERS - OUTPUT) ** 2), rel=1e-12)
    np.testing.assert_allclose(output.grad, 2 * (OUTPUT - NUMBERS) / 12, rtol=1e-12)


def test_binary_cross_entropy_is_the_formula_and_its_gradient():
    output, p = Value(OUTPUT), sigmoid(OUTPUT)
    loss = binary_cross_entropy(output, CHANCES)
    loss.backward()
    expected = -np.mean(CHANCES * np.log(p) + (1 - CHANCES) * np.log(1 - p))
    assert loss.data == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(output.grad, (p - CHANCES) / 12, rtol=1e-12)


def test_binary_cross_entropy_of_probabilities_equals_that_of_logits():
    logits, same = Value(OUTPUT), Value(OUTPUT)
    one = binary_cross_entropy(logits, CHANCES)
    other = binary_cross_entropy(same.sigmoid(), CHANCES, from_logits=False)
    assert one.data == pytest.approx(other.data, rel=1e-12)
    one.backward()
    other.backward()
    np.testing.assert_allclose(logits.grad, same.grad, rtol=1e-10)


def test_softmax_cross_entropy_is_the_formula_and_its_gradient():
    output = Value(OUTPUT)
    loss = softmax_cross_entropy(output, LABELS)
    loss.backward()
    p = np.exp(OUTPUT) / np.exp(OUTPUT).sum(axis=1, keepdims=True)
    assert loss.data == pytest.approx(-np.mean(np.log(p[range(4), LABELS])), rel=1e-12)
    np.testing.assert_allclose(output.grad, (p - np.eye(3)[LABELS]) / 4, rtol=1e-12, atol=1e-15)


LOSSES = {
    "half_squared_error": lambda o: half_squared_error(o, NUMBERS),
    "mean_squared_error": lambda o: mean_squared_error(o, NUMBERS),
    "binary_cross_entropy": lambda o: binary_cross_entropy(o, CHANCES),
    "binary_cross_entropy of certain targets": lambda o: binary_cross_entropy(o, CHANCES > 0.5),
    "binary_cross_entropy of probabilities": lambda o: binary_cross_entropy(
        o.sigmoid(), CHANCES, from_logits=False
    ),
    "softmax_cross_entropy": lambda o: softmax_cross_entropy(o, LABELS),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_first_and_second_order(name):
    check_gradients(LOSSES[name], OUTPUT, order=2)


def test_a_hessian_of_softmax_cross_entropy_is_that_of_log_sum_exp():
    x = Value([0.3, -1.0, 0.5])
    first = grad(softmax_cross_entropy(x, 0), x, create_graph=True)
    hessian = np.stack([grad(first[i], x) for i in range(3)])
    p = np.exp(x.data) / np.exp(x.data).sum()
    np.testing.assert_allclose(hessian, np.diag(p) - np.outer(p, p), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("loss", [half_squared_error, mean_squared_error, binary_cross_entropy])
def test_a_single_number_has_a_loss_too(loss):
    output = Value(0.25)
    loss(output, 1.0).backward()
    assert output.grad < 0


@pytest.mark.parametrize("loss", [half_squared_error, mean_squared_error, binary_cross_entropy])
def test_float32_stays_float32(loss):
    output = Value(OUTPUT.astype(np.float32))
    loss(output, CHANCES).backward()
    assert output.grad.dtype == np.float32


def test_targets_are_not_cut_to_the_type_of_integer_outputs():
    assert mean_squared_error(np.array([1, 2]), [1.5, 2.5]) == 0.25


def test_a_target_that_was_computed_from_the_same_weight_has_its_share_of_the_gradient():
    w = Value(0.5)
    half_squared_error(w * w, w).backward()
    assert w.grad == pytest.approx((0.25 - 0.5) * (2 * 0.5 - 1))


SMOOTH = {
    "half_squared_error": half_squared_error,
    "mean_squared_error": mean_squared_error,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy of probabilities": lambda o, t: binary_cross_entropy(
        o.sigmoid(), t, from_logits=False
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_target_that_is_a_value_has_gradients_of_first_and_second_order(name):
    check_gradients(SMOOTH[name], OUTPUT, CHANCES, order=2)


def test_the_gradient_of_a_certain_target_is_not_cut_off():
    p, target = Value([0.3, 0.3]), Value([0.0, 1.0])
    binary_cross_entropy(p, target, from_logits=False).backward()
    np.testing.assert_allclose(target.grad, [math.log(0.7 / 0.3) / 2] * 2)


def test_a_target_that_is_a_value_gets_its_gradient_in_its_own_type():
    output, target = Value(OUTPUT.astype(np.float32)), Value(NUMBERS)
    loss = mean_squared_error(output, target)
    loss.backward()
    assert (loss.dtype, output.grad.dtype, target.grad.dtype) == (float, np.float32, float)
    np.testing.assert_allclose(target.grad, -output.grad, rtol=1e-6)


@pytest.mark.parametrize("loss", [half_squared_error, mean_squared_error])
def test_squared_errors_are_right_with_output_and_target_swapped(loss):
    output = Value(OUTPUT.astype(np.float32))
    loss(NUMBERS, output).backward()
    swapped, output.grad = output.grad, None
    loss(output, NUMBERS).backward()
    np.testing.assert_allclose(swapped, output.grad, rtol=1e-5)


# ------------------------------------------------------------------------------------------------
# Extreme input, with every warning of NumPy's an error
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_huge_logits(dtype):
    output = Value(np.array([1e4, -1e4, 1e4, -1e4], dtype))
    with np.errstate(all="raise"):
        loss = binary_cross_entropy(output, [1, 0, 0, 1])
        loss.backward()
    assert loss.data == pytest.approx(5000)
    np.testing.assert_array_equal(output.grad, np.array([0, 0, 0.25, -0.25], dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_cross_entropy_of_huge_logits(dtype):
    output = Value(np.array([[1e4, 0.0], [0.0, 1e4], [-1e4, -1e4]], dtype))
    with np.errstate(all="raise"):
        loss = softmax_cross_entropy(output, [1, 1, 0])
        loss.backward()
    assert loss.data == pytest.approx((1e4 + math.log(2)) / 3)
    expected = np.array([[1, -1], [0, 0], [-0.5, 0.5]]) / 3
    np.testing.assert_allclose(output.grad, expected, rtol=1e-6)


def test_probabilities_that_are_sure_and_right_cost_nothing():
    p = Value([0.0, 1.0])
    with np.errstate(all="raise"):
        loss = binary_cross_entropy(p, [0, 1], from_logits=False)
        loss.backward()
    assert loss.data == 0.0
    np.testing.assert_allclose(p.grad, [0.5, -0.5])


def test_probabilities_that_are_sure_and_wrong_cost_everything():
    with np.errstate(all="ignore"):
        assert binary_cross_entropy(Value([0.0]), [1], from_logits=False).data == math.inf
        assert binary_cross_entropy(Value([1.0]), [0], from_logits=False).data == math.inf


# ------------------------------------------------------------------------------------------------
# Wrong input
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [half_squared_error, mean_squared_error, binary_cross_entropy])
def test_a_column_against_a_row_is_refused_instead_of_broadcast(loss):
    with pytest.raises(
        ValueError,
        match=r"output's shape \(4, 1\), got \(4,\); reshape one of them, .*: y\[:, None\]",
    ):
        loss(Value(np.ones((4, 1))), np.ones(4))
    with pytest.raises(ValueError, match=r"for example target\.reshape\(output\.shape\)"):
        loss(Value(np.ones(4)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="reshape one of them"):
        loss(Value(np.ones((4, 1))), Value(np.ones(4)))


@pytest.mark.parametrize("loss", [half_squared_error, mean_squared_error, binary_cross_entropy])
def test_classes_are_no_targets_of_rows_of_numbers(loss):
    with pytest.raises(
        ValueError, match=r"got \(4,\); for classes take softmax_cross_entropy, .*np\.eye\(3\)\[y\]"
    ):
        loss(Value(OUTPUT), LABELS)


def test_cross_entropies_tell_when_output_and_target_have_changed_places():
    with pytest.raises(TypeError, match=r"the order is binary_cross_entropy\(output, target\)"):
        binary_cross_entropy(CHANCES, Value(CHANCES))
    with pytest.raises(TypeError, match=r"in the order softmax_cross_entropy\(x, labels\)"):
        softmax_cross_entropy(LABELS, Value(OUTPUT))
    with pytest.raises(ValueError, match=r"the order is \(scores, labels\)"):
        softmax_cross_entropy(LABELS, OUTPUT)


def test_a_target_that_is_a_value_is_held_to_be_a_probability_as_well():
    with pytest.raises(ValueError, match="expected targets from 0 to 1, got 0 to 2"):
        binary_cross_entropy(Value([0.0, 0.0]), Value([0.0, 2.0]))


def test_bytes_do_not_wrap_around():
    one, other = np.array([1, 200], np.uint8), np.array([200, 1], np.uint8)
    assert mean_squared_error(one, other) == 199**2
    assert half_squared_error(one, other) == 199**2


@pytest.mark.parametrize("target", [[0, 2], [-1, 1], [0.5, 1.5], [0, float("nan")]])
def test_targets_outside_of_0_to_1_are_no_probabilities(target):
    with pytest.raises(ValueError, match=r"expected targets from 0 to 1, got .*write no as 0"):
        binary_cross_entropy(Value([0.0, 0.0]), target)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 2, 3], ValueError, r"labels 0…2 for 3 classes, got 3 \(1 of 4 .*count .* from 0"),
        ([0, 1, 2, -1], ValueError, r"labels 0…2 for 3 classes, got -1"),
        (
            [0.0, 1.0, 2.0, 1.0],
            TypeError,
            r"integer labels 0…2, got dtype float64; .*astype\(int\)",
        ),
        (np.eye(4, 3), TypeError, r"argmax\(axis=1\)"),
        ([[0], [1], [2], [1]], ValueError, r"one label for each row .*\(4,\), got \(4, 1\)"),
        ([0, 1], ValueError, r"that is shape \(4,\), got \(2,\)"),
        (["a", "b", "c", "d"], TypeError, "integer labels"),
    ],
)
def test_labels_that_are_no_classes(labels, error, message):
    with pytest.raises(error, match=message):
        softmax_cross_entropy(Value(OUTPUT), labels)
