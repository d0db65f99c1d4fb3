"""Damage a network that reads digits, or what it is shown, and see how much of its reading is left.

    python examples/damage.py                           the net of "Make Your Own Neural Network"
    python examples/damage.py --net rashid plain half   beside larger ones, with and without dropout

Takes MNIST where it can be had, else the small digits of scikit-learn.
"""

import argparse
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from back_query import by_the_book

import tinygrad_edu as tg
from tinygrad_edu.datasets import Dataset, load_handwriting
from tinygrad_edu.lab import damage
from tinygrad_edu.lab.recipes import keras_mlp
from tinygrad_edu.support import check_writable, program, text_table
from tinygrad_edu.training import accuracy

DROPOUT = {"plain": 0.0, "keras": 0.2, "half": 0.5}  # three nets of 512-512 ReLU
NETS = {"rashid": "200 sigmoid", **{n: f"512-512, dropout {rate:g}" for n, rate in DROPOUT.items()}}
REFERENCE = {0.05: 0.972, 0.25: 0.944, 0.5: 0.842, 0.75: 0.530}  # rashid, 5 draws, measured before


class BookPixels(tg.Layer):
    """Pixels as the book's network has learned to see them."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Bring 0 … 1 to .01 … 1."""
        return 0.99 * x + 0.01


def learn(name: str, data: Dataset, options: argparse.Namespace) -> tg.Sequential:
    """Return one of the NETS after it has learned, "rashid" by the book's rule, image by image."""
    epochs = 10 if options.quick else 20 if data.is_small or name in DROPOUT else 5
    print(f"{NETS[name]} learns for {epochs} epochs")
    if name in DROPOUT:
        model, history = keras_mlp(data, epochs, rng=options.seed, dropout=DROPOUT[name])
        if history.stopped == "Ctrl-C":
            raise KeyboardInterrupt
    else:
        model, _ = by_the_book(data, epochs, options.seed)
    model.save(options.out / f"damage_{name}.safetensors")
    return model


def compare(model: tg.Sequential, data: Dataset, draws: int = 100) -> None:
    """Print what is left of the book's net without some neurons, beside what was measured before."""
    said = model[:-2].predict(data.x_test)  # by the hidden neurons
    header = [
        "neurons removed",
        "reference, 5 draws",
        f"ours, {draws} draws",
        "± of 5 draws",
        "range",
    ]
    rows = []
    for share, before in REFERENCE.items():
        damaged = (damage.remove_neurons(model, share, rng=seed)[-2:] for seed in range(draws))
        ours = [accuracy(rest.predict(said), data.y_test) for rest in damaged]
        mean, spread = f"{np.mean(ours):.3f}", f"{np.std(ours) / 5**0.5:.3f}"
        removed, span = f"{200 * share:3.0f} of 200", f"{min(ours):.3f} … {max(ours):.3f}"
        rows.append([removed, f"{before:.3f}", mean, spread, span])
    print(f"\n{text_table(header, rows)}")


def show_neurons(model: tg.Sequential, data: Dataset, file: Path) -> np.ndarray:
    """Print and draw which hidden neurons matter most; return the accuracy lost with each."""
    missed = damage.knock_out(model, data.x_test, data.y_test, verbose=True)
    print(damage.importance_table(missed, data.class_names))
    points = {layer: 100 * table.sum(axis=1) / len(data.y_test) for layer, table in missed.items()}
    ink = {"input": np.mean(data.x_test, axis=0)}  # which pixels are used most and least
    try:
        model.draw(file, labels=data.class_names, importance=ink | points)
        print(f"\nthe neurons, ranked by the points lost without them: {file}")
    except tg.DrawingError as error:
        print(f"no picture of the neurons: {error}")
    return np.concatenate([*points.values()]) / 100


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--net", nargs="+", choices=NETS, default=["rashid"], help="what to damage (rashid)")
    add("--load", type=Path, nargs="+", help="model files, one for each net, instead of learning")
    add("--draws", type=int, default=5, help="draws of each damage (5)")
    add("--seed", type=int, default=0, help="for the first weights and the draws (0)")
    add("--out", type=Path, default=Path("out"), help="folder for models and pictures (out)")
    add("--quick", action="store_true", help="the small digits, ten epochs, two draws")
    options = parser.parse_args(arguments)
    if options.load and len(options.load) != len(options.net):
        parser.error(f"--load takes one file for each --net, {len(options.net)} in all")
    if options.draws < 1:
        parser.error(f"--draws must be 1 or more, got {options.draws}")
    if options.quick:
        options.data, options.draws = "digits", 2
    return options


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = options_of(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    curves = check_writable(options.out / "damage.svg")
    data = load_handwriting(options.data)
    print(f"data: {data.note}\n")
    models = {
        NETS[net]: tg.Sequential.load(file) if file else learn(net, data, options)
        for net, file in zip_longest(options.net, options.load or ())
    }
    book = NETS["rashid"]
    if book in models:
        models[book] = tg.Sequential(BookPixels(), *models[book])
    found = damage.measure_damage(
        models, data.x_test, data.y_test, draws=options.draws, seed=options.seed, verbose=True
    )
    print(f"\naccuracy, mean of {options.draws} draws\n{damage.damage_table(found)}")
    known = book in models and data.name == "MNIST"
    if known:
        compare(models[book], data)
    name, model = next(iter(models.items()))
    print(f"\n{name}: how many more answers are wrong without one neuron, and of which digits")
    lost = show_neurons(model, data, options.out / "neurons.svg")
    points = {"hidden neurons removed": REFERENCE} if known else None
    damage.plot_damage(
        found, path=curves, image=data.x_test[0].reshape(data.image_shape),
        points=points, points_name="200 sigmoid, reference", lost=lost, chance=0.1,
    )  # fmt: skip
    print(f"the curves: {curves}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
