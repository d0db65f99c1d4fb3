"""Resuming: a training that was stopped anywhere ends as one that was never stopped, to the last bit."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import numpy as np
import pytest

from tinygrad_edu import (
    SGD,
    Adam,
    Checkpoint,
    Conv2D,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    Layer,
    MaxPool2D,
    Model,
    Optimizer,
    ReLU,
    RMSprop,
    Sequential,
    Tanh,
    Value,
    softmax_cross_entropy,
)
from tinygrad_edu.datasets import Compose, Shift
from tinygrad_edu.training.array_files import read_arrays, write_arrays
from tinygrad_edu.training.packing import pack, unpack

pytest.importorskip("safetensors")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0)


class Norm(Layer):
    """Subtracts a running mean, which is a buffer, and counts."""

    def __init__(self, size):
        self.size, self.mean, self._calls = size, np.zeros(size, np.float32), 0

    def forward(self, x):
        if self.training:
            data = x.data if isinstance(x, Value) else x
            self._calls += 1
            share = np.float32(1 / self._calls)
            self.mean = (1 - share) * self.mean + share * data.mean(axis=0)
        return x - self.mean


class Noise(Layer):
    """Adds noise from a generator of its own, kept where a layer keeps things."""

    def __init__(self, seed):
        self.seed = seed
        self._tools = {"rngs": [np.random.default_rng(seed)]}

    def forward(self, x):
        noise = self._tools["rngs"][0].normal(size=x.shape) if self.training else 0.0
        return x + np.float32(0.01) * np.asarray(noise, np.float32)


class Momentum(Optimizer):
    """An optimizer of one's own, which draws random numbers and changes its memory in place."""

    def __init__(self, parameters, lr):
        self.rng = np.random.default_rng(3)
        super().__init__(parameters, lr)

    def update(self, w, g, memory, rate):
        velocity = memory.setdefault("velocity", np.zeros_like(w))
        velocity += g
        velocity *= np.float32(0.9)
        memory.setdefault("sizes", []).append(float(np.sum(np.abs(g))))
        return w - np.float32(rate * self.rng.uniform(0.9, 1.1)) * velocity


class Own(Model):
    """No sequence: it has no method save."""

    def __init__(self, seed):
        self.parts = [Dense(3, 6, rng=seed), Dense(6, 3, rng=seed), Dropout(0.2, rng=seed)]

    def forward(self, x):
        return self.parts[1](self.parts[2](self.parts[0](x).tanh()))


def network(seed=0):
    return Sequential(
        Dense(3, 16), ReLU(), Dropout(0.3), Norm(16), Noise(1), Dense(16, 3), rng=seed
    )


IMAGES = RNG.normal(size=(40, 6, 6)).astype(np.float32)


def pixels():
    return Sequential(Flatten(), Dense(36, 3), Dropout(0.1), rng=0)


def jitter(x, rng):
    return x + rng.normal(scale=0.1, size=x.shape).astype(x.dtype)


def closed_over():
    """Return an augmentation that draws from a generator of the function around it."""
    mine = np.random.default_rng(8)
    return lambda x, rng: x + mine.normal(scale=0.1, size=x.shape).astype(x.dtype)


def spread(x, rng, noise):
    return x + noise.normal(scale=0.1, size=x.shape).astype(x.dtype)


class Shaky:
    """An augmentation with a generator of its own."""

    def __init__(self):
        self.generator = np.random.Generator(np.random.MT19937(5))

    def __call__(self, x, rng):
        return x + self.generator.normal(scale=0.1, size=x.shape).astype(x.dtype)

    def method(self, x, rng):
        return self(x, rng)


def slower(epoch):
    """A callback that lowers the rate, by what it finds there."""
    epoch.run.optimizer.lr *= 0.9


MAKERS = {
    "SGD": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSprop": lambda p: RMSprop(p, lr=0.01),
    "Adam": lambda p: Adam(p, lr=0.01),
    "rate of the step": lambda p: Adam(p, lr=lambda step: 0.02 / (1 + step)),
    "one's own": lambda p: Momentum(p, lr=0.01),
}


