"""Threads: how many are worth their while in a training, by the products of matrices in its steps.

Nearly all of the time goes into them. How large they are is seen in the graph of one sample; what follows
from that is decided in `support.threads`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tinygrad_edu.nn import Layer, dtype_of
from tinygrad_edu.number import shape_of
from tinygrad_edu.ops import dense, matmul
from tinygrad_edu.support import threads_for
from tinygrad_edu.training.samples import Samples
from tinygrad_edu.value import Value, ancestors


def threads_for_steps(
    model: Layer, samples: Samples, batch_size: int, say: Callable[[str], object]
) -> AbstractContextManager[None]:
    """Return a context for training with batches of this size: see `support.threads_for`."""
    return threads_for(products_of(model, samples, batch_size), dtype_of(model), say)


def products_of(model: Layer, samples: Samples, batch_size: int) -> list[tuple[int, int, int]]:
    """Return rows, inner length and columns of each product of matrices on the way through the model.

    One sample is tried out, in `eval()` mode, in which the model is left; a batch has as many more rows. On
    the way back, two products of the same three lengths follow from each.

    >>> from tinygrad_edu.nn import Dense
    >>> products_of(Dense(3, 2, rng=0), Samples([[1, 2, 3]]), batch_size=32)
    [(32, 3, 2)]
    """
    model.eval()
    x, _ = next(samples.batches(1, dtype_of(model)))
    output = model(x)
    found = []
    for node in ancestors(output) if isinstance(output, Value) else ():
        if node.op in (dense, matmul):
            left, right = map(shape_of, node.inputs[:2])
            columns = right[-1] if len(right) > 1 else 1
            found.append((batch_size * node.size // max(1, columns), left[-1], columns))
    return found
