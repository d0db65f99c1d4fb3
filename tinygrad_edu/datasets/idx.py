"""The IDX file format: an array, written down as simply as can be.

MNIST comes in IDX files. Such a file holds one array and nothing else, byte by byte:

    byte 0, 1     always 0
    byte 2        the type of every number: 08 unsigned byte, 09 signed byte, 0B two-byte integer,
                  0C four-byte integer, 0D four-byte float, 0E eight-byte float
    byte 3        how many dimensions there are, d
    4·d bytes     the length of each dimension: a four-byte integer, most significant byte first
    the rest      the numbers, most significant byte first, the last dimension running fastest

So the 60,000 training images begin with 00 00 08 03, then 60000, 28, 28, then 47,040,000 pixels.
The first four bytes, the *magic number*, tell whether a file is IDX at all. Files often come
gzipped; such a file begins with 1f 8b. A header is only a claim, so it is checked against the size
of the file before any memory is reserved for what it promises.
"""

import gzip
import math
import os
import struct
import zlib
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.support import check_name, replacing

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CODES = {np.dtype(name).newbyteorder("="): code for code, name in _TYPES.items()}
_GZIP = b"\x1f\x8b"
_GZIP_AT_BEST = 1032  # gzip packs 258 bytes into 2 bits at the very best, 1032 to 1
_CHUNK = 1 << 18  # unpacking piece by piece keeps the peak of memory at the size of the array
_MOST_DIMENSIONS = 64  # NumPy's limit


def read_idx(path: str | os.PathLike[str], at_most: int | None = None) -> NDArray[Any]:
    """Read the array in an IDX file, gzipped or not; the bytes decide, not the name.

    The array has the file's shape and type (MNIST: uint8), in the byte order of this computer. Data of more
    than `at_most` bytes is refused before it is unpacked.

    Raises ValueError, which says what was found instead, if the file is not one whole IDX file and nothing
    more; OSError if the file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(Path(folder) / "labels.gz", np.array([5, 0, 4], dtype=np.uint8))
    ...     read_idx(Path(folder) / "labels.gz")
    array([5, 0, 4], dtype=uint8)
    """
    with check_name(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        most = math.inf if at_most is None else at_most
        packed = file.read(2) == _GZIP
        file.seek(0)
        if not packed:
            return _read(file, path, min(size, most))
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, path, min(size * _GZIP_AT_BEST, most))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}: its gzip packing is damaged or cut short ({error}); fetch the file again"
            ) from error


def _read(
    stream: BufferedReader | gzip.GzipFile, path: str | os.PathLike[str], at_most: float
) -> NDArray[Any]:
    """Read an unpacked IDX `stream` that cannot hold more than `at_most` bytes."""
    dtype, shape = _read_header(stream, path)
    promised = math.prod(shape) * dtype.itemsize
    if promised > at_most:
        raise ValueError(
            f"{path}: the header promises {promised:,} bytes of data, shape {shape}, but the file can "
            f"hold at most {at_most:,.0f}; it is cut short or its header is damaged, so fetch it again"
        )
    try:
        flat = np.empty(promised, dtype=np.uint8)
        flat.view(dtype).reshape(shape)
    except (ValueError, MemoryError) as error:
        raise ValueError(
            f"{path}: the header promises shape {shape}, which no array can have here ({error}); "
            "the header is damaged, so fetch the file again"
        ) from None
    filled = 0
    while count := stream.readinto(flat.data[filled : filled + _CHUNK]):
        filled += count
    if filled < promised:
        raise ValueError(
            f"{path}: cut short: {filled:,} bytes of data where the header promises {promised:,}, "
            f"shape {shape}; fetch the file again"
        )
    if stream.read(1):
        raise ValueError(
            f"{path}: more bytes follow the {promised:,} that the header promises, shape {shape}; "
            "it is not a plain IDX file, so fetch it again"
        )
    array = flat.view(dtype).reshape(shape)
    return array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder())


def _read_header(
    stream: BufferedReader | gzip.GzipFile, path: str | os.PathLike[str]
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if not magic:
        raise ValueError(
            f"{path}: is empty; an IDX file begins with four bytes such as 00 00 08 03"
        )
    if magic.startswith(_GZIP):
        raise ValueError(
            f"{path}: still gzipped after unpacking (it begins with {magic.hex()}), so it was "
            "packed twice; unpack it once with gunzip"
        )
    is_magic = len(magic) == 4 and magic.startswith(b"\0\0") and magic[2] in _TYPES
    if not is_magic or not 1 <= magic[3] <= _MOST_DIMENSIONS:
        raise ValueError(
            f"{path}: is not an IDX file: its magic number is {magic.hex()}, where 00000801 "
            "(labels) or 00000803 (images) was expected: 0000, a type among 08 09 0b 0c 0d 0e, and "
            f"the number of dimensions, 1 to {_MOST_DIMENSIONS}; check that this is the right file"
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise ValueError(
            f"{path}: cut short in its header, which needs {4 + 4 * magic[3]} bytes and has only "
            f"{4 + len(lengths)}; fetch the file again"
        )
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", lengths)


def idx_header(array: NDArray[Any]) -> bytes:
    """Return the first bytes of the IDX file of `array`: magic number and dimensions.

    Raises ValueError if IDX has no code for the array's type, or the array has no dimension.

    >>> idx_header(np.zeros((60000, 28, 28), dtype=np.uint8)).hex(" ", 4)
    '00000803 0000ea60 0000001c 0000001c'
    """
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None or array.ndim == 0:
        raise ValueError(
            f"an IDX file cannot hold an array of {array.dtype} and shape {array.shape}: it takes "
            f"one dimension or more, and one of the types {', '.join(map(str, _CODES))}; "
            "convert it with array.astype(...)"
        )
    return struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)


def write_idx(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write `array` as an IDX file, gzipped if the name ends in .gz.

    The file appears whole or not at all; what was there before stays until then.

    Raises ValueError if IDX cannot hold such an array (see `idx_header`), OSError if the folder cannot be
    written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(Path(folder) / "labels", np.array([5, 0, 4], dtype=np.uint8))
    ...     (Path(folder) / "labels").read_bytes().hex(" ")
    '00 00 08 01 00 00 00 03 05 00 04'
    """
    array = np.asarray(array)
    header = idx_header(array)
    data = array.astype(array.dtype.newbyteorder(">")).tobytes()
    if Path(path).suffix == ".gz":
        data = gzip.compress(header + data, mtime=0)  # no time stamp: the same array, the same file
        header = b""
    with replacing(path) as file:
        file.write(header)
        file.write(data)
