"""Who computes the gradient? Every source's network by hand, beside autograd.

python examples/compare_by_hand.py            tables, a summary, and why a rule differs
python examples/compare_by_hand.py --quick    small digits, small networks, in seconds
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import by_hand
from tinygrad_edu.by_hand import target_outputs
from tinygrad_edu.compare import audit, compare, compare_training, twin
from tinygrad_edu.datasets import Dataset, load_handwriting
from tinygrad_edu.support import program


def exhibits(data: Dataset, quick: bool) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield each source's name, its network and what it is trained on."""
    x, labels = np.asarray(data.x_train[:128], float), data.y_train[:128]
    pixels, hidden = x.shape[1], 16 if quick else 512
    batch = x[:10], np.eye(10)[labels[:10]]
    days = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)
    yield "football", by_hand.SigmoidNeuron(2), (days, by_hand.ThresholdNeuron().fires(days))
    yield "Lernmi", by_hand.Network([pixels, 15, 10]), (batch[0][0], batch[1][0])
    yield "Mazur, all at once", by_hand.WorkedExample(), ()
    yield "Mazur, in place", by_hand.WorkedExample(order="in_place"), ()
    yield "JavaScript net", by_hand.WorkedExample(biases="wrong_sign"), ()
    yield "Nielsen, squares", by_hand.NielsenNetwork([pixels, 30, 10]), batch
    yield "Nielsen, entropy", by_hand.NielsenNetwork([pixels, 30, 10], "cross_entropy"), batch
    sample = x[0] * 0.99 + 0.01, target_outputs(labels[0])
    yield "Rashid", by_hand.RashidNetwork(pixels, 100), sample
    keras = by_hand.SoftmaxMLP([pixels, hidden, hidden, 10])
    yield "Keras", keras, (x, labels, keras.draw_masks(len(x)))


def rashid_in_training(data: Dataset, steps: int, picture: Path) -> None:
    """Print how far the book's rule strays from the gradient while it learns, and plot it."""
    network = by_hand.RashidNetwork(data.x_train.shape[1], 100)
    pairs = zip(np.asarray(data.x_train[:steps], float), data.y_train[:steps], strict=True)
    samples = [(x * 0.99 + 0.01, target_outputs(label)) for x, label in pairs]
    along = compare_training(twin(network), network.update_rule, samples, network.train_step)
    print(f"\nRashid's rule while it learns\n{along}")
    try:
        print(f"the difference, step by step: {along.plot(picture)}")
    except ImportError as error:
        print(error)


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the plot")
    parser.add_argument("--quick", action="store_true", help="small digits, small networks")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    data = load_handwriting("digits" if options.quick else "mnist")
    print(f"data: {data.note}")
    summary = []
    for name, network, sample in exhibits(data, options.quick):
        rule = getattr(network, "update_rule", network.gradients)
        report = compare(twin(network), rule, *sample)
        print(f"\n{name}: {type(network).__name__}\n{report}")
        why = "" if report.ok else f"\n    {audit(twin(network), rule, *sample).findings[0]}"
        says = "computes the gradient" if report.ok else f"not in {', '.join(report.differing)}"
        summary.append(f"{name:20}{says}{why}")
    rashid_in_training(data, 200 if options.quick else 2000, options.out / "rashid.svg")
    print("\nWho steps along the gradient?\n" + "\n".join(summary))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
