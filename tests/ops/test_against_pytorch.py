"""Values and gradients beside those of PyTorch, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Value, grad, ops

torch = pytest.importorskip("torch")

generator = np.random.default_rng(0)
X = generator.uniform(-2.0, 2.0, (3, 4))
Y = generator.uniform(-2.0, 2.0, (3, 4))
POSITIVE = generator.uniform(0.5, 2.0, (3, 4))
ROW = generator.uniform(-2.0, 2.0, 4)
STACK = generator.uniform(-2.0, 2.0, (2, 4, 3))
MASK = X > 0.3
LABELS = np.array([1, 3, 0])
IMAGES = generator.uniform(-2.0, 2.0, (2, 3, 3, 4))
FILTERS = generator.uniform(-2.0, 2.0, (2, 3, 3, 4))
FOLDED = generator.uniform(-2.0, 2.0, (1, 4, 4))

#: Each row: a name, our function, PyTorch's, and the numbers.
PAIRS: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    ("add", ops.add, torch.add, (X, ROW)),
    ("subtract", ops.subtract, torch.sub, (X, ROW)),
    ("multiply", ops.multiply, torch.mul, (X, ROW)),
    ("divide", ops.divide, torch.div, (X, POSITIVE)),
    ("power", ops.power, torch.pow, (POSITIVE, Y)),
    ("negative", ops.negative, torch.neg, (X,)),
    ("abs", ops.abs, torch.abs, (X,)),
    ("maximum", ops.maximum, torch.maximum, (X, Y)),
    ("maximum of ties", ops.maximum, torch.maximum, (X, X.copy())),
    ("minimum", ops.minimum, torch.minimum, (X, Y)),
    ("clip", lambda x: ops.clip(x, -0.5, 1.0), lambda x: torch.clamp(x, -0.5, 1.0), (X,)),
    ("where", lambda x, y: ops.where(MASK, x, y), lambda x, y: torch.where(torch.tensor(MASK), x, y), (X, Y)),
    ("exp", ops.exp, torch.exp, (X,)),
    ("log", ops.log, torch.log, (POSITIVE,)),
    ("sqrt", ops.sqrt, torch.sqrt, (POSITIVE,)),
    ("sin", ops.sin, torch.sin, (X,)),
    ("cos", ops.cos, torch.cos, (X,)),
    ("tanh", ops.tanh, torch.tanh, (X,)),
    ("sigmoid", ops.sigmoid, torch.sigmoid, (X * 20.0,)),
    ("relu", ops.relu, torch.relu, (X,)),
    ("relu at 0", ops.relu, torch.relu, (np.zeros(3),)),
    ("leaky_relu", ops.leaky_relu, torch.nn.functional.leaky_relu, (X,)),
    ("softplus", ops.softplus, torch.nn.functional.softplus, (X,)),
    ("gelu", ops.gelu, lambda x: torch.nn.functional.gelu(x, approximate="tanh"), (X,)),
    ("sum", lambda x: ops.sum(x, 0), lambda x: torch.sum(x, 0), (X,)),
    ("mean", lambda x: ops.mean(x, 1), lambda x: torch.mean(x, 1), (X,)),
    ("max", lambda x: ops.max(x, 1), lambda x: torch.amax(x, 1), (X,)),
    ("max of ties", lambda x: ops.max(x, 1), lambda x: torch.amax(x, 1), (np.round(X),)),
    ("min", lambda x: ops.min(x, 0), lambda x: torch.amin(x, 0), (X,)),
    ("var", lambda x: ops.var(x, 1, ddof=1), lambda x: torch.var(x, 1), (X,)),
    ("reshape", lambda x: ops.reshape(x, (2, -1)), lambda x: torch.reshape(x, (2, -1)), (X,)),
    ("transpose", lambda x: ops.transpose(x, (2, 0, 1)), lambda x: x.permute(2, 0, 1), (STACK,)),
    ("broadcast_to", lambda x: ops.broadcast_to(x, (3, 4)), lambda x: x.expand(3, 4), (ROW,)),
    ("astype", lambda x: ops.astype(x, np.float32), lambda x: x.to(torch.float32), (X,)),
    ("getitem", lambda x: x[[0, 0, 2], 1:], lambda x: x[[0, 0, 2], 1:], (X,)),
    ("getitem by mask", lambda x: x[MASK], lambda x: x[torch.tensor(MASK)], (X,)),
    ("scatter", lambda x: ops.scatter(x, [2, 0, 2], (5, 4)),
     lambda x: torch.zeros(5, 4, dtype=x.dtype).index_add(0, torch.tensor([2, 0, 2]), x), (X,)),
    ("pad", lambda x: ops.pad(x, ((1, 0), (0, 2))), lambda x: torch.nn.functional.pad(x, (0, 2, 1, 0)), (X,)),
    ("join", ops.join, lambda *xs: torch.cat(xs), (X, Y)),
    ("concatenate", lambda *xs: ops.concatenate(xs, 1), lambda *xs: torch.cat(xs, 1), (X, Y)),
    ("stack", lambda *xs: ops.stack(xs, 1), lambda *xs: torch.stack(xs, 1), (X, Y)),
    ("matmul", ops.matmul, torch.matmul, (X, STACK)),
    ("matmul of vectors", ops.matmul, torch.matmul, (ROW, ROW.copy())),
    ("dense", ops.dense, lambda x, w, b: torch.nn.functional.linear(x, w.T, b), (X, STACK[0], ROW[:3])),
    ("windows", lambda x: ops.windows(x, 2), lambda x: torch.stack([torch.stack([
        x[:, :, i : i + 2, j : j + 3] for j in (0, 1)]) for i in (0, 1)]), (IMAGES,)),
    ("overlap_add", lambda x: ops.overlap_add(ops.reshape(x, (2, 2, 1, 1, 4, 1)), (3, 2), 1, (1, 0)),
     lambda x: torch.nn.functional.fold(x, (3, 2), 2, padding=(1, 0)), (FOLDED,)),
    ("conv2d", ops.conv2d, lambda x, w, b: torch.nn.functional.conv2d(x, w.permute(3, 2, 0, 1), b),
     (IMAGES, FILTERS, ROW)),
    ("max_pool2d", ops.max_pool2d, lambda x: torch.nn.functional.max_pool2d(x, 2), (IMAGES,)),
    ("softmax", ops.softmax, lambda x: torch.softmax(x, -1), (X,)),
    ("log_softmax", ops.log_softmax, lambda x: torch.log_softmax(x, -1), (X,)),
    ("softmax_cross_entropy", lambda x: ops.softmax_cross_entropy(x, LABELS),
     lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)), (X,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "numbers"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS]
)
def test_an_operation_gives_the_numbers_and_gradients_of_pytorch(
    ours: Callable[..., Any], theirs: Callable[..., Any], numbers: tuple[Any, ...]
) -> None:
    values = [Value(x) for x in numbers]
    tensors = [torch.tensor(x, requires_grad=True) for x in numbers]
    result, expected = ours(*values), theirs(*tensors)
    # In float32 the two libraries round differently in the last digit.
    tolerance = 1e-6 if result.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=tolerance)
    weights = np.random.default_rng(1).standard_normal(result.shape)
    gradients = grad(ops.sum(result * weights), values)
    (expected * torch.tensor(weights, dtype=expected.dtype)).sum().backward()
    for g, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=tolerance, atol=1e-14)


def test_every_differentiable_operation_is_compared() -> None:
    compared = {name.split(" ")[0] for name, *_ in PAIRS}
    for name, operation in ops.OPERATIONS.items():
        assert name in compared or not getattr(operation, "differentiable", True), name


def test_a_network_learns_the_same_weights_as_in_pytorch() -> None:
    shapes = [(4, 16), (16,), (16, 3), (3,)]
    start = [generator.standard_normal(shape) * 0.5 for shape in shapes]
    values = [Value(w) for w in start]
    tensors = [torch.tensor(w, requires_grad=True) for w in start]
    x = generator.standard_normal((32, 4))
    labels = generator.integers(0, 3, 32)
    for _ in range(20):
        w1, b1, w2, b2 = values
        loss = ops.dense(ops.dense(x, w1, b1).relu(), w2, b2).softmax_cross_entropy(labels)
        for value, g in zip(values, grad(loss, values), strict=True):
            value.data -= 0.5 * g

        t1, c1, t2, c2 = tensors
        scores = torch.relu(torch.tensor(x) @ t1 + c1) @ t2 + c2
        other = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
        slopes = torch.autograd.grad(other, tensors)
        with torch.no_grad():
            for tensor, slope in zip(tensors, slopes, strict=True):
                tensor -= 0.5 * slope
        assert loss.item() == pytest.approx(other.item(), rel=1e-10)
    for value, tensor in zip(values, tensors, strict=True):
        np.testing.assert_allclose(value.data, tensor.detach().numpy(), rtol=1e-8, atol=1e-12)


def test_a_gradient_penalty_has_the_gradient_of_pytorch() -> None:
    w, x = Value(STACK[0]), Value(X)
    slope = grad((x @ w).tanh().sum(), x, create_graph=True)
    by_w = grad((slope * slope).sum(), w)
    tw, tx = (torch.tensor(a, requires_grad=True) for a in (STACK[0], X))
    (tslope,) = torch.autograd.grad(torch.tanh(tx @ tw).sum(), tx, create_graph=True)
    (expected,) = torch.autograd.grad((tslope * tslope).sum(), tw)
    np.testing.assert_allclose(by_w, expected.numpy(), rtol=1e-12)
