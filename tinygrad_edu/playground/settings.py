"""Settings: all that decides a run, in one line of text that can be sent to a friend.

A run follows from its settings and its seed, and from nothing else. They stand behind the # of the page's
address, under the same keys as those of the TensorFlow Playground, so that its links open here:

    #activation=tanh&dataset=circle&networkShape=4,2&seed=0.5&noise=0

What a link does not say has its usual value; what cannot be read is passed over, and told. Keys of our own
are `points`, `optimizer`, `compare`, `activations` and `dropout` (one for each layer), and `own`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qsl, quote

import numpy as np

ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear")
DATASETS = ("circle", "xor", "gauss", "spiral", "three", "wheel", "own")
THREE_CLASSES = ("three", "wheel")
REGRESSION = ("reg-plane", "reg-gauss")
OPTIMIZERS = ("sgd", "momentum", "adam")
MOST_LAYERS, MOST_NEURONS, MOST_OWN = 6, 8, 500

#: The link of a page is no longer than this.
LONGEST_LINK = 20_000
#: Keys of the TensorFlow Playground that change nothing here.
WITHOUT_EFFECT = ("collectStats", "tutorial", "cosX", "cosY")

Point = tuple[float, float, int]  # x, y, and the class: 0 orange, 1 blue, 2 green


def _setting(default: Any, read: Callable[[str], Any]) -> Any:
    """Return a field of `Settings` that knows how to read itself from text."""
    return field(default=default, metadata={"read": read})


def _one_of(*known: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return text

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return number

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = float(text)  # "10.0" is whole as well
        if not (number.is_integer() and low <= number <= high):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(number)

    return read


def _list(read_one: Callable[[str], Any], most: int) -> Callable[[str], tuple[Any, ...]]:
    def read(text: str) -> tuple[Any, ...]:
        parts = text.split(",") if text.strip() else []
        if len(parts) > most:
            raise ValueError(f"expected at most {most}, parted by commas")
        return tuple(map(read_one, parts))

    return read


def _yes(text: str) -> bool:
    """Whatever is not "false" is a yes, as in the TensorFlow Playground."""
    return text != "false"


def _seed(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.+-]{1,20}", text):
        raise ValueError("expected up to 20 letters and digits")
    return text


def _own_points(text: str) -> tuple[Point, ...]:
    found = [part.split(",") for part in text.split(";") if part]
    if len(found) > MOST_OWN:
        raise ValueError(f"expected at most {MOST_OWN} points")
    return tuple(_own_point(*part) for part in found)


def _own_point(*parts: str) -> Point:
    if len(parts) != 3:
        raise ValueError("expected x,y,class for each point, parted by semicolons")
    place = _number(-6, 6)
    return round(place(parts[0]), 2), round(place(parts[1]), 2), _whole(0, 2)(parts[2])


@dataclass(frozen=True)
class Settings:
    """What a run is made of; `Settings()` is what the page opens with. Raises ValueError for what cannot be.

    `network_shape` are the neurons of the hidden layers; `activations` and `dropout` one for each of those,
    where they shall differ. `noise` and `perc_train_data` are percentages, `points` all points together,
    `own` one's own as (x, y, class). `discretize` and `show_test_data` only say what is shown.

    >>> Settings(network_shape=(8, 8), seed="7").link()
    '#networkShape=8,8&seed=7'
    """

    problem: str = _setting("classification", _one_of("classification", "regression"))
    dataset: str = _setting("circle", _one_of(*DATASETS))
    reg_dataset: str = _setting("reg-plane", _one_of(*REGRESSION))
    points: int = _setting(500, _whole(10, 1000))
    perc_train_data: float = _setting(50.0, _number(10, 90))
    noise: float = _setting(0.0, _number(0, 50))
    own: tuple[Point, ...] = _setting((), _own_points)
    x: bool = _setting(True, _yes)
    y: bool = _setting(True, _yes)
    x_squared: bool = _setting(False, _yes)
    y_squared: bool = _setting(False, _yes)
    x_times_y: bool = _setting(False, _yes)
    sin_x: bool = _setting(False, _yes)
    sin_y: bool = _setting(False, _yes)
    network_shape: tuple[int, ...] = _setting((4, 2), _list(_whole(1, MOST_NEURONS), MOST_LAYERS))
    activation: str = _setting("tanh", _one_of(*ACTIVATIONS))
    activations: tuple[str, ...] = _setting((), _list(_one_of(*ACTIVATIONS), MOST_LAYERS))
    dropout: tuple[float, ...] = _setting((), _list(_number(0, 0.9), MOST_LAYERS))
    optimizer: str = _setting("sgd", _one_of(*OPTIMIZERS))
    compare: bool = _setting(False, _yes)
    learning_rate: float = _setting(0.1, _number(1e-6, 1000))
    regularization: str = _setting("none", _one_of("none", "L1", "L2"))
    regularization_rate: float = _setting(0.0, _number(0, 10))
    batch_size: int = _setting(30, _whole(1, 1000))
    seed: str = _setting("0.5", _seed)
    init_zero: bool = _setting(False, _yes)
    show_test_data: bool = _setting(False, _yes)
    discretize: bool = _setting(False, _yes)
    hide_text: bool = _setting(False, _yes)

    def __post_init__(self) -> None:
        for key, name in KEYS.items():
            value = getattr(self, name)
            if read(key, _written(value)) != value:
                raise ValueError(f"{name} cannot be {value!r}")
        if not any(getattr(self, name) for name in INPUTS):
            raise ValueError("a network needs at least one input; expected x or another to be True")

    @property
    def classes(self) -> int:
        """How many classes there are: 2 or 3; 0 for regression."""
        if self.problem == "regression":
            return 0
        three = self.dataset in THREE_CLASSES
        if self.dataset == "own":
            three = any(point[2] == 2 for point in self.own)
        return 3 if three else 2

    def layer_settings(self) -> list[tuple[int, str, float]]:
        """Return (neurons, activation, dropout) for each hidden layer.

        >>> Settings(activations=("relu",), dropout=(0.0, 0.5)).layer_settings()
        [(4, 'relu', 0.0), (2, 'tanh', 0.5)]
        """
        return [
            (
                neurons,
                self.activations[i] if i < len(self.activations) else self.activation,
                self.dropout[i] if i < len(self.dropout) else 0.0,
            )
            for i, neurons in enumerate(self.network_shape)
        ]

    def streams(self, count: int) -> list[np.random.Generator]:
        """Return generators that follow from the seed, for points, weights and so on, each its own.

        So another network is asked to learn the same points.

        >>> [round(one.random(), 2) for one in Settings(seed="0.5").streams(2)]
        [0.17, 0.69]
        """
        sequence = np.random.SeedSequence(list(self.seed.encode()))
        return [np.random.default_rng(one) for one in sequence.spawn(count)]

    def with_text(self, key: str, text: str) -> Settings:
        """Return settings of which one is changed, given as a link has it. Raises ValueError.

        >>> Settings().with_text("batchSize", "1").batch_size
        1
        """
        if key not in KEYS:
            raise ValueError(f"there is no setting {key!r}")
        return replace(self, **{KEYS[key]: read(key, text)})

    def link(self, everything: bool = False) -> str:
        """Return the settings as the end of an address: those that are not as usual, or `everything`."""
        usual = DEFAULTS
        told = [
            f"{key}={quote(_written(value), safe=',;')}"
            for key, name in KEYS.items()
            if (value := getattr(self, name)) != usual[name] or key == "seed" or everything
        ]
        return "#" + "&".join(told)

    def texts(self) -> dict[str, str]:
        """Return each setting by its key, as the controls of the page show it."""
        return {key: _written(getattr(self, name)) for key, name in KEYS.items()}


#: The seven inputs that a network may be given.
INPUTS = ("x", "y", "x_squared", "y_squared", "x_times_y", "sin_x", "sin_y")
#: The names of settings by their keys in a link: networkShape is network_shape.
KEYS = {
    re.sub(r"_(\w)", lambda found: found[1].upper(), one.name): one.name for one in fields(Settings)
}
DEFAULTS: dict[str, Any] = {one.name: one.default for one in fields(Settings)}
_READ = {one.name: one.metadata["read"] for one in fields(Settings)}


def read(key: str, text: str) -> Any:
    """Return the value of a setting from its text in a link. Raises ValueError that says what was expected.

    >>> read("networkShape", "4,2")
    (4, 2)
    """
    try:
        return _READ[KEYS[key]](text)
    except ValueError as error:
        told = str(error) if str(error).startswith("expected") else "expected a number"
        raise ValueError(f"{key}={text[:40]} cannot be read: {told}") from None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        parted = ";" if value and isinstance(value[0], tuple) else ","
        return parted.join(map(_written, value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value!r}"
    return str(value)


@dataclass(frozen=True)
class Link:
    """What a link says: settings, which controls it hides, and what of it could not be read, in words."""

    settings: Settings
    hidden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_link(text: str) -> Link:
    """Read the end of an address, with its # or without, of this playground or of TensorFlow's.

    Nothing raises: a link that was cut short or written by hand should still open.

    >>> link = read_link("#dataset=xor&networkShape=9&noise_hide=true")
    >>> link.settings.dataset, link.hidden
    ('xor', ('noise',))
    >>> link.notes
    ('networkShape=9 cannot be read: expected a whole number from 1 to 8',)
    """
    settings = Settings()
    hidden: list[str] = []
    notes: list[str] = []
    inputs: dict[str, Any] = {}
    pairs = dict(parse_qsl(text[:LONGEST_LINK].lstrip("#"), keep_blank_values=True))
    for key, value in pairs.items():
        if re.fullmatch(r"[A-Za-z]{1,40}_hide", key):
            hidden += [key.removesuffix("_hide")] if value == "true" else []
        elif KEYS.get(key) in INPUTS:
            inputs[KEYS[key]] = _yes(value)
        elif key in KEYS and (value or key == "networkShape"):
            try:
                settings = settings.with_text(key, value)
            except ValueError as error:
                notes.append(str(error))
        elif key not in KEYS and key not in WITHOUT_EFFECT:
            notes.append(f"{key[:40]} is no setting")
    try:
        settings = replace(settings, **inputs)  # together: x=false&xSquared=true leaves one
    except ValueError as error:
        notes.append(str(error))
    return Link(settings, tuple(hidden), tuple(notes[:5]))


def finite_or_none(x: float) -> float | None:
    """Return a number that JSON can hold, or None for NaN and infinity.

    >>> finite_or_none(1.5), finite_or_none(math.inf)
    (1.5, None)
    """
    return float(x) if math.isfinite(x) else None
