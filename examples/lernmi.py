"""Lernmi: gates and digits with Neurons and Links; the same with Values; and with arrays of them.

python examples/lernmi.py --samples 5000      (or --quick)
"""

import argparse
from itertools import product
from timeit import timeit

import numpy as np

from tinygrad_edu import SGD, Dense, Sequential, Sigmoid, Value, half_squared_error
from tinygrad_edu.by_hand import Network
from tinygrad_edu.datasets import load_handwriting
from tinygrad_edu.support import program

GATES = {"NOT": lambda a: 1 - a, "OR": lambda a, b: a | b, "XOR": lambda a, b: a ^ b}


def race(x: np.ndarray, t: np.ndarray) -> None:
    """Time a step of each of the three, the same network each time."""
    links = Network([len(x), 15, 10], rate=0.5, squash_inputs=False)
    w1, b1, w2, b2 = links.parameters().values()
    layers = [[[Value(w) for w in row] for row in np.vstack(p).T] for p in ((w1, b1), (w2, b2))]
    model = Sequential(Dense(*w1.shape), Sigmoid(), Dense(*w2.shape), Sigmoid())
    each_weight = SGD([w for rows in layers for row in rows for w in row], lr=0.5)
    each_layer = SGD(model.parameters(), lr=0.5)

    def step(optimizer: SGD, error: Value) -> None:
        error.backward()
        optimizer.step()
        optimizer.zero_grad()

    def with_values() -> None:
        y = x.tolist()  # the network in five lines, one Value for each weight
        for rows in layers:
            y = [sum(w * i for w, i in zip(row, [*y, 1.0], strict=True)).sigmoid() for row in rows]
        step(each_weight, sum(0.5 * (o - e) ** 2 for o, e in zip(y, t.tolist(), strict=True)))

    a = 50 * timeit(lambda: links.train_step(x, t), number=20)  # milliseconds for one
    b = 50 * timeit(with_values, number=20)
    c = 50 * timeit(lambda: step(each_layer, half_squared_error(model(x), t)), number=20)
    print(f"\nwith Links  {a:8.2f} ms a sample: a Link knows its one formula and notes nothing")
    print(f"with Values {b:8.2f} ms a sample, {b / a:.3g} times as long as with Links, because")
    print("    each product and each sum is noted down, so that any formula can be derived")
    print(f"with arrays {c:8.2f} ms a sample, {b / c:.3g} times as fast as with Values")


@program
def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=3000, help="digits to learn from (3000)")
    parser.add_argument("--quick", action="store_true", help="small digits, 1,200 of them")
    options = parser.parse_args(arguments)
    for (name, rule), sizes in zip(GATES.items(), ([1, 1], [2, 1], [2, 3, 1]), strict=True):
        gate = Network(sizes, rate=1.0, squash_inputs=name != "XOR")
        samples = list(product((0, 1), repeat=sizes[0]))
        for x in samples * 3000:
            gate.train_step(x, [rule(*x)])
        print(f"{name:5}" + "   ".join(f"{list(x)} → {gate.run(x)[0]:.2f}" for x in samples))
    data = load_handwriting("digits" if options.quick else "mnist")
    print(f"\ndata: {data.note}")
    n, every, right = (1200, 400, []) if options.quick else (max(options.samples, 1), 100, [])
    images, targets = np.asarray(data.x_train[:n], float), np.eye(10)[data.y_train[:n]]
    network = Network([images.shape[1], 15, 10], rate=0.5, squash_inputs=False)  # tenfold as fast
    for number, (image, target) in enumerate(zip(images, targets, strict=True), 1):
        answer = network.run(image)
        right.append(np.argmax(answer) == np.argmax(target))
        if number % every == 0:
            ink = (image * 9).round().astype(int).reshape(data.image_shape)
            rows = ["".join(2 * " .:-=+*#%@"[i] for i in row).rstrip() for row in ink]
            print("\n" + "\n".join(rows).strip("\n"))
            guess = f"my guess is {np.argmax(answer)}, confidence {max(answer):.0%}"
            print(f"{number}: {guess}; {sum(right[-every:])} of the last {every} were right")
        network.train_step(image, target)
    race(images[0], targets[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
