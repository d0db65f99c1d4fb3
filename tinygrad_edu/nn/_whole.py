"""All or nothing: several things replaced in one go, so that no interrupt leaves some old and some new.

Ctrl-C may stop a program between any two instructions of Python. A loop that assigns one parameter after
the other can be stopped after half of them, and a network whose first layer has stepped and whose second has
not is one that nobody has trained. But within one call to a function that is written in C, Python looks for
no signal. So everything new is computed first, and a single such call puts it in place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import starmap
from typing import Any, TypeAlias

from tinygrad_edu.number import own
from tinygrad_edu.value import Value, next_birth

#: An object, the name of one of its attributes, and what shall be there.
Change: TypeAlias = tuple[Any, str, Any]


def new_data(value: Value, data: Any) -> list[Change]:
    """Return the changes that `value.data = data` makes; raise what that raises."""
    number = own(data, value._number, "data", lambda: value.name or "a parameter")
    return [(value, "_number", number), (value, "birth", next_birth())]


def replace_together(changes: Iterable[Change]) -> None:
    """Make all changes, or none where an interrupt comes first.

    >>> one, other = Value(1.0), Value(2.0)
    >>> replace_together(new_data(one, 3.0) + new_data(other, 4.0))
    >>> one.data, other.data
    (3.0, 4.0)
    """
    ready = list(changes)
    deque(starmap(object.__setattr__, ready), maxlen=0)  # one call, and no Python within it
