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
recognized: going backward through it is an error instead of a wrong gradient.

The order of the lesson: what a Value is, how it is recorded, how the chain rule walks back. At the end stand
two short cuts for graphs of single numbers, which add speed and nothing else.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, final

import numpy as np

from tinygrad_edu.number import (
    Array,
    Options,
    Owned,
    ReadOnlyArray,
    as_number,
    own,
    own_constant,
    own_option,
    run,
    shape_of,
)  # fmt: skip
from tinygrad_edu.operators import Operators, describe
from tinygrad_edu.ops import Operation, astype, broadcast_to
from tinygrad_edu.recording import Switch, is_recording, switches

_NO_OPTIONS: Options = {}
_NOT_RECORDED: Options = {}  # the options of what was computed inside no_grad()
next_birth = itertools.count().__next__
_is_switched = switches.get  # within a block that switches recording off or on, or several
_new = object.__new__


@final
class Value(Operators):
    """A float or an array that remembers how it was made, so that gradients can be computed.

    `data` is a Python float, or a NumPy array of floats of any shape but (). Integers become floats,
    float32 stays float32, and arrays are copied, so that changing yours later changes no Value.
    `name` is for you and for pictures.

    Attributes: `data`; `grad`, None until `backward()`, then of data's shape and dtype; `name`; `op`, the
    operation that made it, None for what you made yourself; `inputs`, the Values and plain numbers that it
    was made from; `options`, what else the operation was told, such as an axis.

    Everything in `tinygrad_edu.ops` is also a method: `value.exp()`, `value.sum(axis=0)`. Comparisons give
    plain truth values. Two Values are == only if they are the same node, which makes them work in
    sets, dicts and lists; `ops.equal(a, b)` compares their numbers.

    Plain numbers and arrays may take part in a calculation and are taken as constants: no gradient is
    computed for them. What is recorded is a copy of them, as of indices, masks and labels, so that yours
    may change before `backward()`. A large array that takes part again and again is copied once as
    `x = Value(x).data`. What no copy guards against is memory that is written behind NumPy's back, such as
    by `torch.from_numpy(value.data)`, and an array that a rule of your own keeps for itself.

    Raises TypeError for data that is not made of real numbers, and for a name that is no string.

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
        "_many", "_name", "_number", "_x", "_y", "birth", "grad", "op", "options", "part",
    )  # fmt: skip

    def __init__(self, data: Any, name: str | None = None) -> None:
        if isinstance(data, Value):
            raise TypeError(
                "expected a number or an array, got a Value; detach() gives one without history"
            )
        self._number: Array = own(data)
        self.grad: Array = None
        self.name = name
        self.op: Operation | None = None
        self._x: Array = None
        self._y: Array = None
        self._many: tuple[Array, ...] = ()
        self.options: Options = _NO_OPTIONS
        self.part: tuple[str, int] | None = (
            None  # of a layer's result, for pictures; see `nn.layer`
        )
        self.birth: int = next_birth()

    def __init_subclass__(cls) -> None:
        raise TypeError("Value cannot be subclassed; put a Value into an attribute of your class")

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
        return self._number if type(self._number) is float else self._number.view(ReadOnlyArray)

    @data.setter
    def data(self, new: Any) -> None:
        if self.op is not None:
            raise ValueError(
                f"{describe(self)} was computed by {self.op.name}, so its data cannot be replaced; "
                "compute it anew, or replace the data of value.detach()"
            )
        self._number = own(new, self._number, "data", lambda: describe(self))
        self.birth = next_birth()

    @property
    def inputs(self) -> tuple[Array, ...]:
        """The Values and plain numbers that this was made from, in order; () for what you made yourself."""
        if self._y is not None:
            return self._x, self._y
        return self._many or (() if self._x is None else (self._x,))

    @property
    def is_leaf(self) -> bool:
        """Whether you made it yourself: it was not computed, not even inside no_grad()."""
        return self.op is None and self.options is not _NOT_RECORDED

    def detach(self) -> Value:
        """Return a Value with the same number and no history: a constant for the graphs made from it.

        >>> x = Value(3.0)
        >>> (x * x.detach()).backward(); x.grad
        3.0
        """
        return Value(Owned(self._number), self.name)  # nobody else can write there

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
                f"cannot go backward from {describe(self)}: it was not computed from any Value, but made "
                "directly, by detach(), or inside no_grad(). Call backward() on the result of a calculation"
            )
        gradients = _differentiate(self, grad, create_graph)
        for node, g in gradients.items():
            if node.op is not None:
                if type(g) is np.ndarray:
                    g.setflags(write=False)  # may be the very array that another node received
                    g = g.view(ReadOnlyArray)
                node.grad = g
        given: set[int] = set()
        for node, g in gradients.items():
            if node.op is None:
                if type(g) is np.ndarray:
                    if not g.flags.writeable or g.base is not None or id(g) in given:
                        g = g.copy()  # so that `x.grad += 1` changes x.grad alone
                    given.add(id(g))
                node.grad = g if node.grad is None else node.grad + g

    def zero_grad(self) -> None:
        """Forget the gradients of this Value and of all that it was made from."""
        for node in ancestors(self):
            node.grad = None

    # -- what `Operators` asks for ---------------------------------------------------------------

    def record_operation(self, operation: Operation, inputs: Any, options: Options) -> Array:
        """Take over when an operation meets a Value (see `Operation.__call__`)."""
        return record(operation, inputs, options)

    def _is_recorded(self) -> bool:
        return is_recording() and self.options is not _NOT_RECORDED

    def _ancestors(self) -> list[Value]:
        return ancestors(self)

    _next_birth = staticmethod(next_birth)


# ------------------------------------------------------------------------------------------------
# Recording
# ------------------------------------------------------------------------------------------------


def record(operation: Operation, inputs: Sequence[Array], options: Options) -> Array:
    """Compute operation(*inputs) and return it as a Value that remembers both.

    An operation without derivatives gives a plain number or array instead.
    """
    take = own_constant if operation.differentiable else as_number
    inputs = [x if type(x) is Value else take(x) for x in inputs]
    numbers = [x._number if type(x) is Value else x for x in inputs]
    result = operation.evaluate(numbers, options)
    if not operation.differentiable:
        return result
    if type(result) is not float:
        result.setflags(write=False)
    options = options and {name: own_option(option) for name, option in options.items()}
    if len(inputs) > 2:
        return _node(result, operation, None, None, tuple(inputs), options)
    x, y = inputs if len(inputs) == 2 else (inputs[0], None)
    return _node(result, operation, x, y, (), options)


def _node(data: Array, op: Operation, x: Array, y: Array, many: Any, options: Options) -> Value:
    """Return a new Value made by an operation of x, of x and y, or of many; a plain one in no_grad()."""
    node = _new(Value)
    node._number = data
    node.grad = node._name = node.part = None
    if not _is_switched() or is_recording():
        node.op, node.options = op, options
        node._x, node._y, node._many = x, y, many
    else:
        node.op, node.options = None, _NOT_RECORDED
        node._x, node._y, node._many = None, None, ()
    node.birth = next_birth()
    return node


def no_grad() -> Switch:
    """Record nothing within a `with` block, or in a function that this decorates: faster, smaller.

    Results are Values without history. Holds for the current thread (or task) only. In a generator it holds
    for the generator's own lines: while that rests at a `yield`, its caller is recorded. A context manager
    that is written as a generator, with contextlib, passes it on to its block.

    Raises TypeError if it decorates a generator or async function, whose lines run after the call.

    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    return Switch(False)


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


