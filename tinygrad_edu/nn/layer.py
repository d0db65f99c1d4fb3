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

Some layers also know numbers that no gradient moves, such as the mean of all that they have seen. An array
that is kept in an attribute is such a *buffer*: saved and loaded with the weights, and never trained.

>>> class Centered(Layer):
...     def __init__(self, size):
...         self.size, self.mean = size, np.zeros(size)
...     def forward(self, x):
...         if self.training:
...             self.mean = 0.9 * self.mean + 0.1 * np.mean(x.data, axis=0)
...         return x - self.mean

>>> layer = Centered(2)
>>> layer(Value([[10.0, 20.0]]))
Value([[ 9., 18.]])
>>> layer.parameters(), layer.state_dict()
([], {'mean': array([1., 2.])})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.nn._whole import new_data, replace_together
from tinygrad_edu.number import Array, as_number
from tinygrad_edu.support import warn_caller
from tinygrad_edu.value import Value, next_birth, no_grad


class Layer:
    """The base of all layers. A subclass gives `forward(x)` and keeps its Values in attributes.

    Attributes: `training`, True while learning, which decides what Dropout does; `name`, for messages.
    Layers may hold other layers, also in lists, tuples and dicts. Every Value that you made and keep in an
    attribute counts as something to be learned; of one that shall stay as it is, keep the `data` instead.

    Arrays in attributes are buffers, part of what a layer knows. An array that is only a note of the last
    call, such as its input, has a name that begins with "_", and is neither saved nor loaded. A buffer is
    made in `__init__`; while its size is not known, let it be None.
    """

    training: bool = True
    name: str | None = None

    def forward(self, x: Array) -> Array:
        """Return the layer's answer to a batch x. Each layer says what shapes it takes and gives."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def __call__(self, *inputs: Array) -> Array:
        """Return forward(x), or forward of several inputs if that takes several."""
        return in_part(self.name or type(self).__name__.lower(), self.forward, *inputs)

    # -- what it is made of ----------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, Value or Layer) for all that this layer holds directly."""
        for name, held in vars(self).items():
            yield from _unpack(name, held, Value | Layer)

    def named_layers(self, name: str = "") -> Iterator[tuple[str, Any]]:
        """Yield (name, layer) for the layers that run one after the other, as `Sequential` has them.

        Of any other layer nobody knows what it does with those that it holds: it yields itself alone. A model
        of your own that only hands the output of each layer to the next may override this. `name` is what
        the layer is called by the one that holds it.

        >>> [name for name, _ in Layer().named_layers("layer1")]
        ['layer1']
        """
        yield name or self.name or "", self

    def in_order(self) -> list[Any]:
        """Return the layers that run one after the other, without their names; see `named_layers`."""
        return [layer for _, layer in self.named_layers()]

    def named_parameters(self) -> dict[str, Value]:
        """Return the Values to be learned by their names, such as `dense1.weight`, each one once."""
        found: dict[str, Value] = {}
        for name, held in self.children():
            if isinstance(held, Layer):
                below = held.named_parameters().items()
                found |= {f"{name}.{inner}": value for inner, value in below}
            elif held.is_leaf:  # a computed Value that is kept in an attribute is no parameter
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

    def named_buffers(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the arrays that layers keep in attributes, by name; not those whose name begins with "_".

        NumPy's single numbers count as arrays, unless they are arguments of `__init__`, such as sizes.
        """
        return {
            f"{prefix}{name}": array
            for prefix, layer in self.all_layers()
            for attribute, held in layer._open_attributes()
            for name, array in _unpack(attribute, held, np.ndarray | np.generic)
            if array.dtype.kind in "biuf"
            and (isinstance(array, np.ndarray) or attribute not in layer._arguments())
        }

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return a copy of all parameters and buffers as arrays, by name."""
        copies = {name: value.numpy() for name, value in self.named_parameters().items()}
        for name, array in self.named_buffers().items():
            as_number(array)  # raises for a masked one
            copies[name] = np.array(array)
        return copies

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over all parameters and buffers from arrays by name; each keeps its shape and dtype.

        A buffer that was not made yet, where there is None or a single number, is taken as it comes.

        Raises ValueError that lists every missing, unknown and unfitting entry, TypeError for what is not
        made of numbers; then nothing is changed. Warns of NaN and infinity.
        """
        parameters, buffers = self.named_parameters(), self.named_buffers()
        held: dict[str, Any] = {name: np.asarray(v.data) for name, v in parameters.items()}
        held |= dict.fromkeys(self._empty_places()) | buffers
        wrong = [f"missing {name}" for name in [*parameters, *buffers] if name not in state]
        wrong += [f"unknown {name}" for name in state if name not in held]
        new: dict[str, np.ndarray[Any, Any]] = {}
        for name in (name for name in held if name in state):
            try:
                new[name] = _as_held(state[name], held[name])
            except ValueError as misfit:
                wrong.append(f"{name} {misfit}")
        if wrong:
            raise ValueError(f"the parameters do not fit this model: {'; '.join(wrong)}")
        _warn_of_nan(new, parameters)
        changes = [c for name, value in parameters.items() for c in new_data(value, new.pop(name))]
        for prefix, layer in self.all_layers():
            for attribute, kept in layer._open_attributes():
                place = f"{prefix}{attribute}"
                if any(f"{name}.".startswith(f"{place}.") for name in new):
                    changes.append((layer, attribute, _exchanged(place, kept, new)))
        replace_together(changes)

    def _open_attributes(self) -> list[tuple[str, Any]]:
        """Return the attributes of this layer that may hold buffers."""
        return [(name, held) for name, held in vars(self).items() if not name.startswith("_")]

    def _empty_places(self) -> Iterator[str]:
        """Yield the names of attributes that hold no array yet, but may: Dense's bias, say, may not."""
        for prefix, layer in self.all_layers():
            arguments = layer._arguments()
            for name, held in layer._open_attributes():
                if (held is None or type(held) in (int, float)) and name not in arguments:
                    yield f"{prefix}{name}"

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

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Ask without teaching, within a `with` block: nothing is recorded, Dropout rests.

        Afterwards every layer learns or not, as it did before.

        >>> layer = Layer()
        >>> with layer.answering():
        ...     layer.training
        False
        >>> layer.training
        True
        """
        # of every layer, since somebody may have switched off the Dropout of some
        were_training = [(layer, layer.training) for _, layer in self.all_layers()]
        try:
            self.eval()
            with no_grad():
                yield
        finally:
            for layer, training in were_training:
                layer.training = training

    def all_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Yield this layer and all that it holds, at any depth, each with what its names begin with.

        >>> outer = Layer()
        >>> outer.inner = Layer()
        >>> [prefix for prefix, _ in outer.all_layers()]
        ['', 'inner.']
        """
        yield prefix, self
        for name, held in self.children():
            if isinstance(held, Layer):
                yield from held.all_layers(f"{prefix}{name}.")

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
        for name in self._arguments():
            if not hasattr(self, name):
                kind = type(self).__name__
                raise TypeError(
                    f"{kind} does not keep its argument {name}, so nobody could build another one like it; "
                    f"write self.{name} = {name} into {kind}.__init__"
                )
        return {name: getattr(self, name) for name in self._arguments()}

    @classmethod
    def _arguments(cls) -> list[str]:
        """Return the names of the arguments of `__init__`, but for the generator of its random numbers."""
        if cls.__init__ is object.__init__:
            return []
        return [name for name in inspect.signature(cls).parameters if name != "rng"]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Layer:
        """Return a new layer, built with what `config()` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        try:
            config = self.config().items()
            arguments = ", ".join(f"{name}={_short(argument)}" for name, argument in config)
        except TypeError:
            arguments = "…"
        return f"{type(self).__name__}({arguments})"


def _short(argument: Any) -> str:
    """Return an argument as text, of an array its shape."""
    return f"array{argument.shape}" if isinstance(argument, np.ndarray) else repr(argument)


def _unpack(name: str, held: Any, kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is of a kind in an attribute, which may be a list, tuple or dict of such."""
    if isinstance(held, kind):
        yield name, held
    elif isinstance(held, list | tuple):
        for index, inner in enumerate(held):
            yield from _unpack(f"{name}.{index}", inner, kind)
    elif isinstance(held, dict):
        for key, inner in held.items():
            yield from _unpack(f"{name}.{key}", inner, kind)


def _exchanged(name: str, held: Any, new: Mapping[str, Any]) -> Any:
    """Return what an attribute holds, with the arrays in it exchanged for the `new` ones.

    They are not written into the old ones, which a graph may have been recorded with.
    """
    if isinstance(held, list):
        held[:] = [_exchanged(f"{name}.{i}", inner, new) for i, inner in enumerate(held)]
    elif isinstance(held, tuple):
        inner = [_exchanged(f"{name}.{i}", one, new) for i, one in enumerate(held)]
        held = tuple.__new__(type(held), inner)
    elif isinstance(held, dict):
        held.update({key: _exchanged(f"{name}.{key}", held[key], new) for key in held})
    return new.get(name, held)


def _as_held(given: Any, held: Any) -> np.ndarray[Any, Any]:
    """Return a copy of given numbers in the shape and dtype of those that are held, if any are.

    Raises ValueError that says why they do not fit.
    """
    as_number(given)  # raises TypeError for what is not made of numbers
    old: np.ndarray[Any, Any] = np.asarray(given)
    if held is None:
        return old.copy()
    if old.shape != held.shape:
        raise ValueError(f"has shape {old.shape} instead of {held.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        new = old.astype(held.dtype)
    whole = held.dtype.kind in "biu"
    if not np.array_equal(new, old) if whole else np.isinf(new).sum() > np.isinf(old).sum():
        raise ValueError(f"holds numbers that {held.dtype} cannot")
    return new


def _warn_of_nan(new: Mapping[str, np.ndarray[Any, Any]], parameters: Mapping[str, Value]) -> None:
    """Warn of numbers with which a network answers nothing but NaN; an infinite buffer may be a mask."""
    bad = [
        name
        for name, array in new.items()
        if np.isnan(array).any() or (name in parameters and np.isinf(array).any())
    ]
    if bad:
        warn_caller(
            f"NaN or infinity is loaded into {', '.join(bad)}, so the answers will be no numbers; "
            "load an earlier copy, or train anew"
        )


def dtype_of(model: Layer) -> np.dtype[Any]:
    """Return the type that a model calculates in: that of its first parameter; without any, float32.

    >>> dtype_of(Layer())
    dtype('float32')
    """
    return next((value.dtype for value in model.parameters()), np.dtype(np.float32))


def in_part(name: str, function: Callable[..., Array], *inputs: Any) -> Array:
    """Return function(*inputs), and remember that all Values made on the way are the part `name`.

    A part is told by the birth number at which it began, and its result: what was born in between was made in
    it. Every layer that is called is a part; this makes one of a plain function.

    >>> x, w = Value(2.0), Value(3.0)
    >>> y = in_part("neuron", lambda x: (w * x).tanh(), x)
    >>> y.part[0], y.part[1] < y.inputs[0].birth
    ('neuron', True)
    """
    first = next_birth()
    result = function(*inputs)
    if type(result) is Value and result.op is not None and result.birth > first:
        result.part = result.part or (name, first)  # of nested parts, the innermost made it
    return result
