"""Probabilities: scores become shares of one, and shares a loss.

The softmax of large scores would overflow, so the largest is subtracted first, which changes nothing. The
logarithm and the softmax of a classifier's loss are taken in one step for the same reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.following import in_one_step
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.ops.arithmetic import exp
from tinygrad_edu.ops.operation import Rule, op
from tinygrad_edu.ops.reductions import sum


@op(
    "softmax",
    "eˣⁱ / Σ eˣʲ",
    dx=Rule(
        "zᵢ·(gᵢ − Σ gⱼ·zⱼ)",
        lambda g, z, x, *, axis: z * (g - sum(g * z, axis=axis, keepdims=True)),
        "flow",
    ),
)
def softmax(x: Array, *, axis: int = -1) -> Array:
    """Scores become shares of one.

    The largest x is subtracted first: that changes nothing but prevents overflow.

    >>> softmax(np.array([1000.0, 0.0]))
    array([1., 0.])
    """
    with np.errstate(under="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


@op(
    "log-softmax",
    "xᵢ − ln Σ eˣʲ",
    dx=Rule(
        "gᵢ − softmax(x)ᵢ·Σ gⱼ",
        lambda g, z, x, *, axis: g - exp(z) * sum(g, axis=axis, keepdims=True),
        "flow",
    ),
)
def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """The logarithms of the shares.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    with np.errstate(under="ignore"):
        shifted = x - np.max(x, axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def as_labels(labels: Any, logits_shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return labels as an array, if they fit logits of a shape (…, classes); otherwise say why not.

    Raises TypeError for labels that are no integers, ValueError for wrong shapes or labels out of range.

    >>> as_labels([2, 0], (2, 3))
    array([2, 0])
    """
    if not logits_shape:
        raise ValueError("expected logits of shape (N, classes), got a single number")
    classes = logits_shape[-1]
    array = np.asarray(labels)
    if array.ndim > len(logits_shape):
        raise ValueError(
            f"expected one label for each row of scores, got labels of shape {array.shape} and scores of "
            f"shape {logits_shape}; the order is (scores, labels)"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"expected integer labels 0…{classes - 1}, got dtype {array.dtype}; "
            "turn one-hot rows into labels with y.argmax(axis=1), whole floats with y.astype(int)"
        )
    if array.shape != logits_shape[:-1]:
        raise ValueError(
            f"expected one label for each row of logits {logits_shape}, that is shape "
            f"{logits_shape[:-1]}, got {array.shape}"
        )
    if array.size == 0:
        raise ValueError("expected at least one label, got none")
    if array.min() < 0 or array.max() >= classes:
        wrong = array[(array < 0) | (array >= classes)]
        hint = "count classes from 0" if classes > 1 else "for a yes or no use binary_cross_entropy"
        raise ValueError(
            f"expected labels 0…{classes - 1} for {classes} classes, got {wrong.flat[0]} "
            f"({wrong.size} of {array.size} are outside); {hint}"
        )
    return array


@in_one_step
def one_hot(labels: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Return zeros of a shape (…, classes), with a 1 in each row at its label.

    >>> one_hot([2, 0], (2, 3), float)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    rows = np.zeros((np.size(labels), shape[-1]), dtype)
    rows[np.arange(len(rows)), np.ravel(labels)] = 1.0
    return rows.reshape(shape)


def _cross_entropy_dx(g: Array, z: Array, x: Array, *, labels: Any) -> Array:
    return (softmax(x) - one_hot(labels, x.shape, x.dtype)) * (g / np.size(labels))


@op(
    "cross-entropy",
    "−(1/N) Σ ln softmax(x)[label]",
    dx=Rule("(softmax(x) − one_hot(label))/N", _cross_entropy_dx),
)
def softmax_cross_entropy(x: Array, *, labels: Any) -> Array:
    """How wrong a classifier is.

    The loss of a classifier. `x` holds raw scores ("logits") of shape (N, classes) or (classes,),
    `labels` integers of shape (N,) or (). Softmax and logarithm in one step cannot overflow, and their
    derivatives cancel to the difference between what the network believes and what is so.

    Raises TypeError for labels that are no integers, ValueError for wrong shapes or labels out of range.

    >>> softmax_cross_entropy(np.array([[1000.0, 0.0]]), labels=[1])
    1000.0
    """
    labels = as_labels(labels, shape_of(x)).ravel()
    logarithms = log_softmax.forward(x, axis=-1).reshape(labels.size, -1)
    return -np.mean(logarithms[np.arange(labels.size), labels])
