"""A session: what one page has before it, and what each of its messages does.

A page says what it wants, and the session answers with messages. Nothing here knows of threads or of the
network between the two; `worker` has the thread, and `server` the sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.drawing import DrawingError
from tinygrad_edu.playground.blame import blame, graph_of_one_point, slow_step
from tinygrad_edu.playground.curves import Curve
from tinygrad_edu.playground.digits import Digits, look_at
from tinygrad_edu.playground.maps import SIDE, SMALL, as_frame, grid_inputs, input_maps, maps_of
from tinygrad_edu.playground.points_file import read_points
from tinygrad_edu.playground.program import write_program, write_step
from tinygrad_edu.playground.run import Lesson
from tinygrad_edu.playground.settings import (
    INPUTS,
    OPTIMIZERS,
    Link,
    Settings,
    finite_or_none,
    read_link,
)
from tinygrad_edu.playground.shapes import LABELS, Numbers

Message = dict[str, Any]

#: Settings with which a run goes on; all others begin it anew.
GOES_ON = (
    "learning_rate",
    "regularization",
    "regularization_rate",
    "batch_size",
    "show_test_data",
    "discretize",
    "hide_text",
)
_TITLES = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
#: Adam's steps have a length of their own, of which this is the usual one at SGD's usual rate.
_ADAM_SHARE = 0.1


class Session:
    """The runs of one page, and what it asks about them.

    Attributes: `settings`; `runs`, the first of which is shown, and the others in the chart only; `playing`
    and `fast`, how it shall learn.
    """

    def __init__(self, digits: Digits) -> None:
        self._reader = digits
        self.playing = self.fast = False
        self._frames = self._states = 0
        self._link = Link(Settings())
        self._begin(self._link.settings)

    def _begin(self, settings: Settings) -> None:
        """Begin the run of these settings, at epoch 0."""
        self.settings = settings
        self.runs = [Lesson(settings)]
        if settings.compare:
            others = [name for name in OPTIMIZERS if name != settings.optimizer]
            self.runs += [Lesson(_with_optimizer(settings, name)) for name in others]
        self._inputs = grid_inputs(settings)
        self._curves = [Curve() for _ in self.runs]
        self._measure()

    # -- learning --------------------------------------------------------------------------------

    def learn(self) -> None:
        """Learn for one epoch, all runs; in trouble, stop."""
        for run in self.runs:
            if not run.trouble:
                run.learn_epoch()
        self._measure()

    def _measure(self) -> None:
        for run, curve in zip(self.runs, self._curves, strict=True):
            if curve.wants(run.epoch) and not run.trouble and run.begun == 0:
                curve.add(run.epoch, *run.losses())
        if self.runs[0].trouble:
            self.playing = False

    # -- what the page sees ----------------------------------------------------------------------

    def frame(self) -> bytes:
        """Return all numbers that move, packed as `maps.as_frame` says."""
        run = self.runs[0]
        small, outputs = maps_of(run, self._inputs)
        training, test = run.losses()
        table = run.confusion()
        self._frames += 1
        told = {
            "frame": self._frames,
            "state": self._states,
            "epoch": run.epoch,
            "begun": run.begun,
            "training": finite_or_none(training),
            "test": finite_or_none(test),
            "confusion": None if table is None else table.tolist(),
            "trouble": run.trouble,
            "playing": self.playing,
            "fast": self.fast,
            "sizes": [len(self._inputs[0]), *self.settings.network_shape, len(outputs)],
            "curves": [len(curve.epochs) for curve in self._curves],
        }
        weights = [parameter.data for parameter in run.network.parameters()]
        return as_frame(told, [*weights, *(c.numbers() for c in self._curves)], [*small, outputs])

    def state(self) -> Message:
        """Return all that stays as it is until a setting changes: the settings, the points, the inputs."""
        run, settings = self.runs[0], self.settings
        self._states += 1  # by which the page knows frames that were on their way meanwhile
        return {
            "is": "state",
            "number": self._states,
            "settings": settings.texts(),
            "link": settings.link(everything=True)
            + "".join(f"&{name}_hide=true" for name in self._link.hidden),
            "hidden": self._link.hidden,
            "notes": self._link.notes,
            "classes": settings.classes,
            "inputs": [name for name in INPUTS if getattr(settings, name)],
            "labels": [LABELS[name] for name in INPUTS if getattr(settings, name)],
            "inputMaps": input_maps(settings),
            "side": SIDE,
            "small": SMALL,
            "names": [_TITLES[one.settings.optimizer] for one in self.runs],
            "train": _placed(run.points_train, run.answers_train),
            "test": _placed(run.points_test, run.answers_test),
        }

    # -- what the page asks for ------------------------------------------------------------------

    def take(self, message: Message) -> list[Message]:
        """Do what a message asks for; return the answers.

        What cannot be done is answered by {"is": "sorry", "to": …, "text": …}, and changes nothing.
        """
        action: Callable[[Message], list[Message]] = getattr(self, f"_{message['do']}")
        try:
            return action(message)
        except (ValueError, IndexError, DrawingError, ImportError, OSError) as error:
            return [{"is": "sorry", "to": message["do"], "text": str(error)}]

    def _open(self, message: Message) -> list[Message]:
        self._link = read_link(message["link"])
        self.playing = False
        self._begin(self._link.settings)
        return [self.state()]

    def _change(self, message: Message) -> list[Message]:
        new = self.settings.with_text(message["key"], message["value"])
        self._link = replace(self._link, notes=())
        if replace(self.settings, **{name: getattr(new, name) for name in GOES_ON}) == new:
            self.settings = new
            for run in self.runs:
                run.change(_with_optimizer(new, run.settings.optimizer))
        else:
            self._begin(new)
        return [self.state()]

    def _play(self, _: Message) -> list[Message]:
        if not len(self.runs[0].x_train):
            raise ValueError(
                "There are no points to learn from yet. Click into the picture “What it says”."
            )
        self.playing = not self.runs[0].trouble
        return []

    def _pause(self, _: Message) -> list[Message]:
        self.playing = False
        return []

    def _epoch(self, _: Message) -> list[Message]:
        self.playing = False
        self.learn()
        return []

    def _batch(self, _: Message) -> list[Message]:
        self.playing = False
        for run in self.runs:
            if not run.trouble:
                run.learn_batch()
                run.look_for_trouble()
        self._measure()
        return []

    def _reset(self, _: Message) -> list[Message]:
        self.playing = False
        self._begin(self.settings)
        return [self.state()]

    def _fast(self, message: Message) -> list[Message]:
        self.fast = message["on"]
        return []

    def _weight(self, message: Message) -> list[Message]:
        layer = self.runs[0].dense_layers()[message["layer"]]
        parameter = layer.bias if message["source"] < 0 else layer.weight
        assert parameter is not None
        place = (
            (message["target"],)
            if message["source"] < 0
            else (message["source"], message["target"])
        )
        changed = np.array(parameter.data)
        changed[place] = message["value"]  # raises IndexError
        parameter.data = changed
        return []

    def _blame(self, message: Message) -> list[Message]:
        told = blame(self.runs[0], message["layer"], message["source"], message["target"])
        return [{"is": "blame", **_without_nan(told)}]

    def _slow(self, _: Message) -> list[Message]:
        self.playing = False
        told = slow_step(self.runs[0])
        self._measure()
        return [{"is": "slow", **_without_nan(told)}]

    def _graph(self, message: Message) -> list[Message]:
        text = graph_of_one_point(self.runs[0], message["fold"], message["page"])
        return [{"is": "page" if message["page"] else "graph", "text": text}]

    def _csv(self, message: Message) -> list[Message]:
        own = read_points(message["text"])
        new = replace(self.settings, problem="classification", dataset="own", own=own)
        self.playing = False
        self._begin(new)
        return [self.state()]

    def _program(self, _: Message) -> list[Message]:
        return [{"is": "program", "text": write_program(self.settings, max(self.runs[0].epoch, 1))}]

    def _numpy(self, _: Message) -> list[Message]:
        return [{"is": "numpy", "text": write_step(self.runs[0])}]

    # -- digits ----------------------------------------------------------------------------------

    def _digits(self, _: Message) -> list[Message]:
        self._reader.begin()
        return [{"is": "digits", **self._reader.progress()}]

    def _look(self, message: Message) -> list[Message]:
        if self._reader.network is None:
            raise ValueError("The network is still learning to read.")
        asked = (message[name] for name in ("drawing", "label", "removed", "photo"))
        told = look_at(self._reader, *asked)
        return [{"is": "look", **told}]


def _with_optimizer(settings: Settings, name: str) -> Settings:
    """Return the settings for a run beside the one that is shown, with a rate that suits its optimizer."""
    if name == settings.optimizer:
        return settings
    rate = settings.learning_rate
    rate *= (
        _ADAM_SHARE if name == "adam" else 1 / _ADAM_SHARE if settings.optimizer == "adam" else 1
    )
    return replace(settings, optimizer=name, learning_rate=max(rate, 1e-6))


def _placed(points: Numbers, answers: Numbers) -> list[list[float]]:
    """Return points with their answers, [x, y, answer], rounded for the page."""
    rows: list[list[float]] = np.column_stack([points.reshape(-1, 2), answers]).round(3).tolist()
    return rows


def _without_nan(told: Any) -> Any:
    """Return an answer in which what JSON cannot hold, NaN and infinity, is None."""
    if isinstance(told, dict):
        return {key: _without_nan(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_without_nan(value) for value in told]
    return finite_or_none(told) if isinstance(told, float) else told