def dependents(order: Sequence[Value], values: Iterable[Value]) -> set[Value]:
    """Return some Values and all that was made from them, of a graph whose Values are given youngest first.

    >>> a, b = Value(2.0), Value(3.0)
    >>> y = a * b + a * 2.0
    >>> len(dependents(ancestors(y), [b]))  # b, a·b and y, but not a·2
    3
    """
    found = set(values)
    for node in reversed(order):
        if any(type(x) is Value and x in found for x in node.inputs):
            found.add(node)
    return found


#: One step back: a node, the position of one of its inputs, the gradient of the node, the share of it that
#: flows into that input, and what had arrived there before, None if nothing had.
Step = tuple[Value, int, Array, Array, Array]
#: Returns the share of a node's gradient that flows into one of its inputs: (node, position, gradient).
PullBack = Callable[[Value, int, Array], Array]


def chain_rule(
    order: Iterable[Value], gradients: dict[Value, Array], pull: PullBack | None = None
) -> Iterator[Step]:
    """Walk back step by step, and add up in `gradients` what arrives at each Value.

    `order` are the Values of a graph, each after all that were made from it; `gradients` holds that of the
    result when it begins, and those of all when it ends. `pull` is how to get from the gradient of a node to
    that of an input. What flows need not be a gradient: anything that can be pulled back and added up will
    do, such as paths, to count them. Whoever looks on may change what has arrived.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> [(position, share) for _, position, _, share, _ in chain_rule(ancestors(y), {y: 1.0})]
    [(0, 3.0), (1, 3.0)]
    """
    pull = pull or pull_back
    for node in order:
        if node.op is None or node not in gradients:
            continue
        g = gradients[node]
        for position, x in enumerate(node.inputs):
            if type(x) is Value:
                share = pull(node, position, g)
                before = gradients.get(x)
                gradients[x] = share if before is None else before + share
                yield node, position, g, share, before


