"""Networks: what they are made of.

A `Layer` is a function together with the numbers that it learns. `dense`, `convolution`, `activations`,
`dropout` and `shapes` are kinds of layers; `initializers` say what their weights are before learning,
`losses` how wrong an answer is, and `optimizers` how to step.
"""

from tinygrad_edu.nn._checks import room_for
from tinygrad_edu.nn._whole import new_data, replace_together
from tinygrad_edu.nn.activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from tinygrad_edu.nn.convolution import Conv2D, MaxPool2D
from tinygrad_edu.nn.dense import Dense
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.layer import Layer, dtype_of, in_part
from tinygrad_edu.nn.losses import (
    binary_cross_entropy,
    check_probabilities,
    check_same_shape,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.nn.optimizers import SGD, Adam, Optimizer, Rate, RMSprop
from tinygrad_edu.nn.shapes import Flatten, Reshape

__all__ = [
    "SGD",
    "Adam",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "Optimizer",
    "RMSprop",
    "Rate",
    "ReLU",
    "Reshape",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "binary_cross_entropy",
    "check_probabilities",
    "check_same_shape",
    "dtype_of",
    "half_squared_error",
    "in_part",
    "mean_squared_error",
    "new_data",
    "replace_together",
    "room_for",
    "softmax_cross_entropy",
]
