"""Layers: functions that bring their own weights.

A network is a chain of functions, output = f₃(f₂(f₁(input))). Some of them, like ReLU, are plain
functions. Others hold numbers that are to be learned: a `Dense` layer of m neurons computes x·W + b, the
weighted sums of its inputs, one column of W per neuron. A layer is such a function together with its
numbers, which it keeps as Values in its attributes; that is all that `parameters()` needs to find them.

A layer of one's own takes five lines. An argument of `__init__` that is kept by its name, as `size` here, is
what a model file needs to build the layer again:

>>> class Scale(Layer):
...     def __init__(self, size):
...         self.size, self.factor = size, Value(np.ones(size))
...     def forward(self, x):
...         return x * self.factor

>>> layer = Scale(3)
>>> layer(np.array([1.0, 2.0, 3.0])).sum().backward()
>>> [(p.name, p.grad.tolist()) for p in layer.parameters()]
[('factor', [1.0, 2.0, 3.0])]

The first layer of a network is given the data itself, a plain array; all others are given Values. A function
works with both, `ops.sqrt(x)` or `np.sqrt(x)`, where a plain array has no method `x.sqrt()`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.initializers import find_initializer
from tinygrad_edu.ops import Array, as_number
from tinygrad_edu.parts import in_part
from tinygrad_edu.value import Value


class Layer:
    """The base of all layers. A subclass gives `forward(x)` and keeps its Values in attributes.

    Attributes: `training`, True while learning, which decides what Dropout does; `name`, for messages.
    Layers may hold other layers, also in lists, tuples and dicts. Every Value that you made and keep in an
    attribute is taken for something to be learned; what is not, is kept as its `data`.
    """

    training: bool = True
    name: str | None = None

    def forward(self, x: Array) -> Array:
        """Return the layer's answer to a batch x. Each layer says what shapes it takes and gives."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def __call__(self, *inputs: Array) -> Array:
        """Return forward(x), or forward of several inputs if that takes several."""
        return in_part(self.name or type(self).__name__.lower(), self.forward, *inputs)

    # -- parameters ------------------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, Value or Layer) for all that this layer holds directly."""
        for name, held in vars(self).items():
            yield from _unpack(name, held)

    def named_parameters(self) -> dict[str, Value]:
        """Return the Values to be learned by their names, such as `dense1.weight`, each one once."""
        found: dict[str, Value] = {}
        for name, held in self.children():
            if isinstance(held, Layer):
                below = held.named_parameters().items()
                found |= {f"{name}.{inner}": value for inner, value in below}
            elif held.is_made:  # a computed Value that is kept in an attribute is no parameter
                found[name] = held
        first_name = {id(value): name for name, value in reversed(found.items())}
        return {name: value for name, value in found.items() if first_name[id(value)] == name}

    def parameters(self) -> list[Value]:
        """Return the Values to be learned, each with its name."""
        named = self.named_parameters()
        for name, value in named.items():
            value.name = name
        return list(named.values())

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for value in self.named_parameters().values():
            value.grad = None

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return a copy of all parameters as arrays, by name."""
        return {name: value.numpy() for name, value in self.named_parameters().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over all parameters from arrays by name.

        Raises ValueError that lists every missing, unknown and mis-shaped entry; then nothing is changed.
        """
        named = self.named_parameters()
        wrong = [f"missing {name}" for name in named if name not in state]
        wrong += [f"unknown {name}" for name in state if name not in named]
        for name, value in named.items():
            if name in state and np.shape(state[name]) != value.shape:
                wrong.append(f"{name} has shape {np.shape(state[name])} instead of {value.shape}")
        if wrong:
            raise ValueError(f"the parameters do not fit this model: {'; '.join(wrong)}")
        numbers = {name: as_number(state[name]) for name in named}  # raises before anything changes
        for name, value in named.items():
            value.data = numbers[name]

    # -- modes and randomness --------------------------------------------------------------------

    def train(self, training: bool = True) -> None:
        """Begin to learn: Dropout drops."""
        self.training = training
        for _, held in self.children():
            if isinstance(held, Layer):
                held.train(training)

    def eval(self) -> None:
        """Stop learning, begin to answer: Dropout passes everything on."""
        self.train(False)

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw everything random in this layer anew."""
        for _, held in self.children():
            if isinstance(held, Layer):
                held.initialize(rng)

    # -- descriptions ----------------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one, for model files.

        They are read from the attributes that have the names of the arguments of `__init__`; raises
        TypeError if there is no such attribute.
        """
        if type(self).__init__ is object.__init__:
            return {}
        names = [name for name in inspect.signature(type(self)).parameters if name != "rng"]
        for name in names:
            if not hasattr(self, name):
                kind = type(self).__name__
                raise TypeError(
                    f"{kind} does not keep its argument {name}, so nobody could build another one like it; "
                    f"write self.{name} = {name} into {kind}.__init__"
                )
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Layer:
        """Return a new layer, built with what `config()` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        try:
            arguments = ", ".join(f"{name}={value!r}" for name, value in self.config().items())
        except TypeError:
            arguments = "…"
        return f"{type(self).__name__}({arguments})"


def _unpack(name: str, held: Any) -> Iterator[tuple[str, Any]]:
    """Yield the Values and Layers in an attribute, which may be a list, tuple or dict of them."""
    if isinstance(held, Value | Layer):
        yield name, held
    elif isinstance(held, list | tuple):
        for index, inner in enumerate(held):
            yield from _unpack(f"{name}.{index}", inner)
    elif isinstance(held, dict):
        for key, inner in held.items():
            yield from _unpack(f"{name}.{key}", inner)


class Dense(Layer):
    """x·W + b: n_out neurons, each of which sees all n_in inputs.

    `weight` has shape (n_in, n_out), `bias` (n_out,), or is None with `bias=False`. Takes (N, n_in), gives
    (N, n_out); more axes in front are fine. `init` and `bias_init` name an initialiser (see
    `initializers`); `dtype` is float32, which is twice as fast as float64 and exact enough to learn.

    Raises ValueError for sizes below 1, unknown initialisers, and inputs of another size.

    >>> layer = Dense(3, 2, rng=0)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        init: str = "glorot_uniform",
        bias_init: str = "zeros",
        dtype: Any = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        if not _are_counts(n_in, n_out):
            raise ValueError(
                f"Dense needs at least one input and one output, got ({n_in!r}, {n_out!r}); give two whole "
                "numbers, as in Dense(784, 10)"
            )
        self.n_in, self.n_out = n_in, n_out
        self.init, self.bias_init = init, bias_init
        self.dtype = _float_name(dtype)
        find_initializer(init), find_initializer(bias_init)
        self.weight = Value(np.zeros((n_in, n_out), self.dtype), "weight")
        self.bias = Value(np.zeros(n_out, self.dtype), "bias") if bias else None
        self.initialize(np.random.default_rng(rng))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the weights, then the biases, by the initialisers named at construction."""
        self.weight.data = find_initializer(self.init)(self.weight.shape, rng)
        if self.bias is not None:
            self.bias.data = find_initializer(self.bias_init)(self.bias.shape, rng)

    def forward(self, x: Array) -> Array:
        """(…, n_in) → (…, n_out)"""
        given = np.shape(x)
        if given[-1:] != (self.n_in,):
            raise ValueError(
                f"{self.name or 'Dense'} has {self.n_in} inputs and expects shape (N, {self.n_in}), "
                f"got {given}{_dense_hint(given, self.n_in)}"
            )
        if self.bias is None:
            return ops.matmul(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {
            "n_in": self.n_in,
            "n_out": self.n_out,
            "bias": self.bias is not None,
            "init": self.init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
        }

    def __repr__(self) -> str:
        return f"Dense({self.n_in}, {self.n_out}{'' if self.bias is not None else ', bias=False'})"


def _are_counts(*sizes: Any) -> bool:
    """Return whether all sizes are whole numbers of at least 1."""
    return all(isinstance(size, int | np.integer) and size >= 1 for size in sizes)


def _float_name(dtype: Any) -> str:
    """Return the name of a floating-point type, 'float32'; raise TypeError for others, which cannot learn."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"expected a floating-point dtype, such as np.float32, got {np.dtype(dtype)}; weights take small "
            "steps, which whole numbers cannot"
        )
    return str(np.dtype(dtype).name)


