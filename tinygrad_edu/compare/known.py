"""What is known of a gradient that no mistake explains, parameter by parameter.

Numbers that nobody can account for still tell something: that they are five times too large, or lie on their
side, or belong to another layer. Each question below is asked of each parameter, and the first that is
answered is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.compare.judging import Judge
from tinygrad_edu.support import name_list

Gradient = np.ndarray[Any, Any]
#: Two gradients are alike if they differ by no more than this, relative to the largest entry.
ALIKE = 1e-6


def what_is_known(judge: Judge) -> list[str]:
    """Return a line for all parameters that are right, and for each of which something is known."""
    right = sorted(judge.matched(judge.autograd), key=judge.names.index)
    lines = [f"right: {name_list(right, 8)}"] if right else []
    told: dict[str, list[str]] = {}
    for name in judge.names:
        if name not in right:
            told.setdefault(_told_of(name, judge), []).append(name)
    return lines + [f"{name_list(names, 8)}: {words}" for words, names in told.items()]


def _told_of(name: str, judge: Judge) -> str:
    given, right = judge.given[name], judge.autograd[name]
    if not np.all(np.isfinite(given)):
        return "not finite"
    asked: list[Callable[[], Iterator[str]]] = [
        lambda: _factor(given, right),
        lambda: _transposed(given, right),
        lambda: _another(name, judge),
        lambda: _each_row(given, right),
        lambda: _permuted(given, right),
        lambda: _added(name, judge),
        lambda: _some_entries(given, right),
        lambda: _direction(given, right),
    ]
    return next((words for ask in asked for words in ask()), "nothing is known")


def _alike(a: Gradient, b: Gradient) -> bool:
    """Whether two gradients are the same but for rounding, and not 0."""
    size = float(max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0)))
    return a.shape == b.shape and size > 0 and bool(np.all(np.abs(a - b) <= ALIKE * size))


def _ratio(given: Gradient, right: Gradient) -> float | None:
    """Return by what all of `right` was multiplied, or None if there is no such number."""
    length = float(np.sum(right * right))
    if given.shape != right.shape or not length or not np.isfinite(length):
        return None
    factor = float(np.sum(given * right)) / length
    return factor if _alike(given, factor * right) else None


def _times(factor: float) -> str:
    """Say a factor: "5 times too large", "5 times too small", "the sign is turned"."""
    if abs(factor + 1.0) < ALIKE:
        return "the sign is turned"
    if abs(factor - 1.0) < ALIKE:
        return ""
    sign = ", and the sign is turned" if factor < 0 else ""
    size = abs(factor)
    words = f"{size:.6g} times too large" if size > 1 else f"{1 / size:.6g} times too small"
    return words + sign


def _factor(given: Gradient, right: Gradient) -> Iterator[str]:
    if given.size and not np.any(given):
        yield "0 everywhere"
    elif given.size and not np.any(right):
        yield "it should be 0 everywhere"
    elif factor := _ratio(given, right):
        yield _times(factor)


def _transposed(given: Gradient, right: Gradient) -> Iterator[str]:
    if right.ndim >= 2 and (factor := _ratio(given, right.T)):
        yield ", and ".join(filter(None, ["it lies on its side (transposed)", _times(factor)]))
    elif given.shape == right.shape or given.size != right.size:
        return
    elif factor := _ratio(given.reshape(right.shape), right):
        words = f"right but for its shape, {given.shape} for {right.shape}"
        yield ", and ".join(filter(None, [words, _times(factor)]))


def _another(name: str, judge: Judge) -> Iterator[str]:
    """Is it another parameter's gradient, as that was given or as it should be, or a parameter itself?"""
    given = judge.given[name]
    weights = {n: np.asarray(v.data) for n, v in judge.parameters.items()}
    sides = (
        ("the same numbers as were given for {}", judge.given),
        ("the right gradient of {}", judge.autograd),
        ("the numbers of {} itself", weights),
    )
    for words, others in sides if given.size > 1 else ():
        for other, numbers in others.items():
            itself = other == name and others is not weights
            factor = None if itself else _ratio(given, np.asarray(numbers, float))
            if factor:
                yield ", ".join(filter(None, [words.format(other), _times(factor)]))


def _each_row(given: Gradient, right: Gradient) -> Iterator[str]:
    """Was each row, or each column, multiplied by a factor of its own?"""
    if given.shape != right.shape or right.ndim < 1 or right.size < 3:
        return
    for axis, word in ((0, "row"), (right.ndim - 1, "column"))[: right.ndim]:
        rows = np.moveaxis(given, axis, 0), np.moveaxis(right, axis, 0)
        if rows[0][0].size < 2:
            continue
        factors = [0.0 if not np.any(a) else _ratio(a, b) for a, b in zip(*rows, strict=True)]
        wrong = [i for i, f in enumerate(factors) if f is None or abs(f - 1.0) > ALIKE]
        if None not in factors:
            numbers = [f"{f:.6g}" for f in factors if f is not None]
            yield f"its {word}s are multiplied by {name_list(numbers, 8)}"
        elif len(wrong) <= len(factors) // 2:
            yield f"right but for {word} {name_list([str(i) for i in wrong], 8)}"


def _permuted(given: Gradient, right: Gradient) -> Iterator[str]:
    """Do the right rows, columns or entries stand in another order?"""
    if given.shape != right.shape:
        return
    for axis, word in ((0, "row"), (1, "column"))[: right.ndim if right.ndim < 3 else 0]:
        a, b = np.moveaxis(given, axis, 0), np.moveaxis(right, axis, 0)
        rows = a.reshape(len(a), -1), b.reshape(len(b), -1)
        if rows[0].shape[1] > 1 and _alike(*(r[np.argsort(r[:, 0])] for r in rows)):
            yield f"the right {word}s in another order"
    if given.size > 2 and _alike(np.sort(np.ravel(given)), np.sort(np.ravel(right))):
        yield "the right numbers in another order"


def _added(name: str, judge: Judge) -> Iterator[str]:
    """Is something added that is the parameter itself, or one number everywhere?"""
    given, right = judge.given[name], judge.autograd[name]
    if given.shape != right.shape or given.size < 3:
        return
    more, weight = given - right, np.asarray(judge.parameters[name].data, float)
    if factor := _ratio(more, weight):
        yield f"{factor:.6g} times the parameter itself is added"
    elif factor := _ratio(more, np.ones_like(more)):
        yield f"{factor:.6g} is added everywhere"


def _some_entries(given: Gradient, right: Gradient) -> Iterator[str]:
    if given.shape != right.shape:
        yield f"of shape {given.shape}, and it should be {right.shape}"
        return
    size = float(np.max(np.abs(right), initial=0.0))
    equal = np.abs(given - right) <= ALIKE * size
    if np.any(equal):
        yield f"{int(equal.sum())} of its {equal.size} numbers are right"


def _direction(given: Gradient, right: Gradient) -> Iterator[str]:
    lengths = float(np.linalg.norm(given)), float(np.linalg.norm(right))
    if given.size > 1 and all(lengths) and np.all(np.isfinite(lengths)):
        cosine = float(np.sum(given * right)) / (lengths[0] * lengths[1])
        yield f"another direction (cosine {cosine:.4f}), {lengths[0] / lengths[1]:.4g} times as long"
