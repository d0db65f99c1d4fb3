"""Optimizers: how far to step, and in which direction.

The gradient points uphill, so every optimizer steps against it: w ← w − η·∂L/∂w. That is SGD. The others
remember earlier gradients: momentum rolls on through small bumps; RMSprop and Adam divide by the usual
size of each weight's gradient, so that rarely used weights step as boldly as others.

The learning rate η (`lr`) may be a number, or a function of the step that returns one:

>>> halving = lambda step: 0.1 * 0.5 ** (step // 1000)
>>> SGD([Value(1.0)], lr=halving).learning_rate()
0.1
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinygrad_edu.nn._checks import is_real
from tinygrad_edu.nn._whole import Change, new_data, replace_together
from tinygrad_edu.number import Array, Owned, plain_array, shape_of
from tinygrad_edu.support import known_as
from tinygrad_edu.value import Value

Rate: TypeAlias = float | Callable[[int], float]

#: What other libraries call our options.
_ELSEWHERE = {"learning_rate": "lr", "rate": "lr", "eta": "lr", "params": "parameters"}
_ELSEWHERE |= {"eps": "epsilon", "decay": "weight_decay"}


class Optimizer:
    """The base of all optimizers. A subclass says how one parameter's data follows from its gradient.

    `parameters` are Values, usually `model.parameters()`. `weight_decay` λ adds λ·w to each gradient, the
    derivative of ½λw², which pulls weights toward zero. Attributes: `parameters`, `lr`, `weight_decay`,
    `steps`, the number of steps taken.

    A step is taken whole or not at all: if Ctrl-C or an error comes in between, every parameter, and all
    that is remembered of earlier gradients, is as it was before.

    Raises ValueError for no parameters, one given twice, or a setting that is no number or out of its range.
    """

    #: Whether `update` leaves the arrays in its memory as they are and only puts new ones there. Otherwise
    #: each step hands it copies, so that an interrupted one has spoiled nothing.
    replaces_memory: ClassVar[bool] = False

    @known_as(**_ELSEWHERE)
    def __init__(self, parameters: Iterable[Value], lr: Rate, weight_decay: float = 0.0) -> None:
        if isinstance(parameters, Value):
            raise TypeError(
                "expected a list of parameters, got one Value; put it into a list: [value]"
            )
        if not isinstance(parameters, Iterable):
            raise TypeError(
                f"expected a list of parameters, got {parameters!r}; pass model.parameters()"
            )
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("expected parameters to learn, got none; pass model.parameters()")
        for value in self.parameters:
            if not isinstance(value, Value):
                raise TypeError(
                    f"expected Values as parameters, got {type(value).__name__}; pass model.parameters()"
                )
            if value.op is not None:
                raise ValueError(
                    f"a Value computed by {value.op.name} cannot be a parameter, since its data follows from "
                    "others; pass Values that you made yourself, such as model.parameters()"
                )
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("a parameter is given twice and would step twice; pass each once")
        self.lr = lr
        self.weight_decay = weight_decay
        self.steps = 0
        self._memory: list[dict[str, Any]] = [{} for _ in self.parameters]
        self.check_settings()

    def __setattr__(self, name: str, new: Any) -> None:
        """Set an attribute, but not in place of a method, nor one that has another name here."""
        is_method = callable(getattr(type(self), name, None)) and not callable(new)
        if is_method or (name in _ELSEWHERE and not hasattr(self, name)):
            instead = f"; set {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
            what = "is a method" if is_method else "means nothing here"
            raise AttributeError(f"{name} of {type(self).__name__} {what}{instead}")
        super().__setattr__(name, new)

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={setting!r}" for name, setting in self._settings().items())
        return f"{type(self).__name__}({words})"

    def _settings(self) -> dict[str, Any]:
        """Return the options that this optimizer was made with, as they are at the moment."""
        kept = {
            name: setting
            for name, setting in vars(self).items()
            if name not in ("parameters", "steps") and not name.startswith("_")
        }
        return {"lr": self.lr} | kept

    def check_settings(self) -> None:
        """Raise ValueError for a setting that is no number or out of its range."""
        if not (is_real(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"expected weight_decay ≥ 0, got {self.weight_decay!r}")
        self.learning_rate()

    def learning_rate(self) -> float:
        """Return the learning rate of the next step. Raises ValueError if it is no positive number.

        Only a function of the step may also return 0, where a schedule begins or ends.
        """
        rate = self.lr(self.steps) if callable(self.lr) else self.lr
        if not (is_real(rate) and (rate > 0 or (rate == 0 and callable(self.lr)))):
            raise ValueError(
                f"expected a learning rate above 0, got {rate!r} at step {self.steps}; "
                "0.1 is usual for SGD, 0.001 for Adam and RMSprop"
            )
        return float(rate)  # a NumPy number would widen float32 parameters

    def step(self) -> None:
        """Move every parameter that has a gradient, one step.

        All is computed first and then put in place together, so nothing can be half done.

        Raises RuntimeError if none has one, ValueError if one has another shape than its parameter; then
        nothing is changed.
        """
        rate = self.learning_rate()
        memory = list(self._memory)
        changes: list[Change] = []
        for i, value in enumerate(self.parameters):
            if value.grad is None:
                continue
            g = value.grad.data if isinstance(value.grad, Value) else value.grad
            w = plain_array(value.data)
            if shape_of(g) != shape_of(w):
                raise ValueError(
                    f"the gradient of {value.name or 'a parameter'} has shape {shape_of(g)} "
                    f"instead of {value.shape}"
                )
            if self.weight_decay:
                g = g + self.weight_decay * w
            kept = memory[i]
            memory[i] = dict(kept) if self.replaces_memory else copy.deepcopy(kept)
            changes += new_data(value, Owned(self.update(w, g, memory[i], rate)))
        if not changes:
            raise RuntimeError("no parameter has a gradient; call loss.backward() before step()")
        changes += [(self, "_memory", memory), (self, "steps", self.steps + 1)]
        replace_together(changes)

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """Return new data for one parameter, given its data, its gradient and what was remembered of it.

        w, g and the result have one shape. `memory` is empty at the first step and belongs to this method;
        what is kept there, and nothing else, is part of `state_dict()` and safe from interrupts.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update")

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of all that the next steps depend on, besides the parameters and their gradients.

        A rate that is a function of the step is not in it: whoever goes on gives the function again.

        >>> w = Value(1.0)
        >>> SGD([w], lr=0.1, momentum=0.9).state_dict()["settings"]
        {'lr': 0.1, 'momentum': 0.9, 'nesterov': False, 'weight_decay': 0.0}
        """
        return {
            "kind": type(self).__name__,
            "steps": self.steps,
            "settings": copy.deepcopy(
                {name: x for name, x in self._settings().items() if _is_plain(x)}
            ),
            "names": [value.name for value in self.parameters],
            "shapes": [value.shape for value in self.parameters],
            "memory": copy.deepcopy(self._memory),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict()` of such an optimizer gave, with parameters of the same shapes.

        A rate that is a function stays.

        Raises ValueError, TypeError for what is no such state; then nothing is changed.

        >>> w = Value(1.0)
        >>> one, other = SGD([w], lr=0.1), SGD([w], lr=0.5)
        >>> other.load_state_dict(one.state_dict()); other.lr
        0.1
        """
        self._check_state(state)
        mine = self._settings()
        settings = {
            name: copy.deepcopy(x)
            for name, x in state["settings"].items()
            if name in mine and _is_plain(mine[name])
        }
        memory = copy.deepcopy(list(state["memory"]))
        other = copy.copy(self)  # is tried out, so that this one changes only if all is well
        vars(other).update(settings, steps=state["steps"])
        other.check_settings()
        for value, remembered in zip(self.parameters, memory, strict=True):
            other._check_memory(value, remembered)
        changes: list[Change] = [(self, name, x) for name, x in settings.items()]
        replace_together([*changes, (self, "steps", state["steps"]), (self, "_memory", memory)])

    def _check_state(self, state: Mapping[str, Any]) -> None:
        """Raise TypeError or ValueError for a state that is not of such an optimizer of such parameters."""
        parts = ("kind", "steps", "settings", "names", "shapes", "memory")
        if not isinstance(state, Mapping) or not all(part in state for part in parts):
            raise TypeError(
                "expected what state_dict() of an optimizer gives, with "
                f"{', '.join(parts)}, got {type(state).__name__}"
            )
        kind, steps, memory = state["kind"], state["steps"], state["memory"]
        if kind != type(self).__name__:
            raise ValueError(
                f"this is the state of {kind}, not of {type(self).__name__}; go on with the optimizer "
                "that it was taken from"
            )
        shapes = [value.shape for value in self.parameters]
        if [tuple(shape) for shape in state["shapes"]] != shapes:
            raise ValueError(
                f"the state is that of parameters of shapes {state['shapes']}, not {shapes}; "
                "go on with the same parameters, in the same order"
            )
        theirs, names = list(state["names"]), [value.name for value in self.parameters]
        if theirs != names and sorted(map(str, theirs)) == sorted(map(str, names)):
            raise ValueError(f"expected the parameters in the order {theirs}, got {names}")
        of_each = len(memory) == len(names) and all(isinstance(part, dict) for part in memory)
        if not (isinstance(steps, int) and steps >= 0 and of_each):
            raise ValueError(
                f"expected a number of steps, and what is remembered of {len(names)} parameters, "
                f"got {steps!r} steps and {len(memory)}"
            )

    def _check_memory(self, value: Value, memory: dict[str, Any]) -> None:
        """Raise ValueError if an update, tried out on a copy, remembers numbers of other shapes."""
        after = copy.deepcopy(memory)
        w = plain_array(value.data)
        with np.errstate(all="ignore"):
            new = self.update(w, 0.0 * w, after, self.learning_rate())
        shapes, expected = ({k: shape_of(x) for k, x in m.items()} for m in (memory, after))
        if memory and (shape_of(new) != value.shape or shapes != expected):
            raise ValueError(
                f"what is remembered of {value.name or 'a parameter'} has shapes {shapes}, and "
                f"{type(self).__name__} needs {expected}"
            )

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, so that the next backward() starts anew."""
        for value in self.parameters:
            value.grad = None


def _is_plain(setting: Any) -> bool:
    """Return whether a setting is a number, a text, or some of them: what can be kept, and compared."""
    if isinstance(setting, list | tuple):
        return all(map(_is_plain, setting))
    return setting is None or isinstance(setting, bool | int | float | str | np.generic)


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − η·g; with momentum μ: v ← μ·v + g, w ← w − η·v.

    With `nesterov`, w ← w − η·(g + μ·v), which looks ahead to where momentum is about to carry it.

    Sources: Robbins and Monro, 1951; Polyak, 1964; Sutskever, Martens, Dahl and Hinton, On the importance
    of initialization and momentum in deep learning, 2013. Numbers as in PyTorch's SGD.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step(); w.data
    0.8
    """

    replaces_memory = True

    @known_as(**_ELSEWHERE)
    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        super().__init__(parameters, lr, weight_decay)

    def check_settings(self) -> None:
        """Raise ValueError for a momentum outside of 0 ≤ μ < 1, and as every optimizer does."""
        if not (is_real(self.momentum) and 0.0 <= self.momentum < 1.0):
            raise ValueError(f"expected 0 ≤ momentum < 1, got {self.momentum!r}")
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs a momentum above 0, for example 0.9")
        super().check_settings()

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """w − η·v"""
        if self.momentum:
            v = memory["velocity"] = self.momentum * memory.get("velocity", 0.0) + g
            g = g + self.momentum * v if self.nesterov else v
        return w - rate * g


