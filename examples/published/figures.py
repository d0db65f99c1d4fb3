"""Figures: accuracy along four ladders, ours as mean and range, with what was published drawn into them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from matplotlib.axes import Axes

from published import ladders
from published.claims import after
from published.runs import Run
from tinygrad_edu.support import colors, new_figure, save_figure

#: A function that returns what is kept of a run: a result for each seed that has been done.
Kept: TypeAlias = Callable[[Run], list[dict[str, Any]]]
BLUE, GREEN, PUBLISHED = colors.BLUE, colors.DARK_GREEN, colors.GRADIENT


class Chart:
    """A figure of accuracies, and whether anything is in it yet."""

    def __init__(self, kept: Kept, compare: bool, **labels: Any) -> None:
        self.kept, self.compare, self.empty = kept, compare, True
        self.figure = new_figure(6, 4.2)
        self.axes: Axes = self.figure.subplots()
        self.axes.set(ylabel="test accuracy, %", **labels)
        self.axes.grid(alpha=0.3)

    def curve(
        self, ladder: Mapping[float, tuple[Run, int]], color: str, style: str, label: str
    ) -> None:
        """Draw the accuracy for each step of a ladder: a run, and the epoch after which it is taken."""
        measured = {
            x: [100 * after(epoch)(result) for result in self.kept(run)]
            for x, (run, epoch) in ladder.items()
        }
        measured = {x: values for x, values in measured.items() if values}
        if not measured:
            return
        self.empty = False
        x, values = list(measured), list(measured.values())
        means = [sum(of_x) / len(of_x) for of_x in values]
        self.axes.plot(x, means, style, color=color, ms=5, label=label)
        least, largest = list(map(min, values)), list(map(max, values))
        self.axes.fill_between(x, least, largest, color=color, alpha=0.2, lw=0)
        self.axes.vlines(x, least, largest, color=color, lw=1)

    def published(self, points: Mapping[float, float], label: str, marker: str = "D") -> None:
        """Mark published accuracies, where ours were measured on the same data."""
        if self.compare:
            x, y = list(points), list(points.values())
            self.axes.plot(x, y, marker, color=PUBLISHED, ms=7, label=label, zorder=3)

    def published_line(self, accuracy: float, label: str, style: str) -> None:
        """Mark a published accuracy whose place on the axis was not told."""
        if self.compare:
            self.axes.axhline(accuracy, color=PUBLISHED, ls=style, lw=1.3, label=label)

    def save(self, path: Path) -> bool:
        """Write the figure, if there is anything in it; return whether there was."""
        if not self.empty:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.axes.legend(fontsize=9)
            save_figure(self.figure, path)
        return not self.empty


def over_rate(chart: Chart) -> None:
    """100 hidden nodes, after one epoch and after five."""
    for epoch, color, style in ((1, GREEN, "s--"), (5, BLUE, "o-")):
        ladder = {rate: (run, epoch) for rate, run in ladders.RATES.items()}
        chart.curve(ladder, color, style, f"ours, after epoch {epoch}")
    chart.published({0.1: 96.9}, "published, epoch 5")
    chart.published_line(95.3, "published, epoch 1, tweaked", "--")
    chart.published_line(94.7, "published, epoch 1, first try", ":")


def over_epochs(chart: Chart) -> None:
    """100 hidden nodes, at two rates."""
    for rate, color, style in ((0.1, BLUE, "o-"), (0.2, GREEN, "s--")):
        ladder = {epoch: (ladders.RATES[rate], epoch) for epoch in range(1, 11)}
        chart.curve(ladder, color, style, f"ours, rate {rate}")
    chart.published({5: 96.9}, "published, rate .1")
    chart.published({1: 95.3, 2: 95.8, 7: 96.3}, "published, tweaked rate", "*")
    chart.axes.set_xticks(range(1, 11))


def over_hidden(chart: Chart) -> None:
    """From 5 nodes to 500."""
    chart.curve({h: (run, 5) for h, run in ladders.HIDDEN.items()}, BLUE, "o-", "ours")
    chart.published({5: 70, 100: 96.7, 200: 97.5, 500: 97.6}, "published")
    chart.axes.set_xscale("log")
    chart.axes.set_xticks(list(ladders.HIDDEN), list(map(str, ladders.HIDDEN)), minor=False)
    chart.axes.minorticks_off()


def over_angle(chart: Chart) -> None:
    """200 hidden nodes; each image also turned to either side."""
    ladder = {angle: (run, 5) for angle, run in ladders.ANGLES.items()}
    chart.curve(ladder, BLUE, "o-", "ours, 5 epochs, rate .1")
    chart.curve({10: (ladders.SLOW_AND_TURNED, 10)}, GREEN, "s", "ours, 10 epochs, rate .01")
    chart.published({0: 97.5, 10: 97.5}, "published, 5 epochs, rate .1")
    chart.published({10: 97.9}, "published, 10 epochs, rate .01", "*")


TURNED = "Over the angle of turned copies: 200 hidden nodes"
FIGURES = {
    "rate": (over_rate, "Over the learning rate: 100 hidden nodes", "learning rate"),
    "epochs": (over_epochs, "Over epochs: 100 hidden nodes", "epoch"),
    "hidden": (over_hidden, "Over hidden nodes: 5 epochs, rate .1", "hidden nodes"),
    "angle": (over_angle, TURNED, "± degrees (0: no copies)"),
}


def draw_all(kept: Kept, folder: Path, compare: bool) -> list[tuple[str, Path]]:
    """Draw all figures for which something is kept; return (title, file) of each.

    `compare` says whether it was measured on the data that the published numbers are about.
    """
    drawn = []
    for name, (fill, title, across) in FIGURES.items():
        chart = Chart(kept, compare, title=title, xlabel=across)
        fill(chart)
        path = folder / f"{name}.svg"
        if chart.save(path):
            drawn.append((title, path))
    return drawn
