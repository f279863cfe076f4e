"""Thresholds of the confidence do what they are said to do."""

from dataclasses import replace

import numpy as np
import pytest

from dressform.evaluation.selective import coverage_curve, operating_point, threshold_for
from tests.evaluation.test_ranking import made


def test_a_threshold_is_the_lowest_that_is_precise_enough() -> None:
    predictions = made(800, 4, seed=3)
    confidence = predictions.probabilities.max(axis=1)
    correct = predictions.predicted == predictions.labels
    assert correct.mean() < 0.9
    for target in (0.9, 0.95):
        threshold = threshold_for(predictions, target)
        assert threshold is not None
        assert correct[confidence >= threshold].mean() >= target
        lower = np.unique(confidence[confidence < threshold])
        assert all(correct[confidence >= one].mean() < target for one in lower)
        point = operating_point(predictions, threshold)
        assert point.coverage.value == (confidence >= threshold).mean()
        assert point.precision is not None
        assert point.precision.value == correct[confidence >= threshold].mean()
        assert point.precision.n == (confidence >= threshold).sum()
        assert point.precision.low < point.precision.value < point.precision.high
    assert threshold_for(predictions, 0.0) == confidence.min()


def test_what_cannot_be_reached_is_none() -> None:
    predictions = made(60, 3, seed=0)
    surest = predictions.probabilities.max(axis=1).argmax()
    labels = predictions.labels.copy()
    labels[surest] = (predictions.predicted[surest] + 1) % 3
    assert threshold_for(replace(predictions, labels=labels), 1.0) is None
    nothing = operating_point(predictions, 1.1)
    assert nothing.coverage.value == 0
    assert nothing.precision is None


def test_the_curve_begins_with_everything() -> None:
    predictions = made(3000, 4, seed=2)
    curve = coverage_curve(predictions, limit=40)
    assert 20 <= len(curve) <= 40
    assert curve[0].coverage.value == 1
    assert curve[0].precision is not None
    accuracy = (predictions.predicted == predictions.labels).mean()
    assert curve[0].precision.value == pytest.approx(accuracy)
    thresholds = [point.threshold for point in curve]
    assert thresholds == sorted(thresholds)
    for point in curve:
        assert point == operating_point(predictions, point.threshold)


def test_groups_widen_the_intervals() -> None:
    predictions = made(400, 3, seed=1)
    grouped = replace(predictions, groups=(predictions.labels * 10).astype(str))
    alone, together = (operating_point(one, 0.6).coverage for one in (predictions, grouped))
    assert together.value == alone.value
    assert together.high - together.low > alone.high - alone.low
