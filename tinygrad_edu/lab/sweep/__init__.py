"""Sweeps: the same training again and again, with one thing changed at a time.

Which optimizer, which rate, how many neurons? Nobody can derive it; one tries. A sweep is a list of settings
and a function that trains with one of them. That is all there is to it, and since no run needs another's
result, they may all go at once: on every core of a computer, or on a cluster of them.

Two things make such a comparison honest. Each setting runs with several seeds, since a network that began
with luckier weights is not a better one; and what is compared was measured on data that neither trained the
networks nor will examine the winner.

>>> from tinygrad_edu import SGD, Dense, Sequential, softmax_cross_entropy
>>> def run(x, y, lr, seed):
...     model = Sequential(Dense(2, 2), rng=seed)
...     optimizer = SGD(model.parameters(), lr=lr)
...     return model.fit(x, y, loss=softmax_cross_entropy, optimizer=optimizer, rng=seed,
...                      epochs=3, validation_data=(x, y), verbose=False)
>>> x, y = [[0.0, 1.0], [1.0, 0.0]] * 8, [0, 1] * 8
>>> results = sweep(run, grid(lr=[0.1, 1.0]), x, y, seeds=2, jobs=1, verbose=False)
>>> [(row.setting["lr"], len(row.runs)) for row in results.summary()]
[(0.1, 2), (1.0, 2)]
"""

from tinygrad_edu.lab.sweep.chart import plot_sweep
from tinygrad_edu.lab.sweep.page import write_into_page
from tinygrad_edu.lab.sweep.parallel import side_by_side
from tinygrad_edu.lab.sweep.results import Sweep
from tinygrad_edu.lab.sweep.running import grid, sweep
from tinygrad_edu.lab.sweep.summary import Run, Summary

__all__ = [
    "Run", "Summary", "Sweep", "grid", "plot_sweep", "side_by_side", "sweep", "write_into_page",
]  # fmt: skip
