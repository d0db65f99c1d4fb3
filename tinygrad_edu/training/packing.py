"""Packing: what a program remembers, written so that a file of arrays and one text can hold it.

Lists, tuples, dicts, numbers and texts become JSON; arrays stand beside it, and the text says which goes
where. Coming back, everything has the type, and every number the bits, that it had. That goes for the order
in memory, too: a product with a transposed array adds up in another order, and ends in another last digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: What names of packed arrays begin with; no parameter can be called so.
PREFIX = "training/"


def pack(tree: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Return something nested as JSON can hold it; put its arrays into `arrays`, by name.

    Raises TypeError for what is none of lists, tuples, dicts, numbers, texts, arrays and None.

    >>> arrays = {}
    >>> packed = pack({"step": 3, "shape": (2,), "mean": np.ones(2)}, arrays)
    >>> unpack(packed, arrays)
    {'step': 3, 'shape': (2,), 'mean': array([1., 1.])}
    """
    if isinstance(tree, np.ndarray | np.generic):
        return pack_array(tree, f"{PREFIX}{len(arrays)}", arrays)
    if isinstance(tree, dict):
        return {"dict": [[pack(key, arrays), pack(held, arrays)] for key, held in tree.items()]}
    if isinstance(tree, list | tuple):
        return {type(tree).__name__: [pack(held, arrays) for held in tree]}
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(
        f"numbers, texts, arrays, lists, tuples and dicts can be kept in a file, not {tree!r:.80}"
    )


def pack_array(array: Any, name: str, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Put an array into `arrays`; return its name, and its axes as they follow each other in memory."""
    arrays[name] = np.asarray(array)
    axes = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return {"single" if isinstance(array, np.generic) else "array": name, "axes": axes}


def unpack(packed: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Return what was packed. Raises KeyError, TypeError or ValueError for what was not."""
    if not isinstance(packed, dict):
        return packed
    if "axes" in packed:
        if "single" in packed:
            return arrays[packed["single"]][()]
        axes = packed["axes"]
        stored = np.array(arrays[packed["array"]].transpose(axes), order="C")
        return stored.transpose(np.argsort(axes)) if axes else stored
    if "dict" in packed:
        return {unpack(key, arrays): unpack(held, arrays) for key, held in packed["dict"]}
    kind, held = ("tuple", packed["tuple"]) if "tuple" in packed else ("list", packed["list"])
    return (tuple if kind == "tuple" else list)(unpack(x, arrays) for x in held)
