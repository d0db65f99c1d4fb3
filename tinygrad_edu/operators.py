"""How a Value feels like a number: operators, comparisons, NumPy's protocol, copying, words.

`value` has the lesson: what a Value is, and how the chain rule walks back. Here stands all that makes a Value
comfortable, and nothing of the lesson. Each operator hands its operation on to be recorded; what would lose a
gradient in silence is refused, with a word on what to write instead.

`Operators` is a mixin without slots of its own: it has methods only, and asks the class that it is mixed into
for a few things, listed first.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.number import NO_MASKS, Array, shape_of
from tinygrad_edu.ops import METHODS, OPERATIONS, Operation


class Operators:
    """Everything of a Value that is no part of the lesson; `Value` is the only class that is made of it."""

    __slots__ = ()

    if TYPE_CHECKING:  # what is asked of the class
        _number: Array
        grad: Array
        _name: str | None
        op: Operation | None
        _is_recorded: Callable[[], bool]
        _ancestors: Callable[[], list[Any]]
        _next_birth: Callable[[], int]

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """The operations of `ops`, which become methods at import."""

    @property
    def name(self) -> str | None:
        """What you call it, for pictures and messages; None or a string. TypeError for anything else."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"expected a string as the name of a Value, got {name!r}; write {str(name)!r}"
            )
        self._name = name  # type: ignore[misc]  # in a slot of Value

    def _record_two(self, operation: Operation, x: Any, y: Any) -> Self:
        """Record an operation of two numbers, one of which is this Value."""
        return operation(x, y)

    # -- what kind of number it is ---------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, () for a float."""
        return shape_of(self._number)

    @property
    def ndim(self) -> int:
        """The number of axes, 0 for a float."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers this is."""
        return 1 if type(self._number) is float else self._number.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type; a float counts as float64."""
        return np.dtype(float) if type(self._number) is float else self._number.dtype

    def item(self) -> float:
        """Return the only number as a float. Raises ValueError if there are several.

        >>> from tinygrad_edu import Value
        >>> Value([[3.5]]).item()
        3.5
        """
        if self.size != 1:
            raise ValueError(f"expected a single number, got shape {self.shape}; index it first")
        return float(np.asarray(self._number).reshape(()))

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return a copy of the data as a NumPy array, which you may change."""
        return np.array(self._number)

    # -- arithmetic ------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Self:
        return self._record_two(ops.add, self, other)

    def __radd__(self, other: Any) -> Self:
        return self._record_two(ops.add, other, self)

    def __sub__(self, other: Any) -> Self:
        return self._record_two(ops.subtract, self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._record_two(ops.subtract, other, self)

    def __mul__(self, other: Any) -> Self:
        return self._record_two(ops.multiply, self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._record_two(ops.multiply, other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._record_two(ops.divide, self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._record_two(ops.divide, other, self)

    def __pow__(self, other: Any) -> Self:
        return self._record_two(ops.power, self, other)

    def __rpow__(self, other: Any) -> Self:
        return self._record_two(ops.power, other, self)

    def __matmul__(self, other: Any) -> Self:
        return self._record_two(ops.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return self._record_two(ops.matmul, other, self)

    def __iadd__(self, other: Any) -> Self:
        self._refuse_step_in_place("+")
        return self + other

    def __isub__(self, other: Any) -> Self:
        self._refuse_step_in_place("-")
        return self - other

    def __imul__(self, other: Any) -> Self:
        self._refuse_step_in_place("*")
        return self * other

    def __itruediv__(self, other: Any) -> Self:
        self._refuse_step_in_place("/")
        return self / other

    def __ipow__(self, other: Any) -> Self:
        self._refuse_step_in_place("**")
        return self**other

    def __imatmul__(self, other: Any) -> Self:
        self._refuse_step_in_place("@")
        return self @ other

    def _refuse_step_in_place(self, sign: str) -> None:
        """Refuse `w -= rate * w.grad`, which would name another Value w, and teach the old one nothing."""
        if self.op is None and self.grad is not None:
            raise TypeError(
                f"{describe(self)} has a gradient and cannot be changed in place; give it new data with "
                f"w.data {sign}= …, or write w = w {sign} … for another Value"
            )

    def __neg__(self) -> Self:
        return ops.negative(self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return ops.abs(self)

    def __mod__(self, *_: Any) -> Self:
        raise TypeError(_NO_REMAINDER)

    __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = __round__ = __mod__

    def __lt__(self, other: Any) -> Any:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Any:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return ops.greater_equal(self, other)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, int | float | np.ndarray | np.generic):
            return ops.equal(self, other)
        return self is other

    def __ne__(self, other: object) -> Any:
        if isinstance(other, int | float | np.ndarray | np.generic):
            return ops.not_equal(self, other)
        return self is not other

    __hash__ = object.__hash__
    __pandas_priority__ = 10_000  # so that series * value is left to the Value

    # -- arrays ----------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Self:
        if not self.shape:
            raise TypeError("this Value is a single number and has nothing to index")
        return ops.getitem(self, index=index)

    def __setitem__(self, index: Any, new: Any) -> None:
        raise TypeError(
            "a Value cannot be changed in place, since graphs may have been recorded with it; "
            "build another with where() or concatenate(), or give new numbers with value.data = array"
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("this Value is a single number and has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> Self:
        """Return the same numbers in another shape: reshape(2, -1) or reshape((2, -1))."""
        return ops.reshape(self, shape=_one_tuple(shape))

    def transpose(self, *axes: Any) -> Self:
        """Return the axes in another order, reversed if none are given."""
        return ops.transpose(self, axes=_one_tuple(axes) or None)

    @property
    def T(self) -> Self:  # noqa: N802, NumPy's name
        """The axes in reverse order."""
        return self.transpose()

    # -- plain numbers ---------------------------------------------------------------------------

    def __float__(self) -> float:
        if self._is_recorded():
            warnings.warn(
                f"{describe(self)} turns into a plain number, through which no gradient flows; write "
                "value.item() where the number is all you want, and in calculations value.exp() for "
                "math.exp(value), stack([a, b]) for array[0] = a",
                stacklevel=2,
            )
        return self.item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise TypeError(
                f"a Value of shape {self.shape} is neither true nor false; "
                "compare it and use .all() or .any() on the answer"
            )
        return bool(self.item())

    def __array__(self, *_: Any, **__: Any) -> np.ndarray[Any, Any]:
        raise TypeError(
            "a Value does not turn into an array by itself, since its gradient would be lost; "
            "take value.data, or put several Values together with tinygrad_edu.stack"
        )

    @property
    def _data(self) -> Any:
        """Refuse masked arrays: np.ma asks for this attribute, and would calculate without a gradient."""
        raise TypeError(NO_MASKS)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Let array * value, np.exp(value) and the like record an operation of ours."""
        name = {"absolute": "abs"}.get(ufunc.__name__, ufunc.__name__)
        if method == "__call__" and name in OPERATIONS and not options:
            return OPERATIONS[name](*inputs)
        raise TypeError(_no_numpy(ufunc.__name__, options))

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> Any:
        """Let np.sum(value), np.concatenate([value, …]) and the like record an operation of ours."""
        name = {"amax": "max", "amin": "min"}.get(function.__name__, function.__name__)
        if name in ("shape", "ndim", "size"):
            return getattr(args[0], name)
        if name == "pad":
            args, options = _without_mode(*args, **options)
        options = {_OPTIONS.get(option, option): given for option, given in options.items()}
        operation = OPERATIONS.get(name)
        if operation is None or not set(options) <= set(inspect.signature(operation).parameters):
            raise TypeError(_no_numpy(function.__name__, options))
        return operation(*args, **options)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        parts = [show(self._number, indent=6)]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.grad is not None:
            parts.append(f"grad={show(self.grad, indent=11)}")
        separator = ",\n      " if any("\n" in part for part in parts) else ", "
        return f"Value({separator.join(parts)})"

    # -- copies ----------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        copy: Self = object.__new__(type(self))
        self._copy_into(copy, lambda held: held)
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # The order of births is kept, and no function calls itself: a graph may be a million Values deep.
        nodes = [node for node in reversed(self._ancestors()) if id(node) not in memo]

        def copied(held: Any) -> Any:
            if type(held) is tuple:
                return tuple(map(copied, held))
            return memo.get(id(held), held) if type(held) is type(self) else held

        for node in nodes:
            memo[id(node)] = object.__new__(type(self))
        for node in nodes:
            node._copy_into(memo[id(node)], copied)
        found: Self = memo[id(self)]
        return found

    def _copy_into(self, copy: Any, held: Callable[[Any], Any]) -> None:
        """Fill an empty copy with what this Value holds; its gradient and its birth are its own."""
        slots: tuple[str, ...] = type(self).__slots__
        for slot in slots:
            setattr(copy, slot, held(getattr(self, slot)))
        copy.grad = self.grad.copy() if isinstance(self.grad, np.ndarray) else self.grad
        copy.birth = self._next_birth()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise TypeError(
                f"{describe(self)} was computed, and a pickle would lose what it was made from, and so its "
                "gradients; pickle value.data, or value.detach()"
            )
        return type(self), (self._number, self.name)

    def __dir__(self) -> list[str]:
        found = map(partial(inspect.getattr_static, type(self)), names := list(super().__dir__()))
        return [name for name, x in zip(names, found, strict=True) if type(x) is not _Absent]


for _name in METHODS:
    setattr(Operators, _name, OPERATIONS[_name])


# ------------------------------------------------------------------------------------------------
# Words
# ------------------------------------------------------------------------------------------------


def _one_tuple(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Let (2, 3) and ((2, 3),) mean the same."""
    single = len(arguments) == 1 and isinstance(arguments[0], Sequence)
    return tuple(arguments[0]) if single else arguments


def show(number: Array, indent: int) -> str:
    """Return a number short enough to read: four digits, and of a large array only the corners."""
    if isinstance(number, float):
        return repr(number) if number == round(number, 3) else f"{number:.4g}"
    if isinstance(number, Operators):
        return repr(number)
    text = np.array2string(number, precision=4, threshold=40, separator=", ", prefix=" " * indent)
    return text if number.dtype == float else f"{text}, dtype={number.dtype}"


def describe(value: Any) -> str:
    """Return a few words by which a reader recognizes a Value."""
    name = f" {value.name!r}" if value.name else ""
    shape = f" of shape {value.shape}" if value.shape else ""
    return f"the Value{name}{shape}"


#: What NumPy calls an option, and we.
_OPTIONS = {
    "a_min": "low", "min": "low", "a_max": "high", "max": "high",
    "pad_width": "width", "constant_values": "value",
}  # fmt: skip
_NO_REMAINDER = (
    "a Value has no %, // and round, whose derivatives know nothing of their jumps; write "
    "x - n * np.floor(x.data / n) for x % n, or take value.data where no gradient is needed"
)
#: What to write for what other arrays have, where it is not just an operation of another name.
_INSTEAD = {
    "value.reshape(-1)": ("flatten", "ravel"),
    "value.reshape(…)": ("squeeze", "view", "unflatten"),
    "value[None] or value[:, None]": ("unsqueeze", "expand_dims"),
    "value.transpose(…)": ("swapaxes", "permute", "moveaxis", "mT"),
    "value.var().sqrt()": ("std",),
    "(value * value).sum().sqrt()": ("norm",),
    "value * value": ("square",),
    "1.0 / value": ("reciprocal",),
    "(1.0 + value).log()": ("log1p",),
    "value @ other": ("dot", "inner", "mm", "bmm", "vdot"),
    "value * other": ("mul",),
    "value**other": ("pow",),
    "value / other": ("div", "true_divide"),
    "value - other": ("sub",),
    "value.clip(low, high)": ("clamp",),
    "copy.copy(value)": ("copy", "clone"),
    "value.size": ("numel",),
    "value.astype(…)": ("float", "double", "half", "to", "type"),
}


def instead_of(name: str) -> str:
    """Return what to write instead of an attribute or function that arrays have and Values have not.

    >>> instead_of("std"), instead_of("argmax")
    ('write value.var().sqrt()', 'value.data.argmax gives it where no gradient is needed')
    """
    for advice, names in _INSTEAD.items():
        if name in names:
            return f"write {advice}"
    if hasattr(np.ndarray, name) and not name.startswith("_"):
        return f"value.data.{name} gives it where no gradient is needed"
    return ""


class _Absent:
    """An attribute that there is not, which says what to write instead.

    A method `__getattr__` would answer for all names, but every attribute of a class that has one, those that
    there are as well, is found more slowly: graphs of single numbers took a quarter longer.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, _: type) -> Any:
        raise AttributeError(
            f"a Value has no {self.name}; {instead_of(self.name)}", name=self.name, obj=value
        )


for _name in {name for names in _INSTEAD.values() for name in names} | set(dir(np.ndarray)):
    if instead_of(_name) and not hasattr(Operators, _name):
        setattr(Operators, _name, _Absent(_name))


def _without_mode(
    x: Any, pad_width: Any, mode: Any = "constant", **options: Any
) -> tuple[tuple[Any, Any], dict[str, Any]]:
    """Return the arguments of np.pad without its mode, since there is one only."""
    if mode != "constant":
        raise TypeError(_no_numpy("pad", {"mode": mode}))
    return (x, pad_width), options


def _no_numpy(name: str, options: Mapping[str, Any]) -> str:
    known = " with " + ", ".join(options) if options else ""
    general = (
        "write it with the operations of tinygrad_edu (tinygrad_edu.ops lists them), or use value.data if no "
        "gradient is needed"
    )
    advice = general if options else instead_of(name) or general
    return f"np.{name}{known} cannot record a gradient; {advice}"
