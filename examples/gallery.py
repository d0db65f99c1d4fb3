"""Draw all pictures that the documentation shows.

python examples/gallery.py                        into out/pictures
python examples/gallery.py --out slides           into a folder of your own
python examples/gallery.py --out docs/pictures    those of the documentation, after a change
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Value, ops
from tinygrad_edu.datasets import (
    Compose,
    Dataset,
    Elastic,
    Rotate,
    Shear,
    Shift,
    Zoom,
    load_digits,
    load_handwriting,
)
from tinygrad_edu.drawing import plot_images
from tinygrad_edu.support import program


def named(name: str, value: Value) -> Value:
    """Return a computed Value, with a name for the picture."""
    value.name = name
    return value


def draw_readme(out: Path) -> None:
    """The graph with which the README begins, and how it is computed, step by step."""
    x, w, b = Value(3.0, "x"), Value(0.5, "w"), Value(-1.0, "b")
    y = named("y", (w * x + b).relu())
    loss = named("loss", (y - 1.0) ** 2)
    loss.backward()
    loss.draw(out / "readme.svg")
    tg.play_backward(loss, out / "steps.svg")


def draw_neuron(out: Path) -> None:
    """How wrong one neuron is about one day, drawn as a network and as a graph, and played."""
    model = tg.Sequential(tg.Dense(2, 1), tg.Sigmoid())
    model.layers[0].weight.data, model.layers[0].bias.data = [[0.5], [-0.8]], [0.1]
    names = {"input_names": ["sunny", "friends"], "labels": ["we play"]}
    model.draw(out / "neuron.svg", input=[1.0, 0.2], **names)

    sunny, friends = Value(1.0, "sunny"), Value(0.2, "friends")
    w1, w2, b = Value(0.5, "neuron.w1"), Value(-0.8, "neuron.w2"), Value(0.1, "neuron.b")
    chance = named("chance", named("z", w1 * sunny + w2 * friends + b).sigmoid())
    loss = named("loss", (chance - 1.0) ** 2)
    loss.draw(out / "before.svg")
    loss.backward()
    loss.draw(out / "after.svg")
    loss.draw(out / "folded.svg", fold="neurons", legend=True)
    loss.draw(out / "steps.html")


def draw_paths(out: Path) -> None:
    """Whose fault is this? A weight that reaches the loss over three paths."""
    w, x = Value(0.9, "w"), Value(1.5, "x")
    h = named("h", (w * x).tanh())
    loss = named("loss", (w * h - 1.0) ** 2 + 0.1 * w)
    loss.backward()
    loss.draw(out / "paths.svg", highlight=w)


def draw_bug(out: Path) -> None:
    """A forgotten factor in a derivative, found by comparing with a correct run."""
    forgotten = ops.Operation(ops.tanh.forward, "tanh", dx=lambda g, z, x: g * (1.0 - z))

    def run(tanh: ops.Operation) -> Value:
        x, w = Value(0.8, "x"), Value(0.6, "w")
        h = named("h", tanh(w * x))
        loss = named("loss", (h - 1.0) ** 2)
        loss.backward()
        return loss

    run(forgotten).draw(out / "bug.svg", diff=run(ops.tanh))


def draw_failure(out: Path) -> None:
    """Two arrays that do not fit each other."""
    x, w = Value(np.ones((3, 2)), "x"), Value(np.ones((4, 5)), "w")
    try:
        (2.0 * x).tanh() @ w
    except ValueError as error:
        tg.draw_error(error, out / "error.svg")


def draw_arrays(out: Path) -> None:
    """A layer and its loss as arrays: tables of shaded cells."""
    model = tg.Sequential(tg.Dense(3, 2), rng=0)
    x = Value(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), "x")
    loss = named("loss", tg.softmax_cross_entropy(model(x), labels=[0, 1, 1, 0]))
    loss.backward()
    loss.draw(out / "arrays.svg", digits=3)


def teach(model: tg.Sequential, data: Dataset, epochs: int) -> None:
    """Let a network learn, so that there is something to see."""
    history = model.fit(
        data.x_train, data.y_train, loss=tg.softmax_cross_entropy,
        optimizer=tg.Adam(model.parameters(), lr=0.003), epochs=epochs, rng=0, verbose=False,
    )  # fmt: skip
    if history.stopped == "Ctrl-C":
        raise KeyboardInterrupt


def draw_digits(out: Path, epochs: int) -> None:
    """A network that has learned digits, with one going through it, and as blocks."""
    data = load_digits()
    model = tg.Sequential(tg.Dense(64, 32), tg.ReLU(), tg.Dropout(0.1), tg.Dense(32, 10), rng=0)
    teach(model, data, epochs)
    model.draw(out / "digits.svg", input=data.x_test[0], labels=data.class_names, max_neurons=8)
    model.draw(out / "blocks.svg", view="blocks")


def draw_convolution(out: Path, epochs: int) -> None:
    """A convolution that has learned digits, with what its filters make of one."""
    data = load_digits()
    layers = (tg.Reshape(1, 8, 8), tg.Conv2D(1, 8, 3), tg.ReLU(), tg.MaxPool2D(2))
    model = tg.Sequential(*layers, tg.Flatten(), tg.Dense(72, 10), rng=0)
    teach(model, data, epochs)
    model.draw(out / "convolution.svg", input=data.x_test[0])


def draw_augmentation(out: Path, kind: str) -> None:
    """One digit, changed at random in every way that there is, and in all of them together."""
    data = load_handwriting(kind, download=False)
    pixel = data.image_shape[0] / 28  # the numbers below are for MNIST's 28×28
    steps = {
        "Rotate(10)": Rotate(10),
        "Shift(2)": Shift(2 * pixel),
        "Zoom(0.1)": Zoom(0.1),
        "Shear(10)": Shear(10),
        "Elastic(1.2)": Elastic(1.2 * pixel, smoothness=4 * pixel),
    }
    steps["all of them"] = Compose(*steps.values())
    digit = np.repeat(data.x_train[:1], 10, axis=0)
    rows = {name: step(digit, rng=0) for name, step in steps.items()}
    plot_images({"as it was": digit[:1], **rows}, data.image_shape, out / "augmentation.svg")


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default="out/pictures", help="folder (out/pictures)")
    parser.add_argument("--quick", action="store_true", help="the small digits, one epoch")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for draw in (
        draw_readme,
        draw_neuron,
        draw_paths,
        draw_bug,
        draw_failure,
        draw_arrays,
    ):
        draw(options.out)
    draw_augmentation(options.out, "digits" if options.quick else "mnist")
    for learn in (draw_digits, draw_convolution):
        learn(options.out, epochs=1 if options.quick else 20)
    for picture in sorted(options.out.iterdir()):
        print(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
