"""A small museum of mistakes: a homemade engine goes wrong in five ways, and audit names each.

python examples/spot_the_bug.py --out out     also draws where the gradients part
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu import DrawingError, Value, ancestors, audit, draw_graph
from tinygrad_edu.support import program

WEIGHTS = {"w0": 0.7, "w1": -0.4, "w2": 1.2}


def network(weights: Mapping[str, float]) -> Value:
    """Two layers with shortcuts, h ← h + tanh(w·h), so that Values are used twice."""
    w0, w1, w2 = (Value(number, name) for name, number in weights.items())
    h = (w0 * 0.5).tanh()
    h = h + (w1 * h).tanh()
    h = h + (w2 * h).tanh()
    return (h - 1.0) ** 2


def homemade(loss: Value, mistake: str = "") -> Value:
    """Go backward like a homemade engine: "assign", "no order" and "no slope" are its mistakes."""
    order = [loss] if mistake == "no order" else ancestors(loss)
    for node in order:
        if mistake == "no order":  # whatever is met next, instead of the youngest first
            order += [x for x in node.inputs if isinstance(x, Value) and x not in order]
        node.grad = 1.0 if node is loss else 0.0
    for node in order:
        numbers = [x.data if isinstance(x, Value) else x for x in node.inputs]
        for position, x in enumerate(node.inputs):
            if isinstance(x, Value):
                part = node.op.derivative(position)(node.grad, node.data, *numbers)
                part = node.grad if mistake == "no slope" and node.op.name == "tanh" else part
                x.grad = part if mistake == "assign" else x.grad + part
    return loss


def museum() -> Iterator[tuple[str, Value, Value, dict[str, Any]]]:
    """Yield a mistake's name, the right graph, that with wrong gradients, and what audit is told."""
    right = homemade(network(WEIGHTS))
    yield "assignment instead of +=", right, homemade(network(WEIGHTS), "assign"), {}
    yield "no topological order", right, homemade(network(WEIGHTS), "no order"), {}
    yield "missing activation derivative", right, homemade(network(WEIGHTS), "no slope"), {}
    moved = {v.name: v.data - 0.1 * v.grad for v in ancestors(right)[::-1] if v.op is None}
    right_now, kept, stale = (homemade(network(moved)) for _ in range(3))
    for old, mine, late in zip(ancestors(right), ancestors(kept), ancestors(stale), strict=True):
        mine.grad, late.grad = mine.grad + old.grad, old.grad
    yield "forgotten zero_grad", right_now, kept, {"before": WEIGHTS}
    yield "stale weights", right_now, stale, {"before": WEIGHTS}


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--quick", action="store_true", help="it is quick anyway")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, right, wrong, known in museum():
        given = {v.name: v.grad for v in ancestors(wrong)[::-1] if v.op is None}
        truth = {v.name: v.grad for v in ancestors(right)[::-1] if v.op is None}
        table = ", ".join(f"∂/∂{w} {given[w]:.4f} (right: {truth[w]:.4f})" for w in truth)
        print(f"\n{name}: {table}\n{audit(right, given, **known)}")
        try:
            picture = options.out / f"{name.replace(' instead of +=', '').replace(' ', '_')}.svg"
            draw_graph(right, picture, diff=wrong)
            print(f"where they part: {picture}")
        except DrawingError as error:
            print(f"no picture: {error}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
