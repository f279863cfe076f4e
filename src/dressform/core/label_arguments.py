"""Labels, groups and names of classes as callers give them, checked and brought to one type."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError


def label_numbers(labels: Any) -> NDArray[np.int64]:
    """Labels, int64 [N]; a column [N, 1] is taken too.

    Raises:
        DataError: they are no whole numbers, one per example.
    """
    numbers = np.asarray(labels)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    whole = np.issubdtype(numbers.dtype, np.integer) or not numbers.size
    if numbers.ndim != 1 or not whole:
        raise DataError(
            f"labels are {numbers.dtype} {list(numbers.shape)}; allowed: whole numbers [N], one "
            f"per example"
        )
    return numbers.astype(np.int64)


def group_texts(groups: Iterable[Any]) -> NDArray[np.str_]:
    """Groups as text, str [N]; whole numbers become their digits.

    Raises:
        DataError: one is missing or of another type; a group of its own has to be named.
    """
    values = groups if isinstance(groups, np.ndarray) else list(groups)
    if isinstance(values, np.ndarray) and values.dtype.kind in "Uiu":
        return values.astype(np.str_)
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (str, int, np.integer)):
            raise DataError(
                f"groups has {value!r} ({type(value).__name__}) for example {place}; allowed: text "
                f"or whole numbers, so give an example without a group one of its own"
            )
    return np.array([str(value) for value in values], dtype=np.str_)


def class_names_of(names: Iterable[Any]) -> tuple[str, ...]:
    """Names of classes as text; whole numbers become their digits.

    Raises:
        DataError: they are no names, or two are the same.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise DataError(f"class_names is {names!r}; allowed: one name per class, in label order")
    texts = []
    for name in names:
        if isinstance(name, bool) or not isinstance(name, (str, int, np.integer)):
            raise DataError(
                f"class_names has {name!r} ({type(name).__name__}); allowed: text or whole numbers"
            )
        texts.append(str(name))
    if len(set(texts)) != len(texts):
        raise DataError(
            f"two classes have the same name ({', '.join(texts)}); give each a unique name"
        )
    return tuple(texts)