def pull_back(node: Value, position: int, g: Array, rule: Any = None, number: Any = None) -> Array:
    """Return what g, the gradient of a node, means for its input at `position`: g · ∂node/∂input.

    A gradient that is a Value is calculated with Values, so that it can be differentiated again. `rule` may
    stand in for the operation's own, and `number`, a function of Values, for those that were recorded.

    Raises RuntimeError if the input's data was replaced since.

    >>> x, w = Value(3.0), Value(2.0)
    >>> pull_back(x * w, 0, 10.0)
    20.0
    """
    assert node.op is not None
    inputs: Sequence[Array] = node.inputs
    x = inputs[position]
    if number is None and x.birth > node.birth:
        raise RuntimeError(
            f"the data of {describe(x)} was replaced after {node.op.name} had used it, so the "
            "gradient of that calculation is lost; compute it again before backward()"
        )
    z: Array = node
    if number is not None:
        z, inputs = number(node), [number(y) if type(y) is Value else y for y in inputs]
    elif type(g) is not Value:
        z, inputs = node._number, [y._number if type(y) is Value else y for y in inputs]
    share = run(rule or node.op.derivative(position), (g, z, *inputs), node.options)
    return unbroadcast(share, inputs[position], node.op.name)


def unbroadcast(share: Array, like: Array, name: str = "this operation") -> Array:
    """Bring what a rule returned to the shape and dtype of the input that it belongs to.

    Where the input was broadcast, it was used several times, and the gradients of the uses are summed.

    Raises ValueError where the shapes have nothing to do with each other, TypeError for None.

    >>> unbroadcast(np.ones((4, 3)), np.zeros(3)), unbroadcast(2.0, np.zeros(2)), unbroadcast(2.0, 1.0)
    (array([4., 4., 4.]), array([2., 2.]), 2.0)
    """
    if share is None:
        raise TypeError(
            f"the derivative of {name} is None; let its rule return a number or an array"
        )
    have, want = shape_of(share), shape_of(like)
    if have != want:
        shared = range(-min(len(have), len(want)), 0)  # axes that both have, counted from the last
        if len(have) > len(want):
            share = share.sum(axis=tuple(range(len(have) - len(want))))
        if stretched := tuple(axis for axis in shared if want[axis] == 1 != have[axis]):
            share = share.sum(axis=stretched, keepdims=True)
        try:
            share = share if shape_of(share) == want else broadcast_to(share, shape=want)
        except ValueError:
            raise ValueError(
                f"the derivative of {name} has shape {have}, which does not fit its input of shape {want}; "
                "correct the rule of that operation"
            ) from None
    if not want:
        return share if type(share) is Value else float(share)
    return share if share.dtype == like.dtype else astype(share, dtype=like.dtype)


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
            f"cannot differentiate {describe(output)}: it was not computed from any Value; was it made by "
            "detach() or inside no_grad()?"
        )
    gradients = _differentiate(output, None, create_graph)
    found = [gradients[x] if x in gradients else own(np.zeros(x.shape), x._number) for x in wanted]
    if create_graph:
        found = [g if type(g) is Value else Value(g) for g in found]
    else:
        found = [g.copy() if type(g) is np.ndarray else g for g in found]
    return found[0] if isinstance(inputs, Value) else found


