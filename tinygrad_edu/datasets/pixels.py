"""Pixels that are stored as bytes and seen as numbers from 0 to 1.

A scanned pixel is one byte, 0 to 255. A network wants small floating-point numbers, and the usual
`images.astype("float32") / 255` turns MNIST's 55 million bytes into four times as much, before
training has begun. Training never looks at all the images at once, though: it asks for one batch
after another. So `Pixels` keeps the bytes, and divides by 255 only what is asked for.
"""

from typing import Any, SupportsIndex

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray


class Pixels(NDArrayOperatorsMixin):
    """A read-only view of uint8 images that hands out float32 from 0 to 1.

    Indexing works as on a NumPy array and gives a new float32 array equal to `raw[index] / 255`
    (for a single pixel, one np.float32). NumPy functions and operators accept a `Pixels`, then see
    all of it at once, and give plain arrays: `x - 0.5`, `x > 0`, `np.mean(x)`. Methods of arrays are
    those of `x[:]`, as in `x[:].mean()`. The bytes are shared with the array that was given, not copied.

    `raw` is a uint8 array of any shape, whose first axis counts the images. Raises TypeError for another
    type.

    >>> x = Pixels(np.array([[0, 51], [102, 255]], dtype=np.uint8))
    >>> x[1]
    array([0.4, 1. ], dtype=float32)
    >>> x[[True, False]].shape, x.nbytes
    ((1, 2), 4)
    >>> 1 - x
    array([[1. , 0.8],
           [0.6, 0. ]], dtype=float32)
    """

    def __init__(self, raw: NDArray[np.uint8]) -> None:
        if np.asarray(raw).dtype != np.uint8:
            raise TypeError(
                f"Pixels keeps bytes, so it takes an array of uint8 from 0 to 255, not of "
                f"{np.asarray(raw).dtype}; numbers from 0 to 1 become bytes with "
                "np.round(255 * x).astype(np.uint8)"
            )
        self._raw = np.asarray(raw).view()
        self._raw.flags.writeable = False

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The bytes themselves, 0 to 255, read-only."""
        return self._raw

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        return self._raw.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._raw.ndim

    @property
    def size(self) -> int:
        """The number of pixels."""
        return self._raw.size

    @property
    def nbytes(self) -> int:
        """The memory taken: one byte a pixel."""
        return self._raw.nbytes

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """What indexing gives: float32."""
        return np.dtype(np.float32)

    def reshape(self, *shape: SupportsIndex) -> "Pixels":
        """Return the same pixels in another shape, still as bytes: `x.reshape(-1, 1, 28, 28)`.

        Raises ValueError if the shape holds another number of pixels.

        >>> Pixels(np.zeros((5, 64), dtype=np.uint8)).reshape(-1, 8, 8).shape
        (5, 8, 8)
        """
        return Pixels(self._raw.reshape(*shape))

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, index: Any) -> Any:
        return self._raw[index] / np.float32(255)  # uint8 / float32 is float32

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError(
                "Pixels are stored as bytes, so an array of floats is always a copy; "
                "leave out copy=False, or take the bytes themselves with .raw"
            )
        floats: NDArray[np.float32] = self[...]
        return floats if dtype is None else floats.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Calculate with the floats that the bytes stand for; this is what every operator calls."""
        changed = options.get("out", ()) + (inputs[:1] if method == "at" else ())
        if any(isinstance(x, Pixels) for x in changed):
            raise TypeError("Pixels are read-only; make a new array instead, such as x = x * 2")
        floats = [np.asarray(x) if isinstance(x, Pixels) else x for x in inputs]
        return getattr(ufunc, method)(*floats, **options)

    def __getattr__(self, name: str) -> Any:
        if hasattr(np.ndarray, name):
            raise AttributeError(
                f"Pixels are stored as bytes and have no {name}; take x[:] for a NumPy array of "
                f"float32, as in x[:].{name}"
            )
        raise AttributeError(f"Pixels have no {name}")

    def __repr__(self) -> str:
        size = self.nbytes / 1e6
        return f"Pixels(shape={self.shape}, kept as {size:.1f} MB of uint8, seen as float32 in 0…1)"
