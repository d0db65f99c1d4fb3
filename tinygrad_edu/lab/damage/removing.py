"""A network with parts of it gone.

No single neuron knows what a 4 looks like. That knowledge is spread over all of them, so a network that loses
some gets a little worse instead of failing, unlike a program that loses some of its lines.

A removed neuron is one that nobody hears: its outgoing weights are 0, which is what a neuron that says 0
comes to. To set its incoming weights to 0 would be something else, since a sigmoid without a bias then says
σ(0) = ½ to everything. A removed link is a weight of 0. Biases stay. The model itself is never changed: what
is returned is a damaged copy.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.lab.damage.neurons import (
    by_name,
    by_neuron,
    check_sequential,
    chosen_layers,
    has_neurons,
    hidden_layers,
)
from tinygrad_edu.training import Sequential


def silence(model: Sequential, neurons: Mapping[str, ArrayLike]) -> Sequential:
    """Return a copy of the model in which the given neurons of the given hidden layers are not heard.

    `neurons` are indices from 0 by the name of their layer, as `hidden_neurons` tells them.

    Raises ValueError for unknown layers, IndexError for neurons that the layer does not have.

    >>> from tinygrad_edu.nn import Dense, Sigmoid
    >>> model = Sequential(Dense(2, 3), Sigmoid(), Dense(3, 1), rng=0)
    >>> (silence(model, {"dense1": [0, 2]})[2].weight.data != 0).ravel()
    array([False,  True, False])
    """
    hidden = hidden_layers(model)
    damaged = copy.deepcopy(model)
    layers = damaged.in_order()
    for name, chosen in neurons.items():
        size, listener = by_name(hidden, name, "hidden layer")
        gone = np.asarray(chosen)
        if gone.dtype == bool or not np.isin(gone, np.arange(size)).all():
            raise IndexError(
                f"{name} has {size} neurons, numbered from 0 to {size - 1}, got {gone.tolist()}"
            )
        numbers = np.array(layers[listener].weight.data, order="C")
        by_neuron(numbers, size)[gone.astype(int)] = 0
        layers[listener].weight.data = numbers
    return damaged


def remove_neurons(
    model: Sequential,
    share: float | None = None,
    *,
    count: int | None = None,
    layer: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Sequential:
    """Return a copy of the model without a random share, or count, of its hidden neurons.

    They are drawn from all hidden layers together, or from the one that `layer` names. A share is rounded to
    whole neurons. With the same seed, a larger share takes away the same neurons, and more.

    Raises ValueError for a model without hidden layers, an unknown layer, a share outside of 0 … 1 or a
    count of more than there are, TypeError unless there is either a share or a count.

    >>> from tinygrad_edu.nn import Dense, Sigmoid
    >>> model = Sequential(Dense(2, 4), Sigmoid(), Dense(4, 1), rng=0)
    >>> damaged = remove_neurons(model, 0.5, rng=0)
    >>> int((damaged[2].weight.data == 0).sum()), int((model[2].weight.data == 0).sum())
    (2, 0)
    """
    sizes = {name: hidden.neurons for name, hidden in chosen_layers(model, layer).items()}
    return silence(model, _draw(sizes, share, count, "neurons", rng))


def remove_links(
    model: Sequential,
    share: float | None = None,
    *,
    count: int | None = None,
    layer: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Sequential:
    """Return a copy of the model in which a random share, or count, of the weights is 0.

    They are drawn from all layers together, or from those that lead into the layer that `layer` names. A
    share is rounded to whole links. With the same seed, a larger share takes away the same links, and more.

    Raises as `remove_neurons` does, but needs no hidden layer, only one with weights.

    >>> from tinygrad_edu.nn import Dense, Sigmoid
    >>> model = Sequential(Dense(3, 4), Sigmoid(), Dense(4, 2), rng=0)
    >>> damaged = remove_links(model, count=7, rng=0)
    >>> sum(int((layer.weight.data == 0).sum()) for layer in (damaged[0], damaged[2]))
    7
    """
    check_sequential(model)
    damaged = copy.deepcopy(model)
    named = damaged.named_layers()
    weights = {name: held.weight for name, held in named if has_neurons(name, held)}
    if not weights:
        raise ValueError(f"there are no links in {model!r}; expected a layer with weights")
    if layer is not None:
        weights = {layer: by_name(weights, layer, "layer with weights")}
    sizes = {name: weight.size for name, weight in weights.items()}
    for name, links in _draw(sizes, share, count, "links", rng).items():
        numbers = np.array(weights[name].data, order="C")
        numbers.reshape(-1)[links] = 0
        weights[name].data = numbers
    return damaged


def _draw(
    sizes: Mapping[str, int],
    share: float | None,
    count: int | None,
    what: str,
    rng: int | np.random.Generator | None,
) -> dict[str, NDArray[np.int64]]:
    """Draw a share, or a count, of all indices below each size, by name."""
    total = sum(sizes.values())
    if (share is None) == (count is None):
        raise TypeError(
            f"expected either a share of the {what}, such as 0.25, or count={total // 4}"
        )
    if share is not None and not 0 <= share <= 1:
        raise ValueError(
            f"expected a share of the {what} from 0 to 1, got {share}; a number of {what} is count=…"
        )
    if count is not None and count not in range(total + 1):
        raise ValueError(f"expected a count from 0 to {total}, the number of {what}, got {count}")
    number = round(share * total) if share is not None else count
    drawn = np.random.default_rng(rng).permutation(total)[:number]
    parts, start = {}, 0
    for name, size in sizes.items():
        parts[name] = drawn[(drawn >= start) & (drawn < start + size)] - start
        start += size
    return parts
