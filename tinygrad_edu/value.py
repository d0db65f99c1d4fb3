"""Values: a graph that knows no calculus.

A `Value` is a number (or an array of numbers) that remembers how it was made: by which operation, from
which inputs. Following these memories from a result back to its origins gives the computation graph.

    a ──┐
        × ── c ──┐
    b ──┘        + ── e            c = a·b,   e = c + a
    a ───────────┘

Reverse-mode differentiation walks that graph once, from the result to the origins. It begins with
∂e/∂e = 1. At each Value it knows g = ∂e/∂value already, asks the operation (see `ops`) for what that
means for each of its inputs, and adds the answers up where several arrive: a reaches e over two paths,
so ∂e/∂a = ∂e/∂c · ∂c/∂a + 1. One walk gives the derivative by every Value there is, which is why
networks with a million weights can be trained.

A Value must be visited after all that were made from it. Since nothing can be made of what does not
exist yet, going from the youngest to the oldest is always such an order: each Value is numbered at birth.
A Value whose data is changed is born again, and so a graph that was recorded with its old data is
recognised: going backward through it is an error instead of a wrong gradient.
"""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.number import Array, as_number, run, shape_of
from tinygrad_edu.ops import OPERATIONS, Operation

_NO_PARAMETERS: Mapping[str, Any] = {}
_NOT_RECORDED: Mapping[str, Any] = {}  # the parameters of what was computed inside no_grad()
next_birth = itertools.count().__next__
_recording = ContextVar("recording", default=True)
_is_recording = _recording.get
_new = object.__new__


