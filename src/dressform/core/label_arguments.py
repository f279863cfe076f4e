"""Labels, ids, scores, groups and names of classes as callers give them, checked and brought to one
type.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name


def array_of(name: str, values: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """What NumPy makes an array of: lists, series, tensors.

    Args:
        name: for messages.
        values: of any shape.
        dtype: of the array; default: NumPy's choice.

    Raises:
        DataError: it makes none (of a tensor that needs gradients), or values are masked.
    """
    if np.ma.is_masked(values):
        raise DataError(
            f"there are masked values in {name}, of which nothing is known; leave those examples "
            f"out"
        )
    try:
        return np.asarray(values, dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        tensor = type(values).__module__.partition(".")[0] == "torch"
        advice = "give tensor.detach().float().cpu().numpy()" if tensor else "give a NumPy array"
        raise DataError(f"{name} cannot be read as an array ({reason}); {advice}") from None


def id_texts(ids: Any) -> NDArray[np.str_]:
    """Ids as text, str [N].

    Raises:
        DataError: they are no list.
    """
    texts = array_of("ids", ids, None if ids is None else np.str_)
    if texts.ndim != 1:
        what = "None" if ids is None else f"{type(ids).__name__} {list(texts.shape)}"
        raise DataError(f"ids is {what}; allowed: a list of texts [N], one per example")
    return texts


def scores_of(name: str, scores: Any, class_names: Sequence[str]) -> NDArray[Any]:
    """Scores of K classes as an array of floats; the columns of a data frame, which may be named
    after the classes or numbered, are brought into the order of the classes.

    Args:
        name: for messages.
        scores: numbers [N, K], or of two classes those of the second, [N] or [N, 1].
        class_names: K names.

    Raises:
        DataError: they are no numbers, or columns have other names.
    """
    array = array_of(name, scores)
    if array.dtype.kind not in "iuf":
        array = array_of(name, array, np.float64)
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    columns = getattr(scores, "columns", None)
    if columns is None or array.ndim != 2:
        return array
    texts = [class_name(str(column)) for column in columns]
    numbers = [str(k) for k in range(len(class_names))]
    for order in ([class_name(one) for one in class_names], numbers):
        if sorted(texts) == sorted(order):
            return array[:, [texts.index(text) for text in order]]
    if len(class_names) == 2 and texts in (["0"], [class_name(class_names[1])]):
        return array
    raise DataError(
        f"{name} has columns {', '.join(texts)}; allowed: the names of the classes "
        f"({', '.join(class_names)}) in any order, or 0 to {len(class_names) - 1}"
    )


def label_numbers(labels: Any) -> NDArray[np.int64]:
    """Labels, int64 [N]; a column [N, 1] is taken too.

    Raises:
        DataError: they are no whole numbers, one per example.
    """
    numbers = array_of("labels", labels)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    whole = np.issubdtype(numbers.dtype, np.integer) or not numbers.size
    if numbers.ndim != 1 or not whole:
        raise DataError(
            f"labels are {numbers.dtype} {list(numbers.shape)}; allowed: whole numbers [N], one "
            f"per example"
        )
    return numbers.astype(np.int64, copy=False)


def group_texts(groups: Iterable[Any]) -> NDArray[np.str_]:
    """Groups as text, str [N]; whole numbers become their digits.

    Raises:
        DataError: one is missing or of another type; a group of its own has to be named.
    """
    values = groups if isinstance(groups, np.ndarray) else list(groups)
    if isinstance(values, np.ndarray) and values.dtype.kind in "Uiu":
        return values.astype(np.str_, copy=False)
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (str, int, np.integer)):
            raise DataError(
                f"groups has {value!r} ({type(value).__name__}) for example {place}; allowed: text "
                f"or whole numbers, so give an example without a group one of its own"
            )
    return np.array([str(value) for value in values], dtype=np.str_)


def class_names_of(names: Iterable[Any]) -> tuple[str, ...]:
    """Names of classes as text in label order; whole numbers become their digits. A dict gives the
    name of each number from 0, or the number of each name.

    Raises:
        DataError: they are no names, have no order, or two are the same.
    """
    if isinstance(names, Mapping):
        names = _by_number(names)
    if isinstance(names, (set, frozenset)):
        raise DataError(
            "class_names is a set, which has no order; allowed: a list with one name per class, in "
            "label order"
        )
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


def _by_number(names: Mapping[Any, Any]) -> list[Any]:
    """The names of a dict in the order of their numbers."""
    for numbered in (names.items(), [(number, name) for name, number in names.items()]):
        numbers = {number: name for number, name in numbered if not isinstance(number, bool)}
        if numbers.keys() == set(range(len(names))):
            return [numbers[k] for k in range(len(names))]
    raise DataError(
        f"class_names is {dict(names)!r}; allowed: a name for each number from 0 to "
        f"{len(names) - 1}, or these numbers for names"
    )
