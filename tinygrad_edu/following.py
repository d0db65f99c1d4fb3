"""Following: whether somebody writes down what is calculated, step by step, to make a program of it.

A program (see `program`) is made by watching one run of a function. Most steps are operations, and are seen
as such. Some functions of plain numbers, such as a check of targets or the drawing of a mask, are better
one step than many: they look into numbers, or ask a random generator. `in_one_step` marks them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

#: Who writes down what is calculated here and now, or None: it has a method `call(function, arguments)`.
follower: ContextVar[Any] = ContextVar("follower", default=None)


def in_one_step(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function of plain numbers that is one step of a program, whatever it does inside.

    >>> @in_one_step
    ... def half(x):
    ...     return x / 2
    >>> half(3.0)
    1.5
    """

    @functools.wraps(function)
    def step(*arguments: Any) -> Any:
        following = follower.get()
        return function(*arguments) if following is None else following.call(function, arguments)

    return step
