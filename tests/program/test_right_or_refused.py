"""A program is equal to the graph to the last bit, or it is refused, with the line that did it."""

from __future__ import annotations

import math
import threading
import warnings
from collections import deque

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
    Dense,
    Dropout,
    Layer,
    Program,
    ReLU,
    RMSprop,
    Sequential,
    Sigmoid,
    Value,
    binary_cross_entropy,
    compare,
    grad,
    mean_squared_error,
    no_grad,
    ops,
    softmax_cross_entropy,
)
from tinygrad_edu.program import ProgramError, compiled


def bits(x):
    return np.asarray(x).dtype, np.shape(x), np.asarray(x).tobytes()


def take_gradients(values):
    found = [bits(v.grad) if v.grad is not None else None for v in values]
    for v in values:
        v.grad = None
    return found


def check_like_graph(program, loss_of, values, *arguments):
    """Hold a program against the graph, at these arguments."""
    take_gradients(values)
    loss = loss_of(*arguments)
    loss.backward()
    expected = take_gradients(values)
    assert bits(program(*arguments)) == bits(loss.data)
    assert take_gradients(values) == expected


def batch(seed, n=8, features=5, classes=3):
    rng = np.random.default_rng(seed)
    return rng.random((n, features), dtype=np.float32), rng.integers(0, classes, n)


def network(dropout=0.0):
    return Sequential(
        Dense(5, 7, rng=1),
        Sigmoid(),
        Dropout(dropout, rng=2),
        Dense(7, 4, rng=3),
        ReLU(),
        Dense(4, 3, rng=4),
    )


# -- what recording leaves behind --------------------------------------------------------------------


def test_recording_leaves_no_gradient_takes_no_step_and_draws_nothing():
    model = network(dropout=0.5)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = [p.data for p in model.parameters()]
    state = model.layers[2].rng.bit_generator.state
    Program(lambda x, y: softmax_cross_entropy(model(x), y), *batch(0), optimizer=optimizer)
    assert all(p.grad is None for p in model.parameters())
    assert all(np.array_equal(p.data, b) for p, b in zip(model.parameters(), before, strict=True))
    assert model.layers[2].rng.bit_generator.state == state
    assert optimizer.steps == 0
    assert all(memory == {} for memory in optimizer._memory)


def test_a_refused_recording_draws_nothing_either():
    drop = Dropout(0.5, rng=0)
    state = drop.rng.bit_generator.state
    with pytest.raises(ProgramError):
        Program(lambda x: drop(w * x).sum() * float(x[0]), np.ones(3))
    assert drop.rng.bit_generator.state == state


def test_gradients_add_up_until_they_are_forgotten():
    w = Value(3.0)
    program = Program(lambda x: w * w * x, 1.0)
    program(1.0)
    assert w.grad == 6.0
    program(2.0)
    assert w.grad == 18.0


def test_weights_are_read_anew():
    w = Value([1.0, 2.0])
    program = Program(lambda x: (w * x).sum(), np.ones(2))
    w.data -= 0.5
    assert program(np.ones(2)) == 2.0


def test_what_was_handed_out_never_changes():
    model = network()
    optimizer = Adam(model.parameters(), lr=0.1)
    program = Program(
        lambda x, y: softmax_cross_entropy(model(x), y), *batch(0), optimizer=optimizer
    )
    program(*batch(1))
    held = [(p.data, p.grad) for p in model.parameters()]
    copies = [(np.array(d), np.array(g)) for d, g in held]
    program(*batch(2))
    for (d, g), (d0, g0) in zip(held, copies, strict=True):
        assert np.array_equal(d, d0)
        assert np.array_equal(g, g0)


def test_a_gradient_that_equals_an_argument_is_a_copy_of_it():
    w = Value(np.ones(3))
    x = np.arange(3.0)
    program = Program(lambda x: (w * x).sum(), x)
    program(x)
    w.grad += 1
    assert x.tolist() == [0, 1, 2]


def test_compare_lays_a_program_beside_the_graph():
    model = network()

    def loss_of(x, y):
        return softmax_cross_entropy(model(x), y)

    program = Program(loss_of, *batch(0))
    comparison = compare(loss_of, program, *batch(1))
    assert comparison.summary.startswith("all 6 gradients agree")
    assert all(p.grad is None for p in model.parameters())


