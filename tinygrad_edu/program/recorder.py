"""Recording: one run of a function, written down call by call.

A `Recorder` keeps, for each Value that the run makes, the Traced number that it stands for. While it
follows, what would let a Value's number out (`value.data`, `float(value)`) is refused, and each operation
is handed to it. The Value class itself knows nothing of this: its methods are replaced for the time being,
by ones that ask whether somebody follows in this thread, and costs nobody anything afterwards.
"""

from __future__ import annotations

import itertools
import operator
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import tinygrad_edu.value as value_module
from tinygrad_edu import ops
from tinygrad_edu.following import follower
from tinygrad_edu.number import Array, as_number, run, widen
from tinygrad_edu.program.traced import (
    Call,
    Leaf,
    Method,
    Traced,
    check_index,
    concrete,
    has,
    refuse,
)
from tinygrad_edu.value import Value, ancestors, record

#: Where an array of one number alone is as good as the number.
_LINEAR = (operator.add, operator.sub, operator.mul, operator.truediv)


class Recorder:
    """Follows one run.

    Attributes: `made`, the Traced number of each Value; `steps`, all Traced numbers in the order of their
    birth; `effects`, those that must be computed even if nobody needs them, such as checks; `generators`,
    the random generators that were met, each with the state that it had before; `refused`, the error of
    the last step that could not be followed.
    """

    def __init__(self) -> None:
        self.made: dict[Value, Traced] = {}
        self.steps: list[Traced] = []
        self.effects: list[Traced] = []
        self.generators: dict[int, tuple[np.random.Generator, Any]] = {}
        self.refused: Exception | None = None
        self.next_birth = itertools.count().__next__
        self._constants: dict[int, Traced] = {}
        self._filled: dict[Traced, Any] = {}  # arrays of one number alone, and that number
        self._nowhere: set[Traced] = set()  # conditions that hold nowhere, whatever the numbers are

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow all that is calculated in a `with` block, in this thread."""
        token = follower.set(self)
        try:
            with _watched():
                yield
        finally:
            follower.reset(token)

    # -- numbers ---------------------------------------------------------------------------------

    def new(self, number: Any, origin: Call | Leaf) -> Traced:
        """Return a new Traced number."""
        traced = Traced(self, number, origin)
        self.steps.append(traced)
        return traced

    def literal(self, number: float) -> Traced:
        """Return a number that is written out."""
        return self.new(number, Leaf("literal", number))

    def constant(self, array: Any) -> Traced:
        """Return an array from outside, the same Traced number for the same array."""
        if id(array) not in self._constants:
            self._constants[id(array)] = self.new(array, Leaf("constant", array))
        return self._constants[id(array)]

    def of(self, value: Value) -> Traced:
        """Return the number of a Value; one that was not made in this run is a weight."""
        if value not in self.made:
            if value.op is not None:
                refuse(
                    f"a Value that {value.op.name} computed before the function was called is used in it",
                    "compute it inside the function, or hand over value.detach()",
                )
            self.made[value] = self.new(value._number, Leaf("weight", value))
        return self.made[value]

    def follow(self, x: Any) -> Any:
        """Return arguments with a Traced number for each Value and each array in them."""
        if type(x) is Value:
            return self.of(x)
        if isinstance(x, Traced):
            if x.recorder is not self:
                refuse(
                    "an argument of an earlier run was kept and is used again", "hand it over anew"
                )
            return x
        if isinstance(x, np.ndarray):
            return self.constant(x)
        if type(x) is tuple or type(x) is list:
            return type(x)(map(self.follow, x))
        return x

    # -- steps -----------------------------------------------------------------------------------

    def apply(self, function: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Return function(*arguments, **options) as a Traced number."""
        if function in _LINEAR:
            arguments = self._with_scalars(*arguments)
        if function is operator.mul and (same := _times_one(*arguments)) is not None:
            return self.literal(same) if type(same) is float else self.follow(same)
        number = function(*concrete(arguments), **concrete(dict(options)))
        if not isinstance(number, float | int | np.ndarray | np.generic):
            refuse(
                f"{getattr(function, 'name', getattr(function, '__name__', function))} gives "
                f"{type(number).__name__}, which is no single number or array",
                "take NumPy's functions that give one",
            )
        followed = {name: self.follow(option) for name, option in options.items()}
        step = self.new(number, Call(function, self.follow(arguments), followed))
        if function in (operator.mul, operator.truediv):
            self._fill(function, arguments[0], arguments[1], step)
        if function is operator.and_ and any(x is False for x in arguments):
            self._nowhere.add(step)
        return step

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Take a function of plain numbers as one step; see `following.in_one_step`."""
        for x in arguments:
            if isinstance(x, np.random.Generator) and id(x) not in self.generators:
                self.generators[id(x)] = (x, x.bit_generator.state)
        number = function(*concrete(arguments))
        step = self.new(number, Call(function, self.follow(arguments), {}))
        self.effects.append(step)
        return None if number is None else step

    def record(self, operation: Any, inputs: Sequence[Array], options: Mapping[str, Any]) -> Array:
        """Compute an operation; the result is a Value if an input is one, or else a Traced number."""
        for name, option in options.items():
            _check_option(name, option)
        given = [x if type(x) is Value else as_number(x) for x in inputs]
        of_values = has(Value, given)
        if not of_values and (same := self._unchanged(operation, inputs)) is not None:
            return same
        if not of_values and operation.differentiable:
            given = [widen(x) for x in given]
        if of_values and operation.differentiable:
            given = [
                self.apply(Method("copy"), (x, "K"), {}) if _is_spread(x) else x for x in given
            ]
        followed = [self.follow(x) for x in given]
        options = {name: self.follow(option) for name, option in options.items()}
        plain = concrete(dict(options))
        if of_values and operation.differentiable:
            numbers = [x if type(x) is Value else concrete(x) for x in given]
            value = record(operation, numbers, plain)
            number = value._number
        else:
            number = operation.evaluate(concrete(followed), plain)
        step = self._step(operation, tuple(followed), options, number)
        if operation in (ops.broadcast_to, ops.astype):
            x = followed[0]
            scalar = x if type(concrete(x)) is float else self._filled.get(x)
            if scalar is not None:
                self._filled[step] = scalar
        if not (of_values and operation.differentiable):
            return step
        if value.op is not None:
            pairs = zip(given, followed, strict=True)
            self._hand_over(value, [x if type(x) is Value else y for x, y in pairs])
            value.options = options
        self.made[value] = step
        return value

    def _with_scalars(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return two factors or terms with c for an array of c alone, where the other is an array like it."""
        for one, other in ((x, y), (y, x)):
            if isinstance(one, Traced) and one in self._filled and _are_alike(one, concrete(other)):
                scalar = self._filled[one]
                return (scalar, other) if one is x else (other, scalar)
        return x, y

    def _fill(self, function: Any, x: Any, y: Any, step: Traced) -> None:
        """Note that the product of an array of one number and a number is such an array."""
        for one, other in ((x, y), (y, x)):
            is_float = type(concrete(other)) is float and step.dtype == np.float64
            if is_float and isinstance(one, Traced) and one in self._filled:
                pair = self._filled[one], other
                self._filled[step] = self.apply(function, pair if one is x else pair[::-1], {})

    def _unchanged(self, operation: Any, inputs: Sequence[Array]) -> Any:
        """Return the input that an operation gives back: of x¹, or where a condition never holds."""
        x = inputs[0]
        if operation is ops.where and isinstance(x, Traced) and x in self._nowhere:
            kept = inputs[2]
        elif operation is ops.power and type(inputs[1]) is float and inputs[1] == 1.0:
            kept = x
        else:
            return None
        number = concrete(kept)
        fits = _is_plain(number) and np.shape(concrete(x)) == np.shape(number)
        return kept if isinstance(kept, Traced) and fits else None

    def replay(self, value: Value) -> None:
        """Take down how a Value was computed that was there before."""
        for node in reversed(ancestors(value)):
            if node.op is not None:
                inputs = tuple(map(self.follow, node.inputs))
                options = {name: self.follow(option) for name, option in node.options.items()}
                self.made[node] = self._step(node.op, inputs, options, node._number)

    def _step(
        self, operation: Any, inputs: tuple[Any, ...], options: Mapping[str, Any], number: Any
    ) -> Traced:
        """Return the Traced result of an operation; where it was simplified, in two steps."""
        call = Call(operation, inputs, options)
        if type(number) is np.ndarray:
            return self.new(number, call)
        raw = run(operation.forward, concrete(inputs), concrete(dict(options)))
        if type(raw) is type(number):
            return self.new(number, call)
        return self.new(number, Call(type(number), (self.new(raw, call),), {}))

    @staticmethod
    def _hand_over(value: Value, inputs: list[Any]) -> None:
        """Let a Value remember Traced numbers where it has constants, so that they are followed back."""
        if len(inputs) > 2:
            value._many = tuple(inputs)
        else:
            value._x, value._y = inputs if len(inputs) == 2 else (inputs[0], None)


