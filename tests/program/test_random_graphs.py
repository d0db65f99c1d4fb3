"""Graphs drawn at random: a program must be equal to them at numbers that it was not recorded with.

Every draw is a list of operations over weights and arguments of several shapes, in float32 or float64 or
single numbers. One round of arguments is half NaN, or 0.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tinygrad_edu import SGD, Adam, Program, Value, ops

ONE = [
    ops.exp, ops.tanh, ops.sigmoid, ops.relu, ops.softplus, ops.negative, ops.abs, ops.sin, ops.gelu,
    lambda x: ops.leaky_relu(x, slope=0.1),
    lambda x: ops.clip(x, low=-0.5, high=0.7),
    lambda x: ops.sqrt(ops.abs(x) + 1e-3),
    lambda x: x**2,
    lambda x: x**3.0,
    lambda x: x**1.0,
    lambda x: 1.0 * x,
    lambda x: x / 1.0 + 0.0,
    lambda x: 2 - x,
]  # fmt: skip
TWO = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (ops.abs(y) + 0.5),
    ops.maximum,
    ops.minimum,
    lambda x, y: ops.where(x > y, x, y),
    lambda x, y: ops.where(ops.greater(x, 0.1), x * y, y),
]
REDUCED = [
    lambda x: ops.sum(x, axis=-1, keepdims=True),
    lambda x: ops.mean(x, axis=0, keepdims=True),
    lambda x: ops.max(x, axis=-1, keepdims=True),
    ops.softmax,
    ops.log_softmax,
    ops.var,
    ops.mean,
]


def draw_function(rng):
    """Return a function of numbers that applies operations drawn at random."""
    plan = rng.integers(0, 1000, (rng.integers(3, 16), 4)).tolist()

    def function(*given):
        pool = list(given)
        for kind, a, b, c in plan:
            x, y = pool[a % len(pool)], pool[b % len(pool)]
            if kind % 10 < 4 or (kind % 10 > 7 and len(np.shape(x)) < 2):
                pool.append(ONE[c % len(ONE)](x))
            elif kind % 10 < 8:
                pool.append(TWO[c % len(TWO)](x, y))
            else:
                pool.append(REDUCED[c % len(REDUCED)](x))
        return sum((ops.mean(x) for x in pool[-4:]), 0.0) + ops.mean(given[0])

    return function


def draw_number(rng, dtype, single):
    shape = () if single else [(3, 4), (4,), (3, 1), ()][rng.integers(0, 4)]
    return rng.normal(size=shape).astype(dtype) if shape else float(rng.normal())


def half_nan(x):
    if not np.ndim(x):
        return 0.0
    return np.where(np.arange(x.size).reshape(x.shape) % 2, x, x.dtype.type(np.nan))


def take(weights):
    found = [w.grad for w in weights]
    for w in weights:
        w.grad = None
    return found


def same(found, right):
    """Equal to the last bit and the sign of zero; of NaN the sign says nothing."""
    if right is None or found is None:
        return found is right
    found, right = np.asarray(found), np.asarray(right)
    zero = np.signbit(found) == np.signbit(right)
    equal = ((found == right) & zero) | (np.isnan(found) & np.isnan(right))
    return found.dtype == right.dtype and found.shape == right.shape and equal.all()


@pytest.mark.parametrize("seed", range(60))
def test_a_program_is_equal_to_a_random_graph(seed):
    rng = np.random.default_rng(seed)
    dtype = [np.float32, np.float64][seed % 2]
    weights = [Value(draw_number(rng, dtype, seed % 5 == 0), f"w{i}") for i in range(3)]
    arguments = [draw_number(rng, dtype, seed % 5 == 0) for _ in range(2)]
    function = draw_function(rng)
    optimizer = [None, SGD(weights, 0.01, momentum=0.9), Adam(weights, 0.01)][seed % 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = Program(lambda *x: function(*weights, *x), *arguments, optimizer=optimizer)
        moved = [draw_number(rng, dtype, True) * x for x in arguments]
        for given in (arguments, moved, [half_nan(x) for x in arguments]):
            loss = function(*weights, *given)
            loss.backward()
            right = take(weights)
            assert same(program(*given), loss.data)
            assert all(map(same, take(weights), right))
