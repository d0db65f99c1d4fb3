"""Activations: what bends.

Two weighted sums, one after the other, are again a weighted sum. Only a bend between them makes a second
layer worth having.
"""

from __future__ import annotations

from tinygrad_edu import ops
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.number import Array


class ReLU(Layer):
    """max(x, 0), element by element, any shape.

    >>> import numpy as np
    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.relu(x)


class LeakyReLU(Layer):
    """x where x > 0, slope·x elsewhere, so that no neuron falls silent for ever. Any shape.

    >>> import numpy as np
    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.leaky_relu(x, slope=self.slope)


class Sigmoid(Layer):
    """1/(1 + e⁻ˣ), a soft yes or no between 0 and 1. Any shape.

    >>> import numpy as np
    >>> Sigmoid()(np.array([0.0, 1000.0]))
    array([0.5, 1. ])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.sigmoid(x)


class Tanh(Layer):
    """tanh x, between −1 and 1. Any shape.

    >>> import numpy as np
    >>> Tanh()(np.array([0.0, 1000.0]))
    array([0., 1.])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.tanh(x)


class Softmax(Layer):
    """eˣⁱ/Σ eˣʲ over the last axis: scores become probabilities.

    `softmax_cross_entropy` contains a softmax already: train with it on the scores themselves, without this.

    >>> import numpy as np
    >>> Softmax()(np.array([[1.0, 1.0]]))
    array([[0.5, 0.5]])
    """

    def forward(self, x: Array) -> Array:
        """(…, classes), unchanged."""
        return ops.softmax(x)
