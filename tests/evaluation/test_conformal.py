import math
from dataclasses import replace

import numpy as np
import pytest

from dressform.core.rng import generator
from dressform.evaluation.calibration import cross_fit_temperature, with_temperature
from dressform.evaluation.conformal import (
    METHODS,
    Method,
    Raps,
    conformal_scores,
    conformal_sets,
    conformal_threshold,
    evaluate_sets,
)
from tests.evaluation.made import drawn, made


def _plain_score(
    row: list[float], label: int, uniform: float, method: Method, weight: float, free: int
) -> float:
    """As the papers write it, for one example and one class without ties."""
    if method == "lac":
        return 1 - row[label]
    likelier = [p for p in row if p > row[label]]
    penalty = weight * max(0, len(likelier) + 1 - free) if method == "raps" else 0.0
    return sum(likelier) + uniform * row[label] + penalty


@pytest.mark.parametrize("method", METHODS)
def test_scores_equal_a_plain_implementation(method: Method) -> None:
    probabilities = drawn(60, classes=5).probabilities
    scores = conformal_scores(probabilities, method, seed=3, raps=Raps(penalty=0.05, k_reg=2))
    uniforms = generator(3, "conformal").random(60)
    expected = [
        [_plain_score(row, k, uniform, method, 0.05, 2) for k in range(5)]
        for row, uniform in zip(probabilities.tolist(), uniforms.tolist(), strict=True)
    ]
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_the_penalty_defaults_to_a_tenth_beyond_one_class() -> None:
    probabilities = drawn(20, classes=4).probabilities
    ranks = (-probabilities).argsort(axis=1).argsort(axis=1)
    difference = conformal_scores(probabilities, "raps") - conformal_scores(probabilities, "aps")
    np.testing.assert_allclose(difference, 0.1 * ranks, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.2, 0.3, 0.7])
@pytest.mark.parametrize("count", [9, 19, 99, 100, 999])
def test_the_threshold_is_the_exact_order_statistic(count: int, alpha: float) -> None:
    scores = np.random.default_rng(count).random((count, 3))
    labels = np.arange(count) % 3
    true = sorted(scores[i, labels[i]] for i in range(count))
    # in whole numbers, so without rounding errors
    rank = -((-(count + 1) * round(1000 * (1 - alpha))) // 1000)
    expected = math.inf if rank > count else true[rank - 1]
    assert conformal_threshold(scores, labels, alpha) == expected


def test_too_few_examples_for_alpha_give_full_sets() -> None:
    predictions = drawn(10)
    sets, thresholds = conformal_sets(predictions, np.arange(10) % 2, "lac", 0.1)
    assert thresholds == [math.inf, math.inf]
    assert sets.all()


@pytest.mark.parametrize("method", METHODS)
def test_coverage_is_what_was_asked_for_and_hardly_more(method: Method) -> None:
    n, new, draws, alpha = 49, 50, 1_000, 0.1
    covered = []
    for seed in range(draws):
        # over-confident, which must not matter
        predictions = drawn(n + new, classes=4, seed=seed, spread=1.5, colder=2.0)
        scores = conformal_scores(predictions.probabilities, method, seed=seed)
        threshold = conformal_threshold(scores[:n], predictions.labels[:n], alpha)
        covered.append((scores[n:][np.arange(new), predictions.labels[n:]] <= threshold).mean())
    noise = 4 * float(np.std(covered)) / math.sqrt(draws)
    assert 1 - alpha - noise <= np.mean(covered) <= 1 - alpha + 1 / (n + 1) + noise


@pytest.mark.parametrize("method", METHODS)
def test_a_parts_sets_do_not_depend_on_its_labels(method: Method) -> None:
    predictions, parts = drawn(300, colder=2.0), np.arange(300) % 3
    other = replace(
        predictions, labels=np.where(parts == 1, (predictions.labels + 1) % 4, predictions.labels)
    )
    results = []
    for part_predictions in (predictions, other):
        _, temperatures = cross_fit_temperature(part_predictions, parts)
        results.append(
            conformal_sets(part_predictions, parts, method, 0.2, temperatures=temperatures)
        )
    (before, old), (after, new) = results
    assert np.array_equal(before[parts == 1], after[parts == 1])
    assert old[1] == new[1]
    assert old[0] != new[0]


def test_a_parts_threshold_is_taken_with_its_own_temperature() -> None:
    predictions, parts = drawn(300), np.arange(300) % 2
    _, thresholds = conformal_sets(predictions, parts, "lac", 0.2, temperatures=[1.5, 3.0])
    for part, temperature in enumerate((1.5, 3.0)):
        others = with_temperature(predictions, temperature).take(parts != part)
        true = np.sort(1 - others.probabilities[np.arange(150), others.labels])
        assert thresholds[part] == true[math.ceil(151 * 0.8) - 1]


def test_aps_sets_are_made_of_the_likeliest_classes() -> None:
    predictions = drawn(200, classes=6)
    sets, _ = conformal_sets(predictions, np.arange(200) % 2, "aps", 0.1)
    for row, chosen in zip(predictions.probabilities, sets, strict=True):
        assert not chosen.any() or row[chosen].min() >= row[~chosen].max(initial=0)


def test_sets_are_evaluated() -> None:
    predictions = made([0, 0, 1, 1], np.eye(3)[[0, 0, 1, 1]])
    sets = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=bool)
    result = evaluate_sets(sets, predictions, "lac", alpha=0.1, threshold=0.5)
    assert (result.coverage.value, result.coverage.n) == (0.75, 4)
    assert (result.worst_class, result.worst_coverage) == ("a", 0.5)  # class c has no examples
    assert (result.mean_size, result.empty, result.singletons) == (1.5, 0.25, 0.25)


def test_classes_that_are_surely_covered_less_are_named() -> None:
    predictions = made([0] * 40 + [1] * 40, np.eye(2)[[0] * 40 + [1] * 40])
    sets = np.ones((80, 2), dtype=bool)
    sets[:12, 0] = False  # 28 of 40: Wilson's 97.5 % interval ends at 0.834
    sets[40:46, 1] = False  # 34 of 40: at 0.929
    result = evaluate_sets(sets, predictions, "lac", alpha=0.1, threshold=0.5)
    assert result.classes_below == ("a",)
