"""Ways: many paths, kept as a count, a sum and the largest few."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinygrad_edu.support import Ways, magnitude


def test_what_is_kept_is_what_a_list_of_all_paths_would_tell() -> None:
    factors = np.random.default_rng(0).normal(size=(5, 3)).tolist()
    here = Ways.begin(1.0, most=7)
    for stage, row in enumerate(factors):
        branches = [
            here.along((stage, i), lambda product, factor=factor: product * factor)
            for i, factor in enumerate(row)
        ]
        here = branches[0] + branches[1] + branches[2]
    every = {
        way: np.prod([factors[stage][i] for stage, i in enumerate(way)])
        for way in itertools.product(range(3), repeat=5)
    }
    largest = sorted(every.values(), key=abs, reverse=True)[:7]
    assert here.count == len(every)
    assert here.total == pytest.approx(sum(every.values()))
    assert [way.product for way in here.largest] == pytest.approx(largest)
    for way in here.largest:
        assert way.product == pytest.approx(every[tuple(i for _, i in way.steps())])


def test_a_step_that_is_taken_several_times_doubles_the_paths() -> None:
    here = Ways.begin(1.0, most=2)
    for name in "abc":
        here = here.along(name, lambda product: 2.0 * product, uses=2)
    assert here.count == 8
    assert [(way.count, way.product, way.steps()) for way in here.largest] == [
        (8, 8.0, ("a", "b", "c"))
    ]


def test_no_path_at_all_changes_nothing() -> None:
    some = Ways.begin(3.0, most=2)
    assert some + Ways(2) == some == Ways(2) + some
    assert (Ways(2) + Ways(2)).count == 0


def test_arrays_are_as_large_as_all_their_numbers_together() -> None:
    few, many = Ways.begin(np.array([3.0, 0.0]), 1), Ways.begin(np.array([-2.0, 2.0]), 1)
    both = few + many
    np.testing.assert_array_equal(both.total, [1.0, 2.0])
    assert magnitude(both.largest[0].product) == 4.0
