"""Optimizers: each against its recurrence by hand and against PyTorch, and what they refuse."""

import math

import numpy as np
import pytest

from tinygrad_edu import SGD, Adam, Dense, Optimizer, RMSprop, Sequential, Value

RNG = np.random.default_rng(0)
START = RNG.normal(size=(4, 3))
STEPS = 20


def gradient(w):
    """The gradient of a bumpy, badly scaled function."""
    return np.array([1.0, 10.0, 0.1]) * w + np.sin(3 * w)


def path(optimizer, value, steps=STEPS):
    """Return the data after each step."""
    found = []
    for _ in range(steps):
        value.grad = gradient(value.data)
        optimizer.step()
        found.append(value.numpy())
    return np.stack(found)


# ------------------------------------------------------------------------------------------------
# The recurrences, written out
# ------------------------------------------------------------------------------------------------


def sgd(w, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = np.zeros_like(w)
    while True:
        g = gradient(w) + weight_decay * w
        v = momentum * v + g
        w = w - lr * (g + momentum * v if nesterov else v)
        yield w


def rmsprop(w, lr, rho=0.9, epsilon=1e-7, weight_decay=0.0):
    s = np.zeros_like(w)
    while True:
        g = gradient(w) + weight_decay * w
        s = rho * s + (1 - rho) * g**2
        w = w - lr * g / (np.sqrt(s) + epsilon)
        yield w


def adam(w, lr, betas=(0.9, 0.999), epsilon=1e-8, weight_decay=0.0):
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0
    while True:
        g = gradient(w) + weight_decay * w
        t += 1
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        w = w - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + epsilon)
        yield w


CASES = [
    (SGD, sgd, {"lr": 0.05}),
    (SGD, sgd, {"lr": 0.05, "weight_decay": 0.1}),
    (SGD, sgd, {"lr": 0.05, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    (SGD, sgd, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    (RMSprop, rmsprop, {"lr": 0.01}),
    (RMSprop, rmsprop, {"lr": 0.01, "rho": 0.5, "epsilon": 1e-3, "weight_decay": 0.1}),
    (Adam, adam, {"lr": 0.01}),
    (Adam, adam, {"lr": 0.01, "betas": (0.8, 0.9), "epsilon": 1e-2, "weight_decay": 0.1}),
]


def named(case):
    return f"{case[0].__name__} {case[2]}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_steps_are_those_of_the_recurrence(case):
    kind, recurrence, options = case
    value = Value(START)
    expected = recurrence(START, **options)
    for found in path(kind([value], **options), value):
        np.testing.assert_allclose(found, next(expected), rtol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_steps_are_those_of_pytorch(case):
    torch = pytest.importorskip("torch")
    kind, _, options = case
    theirs = dict(options)
    for ours, other in (("epsilon", "eps"), ("rho", "alpha")):
        if ours in theirs:
            theirs[other] = theirs.pop(ours)
    if kind is RMSprop:
        theirs = {"alpha": 0.9, "eps": 1e-7} | theirs
    weight = torch.tensor(START, requires_grad=True)
    optimizer = getattr(torch.optim, kind.__name__)([weight], **theirs)
    value = Value(START)
    for found in path(kind([value], **options), value):
        weight.grad = torch.from_numpy(gradient(weight.detach().numpy()))
        optimizer.step()
        np.testing.assert_allclose(found, weight.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_float_steps_like_an_array_of_one(case):
    kind, _, options = case
    number, array = Value(0.7), Value([0.7])
    ours, theirs = kind([number], **options), kind([array], **options)
    for _ in range(STEPS):
        number.grad = math.sin(number.data)
        array.grad = np.sin(array.data)
        ours.step()
        theirs.step()
    assert isinstance(number.data, float)
    assert number.data == pytest.approx(array.data[0], rel=1e-12)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_float32_stays_float32_and_close_to_float64(case):
    kind, recurrence, options = case
    value = Value(START.astype(np.float32))
    optimizer = kind([value], **options)
    expected = recurrence(START, **options)
    for _ in range(STEPS):
        value.grad = gradient(value.data).astype(np.float32)
        optimizer.step()
        last = next(expected)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value.data, last, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam])
def test_gradients_are_not_changed_by_a_step(kind):
    value = Value(START)
    value.grad = given = gradient(START)
    copy = given.copy()
    kind([value], lr=0.1, weight_decay=0.5).step()
    assert value.grad is given
    np.testing.assert_array_equal(given, copy)


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam])
def test_data_that_was_taken_earlier_stays_what_it_was(kind):
    value = Value(START)
    before = value.data
    path(kind([value], lr=0.1), value)
    np.testing.assert_array_equal(before, START)


def test_parameters_do_not_mix():
    one, other = Value(START), Value(START[:2])
    together = Adam([one, other], lr=0.01)
    alone = Value(START)
    for _ in range(STEPS):
        one.grad, other.grad = gradient(one.data), -gradient(other.data)
        together.step()
    np.testing.assert_array_equal(one.data, path(Adam([alone], lr=0.01), alone)[-1])


# ------------------------------------------------------------------------------------------------
# Rates and steps
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam])
def test_a_rate_may_be_a_function_of_the_step(kind):
    asked = []

    def rate(step):
        asked.append(step)
        return 0.1 / (step + 1)

    scheduled, plain = Value(1.0), Value(1.0)
    ours, theirs = kind([scheduled], lr=rate), kind([plain], lr=0.1)
    for step in range(5):
        theirs.lr = 0.1 / (step + 1)
        scheduled.grad, plain.grad = scheduled.data, plain.data
        ours.step()
        theirs.step()
        assert scheduled.data == plain.data
    assert ours.steps == 5
    assert ours.learning_rate() == 0.1 / 6
    assert set(asked) == set(range(6))


