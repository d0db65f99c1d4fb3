"""Running a sweep: each run by itself, in one thread, and as many at once as there are cores.

joblib deals the runs out (see `parallel`), and whoever has a cluster tells joblib so, in one line around the
sweep:

    with joblib.parallel_config(backend="dask"):
        results = sweep(run, settings, x, y, x_val, y_val, seeds=5)
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any

from tinygrad_edu.lab.sweep.parallel import side_by_side
from tinygrad_edu.lab.sweep.results import Sweep
from tinygrad_edu.lab.sweep.summary import Run
from tinygrad_edu.lab.sweep.words import Setting, varying, words_for
from tinygrad_edu.support import limit_threads, needed
from tinygrad_edu.training import History, TrainingDivergedError

#: Threads and warnings are settings of a whole process, so in each process one run goes at a time.
_one_at_a_time = threading.Lock()


def grid(**choices: Iterable[Any]) -> list[Setting]:
    """Return a setting for every combination of the choices; the last one named changes fastest.

    Raises TypeError for choices that are no list, ValueError for a list without any.

    >>> grid(optimizer=["adam", "sgd"], lr=[0.1, 0.01])  # doctest: +NORMALIZE_WHITESPACE
    [{'optimizer': 'adam', 'lr': 0.1}, {'optimizer': 'adam', 'lr': 0.01},
     {'optimizer': 'sgd', 'lr': 0.1}, {'optimizer': 'sgd', 'lr': 0.01}]
    """
    for name, values in choices.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise TypeError(
                f"expected a list of choices for {name}, got {values!r}; write {name}=[{values!r}]"
            )
    listed = {name: list(values) for name, values in choices.items()}
    for name, options in listed.items():
        if not options:
            raise ValueError(
                f"there is no choice of {name}, so no setting at all; name at least one"
            )
    return [
        dict(zip(listed, combination, strict=True))
        for combination in itertools.product(*listed.values())
    ]


def sweep(
    run: Callable[..., History],
    settings: Sequence[Setting],
    *data: Any,
    seeds: int = 1,
    jobs: int = -1,
    verbose: bool = True,
) -> Sweep:
    """Train with every setting, from every seed 0 … seeds − 1; return what came of it.

    `run(*data, seed=seed, **setting)` trains one network and returns the `History` of its `fit`. It may use
    nothing but its arguments, for it runs in another process. `data` are best arrays: joblib hands an array
    over once, not with every run. `settings` are dicts, as `grid` returns them. `jobs` run at once, -1 for
    one a core; a cluster decides that by itself.

    A run whose loss turns NaN is a result like any other, `Run.diverged`; so is one that raises an error,
    which is its `note`, for the others may have taken hours. Ctrl-C keeps the finished runs, and
    `Sweep.stopped` says so. With the same seeds, results are the same to the last bit, however many jobs.

    Raises ImportError without joblib, threadpoolctl or tqdm; ValueError or TypeError for settings that are
    no dicts, or less than one seed; and if every run fails, what the first raised, with a note in which
    setting (one job shows best where).

    >>> def run(lr, seed):
    ...     history = History()
    ...     history.append({"val_accuracy": 1.0 - lr})
    ...     return history
    >>> sweep(run, grid(lr=[0.1, 0.2]), seeds=2, jobs=1).runs[-1].history["val_accuracy"]
    1/4  lr 0.1  seed 0  val_accuracy 0.9000  0 s
    2/4  lr 0.2  seed 0  val_accuracy 0.8000  0 s
    3/4  lr 0.1  seed 1  val_accuracy 0.9000  0 s
    4/4  lr 0.2  seed 1  val_accuracy 0.8000  0 s
    [0.8]
    """
    for library in ("joblib", "threadpoolctl", "tqdm"):
        with needed(library, "a sweep", extra="sweep"):
            import_module(library)
    from tqdm import tqdm

    _check(settings, seeds)
    # All settings with one seed, then with the next: whoever stops half-way has compared them all.
    planned = [(index, seed) for seed in range(seeds) for index in range(len(settings))]
    calls = ((index, run, settings[index], seed, *data) for index, seed in planned)
    finished: dict[tuple[int, int], Run] = {}
    errors: list[Exception] = []
    stopped = None
    names = varying(settings)
    started = time.perf_counter()
    visible = verbose and sys.stderr.isatty()
    bar = tqdm(total=len(planned), unit="run", smoothing=0, leave=False, disable=not visible)
    try:
        with bar, closing(side_by_side(_numbered_run, calls, jobs)) as results:
            for index, done, failure in results:
                finished[index, done.seed] = done
                if failure:
                    errors.append(failure)
                bar.update()
                if verbose:
                    taken = time.perf_counter() - started
                    tqdm.write(_line(done, names, len(finished), len(planned), taken))
    except KeyboardInterrupt:
        stopped = f"Ctrl-C after {len(finished)} of {len(planned)} runs"
    if errors and len(errors) == len(finished):
        raise errors[0]
    return Sweep([finished[key] for key in sorted(finished)], stopped)


def _check(settings: Sequence[Setting], seeds: int) -> None:
    """Raise TypeError or ValueError for what cannot be swept."""
    if isinstance(settings, Mapping) or not all(isinstance(one, Mapping) for one in settings):
        raise TypeError(
            f"expected a list of settings, each a dict of arguments for run, got {settings!r}; "
            "grid(lr=[0.1, 0.01]) makes such a list"
        )
    if not settings:
        raise ValueError("expected at least one setting, got none")
    if seeds < 1:
        raise ValueError(f"expected at least one seed, got {seeds}")


def _numbered_run(
    index: int, run: Callable[..., History], setting: Setting, seed: int, *data: Any
) -> tuple[int, Run, Exception | None]:
    """Train one network, in a process of its own; return which one it was, and what came of it."""
    started = time.perf_counter()
    diverged, failure = False, None
    with _one_at_a_time, limit_threads(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            history = run(*data, seed=seed, **setting)
            notes = [history.stopped] if history.stopped else []
        except TrainingDivergedError as error:
            history, diverged = error.history, True
            notes = [f"diverged in epoch {error.epoch}"]
        except Exception as error:
            error.add_note(f"in the run with {words_for(setting | {'seed': seed})}")
            history, failure = History(), error
            what, *_ = str(error).splitlines() or [repr(error)]
            notes = [f"failed: {what}"]
    if history.stopped == "Ctrl-C":
        # The network is as good as ever; but a curve that was cut short compares with none.
        raise KeyboardInterrupt
    notes += dict.fromkeys(str(warning.message).partition(";")[0] for warning in caught)
    seconds = time.perf_counter() - started
    return index, Run(setting, seed, history, seconds, diverged, "; ".join(notes)), failure


def _line(run: Run, names: Sequence[str], ended: int, planned: int, taken: float) -> str:
    """Return a line about a run that has just ended, and how long the others will take.

    `taken` is how many seconds the `ended` runs of the `planned` ones took together.
    """
    parts = [
        f"{ended:{len(str(planned))}}/{planned}",
        words_for(run.setting, names),
        f"seed {run.seed}",
    ]
    if run.diverged or not len(run.history):
        parts.append(run.note)
    else:
        measured = {k: v for k, v in run.history.epochs[-1].items() if k.startswith("val_")}
        parts += [f"{name} {value:.4f}" for name, value in measured.items()]
    parts.append(f"{run.seconds:.0f} s")
    left = taken / ended * (planned - ended)
    if left >= 1:
        parts.append(f"about {f'{left / 60:.0f} min' if left >= 90 else f'{left:.0f} s'} left")
    return "  ".join(part for part in parts if part)
