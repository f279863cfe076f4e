"""What callers give: taken where it means the same, refused by name where it does not."""

import numpy as np
import pytest

from dressform.core.arguments import whole_number
from dressform.core.errors import ConfigError, DataError
from dressform.core.labels import class_names_of, label_numbers


@pytest.mark.parametrize("value", [5, np.int64(5), np.uint8(5)])
def test_whole_numbers_become_python_ones(value: object) -> None:
    number = whole_number("seed", value, least=0)
    assert number == 5
    assert type(number) is int


@pytest.mark.parametrize("value", [5.0, True, "5", None, np.float32(5), [5]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"seed is .* \(\w+\); allowed: a whole number, 0 or mo"):
        whole_number("seed", value, least=0)


@pytest.mark.parametrize("value", [1, 101])
def test_range(value: int) -> None:
    with pytest.raises(ConfigError, match=f"folds is {value}; allowed: 2 to 100"):
        whole_number("folds", value, least=2, most=100)


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
