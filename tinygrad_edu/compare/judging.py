"""The judge: how far gradients are from those that were given, and what mistakes come near enough.

Gradients are measured parameter by parameter, each by its own largest entry. That a mistake gives *one* of
the parameters right says much: it may be one of two that were made at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.compare.evidence import Evidence
from tinygrad_edu.compare.recorded import Numbers
from tinygrad_edu.number import Array


class Judge:
    """Measures how far gradients are from the given ones.

    Attributes: `names`, the parameters that can be judged; `finite`, whether what was given is.
    """

    def __init__(self, evidence: Evidence, tolerance: float) -> None:
        self.given = evidence.given
        self.parameters = evidence.parameters
        self.autograd = evidence.autograd
        self.tolerance = tolerance
        self.names = [name for name in evidence.parameters if name in evidence.given]
        self.finite = all(np.all(np.isfinite(evidence.given[name])) for name in self.names)
        right = [np.max(np.abs(g), initial=0.0) for g in evidence.autograd.values()]
        self._weights: dict[str, Array] = {}
        self.floor = 1e-5 * float(max(right, default=0.0)) or 1e-300

    def apart(self, name: str, found: Array, other: Array = None) -> float:
        """Return the relative difference from what was given, or from `other`; infinite if shapes differ."""
        given = self.given[name] if other is None else other
        found = np.asarray(found)
        if given.shape != found.shape:
            return math.inf
        difference = float(np.max(np.abs(given - found), initial=0.0))
        size = float(max(np.max(np.abs(given), initial=0), np.max(np.abs(found), initial=0)))
        return difference / max(size, self.floor) if math.isfinite(difference) else math.inf

    def distance(self, gradients: Mapping[str, Any]) -> float:
        """Return the largest relative difference of any parameter."""
        return max((self.apart(name, gradients[name]) for name in self.names), default=0.0)

    def by_name(
        self, numbers: Numbers, names: Iterable[str] | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Return the gradients of all parameters, or of some, 0 where none arrived."""
        asked = self.parameters if names is None else names
        values = ((name, self.parameters[name]) for name in asked)
        return {n: np.asarray(numbers.get(v, np.zeros(v.shape))) for n, v in values}

    def matched(
        self, gradients: Mapping[str, Any], names: Iterable[str] | None = None
    ) -> frozenset[str]:
        """Return which of all parameters, or of some, have the gradient that was given."""
        asked = self.names if names is None else names
        return frozenset(n for n in asked if self.apart(n, gradients[n]) <= self.tolerance)

    def touched(self, gradients: Mapping[str, Any], names: Iterable[str]) -> frozenset[str]:
        """Return which of some parameters have not the gradient that autograd says."""
        near, right = self.tolerance, self.autograd
        asked = (n for n in names if n in self.given)
        return frozenset(n for n in asked if self.apart(n, gradients[n], right[n]) > near)

    def trace(self, gradients: Mapping[str, Any]) -> tuple[str, ...]:
        """Return a few digits by which gradients that are the same but for rounding are recognized."""
        found = []
        for name in self.names:
            if name not in self._weights:
                shape = self.autograd[name].shape
                self._weights[name] = np.random.default_rng(0).uniform(1.0, 2.0, shape)
            g = np.asarray(gradients[name])
            same_shape = g.shape == self._weights[name].shape
            found.append(f"{np.vdot(g, self._weights[name]):.8e}" if same_shape else str(g.shape))
        return tuple(found)

    def common_factor(self) -> float | None:
        """Return by what the right gradients were multiplied, all of them alike; None if that is not so."""
        pairs = [(np.ravel(self.given[n]), np.ravel(self.autograd[n])) for n in self.names]
        given, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        if given.shape != right.shape or given.size < 2 or not np.all(np.isfinite(right)):
            return None
        factor = float(given @ right) / (float(right @ right) or 1.0)
        alike = np.allclose(given, factor * right, rtol=1e-6, atol=1e-6 * abs(factor) * self.floor)
        return factor if alike and factor else None

    def has_one_factor(self, names: Iterable[str]) -> bool:
        """Return whether all that is wrong is wrong by one and the same factor, or everything is right."""
        factors = []
        for name in names:
            right, given = self.autograd[name], self.given[name]
            if given.shape == right.shape:
                wrong = (right != 0) & (np.abs(given - right) > 1e-8 * np.abs(right))
                factors.append(np.ravel(given[wrong] / right[wrong]))
        every = np.concatenate([np.zeros(0), *factors])
        return not every.size or bool(np.allclose(every, every[0], rtol=1e-6, atol=0.0))

    def find_rate(self, run: Callable[[float], Numbers], names: list[str]) -> float | None:
        """Return the rate for which a mistake comes nearest to some of the given gradients, or None.

        It takes secant steps along the one unknown. Some rate or other explains any one factor, so to prove
        anything the numbers must be wrong in more than one way.
        """
        names = [n for n in names if self.given[n].shape == self.parameters[n].shape]
        if self.has_one_factor(names):
            return None

        def flat(rate: float) -> np.ndarray[Any, Any]:
            found = self.by_name(run(rate))
            return np.concatenate([np.ravel(found[name]) for name in names])

        wanted = np.concatenate([np.ravel(self.given[name]) for name in names])
        rate, small_step = 0.0, 1e-3
        for _ in range(12):
            here = flat(rate)
            slope = (flat(rate + small_step) - here) / small_step
            length = float(slope @ slope)
            if not length or not math.isfinite(length):
                return None
            change = float(slope @ (wanted - here)) / length
            rate += change
            if abs(change) <= 1e-13 * abs(rate):
                break
            small_step = max(abs(change), 1e-9) if abs(change) < 1e-3 else 1e-3
        return rate if 0.0 < rate < 1e3 else None