# -- other shapes and types --------------------------------------------------------------------------


def test_other_shapes_and_types_are_recorded_again():
    model = network()

    def loss_of(x, y):
        return softmax_cross_entropy(model(x), y)

    program = Program(loss_of, *batch(0))
    for n in (3, 8, 1, 2, 4, 5, 6, 7, 9, 10, 3):
        check_like_graph(program, loss_of, model.parameters(), *batch(n, n=n))
    x, y = batch(1)
    check_like_graph(program, loss_of, model.parameters(), x.astype(np.float64), y.astype(np.int8))


def test_sums_run_in_the_order_of_the_memory_and_so_do_those_of_a_program():
    rng = np.random.default_rng(0)
    v = Value(rng.normal(size=(6, 8)).astype(np.float32), name="v")
    b = Value(np.float32(0.7), name="b")

    def loss_of(x):
        wide = ops.broadcast_to(x[0], shape=(6, 8))
        return (wide * b).sum() + (v * 1.0 * x).sum() + ops.sum(x * b) + (x.T @ v * b).mean()

    layouts = [
        lambda x: x,
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: np.broadcast_to(x[:1], x.shape),
    ]
    program = Program(loss_of, rng.normal(size=(6, 8)).astype(np.float32))
    for _ in range(5):
        for layout in layouts:
            x = layout(rng.normal(size=(6, 8)).astype(np.float32))
            check_like_graph(program, loss_of, [v, b], x)
        v.data = np.asfortranarray(rng.normal(size=(6, 8)))


def test_lists_and_numbers_are_arguments():
    w = Value([1.0, 2.0])

    def loss_of(x, k, n):
        return (w * np.asarray(x)).sum() * k + n if isinstance(x, list) else (w * x).sum() * k + n

    program = Program(lambda x, k, n: (w * x).sum() * k + n, [1.0, 2.0], 2.0, 3)
    assert program([3.0, 4.0], 0.5, 1) == 6.5


def test_a_switch_among_the_arguments_is_recorded_each_way():
    w = Value(2.0)
    program = Program(lambda x, double: w * x * 2 if double else w * x, 1.0, True)
    assert program(1.0, True) == 4.0
    assert program(1.0, False) == 2.0


# -- numbers that get out ----------------------------------------------------------------------------

w = Value([1.0, 2.0, 3.0], name="w")


def branch_on_loss(x):
    loss = (w * x).sum()
    return loss * 2 if loss > 1 else loss  # the line


def branch_on_argument(x):
    return (w * x).sum() if x[0] > 1 else (w + x).sum()  # the line


def plain_float(x):
    return w.sum() * float((w * x).sum())  # the line


def plain_data(x):
    return w.sum() * (w * x).data.max()  # the line


def plain_item(x):
    return w.sum() * (w * x).sum().item()  # the line


def plain_numpy(x):
    return w.sum() * (w * x).numpy()[0]  # the line


def python_math(x):
    return w.sum() * math.exp(x[0])  # the line


def as_array(x):
    return (w * np.asarray(x)).sum()  # the line


def as_list(x):
    return w.sum() * x.tolist()[0]  # the line


def as_index(x):
    return (w * np.eye(3)[x.astype(int)][0]).sum()  # the line


def as_count(x):
    return sum((w * k for k in range(x.argmax())), w).sum()  # the line


def formatted(x):
    return (w * len(f"{x[0]:.3f}")).sum()  # the line


def in_place(x):
    x += 1  # the line
    return (w * x).sum()


def entry_in_place(x):
    x[0] = 1  # the line
    return (w * x).sum()


def chosen_by_mask(x):
    return (w * x)[x > 1].sum()  # the line


def slice_of_its_numbers(x):
    return w[: x.argmax()].sum()  # the line


def as_many_as_there_are(x):
    return w.sum() * np.unique(x).sum()  # the line


def gradient_inside(x):
    return w.sum() * grad((w * x).sum(), w)[0]  # the line


def backward_inside(x):
    loss = (w * x).sum()
    loss.backward()  # the line
    return loss


def stored_gradient(x):
    return (w * x).sum() if w.grad is None else w.sum()  # the line


def new_value_of_argument(x):
    return (w * Value(x)).sum()  # the line


