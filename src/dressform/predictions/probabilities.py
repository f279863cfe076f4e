"""Class probabilities: softmax, and checks of probabilities that other programs computed."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError

logger = logging.getLogger(__name__)

SUM_TOLERANCE = 1e-3
"""Tolerance for the sum of an example's probabilities; float16 and four printed digits are within
it.
"""


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Class probabilities, float64, which add up to 1 along the last axis."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


MAX_DIGITS = 4
"""Probabilities with more decimal digits add up to 1 within ``SUM_TOLERANCE``, however many there
are.
"""
MAX_TOLERANCE = 0.1


def decimal_digits(values: NDArray[np.floating]) -> int | None:
    """The decimal digits that all values were rounded to, 0 to ``MAX_DIGITS``; None if more."""
    numbers = np.asarray(values, dtype=np.float64)
    if not (np.abs(numbers) <= 2).all():  # no probabilities, whose error follows
        return None
    for digits in range(MAX_DIGITS + 1):
        if np.all(np.abs(np.round(numbers, digits) - numbers) < 1e-7):
            return digits
    return None


def rounding_tolerance(probabilities: NDArray[np.floating]) -> float:
    """How far from 1 rows of rounded probabilities [N, K] may add up to.

    Each of K numbers with d decimal digits is wrong by at most 0.5 · 10^-d, so their sum is by K/2
    · 10^-d; at most ``MAX_TOLERANCE`` and at least ``SUM_TOLERANCE``. Two or more digits are
    needed: what 0.5 and 0.4 leave out may be anything.
    """
    digits = decimal_digits(probabilities)
    if digits is None or digits < 2:
        return SUM_TOLERANCE
    rounding: float = np.shape(probabilities)[1] / 2 * 10.0**-digits + 1e-9
    return max(SUM_TOLERANCE, min(rounding, MAX_TOLERANCE))


def find_invalid_probabilities(
    probabilities: NDArray[np.floating], tolerance: float = SUM_TOLERANCE
) -> tuple[int, str] | None:
    """The first row of [N, K] that is not a probability distribution, and why; None if all are.

    Values must be in 0..1 (up to rounding of 1e-6), and each row must add up to 1 within the
    tolerance.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    finite = np.all(np.isfinite(values), axis=1)
    in_range = np.all((values >= -1e-6) & (values <= 1 + 1e-6), axis=1)
    totals = np.where(finite[:, None], values, 0).sum(axis=1)
    invalid = np.flatnonzero(~(finite & in_range & (np.abs(totals - 1) <= tolerance)))
    if not len(invalid):
        return None
    row = int(invalid[0])
    if not finite[row]:
        return row, "are not finite; allowed: 0 to 1, so fix the program that computed them"
    if not in_range[row]:
        low, high = values[row].min(), values[row].max()
        return (
            row,
            f"range from {low:.6g} to {high:.6g}; allowed: 0 to 1, so apply softmax or give logits",
        )
    return (
        row,
        f"add up to {totals[row]:.6g}; allowed: 1 within {tolerance:.4g}, so apply softmax or "
        f"give logits",
    )


def preserve_argmax(scores: NDArray[np.floating], top: NDArray[np.int64]) -> None:
    """Raise the scores [N, K] of the classes ``top`` [N] by one bit, in place, where rounding
    produced a tie.
    """
    rows = np.flatnonzero(scores.argmax(axis=1) != top)
    scores[rows, top[rows]] = np.nextafter(scores[rows].max(axis=1), np.array(np.inf, scores.dtype))


def is_single(scores: NDArray[np.generic]) -> bool:
    """Whether scores are one per example, [N] or [N, 1], as of binary models with one output."""
    return scores.ndim == 1 or (scores.ndim == 2 and scores.shape[1] == 1)


def both_probabilities(
    single: NDArray[np.floating],
    ids: NDArray[np.str_],
    class_names: Sequence[str],
    source: str = "",
) -> NDArray[np.float64]:
    """Probabilities of both classes [N, 2] from those of the second [N] or [N, 1], with a note.

    Args:
        single: of the second class.
        ids: of the examples, for messages.
        class_names: of both classes.
        source: begins the note.

    Raises:
        DataError: there are more classes, or a value is not in 0..1.
    """
    if len(class_names) != 2:
        raise DataError(
            f"probabilities are {list(single.shape)}, one per example, for {len(class_names)} "
            f"classes; give one per class"
        )
    second = np.asarray(single, np.float64).reshape(-1)
    invalid = np.flatnonzero(~((second >= -1e-6) & (second <= 1 + 1e-6)))
    if len(invalid):
        row = int(invalid[0])
        raise DataError(
            f"the probability of example {ids[row]} is {second[row]:.6g}; allowed: 0 to 1, so "
            f"apply a sigmoid, or give the logits [0, z]"
        )
    first_name, second_name = class_names
    logger.warning(
        f"{source}one probability per example was taken as that of class {second_name}, the second "
        f"of {first_name}, {second_name}"
    )
    return np.stack([1 - second, second], axis=1)
