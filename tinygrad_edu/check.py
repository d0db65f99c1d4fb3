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
why everything here is computed in float64.

Where f has many outputs, the gradient of their plain sum proves little: the outputs of softmax always sum
to 1, so that sum has gradient 0, and a rule that returns 0 would pass. Each output therefore gets a random
weight, as if more of a network followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.number import Array, as_number, shape_of, simplify
from tinygrad_edu.value import Value, grad

#: Steps h, relative to x where |x| > 1. The smaller ones lose digits, and are tried only where the first
#: finds a disagreement, since there may be a kink or a sharp bend within its reach.
STEPS = (1e-3, 1e-4, 1e-5)


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
    rows = [_difference(f, x, entry, step) for entry in np.ndindex(shape_of(x))]
    return simplify(np.reshape(rows, shape_of(x) + np.shape(rows[0] if rows else 0.0)))


def check_gradients(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    rtol: float = 1e-6,
    atol: float | None = None,
    rng: int | np.random.Generator = 0,
    samples: int = 100,
) -> float:
    """Prove that autograd differentiates f rightly at `inputs`; return the largest relative difference.

    `f` takes Values and returns a Value of any shape. Inputs are numbers, arrays or Values (whose names
    appear in messages), and are used as float64; choose them away from kinks, such as the 0 of relu.
    With order=2 the gradient's own gradient is proved as well, and so on. Of an input with more entries
    than `samples`, that many are chosen at random.

    Two numbers agree if they differ by at most `rtol` of the larger one, or by at most `atol`, where
    rounding hides the truth: by default 10⁻¹⁰, times f's largest output if that is more than 1.

    Raises GradientError where the two disagree; TypeError if there are no inputs, or f returns no Value;
    ValueError for other wrong arguments, or if f is not deterministic, or not finite at the inputs.

    >>> check_gradients(lambda x, y: (x * y).sin(), 0.5, [1.0, 2.0], order=2) < 1e-6
    True
    """
    if not inputs:
        raise TypeError("expected an input to differentiate by, got none: check_gradients(f, x)")
    if order < 1 or samples < 1 or not rtol > 0.0:
        raise ValueError(
            f"expected order, samples and rtol above 0, got {order}, {samples} and {rtol}"
        )
    generator = np.random.default_rng(rng)
    numbers = [_as_float64(x) for x in inputs]
    worst = 0.0
    for degree in range(1, order + 1):
        result = _result_of(f, numbers)
        weights = generator.standard_normal(result.shape)
        size = float(np.max(np.abs(result), initial=1.0))
        floor = (1e-10 * size if atol is None else atol) / rtol
        variables = [Value(x) for x in numbers]
        gradients = grad(ops.sum(f(*variables) * weights), variables)
        for position, (x, gradient) in enumerate(zip(numbers, gradients, strict=True)):
            along = _along(f, numbers, position)
            for entry in _choose(shape_of(x), samples, generator):
                autograd = float(np.asarray(gradient)[entry])
                for step in STEPS:
                    difference = float(np.sum(weights * _difference(along, x, entry, step)))
                    apart = _apart(autograd, difference, floor)
                    if apart <= rtol:
                        break
                else:
                    name = getattr(inputs[position], "name", None)
                    raise GradientError(degree, position, name, entry, autograd, difference)
                worst = max(worst, apart)
        f = _slope(f, weights, [generator.standard_normal(shape_of(x)) for x in numbers])
    return worst


def _apart(a: float, b: float, floor: float = 0.0) -> float:
    """Return the relative difference of two numbers; those below the floor are measured against it."""
    return abs(a - b) / max(abs(a), abs(b), floor, 1e-300)


def _difference(f: Callable[..., Any], x: Array, entry: tuple[int, ...], step: float) -> Array:
    """Return the five-point difference quotient of f by one entry of x: a number for each output."""
    h = step * max(1.0, abs(float(np.asarray(x)[entry])))

    def moved(by: float) -> Array:
        array = np.array(x)
        array[entry] += by
        result = f(simplify(array))
        return result.data if isinstance(result, Value) else result

    with np.errstate(all="ignore"):
        return (moved(-2 * h) - moved(2 * h) + 8.0 * (moved(h) - moved(-h))) / (12.0 * h)


def _along(f: Callable[..., Any], numbers: Sequence[Array], position: int) -> Callable[..., Any]:
    """Return f as a function of the input at `position` alone."""
    return lambda x: f(*map(Value, (*numbers[:position], x, *numbers[position + 1 :])))


def _slope(
    f: Callable[..., Any], weights: Array, directions: Sequence[Array]
) -> Callable[..., Any]:
    """Return the function whose gradient is f's second one: how steep f is in some direction."""

    def slope(*inputs: Value) -> Value:
        gradients = grad(ops.sum(f(*inputs) * weights), inputs, create_graph=True)
        parts = [ops.sum(g * d) for g, d in zip(gradients, directions, strict=True)]
        total: Value = ops.sum(ops.stack(parts))
        return total

    return slope


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
