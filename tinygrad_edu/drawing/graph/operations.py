"""What is written into an operation's circle: its symbol, and what else it was told, such as an axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.value import Value

#: Powers that people write as a raised number.
_RAISED = {2.0: "x²", 3.0: "x³"}


def raised_symbol(value: Value) -> str:
    """Return "x²" or "x³" for a square or a cube, whose exponent is then no number by itself, else "".

    >>> x = Value(3.0)
    >>> raised_symbol(x**2), raised_symbol(x**2.5), raised_symbol(2.0**x)
    ('x²', '', '')
    """
    exponent = value.inputs[1] if value.op is ops.power else None
    return _RAISED.get(exponent, "") if type(exponent) is float else ""


def operation_symbol(value: Value) -> str:
    """Return what stands for a Value's operation where there is little room: "×", "x²"; a leaf has none."""
    return raised_symbol(value) or (value.op.symbol if value.op else "")


def operation_title(value: Value) -> str:
    """Return an operation's symbol, with what else it was told where that is short: "Σ axis=0"."""
    title = operation_symbol(value)
    if "index" in value.options and len(text := _index_text(value.options["index"])) <= 12:
        return f"[{text}]" if title == "[ ]" else f"{title} [{text}]"
    told = _told(value.options)
    return f"{title}\n{told}" if told and len(told) <= 20 else title


def _told(options: Mapping[str, Any]) -> str:
    shown = {
        name: x
        for name, x in options.items()
        if isinstance(x, int | float | tuple) and x is not False and name not in ("index", "labels")
    }
    return ", ".join(f"{name}={x}" for name, x in shown.items())


def _index_text(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    texts = []
    for part in parts:
        if isinstance(part, slice):
            ends = ("" if end is None else str(end) for end in (part.start, part.stop))
            texts.append(":".join(ends) + (f":{part.step}" if part.step is not None else ""))
        else:
            texts.append("…" if part is ... else str(part))
    return ", ".join(texts)