def shape_from_a_number(x):
    return ops.broadcast_to(w[0], shape=(x.argmax(),)).sum()  # the line


def into_numpy(x):
    return (w * np.add.reduce(x)).sum()  # the line


def into_an_output(x):
    return (w * np.add(x, 1, out=np.zeros(3))).sum()  # the line


def is_it_in(x):
    return w.sum() if 1.0 in x else (w * x).sum()  # the line


@pytest.mark.parametrize(
    "function",
    [
        branch_on_loss, branch_on_argument, plain_float, plain_data, plain_item, plain_numpy, python_math,
        as_array, as_list, as_index, as_count, formatted, in_place, entry_in_place, chosen_by_mask,
        slice_of_its_numbers, as_many_as_there_are, gradient_inside, backward_inside, stored_gradient,
        new_value_of_argument, shape_from_a_number, into_numpy, into_an_output, is_it_in,
    ],
)  # fmt: skip
def test_a_number_that_gets_out_is_refused_with_the_line_that_did_it(function):
    with pytest.raises(ProgramError, match="the line"):
        Program(function, np.array([0.5, 1.5, 2.5]))


def test_values_are_as_before_after_a_refusal():
    with pytest.raises(ProgramError):
        Program(plain_float, np.ones(3))
    assert Value(2.0).item() == 2.0
    assert (w * 2).data.tolist() == [2, 4, 6]
    v = Value(3.0)
    (v * v).backward()
    assert v.grad == 6.0


def test_a_function_that_asks_for_types_is_refused():
    def loss_of(x):
        return (w * x).sum() if isinstance(x, np.ndarray) else w.sum()

    with pytest.raises(ProgramError, match="to the last bit"):
        Program(loss_of, np.array([1.0, 2.0, 4.0]))


def test_a_refusal_counts_where_the_function_goes_on_after_it():
    def loss_of(x):
        try:
            scale = float(x[0])  # the line
        except TypeError:
            scale = 2.0
        return (w * x).sum() * scale

    with pytest.raises(ProgramError, match="the line"):
        Program(loss_of, np.array([2.0, 1.0, 1.0]))


def test_an_argument_that_was_kept_is_refused():
    kept = []

    def loss_of(x):
        kept.append(x)
        return (w * kept[0]).sum()

    with pytest.raises(ProgramError, match="kept"):
        Program(loss_of, np.ones(3))


def test_a_value_computed_before_is_refused():
    before = w * 2
    with pytest.raises(ProgramError, match="before"):
        Program(lambda x: (before * x).sum(), np.ones(3))


def test_several_results_are_refused():
    with pytest.raises(ProgramError, match="returned tuple"):
        Program(lambda x: ((w * x).sum(), w), np.ones(3))


def test_other_threads_are_not_watched():
    def loss_of(x):
        found = []
        thread = threading.Thread(target=lambda: found.append((Value(2.0) * 3.0).item()))
        thread.start()
        thread.join()
        assert found == [6.0]
        return (w * x).sum()

    Program(loss_of, np.ones(3))


# -- what is followed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (w * (x > 1)).sum(),
        lambda x: (np.where(x > 1, w, 2 * w)).sum(),
        lambda x: ops.where(w * x > 2, w, x).sum(),
        lambda x: (w * np.exp(x) - np.sqrt(x) / 2).sum(),
        lambda x: (w * ops.getitem(np.arange(10.0), index=x.astype(int))).sum(),
        lambda x: w[x.argmax()] * x.max(),
        lambda x: (w * x.reshape(1, 3)).sum() * x[0] + x.mean(axis=0),
        lambda x: (w * (x == x.max())).sum(),
        lambda x: sum((w * part).sum() for part in x),
        lambda x: (w * np.concatenate([x[1:], x[:1]])).sum(),
        lambda x: (w.detach() * w * x).sum(),
        lambda x: (w == x).astype(float).sum() * w.sum(),
        lambda x: (w * (x.T @ x) ** 2).mean(),
        lambda x: (abs(-x) * w - (+x)).sum() / len(x) * x.size * x.ndim,
        lambda x: (np.array([1.0, 2.0, 3.0]) * x * w).sum(),
        lambda x: (np.clip(x, 1, 2) * ops.clip(w, 1.5, 2.5)).sum(),
    ],
)  # fmt: skip
def test_plain_numpy_and_comparisons_are_steps_of_the_program(function):
    program = Program(function, np.array([0.5, 1.5, 2.5]))
    for x in ([0.5, 1.5, 2.5], [2.5, 0.1, 1.5], [3.0, 2.0, 1.0]):
        check_like_graph(program, function, [w], np.array(x))


