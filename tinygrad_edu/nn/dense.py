"""Dense: every neuron sees every input.

A neuron multiplies each input by a weight of its own, adds up, and adds its bias. A layer of them is one
matrix product, with a column of weights for each neuron.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.nn._checks import are_counts, float_name, new_weight
from tinygrad_edu.nn.initializers import find_initializer
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.number import Array


class Dense(Layer):
    """x·W + b: n_out neurons, each of which sees all n_in inputs.

    `weight` has shape (n_in, n_out), `bias` (n_out,), or is None with `bias=False`. Takes (N, n_in), gives
    (N, n_out); more axes in front are fine. `init` and `bias_init` name an initializer (see
    `initializers`); `dtype` is float32, which is twice as fast as float64 and exact enough to learn.

    Raises ValueError for sizes below 1, unknown initializers, and inputs of another size.

    >>> layer = Dense(3, 2, rng=0)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        init: str = "glorot_uniform",
        bias_init: str = "zeros",
        dtype: Any = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        if not are_counts(n_in, n_out):
            raise ValueError(
                f"Dense needs at least one input and one output, got ({n_in!r}, {n_out!r}); give two whole "
                "numbers, as in Dense(784, 10)"
            )
        self.n_in, self.n_out = n_in, n_out
        self.init, self.bias_init = init, bias_init
        self.dtype = float_name(dtype)
        for name in (init, bias_init):
            find_initializer(name)  # raises ValueError for an unknown one
        self.weight = new_weight((n_in, n_out), self.dtype, "weight")
        self.bias = new_weight((n_out,), self.dtype, "bias") if bias else None
        self.initialize(np.random.default_rng(rng))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the weights, then the biases, by the initializers named at construction."""
        self.weight.data = find_initializer(self.init)(self.weight.shape, rng)
        if self.bias is not None:
            self.bias.data = find_initializer(self.bias_init)(self.bias.shape, rng)

    def forward(self, x: Array) -> Array:
        """(…, n_in) → (…, n_out)"""
        given = np.shape(x)
        if given[-1:] != (self.n_in,):
            raise ValueError(
                f"{self.name or 'Dense'} has {self.n_in} inputs and expects shape (N, {self.n_in}), "
                f"got {given}{_dense_hint(given, self.n_in)}"
            )
        if self.bias is None:
            return ops.matmul(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {
            "n_in": self.n_in,
            "n_out": self.n_out,
            "bias": self.bias is not None,
            "init": self.init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
        }

    def __repr__(self) -> str:
        return f"Dense({self.n_in}, {self.n_out}{'' if self.bias is not None else ', bias=False'})"


def _dense_hint(given: tuple[int, ...], n_in: int) -> str:
    """Return what is likely to help when an input does not fit."""
    if len(given) > 1 and int(np.prod(given[1:])) == n_in:
        return "; put Flatten() before it"
    return ""
