"""Checking gradients: is a derivative that somebody wrote down the right one?

A derivative says how much f changes when x changes a little. So change x a little, look, and compare.
One-sided, (f(x+h) − f(x))/h, the curvature of f spoils the answer by an error that shrinks like h. Taken
on both sides, (f(x+h) − f(x−h))/2h, what bends up on the right bends down on the left, and the error
shrinks like h²: this is the *central difference*. A second pair at twice the distance cancels the next
error as well and leaves h⁴; that is the five-point rule (the fifth point, x itself, has weight 0):

    f′(x) ≈ ( f(x−2h) − 8·f(x−h) + 8·f(x+h) − f(x+2h) ) / 12h

h cannot be as small as one likes: the difference of two nearly equal numbers keeps few of their digits,
and that error grows like ε/h. In float64 (ε ≈ 10⁻¹⁶) and with h = 10⁻³ both errors are near 10⁻¹³, so that
one may ask for six equal digits; in float32 (ε ≈ 10⁻⁷) nothing below 10⁻⁴ could be told from noise, which is
why all differences are computed in float64, whatever type the gradient has.

No single h suits all functions. The logarithm at 10⁻⁸ ends before h = 10⁻³ is reached, relu at 10⁻⁵ has its
kink there, and beside 10⁹ a small change drowns. So several are tried. Where none agrees with autograd, the
best is the one that its neighbors confirm, and how far they are apart says how sure it is.

Where f has many outputs, the gradient of their plain sum proves little: the outputs of softmax always sum
to 1, so that sum has gradient 0, and a rule that returns 0 would pass. Each output therefore gets a random
weight, as if more of a network followed; a smaller one where it would drown the others.

Where an input has many entries, not each can be tried alone. But all of them can be moved at once: the slope
of f along a random direction is the sum of gradient times direction. One wrong entry in a million spoils it,
and halving the direction again and again finds out which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.number import Array, as_number, shape_of, simplify
from tinygrad_edu.value import Value, grad

#: Steps h, tried in this order, in units of an entry's size and in units of 1. Large ones see through
#: rounding, small ones see what lies in front of a kink, a sharp bend or the end of the domain.
STEPS = (1e-3, 1e-2, 1e-1, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
#: Those that are tried along a direction through all entries.
LONG_STEPS = (1e-3, 1e-2, 1e-5, 1e-7)


class GradientError(AssertionError):
    """Autograd and the difference quotient disagree; the message says where, and by how much.

    Attributes: `order` of the derivative; `position`, the number of the input; `entry`, the index in it;
    `autograd` and `difference`, the two numbers.
    """

    def __init__(
        self,
        order: int,
        position: int,
        name: str | None,
        entry: tuple[int, ...],
        autograd: float,
        difference: float,
    ) -> None:
        what = "the derivative" if order == 1 else f"the derivative of order {order}"
        which = f"input {position} ({name!r})" if name else f"input {position}"
        super().__init__(
            f"{what} by {which}, entry {entry}, is wrong: autograd says {autograd:.12g}, the difference "
            f"quotient {difference:.12g}; that is {_apart(autograd, difference):.2g} apart. "
            "Correct the rule of an operation that f uses; or, if f has a kink or a jump there, "
            "such as relu at 0 or a tied maximum, choose another input"
        )
        self.order, self.position, self.entry = order, position, entry
        self.autograd, self.difference = autograd, difference


def finite_difference(f: Callable[..., Any], x: Any, step: float = STEPS[0]) -> Any:
    """Return the derivative of f at x by five-point differences (see the module's docstring).

    `f` takes a float or an array like `x` and returns a number, an array or a Value. The result has one
    derivative for each entry of x and each of what f returns: its shape is x.shape + f(x).shape.

    >>> finite_difference(lambda x: (x * x).sum(), [1.0, 2.0]).round(9)
    array([2., 4.])
    """
    x = _as_float64(x)
    rows = []
    for entry in np.ndindex(shape_of(x)):
        h = step * max(1.0, abs(float(np.asarray(x)[entry])))
        rows.append(_change(f, x, _only(x, entry, h)) / h)
    return simplify(np.reshape(rows, shape_of(x) + np.shape(rows[0] if rows else 0.0)))


def check_gradients(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    rtol: float | None = None,
    atol: float | None = None,
    rng: int | np.random.Generator = 0,
    samples: int = 100,
    dtype: Any = np.float64,
) -> float:
    """Prove that autograd differentiates f rightly at `inputs`; return the largest relative difference.

    `f` takes Values and returns a Value of any shape. Inputs are numbers, arrays or Values (whose names
    appear in messages), and are used as float64; choose them away from kinks, such as the 0 of relu.
    With order=2 the gradient's own gradient is proved as well, and so on. Of an input with more entries
    than `samples`, that many are chosen at random, and all together are tried along a random direction,
    which finds a single wrong one. With dtype=np.float32 autograd computes with arrays of float32, and is
    held against differences in float64: some rules go wrong there only.

    Two numbers agree if they differ by at most `rtol` of the larger one (10⁻⁶ if none is given, 10⁻³ for
    float32), or by no more than rounding leaves open, or by at most `atol`.

    Raises GradientError where the two disagree; TypeError if there are no inputs, or f returns no Value;
    ValueError for other wrong arguments, or if f is not deterministic, or not finite at the inputs.

    >>> check_gradients(lambda x, y: (x * y).sin(), 0.5, [1.0, 2.0], order=2) < 1e-6
    True
    """
    single = np.dtype(dtype) == np.float32
    rtol = (1e-3 if single else 1e-6) if rtol is None else rtol
    _check_arguments(inputs, order, samples, rtol, dtype)
    generator = np.random.default_rng(rng)
    numbers = [_as_float64(_cast(_as_float64(x), dtype)) for x in inputs]
    worst = 0.0
    for degree in range(1, order + 1):
        weights, size = _weights(f, numbers, generator)
        variables = [Value(_cast(x, dtype)) for x in numbers]
        gradients = grad(_weighted(f, variables, weights), variables)
        for position, (x, gradient) in enumerate(zip(numbers, gradients, strict=True)):
            gradient = np.asarray(gradient, float)
            rounding = 1e-5 * float(np.max(np.abs(gradient), initial=1.0)) if single else 0.0
            tolerance = rounding if atol is None else atol
            along = _Along(f, numbers, position, weights, size)
            entries = _choose(shape_of(x), samples, generator)
            if gradient.size > len(entries):
                entries += along.suspects(gradient, generator, rtol, tolerance)
            for entry in entries:
                autograd = float(gradient[entry])
                apart, difference = along.compare(entry, autograd, rtol, tolerance)
                if not apart <= rtol:
                    name = getattr(inputs[position], "name", None)
                    raise GradientError(degree, position, name, entry, autograd, difference)
                worst = max(worst, apart)
        f = _slope(f, weights, [generator.standard_normal(shape_of(x)) for x in numbers])
    return worst


def _check_arguments(
    inputs: Sequence[Any], order: int, samples: int, rtol: float, dtype: Any
) -> None:
    if not inputs:
        raise TypeError("expected an input to differentiate by, got none: check_gradients(f, x)")
    if order < 1 or samples < 1 or not rtol > 0.0:
        raise ValueError(
            f"expected order, samples and rtol above 0, got {order}, {samples} and {rtol}"
        )
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"expected dtype float64 or float32, got {np.dtype(dtype)}")


class _Along:
    """The weighted outputs of f as a function of one input alone, and its difference quotients."""

    def __init__(
        self,
        f: Callable[..., Any],
        numbers: Sequence[Array],
        position: int,
        weights: Any,
        size: Any,
    ) -> None:
        before, after = numbers[:position], numbers[position + 1 :]
        self._f = lambda x: f(*map(Value, (*before, x, *after)))
        self._x, self._weights = numbers[position], weights
        self._rounding = 1e-15 * np.abs(weights * size)
        self._moved = np.zeros(np.shape(size), bool)  # what was seen to depend on the input

    def quotient(self, direction: Any, h: float) -> tuple[float, float]:
        """Return the slope of f along a direction by steps of h, and how much of it may be rounding."""
        change = _change(self._f, self._x, h * direction)
        self._moved |= change != 0.0
        rounding = np.sqrt(np.sum(self._rounding[self._moved] ** 2)) or 1e-16
        return float(np.sum(self._weights * change)) / h, float(rounding) / h

    def compare(
        self, entry: tuple[int, ...], autograd: float, rtol: float, atol: float
    ) -> tuple[float, float]:
        """Return how far autograd and the best quotient by one entry are apart, and that quotient."""
        size = abs(float(np.asarray(self._x)[entry])) or 1.0
        steps = dict.fromkeys(h * unit for h in STEPS for unit in (max(size, 1.0), min(size, 1.0)))
        one = _only(self._x, entry, 1.0)
        found: list[tuple[float, float, float]] = []
        for h in steps:
            quotient, rounding = self.quotient(one, h)
            apart = abs(autograd - quotient)
            agree = apart <= max(rtol * max(abs(autograd), abs(quotient)), atol)
            if agree and np.isfinite(quotient):
                return _apart(autograd, quotient, atol / rtol), quotient
            found.append((h, quotient, rounding))
        quotient, unsure = _best(found)
        return _apart(autograd, quotient, max(unsure, atol) / rtol), quotient

    def suspects(
        self, gradient: Any, generator: np.random.Generator, rtol: float, atol: float
    ) -> list[tuple[int, ...]]:
        """Return the entry that spoils the slope along a random direction through all entries, if any."""
        direction = _random_direction(self._x, generator)
        slopes = gradient * direction
        expected, typical = float(np.sum(slopes)), float(np.median(np.abs(slopes)))
        found = []
        for h in LONG_STEPS:
            quotient, rounding = self.quotient(direction, h)
            if abs(expected - quotient) <= max(rtol * typical, atol):
                return []
            found.append((h, quotient, rounding))
        best, unsure = _best(found)
        if abs(expected - best) <= max(unsure, atol):
            return []
        step = min(found, key=lambda tried: abs(tried[1] - best))[0]
        return [self._halve(slopes, direction, step, expected - best)]

    def _halve(self, slopes: Any, direction: Any, h: float, error: float) -> tuple[int, ...]:
        """Return the entry at fault: take the half that holds most of the error, until one entry is left."""
        first, last = 0, slopes.size
        while last - first > 1:
            middle = (first + last) // 2
            half = np.zeros(slopes.size)
            half[first:middle] = direction.ravel()[first:middle]
            quotient, _ = self.quotient(half.reshape(direction.shape), h)
            here = float(np.sum(slopes.ravel()[first:middle])) - quotient
            if abs(here) >= abs(error - here):
                last, error = middle, here
            else:
                first, error = middle, error - here
        return tuple(int(i) for i in np.unravel_index(first, slopes.shape))


def _best(found: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return of (step, quotient, rounding) the quotient that its neighbors confirm best, and how unsure.

    (NaN, 0) if f is finite at no step. Steps that f did not feel prove nothing, if it felt others.
    """
    finite = [tried for tried in found if np.isfinite(tried[1])]
    by_step = sorted([tried for tried in finite if tried[1] != 0.0] or finite)
    best, least = np.nan, np.inf
    for i, (_, quotient, rounding) in enumerate(by_step):
        neighbors = by_step[max(i - 1, 0) : i + 2]
        unsure = 10.0 * (rounding + sum(abs(quotient - other) for _, other, _ in neighbors))
        if unsure < least:
            best, least = quotient, unsure
    return best, least if np.isfinite(least) else 0.0


def _apart(a: float, b: float, floor: float = 0.0) -> float:
    """Return the relative difference of two numbers; those below the floor are measured against it."""
    return abs(a - b) / max(abs(a), abs(b), floor, 1e-300)


def _change(f: Callable[..., Any], x: Array, step: Any) -> Any:
    """Return by how much each output of f changes with one step, by the five-point rule."""

    def moved(times: float) -> Array:
        result = f(simplify(x + times * step))
        return result.data if isinstance(result, Value) else result

    with np.errstate(all="ignore"):
        return np.asarray((moved(-2.0) - moved(2.0) + 8.0 * (moved(1.0) - moved(-1.0))) / 12.0)


def _only(x: Array, entry: tuple[int, ...], step: float) -> Any:
    """Return the step that moves one entry of x."""
    direction = np.zeros(shape_of(x))
    direction[entry] = step
    return direction


def _weights(
    f: Callable[..., Any], numbers: Sequence[Array], generator: np.random.Generator
) -> tuple[Any, Any]:
    """Return a random weight for each output of f, and the outputs.

    An output that changes over ten times as much as most, or as little, is weighted down, or up.
    """
    result = _result_of(f, numbers)
    weights = np.asarray(generator.standard_normal(result.shape))
    steps = [1e-3 * _random_direction(x, generator) for x in numbers]
    with np.errstate(all="ignore"):
        ends = [
            f(*(Value(x + way * h) for x, h in zip(numbers, steps, strict=True))).numpy()
            for way in (1.0, -1.0)
        ]
        change = np.maximum(np.abs(ends[0] - ends[1]), 1e-12 * np.abs(result))
    known = np.isfinite(change) & (change > 0.0)
    if not known.any():
        return weights, result
    usual = np.median(change[known])
    change = np.where(known, change, usual)
    times = np.clip(usual / change, 1e-30, 1e30)  # how much it is to be weighted up
    up, down = np.maximum(0.1 * times, 1.0), np.minimum(10.0 * times, 1.0)
    return weights * np.where(times > 1.0, up, down), result


def _random_direction(x: Array, generator: np.random.Generator) -> Any:
    """Return a direction through all entries, by about the size of each, but no more than about 1."""
    size = np.abs(x)
    units = np.where(size == 0.0, 1.0, np.minimum(size, 1.0))
    lengths = generator.uniform(0.5, 1.5, size.shape)
    return units * lengths * generator.choice([-1.0, 1.0], size.shape)


def _weighted(f: Callable[..., Any], inputs: Sequence[Value], weights: Any) -> Value:
    """Return the weighted sum of f's outputs, in their own type."""
    result = f(*inputs)
    total: Value = ops.sum(result * weights.astype(result.dtype))
    return total


def _slope(
    f: Callable[..., Any], weights: Array, directions: Sequence[Array]
) -> Callable[..., Any]:
    """Return the function whose gradient is f's second one: how steep f is in some direction."""

    def slope(*inputs: Value) -> Value:
        gradients = grad(_weighted(f, inputs, weights), inputs, create_graph=True)
        pairs = zip(gradients, directions, strict=True)
        parts = [ops.sum(g * np.asarray(d).astype(g.dtype)) for g, d in pairs]
        total: Value = ops.sum(ops.stack(parts))
        return total

    return slope


def _cast(x: Array, dtype: Any) -> Array:
    """Return an array in a type; a single number stays a float."""
    return x if isinstance(x, float) else x.astype(dtype)


def _as_float64(x: Any) -> Array:
    """Return a float or an array of float64, for numbers of any type and for Values."""
    number = as_number(x.data if isinstance(x, Value) else x)
    return number if isinstance(number, float) else number.astype(float)


def _choose(
    shape: tuple[int, ...], samples: int, generator: np.random.Generator
) -> list[tuple[int, ...]]:
    """Return all indices of an array of this shape, or a random sample of them if there are many."""
    every = list(np.ndindex(shape))
    if len(every) <= samples:
        return every
    return [every[i] for i in generator.choice(len(every), samples, replace=False)]


def _result_of(f: Callable[..., Any], numbers: Sequence[Array]) -> np.ndarray[Any, Any]:
    """Return f's numbers, or say why nothing can be proved about such an f."""
    first, second = (f(*map(Value, numbers)) for _ in range(2))
    if not isinstance(first, Value):
        raise TypeError(
            f"expected f to return a Value, got {type(first).__name__}; f must compute with the Values "
            "it is given, not with their data"
        )
    if not np.array_equal(first.numpy(), second.numpy(), equal_nan=True):
        raise ValueError(
            "f returned different numbers for the same inputs; make its random generator inside of f, "
            "with a fixed seed, and switch dropout off"
        )
    if not np.all(np.isfinite(first.numpy())):
        raise ValueError(
            "f is infinite or NaN at these inputs; choose others, inside of its domain"
        )
    return first.numpy()
