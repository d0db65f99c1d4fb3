"""Which optimizer, which rate, how many neurons, how much dropout? Try them all, side by side.

    python examples/runs.py                                        six questions, 17 settings, three seeds
    python examples/runs.py --optimizer adam sgd --lr 0.001 0.1    every combination of your own choices
    python examples/runs.py --load out/runs.json                   draw once more what has been run

Writes a chart of all curves, and the numbers for charts of your own. Shown is the accuracy on the last sixth
of the training images, which no network learns from. The test images are kept for the winner.
"""

import argparse
import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tinygrad_edu as tg
from tinygrad_edu.datasets import Pixels, load_handwriting
from tinygrad_edu.lab.sweep import Sweep, grid, plot_sweep, sweep, write_into_page
from tinygrad_edu.support import check_writable, program

KINDS = {"rmsprop": tg.RMSprop, "adam": tg.Adam, "sgd": tg.SGD}
KINDS["momentum"] = functools.partial(tg.SGD, momentum=0.9)
RATES = {"sgd": 0.1, "momentum": 0.1, "rmsprop": 0.001, "adam": 0.001}
BASE = {"optimizer": "adam", "lr": 0.001, "dropout": 0.0, "layers": "128"}
SGD, LARGE = BASE | {"optimizer": "sgd"}, BASE | {"layers": "512-512"}
TOO_LARGE_A_STEP = (BASE, BASE | {"lr": 0.05})
QUESTIONS = {
    "Which optimizer?": [BASE | {"optimizer": name, "lr": rate} for name, rate in RATES.items()],
    "Adam: which rate?": [BASE | {"lr": rate} for rate in (0.0001, 0.001, 0.01, 0.05)],
    "SGD: which rate?": [SGD | {"lr": rate} for rate in (0.01, 0.1, 1.0, 10.0)],
    "How many neurons?": [BASE | {"layers": sizes} for sizes in ("32", "128", "512", "512-512")],
    "Dropout, 128 neurons": [BASE | {"dropout": rate} for rate in (0.0, 0.2, 0.5)],
    "Dropout, 512-512": [LARGE | {"dropout": rate} for rate in (0.0, 0.2, 0.5)],
}


def run(
    x: Any, y: Any, x_val: Any, y_val: Any, *,
    optimizer: str, lr: float, dropout: float, layers: str, epochs: int, batch: int, seed: int,
) -> tg.History:  # fmt: skip
    """Train one network, and return its curves. A sweep is this function and a list of settings."""
    n_in, parts = x.shape[1], []
    for n_out in map(int, layers.split("-")):
        parts += [tg.Dense(n_in, n_out), tg.ReLU()]
        if dropout:
            parts.append(tg.Dropout(dropout))
        n_in = n_out
    model = tg.Sequential(*parts, tg.Dense(n_in, 10), rng=seed)
    return model.fit(
        Pixels(x), y, validation_data=(Pixels(x_val), y_val), loss=tg.softmax_cross_entropy,
        optimizer=KINDS[optimizer](model.parameters(), lr=lr),
        epochs=epochs, batch_size=batch, rng=seed, verbose=False,
    )  # fmt: skip


def sizes(text: str) -> str:
    """Return sizes of hidden layers, 512,512 or 512-512, as settings have them; anything else is an error."""
    return "-".join(str(int(size)) for size in text.replace(",", "-").split("-"))


def chosen(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return every combination of what was asked for, or else the settings of all questions."""
    given = {name: getattr(options, name) for name in BASE if getattr(options, name)}
    if not given:
        return list({str(one): one for each in QUESTIONS.values() for one in each}.values())
    settings = grid(**{name: given.get(name, [usual]) for name, usual in BASE.items()})
    return settings if options.lr else [one | {"lr": RATES[one["optimizer"]]} for one in settings]


def try_all(options: argparse.Namespace) -> Sweep:
    """Run all settings with all seeds: on this computer, or on the cluster of a Dask scheduler."""
    data = load_handwriting(options.data)
    print(f"data: {data.note}\n")
    few = data.is_small
    epochs = (30 if few else 10) if options.epochs is None else options.epochs
    settings = [one | {"epochs": epochs, "batch": 32 if few else 128} for one in chosen(options)]
    x, y = data.x_train.raw[: options.images], data.y_train[: options.images]
    n = len(y) - len(y) // 6
    cluster: Any = contextlib.nullcontext()
    if options.dask:
        import joblib

        cluster = joblib.parallel_config(backend="dask", scheduler_host=options.dask)
    with cluster:
        return sweep(
            run, settings, x[:n], y[:n], x[n:], y[n:], seeds=options.seeds, jobs=options.jobs
        )


def report(results: Sweep, options: argparse.Namespace) -> None:
    """Draw the curves, in a panel for each question; print the table, and what it says."""
    same = {name: results.settings[0][name] for name in ("epochs", "batch")}
    panels = {title: [one | same for one in each] for title, each in QUESTIONS.items()}
    asked = [one for each in panels.values() for one in each]
    if any(one not in asked for one in results.settings):
        panels = {}  # choices of somebody's own: a panel for each of the first
    pairs = [tuple(one | same for one in TOO_LARGE_A_STEP)]
    pictures = options.page.parent / "pictures" if options.page else options.out
    pictures.mkdir(exist_ok=True)
    plot_sweep(results, panels, BASE | same, pairs, path=pictures / "runs.svg")
    if options.page:
        write_into_page(results, options.page, pairs)
    print(f"\n{results}\n", *results.findings(pairs), sep="\n* ")
    print(
        f"\nall curves: {pictures / 'runs.svg'}; numbers: runs.json and runs.csv in {options.out}"
    )


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    add = parser.add_argument
    add("--optimizer", nargs="+", choices=KINDS, help="try these")
    add("--lr", nargs="+", type=float, help="try these learning rates")
    add("--dropout", nargs="+", type=float, help="try dropping these shares")
    add("--layers", nargs="+", type=sizes, help="try these hidden sizes, such as 128 512-512")
    add("--seeds", type=int, default=3, help="runs with each setting (3)")
    add("--epochs", type=int, help="(10 for MNIST, 30 for the small digits)")
    add("--images", type=int, help="how many training images to take (all)")
    add("--data", choices=("mnist", "digits"), default="mnist")
    add("--jobs", type=int, default=-1, help="runs at once (one a core)")
    add("--dask", metavar="ADDRESS", help="run on this Dask cluster, such as tcp://host:8786")
    add("--load", type=Path, help="a file runs.json: draw it instead of running anything")
    add("--out", type=Path, default=Path("out"), help="folder for chart and numbers (out)")
    add("--page", type=Path, help="a Markdown page to put chart and table into")
    add("--quick", action="store_true", help="the small digits, three epochs, one seed")
    options = parser.parse_args(arguments)
    if options.quick:
        options.data, options.epochs, options.seeds = "digits", 3, 1
    options.out.mkdir(parents=True, exist_ok=True)
    file = check_writable(options.out / "runs.json")
    results = Sweep.load(options.load) if options.load else try_all(options)
    if not results.runs:
        print(results)
    else:
        results.save(file)
        results.save(file.with_suffix(".csv"))
        report(results, options)
    return 130 if results.stopped else 0


if __name__ == "__main__":
    raise SystemExit(main())