def test_nothing_flows_through_what_was_not_recorded():
    def loss_of(x):
        with no_grad():
            target = (w * x).tanh()
        return ((w - target) * x).sum()

    program = Program(loss_of, np.ones(3))
    check_like_graph(program, loss_of, [w], np.array([0.5, 1.5, 2.5]))


def test_the_gradient_of_a_gradient():
    v = Value([0.3, -0.4])

    def loss_of(x, k):
        y = ((v * x).tanh() ** k).sum() + (v * x)[0] * x[1]
        return (grad(y, v, create_graph=True) ** 2).sum()

    program = Program(loss_of, np.ones(2), 3.0)
    check_like_graph(program, loss_of, [v], np.array([0.7, 1.9]), 2.0)
    check_like_graph(program, loss_of, [v], np.array([-0.2, 0.4]), 4.0)


def test_tied_weights_add_up_and_step_once():
    first, second = Dense(4, 4, rng=0), Dense(4, 4, rng=1)
    second.weight = first.weight
    model = Sequential(first, second)
    x = np.random.default_rng(0).random((3, 4), np.float32)

    def loss_of(x, y):
        return mean_squared_error(model(x), y)

    program = Program(loss_of, x, x)
    check_like_graph(program, loss_of, model.parameters(), x * 2, x)


# -- what is outside of the arguments ----------------------------------------------------------------


def test_arrays_outside_are_read_anew_whether_used_or_copied():
    table = np.array([1.0, 2.0, 3.0])

    def loss_of(x):
        return (w * table * x).sum() + (w * table[::-1]).sum() + (w * (2 * table)).sum()

    program = Program(loss_of, np.ones(3))
    table[:] = [5.0, -1.0, 2.0]
    check_like_graph(program, loss_of, [w], np.ones(3))


def test_numbers_outside_are_read_anew():
    settings = {"rate": 1.0}
    rate = 1.0

    def loss_of(x):
        return (w * x).sum() * rate * settings["rate"]

    program = Program(loss_of, np.ones(3))
    rate, settings["rate"] = 2.0, 3.0
    assert program(np.ones(3)) == 36.0


class Settings:
    def __init__(self):
        self.parts = deque([1.0])

    @property
    def rate(self):
        return self.parts[0] * FACTORS[0]


FACTORS = [1.0]
mine = Settings()


def scaled(x):
    return (w * x).sum() * mine.rate


def loss_by_way_of_others(x):
    return scaled(x)


def test_what_is_reached_by_way_of_others_is_read_anew():
    program = Program(loss_by_way_of_others, np.ones(3))
    assert program(np.ones(3)) == 6.0
    mine.parts[0] = 2.0
    assert program(np.ones(3)) == 12.0
    FACTORS[0] = 0.5
    assert program(np.ones(3)) == 6.0
    mine.parts, FACTORS[0] = deque([1.0]), 1.0
    assert program(np.ones(3)) == 6.0


def test_a_layer_that_answers_instead_of_learning_is_recorded_again():
    model = network(dropout=0.5)

    def loss_of(x, y):
        return softmax_cross_entropy(model(x), y)

    program = Program(loss_of, *batch(0))
    model.eval()
    check_like_graph(program, loss_of, model.parameters(), *batch(1))
    model.layers[1] = ReLU()
    check_like_graph(program, loss_of, model.parameters(), *batch(1))
    model.layers[0].weight = Value(np.ones((5, 7), np.float32))
    check_like_graph(program, loss_of, model.parameters(), *batch(1))


def test_a_layer_that_keeps_running_statistics_is_refused():
    class Centered(Layer):
        def __init__(self):
            self.mean = np.zeros(3)

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.data.mean(axis=0)
            return x - self.mean

    layer = Centered()
    with pytest.raises(ProgramError, match=r"x\.data\.mean"):
        Program(lambda x: layer(w * x).sum(), np.ones((2, 3)))


