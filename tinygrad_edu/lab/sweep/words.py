"""Words for settings and measurements, the same in tables, charts and progress lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

#: What one run is trained with: arguments by name.
Setting: TypeAlias = dict[str, Any]


def better(value: float, monitor: str) -> float:
    """Return a number that is larger the better the value is: of losses, less is better; NaN never."""
    if math.isnan(value):
        return -math.inf
    return -value if monitor.endswith("loss") else value


def distinct(items: Iterable[Any]) -> list[Any]:
    """Return each item once, in the order of their first appearance. Dicts are welcome: no hash is needed."""
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def varying(settings: Sequence[Setting]) -> list[str]:
    """Return the names of what is not the same in all settings; of a single setting, all.

    >>> varying([{"lr": 0.1, "layers": "64"}, {"lr": 0.2, "layers": "64"}])
    ['lr']
    """
    names = distinct(name for setting in settings for name in setting)
    different = [n for n in names if len(distinct(s.get(n) for s in settings)) > 1]
    return different or names


def words_for(setting: Setting, names: Iterable[str] | None = None) -> str:
    """Return a setting in words: "lr 0.1, layers 64", or only what is named of it."""
    return ", ".join(
        f"{name} {shown(setting[name])}" for name in (setting if names is None else names)
        if name in setting
    )  # fmt: skip


def shown(value: Any) -> str:
    """Return a choice as people write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def measurement(value: float, monitor: str) -> str:
    """Return a measurement with four digits, accuracies in percent; nothing for NaN.

    >>> measurement(0.9876, "val_accuracy"), measurement(0.9876, "val_loss")
    ('98.76', '0.9876')
    >>> measurement(math.nan, "val_loss")
    ''
    """
    if math.isnan(value):
        return ""
    return f"{100 * value:.2f}" if monitor.endswith("accuracy") else f"{value:.4f}"


def with_unit(value: float, monitor: str, unit: str = " %") -> str:
    """Return a measurement as prose has it; `unit` is that of accuracies, " points" for a difference.

    >>> with_unit(0.9876, "val_accuracy"), with_unit(0.0312, "val_accuracy", " points")
    ('98.76 %', '3.12 points')
    """
    return measurement(value, monitor) + (unit if monitor.endswith("accuracy") else "")
