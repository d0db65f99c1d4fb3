"""The hand-derived networks of the sources, written by the graph: the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import Program, Value, ops
from tinygrad_edu.by_hand import (
    Network,
    NielsenNetwork,
    RashidNetwork,
    SigmoidNeuron,
    SoftmaxMLP,
    WorkedExample,
)
from tinygrad_edu.compare import twin

X = np.random.default_rng(0).random((5, 4))
ROWS = np.eye(3)[[0, 2, 1, 1, 0]]

NETWORKS = {
    "Mazur": (WorkedExample(), ()),
    "Mazur, biases trained": (WorkedExample(biases="trained"), ()),
    "Lernmi": (Network([4, 6, 3], rng=1), (X[0], ROWS[0])),
    "Nielsen": (NielsenNetwork([4, 6, 3], rng=1), (X, ROWS)),
    "Nielsen, cross-entropy": (NielsenNetwork([4, 6, 3], cost="cross_entropy", rng=1), (X, ROWS)),
    "Rashid": (RashidNetwork(4, 6, 3, rng=1), (X[0], ROWS[0])),
    "a neuron": (SigmoidNeuron(4), (X, np.array([0.0, 1.0, 1.0, 0.0, 1.0]))),
    "softmax": (SoftmaxMLP((4, 6, 3), rng=1), (X, np.array([0, 2, 1, 1, 0]))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_program_is_the_derivation_by_hand(name):
    """Sums run in another order here and there, so that the last digit may differ."""
    network, data = NETWORKS[name]
    error = twin(network)(*data)
    program = error.program()
    assert program() == pytest.approx(network.error(*data), rel=1e-15)
    leaves = {v.name: v for v in program.weights}
    for weight, right in network.gradients(*data).items():
        scale = np.abs(right).max()
        np.testing.assert_allclose(leaves[weight].grad, right, rtol=2e-15, atol=2e-15 * scale)


def mazur():
    """Return the worked example as one would write it, and its weights."""
    given = WorkedExample().values
    weights = {name: Value(number, name) for name, number in given.items()}

    def error_of(i1, i2):
        w1, w2, w3, w4, w5, w6, w7, w8, b_h1, b_h2, b_o1, b_o2 = weights.values()
        out_h1 = ops.sigmoid(w1 * i1 + w2 * i2 + b_h1)
        out_h2 = ops.sigmoid(w3 * i1 + w4 * i2 + b_h2)
        out_o1 = ops.sigmoid(w5 * out_h1 + w6 * out_h2 + b_o1)
        out_o2 = ops.sigmoid(w7 * out_h1 + w8 * out_h2 + b_o2)
        return 0.5 * (0.01 - out_o1) ** 2 + 0.5 * (0.99 - out_o2) ** 2

    return error_of, weights


def test_mazurs_network_reads_as_on_the_board():
    error_of, weights = mazur()
    program = Program(error_of, 0.05, 0.10)
    text = str(program)
    for line in (
        "out_h1 = sigmoid(w1 * i1 + w2 * i2 + b_h1)",
        "out_o1 = sigmoid(w5 * out_h1 + w6 * out_h2 + b_o1)",
        "d_w5 = d_b_o1 * out_h1",
    ):
        assert line in text.split("\n")
    program(0.05, 0.10)
    for name, right in WorkedExample().gradients().items():
        assert weights[name].grad == pytest.approx(float(right), rel=1e-15)


def test_the_sigmoid_network_of_arrays_reads_as_on_the_board():
    rng = np.random.default_rng(0)
    w1, b1 = Value(rng.normal(size=(4, 3)), "w1"), Value(np.zeros(3), "b1")
    w2, b2 = Value(rng.normal(size=(3, 2)), "w2"), Value(np.zeros(2), "b2")

    def loss_of(x, t):
        h = ops.sigmoid(x @ w1 + b1)
        y = ops.sigmoid(h @ w2 + b2)
        return ((y - t) ** 2).sum() * 0.5

    program = Program(loss_of, rng.random((5, 4)), rng.random((5, 2)))
    lines = [line.split("  #")[0].rstrip() for line in str(program).split("\n")]
    assert lines[lines.index("# forward") :] == [
        "# forward",
        "h = sigmoid(x @ w1 + b1)",
        "y = sigmoid(h @ w2 + b2)",
        "subtract = y - t",
        "loss = float(np.sum(subtract ** 2)) * 0.5",
        "",
        "# backward",
        "d_subtract = 0.5 * 2 * subtract",
        "d_add = d_subtract * y * (1 - y)",
        "d_b2 = d_add.sum(axis=0)",
        "d_h = d_add @ w2.T",
        "d_w2 = h.T @ d_add",
        "d_add_2 = d_h * h * (1 - h)",
        "d_b1 = d_add_2.sum(axis=0)",
        "d_w1 = x.T @ d_add_2",
    ]
