"""Autograd beside pencil and paper: one row for each parameter.

Three witnesses are heard for every gradient. *Autograd* applied the chain rule to what was computed. The
derivation *by hand* was done by a person. The *difference quotient* knows no calculus at all: it moves the
weight a little and looks at the loss. Where two agree and one does not, one knows whom to ask.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.compare.evidence import ByHand, Evidence, Subject, gather
from tinygrad_edu.compare.recorded import Index, Recorded
from tinygrad_edu.support import html_table, name_list, number, small, text_table, wrap
from tinygrad_edu.value import Value

HEADER = (
    "parameter", "shape", "entry", "autograd", "by hand", "quotient",
    "abs. Δ", "rel. Δ", "cosine", "verdict",
)  # fmt: skip
#: Decimals that are shown: with these, a row of a usual network fits into 100 columns.
DECIMALS = 8
#: At most this many rows are printed; those that agree are folded first.
MOST_ROWS = 30
#: Difference quotients are taken for at most this many parameters; where there are more, chance decides.
MOST_QUOTIENTS = 200
#: What is noted of numbers that differ by less than a difference quotient can tell.
ROUNDED = "as near as rounded numbers are; if they are rounded, pass tolerance=1e-5"

Gradient: TypeAlias = np.ndarray[Any, Any]


class GradientsDisagreeError(AssertionError):
    """Raised by `check()` where a gradient by hand is not that of autograd; the message is the table."""


@dataclass(frozen=True)
class Row:
    """What is known about one parameter.

    `entry` is the index of the number that is shown: where the two differ most, or else the largest.
    `autograd`, `by_hand` and `quotient` are that number, as each witness has it. `absolute` is the largest
    difference of all entries, `relative` that difference by the largest entry of either, `cosine` that of
    the angle between the two gradients: 1 the same direction, 0 at right angles, −1 opposite.
    `verdict` is "equal", "differs", "not finite", "missing", "extra" or "wrong shape".
    """

    name: str
    shape: tuple[int, ...] | None
    verdict: str
    note: str = ""
    entry: Index | None = None
    autograd: float | None = None
    by_hand: float | None = None
    quotient: float | None = None
    absolute: float | None = None
    relative: float | None = None
    cosine: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the two are equal, within the tolerance."""
        return self.verdict == "equal"

    def cells(self) -> list[str]:
        """Return the row as text, in the order of HEADER; the note is not among them."""
        return [
            self.name,
            "" if self.shape is None else "×".join(map(str, self.shape)) or "scalar",
            "" if not self.entry else ",".join(map(str, self.entry)),
            _brief(self.autograd),
            _brief(self.by_hand),
            _brief(self.quotient),
            "≈0" if small(self.relative) == "<1e-13" else small(self.absolute),
            small(self.relative),
            "–" if self.cosine is None else f"{self.cosine:.4f}",
            self.verdict,
        ]


