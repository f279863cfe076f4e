"""Labels and names of classes as callers give them."""

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.core.label_arguments import class_names_of, label_numbers


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
