"""Model files: everything a network has learned, and how it is built, in one file.

The numbers stand there as arrays by name. The header of the file also holds the architecture, a list of
layers with their arguments, so that a file alone is enough to build the network again. A file is a stranger's
word, though: it may claim a layer of gigabytes and hold nothing. So nothing larger is built than the file has
numbers for, and no code is ever taken from it, only names of layers that are known here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.nn import (
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
    room_for,
)
from tinygrad_edu.support import check_writable, warn_caller
from tinygrad_edu.training.array_files import Arrays, read_arrays, write_arrays
from tinygrad_edu.training.packing import PREFIX

_FORMAT = "tinygrad_edu"
_VERSION = "1"

#: The layers by name, as model files know them.
LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        *(Dense, Conv2D, MaxPool2D, Flatten, Reshape),
        *(ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Dropout),
    )
}


def save_model(model: Any, path: str | os.PathLike[str], sequential: type[Layer]) -> None:
    """Write a model that holds `layers` to a file, which is replaced whole or not at all.

    `sequential` is the class that the file is read with, and that layers may contain besides `LAYERS`.

    Raises TypeError if a layer's arguments or arrays cannot be written down, ValueError if no model could be
    built from the file again, OSError if it cannot be written.
    """
    target = check_writable(path)
    write_arrays(target, model.state_dict(), describe_model(model, sequential))


def describe_model(model: Any, sequential: type[Layer]) -> dict[str, str]:
    """Return the texts that `save_model` writes into a file beside the arrays; raise what that raises."""
    state = model.state_dict()
    kinds = _known((sequential,))
    known = len(kinds)
    names = {id(array): name for name, array in model.named_buffers().items()}
    text = json.dumps(model.layers, default=partial(_describe, names=names, kinds=kinds))
    if len(kinds) > known:  # layers of somebody's own may hold anything
        _try_to_load(model, sequential, text, state, kinds)
    return {"format": _FORMAT, "version": _VERSION, "architecture": text}


def load_model(path: str | os.PathLike[str], kind: Any, layers: Iterable[type[Layer]]) -> Any:
    """Return a model of that kind, a `Sequential`, from a file of `save_model`.

    `layers` are the kinds of layers that the file may contain besides `LAYERS`; no code is taken from it.

    Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    arrays, metadata = read_arrays(path)
    state = {name: array for name, array in arrays.items() if not name.startswith(PREFIX)}
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{path} holds arrays but no architecture of tinygrad_edu; build the model yourself and use "
            "load_state_dict(safetensors.numpy.load_file(path))"
        )
    version = metadata.get("version", "unknown")
    if version != _VERSION:
        raise ValueError(
            f"{path} has format version {version[:20]}, and this tinygrad_edu knows up to {_VERSION}; "
            "upgrade it: pip install --upgrade tinygrad_edu"
        )
    try:
        model = kind(*_build(metadata["architecture"], state, _known(layers)))
    except _UnknownLayerError as error:
        raise ValueError(f"{path} {error}") from None
    except Exception as error:  # a file may ask for what goes wrong in any way
        why = str(error)[:300] or type(error).__name__
        raise ValueError(
            f"the architecture in {path} cannot be built ({why}); save the model again, or restore a copy"
        ) from error
    try:
        model.load_state_dict(state)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} contradicts itself: {error}") from error
    return model


class _UnknownLayerError(ValueError):
    """A file contains a kind of layer that nobody has told about."""


def _known(layers: Iterable[type[Layer]]) -> dict[str, type[Layer]]:
    """Return all kinds of layers by name."""
    return LAYERS | {kind.__name__: kind for kind in layers}


