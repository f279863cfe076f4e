"""Predictions of what other programs hold in memory: lists, data frames, dicts of names."""

from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.predictions import Predictions
from tests.predictions.frames import Frame

IDS, LABELS, NAMES = ["p", "q"], [0, 1], ("coat", "dress")
SCORES = [[0.9, 0.1], [0.2, 0.8]]


def test_lists_are_taken() -> None:
    made = Predictions(IDS, LABELS, SCORES, NAMES, groups=["g", "h"])
    assert (made.ids.dtype.kind, made.labels.dtype, made.logits.dtype.kind) == ("U", np.int64, "f")
    assert made.predicted.tolist() == LABELS
    assert made.take(np.array([1])).groups == ["h"]


def test_columns_of_a_frame_go_by_their_names() -> None:
    frame = Frame(SCORES, NAMES).turned(1, 0)
    for made in (
        Predictions.from_probabilities(IDS, LABELS, frame, NAMES),
        Predictions(IDS, LABELS, frame, NAMES),
    ):
        assert made.predicted.tolist() == LABELS


def test_names_and_their_numbers() -> None:
    names = {"dress": 1, "coat": 0}
    made = Predictions.from_probabilities(IDS, LABELS, np.array(SCORES), names)
    assert made.class_names == NAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": None}, "ids is None"),
        ({"labels": np.ma.masked_equal(LABELS, 0)}, "masked values in labels"),
        ({"probabilities": np.ma.masked_less(SCORES, 0.2)}, "masked values in probabilities"),
        ({"probabilities": [[0.5, 0.5], [1.0]]}, "probabilities cannot be read as an array"),
        ({"class_names": set(NAMES)}, "class_names is a set"),
    ],
)
def test_the_reason_of_a_refusal(change: dict[str, object], message: str) -> None:
    values = {"ids": IDS, "labels": LABELS, "probabilities": SCORES, "class_names": NAMES} | change
    with pytest.raises(DataError, match=message):
        Predictions.from_probabilities(**values)


def test_an_npz_file_may_have_names_for_labels(tmp_path: Path) -> None:
    names, labels = ["coat", "dress", "shoe"], np.array([0, 1, 2, 2, 1])
    probabilities = np.full((5, 3), 0.1)
    probabilities[np.arange(5), labels] = 0.8
    path = tmp_path / "named.npz"
    for texts in (np.array(names)[labels], np.char.encode(np.array(names)[labels])):
        np.savez(path, labels=texts, probabilities=probabilities, class_names=names)
        assert np.array_equal(Predictions.load(path).labels, labels)
        np.savez(path, labels=texts, predicted=texts, class_names=names)
        hard = Predictions.load(path)
        assert np.array_equal(hard.labels, labels)
        assert np.array_equal(hard.predicted, labels)
    other = np.array(["coat", "hat", "shoe", "shoe", "dress"])
    np.savez(path, labels=other, probabilities=probabilities, class_names=names)
    with pytest.raises(DataError, match=r"labels 'hat'; allowed: one of class_names \(coat, dress"):
        Predictions.load(path)
