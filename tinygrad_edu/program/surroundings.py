"""Surroundings: what a function can see besides its arguments.

A program is right as long as the function that it was recorded from would do the same. That depends on more
than arguments: on whether a layer is training, a rate in an attribute, an array in a variable outside. All
that a function can reach by its variables, and by the attributes of what stands there, is looked at before
each call. Where something is not as it was, the function is recorded again.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from tinygrad_edu.value import Value

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), np.generic, np.dtype)
#: What an optimizer changes from step to step, and what is handed to a program anew.
_MOVING = {"steps", "lr", "_memory"}
_EMPTY = object()

#: How to look at a thing again: it returns what to compare, and what there is to look into.
Look = Callable[[], tuple[Any, Iterable[Any]]]


class Surroundings:
    """What functions and objects can see, as it was when this was made.

    Things are compared by identity: that is fast, and another float of the same size only means that a
    function is recorded once more. Of arrays the numbers are compared.

    >>> rate = 0.5
    >>> def half(x):
    ...     return rate * x
    >>> around = Surroundings(half)
    >>> around.are_same()
    True
    """

    def __init__(self, *seen_from: Any) -> None:
        self._looks: list[tuple[Look, Any]] = []
        self._kept: dict[int, Any] = {}  # so that no other thing takes their place in memory
        todo = list(seen_from)
        while todo:
            x = todo.pop()
            if id(x) in self._kept:
                continue
            self._kept[id(x)] = x
            for look in _looks_at(x):
                seen, inside = look()
                self._looks.append((look, seen))
                todo += inside

    def are_same(self) -> bool:
        """Return whether all is as it was."""
        return all(look()[0] == before for look, before in self._looks)


def _looks_at(x: Any) -> Iterator[Look]:
    """Yield how to look at what a function could use of a thing."""
    if isinstance(x, (*_PLAIN, Value, np.random.Generator)):
        return
    if isinstance(x, np.ndarray):
        yield partial(_array, x)
    elif isinstance(x, dict):
        yield partial(_dict, x)
    elif isinstance(x, list | tuple | set | frozenset | deque):
        yield partial(_items, x)
    elif isinstance(x, types.MethodType):
        yield partial(_items, (x.__self__, x.__func__))
    elif isinstance(x, property):
        yield partial(_items, (x.fget, x.fset))
    elif isinstance(x, partial):
        yield partial(_items, (x.func, x.args, x.keywords))
    elif isinstance(x, types.FunctionType):
        yield partial(_cells, x.__closure__ or ())
        if not _is_library(x.__module__):
            yield from _of_function(x)
    elif not isinstance(x, type | types.ModuleType):
        if hasattr(x, "__dict__"):
            is_optimizer = _is_library(type(x).__module__) and hasattr(x, "learning_rate")
            yield partial(_settings if is_optimizer else _dict, vars(x))
        for kind in type(x).__mro__:
            if not _is_library(kind.__module__):
                yield partial(_dict, vars(kind))
                yield partial(_attributes, x, tuple(vars(kind).get("__slots__", ())))


def _of_function(function: types.FunctionType) -> Iterator[Look]:
    """Yield how to look at the defaults of a function, and at the globals that it names."""
    yield lambda: _items((function.__defaults__, function.__kwdefaults__, function.__code__))
    names = set(_names(function.__code__))
    outside = function.__globals__
    known = tuple(sorted(names & outside.keys()))
    yield lambda: _items([outside.get(name, _EMPTY) for name in known])
    for name in known:
        held = outside[name]
        if isinstance(held, types.ModuleType | type) and not _is_library(_module_of(held)):
            yield partial(_attributes, held, tuple(sorted(names)))


def _items(held: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    return tuple(map(id, held)), held


def _dict(held: Mapping[Any, Any]) -> tuple[Any, Iterable[Any]]:
    return (tuple(map(id, held)), tuple(map(id, held.values()))), held.values()


def _settings(held: Mapping[str, Any]) -> tuple[Any, Iterable[Any]]:
    return _items([x for name, x in held.items() if name not in _MOVING])


def _attributes(x: Any, names: tuple[str, ...]) -> tuple[Any, Iterable[Any]]:
    return _items([getattr(x, name, _EMPTY) for name in names])


def _array(x: np.ndarray[Any, Any]) -> tuple[Any, Iterable[Any]]:
    return (x.shape, x.dtype.str, hash(x.tobytes())), ()


def _cells(cells: tuple[Any, ...]) -> tuple[Any, Iterable[Any]]:
    return _items([cell.cell_contents if _is_full(cell) else _EMPTY for cell in cells])


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _module_of(x: Any) -> str:
    return str(x.__name__ if isinstance(x, types.ModuleType) else x.__module__)


@cache
def _is_library(module: str) -> bool:
    """Return whether a module is part of a library, whose functions stay as they are."""
    first = (module or "builtins").split(".")[0]
    if first in sys.stdlib_module_names - {"__main__"} or first == "tinygrad_edu":
        return True
    file = getattr(sys.modules.get(first), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


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