class RMSprop(Optimizer):
    """s ← ρ·s + (1 − ρ)·g², w ← w − η·g/(√s + ε): steps of one size, whatever the gradient's.

    Source: Tieleman and Hinton, Coursera lecture 6.5, 2012; defaults as in Keras.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> RMSprop([w], lr=0.1).step(); round(w.data, 4)
    0.6838
    """

    replaces_memory = True

    @known_as(**_ELSEWHERE, alpha="rho")
    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        self.rho = rho
        self.epsilon = epsilon
        super().__init__(parameters, lr, weight_decay)

    def check_settings(self) -> None:
        """Raise ValueError for ρ outside of 0 ≤ ρ < 1, or ε < 0, and as every optimizer does."""
        if not (is_real(self.rho) and 0.0 <= self.rho < 1.0):
            raise ValueError(f"expected 0 ≤ rho < 1, got {self.rho!r}")
        if not (is_real(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"expected epsilon ≥ 0, got {self.epsilon!r}")
        super().check_settings()

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """w − η·g/(√s + ε)"""
        s = memory["square"] = self.rho * memory.get("square", 0.0) + (1.0 - self.rho) * g * g
        return w - rate * g / (s**0.5 + self.epsilon)


class Adam(Optimizer):
    """m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η·m̂/(√v̂ + ε): momentum and RMSprop in one.

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) make up for both averages having started at 0.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> Adam([w], lr=0.1).step(); round(w.data, 4)
    0.9
    """

    replaces_memory = True

    @known_as(**_ELSEWHERE, beta1="betas=(beta1, beta2)", beta_1="betas=(beta1, beta2)")
    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.betas = betas
        self.epsilon = epsilon
        super().__init__(parameters, lr, weight_decay)

    def check_settings(self) -> None:
        """Raise ValueError for β outside of 0 ≤ β < 1, or ε < 0, and as every optimizer does."""
        two = isinstance(self.betas, tuple | list) and len(self.betas) == 2
        if not two or not all(is_real(beta) and 0.0 <= beta < 1.0 for beta in self.betas):
            raise ValueError(
                f"expected 0 ≤ β < 1 for both betas, as in betas=(0.9, 0.999), got {self.betas!r}"
            )
        if not (is_real(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"expected epsilon ≥ 0, got {self.epsilon!r}")
        super().check_settings()

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """w − η·m̂/(√v̂ + ε)"""
        beta1, beta2 = self.betas
        t = memory["step"] = memory.get("step", 0) + 1
        m = memory["mean"] = beta1 * memory.get("mean", 0.0) + (1.0 - beta1) * g
        v = memory["square"] = beta2 * memory.get("square", 0.0) + (1.0 - beta2) * g * g
        mean, square = m / (1.0 - beta1**t), v / (1.0 - beta2**t)
        return w - rate * mean / (square**0.5 + self.epsilon)
