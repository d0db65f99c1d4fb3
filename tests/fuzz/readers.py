"""What is fuzzed: each reader of files, good files to begin with, and how bytes are spoiled.

A reader may take a spoiled file or refuse it, but only with the errors that it promises.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinygrad_edu import Conv2D, Dense, Flatten, ReLU, Reshape, Sequential
from tinygrad_edu.datasets import (
    football_diary,
    read_csv,
    read_diary,
    read_idx,
    write_csv,
    write_idx,
)
from tinygrad_edu.lab.handwriting import read_pictures

RNG = np.random.default_rng(0)


class Reader(NamedTuple):
    """A function that reads a file at a path, the errors that it may raise, and contents it can read."""

    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    seeds: list[bytes]


def _written(write: Callable[[Path], object], name: str) -> bytes:
    """Return what a function has written to a file of that name."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, name))
        return Path(folder, name).read_bytes()


def _model() -> Sequential:
    layers = (Reshape(1, 4, 4), Conv2D(1, 2, 3), ReLU(), Flatten(), Dense(8, 2))
    return Sequential(*layers, rng=0)


def _read_architecture(path: Path) -> object:
    """Read a model file that is whole but for its architecture, which stands in the file at that path."""
    text = path.read_bytes().decode("utf-8", "replace")
    metadata = {"format": "tinygrad_edu", "version": "1", "architecture": text}
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    header = json.dumps({"__metadata__": metadata, "dense1.weight": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
    return Sequential.load(path)


def _read_picture(path: Path) -> object:
    (picture,) = read_pictures(path)
    if picture.gray is None:
        raise ValueError(picture.error)
    return picture


def _pictures() -> list[bytes]:
    from PIL import Image

    ink = np.zeros((12, 10), np.uint8)
    ink[2:10, 4:6] = 255
    image, contents = Image.fromarray(ink), []
    for kind in ("PNG", "BMP", "GIF", "TIFF", "PPM", "JPEG"):
        file = io.BytesIO()
        image.save(file, kind)
        contents.append(file.getvalue())
    return contents


def readers() -> dict[str, Reader]:
    """Return all readers by name."""
    images, labels = RNG.integers(0, 256, (5, 3, 2), np.uint8), [5, 0, 4, 1, 9]
    model = _written(_model().save, "model.safetensors")
    architecture = json.loads(model[8 : 8 + struct.unpack("<Q", model[:8])[0]])["__metadata__"][
        "architecture"
    ]
    idx = _written(lambda path: write_idx(path, images), "images")
    csv = _written(lambda path: write_csv(path, images, labels, header=True), "images.csv")
    diary = _written(football_diary(days=5).save_csv, "diary.csv")
    wrong = (ValueError,)
    return {
        "model": Reader(Sequential.load, wrong, [model]),
        "architecture": Reader(_read_architecture, wrong, [architecture.encode()]),
        "idx": Reader(read_idx, wrong, [idx, gzip.compress(idx, mtime=0)]),
        "csv": Reader(read_csv, wrong, [csv, gzip.compress(csv, mtime=0)]),
        "diary": Reader(read_diary, wrong, [diary]),
        "pictures": Reader(_read_picture, wrong, _pictures()),
    }


def attempt(reader: Reader, content: bytes, path: Path) -> bool:
    """Let a reader read a content; return whether it could. Whatever it does not promise comes out."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            reader.read(path)
        except reader.errors:
            return False
    return True


def spoil(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a content with one to four things wrong with it."""
    spoiled = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        if not spoiled:
            break
        begin = int(rng.integers(len(spoiled)))
        end = min(len(spoiled), begin + int(rng.integers(1, 9)))
        part, kind = spoiled[begin:end], rng.integers(7)
        if kind == 0:
            spoiled[begin] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            spoiled[begin:end] = rng.choice(
                [b"\0", b"\xff", b"\x7f", b"9", b"-", b"[", b"\n"]
            ) * len(part)
        elif kind == 2:
            spoiled[begin:end] = b""
        elif kind == 3:
            spoiled[begin:begin] = part * int(rng.choice([1, 2, 1000]))
        elif kind == 4:
            del spoiled[begin:]
        elif kind == 5:
            spoiled[begin:begin] = rng.bytes(4)
        else:
            other = int(rng.integers(len(spoiled)))
            spoiled[other : other + len(part)] = part
    return bytes(spoiled)