def _differentiate(output: Value, grad: Any, create_graph: bool) -> dict[Value, Array]:
    """Return the gradient of each Value that an output was made from; that of the output is `grad`, or 1."""
    if grad is None and output.size != 1:
        raise ValueError(
            f"{describe(output)} is not a single number; take its sum() or mean(), or pass a "
            f"gradient of shape {output.shape}: backward(grad)"
        )
    seed = np.ones(output.shape) if grad is None else grad
    seed = own(seed, output._number, "a gradient", lambda: describe(output))
    order = ancestors(output)
    if not create_graph:
        gradients: dict[Value, Array] = {output: seed}
        for _ in chain_rule(_short_cut(order, gradients), gradients):
            pass
        return gradients
    with Switch(True):
        # × 1 gives the seed a history, so that even a constant gradient can be differentiated
        gradients = {output: Value(seed) * 1.0}
        for _ in chain_rule(order, gradients):
            pass
    return gradients


# ------------------------------------------------------------------------------------------------
# Two short cuts for graphs of single numbers
# ------------------------------------------------------------------------------------------------
#
# Such graphs have tens of thousands of nodes. What follows does what `record` and `chain_rule` do, for the
# arithmetic of two floats, in less than half the time, and leaves everything else to them.


def _record_two(_: Value, operation: Operation, x: Array, y: Array) -> Value:
    """Do what `record` does for an operator between x and y, by the shortest way when they are floats."""
    a = x._number if type(x) is Value else (x := as_number(x))
    b = y._number if type(y) is Value else (y := as_number(y))
    if type(a) is float and type(b) is float:
        try:
            result = operation.forward(a, b)
        except ArithmeticError:
            result = operation.evaluate((a, b), _NO_OPTIONS)
        if type(result) is float:
            return _node(result, operation, x, y, (), _NO_OPTIONS)
    return record(operation, (x, y), _NO_OPTIONS)


Value._record_two = _record_two  # type: ignore[method-assign, assignment]


def _short_cut(order: Iterable[Value], gradients: dict[Value, Array]) -> Iterator[Value]:
    """Go back through what was made of one or two floats; yield the other nodes, for `chain_rule` to do."""
    for node in order:
        if node.op is None:
            continue
        g, rules, z, x, y = gradients[node], node.op.derivatives, node._number, node._x, node._y
        if type(g) is float and rules and not node.options:
            to_x = type(x) is Value and x.birth < node.birth
            to_y = type(y) is Value and y.birth < node.birth
            a = x._number if to_x else x
            b = y._number if to_y else y
            if type(a) is float and (type(b) is float or y is None):
                try:
                    by_x = (
                        0.0
                        if not to_x
                        else rules[0](g, z, a)
                        if y is None
                        else rules[0](g, z, a, b)
                    )
                    by_y = rules[1](g, z, a, b) if to_y else 0.0
                except ArithmeticError:
                    by_x = by_y = None
                if type(by_x) is float and type(by_y) is float:
                    if to_x:
                        before = gradients.get(x)
                        gradients[x] = by_x if before is None else before + by_x
                    if to_y:
                        before = gradients.get(y)
                        gradients[y] = by_y if before is None else before + by_y
                    continue
        yield node
