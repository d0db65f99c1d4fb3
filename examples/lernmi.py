"""Lernmi: gates and digits with Neurons and Links; the same with Values; and with arrays of them.

python examples/lernmi.py --samples 5000
"""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import product
from timeit import timeit

import numpy as np

from tinygrad_edu import SGD, Dense, Sequential, Sigmoid, Value, half_squared_error, sigmoid
from tinygrad_edu.by_hand import Network
from tinygrad_edu.datasets import load_handwriting

GATES = {"NOT": lambda a: 1 - a, "OR": lambda a, b: a | b, "XOR": lambda a, b: a ^ b}


def race(images: np.ndarray, targets: np.ndarray) -> None:
    """Time a step of each of the three, which start with the same weights."""
    links = Network([images.shape[1], 15, 10], rate=0.1)
    w1, b1, w2, b2 = start = links.parameters().values()
    layers = [[[Value(w) for w in row] for row in np.vstack(t).T] for t in ((w1, b1), (w2, b2))]
    model = Sequential(Dense(*w1.shape), Sigmoid(), Dense(*w2.shape), Sigmoid())
    model.load_state_dict(dict(zip(model.state_dict(), start, strict=True)))
    each_weight = SGD([w for rows in layers for row in rows for w in row], lr=0.1)
    each_layer = SGD(model.parameters(), lr=0.1)

    def with_values(x: np.ndarray, t: np.ndarray) -> None:
        y = sigmoid(x).tolist()  # the network in five lines, one Value for each weight
        for rows in layers:
            y = [sum(w * i for w, i in zip(row, [*y, 1.0], strict=True)).sigmoid() for row in rows]
        sum(0.5 * (o - e) ** 2 for o, e in zip(y, t.tolist(), strict=True)).backward()
        each_weight.step(), each_weight.zero_grad()

    def with_arrays(x: np.ndarray, t: np.ndarray) -> None:
        half_squared_error(model(sigmoid(x)), t).backward()
        each_layer.step(), each_layer.zero_grad()

    steps = links.train_step, with_values, with_arrays
    a, b, c = (50 * timeit(partial(step, images[0], targets[0]), number=20) for step in steps)
    print(f"with Links  {a:8.2f} ms a sample: a Link knows its one formula and notes nothing")
    print(f"with Values {b:8.2f} ms a sample, {b / a:.2g} times as long as with Links, because")
    print("    each product and each sum is noted down, so that any formula can be derived")
    print(f"with arrays {c:8.2f} ms a sample, {b / c:.2g} times as fast as with Values")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=3000, help="digits to learn from (3000)")
    parser.add_argument("--quick", action="store_true", help="small digits, and 300 of them")
    options = parser.parse_args(arguments)
    for (name, rule), sizes in zip(GATES.items(), ([1, 1], [2, 1], [2, 3, 1]), strict=True):
        gate = Network(sizes, rate=1.0, squash_inputs=name != "XOR")
        samples = list(product((0, 1), repeat=sizes[0]))
        for x in samples * 3000:
            gate.train_step(x, [rule(*x)])
        print(f"{name:5}" + "   ".join(f"{list(x)} → {gate.run(x)[0]:.2f}" for x in samples))
    data = load_handwriting("digits" if options.quick else "mnist")
    print(f"\ndata: {data.note}")
    images = np.asarray(data.x_train[: 300 if options.quick else max(options.samples, 1)], float)
    targets = np.eye(10)[data.y_train[: len(images)]]
    network, shades = Network([images.shape[1], 15, 10], rate=0.1), np.array(list(" .:-=+*#%@"))
    for number, (image, target) in enumerate(zip(images, targets, strict=True), 1):
        if number % 100 == 0:
            answer = network.run(image)
            rows = shades[(image * 9).round().astype(int)].reshape(data.image_shape)
            print("\n" + "\n".join("".join(2 * ink for ink in row).rstrip() for row in rows))
            print(f"{number}: my guess is {np.argmax(answer)}, confidence {max(answer):.0%}")
        network.train_step(image, target)
    race(images, targets)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
