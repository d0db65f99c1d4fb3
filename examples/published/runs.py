"""Runs: plain settings in, plain numbers out.

A number that is to be checked by others needs all that it depends on written beside it: which network,
which settings, which data, which seed. So a run is exactly that, and nothing else decides what it gives.
Its result is numbers and lists of numbers, which a file keeps and a person reads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from published import by_autograd, by_rule
from tinygrad_edu.datasets import Dataset, Pixels, load_handwriting
from tinygrad_edu.support import limit_threads


@dataclass(frozen=True)
class Kind:
    """What is run: a function, and about how many seconds it takes on MNIST and one core.

    The function takes (data, seed, **settings); one that needs no data and no chance, the settings only.
    """

    function: Callable[..., dict[str, Any]]
    seconds: Callable[..., float]
    needs_data: bool = True


KINDS = {
    "links": Kind(by_rule.links, lambda: 0.1, needs_data=False),
    "slides": Kind(by_rule.slides, lambda: 0.1, needs_data=False),
    "mazur": Kind(by_rule.mazur, lambda **_: 2.0, needs_data=False),
    "football": Kind(by_rule.football, lambda: 0.1, needs_data=False),
    "rashid": Kind(by_rule.rashid, by_rule.rashid_seconds),
    "rashid_damaged": Kind(by_rule.rashid_damaged, lambda **_: 45.0),
    "rashid_honest": Kind(by_autograd.by_recipe("rashid"), lambda: 300.0),
    "nielsen": Kind(by_autograd.nielsen, lambda falling: 60.0),
    "dense": Kind(by_autograd.dense, lambda epochs, **_: 8.0 * epochs),
    "keras_mlp": Kind(by_autograd.keras_mlp, lambda falling: 100.0),
    "convolution": Kind(by_autograd.by_recipe("convolution"), lambda: 400.0),
}


@dataclass(frozen=True)
class Run:
    """One training or calculation: its kind, which is a name in KINDS, its settings, its seed.

    >>> print(Run.of("rashid", hidden=200, rate=0.1).with_seed(2))
    rashid hidden=200 rate=0.1 seed=2
    """

    kind: str
    settings: tuple[tuple[str, Any], ...] = ()
    seed: int = 0

    @classmethod
    def of(cls, kind: str, **settings: Any) -> "Run":
        """Return a run by its settings; they are kept in this order."""
        return cls(kind, tuple(settings.items()))

    @property
    def by_chance(self) -> bool:
        """Whether a seed plays a part in it."""
        return KINDS[self.kind].needs_data

    def with_seed(self, seed: int) -> "Run":
        """Return the same run with another seed, or itself if chance plays no part in it."""
        return replace(self, seed=seed) if self.by_chance else self

    @property
    def name(self) -> str:
        """Its kind and settings in a line, without the seed."""
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.settings)])

    def __str__(self) -> str:
        return f"{self.name} seed={self.seed}" if self.by_chance else self.name

    def seconds(self) -> float:
        """Return about how long it takes on 60,000 images and one core; only the ratios matter."""
        return KINDS[self.kind].seconds(**dict(self.settings))

    def __call__(self, data: Dataset) -> dict[str, Any]:
        """Do it; return plain numbers by name."""
        given = (data, self.seed) if self.by_chance else ()
        return KINDS[self.kind].function(*given, **dict(self.settings))


def perform(run: Run, name: str, images: int | None) -> tuple[Run, dict[str, Any] | str, float]:
    """Do a run in one thread, for there are others beside it; return it, its result and its seconds.

    An error is returned, too, in words: the other runs may take hours, and need nothing from this one.
    """
    data = load(name, images)
    begin = time.perf_counter()
    result: dict[str, Any] | str
    try:
        with limit_threads(1):
            result = run(data)
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    return run, result, time.perf_counter() - begin


@lru_cache(maxsize=1)
def load(name: str, images: int | None) -> Dataset:
    """Return the data, or only its first training images; it is read once in a process."""
    data = load_handwriting(name)
    few = slice(images)
    return replace(data, x_train=Pixels(data.x_train.raw[few]), y_train=data.y_train[few])
