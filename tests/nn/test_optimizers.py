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
# What is remembered
# ------------------------------------------------------------------------------------------------


class Averaged(Optimizer):
    """An optimizer of one's own: it remembers an array, a number, a list and, of each axis, a mean."""

    def __init__(self, parameters, lr, window=2):
        self.window = window
        super().__init__(parameters, lr)

    def update(self, w, g, memory, rate):
        memory["sum"] = memory.get("sum", 0.0) + g
        memory["count"] = memory.get("count", 0) + 1
        memory.setdefault("latest", []).append(float(np.sum(g)))
        del memory["latest"][: -self.window]
        memory["row"] = np.mean(memory["sum"], axis=0)
        return w - rate * (memory["sum"] / memory["count"] + memory["latest"][0] * memory["row"])


RESUMED = [
    *((kind, options) for kind, _, options in CASES),
    (SGD, {"lr": lambda step: 0.1 / (step + 1), "momentum": 0.5}),
    (Averaged, {"lr": 0.1}),
]


@pytest.mark.parametrize(("kind", "options"), RESUMED)
def test_who_goes_on_from_a_state_steps_as_if_never_stopped(kind, options):
    value, resting = Value(START), Value([1.0])
    optimizer = kind([value, resting], **options)
    path(optimizer, value, 3)
    state, data = optimizer.state_dict(), value.numpy()
    expected = path(optimizer, value, 5)

    value, resting = Value(data), Value([1.0])
    optimizer = kind([value, resting], **options)
    optimizer.load_state_dict(state)
    assert optimizer.steps == 3
    np.testing.assert_array_equal(path(optimizer, value, 5), expected)
    assert state["steps"] == 3
    value = Value(data)  # the state is a copy, which serves again
    optimizer = kind([value, resting], **options)
    optimizer.load_state_dict(state)
    np.testing.assert_array_equal(path(optimizer, value, 5), expected)


def test_a_rate_that_was_changed_on_the_way_comes_with_the_state():
    optimizer, other = Adam([Value(1.0)], lr=0.1), Adam([Value(1.0)], lr=0.1)
    optimizer.lr = 0.05
    other.load_state_dict(optimizer.state_dict())
    assert other.lr == 0.05


