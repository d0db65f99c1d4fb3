"""The results of a sweep: every run with its curves, in tables, in words, and in files."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tinygrad_edu.lab.sweep.summary import Run, Summary, summary_of
from tinygrad_edu.lab.sweep.words import (
    Setting,
    better,
    distinct,
    measurement,
    shown,
    varying,
    with_unit,
    words_for,
)
from tinygrad_edu.support import markdown_table, needed, replacing, text_table
from tinygrad_edu.training import History


class Sweep:
    """All runs of a sweep, in the order of settings and seeds, as `sweep` returns them.

    Attributes: `runs`; `stopped`, why the sweep ended before its time, None if it did not.

    >>> history = History()
    >>> history.append({"val_accuracy": 0.875})
    >>> Sweep([Run(setting, 0, history) for setting in ({"lr": 0.1, "layers": "64"},
    ...                                                 {"lr": 0.3, "layers": "64"})])
    all with layers 64
     lr  runs  final  range   best  at epoch  seconds
    -------------------------------------------------
    0.1     1  87.50  87.50  87.50         1      0.0
    0.3     1  87.50  87.50  87.50         1      0.0
    """

    def __init__(self, runs: Sequence[Run], stopped: str | None = None) -> None:
        self.runs = list(runs)
        self.stopped = stopped

    @property
    def settings(self) -> list[Setting]:
        """The settings, each one once."""
        return distinct(run.setting for run in self.runs)

    def of(self, setting: Setting) -> list[Run]:
        """Return the runs with one setting, one for each seed."""
        return [run for run in self.runs if run.setting == setting]

    def summary(self, monitor: str = "val_accuracy") -> list[Summary]:
        """Return a `Summary` for each setting of one of the curves.

        Raises KeyError, which names those that there are, if no run has measured it.
        """
        measured = distinct(name for run in self.runs for name in run.history)
        if measured and monitor not in measured:
            raise KeyError(f"no {monitor!r} was measured; there are {', '.join(measured)}")
        return [summary_of(setting, self.of(setting), monitor) for setting in self.settings]

    def frame(self) -> Any:
        """Return all curves as a pandas DataFrame, for questions of your own.

        It has a line for each epoch of each run, and as columns what the setting consists of, `seed`,
        `epoch`, and what was measured. A run that failed in its first epoch has no line. The best accuracy
        of each rate is `results.frame().groupby("lr")["val_accuracy"].max()`.

        Raises ImportError without pandas.

        >>> history = History()
        >>> history.append({"val_accuracy": 0.875})
        >>> Sweep([Run({"lr": 0.1}, 0, history)]).frame()
            lr  seed  epoch  val_accuracy
        0  0.1     0      1         0.875
        """
        with needed("pandas", "a DataFrame", extra="sweep"):
            import pandas
        return pandas.DataFrame(self._epochs())

    def table(self, monitor: str = "val_accuracy", markdown: bool = False) -> str:
        """Return a line for each setting, for a terminal or as Markdown; accuracies in percent."""
        names = varying(self.settings)
        header = [*names, "runs", "final", "range", "best", "at epoch", "seconds"]
        summary = self.summary(monitor)
        rows = [
            [
                *(shown(one.setting.get(name, "")) for name in names),
                str(len(one.runs)),
                one.ending(monitor),
                " … ".join(dict.fromkeys(measurement(end, monitor) for end in (one.low, one.high))),
                measurement(one.best, monitor),
                "–".join(dict.fromkeys(map(str, one.best_epochs or ()))),
                f"{one.seconds:.1f}",
            ]
            for one in summary
        ]
        same = {k: v for k, v in self.runs[0].setting.items() if k not in names}
        notes = [f"{words_for(one.setting, names)}: {one.note}" for one in summary if one.note]
        above = [f"all with {words_for(same)}"] if same else []
        if not markdown:
            return "\n".join([*above, text_table(header, rows), *notes])
        bullets = ["\n".join(f"* {note}" for note in notes)] if notes else []
        return "\n\n".join([*above, markdown_table(header, rows), *bullets])

    def findings(
        self, pairs: Sequence[tuple[Setting, Setting]] = (), monitor: str = "val_accuracy"
    ) -> list[str]:
        """Return in words which setting ended best and worst, and how much of a difference is luck.

        Of each of the `pairs` it is told how far the second ended from the first.
        """
        names = varying(self.settings)
        ended = [row for row in self.summary(monitor) if row.best_epochs]
        if not ended:
            return ["no run came to its end"]
        ended.sort(key=lambda row: better(row.final, monitor), reverse=True)
        found = [
            f"{which}: {words_for(row.setting, names)}, with {with_unit(row.final, monitor)}"
            for which, row in {"best": ended[0], "worst": ended[-1]}.items()
        ]
        del found[len(ended) :]  # of one alone, once is enough
        for pair in pairs:
            ends = [row.final for one in pair for row in ended if row.setting == one]
            if len(ends) == 2:
                first, second = (words_for(one, varying(pair)) for one in pair)
                where = "below" if ends[1] < ends[0] else "above"
                same = [name for name in names if name not in varying(pair)]
                points = with_unit(abs(ends[1] - ends[0]), monitor, " points")
                found.append(
                    f"{second} ends {points} {where} {first}, both with {words_for(pair[0], same)}"
                )
        ranges = [row.high - row.low for row in ended if len(row.runs) > 1]
        if ranges:
            luck = with_unit(median(ranges), monitor, " points")
            found.append(
                f"between the worst seed and the best lie {luck}, in the median setting; what differs by "
                "less has not been told apart"
            )
        return found

    def __repr__(self) -> str:
        stopped = f"\nstopped: {self.stopped}" if self.stopped else ""
        return (self.table() if self.runs else "no run has ended") + stopped

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file, or with the ending .csv one line for each epoch of each run.

        An old file is replaced whole or not at all. Raises ValueError for another ending.
        """
        ending = Path(path).suffix
        if ending not in (".json", ".csv"):
            raise ValueError(f"expected a file name that ends in .json or .csv, got {path}")
        text = self._json() if ending == ".json" else self._csv()
        with replacing(path) as file:
            file.write(text.encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sweep:
        """Read a JSON file that `save` has written. Raises ValueError if it is something else."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            runs = []
            for entry in content["runs"]:
                history = History()
                for logs in entry.pop("epochs"):
                    history.append({k: math.nan if v is None else v for k, v in logs.items()})
                runs.append(Run(history=history, **entry))
            return cls(runs, content["stopped"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} does not hold a sweep; Sweep.save writes such files"
            ) from error

    def _json(self) -> str:
        def known(logs: Mapping[str, float]) -> dict[str, float | None]:
            """JSON has no word for NaN or infinity."""
            return {k: v if math.isfinite(v) else None for k, v in logs.items()}

        runs = [
            {
                "setting": run.setting, "seed": run.seed, "seconds": run.seconds,
                "diverged": run.diverged, "note": run.note,
                "epochs": [known(logs) for logs in run.history.epochs],
            }
            for run in self.runs
        ]  # fmt: skip
        return json.dumps({"stopped": self.stopped, "runs": runs}, indent=1, default=str)

    def _csv(self) -> str:
        lines = self._epochs()
        text = io.StringIO()
        writer = csv.DictWriter(text, distinct(k for line in lines for k in line), restval="")
        writer.writeheader()
        writer.writerows(lines)
        return text.getvalue()

    def _epochs(self) -> list[dict[str, Any]]:
        """Return every epoch of every run: the setting, the seed, and what was measured."""
        return [
            {**run.setting, "seed": run.seed, "epoch": epoch, **logs}
            for run in self.runs
            for epoch, logs in enumerate(run.history.epochs, 1)
        ]
