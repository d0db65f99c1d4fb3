"""Losses: one number that says how wrong the network is.

Learning needs a single number to lower. A loss compares what the network gave with what it should have
given; everything else follows from its gradient. Squared errors fit quantities. Cross-entropy fits
decisions: it is the surprise, in natural units, at the right answer, and it punishes being sure and wrong
without bound. For those, the network gives raw scores ("logits"), since the formula that contains the
sigmoid or softmax cannot overflow, and its gradient does not vanish when the network is sure and wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.ops import Array, as_number, shape_of, softmax_cross_entropy
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

    Raises ValueError for different shapes or targets outside of 0…1.

    >>> round(binary_cross_entropy(np.array([0.0, 100.0]), [1, 1]), 4)
    0.3466
    """
    wanted = _same_shape(output, target)
    check_probabilities(wanted)
    if from_logits:
        return ops.mean(ops.softplus(output) - wanted * output)
    # Where t is 0, ln p does not count, not even as 0·∞; nor does ln(1 − p) where t is 1.
    yes = ops.log(ops.where(wanted > 0, output, 1.0))
    no = ops.log(ops.where(wanted < 1, 1.0 - output, 1.0))
    return -ops.mean(wanted * yes + (1.0 - wanted) * no)


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


def _same_shape(output: Array, target: Any) -> Array:
    """Return the target as a number or array of the output's shape and type, or say that it is not.

    NumPy would broadcast (N, 1) against (N,) to (N, N) and the loss would be quietly wrong.
    """
    if isinstance(target, Value):
        target = target.data
    number = as_number(target)
    if shape_of(number) != shape_of(output):
        is_row_for_column = shape_of(output) == (*shape_of(number), 1)
        hint = "a column: y[:, None]" if is_row_for_column else "target.reshape(output.shape)"
        raise ValueError(
            f"expected targets of the output's shape {shape_of(output)}, got {shape_of(number)}; "
            f"reshape one of them, for example {hint}"
        )
    if isinstance(number, float):
        return number
    dtype = getattr(output, "dtype", np.dtype(float))
    # Floats, even for an output of bytes: the difference of two bytes would wrap around.
    return number.astype(dtype if dtype.kind == "f" else float, copy=False)
