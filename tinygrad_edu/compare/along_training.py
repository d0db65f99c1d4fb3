"""Autograd beside pencil and paper, all along the training: one right gradient may be luck.

The same comparison before each step. A rule that is not the gradient may still point about where the gradient
does, and then it learns all the same; how near it points, and whether it strays, is seen only on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.compare.comparing import Comparison, compare_evidence
from tinygrad_edu.compare.evidence import ByHand, Subject, gather
from tinygrad_edu.support import html_table, new_figure, save_figure, small, text_table
from tinygrad_edu.value import Value


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
        figure = new_figure(8, 4.5)
        axes = figure.add_subplot()
        for name in self.names[:20]:
            # an exact 0 has no place on a logarithmic axis and is drawn at the foot
            axes.semilogy(np.maximum(self.along(name), 1e-17), label=name, linewidth=1.2)
        axes.axhline(self.steps[0].tolerance, color="gray", linestyle=":", linewidth=1)
        axes.set(
            xlabel="step of training",
            ylabel="largest relative difference",
            title="Gradients by hand beside autograd (dotted: what counts as equal)",
        )
        axes.legend()
        save_figure(figure, path, dpi=120)
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
        if not isinstance(data, tuple | list):
            raise TypeError(
                "expected a batch as a tuple of what the functions are called with, (x, targets) or "
                f"(x,), got {type(data).__name__}"
            )
        evidence = gather(subject, by_hand, tuple(data), loss, parameters)
        steps.append(compare_evidence(evidence, tolerance))
        losses.append(evidence.output.item())
        step(*data)
    if not steps:
        raise ValueError("expected at least one batch to compare along, got none")
    return TrainingComparison(tuple(steps), tuple(losses))
