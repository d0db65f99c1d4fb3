"""Run a network backwards: which picture does it have in mind when it says 4? And does it read that as a 4?

python examples/back_query.py                      the book's own network, by its own rule
python examples/back_query.py --net convolution    a network that can be climbed, not walked back
python examples/back_query.py --load out/back_query_rashid.safetensors --label 4
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.by_hand import RashidNetwork, scale_pixels, target_outputs
from tinygrad_edu.datasets import Dataset, load_handwriting
from tinygrad_edu.lab import (
    confidence,
    gradient_ascent,
    logit_walk,
    plot_round_trip,
    plot_saliency,
    round_trip,
    saliency,
    wanted_outputs,
)
from tinygrad_edu.lab.recipes import convolution, keras_mlp
from tinygrad_edu.support import aligned, check_writable, program
from tinygrad_edu.training import Progress


def by_the_book(data: Dataset, epochs: int, rng: int) -> tuple[tg.Sequential, None]:
    """Return 784-200-10 that has learned by the book's rule, in pencil algebra, one image at a time."""
    pencil = RashidNetwork(data.x_train.shape[1], 200, 10, learning_rate=0.1, rule="book", rng=rng)
    progress, count = Progress(epochs, visible=True), len(data.y_train)
    for epoch in range(1, epochs + 1):
        for i in progress.over(range(count), count, epoch):
            pencil.train_step(scale_pixels(data.x_train.raw[i]), target_outputs(data.y_train[i]))
        answers = pencil.query(scale_pixels(data.x_test.raw)).argmax(axis=1)
        progress.end_epoch(epoch, {"val_accuracy": float(np.mean(answers == data.y_test))})
    hidden, inputs = pencil.wih.shape
    first, second = tg.Dense(inputs, hidden, bias=False), tg.Dense(hidden, 10, bias=False)
    first.weight.data, second.weight.data = pencil.wih.T, pencil.who.T
    return tg.Sequential(first, tg.Sigmoid(), second, tg.Sigmoid()), None


#: How each network learns: (data, epochs, rng) → (model, history).
RECIPES = {"rashid": by_the_book, "keras": keras_mlp, "convolution": convolution}


def dream(model: tg.Sequential, labels: Sequence[int], name: str) -> None:
    """Ask for each label by walk and by ascent; print both round trips side by side, draw both sheets."""
    made = {"gradient ascent": gradient_ascent(model, labels, rng=0)[0]}
    try:
        made = {"logit walk": logit_walk(model, labels)} | made
    except ValueError as error:
        print(f"no logit walk: {error}\n")
    columns = []
    for title, pictures in made.items():
        trip = round_trip(model, pictures, labels)
        plot_round_trip(pictures, trip, f"{name}_{title.split()[-1]}.svg", title=title)
        columns.append([f"{line}  " for line in (title, *str(trip).splitlines())])
    print(*aligned([*zip_longest(*columns, fillvalue="")]), sep="\n")


def explain(model: tg.Sequential, images: np.ndarray, written: np.ndarray, name: str) -> None:
    """Draw which ink made it say so; then change real digits a little, toward the next one."""
    titles = [f"says {row.argmax()}\n{row.max():.1%} sure" for row in confidence(model, images)]
    plot_saliency(images, saliency(model, images), titles, f"{name}_saliency.svg")
    other, plain = (written + 1) % 10, {"noise": 0, "weight_decay": 0, "variation": 0, "blur": 0}
    fooling, _ = gradient_ascent(model, other, start=images, steps=20, lr=0.015, **plain)
    trip, change = round_trip(model, fooling, other), np.abs(fooling - images).max()
    plot_round_trip(fooling, trip, f"{name}_fooling.svg", title=f"changed by ≤ {change:.2f}")
    print(f"\n{trip.returned} of {len(other)} real digits, a little changed, are read as the next")


def draw_graphs(model: tg.Sequential, label: int, image: np.ndarray, name: str) -> None:
    """Draw the gradient of a label's score on its way to a picture, and the walk back if there is one."""
    ends_in_scores = not isinstance(model[-1], tg.Sigmoid | tg.Tanh | tg.Softmax)
    to_scores = model if ends_in_scores else model[:-1]
    score = to_scores(tg.Value(image[None], "picture"))[0, label]
    score.name = f"score of {label}"
    score.backward()
    score.draw(f"{name}_score_graph.svg", fold="layers", direction="down")
    with suppress(ValueError):  # dream() has told why there is no walk
        wanted = tg.Value(wanted_outputs(model, label), f"wanted: {label}")
        picture = logit_walk(model, targets=wanted)
        picture.name = "picture"
        picture.draw(f"{name}_walk_graph.svg", fold="layers", direction="down")


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--net", choices=RECIPES, default="rashid")
    add("--load", type=Path, help="a model file of that --net: ask it instead of learning")
    add("--label", type=int, choices=range(10), help="ask for this digit only")
    add("--epochs", type=int, help="(5 for MNIST, 20 for the small digits)")
    add("--seed", type=int, default=0, help="for the first weights (0)")
    add("--out", type=Path, default=Path("out"), help="folder for model and pictures (out)")
    add("--quick", action="store_true", help="the small digits, three epochs")
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs must be 1 or more, got {options.epochs}")
    if options.quick:
        options.data = "digits"
    return options


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = options_of(arguments)
    name = str(options.out / f"back_query_{options.net}")
    options.out.mkdir(parents=True, exist_ok=True)
    data = load_handwriting(options.data)
    print(f"data: {data.note}\n")
    if options.load:
        model = tg.Sequential.load(options.load)
    else:
        file = check_writable(f"{name}.safetensors")
        usual = 3 if options.quick else 20 if data.is_small else 5
        epochs = options.epochs or usual
        model, history = RECIPES[options.net](data, epochs, options.seed)
        if history is not None and history.stopped == "Ctrl-C":
            raise KeyboardInterrupt
        model.save(file)
    x = scale_pixels(data.x_test.raw) if options.net == "rashid" else data.x_test
    right = np.mean(model.predict(x).argmax(axis=1) == data.y_test)
    print(f"test accuracy {right:.2%}\n")
    labels = range(10) if options.label is None else [options.label]
    dream(model, labels, name)
    each = 10 // len(labels)
    shown = np.ravel([np.flatnonzero(data.y_test == label)[:each] for label in labels])
    images, written = x[shown], data.y_test[shown]
    explain(model, images, written, name)
    try:
        draw_graphs(model, int(written[4]), images[4], name)
    except tg.DrawingError as error:
        print(f"no graphs: {error}")
    print(f"the pictures: {name}_*")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
