"""Dropout: a network learns better when it cannot rely on any one neuron."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.following import in_one_step
from tinygrad_edu.nn._checks import is_real
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.number import Array


class Dropout(Layer):
    """Silence each number with probability `rate` while learning, and pass all on afterwards.

    A network that cannot rely on any single neuron learns to spread its knowledge, and overfits less. What
    remains is divided by (1 − rate), so that sums keep their size ("inverted" dropout). Any shape.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent
    neural networks from overfitting, 2014.

    Raises ValueError for rates outside of 0 ≤ rate < 1.

    >>> drop = Dropout(0.5, rng=0)
    >>> drop(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> drop.eval(); drop(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, rate: float, rng: int | np.random.Generator | None = None) -> None:
        if not (is_real(rate) and 0.0 <= rate < 1.0):
            raise ValueError(
                f"the dropout rate is the share to silence, 0 ≤ rate < 1, got {rate!r}"
            )
        self.rate = rate
        self.rng = np.random.default_rng(rng)

    def initialize(self, rng: np.random.Generator) -> None:
        """Take random numbers from `rng` from now on."""
        self.rng = rng

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        if not self.training or self.rate == 0.0:
            return x
        dtype = np.float32 if getattr(x, "dtype", None) == np.float32 else np.float64
        return ops.multiply(x, draw_mask(self.rng, np.shape(x), dtype, self.rate))


@in_one_step
def draw_mask(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, rate: float) -> Any:
    """Return 0 with probability `rate`, and 1/(1 − rate) elsewhere."""
    kept = rng.random(shape, dtype) >= rate
    return kept / dtype(1.0 - rate)
