"""Both sides of a comparison: what autograd recorded, and what was derived by hand, matched by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.nn import Layer
from tinygrad_edu.value import Value, ancestors, grad

#: A loss that was computed, or what computes it from the data: a model, or a function that returns a Value.
Subject: TypeAlias = Value | Layer | Callable[..., Any]
#: Gradients by name (None: there is none), or what computes them from the data.
ByHand: TypeAlias = Mapping[str, Any] | Callable[..., Mapping[str, Any]]
Gradients: TypeAlias = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Evidence:
    """A loss, the parameters it is differentiated by, autograd's gradients, and those given by hand."""

    output: Value
    parameters: dict[str, Value]
    autograd: Gradients
    given: Gradients

    @property
    def missing(self) -> list[str]:
        """The parameters for which nothing was given."""
        return [name for name in self.parameters if name not in self.given]

    @property
    def extra(self) -> list[str]:
        """What was given, but is no parameter."""
        return [name for name in self.given if name not in self.parameters]


def gather(
    subject: Subject,
    by_hand: ByHand,
    data: tuple[Any, ...],
    loss: Callable[..., Any] | None,
    parameters: Mapping[str, Value] | None,
) -> Evidence:
    """Compute both sides (see `compare` for the arguments)."""
    output = _output(subject, data, loss)
    if parameters is None:
        model = subject if isinstance(subject, Layer) else None
        parameters = model.named_parameters() if model else leaves_by_name(output)
    if not isinstance(parameters, Mapping):
        raise TypeError(
            f'expected parameters as {{"w": Value, …}}, by name, got {type(parameters).__name__}'
        )
    for name, value in parameters.items():
        if not isinstance(value, Value):
            raise TypeError(
                f"expected parameter {name!r} to be a Value, got {type(value).__name__}"
            )
    by_hand = getattr(by_hand, "gradients", by_hand)  # a network of `by_hand`, or a program
    given = by_hand(*data) if callable(by_hand) else by_hand
    if not isinstance(given, Mapping):
        raise TypeError(
            f"expected the gradients by hand as a dict of arrays by name, got {type(given).__name__}; "
            'give {"w": array, …}, or a function that returns it'
        )
    autograd = grad(output, list(parameters.values()))
    return Evidence(
        output,
        dict(parameters),
        {name: np.asarray(g) for name, g in zip(parameters, autograd, strict=True)},
        {_name(name, parameters): _numbers(name, g) for name, g in given.items() if g is not None},
    )


def _name(key: object, parameters: Mapping[str, Value]) -> str:
    """Return the name that a key of a dict of gradients stands for: a Value stands for its own."""
    if isinstance(key, Value):
        return next((n for n, v in parameters.items() if v is key), key.name or "a nameless Value")
    return str(key)


def leaves_by_name(output: Value) -> dict[str, Value]:
    """Return the named Values that an output was made from, oldest first; nameless ones are left out.

    Raises ValueError if no Value has a name, or two have the same.

    >>> w = Value(2.0, name="w")
    >>> list(leaves_by_name(w * Value(3.0)))
    ['w']
    """
    found: dict[str, Value] = {}
    for node in reversed(ancestors(output)):
        if node.op is None and node.name:
            if node.name in found:
                raise ValueError(
                    f"two Values have the name {node.name!r}, so gradients cannot be matched by name; "
                    "rename one, or pass parameters={name: Value, …}"
                )
            found[node.name] = node
    if not found:
        raise ValueError(
            "no Value in this calculation has a name to match gradients by; name them, Value(0.5, "
            'name="w"), or pass parameters={"w": value, …}'
        )
    return found


def value_named(output: Value, name: Value | str) -> Value:
    """Return the Value of that name among those that an output was made from, results included.

    A Value is returned as it is. Raises TypeError for anything else, ValueError if none has the name, or
    more than one.
    """
    if isinstance(name, Value):
        return name
    if not isinstance(name, str):
        raise TypeError(f"expected a Value or its name, got {type(name).__name__}")
    nodes = ancestors(output)
    found = [node for node in nodes if node.name == name]
    if len(found) != 1:
        names = ", ".join(sorted({node.name for node in nodes if node.name})[:12])
        raise ValueError(
            f"expected one Value named {name!r}, found {len(found)}; there are {names or 'no names'}"
        )
    return found[0]


def _output(subject: Subject, data: tuple[Any, ...], loss: Callable[..., Any] | None) -> Value:
    """Return the loss as a Value that remembers how it was made."""
    if isinstance(subject, Value):
        output: Any = subject
    elif loss is not None:
        if not callable(loss):
            raise TypeError(
                "expected loss= to be a function of output and target, such as half_squared_error, got "
                f"{type(loss).__name__}"
            )
        if len(data) != 2:
            raise TypeError(
                f"a model with a loss needs inputs and targets, got {len(data)} arguments; write "
                "compare(model, by_hand, inputs, targets, loss=…)"
            )
        output = loss(subject(data[0]), data[1])
    elif isinstance(subject, Layer):
        raise TypeError(
            "a model needs a loss to be differentiated: pass loss=softmax_cross_entropy"
        )
    else:
        if not callable(subject):
            raise TypeError(
                "expected a loss (a Value), a function that returns one, or a model with its loss, "
                f"got {type(subject).__name__}"
            )
        output = subject(*data)
    if not isinstance(output, Value) or output.size != 1:
        got = f"shape {output.shape}" if isinstance(output, Value) else type(output).__name__
        raise TypeError(
            f"expected the loss to be a Value that is a single number, got {got}; compute it from "
            "Values, outside of no_grad(), and take its sum() or mean()"
        )
    return output


def _numbers(name: object, given: Any) -> np.ndarray[Any, Any]:
    """Return a gradient that was given as an array of floats."""
    if isinstance(given, Value):
        given = given.data
    try:
        if np.iscomplexobj(given):
            raise TypeError("a gradient is real, and this is complex")
        return np.asarray(given, dtype=None if np.asarray(given).dtype.kind == "f" else float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the gradient given for {name!r} is no number and no array of numbers, but a "
            f"{type(given).__name__}: {error}"
        ) from error
