"""Learn to read digits on a very small computer: the images are read from a CSV file, line by line.

    python examples/small_computer.py                             MNIST where it can be had, else small digits
    python examples/small_computer.py --csv train.csv test.csv    files of your own: label, then its pixels

"Make Your Own Neural Network" does this on a Raspberry Pi Zero, with 50 hidden nodes, in 25 minutes. The
first network here is the book's, which learns from one image at a time; the second, by autograd, from ten.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.by_hand import RashidNetwork, scale_pixels, target_outputs
from tinygrad_edu.datasets import load_handwriting, stream_csv, write_csv
from tinygrad_edu.support import limit_threads, program
from tinygrad_edu.training import Progress, peak_memory


def write_files(kind: str, out: Path) -> list[Path]:
    """Return CSV files of MNIST or of the small digits, for training and for testing; write them once."""
    files = [out / f"{kind}_{part}.csv" for part in ("train", "test")]
    if all(file.exists() for file in files):
        return files
    data = load_handwriting(kind)
    print(f"data: {data.note}")
    if data.image_shape == (8, 8):
        files = [out / "digits_train.csv", out / "digits_test.csv"]
    write_csv(files[0], data.x_train, data.y_train)
    write_csv(files[1], data.x_test, data.y_test)
    return files


def by_hand(n_in: int, options: argparse.Namespace) -> tuple[Callable, Callable]:
    """Return two functions, to learn from a batch and to answer: the book's network, with its rule."""
    network = RashidNetwork(n_in, options.hidden, learning_rate=options.rate, rng=options.seed)

    def learn(pixels: np.ndarray, labels: np.ndarray) -> None:
        for image, label in zip(scale_pixels(pixels), labels, strict=True):
            network.train_step(image, target_outputs(label))

    return learn, lambda pixels: network.query(scale_pixels(pixels))


def by_autograd(n_in: int, options: argparse.Namespace) -> tuple[Callable, Callable]:
    """Return the same two functions of a network that learns along the gradient."""
    model = tg.Sequential(
        tg.Dense(n_in, options.hidden), tg.Sigmoid(), tg.Dense(options.hidden, 10), rng=options.seed
    )
    # Nobody knows how long a stream will be, so the rate falls as the root of the steps, not to a fixed end.
    adam = tg.Adam(model.parameters(), lr=lambda step: 0.02 * (1 + step / 100) ** -0.5)

    def learn(pixels: np.ndarray, labels: np.ndarray) -> None:
        loss = tg.softmax_cross_entropy(model(pixels / np.float32(255)), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return learn, lambda pixels: model.predict(pixels / np.float32(255))


def run(kind: Callable, size: int, train: Path, test: Path, options: argparse.Namespace) -> str:
    """Let one network learn from batches of a size, examine it, and return its line of the table."""
    n_in = next(stream_csv(train))[0].shape[1]
    learn, answer = kind(n_in, options)
    answer(next(stream_csv(test))[0])  # what does not fit is said before all that is learned for it
    progress, seen, started = Progress(options.epochs, visible=True), 0, time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        for pixels, labels in progress.over(stream_csv(train, size), None, epoch):
            learn(pixels, labels)
            seen += len(labels)
    seconds = time.perf_counter() - started
    right = [answer(pixels).argmax(axis=1) == labels for pixels, labels in stream_csv(test, 100)]
    name = f"{n_in}-{options.hidden}-10 {kind.__name__.replace('_', ' ')}"
    return f"{name:24}{size:10}{seen:10,}{seconds:9.1f}{100 * np.concatenate(right).mean():16.2f} %"


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    add = parser.add_argument
    add("--csv", type=Path, nargs=2, metavar=("TRAIN", "TEST"), help="files of your own")
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--hidden", type=int, default=50, help="hidden nodes (50)")
    add("--epochs", type=int, default=1, help="how often all images are seen (1)")
    add("--rate", type=float, default=0.2, help="learning rate of the book's network (0.2)")
    add("--seed", type=int, default=0)
    add("--out", type=Path, default=Path("out"), help="folder for the CSV files (out)")
    add("--quick", action="store_true", help="the small digits, ten hidden nodes")
    options = parser.parse_args(arguments)
    if options.quick:
        options.data, options.hidden = "digits", 10
    if options.epochs < 1:
        parser.error("--epochs must be 1 or more")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        train, test = options.csv or write_files(options.data, options.out)
        print(f"read line by line: {train} ({train.stat().st_size / 1e6:.1f} MB), then {test}\n")
        with limit_threads(1):  # on layers this small, two threads wait for each other
            print("network                 batch size    images  seconds   test accuracy")
            print(run(by_hand, 1, train, test, options), flush=True)
            print(run(by_autograd, 10, train, test, options))
    except KeyboardInterrupt:
        print("stopped by Ctrl-C; nothing is kept")
        return 130
    print(f"\npeak memory: {peak_memory():.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