def test_random_numbers_of_ones_own_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ProgramError, match="random"):
        Program(lambda x: (w * rng.random(3) * x).sum(), np.ones(3))
    with pytest.raises(ProgramError, match="another"):
        Program(lambda x: (w * float(rng.random()) * x).sum(), np.ones(3))


@pytest.mark.parametrize("change", ["counter", "note"])
def test_a_function_that_changes_what_is_outside_is_refused(change):
    class Changing(Layer):
        def __init__(self):
            self.count, self._input = 0, None

        def forward(self, x):
            if change == "counter":
                self.count += 1
            else:
                self._input = x
            return x * 0.5 if self.count > 100 else x

    layer = Changing()
    with pytest.raises(ProgramError, match="changes something outside"):
        Program(lambda x: layer(w * x).sum(), np.ones(3))


def test_what_a_layer_makes_at_its_first_call_is_a_weight():
    class Late(Layer):
        weight = None

        def forward(self, x):
            if self.weight is None:
                self.weight = Value(np.full(x.shape, 2.0))
            return x * self.weight

    layer = Late()
    program = Program(lambda x: layer(x).sum(), np.ones(3))
    assert program(np.ones(3)) == 6.0
    assert layer.weight.grad.tolist() == [1, 1, 1]


def test_what_is_handed_over_besides_numbers_may_change():
    given = {"scale": 2.0, "weight": Value(np.ones(3))}
    program = Program(lambda x, how: (how["weight"] * x).sum() * how["scale"], np.ones(3), given)
    assert program(np.ones(3), given) == 6.0
    given["scale"] = 3.0
    assert program(np.ones(3), given) == 9.0
    assert given["weight"].grad.tolist() == [5, 5, 5]


def test_another_way_in_the_second_run_is_refused():
    count = []

    def loss_of(x):
        count.append(1)
        return (w * x).sum() if len(count) % 2 else (w * x).mean() * 2

    with pytest.raises(ProgramError, match="second run"):
        Program(loss_of, np.ones(3))


# -- training ----------------------------------------------------------------------------------------

OPTIMIZERS = [
    lambda p: SGD(p, lr=0.1),
    lambda p: SGD(p, lr=0.1, momentum=0.9),
    lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda p: RMSprop(p, lr=0.01, weight_decay=0.1),
    lambda p: Adam(p, lr=0.01),
    lambda p: Adam(p, lr=lambda step: 0.01 / (1 + step), weight_decay=0.01),
]


