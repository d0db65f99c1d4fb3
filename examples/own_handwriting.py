"""Have your own handwriting read: pictures of digits, photographed, scanned or painted.

    python examples/own_handwriting.py                     the pictures in docs/handwriting
    python examples/own_handwriting.py three.jpg sheets/   your own, files and folders
    python examples/own_handwriting.py --json three.jpg    one line of JSON a picture, and nothing else

Each picture is brought to MNIST's form and shown to a network, a little turned and moved as well. The network
learns in the first run, in less than five minutes, and is kept for the next.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.datasets import Dataset, add_flagged_ones, load_handwriting
from tinygrad_edu.lab.handwriting import (
    Reading,
    add_no_digits,
    plot_readings,
    read_digit,
    read_pictures,
    to_mnist,
)
from tinygrad_edu.lab.recipes import convolution
from tinygrad_edu.support import check_writable, limit_threads, program

SHOWN = 60  # pictures in the contact sheet at most
SAMPLES = Path(__file__).parents[1] / "docs" / "handwriting"


def kept(data: str, options: argparse.Namespace) -> Path:
    """Return the file for a network that has learned from "mnist" or "digits"."""
    quick = "_quick" if options.quick else ""
    return Path(options.out / f"own_handwriting_{data}{quick}.safetensors")


def network(options: argparse.Namespace) -> tg.Sequential:
    """Return the network of an earlier run, or one that learns now and is kept."""
    file = options.load or kept(options.data, options)
    if not options.load and (options.again or not file.exists()):
        data = load_handwriting(options.data)
        file = kept("mnist" if data.name == "MNIST" else "digits", options)  # what it really was
        if options.again or not file.exists():
            return learn(data, file, options)
    print(f"the network: {file}" + ("" if options.load else "; --again learns anew"))
    return tg.Sequential.load(file)


def learn(data: Dataset, file: Path, options: argparse.Namespace) -> tg.Sequential:
    """Teach a network and keep it in a file."""
    check_writable(file)
    if data.name == "MNIST":  # whose ones are nearly all a single stroke
        data = add_flagged_ones(data, rng=options.seed)
        data = add_no_digits(data, rng=options.seed)
    epochs = 10 if options.quick else 40 if data.is_small else 5
    print(f"data: {data.note}; the network learns, epochs: {epochs}")
    with limit_threads(1):
        model, history = convolution(data, epochs, rng=options.seed)
    if history.stopped == "Ctrl-C":
        raise KeyboardInterrupt
    model.save(file)
    print(f"test accuracy {model.evaluate(data.x_test, data.y_test)['accuracy']:.2%}; kept: {file}")
    return model


def image_size(model: tg.Sequential) -> int:
    """Return how many dots wide the images are that the network takes."""
    for size in (28, 8):
        try:
            model.predict(np.zeros((1, size * size), np.float32))
        except ValueError:
            continue
        return size
    raise ValueError("the network takes images of neither 28×28 nor 8×8 dots")


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("pictures", nargs="*", type=Path, default=[SAMPLES], help="files and folders")
    add("--json", action="store_true", help="print one line a picture: file, answer, confidence")
    add("--data", choices=("mnist", "digits"), default="mnist", help="what to learn from")
    add("--load", type=Path, help="a model file of your own")
    add("--again", action="store_true", help="learn again, though there is a network")
    add("--seed", type=int, default=0)
    add("--out", type=Path, default=Path("out"), help="folder for network and contact sheet (out)")
    add("--quick", action="store_true", help="learn from the small digits, for ten epochs")
    options = parser.parse_args(arguments)
    if options.quick:
        options.data = "digits"
    return options


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = options_of(arguments)
    output, failed = sys.stdout, False
    readings: list[Reading] = []
    with redirect_stdout(sys.stderr if options.json else output):
        pictures = read_pictures(options.pictures)
        options.out.mkdir(parents=True, exist_ok=True)
        model = network(options)
        size = image_size(model)
        for picture in pictures:
            said = {"file": str(picture.path), "answer": None, "confidence": 0.0}
            if picture.gray is None:
                failed, said["error"] = True, picture.error
                print(f"own_handwriting.py: {picture.error}", file=sys.stderr)
            else:
                prepared = to_mnist(picture.gray, size)
                chances = np.zeros(10) if prepared.blank else read_digit(model, prepared.image)
                reading = Reading(picture.path, prepared, chances, picture.label)
                if len(readings) < SHOWN:
                    readings.append(reading)
                said |= {"answer": reading.answer, "confidence": round(reading.confidence, 4)}
                print(f"{picture.path.name:28} {reading!s:47} {'; '.join(prepared.notes)}")
            if options.json:
                print(json.dumps(said), file=output, flush=True)
        if readings:
            plot_readings(readings, options.out / "handwriting.svg")
            print(
                f"\nthe contact sheet, {len(readings)} pictures: {options.out / 'handwriting.svg'}"
            )
    return 2 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
