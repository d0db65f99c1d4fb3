"""Portraits: pictures made for a network, what the network itself sees in them, and the sheets to look at.

Whoever asks a network for a picture of a 4 should show it that picture, and ask: what is this, and how sure
are you? `round_trip` does. A sheet of "brain scans" has one picture for each label, with the network's answer
above it. Over a real picture, colors show which ink speaks for an answer (blue), which against it (orange).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.drawing import PALE, WRONG
from tinygrad_edu.nn import Layer, Sigmoid, Softmax, Tanh
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops import as_labels
from tinygrad_edu.support import aligned, new_figure, save_figure, signed_colors
from tinygrad_edu.training import predict

Numbers = np.ndarray[Any, Any]


def confidence(model: Layer, pictures: Any) -> Numbers:
    """Return how sure a network is of each class: (N, classes), numbers from 0 to 1.

    That is the output itself where the network ends in Sigmoid or Softmax, (1 + output)/2 after a Tanh, and
    the softmax of anything else, which is taken for scores. A sigmoid speaks for its own class alone: its
    outputs need not sum to 1, and the network may be sure of two labels, or of none.

    Raises as `predict` does for pictures that do not fit.

    >>> from tinygrad_edu import Sequential
    >>> confidence(Sequential(Sigmoid()), [[0.0, 800.0]]), confidence(Softmax(), [[0.0, 0.0]])
    (array([[0.5, 1. ]], dtype=float32), array([[0.5, 0.5]], dtype=float32))
    """
    return as_confidence(model.in_order()[-1], predict(model, pictures))


def as_confidence(last: Layer, outputs: Numbers) -> Numbers:
    """Return the outputs of a network, whose last layer is given, as numbers from 0 to 1.

    >>> as_confidence(Tanh(), np.array([-1.0, 0.0]))
    array([0. , 0.5])
    """
    if isinstance(last, Sigmoid | Softmax):
        return outputs
    sure: Numbers = (1.0 + outputs) / 2.0 if isinstance(last, Tanh) else ops.softmax(outputs)
    return sure


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """What a network sees in pictures made by asking it for labels; printed, it is a table.

    Attributes, each of shape (N,): `labels`, what was asked for; `seen`, what the network sees; `sure`, how
    sure it is of that (see `confidence`); `own`, how sure it is of the label asked for; `share`, how much of
    all that it says is for that label: own / Σ confidence, which after a softmax is `own` again.
    """

    labels: Numbers
    seen: Numbers
    sure: Numbers
    own: Numbers
    share: Numbers

    @property
    def returned(self) -> int:
        """How many pictures are seen as what was asked for."""
        return int(np.sum(self.seen == self.labels))

    def __str__(self) -> str:
        rows = [
            [str(label), str(seen), f"{sure:.3f}", f"{own:.3f}", f"{share:.3f}"]
            for label, seen, sure, own, share in zip(
                self.labels, self.seen, self.sure, self.own, self.share, strict=True
            )
        ]
        end = f"{self.returned} of {len(rows)} seen as what was asked for"
        header = ["asked", "sees", "how sure", "own label", "share"]
        return "\n".join([*aligned([header, *rows]), end])


def round_trip(model: Layer, pictures: Any, labels: Any = None) -> RoundTrip:
    """Feed pictures forward again: what does the network itself see in them, and how sure is it?

    `pictures` of shape (N, …) as the model takes them, `labels` (N,), what they should be; by default 0, 1, …

    Raises ValueError for pictures that do not fit the model or the labels, TypeError for labels that are no
    integers.

    >>> from tinygrad_edu import Sequential
    >>> print(round_trip(Sequential(Sigmoid()), [[2.0, -3.0], [-1.0, -2.0]]))
    asked  sees  how sure  own label  share
        0     0     0.881      0.881  0.949
        1     0     0.269      0.119  0.307
    1 of 2 seen as what was asked for
    """
    sure = confidence(model, pictures)
    labels = as_labels(np.arange(len(sure)) if labels is None else labels, sure.shape)
    seen, own = sure.argmax(axis=1), sure[np.arange(len(sure)), labels]
    return RoundTrip(labels, seen, sure.max(axis=1), own, own / sure.sum(axis=1))


# ------------------------------------------------------------------------------------------------
# To look at
# ------------------------------------------------------------------------------------------------


def plot_round_trip(
    pictures: Any,
    trip: RoundTrip,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    image_shape: tuple[int, int] | None = None,
) -> Any:
    """Draw pictures with what was asked for, what the network sees and how sure it is; red if they differ.

    Dark means "ink wanted", light "must stay clear". `pictures` of shape (N, …), `trip` their `round_trip`;
    `image_shape` (height, width) is needed for flat ones that are not square. Returns the matplotlib
    figure, and saves it if there is a path.

    Raises ImportError without matplotlib, ValueError for pictures of no known height and width, OSError if
    the file cannot be written.
    """
    images = as_images(np.asarray(pictures), image_shape).mean(axis=1)
    columns = min(5, len(images))
    rows = -(-len(images) // columns)
    figure, panels = _panels(rows, columns, 1.75, 2.15, title)
    for axes, image, label, seen, sure in zip(
        panels.ravel()[: len(images)], images, trip.labels, trip.seen, trip.sure, strict=True
    ):
        axes.imshow(image, cmap="gray_r", vmin=0.0, vmax=1.0)
        color = "black" if seen == label else WRONG
        axes.set_title(f"asked for {label}\nsees {seen}, {sure:.1%} sure", size=9, color=color)
    for axes in panels.ravel()[len(images) :]:
        axes.axis("off")
    return save_figure(figure, path)


def plot_saliency(
    pictures: Any,
    gradients: Any,
    titles: Sequence[str],
    path: str | os.PathLike[str] | None = None,
    *,
    image_shape: tuple[int, int] | None = None,
) -> Any:
    """Draw pictures, their gradients over them, and gradient × ink, one column each.

    Blue speaks for the answer, orange against it; the strongest pixel of each panel has the full color. The
    second row shows what more ink would do, also where there is none; the third, what the ink does that is
    there. `pictures` and `gradients` (see `dreaming.saliency`) have one shape (N, …); there are N `titles`.
    Returns the matplotlib figure, and saves it if there is a path.

    Raises ImportError without matplotlib, ValueError for pictures of no known height and width, OSError if
    the file cannot be written.
    """
    images = as_images(np.asarray(pictures), image_shape).mean(axis=1)
    slopes = as_images(np.asarray(gradients), image_shape).sum(axis=1)
    figure, panels = _panels(3, len(images), 1.05, 1.15)
    for column, image, slope, title in zip(panels.T, images, slopes, titles, strict=True):
        for axes, colors in zip(column, (None, slope, slope * image), strict=True):
            faint = 1.0 if colors is None else 0.3
            axes.imshow(image, cmap="gray_r", vmin=0.0, vmax=1.0, alpha=faint)
            if colors is not None:
                strength = np.abs(colors) / max(np.abs(colors).max(), np.finfo(float).tiny)
                axes.imshow(
                    np.sign(colors), cmap=signed_colors(), vmin=-1.0, vmax=1.0, alpha=strength
                )
        column[0].set_title(title, size=8)
    rows = ("picture", "gradient", "gradient × ink")
    for axes, name in zip(panels[:, 0], rows, strict=True):
        axes.set_ylabel(name, size=8)
    return save_figure(figure, path)


def _panels(rows: int, columns: int, width: float, height: float, title: str = "") -> Any:
    """Return a figure and its panels (rows, columns), each of that size in inches, framed, without ticks."""
    figure = new_figure(width * columns, height * rows + (0.35 if title else 0.0))
    figure.suptitle(title, size=11)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(PALE)
    return figure, panels


def as_images(pictures: Array, image_shape: tuple[int, int] | None = None) -> Array:
    """Return pictures (N, features) or (N, …, height, width) as (N, channels, height, width); also Values.

    Flat ones are taken for square, unless `image_shape` (height, width) says otherwise.

    Raises ValueError for flat ones that are not.

    >>> as_images(np.zeros((5, 64))).shape, as_images(np.zeros((5, 3, 8, 9))).shape
    ((5, 1, 8, 8), (5, 3, 8, 9))
    """
    shape = shape_of(pictures)
    if image_shape is None:
        side = math.isqrt(shape[-1])
        image_shape = (side, side) if len(shape) == 2 else (shape[-2], shape[-1])
    height, width = image_shape
    if math.prod(shape[1:]) % (height * width):
        raise ValueError(
            f"pictures of {math.prod(shape[1:])} numbers are not {height}×{width} pixels; give their height "
            "and width: image_shape=(…, …)"
        )
    return ops.reshape(pictures, shape=(shape[0], -1, height, width))