def train(epochs, *, path=None, optimizer="Adam", model=None, callbacks=(), x=X, y=Y, **options):
    """Return history and model of a training as a program would do it, from its beginning."""
    model = model or network()
    if path is not None:
        callbacks = [Checkpoint(path, keep="last"), *callbacks]
    defaults = {"loss": softmax_cross_entropy, "batch_size": 8, "rng": 1, "verbose": False}
    history = model.fit(
        x, y, optimizer=MAKERS[optimizer](model.parameters()), epochs=epochs, callbacks=callbacks,
        **(defaults | options),
    )  # fmt: skip
    return history, model


def result(history, model):
    """Return what a training has led to, as something that == compares to the last bit."""
    epochs = [{n: x for n, x in logs.items() if n != "seconds"} for logs in history.epochs]
    state = {n: (a.dtype.str, a.shape, a.tobytes()) for n, a in model.state_dict().items()}
    return repr(epochs), history.stopped, state


# ------------------------------------------------------------------------------------------------
# The same to the last bit
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", MAKERS)
def test_a_training_in_two_parts_is_that_in_one_with_every_optimizer(optimizer, tmp_path):
    whole = train(6, optimizer=optimizer, validation_data=(X, Y))
    path = tmp_path / "run.safetensors"
    train(2, path=path, optimizer=optimizer, validation_data=(X, Y))
    for epochs in (3, 6):
        parts = train(epochs, path=path, optimizer=optimizer, validation_data=(X, Y), resume=path)
    assert result(*parts) == result(*whole)
    assert len(parts[0]) == 6


@pytest.mark.parametrize(
    "options",
    [
        lambda: {"shuffle": False},
        lambda: {"rng": None},
        lambda: {"rng": np.random.default_rng(9)},
        lambda: {"augment": jitter},
        lambda: {"augment": Shaky()},
        lambda: {"augment": Shaky().method},
        lambda: {"augment": closed_over()},
        lambda: {"augment": partial(spread, noise=np.random.default_rng(4))},
        lambda: {"augment": Compose(Shift(1), Shift(1)), "x": IMAGES, "model": pixels()},
        lambda: {"callbacks": [slower]},
        lambda: {
            "callbacks": [EarlyStopping(patience=2), EarlyStopping("accuracy", patience=9)],
            "validation_data": (X[:9], Y[:9]),
        },
    ],
    ids=[
        *(
            "unshuffled",
            "no seed",
            "a generator",
            "augmented",
            "an object",
            "a method",
            "closed over",
        ),
        *("partial", "images", "slower", "early stopping"),
    ],
)
def test_it_is_so_with_whatever_random_numbers_and_callbacks(options, tmp_path):
    path = tmp_path / "run.safetensors"

    def keep(epoch):  # the state after two epochs, as a killed program would leave it
        if epoch.number == 2:
            epoch.run.save(path)

    keep.comes_last = True

    def run(**more):
        chosen = options()
        return train(7, **chosen | more | {"callbacks": [*chosen.get("callbacks", []), keep]})

    first = run()
    assert len(first[0]) > 2
    assert result(*run(resume=path)) == result(*first)


def test_a_convolution_whose_arrays_lie_in_another_order_in_memory_is_resumed_exactly(tmp_path):
    images = RNG.normal(size=(30, 1, 8, 8)).astype(np.float32)
    labels = np.arange(30) % 3

    def conv():
        model = Sequential(
            Conv2D(1, 4, 3), Tanh(), MaxPool2D(2), Conv2D(4, 5, 2), Flatten(), Dense(20, 3), rng=0
        )
        for value in model.parameters():
            value.data = np.asfortranarray(value.data)
        return model

    path = tmp_path / "run.safetensors"
    options = {"x": images, "y": labels, "optimizer": "momentum"}
    whole = train(5, model=conv(), **options)
    train(2, path=path, model=conv(), **options)
    assert result(*train(5, model=conv(), resume=path, **options)) == result(*whole)


def test_what_was_stopped_early_is_resumed_as_stopped_with_the_best_weights(tmp_path):
    path = tmp_path / "run.safetensors"

    def options():
        return {"callbacks": [EarlyStopping("loss", patience=1, minimum_change=0.05)]}

    first = train(50, path=path, **options())
    assert 1 < len(first[0]) < 50
    again = train(50, **options(), resume=path, model=network(5))
    assert result(*again) == result(*first)