@final
class Value:
    """A float or an array that remembers how it was made, so that gradients can be computed.

    `data` is a Python float, or a NumPy array of floats of any shape but (). Integers become floats,
    float32 stays float32, and arrays are copied, so that changing yours later changes no Value.
    `name` is for you and for pictures.

    Attributes: `data`; `grad`, None until `backward()`, then of data's shape and dtype; `name`; `op`, the
    operation that made it, None for what you made yourself; `inputs`, the Values and plain numbers that it
    was made from; `params`, what else the operation was told, such as an axis.

    Everything in `tinygrad_edu.ops` is also a method: `value.exp()`, `value.sum(axis=0)`. Comparisons give
    plain truth values. Two Values are == only if they are the same node, which makes them work in
    sets, dicts and lists; `ops.equal(a, b)` compares their numbers.

    Plain numbers and arrays may take part in a calculation and are taken as constants: no gradient is
    computed for them. Constant arrays, indices, masks and labels are not copied; do not change them
    between a calculation and its `backward()`.

    Raises TypeError for data that is not made of real numbers.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> a
    Value(2.0, name='a', grad=-0.004023)
    """

    # One or two inputs are kept in _x and _y, more of them in the tuple _many. A tuple for each node would be
    # a second object that Python's garbage collector looks through again and again while a graph of single
    # numbers grows; that took a third of all the time.
    __slots__ = (
        "_data", "_many", "_x", "_y", "birth", "grad", "name", "op", "params", "part",
    )  # fmt: skip

    def __init__(self, data: Any, name: str | None = None) -> None:
        if isinstance(data, Value):
            raise TypeError(
                "expected a number or an array, got a Value; value.detach() gives one without history"
            )
        self._data: Array = _own(data)
        self.grad: Array = None
        self.name = name
        self.op: Operation | None = None
        self._x: Array = None
        self._y: Array = None
        self._many: tuple[Array, ...] = ()
        self.params: Mapping[str, Any] = _NO_PARAMETERS
        self.part: tuple[str, int] | None = None  # of a layer's result, see `parts`
        self.birth: int = next_birth()

    def __init_subclass__(cls) -> None:
        raise TypeError("Value cannot be subclassed; put a Value into an attribute of your class")

    # -- the numbers -----------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The number itself: a float, or a read-only array.

        Of a Value that you made, it may be replaced by another of the same shape: `w.data = array`, or
        `w.data -= 0.1 * w.grad`. It keeps its dtype. To go backward afterwards through what was computed
        with the old number raises RuntimeError. A computed Value's data cannot be replaced.

        >>> w = Value([1.0, 2.0])
        >>> w.data -= 0.5
        >>> w.data
        array([0.5, 1.5])
        """
        return self._data if type(self._data) is float else self._data.view(ReadOnlyArray)

    @data.setter
    def data(self, new: Any) -> None:
        if self.op is not None:
            raise ValueError(
                f"{_describe(self)} was computed by {self.op.name}, so its data cannot be replaced; "
                "compute it anew, or replace the data of value.detach()"
            )
        number = _own(new, like=self._data)
        if shape_of(number) != self.shape:
            raise ValueError(
                f"expected data of shape {self.shape} for {_describe(self)}, got {shape_of(number)}; "
                "make a new Value for another shape"
            )
        self._data = number
        self.birth = next_birth()

    @property
    def inputs(self) -> tuple[Array, ...]:
        """The Values and plain numbers that this was made from, in order; () for what you made yourself."""
        return self._many or tuple(x for x in (self._x, self._y) if x is not None)

    @property
    def is_made(self) -> bool:
        """Whether you made it yourself: it was not computed, not even inside no_grad()."""
        return self.op is None and self.params is not _NOT_RECORDED

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, () for a float."""
        return shape_of(self._data)

    @property
    def ndim(self) -> int:
        """The number of axes, 0 for a float."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers this is."""
        return 1 if type(self._data) is float else self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type; a float counts as float64."""
        return np.dtype(float) if type(self._data) is float else self._data.dtype

    def item(self) -> float:
        """Return the only number as a float. Raises ValueError if there are several.

        >>> Value([[3.5]]).item()
        3.5
        """
        if self.size != 1:
            raise ValueError(f"expected a single number, got shape {self.shape}; index it first")
        return float(np.asarray(self._data).reshape(()))

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return a copy of the data as a NumPy array, which you may change."""
        return np.array(self._data)

    def detach(self) -> Value:
        """Return a Value with the same number and no history: a constant for the graphs made from it.

        >>> x = Value(3.0)
        >>> (x * x.detach()).backward(); x.grad
        3.0
        """
        return Value(self._data, self.name)

    # -- gradients -------------------------------------------------------------------------------

    def backward(self, grad: Any = None, create_graph: bool = False) -> None:
        """Compute the derivative of this Value by each Value it was made from, into their `grad`.

        Gradients of Values that you made add up over several calls, as in PyTorch, until `zero_grad()`;
        those of computed Values are set anew. `grad`, of this Value's shape, is the gradient to begin with
        (∂L/∂self for some later L); a single number needs none, and begins with 1.
        With `create_graph`, gradients are Values themselves and can be differentiated again.

        Raises ValueError if this is no single number and `grad` is missing, or of another shape; or if it was
        not made from any Value. Raises RuntimeError if data was replaced after this was computed.

        >>> x = Value([1.0, 2.0])
        >>> (x * x).backward([1.0, 1.0]); x.grad
        array([2., 4.])
        """
        if self.op is None:
            raise ValueError(
                f"cannot go backward from {_describe(self)}: it was not computed from any Value, but made "
                "directly, by detach(), or inside no_grad(). Call backward() on the result of a calculation"
            )
        gradients = _propagate(self, _seed(self, grad), create_graph)
        leaves = []
        for node, g in gradients.items():
            if node.op is None:
                leaves.append((node, g))
                continue
            if type(g) is np.ndarray:
                g.setflags(write=False)  # may be the very array that another node received
            node.grad = g
        given: set[int] = set()
        for node, g in leaves:
            if type(g) is np.ndarray:
                if not g.flags.writeable or g.base is not None or id(g) in given:
                    g = g.copy()  # so that `x.grad += 1` changes x.grad alone
                given.add(id(g))
            node.grad = g if node.grad is None else node.grad + g

    def zero_grad(self) -> None:
        """Forget the gradients of this Value and of all that it was made from."""
        for node in ancestors(self):
            node.grad = None

    # -- operators: the arithmetic lives in `ops` ------------------------------------------------

    def __add__(self, other: Any) -> Value:
        return _record_two(ops.add, self, other)

    def __radd__(self, other: Any) -> Value:
        return _record_two(ops.add, other, self)

    def __sub__(self, other: Any) -> Value:
        return _record_two(ops.subtract, self, other)

    def __rsub__(self, other: Any) -> Value:
        return _record_two(ops.subtract, other, self)

    def __mul__(self, other: Any) -> Value:
        return _record_two(ops.multiply, self, other)

    def __rmul__(self, other: Any) -> Value:
        return _record_two(ops.multiply, other, self)

    def __truediv__(self, other: Any) -> Value:
        return _record_two(ops.divide, self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return _record_two(ops.divide, other, self)

    def __pow__(self, other: Any) -> Value:
        return _record_two(ops.power, self, other)

    def __rpow__(self, other: Any) -> Value:
        return _record_two(ops.power, other, self)

    def __matmul__(self, other: Any) -> Value:
        return _record_two(ops.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Value:
        return _record_two(ops.matmul, other, self)

    def __iadd__(self, other: Any) -> Value:
        self._refuse_step_in_place("+")
        return self + other

    def __isub__(self, other: Any) -> Value:
        self._refuse_step_in_place("-")
        return self - other

    def __imul__(self, other: Any) -> Value:
        self._refuse_step_in_place("*")
        return self * other

    def __itruediv__(self, other: Any) -> Value:
        self._refuse_step_in_place("/")
        return self / other

    def __ipow__(self, other: Any) -> Value:
        self._refuse_step_in_place("**")
        return self**other

    def __imatmul__(self, other: Any) -> Value:
        self._refuse_step_in_place("@")
        return self @ other

    def _refuse_step_in_place(self, sign: str) -> None:
        """Refuse `w -= rate * w.grad`, which would name another Value w, and teach the old one nothing."""
        if self.op is None and self.grad is not None:
            raise TypeError(
                f"{_describe(self)} has a gradient and cannot be changed in place; give it new data with "
                f"w.data {sign}= …, or write w = w {sign} … for another Value"
            )

    def __neg__(self) -> Value:
        return record(ops.negative, (self,))

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return record(ops.abs, (self,))

    def __lt__(self, other: Any) -> Any:
        return record(ops.less, (self, other))

    def __le__(self, other: Any) -> Any:
        return record(ops.less_equal, (self, other))

    def __gt__(self, other: Any) -> Any:
        return record(ops.greater, (self, other))

    def __ge__(self, other: Any) -> Any:
        return record(ops.greater_equal, (self, other))

    def __eq__(self, other: object) -> Any:
        if isinstance(other, int | float | np.ndarray | np.generic):
            return record(ops.equal, (self, other))
        return self is other

    def __ne__(self, other: object) -> Any:
        if isinstance(other, int | float | np.ndarray | np.generic):
            return record(ops.not_equal, (self, other))
        return self is not other

    __hash__ = object.__hash__

    # -- arrays ----------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Value:
        if not self.shape:
            raise TypeError("this Value is a single number and has nothing to index")
        return record(ops.getitem, (self,), {"index": index})

    def __setitem__(self, index: Any, new: Any) -> None:
        raise TypeError(
            "a Value cannot be changed in place, since graphs may have been recorded with it; "
            "build another with where() or concatenate(), or give new numbers with value.data = array"
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("this Value is a single number and has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Value]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any) -> Value:
        """Return the same numbers in another shape: reshape(2, -1) or reshape((2, -1))."""
        return record(ops.reshape, (self,), {"shape": _one_tuple(shape)})

    def transpose(self, *axes: Any) -> Value:
        """Return the axes in another order, reversed if none are given."""
        return record(ops.transpose, (self,), {"axes": _one_tuple(axes) or None})

    @property
    def T(self) -> Value:  # noqa: N802, NumPy's name
        """The axes in reverse order."""
        return self.transpose()

    # -- plain numbers ---------------------------------------------------------------------------

    def __float__(self) -> float:
        if _is_recording() and self.params is not _NOT_RECORDED:
            warnings.warn(
                f"{_describe(self)} turns into a plain number, through which no gradient flows; write "
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
        if name not in OPERATIONS:
            raise TypeError(_no_numpy(function.__name__, {}))
        return OPERATIONS[name](*args, **options)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        parts = [_show(self._data, indent=6)]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.grad is not None:
            parts.append(f"grad={_show(self.grad, indent=11)}")
        separator = ",\n      " if any("\n" in part for part in parts) else ", "
        return f"Value({separator.join(parts)})"

    # -- copies ----------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        # The order of births is kept, and no function calls itself: a graph may be a million Values deep.
        nodes = [node for node in reversed(ancestors(self)) if id(node) not in memo]
        for node in nodes:
            copy = memo[id(node)] = _node(node._data, None, None)
            copy.name = node.name
            copy.grad = node.grad.copy() if isinstance(node.grad, np.ndarray) else node.grad

        def copied(x: Array) -> Array:
            return memo[id(x)] if type(x) is Value else x

        for node in nodes:
            copy = memo[id(node)]
            copy.op, copy.params = node.op, node.params
            copy._x, copy._y, copy._many = (
                copied(node._x),
                copied(node._y),
                tuple(map(copied, node._many)),
            )
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        return Value, (self._data, self.name)  # a pickle carries the number, not its history

    def record_operation(
        self, operation: Operation, inputs: Sequence[Array], parameters: Mapping[str, Any]
    ) -> Array:
        """Take over when an operation meets a Value (see `Operation.__call__`)."""
        return record(operation, inputs, parameters)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """The operations of `ops`, which become methods at import."""


for _name, _operation in OPERATIONS.items():
    # What computes with one Value is a method; where() or stack() are functions only.
    if "x" in list(signature(_operation).parameters)[:1] and not hasattr(Value, _name):
        setattr(Value, _name, _operation)


# ------------------------------------------------------------------------------------------------
# Recording
# ------------------------------------------------------------------------------------------------


def record(
    operation: Operation, inputs: Sequence[Array], parameters: Mapping[str, Any] = _NO_PARAMETERS
) -> Array:
    """Compute operation(*inputs) and return it as a Value that remembers both.

    An operation without derivatives gives a plain number or array instead.
    """
    inputs = [x if type(x) is Value else as_number(x) for x in inputs]
    numbers = [x._data if type(x) is Value else x for x in inputs]
    result = operation.evaluate(numbers, parameters)
    if not operation.differentiable:
        return result
    if type(result) is not float:
        result.setflags(write=False)
    if len(inputs) > 2:
        return _node(result, operation, None, None, tuple(inputs), parameters)
    x, y = inputs if len(inputs) == 2 else (inputs[0], None)
    return _node(result, operation, x, y, (), parameters)


def _record_two(operation: Operation, x: Array, y: Array) -> Value:
    """Do what `record` does, by the shortest way when x and y are floats.

    Graphs of single numbers have tens of thousands of nodes; this and its counterpart in `_chain_rule`
    decide how fast they are.
    """
    a = x._data if type(x) is Value else (x := as_number(x))
    b = y._data if type(y) is Value else (y := as_number(y))
    if type(a) is float and type(b) is float:
        try:
            result = operation.forward(a, b)
        except ArithmeticError:
            result = operation.evaluate((a, b), _NO_PARAMETERS)
        if type(result) is float:
            return _node(result, operation, x, y)
    return record(operation, (x, y))


def _node(
    data: Array,
    operation: Operation | None,
    x: Array,
    y: Array = None,
    many: tuple[Array, ...] = (),
    params: Mapping[str, Any] = _NO_PARAMETERS,
) -> Value:
    """Return a new Value made by an operation of x, of x and y, or of many; a plain one in no_grad()."""
    node = _new(Value)
    node._data = data
    node.grad = node.name = node.part = None
    if _is_recording():
        node.op, node.params = operation, params
        node._x, node._y, node._many = x, y, many
    else:
        node.op, node.params = None, _NOT_RECORDED
        node._x, node._y, node._many = None, None, ()
    node.birth = next_birth()
    return node


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing within a `with` block, or in a function that this decorates: faster, smaller.

    Results are Values without history. Holds for the current thread (or task) only.

    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    before = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(before)


# ------------------------------------------------------------------------------------------------
# Going backward
# ------------------------------------------------------------------------------------------------


def ancestors(value: Value) -> list[Value]:
    """Return a Value and all that it was made from, the youngest first: an order for the chain rule.

    >>> a = Value(2.0, name="a")
    >>> [node.op.symbol if node.op else node.name for node in ancestors(a * a + a)]
    ['+', '×', 'a']
    """
    found = {value}
    todo = [value]
    while todo:
        node = todo.pop()
        for x in node._many or (node._x, node._y):
            if type(x) is Value and x not in found:
                found.add(x)
                todo.append(x)
    return sorted(found, key=operator.attrgetter("birth"), reverse=True)


def grad(output: Value, inputs: Sequence[Value] | Value, create_graph: bool = False) -> Any:
    """Return the derivatives of a single number by each of `inputs`, without touching any `.grad`.

    The result is a list of floats and arrays, like `inputs`, or just one for just one Value. An input that
    the output does not depend on has derivative 0. With `create_graph` they are Values, which can be
    differentiated again.

    Raises TypeError for what is no Value; ValueError if the output is no single number, or was not computed
    from any Value; RuntimeError if data was replaced after it was computed.

    >>> x = Value(2.0)
    >>> first = grad(x**3, x, create_graph=True)
    >>> first.data, grad(first, x)
    (12.0, 12.0)
    """
    wanted = [inputs] if isinstance(inputs, Value) else list(inputs)
    for x in (output, *wanted):
        if not isinstance(x, Value):
            raise TypeError(f"expected Values to differentiate, got {type(x).__name__}")
    if output.op is None and output not in wanted:
        raise ValueError(
            f"cannot differentiate {_describe(output)}: it was not computed from any Value; was it made by "
            "detach() or inside no_grad()?"
        )
    gradients = _propagate(output, _seed(output, None), create_graph)
    found: list[Any] = []
    for x in wanted:
        g = gradients.get(x, 0.0 if type(x._data) is float else np.zeros(x.shape, x.dtype))
        if create_graph:
            found.append(g if type(g) is Value else Value(g))
        else:
            found.append(g.copy() if type(g) is np.ndarray else g)
    return found[0] if isinstance(inputs, Value) else found


def _seed(output: Value, grad: Any) -> Array:
    """Return the gradient to begin with."""
    if grad is None:
        if output.size != 1:
            raise ValueError(
                f"{_describe(output)} is not a single number; take its sum() or mean(), or pass a "
                f"gradient of shape {output.shape}: backward(grad)"
            )
        grad = np.ones(output.shape)
    seed = _own(grad, like=output._data)
    if shape_of(seed) != output.shape:
        raise ValueError(
            f"expected a gradient of the Value's shape {output.shape}, got {shape_of(seed)}"
        )
    return seed


def _propagate(output: Value, seed: Array, create_graph: bool) -> dict[Value, Array]:
    """Apply the chain rule from the output to its origins; return the gradient of each Value."""
    if create_graph:
        token = _recording.set(True)
        try:
            # × 1 gives the seed a history, so that even a constant gradient can be differentiated
            return _chain_rule(output, Value(seed) * 1.0, create_graph=True)
        finally:
            _recording.reset(token)
    return _chain_rule(output, seed, create_graph=False)


def _chain_rule(output: Value, seed: Array, create_graph: bool) -> dict[Value, Array]:
    gradients: dict[Value, Array] = {output: seed}

    def receive(x: Value, part: Array, node: Value) -> None:
        """Add to x's gradient the part that flows into it from one of its uses."""
        if x.birth > node.birth:
            raise RuntimeError(
                f"the data of {_describe(x)} was replaced after {node.op.name} had used it, so the "  # type: ignore[union-attr]
                "gradient of that calculation is lost; compute it again before backward()"
            )
        if type(part) is not float or type(x._data) is not float:
            part = match_input(part, x, node)
        before = gradients.get(x)
        gradients[x] = part if before is None else before + part

    for node in ancestors(output):
        if node.op is None:
            continue
        g = gradients[node]
        if type(g) is float and len(node.op.derivatives) == 2 and not node.params:
            # The loop below, unrolled for the arithmetic of single numbers: twice as fast.
            dx, dy = node.op.derivatives
            x, y, z = node._x, node._y, node._data
            a = x._data if type(x) is Value else x
            b = y._data if type(y) is Value else y
            try:
                part_x = dx(g, z, a, b) if type(x) is Value else None
                part_y = dy(g, z, a, b) if type(y) is Value else None
            except ArithmeticError:
                part_x = run(dx, (g, z, a, b), {}) if type(x) is Value else None
                part_y = run(dy, (g, z, a, b), {}) if type(y) is Value else None
            if part_x is not None:
                receive(x, part_x, node)
            if part_y is not None:
                receive(y, part_y, node)
        else:
            inputs = node.inputs
            arguments = (g, node, *inputs)
            if not create_graph:
                numbers = [x._data if type(x) is Value else x for x in inputs]
                arguments = (g, node._data, *numbers)
            for position, x in enumerate(inputs):
                if type(x) is Value:
                    rule = node.op.derivative(position)
                    receive(x, run(rule, arguments, node.params), node)
    return gradients


def match_input(part: Array, x: Value, node: Value) -> Array:
    """Bring what a rule returned to the shape and dtype of the data it belongs to.

    Where x was broadcast, it was used several times, and the gradients of the uses are summed.
    """
    have, want = shape_of(part), shape_of(x._data)
    if have != want:
        new = len(have) - len(want)
        if new > 0:
            part = part.sum(axis=tuple(range(new)))
        stretched = [
            a for a, n in enumerate(have[max(new, 0) :]) if want[a + max(-new, 0)] == 1 != n
        ]
        if stretched:
            part = part.sum(axis=tuple(stretched), keepdims=True)
        if shape_of(part) != want:
            try:
                part = ops.broadcast_to(part, shape=want)
            except ValueError:
                raise ValueError(
                    f"the derivative of {node.op.name} has shape {have}, which does not fit its "  # type: ignore[union-attr]
                    f"input of shape {want}; correct the rule of that operation"
                ) from None
    if not want:
        return part if type(part) is Value else float(part)
    dtype = x._data.dtype
    return part if part.dtype == dtype else ops.astype(part, dtype=dtype)


# ------------------------------------------------------------------------------------------------
# Data that nobody can change unnoticed
# ------------------------------------------------------------------------------------------------


class ReadOnlyArray(np.ndarray[Any, Any]):
    """What `value.data` shows of an array: a view that reads and calculates like any other array.

    Writing into it is refused, since a graph may have been recorded with the numbers. `data -= x`
    computes a new array, so that `value.data -= x` gives the Value new data.
    """

    def __setitem__(self, index: Any, new: Any) -> None:
        if not self.flags.writeable:
            raise ValueError(
                "the data of a Value cannot be changed in place, since graphs may have been recorded "
                "with it; change a copy, a = value.numpy(), then set value.data = a"
            )
        super().__setitem__(index, new)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array  # results are plain arrays

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def _out_of_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(self.view(np.ndarray), other)


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
    setattr(ReadOnlyArray, f"__i{_name}__", _out_of_place(getattr(operator, _name)))


def _own(data: Any, like: Array = None) -> Array:
    """Return data as a float or a read-only array that is ours alone, of the dtype of `like`."""
    number = as_number(data)
    if type(number) is float:
        return number if like is None or type(like) is float else np.full((), number)
    if type(like) is np.ndarray:
        number = number.astype(like.dtype, copy=False)
    elif number.dtype.kind != "f":
        number = number.astype(float)
    if number.flags.writeable or number.base is not None:
        # A fresh array would need no copy, but nothing tells a fresh one from the caller's.
        number = number.copy()
    number.setflags(write=False)
    return number


# ------------------------------------------------------------------------------------------------
# Words
# ------------------------------------------------------------------------------------------------


def _one_tuple(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Let (2, 3) and ((2, 3),) mean the same."""
    single = len(arguments) == 1 and isinstance(arguments[0], Sequence)
    return tuple(arguments[0]) if single else arguments


def _show(number: Array, indent: int) -> str:
    """Return a number short enough to read: four digits, and of a large array only the corners."""
    if isinstance(number, float):
        return repr(number) if number == round(number, 3) else f"{number:.4g}"
    if isinstance(number, Value):
        return repr(number)
    text = np.array2string(number, precision=4, threshold=40, separator=", ", prefix=" " * indent)
    return text if number.dtype == float else f"{text}, dtype={number.dtype}"


def _describe(value: Value) -> str:
    """Return a few words by which a reader recognises a Value."""
    name = f" {value.name!r}" if value.name else ""
    shape = f" of shape {value.shape}" if value.shape else ""
    return f"the Value{name}{shape}"


def _no_numpy(name: str, options: Mapping[str, Any]) -> str:
    known = " with " + ", ".join(options) if options else ""
    return (
        f"np.{name}{known} cannot record a gradient; write it with the operations of tinygrad_edu "
        "(tinygrad_edu.ops lists them), or use value.data if no gradient is needed"
    )
