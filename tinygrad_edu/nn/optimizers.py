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

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.number import Array, Owned, plain_array, shape_of
from tinygrad_edu.value import Value

Rate: TypeAlias = float | Callable[[int], float]


class Optimizer:
    """The base of all optimizers. A subclass says how one parameter's data follows from its gradient.

    `parameters` are Values, usually `model.parameters()`. `weight_decay` λ adds λ·w to each gradient, the
    derivative of ½λw², which pulls weights toward zero. Attributes: `parameters`, `lr`, `weight_decay`,
    `steps`, the number of steps taken.

    Raises ValueError for no parameters, one given twice, or a rate that is no positive number.
    """

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
        if not weight_decay >= 0:
            raise ValueError(f"expected weight_decay ≥ 0, got {weight_decay}")
        self.lr = lr
        self.weight_decay = weight_decay
        self.steps = 0
        self._memory: list[dict[str, Any]] = [{} for _ in self.parameters]
        self.learning_rate()

    def __repr__(self) -> str:
        settings = {"lr": self.lr} | {
            name: setting
            for name, setting in vars(self).items()
            if name not in ("parameters", "steps") and not name.startswith("_")
        }
        words = ", ".join(f"{name}={setting!r}" for name, setting in settings.items())
        return f"{type(self).__name__}({words})"

    def learning_rate(self) -> float:
        """Return the learning rate of the next step. Raises ValueError if it is no positive number.

        Only a function of the step may also return 0, where a schedule begins or ends.
        """
        given = self.lr(self.steps) if callable(self.lr) else self.lr
        try:
            rate = float(given)  # a NumPy number would widen float32 parameters
        except (TypeError, ValueError):
            rate = math.nan
        if not (math.isfinite(rate) and (rate > 0 or (rate == 0 and callable(self.lr)))):
            raise ValueError(
                f"expected a learning rate above 0, got {given!r} at step {self.steps}; "
                "0.1 is usual for SGD, 0.001 for Adam and RMSprop"
            )
        return rate

    def step(self) -> None:
        """Move every parameter that has a gradient, one step.

        Raises RuntimeError if none has one, ValueError if one has another shape than its parameter; then
        nothing is changed.
        """
        moving = [
            (value, memory)
            for value, memory in zip(self.parameters, self._memory, strict=True)
            if value.grad is not None
        ]
        if not moving:
            raise RuntimeError("no parameter has a gradient; call loss.backward() before step()")
        for value, _ in moving:
            if shape_of(value.grad) != value.shape:
                raise ValueError(
                    f"the gradient of {value.name or 'a parameter'} has shape {shape_of(value.grad)} "
                    f"instead of {value.shape}"
                )
        rate = self.learning_rate()
        self.steps += 1
        for value, memory in moving:
            g = value.grad.data if isinstance(value.grad, Value) else value.grad
            w = plain_array(value.data)
            if self.weight_decay:
                g = g + self.weight_decay * w
            new = self.update(w, g, memory, rate)
            value.data = Owned(new)

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """Return new data for one parameter, given its data, its gradient and what was remembered of it.

        w, g and the result have one shape; `memory` is empty at the first step and belongs to this method.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update")

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, so that the next backward() starts anew."""
        for value in self.parameters:
            value.grad = None


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

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"expected 0 ≤ momentum < 1, got {momentum}")
        if nesterov and momentum == 0.0:
            raise ValueError("nesterov needs a momentum above 0, for example 0.9")
        self.momentum = momentum
        self.nesterov = nesterov
        super().__init__(parameters, lr, weight_decay)

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

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        if not 0.0 <= rho < 1.0:
            raise ValueError(f"expected 0 ≤ rho < 1, got {rho}")
        self.rho = rho
        self.epsilon = epsilon
        super().__init__(parameters, lr, weight_decay)

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

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if np.shape(betas) != (2,) or not all(0.0 <= beta < 1.0 for beta in betas):
            raise ValueError(
                f"expected 0 ≤ β < 1 for both betas, as in betas=(0.9, 0.999), got {betas!r}"
            )
        self.betas = betas
        self.epsilon = epsilon
        super().__init__(parameters, lr, weight_decay)

    def update(self, w: Array, g: Array, memory: dict[str, Any], rate: float) -> Array:
        """w − η·m̂/(√v̂ + ε)"""
        beta1, beta2 = self.betas
        t = memory["step"] = memory.get("step", 0) + 1
        m = memory["mean"] = beta1 * memory.get("mean", 0.0) + (1.0 - beta1) * g
        v = memory["square"] = beta2 * memory.get("square", 0.0) + (1.0 - beta2) * g * g
        mean, square = m / (1.0 - beta1**t), v / (1.0 - beta2**t)
        return w - rate * mean / (square**0.5 + self.epsilon)
