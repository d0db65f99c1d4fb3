"""Losses: one number that says how wrong the network is.

Learning needs a single number to lower. A loss compares what the network gave with what it should have
given; everything else follows from its gradient. Squared errors fit quantities. Cross-entropy fits
decisions: it is the surprise, in natural units, at the right answer, and it punishes being sure and wrong
without bound. For those, the network gives raw scores ("logits"), since the formula that contains the
sigmoid or softmax cannot overflow, and its gradient does not vanish when the network is sure and wrong.

Targets are constants as a rule. One that is a Value, such as what a second network gives, belongs to the
graph as the output does, and receives its gradient too; hand over `target.data` where it shall not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.following import in_one_step
from tinygrad_edu.number import Array, as_number, shape_of
from tinygrad_edu.ops import softmax_cross_entropy
from tinygrad_edu.value import Value

__all__ = [
    "binary_cross_entropy",
    "half_squared_error",
    "mean_squared_error",
    "softmax_cross_entropy",
]


def half_squared_error(output: Array, target: Any) -> Array:
    """Σ ½(t − o)²        ∂/∂o = o − t

    The sum runs over everything, a batch as well: divide by N for a mean over samples. What `fit` and
    `evaluate` report of it is the mean over batches, which grows with their size. Both have one shape; raises
    ValueError otherwise.

    Source: Mazur, A step by step backpropagation example, 2015, and much of the older literature.

    >>> round(half_squared_error(np.array([0.0, 0.3, 0.9, 0.1]), [0.0, 0.0, 1.0, 0.0]), 4)
    0.055
    """
    error = _same_shape(output, target) - output
    return ops.sum(error * error) * 0.5


def mean_squared_error(output: Array, target: Any) -> Array:
    """(1/n) Σ (t − o)² over all n numbers        ∂/∂o = 2(o − t)/n

    Both have one shape; raises ValueError otherwise.

    >>> mean_squared_error(np.array([1.0, 2.0]), [1.0, 4.0])
    2.0
    """
    error = _same_shape(output, target) - output
    return ops.mean(error * error)


def binary_cross_entropy(output: Array, target: Any, from_logits: bool = True) -> Array:
    """−(1/n) Σ t·ln p + (1 − t)·ln(1 − p) with p = σ(output)        ∂/∂output = (p − t)/n

    For yes-or-no questions. `output` holds logits, `target` 0, 1 or a probability between, of one shape.
    With `from_logits=False` output holds probabilities p itself, as a Sigmoid layer gives them; less exact,
    since p near 0 or 1 has lost digits, and infinite where the network is sure and wrong.

    Raises ValueError for different shapes or targets outside of 0…1, TypeError where only the target is a
    Value, since output and target cannot change places here.

    >>> round(binary_cross_entropy(np.array([0.0, 100.0]), [1, 1]), 4)
    0.3466
    """
    if type(target) is Value and type(output) is not Value:
        raise TypeError(
            "the target is a Value and the output is none, so they seem to have changed places; the order "
            "is binary_cross_entropy(output, target)"
        )
    wanted = _same_shape(output, target)
    check_probabilities(wanted.data if type(wanted) is Value else wanted)
    if from_logits:
        return ops.mean(ops.softplus(output) - wanted * output)
    yes, no = output, 1.0 - output
    if type(wanted) is not Value:  # the gradient of a Value needs both logarithms everywhere
        # Where t is 0, ln p does not count, not even as 0·∞; nor does ln(1 − p) where t is 1.
        yes, no = ops.where(wanted > 0, yes, 1.0), ops.where(wanted < 1, no, 1.0)
    return -ops.mean(wanted * ops.log(yes) + (1.0 - wanted) * ops.log(no))


@in_one_step
def check_probabilities(target: Any) -> None:
    """Raise ValueError for targets outside of 0…1.

    >>> check_probabilities([1, 2])
    Traceback (most recent call last):
    ValueError: expected targets from 0 to 1, got 1 to 2; write no as 0 and yes as 1
    """
    lowest, highest = np.min(target), np.max(target)
    if not (lowest >= 0 and highest <= 1):
        raise ValueError(
            f"expected targets from 0 to 1, got {lowest:g} to {highest:g}; write no as 0 and yes as 1"
        )


def check_same_shape(output_shape: tuple[int, ...], target: Array) -> None:
    """Raise ValueError for a target that has not the output's shape.

    NumPy would broadcast (N, 1) against (N,) to (N, N) and the loss would be quietly wrong.

    >>> check_same_shape((4, 1), np.zeros(4))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: expected targets of the output's shape (4, 1), got (4,); reshape one of them, ...
    """
    shape = shape_of(target)
    if shape == output_shape:
        return
    hint = "reshape one of them, for example target.reshape(output.shape)"
    if output_shape == (*shape, 1):
        hint = "reshape one of them, for example a column: y[:, None]"
    elif output_shape[:-1] == shape and shape and target.dtype.kind in "iu":
        hint = (
            "for classes take softmax_cross_entropy, or write them as rows of 0 and 1: "
            f"np.eye({output_shape[-1]})[y]"
        )
    raise ValueError(f"expected targets of the output's shape {output_shape}, got {shape}; {hint}")


def _same_shape(output: Array, target: Any) -> Array:
    """Return the target in the output's type, a number, array or Value; ValueError for another shape."""
    wanted = target if type(target) is Value else as_number(target)
    check_same_shape(shape_of(output), wanted)
    if not shape_of(wanted):
        return wanted
    # Floats, even for an output of bytes: the difference of two bytes would wrap around.
    dtype = getattr(output, "dtype", np.dtype(float))
    dtype = dtype if dtype.kind == "f" else np.dtype(float)
    return wanted if wanted.dtype == dtype else wanted.astype(dtype)
