"""Interrupts: at each instruction of a step, at each line of a training, and real ones at random moments.

`pytest -m slow tests/training/test_interrupts.py` runs the long ones: 500 signals each.
"""

import contextlib
import os
import signal
import sys
import time

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
    Optimizer,
    ReLU,
    RMSprop,
    Sequential,
    Value,
    softmax_cross_entropy,
)


@pytest.fixture(autouse=True)
def numpys_settings():
    """Restore them: an interrupt between two lines can leave `with np.errstate(…)` without its end.

    No signal can: Python looks for none there.
    """
    before = np.geterr()
    yield
    np.seterr(**before)


class Interruption:
    """Raises `error` at the n-th line, or instruction, of Python code that runs within it.

    `files` are pieces of paths: what runs elsewhere is not counted. Afterwards `count` says how many there
    were, and `where` where the error was raised.
    """

    def __init__(self, at=None, error=KeyboardInterrupt, files=("tinygrad_edu",), opcodes=False):
        self.at, self.error, self.files, self.opcodes = at, error, files, opcodes
        self.count, self.where = 0, None

    def _trace(self, frame, event, argument):
        if not any(part in frame.f_code.co_filename for part in self.files):
            return None
        frame.f_trace_opcodes = self.opcodes
        if event in ("line", "opcode"):
            self.count += 1
            if self.count == self.at:
                self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                sys.settrace(None)
                raise self.error
        return self._trace

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)


# ------------------------------------------------------------------------------------------------
# A step
# ------------------------------------------------------------------------------------------------


class InPlace(Optimizer):
    """Momentum, written as many would: what is remembered is changed where it stands."""

    def update(self, w, g, memory, rate):
        velocity = memory.setdefault("velocity", np.zeros_like(w))
        velocity *= 0.9
        velocity += g
        return w - rate * velocity


OPTIMIZERS = {
    "SGD": SGD,
    "momentum": lambda p: SGD(p, momentum=0.9, nesterov=True, weight_decay=0.1),
    "RMSprop": RMSprop,
    "Adam": lambda p: Adam(p, lr=lambda step: 0.1 / (step + 1)),
    "in place": lambda p: InPlace(p, lr=0.1),
}


def stepping(make):
    """Return three parameters and an optimizer that has taken a step."""
    values = [Value(np.arange(1.0, 4.0)), Value(0.5), Value(np.eye(2, dtype=np.float32))]
    optimizer = make(values)
    for step in range(2):
        for value in values:
            value.grad = 0.1 * value.data + step
        if step == 0:
            optimizer.step()
    return values, optimizer


def bits(tree):
    """Return numbers and arrays, however nested, as something that == compares to the last bit."""
    if isinstance(tree, dict):
        return {key: bits(x) for key, x in tree.items()}
    if isinstance(tree, list | tuple):
        return [bits(x) for x in tree]
    return (tree.dtype.str, tree.shape, tree.tobytes()) if hasattr(tree, "tobytes") else repr(tree)


def state(values, optimizer):
    memory = {k: x for k, x in optimizer.state_dict().items() if k != "settings"}
    return bits([[value.numpy() for value in values], memory])


