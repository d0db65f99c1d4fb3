"""Recipes: that each of them learns, repeats itself, and looks at the labels it is given."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.lab.recipes import RECIPES, one_against_all, quadratic_cost

SCORES = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_repeats_itself_and_hands_options_to_fit(name):
    pytest.importorskip("sklearn")
    from tinygrad_edu.datasets import load_digits

    data = load_digits()
    held_out = (data.x_test, data.y_test)
    runs = [
        RECIPES[name](data, epochs=2, rng=rng, validation_data=held_out, verbose=False)
        for rng in (0, np.random.default_rng(0), 1)
    ]
    losses = [history.epochs[-1]["loss"] for _, history in runs]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0] < runs[0][1].epochs[0]["loss"]
    assert "val_accuracy" in runs[0][1].epochs[-1]
    assert not runs[0][0].training
    assert runs[0][0].predict(data.x_test).shape == (len(data.y_test), 10)


def test_costs_are_what_their_formulas_say():
    labels = np.array([0, 2])
    wanted = np.eye(3)[labels]
    squares = ((SCORES - wanted) ** 2).sum() / 4
    assert quadratic_cost(SCORES, labels) == pytest.approx(squares)
    chance = 1 / (1 + np.exp(-SCORES))
    crossed = -np.where(wanted == 1, np.log(chance), np.log(1 - chance)).mean()
    assert one_against_all(SCORES, labels) == pytest.approx(crossed)


@pytest.mark.parametrize("cost", [quadratic_cost, one_against_all])
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([-1, 0], ValueError, "expected labels 0…2 for 3 classes, got -1"),
        ([0, 3], ValueError, "expected labels 0…2 for 3 classes, got 3"),
        ([0], ValueError, "one label for each row"),
        ([0.0, 1.0], TypeError, "expected integer labels"),
        ([[1, 0, 0], [0, 1, 0]], ValueError, "one label for each row"),
    ],
)
def test_labels_that_are_none_are_refused(cost, labels, error, message):
    with pytest.raises(error, match=message):
        cost(SCORES, np.array(labels))
