"""Mazur's worked example: forward, the chain rule written out, the graph, 10,000 steps, what to correct.

python examples/worked_example.py --weight w3      explain another weight than w5 and w1, or a result: out_h1
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tinygrad_edu.by_hand import WorkedExample, total_error
from tinygrad_edu.compare import explain, twin
from tinygrad_edu.drawing import DrawingError, draw_graph, play_backward
from tinygrad_edu.support import program, text_table

CORRECTIONS = """
error after one step      all weights together    {one:.9f}
                          output weights first    {one_in_place:.9f}
error after {steps:>6} steps  all weights together    {joint:.6e}  (one step earlier {earlier:.6e})
outputs                   all weights together    {outputs}
                          output weights first    {outputs_in_place}
error with biases         trained                 {trained:.4e}
                          with the sign turned    {wrong_sign:.4f}
error of (0, .3, .9, .1) where (0, 0, 1, 0) was expected: {slides:.3f}

The article prints .291027924 for one step: output weights first; .0000351085 for 10,000 steps: that
is after 9,999, all together; outputs .015912196 and .984065734: output weights first, after 10,000.
The slides print .045 for their error. And the JavaScript net never applies the biases it computes."""


def train(steps: int, **kind: str) -> WorkedExample:
    """Return the network after that number of steps."""
    network = WorkedExample(**kind)
    for _ in range(steps):
        network.train_step()
    return network


def outputs(network: WorkedExample) -> str:
    """Return both outputs as text."""
    return "{out_o1:.9f} {out_o2:.9f}".format(**network.forward())


@program
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weight", action="append", help="a weight, or a result: w1, out_h1")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--quick", action="store_true", help="train for 1,000 steps only")
    options = parser.parse_args(arguments)
    steps, error = 1_000 if options.quick else 10_000, twin(WorkedExample())()
    error.backward()
    try:
        nodes, neurons = WorkedExample().forward(), ("h1", "h2", "o1", "o2")
        rows = [[n, *(f"{nodes[f'{what}_{n}']:.9f}" for what in ("net", "out"))] for n in neurons]
        print(f"{text_table(['neuron', 'net', 'out'], rows)}\nerror E = {error.data:.9f}\n")
        for weight in options.weight or ["w5", "w1"]:
            print(f"{explain(error, weight)}\n")
        options.out.mkdir(parents=True, exist_ok=True)
        graph, player = options.out / "worked_example.svg", options.out / "worked_example.html"
        draw_graph(error, graph)
        play_backward(error, player)
        print(f"its graph: {graph}, and step by step: {player}")
    except DrawingError as reason:
        print(f"no pictures: {reason}")
    joint, in_place = train(steps), train(steps, order="in_place")
    print(CORRECTIONS.format(
        one=train(1).error(), one_in_place=train(1, order="in_place").error(), steps=f"{steps:,}",
        joint=joint.error(), earlier=train(steps - 1).error(), outputs=outputs(joint),
        outputs_in_place=outputs(in_place), slides=total_error([0, 0, 1, 0], [0, 0.3, 0.9, 0.1]),
        **{bias: train(steps, biases=bias).error() for bias in ("trained", "wrong_sign")},
    ))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
