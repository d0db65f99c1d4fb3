"""Autograd beside pencil and paper: compare, explain, audit, and derivatives as formulas.

Whoever has derived a gradient by hand wants to know three things. Is it right? `compare` lays it beside
autograd's and beside difference quotients. Why is it what it is? `explain` writes the chain rule out for one
weight, path by path, and `formula` and `derivative` give it as algebra. And if it is wrong, what is the
mistake? `audit` makes every classic mistake once, and names the one that gives the same wrong numbers.

All of them read the graph that a calculation has recorded, and change nothing in it. `twin` gives the
networks of `by_hand` once more with Values, so that the two can be laid side by side:

>>> from tinygrad_edu.by_hand import RashidNetwork
>>> network = RashidNetwork(3, 4, 2, rng=0)
>>> sample = [0.2, 0.5, 0.9], [0.01, 0.99]
>>> compare(twin(network), network.update_rule, *sample).differing
['wih']
>>> audit(twin(network), network.update_rule, *sample).names
['factor left out']
"""

from tinygrad_edu.compare.along_training import TrainingComparison, compare_training
from tinygrad_edu.compare.auditing import Audit, audit
from tinygrad_edu.compare.comparing import Comparison, GradientsDisagreeError, Row, compare
from tinygrad_edu.compare.explaining import Explanation, explain
from tinygrad_edu.compare.searching import Finding
from tinygrad_edu.compare.symbolic import Formula, derivative, formula
from tinygrad_edu.compare.twins import twin

__all__ = [
    "Audit",
    "Comparison",
    "Explanation",
    "Finding",
    "Formula",
    "GradientsDisagreeError",
    "Row",
    "TrainingComparison",
    "audit",
    "compare",
    "compare_training",
    "derivative",
    "explain",
    "formula",
    "twin",
]
