import numpy as np
import pytest

from dressform.evaluation.calibration_error import ece_distribution
from dressform.evaluation.metrics import Scores, ece
from dressform.predictions import softmax
from tests.evaluation.made import chance, drawn, guessed, made


def _true_ece(colder: float) -> float:
    """Of the models that :func:`drawn` makes, by the chance of each example instead of its
    label.
    """
    logits = np.random.default_rng(99).normal(scale=6.0, size=(400_000, 4))
    right, said = softmax(logits).max(axis=1), softmax(colder * logits).max(axis=1)
    return float(
        np.abs(np.bincount((said * 15 - 1e-12).astype(int), right - said)).sum() / len(logits)
    )


@pytest.mark.parametrize("colder", [1.0, 1.2, 2.0])
def test_the_interval_covers_the_true_ece_of_calibrated_and_over_confident_models(
    colder: float,
) -> None:
    truth, draws, covered, seen = _true_ece(colder) if colder > 1 else 0.0, 200, 0, []
    for seed in range(draws):
        scores = Scores(drawn(500, seed=seed, spread=6.0, colder=colder))
        distribution = ece_distribution(scores, resamples=99, seed=seed).interval()
        covered += distribution.low <= truth <= distribution.high
        seen.append(distribution.value)
    assert covered / draws >= chance(0.95, draws)[0]
    assert np.mean(seen) > truth, (
        "the plain estimate is too high, which is why it needs this interval"
    )


def test_the_distribution_ascends_and_holds_the_estimate() -> None:
    scores = Scores(drawn(1_000, colder=2.0))
    distribution = ece_distribution(scores, resamples=200)
    assert (np.diff(distribution.candidates) >= 0).all()
    assert (np.diff(distribution.cdf) >= 0).all()
    assert distribution.cdf[0] < 0.025
    assert distribution.cdf[-1] > 0.975
    assert distribution.value == ece(scores)
    assert (
        distribution.interval(0.5).high - distribution.interval(0.5).low
        < distribution.interval(0.95).high - distribution.interval(0.95).low
    )


def test_draws_agree_with_the_interval() -> None:
    distribution = ece_distribution(Scores(drawn(1_000, colder=2.0)), resamples=200)
    draws, ends = distribution.draw(20_000, 1), distribution.interval(0.9)
    assert np.quantile(draws, [0.05, 0.95]) == pytest.approx([ends.low, ends.high], abs=0.002)


def test_a_model_that_was_never_wrong_may_still_be_too_sure() -> None:
    logits = np.tile([12.0, 0.0], (1_000, 1))
    distribution = ece_distribution(Scores(made(np.zeros(1_000), logits))).interval()
    assert distribution.low == 0
    # the rule of three says 0.003 of errors may have stayed unseen
    assert 0.002 < distribution.high < 0.006


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_examples_says_almost_nothing(count: int) -> None:
    distribution = ece_distribution(
        Scores(made(np.zeros(count), np.tile([5.0, 0.0], (count, 1)))), resamples=200
    ).interval()
    assert 0 <= distribution.low <= 0.01
    assert 0.3 < distribution.high <= 1


def test_certain_of_everything_and_always_right_may_be_too_sure() -> None:
    """A confidence of exactly 1 leaves a gap of exactly 0."""
    for sure in (30.0, 50.0):
        interval = ece_distribution(Scores(guessed(20, 20, sure=sure))).interval()
        assert interval.value == pytest.approx(0, abs=1e-9)
        assert 0.05 < interval.high < 0.3
