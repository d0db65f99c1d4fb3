"""A sweep on a cluster of Dask: one changed line, and the same results to the last bit.

The cluster is two workers on this computer, in a program of its own: Dask leaves threads and loops behind,
which are no business of the other tests.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs pip install 'tinygrad_edu[cluster]'")
pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
import joblib
import numpy as np
from dask.distributed import Client, LocalCluster
from tinygrad_edu import Adam, Dense, Dropout, History, ReLU, Sequential, softmax_cross_entropy
from tinygrad_edu.datasets import load_digits
from tinygrad_edu.lab.sweep import grid, sweep


def run(x, y, x_val, y_val, lr, seed):
    model = Sequential(Dense(64, 16), ReLU(), Dropout(0.2), Dense(16, 10), rng=seed)
    return model.fit(
        x, y, validation_data=(x_val, y_val), loss=softmax_cross_entropy, epochs=2, rng=seed,
        optimizer=Adam(model.parameters(), lr=lr), verbose=False,
    )


def where(x, i, seed):
    history = History()
    history.append({"process": os.getpid(), "is_whole": float(x.sum() == len(x))})
    return history


def wrong(seed):
    raise ValueError("this setting makes no sense")


def curves(results):
    for run in results.runs:
        for logs in run.history.epochs:
            del logs["seconds"]
    return [(run.setting, run.seed, run.diverged, run.history.epochs) for run in results.runs]


if __name__ == "__main__":
    digits = load_digits()
    data = digits.x_train[:], digits.y_train, digits.x_test[:], digits.y_test
    settings = grid(lr=[0.001, 0.01, 1e45])
    here = sweep(run, settings, *data, seeds=2, jobs=1, verbose=False)
    local = sweep(run, settings, *data, seeds=2, jobs=2, verbose=False)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster), joblib.parallel_config(backend="dask"):
            there = sweep(run, settings, *data, seeds=2, verbose=False)
            large = np.ones(30_000_000, np.uint8)  # Dask warns if that is sent with every run
            places = sweep(where, grid(i=range(8)), large, verbose=False)
            try:
                sweep(wrong, [{}], verbose=False)
            except ValueError as error:
                print(error, *error.__notes__, sep="; ")
    alone = curves(here)
    print("here and in two processes:", alone == curves(local))
    print("here and on the cluster:", alone == curves(there))
    print("diverged:", sum(run.diverged for run in there.runs))
    seen = [run.history.epochs[0] for run in places.runs]
    print("elsewhere:", os.getpid() not in {logs["process"] for logs in seen})
    print("array is whole:", all(logs["is_whole"] for logs in seen))
"""


def test_a_sweep_on_a_cluster_gives_the_same_to_the_last_bit(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"], cwd=tmp_path, capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "this setting makes no sense; in the run with seed 0"
    assert lines[1:] == [
        "here and in two processes: True",
        "here and on the cluster: True",
        "diverged: 2",
        "elsewhere: True",
        "array is whole: True",
    ]
