"""Models: networks that can be taught, asked, described and saved.

`Model` adds the verbs `fit`, `evaluate`, `predict`, `summary` to any layer; `Sequential` is the model
that most networks are: layers one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

import numpy as np

from tinygrad_edu.drawing import Drawing, draw_network, model_in_notebook, svg_of_model
from tinygrad_edu.nn import Layer
from tinygrad_edu.number import Array, shape_of
from tinygrad_edu.support import text_table
from tinygrad_edu.training import evaluation, saving
from tinygrad_edu.training.fit import fit
from tinygrad_edu.training.history import History
from tinygrad_edu.training.metrics import Loss, Metrics
from tinygrad_edu.value import Value


class Model(Layer):
    """A layer that stands for a whole network. Subclass it for networks that are no mere sequence.

    Only a `Sequential` has `save`. The numbers of any other model go into a file of NumPy's and back with
    `np.savez("weights.npz", **model.state_dict())` and `model.load_state_dict(np.load("weights.npz"))`.

    >>> from tinygrad_edu.nn import Dense
    >>> class Shortcut(Model):
    ...     def __init__(self):
    ...         self.inner = Dense(3, 3)
    ...     def forward(self, x):
    ...         return x + self.inner(x).relu()
    >>> Shortcut().predict([[1, 2, 3]]).shape
    (1, 3)
    """

    #: What was measured in the last `fit`, also if that has ended with an error; None before.
    history: History | None = None
    _loss: Loss | None = None
    _metrics: Metrics = None

    def fit(
        self, x: Any, y: Any, *, loss: Loss, metrics: Metrics = None, **options: Any
    ) -> History:
        """Teach the model that x is followed by y; see `training.fit` for all options."""
        self._loss, self._metrics = loss, metrics
        return fit(self, x, y, loss=loss, metrics=metrics, **options)

    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        loss: Loss | None = None,
        metrics: Metrics = None,
        batch_size: int = 256,
    ) -> dict[str, float]:
        """Return loss and metrics on other data, by name; by default those of the last `fit`."""
        loss = loss or self._loss
        metrics = self._metrics if metrics is None else metrics
        return evaluation.evaluate(self, x, y, loss=loss, metrics=metrics, batch_size=batch_size)

    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray[Any, Any]:
        """Return the outputs for N samples as an array (N, …), computed batch by batch."""
        return evaluation.predict(self, x, batch_size)

    def summary(self, input_shape: tuple[int, ...] | None = None) -> None:
        """Print layers, the shapes of their outputs, and how many parameters they have.

        `input_shape` is that of one sample; a first Dense layer knows it by itself. The shapes are known
        of a `Sequential` only, and a question mark elsewhere.

        >>> from tinygrad_edu import Dense, ReLU, Sequential
        >>> Sequential(Dense(784, 512), ReLU(), Dense(512, 10)).summary()
        layer            output shape  parameters
        -----------------------------------------
        dense1    Dense  (N, 512)         401,920
        relu1     ReLU   (N, 512)               0
        dense2    Dense  (N, 10)            5,130
        -----------------------------------------
        in total                          407,050
        """
        rows = [
            [name, type(held).__name__, shape, f"{_count(held):,}"]
            for (name, held), shape in zip(
                self.children(), self._output_shapes(input_shape), strict=True
            )
        ]
        total = ["in total", "", "", f"{_count(self):,}"]
        print(text_table(["layer", "", "output shape", "parameters"], rows, total))

    def _output_shapes(self, input_shape: tuple[int, ...] | None) -> list[str]:
        """Return the shape of what each part gives, as text; nothing is known of their order here."""
        return ["?"] * len(list(self.children()))

    def draw(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Drawing:
        """Draw the network to a file, or in a notebook; see `drawing.draw_network` for all options."""
        return draw_network(self, path, **options)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return model_in_notebook(self)

    def _repr_svg_(self) -> str | None:
        return svg_of_model(self)


class Sequential(Model):
    """Layers one after the other: the output of each is the input of the next.

    `rng`, a seed or a Generator, draws all weights anew and feeds Dropout, so that the same number gives the
    same network; without it, weights stay as the layers have them. Layers get names by kind and number:
    dense1, relu1, dense2, …; so do their parameters: dense1.weight. `model[0]` is a layer, and `model[:2]` a
    Sequential of the first two, which shares their weights.

    Raises TypeError for what is no layer, ValueError for none at all or the same one twice.

    >>> from tinygrad_edu.nn import Dense, ReLU
    >>> model = Sequential(Dense(4, 3), ReLU(), Dense(3, 2), rng=0)
    >>> [(p.name, p.shape) for p in model.parameters()]  # doctest: +NORMALIZE_WHITESPACE
    [('dense1.weight', (4, 3)), ('dense1.bias', (3,)),
     ('dense2.weight', (3, 2)), ('dense2.bias', (2,))]
    >>> model(np.ones((5, 4), np.float32)).shape
    (5, 2)
    """

    def __init__(self, *layers: Layer, rng: int | np.random.Generator | None = None) -> None:
        if not layers:
            raise ValueError("a Sequential needs at least one layer: Sequential(Dense(4, 2))")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"expected layers, got {layer!r}; a list is unpacked with a star: Sequential(*layers), "
                    "and an activation needs its parentheses: ReLU()"
                )
        if len(set(map(id, layers))) < len(layers):
            raise ValueError("the same layer object stands twice; make a second one")
        self.layers = list(layers)
        if rng is not None:
            self.initialize(np.random.default_rng(rng))
        self._give_names()

    def _give_names(self) -> None:
        """Name layers and parameters, for messages; what stands in two models has the latest name."""
        for name, layer in self.children():
            layer.name = name
        self.parameters()

    def forward(self, x: Array) -> Array:
        """Whatever the first layer takes → whatever the last one gives."""
        for layer in self.layers:
            x = layer(x)
        return x

    def children(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, layer) in order: dense1, relu1, dense2, …"""
        numbers: dict[str, int] = {}
        for layer in self.layers:
            kind = type(layer).__name__.lower()
            numbers[kind] = numbers.get(kind, 0) + 1
            yield f"{kind}{numbers[kind]}", layer

    def named_layers(self, name: str = "") -> Iterator[tuple[str, Any]]:
        """Yield (name, layer) in order, with those of a Sequential inside in its place.

        A layer of that one is called "sequential1.dense1".
        """
        for own_name, layer in self.children():
            yield from layer.named_layers(f"{name}.{own_name}" if name else own_name)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Layer: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Layer:
        if not isinstance(index, slice):
            return self.layers[index]
        part = Sequential(*self.layers[index])
        self._give_names()  # the whole keeps them
        return part

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Sequential:
        """Return a model of the layers in what `config()` gave."""
        return cls(*config["layers"])

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def _output_shapes(self, input_shape: tuple[int, ...] | None) -> list[str]:
        """Return the shape of each layer's output, as found out by sending zeros through."""
        if input_shape is None:
            n_in = getattr(self.layers[0], "n_in", None)
            if n_in is None:
                return ["?"] * len(self.layers)
            input_shape = (n_in,)
        x: Array = np.zeros((1, *input_shape), np.float32)
        shapes = []
        with self.answering():
            for layer in self.layers:
                x = layer(x)
                shapes.append(f"({', '.join(['N', *map(str, shape_of(x)[1:])])})")
        return shapes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the layers and all they know, parameters and buffers, to one safetensors file.

        An old file of that name is replaced whole or not at all. Warns if layers of your own keep numbers
        that the file does not hold.

        Raises OSError if the file cannot be written; TypeError if arguments or arrays of a layer cannot;
        ValueError if no model could be built from the file again.
        """
        saving.save_model(self, path, Sequential)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], layers: Iterable[type[Layer]] | type[Layer] = ()
    ) -> Sequential:
        """Read a model that `save` has written; it is in `eval()` mode, ready to answer.

        `layers` are your own kinds of layers in it. Weights of type bfloat16 and float8 are read, too. Warns
        if there is NaN or infinity among the weights.

        Raises FileNotFoundError, or ValueError that says what is wrong with the file.
        """
        own = (layers,) if isinstance(layers, type) else layers
        model: Sequential = saving.load_model(path, cls, (Sequential, *own))
        model.eval()
        return model


def _count(held: Layer | Value) -> int:
    """Return how many numbers are to be learned in a part of a model; shared ones count once."""
    values = held.named_parameters().values() if isinstance(held, Layer) else (held,)
    return sum(value.size for value in values if value.op is None)
