"""Suspect labels, on predictions whose wrong labels we planted."""

import numpy as np
import pytest

from dressform.exploration.label_issues import find_label_issues
from dressform.predictions import Predictions


def planted(n: int, wrong: float, seed: int) -> tuple[Predictions, np.ndarray]:
    """Predictions of a model that is right and rather sure, with a share of labels flipped
    afterwards.
    """
    random = np.random.default_rng(seed)
    true = random.integers(0, 5, n)
    logits = random.normal(0, 1, (n, 5))
    logits[np.arange(n), true] += 6
    flipped = random.random(n) < wrong
    labels = np.where(flipped, (true + random.integers(1, 5, n)) % 5, true)
    ids = np.array([f"{i:05d}" for i in range(n)])
    return Predictions(ids, labels, logits.astype(np.float32), tuple("abcde")), flipped


@pytest.mark.parametrize("wrong", [0.02, 0.1])
def test_planted_errors_are_found(wrong: float) -> None:
    predictions, flipped = planted(5000, wrong, seed=1)
    issues = find_label_issues(predictions)
    assert issues.suspect[flipped].mean() > 0.85
    assert flipped[issues.suspect].mean() > 0.9
    assert (issues.suggested[issues.suspect] != predictions.labels[issues.suspect]).all()


def test_as_many_as_are_contradicted_surely_those_that_are_believed_least() -> None:
    """Class b is usually given 0.8, class a 0.9. Two labels are contradicted with that much; the
    third is contradicted less surely, but its label is believed less than the second's.
    """
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],
            [0.9, 0.1, 0.0],
            [0.1, 0.8, 0.1],
            [0.1, 0.8, 0.1],
            [0.0, 0.0, 1.0],
            [0.02, 0.98, 0.0],
            [0.18, 0.82, 0.0],
            [0.05, 0.5, 0.45],
        ]
    )
    labels = [0, 0, 1, 1, 2, 0, 0, 0]
    ids = [str(i) for i in range(8)]
    usual = np.array(
        [probabilities[[i for i in range(8) if labels[i] == c], c].mean() for c in range(3)]
    )
    assert probabilities[5, 1] >= usual[1]
    assert probabilities[6, 1] >= usual[1]
    assert probabilities[7, 1] < usual[1]
    issues = find_label_issues(
        Predictions.from_probabilities(ids, labels, probabilities.clip(1e-9), ["a", "b", "c"])
    )
    assert np.flatnonzero(issues.suspect).tolist() == [5, 7]


def test_worst_come_first() -> None:
    predictions, _ = planted(500, 0.1, seed=2)
    issues = find_label_issues(predictions)
    order = issues.worst_first()
    assert len(order) == issues.suspect.sum() > 10
    assert (np.diff(issues.quality[order]) >= 0).all()


def test_joint_by_hand() -> None:
    # Class a is usually given 0.8, class b 0.7: the third example is a by its label, yet b as
    # surely as b's own.
    probabilities = np.array(
        [[0.9, 0.1], [0.95, 0.05], [0.55, 0.45], [0.25, 0.75], [0.2, 0.8], [0.45, 0.55], [0.2, 0.8]]
    )
    labels = [0, 0, 0, 1, 1, 1, 0]
    issues = find_label_issues(
        Predictions.from_probabilities(
            [str(i) for i in range(7)], labels, probabilities, ["a", "b"]
        )
    )
    assert issues.suspect.tolist() == [False] * 6 + [True]
    assert issues.confident_joint.tolist() == [[2, 1], [0, 2]]


def test_a_class_without_examples_accuses_no_one() -> None:
    probabilities = np.array(
        [[0.1, 0.1, 0.8], [0.9, 0.05, 0.05], [0.1, 0.85, 0.05], [0.1, 0.85, 0.05]]
    )
    issues = find_label_issues(
        Predictions.from_probabilities(list("wxyz"), [0, 0, 1, 1], probabilities, ["a", "b", "c"])
    )
    assert not issues.suspect.any()
