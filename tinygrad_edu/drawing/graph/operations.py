"""What is written into an operation's circle: its symbol, and what else it was told, such as an axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.value import Value


def operation_title(value: Value) -> str:
    """Return an operation's symbol, with what else it was told where that is short: "Σ axis=0"."""
    assert value.op is not None
    title = value.op.symbol
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
