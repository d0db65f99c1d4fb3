"""How much damage does how much harm? The accuracy, level by level, each several times.

A single draw may hit an important neuron or miss it, so one number says little. The mean of several draws
says what is to be expected, and their spread how far one can trust it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.lab.damage.images import add_noise, cut_gaps, occlude
from tinygrad_edu.lab.damage.removing import remove_links, remove_neurons
from tinygrad_edu.support import aligned
from tinygrad_edu.training import Sequential, accuracy, evaluate, with_bar

Damage: TypeAlias = Callable[..., Any]
Accuracies: TypeAlias = dict[str, dict[str, NDArray[np.float64]]]

#: From nothing to all.
LEVELS = (0.0, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0)
#: Kinds of damage to a network, functions (model, share, rng=…) → model.
TO_THE_NETWORK: dict[str, Damage] = {
    "hidden neurons removed": remove_neurons,
    "links removed": remove_links,
}
#: Kinds of damage to what it is shown, functions (images, level, rng=…) → images.
TO_IMAGES: dict[str, Damage] = {
    "noise, standard deviation": add_noise,
    "gaps, share of the ink": cut_gaps,
    "patch, share of the image": occlude,
}


def measure_damage(
    models: Mapping[str, Sequential],
    x: Any,
    y: Any,
    levels: Sequence[float] = LEVELS,
    *,
    draws: int = 5,
    seed: int = 0,
    to_the_network: Mapping[str, Damage] = TO_THE_NETWORK,
    to_images: Mapping[str, Damage] = TO_IMAGES,
    verbose: bool = False,
) -> Accuracies:
    """Return accuracies as arrays (levels, draws), by kind of damage and then by model.

    `models` by name; x are images of 0 … 1 as they take them, y the classes, integers of shape (N,).
    `to_the_network` and `to_images` are the kinds of damage by name, by default all those here. Draw k has
    the seed `seed` + k at all levels, so that what is gone at one level is gone at the next as well.
    `verbose` shows a bar in a terminal.

    Raises ValueError for fewer than one draw, and whatever the damages and `evaluate` raise.

    >>> from tinygrad_edu.nn import Dense, ReLU
    >>> model = Sequential(Dense(4, 8), ReLU(), Dense(8, 2), rng=0)
    >>> x, y = np.random.default_rng(0).random((20, 4), np.float32), np.arange(20) % 2
    >>> found = measure_damage({"mine": model}, x, y, [0.0, 1.0], draws=3)
    >>> found["links removed"]["mine"].shape
    (2, 3)
    """
    if draws < 1:
        raise ValueError(f"expected at least one draw, got {draws}")
    pictures = np.asarray(x)
    damages = {**to_the_network, **to_images}
    shape = len(levels), draws
    found: Accuracies = {what: {name: np.empty(shape) for name in models} for what in damages}
    rounds = list(product(damages, models, range(len(levels)), range(draws)))
    for what, name, row, draw in with_bar(rounds, "damage", verbose):
        model, images = models[name], pictures
        if what in to_the_network:
            model = damages[what](model, levels[row], rng=seed + draw)
        else:
            images = damages[what](images, levels[row], rng=seed + draw)
        right = evaluate(model, images, y, metrics={"accuracy": accuracy})
        found[what][name][row, draw] = right["accuracy"]
    return found


def damage_table(
    accuracies: Mapping[str, Mapping[str, ArrayLike]], levels: Sequence[float] = LEVELS
) -> str:
    """Return the mean accuracies of `measure_damage` as text: a row for each model, a column for each level.

    >>> print(damage_table({"noise": {"mine": [[1.0, 0.9], [0.5, 0.6]]}}, [0.0, 0.5]))
    noise    0.00   0.50
      mine  0.950  0.550
    """
    rows = []
    for what, by_model in accuracies.items():
        rows.append([what, *(f"{level:.2f}" for level in levels)])
        for name, measured in by_model.items():
            means = np.asarray(measured, float).mean(axis=1)
            rows.append([f"  {name}", *(f"{mean:.3f}" for mean in means)])
    return "\n".join(aligned(rows))
