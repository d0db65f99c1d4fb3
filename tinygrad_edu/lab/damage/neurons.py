"""Which neurons are hidden, and who hears them.

Hidden neurons are those between the inputs and the answers. Each says one number, or one map of numbers in a
convolution, and the next layer of neurons hears it. With Dense layers one row of the next weights belongs to
each neuron; with convolutions one channel; and where `Flatten` has laid a map out in a row, as many rows as
the map has places.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.nn import Conv2D, Dense
from tinygrad_edu.training import Sequential


class Hidden(NamedTuple):
    """A hidden layer: how many neurons it has, and the place of the layer that hears them."""

    neurons: int
    listener: int


def hidden_neurons(model: Sequential) -> dict[str, int]:
    """Return the names of the hidden layers, and how many neurons each has.

    Hidden are all layers of neurons but the last one, whose neurons are the answers. The neurons of a Dense
    layer are its outputs, those of a convolution its feature maps.

    Raises TypeError for anything but a Sequential, and for layers with weights that are neither Dense nor
    Conv2D, ValueError if it is unclear which inputs hear which neurons.

    >>> from tinygrad_edu.nn import Dense, ReLU
    >>> hidden_neurons(Sequential(Dense(64, 30), ReLU(), Dense(30, 20), ReLU(), Dense(20, 10)))
    {'dense1': 30, 'dense2': 20}
    """
    return {name: hidden.neurons for name, hidden in hidden_layers(model).items()}


def check_sequential(model: Any) -> None:
    """Raise TypeError unless the layers of a model stand in order."""
    if not isinstance(model, Sequential):
        raise TypeError(
            f"expected a Sequential, whose layers stand in order, got {type(model).__name__}"
        )


def has_neurons(name: str, layer: Any) -> bool:
    """Return whether a layer has neurons of its own. Raises TypeError for weights of another kind."""
    if isinstance(layer, Dense | Conv2D):
        return True
    if any(len(value.shape) > 1 for value in layer.parameters()):
        raise TypeError(
            f"cannot tell what the neurons of {name} ({type(layer).__name__}) are; expected no layers with "
            "weights but Dense and Conv2D"
        )
    return False


def hidden_layers(model: Sequential) -> dict[str, Hidden]:
    """Return the hidden layers by name. Raises ValueError if it is unclear who hears a neuron."""
    check_sequential(model)
    layers = list(model.named_layers())
    found = {}
    for place, listener in pairwise(n for n, held in enumerate(layers) if has_neurons(*held)):
        (name, speaks), (next_name, hears) = layers[place], layers[listener]
        # Weights are (in, out) in a Dense layer, (height, width, in, out) in a convolution.
        neurons, inputs = speaks.weight.shape[-1], hears.weight.shape[-2]
        # A feature map that is laid out in a row, by Flatten, becomes several inputs.
        laid_out = isinstance(speaks, Conv2D) and isinstance(hears, Dense)
        if inputs != neurons and not (laid_out and inputs % neurons == 0):
            raise ValueError(
                f"cannot tell which of the {inputs} inputs of {next_name} hear which of the {neurons} "
                f"neurons of {name}; between the two, expected layers that keep neurons apart"
            )
        found[name] = Hidden(neurons, listener)
    return found


def chosen_layers(model: Sequential, layer: str | None) -> dict[str, Hidden]:
    """Return all hidden layers, or the one of that name; ValueError if there is none."""
    hidden = hidden_layers(model)
    if not hidden:
        raise ValueError(
            f"there is no hidden layer in {model!r}; expected at least two layers of neurons"
        )
    return hidden if layer is None else {layer: by_name(hidden, layer, "hidden layer")}


def by_name(named: Mapping[str, Any], name: str, what: str) -> Any:
    """Return what has this name; ValueError that lists the names there are."""
    if name not in named:
        raise ValueError(f"there is no {what} {name!r}; expected one of {', '.join(named)}")
    return named[name]


def by_neuron(weight: NDArray[Any], neurons: int) -> NDArray[Any]:
    """Return a view of a layer's weights, those at the same neuron before it together."""
    return np.moveaxis(weight, -2, 0) if weight.ndim == 4 else weight.reshape(neurons, -1)
