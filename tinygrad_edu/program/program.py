"""A program: a function's calculation, its gradients and a step, written down and run.

program = Program(loss_of, x, y)
print(program)              # plain NumPy, forward and backward
loss = program(x2, y2)      # runs it, and leaves every .grad as loss.backward() would
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any

import numpy as np

from tinygrad_edu.number import Owned, own, plain_array
from tinygrad_edu.operators import describe
from tinygrad_edu.program import text
from tinygrad_edu.program.compiled import Compiled
from tinygrad_edu.program.exercise import Hint, write_exercise
from tinygrad_edu.program.recorder import Recorder
from tinygrad_edu.program.saved import save
from tinygrad_edu.program.source import Recorded
from tinygrad_edu.program.surroundings import Surroundings
from tinygrad_edu.program.traced import Leaf, ProgramError, Traced
from tinygrad_edu.program.writing import Graph, Memory, check_same, go_back, name_values, run_once
from tinygrad_edu.value import Value, grad, next_birth

#: How many versions, for arguments of different shapes, are kept.
VERSIONS = 8
#: How many steps a program has at most; more take long to compile, and nobody reads them.
LONGEST = 200_000


class Program:
    """What a function computes from Values, and its gradients, as a program of plain NumPy.

    `Program(function, *arguments)` runs the function to write down what it does; that leaves no `.grad`,
    takes no step, and draws no random number that the next step would miss. Arguments are arrays, floats
    and whole numbers; lists become arrays, and anything else must be the same in each call.

    `program(*arguments)` runs what was written. Of a function that returns a single number, a loss, it
    returns the number, and adds to the `.grad` of each Value that it was computed from what
    `loss.backward()` would have added. Anything else is the forward pass alone, and is returned. A layer's
    output is no loss, whatever its size. With `optimizer`, it is a whole step: gradients are forgotten first,
    and afterwards the optimizer has stepped. All numbers are equal to those of the function to the last bit.

    Weights are read anew at each call. For arguments of other shapes or types, and where something has
    changed that the function can see (whether a layer is training, an attribute, a variable outside), it is
    recorded again. Only what is computed is written down: what the function prints, or changes elsewhere,
    happens while it is recorded and never again. What it cannot know is that a function asks the world
    outside, such as a clock or a file, and computes the same with the answer while it is recorded.

    Raises ProgramError, with the line that did it, where a number of this run turns into a plain one
    (`float(loss)`, `if loss > 1`, `value.data`), where a shape would depend on numbers, where the function
    does something else in a second run, changes what is outside of it, or returns several things.

    >>> w = Value(2.0, name="w")
    >>> program = Program(lambda x: (w * x).tanh(), 0.5)
    >>> print(program)
    # forward
    loss = math.tanh(w * x)
    <BLANKLINE>
    # backward
    d_w = (1 - loss * loss) * x
    >>> program(0.0), w.grad
    (0.0, 0.0)
    """

    def __init__(
        self, function: Callable[..., Any], *arguments: Any, optimizer: Any = None
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"expected a function to write down, got {type(function).__name__}; of a Value that was "
                "computed already, value.program() writes it"
            )
        self.function, self.optimizer = function, optimizer
        if optimizer is not None and not type(optimizer).__module__.startswith("tinygrad_edu."):
            raise ProgramError(
                f"{type(optimizer).__name__} is an optimizer of your own, which may do another thing in each "
                "step; leave it out here, and call optimizer.step() after the program"
            )
        self._versions: dict[Any, list[_Version]] = {}
        self._latest = self._record(_as_arguments(arguments))

    # -- running ---------------------------------------------------------------------------------

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; see the class. What the function raises, this raises too, and changes nothing."""
        arguments = _as_arguments(arguments)
        if isinstance(self.function, Graph):
            self.function()  # raises if it is outdated
        version = self._find(arguments)
        states = [(rng, rng.bit_generator.state) for rng in version.generators]
        try:
            found = version.run(arguments, self.optimizer)
        except (
            Exception
        ):  # an edge, such as 1/0 of two floats, or wrong labels: the graph knows what to do
            for rng, state in states:
                rng.bit_generator.state = state
            return self._eagerly(arguments)
        return version.finish(found, self.optimizer)

    def _eagerly(self, arguments: Sequence[Any]) -> Any:
        """Do without a program what it would have done."""
        result = self.function(*arguments)
        if self._latest.is_loss:
            if self.optimizer is not None:
                self.optimizer.zero_grad()
            result.backward()
            if self.optimizer is not None:
                self.optimizer.step()
            return result.item()
        return np.array(result._number) if type(result) is Value else result

    def _find(self, arguments: Sequence[Any]) -> _Version:
        """Return the version for these arguments, recorded now if there is none."""
        for version in self._versions.get(_key(arguments), ()):
            if version.around.are_same() and version.has_weights_as_recorded():
                self._latest = version
                return version
        self._latest = self._record(arguments)
        return self._latest

    def _record(self, arguments: Sequence[Any]) -> _Version:
        others = [x for x in arguments if not _is_traced(x)]
        around = Surroundings(self.function, self.optimizer, *others)
        version = _Version(self.function, arguments, self.optimizer)
        version.around = around
        if sum(map(len, self._versions.values())) >= VERSIONS:
            self._versions.pop(next(iter(self._versions)))
        self._versions.setdefault(_key(arguments), []).append(version)
        return version

    def gradients(self, *arguments: Any) -> dict[str, Any]:
        """Return the gradients by the names of the Values, and change nothing, no `.grad` either.

        That is what `compare` asks for: `compare(loss_of, program, x, y)`.

        >>> w = Value(2.0, name="w")
        >>> Program(lambda x: w * w * x, 1.0).gradients(3.0)
        {'w': 12.0}
        """
        arguments = _as_arguments(arguments)
        version = self._find(arguments)
        states = [(rng, rng.bit_generator.state) for rng in version.generators]
        try:
            _, *found = version.run(arguments, self.optimizer)
        finally:
            for rng, state in states:
                rng.bit_generator.state = state
        written = version.compiled.names_of_weights()
        return {
            value.name or written[value]: g
            for value, g in zip(version.recorded.gradients, found, strict=False)
        }

    @property
    def weights(self) -> list[Value]:
        """The Values that the program reads, and that it gives gradients to."""
        return self._latest.compiled.weights

    # -- reading ---------------------------------------------------------------------------------

    def __str__(self) -> str:
        return text.listing(self._latest.compiled.source)

    def __repr__(self) -> str:
        lines = len(self._latest.compiled.source.lines)
        return f"<program of {lines} lines; print(program) shows them>"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program into a file that needs NumPy alone, with an example of how to call it.

        It defines `forward(weights, …) → (loss, kept)` and `backward(weights, kept) → {name: gradient}`, and
        with an optimizer `step(weights, memory, …) → loss`.

        Raises ProgramError where a function of yours takes part whose text cannot stand in a file of its own.
        """
        name = getattr(self.function, "__name__", type(self.function).__name__)
        save(self._latest.compiled, path, f"Forward and backward of {name.strip('<>')}.")

    def exercise(
        self,
        path: str | os.PathLike[str],
        blanks: int = 5,
        rng: int | np.random.Generator | None = 0,
        hint: Hint = "shape",
    ) -> None:
        """Write the program with some lines of the way back left out, and a solution beside it.

        The file needs NumPy alone; run, it says which lines are right, by difference quotients of its own
        forward pass, in float64. `rng` decides which lines are blank; `hint` is "shape", "formula" or None.
        A path that ends with .ipynb makes a notebook. The solution is called like it, with _solution.

        Raises ValueError for more blanks than there are lines that can be measured (of at most 2,000
        entries), and for a program that draws random numbers.
        """
        if not self._latest.is_loss:
            raise ValueError(
                "expected a program of a loss, since a forward pass has no way back to ask for"
            )
        write_exercise(self._latest.compiled, path, blanks, rng, hint)


def program_of(value: Value) -> Program:
    """Return the program of a graph that was recorded already, `value.program()`.

    Raises ValueError for a Value that was not computed. Where data that it was computed from is replaced, the
    program raises RuntimeError: what it has as constants may have been computed from the old.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> print((a * b + 10).tanh().program())
    # forward
    loss = math.tanh(a * b + 10)
    <BLANKLINE>
    # backward
    d_add = 1 - loss * loss
    d_a = d_add * b
    d_b = d_add * a
    """
    if value.op is None:
        raise ValueError(
            f"{describe(value)} was not computed, so there is nothing to write down; take a result"
        )
    return Program(Graph(value))


_anything = Value(0.0)  # knows whether what is calculated is recorded


def _as_arguments(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with arrays for lists."""
    return tuple(
        np.asarray(x) if isinstance(x, list | tuple) else plain_array(x) for x in arguments
    )


