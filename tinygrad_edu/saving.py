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

from tinygrad_edu.files import replacing
from tinygrad_edu.layers import LAYERS, Layer

_FORMAT = "tinygrad_edu"
_VERSION = 1


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return the path, if a file can be written there: to be asked before hours of training.

    Raises FileNotFoundError for a missing folder, IsADirectoryError or PermissionError otherwise.

    >>> check_writable("no/such/folder/model.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: the folder no/such/folder does not exist; make it first: mkdir -p no/such/folder
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(
            f"{target} is a folder; add a file name, {target / 'model.safetensors'}"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {target.parent} does not exist; make it first: mkdir -p {target.parent}"
        )
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"the folder {target.parent} cannot be written to; choose another")
    return target


def save_layers(
    layers: Iterable[Layer], state: Mapping[str, Any], path: str | os.PathLike[str]
) -> None:
    """Write layers and their parameters to a file, which is replaced whole or not at all.

    Raises TypeError if a layer's arguments cannot be written down, OSError if the file cannot.
    """
    from_safetensors = _safetensors()
    target = check_writable(path)
    architecture = [{"kind": type(layer).__name__, **layer.config()} for layer in layers]
    try:
        text = json.dumps(architecture)
    except TypeError as error:
        raise TypeError(
            f"a layer's arguments must be numbers, texts, lists or dicts to be saved ({error}); "
            "give your layer a method config() that returns such"
        ) from error
    metadata = {"format": _FORMAT, "version": str(_VERSION), "architecture": text}
    # safetensors writes arrays with strides as if they had none, hence contiguous copies
    arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
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
    _check_kind(source)
    try:
        with from_safetensors.safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except from_safetensors.SafetensorError as error:
        raise ValueError(
            f"{source} is damaged or no safetensors file ({error}); save the model again, or restore a copy"
        ) from error
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{source} holds arrays but no architecture of tinygrad_edu; build the model yourself and use "
            "load_state_dict(safetensors.numpy.load_file(path))"
        )
    if int(metadata["version"]) > _VERSION:
        raise ValueError(
            f"{source} has format version {metadata['version']}, and this tinygrad_edu knows up to "
            f"{_VERSION}; upgrade it: pip install --upgrade tinygrad_edu"
        )
    kinds = LAYERS | {kind.__name__: kind for kind in layers}
    return [_build(source, entry, kinds) for entry in json.loads(metadata["architecture"])], state


def _build(source: Path, entry: dict[str, Any], kinds: Mapping[str, type[Layer]]) -> Layer:
    arguments = dict(entry)
    kind = arguments.pop("kind")
    if kind not in kinds:
        raise ValueError(
            f"{source} contains a layer of kind {kind!r}, which is not built in; "
            f"pass your class: Sequential.load(path, layers=[{kind}])"
        )
    return kinds[kind](**arguments)


def _check_kind(source: Path) -> None:
    """Raise ValueError for files that are recognisably something else, above all a pickle."""
    with source.open("rb") as file:
        start = file.read(4)
    if not start:
        raise ValueError(f"{source} is empty; save the model again")
    if start[:1] == b"\x80" or start == b"PK\x03\x04":
        raise ValueError(
            f"{source} looks like a pickle or a PyTorch file, which could run any code when opened, so it "
            "is not; convert it to safetensors where you trust it"
        )


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            'model files need safetensors; install it with: pip install "tinygrad_edu[train]"'
        ) from error
    return safetensors