def train(optimizer_of, steps, use_program):
    """Return the weights after some steps, of which every fifth is taken by the graph alone."""
    model = network(dropout=0.3)
    optimizer = optimizer_of(model.parameters())

    def loss_of(x, y):
        return softmax_cross_entropy(model(x), y)

    program = Program(loss_of, *batch(0), optimizer=optimizer) if use_program else None
    losses = []
    for step in range(steps):
        x, y = batch(step, n=8 if step % 3 else 5)
        if program is not None and step % 5:
            losses.append(program(x, y))
        else:
            loss = loss_of(x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    gradients = [bits(p.grad) for p in model.parameters()]
    return losses, [bits(p.data) for p in model.parameters()], gradients, optimizer.steps


@pytest.mark.parametrize("optimizer_of", OPTIMIZERS)
def test_training_with_and_without_programs_gives_identical_weights(optimizer_of):
    assert train(optimizer_of, 12, True) == train(optimizer_of, 12, False)


@pytest.mark.parametrize("optimizer_of", OPTIMIZERS)
def test_large_differences_in_place_change_no_number(optimizer_of, monkeypatch):
    monkeypatch.setattr(compiled, "LARGE", 0)
    assert train(optimizer_of, 6, True) == train(optimizer_of, 6, False)


def test_only_the_optimizers_own_parameters_step_and_the_gradients_of_others_add_up():
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    program = Program(lambda x: a * b * x, 1.0, optimizer=SGD([a], lr=0.5))
    program(1.0)
    assert (a.data, b.data, a.grad, b.grad) == (0.5, 3.0, 3.0, 2.0)
    program(1.0)
    assert (a.data, b.data, a.grad, b.grad) == (-1.0, 3.0, 3.0, 2.5)


def test_a_weight_that_is_the_gradient_of_another_is_handed_over_before_it_moves():
    a, b = Value(np.array([2.0, 1.0])), Value(np.array([3.0, 5.0]))
    program = Program(lambda x: (a * b).sum() * x, 1.0, optimizer=SGD([a, b], lr=1.0))
    program(1.0)
    assert a.data.tolist() == [-1.0, -4.0]
    assert b.data.tolist() == [1.0, 4.0]
    assert a.grad.tolist() == [3.0, 5.0]
    assert b.grad.tolist() == [2.0, 1.0]


def test_an_optimizer_without_a_parameter_of_the_loss_is_refused():
    with pytest.raises(ProgramError, match="none of the optimizer's parameters"):
        Program(lambda x: (w * x).sum(), np.ones(3), optimizer=SGD([Value(1.0)], lr=0.1))


def test_an_optimizer_of_ones_own_is_refused():
    class Mine(SGD):
        def update(self, w, g, memory, rate):
            return w - rate * g if self.steps % 2 else w

    with pytest.raises(ProgramError, match="optimizer of your own"):
        Program(lambda x: (w * x).sum(), np.ones(3), optimizer=Mine([w], lr=0.1))


# -- edges -------------------------------------------------------------------------------------------


def test_wrong_labels_raise_what_the_graph_raises_and_change_nothing():
    model = network(dropout=0.5)
    optimizer = Adam(model.parameters(), lr=0.1)
    program = Program(
        lambda x, y: softmax_cross_entropy(model(x), y), *batch(0), optimizer=optimizer
    )
    program(*batch(1))
    state = [bits(p.data) for p in model.parameters()]
    x, y = batch(2)
    y[0] = 3
    with pytest.raises(ValueError, match="expected labels 0…2"):
        program(x, y)
    assert [bits(p.data) for p in model.parameters()] == state
    assert optimizer.steps == 1


def test_targets_that_are_no_probabilities_are_noticed_in_the_program_too():
    program = Program(lambda x, t: binary_cross_entropy(w * x, t), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="expected targets from 0 to 1"):
        program(np.ones(3), np.array([0.0, 2.0, 1.0]))


def test_single_numbers_have_numpys_answers_at_the_edges():
    v = Value(2.0, name="v")

    def loss_of(x):
        return v / x + (v * x).exp() + ops.log(v * x)

    program = Program(loss_of, 1.0)
    for x in (2.0, 0.0, 1e3, -1.0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_like_graph(program, loss_of, [v], x)


def test_nan_passes_as_through_the_graph():
    def loss_of(x):
        return (w * x).relu().mean() + (w * x).sum()

    program = Program(loss_of, np.ones(3))
    check_like_graph(program, loss_of, [w], np.array([np.nan, 1.0, np.inf]))


def test_an_interrupt_changes_nothing(monkeypatch):
    model = network()
    optimizer = Adam(model.parameters(), lr=0.1)
    program = Program(
        lambda x, y: softmax_cross_entropy(model(x), y), *batch(0), optimizer=optimizer
    )
    program(*batch(0))
    state = [(bits(p.data), bits(p.grad)) for p in model.parameters()]

    class Interrupting(np.ndarray):
        def __matmul__(self, other):
            raise KeyboardInterrupt

    version = program._latest
    monkeypatch.setattr(version.compiled, "argument_places", [0, 1])
    x, y = batch(1)
    with pytest.raises(KeyboardInterrupt):
        version.run((x.view(Interrupting), y), optimizer)
    assert [(bits(p.data), bits(p.grad)) for p in model.parameters()] == state
    assert optimizer.steps == 1


# -- forward alone -----------------------------------------------------------------------------------


def test_an_output_is_the_forward_pass_alone():
    model = network()
    x, _ = batch(0)
    program = Program(model, x)
    assert bits(program(x)) == bits(model(x).data)
    assert all(p.grad is None for p in model.parameters())
    assert "backward" not in str(program)


def test_the_one_output_of_a_layer_is_no_loss():
    layer = Dense(3, 1, rng=0)
    x = np.ones((1, 3), np.float32)
    assert Program(layer, x)(x).shape == (1, 1)
    assert layer.weight.grad is None


def test_an_output_belongs_to_the_caller_alone():
    program = Program(lambda x: w.reshape(3, 1) * 1.0, 1.0)
    program(1.0)[:] = 9.0
    assert w.data.tolist() == [1, 2, 3]
