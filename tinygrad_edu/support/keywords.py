"""Keywords: what one library calls learning_rate, another calls lr.

Who comes from another library types its names. Python would answer that the keyword is unexpected; here the
answer is the name that it has with us.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def known_as(
    **ours: str,
) -> Callable[[Callable[_Given, _Result]], Callable[_Given, _Result]]:
    """Decorate a function: a keyword that it does not know is answered with what `ours` says to write.

    A keyword that nobody has foreseen is answered with the closest one, or with all that there are. For an
    `__init__`, the class is named.

    Raises TypeError for such a keyword, before the function is called.

    >>> @known_as(learning_rate="lr")
    ... def descend(lr=0.1, steps=10): ...
    >>> descend(learning_rate=0.5)
    Traceback (most recent call last):
    TypeError: descend() has no option learning_rate; write lr
    >>> descend(step=3)
    Traceback (most recent call last):
    TypeError: descend() has no option step; did you mean steps?
    """

    def decorate(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        name = function.__qualname__.removesuffix(".__init__")
        known = [option for option in inspect.signature(function).parameters if option != "self"]

        @functools.wraps(function)
        def call(*arguments: _Given.args, **options: _Given.kwargs) -> _Result:
            for option in options:
                if option not in known:
                    raise TypeError(
                        f"{name}() has no option {option}; {_instead(option, known, ours)}"
                    )
            return function(*arguments, **options)

        return call

    return decorate


def _instead(option: str, known: list[str], ours: dict[str, str]) -> str:
    if option in ours:
        return f"write {ours[option]}"
    close = get_close_matches(option, known, n=1)
    return f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
