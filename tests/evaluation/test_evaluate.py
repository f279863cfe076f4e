from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from dressform.core.errors import DataError
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import confusion_matrix, precision_recall_f1
from dressform.predictions import Predictions, softmax


def _predictions(count: int = 50, classes: int = 4, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, classes)).astype(np.float32)
    ids = np.array([f"e{i}" for i in range(count)])
    return Predictions(ids, random.integers(0, classes, count), logits, tuple("abcdefgh"[:classes]))


@given(st.integers(0, 2**32), st.integers(2, 8), st.integers(1, 200))
@settings(deadline=None)
def test_scores_equal_scikit_learns(seed: int, classes: int, count: int) -> None:
    random = np.random.default_rng(seed)
    labels, predicted = random.integers(0, classes, count), random.integers(0, classes, count)
    confusion = confusion_matrix(labels, predicted, classes)
    names = list(range(classes))
    assert np.array_equal(confusion, sklearn.metrics.confusion_matrix(labels, predicted, labels=names))
    expected = sklearn.metrics.precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    np.testing.assert_allclose(precision_recall_f1(confusion), expected[:3], rtol=1e-12)


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipys(n: int, share: float, confidence: float) -> None:
    successes = round(n * share)
    found = wilson(successes, n, confidence)
    expected = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_wilson_covers_as_often_as_it_says() -> None:
    truth, n = 0.93, 1_000
    ends = {k: wilson(k, n) for k in range(n + 1)}
    draws = np.random.default_rng(0).binomial(n, truth, 10_000)
    covered = np.mean([ends[k].low <= truth <= ends[k].high for k in draws])
    assert covered == pytest.approx(0.95, abs=0.01)


def test_wilson_refuses_nonsense() -> None:
    for arguments in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="need 0 <= successes"):
            wilson(*arguments)


def test_the_report_says_what_the_numbers_are() -> None:
    predictions = _predictions()
    evaluation = evaluate(predictions)
    text = evaluation.report()
    reference = sklearn.metrics.classification_report(predictions.labels, predictions.predicted, output_dict=True)
    assert f"{reference['macro avg']['f1-score']:.4f}" in text
    assert f"{reference['weighted avg']['precision']:.4f}" in text
    assert "Wilson score, 95%, n = 50" in text
    document = evaluation.to_json()
    assert document["accuracy"] == pytest.approx(reference["accuracy"])
    assert set(document) >= {"accuracy", "low", "high", "per_class", "confusion"}
    assert set(document["per_class"][0]) == {"label", "precision", "recall", "f1", "support"}


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
    made = Predictions.from_probabilities(list(first.ids), first.labels.tolist(), first.probabilities, first.class_names)
    assert np.array_equal(made.predicted, first.predicted)


def test_softmax_of_huge_logits_is_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": np.zeros((50, 3), np.float32)}, r"logits \[50, 3\] for 4 classes"),
        ({"logits": np.full((50, 4), np.nan, np.float32)}, "logits of example e0 are not finite"),
        ({"labels": np.full(50, 4)}, "labels go from 4 to 4; allowed: 0 to 3"),
        ({"ids": np.array(["same"] * 50)}, "some ids stand for two examples"),
    ],
)
def test_what_are_no_predictions_is_refused(change: dict[str, object], message: str) -> None:
    good = _predictions()
    values = {"ids": good.ids, "labels": good.labels, "logits": good.logits, "class_names": good.class_names} | change
    with pytest.raises(DataError, match=message):
        Predictions(**values)


def test_files_that_are_no_predictions_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(DataError, match=r"has arrays x; predictions need labels and logits \(or probabilities\)"):
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
