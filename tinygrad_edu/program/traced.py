"""Traced numbers: a number of this run, and how it is computed in any run.

While a function is recorded, its arguments are handed to it as `Traced`. One behaves like the array or float
that it stands for: operators, NumPy's functions and indexing compute another Traced, which remembers the call
that made it. So the calls form a graph of their own, next to that of the Values, down to plain NumPy.

What would let a number of this run out into Python, where nobody can follow it (`float(x)`, `if x > 0`), is
refused, with the user's own line: the next run may have another number there.
"""

from __future__ import annotations

import linecache
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tinygrad_edu.following import follower
from tinygrad_edu.number import as_number
from tinygrad_edu.value import Value


class ProgramError(TypeError):
    """A calculation that cannot be written down as a program that is right for other numbers as well."""


class Call(NamedTuple):
    """How a number is computed: function(*arguments, **options)."""

    function: Any
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]


class Leaf(NamedTuple):
    """A number that is not computed.

    `kind` says where it comes from: "argument", "weight", "constant", "memory" of an optimizer, "rate", or
    "literal", which is written out. `source` is the object itself, or a name.
    """

    kind: str
    source: Any


_NO_CALL = Call(None, (), {})


class Method:
    """A function that calls a method: Method("sum")(x, axis=0) is x.sum(axis=0)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, x: Any, *arguments: Any, **options: Any) -> Any:
        """Call the method of x."""
        return getattr(x, self.name)(*arguments, **options)


def user_line() -> str:
    """Return the line of the user's own code that is running, and where it stands."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f"{linecache.getline(file, number).strip() or '…'}    ({file}, line {number})"


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("tinygrad_edu", "numpy", "contextlib", "functools")


def refuse(what: str, advice: str) -> NoReturn:
    """Raise ProgramError with what was done, what to do instead, and the user's line that did it."""
    error = ProgramError(f"{what}; {advice}\n    {user_line()}")
    if (recorder := follower.get()) is not None:
        recorder.refused = (
            error  # so that it counts, even where the function goes on after an error
        )
    raise error


def concrete(x: Any) -> Any:
    """Return arguments with the numbers of this run in place of Traced ones, at any depth."""
    if isinstance(x, Traced):
        return x._number
    if type(x) is Value:
        return x._number
    if type(x) is tuple or type(x) is list:
        return type(x)(map(concrete, x))
    if type(x) is slice:
        return slice(*map(concrete, (x.start, x.stop, x.step)))
    if type(x) is dict:
        return {key: concrete(part) for key, part in x.items()}
    return x


def parts(x: Any) -> Iterator[Any]:
    """Yield what arguments are made of, at any depth: Traced, Values and plain things."""
    if type(x) in (tuple, list):
        for part in x:
            yield from parts(part)
    elif type(x) is slice:
        yield from (x.start, x.stop, x.step)
    elif isinstance(x, dict):
        yield from parts(list(x.values()))
    else:
        yield x


def traced_in(call: Call) -> list[Traced]:
    """Return the Traced numbers that go into a call."""
    found = []
    for x in (*call.arguments, *call.options.values()) if call.options else call.arguments:
        if isinstance(x, Traced):
            found.append(x)
        elif type(x) is not float:
            found += [part for part in parts(x) if isinstance(part, Traced)]
    return found


def has(kind: type, x: Any) -> bool:
    """Return whether there is something of a kind in arguments."""
    return any(isinstance(part, kind) for part in parts(x))