def _dense_hint(given: tuple[int, ...], n_in: int) -> str:
    """Return what is likely to help when an input does not fit."""
    if len(given) > 1 and int(np.prod(given[1:])) == n_in:
        return "; put Flatten() before it"
    return ""


class ReLU(Layer):
    """max(x, 0), element by element, any shape.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.relu(x)


class LeakyReLU(Layer):
    """x where x > 0, slope·x elsewhere, so that no neuron falls silent for ever. Any shape.

    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.leaky_relu(x, slope=self.slope)


class Sigmoid(Layer):
    """1/(1 + e⁻ˣ), a soft yes or no between 0 and 1. Any shape.

    >>> Sigmoid()(np.array([0.0, 1000.0]))
    array([0.5, 1. ])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.sigmoid(x)


class Tanh(Layer):
    """tanh x, between −1 and 1. Any shape.

    >>> Tanh()(np.array([0.0, 1000.0]))
    array([0., 1.])
    """

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        return ops.tanh(x)


class Softmax(Layer):
    """eˣⁱ/Σ eˣʲ over the last axis: scores become probabilities.

    `softmax_cross_entropy` contains a softmax already: train with it on the scores themselves, without this.

    >>> Softmax()(np.array([[1.0, 1.0]]))
    array([[0.5, 0.5]])
    """

    def forward(self, x: Array) -> Array:
        """(…, classes), unchanged."""
        return ops.softmax(x)


class Dropout(Layer):
    """Silence each number with probability `rate` while learning, and pass all on afterwards.

    A network that cannot rely on any single neuron learns to spread its knowledge, and overfits less. What
    remains is divided by (1 − rate), so that sums keep their size ("inverted" dropout). Any shape.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent
    neural networks from overfitting, 2014.

    Raises ValueError for rates outside of 0 ≤ rate < 1.

    >>> drop = Dropout(0.5, rng=0)
    >>> drop(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> drop.eval(); drop(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, rate: float, rng: int | np.random.Generator | None = None) -> None:
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"the dropout rate is the share to silence, 0 ≤ rate < 1, got {rate}")
        self.rate = rate
        self.rng = np.random.default_rng(rng)

    def initialize(self, rng: np.random.Generator) -> None:
        """Take random numbers from `rng` from now on."""
        self.rng = rng

    def forward(self, x: Array) -> Array:
        """Any shape, unchanged."""
        if not self.training or self.rate == 0.0:
            return x
        dtype = np.float32 if getattr(x, "dtype", None) == np.float32 else np.float64
        kept = self.rng.random(np.shape(x), dtype) >= self.rate
        return ops.multiply(x, kept / dtype(1.0 - self.rate))


