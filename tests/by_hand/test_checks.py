"""What no network by hand can be made of, or learn from, is refused in words."""

import numpy as np
import pytest

from tinygrad_edu.by_hand import (
    NielsenNetwork,
    RashidNetwork,
    SigmoidNeuron,
    SoftmaxMLP,
    WorkedExample,
)
from tinygrad_edu.by_hand.links import Network

MAKERS = [Network, NielsenNetwork, SoftmaxMLP]


@pytest.mark.parametrize("make", MAKERS, ids=range(len(MAKERS)))
@pytest.mark.parametrize(
    "sizes", [5, [], [5], [5, 0], [5, -1], [5, "a"], [5.5, 3], [5, None]], ids=str
)
def test_sizes_that_are_no_whole_numbers(make, sizes):
    with pytest.raises(ValueError, match=r"sizes \[.*\]: expected two or more, each ≥ 1"):
        make(sizes)


@pytest.mark.parametrize("inputs", [0, -1, "2", 1.5, None])
def test_a_neuron_without_inputs(inputs):
    with pytest.raises(ValueError, match=r"sizes \[.*, 1\]: expected"):
        SigmoidNeuron(inputs)


@pytest.mark.parametrize("rate", ["0.1", None, [0.1], 0, -1, float("nan"), float("inf"), 1j])
def test_rates_that_are_no_numbers_above_0(rate):
    for make in (
        lambda: RashidNetwork(3, 3, learning_rate=rate),
        lambda: Network([2, 1], rate=rate),
        lambda: SigmoidNeuron(2, rate=rate),
        lambda: WorkedExample(rate=rate),
    ):
        with pytest.raises(
            ValueError, match=r"rate is .*, expected a finite number greater than 0"
        ):
            make()


@pytest.mark.parametrize("rate", [1, 0.5, np.float32(0.5), np.int64(1)])
def test_rates_may_be_numbers_of_numpy(rate):
    assert SigmoidNeuron(2, rate=rate).rate == rate


def test_masked_values_are_refused_since_the_mask_would_be_lost():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    with pytest.raises(ValueError, match=r"inputs holds masked values: .*\.filled"):
        RashidNetwork(3, 3).query(masked)


@pytest.mark.parametrize("hidden", [0, "a", 2.5, None])
def test_hidden_nodes_that_are_no_number(hidden):
    with pytest.raises(ValueError, match=r"sizes \[3, .*, 10\]: expected two or more"):
        RashidNetwork(3, hidden)
