"""Autograd beside pencil and paper: one row for each parameter.

Three witnesses are heard for every gradient. *Autograd* applied the chain rule to what was computed. The
derivation *by hand* was done by a person. The *difference quotient* knows no calculus at all: it moves the
weight a little and looks at the loss. Where two agree and one does not, one knows whom to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.compare.evidence import ByHand, Evidence, Subject, gather
from tinygrad_edu.compare.recorded import Index, Recorded
from tinygrad_edu.compare.tables import html_table, number, small, text_table
from tinygrad_edu.value import Value

HEADER = (
    "parameter", "shape", "entry", "autograd", "by hand", "diff. quotient",
    "abs. diff.", "rel. diff.", "cosine", "verdict",
)  # fmt: skip
#: So many rows are printed; those that agree are folded first.
MOST_ROWS = 30
#: For so many parameters at most are difference quotients taken, chosen by chance where there are more.
MOST_QUOTIENTS = 200


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
        """Return the row as text, in the order of HEADER."""
        entry = "" if not self.entry else str(list(self.entry))
        return [
            self.name,
            "" if self.shape is None else str(self.shape),
            entry,
            number(self.autograd),
            number(self.by_hand),
            number(self.quotient),
            "≈0" if small(self.relative) == "<1e-13" else small(self.absolute),
            small(self.relative),
            "–" if self.cosine is None else f"{self.cosine:.6f}",
            f"{self.verdict}: {self.note}" if self.note else self.verdict,
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
            return f"all {total} gradients agree within a relative {self.tolerance:g}"
        wrong = self.differing
        names = ", ".join(wrong[:8]) + (f" and {len(wrong) - 8} more" if len(wrong) > 8 else "")
        agree = f"{total - len(wrong)} of {total} gradients agree"
        return f"{agree} within a relative {self.tolerance:g}; not {names}"

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
        lines = [text_table(HEADER, [row.cells() for row in rows]), folded, self.summary]
        return "\n".join(line for line in lines if line)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows, folded = self._shown()
        marks = ["good" if row.ok else "bad" for row in rows]
        table = html_table(HEADER, [row.cells() for row in rows], marks)
        return f"{table}<p>{escape(f'{folded} {self.summary}')}</p>"


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
    if tolerance is None:
        tolerance = 1e-4 if any(g.dtype.itemsize < 8 for g in both) else 1e-10
    floor = 1e-13 * max((_largest(g) for g in evidence.autograd.values()), default=0.0)
    generator = np.random.default_rng(rng)
    names = list(evidence.parameters)
    asked = set(
        names if len(names) <= MOST_QUOTIENTS else generator.choice(names, MOST_QUOTIENTS, False)
    )
    recorded = Recorded(evidence.output) if samples > 0 else None
    rows = [
        _row(
            evidence,
            name,
            tolerance,
            floor,
            recorded if name in asked else None,
            samples,
            generator,
        )
        for name in names
    ]
    rows += [Row(name, None, "extra", "no parameter has this name") for name in evidence.extra]
    return Comparison(tuple(rows), tolerance)


def _row(
    evidence: Evidence,
    name: str,
    tolerance: float,
    floor: float,
    recorded: Recorded | None,
    samples: int,
    rng: np.random.Generator,
) -> Row:
    auto = evidence.autograd[name]
    given = evidence.given.get(name)
    entry = _at_largest(np.abs(auto))
    absolute = relative = cosine = shown = None
    note = ""
    if given is None:
        verdict, note = "missing", "nothing was given by hand"
    elif given.shape != auto.shape:
        verdict, note = "wrong shape", f"{given.shape} was given{_shape_hint(given, auto)}"
    elif not (np.all(np.isfinite(given)) and np.all(np.isfinite(auto))):
        who = "autograd" if np.all(np.isfinite(given)) else "by hand"
        entry = _at_largest(~np.isfinite(auto) | ~np.isfinite(given))
        shown = float(given[entry])
        verdict, note = "not finite", f"{who} has NaN or infinity"
    else:
        a, b = auto.astype(float), given.astype(float)
        apart = np.abs(a - b)
        absolute = _largest(apart)
        scale = max(_largest(a), _largest(b))
        relative = absolute / scale if scale else 0.0
        cosine = _cosine(a, b)
        equal = absolute <= tolerance * scale or absolute <= floor
        entry = entry if equal else _at_largest(apart)
        shown = float(given[entry]) if given.size else None
        verdict = "equal" if equal else "differs"
    quotient = None
    if recorded is not None and auto.size and np.all(np.isfinite(auto)):
        entries = [entry, *_others(auto.shape, samples - 1, rng)]
        expected = [float(auto[e]) for e in entries]
        found = recorded.difference_quotients(evidence.parameters[name], entries, expected)
        quotient = found[0]
        size = max(1.0, abs(evidence.output.item()))  # a quotient is as exact as the loss allows
        exact = 1e-6 if auto.dtype == np.float64 else 1e-4
        near = max(exact * _largest(auto), 1e-9 * size)
        doubts = [e for e, q, x in zip(entries, found, expected, strict=True) if abs(q - x) > near]
        if doubts:
            at = f" at {list(doubts[0])}" if doubts[0] else ""
            note += f"{'; ' if note else ''}the quotient contradicts autograd{at} (a kink?)"
        elif verdict == "differs":
            note = "the quotient sides with autograd"
    return Row(
        name,
        auto.shape,
        verdict,
        note,
        entry,
        float(auto[entry]) if auto.size else None,
        shown,
        quotient,
        absolute,
        relative,
        cosine,
    )


def _shape_hint(given: np.ndarray[Any, Any], auto: np.ndarray[Any, Any]) -> str:
    if given.ndim == 2 and given.shape == auto.shape[::-1]:
        return ", which fits transposed"
    if given.ndim == auto.ndim + 1 and given.shape[1:] == auto.shape:
        return ", one gradient for each sample: sum over the first axis"
    return ""


def _largest(array: np.ndarray[Any, Any]) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _at_largest(array: np.ndarray[Any, Any]) -> Index:
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


def _cosine(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float | None:
    """Return the cosine of the angle between two gradients; None if one of them is 0."""
    scale_a, scale_b = _largest(a), _largest(b)
    if not scale_a or not scale_b:
        return None
    a, b = a / scale_a, b / scale_b  # so that squares neither vanish nor overflow
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))


# ------------------------------------------------------------------------------------------------
# Along training
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainingComparison:
    """The same comparison after each step of training.

    Attributes: `steps`, a Comparison before each step; `losses`, the loss there.
    """

    steps: tuple[Comparison, ...]
    losses: tuple[float, ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether all gradients were equal all the time."""
        return all(step.ok for step in self.steps)

    @property
    def names(self) -> list[str]:
        """The names of all rows."""
        return list(dict.fromkeys(row.name for step in self.steps for row in step.rows))

    @property
    def differing(self) -> list[str]:
        """The names of the parameters that were not equal at some step."""
        return [n for n in self.names if any(n in step.differing for step in self.steps)]

    def along(self, name: str, what: str = "relative") -> list[float]:
        """Return one column of one parameter, step by step: "relative", "absolute" or "cosine".

        NaN stands where there is no such number.
        """
        found = [getattr(step[name], what) for step in self.steps]
        return [float("nan") if x is None else float(x) for x in found]

    def _rows(self) -> list[list[str]]:
        rows = []
        for name in self.names:
            differences = self.along(name)
            known = [c for c in self.along(name, "cosine") if c == c]
            wrong = sum(1 for step in self.steps if name in step.differing)
            verdict = (
                "equal in all steps" if not wrong else f"differs in {wrong} of {len(self.steps)}"
            )
            rows.append(
                [
                    name,
                    small(float(np.max(differences))),
                    f"{np.mean(known):.6f}" if known else "–",
                    f"{np.min(known):.6f}" if known else "–",
                    verdict,
                ]
            )
        return rows

    def __str__(self) -> str:
        header = ["parameter", "largest rel. diff.", "mean cosine", "least cosine", "verdict"]
        ends = f"{len(self.steps)} steps, loss {self.losses[0]:.6g} → {self.losses[-1]:.6g}"
        return f"{text_table(header, self._rows())}\n{ends}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header = ["parameter", "largest rel. diff.", "mean cosine", "least cosine", "verdict"]
        marks = ["bad" if name in self.differing else "good" for name in self.names]
        return html_table(header, self._rows(), marks)

    def plot(self, path: str | Path) -> Path:
        """Draw the relative difference of each parameter over the steps into a file; return its path.

        Raises ImportError if matplotlib is not installed, OSError if the file cannot be written.
        """
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                'a plot needs matplotlib; install it with: pip install "tinygrad_edu[plot]"'
            ) from error
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for name in self.names[:20]:
            # an exact 0 has no place on a logarithmic axis and is drawn at the foot
            axes.semilogy(np.maximum(self.along(name), 1e-17), label=name, linewidth=1.2)
        axes.axhline(self.steps[0].tolerance, color="grey", linestyle=":", linewidth=1)
        axes.set(
            xlabel="step of training",
            ylabel="largest relative difference",
            title="Gradients by hand beside autograd (dotted: what counts as equal)",
        )
        axes.legend()
        figure.savefig(path, dpi=120)
        return Path(path)


