"""Mazur's worked example: the 2-2-2 network that half the world learned backpropagation from.

Two inputs, two hidden neurons, two outputs, eight numbered weights, and every number written out:

    net_h1 = w1·i1 + w2·i2 + b_h1    out_h1 = σ(net_h1)         h2 has w3 w4, from i1 and i2
    net_o1 = w5·h1 + w6·h2 + b_o1    out_o1 = σ(net_o1)         o2 has w7 w8, from h1 and h2
    E = ½(target_o1 − out_o1)² + ½(target_o2 − out_o2)²

The article mixes two orders of update. Its formulas use the original w5…w8 for the hidden
neurons' error, and moving all weights together (*joint*) makes E .291027774 after one step. Its
printed .291027924 is what comes out when the output weights move first and the hidden error is
then taken from the *moved* ones (*in place*), which is not the gradient. Its "0.0000351085 after
10,000" is E after 9,999 joint steps (after 10,000: 3.510188e-5), while its outputs .015912196 and
.984065734 belong to 10,000 steps in place (joint: .015913620 .984064274). Either order learns;
only one of them is the gradient.

The article leaves the biases as they are ("frozen"). A JavaScript version of the same net
computes a bias update with the wrong sign but never applies it, so its biases are frozen as well.
Had it been applied as written, E would climb to .9797; with the sign right ("trained"), it falls
to 2.4476e-6. And its slides print .045 as the error of actual (0, .3, .9, .1) for expected (0, 0,
1, 0): it is .055, as `total_error` says.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.by_hand._checks import floats, matching_parameters, one_of, positive
from tinygrad_edu.by_hand.links import sigmoid

INPUTS = (0.05, 0.10)
TARGETS = (0.01, 0.99)
WEIGHTS = {
    "w1": 0.15, "w2": 0.20, "w3": 0.25, "w4": 0.30, "w5": 0.40, "w6": 0.45, "w7": 0.50, "w8": 0.55,
}  # fmt: skip
BIASES = {"b_h1": 0.35, "b_h2": 0.35, "b_o1": 0.60, "b_o2": 0.60}


def total_error(expected: ArrayLike, actual: ArrayLike) -> float:
    """E = Σ ½(expected − actual)²; ValueError if the lengths differ.

    >>> round(total_error([0, 0, 1, 0], [0, 0.3, 0.9, 0.1]), 3)
    0.055
    """
    said = floats("actual", actual, ("outputs",))
    return float(0.5 * np.sum((floats("expected", expected, said.shape) - said) ** 2))


class WorkedExample:
    """The 2-2-2 network, node by node, in plain Python floats.

    `order` is "joint" or "in_place"; `biases` is "frozen", "trained" or "wrong_sign". Parameters:
    "w1" … "w8" and, unless frozen, "b_h1" "b_h2" "b_o1" "b_o2", one for each neuron, all of shape
    (). (The article draws one b1 for both hidden neurons; the slope of a shared bias is the sum
    of its two.)

    >>> net = WorkedExample()
    >>> round(net.error(), 9)
    0.298371109
    >>> round(float(net.gradients()["w5"]), 9), round(float(net.gradients()["w1"]), 9)
    (0.082167041, 0.000438568)
    >>> net.train_step()
    >>> round(net.error(), 9)
    0.291027774
    """

    def __init__(
        self,
        rate: float = 0.5,
        order: Literal["joint", "in_place"] = "joint",
        biases: Literal["frozen", "trained", "wrong_sign"] = "frozen",
    ) -> None:
        one_of("order", order, ("joint", "in_place"))
        one_of("biases", biases, ("frozen", "trained", "wrong_sign"))
        self.rate = positive("rate", rate)
        self.order = order
        self.biases = biases
        self.values = WEIGHTS | BIASES

    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Return what is trained, each of shape (); a frozen bias is a constant."""
        trained = WEIGHTS if self.biases == "frozen" else WEIGHTS | BIASES
        return {name: np.array(self.values[name]) for name in trained}

    def set_parameters(self, given: Mapping[str, ArrayLike]) -> None:
        """Take these parameters; ValueError if a name or a shape does not fit."""
        new = matching_parameters(given, self.parameters())
        self.values |= {name: float(array) for name, array in new.items()}

    def forward(self, inputs: ArrayLike = INPUTS) -> dict[str, float]:
        """Return every node's number: net_h1, out_h1, … net_o2, out_o2, for two inputs."""
        i1, i2 = floats("inputs", inputs, (2,)).tolist()
        p = self.values
        net_h1 = p["w1"] * i1 + p["w2"] * i2 + p["b_h1"]
        net_h2 = p["w3"] * i1 + p["w4"] * i2 + p["b_h2"]
        out_h1, out_h2 = sigmoid(net_h1), sigmoid(net_h2)
        net_o1 = p["w5"] * out_h1 + p["w6"] * out_h2 + p["b_o1"]
        net_o2 = p["w7"] * out_h1 + p["w8"] * out_h2 + p["b_o2"]
        out_o1, out_o2 = sigmoid(net_o1), sigmoid(net_o2)
        return {
            "i1": i1, "i2": i2,
            "net_h1": net_h1, "out_h1": out_h1, "net_h2": net_h2, "out_h2": out_h2,
            "net_o1": net_o1, "out_o1": out_o1, "net_o2": net_o2, "out_o2": out_o2,
        }  # fmt: skip

    def error(self, inputs: ArrayLike = INPUTS, targets: ArrayLike = TARGETS) -> float:
        """Return E = ½(target_o1 − out_o1)² + ½(target_o2 − out_o2)²."""
        node = self.forward(inputs)
        return total_error(targets, (node["out_o1"], node["out_o2"]))

    def backward(
        self,
        inputs: ArrayLike = INPUTS,
        targets: ArrayLike = TARGETS,
        order: Literal["joint", "in_place"] = "joint",
    ) -> dict[str, float]:
        """Return every derivative on the way back, "dE/dX" for each X, out_o1 first and b_h2 last.

        "dE/dnet_o1" is the article's δo1. With order="in_place" the hidden errors are taken from
        output weights that have already moved, as the article's printed numbers are.
        """
        n, p = self.forward(inputs), self.values
        target_o1, target_o2 = floats("targets", targets, (2,)).tolist()
        d: dict[str, float] = {}
        # ∂E/∂out_o = −(target − out)
        d["out_o1"] = n["out_o1"] - target_o1
        d["out_o2"] = n["out_o2"] - target_o2
        # δo = ∂E/∂net_o = ∂E/∂out_o · out_o(1 − out_o)
        d["net_o1"] = d["out_o1"] * n["out_o1"] * (1 - n["out_o1"])
        d["net_o2"] = d["out_o2"] * n["out_o2"] * (1 - n["out_o2"])
        # ∂E/∂w5 = δo1 · out_h1, and so on: each weight's slope is its error times its input
        d["w5"], d["w6"] = d["net_o1"] * n["out_h1"], d["net_o1"] * n["out_h2"]
        d["w7"], d["w8"] = d["net_o2"] * n["out_h1"], d["net_o2"] * n["out_h2"]
        d["b_o1"], d["b_o2"] = d["net_o1"], d["net_o2"]  # ∂net/∂b = 1
        early = self.rate if order == "in_place" else 0.0  # how far w5…w8 have moved already
        w5, w6, w7, w8 = (p[name] - early * d[name] for name in ("w5", "w6", "w7", "w8"))
        # ∂E/∂out_h1 = δo1 · w5 + δo2 · w7: two paths lead from h1 to the error, and they add up
        d["out_h1"] = d["net_o1"] * w5 + d["net_o2"] * w7
        d["out_h2"] = d["net_o1"] * w6 + d["net_o2"] * w8
        # δh = ∂E/∂net_h = ∂E/∂out_h · out_h(1 − out_h)
        d["net_h1"] = d["out_h1"] * n["out_h1"] * (1 - n["out_h1"])
        d["net_h2"] = d["out_h2"] * n["out_h2"] * (1 - n["out_h2"])
        # ∂E/∂w1 = δh1 · i1, and so on
        d["w1"], d["w2"] = d["net_h1"] * n["i1"], d["net_h1"] * n["i2"]
        d["w3"], d["w4"] = d["net_h2"] * n["i1"], d["net_h2"] * n["i2"]
        d["b_h1"], d["b_h2"] = d["net_h1"], d["net_h2"]
        return {f"dE/d{name}": slope for name, slope in d.items()}

    def gradients(
        self, inputs: ArrayLike = INPUTS, targets: ArrayLike = TARGETS
    ) -> dict[str, NDArray[np.float64]]:
        """Return ∂E/∂p for every parameter p, each of shape (); exact, whatever the options."""
        slopes = self.backward(inputs, targets)
        return {name: np.array(slopes[f"dE/d{name}"]) for name in self.parameters()}

    def update_rule(
        self, inputs: ArrayLike = INPUTS, targets: ArrayLike = TARGETS
    ) -> dict[str, NDArray[np.float64]]:
        """Return what `train_step` subtracts, times the rate: with this order and sign."""
        slopes = self.backward(inputs, targets, self.order)
        bias_sign = -1.0 if self.biases == "wrong_sign" else 1.0
        return {
            name: np.array(slopes[f"dE/d{name}"] * (bias_sign if name in BIASES else 1.0))
            for name in self.parameters()
        }

    def train_step(self, inputs: ArrayLike = INPUTS, targets: ArrayLike = TARGETS) -> None:
        """Learn from one sample: p ← p − rate · update_rule."""
        for name, slope in self.update_rule(inputs, targets).items():
            self.values[name] -= self.rate * float(slope)
