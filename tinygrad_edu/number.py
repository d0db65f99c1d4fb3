"""What a number is here: a float, or an array that nobody can change unnoticed; never anything between.

Python's float times float is twenty times as fast as NumPy's array times array without axes, and a network of
single numbers is made of nothing else. So a single number is a Python float, several are an array, and
whatever comes in or out is brought to one of the two. At the edges of the real numbers floats answer as
NumPy does: 1/0 is infinity and a warning.

What a graph was recorded with must stay as it was until the way back. Numbers are therefore owned: copied
when they come in, and read-only from then on. That goes for the data of a Value, for the constants of a
calculation, and for its options, such as labels and indices. A copy reads each number once; what is then
calculated with it takes longer by far, so that a training step hardly shows it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from typing import Any, TypeAlias

import numpy as np

#: What operations work on: a float, a NumPy array or a Value.
Array: TypeAlias = Any
#: What is said to who brings masked numbers.
NO_MASKS = "expected numbers, got a masked array, whose mask would be lost; give .filled(…) or .compressed()"
#: What an operation is told besides its inputs, such as an axis.
Options: TypeAlias = Mapping[str, Any]


def as_number(x: Any) -> Array:
    """Return `x` as a float or as an array of bools, integers or floats of at least one axis.

    Arrays are passed on as they are, uncopied. Raises TypeError for what is not made of real numbers, and for
    masked arrays and matrices, whose masks and products would be lost.

    >>> as_number(2), as_number(np.float32(0.5)), as_number([1, 2])
    (2.0, 0.5, array([1, 2]))
    """
    if type(x) is float:
        return x
    array = x if type(x) is np.ndarray else _as_array(x)
    if type(array) is not np.ndarray:
        return array
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"expected real numbers, got {type(x).__name__} of dtype {array.dtype}; "
            "convert it first, for example with np.asarray(data, dtype=float)"
        )
    return array if array.ndim else float(array)


def _as_array(x: Any) -> Any:
    """Return what is neither a float nor an array as one of the two, or say why it is none."""
    if isinstance(x, float | int):  # np.float64 is a float, and True an int
        return float(x)
    if hasattr(x, "as_number"):  # it is followed, and stays so; see `program`
        return x.as_number()
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(NO_MASKS)
    if isinstance(x, np.matrix):
        raise TypeError(
            "expected an array, got a np.matrix, whose * is a product; write np.asarray(…), and @"
        )
    try:
        return np.asarray(x)
    except ValueError as error:  # NumPy's word for rows of different lengths
        raise ValueError(
            f"expected rows of one length, got a ragged {type(x).__name__}; "
            "pad the rows or cut them to one length"
        ) from error


def simplify(result: Any) -> Array:
    """Return a result with floats for NumPy's scalars and for arrays without axes.

    Besides being faster, a Python float lets a float32 array stay float32; a NumPy float64 would widen it.

    >>> simplify(np.float32(0.5)), simplify(np.array(2.0)), simplify(np.ones(1))
    (0.5, 2.0, array([1.]))
    """
    if type(result) is float or (type(result) is np.ndarray and result.ndim):
        return result
    return result.item() if isinstance(result, np.ndarray | np.generic) else result


def widen(x: Array) -> Array:
    """Return whole numbers as floats, as wide as they need: bytes would wrap round at 256.

    >>> widen(np.array([200], np.uint8)) + 100
    array([300.], dtype=float32)
    """
    whole = type(x) is not float and x.dtype.kind in "iu"
    return x.astype(np.result_type(x, np.float32)) if whole else x


def shape_of(x: Array) -> tuple[int, ...]:
    """Return the shape of a number: () for a float.

    >>> shape_of(1.0), shape_of(np.ones((2, 3)))
    ((), (2, 3))
    """
    return getattr(x, "shape", ())


def run(
    function: Callable[..., Array],
    inputs: Sequence[Array],
    options: Options,
    name: str = "",
) -> Array:
    """Return function(*inputs, **options), with NumPy's answers at the edges of the real numbers.

    Python's floats refuse 1/0, log(0) or e¹⁰⁰⁰ with an exception; NumPy answers with infinity or NaN and a
    warning, so that one bad number in a million can be found afterwards. Scalars follow NumPy here.

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     print(run(lambda x, y: x / y, (1.0, 0.0), {}))
    inf
    """
    try:
        return function(*inputs, **options)
    except (ArithmeticError, ValueError) as error:
        if all(isinstance(x, float) for x in inputs):
            return function(*map(np.float64, inputs), **options)
        if name:
            shapes = ", ".join(str(shape_of(x)) for x in inputs)
            error.add_note(
                f"while computing {name} of shapes {shapes}; tinygrad_edu.draw_error(error) draws it"
            )
        raise


def own(
    data: Any, like: Array = None, what: str = "numbers", whose: Callable[[], str] | None = None
) -> Array:
    """Return data as a float or a read-only array that is ours alone, of the shape and dtype of `like`.

    Raises ValueError for another shape; `what` says what the numbers are, and `whose()` to whom they belong.

    >>> own([1, 2], like=np.ones(2, np.float32))
    array([1., 2.], dtype=float32)
    """
    handed_over = type(data) is Owned
    number = as_number(data.array if handed_over else data)
    if like is not None and shape_of(number) != shape_of(like):
        raise ValueError(
            f"expected {what} of shape {shape_of(like)}{f' for {whose()}' if whose else ''}, got "
            f"{shape_of(number)}; a Value and its gradient keep their shape: make a new Value for another"
        )
    if type(number) is float:
        return number
    dtype = like.dtype if type(like) is np.ndarray else number.dtype
    # Read-only is not enough: somebody may hold a view that was made before.
    number = number.astype(dtype if dtype.kind == "f" else float, copy=not handed_over)
    number.setflags(write=False)
    return number


def own_constant(x: Any) -> Array:
    """Return a constant of a calculation as the graph remembers it: a float, or an array that is ours alone.

    What a Value shows of its data is ours already and is not copied.

    >>> mine = np.ones(2)
    >>> ours = own_constant(mine)
    >>> mine[0] = 9.0
    >>> ours
    array([1., 1.])
    """
    number = as_number(x)
    if type(number) is float or (type(x) is ReadOnlyArray and not x.flags.writeable):
        return number
    number = number.copy("K")
    number.setflags(write=False)
    return number


def own_option(option: Any) -> Any:
    """Return what an operation was told as the graph remembers it: arrays, lists and buffers are copied.

    Anything else, such as a function or a random generator, is kept as it is.

    >>> index = [0, [1, 2]]
    >>> ours = own_option(index)
    >>> index[1][0] = 9
    >>> ours
    [0, [1, 2]]
    """
    if type(option) is np.ndarray:  # first, since labels are told at every step
        return option.copy()
    if option is None or isinstance(option, int | float | str | np.generic):
        return option
    if isinstance(option, tuple):
        return tuple(map(own_option, option))
    if isinstance(option, MutableSequence):
        return list(map(own_option, option))
    if isinstance(option, dict):
        return {key: own_option(part) for key, part in option.items()}
    if isinstance(option, memoryview) or (
        hasattr(option, "__array__") and not isinstance(option, type)
    ):
        return np.array(option)
    return option


class Owned:
    """An array that its maker hands over, and keeps neither itself nor a view of: it need not be copied.

    >>> new = np.ones(2)
    >>> own(Owned(new)) is new
    True
    """

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array


class ReadOnlyArray(np.ndarray[Any, Any]):
    """What `value.data` shows of an array: a view that reads and calculates like any other array.

    Writing into it is refused, since a graph may have been recorded with the numbers. `data -= x`
    computes a new array, so that `value.data -= x` gives the Value new data. The gradient of a computed Value
    is shown likewise. What still gets through is a `ufunc.at` on a plain view, such as `np.asarray(data)`:
    NumPy writes there whatever the array says.
    """

    def __setitem__(self, index: Any, new: Any) -> None:
        if not self.flags.writeable:
            raise ValueError(
                "the data of a Value, and the gradient of a computed one, cannot be changed in place, since "
                "graphs may need them; change a copy, a = value.numpy(), then set value.data = a"
            )
        super().__setitem__(index, new)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Calculate with plain arrays. `ufunc.at` would write, whatever an array says of itself."""
        if method == "at" and isinstance(inputs[0], ReadOnlyArray):
            inputs[0][...] = 0.0  # raises, as every other way to write does
        if any(hasattr(x, "record_operation") for x in inputs):
            return NotImplemented  # a Value takes over, and sees whose data this is
        if "out" in options:
            options["out"] = tuple(map(plain_array, options["out"]))
        return getattr(ufunc, method)(*map(plain_array, inputs), **options)

    def __dlpack__(self, **options: Any) -> Any:
        """Hand other libraries a copy, since some of them write into what they may only read."""
        return np.array(self).__dlpack__(**options)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array  # results are plain arrays

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def plain_array(x: Any) -> Any:
    """Return the data of a Value as plain NumPy's array, and anything else as it is.

    >>> plain_array(np.ones(2).view(ReadOnlyArray)), plain_array(2.0)
    (array([1., 1.]), 2.0)
    """
    return x.view(np.ndarray) if isinstance(x, ReadOnlyArray) else x


def _out_of_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(self.view(np.ndarray), other)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
    setattr(ReadOnlyArray, f"__i{_name}__", _out_of_place(getattr(operator, _name)))