def test_one_checkpoint_keeps_the_best_also_over_a_resumed_training(tmp_path):
    best, run = tmp_path / "best.safetensors", tmp_path / "run.safetensors"

    def callbacks():
        return [Checkpoint(best, "loss")]

    train(3, path=run, callbacks=callbacks())
    stamp = best.read_bytes()
    train(6, resume=run, callbacks=callbacks(), optimizer="Adam", augment=lambda x, rng: 0 * x)
    assert best.read_bytes() == stamp  # the epochs since were worse


def test_a_model_of_ones_own_that_cannot_be_saved_can_be_resumed(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = train(4, model=Own(0))
    train(2, model=Own(0), path=path)
    assert result(*train(4, model=Own(1), resume=path)) == result(*whole)


def test_the_file_is_a_model_file_as_well(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train(2, path=path, model=Sequential(Dense(3, 4), Dropout(0.1), Dense(4, 3), rng=0))[1]
    loaded = Sequential.load(path)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]


def test_all_epochs_done_means_that_nothing_is_left_to_do(tmp_path):
    path = tmp_path / "run.safetensors"
    first = train(3, path=path)
    assert result(*train(3, path=path, resume=path, model=network(5))) == result(*first)


def test_a_setting_that_is_given_otherwise_is_meant_so(tmp_path):
    path = tmp_path / "run.safetensors"
    train(2, path=path, callbacks=[slower])
    model, rates = network(), []
    optimizer = Adam(model.parameters(), lr=0.5)
    model.fit(
        X, Y, loss=softmax_cross_entropy, optimizer=optimizer, epochs=3, rng=1, verbose=False,
        callbacks=[lambda epoch: rates.append(optimizer.lr)], resume=path,
    )  # fmt: skip
    assert rates == [0.5]
    assert optimizer.steps > 10


# ------------------------------------------------------------------------------------------------
# What cannot be resumed
# ------------------------------------------------------------------------------------------------


def without(metadata):
    return {name: text for name, text in metadata.items() if name != "training"}


def other(metadata):
    return metadata | {"training": json.dumps({"model": {}, "rest": 5})}


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (None, {"epochs": 1}, ValueError, "it has 2 epochs, more than epochs=1 in all"),
        (None, {"optimizer": "SGD"}, ValueError, "cannot be resumed .* state of Adam, not of SGD"),
        (None, {"model": Own(0)}, ValueError, "cannot be resumed .* random numbers come from"),
        (None, {"augment": Shaky()}, ValueError, "random numbers come from"),
        (
            None,
            {
                "model": Sequential(
                    Dense(3, 3), ReLU(), Dropout(0.3), Norm(3), Noise(1), Dense(3, 3)
                )
            },
            ValueError,
            "cannot be resumed .* shapes",
        ),
        (without, {}, ValueError, r"holds no training .* by Checkpoint\(path, keep='last'\)"),
        (other, {}, ValueError, "the training in .* cannot be read"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(change, options, error, message, tmp_path):
    path = tmp_path / "run.safetensors"
    train(2, path=path)
    if change is not None:
        arrays, metadata = read_arrays(path)
        write_arrays(path, arrays, change(metadata))
    options = {"model": network(3), "epochs": 5} | options
    before = options["model"].state_dict()
    with pytest.raises(error, match=message):
        train(**options, resume=path)
    after = options["model"].state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"no training to resume, .* no file .*none\.st.* leave out"
    ):
        train(3, resume=tmp_path / "none.st")


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "run.safetensors"
    train(1, path=path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="damaged"):
        train(3, resume=path)


def test_callbacks_that_were_not_there_begin_anew_and_others_find_their_own_memory(tmp_path):
    path = tmp_path / "run.safetensors"
    one, two = EarlyStopping("loss"), Checkpoint(tmp_path / "best.safetensors", "accuracy")
    train(2, path=path, callbacks=[one, two])
    seen = []

    class Remembering:
        monitor = "loss"

        def __call__(self, epoch):
            seen.append(epoch.number)

        def state_dict(self):
            return {"seen": seen}

        def load_state_dict(self, state):
            raise AssertionError("it was not there")

    again = Checkpoint(tmp_path / "best.safetensors", "accuracy")
    late = EarlyStopping("accuracy")
    train(3, path=path, resume=path, callbacks=[Remembering(), late, again])
    assert seen == [3]
    assert again.state_dict()["value"] >= two.state_dict()["value"]
    with pytest.raises(ValueError, match="watched loss, got that of one who watched accuracy"):
        one.load_state_dict(late.state_dict())


def test_a_layer_keeps_the_arguments_it_was_made_with(tmp_path):
    path = tmp_path / "run.safetensors"
    train(2, path=path)
    model = network()
    model[2].rate = 0.5
    train(3, model=model, resume=path)
    assert model[2].rate == 0.5
    assert model[3]._calls == 15


def test_a_state_that_a_file_cannot_hold_is_known_before_training(tmp_path):
    class Odd:
        def __call__(self, epoch):
            pass

        def state_dict(self):
            return {"file": sys.stdout}

    model = network()
    before = result(model.fit(X, Y, loss=softmax_cross_entropy, optimizer=SGD(model.parameters(), lr=1e-9),
                              verbose=False), model)[2]  # fmt: skip
    with pytest.raises(TypeError, match="can be kept in a file, not <"):
        train(2, path=tmp_path / "run.safetensors", callbacks=[Odd()], model=model)
    assert result(model.history, model)[2] == before
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------
# Packing
# ------------------------------------------------------------------------------------------------


def test_whatever_is_packed_comes_back_with_its_types_its_bits_and_its_order_in_memory():
    arrays = {}
    cube = np.arange(24.0).reshape(2, 3, 4)
    tree = {
        "numbers": [1, -0.0, np.pi, float("inf"), 2**130, True, None],
        ("a", 1): {"x": np.float32(0.1), "y": np.array(3.0), "z": np.zeros((0, 2))},
        "arrays": (cube.transpose(2, 0, 1), np.asfortranarray(cube[0]), cube[:, ::2]),
        "list": [],
        "tuple": (),
    }
    back = unpack(json.loads(json.dumps(pack(tree, arrays))), arrays)
    assert repr(back) == repr(tree)
    assert type(back[("a", 1)]["x"]) is np.float32
    for one, two in zip(back["arrays"], tree["arrays"], strict=True):
        assert np.argsort(one.strides).tolist() == np.argsort(two.strides).tolist()
    assert np.isnan(unpack(json.loads(json.dumps(pack(float("nan"), {}))), {}))


# ------------------------------------------------------------------------------------------------
# Killed
# ------------------------------------------------------------------------------------------------

PROGRAM = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import numpy as np
    from tinygrad_edu import *

    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8)).astype(np.float32)
    y = rng.integers(0, 3, 64)
    path = Path(sys.argv[1])
    model = Sequential(Dense(8, 32), ReLU(), Dropout(0.3), Dense(32, 3), rng=0)
    history = model.fit(
        x, y, loss=softmax_cross_entropy, optimizer=Adam(model.parameters(), lr=0.01), epochs=12,
        batch_size=8, validation_data=(x, y), rng=1, verbose=False,
        augment=lambda x, rng: x + rng.normal(scale=0.1, size=x.shape).astype(x.dtype),
        callbacks=[EarlyStopping(patience=50), Checkpoint(path, keep="last")],
        resume=path if path.exists() else None,
    )
    losses = [[e["loss"], e["val_loss"]] for e in history.epochs]
    weights = {name: array.tobytes() for name, array in model.state_dict().items()}
    path.with_name("result.txt").write_text(repr((losses, weights)))
    """
)


def run_until_done(folder, delays):
    """Run the program, killing it after each of the delays, in seconds, until it comes to its end."""
    folder.mkdir()
    program = [sys.executable, "-c", PROGRAM, str(folder / "run.safetensors")]
    killed = 0
    for delay in delays:
        process = subprocess.Popen(program, cwd=os.getcwd())
        started = time.monotonic()
        while process.poll() is None and time.monotonic() - started < 60:
            # the time counts from the first file on, since a busy machine takes long to begin
            if any(folder.iterdir()):
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                killed += 1
                break
            time.sleep(0.002)
        process.wait()
    subprocess.run(program, check=True, timeout=120)
    return killed, (folder / "result.txt").read_text()


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_a_training_that_is_killed_again_and_again_ends_as_if_nothing_had_been(kills, tmp_path):
    _, undisturbed = run_until_done(tmp_path / "calm", [])
    delays = np.random.default_rng(kills).uniform(0, 0.25, kills)
    killed, disturbed = run_until_done(tmp_path / "killed", delays)
    assert disturbed == undisturbed
    assert killed > 0
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {"run.safetensors", "result.txt"}
