"""Whose fault is this? A network as Neurons and Links that pass blame along, after Lernmi.

Forward, each Link carries its input Neuron's output times its weight to its output Neuron, which
sums what arrives and applies the sigmoid. Backward, blame travels the other way. Lernmi calls it
*sensitivity*: how much the total error E = Σ ½(actual − expected)² changes with a Neuron's
output. The last layer's is actual − expected. A Link multiplies its output Neuron's by o(1 − o),
which gives its *output sensitivity*; times the input that is the fault of the weight, times the
weight it is what the input Neuron is to blame for. A Neuron sums the blame of all its Links, and
so on.

The section on Links in the source is right, and its numbers are the doctest of `Link`. Its
general paragraph on backpropagation swaps "weight" and "forward value" (it is the *input* that
multiplies into the change of the weight, the *weight* into what is sent back), and says "add"
where the change must be subtracted: added, its example's change of −.00048 would be +.00048, a
step up the error.

Two quirks are options here: input Neurons squash their input too (0 → .5, 1 → .731), and a bias is
a Neuron that always says 1. Both leave the gradient exact; they change the function, not the
calculus. They are not free, though: squashed, a 0 and a 1 are so alike that exclusive or with
[2, 3, 1] and rate .1 took about 100,000 rounds of its four samples to reach a summed E of .02, and
about 10,000 with the inputs as they are. Plain Python, as the source is plain Ruby: every weight is
an object that can be looked at.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.by_hand._checks import floats, layer_sizes, matching_parameters, positive


def sigmoid(x: float) -> float:
    """σ(x) = 1 / (1 + e^−x), of one number.

    >>> round(sigmoid(1.0), 3)
    0.731
    """
    e = math.exp(-abs(x))  # of a number ≤ 0, so it never overflows
    return (1.0 if x >= 0 else e) / (1.0 + e)


class Neuron:
    """Sums what its Links bring (`total`), gives `output`, and collects `sensitivity`, ∂E/∂output.

    >>> neuron = Neuron()
    >>> neuron.total = 1.0
    >>> neuron.fire()
    >>> round(neuron.output, 3)
    0.731
    """

    __slots__ = ("output", "sensitivity", "total")

    def __init__(self, output: float = 0.0) -> None:
        self.total = 0.0
        self.output = output
        self.sensitivity = 0.0

    def fire(self) -> None:
        """Output = σ(total)."""
        self.output = sigmoid(self.total)


class Link:
    """Joins two Neurons with a weight.

    The source's own example, to the digit:

    >>> link = Link(Neuron(output=0.3), Neuron(output=0.8), weight=0.5)
    >>> link.output_neuron.sensitivity = 0.1  # what lies downstream complains this much
    >>> link.back_propagate()
    >>> round(link.output_sensitivity, 6), round(link.input_neuron.sensitivity, 6)
    (0.016, 0.008)
    >>> link.learn(rate=0.1)
    >>> round(link.weight - 0.5, 6)  # the change of weight
    -0.00048
    """

    __slots__ = ("input_neuron", "output_neuron", "output_sensitivity", "weight")

    def __init__(self, input_neuron: Neuron, output_neuron: Neuron, weight: float) -> None:
        self.input_neuron = input_neuron
        self.output_neuron = output_neuron
        self.weight = weight
        self.output_sensitivity = 0.0

    def propagate(self) -> None:
        """Add input × weight to the output Neuron's total."""
        self.output_neuron.total += self.input_neuron.output * self.weight

    def back_propagate(self) -> None:
        """Work out this Link's share of the blame and send the rest upstream."""
        o = self.output_neuron.output
        # ∂E/∂total = ∂E/∂o · ∂o/∂total = sensitivity · o(1 − o)
        self.output_sensitivity = self.output_neuron.sensitivity * o * (1.0 - o)
        # ∂E/∂input = Σ over Links of ∂E/∂total · weight, for total = … + input · weight + …
        self.input_neuron.sensitivity += self.output_sensitivity * self.weight

    @property
    def weight_sensitivity(self) -> float:
        """∂E/∂weight = ∂E/∂total · ∂total/∂weight = output sensitivity · input."""
        return self.output_sensitivity * self.input_neuron.output

    def learn(self, rate: float) -> None:
        """Weight ← weight − rate · input · output sensitivity."""
        self.weight -= rate * self.weight_sensitivity


class NeuronLayer:
    """Neurons side by side, and perhaps a bias Neuron whose output is always 1.

    >>> len(NeuronLayer(2, bias_neuron=True).senders)
    3
    """

    def __init__(self, size: int, bias_neuron: bool) -> None:
        self.neurons = [Neuron() for _ in range(size)]
        self.senders = [*self.neurons, Neuron(output=1.0)] if bias_neuron else self.neurons


class LinkLayer:
    """A Link from every sender of one layer (the bias Neuron last) to every Neuron of the next.

    >>> layer = LinkLayer(NeuronLayer(2, True), NeuronLayer(3, True), np.random.default_rng(0))
    >>> len(layer.links), len(layer.links[0])  # rows are senders, columns are receivers
    (3, 3)
    """

    def __init__(
        self, input_layer: NeuronLayer, output_layer: NeuronLayer, rng: np.random.Generator
    ) -> None:
        self.input_layer = input_layer
        self.output_layer = output_layer
        self.links = [
            [Link(i, o, rng.uniform(-0.5, 0.5)) for o in output_layer.neurons]
            for i in input_layer.senders
        ]

    def propagate(self) -> None:
        """Let every Link bring its share, then every Neuron of the next layer fire."""
        for neuron in self.output_layer.neurons:
            neuron.total = 0.0
        for row in self.links:
            for link in row:
                link.propagate()
        for neuron in self.output_layer.neurons:
            neuron.fire()

    def back_propagate(self) -> None:
        """Pass the next layer's sensitivities on to this layer's senders."""
        for neuron in self.input_layer.senders:
            neuron.sensitivity = 0.0
        for row in self.links:
            for link in row:
                link.back_propagate()