def _times_one(x: Any, y: Any) -> Any:
    """Return the other factor of a product with 1.0, where it is a float or a plain array of floats."""
    for one, other in ((x, y), (y, x)):
        is_literal = type(one) is float or _is_literal(one)
        if is_literal and concrete(one) == 1.0 and _is_plain(concrete(other)):
            return other
    return None


def _is_plain(number: Any) -> bool:
    """Return whether a number is a float, or floats that lie one behind the other as a new array's would.

    Sums run in the order of the memory, so that a view and a copy of it may differ in the last bit.
    """
    if type(number) is np.ndarray:
        return bool(number.dtype.kind == "f" and number.flags.c_contiguous)
    return type(number) is float


def _is_literal(x: Any) -> bool:
    return isinstance(x, Traced) and isinstance(x.origin, Leaf) and x.origin.kind == "literal"


def _are_alike(x: Traced, number: Any) -> bool:
    return (
        type(number) is np.ndarray
        and _is_plain(number)
        and x.shape == number.shape
        and x.dtype == number.dtype
    )


def _is_spread(x: Any) -> bool:
    """Return whether an array has gaps or repetitions in memory; a graph takes a copy without."""
    number = concrete(x)
    flags = number.flags if type(number) is np.ndarray and type(x) is not Value else None
    return flags is not None and not (flags.c_contiguous or flags.f_contiguous)


