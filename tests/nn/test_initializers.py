"""Initializers: their spread, their reach, and that the generator alone decides."""

import math

import numpy as np
import pytest

from tinygrad_edu.nn import Dense
from tinygrad_edu.nn.initializers import INITIALIZERS, find_initializer

SHAPE = (200, 300)  # 60,000 numbers: their spread is within 1 % of what it should be
SPREADS = {
    "he_normal": math.sqrt(2 / 200),
    "he_uniform": math.sqrt(2 / 200),
    "glorot_normal": math.sqrt(2 / 500),
    "glorot_uniform": math.sqrt(2 / 500),
    "fan_in_normal": math.sqrt(1 / 200),
    "standard_normal": 1.0,
    "zeros": 0.0,
}


def draw(name, shape=SHAPE, seed=0):
    return find_initializer(name)(shape, np.random.default_rng(seed))


def test_every_initializer_has_a_spread_below():
    assert set(INITIALIZERS) == set(SPREADS)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_spread_and_mean(name):
    numbers = draw(name)
    assert numbers.shape == SHAPE
    assert numbers.std() == pytest.approx(SPREADS[name], rel=0.02, abs=1e-12)
    assert abs(numbers.mean()) <= SPREADS[name] * 0.02


@pytest.mark.parametrize(("name", "fans"), [("he_uniform", 200), ("glorot_uniform", 500)])
def test_uniform_numbers_fill_their_interval_and_stay_within(name, fans):
    limit = math.sqrt(6 / fans)
    numbers = draw(name)
    assert np.abs(numbers).max() <= limit
    assert numbers.max() > 0.999 * limit
    assert numbers.min() < -0.999 * limit


@pytest.mark.parametrize("name", ["he_normal", "glorot_normal", "fan_in_normal", "standard_normal"])
def test_normal_numbers_have_tails_of_the_normal_distribution(name):
    standardized = np.abs(draw(name)) / SPREADS[name]
    assert np.mean(standardized > 1) == pytest.approx(0.3173, abs=0.01)
    assert np.mean(standardized > 2) == pytest.approx(0.0455, abs=0.005)


def test_axes_in_front_of_the_last_all_count_as_inputs():
    assert draw("he_normal", (5, 4, 10, 300)).std() == pytest.approx(SPREADS["he_normal"], rel=0.02)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_bias_shape_is_fine_too(name):
    assert np.all(np.isfinite(draw(name, (3,))))


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_the_generator_decides(name):
    np.testing.assert_array_equal(draw(name, seed=1), draw(name, seed=1))
    assert not np.array_equal(draw(name, seed=1), draw(name, seed=2))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown initializer 'xavier'; the known are he_normal, "
    ):
        Dense(2, 3, init="xavier")
    with pytest.raises(ValueError, match="unknown initializer 'ones'"):
        Dense(2, 3, bias_init="ones")


def test_a_layer_draws_with_the_initializers_it_names():
    layer = Dense(400, 100, init="standard_normal", bias_init="standard_normal", rng=0)
    assert layer.weight.data.std() == pytest.approx(1, rel=0.05)
    assert layer.bias.data.std() == pytest.approx(1, rel=0.3)