def _describe(held: Any, names: Mapping[int, str], kinds: dict[str, type[Layer]]) -> Any:
    """Return a layer as JSON can hold it; what JSON cannot hold among its arguments is asked for in turn.

    An array is told by its name in the file, from `names`. The kinds that are met are entered into `kinds`.
    """
    if isinstance(held, np.generic):  # such as Dense(64, labels.max() + 1)
        return held.item()
    if id(held) in names:
        return {"array": names[id(held)]}
    if not isinstance(held, Layer):
        raise TypeError(
            "a layer's arguments must be numbers, texts, lists, dicts, layers or arrays that it keeps to be "
            f"saved, not {type(held).__name__}; give your layer a method config() that returns such"
        )
    kind = type(held).__name__
    if kinds.setdefault(kind, type(held)) is not type(held):
        raise TypeError(
            f"your layer {kind} has the name of a built-in layer, or of another one of yours, which would be "
            "loaded in its place; give your class another name"
        )
    arguments = held.config()
    _check_keys(arguments, kind)
    return {"kind": kind, "arguments": arguments}


def _check_keys(held: Any, kind: str) -> None:
    """Raise TypeError for a dict of which JSON would change the keys: it makes texts of numbers."""
    if isinstance(held, dict):
        if not all(isinstance(key, str) for key in held):
            raise TypeError(
                f"{kind} has a dict among its arguments whose keys are no texts, {list(held)[:3]}; a file "
                "would make texts of them, so do that yourself, or keep two lists"
            )
        held = list(held.values())
    if isinstance(held, list | tuple):
        for inner in held:
            _check_keys(inner, kind)


def _build(text: str, arrays: Arrays, kinds: Mapping[str, type[Layer]]) -> list[Layer]:
    """Return the layers that an architecture describes, none of them larger than the arrays there are."""

    def build(entry: dict[str, Any]) -> Any:
        if entry.keys() == {"array"}:
            return arrays[entry["array"]].copy()
        if entry.keys() != {"kind", "arguments"}:
            return entry
        kind = entry["kind"]
        if kind not in kinds:
            raise _UnknownLayerError(
                f"contains a layer of kind {kind[:80]!r}, which is not built in; "
                f"pass your class: Sequential.load(path, layers=[{kind[:80]}])"
            )
        return kinds[kind].from_config(entry["arguments"])

    count = sum(array.size for array in arrays.values())
    # layers of one's own may share their weights
    shared = 1 if kinds.keys() <= {*LAYERS, "Sequential"} else 100
    with room_for(shared * count):
        built = json.loads(text, object_hook=build)
    if not (isinstance(built, list) and built and all(isinstance(x, Layer) for x in built)):
        raise ValueError("it is no list of layers")
    return built


def _try_to_load(
    model: Layer,
    sequential: type[Layer],
    text: str,
    state: Arrays,
    kinds: Mapping[str, type[Layer]],
) -> None:
    """Raise ValueError if a file would not give the model back, and warn if it would lose a number."""
    try:
        again = sequential(*_build(text, state, kinds))
        again.load_state_dict(state)
    except Exception as error:
        raise ValueError(
            f"no model could be built from such a file again: {error}. A layer makes the arrays that it "
            "keeps, or sets them to None, in __init__; what shall not be kept has a name that begins with _"
        ) from error
    theirs = dict(again.all_layers())
    lost = [
        f"{prefix}{name} = {text}"
        for prefix, layer in model.all_layers()
        for name, text in _notes(layer).items()
        if _notes(theirs[prefix]).get(name) != text
    ]
    if lost:
        warn_caller(
            f"the file does not hold {', '.join(lost)[:300]}; keep what shall be loaded again in an array, "
            "as in self.count = np.array(0), and give what shall not a name that begins with _"
        )


def _notes(layer: Layer) -> dict[str, str]:
    """Return what a layer keeps besides Values, arrays and other layers: numbers, texts and lists of them."""
    notes = {}
    for name, held in vars(layer).items():
        if not name.startswith("_") and name not in ("name", "training"):
            with suppress(TypeError, ValueError):
                notes[name] = json.dumps(held)
    return notes