#: NumPy's functions whose result has a shape that follows from the shapes of what they are given.
_OF_NUMBERS = {
    "sum", "mean", "prod", "max", "min", "amax", "amin", "argmax", "argmin", "any", "all", "where",
    "concatenate", "stack", "clip", "take", "take_along_axis", "zeros_like", "ones_like", "cumsum", "dot",
    "tensordot", "outer", "inner", "var", "std", "median", "sort", "argsort", "isclose", "nan_to_num",
    "diff", "triu", "tril", "copy", "norm", "flip", "hstack", "vstack", "allclose", "array_equal",
    "full_like", "round", "around", "einsum", "isin", "count_nonzero", "ptp", "cumprod",
}  # fmt: skip
#: The same, where a number among the further arguments would decide the shape.
_OF_SHAPES = {
    "reshape", "ravel", "transpose", "squeeze", "expand_dims", "broadcast_to", "swapaxes", "moveaxis", "pad",
    "roll", "tile", "repeat", "astype", "rot90", "diagonal", "trace", "diag", "matrix_transpose",
}  # fmt: skip
_METHODS = (
    "sum", "mean", "prod", "max", "min", "argmax", "argmin", "any", "all", "clip", "take", "cumsum", "dot",
    "var", "std", "argsort", "copy", "round", "reshape", "ravel", "flatten", "transpose", "squeeze",
    "swapaxes", "repeat", "astype", "diagonal", "trace",
)  # fmt: skip
_UFUNC_OPERATORS = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.true_divide: operator.truediv, np.power: operator.pow, np.matmul: operator.matmul,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.less: operator.lt,
    np.less_equal: operator.le, np.equal: operator.eq, np.not_equal: operator.ne,
    np.bitwise_and: operator.and_, np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod,
}  # fmt: skip


