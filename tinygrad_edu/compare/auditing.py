"""Audit: a gradient is wrong; which mistake makes exactly these numbers?

A wrong gradient is evidence. Each of the classic mistakes leaves its own trace in all the numbers, to the
last digit. So the chain rule is run again and again with one mistake at a time (see `mistakes`), or two at
once (see `searching`), and what is reported reproduces the numbers. A mistake that nobody has thought of
reproduces nothing. Then the answer is "unknown", with what is `known` of each parameter all the same. A false
accusation would be worse than none.
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
from tinygrad_edu.compare.judging import Judge
from tinygrad_edu.compare.known import what_is_known
from tinygrad_edu.compare.mistakes import Case
from tinygrad_edu.compare.recorded import Recorded
from tinygrad_edu.compare.searching import Finding, Search
from tinygrad_edu.support import name_list, small, wrap
from tinygrad_edu.value import Value


@dataclass(frozen=True)
class Audit:
    """What became of an audit; prints as text, and as HTML in a notebook.

    `verdict` is "correct"; "incomplete", if all that was given is correct but something is missing;
    "explained", if one mistake reproduces the numbers, or two at once; or "unknown". `findings` are the
    mistakes that do, which these numbers cannot tell apart; the first is the likeliest. `tried` is how many
    were tried, `distance` the largest relative difference from the right gradient, `comparison` the whole
    table, `note` what could not be tried, and `known` what is known of each parameter where no mistake fits.
    """

    verdict: str
    findings: tuple[Finding, ...]
    tried: int
    distance: float
    tolerance: float
    comparison: Comparison
    note: str = ""
    known: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the gradient is acquitted."""
        return self.verdict == "correct"

    @property
    def names(self) -> list[str]:
        """The names of the mistakes found, each once."""
        return list(dict.fromkeys(one.name for found in self.findings for one in found.both))

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
                f"unknown: none of {self.tried} mistakes, and no two of them, give these numbers to a "
                f"relative {self.tolerance:g}",
                f"{wrong}; {how_far}",
            ]
            return [*lines, *filter(None, [self.note]), *self.known]
        first, *others = self.findings
        exactly = f"all the numbers, to a relative {small(first.distance).lstrip('<')}; {wrong}"
        if first.second is None:
            lines = [first.alone(), f"this gives {exactly}"]
        else:
            lines = ["two mistakes at once:", *(f"  {one.alone()}" for one in first.both)]
            lines.append(f"together they give {exactly}")
        if others:
            lines.append(
                f"these numbers cannot tell {'it' if first.second is None else 'them'} from:"
            )
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
    subtracts. Backpropagation is run with one mistake after the other, then with two at once, and those are
    reported that reproduce all the given numbers, with the operation and layer they are at.

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
    judge = Judge(evidence, tolerance)
    distance = judge.distance(evidence.autograd)
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
        search = Search(case, judge, rate, distance)
        with np.errstate(all="ignore"):
            findings, tried = search.run(), search.tried
        note = _hint(judge, distance, findings) or _not_tried(search)
    verdict = "explained" if findings else "unknown"
    known = () if findings else tuple(what_is_known(judge))
    return Audit(verdict, findings, tried, distance, tolerance, comparison, note, known)


def _not_tried(search: Search) -> str:
    """Return what of a large graph was left out, if anything."""
    if search.case.is_large:
        places = len(search.case.edges)
        return f"the graph has {places:,} places, so only whole layers of it were tried"
    return "there are too many pairs of mistakes to try them all" if search.cut else ""


def _hint(judge: Judge, distance: float, findings: tuple[Finding, ...]) -> str:
    """Return what can be said of all numbers together that no mistake gives, if anything."""
    if findings:
        return ""
    if distance < 1e-4:
        return ROUNDED
    factor = judge.common_factor()
    if factor is None:
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
