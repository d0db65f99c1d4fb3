"""Every classic mistake is named, alone and beside any other; made with pencil and paper, not by the engine.

The long proofs print their figures: pytest -m slow -s tests/compare/test_mistakes.py
"""

import itertools
import time

import numpy as np
import pytest

from tinygrad_edu import Value, binary_cross_entropy, grad, half_squared_error, ops
from tinygrad_edu.by_hand import NielsenNetwork, WorkedExample
from tinygrad_edu.compare import audit, twin

from .student import KINDS, Student, apart, draw


def names_of(report):
    """Return the names of each explanation: one, or two of them."""
    return [tuple(one.name for one in found.both) for found in report.findings]


# -- alone --


def made_alone(kind):
    """Return the first student who can make a mistake so that it shows, and the gradients with it."""
    students = (Student(np.random.default_rng(seed)) for seed in itertools.count())
    return next(
        (student, given)
        for student in students
        for made in student.kinds()
        if made[0] == kind
        and all(np.abs(g).max() > 1e-6 for g in student.gradients().values())
        and apart(student.gradients(), given := student.gradients(made)) > 1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone(kind):
    student, given = made_alone(kind)
    report = audit(student.loss(), given)
    assert report.verdict == "explained", str(report)
    assert any(len(names) == 1 and names[0] in KINDS[kind] for names in names_of(report)), str(
        report
    )


# -- in pairs --


def both_named(seed):
    """Return whether both mistakes of a random pair are named, how long it took, and what was said."""
    student, made, given = draw(np.random.default_rng(seed), 2)
    start = time.process_time()
    report = audit(student.loss(), given)
    seconds = time.process_time() - start
    assert all(found.distance <= report.tolerance for found in report.findings)
    first, second = (KINDS[kind] for kind, _ in made)
    pairs = [names for names in names_of(report) if len(names) == 2]
    named = any((a in first and b in second) or (b in first and a in second) for a, b in pairs)
    return named, seconds, f"seed {seed}, {made}: {report}"


@pytest.mark.parametrize("seed", range(4))
def test_some_random_pairs(seed):
    named, _, said = both_named(seed)
    assert named, said


@pytest.mark.slow
def test_three_hundred_random_pairs():
    """pytest -m slow -s tests/compare/test_mistakes.py -k three_hundred"""
    results = [both_named(seed) for seed in range(1000, 1300)]
    missed = [said for named, _, said in results if not named]
    seconds = [s for _, s, _ in results]
    # Where one mistake gives the numbers of two, such as −1 twice, nobody could tell.
    simpler = sum("unknown: none of" not in said for said in missed)
    print(f"\n{300 - len(missed)} of 300 pairs: both named")
    print(f"{simpler} more: one mistake gives the same numbers")
    print(f"{np.median(seconds):.2f} s of processor time each, at most {max(seconds):.2f} s")
    print("\n\n".join(missed))
    assert len(missed) <= 30


@pytest.mark.slow
def test_two_hundred_right_students_are_acquitted_and_noise_is_unknown():
    """pytest -m slow -s tests/compare/test_mistakes.py -k two_hundred"""
    accused = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        student = Student(rng)
        right = student.gradients()
        report = audit(student.loss(), right)
        assert report.ok, f"seed {seed}: {report}"
        noise = {name: g + 0.1 * rng.normal(size=g.shape) for name, g in right.items()}
        if seed < 50:
            accused += audit(student.loss(), noise).verdict != "unknown"
    print(
        f"\n200 of 200 right students are acquitted; {accused} of 50 noisy gradients are explained"
    )
    assert not accused


def test_right_students_are_acquitted():
    for seed in range(200, 260):
        student = Student(np.random.default_rng(seed))
        report = audit(student.loss(), student.gradients())
        assert report.ok, f"seed {seed}: {report}"


# -- other networks --


RNG = np.random.default_rng(3)
X, W1, W2 = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(3, 4))
B1, T, LABELS = RNG.normal(size=3), RNG.random((4, 4)), np.array([2, 0, 3, 2])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def tanh_network():
    """x → tanh → linear, half squares: the loss, the error d2, what arrives at the sums d1, and h."""
    w1, w2, b1 = Value(W1, name="W1"), Value(W2, name="W2"), Value(B1, name="b1")
    h = np.tanh(X @ W1 + B1)
    d2 = h @ W2 - T
    loss = half_squared_error(ops.tanh(X @ w1 + b1) @ w2, T)
    return loss, d2, d2 @ W2.T * (1 - h**2), h


