"""Claims: a number, mostly a published one, how it is measured again, and when it counts as reproduced.

"We reproduced it" means nothing until somebody has said beforehand how near is near enough. So each claim
carries the number as it was printed, the run that measures it, a tolerance, and which direction would be
better. The verdict follows from those and from what was measured; only the reason is prose.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from published.runs import Run

#: What takes the result of a run and returns one number of it.
Measure: TypeAlias = Callable[[dict[str, Any]], float]

NOT_MEASURED = "not measured"
VERDICTS = ("reproduced", "exceeded", "not reproduced", "source is wrong", NOT_MEASURED)
#: What to say instead of numbers that nobody published: our own goals and earlier measurements.
OWN_VERDICTS = {"reproduced": "holds", "not reproduced": "does not hold"}


@dataclass(frozen=True)
class Claim:
    """One number that was published, or one of our own.

    Attributes: `what` is claimed, in which `setting`; `printed`, the number as the source has it; the `runs`
    that measure it, and `measure`, which takes the result of each and returns one number; `low` and `high`,
    which are the same unless a range was printed, and the `tolerance` on either side; what would be
    `better`; `right`, the number that it should have been where the source is wrong; `why`, the reason for
    the verdict; `show`, how numbers are written.
    """

    what: str
    setting: str
    printed: str
    runs: tuple[Run, ...]
    measure: Callable[..., float]
    low: float
    high: float
    tolerance: float
    better: Literal["more", "less", "neither"] = "neither"
    right: float | None = None
    why: str = ""
    show: Callable[[float], str] = "{:.2f}".format

    @property
    def by_chance(self) -> bool:
        """Whether a seed, and data, play a part in it."""
        return any(run.by_chance for run in self.runs)


def verdict(claim: Claim, values: Sequence[float]) -> str:
    """Return one of VERDICTS for what was measured, a number for each seed.

    Within the tolerance of what was printed, the mean is a reproduction; so is a printed number between our
    least and largest, for it came from one training, and might have been one of ours. Else, if we know what
    it should have been and that is what came out, the source is wrong. Else the mean is better or worse.

    >>> from functools import partial
    >>> claim = partial(Claim, "accuracy", "", "97.5 %", (), float, 97.5, 97.5, 0.2, "more")
    >>> verdict(claim(), [97.3, 97.4]), verdict(claim(), [97.2, 98.9]), verdict(claim(), [97.9, 98.1])
    ('reproduced', 'reproduced', 'exceeded')
    >>> verdict(claim(), [97.0]), verdict(claim(right=95.0), [95.1]), verdict(claim(), [])
    ('not reproduced', 'source is wrong', 'not measured')
    """
    if not values:
        return NOT_MEASURED
    mean = math.fsum(values) / len(values)
    one_number = claim.low == claim.high
    if one_number and min(values) <= claim.low <= max(values):
        return "reproduced"
    if claim.low - claim.tolerance <= mean <= claim.high + claim.tolerance:
        return "reproduced"
    if claim.right is not None and abs(mean - claim.right) <= claim.tolerance:
        return "source is wrong"
    ahead = {"more": mean - claim.high, "less": claim.low - mean, "neither": 0.0}[claim.better]
    return "exceeded" if ahead > 0 else "not reproduced"


def number(
    what: str, setting: str, printed: str, run: Run, measure: Measure, tolerance: float, **more: Any
) -> Claim:
    """Return a claim about the number in what was printed, such as "~98 %"; "> 99 %" is a range."""
    low = float(printed.lstrip("~>≥ ").split()[0])
    high = math.inf if printed[0] in ">≥" else low
    return Claim(what, setting, printed, (run,), measure, low, high, tolerance, **more)


def percent(
    what: str, setting: str, printed: str, run: Run, measure: Measure, tolerance: float = 0.2,
    **more: Any,
) -> Claim:  # fmt: skip
    """Return a claim about an accuracy; more is mostly better."""
    more = {"better": "more", "show": "{:.2f} %".format} | more
    return number(
        what, setting, printed, run, lambda result: 100 * measure(result), tolerance, **more
    )


def duration(
    what: str, setting: str, printed: str, seconds: tuple[float, float], run: Run, measure: Measure
) -> Claim:
    """Return a claim about how long something takes, from … to … seconds; less is better."""
    return Claim(
        what, setting, printed, (run,), measure, *seconds, 0.0, "less", show="{:.1f} s".format
    )


def digits(
    what: str, setting: str, printed: str, run: Run, name: str | None = None, **more: Any
) -> Claim:
    """Return a claim about a number that comes out the same each time: all its digits must agree."""
    places = len(printed.partition(".")[2])
    more |= {"show": f"{{:.{places}f}}".format}
    half_a_unit = 0.5000001 * 10**-places
    return number(what, setting, printed, run, named(name or what), half_a_unit, **more)


def named(name: str) -> Measure:
    """Return a measure: the number with this name."""
    return lambda result: float(result[name])


def after(epoch: int) -> Measure:
    """Return a measure: the accuracy after this epoch, counted from 1."""
    return lambda result: float(result["accuracy"][epoch - 1])


def at_the_end(result: dict[str, Any]) -> float:
    """Return the accuracy after the last epoch."""
    return float(result["accuracy"][-1])


def at_best(result: dict[str, Any]) -> float:
    """Return the largest accuracy after any epoch."""
    return float(max(result["accuracy"]))


def best_epoch(result: dict[str, Any]) -> float:
    """Return the epoch after which the accuracy was largest, counted from 1."""
    return 1.0 + result["accuracy"].index(max(result["accuracy"]))


def mean_of(name: str) -> Measure:
    """Return a measure: the mean of a list of numbers."""
    return lambda result: math.fsum(result[name]) / len(result[name])


def learning_time(result: dict[str, Any]) -> float:
    """Return the seconds that all epochs took."""
    return float(sum(result["epoch_seconds"]))


def time_of_an_epoch(result: dict[str, Any]) -> float:
    """Return the seconds that an epoch took on average."""
    return learning_time(result) / len(result["accuracy"])
