"""The arrays of an NPZ file of predictions, checked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.predictions.probabilities import SUM_TOLERANCE, softmax


def temperature_of(path: Path, arrays: dict[str, NDArray[Any]]) -> float:
    """The temperature of an NPZ file's logits; 1 without one.

    Raises:
        DataError: it is no number above 0, or there are no logits.
    """
    if "temperature" not in arrays:
        return 1.0
    value = arrays["temperature"]
    if value.size != 1 or value.dtype.kind not in "fiu" or not 0 < float(value.item()) < np.inf:
        raise DataError(
            f"{path} has temperature {value.dtype} {value.ravel()[:3].tolist()}; allowed: one "
            f"number above 0"
        )
    if "logits" not in arrays:
        raise DataError(f"{path} has a temperature but no logits, which alone it applies to")
    return float(value.item())


def texts_of(path: Path, name: str, array: NDArray[Any]) -> NDArray[np.str_]:
    """An array as texts: of bytes in UTF-8, or of whole numbers, too.

    Raises:
        DataError: it has another type.
    """
    try:
        if array.dtype.kind == "S":
            return np.char.decode(np.ravel(array), "utf-8")
        if array.dtype.kind in "Uiu":
            return np.ravel(array).astype(np.str_)
    except UnicodeDecodeError:
        pass
    raise DataError(
        f"{path} has {name} of type {array.dtype}; allowed: text (UTF-8) or whole numbers"
    )


def label_positions(path: Path, name: str, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Labels [N] as numbers: names are looked up in ``class_names``, numbers stay as they are.

    Raises:
        DataError: a name is none of them.
    """
    labels = arrays[name]
    if labels.dtype.kind not in "US" or "class_names" not in arrays:
        return labels
    names = texts_of(path, "class_names", arrays["class_names"]).tolist()
    places = {one: place for place, one in enumerate(names)}
    texts = texts_of(path, name, labels).tolist()
    unknown = next((text for text in texts if text not in places), None)
    if unknown is not None:
        raise DataError(
            f"{path} has {name} {unknown!r}; allowed: one of class_names ({', '.join(names[:10])}"
            f"{', …' if len(names) > 10 else ''}), or its position"
        )
    return np.array([places[text] for text in texts])


def check_agreement(path: Path, logits: NDArray[Any], probabilities: NDArray[Any]) -> None:
    """Refuse probabilities that are not the softmax of the logits beside them.

    Raises:
        DataError: they are not.
    """
    comparable = probabilities.shape == logits.shape and probabilities.dtype.kind in "fiu"
    if not comparable or not np.allclose(
        softmax(logits), probabilities, atol=SUM_TOLERANCE, equal_nan=True
    ):
        raise DataError(
            f"{path} has logits and probabilities that contradict each other; leave one of them out"
        )