def compare_training(
    subject: Subject,
    by_hand: ByHand,
    batches: Iterable[tuple[Any, ...]],
    step: Callable[..., Any],
    *,
    loss: Callable[..., Any] | None = None,
    parameters: Mapping[str, Value] | None = None,
    tolerance: float | None = None,
) -> TrainingComparison:
    """Compare before each step of training, then take it; return all the tables.

    For each tuple of data in `batches` this does compare(subject, by_hand, *data) without difference
    quotients, and then calls step(*data), which moves the parameters. The other arguments are those of
    `compare`; `subject` and `by_hand` must be functions (or a model), since they are computed anew.

    Raises TypeError for a computed loss or a dict, ValueError if there are no batches.

    >>> from tinygrad_edu.by_hand import WorkedExample
    >>> from tinygrad_edu.compare.twins import twin
    >>> net = WorkedExample()
    >>> compare_training(twin(net), net.gradients, [()] * 5, net.train_step).ok
    True
    """
    if isinstance(subject, Value) or not callable(by_hand):
        raise TypeError(
            "along training both sides are computed anew at each step: expected functions of the data, "
            f"got {type(subject).__name__} and {type(by_hand).__name__}"
        )
    steps, losses = [], []
    for data in batches:
        evidence = gather(subject, by_hand, tuple(data), loss, parameters)
        steps.append(compare_evidence(evidence, tolerance))
        losses.append(evidence.output.item())
        step(*data)
    if not steps:
        raise ValueError("expected at least one batch to compare along, got none")
    return TrainingComparison(tuple(steps), tuple(losses))
