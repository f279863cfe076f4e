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
