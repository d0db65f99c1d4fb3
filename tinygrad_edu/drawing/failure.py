"""Where a calculation failed: what had been computed until then, what came together, and where it parts.

An exception holds on to all calls that it went through, and these to what they were handed. So nothing has to
be noted down while all goes well: the Values that did not fit each other are found when somebody asks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_edu.drawing.drawing import Drawing
from tinygrad_edu.drawing.graph.dot import to_dot
from tinygrad_edu.drawing.graph.folding import FoldBy
from tinygrad_edu.drawing.graph.graph import MAX_NODES, picture_graph
from tinygrad_edu.drawing.picture import Direction, GraphPicture
from tinygrad_edu.drawing.shorten import Panel
from tinygrad_edu.drawing.style import broken
from tinygrad_edu.number import Array, Options, run, shape_of
from tinygrad_edu.ops import OPERATIONS, Operation, Rule
from tinygrad_edu.value import Value, record


@dataclass(frozen=True)
class Failure:
    """What failed, with which inputs and options: an `operation`, or None of them, a layer or a function."""

    title: str
    inputs: tuple[Array, ...]
    options: Options = field(default_factory=dict)
    operation: Any = None


def draw_error(
    error: BaseException | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    fold: FoldBy = "auto",
    direction: Direction = "auto",
) -> Drawing:
    """Draw where a calculation failed: what went in, what came together, and where the shapes part.

    `error` is the exception, by default the last one that nobody caught, as in a notebook or after `>>>`.
    With `path` the picture is also written, as .svg, .png, .pdf, .dot or .html; `fold` and `direction` are
    those of `draw_graph`.

    Raises ValueError where there is no error, or no calculation with Values or arrays failed in it.

    >>> x, w = Value([[1.0, 2.0]], name="x"), Value([[1.0], [2.0], [3.0]], name="w")
    >>> try:
    ...     x @ w
    ... except ValueError as error:
    ...     print(draw_error(error).title)
    where @ failed: axis −1 of the first has 2, axis −2 of the second has 3
    """
    error = error or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is None:
        raise ValueError("there is no error to draw; pass the exception: draw_error(error)")
    failure = find_failure(error)
    parting = where_shapes_part(failure)
    picture = picture_failure(failure, [parting or str(error)], fold, direction)
    drawing = Drawing(to_dot(picture), f"where {failure.title} failed: {parting or error}")
    if path is not None:
        drawing.save(path)
    return drawing


def find_failure(error: BaseException) -> Failure:
    """Return the innermost calculation that an exception went through: an operation, a layer or a function.

    Raises ValueError if there is none.
    """
    frames = list(_frames(error))[::-1]
    for frame in frames:
        given = frame.f_locals
        if frame.f_code is record.__code__:
            operation = given["operation"]
            return Failure(operation.symbol, tuple(given["inputs"]), given["options"], operation)
    for frame in frames:
        given = frame.f_locals
        found = OPERATIONS.get(given["name"]) if frame.f_code is run.__code__ else None
        if isinstance(found, Operation):  # of plain arrays
            return Failure(found.symbol, tuple(given["inputs"]), given["options"], found)
    for frame in frames:
        failure = _call(frame)
        if failure is not None:
            return failure
    raise ValueError(
        f"no calculation with Values failed here, but: {type(error).__name__}: {error}"
    ) from error


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the calls that an exception went through, from the outermost, after those of what caused it."""
    if error.__cause__ is not None:
        yield from _frames(error.__cause__)
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _call(frame: FrameType) -> Failure | None:
    """Return a call that was handed a Value, or an array for a layer that has Values; else None."""
    code, given = frame.f_code, frame.f_locals
    if code.co_name.startswith(("_", "<")):
        return None
    handed = [given[name] for name in code.co_varnames[: code.co_argcount] if name in given]
    owner = handed[0] if handed and code.co_varnames[0] == "self" else None
    weights = [x for x in getattr(owner, "__dict__", {}).values() if type(x) is Value]
    inputs = (*(x for x in handed if type(x) is Value or isinstance(x, np.ndarray)), *weights)
    if not any(type(x) is Value for x in inputs):
        return None
    layer = getattr(owner, "name", "") or type(owner).__name__
    return Failure(layer if weights else code.co_name, inputs)


def where_shapes_part(failure: Failure) -> str:
    """Return in words which axes do not fit each other, or nothing where the operation knows better."""
    shapes = [shape_of(x) for x in failure.inputs]
    operation = failure.operation
    if operation is None or len(shapes) < 2:
        return ""
    if operation.name == "matmul" and all(shapes):
        first, second = shapes[0][-1], shapes[1][-2:][0]
        inner = "−2" if len(shapes[1]) > 1 else "−1"
        words = f"axis −1 of the first has {first}, axis {inner} of the second has {second}"
        return words if first != second else ""
    if operation.elementwise:
        for axis in range(1, max(map(len, shapes)) + 1):
            sizes = dict.fromkeys(shape[-axis] for shape in shapes if len(shape) >= axis)
            if len(sizes.keys() - {1}) > 1:
                return f"axis −{axis} has {' here and '.join(map(str, sizes))} there"
    return ""


def picture_failure(
    failure: Failure, words: Sequence[str], fold: FoldBy, direction: Direction
) -> GraphPicture:
    """Return the graph of all that went in, with what failed at its end, and words on why."""
    result = _stand_in(failure)
    picture = picture_graph(
        result, fold=fold, max_nodes=MAX_NODES, gradients={}, direction=direction
    )
    end = next(node for node in picture.nodes if node.kind == "output")
    end.kind, end.title, end.mark = "result", "no result", "wrong"
    end.panels = [Panel("", tuple(line for said in words for line in broken(said).split("\n")))]
    failed = next(edge.tail for edge in picture.edges if edge.head == end.key)
    for edge in picture.edges:
        if edge.head == failed:
            _, _, place = edge.tail.rpartition("_")  # of a constant
            position = edge.uses[0][1] if edge.uses else int(place)
            shape = shape_of(failure.inputs[position])
            edge.local, edge.mark = None, "wrong"
            edge.texts = (f"shape {shape}" if shape else "a number", "")
    return picture


def _stand_in(failure: Failure) -> Value:
    """Return a Value that was made from the same inputs by an operation that never fails."""

    def stand_in(*inputs: Array, **_: Any) -> float:
        return float("nan")

    def nothing(position: int, _: Array, __: Array, *inputs: Array, **___: Any) -> Array:
        return np.zeros(shape_of(inputs[position]))

    operation = Operation(stand_in, failure.title, each=Rule("", nothing))
    # in a context of its own, where recording has not been switched off
    value: Value = Context().run(record, operation, failure.inputs, failure.options)
    return value
