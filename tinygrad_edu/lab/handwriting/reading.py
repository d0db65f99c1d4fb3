"""Reading: what a network says of a picture of one's own, how sure it is, and how it came to see it so.

A network that is asked once answers with a probability, and is easily too sure. It is wiser to ask it
several times: of the same digit turned a little to the left, to the right, moved by a dot. What is plainly
a 3 stays a 3. Where the answers differ, the mean of their probabilities is both a better answer and a more
honest doubt. (To look several times at one sample is known as test-time augmentation.)

And a network is surer than it should be, above all of pictures unlike those that it has learned from. So its
scores are halved before they become probabilities, which lessens their certainty. (That is known as
temperature; see Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, 2017.)

The way to the network is worth seeing, too: most digits that are read wrongly have been lost before they
came to it. The contact sheet shows each step.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.datasets import rotate
from tinygrad_edu.lab.handwriting.mnist_form import Prepared
from tinygrad_edu.ops import softmax
from tinygrad_edu.support import colors, new_figure, save_figure

_TEMPERATURE = 2.0  # of the wrong answers above 90 %, this leaves one in four
_ANGLES = (-8.0, 0.0, 8.0)
_MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
_COLORS = {
    True: colors.BLUE,
    False: colors.VERMILION,
    None: colors.GRAY,
}  # right, wrong, nobody knows


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network said of one picture.

    `path` is the picture's file, `prepared` the picture on its way to the network, `chances` how probable
    each digit is, of shape (10,), or (11,) where the last says how probable it is none, all 0 if the picture
    is blank, and `label` the digit that it is, or None if nobody said.
    """

    path: Path
    prepared: Prepared
    chances: np.ndarray[Any, Any]
    label: int | None = None

    @property
    def answer(self) -> int | None:
        """The most probable digit, or None for a blank picture."""
        return None if self.prepared.blank else int(self.chances[:10].argmax())

    @property
    def confidence(self) -> float:
        """The probability of the answer, 0 for a blank picture."""
        return float(self.chances[:10].max())

    @property
    def right(self) -> bool | None:
        """Whether the answer is right, or None if nobody knows."""
        return None if None in (self.label, self.answer) else self.answer == self.label

    def __str__(self) -> str:
        if self.answer is None:
            return f"none: {self.prepared.blank}"
        verdict = {True: ", right", False: f", wrong: a {self.label}", None: ""}[self.right]
        return f"{self.answer}, {self.confidence:.1%} sure{verdict}"


def read_digit(model: Any, image: Any) -> np.ndarray[Any, Any]:
    """Return how probable each class is, shape (classes,), the mean over several looks at an image.

    `image` of shape (size, size), numbers from 0 to 255 with ink as large ones; `model` takes rows of
    size² pixels from 0 to 1 and gives a score a class. Images of 28×28 are turned by −8°, 0° and 8° and moved
    by a dot each way; in smaller ones a dot is too much, so they are only turned.

    >>> class Blind:
    ...     def predict(self, x):
    ...         return np.zeros((len(x), 4))
    >>> read_digit(Blind(), np.zeros((28, 28), np.uint8))
    array([0.25, 0.25, 0.25, 0.25])
    """
    pixels = np.asarray(image)[None] / np.float32(255)
    moves = _MOVES if len(pixels[0]) >= 28 else _MOVES[:1]
    turned = [rotate(pixels, angle)[0] for angle in _ANGLES]
    looks = np.array(
        [np.roll(look, move, axis=(0, 1)).ravel() for look in turned for move in moves]
    )
    chances: np.ndarray[Any, Any] = softmax(model.predict(looks) / np.float32(_TEMPERATURE)).mean(
        axis=0
    )
    return chances


def plot_readings(readings: Sequence[Reading], path: str | os.PathLike[str] | None = None) -> Any:
    """Draw a contact sheet: each picture as given, the ink, cleaned, as the network sees it, the answer.

    Right answers are blue, wrong ones orange, others gray. Returns the matplotlib figure, and saves it if
    there is a path. Raises ValueError without readings, ImportError without matplotlib.
    """
    if not readings:
        raise ValueError("there is nothing to draw: no picture has been read")
    figure = new_figure(
        8.3, 1.55 * len(readings)
    )  # as wide as a page, so that it can be read there
    panels = figure.subplots(len(readings), 5, squeeze=False)
    for axes, reading in zip(panels, readings, strict=True):
        steps = reading.prepared
        shown: dict[str, np.ndarray[Any, Any]] = {
            _short(reading.path.name): steps.given,
            "ink found": 1 - steps.ink,
            "cleaned": 1 - steps.cleaned,
            "the network sees": 255 - steps.image,
        }
        for panel, (title, image) in zip(axes, shown.items(), strict=False):
            step = max(1, max(image.shape) // 300)  # no more dots than can be seen
            panel.imshow(
                image[::step, ::step],
                cmap="gray",
                vmin=0,
                vmax=255 if image.dtype == np.uint8 else 1,
            )
            panel.set_title(title, size=9, parse_math=False)  # a $ in a name is no formula
            panel.set(xticks=[], yticks=[])
        axes[4].bar(range(10), reading.chances[:10], color=_COLORS[reading.right])
        axes[4].set(ylim=(0, 1), yticks=[], xticks=range(10))
        axes[4].tick_params(labelsize=9, length=0)
        axes[4].set_title(textwrap.fill(str(reading), 24), size=9, color=_COLORS[reading.right])
    return save_figure(figure, path, dpi=100)


def _short(name: str) -> str:
    """Return a file name with its middle left out if it is long, and a ? for what is no letter."""
    name = name.encode("utf-8", "replace").decode()
    return name if len(name) <= 22 else f"{name[:10]}…{name[-11:]}"