@pytest.mark.parametrize("opcodes", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_interrupted_anywhere_is_taken_whole_or_not_at_all(name, opcodes):
    values, optimizer = stepping(OPTIMIZERS[name])
    before = state(values, optimizer)
    with Interruption(opcodes=opcodes) as counted:
        optimizer.step()
    after = state(values, optimizer)
    assert before != after
    seen = []
    for at in range(1, counted.count + 1):
        values, optimizer = stepping(OPTIMIZERS[name])
        with pytest.raises(KeyboardInterrupt), Interruption(at, opcodes=opcodes):
            optimizer.step()
        seen.append(state(values, optimizer))
        assert seen[-1] in (before, after), at
        if seen[-1] == before:  # and it can be taken again
            optimizer.step()
            assert state(values, optimizer) == after
    assert seen[0] == before
    assert seen[-1] == (after if opcodes else before)
    assert seen.count(before) > 20


@pytest.mark.parametrize("opcodes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_load_interrupted_anywhere_is_whole_or_not_at_all(opcodes):
    class Norm(Layer):
        def __init__(self):
            self.mean, self.weight = np.zeros(3), Value(np.zeros(3))

    def model():
        made = Layer()
        made.parts = [Norm(), Norm()]
        return made

    def numbers(model):
        return bits(model.state_dict())

    before, new = numbers(model()), {name: np.ones(3) for name in model().state_dict()}
    undisturbed = model()
    with Interruption(opcodes=opcodes) as counted:
        undisturbed.load_state_dict(new)
    for at in range(1, counted.count + 1):
        one = model()
        with pytest.raises(KeyboardInterrupt), Interruption(at, opcodes=opcodes):
            one.load_state_dict(new)
        assert numbers(one) in (before, bits(new))


# ------------------------------------------------------------------------------------------------
# A training
# ------------------------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
Y = np.arange(24) % 3
EPOCHS = 3


def training(callbacks=()):
    """Return a model, its optimizer, and a function that trains it."""
    model = Sequential(Dense(4, 8), ReLU(), Dropout(0.2), Dense(8, 3), rng=0)
    optimizer = Adam(model.parameters(), lr=0.01)

    def train():
        return model.fit(
            X, Y, loss=softmax_cross_entropy, optimizer=optimizer, epochs=EPOCHS, batch_size=8, rng=0,
            validation_data=(X, Y), callbacks=callbacks, verbose=False,
        )  # fmt: skip

    return model, optimizer, train


def loop():
    """Return a model, its optimizer, and the loop that trains it, written by hand."""
    model = Sequential(Dense(4, 8), ReLU(), Dense(8, 3), rng=0)
    optimizer = Adam(model.parameters(), lr=0.01)

    def train():
        for _ in range(EPOCHS):
            for start in range(0, len(X), 8):
                loss = softmax_cross_entropy(model(X[start : start + 8]), Y[start : start + 8])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return model, optimizer, train


def whole_states(make):
    """Return the state after each step of an undisturbed training."""
    model, optimizer, train = make()
    found = [state(model.parameters(), optimizer)]
    step = optimizer.step

    def noted():
        step()
        found.append(state(model.parameters(), optimizer))

    optimizer.step = noted
    train()
    return found


def curves(history):
    return [{n: x for n, x in logs.items() if n != "seconds"} for logs in history.epochs]


def check_whole(model, optimizer, history, states, expected):
    """Weights and memory are those of one step, and the history holds the epochs that were whole."""
    assert state(model.parameters(), optimizer) == states[optimizer.steps]
    assert curves(history) == expected[: len(history)]
    assert 0 <= optimizer.steps - 3 * len(history) <= 3


@pytest.mark.parametrize("every", [1499, pytest.param(17, marks=pytest.mark.slow)])
def test_a_training_interrupted_at_any_line_keeps_weights_and_history(every):
    states, (_, _, train) = whole_states(training), training()
    files = ("tinygrad_edu", "contextlib")
    with Interruption(files=files) as counted:
        expected = curves(train())
    escaped, seen = [], set()
    for at in range(1, counted.count + 1, every):
        model, optimizer, train = training()
        with Interruption(at, files=files) as interruption:
            try:
                history = train()
            except KeyboardInterrupt:
                if optimizer.steps:
                    escaped.append(interruption.where)
                continue
        check_whole(model, optimizer, history, states, expected)
        assert history is model.history
        assert history.stopped == ("Ctrl-C" if len(history) < EPOCHS else None)
        assert model.training is model[2].training is False
        assert (2 * model[0].weight).op is not None, interruption.where  # is recorded
        seen.add(optimizer.steps)
    assert escaped == []
    assert len(seen) > 3


@pytest.mark.parametrize("every", [1499, pytest.param(17, marks=pytest.mark.slow)])
def test_an_interrupted_training_ends_with_the_best_weights_if_they_are_watched(every):
    _, _, train = training([EarlyStopping(patience=9)])
    with Interruption() as counted:
        train()
    for at in range(1, counted.count + 1, every):
        model, _, train = training([EarlyStopping(patience=9)])
        with Interruption(at) as interruption:
            try:
                history = train()
            except KeyboardInterrupt:
                continue
        if len(history):
            measured = model.evaluate(X, Y, batch_size=8)["loss"]
            best = sorted(history["val_loss"])  # or the one before: who measures may be interrupted
            assert measured in best, interruption.where


@contextlib.contextmanager
def real_interrupt(after):
    """Send Ctrl-C to this process after some seconds, within the block."""
    awaited = [True]

    def send(number, frame):
        if awaited[0]:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGALRM, send)
    signal.setitimer(signal.ITIMER_REAL, max(after, 1e-4))
    try:
        yield
    finally:
        awaited[0] = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measured(train):
    started = time.monotonic()
    train()
    return time.monotonic() - started


@pytest.mark.parametrize("count", [15, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [training, loop])
def test_real_interrupts_at_random_moments_tear_nothing(make, count):
    states, (_, _, train) = whole_states(make), make()
    expected = train()
    takes = min(measured(make()[2]) for _ in range(3))
    interrupted = 0
    for after in np.random.default_rng(count).uniform(0, takes, count):
        model, optimizer, train = make()
        history = None
        try:
            with real_interrupt(after):
                history = train()
        except KeyboardInterrupt:
            interrupted += 1
        if make is training:
            history = history or getattr(model, "history", None)
            if history is None:
                assert optimizer.steps == 0
                continue
            interrupted += history.stopped == "Ctrl-C"
            check_whole(model, optimizer, history, states, curves(expected))
        else:
            assert state(model.parameters(), optimizer) == states[optimizer.steps]
    assert interrupted > 0


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the file that was being written
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("every", [401, pytest.param(7, marks=pytest.mark.slow)])
def test_interrupts_while_a_run_is_saved_leave_the_file_whole(every, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "run.safetensors"
    undisturbed = curves(training()[2]())
    _, _, train = training([Checkpoint(path, keep="last")])
    with Interruption(files=("training/resuming", "array_files", "support/files")) as counted:
        train()
    for at in range(counted.count // 2, counted.count, every):
        model, _, train = training([Checkpoint(path, keep="last")])
        with Interruption(at, files=("training/resuming", "array_files", "support/files")):
            train()
        left = {found.name for found in tmp_path.iterdir()} - {path.name}
        assert all(name.endswith(".part") for name in left)  # the next to write there sweeps it up
        model, optimizer, _ = training()
        history = model.fit(
            X, Y, loss=softmax_cross_entropy, optimizer=optimizer, epochs=EPOCHS, batch_size=8, rng=0,
            validation_data=(X, Y), verbose=False, resume=path,
        )  # fmt: skip
        assert curves(history) == undisturbed
