from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics

from dressform.core.errors import DataError
from dressform.evaluation.evaluate import describe, estimate, evaluate
from dressform.evaluation.intervals import Estimate, student, wilson
from dressform.evaluation.metrics import METRICS, Scores
from dressform.predictions import Predictions, softmax
from tests.evaluation.made import drawn, guessed, made


def _predictions(count: int = 50, classes: int = 4, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, classes)).astype(np.float32)
    ids = np.array([f"e{i}" for i in range(count)])
    return Predictions(ids, random.integers(0, classes, count), logits, tuple("abcdefgh"[:classes]))


def test_the_report_says_its_temperature() -> None:
    predictions = _predictions()
    assert "temperature" not in evaluate(predictions, resamples=20).report()
    scaled = evaluate(replace(predictions, temperature=0.8), resamples=20)
    assert scaled.report().endswith("\nprobabilities with temperature 0.80\n")
    assert scaled.to_json()["temperature"] == 0.8
    known = replace(scaled, temperature_fitted_on="validation")
    assert known.scaling == "probabilities with temperature 0.80, fitted on validation"


def test_the_report_says_what_the_numbers_are() -> None:
    predictions = _predictions()
    evaluation = evaluate(predictions, resamples=50)
    text = evaluation.report()
    reference = sklearn.metrics.classification_report(
        predictions.labels, predictions.predicted, output_dict=True
    )
    assert f"{100 * reference['macro avg']['f1-score']:.2f}" in text
    assert f"{100 * reference['weighted avg']['precision']:.2f}" in text
    assert "\nwith 95 % intervals, n = 50:\naccuracy " in text
    assert ", Wilson score)\n" in text
    assert max(map(len, text.splitlines())) <= 80
    for metric in METRICS.values():
        assert f"\n{metric.title} " in text
    document = evaluation.to_json()
    assert document["accuracy"] == pytest.approx(reference["accuracy"])
    assert set(document) == {
        "accuracy",
        "low",
        "high",
        "method",
        "n",
        "temperature",
        "temperature_fitted_on",
        "estimates",
        "per_class",
        "confusion",
    }
    assert list(document["estimates"]) == list(METRICS)
    assert document["estimates"]["accuracy"] == evaluation.accuracy.to_json()
    for row, score, label in zip(document["per_class"], evaluation.per_class, "abcd", strict=True):
        assert set(row) == {"label", "precision", "recall", "f1", "support", "intervals"}
        assert row["intervals"] == {
            name: [getattr(score, name).low, getattr(score, name).high]
            for name in ("precision", "recall", "f1")
        }
        for ours, theirs in (
            ("precision", "precision"),
            ("recall", "recall"),
            ("f1", "f1-score"),
            ("support", "support"),
        ):
            assert row[ours] == pytest.approx(reference[str("abcd".index(label))][theirs])


def test_every_score_has_the_interval_that_suits_it() -> None:
    predictions = drawn(400)
    evaluation, scores = evaluate(predictions, resamples=200), Scores(predictions)
    for name, metric in METRICS.items():
        assert evaluation.estimates[name].value == pytest.approx(
            metric.value(scores, None), abs=1e-12
        )
        assert evaluation.estimates[name] == estimate(metric, predictions, resamples=200)
        assert evaluation.estimates[name].n == 400
    assert evaluation.accuracy == wilson(int(scores.correct.sum()), 400)
    assert evaluation.estimates["top2"] == wilson(int((scores.rank < 2).sum()), 400)
    assert evaluation.estimates["nll"] == student(scores.nll)
    assert evaluation.estimates["brier"] == student(scores.brier)
    assert (
        evaluation.estimates["macro_f1"].method
        == evaluation.estimates["balanced_accuracy"].method
        == "bootstrap, percentile, 95 %"
    )
    assert evaluation.estimates["ece"].method == "test inversion, parametric bootstrap, 95 %"
    first = evaluation.per_class[0]
    assert evaluation.confusion is not None
    assert first.recall == wilson(int(evaluation.confusion[0, 0]), first.support)
    assert first.precision.n == int(evaluation.confusion[:, 0].sum())


