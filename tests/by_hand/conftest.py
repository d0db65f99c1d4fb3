"""What the by_hand tests share: central differences, and the 8×8 digits."""

import numpy as np
import pytest


def central_differences(network, error, step=1e-6):
    """∂E/∂p of every entry of every parameter, by moving it a little to both sides."""
    start = network.parameters()
    slopes = {name: np.empty_like(array) for name, array in start.items()}
    for name, array in start.items():
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1.0, -1.0):
                moved = {key: value.copy() for key, value in start.items()}
                moved[name][index] += sign * step
                network.set_parameters(moved)
                sides.append(error())
            slopes[name][index] = (sides[0] - sides[1]) / (2 * step)
    network.set_parameters(start)
    return slopes


@pytest.fixture
def assert_close_to_slopes():
    """Compare given gradients with central differences of a given error."""

    def check(network, gradients, error):
        slopes = central_differences(network, error)
        assert list(gradients) == list(slopes)
        for name, slope in slopes.items():
            assert gradients[name].shape == slope.shape
            np.testing.assert_allclose(gradients[name], slope, rtol=1e-6, atol=1e-9, err_msg=name)

    return check


@pytest.fixture
def assert_gradients(assert_close_to_slopes):
    """Check network.gradients(*data) against network.error(*data); no weight may change."""

    def check(network, *data):
        before = network.parameters()
        gradients = network.gradients(*data)
        for name, array in network.parameters().items():
            np.testing.assert_array_equal(array, before[name])
        assert_close_to_slopes(network, gradients, lambda: network.error(*data))

    return check


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's 1,797 pictures of 8×8 pixels in 0 … 1: x_train, y_train, x_test, y_test."""
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    x = x / 16.0
    return x[:1200], y[:1200], x[1200:], y[1200:]