class Network:
    """Layers of Neurons with Links between them; one sample at a time.

    Weights start uniform in −.5…+.5. `squash_inputs` sends the inputs through the sigmoid, too,
    and `bias_neurons` gives every layer but the last a Neuron that says 1: both as in the source.
    Parameters, for each LinkLayer l: "weights[l]" (senders, receivers) and, with bias Neurons,
    "biases[l]" (receivers,), the weights of the bias Neuron's Links.

    >>> negate = Network([1, 1], rate=1.0, rng=0)
    >>> for _ in range(500):
    ...     negate.train_step([0.0], [1.0])
    ...     negate.train_step([1.0], [0.0])
    >>> [round(negate.run([x])[0]) for x in (0.0, 1.0)]
    [1, 0]
    """

    def __init__(
        self,
        sizes: Iterable[int],
        rate: float = 0.1,
        squash_inputs: bool = True,
        bias_neurons: bool = True,
        rng: int | np.random.Generator = 0,
    ) -> None:
        rng = np.random.default_rng(rng)
        self.sizes = layer_sizes(sizes)
        self.rate = positive("rate", rate)
        self.squash_inputs = squash_inputs
        self.bias_neurons = bias_neurons
        last = len(self.sizes) - 1
        self.neuron_layers = [
            NeuronLayer(size, bias_neurons and index < last)
            for index, size in enumerate(self.sizes)
        ]
        self.link_layers = [
            LinkLayer(before, after, rng)
            for before, after in zip(self.neuron_layers, self.neuron_layers[1:], strict=False)
        ]

    def run(self, inputs: ArrayLike) -> list[float]:
        """Return the outputs of the last layer; ValueError unless there is one number an input."""
        numbers: list[float] = floats("inputs", inputs, (self.sizes[0],)).tolist()
        for neuron, number in zip(self.neuron_layers[0].neurons, numbers, strict=True):
            neuron.output = sigmoid(number) if self.squash_inputs else number
        for layer in self.link_layers:
            layer.propagate()
        return [neuron.output for neuron in self.neuron_layers[-1].neurons]

    def back_propagate(self, sensitivities: Sequence[float]) -> None:
        """Send sensitivities, one for each output, back through the network as it last ran."""
        for neuron, blame in zip(self.neuron_layers[-1].neurons, sensitivities, strict=True):
            neuron.sensitivity = blame
        for layer in reversed(self.link_layers):
            layer.back_propagate()

    def error(self, inputs: ArrayLike, expected: ArrayLike) -> float:
        """Return E = Σ ½(actual − expected)²."""
        wanted: list[float] = floats("expected", expected, (self.sizes[-1],)).tolist()
        return sum(0.5 * (a - e) ** 2 for a, e in zip(self.run(inputs), wanted, strict=True))

    def gradients(self, inputs: ArrayLike, expected: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Return ∂E/∂weight of every Link under the names of `parameters`; changes no weight."""
        self._spread_blame(inputs, expected)
        return self._by_name("weight_sensitivity")

    def train_step(self, inputs: ArrayLike, expected: ArrayLike) -> None:
        """Learn from one sample.

        The source changes each weight as the blame passes by. It sends weight × sensitivity
        first, so waiting until all the blame is spread, as here, gives the same numbers.
        """
        self._spread_blame(inputs, expected)
        for layer in self.link_layers:
            for row in layer.links:
                for link in row:
                    link.learn(self.rate)

    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Return copies of all weights, as arrays."""
        return self._by_name("weight")

    def set_parameters(self, given: Mapping[str, ArrayLike]) -> None:
        """Give every Link its weight; ValueError if a name or a shape does not fit."""
        new = matching_parameters(given, self.parameters())
        for index, layer in enumerate(self.link_layers):
            rows = new[f"weights[{index}]"].tolist()
            if self.bias_neurons:
                rows.append(new[f"biases[{index}]"].tolist())
            for links, weights in zip(layer.links, rows, strict=True):
                for link, weight in zip(links, weights, strict=True):
                    link.weight = weight

    def _spread_blame(self, inputs: ArrayLike, expected: ArrayLike) -> None:
        wanted = floats("expected", expected, (self.sizes[-1],)).tolist()
        # ∂E/∂actual = ∂ ½(actual − expected)² / ∂actual = actual − expected
        self.back_propagate([a - e for a, e in zip(self.run(inputs), wanted, strict=True)])

    def _by_name(self, what: str) -> dict[str, NDArray[np.float64]]:
        arrays = {}
        for index, layer in enumerate(self.link_layers):
            table = np.array([[getattr(link, what) for link in row] for row in layer.links])
            arrays[f"weights[{index}]"] = table[: self.sizes[index]]
            if self.bias_neurons:
                arrays[f"biases[{index}]"] = table[-1]
        return arrays
