"""Metrics: shares of right answers, and confusion tables."""

import numpy as np
import pytest

from tinygrad_edu.training import accuracy, confusion_table
from tinygrad_edu.training.metrics import binary_accuracy, confusion_matrix


def test_accuracy_is_the_share_of_right_answers():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [5.0, -5.0], [-2.0, -1.0]])
    assert accuracy(scores, np.array([1, 0, 1, 1])) == 0.75


def test_accuracy_needs_no_probabilities():
    scores = np.random.default_rng(0).normal(size=(50, 4))
    labels = np.arange(50) % 4
    assert accuracy(1000 * scores - 7, labels) == accuracy(scores, labels)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_binary_accuracy_is_the_share_of_logits_on_the_right_side(shape):
    logits = np.array([2.0, -1.0, 0.5, -3.0]).reshape(shape)
    target = np.array([1, 0, 0, 0]).reshape(shape)
    assert binary_accuracy(logits, target) == 0.75


def test_a_confusion_matrix_counts_every_sample_once():
    rng = np.random.default_rng(0)
    target, answers = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    matrix = confusion_matrix(target, answers, 4)
    assert matrix.sum() == 200
    assert matrix[1, 3] == np.sum((target == 1) & (answers == 3))
    np.testing.assert_array_equal(matrix.sum(axis=1), np.bincount(target, minlength=4))
    assert confusion_matrix(target, target, 5).trace() == 200


def test_a_confusion_table_has_straight_columns_whatever_the_names():
    names = ["a", "a name of some length", "c"]
    table = confusion_table(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]), names)
    lines = table.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[-3:] for line in lines[1:]] == [
        ["1", ".", "."],
        [".", ".", "1"],
        [".", ".", "2"],
    ]
