"""tinygrad_edu: an autograd framework from scratch, for seeing how neural networks learn.

>>> from tinygrad_edu import Value
>>> x = Value(3.0)
>>> y = x * x + 2 * x
>>> y.backward()
>>> y.data, x.grad
(15.0, 8.0)

Where to read on: `ops.operation` and `ops.arithmetic` say what is computed and how it is differentiated, and
`value` has the graph and the chain rule. Layers, losses, optimizers and training stand on those. All
operations are functions here, too: `tinygrad_edu.exp(x)` is `x.exp()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.check import GradientError, check_gradients, finite_difference
from tinygrad_edu.compare import audit, compare, compare_training, explain
from tinygrad_edu.drawing import (
    Drawing,
    DrawingError,
    add_methods,
    draw_error,
    draw_graph,
    draw_network,
    play_backward,
)
from tinygrad_edu.lab import confidence, gradient_ascent, logit_walk, round_trip, saliency
from tinygrad_edu.nn import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool2D,
    Optimizer,
    ReLU,
    Reshape,
    RMSprop,
    Sigmoid,
    Softmax,
    Tanh,
    binary_cross_entropy,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.ops import abs as abs
from tinygrad_edu.ops import (
    add,
    astype,
    broadcast_to,
    clip,
    concatenate,
    conv2d,
    cos,
    dense,
    divide,
    equal,
    exp,
    gelu,
    getitem,
    greater,
    greater_equal,
    leaky_relu,
    less,
    less_equal,
    log,
    log_softmax,
    matmul,
    max_pool2d,
    maximum,
    mean,
    minimum,
    multiply,
    negative,
    not_equal,
    overlap_add,
    pad,
    power,
    relu,
    reshape,
    scatter,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    sqrt,
    stack,
    subtract,
    tanh,
    transpose,
    var,
    where,
    windows,
)
from tinygrad_edu.ops import max as max
from tinygrad_edu.ops import min as min
from tinygrad_edu.ops import sum as sum
from tinygrad_edu.training import (
    Checkpoint,
    EarlyStopping,
    Epoch,
    History,
    Model,
    Sequential,
    TrainingDivergedError,
    evaluate,
    fit,
    predict,
)
from tinygrad_edu.value import Value, ancestors, grad, no_grad

if TYPE_CHECKING:
    from tinygrad_edu.program import Program


def __getattr__(name: str) -> Any:
    """Import programs when they are asked for: a tenth of the time that importing takes."""
    if name != "Program":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tinygrad_edu.program import Program

    return Program


def _program(value: Value) -> Any:
    """Return this graph as a program of plain NumPy; see `tinygrad_edu.program.program_of`."""
    from tinygrad_edu.program import program_of

    return program_of(value)


setattr(Value, "program", _program)  # noqa: B010, Value knows nothing of programs
add_methods()  # value.draw(), value.play(), value.tree(), and pictures in notebooks

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "Checkpoint",
    "Conv2D",
    "Dense",
    "Drawing",
    "DrawingError",
    "Dropout",
    "EarlyStopping",
    "Epoch",
    "Flatten",
    "GradientError",
    "History",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "Model",
    "Optimizer",
    "Program",
    "RMSprop",
    "ReLU",
    "Reshape",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "TrainingDivergedError",
    "Value",
    "add",
    "ancestors",
    "astype",
    "audit",
    "binary_cross_entropy",
    "broadcast_to",
    "check_gradients",
    "clip",
    "compare",
    "compare_training",
    "concatenate",
    "confidence",
    "conv2d",
    "cos",
    "dense",
    "divide",
    "draw_error",
    "draw_graph",
    "draw_network",
    "equal",
    "evaluate",
    "exp",
    "explain",
    "finite_difference",
    "fit",
    "gelu",
    "getitem",
    "grad",
    "gradient_ascent",
    "greater",
    "greater_equal",
    "half_squared_error",
    "leaky_relu",
    "less",
    "less_equal",
    "log",
    "log_softmax",
    "logit_walk",
    "matmul",
    "max_pool2d",
    "maximum",
    "mean",
    "mean_squared_error",
    "minimum",
    "multiply",
    "negative",
    "no_grad",
    "not_equal",
    "overlap_add",
    "pad",
    "play_backward",
    "power",
    "predict",
    "relu",
    "reshape",
    "round_trip",
    "saliency",
    "scatter",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sqrt",
    "stack",
    "subtract",
    "tanh",
    "transpose",
    "var",
    "where",
    "windows",
]
