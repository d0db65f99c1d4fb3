"""The chart of a sweep: one panel for each question, one line for each answer.

Twenty lines in one picture with a legend of twenty entries is a puzzle. So every panel asks one question and
shows only the lines that answer it. Each line bears its own name, at its right end, with the number that it
came to; the band around it reaches from the worst seed to the best. All panels have one scale, and a setting
that stands in many of them may be black: what ends above that line is better.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from tinygrad_edu.lab.sweep.labels import End, name_lines, names_for
from tinygrad_edu.lab.sweep.results import Sweep
from tinygrad_edu.lab.sweep.summary import Summary
from tinygrad_edu.lab.sweep.words import Setting, distinct, shown, varying
from tinygrad_edu.support import colors, new_figure, save_figure

#: How far from the best the picture ends: accuracies this far below, losses this many times above. Of a line
#: that ends outside, the name and an arrow are shown.
DEEP_ACCURACY, DEEP_LOSS = 0.06, 20.0


def plot_sweep(
    results: Sweep,
    panels: Mapping[str, Sequence[Setting]] | None = None,
    baseline: Setting | None = None,
    pairs: Sequence[tuple[Setting, Setting]] = (),
    monitor: str = "val_accuracy",
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw one of the curves of all runs over the epochs, mean and range over the seeds; return the figure.

    `panels` are lists of settings by their titles; by default there is a panel for each choice of what
    comes first in the settings. `baseline` is the setting to be drawn in black. Where both settings of
    one of the `pairs` are in a panel, an arrow measures how far apart they ended. Accuracies are drawn in
    percent, losses on a logarithmic scale. With `path` the figure is also saved, whole or not at all, in
    the format that the name's ending asks for.

    Raises ImportError without matplotlib, ValueError if no run has ended or is in a panel, KeyError if
    `monitor` was not measured.
    """
    rows = _lines_of_panels(results, panels, monitor)
    columns = min(3, len(rows))
    height = -(-len(rows) // columns)
    figure = new_figure(1, 1)  # of the size that the names of the lines will ask for
    grid = figure.subplots(height, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(rows) :]:
        axes.remove()
    ends = [
        _draw_panel(axes, title, lines, baseline, monitor)
        for axes, (title, lines) in zip(grid, rows.items(), strict=False)
    ]
    longest = max(len(end.text) for each in ends for end in each)
    figure.set_size_inches(0.3 + (1.9 + 0.065 * longest) * columns, 0.3 + 2.6 * height)
    _scale(grid[0], list(rows.values()), monitor)
    for axes, lines, endings in zip(grid, rows.values(), ends, strict=False):
        name_lines(axes, endings)
        for pair in pairs:
            _measure_gap(axes, [line for line in lines if line.setting in pair], monitor)
    figure.supxlabel("epoch", fontsize=9, color=colors.GRAY)
    percent = ", %" if monitor.endswith("accuracy") else ""
    name = monitor.replace("val_", "validation ").replace("_", " ")
    figure.supylabel(f"{name}{percent}", fontsize=9, color=colors.GRAY)
    return save_figure(figure, path)


def _lines_of_panels(
    results: Sweep, panels: Mapping[str, Sequence[Setting]] | None, monitor: str
) -> dict[str, list[Summary]]:
    """Return what is drawn in each panel; those without a line are left out."""
    if not results.runs:
        raise ValueError("there is nothing to plot yet: no run has ended")
    summary = results.summary(monitor)
    rows = {
        title: [row for row in summary if row.setting in settings]
        for title, settings in (panels or _panels(results.settings)).items()
    }
    if not any(rows.values()):
        raise ValueError(f"no run has a setting of any panel; the settings are {results.settings}")
    return {title: lines for title, lines in rows.items() if lines}


def _panels(settings: Sequence[Setting]) -> dict[str, list[Setting]]:
    """Return a panel for each choice of the first name, if there is more than one name to choose."""
    first, *others = varying(settings)
    if not others:
        return {f"which {first}?": list(settings)}
    return {
        f"{first} {shown(choice)}": [one for one in settings if one.get(first) == choice]
        for choice in distinct(one.get(first) for one in settings)
    }


def _scale(axes: Any, panels: Sequence[Sequence[Summary]], monitor: str) -> None:
    """Choose the range to be seen: not so wide that all look alike, and in every panel the best is in it."""
    from matplotlib.ticker import LogLocator, NullFormatter

    finals = [[row.final for row in lines if np.isfinite(row.final)] for lines in panels]
    finals = [ends for ends in finals if ends]
    if not finals:
        return
    if monitor.endswith("loss"):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        best, worst = max(min(map(min, finals)), 1e-9), max(map(max, finals))
        axes.set_ylim(best / 1.5, 1.2 * min(worst, max(DEEP_LOSS * best, *map(min, finals))))
        return
    unit = 100 if monitor.endswith("accuracy") else 1
    top = max(row.high for lines in panels for row in lines if row.best_epochs)
    worst = min(map(min, finals))
    depth = min(top - worst, max(DEEP_ACCURACY, top - min(map(max, finals))))
    margin = 0.1 * depth + 0.005
    axes.set_ylim(unit * (top - depth - margin), unit * (top + margin / 2))


def _draw_panel(
    axes: Any, title: str, lines: Sequence[Summary], baseline: Setting | None, monitor: str
) -> list[End]:
    """Draw the lines of one panel; return where they end, for the names that are written there."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=colors.INK)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=colors.GRAY, labelleft=True, labelbottom=True)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.margins(x=0.02)
    unused = cycle(colors.LINES)
    ends = []
    for line, name in zip(lines, names_for([line.setting for line in lines]), strict=True):
        is_base = line.setting == baseline
        width, layer = (2.2, 3) if is_base else (1.5, 2)
        color = colors.INK if is_base else next(unused)
        x, mean, low, high = _curve(line, monitor)
        axes.plot(x, mean, color=color, linewidth=width, zorder=layer)
        if len(line.runs) > 1:
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
        if not np.isfinite(line.final):
            axes.plot(x[-1:], mean[-1:], "x", color=color)
        point = (x[-1], mean[-1]) if len(x) and np.isfinite(mean[-1]) else None
        ends.append(End(point, f"{name}  {line.ending(monitor)}", color))
    return ends


def _curve(line: Summary, monitor: str) -> tuple[np.ndarray[Any, Any], ...]:
    """Return epochs, mean, low and high over the runs with one setting."""
    unit = 100 if monitor.endswith("accuracy") else 1
    kept = [run for run in line.runs if not run.diverged] or line.runs
    curves = [run.history[monitor] if monitor in list(run.history) else [] for run in kept]
    length = max(map(len, curves))
    columns = [[c[i] for c in curves if i < len(c)] for i in range(length)]
    epochs = np.arange(1, length + 1)
    values = [unit * np.array([f(c) for c in columns]) for f in (np.mean, np.min, np.max)]
    return epochs, *values


def _measure_gap(axes: Any, lines: Sequence[Summary], monitor: str) -> None:
    """Draw an arrow between the ends of two lines, and write how far apart they are."""
    finals = [line.final for line in lines]
    if len(finals) != 2 or not np.all(np.isfinite(finals)):
        return
    unit = 100 if monitor.endswith("accuracy") else 1
    high, low = (unit * end for end in sorted(finals, reverse=True))
    text = f"{high - low:.1f} points" if unit == 100 else f"{high - low:.4f}"
    epoch = max(len(run.history) for line in lines for run in line.runs)
    low = max(low, axes.get_ylim()[0])  # a line may end below the picture
    arrow = {"arrowstyle": "<->", "color": colors.INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=(epoch, low), xytext=(epoch, high), arrowprops=arrow, zorder=4)
    axes.annotate(
        text, (epoch, (high + low) / 2), (-5, 0),
        textcoords="offset points", ha="right", va="center", fontsize=9, color=colors.INK, zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
    )  # fmt: skip