def _key(arguments: Sequence[Any]) -> Any:
    """Return what must be the same of arguments, so that a version fits."""
    return (_anything._is_recorded(), *map(_kind_of, arguments))


def _kind_of(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return type(x), x.dtype.str, x.shape, _layout(x)
    if isinstance(x, float | np.generic) or type(x) is int:
        return type(x)
    return (type(x), x) if isinstance(x, bool | str | type(None)) else id(x)


def _layout(x: Any) -> Any:
    """Return how an array lies in memory: sums run in that order, and may differ in the last bit."""
    return (x.flags.c_contiguous, x.strides) if type(x) is np.ndarray else None


class _Version:
    """A program for arguments of certain shapes and types.

    Attributes: `compiled`; `is_loss`, whether there are gradients; `generators`, which it draws from;
    `around`, what the function saw outside of its arguments when it was recorded.
    """

    around: Surroundings

    def __init__(self, function: Any, arguments: Sequence[Any], optimizer: Any) -> None:
        self.arguments = arguments  # kept, since some are known by their place in memory
        self._memories: dict[Traced, tuple[int, str, Any]] = {}
        first = Recorder()
        try:
            with np.errstate(all="ignore"):
                self._record(first, function, optimizer)
        finally:
            _restore(first)

    # -- recording -------------------------------------------------------------------------------

    def _record(self, first: Recorder, function: Any, optimizer: Any) -> None:
        """Follow two runs, write down the first, and hold it against the graph."""
        arguments, second = self.arguments, Recorder()
        result, traced, found = run_once(first, function, arguments)
        _restore(first)
        around = Surroundings(function)
        run_once(second, function, arguments)
        _restore(first)
        check_same(first, second)
        if not around.are_same():
            raise ProgramError(
                "the function changes something outside of itself in each run, such as a counter, or a "
                "note that a layer takes of its input; a program would not, so let it only compute"
            )
        if len(first.steps) > LONGEST:
            raise ProgramError(
                f"there are {len(first.steps):,} steps, and a program has at most {LONGEST:,}; "
                "calculate with arrays in place of single numbers"
            )
        self._write(first, result, traced, function, optimizer)
        self.generators = [rng for rng, _ in first.generators.values()]
        name_values(self.recorded, first, function, found)
        handed = [i for i, x in enumerate(arguments) if _is_traced(x)]
        self.compiled = Compiled(self.recorded, dict(zip(traced, handed, strict=True)))
        self._remembered = [self._memories[traced] for traced in self.compiled.given["memory"]]
        self._copied = [_must_copy(g) for g in self.recorded.gradients.values()]
        self._layouts = [_layout(value._number) for value in self.compiled.weights]
        self._compare(function, optimizer)

    def _write(
        self, recorder: Recorder, result: Any, traced: list[Traced], function: Any, optimizer: Any
    ) -> None:
        """Write down the way back, and a step."""
        output = recorder.made[result] if type(result) is Value else result
        is_layer = hasattr(function, "named_parameters")
        self.is_loss = bool(
            type(result) is Value and result.op is not None and result.size == 1 and not is_layer
        )
        ends = [recorder.next_birth()]
        recorded = Recorded(recorder.steps, recorder.effects, ends, output, traced)
        self.recorded = recorded
        if self.is_loss:
            self._write_gradients(recorder, result)
        elif optimizer is not None:
            raise ProgramError(
                "a step needs a loss to lower, and the function returned none; let it return a single number "
                "that is computed from the parameters"
            )
        ends.append(recorder.next_birth())
        if optimizer is not None:
            with recorder.following():
                self._write_step(recorder, optimizer)

    def _write_gradients(self, recorder: Recorder, result: Value) -> None:
        gradients = go_back(recorder, result)
        owners = {value: recorder.made[value] for value in gradients}
        for value, g in gradients.items():
            if value.op is not None:
                self.recorded.gradient_of.setdefault(g, owners[value])
        for value, g in gradients.items():
            origin = owners[value].origin
            if (
                isinstance(origin, Leaf) and origin.source is value
            ):  # a weight, and none that is detached
                self.recorded.gradients[value] = g
                self.recorded.gradient_of[g] = owners[value]

    def _write_step(self, recorder: Recorder, optimizer: Any) -> None:
        rate = recorder.new(optimizer.learning_rate(), Leaf("rate", "rate"))
        self.recorded.names[rate] = "rate"
        moving = zip(optimizer.parameters, optimizer._memory, strict=True)
        for place, (value, held) in enumerate(moving):
            if value not in self.recorded.gradients:
                continue
            w, g = recorder.of(value), self.recorded.gradients[value]
            if optimizer.weight_decay:
                g = g + optimizer.weight_decay * w
            memory = Memory(recorder, held, value._number)
            new_w = self.recorded.updates[value] = optimizer.update(w, g, memory, rate)
            self.recorded.replaced[new_w] = w
            for name, new in memory.new.items():
                self.recorded.memories[place, name] = new
                if name in memory.old:
                    self._memories[memory.old[name]] = place, name, memory.begins[name]
                    self.recorded.replaced[new] = memory.old[name]
                    self.recorded.memory_of[memory.old[name]] = name, w
                    self.recorded.begins[memory.old[name]] = memory.defaults[name]
        if not self.recorded.updates:
            raise ProgramError(
                "the loss was computed from none of the optimizer's parameters; pass those of this model"
            )

    # -- running ---------------------------------------------------------------------------------

    def has_weights_as_recorded(self) -> bool:
        """Return whether the weights lie in memory as they did when this was recorded."""
        return self._layouts == [_layout(value._number) for value in self.compiled.weights]

    def run(self, arguments: Sequence[Any], optimizer: Any) -> Sequence[Any]:
        """Return all numbers that are wanted; nothing is changed but generators."""
        compiled = self.compiled
        given = [arguments[place] for place in compiled.argument_places]
        given += [value._number for value in compiled.weights]
        if optimizer is not None:
            held = optimizer._memory
            given += [held[place].get(name, begin) for place, name, begin in self._remembered]
            given += [optimizer.learning_rate()] * len(compiled.given["rate"])
        return compiled.run(*given)

    def finish(self, found: Sequence[Any], optimizer: Any) -> Any:
        """Hand over what was computed: gradients to Values, and with an optimizer new weights."""
        recorded, numbers = self.recorded, iter(found)
        result = _plain_result(next(numbers), recorded.result)
        gradients = self._own_gradients([next(numbers) for _ in recorded.gradients])
        moving = set() if optimizer is None else set(optimizer.parameters)
        changes: list[tuple[Any, str, Any]] = [(value, "grad", None) for value in moving]
        for value, g in zip(recorded.gradients, gradients, strict=True):
            is_first = value.grad is None or value in moving
            changes.append((value, "grad", g if is_first else value.grad + g))
        if optimizer is not None:
            for value in recorded.updates:
                new = own(Owned(next(numbers)), value._number, "data")
                changes += [(value, "_number", new), (value, "birth", next_birth())]
            memory = list(map(dict, optimizer._memory))
            for place, name in recorded.memories:
                memory[place][name] = next(numbers)
            changes += [(optimizer, "_memory", memory), (optimizer, "steps", optimizer.steps + 1)]
        # One call that is written in C, so that no interrupt leaves some old and some new.
        deque(starmap(object.__setattr__, changes), maxlen=0)
        return result

    def _own_gradients(self, gradients: list[Any]) -> list[Any]:
        """Return gradients that nobody else holds, as `backward` leaves them."""
        given: set[int] = set()
        for i, g in enumerate(gradients):
            if type(g) is np.ndarray:
                if self._copied[i] or not g.flags.writeable or g.base is not None or id(g) in given:
                    gradients[i] = g = g.copy()
                given.add(id(g))
        return gradients

    def _compare(self, function: Any, optimizer: Any) -> None:
        """Hold a first run against the graph. Raises ProgramError if a single bit is different."""
        try:
            found = iter(self.run(self.arguments, optimizer))
        except ArithmeticError as error:
            raise ProgramError(
                f"there is an edge at these numbers, {error}, where a program cannot be written down; record "
                "it with others"
            ) from error
        _restore(self.recorded.result.recorder)
        result = function(*self.arguments)
        _check_bits("the result", next(found), result._number if type(result) is Value else result)
        if self.is_loss:
            expected = grad(result, list(self.recorded.gradients))
            gradients = dict(zip(self.recorded.gradients, expected, strict=True))
            for value, right in gradients.items():
                _check_bits(f"the gradient of {value.name}", next(found), right)
            for value in self.recorded.updates:
                right = _moved(optimizer, value, gradients[value])
                _check_bits(f"the step of {value.name}", next(found), right)


def _restore(recorder: Recorder) -> None:
    """Give the generators that a run drew from the states that they had before."""
    for rng, state in recorder.generators.values():
        rng.bit_generator.state = state


def _is_traced(x: Any) -> bool:
    return isinstance(x, np.ndarray | float | np.generic) or type(x) is int


def _must_copy(g: Traced) -> bool:
    """Return whether a gradient is an array that somebody else holds: an argument, a weight, a constant."""
    return isinstance(g.origin, Leaf)


def _plain_result(number: Any, traced: Traced) -> Any:
    """Return a result that nobody else holds."""
    if type(number) is np.ndarray and (isinstance(traced.origin, Leaf) or number.base is not None):
        return number.copy()
    return number


def _moved(optimizer: Any, value: Value, g: Any) -> Any:
    """Return where an optimizer would move a weight, without moving it."""
    held = dict(optimizer._memory[optimizer.parameters.index(value)])
    if optimizer.weight_decay:
        g = g + optimizer.weight_decay * value._number
    return optimizer.update(value._number, g, held, optimizer.learning_rate())


def _same_bits(found: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Return whether two arrays are equal to the last bit; NaN is NaN, whatever its sign."""
    if found.dtype != right.dtype or found.shape != right.shape:
        return False
    same = (found == right) & (np.signbit(found) == np.signbit(right))
    return bool(np.all(same | ((found != found) & (right != right))))


def _check_bits(what: str, found: Any, right: Any) -> None:
    if not _same_bits(np.asarray(found), np.asarray(right)):
        raise ProgramError(
            f"{what} is not equal to the graph's to the last bit, so no program is made of this function; "
            "does it look at the type of its arguments, or at something that changes?"
        )
