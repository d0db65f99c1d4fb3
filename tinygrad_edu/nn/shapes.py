"""Layers that only arrange numbers anew: images into rows, and rows into images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.number import Array


class Flatten(Layer):
    """(N, …) → (N, features): each sample's numbers in one row, as Dense wants them.

    >>> Flatten()(np.ones((5, 28, 28))).shape
    (5, 784)
    """

    def forward(self, x: Array) -> Array:
        """(N, …) → (N, features)"""
        given = np.shape(x)
        if len(given) < 2:
            raise ValueError(
                f"Flatten expects a batch of shape (N, …), got {given}; for one sample write x[None]"
            )
        return ops.reshape(x, shape=(given[0], int(np.prod(given[1:]))))


class Reshape(Layer):
    """(N, …) → (N, *shape): the same numbers, such as a row of 784 as an image for a convolution.

    Raises ValueError for sizes below 1, and for inputs with another number of features.

    >>> Reshape(1, 28, 28)(np.ones((5, 784))).shape
    (5, 1, 28, 28)
    """

    def __init__(self, *shape: int) -> None:
        if not shape or not all(isinstance(size, int | np.integer) and size > 0 for size in shape):
            raise ValueError(
                f"Reshape expects the shape of one sample, as in Reshape(1, 28, 28), got {shape}"
            )
        self.shape = tuple(map(int, shape))
        self.n_in = int(np.prod(shape))

    def forward(self, x: Array) -> Array:
        """(N, …) → (N, *shape)"""
        given = np.shape(x)
        if len(given) < 2 or int(np.prod(given[1:])) != self.n_in:
            raise ValueError(
                f"{self.name or 'Reshape'} makes shape {self.shape} of {self.n_in} numbers a sample, "
                f"got a batch of shape {given}"
            )
        return ops.reshape(x, shape=(given[0], *self.shape))

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {"shape": list(self.shape)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Reshape:
        """Return a new layer, built with what `config()` gave."""
        return cls(*config["shape"])

    def __repr__(self) -> str:
        return f"Reshape({', '.join(map(str, self.shape))})"
