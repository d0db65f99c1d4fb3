"""The page: every claim beside what came out here, written down for people to read."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from published import figures
from published.claims import NOT_MEASURED, OWN_VERDICTS, VERDICTS, Claim, verdict
from published.results import Store
from published.runs import Run
from published.sources import OWN, SOURCES
from tinygrad_edu.datasets import Dataset
from tinygrad_edu.support import replacing

OTHER_DATA = "other data"
AS_EXPECTED = ("reproduced", OWN_VERDICTS["reproduced"], OTHER_DATA)
NOT_PUBLISHED = "**These are not the published settings**: the data are not all of MNIST, but"
HEAD = """# What was published, and what comes out here

Every number in the sources that is a result, measured again and judged. `python examples/reproduce.py` wrote
this page; it keeps what it has measured, and goes on where it was stopped. Sizes and rates that an author
chose have no row; nor has what somebody drew by hand and had read, for we do not have the drawing. {data}

**{summary}.**

*Ours* is the mean over the seeds, with the least and the largest in brackets. A claim is *reproduced* if the
mean lies within a tolerance of what was printed: .2 points for an accuracy, or more where the source rounds,
leaves a setting open, or tells what one epoch or a few draws gave, much of which is chance; half a unit of
the last digit for a calculation, which comes out the same each time. (`examples/published/sources.py` has
them all.) It is reproduced, too, if what was printed lies between our least and largest, for it was one
training that might have been one of ours. It is *exceeded* if the mean is better than that. Where we know
what a number should have been, and get just that, the *source is wrong*; if we know how the printed number
came about as well, a second row does that. Goals and measurements of our own, which nobody published, come
last.
"""
TABLE = """
## {title}
{introduction}
| claim | setting | {origin} | ours | verdict |
|---|---|---|---|---|
"""
OWN_NUMBERS = """
What the sources suggest and put no number to. A goal (≥) *holds* if the unrounded mean reaches it; what this
project measured before *holds* if it would count as reproduced.
"""
LADDERS = """
## Ladders

The same training again and again, with one setting that climbs. The line is the mean over the seeds; the
shade reaches from the least to the largest.
"""
RUNS = """
## What was run

With {cores} cores, Python {python}, NumPy {numpy}; each run on one core, often beside other work. What the
recipes do is in `tinygrad_edu/lab/recipes.py`, the rest in `examples/published/`.

| run | seeds | seconds each |
|---|---|---|
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a claim: the numbers measured for it, one a seed, and the verdict."""

    claim: Claim
    values: list[float]
    verdict: str

    @property
    def needs_a_reason(self) -> bool:
        """Whether it came out otherwise than printed, and somebody knows why."""
        return bool(self.claim.why) and self.verdict not in (*AS_EXPECTED, NOT_MEASURED)

    def reason(self) -> str:
        """Return why it came out so, as an item of a list."""
        claim = self.claim
        return f"* **{claim.what}, {claim.printed}** ({claim.setting}): {self.verdict}. {claim.why}"

    def row(self) -> str:
        """Return its row in the table."""
        claim = self.claim
        decided = self.verdict if self.verdict in AS_EXPECTED else f"**{self.verdict}**"
        cells = (claim.what, claim.setting, claim.printed, self._ours(), decided)
        return f"| {' | '.join(cells)} |"

    def _ours(self) -> str:
        if not self.values:
            return "–"
        show = self.claim.show
        mean, least, largest = map(show, (np.mean(self.values), min(self.values), max(self.values)))
        if len(self.values) == 1:
            return mean
        return f"{mean} ({least.split(' ')[0]} … {largest.split(' ')[0]})"


def count(outcomes: Sequence[Outcome]) -> str:
    """Return how many outcomes have which verdict, in words."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    names = (*VERDICTS, *OWN_VERDICTS.values(), OTHER_DATA)
    return "; ".join(f"{name}: {counts[name]}" for name in names if counts[name]).capitalize()


