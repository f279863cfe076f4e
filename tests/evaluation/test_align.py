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
        match=r"50 of 50 ids of one are not in two \(such as test/00000\), and 50 of 50 ids of two",
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
        match=r"10 of 50 ids of one are not in two \(such as test/00040\); compare predictions",
    ):
        align(drawn(50), drawn(50).take(np.arange(40)), NAMES)


def test_other_labels_are_refused() -> None:
    predictions = drawn(50)
    labels = predictions.labels.copy()
    labels[[7, 9]] = (labels[[7, 9]] + 1) % 4
    with pytest.raises(
        DataError,
        match=rf"2 of 50 labels differ: example test/00007 is "
        rf"{predictions.class_names[predictions.labels[7]]} in one but",
    ):
        align(predictions, replace(predictions, labels=labels), NAMES)


def test_other_classes_are_refused_but_numbers_stand_for_names() -> None:
    predictions = made([0, 1], np.eye(2), class_names=("cat", "dog"))
    numbered = made([0, 1], np.eye(2), class_names=("0", "1"))
    assert align(predictions, numbered, NAMES)[1].class_names == ("0", "1")
    other = made([0, 1], np.eye(2), class_names=("cat", "emu"))
    with pytest.raises(
        DataError,
        match="one has class dog, which two lacks, and two has emu, which one lacks; compare",
    ):
        align(predictions, other, NAMES)
    with pytest.raises(
        DataError, match="one has 2 classes and two has 3; compare models with the same classes"
    ):
        align(predictions, made([0, 1], np.eye(3)[:2]), NAMES)


@pytest.mark.parametrize(
    ("ids", "others", "example"),
    [
        (["7", "8", "12"], ["00008", "00012", "00007"], "12 and 00012"),
        (["test/007", "test/008", "test/012"], ["8.0", "12.0", "7.0"], "012 and 12.0"),
        (["0", "1", "2"], ["1", "2", "00"], "0 and 00"),
    ],
)
def test_ids_that_are_the_same_number_are_joined_and_it_is_said(
    ids: list[str], others: list[str], example: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = made([0, 1, 1], np.eye(3, 2), ids=ids)
    second = made([1, 1, 0], np.eye(3, 2)[[1, 2, 0]], ids=others)
    _, two = align(first, second, NAMES)
    assert two.labels.tolist() == [0, 1, 1]
    assert caplog.messages == [f"ids were matched by number: {example} are the same example"]


def test_ambiguous_numbers_and_texts_are_not_joined(caplog: pytest.LogCaptureFixture) -> None:
    for ids, others in ((["1", "01"], ["1", "2"]), (["1", "x"], ["01", "x"])):
        with pytest.raises(DataError, match="1 of 2 ids of one are not in two"):
            align(made([0, 1], np.eye(2), ids=ids), made([0, 1], np.eye(2), ids=others), NAMES)
    assert not caplog.messages
    align(made([0, 1], np.eye(2)), made([0, 1], np.eye(2)), NAMES)
    assert not caplog.messages


def test_classes_are_joined_by_name() -> None:
    first = made([0, 1, 2], 2 * np.eye(3), class_names=("cat", "dog", "emu"))
    second = made([1, 2, 0], 3 * np.eye(3)[[1, 2, 0]], class_names=("emu", "cat", "dog"))
    _, two = align(first, second, NAMES)
    assert two.class_names == first.class_names
    assert two.labels.tolist() == [0, 1, 2]
    assert two.logits.tolist() == (3 * np.eye(3)).tolist()


def test_numbers_in_another_order_are_names() -> None:
    first = made([0, 1], 2 * np.eye(2), class_names=("0", "1"))
    second = made([1, 0], 3 * np.eye(2)[[1, 0]], class_names=("1", "0"))
    _, two = align(first, second, NAMES)
    assert two.labels.tolist() == [0, 1]
    assert two.logits.tolist() == (3 * np.eye(2)).tolist()


def test_hard_predictions_may_lack_classes_that_do_not_occur() -> None:
    first = made([2, 0], np.eye(3)[[2, 0]], class_names=("cat", "dog", "emu"))
    hard = Predictions.from_classes(first.ids, [1, 0], [0, 0], ("cat", "emu"))
    for pair in ((first, hard), (hard, first)):
        aligned = align(*pair, NAMES)
        assert [p.labels.tolist() for p in aligned] == [[2, 0], [2, 0]]
        assert {p.class_names for p in aligned} == {first.class_names}


def test_ids_that_differ_in_unicodes_form_are_joined() -> None:
    first = replace(drawn(3), ids=np.array(["fot\u00f6/1", "fot\u00f6/2", "a"]))
    second = replace(drawn(3), ids=np.array(["foto\u0308/1", "foto\u0308/2", "a"]))
    one, two = align(first, second, NAMES)
    assert one.ids.tolist() == two.ids.tolist()
