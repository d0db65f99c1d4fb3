"""Learn to read handwritten digits, then show what was learned and what was not.

    python examples/mnist.py                         learn, measure, save
    python examples/mnist.py --load out/mnist.safetensors      only measure

Takes MNIST where it can be had, else the small digits of scikit-learn.
"""

import argparse
import math
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import tinygrad_edu as tg
from tinygrad_edu.datasets import Dataset, load_handwriting
from tinygrad_edu.metrics import confusion_table
from tinygrad_edu.plots import plot_mistakes
from tinygrad_edu.saving import check_writable

OPTIMIZERS = {"adam": (tg.Adam, 1e-3), "rmsprop": (tg.RMSprop, 1e-3), "sgd": (tg.SGD, 0.1)}


def build(data: Dataset, sizes: Sequence[int], dropout: float, seed: int) -> tg.Sequential:
    """Return a network of hidden layers, each with ReLU and dropout, that ends in a score a class."""
    layers: list[tg.Layer] = []
    n_in = data.x_train.shape[1]
    for n_out in sizes:
        layers += [tg.Dense(n_in, n_out), tg.ReLU()] + ([tg.Dropout(dropout)] if dropout else [])
        n_in = n_out
    return tg.Sequential(*layers, tg.Dense(n_in, len(data.class_names)), rng=seed)


def report(model: tg.Sequential, data: Dataset, picture: Path) -> None:
    """Print which digits were taken for which, and draw the ten worst mistakes."""
    scores = model.predict(data.x_test)
    answers = scores.argmax(axis=1)
    print(f"\nthe first twenty   written: {' '.join(map(str, data.y_test[:20]))}")
    print(f"                      read: {' '.join(map(str, answers[:20]))}")
    print("\nrows: the digit that was written, columns: what the network read")
    print(confusion_table(data.y_test, answers, data.class_names))
    plot_mistakes(data.x_test, data.y_test, scores, data.image_shape, picture)
    print(f"\nthe worst mistakes: {picture}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.0f} MB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", choices=("mnist", "digits"), default="mnist")
    parser.add_argument(
        "--layers", type=int, nargs="*", default=[512, 512], help="hidden sizes (512 512)"
    )
    parser.add_argument("--dropout", type=float, default=0.2, help="share to drop (0.2)")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    parser.add_argument("--lr", type=float, help="rate at the start, falling to 0 (by optimizer)")
    parser.add_argument("--epochs", type=int, help="(10 for MNIST, 100 for the small digits)")
    parser.add_argument("--batch", type=int, default=128, help="batch size (128)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for model and picture"
    )
    parser.add_argument("--load", type=Path, help="a model file: measure it instead of learning")
    parser.add_argument("--quick", action="store_true", help="one small hidden layer, five epochs")
    options = parser.parse_args(arguments)
    if options.quick:
        options.layers, options.epochs, options.batch = [64], 5, 32
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        file = check_writable(options.out / "mnist.safetensors")
        data = load_handwriting(options.data)
        print(f"data: {data.note}\n")
        history = tg.History()
        if options.load:
            model = tg.Sequential.load(options.load)
        else:
            model = build(data, options.layers, options.dropout, options.seed)
            few = len(data.y_train) < 10_000
            epochs = (100 if few else 10) if options.epochs is None else options.epochs
            kind, rate = OPTIMIZERS[options.optimizer]
            rate = rate if options.lr is None else options.lr
            steps = epochs * math.ceil(len(data.y_train) / max(options.batch, 1))
            optimizer = kind(model.parameters(), lr=lambda step: rate * max(1 - step / steps, 0.01))
            model.summary()
            history = model.fit(
                data.x_train, data.y_train, loss=tg.softmax_cross_entropy, optimizer=optimizer,
                epochs=epochs, batch_size=options.batch, rng=options.seed,
                validation_data=(data.x_test, data.y_test),
            )  # fmt: skip
            model.save(file)
            seconds = sum(history["seconds"]) if len(history) else 0.0
            print(f"\nlearned for {seconds:.1f} s; the model: {file}")
        measured = model.evaluate(data.x_test, data.y_test)
    except (OSError, ValueError, tg.TrainingDivergedError) as error:
        print(f"mnist.py: {error}", file=sys.stderr)
        return 1
    report(model, data, options.out / "mistakes.png")
    print(f"test accuracy {100 * measured['accuracy']:.2f} %")
    return 130 if history.stopped == "Ctrl-C" else 0


if __name__ == "__main__":
    raise SystemExit(main())
