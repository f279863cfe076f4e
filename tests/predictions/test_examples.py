"""Predictions are joined with their images, however the data were divided since."""

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.exploration.doctor import examine
from dressform.exploration.label_issues import find_label_issues
from dressform.exploration.out_of_sample import OutOfSample
from dressform.predictions import Predictions
from dressform.predictions.class_names import labels_by_name
from dressform.predictions.examples import examples_of

NAMES = ("mug", "shirt")


def _dataset(ids: list[str], names: tuple[str, ...] = NAMES) -> Dataset:
    """Noise whose label is the id's last digit."""
    numbers = np.array([int(id_[-1]) for id_ in ids])
    noise = np.random.default_rng(numbers.tolist()).integers(0, 255, (len(ids), 8, 8, 1))
    images = noise.astype(np.uint8)
    images[:, 0, 0, 0] = numbers
    return Dataset.from_arrays(images, numbers % 2, ids=ids, class_names=names)


def _data() -> DatasetSplits:
    return DatasetSplits(
        "ph",
        _dataset(["a0", "a1", "a2", "a3"]),
        _dataset(["b4", "b5"]),
        _dataset(["c6", "c7", "c8"]),
    )


def _predictions(
    ids: list[str], names: tuple[str, ...] = NAMES, wrong: tuple[int, ...] = ()
) -> Predictions:
    """Right but for some; labels follow the ids, by name if names are those of the data."""
    labels = np.array([int(id_[-1]) % 2 for id_ in ids])
    if set(names) == set(NAMES):
        labels = np.array([names.index(NAMES[label]) for label in labels])
    shown = labels.copy()
    shown[list(wrong)] = 1 - shown[list(wrong)]
    logits = np.where(np.arange(2) == shown[:, None], 3, 0).astype(np.float32)
    return Predictions(np.array(ids), labels, logits, names)


@pytest.mark.parametrize("split", ["test", "train"])
def test_examples_of_several_splits_are_joined(split: str) -> None:
    ids = ["c7", "a0", "b5", "a3", "c6"]
    examples = examples_of(_predictions(ids), _data(), split)
    assert examples.ids.tolist() == ids
    assert examples.images[:, 0, 0, 0].tolist() == [7, 0, 5, 3, 6]
    assert examples.labels.tolist() == [1, 0, 1, 1, 0]
    assert examples.groups is None


def test_one_split_that_has_all_of_them_goes_first() -> None:
    data = DatasetSplits("ph", _dataset(["a0", "x2"]), None, _dataset(["a0", "c6"]))
    assert examples_of(_predictions(["c6", "a0"]), data, "test").ids.tolist() == ["c6", "a0"]
    with pytest.raises(
        DataError, match="examples: they are in test, not in train; give the data that was pre"
    ):
        examples_of(_predictions(["c6", "a0"]), data, "train")
    with pytest.raises(
        DataError, match="in several splits of ph, and 'a0' is in train and test; give predictions"
    ):
        examples_of(_predictions(["c6", "a0", "x2"]), data, "test")


@pytest.mark.parametrize("split", ["test", "train"])
def test_ids_and_labels_that_differ_are_shown(split: str) -> None:
    with pytest.raises(
        DataError,
        match="1 of 2 predicted ids is in no split of ph: its ids are such as 'a0', those of the "
        "predictions such as 'ph/a1'; give the data that was predicted, or predictions with its",
    ):
        examples_of(_predictions(["a0", "ph/a1"]), _data(), split)
    for ids in (["c6", "c7"], ["a0", "c7"]):
        wrong = _predictions(ids)
        wrong.labels[1] = 0
        with pytest.raises(
            DataError,
            match="ph lacks the predicted examples: example 'c7' has label mug in the predictions "
            "and shirt in the data; give the data that was predicted",
        ):
            examples_of(wrong, _data(), split)


def test_classes_in_another_order_are_joined_by_name() -> None:
    predictions = _predictions(["c7", "c8"], ("shirt", "mug"))
    assert predictions.labels.tolist() == [0, 1]
    examples = examples_of(predictions, _data(), "test")
    assert (examples.class_names, examples.labels.tolist()) == (("shirt", "mug"), [0, 1])
    numbered = examples_of(_predictions(["c7", "c8"], ("0", "1")), _data(), "test")
    assert (numbered.class_names, numbered.labels.tolist()) == (NAMES, [1, 0])


def test_the_doctor_examines_predictions_of_all_splits() -> None:
    ids = ["c6", "a0", "b4", "a1", "a2", "a3", "b5", "c7", "c8"]
    predictions = _predictions(ids, ("shirt", "mug"), wrong=(1, 7))
    diagnosis = examine(_data(), [OutOfSample("all.csv", predictions)])
    assert [(one.name, one.split, one.all.n) for one in diagnosis.reevaluated] == [
        ("all.csv", "train", 4),
        ("all.csv", "validation", 2),
        ("all.csv", "test", 3),
    ]
    assert [one.all.value for one in diagnosis.reevaluated] == [0.75, 1, 2 / 3]
    labels = [one for one in diagnosis.review.findings if one.kind == "label"]
    suspect = find_label_issues(predictions).suspect
    assert {one.id for one in labels} == {ids[row] for row in np.flatnonzero(suspect)}
    assert {(one.id, one.split, one.label, one.suggested) for one in labels} <= {
        ("a0", "train", "mug", "shirt"),
        ("c7", "test", "shirt", "mug"),
    }
    assert labels
    assert sum(diagnosis.counts[f"suspect labels in {split}"] for split, _ in _data()) == len(
        labels
    )


def test_the_doctor_says_which_ids_do_not_match() -> None:
    with pytest.raises(
        DataError, match="all.csv: 2 of 2 predicted ids are in no split of ph: its ids are such as"
    ):
        examine(_data(), [OutOfSample("all.csv", _predictions(["x0", "x1"]))])


@pytest.mark.parametrize("ids", [["\u00f67", "\u00f68"], ["a0", "\u00f67"]])
def test_ids_that_differ_in_unicodes_form_are_joined(ids: list[str]) -> None:
    data = DatasetSplits("ph", _dataset(["a0", "a1"]), None, _dataset(["o\u03087", "o\u03088"]))
    examples = examples_of(_predictions(ids), data, "test")
    assert [int(id_[-1]) for id_ in examples.ids.tolist()] == [int(id_[-1]) for id_ in ids]


def test_classes_without_images_are_told_with_what_they_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    labels_by_name(np.array([0]), ("mug",), NAMES, data="photos", model="fast")
    assert "no images of shirt" in caplog.text
    assert "macro F1 and macro recall count such a class as 0" in caplog.text
