"""Surroundings: what a function can see besides its arguments.

A program is right as long as the function that it was recorded from would do the same. That depends on more
than arguments: on whether a layer is training, a rate in an attribute, an array in a variable outside. All
that a function can reach by its variables, and by the attributes of what stands there, is looked at before
each call. Where something is not as it was, the function is recorded again.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.value import Value

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), np.generic, np.dtype)
#: Attributes that change from step to step and decide nothing that is written down.
_MOVING = {"steps", "lr", "_memory", "grad"}


def surroundings(*seen_from: Any) -> tuple[list[Any], list[Any]]:
    """Return what functions and objects can see, as a list to compare, and the objects themselves.

    The objects must be kept as long as the list, so that no other one takes their place in memory.

    >>> rate = 0.5
    >>> def half(x):
    ...     return rate * x
    >>> before, _ = surroundings(half)
    >>> before == surroundings(half)[0]
    True
    """
    found: list[Any] = []
    kept: dict[int, Any] = {}
    todo = list(reversed(seen_from))
    while todo:
        x = todo.pop()
        if isinstance(x, _PLAIN):
            found.append((type(x), x) if x == x else (type(x), repr(x)))  # NaN is no other NaN
            continue
        found.append(id(x))
        if id(x) in kept:
            continue
        kept[id(x)] = x
        if type(x) is np.ndarray:
            found.append((x.shape, x.dtype.str, hash(x.tobytes())))
        elif type(x) is not Value:
            todo += list(_inside(x))
    return found, list(kept.values())


def _inside(x: Any) -> Iterator[Any]:
    """Yield what an object refers to and a function could use."""
    if isinstance(x, dict):
        yield from x.keys()
        yield from x.values()
    elif isinstance(x, list | tuple | set | frozenset):
        yield from x
    elif isinstance(x, types.MethodType):
        yield x.__self__
        yield x.__func__
    elif isinstance(x, functools.partial):
        yield from (x.func, x.args, x.keywords)
    elif isinstance(x, types.FunctionType):
        if not _is_library(x.__module__):
            yield from _of_function(x)
        yield from (cell.cell_contents for cell in x.__closure__ or () if _is_full(cell))
    elif not isinstance(x, type | types.ModuleType | np.ndarray | np.random.Generator):
        for name, held in getattr(x, "__dict__", {}).items():
            if name not in _MOVING:
                yield held
        for kind in type(x).__mro__:
            if not _is_library(kind.__module__):
                yield from (f for f in vars(kind).values() if isinstance(f, types.FunctionType))
                yield from (getattr(x, s, None) for s in vars(kind).get("__slots__", ()))
                yield from (v for v in vars(kind).values() if isinstance(v, (*_PLAIN, np.ndarray)))


def _of_function(function: types.FunctionType) -> Iterator[Any]:
    """Yield the defaults of a function, and the globals that it names."""
    yield from (function.__defaults__, function.__kwdefaults__)
    names = set(_names(function.__code__))
    for name in sorted(names & function.__globals__.keys()):
        held = function.__globals__[name]
        yield held
        if isinstance(held, types.ModuleType | type) and not _is_library(
            held.__name__ if isinstance(held, types.ModuleType) else held.__module__
        ):
            yield from (getattr(held, inner, None) for inner in sorted(names))


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _is_library(module: str) -> bool:
    return (module or "").split(".")[0] in ("tinygrad_edu", "numpy", "builtins", "math")


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018, asks whether there is something
    except ValueError:
        return False
    return True


def names_around(function: Any) -> dict[int, str]:
    """Return what the Values that a function can see are called there, by their ids.

    A layer that it sees names its parameters: `dense1.weight`; of one layer alone, `weight`.
    """
    found: dict[int, str] = {}
    if not _has_code(function):
        function = getattr(function, "forward", function)
    owner = getattr(function, "__self__", None)
    named = [] if owner is None else [("", owner)]
    plain = getattr(function, "__func__", function)
    if isinstance(plain, types.FunctionType):
        cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
        named += [(name, cell.cell_contents) for name, cell in cells if _is_full(cell)]
        outside = plain.__globals__
        named += [(n, outside[n]) for n in sorted(set(_names(plain.__code__))) if n in outside]
    layers = [held for _, held in named if hasattr(held, "named_parameters")]
    for name, held in named:
        if type(held) is Value:
            found.setdefault(id(held), held.name or name)
        elif hasattr(held, "named_parameters"):
            for inner, value in held.named_parameters().items():
                full = inner if len(layers) == 1 or not name else f"{name}.{inner}"
                found.setdefault(id(value), full)
        elif isinstance(held, list | tuple | dict):
            pairs = held.items() if isinstance(held, dict) else enumerate(held)
            for key, value in pairs:
                if type(value) is Value:
                    found.setdefault(
                        id(value), value.name or f"{name}{key}" if type(key) is int else str(key)
                    )
    return found


def _has_code(function: Any) -> bool:
    return isinstance(function, types.FunctionType | types.MethodType)
