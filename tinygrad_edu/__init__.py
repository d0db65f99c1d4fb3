"""tinygrad_edu: an autograd framework from scratch, for seeing how neural networks learn.

>>> from tinygrad_edu import Value
>>> x = Value(3.0)
>>> y = x * x + 2 * x
>>> y.backward()
>>> y.data, x.grad
(15.0, 8.0)

Where to read on: `ops` holds every operation with its derivative, `value` the graph and the chain rule.
Layers, losses, optimisers and training stand on those two. All operations are functions here, too:
`tinygrad_edu.exp(x)` is `x.exp()`.
"""

from tinygrad_edu.back_query import logit_walk
from tinygrad_edu.callbacks import Checkpoint, EarlyStopping, Epoch
from tinygrad_edu.check import GradientError, check_gradients, finite_difference
from tinygrad_edu.compare import audit, compare, compare_training, explain
from tinygrad_edu.drawing import (
    Drawing,
    DrawingError,
    add_methods,
    draw_graph,
    draw_network,
    play_backward,
)
from tinygrad_edu.dreaming import gradient_ascent, saliency
from tinygrad_edu.history import History
from tinygrad_edu.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)
from tinygrad_edu.losses import (
    binary_cross_entropy,
    half_squared_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from tinygrad_edu.model import Model, Sequential
from tinygrad_edu.ops import abs as abs  # as NumPy does, the names of builtins stay out of __all__
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
from tinygrad_edu.optimizers import SGD, Adam, Optimizer, RMSprop
from tinygrad_edu.portraits import confidence, round_trip
from tinygrad_edu.training import TrainingDivergedError, evaluate, fit, predict
from tinygrad_edu.value import Value, ancestors, grad, no_grad

add_methods()  # value.draw(), value.tree(), and pictures in notebooks

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
