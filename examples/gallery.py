"""Draw all pictures that the documentation shows.

python examples/gallery.py                 into docs/pictures
python examples/gallery.py --out slides    into a folder of your own
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Value, ops
from tinygrad_edu.datasets import load_digits
from tinygrad_edu.drawing import DrawingError, draw_graph, draw_network, play_backward


def neuron(weights: tuple[float, float, float] = (0.5, -0.8, 0.1)) -> Value:
    """Return how wrong one neuron is about one day: sunny, two friends come, and we did play."""
    sunny, friends = Value(1.0, name="sunny"), Value(0.2, name="friends")
    w1, w2, b = (
        Value(w, name=f"neuron.{n}") for w, n in zip(weights, ("w1", "w2", "b"), strict=True)
    )
    z = w1 * sunny + w2 * friends + b
    z.name = "z"
    chance = z.sigmoid()
    chance.name = "chance"
    loss = (chance - 1.0) ** 2
    loss.name = "loss"
    return loss


def draw_neuron(out: Path) -> None:
    """One neuron as a network, as a graph before and after backward, and played step by step."""
    model = tg.Sequential(tg.Dense(2, 1), tg.Sigmoid())
    model.layers[0].weight.data, model.layers[0].bias.data = [[0.5], [-0.8]], [0.1]
    names = {"input_names": ["sunny", "friends"], "labels": ["we play"]}
    draw_network(model, out / "neuron.svg", input=[1.0, 0.2], **names)
    loss = neuron()
    draw_graph(loss, out / "before.svg")
    loss.backward()
    draw_graph(loss, out / "after.svg", legend=True)
    draw_graph(loss, out / "folded.svg", fold="neurons")
    play_backward(loss, out / "steps.html")


def draw_paths(out: Path) -> None:
    """Whose fault is this? A weight that reaches the loss over three paths."""
    w, x = Value(0.9, name="w"), Value(1.5, name="x")
    h = (w * x).tanh()
    h.name = "h"
    loss = (w * h - 1.0) ** 2 + 0.1 * w
    loss.name = "loss"
    loss.backward()
    draw_graph(loss, out / "paths.svg", highlight=w)


def draw_bug(out: Path) -> None:
    """A forgotten factor in a derivative, found by comparing with a correct run."""
    forgotten = ops.Operation(ops.tanh.forward, "tanh", (lambda g, z, x: g * (1.0 - z),), None)

    def run(tanh: ops.Operation) -> Value:
        x, w = Value(0.8, name="x"), Value(0.6, name="w")
        h = tanh(w * x)
        h.name = "h"
        loss = (h - 1.0) ** 2
        loss.name = "loss"
        loss.backward()
        return loss

    draw_graph(run(forgotten), out / "bug.svg", diff=run(ops.tanh))


def draw_arrays(out: Path) -> None:
    """A small network as arrays: tables, heat maps, layers."""
    model = tg.Sequential(tg.Dense(4, 3), tg.Tanh(), tg.Dense(3, 2), rng=0)
    x = Value(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32), name="x")
    loss = ops.softmax_cross_entropy(model(x), labels=[0, 1, 1, 0, 1])
    loss.name = "loss"
    loss.backward()
    draw_graph(loss, out / "arrays.svg")


def draw_digits(out: Path, epochs: int) -> None:
    """A network that has learned digits, with one going through it, and as blocks."""
    data = load_digits()
    model = tg.Sequential(tg.Dense(64, 32), tg.ReLU(), tg.Dropout(0.1), tg.Dense(32, 10), rng=0)
    optimizer = tg.Adam(model.parameters(), lr=0.003)
    model.fit(
        data.x_train, data.y_train, loss=tg.softmax_cross_entropy, optimizer=optimizer,
        epochs=epochs, batch_size=32, rng=0, verbose=False,
    )  # fmt: skip
    digit = np.asarray(data.x_test[:1])[0]
    draw_network(model, out / "digits.svg", input=digit, labels=data.class_names, max_neurons=8)
    draw_network(model, out / "blocks.svg", view="blocks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), help="folder (docs/pictures)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="let the digits be learned for one epoch"
    )
    options = parser.parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        draw_neuron(options.out)
        draw_paths(options.out)
        draw_bug(options.out)
        draw_arrays(options.out)
        draw_digits(options.out, epochs=1 if options.quick else 20)
    except (OSError, ImportError, DrawingError) as error:
        print(f"gallery.py: {error}", file=sys.stderr)
        return 1
    for picture in sorted(options.out.iterdir()):
        print(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
