"""The run on the page as a program, in a file that one can keep.

Either the same network, points and loop, written with the public names of the package as one would write it
by hand, which comes to the same weights, bit for bit; or one step alone, forward and backward, as plain
NumPy.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tinygrad_edu.playground.run import Lesson
from tinygrad_edu.playground.settings import Settings
from tinygrad_edu.program import Program

_CLASS = {"tanh": "Tanh()", "relu": "ReLU()", "sigmoid": "Sigmoid()"}
_OPTIMIZER = {
    "sgd": "SGD(network.parameters(), lr={rate!r})",
    "momentum": "SGD(network.parameters(), lr={rate!r}, momentum=0.9)",
    "adam": "Adam(network.parameters(), lr={rate!r})",
}
_SHRINK = {
    "L1": "np.sign(w) * np.maximum(abs(w) - {step!r}, 0.0)",
    "L2": "w - {step!r} * w",
}


_PROGRAM = '''"""A run of the playground, written out. Run it with Python; it needs tinygrad_edu."""

{numpy}from tinygrad_edu import {names}
from tinygrad_edu.playground import Lesson, read_link

settings = read_link("{link}").settings
points = Lesson(settings)  # the points of the page, and nothing else of it
x_train, y_train = points.x_train, points.y_train
x_test, y_test = points.x_test, points.y_test

network = Sequential(
{layers}
    rng=settings.streams(2)[1],  # the first weights of the page
)
optimizer = {optimizer}

for epoch in range({epochs}):
    for start in range(0, len(x_train), {batch}):
        x, y = x_train[start : start + {batch}], y_train[start : start + {batch}]
        loss = {loss}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
{shrink}
with network.answering():
    print("training loss", float({training}))
    if len(x_test):
        print("test loss", float({test}))
'''


def write_program(settings: Settings, epochs: int) -> str:
    r"""Return a Python program that learns what settings ask for, for so many epochs.

    >>> program = write_program(Settings(), 3)
    >>> "Sequential(\n    Dense(2, 4" in program, "range(3)" in program
    (True, True)
    """
    layers = _layers(settings)
    optimizer = _OPTIMIZER[settings.optimizer].format(rate=settings.learning_rate)
    if settings.classes == 3:
        loss = "softmax_cross_entropy(network(x{0}), labels=y{0})"
    else:
        loss = "half_squared_error(network(x{0}), y{0}) / len(y{0})"
    used = {line.partition("(")[0] for line in (*layers, optimizer, loss)}
    shrink = _shrinking(settings)
    return _PROGRAM.format(
        numpy="import numpy as np\n\n" if shrink else "",
        names=", ".join(sorted({"Sequential", *used})),
        link=settings.link(),
        layers="\n".join(f"    {line}," for line in layers),
        optimizer=optimizer,
        epochs=epochs,
        batch=settings.batch_size,
        loss=loss.format(""),
        shrink=shrink,
        training=loss.format("_train"),
        test=loss.format("_test"),
    )


def write_step(run: Lesson) -> str:
    """Return the next step of a run as a file that needs NumPy alone: forward, backward, and the step.

    It is written for batches of that many points. What regularization does after a step is not in it.

    >>> from tinygrad_edu.playground.settings import Settings
    >>> "d_dense1_weight = x.T @ d_dense1" in write_step(Lesson(Settings()))
    True
    """

    def loss_of(x: Any, y: Any) -> Any:
        return run.loss(run.network(x), y)

    run.network.train()
    program = Program(loss_of, *run.next_batch(), optimizer=run.optimizer)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "step.py"
        program.save(file)
        return file.read_text("utf-8")


def _layers(settings: Settings) -> list[str]:
    init = ', init="zeros"' if settings.init_zero else ""
    n_in = sum(text == "true" for text in _inputs(settings))
    lines = []
    for neurons, activation, dropout in settings.layer_settings():
        lines.append(f'Dense({n_in}, {neurons}{init}, dtype="float64")')
        lines += [_CLASS[activation]] if activation in _CLASS else []
        lines += [f"Dropout({dropout!r})"] if dropout else []
        n_in = neurons
    lines.append(f'Dense({n_in}, {3 if settings.classes == 3 else 1}{init}, dtype="float64")')
    return [*lines, "Tanh()"] if settings.classes == 2 else lines


def _inputs(settings: Settings) -> list[str]:
    texts = settings.texts()
    return [texts[key] for key in ("x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY")]


def _shrinking(settings: Settings) -> str:
    """Return the lines that regularize, as `Lesson` does after each step; "" for none."""
    step = settings.learning_rate * settings.regularization_rate
    if settings.regularization == "none" or not step:
        return ""
    smaller = _SHRINK[settings.regularization].format(step=step)
    return f"""        for layer in network:  # {settings.regularization}: a weight must be worth its size
            if hasattr(layer, "weight"):
                w = np.array(layer.weight.data)
                layer.weight.data = {smaller}
"""