def _check_option(name: str, option: Any) -> None:
    if name == "index":
        check_index(option)
    elif has(Traced, option) and not isinstance(option, Traced):
        refuse(f"the option {name} holds an argument", "hand it over alone, as an array")
    elif (
        isinstance(option, Traced)
        and not option.shape
        and name in ("shape", "axis", "axes", "width")
    ):
        refuse(f"the option {name} would decide the shape", "give a plain number from outside")


# ------------------------------------------------------------------------------------------------
# Watching Values
# ------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_watchers = 0
_before: dict[str, Any] = {}
_MISSING = object()


@contextmanager
def _watched() -> Iterator[None]:
    """Replace what lets a number out of a Value, for a `with` block; other threads notice nothing."""
    global _watchers
    with _lock:
        _watchers += 1
        if _watchers == 1:
            for name, replaced in _replacements().items():
                _before[name] = vars(Value).get(name, _MISSING)
                setattr(Value, name, replaced)
            _before["_differentiate"] = value_module._differentiate
            value_module._differentiate = _differentiate
    try:
        yield
    finally:
        with _lock:
            _watchers -= 1
            if _watchers == 0:
                value_module._differentiate = _before.pop("_differentiate")
                for name in list(_before):
                    old = _before.pop(name)
                    delattr(Value, name) if old is _MISSING else setattr(Value, name, old)


#: What a Value does that would let its number out, or read what was not calculated here; and the advice.
_REFUSED = {
    "calculate with the Value itself": (
        "item", "numpy", "__float__", "__bool__", "__copy__", "__deepcopy__", "__reduce__",
    ),
    "call it outside; inside, grad(…, create_graph=True) is followed": ("backward", "zero_grad"),
}  # fmt: skip


def _replacements() -> dict[str, Any]:
    """Return what stands in for attributes of Value while somebody follows."""
    found = {
        name: _unless_followed(getattr(Value, name), f"value.{name}()", advice)
        for advice, names in _REFUSED.items()
        for name in names
    }
    data, gradient = vars(Value)["data"], vars(Value)["grad"]
    refused = "value.data is a plain number, which other runs would not have"
    found["data"] = property(
        _unless_followed(data.fget, refused, "calculate with the Value, or value.detach()"),
        _unless_followed(data.fset, "value.data = …", "set it outside"),
    )
    found["grad"] = property(
        _unless_followed(gradient.__get__, "value.grad is read", "hand it over as an argument"),
        gradient.__set__,
    )
    found["record_operation"] = _to_follower(
        Value.record_operation, lambda recorder, _, *told: recorder.record(*told)
    )
    found["_record_two"] = _to_follower(
        Value._record_two,
        lambda recorder, _, operation, x, y: recorder.record(operation, (x, y), {}),
    )
    found["detach"] = _to_follower(Value.detach, _detach(Value.detach))
    for name, operation in (("__eq__", ops.equal), ("__ne__", ops.not_equal)):
        found[name] = _to_compare(getattr(Value, name), operation)
    return found


def _unless_followed(original: Any, what: str, advice: str) -> Any:
    def replaced(*arguments: Any, **options: Any) -> Any:
        if follower.get() is not None:
            refuse(what, advice)
        return original(*arguments, **options)

    return replaced


def _to_follower(original: Any, handle: Any) -> Any:
    def replaced(*arguments: Any) -> Any:
        recorder = follower.get()
        return original(*arguments) if recorder is None else handle(recorder, *arguments)

    return replaced


def _to_compare(original: Any, operation: Any) -> Any:
    def replaced(self: Value, other: Any) -> Any:
        return operation(self, other) if isinstance(other, Traced) else original(self, other)

    return replaced


def _detach(original: Any) -> Any:
    def detach(recorder: Recorder, value: Value) -> Value:
        detached: Value = original(value)
        recorder.made[detached] = recorder.of(value)
        return detached

    return detach


def _differentiate(output: Value, grad: Any, create_graph: bool) -> dict[Value, Array]:
    if follower.get() is not None and not create_graph:
        refuse("grad() gives plain numbers", "write grad(…, create_graph=True), which is followed")
    found: dict[Value, Array] = _before["_differentiate"](output, grad, create_graph)
    return found
