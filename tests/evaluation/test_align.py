from dataclasses import replace

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.evaluation.align import align, with_common_ids
from dressform.predictions import Predictions
from tests.evaluation.made import drawn, made

NAMES = ("one", "two")


def _renamed(predictions: Predictions, prefix: str) -> Predictions:
    return replace(
        predictions,
        ids=np.array([prefix + text.rpartition("/")[2] for text in predictions.ids.tolist()]),
    )


def test_examples_are_joined_by_id_in_any_order() -> None:
    first, second = drawn(200), replace(drawn(200), logits=drawn(200).logits + 1)
    order = np.random.default_rng(0).permutation(200)
    one, two = align(first, second.take(order), NAMES)
    assert one is first
    assert np.array_equal(two.ids, first.ids)
    assert np.array_equal(two.logits, second.logits)


@pytest.mark.parametrize("prefixes", [("test/", ""), ("", "test/"), ("a/test/", "")])
def test_ids_without_the_splits_name_join_those_with_it(prefixes: tuple[str, str]) -> None:
    first, second = (_renamed(drawn(50), prefix) for prefix in prefixes)
    one, two = align(first, second.take(np.arange(50)[::-1]), NAMES)
    assert np.array_equal(one.ids, two.ids)
    assert one.ids[42] == "00042"
    assert np.array_equal(one.logits, two.logits)


def test_ids_of_two_splits_are_not_joined() -> None:
    with pytest.raises(
        DataError,
        match=r"50 of 50 ids of one are not in two \(such as test/00000\), and 50 of 50 vice versa",
    ):
        align(drawn(50), _renamed(drawn(50), "train/"), NAMES)


def test_a_split_is_dropped_only_where_the_other_side_names_none() -> None:
    first, second = drawn(5), _renamed(drawn(5), "val/")
    assert with_common_ids(first, second) == (first, second)
    mixed = replace(first, ids=np.array(["train/0", "train/1", "test/2", "test/3", "test/4"]))
    assert with_common_ids(mixed, _renamed(first, ""))[0].ids.tolist() == mixed.ids.tolist()


def test_other_examples_are_refused() -> None:
    with pytest.raises(
        DataError,
        match=r"10 of 50 ids of one are not in two \(such as test/00040\), and 0 of 40 vice versa",
    ):
        align(drawn(50), drawn(50).take(np.arange(40)), NAMES)


def test_other_labels_are_refused() -> None:
    predictions = drawn(50)
    labels = predictions.labels.copy()
    labels[[7, 9]] = (labels[[7, 9]] + 1) % 4
    with pytest.raises(
        DataError,
        match=rf"2 of 50 labels differ: example test/00007 is class {predictions.labels[7]} in "
        rf"one but",
    ):
        align(predictions, replace(predictions, labels=labels), NAMES)


def test_other_classes_are_refused_but_numbers_stand_for_names() -> None:
    predictions = made([0, 1], np.eye(2), class_names=("cat", "dog"))
    numbered = made([0, 1], np.eye(2), class_names=("0", "1"))
    assert align(predictions, numbered, NAMES)[1].class_names == ("0", "1")
    swapped = made([0, 1], np.eye(2), class_names=("dog", "cat"))
    with pytest.raises(
        DataError,
        match="class 0 is cat in one but dog in two; compare models with the same classes in the "
        "same order",
    ):
        align(predictions, swapped, NAMES)
    with pytest.raises(
        DataError, match="one has 2 classes and two has 3; compare models with the same classes"
    ):
        align(predictions, made([0, 1], np.eye(3)[:2]), NAMES)