def test_a_rate_that_is_a_function_stays():
    def rate(step):
        return 0.5

    optimizer = SGD([Value(1.0)], lr=rate)
    optimizer.load_state_dict(SGD([Value(1.0)], lr=0.1).state_dict())
    assert optimizer.lr is rate
    other = SGD([Value(1.0)], lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert other.lr == 0.1


def stepped(kind, *starts, **options):
    values = [Value(start, name=name) for start, name in zip(starts, "abc", strict=False)]
    optimizer = kind(values, **options)
    for value in values:
        value.grad = np.sin(value.data)
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: SGD([Value(START)], lr=0.1).state_dict(), ValueError, "state of SGD, not of Adam"),
        (lambda s: stepped(Adam, START[:2], [1.0]).state_dict(), ValueError, r"shapes \[\(2, 3\), "),
        (lambda s: stepped(Adam, START).state_dict(), ValueError, r"shapes \[\(4, 3\)\], not"),
        (lambda s: s | {"names": ["b", "a"]}, ValueError, r"in the order \['b', 'a'\], got \['a', 'b'\]"),
        (lambda s: s | {"steps": -1}, ValueError, "got -1 steps"),
        (lambda s: s | {"steps": "3"}, ValueError, "got '3' steps"),
        (lambda s: s | {"memory": s["memory"][:1]}, ValueError, "and 1"),
        (lambda s: s | {"memory": [1, 2]}, ValueError, "got 1 steps and 2"),
        (lambda s: s | {"memory": [{"mean": 0.0}, {}]}, ValueError, r"remembered of a has shapes"),
        (
            lambda s: s | {"memory": [m | {"mean": np.ones(3)} for m in s["memory"]]},
            ValueError,
            r"remembered of a has shapes \{.*'mean': \(3,\).* needs \{.*'mean': \(4, 3\)",
        ),
        (lambda s: s | {"settings": {"lr": -0.1}}, ValueError, "rate above 0, got -0.1"),
        (lambda s: s | {"settings": {"betas": (0.9, 1.0)}}, ValueError, "0 ≤ β < 1"),
        (lambda s: {}, TypeError, r"what state_dict\(\) of an optimizer gives, with .*, got dict$"),
        (lambda s: None, TypeError, r"what state_dict\(\) of an optimizer gives, with .*, got NoneType"),
        (lambda s: {"w": START}, TypeError, "got dict$"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    optimizer = stepped(Adam, START, [1.0, 2.0], lr=0.1)
    before = optimizer.state_dict()
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(change(optimizer.state_dict()))
    after = optimizer.state_dict()
    np.testing.assert_equal(after, before)
    assert after["settings"] == before["settings"]


def test_an_update_that_fails_leaves_all_parameters_and_all_memory_as_they_were():
    class Failing(Adam):
        def update(self, w, g, memory, rate):
            new = super().update(w, g, memory, rate)
            if np.size(w) == 2:
                raise MemoryError
            return new

    one, other = Value(START), Value([1.0, 2.0])
    optimizer = Failing([one, other])
    one.grad, other.grad = START, np.ones(2)
    before = optimizer.state_dict()
    with pytest.raises(MemoryError):
        optimizer.step()
    np.testing.assert_array_equal(one.data, START)
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_an_update_that_changes_its_memory_in_place_is_given_copies():
    class InPlace(Optimizer):
        def update(self, w, g, memory, rate):
            velocity = memory.setdefault("velocity", np.zeros_like(w))
            velocity += g
            if np.isnan(g).any():
                raise ArithmeticError
            return w - rate * velocity

    value = Value(START)
    optimizer = InPlace([value], lr=0.1)
    expected = path(SGD([same := Value(START)], lr=0.1, momentum=1 - 1e-16), same)
    np.testing.assert_allclose(path(optimizer, value), expected)
    before = optimizer.state_dict()
    value.grad = np.full_like(START, np.nan)
    with pytest.raises(ArithmeticError):
        optimizer.step()
    np.testing.assert_equal(optimizer.state_dict(), before)


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rate",
    [
        *(0, 0.0, -0.1, float("nan"), float("inf"), "0.1", b"0.1", True, np.True_, 0.1j, None),
        *([0.1], (0.1,), np.array([0.1]), np.array([0.1, 0.2]), np.array("0.1"), Value(0.1)),
        *(lambda step: -1.0, lambda step: "0.1", lambda step: [0.1], lambda step: None),
    ],
    ids=lambda rate: "a function" if callable(rate) else repr(rate),
)
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
        (lambda: SGD([Value(1.0)], momentum="0.9"), ValueError, "momentum < 1, got '0.9'"),
        (lambda: SGD([Value(1.0)], momentum=False), ValueError, "momentum < 1, got False"),
        (lambda: SGD([Value(1.0)], weight_decay="0"), ValueError, "weight_decay ≥ 0, got '0'"),
        (lambda: SGD([Value(1.0)], weight_decay=np.nan), ValueError, "weight_decay ≥ 0, got nan"),
        (lambda: RMSprop([Value(1.0)], rho=1), ValueError, "0 ≤ rho < 1, got 1"),
        (lambda: RMSprop([Value(1.0)], rho=np.array([0.1])), ValueError, "0 ≤ rho < 1, got array"),
        (lambda: RMSprop([Value(1.0)], epsilon=-1e-7), ValueError, "epsilon ≥ 0, got -1e-07"),
        (lambda: Adam([Value(1.0)], epsilon="1e-8"), ValueError, "epsilon ≥ 0, got '1e-8'"),
        (lambda: Adam([Value(1.0)], betas=("0.9", 0.9)), ValueError, "0 ≤ β < 1 for both betas"),
        (lambda: Adam([Value(1.0)], betas=(np.nan, 0.9)), ValueError, "0 ≤ β < 1 for both betas"),
        (lambda: Adam([Value(1.0)], learning_rate=0.1), TypeError, r"^Adam\(\) has no option lea.*write lr$"),
        (lambda: SGD([Value(1.0)], learning_rate=0.1), TypeError, r"^SGD\(\) has no .*write lr$"),
        (lambda: RMSprop([Value(1.0)], alpha=0.9), TypeError, r"^RMSprop\(\) has no .*write rho$"),
        (lambda: Adam([Value(1.0)], eps=1e-8), TypeError, "no option eps; write epsilon"),
        (lambda: Adam([Value(1.0)], beta_1=0.9), TypeError, r"write betas=\(beta1, beta2\)"),
        (lambda: SGD([Value(1.0)], momentun=0.9), TypeError, "momentun; did you mean momentum?"),
        (lambda: SGD([Value(1.0)], xyz=1), TypeError, "xyz; it has parameters, lr, momentum, nest"),
        (lambda: Adam([Value(1.0)], betas=(0.9, 1)), ValueError, "0 ≤ β < 1 for both betas"),
        (lambda: Adam([Value(1.0)], betas=0.1), ValueError, r"betas=\(0\.9, 0\.999\), got 0\.1"),
        (lambda: Adam([Value(1.0)], betas=(0.9,)), ValueError, r"for both betas, .* got \(0\.9,\)"),
    ],
)  # fmt: skip
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("rate", [0.25, np.float32(0.25), np.array(0.25), 1, np.int64(1)])
def test_a_rate_may_be_any_real_number(rate):
    optimizer = SGD([value := Value(np.ones(2, np.float32))], lr=rate)
    assert type(optimizer.learning_rate()) is float
    assert SGD([value], lr=lambda step: rate).learning_rate() == float(rate)
    value.grad = np.ones(2, np.float32)
    optimizer.step()
    assert value.dtype == np.float32


def test_a_rate_that_is_spoiled_later_changes_nothing():
    optimizer = SGD([value := Value(1.0)], lr=0.1)
    value.grad, optimizer.lr = 1.0, "0.1"
    with pytest.raises(ValueError, match=r"above 0, got '0\.1' at step 0"):
        optimizer.step()
    assert (value.data, optimizer.steps) == (1.0, 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("learning_rate", "learning_rate of Adam is a method; set lr"),
        ("step", "step of Adam is a method$"),
        ("state_dict", "state_dict of Adam is a method"),
        ("eta", "eta of Adam means nothing here; set lr"),
        ("eps", "eps of Adam means nothing here; set epsilon"),
    ],
)
def test_an_attribute_of_another_name_is_not_set_in_silence(name, message):
    optimizer = Adam([Value(1.0)])
    with pytest.raises(AttributeError, match=message):
        setattr(optimizer, name, 0.01)
    assert optimizer.learning_rate() == 0.001


def test_a_method_may_be_replaced_by_a_function():
    optimizer = Adam([Value(1.0)])
    optimizer.step = lambda: None
    optimizer.step()
    assert optimizer.steps == 0


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