def test_a_parameter_without_gradient_stays_where_it_is():
    moving, resting = Value(START), Value(START)
    optimizer = SGD([moving, resting], lr=0.1, momentum=0.9, weight_decay=0.5)
    moving.grad = gradient(START)
    optimizer.step()
    assert not np.array_equal(moving.data, START)
    np.testing.assert_array_equal(resting.data, START)


def test_zero_grad_forgets_the_gradients():
    a, b = Value(2.0), Value(3.0)
    optimizer = SGD([a], lr=0.1)
    (a * b).backward()
    optimizer.zero_grad()
    assert (a.grad, b.grad) == (None, 2.0)


def test_a_gradient_that_is_a_value_is_taken_by_its_number():
    x = Value([1.0, 2.0])
    (x * x).sum().backward(create_graph=True)
    SGD([x], lr=0.5).step()
    np.testing.assert_array_equal(x.data, [0.0, 0.0])


def test_parameters_may_come_from_a_generator():
    assert len(SGD(Value(float(i)) for i in range(3)).parameters) == 3


def test_an_optimizer_of_ones_own_needs_only_update():
    class SignDescent(Optimizer):
        def update(self, w, g, memory, rate):
            return w - rate * np.sign(g)

    value = Value([3.0, -3.0])
    value.grad = np.array([100.0, -0.01])
    SignDescent([value], lr=1.0).step()
    np.testing.assert_array_equal(value.data, [2.0, -2.0])
    bare = Optimizer([value], lr=1.0)
    with pytest.raises(NotImplementedError, match="Optimizer needs a method update"):
        bare.step()


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0, 0.0, -0.1, float("nan"), float("inf"), lambda step: -1.0])
@pytest.mark.parametrize("kind", [SGD, RMSprop, Adam])
def test_a_rate_that_is_no_positive_number_is_refused_at_once(kind, rate):
    with pytest.raises(ValueError, match=r"learning rate above 0, got .* 0\.1 is usual for SGD"):
        kind([Value(1.0)], lr=rate)


def test_a_schedule_may_begin_and_end_at_zero():
    value = Value(1.0)
    optimizer = SGD([value], lr=lambda step: 0.1 * (step % 2))
    found = []
    for _ in range(3):
        value.grad = 1.0
        optimizer.step()
        found.append(value.data)
    assert found == [1.0, 0.9, 0.9]


def test_a_rate_that_turns_bad_later_changes_nothing():
    value = Value(1.0)
    optimizer = Adam([value], lr=lambda step: 0.1 if step < 1 else math.nan)
    value.grad = 1.0
    optimizer.step()
    before = value.data
    with pytest.raises(ValueError, match="got nan at step 1"):
        optimizer.step()
    assert (value.data, optimizer.steps) == (before, 1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD([]), ValueError, r"got none; pass model\.parameters\(\)"),
        (lambda: SGD([1.0]), TypeError, "expected Values as parameters, got float"),
        (lambda: SGD(0.1), TypeError, r"a list of parameters, got 0\.1; pass model\.parameters"),
        (lambda: SGD(Sequential(Dense(2, 1))), TypeError, r"got Dense; pass model\.parameters"),
        (lambda: SGD({"w": Value(1.0)}), TypeError, r"got str; pass model\.parameters"),
        (lambda: SGD([np.ones(3)]), TypeError, "expected Values as parameters, got ndarray"),
        (lambda: SGD([(v := Value(1.0)), v]), ValueError, "given twice .* pass each once"),
        (lambda: SGD([Value(1.0)], weight_decay=-1), ValueError, "weight_decay ≥ 0, got -1"),
        (lambda: SGD([Value(1.0)], momentum=1), ValueError, "0 ≤ momentum < 1, got 1"),
        (lambda: SGD([Value(1.0)], momentum=-0.1), ValueError, "0 ≤ momentum < 1"),
        (lambda: SGD([Value(1.0)], nesterov=True), ValueError, "nesterov needs a momentum"),
        (lambda: RMSprop([Value(1.0)], rho=1), ValueError, "0 ≤ rho < 1, got 1"),
        (lambda: Adam([Value(1.0)], betas=(0.9, 1)), ValueError, "0 ≤ β < 1 for both betas"),
        (lambda: Adam([Value(1.0)], betas=0.1), ValueError, r"betas=\(0\.9, 0\.999\), got 0\.1"),
        (lambda: Adam([Value(1.0)], betas=(0.9,)), ValueError, r"for both betas, .* got \(0\.9,\)"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_optimizer_shows_its_settings():
    w = Value(1.0)
    optimizer = SGD([w], lr=0.5, momentum=0.9)
    (w * w).backward()
    optimizer.step()
    assert repr(optimizer) == "SGD(lr=0.5, momentum=0.9, nesterov=False, weight_decay=0.0)"
    assert repr(Adam([w])).startswith("Adam(lr=0.001, betas=(0.9, 0.999), ")


def test_a_step_without_any_gradient_is_an_error():
    with pytest.raises(RuntimeError, match=r"call loss\.backward\(\) before step\(\)"):
        SGD([Value(1.0)]).step()


def test_a_gradient_of_another_shape_changes_nothing():
    one, other = Value(START), Value([1.0, 2.0], name="other")
    one.grad, other.grad = gradient(START), np.ones(3)
    optimizer = SGD([one, other], lr=0.1)
    with pytest.raises(ValueError, match=r"gradient of other has shape \(3,\) instead of \(2,\)"):
        optimizer.step()
    np.testing.assert_array_equal(one.data, START)
    assert optimizer.steps == 0
