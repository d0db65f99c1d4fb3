"""Learn to read handwritten digits, then show what was learned and what was not.

    python examples/mnist.py                         learn, measure, save
    python examples/mnist.py --load out/mnist.safetensors      only measure
    python examples/mnist.py --recipe convolution              the best network: some minutes

Takes MNIST where it can be had, else the small digits of scikit-learn.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import tinygrad_edu as tg
from tinygrad_edu.datasets import Dataset, load_handwriting
from tinygrad_edu.drawing import plot_feature_maps, plot_mistakes
from tinygrad_edu.lab.recipes import RECIPES
from tinygrad_edu.support import check_writable, program
from tinygrad_edu.training import confusion_table, peak_memory

OPTIMIZERS = {"adam": (tg.Adam, 2e-3), "rmsprop": (tg.RMSprop, 1e-3), "sgd": (tg.SGD, 0.1)}


def build(data: Dataset, sizes: Sequence[int], dropout: float, seed: int) -> tg.Sequential:
    """Return a network of hidden layers, each with ReLU and dropout, that ends in a score a class."""
    layers: list[tg.Layer] = []
    n_in = data.x_train.shape[1]
    for n_out in sizes:
        layers += [tg.Dense(n_in, n_out), tg.ReLU()]
        if dropout:
            layers.append(tg.Dropout(dropout))
        n_in = n_out
    return tg.Sequential(*layers, tg.Dense(n_in, len(data.class_names)), rng=seed)


def learn(data: Dataset, options: argparse.Namespace) -> tuple[tg.Sequential, tg.History]:
    """Return a network that has learned the data, and how that went."""
    held_out = (data.x_test, data.y_test)
    if options.recipe:
        more = {} if options.epochs is None else {"epochs": options.epochs}
        return RECIPES[options.recipe](data, rng=options.seed, validation_data=held_out, **more)
    model = build(data, options.layers, options.dropout, options.seed)
    model.summary()
    epochs = (100 if data.is_small else 10) if options.epochs is None else options.epochs
    kind, rate = OPTIMIZERS[options.optimizer]
    rate = rate if options.lr is None else options.lr
    steps = max(1, epochs * math.ceil(len(data.y_train) / max(options.batch, 1)))
    optimizer = kind(model.parameters(), lr=lambda step: rate * max(1 - step / steps, 0.01))
    history = model.fit(
        data.x_train, data.y_train, loss=tg.softmax_cross_entropy, optimizer=optimizer,
        epochs=epochs, batch_size=options.batch, rng=options.seed, validation_data=held_out,
    )  # fmt: skip
    return model, history


def report(model: tg.Sequential, data: Dataset, out: Path) -> None:
    """Print which digits were taken for which; draw the worst mistakes, and a digit in the network."""
    scores = model.predict(data.x_test)
    answers = scores.argmax(axis=1)
    print(f"\nthe first twenty   written: {' '.join(map(str, data.y_test[:20]))}")
    print(f"                      read: {' '.join(map(str, answers[:20]))}")
    print("\nrows: the digit that was written, columns: what the network read")
    print(confusion_table(data.y_test, answers, data.class_names))
    plot_mistakes(data.x_test, data.y_test, scores, data.image_shape, out / "mistakes.png")
    print(f"\nthe worst mistakes: {out / 'mistakes.png'}")
    try:
        model.draw(out / "network.svg", input=data.x_test[0], labels=data.class_names)
        print(f"a {data.y_test[0]} going through the network: {out / 'network.svg'}")
    except tg.DrawingError as error:
        print(f"no picture of the network: {error}")
    if any(isinstance(layer, tg.Conv2D) for layer in model):
        plot_feature_maps(model, data.x_test[0], out / "feature_maps.svg")
        print(f"what its filters see in that: {out / 'feature_maps.svg'}")
    print(f"peak memory: {peak_memory():.0f} MB")


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--recipe", choices=RECIPES, help="a whole recipe, instead of the settings below")
    add("--layers", type=int, nargs="*", default=[512, 512], help="hidden sizes (512 512)")
    add("--dropout", type=float, default=0.2, help="share to drop (0.2)")
    add("--optimizer", choices=OPTIMIZERS, default="adam")
    add("--lr", type=float, help="rate at the start, falling to 0 (by optimizer)")
    add("--epochs", type=int, help="(10 for MNIST, 100 for the small digits)")
    add("--batch", type=int, default=128, help="batch size (128)")
    add("--seed", type=int, default=0)
    add("--out", type=Path, default=Path("out"), help="folder for model and pictures (out)")
    add("--load", type=Path, help="a model file: measure it instead of learning")
    add(
        "--quick", action="store_true", help="the small digits, one small hidden layer, five epochs"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.data, options.layers, options.epochs, options.batch = "digits", [64], 5, 32
    history = tg.History()
    options.out.mkdir(parents=True, exist_ok=True)
    file = check_writable(options.out / "mnist.safetensors")
    data = load_handwriting(options.data)
    print(f"data: {data.note}\n")
    if options.load:
        model = tg.Sequential.load(options.load)
    else:
        model, history = learn(data, options)
        print(f"\nlearned for {sum(logs['seconds'] for logs in history.epochs):.1f} s")
        model.save(file)
        print(f"the model: {file}")
    measured = model.evaluate(data.x_test, data.y_test)
    report(model, data, options.out)
    print(f"test accuracy {100 * measured['accuracy']:.2f} %")
    return 130 if history.stopped == "Ctrl-C" else 0


if __name__ == "__main__":
    raise SystemExit(main())
