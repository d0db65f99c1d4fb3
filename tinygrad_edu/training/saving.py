"""Model files: everything a network has learned, and how it is built, in one file.

The format is safetensors: a short header in JSON, then the numbers as they stand in memory. Reading
it can run no code, unlike a pickle, which may do anything to the computer of whoever opens it. The
header also holds the architecture, a list of layers with their arguments, so that a file alone is
enough to build the network again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
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
)
from tinygrad_edu.support import check_writable, needed, replacing

_FORMAT = "tinygrad_edu"
_VERSION = 1

#: The layers by name, as model files know them.
LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        *(Dense, Conv2D, MaxPool2D, Flatten, Reshape),
        *(ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Dropout),
    )
}


def save_layers(
    layers: Iterable[Layer], state: Mapping[str, Any], path: str | os.PathLike[str]
) -> None:
    """Write layers and their parameters to a file, which is replaced whole or not at all.

    Raises TypeError if a layer's arguments cannot be written down, OSError if the file cannot.
    """
    from_safetensors = _safetensors()
    target = check_writable(path)
    text = json.dumps(list(layers), default=_describe)
    metadata = {"format": _FORMAT, "version": str(_VERSION), "architecture": text}
    # safetensors writes arrays with strides as if they had none, hence contiguous copies
    arrays = {name: np.asarray(array, order="C") for name, array in state.items()}
    with replacing(target) as file:
        file.write(from_safetensors.numpy.save(arrays, metadata))


def load_layers(
    path: str | os.PathLike[str], layers: Iterable[type[Layer]] = ()
) -> tuple[list[Layer], dict[str, np.ndarray[Any, Any]]]:
    """Read a file of `save_layers`; return new layers, and the parameters by name.

    `layers` are your own kinds of layers that the file may contain; no code is taken from the file.

    Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    from_safetensors = _safetensors()
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"there is no model file {source}")
    try:
        with from_safetensors.safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except from_safetensors.SafetensorError as error:
        raise ValueError(f"{source} {_what_is_wrong(source, error)}") from error
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{source} holds arrays but no architecture of tinygrad_edu; build the model yourself and use "
            "load_state_dict(safetensors.numpy.load_file(path))"
        )
    version = metadata.get("version", "")
    if version.isdecimal() and int(version) > _VERSION:
        raise ValueError(
            f"{source} has format version {version}, and this tinygrad_edu knows up to {_VERSION}; "
            "upgrade it: pip install --upgrade tinygrad_edu"
        )
    kinds = LAYERS | {kind.__name__: kind for kind in layers}
    try:
        built = json.loads(metadata["architecture"], object_hook=lambda entry: _build(entry, kinds))
        if not (isinstance(built, list) and built and all(isinstance(x, Layer) for x in built)):
            raise ValueError("it is no list of layers")
    except _UnknownLayerError as error:
        raise ValueError(f"{source} {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the architecture in {source} cannot be built ({error}); save the model again, or restore a copy"
        ) from error
    return built, state


class _UnknownLayerError(ValueError):
    """A file contains a kind of layer that nobody has told about."""


def _describe(layer: Any) -> Any:
    """Return a layer as JSON can hold it; layers among its arguments are asked for in turn."""
    if isinstance(layer, np.generic):  # such as Dense(64, labels.max() + 1)
        return layer.item()
    if not isinstance(layer, Layer):
        raise TypeError(
            f"a layer's arguments must be numbers, texts, lists, dicts or layers to be saved, not "
            f"{type(layer).__name__}; give your layer a method config() that returns such"
        )
    kind = type(layer).__name__
    if LAYERS.get(kind, type(layer)) is not type(layer):
        raise TypeError(
            f"your layer {kind} has the name of a built-in layer, which would be loaded in its place; "
            "give your class another name"
        )
    return {"kind": kind, "arguments": layer.config()}


def _build(entry: dict[str, Any], kinds: Mapping[str, type[Layer]]) -> Any:
    """Return the layer that `_describe` has described, or a dict that is no such description."""
    if set(entry) != {"kind", "arguments"}:
        return entry
    kind = entry["kind"]
    if kind not in kinds:
        raise _UnknownLayerError(
            f"contains a layer of kind {kind!r}, which is not built in; "
            f"pass your class: Sequential.load(path, layers=[{kind}])"
        )
    return kinds[kind].from_config(entry["arguments"])


def _what_is_wrong(source: Path, error: Exception) -> str:
    """Return what a file is that is no safetensors file, above all if it is a pickle."""
    with source.open("rb") as file:
        start = file.read(4)
    if not start:
        return "is empty; save the model again"
    if start[:1] == b"\x80" or start == b"PK\x03\x04":
        return (
            "looks like a pickle or a PyTorch file, which could run any code when opened, so it is not; "
            "convert it to safetensors where you trust it"
        )
    return f"is damaged or no safetensors file ({error}); save the model again, or restore a copy"


def _safetensors() -> Any:
    with needed("safetensors", "a model file", extra="train"):
        import safetensors
        import safetensors.numpy
    return safetensors
