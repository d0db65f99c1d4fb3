"""Plots: what a classifier got wrong, to look at.

An accuracy of 98 % says nothing about the other 2 %. Looking at the mistakes does: some of them are
unreadable for people as well, and some show what the network has not understood.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tinygrad_edu.ops import softmax


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
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'plots need matplotlib; install it with: pip install "tinygrad_edu[plot]"'
        ) from error
    worst = worst_mistakes(scores, labels, count)
    chances = softmax(scores)
    columns = min(5, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(1.6 * columns, 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, i in zip(panels, worst, strict=False):
        axes.imshow(np.asarray(images[i]).reshape(image_shape), cmap="gray_r")
        answer = chances[i].argmax()
        axes.set_title(f"a {labels[i]}, read as {answer}\n{chances[i, answer]:.1%} sure", size=9)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