def rows_and_reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the rows of a table, and below it why some came out otherwise."""
    yield from (f"{outcome.row()}\n" for outcome in outcomes)
    reasons = [outcome.reason() for outcome in outcomes if outcome.needs_a_reason]
    if reasons:
        yield "\n" + "\n".join(reasons) + "\n"


class Page:
    """All that is known by now: the outcome of each claim from what the store keeps of the runs."""

    def __init__(self, data: Dataset, store: Store, runs: Sequence[Run]) -> None:
        self.data = data
        self.is_mnist = data.name == "MNIST" and len(data.y_train) == 60_000
        self._kept = {run: store.load(run) for run in runs}
        self._seeds = 1 + max(run.seed for run in runs)
        self.outcomes = {
            title: [self._judge(claim) for claim in claims] for title, claims in SOURCES.items()
        }
        self.own = [
            replace(outcome, verdict=OWN_VERDICTS.get(outcome.verdict, outcome.verdict))
            for outcome in map(self._judge, OWN)
        ]

    @property
    def is_complete(self) -> bool:
        """Whether all runs are done, on MNIST, with three seeds or more."""
        return self.is_mnist and self._seeds >= 3 and None not in self._kept.values()

    @property
    def summary(self) -> str:
        """How many claims met with which verdict, in a line; those of our own are counted apart."""
        rows = [(title, one) for title, part in self.outcomes.items() for one in part]
        # A wrong number of which we know how it came about has two rows, and is one number.
        numbers = {(title, one.claim.what, one.claim.printed) for title, one in rows}
        published = f"{len(numbers)} published numbers in {len(rows)} rows."
        beyond = f"Beyond them, {len(self.own)} of our own."
        return f"{published} {count([one for _, one in rows])}. {beyond} {count(self.own)}"

    def results(self, run: Run) -> list[dict[str, Any]]:
        """Return what is kept of a run, a result for each seed that is done."""
        return [kept["result"] for kept in self._all(run)]

    def write(self, folder: Path) -> Path:
        """Write results.md into a folder, and its figures into results/ there; return its path."""
        path = folder / "results.md"
        folder.mkdir(parents=True, exist_ok=True)
        drawn = figures.draw_all(self.results, folder / "results", self.is_mnist)
        with replacing(path) as file:
            file.write("".join([*self._tables(), *self._ladders(drawn), *self._times()]).encode())
        return path

    def _judge(self, claim: Claim) -> Outcome:
        values = []
        for seed in range(self._seeds if claim.by_chance else 1):
            kept = [self._kept[run.with_seed(seed)] for run in claim.runs]
            if None in kept:
                continue
            try:
                values.append(claim.measure(*(one["result"] for one in kept)))
            except (KeyError, IndexError) as error:  # kept when the run did not yet measure this
                kinds = " ".join(dict.fromkeys(run.kind for run in claim.runs))
                raise ValueError(
                    f"what is kept lacks {claim.what!r} ({error}); measure it: --again {kinds}"
                ) from error
        comparable = self.is_mnist or not claim.by_chance or not values
        return Outcome(claim, values, verdict(claim, values) if comparable else OTHER_DATA)

    def _all(self, run: Run) -> list[dict[str, Any]]:
        seeds = dict.fromkeys(run.with_seed(seed) for seed in range(self._seeds))
        return [kept for one in seeds if (kept := self._kept[one]) is not None]

    def _tables(self) -> Iterator[str]:
        """Yield the head of the page, and a table for each source with its reasons."""
        data = "The data are MNIST." if self.is_mnist else f"\n{NOT_PUBLISHED} {self.data!r}."
        yield HEAD.format(data=data, summary=self.summary)
        for title, outcomes in self.outcomes.items():
            yield TABLE.format(title=title, introduction="", origin="published")
            yield from rows_and_reasons(outcomes)
        title, origin = "Goals and measurements of our own", "goal, or measured earlier"
        yield TABLE.format(title=title, introduction=OWN_NUMBERS, origin=origin)
        yield from rows_and_reasons(self.own)

    def _ladders(self, drawn: Sequence[tuple[str, Path]]) -> Iterator[str]:
        if drawn:
            yield LADDERS
            yield from (f"\n![{title}]({path.parent.name}/{path.name})\n" for title, path in drawn)

    def _times(self) -> Iterator[str]:
        """Yield how long each run took, on average over the seeds."""
        yield RUNS.format(
            cores=os.cpu_count(), python=platform.python_version(), numpy=np.__version__
        )
        for run in dict.fromkeys(run.with_seed(0) for run in self._kept):
            times = [kept["seconds"] for kept in self._all(run)]
            if times:
                yield f"| {run.name} | {len(times)} | {np.mean(times):,.1f} |\n"
