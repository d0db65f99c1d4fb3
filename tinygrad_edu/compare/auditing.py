"""Audit: a gradient is wrong; which mistake makes exactly these numbers?

A wrong gradient is evidence. Each of the classic mistakes leaves its own trace in all the numbers, to the
last digit. So the chain rule is run again and again with one mistake at a time (see `mutations`), and what is
reported is the mistake that reproduces the numbers. Two mistakes at once, or one that nobody has thought of,
reproduce nothing, and then the answer is "unknown". A false accusation would be worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tinygrad_edu.compare.comparing import ROUNDED, Comparison, compare_evidence
from tinygrad_edu.compare.evidence import ByHand, Evidence, Subject, gather
from tinygrad_edu.compare.mutations import MISTAKES, Attempt
from tinygrad_edu.compare.places import Case
from tinygrad_edu.compare.recorded import Numbers, Recorded
from tinygrad_edu.support import name_list, small, wrap
from tinygrad_edu.value import Value

#: A mistake must come this many times nearer to the numbers than the truth does.
NEARER = 1_000.0


@dataclass(frozen=True)
class Finding:
    """A mistake that reproduces the numbers: its `name`, `where` and `what`; `distance`, how exactly.

    `rate` is the learning rate with which it does so, for mistakes that have one.
    """

    name: str
    where: str
    what: str
    distance: float
    rate: float | None = None

    def __str__(self) -> str:
        rate = "" if self.rate is None else f" (learning rate {self.rate:.6g})"
        return f"{self.name}, at {self.where}: {self.what}{rate}"


@dataclass(frozen=True)
class Audit:
    """What became of an audit; prints as text, and as HTML in a notebook.

    `verdict` is "correct"; "incomplete", if all that was given is correct but something is missing;
    "explained", if one mistake reproduces the numbers; or "unknown". `findings` are the mistakes that do,
    which these numbers cannot tell apart; the first is the likeliest. `tried` is how many were tried,
    `distance` the largest relative difference from the right gradient, `comparison` the whole table, and
    `note` what could not be tried.
    """

    verdict: str
    findings: tuple[Finding, ...]
    tried: int
    distance: float
    tolerance: float
    comparison: Comparison
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the gradient is acquitted."""
        return self.verdict == "correct"

    @property
    def names(self) -> list[str]:
        """The names of the mistakes found, each once."""
        return list(dict.fromkeys(finding.name for finding in self.findings))

    def _lines(self) -> list[str]:
        if self.verdict == "correct":
            return [
                f"correct: these are the gradients, to a relative {small(self.distance).lstrip('<')}"
            ]
        if self.verdict == "incomplete":
            judged = any(row.ok for row in self.comparison.rows)
            so_far = "what was given is correct" if judged else "no gradient to judge was given"
            return [f"incomplete: {so_far}; {'; '.join(self.comparison.notes)}"]
        wrong = f"differing: {name_list(self.comparison.differing, 8)}"
        if self.verdict == "unknown":
            how_far = "not all are finite and of the right shape"
            if math.isfinite(self.distance):
                how_far = f"the largest relative difference is {small(self.distance)}"
            lines = [
                f"unknown: none of {self.tried} single mistakes gives these numbers to a relative "
                f"{self.tolerance:g}",
                f"{wrong}; {how_far}",
            ]
            return [*lines, self.note] if self.note else lines
        first, *others = self.findings
        lines = [
            str(first),
            f"this gives all the numbers, to a relative {small(first.distance).lstrip('<')}; {wrong}",
        ]
        if others:
            lines.append("these numbers cannot tell it from:")
            lines += [f"  {finding}" for finding in others[:4]]
        if len(others) > 4:
            lines.append(f"  … and {len(others) - 4} more")
        return lines

    def __str__(self) -> str:
        return "\n".join(map(wrap, self._lines()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        first, *rest = map(escape, self._lines())
        return f"<p><b>{first}</b></p>" + "".join(f"<p>{line}</p>" for line in rest)


def audit(
    subject: Subject,
    by_hand: ByHand,
    *data: Any,
    loss: Callable[..., Any] | None = None,
    parameters: Mapping[str, Value] | None = None,
    rate: float | None = None,
    before: Mapping[str, Any] | None = None,
    tolerance: float | None = None,
) -> Audit:
    """Say what is wrong with gradients, or an update rule, that were derived by hand.

    The first arguments are those of `compare`; an update rule is what a step multiplies by its rate and
    subtracts. Backpropagation is run with one mistake after the other, and those are reported that
    reproduce all the given numbers, with the operation and layer they are at.

    `rate` is the learning rate, for weights that are updated too early; without it, it is found out, if
    the numbers are wrong by more than one factor. `before` holds the parameters before the last
    step, by name, by which stale weights and a forgotten zero_grad are recognized.

    Gradients within `tolerance` (10⁻⁸, or 10⁻⁴ in float32, relative to the parameter's largest entry) of the
    right ones are acquitted. A mistake is named only if it comes as near to the numbers as that, and a
    thousand times nearer than the truth.

    Raises TypeError or ValueError where there is nothing to audit, as `compare` does.

    >>> w = Value(0.3, name="w")
    >>> h = (w * 2.0).tanh()
    >>> slope = 2.0 * (1.0 - h.data**2)  # h is used three times below, and this is one of the paths
    >>> audit(h * h + h, {"w": slope}).findings[0].name
    '= instead of +='
    """
    evidence = gather(subject, by_hand, data, loss, parameters)
    arrays = [*evidence.autograd.values(), *evidence.given.values()]
    single = any(g.dtype.itemsize < 8 for g in arrays)
    tolerance = (1e-4 if single else 1e-8) if tolerance is None else tolerance
    comparison = compare_evidence(evidence, tolerance)
    judge = _Judge(evidence)
    distance = judge.distance(dict(evidence.autograd))
    if comparison.ok or distance <= tolerance:
        verdict = "correct" if comparison.ok else "incomplete"
        return Audit(verdict, (), 0, distance, tolerance, comparison)
    findings: tuple[Finding, ...] = ()
    tried, note = 0, ""
    if not judge.finite:
        note = "NaN and infinity cannot be traced back to a mistake"
    elif judge.names:
        _check(evidence, rate, before)
        case = Case(Recorded(evidence.output), evidence.parameters, before)
        with np.errstate(all="ignore"):
            findings, tried = _search(case, judge, rate, tolerance, distance)
        if case.is_large:
            note = (
                f"the graph has {len(case.edges):,} places, so only whole layers of it were tried"
            )
        if not findings:
            note = _hint(judge, distance) or note
    verdict = "explained" if findings else "unknown"
    return Audit(verdict, findings, tried, distance, tolerance, comparison, note)


def _hint(judge: _Judge, distance: float) -> str:
    """Return what can be said of numbers that no mistake gives, if anything."""
    if distance < 1e-4:
        return ROUNDED
    factor = judge.common_factor()
    if not factor:
        return ""
    hint = f"everything is {factor:.6g} times as large as it should be"
    return f"{hint}; is a learning rate in it?" if 0 < factor < 1 else hint


def _check(evidence: Evidence, rate: float | None, before: Mapping[str, Any] | None) -> None:
    """Raise ValueError for a rate that is none, and for former parameters that are not those of now."""
    if rate is not None and not rate > 0:
        raise ValueError(f"expected a learning rate > 0, got {rate}")
    for name, array in (before or {}).items():
        if name not in evidence.parameters:
            known = ", ".join(evidence.parameters)
            raise ValueError(f"before= has {name!r}, which is no parameter; there are {known}")
        if np.shape(array) != evidence.parameters[name].shape:
            now = evidence.parameters[name].shape
            raise ValueError(
                f"before= has {name!r} of shape {np.shape(array)}, and now it is {now}"
            )


class _Judge:
    """Measures how far gradients are from the given ones."""

    def __init__(self, evidence: Evidence) -> None:
        self.given = evidence.given
        self.parameters = evidence.parameters
        self.names = [name for name in evidence.parameters if name in evidence.given]
        self.finite = all(np.all(np.isfinite(evidence.given[name])) for name in self.names)
        right = [np.max(np.abs(g), initial=0.0) for g in evidence.autograd.values()]
        self.floor = 1e-5 * float(max(right, default=0.0)) or 1e-300
        self.autograd = evidence.autograd

    def distance(self, gradients: Mapping[str, Any]) -> float:
        """Return the largest relative difference of any parameter; infinity if a shape does not fit."""
        worst = 0.0
        for name in self.names:
            given, found = self.given[name], np.asarray(gradients.get(name, 0.0))
            if given.shape != found.shape:
                return math.inf
            apart = float(np.max(np.abs(given - found), initial=0.0))
            size = float(max(np.max(np.abs(given), initial=0), np.max(np.abs(found), initial=0)))
            if not math.isfinite(apart):
                return math.inf
            worst = max(worst, apart / max(size, self.floor))
        return worst

    def common_factor(self) -> float:
        """Return by what the right gradients were multiplied, all of them alike; 0 if that is not so."""
        pairs = [(np.ravel(self.given[n]), np.ravel(self.autograd[n])) for n in self.names]
        given, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        if given.shape != right.shape or given.size < 2 or not np.all(np.isfinite(right)):
            return 0.0
        factor = float(given @ right) / (float(right @ right) or 1.0)
        alike = np.allclose(given, factor * right, rtol=1e-6, atol=1e-6 * abs(factor) * self.floor)
        return factor if alike else 0.0

    def has_one_factor(self) -> bool:
        """Return whether all that is wrong is wrong by one and the same factor, or everything is right."""
        factors = []
        for name in self.names:
            right, given = self.autograd[name], self.given[name]
            if given.shape == right.shape:
                wrong = (right != 0) & (np.abs(given - right) > 1e-8 * np.abs(right))
                factors.append(given[wrong] / right[wrong])
        every = np.concatenate([np.zeros(0), *map(np.ravel, factors)])
        return not every.size or bool(np.allclose(every, every[0], rtol=1e-6, atol=0.0))

    def by_name(self, numbers: Numbers) -> dict[str, Any]:
        """Return the gradients of the parameters, 0 where none arrived."""
        return {
            name: np.asarray(numbers.get(value, np.zeros(value.shape)))
            for name, value in self.parameters.items()
        }


def _search(
    case: Case, judge: _Judge, rate: float | None, tolerance: float, truth: float
) -> tuple[tuple[Finding, ...], int]:
    """Try all mistakes; return those that fit, each once, and how many were tried."""
    findings: dict[tuple[str, str, str], Finding] = {}
    tried = 0
    for mistake in MISTAKES:
        for where, run, gap in mistake.ways(case):
            tried += 1
            used = None
            try:
                if mistake.needs_rate:
                    used = rate if rate is not None else _find_rate(run, judge)
                    if used is None:
                        continue
                gradients = run() if used is None else run(used)
                distance = judge.distance(judge.by_name(gradients))
            except (ValueError, IndexError, ArithmeticError, TypeError):
                continue  # this mistake cannot be made here: the shapes do not fit
            if distance <= tolerance and NEARER * distance <= truth:
                finding = Finding(mistake.name, where, mistake.what.format(gap), distance, used)
                findings.setdefault((finding.name, where, finding.what), finding)
    return tuple(findings.values()), tried


def _find_rate(run: Attempt, judge: _Judge) -> float | None:
    """Return the learning rate for which a mistake comes nearest, by secant steps along the one unknown.

    Some rate or other explains any one factor, so to prove anything the numbers must be wrong in more than
    one way.
    """
    if judge.has_one_factor():
        return None
    names = [n for n in judge.names if judge.given[n].shape == np.shape(judge.parameters[n].data)]

    def flat(rate: float) -> np.ndarray[Any, Any]:
        found = judge.by_name(run(rate))
        return np.concatenate([np.ravel(found[name]) for name in names])

    wanted = np.concatenate([np.ravel(judge.given[name]) for name in names])
    rate, small_step = 0.0, 1e-3
    for _ in range(12):
        here = flat(rate)
        slope = (flat(rate + small_step) - here) / small_step
        length = float(slope @ slope)
        if not length or not math.isfinite(length):
            return None
        change = float(slope @ (wanted - here)) / length
        rate += change
        if abs(change) <= 1e-13 * abs(rate):
            break
        small_step = max(abs(change), 1e-9) if abs(change) < 1e-3 else 1e-3
    return rate if 0.0 < rate < 1e3 else None
