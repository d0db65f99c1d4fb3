"""The package under Python's strictest settings, and without its docstrings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Imports every module, then takes a few steps of training.
PROGRAM = """
import importlib, pkgutil
import numpy as np
import tinygrad_edu as tg

for module in pkgutil.walk_packages(tg.__path__, "tinygrad_edu."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
rng = np.random.default_rng(0)
x, y = rng.random((64, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, 64)
model = tg.Sequential(tg.Conv2D(1, 4, 3), tg.ReLU(), tg.Flatten(), tg.Dense(144, 3), rng=0)
optimizer = tg.Adam(model.parameters(), lr=0.01)
history = model.fit(
    x, y, loss=tg.softmax_cross_entropy, optimizer=optimizer, epochs=3, rng=0, verbose=False
)
model.save("model.safetensors")
assert_equal = np.testing.assert_array_equal
assert_equal(tg.Sequential.load("model.safetensors").predict(x), model.predict(x))
tg.check_gradients(lambda v: (v * v).sum().tanh(), rng.random(3))
print(history.epochs[-1]["loss"] < history.epochs[0]["loss"])
"""


@pytest.mark.parametrize("options", ["-W error", "-W error -X dev", "-W error -OO"])
def test_all_modules_are_imported_and_a_network_learns(options, tmp_path):
    pytest.importorskip("safetensors")
    done = subprocess.run(
        [sys.executable, *options.split(), "-c", PROGRAM],
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
