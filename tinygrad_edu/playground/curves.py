"""Curves: the losses so far, in no more points than a chart can show.

A run may last for a million epochs. When a curve is full, every second point is forgotten, and from then on
half as many are taken: its memory stays small, and its shape stays.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.playground.shapes import Numbers

MOST = 400


class Curve:
    """The losses of a run by epoch.

    >>> curve = Curve()
    >>> for epoch in range(1000):
    ...     if curve.wants(epoch):
    ...         curve.add(epoch, 1.0, 2.0)
    >>> len(curve.epochs) <= MOST, curve.epochs[:3], curve.every
    (True, [0, 4, 8], 4)
    """

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.training: list[float] = []
        self.test: list[float] = []
        self.every = 1

    def wants(self, epoch: int) -> bool:
        """Return whether the losses of this epoch should be measured."""
        return epoch % self.every == 0

    def add(self, epoch: int, training: float, test: float) -> None:
        """Take in the losses of one more epoch."""
        self.epochs.append(epoch)
        self.training.append(training)
        self.test.append(test)
        if len(self.epochs) > MOST:
            self.every *= 2
            kept = [i for i, number in enumerate(self.epochs) if self.wants(number)]
            self.epochs = [self.epochs[i] for i in kept]
            self.training = [self.training[i] for i in kept]
            self.test = [self.test[i] for i in kept]

    def numbers(self) -> Numbers:
        """Return (3, points): the epochs, the losses of training, and of the test."""
        return np.array([self.epochs, self.training, self.test])
