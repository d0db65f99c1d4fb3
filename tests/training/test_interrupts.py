"""Interrupts: at each instruction of a step, at each line of a training, and real ones at random moments.

`pytest -m slow tests/training/test_interrupts.py` runs the long ones: 500 signals each.
"""

import sys

import numpy as np
import pytest

from tinygrad_edu import SGD, Adam, Optimizer, RMSprop, Value


class Interruption:
    """Raises `error` at the n-th line, or instruction, of Python code that runs within it.

    `files` are pieces of paths: what runs elsewhere is not counted. Afterwards `count` is how many there were,
    and `where` says where the error was raised.
    """

    def __init__(self, at=None, error=KeyboardInterrupt, files=("tinygrad_edu",), opcodes=False):
        self.at, self.error, self.files, self.opcodes = at, error, files, opcodes
        self.count, self.where = 0, None

    def _trace(self, frame, event, argument):
        if not any(part in frame.f_code.co_filename for part in self.files):
            return None
        frame.f_trace_opcodes = self.opcodes
        if event in ("line", "opcode"):
            self.count += 1
            if self.count == self.at:
                self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                sys.settrace(None)
                raise self.error
        return self._trace

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)


# ------------------------------------------------------------------------------------------------
# A step
# ------------------------------------------------------------------------------------------------


class InPlace(Optimizer):
    """Momentum, written as many would: what is remembered is changed where it stands."""

    def update(self, w, g, memory, rate):
        velocity = memory.setdefault("velocity", np.zeros_like(w))
        velocity *= 0.9
        velocity += g
        return w - rate * velocity


OPTIMIZERS = {
    "SGD": SGD,
    "momentum": lambda p: SGD(p, momentum=0.9, nesterov=True, weight_decay=0.1),
    "RMSprop": RMSprop,
    "Adam": lambda p: Adam(p, lr=lambda step: 0.1 / (step + 1)),
    "in place": lambda p: InPlace(p, lr=0.1),
}


def stepping(make):
    """Return three parameters and an optimizer that has taken a step."""
    values = [Value(np.arange(1.0, 4.0)), Value(0.5), Value(np.eye(2, dtype=np.float32))]
    optimizer = make(values)
    for step in range(2):
        for value in values:
            value.grad = 0.1 * value.data + step
        if step == 0:
            optimizer.step()
    return values, optimizer


def bits(tree):
    """Return numbers and arrays, however nested, as something that == compares to the last bit."""
    if isinstance(tree, dict):
        return {key: bits(x) for key, x in tree.items()}
    if isinstance(tree, list | tuple):
        return [bits(x) for x in tree]
    return (tree.dtype.str, tree.shape, tree.tobytes()) if hasattr(tree, "tobytes") else repr(tree)


def state(values, optimizer):
    memory = {k: x for k, x in optimizer.state_dict().items() if k != "settings"}
    return bits([[value.numpy() for value in values], memory])


@pytest.mark.parametrize("opcodes", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_interrupted_anywhere_is_taken_whole_or_not_at_all(name, opcodes):
    values, optimizer = stepping(OPTIMIZERS[name])
    before = state(values, optimizer)
    with Interruption(opcodes=opcodes) as counted:
        optimizer.step()
    after = state(values, optimizer)
    assert before != after
    seen = []
    for at in range(1, counted.count + 1):
        values, optimizer = stepping(OPTIMIZERS[name])
        with pytest.raises(KeyboardInterrupt), Interruption(at, opcodes=opcodes):
            optimizer.step()
        seen.append(state(values, optimizer))
        assert seen[-1] in (before, after), at
        if seen[-1] == before:  # and it can be taken again
            optimizer.step()
            assert state(values, optimizer) == after
    assert seen[0] == before
    assert seen[-1] == (after if opcodes else before)
    assert seen.count(before) > 20