def test_a_class_without_examples_has_intervals_that_know_nothing() -> None:
    row = evaluate(made([0, 0, 1], 9 * np.eye(3)[[0, 1, 1]]), resamples=20).per_class[2]
    for evaluation in (row.precision, row.recall, row.f1):
        assert (evaluation.value, evaluation.low, evaluation.high, evaluation.n) == (0, 0, 1, 0)
    assert row.support == 0


def test_one_example_is_judged() -> None:
    document = evaluate(made([1], [[0.0, 3.0]]), resamples=20).to_json()
    assert document["accuracy"] == 1
    nothing = {
        name: (evaluation["low"], evaluation["high"])
        for name, evaluation in document["estimates"].items()
    }
    assert nothing["nll"] == (0, None)
    assert nothing["brier"] == (0, 2)
    assert nothing["balanced_accuracy"] == nothing["macro_f1"] == nothing["accuracy"]


def test_a_perfect_class_still_has_an_interval_of_f1() -> None:
    row = evaluate(guessed(60, 60), resamples=20).per_class[0]
    assert (row.f1.value, row.f1.high) == (1, 1)
    assert 0.8 < row.f1.low < 1


def test_estimates_in_words() -> None:
    assert (
        describe(Estimate(0.934, 0.929, 0.9387, "m", 10)) == "93.40 % (92.90 to 93.87, m, n = 10)"
    )
    assert (
        describe(Estimate(0.182, 0.175, 0.189, "m", 10), METRICS["nll"])
        == "0.1820 (0.1750 to 0.1890, m, n = 10)"
    )


def test_predictions_are_saved_and_loaded_unchanged(tmp_path: Path) -> None:
    first = _predictions()
    first.save(tmp_path / "p.npz")
    second = Predictions.load(tmp_path / "p.npz")
    assert np.array_equal(first.logits, second.logits)
    assert np.array_equal(first.ids, second.ids)
    assert first.class_names == second.class_names


def test_probabilities_from_elsewhere_keep_their_argmax(tmp_path: Path) -> None:
    first = _predictions()
    np.savez(tmp_path / "p.npz", labels=first.labels, probabilities=first.probabilities)
    second = Predictions.load(tmp_path / "p.npz")
    np.testing.assert_allclose(second.probabilities, first.probabilities, atol=1e-6)
    made = Predictions.from_probabilities(
        list(first.ids), first.labels.tolist(), first.probabilities, first.class_names
    )
    assert np.array_equal(made.predicted, first.predicted)


def test_softmax_of_huge_logits_is_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": np.zeros((50, 3), np.float32)}, r"logits \[50, 3\] for 4 classes"),
        ({"logits": np.full((50, 4), np.nan, np.float32)}, "logits of example e0 are not finite"),
        ({"labels": np.full(50, 4)}, "labels go from 4 to 4; allowed: 0 to 3"),
        ({"ids": np.array(["same"] * 50)}, "ids are not unique"),
    ],
)
def test_what_are_no_predictions_is_refused(change: dict[str, object], message: str) -> None:
    good = _predictions()
    values = {
        "ids": good.ids,
        "labels": good.labels,
        "logits": good.logits,
        "class_names": good.class_names,
    } | change
    with pytest.raises(DataError, match=message):
        Predictions(**values)


def test_files_that_are_no_predictions_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(
        DataError, match=r"has arrays x; predictions need labels and logits \(or probabilities, or"
    ):
        Predictions.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", labels=np.zeros(3), logits=np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"labels float64 \[3\].*expected whole numbers"):
        Predictions.load(tmp_path / "b.npz")


def test_labels_as_keras_has_them(tmp_path: Path) -> None:
    good = _predictions()
    np.savez(tmp_path / "p.npz", labels=good.labels[:, None], logits=good.logits)
    assert np.array_equal(Predictions.load(tmp_path / "p.npz").labels, good.labels)
    np.savez(tmp_path / "q.npz", labels=np.int64(3), logits=good.logits)
    with pytest.raises(DataError, match=r"has labels int64 \[\] and scores float32 \[50, 4\]"):
        Predictions.load(tmp_path / "q.npz")


def test_nothing_wrong_among_few_examples_is_no_certainty() -> None:
    estimates = evaluate(guessed(20, 20), resamples=50).estimates
    for name in ("balanced_accuracy", "macro_f1"):
        assert (estimates[name].low, estimates[name].high) == (estimates["accuracy"].low, 1)
        assert estimates[name].method == "Wilson score, 95 %, of the accuracy"