def given_by(d2, d1, h, **other):
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2} | other


BIASES = {
    "over everything": (lambda d: d.sum(), "wrong axis"),
    "over everything, for each": (lambda d: np.full(3, d.sum()), "wrong axis"),
    "keepdims": (lambda d: d.sum(axis=0, keepdims=True), "wrong axis"),
    "of the first sample": (lambda d: d[0], "unbroadcast missing"),
}


@pytest.mark.parametrize("how", BIASES)
def test_a_bias_that_is_summed_over_the_wrong_axis(how):
    reduced, name = BIASES[how]
    loss, d2, d1, h = tanh_network()
    assert audit(loss, given_by(d2, d1, h, b1=reduced(d1))).names[0] == name


def test_a_bias_that_is_summed_over_the_neurons():
    x, w, b = RNG.normal(size=(3, 5)), RNG.normal(size=(5, 3)), RNG.normal(size=3)
    d = x @ w + b
    loss = half_squared_error(
        ops.dense(x, Value(w, name="W"), Value(b, name="b")), np.zeros((3, 3))
    )
    assert audit(loss, {"W": x.T @ d, "b": d.sum(axis=1)}).names[0] == "wrong axis"
    assert "transposed" in audit(loss, {"W": x.T @ d.T, "b": d.sum(axis=0)}).names


def test_gradients_that_are_exchanged_or_handed_in_twice():
    w1, w2 = Value(W1, name="W1"), Value(W1.T @ W1, name="W2")
    h = sigmoid(X @ W1)
    loss = half_squared_error(ops.sigmoid(X @ w1) @ w2, np.zeros((4, 3)))
    right = dict(zip(("W1", "W2"), grad(loss, [w1, w2]), strict=True))
    assert audit(loss, right | {"W1": right["W2"]}).names[0] == "another's gradient"
    assert audit(loss, {"W1": right["W2"], "W2": right["W1"]}).names[0] == "another's gradient"
    d2 = h @ w2.data
    without_h = {"W1": right["W1"], "W2": np.ones_like(h).T @ d2}
    assert "as if they were 1" in str(audit(loss, without_h))


def test_a_relu_mask_from_the_wrong_layer():
    w = [RNG.normal(size=(3, 3)) for _ in range(3)]
    v = [Value(a, name=f"W{i}") for i, a in enumerate(w)]
    z1 = X @ w[0]
    z2 = np.maximum(z1, 0) @ w[1]
    loss = half_squared_error(ops.relu(ops.relu(X @ v[0]) @ v[1]) @ v[2], np.zeros((4, 3)))
    d3 = np.maximum(z2, 0) @ w[2]
    d2 = d3 @ w[2].T * (z2 > 0)
    d1 = d2 @ w[1].T * (z2 > 0)
    given = {"W0": X.T @ d1, "W1": np.maximum(z1, 0).T @ d2, "W2": np.maximum(z2, 0).T @ d3}
    assert "derivative at the wrong place" in audit(loss, given).names


def test_a_weight_decay_that_is_not_in_the_loss_and_its_factor():
    loss, d2, d1, h = tanh_network()
    right = given_by(d2, d1, h)
    given = right | {"W1": right["W1"] + 0.01 * W1, "W2": right["W2"] + 0.01 * W2}
    found = audit(loss, given).findings[0]
    assert (found.name, found.where) == ("regularization added", "the gradient of all 2 weights")
    assert "(λ 0.01)" in str(found)


