"""The hand-derived networks once more, with Values: the forward pass only, since the rest is autograd's.

Each network of `by_hand` takes a page of derivation. Its twin here is what remains when the derivatives are
left to the machine: the same formulas, forward. A twin reads the network's parameters each time that it is
called, so it keeps up with a network in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.by_hand import (
    Network,
    NielsenNetwork,
    RashidNetwork,
    SigmoidNeuron,
    SoftmaxMLP,
    WorkedExample,
    worked_example,
)
from tinygrad_edu.nn import half_squared_error
from tinygrad_edu.number import Array
from tinygrad_edu.value import Value

Parameters: TypeAlias = dict[str, Value]


def twin(network: Any) -> Callable[..., Value]:
    """Return the error of a hand-derived network as a function of its data that returns a Value.

    The function takes what `network.error` takes. The Values in it have the names of
    `network.parameters()`, so that `compare` and `audit` can match them.

    Raises TypeError for what is no network of `by_hand`.

    >>> network = RashidNetwork(2, 3, 2, rng=0)
    >>> error = twin(network)([0.5, 1.0], [0.01, 0.99])
    >>> round(error.data - network.error([0.5, 1.0], [0.01, 0.99]), 12)
    0.0
    """
    forward = TWINS.get(type(network))
    if forward is None:
        known = ", ".join(kind.__name__ for kind in TWINS)
        raise TypeError(f"expected one of {known}, got {type(network).__name__}")

    def error(*data: Any, **options: Any) -> Value:
        p = {name: Value(array, name) for name, array in network.parameters().items()}
        result: Value = forward(network, p, *data, **options)
        return result

    return error


def named(value: Value, name: str) -> Value:
    """Give a computed Value a name, for explanations and pictures.

    >>> named(Value(1.0) + 1.0, "next")
    Value(2.0, name='next')
    """
    value.name = name
    return value


def _sigmoid_neuron(_: SigmoidNeuron, p: Parameters, inputs: Any, targets: Any) -> Value:
    x, t = _floats(inputs), _floats(targets)
    a = ops.sigmoid(x @ p["weights"] + p["bias"])
    error: Value = half_squared_error(a, t) / float(len(t))
    return error


def _links(network: Network, p: Parameters, inputs: Any, expected: Any) -> Value:
    y: Array = _floats(inputs)
    if network.squash_inputs:
        y = ops.sigmoid(y)
    for layer in range(len(network.link_layers)):
        z = y @ p[f"weights[{layer}]"]
        y = ops.sigmoid(z + p[f"biases[{layer}]"] if network.bias_neurons else z)
    error: Value = half_squared_error(y, _floats(expected))
    return error


def _worked_example(
    network: WorkedExample,
    p: Parameters,
    inputs: Any = worked_example.INPUTS,
    targets: Any = worked_example.TARGETS,
) -> Value:
    """Node by node, with the article's names, so that `explain` speaks its language."""
    (i1, i2), (t1, t2) = map(float, inputs), map(float, targets)
    w: dict[str, Any] = network.values | p  # a frozen bias stays a number
    net_h1 = named(w["w1"] * i1 + w["w2"] * i2 + w["b_h1"], "net_h1")
    net_h2 = named(w["w3"] * i1 + w["w4"] * i2 + w["b_h2"], "net_h2")
    h1, h2 = named(net_h1.sigmoid(), "out_h1"), named(net_h2.sigmoid(), "out_h2")
    net_o1 = named(w["w5"] * h1 + w["w6"] * h2 + w["b_o1"], "net_o1")
    net_o2 = named(w["w7"] * h1 + w["w8"] * h2 + w["b_o2"], "net_o2")
    o1, o2 = named(net_o1.sigmoid(), "out_o1"), named(net_o2.sigmoid(), "out_o2")
    return named(0.5 * (t1 - o1) ** 2 + 0.5 * (t2 - o2) ** 2, "E")


def _nielsen(network: NielsenNetwork, p: Parameters, inputs: Any, targets: Any) -> Value:
    a: Array = _floats(inputs)
    y = _floats(targets)
    for layer in range(len(network.weights)):
        z = a @ p[f"weights[{layer}]"].T + p[f"biases[{layer}]"]
        a = ops.sigmoid(z)
    if network.cost == "quadratic":
        total: Value = half_squared_error(a, y)
    else:  # −(y ln a + (1 − y) ln(1 − a)) = ln(1 + e^z) − y·z, which never takes the logarithm of 0
        total = ops.sum(ops.softplus(z) - y * z)
    return total / float(len(y))


def _rashid(_: RashidNetwork, p: Parameters, inputs: Any, targets: Any) -> Value:
    h = named(ops.sigmoid(p["wih"] @ _floats(inputs)), "h")
    o = named(ops.sigmoid(p["who"] @ h), "o")
    error: Value = half_squared_error(o, _floats(targets))
    return error


def _softmax_mlp(
    network: SoftmaxMLP,
    p: Parameters,
    inputs: Any,
    labels: Any,
    masks: Sequence[Any] | None = None,
) -> Value:
    a: Array = np.asarray(inputs, network.dtype)
    last = len(network.sizes) - 1
    for layer in range(1, last + 1):
        a = ops.dense(a, p[f"dense{layer}.weight"], p[f"dense{layer}.bias"])
        if layer < last:
            a = ops.relu(a)
            a = a if masks is None else a * np.asarray(masks[layer - 1], network.dtype)
    error: Value = ops.softmax_cross_entropy(a, labels=labels)
    return error


def _floats(given: Any) -> np.ndarray[Any, Any]:
    return np.asarray(given, dtype=float)


#: The twin of each kind of network.
TWINS: dict[type[Any], Callable[..., Value]] = {
    SigmoidNeuron: _sigmoid_neuron,
    Network: _links,
    WorkedExample: _worked_example,
    NielsenNetwork: _nielsen,
    RashidNetwork: _rashid,
    SoftmaxMLP: _softmax_mlp,
}
