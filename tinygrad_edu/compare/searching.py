"""The search: each mistake is made once, and where none explains everything, any two at once.

All pairs of several hundred mistakes would take minutes, and nearly all are ruled out by looking. What only
one of two mistakes touches must be right by that one alone; and what neither touches must be right already.
The few pairs that are left are run: first only as far as the first gradient that both touch, then to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tinygrad_edu.compare.judging import Judge
from tinygrad_edu.compare.mistakes import MISTAKES, Case, Change, Mistake
from tinygrad_edu.compare.recorded import Numbers
from tinygrad_edu.value import Value

#: A mistake must come this many times nearer to the numbers than the truth does.
NEARER = 1_000.0
#: At most this many pairs are run, the likelier ones first.
MOST_PAIRS = 20_000
#: A rate is found out from at most this many parameters or layers.
MOST_GROUPS = 12
#: Once this many pairs that fit have been found, it is enough.
ENOUGH = 40


@dataclass(frozen=True)
class Finding:
    """A mistake that reproduces the numbers: its `name`, `where` and `what`; `distance`, how exactly.

    `rate` is the learning rate with which it does so, for mistakes that have one; `unknown` says what else it
    is, such as the λ of a regularization. `second` is another mistake, if it takes both at once to reproduce
    the numbers.
    """

    name: str
    where: str
    what: str
    distance: float
    rate: float | None = None
    unknown: str = "learning rate"
    second: Finding | None = None

    @property
    def both(self) -> tuple[Finding, ...]:
        """The one mistake, or the two."""
        return (self,) if self.second is None else (self, self.second)

    def __str__(self) -> str:
        return "; and ".join(found.alone() for found in self.both)

    def alone(self) -> str:
        """Return the first mistake in words, without the second."""
        rate = "" if self.rate is None else f" ({self.unknown} {self.rate:.6g})"
        return f"{self.name}, at {self.where}: {self.what}{rate}"


@dataclass(frozen=True)
class Suspect:
    """A mistake at a place, and what it does alone: `touched` and `matched` are names of parameters.

    `matched` holds those among the touched that come out as they were given. `trace` is equal where two
    mistakes have the same effect, and change the walk in the same manner.
    """

    mistake: Mistake
    where: str
    what: str
    change: Change
    touched: frozenset[str]
    matched: frozenset[str]
    trace: tuple[Any, ...]
    distance: float
    rate: float | None = None

    def finding(self, distance: float, second: Suspect | None = None) -> Finding:
        """Return what is reported of it."""
        other = second.finding(distance) if second else None
        unknown = self.mistake.unknown or "learning rate"
        return Finding(
            self.mistake.name, self.where, self.what, distance, self.rate, unknown, other
        )


class Search:
    """Looks for the mistakes that reproduce given gradients in a calculation.

    `rate` is the learning rate, if known. Attributes: `tried`, how many mistakes were; `cut`, whether there
    were more pairs than can be run.
    """

    def __init__(self, case: Case, judge: Judge, rate: float | None, truth: float) -> None:
        self.case, self.judge, self.rate = case, judge, rate
        self.near = min(judge.tolerance, truth / NEARER)
        self.right = judge.matched(judge.autograd)
        self.wrong = frozenset(judge.names) - self.right
        self.tried = 0
        self.cut = False

    def run(self) -> tuple[Finding, ...]:
        """Return the single mistakes that fit, or else the pairs, the likeliest first."""
        suspects = list(self._suspects([self.judge.names]))
        single = [s.finding(s.distance) for s in suspects if s.distance <= self.near]
        if single:
            return _each_once(single)
        suspects += self._suspects(self._groups(), only_unknown=True)
        return _each_once(self._pairs(suspects))

    # -- one mistake -----------------------------------------------------------------------------

    def _suspects(self, groups: list[list[str]], only_unknown: bool = False) -> Iterator[Suspect]:
        """Make each mistake once, and yield those that spoil nothing that is right.

        What a mistake needs to know, and nobody told, is found out from each of some groups of parameters.
        """
        for mistake in MISTAKES:
            if only_unknown and not mistake.unknown:
                continue
            for where, change, gap in mistake.ways(self.case):
                self.tried += not only_unknown
                what = mistake.what.format(gap)
                if isinstance(change, Change):
                    yield from self._suspect(mistake, where, what, change, None)
                    continue
                for rate in self._rates(mistake, change, groups):
                    yield from self._suspect(mistake, where, what, change(rate), rate)

    def _suspect(
        self, mistake: Mistake, where: str, what: str, change: Change, rate: float | None
    ) -> Iterator[Suspect]:
        gradients = self._gradients(change)
        if gradients is None:
            return
        touched = self._touched(gradients)
        if touched and touched <= self.wrong:
            named = self.judge.by_name(gradients)
            matched = self.judge.matched(named, touched)
            far = self.judge.distance(named) if matched == self.wrong else math.inf
            trace = self.judge.trace(named), change.manner(), change.borrows
            yield Suspect(mistake, where, what, change, touched, matched, trace, far, rate)

    def _touched(self, gradients: Numbers) -> frozenset[str]:
        """Return the parameters that have not the right gradient; most were not even computed anew."""
        truth, values = self.case.truth, self.case.parameters
        other = [n for n, v in values.items() if gradients.get(v) is not truth.get(v)]
        return self.judge.touched(self.judge.by_name(gradients, other), other)

    def _gradients(self, change: Change, wanted: Value | None = None) -> Numbers | None:
        """Return what comes out; None where the mistake cannot be made, since shapes do not fit."""
        try:
            return change.gradients(self.case.recorded, wanted)
        except (ValueError, IndexError, ArithmeticError, TypeError, KeyError):
            return None

    def _rates(
        self, mistake: Mistake, change: Callable[[float], Change], groups: list[list[str]]
    ) -> list[float]:
        """Return the learning rate that was told, or those that bring a mistake nearest to the numbers."""
        if self.rate is not None and mistake.unknown == "learning rate":
            return [self.rate]
        tried = self._gradients(change(1e-3))
        if tried is None or not self._touched(tried) <= self.wrong:
            return []
        rates: list[float] = []
        for names in groups:
            try:
                rate = self.judge.find_rate(
                    lambda r: change(r).gradients(self.case.recorded), names
                )
            except (ValueError, IndexError, ArithmeticError, TypeError):
                continue
            if rate and not any(math.isclose(rate, known, rel_tol=1e-9) for known in rates):
                rates.append(rate)
        return rates

    def _groups(self) -> list[list[str]]:
        """Return parameters, and layers, from whose gradients alone a rate may be found out."""
        layers = [[self.case.names[v] for v in layer] for layer in self.case.layers()]
        alone = [[name] for name in self.judge.names if self.judge.given[name].size > 1]
        groups = [[n for n in group if n in self.wrong] for group in [*alone, *layers]]
        return [group for group in groups if group][:MOST_GROUPS]

    # -- two mistakes ----------------------------------------------------------------------------

    def _pairs(self, suspects: list[Suspect]) -> Iterator[Finding]:
        """Yield the pairs that reproduce the numbers, at most `ENOUGH`.

        Of suspects that have the same effect one is tried, and if it fits, all of them.
        """
        alike: dict[tuple[Any, ...], list[int]] = {}
        for i, suspect in enumerate(suspects):
            alike.setdefault(suspect.trace, []).append(i)
        groups = list(alike.values())
        pairs = sorted(self._possible(suspects, groups), key=lambda pair: pair[0][0] + pair[1][0])
        self.cut = len(pairs) > MOST_PAIRS
        found = 0
        for these, those in pairs[:MOST_PAIRS]:
            for i, j in product(these, those):
                distance = self._of_both(suspects[i], suspects[j]) if i != j else math.inf
                if distance <= self.near:
                    yield suspects[min(i, j)].finding(distance, suspects[max(i, j)])
                    found += 1
                elif i != j:
                    break
                if found == ENOUGH:
                    return

    def _possible(
        self, suspects: list[Suspect], groups: list[list[int]]
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the pairs of groups that are not ruled out by what one of each does alone.

        Of what borrows from other gradients, which the second mistake may change, nothing is asked alone.
        """
        outcomes: dict[tuple[frozenset[str], frozenset[str]], list[list[int]]] = {}
        for group in groups:
            one = suspects[group[0]]
            right = one.touched if one.change.borrows else one.matched
            outcomes.setdefault((one.touched, right), []).append(group)
        for (touched, right), these in outcomes.items():
            for (touched_too, right_too), those in outcomes.items():
                if (
                    touched | touched_too == self.wrong
                    and touched - touched_too <= right
                    and touched_too - touched <= right_too
                ):
                    yield from ((a, b) for a in these for b in those if a[0] <= b[0])

    def _of_both(self, first: Suspect, second: Suspect) -> float:
        """Return how far the gradients of both mistakes at once are from the given ones."""
        changes = [first.change.then(second.change)]
        if first.change.meets(second.change):
            changes.append(second.change.then(first.change))
        return min(self._far(change, first.touched & second.touched) for change in changes)

    def _far(self, change: Change, in_both: frozenset[str]) -> float:
        if in_both:
            nearest = min(in_both, key=lambda name: self.case.level(self.case.parameters[name]))
            value = self.case.parameters[nearest]
            gradients = self._gradients(change, value)
            if gradients is None or value not in gradients:
                return math.inf
            if self.judge.apart(nearest, gradients[value]) > self.near:
                return math.inf
        gradients = self._gradients(change)
        return math.inf if gradients is None else self.judge.distance(self.judge.by_name(gradients))


def _each_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings without those that say what another one has said."""
    return tuple({str(finding): finding for finding in reversed(list(findings))}.values())[::-1]