def test_gradients_in_the_place_of_weights_and_weights_moved_too_early_behind_a_transposed_matrix():
    network = NielsenNetwork([3, 4, 2], rng=0)
    x, y = RNG.random((5, 3)), RNG.random((5, 2))
    (w1, w2), (b1, b2) = network.weights, network.biases
    h = sigmoid(x @ w1.T + b1)
    o = sigmoid(h @ w2.T + b2)
    d2 = (o - y) * o * (1 - o) / 5
    right = network.gradients(x, y)
    names = list(right)
    for through, name in (
        (d2.T @ h, "gradient for weight"),
        (w2 - 0.3 * d2.T @ h, "weights updated too early"),
    ):
        d1 = d2 @ through * h * (1 - h)
        wrong = {n: d1.T @ x if right[n].shape == w1.shape else d1.sum(axis=0)
                 for n in names if right[n].shape in (w1.shape, b1.shape)}  # fmt: skip
        assert audit(twin(network), right | wrong, x, y).names[0] == name


def test_two_inputs_swapped_in_a_network_of_single_numbers():
    net = WorkedExample()
    right = net.gradients()
    swapped = {
        "w1": right["w1"] * 2,
        "w2": right["w2"] / 2,
        "w3": right["w3"] * 2,
        "w4": right["w4"] / 2,
    }
    assert audit(twin(net), right | swapped).names[0] == "inputs swapped"  # 0.05 and 0.10


def test_the_slope_of_a_sigmoid_that_is_in_the_loss_already():
    w = RNG.normal(size=(3, 1))
    t = np.array([[1.0], [0.0], [1.0], [0.0]])
    a = sigmoid(X @ w)
    loss = binary_cross_entropy(X @ Value(w, name="W"), t)
    assert audit(loss, {"W": X.T @ ((a - t) * a * (1 - a)) / 4}).names[0] == "factor twice"
    assert "label missing" in audit(loss, {"W": X.T @ a / 4}).names


def test_softmax_as_an_operation_of_its_own():
    w = RNG.normal(size=(3, 4))
    p = ops.softmax(X @ w)
    picked = np.eye(4)[LABELS]
    loss = -(ops.log(ops.softmax(X @ Value(w, name="W"))) * picked).sum() / 4.0
    flow = -picked / p / 4
    for wrong in (flow, flow * p * (1 - p), flow * p):
        assert "softmax's Jacobian" in audit(loss, {"W": X.T @ wrong}).names


def test_a_softmax_that_lacks_keepdims():
    w = RNG.normal(size=(3, 4))
    z = X @ w
    loss = ops.softmax_cross_entropy(X @ Value(w, name="W"), labels=LABELS)
    for e in (np.exp(z), np.exp(z - z.max()), np.exp(z - z.max(axis=1, keepdims=True))):
        report = audit(loss, {"W": X.T @ (e / e.sum(axis=1) - np.eye(4)[LABELS]) / 4})
        assert report.names == ["wrong axis"]
        assert "keepdims" in str(report)


@pytest.fixture(scope="module")
def images():
    """Two convolutions, the second over overlapping windows, and a maximum over places."""
    x, f1, f2 = (
        RNG.normal(size=(2, 1, 6, 6)),
        RNG.normal(size=(3, 3, 1, 2)),
        RNG.normal(size=(2, 2, 2, 3)),
    )
    v1, v2 = Value(f1, name="F1"), Value(f2, name="F2")
    h = ops.tanh(ops.conv2d(x, v1))
    h.name = "h"
    out = ops.conv2d(h, v2)
    loss = (ops.max_pool2d(out, 3) ** 2).sum()
    return (
        x,
        f2,
        loss,
        dict(zip(("F1", "F2", "h", "out"), grad(loss, [v1, v2, h, out]), strict=True)),
        h,
    )


def to_first_filters(x, d, h):
    """Return the gradient of the first filters from what arrives at h."""
    d = d * (1 - h.data**2)
    found = np.zeros((3, 3, 1, 2))
    for i, j in np.ndindex(3, 3):
        found[i, j, 0] = np.einsum("nhw,nfhw->f", x[:, 0, i : i + 4, j : j + 4], d)
    return found


