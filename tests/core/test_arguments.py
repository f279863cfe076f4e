"""What callers give: taken where it means the same, refused by name where it does not."""

import numpy as np
import pytest

from dressform.core.arguments import whole_number
from dressform.core.errors import ConfigError


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
