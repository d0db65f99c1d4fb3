"""Resuming: a training that was stopped goes on as if it had never been.

What comes next depends on more than the weights: on what the optimizer remembers, how many steps it has
taken, how far each generator of random numbers has come, and on what callbacks have seen. All of that, after
a whole epoch, is a `Run`. Saved and read again, it leads to the same weights, to the last bit.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.nn import Layer, Optimizer
from tinygrad_edu.training.array_files import Arrays, read_arrays, write_arrays
from tinygrad_edu.training.history import History
from tinygrad_edu.training.packing import pack, pack_array, unpack
from tinygrad_edu.training.saving import describe_model


class Run:
    """A training: all that its next epochs depend on, besides the data.

    Attributes: `model`; `optimizer`; `history`, the epochs so far; `measures`, the names of the numbers that
    each epoch gives.

    Generators of random numbers are looked for where they can be found: in the attributes of layers, of the
    optimizer, the loss and of `augment`, and among the variables that a function uses. One that stands
    elsewhere, such as a variable of a module that a layer's method draws from, is not put back.
    """

    def __init__(
        self,
        model: Layer,
        optimizer: Optimizer,
        callbacks: Sequence[Any],
        measures: Sequence[str],
        **random: Any,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.history = History()
        self.measures = measures
        self._callbacks = callbacks
        self._random = {"model": model, "optimizer": optimizer, **random}
        self._given = optimizer.state_dict()["settings"]

    def begin(self) -> None:
        """Tell the callbacks that the training is about to begin."""
        for callback in self._callbacks:
            if hasattr(callback, "begin"):
                callback.begin(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file from which the training can be resumed; of a Sequential, it is a model file as well.

        Raises OSError if it cannot be written, TypeError for what a file cannot hold.
        """
        from tinygrad_edu.training.model import Sequential  # which is made of all this

        state = self._state()
        arrays: Arrays = {}
        model = {name: pack_array(x, name, arrays) for name, x in state.pop("model").items()}
        metadata = {"training": json.dumps({"model": model, "rest": pack(state, arrays)})}
        if isinstance(self.model, Sequential):
            metadata |= describe_model(self.model, Sequential)
        write_arrays(path, arrays, metadata)

    def resume(self, path: str | os.PathLike[str], epochs: int) -> None:
        """Go on from a file that `save` has written; `epochs` is how many there shall be in all.

        A setting of the optimizer that was given otherwise than to the run in the file is meant so and stays.

        Raises FileNotFoundError, or ValueError that says what does not fit; then nothing is changed.
        """
        state = _read(path)
        before = self._state()
        try:
            self._take(state)
            if len(self.history) > epochs:
                raise ValueError(
                    f"it has {len(self.history)} epochs, more than epochs={epochs} in all"
                )
        except Exception as error:
            self._take(before)
            raise ValueError(f"{path} cannot be resumed in this training: {error}") from error

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "notes": [
                {name: getattr(layer, name) for name in _notes(layer)}
                for _, layer in self.model.all_layers()
            ],
            "optimizer": self.optimizer.state_dict(),
            "given": self._given,
            "generators": {
                name: rng.bit_generator.state for name, rng in self._generators().items()
            },
            "callbacks": [
                (_kind(callback), callback.state_dict()) for callback in self._remembering()
            ],
            "history": (list(self.history.epochs), self.history.stopped),
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        generators = self._generators()
        if generators.keys() != state["generators"].keys():
            raise ValueError(
                f"its random numbers come from {', '.join(state['generators'])}, and here they come from "
                f"{', '.join(generators)}"
            )
        optimizer = dict(state["optimizer"])
        optimizer["settings"] = {
            name: self._given[name] if self._given.get(name) != state["given"].get(name) else now
            for name, now in optimizer["settings"].items()
            if name in self._given
        }
        self.optimizer.load_state_dict(optimizer)
        self.model.load_state_dict(state["model"])
        for (_, layer), notes in zip(self.model.all_layers(), state["notes"], strict=True):
            for name in _notes(layer) & notes.keys():
                setattr(layer, name, notes[name])
        for name, rng in generators.items():
            rng.bit_generator.state = state["generators"][name]
        remembered = list(state["callbacks"])
        for callback in self._remembering():
            kinds = [kind for kind, _ in remembered]
            if _kind(callback) in kinds:  # another one was not there, and begins anew
                _, memory = remembered.pop(kinds.index(_kind(callback)))
                callback.load_state_dict(memory)
        self.history.epochs[:], self.history.stopped = state["history"]

    def _remembering(self) -> list[Any]:
        """Return the callbacks that remember something from epoch to epoch."""
        return [callback for callback in self._callbacks if hasattr(callback, "state_dict")]

    def _generators(self) -> dict[str, np.random.Generator]:
        seen: set[int] = set()
        return {
            place: rng
            for name, held in self._random.items()
            for place, rng in _generators_in(held, name, seen)
        }


def _kind(callback: Any) -> str:
    """Return what a callback is, so that it finds its own memory again among others."""
    return f"{type(callback).__name__} {getattr(callback, 'monitor', '')}"


def _notes(layer: Layer) -> set[str]:
    """Return the names of the single numbers and texts that a layer keeps, such as how often it was called.

    Arguments of `__init__` are not among them: they are what was asked for.
    """
    asked = {"name", "training", *inspect.signature(type(layer)).parameters}
    plain = {
        name for name, held in vars(layer).items() if isinstance(held, bool | int | float | str)
    }
    return plain - asked


def _generators_in(
    held: Any, name: str, seen: set[int]
) -> Iterator[tuple[str, np.random.Generator]]:
    """Yield (name, generator) for each generator of random numbers in something, at any depth, once."""
    if id(held) in seen:
        return
    seen.add(id(held))
    inside: Mapping[Any, Any] = {}
    if isinstance(held, np.random.Generator):
        yield name, held
    elif isinstance(held, FunctionType):
        used = inspect.getclosurevars(held)
        variables = {**used.globals, **used.nonlocals}
        inside = {k: x for k, x in variables.items() if isinstance(x, np.random.Generator)}
    elif isinstance(held, MethodType):
        inside = {"self": held.__self__}
    elif isinstance(held, partial):
        inside = {"function": held.func, "arguments": held.args, **held.keywords}
    elif isinstance(held, list | tuple):
        inside = dict(enumerate(held))
    elif isinstance(held, dict):
        inside = held
    elif hasattr(held, "__dict__") and not isinstance(held, type | ModuleType):
        inside = vars(held)
    for part, inner in inside.items():
        yield from _generators_in(inner, f"{name}.{part}", seen)


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the state in a file of `Run.save`."""
    if not Path(path).exists():
        raise FileNotFoundError(
            f"there is no training to resume, since there is no file {path}; leave out resume to begin one, "
            f"and keep it with callbacks=[Checkpoint({str(path)!r}, keep='last')]"
        )
    arrays, metadata = read_arrays(path)
    if "training" not in metadata:
        raise ValueError(
            f"{path} holds no training that could be resumed, only a model; such a file is written by "
            "Checkpoint(path, keep='last')"
        )
    try:
        packed = json.loads(metadata["training"])
        model = {name: unpack(x, arrays) for name, x in packed["model"].items()}
        state: dict[str, Any] = unpack(packed["rest"], arrays) | {"model": model}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the training in {path} cannot be read ({error!r:.200})") from error
    return state