class Flatten(Layer):
    """(N, …) → (N, features): each sample's numbers in one row, as Dense wants them.

    >>> Flatten()(np.ones((5, 28, 28))).shape
    (5, 784)
    """

    def forward(self, x: Array) -> Array:
        """(N, …) → (N, features)"""
        given = np.shape(x)
        if len(given) < 2:
            raise ValueError(
                f"Flatten expects a batch of shape (N, …), got {given}; for one sample write x[None]"
            )
        return ops.reshape(x, shape=(given[0], int(np.prod(given[1:]))))


class Reshape(Layer):
    """(N, …) → (N, *shape): the same numbers, such as a row of 784 as an image for a convolution.

    Raises ValueError for sizes below 1, and for inputs with another number of features.

    >>> Reshape(1, 28, 28)(np.ones((5, 784))).shape
    (5, 1, 28, 28)
    """

    def __init__(self, *shape: int) -> None:
        if not shape or not all(isinstance(size, int | np.integer) and size > 0 for size in shape):
            raise ValueError(
                f"Reshape expects the shape of one sample, as in Reshape(1, 28, 28), got {shape}"
            )
        self.shape = tuple(map(int, shape))
        self.n_in = int(np.prod(shape))

    def forward(self, x: Array) -> Array:
        """(N, …) → (N, *shape)"""
        given = np.shape(x)
        if len(given) < 2 or int(np.prod(given[1:])) != self.n_in:
            raise ValueError(
                f"{self.name or 'Reshape'} makes shape {self.shape} of {self.n_in} numbers a sample, "
                f"got a batch of shape {given}"
            )
        return ops.reshape(x, shape=(given[0], *self.shape))

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {"shape": list(self.shape)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Reshape:
        """Return a new layer, built with what `config()` gave."""
        return cls(*config["shape"])

    def __repr__(self) -> str:
        return f"Reshape({', '.join(map(str, self.shape))})"


class Conv2D(Layer):
    """Small filters that slide over images: each looks for one pattern, everywhere.

    A Dense layer would have to learn a stroke anew at each place; a filter learns it once, with few weights.
    `weight` has shape (height, width, in_channels, out_channels), `bias` (out_channels,), or is None with
    `bias=False`. Takes (N, in_channels, H, W), gives (N, out_channels, H′, W′) with
    H′ = (H + 2·padding − height) // stride + 1 (see `ops.conv2d`). `size`, `stride` and `padding` are one
    number, or (height, width). With stride 1, `padding=size // 2` keeps the size of the images.

    Raises ValueError for impossible sizes, unknown initialisers, and inputs of another shape.

    >>> layer = Conv2D(1, 8, size=3, padding=1, rng=0)
    >>> layer(np.ones((5, 1, 28, 28), np.float32)).shape
    (5, 8, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        bias: bool = True,
        init: str = "glorot_uniform",
        bias_init: str = "zeros",
        dtype: Any = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        if not _are_counts(in_channels, out_channels):
            raise ValueError(
                f"Conv2D needs at least one channel in and one out, got ({in_channels!r}, {out_channels!r}); "
                "give two whole numbers, as in Conv2D(1, 8)"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.size, self.stride = ops.as_pair(size, "size"), ops.as_pair(stride, "stride")
        self.padding = ops.as_pair(padding, "padding", least=0)
        self.init, self.bias_init = init, bias_init
        self.dtype = _float_name(dtype)
        find_initializer(init), find_initializer(bias_init)
        shape = (*self.size, in_channels, out_channels)
        self.weight = Value(np.zeros(shape, self.dtype), "weight")
        self.bias = Value(np.zeros(out_channels, self.dtype), "bias") if bias else None
        self.initialize(np.random.default_rng(rng))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the weights, then the biases, by the initialisers named at construction."""
        self.weight.data = find_initializer(self.init)(self.weight.shape, rng)
        if self.bias is not None:
            self.bias.data = find_initializer(self.bias_init)(self.bias.shape, rng)

    def forward(self, x: Array) -> Array:
        """(N, in_channels, H, W) → (N, out_channels, H′, W′)"""
        given = np.shape(x)
        if len(given) != 4 or given[1] != self.in_channels:
            raise ValueError(
                f"{self.name or 'Conv2D'} has {self.in_channels} channels and expects shape "
                f"(N, {self.in_channels}, height, width), got {given}"
                f"{_conv_hint(given, self.in_channels)}"
            )
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a layer like this one."""
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "bias": self.bias is not None,
            "init": self.init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
        }

    def __repr__(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}, size={_short(self.size)}"]
        words += [f"stride={_short(self.stride)}"] if self.stride != (1, 1) else []
        words += [f"padding={_short(self.padding)}"] if self.padding != (0, 0) else []
        words += ["bias=False"] if self.bias is None else []
        return f"Conv2D({', '.join(words)})"


def _conv_hint(given: tuple[int, ...], channels: int = 1) -> str:
    """Return what is likely to help when an input is no batch of images with so many channels."""
    if len(given) == 2:
        side = math.isqrt(given[1] // channels)
        if channels * side * side == given[1]:
            return f"; put Reshape({channels}, {side}, {side}) before it"
        return "; put Reshape(channels, height, width) before it"
    if len(given) == 3:
        return "; for images without channels write x[:, None], for one image x[None]"
    if len(given) == 4 and given[3] == channels:
        alone = f", or Reshape(1, {given[1]}, {given[2]})" if channels == 1 else ""
        return f"; channels come second, as in x.transpose(0, 3, 1, 2){alone}"
    return ""


def _short(pair: tuple[int, int]) -> str:
    """Return a pair as it is mostly written: 3 for (3, 3)."""
    return str(pair[0] if pair[0] == pair[1] else pair)


class MaxPool2D(Layer):
    """The largest number in each window: images half as large, and less particular about places.

    Takes (N, C, H, W), gives (N, C, H′, W′) with H′ = (H − height) // stride + 1; `stride` is the size
    unless you name one, so that windows lie side by side (see `ops.max_pool2d`).

    Raises ValueError for impossible sizes, and for inputs of another shape.

    >>> MaxPool2D(2)(np.ones((5, 8, 28, 28), np.float32)).shape
    (5, 8, 14, 14)
    """

    def __init__(
        self, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] | None = None
    ) -> None:
        self.size = ops.as_pair(size, "size")
        self.stride = self.size if stride is None else ops.as_pair(stride, "stride")

    def forward(self, x: Array) -> Array:
        """(N, C, H, W) → (N, C, H′, W′)"""
        given = np.shape(x)
        if len(given) != 4:
            raise ValueError(
                f"{self.name or 'MaxPool2D'} expects images of shape (N, channels, height, width), "
                f"got {given}{_conv_hint(given)}"
            )
        return ops.max_pool2d(x, self.size, self.stride)

    def __repr__(self) -> str:
        stride = f", stride={_short(self.stride)}" if self.stride != self.size else ""
        return f"MaxPool2D({_short(self.size)}{stride})"


#: The layers by name, as model files know them.
LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        *(Dense, Conv2D, MaxPool2D, Flatten, Reshape),
        *(ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Dropout),
    )
}
