"""Damage as a figure: how the accuracy falls, damage by damage, with the spread over several draws.

A single draw may hit an important neuron or miss it. So each point is the mean of several draws, and the band
around it reaches from the unluckiest to the luckiest of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.lab.damage.measuring import LEVELS, TO_IMAGES, Damage
from tinygrad_edu.support import colors, new_figure, save_figure

#: Colors, and marks for those who print. As there is one mark more, they meet in new pairs when the colors
#: begin again: twenty networks look different.
_COLORS, _MARKS = colors.LINES[:4], "osD^v"


def plot_damage(
    accuracies: Mapping[str, Mapping[str, ArrayLike]],
    levels: Sequence[float] = LEVELS,
    path: str | os.PathLike[str] | None = None,
    *,
    image: ArrayLike | None = None,
    to_images: Mapping[str, Damage] = TO_IMAGES,
    points: Mapping[str, Mapping[float, float]] | None = None,
    points_name: str = "published",
    lost: ArrayLike | None = None,
    chance: float | None = None,
) -> Any:
    """Draw a panel for each kind of damage, with a curve for each network in it.

    * `accuracies`: by kind of damage, then by network, an array (levels, draws), as `measure_damage` gives
      them; `levels` are those from left to right.
    * `image`: one image (H, W), to stand below the panels of the kinds of damage in `to_images`, damaged by
      five levels from the first to the last. The levels of other panels are taken for shares of the network.
    * `points`: by kind of damage, accuracies by level that are drawn in as crosses, called `points_name`.
    * `lost`: the accuracy that is lost without each neuron, (neurons,), which becomes a panel of its own.
    * `chance`: the accuracy of somebody who guesses, drawn as a line.

    Returns the matplotlib figure, and saves it if there is a path.

    Raises ImportError without matplotlib, ValueError for accuracies that are not of shape (levels, draws) and
    for an unknown file ending, OSError if the file cannot be written.

    >>> figure = plot_damage({"noise": {"mine": [[0.9, 0.9], [0.4, 0.6]]}}, [0.0, 1.0])
    >>> figure.axes[0].lines[0].get_ydata()
    array([0.9, 0.5])
    """
    points = points or {}
    count = len(accuracies) if lost is None else len(accuracies) + 1
    columns = min(count, 3)
    rows = -(-count // columns)
    figure = new_figure(3.1 * columns, 2.75 * rows + 0.3)
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in panels[count:]:
        axes.remove()
    if lost is not None:
        # beside the damages to the network, and before those to images
        _plot_lost(panels.pop(sum(what not in to_images for what in accuracies)), lost)
    for axes, (what, nets) in zip(panels, accuracies.items(), strict=False):
        for net, color, mark in zip(nets, cycle(_COLORS), cycle(_MARKS), strict=False):
            _plot_curve(axes, levels, np.asarray(nets[net], float), net, color, mark)
        if what in points:
            _plot_crosses(axes, points[what], points_name)
        if chance is not None:
            axes.axhline(chance, color=colors.GRAY, lw=0.8, ls=":", label="by chance")
        _finish_panel(axes, what)
        if what not in to_images:
            axes.xaxis.set_major_formatter("{x:.0%}")
        elif image is not None:
            _show_below(axes, np.asarray(image, float), to_images[what], levels)
    _add_legend(figure, panels[: len(accuracies)])
    return save_figure(figure, path)


def _plot_curve(
    axes: Any, levels: Sequence[float], accuracy: Any, name: str, color: str, mark: str
) -> None:
    """Draw the mean of the draws as a line, and their range as a band."""
    if accuracy.ndim != 2 or len(accuracy) != len(levels):
        raise ValueError(
            f"expected the accuracies of {name} as an array (levels, draws) with {len(levels)} levels, got "
            f"shape {accuracy.shape}"
        )
    low, high = accuracy.min(axis=1), accuracy.max(axis=1)
    axes.fill_between(levels, low, high, color=color, alpha=0.18, lw=0)
    mean = accuracy.mean(axis=1)
    axes.plot(levels, mean, color=color, marker=mark, ms=3.5, lw=1.5, label=name)


def _plot_crosses(axes: Any, points: Mapping[float, float], name: str) -> None:
    """Draw accuracies by level that somebody else has found."""
    style = {"ms": 8, "mew": 1.8, "zorder": 5}
    axes.plot(list(points), list(points.values()), "kx", label=name, **style)


def _finish_panel(axes: Any, title: str) -> None:
    """Write the title, and give the accuracies from 0 % to 100 % a grid."""
    axes.set_title(title, size=10)
    axes.grid(color="#e4e4e4", lw=0.6)
    axes.tick_params(labelsize=8.5)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter("{x:.0%}")


def _add_legend(figure: Any, panels: Sequence[Any]) -> None:
    """Name each curve once, above all panels."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    style = {"loc": "outside upper center", "fontsize": 9, "frameon": False}
    figure.legend(handles.values(), handles.keys(), ncols=len(handles), **style)


def _plot_lost(axes: Any, lost: ArrayLike) -> None:
    """Draw the accuracy that is lost with each neuron as bars, the largest first."""
    ranked = 100 * np.sort(np.asarray(lost, float))[::-1]
    signed = np.where(ranked >= 0, colors.BLUE, colors.VERMILION)
    axes.bar(np.arange(1, len(ranked) + 1), ranked, width=1.0, color=signed)
    axes.axhline(0, color="#444444", lw=0.8)
    axes.set_title("points lost without one neuron", size=10)
    axes.set_xlabel(f"the {len(ranked)} neurons, by rank", size=8.5)
    axes.grid(axis="y", color="#e4e4e4", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5)


def _show_below(axes: Any, image: Any, hurt: Damage, levels: Sequence[float]) -> None:
    """Put an image below a panel, five times, each below the level of its damage."""
    low, high = axes.get_xlim()
    for level in np.linspace(levels[0], levels[-1], 5):
        middle = (level - low) / (high - low)
        inset = axes.inset_axes((middle - 0.09, -0.36, 0.18, 0.24))
        inset.imshow(hurt(image[None], level, rng=0)[0], cmap="gray_r", vmin=0, vmax=1)
        inset.set(xticks=[], yticks=[])
        for side in inset.spines.values():
            side.set_color("#aaaaaa")
