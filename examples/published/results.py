"""Results: one small file for each run, written as soon as it is done.

Hours of training should survive Ctrl-C, a power cut and a second thought. So the result of a run is kept
under its own settings: what is there already is not done again, one may stop and go on at any time, and a
claim that is added later costs only the runs that nobody has done yet.
"""

import json
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from published.runs import Run, load
from tinygrad_edu.datasets import Dataset
from tinygrad_edu.files import replacing


class Store:
    """A folder of results, one JSON file a run: "data", "run", "settings", "seed", "result", "seconds"."""

    def __init__(self, folder: Path, data: Dataset) -> None:
        self.folder = folder
        self.data = f"{data.name}, {len(data.y_train)} images"
        self._told: set[Path] = set()

    def path(self, run: Run) -> Path:
        """Return the file of a run."""
        folder = re.sub(r"\W+", "-", self._head(run)["data"])
        name = re.sub(r"[^\w.=-]+", "_", str(run))
        return self.folder / folder / f"{name}.json"

    def load(self, run: Run) -> dict[str, Any] | None:
        """Return what is kept of a run, or None. A file that makes no sense is told of and passed over."""
        path = self.path(run)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if {name: kept[name] for name in self._head(run)} != self._head(run):
                raise ValueError("it holds another run than its name says")
            if not (isinstance(kept["result"], dict) and isinstance(kept["seconds"], float)):
                raise ValueError("it holds no result")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            if path not in self._told:
                print(f"{path} is damaged and counts for nothing: {error!r}", file=sys.stderr)
            self._told.add(path)
            return None
        return kept

    def save(self, run: Run, result: dict[str, Any], seconds: float) -> None:
        """Keep a result: whole, or not at all."""
        path = self.path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            kept = self._head(run) | {"result": result, "seconds": seconds}
            file.write((json.dumps(kept) + "\n").encode())

    def _head(self, run: Run) -> dict[str, Any]:
        """Return what a result depends on."""
        data = self.data if run.by_chance else "no data"
        return {"data": data, "run": run.kind, "settings": dict(run.settings), "seed": run.seed}


def perform(
    runs: Sequence[Run], store: Store, name: str, images: int | None, jobs: int
) -> Iterator[tuple[Run, float]]:
    """Do runs side by side and keep their results; yield each with its seconds, as it finishes.

    Each has one thread to calculate in: two runs side by side are done sooner than one after the other with
    twice the threads, which wait for each other after every product of matrices.
    """
    # On Ctrl-C the program has a word of its own about the runs that are left.
    warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning, module="joblib")
    workers = Parallel(jobs, return_as="generator_unordered", batch_size=1)
    with _ignoring_interrupts():
        ended = workers(delayed(_perform)(run, name, images) for run in runs)
    for run, result, seconds in ended:
        store.save(run, result, seconds)  # here, since a worker may be stopped at any moment
        yield run, seconds


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Start workers that ignore Ctrl-C: it is for the program to stop them, and without a word."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _perform(run: Run, name: str, images: int | None) -> tuple[Run, dict[str, Any], float]:
    data = load(name, images)
    begin = time.perf_counter()
    with threadpool_limits(1):
        result = run(data)
    return run, result, time.perf_counter() - begin
