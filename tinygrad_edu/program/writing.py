"""Writing: from a function to all its numbers, forward, backward and a step.

The way back is the engine's own `chain_rule`, walked with Traced numbers: each rule, handed them, computes
Traced ones, and so writes down what it does. A rule that looks into numbers is taken as one call. The
function is run twice. What is not the same in both runs, such as a random array that it drew itself, cannot
be written down.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.number import Array
from tinygrad_edu.operators import describe
from tinygrad_edu.ops import Operation
from tinygrad_edu.program.recorder import Recorder
from tinygrad_edu.program.source import Recorded
from tinygrad_edu.program.surroundings import names_around
from tinygrad_edu.program.traced import Call, Leaf, ProgramError, Traced, parts, refuse
from tinygrad_edu.value import Value, ancestors, chain_rule, unbroadcast


class Graph:
    """A graph that was recorded before, as a function without arguments.

    Its constants may have been computed from what the Values held then, so that it is good for no others.
    """

    def __init__(self, value: Value) -> None:
        self.value = value

    def __call__(self) -> Value:
        """Return the result. Raises RuntimeError if data that it was computed from was replaced."""
        for node in ancestors(self.value):
            for x in node.inputs:
                if type(x) is Value and x.birth > node.birth:
                    raise RuntimeError(
                        f"the data of {describe(x)} was replaced after the graph was recorded; "
                        "Program(function, …) calculates with the new"
                    )
        return self.value


def run_once(
    recorder: Recorder, function: Callable[..., Any], arguments: Sequence[Any]
) -> tuple[Any, list[Traced], dict[str, Any]]:
    """Follow one run; return its result, the arguments as Traced, and the local variables at its end."""
    names = _argument_names(function, len(arguments))
    handed: list[Any] = []
    for name, x in zip(names, arguments, strict=True):
        is_number = isinstance(x, np.ndarray | float | np.generic) or type(x) is int
        handed.append(recorder.new(x, Leaf("argument", name)) if is_number else x)
    with recorder.following(), _locals_of(function) as found:
        result = function(*handed)
        if recorder.refused is not None:
            raise recorder.refused
    traced = [x for x in handed if isinstance(x, Traced)]
    if isinstance(function, Graph):
        recorder.replay(result)
    if isinstance(result, Traced):
        return result, traced, found
    if type(result) is not Value:
        raise ProgramError(
            f"the function returned {type(result).__name__}, and a program returns one number or array; "
            "let it return the loss alone, or one output"
        )
    return result, traced, found


def _argument_names(function: Any, count: int) -> list[str]:
    """Return what a function calls its arguments."""
    function = (
        getattr(function, "forward", function) if not inspect.isroutine(function) else function
    )
    try:
        spec = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        spec = []
    names = [p.name for p in spec if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (names + [f"x{i}" for i in range(len(names), count)])[:count]


@contextmanager
def _locals_of(function: Any) -> Iterator[dict[str, Any]]:
    """Collect the local variables that a function has when it returns, for their names."""
    found: dict[str, Any] = {}
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    before = sys.getprofile()

    def look(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    if before is None and code is not None:
        sys.setprofile(look)
    try:
        yield found
    finally:
        if before is None and code is not None:
            sys.setprofile(None)


def check_same(first: Recorder, second: Recorder) -> None:
    """Settle what is the same in two runs: constants, and Values that the function makes itself.

    Raises ProgramError for what is another in each run.
    """
    if len(first.steps) != len(second.steps):
        raise ProgramError(
            f"the function did {len(first.steps)} steps at first and {len(second.steps)} in a second run "
            "with the same arguments; a program needs the same steps each time"
        )
    place = {step: i for i, step in enumerate(second.steps)}
    for i, (a, b) in enumerate(zip(first.steps, second.steps, strict=True)):
        if isinstance(a.origin, Leaf) and isinstance(b.origin, Leaf):
            _check_leaf(a, b)
        elif not _same_call(a, b, first.steps, place):
            raise ProgramError(
                f"step {i + 1}, {_words(a)}, was another in a second run with the same arguments; "
                "a number that changes is an argument: hand it over"
            )


def _words(traced: Traced) -> str:
    function = getattr(traced.origin, "function", None)
    return str(getattr(function, "name", getattr(function, "__name__", "a number")))


def _same_call(a: Traced, b: Traced, steps: list[Traced], place: Mapping[Traced, int]) -> bool:
    if not isinstance(a.origin, Call) or not isinstance(b.origin, Call):
        return False
    f, g = a.origin.function, b.origin.function
    if f is not g and getattr(f, "name", f) != getattr(g, "name", g):
        return False
    mine = list(parts((a.origin.arguments, dict(a.origin.options))))
    other = list(parts((b.origin.arguments, dict(b.origin.options))))
    if len(mine) != len(other):
        return False
    for x, y in zip(mine, other, strict=True):
        if isinstance(x, Traced) or isinstance(y, Traced):
            if not (isinstance(x, Traced) and isinstance(y, Traced) and steps[place[y]] is x):
                return False
        elif x is not y and not (type(x) is type(y) and (x == y or x != x)):
            return False
    return True


def _check_leaf(a: Traced, b: Traced) -> None:
    x, y = a.origin.source, b.origin.source
    if x is y or a.origin.kind in ("argument", "literal"):
        return
    one, two = np.asarray(a._number), np.asarray(b._number)
    same_memory = a.origin.kind == "constant" and one.__array_interface__ == two.__array_interface__
    if same_memory and one.size:
        return
    if one.shape != two.shape or one.dtype != two.dtype or one.tobytes() != two.tobytes():
        raise ProgramError(
            f"the function made an array of shape {one.shape} itself, and another one in a second run; draw "
            "random numbers outside and hand them over, or take a Dropout layer, whose draws are followed"
        )
    number = a._number.copy() if isinstance(a._number, np.ndarray) else a._number
    kind = "literal" if type(number) is float else "constant"
    a._number, a.origin = number, Leaf(kind, number)


def go_back(recorder: Recorder, output: Value) -> dict[Value, Traced]:
    """Return the gradient of each Value that an output was made from, with what computes it."""
    seed = recorder.literal(1.0) if type(output._number) is float else None
    if seed is None:
        seed = recorder.constant(np.ones(output.shape, output.dtype))
    gradients: dict[Value, Any] = {output: seed}

    def pull(node: Value, position: int, g: Traced) -> Traced:
        origin = recorder.made[node].origin
        while origin.function is float:
            origin = origin.arguments[0].origin
        assert isinstance(origin.function, Operation)
        like = origin.arguments[position]
        arguments = (g, recorder.made[node], *origin.arguments)
        share = _share(recorder, origin.function.derivative(position), arguments, origin.options)
        return _fit(recorder, share, like, origin.function.name)

    with recorder.following():
        for _ in chain_rule(ancestors(output), gradients, pull):
            pass
    return gradients


def _share(
    recorder: Recorder, rule: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> Traced:
    """Return what a rule computes: step by step, or as one call where it looks into numbers."""
    effects, recorder.refused = len(recorder.effects), None
    try:
        share = rule(*arguments, **options)
        if recorder.refused is not None:
            raise recorder.refused
    except Exception:  # whatever it is that the rule cannot do with a Traced number
        del recorder.effects[effects:]
        share = recorder.apply(rule, arguments, options)
    if isinstance(share, Traced):
        return share
    return recorder.literal(share) if type(share) is float else recorder.constant(np.asarray(share))


def _fit(recorder: Recorder, share: Traced, like: Traced, name: str) -> Traced:
    """Bring a share to the shape and dtype of the input it belongs to, as `unbroadcast` does."""
    if type(like._number) is not float:
        fitted: Traced = unbroadcast(share, like, name)
        return fitted
    if share.shape:
        share = share.sum(axis=tuple(range(share.ndim)))
    if type(share._number) is float:
        return share
    return recorder.apply(float, (share,), {})


class Memory:
    """What an optimizer remembers of a parameter, followed: `old` is what it finds, `new` what it leaves."""

    def __init__(self, recorder: Recorder, held: Mapping[str, Any], like: Array) -> None:
        self.recorder, self.held, self.like = recorder, held, like
        self.old: dict[str, Traced] = {}
        self.new: dict[str, Traced] = {}
        self.begins: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Return what is remembered. Before the first step it is the default, repeated in an array."""
        if name in self.new:
            return self.new[name]
        if name not in self.old:
            number = self.held.get(name, default)
            self.begins[name] = self.defaults[name] = default
            if type(default) is float and isinstance(self.like, np.ndarray):
                self.begins[name] = np.full_like(self.like, default)
                number = self.held.get(name, self.begins[name])
            self.old[name] = self.recorder.new(number, Leaf("memory", name))
        return self.old[name]

    def __setitem__(self, name: str, number: Any) -> None:
        self.new[name] = number

    def __getitem__(self, name: str) -> Any:
        if name not in self.new and name not in self.held:
            raise KeyError(name)
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        refuse("an optimizer asks whether it remembers something", "write memory.get(name, 0.0)")


def name_values(
    recorded: Recorded, recorder: Recorder, function: Any, found: Mapping[str, Any]
) -> None:
    """Give numbers the names of the learner: of variables, Values, arguments and layers."""
    names = recorded.names
    around = names_around(function) if function is not None else {}
    for name, held in found.items():
        traced = recorder.made.get(held) if type(held) is Value else held
        if isinstance(traced, Traced) and isinstance(traced.origin, Call) and name.isascii():
            names.setdefault(traced, name)
    for value, traced in recorder.made.items():
        if isinstance(traced.origin, Leaf) and traced.origin.kind == "weight":
            names[traced] = (
                value.name
                if value.name and "." in value.name
                else (around.get(id(value)) or value.name or "w")
            )
        elif value.name:
            names.setdefault(traced, value.name)
        elif value.part is not None:
            names.setdefault(traced, value.part[0])
    for traced in recorded.steps:
        if isinstance(traced.origin, Leaf) and traced.origin.kind == "argument":
            names[traced] = traced.origin.source
    names.setdefault(recorded.result, "loss" if recorded.gradients else "output")