@dataclass(frozen=True)
class Comparison:
    """A table of gradients, which shows itself in a terminal and in a notebook.

    Attributes: `rows`, one for each parameter; `tolerance`, the relative difference that still is equal.

    >>> w = Value(3.0, name="w")
    >>> report = compare(w * w, {"w": 5.0})
    >>> report.ok, report.differing, report["w"].autograd
    (False, ['w'], 6.0)
    """

    rows: tuple[Row, ...]
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether all gradients are equal, and none is missing or too many."""
        return all(row.ok for row in self.rows)

    @property
    def differing(self) -> list[str]:
        """The names of the parameters whose verdict is not "equal"."""
        return [row.name for row in self.rows if not row.ok]

    def __getitem__(self, name: str) -> Row:
        found = [row for row in self.rows if row.name == name]
        if not found:
            raise KeyError(f"{name!r} is none of {', '.join(row.name for row in self.rows)}")
        return found[0]

    def check(self) -> None:
        """Raise GradientsDisagreeError with the table if any gradient is not equal."""
        if not self.ok:
            raise GradientsDisagreeError(f"{', '.join(self.differing)} disagree\n{self}")

    @property
    def summary(self) -> str:
        """One sentence."""
        total = len(self.rows)
        if self.ok:
            all_of_them = f"all {total} gradients agree" if total > 1 else "the gradient agrees"
            return f"{all_of_them} within a relative {self.tolerance:g}"
        agree = f"{total - len(self.differing)} of {total} gradients agree"
        return f"{agree} within a relative {self.tolerance:g}; not {name_list(self.differing, 8)}"

    @property
    def notes(self) -> list[str]:
        """What is noted of the rows, each note once, after the names that it is about."""
        noted: dict[str, list[str]] = {}
        for row in self.rows:
            if row.note:
                noted.setdefault(row.note, []).append(row.name)
        return [f"{name_list(names, 8)}: {note}" for note, names in noted.items()]

    def _shown(self) -> tuple[list[Row], str]:
        if len(self.rows) <= MOST_ROWS:
            return list(self.rows), ""
        kept = {id(row) for row in sorted(self.rows, key=lambda row: row.ok)[:MOST_ROWS]}
        hidden = len(self.rows) - len(kept)
        bad = sum(1 for row in self.rows if not row.ok and id(row) not in kept)
        shown = [row for row in self.rows if id(row) in kept]
        return shown, f"… and {hidden} more, of which {bad} differ"

    def __str__(self) -> str:
        rows, folded = self._shown()
        table = text_table(HEADER, [row.cells() for row in rows])
        return "\n".join([table, *map(wrap, filter(None, [folded, *self.notes, self.summary]))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows, folded = self._shown()
        marks = ["good" if row.ok else "bad" for row in rows]
        table = html_table(HEADER, [row.cells() for row in rows], marks)
        below = filter(None, [folded, *self.notes, self.summary])
        return f"{table}<p>{'<br>'.join(map(escape, below))}</p>"


def compare(
    subject: Subject,
    by_hand: ByHand,
    *data: Any,
    loss: Callable[..., Any] | None = None,
    parameters: Mapping[str, Value] | None = None,
    tolerance: float | None = None,
    samples: int = 2,
    rng: int | np.random.Generator = 0,
) -> Comparison:
    """Lay autograd's gradients beside some that were derived by hand; return a table.

    `subject` is what is differentiated: a loss that was computed (a Value), a function of `data` that
    returns one, or a model, which needs a `loss` function (output, target). `by_hand` holds the gradients as
    arrays by the names of the parameters, or is a function of the same `data` that returns them, such as
    `network.gradients` of the networks in `by_hand`. `parameters` are Values by name: by default the model's,
    or all named Values that the loss was made from. Nothing is changed, no `.grad` either.

    Two gradients are equal if no entry differs by more than `tolerance` times the largest entry of either: by
    default 10⁻¹⁰, or 10⁻⁴ where one of them is in float32. What is below 10⁻¹³ of the largest gradient of all
    counts as rounding. For each parameter, difference quotients are taken at `samples` entries: the one
    shown, and others drawn with `rng`; a note says where they contradict autograd (0: none are taken).

    Disagreement is a result, not an error: missing, extra, mis-shaped and infinite gradients get a row as
    well. Raises TypeError or ValueError where there is nothing to compare: no single number as loss, no
    named parameter, no dict of arrays.

    >>> w, b = Value([1.0, 2.0], name="w"), Value(0.5, name="b")
    >>> loss = (w * [3.0, 4.0]).sum() + b * b
    >>> print(compare(loss, {"w": [3.0, 4.0], "b": 2.0}).summary)
    1 of 2 gradients agree within a relative 1e-10; not b
    """
    evidence = gather(subject, by_hand, data, loss, parameters)
    return compare_evidence(evidence, tolerance, samples, rng)


def compare_evidence(
    evidence: Evidence,
    tolerance: float | None = None,
    samples: int = 0,
    rng: int | np.random.Generator = 0,
) -> Comparison:
    """Return the table for two sides that were computed already."""
    both = [*evidence.autograd.values(), *evidence.given.values()]
    if samples < 0 or (tolerance is not None and not tolerance >= 0):
        raise ValueError(f"expected tolerance ≥ 0 and samples ≥ 0, got {tolerance} and {samples}")
    if tolerance is None:
        tolerance = 1e-4 if any(g.dtype.itemsize < 8 for g in both) else 1e-10
    floor = 1e-13 * max((_largest(g) for g in evidence.autograd.values()), default=0.0)
    rows = [
        _judged(name, auto, evidence.given.get(name), tolerance, floor)
        for name, auto in evidence.autograd.items()
    ]
    if samples:
        generator = np.random.default_rng(rng)
        asked = generator.permutation(len(rows))[:MOST_QUOTIENTS]
        recorded = Recorded(evidence.output)
        for i in asked:
            others = _others(rows[i].shape or (), samples - 1, generator)
            rows[i] = _with_quotient(rows[i], evidence, recorded, others)
    rows += [Row(name, None, "extra", "no parameter has this name") for name in evidence.extra]
    return Comparison(tuple(rows), tolerance)


def _judged(
    name: str, auto: Gradient, given: Gradient | None, tolerance: float, floor: float
) -> Row:
    """Return the row of one parameter, without a difference quotient."""
    largest = _at_largest(np.abs(auto))
    row = Row(name, auto.shape, "missing", "nothing was given by hand", largest, _at(auto, largest))
    if given is None:
        return row
    if given.shape != auto.shape:
        note = f"{given.shape} was given{_shape_hint(given, auto)}"
        return replace(row, verdict="wrong shape", note=note)
    bad = {"autograd": ~np.isfinite(auto), "by hand": ~np.isfinite(given)}
    if who := [side for side, where in bad.items() if np.any(where)]:
        verdict, note = "not finite", f"NaN or infinity in {' and '.join(who)}"
        entry = _at_largest(np.logical_or(*bad.values()))
        return Row(name, auto.shape, verdict, note, entry, _at(auto, entry), _at(given, entry))
    a, b = auto.astype(float), given.astype(float)
    apart = np.abs(a - b)
    absolute, scale = _largest(apart), max(_largest(a), _largest(b))
    equal = absolute <= max(tolerance * scale, floor)
    entry = largest if equal else _at_largest(apart)
    return Row(
        name,
        auto.shape,
        "equal" if equal else "differs",
        "",
        entry,
        _at(a, entry),
        _at(b, entry),
        absolute=absolute,
        relative=absolute / scale if scale else 0.0,
        cosine=_cosine(a, b),
    )


def _with_quotient(row: Row, evidence: Evidence, recorded: Recorded, others: list[Index]) -> Row:
    """Return a row with the difference quotient at its entry, and a note of whom it contradicts."""
    auto = evidence.autograd[row.name]
    if row.entry is None or not auto.size or not np.all(np.isfinite(auto)):
        return row
    entries = [row.entry, *others]
    expected = [float(auto[entry]) for entry in entries]
    found = recorded.difference_quotients(evidence.parameters[row.name], entries, expected)
    size = max(1.0, abs(evidence.output.item()))  # a quotient is as exact as the loss allows
    exact = 1e-6 if auto.dtype == np.float64 else 1e-4
    near = max(exact * _largest(auto), 1e-9 * size)
    doubts = [e for e, q, x in zip(entries, found, expected, strict=True) if abs(q - x) > near]
    note = row.note
    if doubts:
        at = f" at {list(doubts[0])}" if doubts[0] else ""
        contradiction = f"the difference quotient contradicts autograd{at} (a kink?)"
        note = f"{note}; {contradiction}" if note else contradiction
    elif row.verdict == "differs" and row.by_hand is not None:
        far = abs(found[0] - row.by_hand) > near
        note = "the difference quotient sides with autograd" if far else ROUNDED
    return replace(row, quotient=found[0], note=note)


def _at(array: Gradient, entry: Index) -> float | None:
    return float(array[entry]) if array.size else None


def _brief(x: float | None) -> str:
    """Return a number for the table: eight decimals, fewer of a large one.

    >>> _brief(-0.0826676274), _brief(-148.062635571), _brief(0.5 + 1e-12), _brief(float("inf"))
    ('-0.08266763', '-148.062636', '0.5', 'inf')
    """
    if x is None or not math.isfinite(x):
        return number(x)
    x = float(f"{x:.10g}")  # what is beyond is rounding
    return number(x, DECIMALS - len(str(int(abs(x)))) + 1 if abs(x) < 1e5 else DECIMALS)


def _shape_hint(given: Gradient, auto: Gradient) -> str:
    if given.ndim == 2 and given.shape == auto.shape[::-1]:
        return ", which fits transposed"
    if given.size == auto.size:
        return ", which fits when reshaped" if auto.ndim else ", one number in brackets"
    if given.ndim == auto.ndim + 1 and given.shape[1:] == auto.shape:
        return ", one gradient for each sample: sum over the first axis"
    return ""


def _largest(array: Gradient) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _at_largest(array: Gradient) -> Index:
    if not array.size:
        return ()
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(array)), array.shape))


def _others(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> list[Index]:
    """Return some entries by chance, if there is more than one to choose from."""
    size = int(np.prod(shape))
    if size < 2 or count < 1:
        return []
    chosen = rng.choice(size, min(count, size), replace=False)
    return [tuple(int(i) for i in np.unravel_index(int(c), shape)) for c in chosen]


def _cosine(a: Gradient, b: Gradient) -> float | None:
    """Return the cosine of the angle between two gradients; None if one of them is 0."""
    scale_a, scale_b = _largest(a), _largest(b)
    if not scale_a or not scale_b:
        return None
    a, b = a / scale_a, b / scale_b  # so that squares neither vanish nor overflow
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))
