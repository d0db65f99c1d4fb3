"""Files of arrays by name, in the format of safetensors.

A short header in JSON, then the numbers as they stand in memory. Reading it can run no code, unlike a pickle,
which may do anything to the computer of whoever opens it. What PyTorch writes in types that NumPy lacks,
sixteen or eight bits a number, is read as float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.support import check_name, check_writable, needed, replacing

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], metadata: Mapping[str, str]
) -> None:
    """Write arrays and some texts to a file, which is replaced whole or not at all.

    Raises TypeError for a dtype that the format lacks, OSError if the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arrays(f"{folder}/a.safetensors", {"a": np.arange(3.0)}, {"by": "me"})
    ...     read_arrays(f"{folder}/a.safetensors")
    ({'a': array([0., 1., 2.])}, {'by': 'me'})
    """
    from_safetensors = _safetensors()
    target = check_writable(path)
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") not in map(np.dtype, _DTYPES.values()):
            raise TypeError(
                f"{name} is of dtype {array.dtype}, which a safetensors file cannot hold; "
                "convert it, for example with array.astype(np.float64)"
            )
    # safetensors writes arrays with strides as if they had none, hence contiguous copies
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(target) as file:
        file.write(from_safetensors.numpy.save(whole, dict(metadata)))


def read_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """Return the arrays in a safetensors file, and its texts; bfloat16 and float8 become float32.

    Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    from_safetensors = _safetensors()
    source = check_name(path)
    if not source.is_file():
        raise FileNotFoundError(
            f"there is no model file {source}{': that is a folder' if source.is_dir() else ''}"
        )
    try:
        with from_safetensors.safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
        entries = from_safetensors.deserialize(source.read_bytes())
    except from_safetensors.SafetensorError as error:
        raise ValueError(f"{source} {_what_is_wrong(source, error)}") from error
    arrays = {}
    for name, entry in entries:
        try:
            arrays[name] = _as_array(**entry)
        except ValueError as error:
            raise ValueError(f"{source}: the array {name!r} {error}") from None
    return arrays, metadata


def _as_array(dtype: str, shape: list[int], data: bytearray) -> np.ndarray[Any, Any]:
    """Return an array as it stands in a file."""
    if dtype in _DTYPES:
        numbers = np.frombuffer(data, _DTYPES[dtype])
    elif dtype in _SHORT_FLOATS:
        numbers = _SHORT_FLOATS[dtype](np.frombuffer(data, np.uint8))
    else:
        raise ValueError(
            f"is of type {dtype}, which is not known here; convert it to F32 where it was made"
        )
    try:
        return numbers.reshape(shape)
    except ValueError as error:  # an array without numbers may claim to be as long as it likes
        raise ValueError(f"claims to have shape {tuple(shape)}: {error}") from None


def _bfloat16(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A float32 whose last two bytes were left out."""
    return (data.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _float8_e5m2(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A float16 whose last byte was left out."""
    return (data.astype(np.uint16) << 8).view(np.float16).astype(np.float32)


def _float8_e4m3(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A sign, four bits of exponent, three of the number; moved to a float16's places, 256 times too small.

    There is no infinity, and only one NaN: all bits set but the sign.
    """
    bits = data.astype(np.uint16)
    half = ((bits & 0x80) << 8 | (bits & 0x7F) << 7).view(np.float16)
    return np.where(bits & 0x7F == 0x7F, np.float32(np.nan), half.astype(np.float32) * 256)


_SHORT_FLOATS: dict[str, Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = {
    "BF16": _bfloat16,
    "F8_E5M2": _float8_e5m2,
    "F8_E4M3": _float8_e4m3,
}


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
