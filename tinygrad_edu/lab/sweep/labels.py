"""The names of lines, written where the lines end, so that no eye has to travel to a legend and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_edu.lab.sweep.words import Setting, shown, varying

#: Names begin at RIGHT, and the lowest is as low as LOW, in the axes' own units, in which 1 is their size.
RIGHT, LOW, GAP = 1.04, -0.08, 0.085


class End(NamedTuple):
    """Where a line ends, if it does, and what is written there."""

    point: tuple[float, float] | None
    text: str
    color: str


def names_for(settings: Sequence[Setting]) -> list[str]:
    """Return what tells the settings of a panel apart; numbers need a name where there are several."""
    names = varying(settings)
    of_numbers = [n for n in names if not any(isinstance(one.get(n), str) for one in settings)]
    named = of_numbers if len(of_numbers) > 1 else []
    return [
        " ".join((f"{n} " if n in named else "") + shown(one[n]) for n in names if n in one)
        for one in settings
    ]


def name_lines(axes: Any, ends: Sequence[End]) -> None:
    """Write each line's name beside its end, moved apart where they would overlap."""
    to_axes = axes.transAxes.inverted()
    placed: list[tuple[float, End]] = []
    for end in ends:
        height = -math.inf
        if end.point is not None:
            height = float(to_axes.transform(axes.transData.transform(end.point))[1])
            if not 0 <= height <= 1:  # it ends outside of what is shown
                end = End(None, end.text + (" ↓" if height < 0 else " ↑"), end.color)
        placed.append((height, end))
    placed.sort(key=lambda one: one[0])
    heights = [LOW if height < 0 else min(height, 1.0) for height, _ in placed]
    for height, (_, end) in zip(spread(heights, GAP, LOW), placed, strict=True):
        line = {"arrowstyle": "-", "color": end.color, "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            end.text, xy=end.point or (RIGHT, height), xytext=(RIGHT, height),
            xycoords="data" if end.point else "axes fraction", textcoords="axes fraction",
            color=end.color, fontsize=8.5, va="center", annotation_clip=False,
            arrowprops=line if end.point else None,
        )  # fmt: skip


def spread(
    heights: Sequence[float], gap: float, low: float = 0.0, high: float = 1.0
) -> list[float]:
    """Return ascending heights moved apart, as little as may be, until there is a gap between all.

    None ends below `low` or above `high`; where there are too many for that, the gap is smaller.

    >>> spread([0.5, 0.5, 0.5], gap=0.25)
    [0.25, 0.5, 0.75]
    >>> spread([0.5, 1.0, 1.0], gap=0.25)
    [0.5, 0.75, 1.0]
    """
    above = len(heights) - 1
    gap = min(gap, (high - low) / max(above, 1))
    upward, downward = list(heights), list(heights)
    for i in range(1, len(heights)):
        upward[i] = max(upward[i], upward[i - 1] + gap)
    for i in reversed(range(above)):
        downward[i] = min(downward[i], downward[i + 1] - gap)
    # Each of the two keeps the gaps, so half-way between them does as well, and shifts nobody too far.
    half_way = [(up + down) / 2 for up, down in zip(upward, downward, strict=True)]
    return [
        min(max(height, low + gap * i), high - gap * (above - i))
        for i, height in enumerate(half_way)
    ]
