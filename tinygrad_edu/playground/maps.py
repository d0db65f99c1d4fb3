"""Maps: what each neuron says everywhere in the plane, and how a frame of the page is packed.

A neuron of two inputs can be shown whole: ask it about a grid of points, and color each by the answer. The
whole network is asked about one grid at once, in one pass forward; a neuron's small picture takes every
second point of it.

A frame is one message: a line of JSON that says what is in it, then the numbers themselves, as bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.playground.run import Lesson
from tinygrad_edu.playground.settings import INPUTS, Settings
from tinygrad_edu.playground.shapes import FEATURES, Numbers, inputs_of

#: Points along each side of the grid, and those that a neuron's small picture has.
SIDE = 50
SMALL = SIDE // 2
#: The plane that is shown goes from −6 to 6; each point of the grid stands in the middle of its cell.
EDGE = 6.0


def cells() -> Numbers:
    """Return the points of the grid, (SIDE², 2), from the left above to the right below.

    >>> cells()[0].round(2).tolist(), cells()[-1].round(2).tolist()
    ([-5.88, 5.88], [5.88, -5.88])
    """
    places = (np.arange(SIDE) + 0.5) * (2 * EDGE / SIDE) - EDGE
    x, y = np.meshgrid(places, -places)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def as_bytes(numbers: Numbers) -> Numbers:
    """Return numbers from −1 to 1 as 1 … 255, with 128 for 0 and for NaN; what is larger is cut off.

    >>> as_bytes(np.array([-1.0, 0.0, 9.0, np.nan])).tolist()
    [1, 128, 255, 128]
    """
    known = np.nan_to_num(numbers, nan=0.0)
    scaled: Numbers = np.rint(128 + 127 * np.clip(known, -1, 1)).astype(np.uint8)
    return scaled


def maps_of(run: Lesson, inputs: Numbers) -> tuple[list[Numbers], Numbers]:
    """Return the small maps of all hidden neurons, and the map of each output, as bytes.

    `inputs` are those of the grid. Each small map has SMALL² numbers, the outputs are (outputs, SIDE²); of
    three classes they are the probabilities.
    """
    *hidden, output = run.what_neurons_say(inputs)
    if run.settings.classes == 3:
        e = np.exp(output - output.max(axis=1, keepdims=True))
        output = e / e.sum(axis=1, keepdims=True)
    small = [
        as_bytes(neuron.reshape(SIDE, SIDE)[::2, ::2].ravel())
        for said in hidden
        for neuron in said.T
    ]
    return small, as_bytes(output.T)


def input_maps(settings: Settings) -> list[list[int]]:
    """Return the small map of each of the seven inputs, chosen or not, stretched to −1 … 1.

    >>> [len(one) for one in input_maps(Settings())][:2]
    [625, 625]
    """
    x, y = cells().reshape(SIDE, SIDE, 2)[::2, ::2].reshape(-1, 2).T
    maps = (FEATURES[name](x, y) for name in INPUTS)
    return [as_bytes(one / abs(one).max()).tolist() for one in maps]


def grid_inputs(settings: Settings) -> Numbers:
    """Return what the network is given of the grid: (SIDE², inputs)."""
    return inputs_of(cells(), settings)


def as_frame(told: dict[str, Any], floats: Iterable[Numbers], small: Iterable[Numbers]) -> bytes:
    r"""Return a frame: the length of the JSON, the JSON, float32 numbers, bytes.

    The JSON is filled up with spaces, so that the floats begin at a multiple of four.

    >>> as_frame({}, [np.ones(1)], [np.zeros(2, np.uint8)])
    b'\x04\x00\x00\x00{}  \x00\x00\x80?\x00\x00'
    """
    head = json.dumps(told, separators=(",", ":"), allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    with np.errstate(over="ignore"):
        numbers = [np.asarray(one).ravel().astype("<f4").tobytes() for one in floats]
    return b"".join(
        [struct.pack("<I", len(head)), head, *numbers, *(one.tobytes() for one in small)]
    )