def through_second_filters(f2, d, shape, assign=False):
    """Return what arrives at h, window by window."""
    arrived = np.zeros(shape)
    for i, j in np.ndindex(3, 3):
        part = np.einsum("nf,abcf->ncab", d[:, :, i, j], f2)
        before = 0 if assign else arrived[:, :, i : i + 2, j : j + 2].copy()
        arrived[:, :, i : i + 2, j : j + 2] = before + part
    return arrived


def test_convolutions(images):
    x, f2, loss, right, h = images
    for turned, assign, name in (
        (f2, False, None),
        (f2, True, "repeats lost"),
        (f2[::-1, ::-1], False, "transposed"),
    ):
        arrived = through_second_filters(turned, right["out"], h.shape, assign)
        report = audit(loss, {"F1": to_first_filters(x, arrived, h), "F2": right["F2"]})
        assert report.ok if name is None else name in report.names, str(report)
    given = {"F1": right["F1"], "F2": right["F2"][::-1, ::-1]}
    assert audit(loss, given).names == ["transposed"]


def columns(mistake=""):
    """Return loss and gradients of W₂·tanh(W₁·x + b₁) + b₂ with a sample in each column, as many write it."""
    rng = np.random.default_rng(8)
    w1, b1, w2, b2 = (rng.normal(size=shape) for shape in ((5, 3), (5, 1), (2, 5), (2, 1)))
    x, y = rng.normal(size=(3, 4)), rng.random((2, 4))
    v = {n: Value(a, name=n) for n, a in (("W1", w1), ("b1", b1), ("W2", w2), ("b2", b2))}
    out = v["W2"] @ (v["W1"] @ x + v["b1"]).tanh() + v["b2"]
    h = np.tanh(w1 @ x + b1)
    t = np.roll(y, mistake in ("class", "neighbor"), axis=0 if mistake == "class" else 1)
    d2 = (w2 @ h + b2 - t) / 4
    d2 = d2 * (np.arange(4) == 3) if mistake == "last" else d2
    d1 = w2.T @ d2 * (1 - h if mistake == "1 - h" else 1 - h**2)
    d1 = d1 / 4 if mistake == "1/N again" else d1
    seen = x[[1, 0, 2]] if mistake == "swapped" else np.ones_like(x) if mistake == "no input" else x
    biases = {
        "keepdims": d1.sum(axis=1),
        "axis": np.full((5, 1), d1.sum()),
        "last of b": d1[:, -1:],
    }
    b1_given = biases.get(mistake, d1.sum(axis=1, keepdims=True))
    seen_too = w1 @ x + b1 if mistake == "z for h" else h
    given = {"W1": d1 @ seen.T, "b1": b1_given, "W2": d2 @ seen_too.T}
    given["b2"] = d2.sum(axis=1, keepdims=True)
    return half_squared_error(out, y) / 4.0, given


COLUMNS = {
    "class": "labels shifted",
    "neighbor": "labels shifted",
    "last": "one sample only",
    "1 - h": "wrong slope",
    "1/N again": "divided by N",
    "swapped": "inputs swapped",
    "no input": "factor left out",
    "z for h": "wrong operand",
    "keepdims": "wrong axis",
    "axis": "wrong axis",
    "last of b": "unbroadcast missing",
}


@pytest.mark.parametrize("mistake", COLUMNS)
def test_a_sample_in_each_column(mistake):
    assert audit(*columns()).ok
    report = audit(*columns(mistake))
    assert (COLUMNS[mistake],) in names_of(report), str(report)


# -- the best-known exercise on gradient checking --


