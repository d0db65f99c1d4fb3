"""Recording: whether what is calculated is remembered, so that one can go backward through it.

It is, unless a block says otherwise. Such a block holds for its own thread or task. And it holds for its own
lines: a generator that rests at a `yield` inside of it is not calculating, its caller is, and what the caller
calculates is recorded.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any

#: The blocks that we are in, the innermost last. One that Ctrl-C has interrupted as it was entered or left is
#: held by nobody any more, and counts no longer.
switches: ContextVar[tuple[weakref.ref[Switch], ...]] = ContextVar("switches", default=())


class Switch:
    """Switches recording on or off, for a `with` block or for a function that it decorates.

    >>> with Switch(False):
    ...     is_recording()
    False
    """

    def __init__(self, on: bool) -> None:
        self.on = on
        self.generator: FrameType | None = None

    def __enter__(self) -> None:
        self.generator = _generator_around(sys._getframe(1))
        switches.set((*switches.get(), weakref.ref(self)))

    def __exit__(self, *_: object) -> None:
        # Blocks of generators end in any order, so each takes itself out, and no other.
        switches.set(tuple(other for other in switches.get() if other() not in (None, self)))

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function. Raises TypeError for one whose lines run later, after it was called."""
        later = inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.iscoroutinefunction
        if any(is_later(function) for is_later in later):
            raise TypeError(
                f"{function.__name__} is a generator or async function, whose lines run after its call has "
                "ended; write `with no_grad():` inside of it"
            )

        @functools.wraps(function)
        def switched(*inputs: Any, **options: Any) -> Any:
            with Switch(self.on):
                return function(*inputs, **options)

        return switched


def is_recording() -> bool:
    """Return whether calculations are recorded here and now.

    >>> is_recording()
    True
    """
    for switch in (held() for held in reversed(switches.get())):
        # The frame of a generator that rests was called by nobody.
        if switch is None:
            continue
        if switch.generator is None or switch.generator.f_back is not None:
            return switch.on
    return True


def _generator_around(frame: FrameType | None) -> FrameType | None:
    """Return the frame in which a block begins if it is that of a generator; None for any other function.

    None, too, for a generator that serves as a context manager: it rests on behalf of the block that is
    written under its own `with`.
    """
    while frame and _is_contextlib(frame):  # ExitStack.enter_context
        frame = frame.f_back
    rests = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
    if frame is None or not frame.f_code.co_flags & rests or _is_contextlib(frame.f_back):
        return None
    return frame


def _is_contextlib(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_globals.get("__name__") == "contextlib"
