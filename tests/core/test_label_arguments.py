"""Labels and names of classes as callers give them."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from dressform.core.errors import DataError
from dressform.core.label_arguments import class_names_of, id_texts, label_numbers, scores_of
from tests.predictions.frames import Frame


def test_labels() -> None:
    assert label_numbers([[0], [2]]).tolist() == [0, 2]
    assert label_numbers(np.array([3, 1], np.uint8)).dtype == np.int64
    for wrong in ([0.9, 1.9], [True, False], ["a", "b"], [[0, 1], [1, 0]]):
        with pytest.raises(DataError, match="labels are .*; allowed: whole numbers"):
            label_numbers(wrong)


def test_class_names() -> None:
    assert class_names_of(range(3)) == ("0", "1", "2")
    assert class_names_of(np.array(["a", "b"])) == ("a", "b")
    for wrong in ("abc", None, [1.5, 2.5], [True, False], [("a",), "b"]):
        with pytest.raises(DataError, match="class_names"):
            class_names_of(wrong)
    with pytest.raises(DataError, match="two classes have the same name"):
        class_names_of(["a", 1, "1"])


@pytest.mark.parametrize("names", [{"b": 1, "a": 0, "c": 2}, {2: "c", 0: "a", np.int64(1): "b"}])
def test_a_dict_of_names_goes_by_its_numbers(names: dict[object, object]) -> None:
    assert class_names_of(names) == ("a", "b", "c")


@pytest.mark.parametrize("names", [{"a": 0, "b": 2}, {1: "a", 2: "b"}, {"a": "b"}, {"a": True}])
def test_a_dict_without_all_numbers_is_refused(names: dict[object, object]) -> None:
    with pytest.raises(
        DataError, match=r"class_names is \{.*allowed: a name for each number from 0"
    ):
        class_names_of(names)


def test_names_without_an_order_are_refused() -> None:
    with pytest.raises(DataError, match="class_names is a set, which has no order"):
        class_names_of({"a", "b"})


SCORES = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]


@pytest.mark.parametrize("columns", [["a", "b", "c"], range(3), ["0", "1", "2"]])
def test_columns_of_a_frame_go_by_their_names(columns: Sequence[object]) -> None:
    frame = Frame(SCORES, columns)
    assert scores_of("probabilities", frame, ("a", "b", "c")).tolist() == SCORES
    turned = frame.turned(2, 0, 1)
    assert scores_of("probabilities", turned, ("a", "b", "c")).tolist() == SCORES


def test_columns_of_other_names_are_refused() -> None:
    frame = Frame(SCORES, ["a", "b", "d"])
    with pytest.raises(DataError, match=r"logits has columns a, b, d; allowed: .*\(a, b, c\)"):
        scores_of("logits", frame, ("a", "b", "c"))
    first = Frame([[0.2], [0.9]], ["a"])
    with pytest.raises(DataError, match="has columns a; allowed"):
        scores_of("probabilities", first, ("a", "b"))
    second = Frame([[0.2], [0.9]], ["b"])
    assert scores_of("probabilities", second, ("a", "b")).shape == (2, 1)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (torch.ones(2, 3, requires_grad=True), r"requires grad.*; give tensor\.detach\(\)"),
        (torch.ones(2, 3, dtype=torch.bfloat16), r"BFloat16\); give tensor\.detach\(\)\.float"),
        ([[0.5, 0.5], [1.0]], "cannot be read as an array"),
        ([["x", "y"]], "cannot be read as an array"),
        (np.ma.masked_less(SCORES, 0.2), "masked values in logits"),
    ],
)
def test_what_is_no_array_is_refused(scores: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scores_of("logits", scores, ("a", "b", "c"))


def test_masked_labels_and_no_ids_are_refused() -> None:
    with pytest.raises(DataError, match="masked values in labels"):
        label_numbers(np.ma.masked_equal([0, 1], 0))
    for wrong, shown in ((None, "None"), ("ab", r"str \[\]"), ([["a"]], r"list \[1, 1\]")):
        with pytest.raises(DataError, match=f"ids is {shown}; allowed: a list of texts"):
            id_texts(wrong)
    assert id_texts(range(2)).tolist() == ["0", "1"]
