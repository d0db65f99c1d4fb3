"""Spoiled files: each reader takes them or refuses them in the words that it promises, and never falls over.

The same few hundred every time. Five minutes a reader, guided by coverage: see `with_atheris.py`.
"""

import numpy as np
import pytest

from .readers import attempt, readers, spoil

pytest.importorskip("safetensors")
pytest.importorskip("PIL")
pytest.importorskip("scipy")

READERS = readers()


@pytest.mark.parametrize("name", READERS)
def test_good_files_are_read(name, tmp_path):
    for content in READERS[name].seeds:
        if name != "architecture":  # whose numbers are those of another
            assert attempt(READERS[name], content, tmp_path / "good")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_spoiled_files_are_refused_in_words(name, seed, tmp_path):
    rng, taken = np.random.default_rng(seed), 0
    count = 20_000 if seed else 200
    for _ in range(count):
        content = spoil(READERS[name].seeds[rng.integers(len(READERS[name].seeds))], rng)
        taken += attempt(READERS[name], content, tmp_path / "spoiled")
    assert taken < count  # else nothing was spoiled
