"""Plots: what a classifier got wrong, and what it sees, to look at.

An accuracy of 98 % says nothing about the other 2 %. Looking at the mistakes does: some of them are
unreadable for people as well, and some show what the network has not understood. And whoever wants to know
what a convolution looks for can look at that, too: its answers are images.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.drawing.network.activity import answers, sample_for
from tinygrad_edu.drawing.network.network import named_layers
from tinygrad_edu.ops import softmax
from tinygrad_edu.support import new_figure, save_figure, signed_colors


def worst_mistakes(
    scores: np.ndarray[Any, Any], labels: Any, count: int = 10
) -> np.ndarray[Any, Any]:
    """Return the indices of wrong answers, the most confident first: at most `count` integers.

    `scores` of shape (N, classes) are what a model trained with `softmax_cross_entropy` predicts, `labels`
    the right classes, of shape (N,).

    >>> worst_mistakes(np.array([[9.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), np.array([0, 0, 0]))
    array([2, 1])
    """
    chances = softmax(scores)
    confidence = np.where(chances.argmax(axis=1) == labels, -1.0, chances.max(axis=1))
    order = np.argsort(-confidence, kind="stable")[:count]
    return order[confidence[order] >= 0]


def plot_mistakes(
    images: Any,
    labels: Any,
    scores: np.ndarray[Any, Any],
    image_shape: tuple[int, int],
    path: str | os.PathLike[str] | None = None,
    count: int = 10,
) -> Any:
    """Draw the `worst_mistakes`, each with what it is, what it was read as, and how sure the network was.

    `images` of shape (N, height·width) with ink as large numbers, `image_shape` (height, width). Returns
    the matplotlib figure, and saves it if there is a path.

    Raises ImportError without matplotlib.
    """
    worst = worst_mistakes(scores, labels, count)
    chances = softmax(scores)
    columns = min(5, count)
    rows = -(-count // columns)
    figure = new_figure(1.6 * columns, 2.1 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, i in zip(panels, worst, strict=False):
        axes.imshow(np.asarray(images[i]).reshape(image_shape), cmap="gray_r")
        answer = chances[i].argmax()
        axes.set_title(f"a {labels[i]}, read as {answer}\n{chances[i, answer]:.1%} sure", size=9)
    return save_figure(figure, path)


def plot_feature_maps(
    model: Any, sample: Any, path: str | os.PathLike[str] | None = None, count: int = 12
) -> Any:
    """Draw what each filter of a convolutional network sees in one sample, a row of images for each layer.

    A row begins with the layer's name and shows its first `count` channels: blue above 0, orange below.
    Layers whose answer is no image, such as Dense, are left out. `sample` is a single one, without the batch
    axis. Returns the matplotlib figure, and saves it if there is a path.

    Raises ImportError without matplotlib, ValueError if no layer's answer is an image.
    """
    named = named_layers(model)
    layers = [layer for _, layer in named]
    batch = sample_for(layers, sample)
    assert batch is not None
    rows = [
        ("input", batch),
        *zip([name for name, _ in named], answers(layers, batch), strict=True),
    ]
    images = [(name, answer[0]) for name, answer in rows if answer.ndim == 4]
    if len(images) < 2:
        raise ValueError(
            "no layer of this model gives images of shape (N, channels, height, width), as Conv2D does"
        )
    columns = min(count, max(len(channels) for _, channels in images))
    figure = new_figure(1.0 + 0.85 * columns, 0.95 * len(images))
    panels = figure.subplots(len(images), columns, squeeze=False)
    for axes in panels.ravel():
        axes.axis("off")
    for row, (name, channels) in zip(panels, images, strict=True):
        hidden = len(channels) - columns
        words = f"{name}\n{channels.shape[1]}×{channels.shape[2]}" + (
            f"\n+ {hidden} more" if hidden > 0 else ""
        )
        row[0].text(-0.15, 0.5, words, transform=row[0].transAxes, ha="right", va="center", size=9)
        # One scale for a row, so that a filter that sees little looks pale beside one that sees much.
        largest = float(np.abs(channels).max()) or 1.0
        for axes, channel in zip(row, channels, strict=False):
            axes.imshow(channel, cmap=signed_colors(), vmin=-largest, vmax=largest)
    return save_figure(figure, path)


def plot_images(
    rows: Mapping[str, Any],
    image_shape: tuple[int, int],
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw images as a sheet: one row for each name, with ink as large numbers from 0 to 1.

    Each row holds images of shape (N, height·width) or (N, height, width), `image_shape` is (height, width).
    Returns the matplotlib figure, and saves it if there is a path.

    Raises ImportError without matplotlib, ValueError if there is no image at all.
    """
    columns = max(map(len, rows.values()), default=0)
    if not columns:
        raise ValueError("expected at least one image to draw, got none")
    figure = new_figure(0.75 * columns + 2, 0.8 * len(rows))
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for line, (name, images) in zip(panels, rows.items(), strict=True):
        line[0].set_ylabel(name, size=11, rotation=0, ha="right", va="center")
        for axes, image in zip(line, images, strict=False):
            pixels = np.asarray(image).reshape(image_shape)
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1)
            axes.spines[:].set(visible=True, color="0.85")  # shows where in the image the ink lies
    return save_figure(figure, path)
