"""Messages: what a page may ask for, and nothing else.

Whatever comes over the network may have been written by anybody. So every message is held against this list
before anything is done: which fields it has, of which kind, how long, and within which bounds.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.playground.settings import LONGEST_LINK, MOST_LAYERS, MOST_NEURONS

#: No message is longer than this, in bytes.
LONGEST = 1 << 20
#: A drawing has at most as many dots in each direction.
WIDEST = 800
_HEAD = struct.Struct("<HHhHH")

Check = Callable[[Any], bool]


class MessageError(ValueError):
    """A message that is none of those that a page sends."""


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= 1e6


_WEIGHT = {
    "layer": _whole(0, MOST_LAYERS),
    "source": _whole(-1, MOST_NEURONS - 1),  # −1 is the bias
    "target": _whole(0, MOST_NEURONS - 1),
}

#: The fields of each message, by what it asks to `do`.
SCHEMA: Mapping[str, Mapping[str, Check]] = {
    "open": {"link": _text(LONGEST_LINK)},
    "change": {"key": _text(40), "value": _text(LONGEST_LINK)},
    "play": {},
    "pause": {},
    "epoch": {},
    "batch": {},
    "reset": {},
    "fast": {"on": _flag},
    "ready": {},
    "weight": {**_WEIGHT, "value": _number},
    "blame": _WEIGHT,
    "slow": {},
    "graph": {"fold": lambda value: value in ("layers", "neurons", "nothing"), "page": _flag},
    "csv": {"text": _text(200_000)},
    "program": {},
    "numpy": {},
    "digits": {},
}


def read_message(text: str) -> dict[str, Any]:
    """Return a message, if it is one. Raises MessageError.

    >>> read_message('{"do": "fast", "on": true}')
    {'do': 'fast', 'on': True}
    >>> read_message('{"do": "fast", "on": 1}')
    Traceback (most recent call last):
    tinygrad_edu.playground.messages.MessageError: 'fast' needs another kind of 'on'
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("expected JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("do"), str):
        raise MessageError('expected an object with the field "do"')
    do = message["do"]
    if do not in SCHEMA:
        raise MessageError(f"there is no message {do[:40]!r}")
    wanted = SCHEMA[do]
    if set(message) != {"do", *wanted}:
        raise MessageError(f"{do!r} has the fields {', '.join(wanted) or 'none'}")
    for name, check in wanted.items():
        if not check(message[name]):
            raise MessageError(f"{do!r} needs another kind of {name!r}")
    return message


def read_drawing(data: bytes) -> dict[str, Any]:
    """Return the message in the bytes of a drawing: five numbers of two bytes each, then a byte a dot.

    The numbers are width, height, a label or −1 for whatever the network says, how many neurons to remove,
    and 1 for a photo, 0 for a drawing; a dot is 0 for black. Raises MessageError for sizes that do not fit.

    >>> read_drawing(bytes([2, 0, 1, 0, 255, 255, 0, 0, 0, 0, 7, 9]))["drawing"]
    array([[7, 9]], dtype=uint8)
    """
    if len(data) < _HEAD.size:
        raise MessageError("expected a drawing")
    width, height, label, removed, photo = _HEAD.unpack_from(data)
    fits = len(data) == _HEAD.size + width * height
    if not (1 <= width <= WIDEST and 1 <= height <= WIDEST and fits):
        raise MessageError(f"expected a drawing of at most {WIDEST}×{WIDEST} dots")
    if not (-1 <= label <= 9 and photo in (0, 1)):
        raise MessageError("expected a label from 0 to 9, and 1 for a photo")
    drawing = np.frombuffer(data, np.uint8, offset=_HEAD.size).reshape(height, width)
    return {
        "do": "look", "drawing": drawing, "label": label, "removed": removed, "photo": bool(photo),
    }  # fmt: skip