def test_the_exercise_in_which_one_gradient_is_doubled_and_another_four_times_a_mean():
    rng = np.random.default_rng(1)
    shapes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    p = {name: Value(rng.normal(size=shape), name=name) for name, shape in shapes.items()}
    x, y = rng.normal(size=(4, 3)), np.array([[1.0, 1.0, 0.0]])
    h = (p["W2"] @ (p["W1"] @ x + p["b1"]).relu() + p["b2"]).relu()
    loss = binary_cross_entropy(p["W3"] @ h + p["b3"], y)
    right = dict(zip(p, grad(loss, list(p.values())), strict=True))
    report = audit(loss, right | {"W2": 2 * right["W2"], "b1": 4 * right["b1"]})
    found = report.findings[0]
    assert [(one.name, one.where) for one in found.both] == [
        ("factor 2", "the gradient of W2"),
        ("constant factor", "the gradient of b1"),
    ]
    assert "two mistakes at once" in str(report)
    assert report.comparison.differing == ["b1", "W2"]


# -- what is known where the whole is unknown --


KNOWN = {
    "W1: 7.3 times too large": lambda g: g | {"W1": 7.3 * g["W1"]},
    "W1: 7 times too small, and the sign is turned": lambda g: g | {"W1": g["W1"] / -7},
    "W1: it lies on its side (transposed), and 7 times too large": lambda g: (
        g | {"W1": 7 * g["W1"].T}
    ),
    "W1: its rows are multiplied by 1, 2, 1": lambda g: g | {"W1": g["W1"] * [[1], [2], [1]]},
    "W1: its columns are multiplied by 3, 2, 1": lambda g: g | {"W1": g["W1"] * [3, 2, 1]},
    "W1: right but for row 1": lambda g: (
        g | {"W1": np.where([[0], [1], [0]], g["W1"] ** 2, g["W1"])}
    ),
    "W2: the right columns in another order": lambda g: g | {"W2": g["W2"][:, [1, 2, 3, 0]]},
    "W1: the numbers of W1 itself, 2 times too large": lambda g: g | {"W1": 2 * W1},
    "W1: 0.5 is added everywhere": lambda g: g | {"W1": g["W1"] + 0.5},
    "W1: -0.5 times the parameter itself is added": lambda g: g | {"W1": g["W1"] - 0.5 * W1},
    "b1: the right numbers in another order": lambda g: g | {"b1": g["b1"][[1, 2, 0]]},
    "W1: right but for its shape, (9,) for (3, 3)": lambda g: g | {"W1": g["W1"].ravel()},
    "W1: of shape (2, 2), and it should be (3, 3)": lambda g: g | {"W1": np.eye(2)},
    "another direction (cosine": lambda g: g | {"W1": g["W1"] ** 3 + 1},
    "right: W2": lambda g: g | {"W1": 7.3 * g["W1"], "b1": 7.7 * g["b1"]},
}


@pytest.mark.parametrize("words", KNOWN)
def test_what_is_known_of_each_parameter(words):
    loss, d2, d1, h = tanh_network()
    right = given_by(d2, d1, h)
    wrong = KNOWN[words](right)
    spoiled = {"b1": 1.37 * right["b1"]} if "b1" not in words and "right:" not in words else {}
    report = audit(loss, spoiled | {n: g for n, g in wrong.items() if n not in spoiled})
    assert report.verdict == "unknown", str(report)
    assert any(line.startswith(words) or words in line for line in report.known), str(report)
    assert report.known[0] in str(report)


def test_a_gradient_that_is_shared_with_another_layer():
    w1, w2 = Value(W1, name="W1"), Value(W1.T @ W1, name="W2")
    loss = half_squared_error(ops.sigmoid(X @ w1) @ w2, np.zeros((4, 3)))
    right = dict(zip(("W1", "W2"), grad(loss, [w1, w2]), strict=True))
    same = 0.7 * np.eye(3)
    known = audit(loss, {"W1": same, "W2": 3 * same}).known
    assert "W1: the same numbers as were given for W2, 3 times too small" in known
    known = audit(loss, {"W1": 1.1 * right["W2"], "W2": right["W2"] * 1.3 + 1}).known
    assert "W1: the right gradient of W2, 1.1 times too large" in known
