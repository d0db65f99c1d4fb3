"""Digits: a network that reads what you draw, and what can be asked about its answer.

It learns at once when the page asks for it: MNIST where that can be had, else the small 8×8 digits. All
pages share it. A drawing goes the way of a photo (`lab.handwriting`): the ink is found, scaled and centered,
until it looks like what the network has learned from.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.datasets import Dataset, add_flagged_ones, load_handwriting
from tinygrad_edu.lab import logit_walk, saliency
from tinygrad_edu.lab.damage import remove_neurons
from tinygrad_edu.lab.handwriting import read_digit, to_mnist
from tinygrad_edu.lab.recipes import distortions
from tinygrad_edu.nn import Adam, Dense, Sigmoid, softmax_cross_entropy
from tinygrad_edu.playground.shapes import Numbers
from tinygrad_edu.training import Epoch, Sequential
from tinygrad_edu.value import Value

HIDDEN = 100
#: Epochs on MNIST, and on the small digits, of which there are fewer.
EPOCHS, MORE_EPOCHS = 6, 60
#: The longer side of what is sent to the page of a step between the drawing and the network.
_SHOWN = 112


class Digits:
    """A network that has learned to read digits, or is learning to.

    `file` is a model file: read if it is there, else written once the network has learned. Attributes:
    `network`, None until it is ready; `scans`, what it looks for in each digit, (10, pixels).
    """

    def __init__(self, file: str | os.PathLike[str] | None = None) -> None:
        self._file = None if file is None else Path(file)
        self._started = threading.Lock()
        self._progress = 0.0
        self._note = self._error = ""
        self.network: Sequential | None = None
        self.scans: Numbers | None = None
        self.size = 28

    def begin(self) -> None:
        """Begin to learn in a thread of its own, unless somebody has begun already."""
        if self._started.acquire(blocking=False):
            threading.Thread(target=self.learn, name="digits", daemon=True).start()

    def progress(self) -> dict[str, Any]:
        """Return how far it is: `share` from 0 to 1, `ready`, a `note` about it, and an `error` or ""."""
        return {
            "share": self._progress,
            "ready": self.network is not None,
            "note": self._note,
            "error": self._error,
            "hidden": HIDDEN,
            "size": self.size,
            "scans": None if self.scans is None else [_bytes(scan) for scan in self.scans],
        }

    def learn(self) -> None:
        """Load the network or teach it; what goes wrong is told by `progress`."""
        try:
            network = self._load() if self._file and self._file.exists() else self._teach()
            self.scans = np.asarray(logit_walk(network))
        except (OSError, ValueError, ImportError) as error:
            self._error = str(error)
            return
        network.eval()
        self.network = network

    def _load(self) -> Sequential:
        assert self._file is not None
        network = Sequential.load(self._file)
        first, last = network[0], [layer for layer in network if isinstance(layer, Dense)][-1]
        if not isinstance(first, Dense) or first.n_in not in (64, 784) or last.n_out != 10:
            raise ValueError(
                f"{self._file} does not read digits: expected 784 or 64 inputs and ten outputs"
            )
        self.size = int(first.n_in**0.5)
        self._note = f"loaded from {self._file.name}"
        return network

    def _teach(self) -> Sequential:
        data = load_handwriting()
        self._note, self.size = data.name, data.image_shape[0]
        network, epochs = build_reader(data), MORE_EPOCHS if data.is_small else EPOCHS

        def tell(epoch: Epoch) -> None:
            self._progress = epoch.number / epochs

        learned = add_flagged_ones(data)
        network.fit(
            learned.x_train, learned.y_train, loss=softmax_cross_entropy,
            optimizer=Adam(network.parameters(), lr=4e-3), epochs=epochs,
            batch_size=32 if data.is_small else 128, callbacks=[tell], rng=0, verbose=False,
            augment=distortions(data) if data.is_small else None,
        )  # fmt: skip
        right = network.evaluate(data.x_test, data.y_test)["accuracy"]
        self._note = f"{data.name}: of {len(data.y_test):,} digits it never saw, it reads {right:.1%} rightly"
        if self._file:
            network.save(self._file)
        return network


def build_reader(data: Dataset) -> Sequential:
    """Return a network for these digits, its weights drawn anew: pixels, 100 sigmoids, ten scores.

    Sigmoids, since the scan of what it looks for must be able to undo them.
    """
    pixels = data.x_train.shape[1]
    return Sequential(Dense(pixels, HIDDEN), Sigmoid(), Dense(HIDDEN, 10), rng=0)


def look_at(
    digits: Digits, drawing: Numbers, label: int, removed: int, photo: bool = False
) -> dict[str, Any]:
    """Return all that is to say of a drawing, uint8 (height, width), 0 for black.

    `steps` on the way to the network; `chances` of the ten digits; `activity` of its hidden neurons; what
    speaks for `label`, or with −1 for the answer, pixel by pixel; and the chances again with so many neurons
    `removed`. A `photo` may show a sheet on a table. For a blank drawing, only `blank`, why nothing is read.
    """
    network = digits.network
    assert network is not None
    prepared = to_mnist(drawing, size=digits.size, find_sheet=photo)
    image = _broadened(prepared.image) if digits.size == 8 else prepared.image
    steps = {
        "given": prepared.given,
        "ink": _as_bytes(1 - prepared.ink),
        "cleaned": _as_bytes(1 - prepared.cleaned),
        "boxed": 255 - prepared.boxed,
        "image": 255 - image,
    }
    told: dict[str, Any] = {
        "steps": {name: _image(step) for name, step in steps.items()},
        "notes": prepared.notes,
        "blank": prepared.blank,
    }
    if prepared.blank:
        return told
    chances = read_digit(network, image)
    shown = int(chances.argmax()) if label < 0 else label
    x = image.reshape(1, -1).astype(np.float32) / 255
    speaks = saliency(network, x, [shown])[0] * x[0]
    damaged = remove_neurons(network, count=min(removed, HIDDEN), rng=0)
    return told | {
        "chances": chances.round(4).tolist(),
        "activity": _activity(network, x),
        "label": shown,
        "speaks": (speaks / max(float(np.abs(speaks).max()), 1e-9)).round(3).tolist(),
        "damaged": read_digit(damaged, image).round(4).tolist(),
    }


def _broadened(image: Numbers) -> Numbers:
    """Return a small digit as if written with a broader pen, as those were that the network learned from."""
    ink = np.pad(image / 255, ((0, 0), (1, 1)))
    return _as_bytes(ink[:, 1:-1] + 0.4 * (ink[:, :-2] + ink[:, 2:]))


def _activity(network: Sequential, x: Numbers) -> list[float]:
    with network.answering():
        said = network[:2](x)
    numbers: list[float] = (
        np.asarray(said.data if isinstance(said, Value) else said)[0].round(3).tolist()
    )
    return numbers


def _as_bytes(share: Numbers) -> Numbers:
    return np.asarray(np.round(255 * np.clip(share, 0, 1)), np.uint8)


def _bytes(scan: Numbers) -> list[int]:
    """Return a scan as bytes, 0 for what must be ink, 255 for what must stay clear."""
    numbers: list[int] = _as_bytes(1 - scan).tolist()
    return numbers


def _image(step: Numbers) -> dict[str, Any]:
    """Return a picture for the page, with no more dots than can be seen there."""
    every = -(-max(step.shape) // _SHOWN)
    small = step[::every, ::every]
    return {"width": small.shape[1], "height": small.shape[0], "dots": small.ravel().tolist()}