class Traced:
    """A number that is followed: `_number` is that of this run, `origin` the call that computes it."""

    __slots__ = ("_number", "birth", "origin", "recorder")
    __hash__ = object.__hash__

    def __init__(self, recorder: Any, number: Any, origin: Call | Leaf) -> None:
        self.recorder, self._number = recorder, number
        self.origin: Any = origin
        self.birth: int = recorder.next_birth()

    # -- what does not depend on the numbers -----------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return np.shape(self._number)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return np.ndim(self._number)

    @property
    def size(self) -> int:
        """How many numbers this is."""
        return int(np.size(self._number))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return getattr(self._number, "dtype", np.dtype(type(self._number)))

    def __len__(self) -> int:
        return len(self._number)

    def __repr__(self) -> str:
        return f"<a number that is followed, of shape {self.shape}>"

    # -- what computes another number ------------------------------------------------------------

    def apply(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Return function(*arguments, **options) as a Traced."""
        return self.recorder.apply(function, arguments, options)

    def as_number(self) -> Traced:
        """Do what `number.as_number` does for plain numbers."""
        found = as_number(self._number)
        if type(found) is float and type(self._number) is not float:
            return self.recorder.apply(float, (self,), {})
        return self

    def record_operation(self, operation: Any, inputs: Any, options: Any) -> Any:
        """Take over when an operation meets a Traced number."""
        return self.recorder.record(operation, inputs, options)

    @property
    def T(self) -> Traced:  # noqa: N802, NumPy's name
        """The axes in reverse order; turned back, it is the number that it was."""
        function, arguments, options = self.origin if isinstance(self.origin, Call) else _NO_CALL
        is_turned = getattr(function, "name", "") == "transpose" and options.get("axes") is None
        if is_turned and len(arguments) == 1:
            return arguments[0]
        return self.recorder.apply(Method("transpose"), (self,), {})

    def __getitem__(self, index: Any) -> Any:
        check_index(index)
        return self.recorder.apply(operator.getitem, (self, index), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __neg__(self) -> Any:
        return self.recorder.apply(operator.neg, (self,), {})

    def __pos__(self) -> Any:
        return self.recorder.apply(operator.pos, (self,), {})

    def __abs__(self) -> Any:
        return self.recorder.apply(abs, (self,), {})

    def __invert__(self) -> Any:
        return self.recorder.apply(operator.invert, (self,), {})

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if has(Value, inputs):
            return NotImplemented  # the Value records it
        if method != "__call__" or "out" in options or ufunc.nout != 1:
            what = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
            refuse(
                f"{what} with {', '.join(options) or 'several results'} is not followed",
                _WRITE_ANEW,
            )
        same = _UFUNC_OPERATORS.get(ufunc)
        if same and not options and any(type(concrete(x)) is np.ndarray for x in inputs):
            return self.recorder.apply(same, inputs, {})
        return self.recorder.apply(ufunc, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        name = function.__name__
        if name in ("shape", "ndim", "size", "result_type"):
            return function(*concrete(arguments), **concrete(options))
        if has(Value, (arguments, options)):
            return NotImplemented
        further = (arguments[1:], options) if name in _OF_SHAPES else options
        if name not in _OF_NUMBERS | _OF_SHAPES or (name == "where" and len(arguments) != 3):
            refuse(f"np.{name} of an argument is not followed", _WRITE_ANEW)
        if has(Traced, further) or options.get("out") is not None:
            refuse(f"np.{name} would have a shape that depends on the numbers", _FIXED)
        return self.recorder.apply(function, arguments, options)

    # -- what would lose track ------------------------------------------------------------------

    def _refuse_plain(self, *_: Any, **__: Any) -> NoReturn:
        refuse(
            "a number of this run turns into a plain one, which other runs would not have",
            "write it with NumPy's functions and operators alone, such as np.where for a condition and "
            "ops.getitem(table, index=labels) for table[labels], or calculate it before",
        )

    __float__ = __int__ = __bool__ = __index__ = __complex__ = __array__ = _refuse_plain
    __format__ = __round__ = __contains__ = _refuse_plain
    item = tolist = tobytes = view = setflags = _refuse_plain

    def _refuse_in_place(self, *_: Any) -> NoReturn:
        refuse(
            "an argument is changed in place, for whoever holds the array",
            "write x = x + 1 instead",
        )

    __setitem__ = __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = _refuse_in_place
    __imatmul__ = __iand__ = __ior__ = __ixor__ = __ifloordiv__ = __imod__ = _refuse_in_place


_WRITE_ANEW = "write it with other functions of NumPy or of tinygrad_edu, or calculate it before"
_FIXED = "a program needs fixed shapes; calculate it before, and hand it over as an argument"


def check_index(index: Any) -> None:
    """Refuse an index with which the shape of what it finds would depend on numbers."""
    inside = index if type(index) is tuple else (index,)
    if any(type(part) is slice and has(Traced, part) for part in inside):
        refuse("a slice has a length that depends on the numbers", _FIXED)
    masks = [part for part in parts(index) if isinstance(part, Traced) and part.dtype == bool]
    if masks:
        refuse(
            "a mask as an index finds as many numbers as it has",
            "write np.where(mask, x, 0.0) instead",
        )


def _binary(function: Callable[[Any, Any], Any], turned: bool) -> Callable[[Any, Any], Any]:
    def calculate(self: Traced, other: Any) -> Any:
        if type(other) is Value:
            return NotImplemented  # the Value records it
        pair = (other, self) if turned else (self, other)
        return self.recorder.apply(function, pair, {})

    return calculate


def _method(name: str) -> Callable[..., Any]:
    def calculate(self: Traced, *arguments: Any, **options: Any) -> Any:
        further = (arguments, options) if name in _OF_SHAPES else options
        if has(Traced, further) or options.get("out") is not None:
            refuse(f".{name}() would have a shape that depends on the numbers", _FIXED)
        return self.recorder.apply(Method(name), (self, *arguments), options)

    return calculate


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "pow",
    "matmul",
    "floordiv",
    "mod",
    "and",
    "or",
    "xor",
):
    _function = getattr(operator, _name if _name not in ("and", "or") else f"{_name}_")
    setattr(Traced, f"__{_name}__", _binary(_function, turned=False))
    setattr(Traced, f"__r{_name}__", _binary(_function, turned=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Traced, f"__{_name}__", _binary(getattr(operator, _name), turned=False))
for _name in _METHODS:
    setattr(Traced, _name, _method(_name))
