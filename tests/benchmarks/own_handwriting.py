"""How well one's own handwriting is read, by kind of fault, and what is said of things that are no digit.

    python examples/own_handwriting.py                 once, so that there is a network
    python tests/benchmarks/own_handwriting.py         100 pictures of each kind, 10 minutes

The digits are MNIST's test images, drawn anew in any size with other pens, on other paper, by another camera
(`tests/lab/handwriting/faults.py` and `drawn.py`). What code is tuned with comes from the images of even
number (`--part tuning`); those of odd number are measured with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.lab.handwriting.drawn import PAPERS, Rng, enlarge  # noqa: E402
from tests.lab.handwriting.faults import FAULTS  # noqa: E402
from tests.lab.handwriting.no_digits import NO_DIGITS  # noqa: E402
from tinygrad_edu import Sequential  # noqa: E402
from tinygrad_edu.datasets import load_mnist  # noqa: E402
from tinygrad_edu.lab.handwriting import Reading, read_digit, read_picture, to_mnist  # noqa: E402

NETWORK = Path("out/own_handwriting_mnist.safetensors")


class Kind(NamedTuple):
    """Readings of one kind: the digits, or None for what is none; the answers, or None; how sure they are."""

    truth: list[int | None]
    answers: list[int | None]
    confidence: np.ndarray
    seconds: float


def read(model: Sequential, pictures: list[np.ndarray], truth: list[int | None]) -> Kind:
    """Read pictures as the program does."""
    start, readings = process_time(), []
    for picture in pictures:
        prepared = to_mnist(picture)
        chances = np.zeros(10) if prepared.blank else read_digit(model, prepared.image)
        readings.append(Reading(Path(), prepared, chances))
    seconds = (process_time() - start) / len(pictures)
    confidence = np.array([reading.confidence for reading in readings])
    return Kind(truth, [reading.answer for reading in readings], confidence, seconds)


def digits(
    draw: Callable[[np.ndarray, Rng], np.ndarray], count: int, rng: Rng, first: int
) -> tuple[list[np.ndarray], list[int | None]]:
    """Return pictures of test images, and what they show; `first` is 0 for even numbers, 1 for odd ones."""
    data = load_mnist()
    images = data.x_test.raw.reshape(-1, 28, 28)
    chosen = rng.choice(np.arange(first, len(images), 2), count, replace=False)
    sizes = rng.integers(100, 150 if draw is any_paper else 320, count)
    pictures = [
        draw(enlarge(images[i], int(size)), rng) for i, size in zip(chosen, sizes, strict=True)
    ]
    return pictures, [int(data.y_test[i]) for i in chosen]


def any_paper(coverage: np.ndarray, rng: Rng) -> np.ndarray:
    """Draw a digit on one of the papers of `drawn`, and read the file of it."""
    names = [name for name in PAPERS if name not in ("CMYK", "huge")]
    picture = PAPERS[names[int(rng.integers(len(names)))]](coverage, rng)
    with TemporaryDirectory() as folder:
        picture.save(Path(folder, "picture.png"))
        return read_picture(Path(folder, "picture.png"))


def print_digits(name: str, kind: Kind) -> None:
    """Print one line of the first table."""
    answered = np.array([answer is not None for answer in kind.answers])
    right = np.array([a == t for a, t in zip(kind.answers, kind.truth, strict=True)])
    wrong = answered & ~right
    figures = right, wrong, wrong & (kind.confidence > 0.9), ~answered, kind.confidence > 0.9
    print(
        f"{name:20}"
        + "".join(f"{figure.mean():9.1%}" for figure in figures)
        + f"{kind.seconds:9.3f}"
    )


def print_no_digits(name: str, kind: Kind) -> None:
    """Print one line of the second table."""
    figures = kind.confidence > 0.5, kind.confidence > 0.9, kind.confidence == 0
    print(
        f"{name:20}"
        + "".join(f"{figure.mean():9.1%}" for figure in figures)
        + f"{kind.seconds:9.3f}"
    )


def together(kinds: list[Kind]) -> Kind:
    """Return several kinds as one."""
    return Kind(
        [truth for kind in kinds for truth in kind.truth],
        [answer for kind in kinds for answer in kind.answers],
        np.concatenate([kind.confidence for kind in kinds]),
        float(np.mean([kind.seconds for kind in kinds])),
    )


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--network", type=Path, default=NETWORK, help=f"a model file ({NETWORK})")
    parser.add_argument("--part", choices=("tuning", "measuring"), default="measuring")
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind (100)")
    options = parser.parse_args()
    model = Sequential.load(options.network)
    first = int(options.part == "measuring")
    kinds = []
    print(f"{'digits':20}    right    wrong  ≥90 %, wrong  no answer  ≥90 %  seconds")
    for number, (name, draw) in enumerate({**FAULTS, "other paper": any_paper}.items()):
        rng = np.random.default_rng([number, first])
        kinds.append(read(model, *digits(draw, options.count, rng, first)))
        print_digits(name, kinds[-1])
    print_digits("all", together(kinds))
    kinds = []
    print(f"\n{'no digits':20}    >50 %    >90 %  no answer  seconds")
    for number, (name, draw) in enumerate(NO_DIGITS.items()):
        rng = np.random.default_rng([number, first, 1])
        pictures = [draw(rng) for _ in range(options.count // 2)]
        kinds.append(read(model, pictures, [None] * len(pictures)))
        print_no_digits(name, kinds[-1])
    print_no_digits("all", together(kinds))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
