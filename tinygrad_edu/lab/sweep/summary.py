"""What several runs with one setting say together.

One run is an anecdote. The mean over several seeds is what a setting is worth, and the range from the worst
seed to the best is how much of that is luck: two settings whose ranges overlap have not been told apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tinygrad_edu.lab.sweep.words import Setting, better, measurement
from tinygrad_edu.training import History


@dataclass(frozen=True)
class Run:
    """One training in a sweep.

    Attributes: `setting` and `seed`, what it was trained with; `history`, its curves; `seconds`;
    `diverged`, whether the loss became NaN or infinite; `note`, what else is to be said, such as warnings.
    """

    setting: Setting
    seed: int
    history: History
    seconds: float = 0.0
    diverged: bool = False
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """What all runs with one setting say together; NaN where none came to its end.

    Attributes: `setting`; `runs`; `final`, the mean over the seeds of what was measured last, with `low` and
    `high`, the least and the most of it; `best`, the mean of what was best in each run, and `best_epochs`,
    when that was, first and last; `seconds`, the mean; `note`.
    """

    setting: Setting
    runs: list[Run]
    final: float
    low: float
    high: float
    best: float
    best_epochs: tuple[int, int] | None
    seconds: float
    note: str

    def ending(self, monitor: str) -> str:
        """Return `final` as people read it, or a word for why there is none."""
        diverged = any(run.diverged for run in self.runs)
        return measurement(self.final, monitor) or ("diverged" if diverged else "failed")


def summary_of(setting: Setting, runs: list[Run], monitor: str) -> Summary:
    """Return what the runs with one setting say together of one of their curves."""
    ended = [run for run in runs if not run.diverged and monitor in list(run.history)]
    curves = [run.history[monitor] for run in ended]
    best = [max(curve, key=lambda v: better(v, monitor)) for curve in curves]
    epochs = [curve.index(value) + 1 for curve, value in zip(curves, best, strict=True)]
    counted = Counter(run.note for run in runs if run.note)
    notes = [
        note if count == len(runs) else f"{note} ({count} of {len(runs)} runs)"
        for note, count in counted.items()
    ]
    last = [curve[-1] for curve in curves]
    return Summary(
        setting, runs, _mean(last), min(last, default=math.nan), max(last, default=math.nan),
        _mean(best), (min(epochs), max(epochs)) if epochs else None,
        _mean([run.seconds for run in runs]), "; ".join(notes),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
