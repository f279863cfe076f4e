"""`hard_predictions`: a class for each example, from the columns of a table."""

import logging
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import listed
from dressform.core.errors import DataError
from dressform.core.text import counted
from dressform.predictions.predictions import Predictions
from dressform.predictions.table import Table

logger = logging.getLogger(__name__)

MAX_NUMBERED = 1000
"""Hard predictions with a larger number do not count classes from 0."""
MAX_SHOWN = 10
_NUMBER = re.compile(r"\d{1,18}")


def hard_predictions(
    table: Table, ids: NDArray[np.str_], labels: Sequence[str], predicted: Sequence[str]
) -> Predictions:
    """Hard predictions from two columns of classes, by name or by number.

    Where one of both has names and the other numbers, these are positions of the names in
    alphabetical order, and it is said.

    Args:
        table: for messages.
        ids: of the examples.
        labels: N names or numbers.
        predicted: N names or numbers.

    Raises:
        DataError: the numbers cannot be those of the names, or there is one class alone.
    """
    labels, predicted = _by_name(table, labels, predicted)
    present = {*labels, *predicted}
    if set(labels).isdisjoint(predicted):
        logger.warning(
            f"{table.path}: no prediction is one of the labels: labels are "
            f"{listed(sorted(set(labels)), MAX_SHOWN)}, predictions "
            f"{listed(sorted(set(predicted)), MAX_SHOWN)}; they count as different classes"
        )
    if all(map(_NUMBER.fullmatch, present)):
        largest = max(map(int, present))
        names = tuple(str(k) for k in range(max(2, largest + 1)))
        if largest > MAX_NUMBERED:  # numbers that are names, such as those of articles
            names = tuple(sorted(present, key=lambda text: (int(text), text)))
    else:
        names = tuple(sorted(present))
    number_of = {name: number for number, name in enumerate(names)}
    try:
        return Predictions.from_classes(
            ids,
            [number_of[text] for text in labels],
            [number_of[text] for text in predicted],
            names,
        )
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None


def _by_name(
    table: Table, labels: Sequence[str], predicted: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Labels and predictions with names in both where only one has them."""
    if _are_numbers(predicted) and _are_names(labels):
        return labels, _named(table, ("predictions", predicted), ("labels", labels))
    if _are_numbers(labels) and _are_names(predicted):
        return _named(table, ("labels", labels), ("predictions", predicted)), predicted
    return labels, predicted


def _are_numbers(texts: Sequence[str]) -> bool:
    return all(map(_NUMBER.fullmatch, set(texts)))


def _are_names(texts: Sequence[str]) -> bool:
    return not any(map(_NUMBER.fullmatch, set(texts)))


def _named(
    table: Table, numbered: tuple[str, Sequence[str]], named: tuple[str, Sequence[str]]
) -> list[str]:
    """Numbers as the names that they are positions of; both come with what they are."""
    (what, texts), (others, all_names) = numbered, named
    names, numbers = sorted(set(all_names)), sorted(set(map(int, texts)))
    shown = listed(names, MAX_SHOWN)
    if len(names) < 2 or numbers[-1] >= len(names):
        allowed = f"allowed: 0 to {len(names) - 1} for these names, or" if names[1:] else "give"
        raise DataError(
            f"{table.path} has {others} {shown} ({counted(len(names), 'name')}) and {what} "
            f"{listed(list(map(str, numbers)), MAX_SHOWN)}; {allowed} the names of the classes in "
            f"both columns"
        )
    logger.warning(
        f"{table.path}: {what} 0 to {len(names) - 1} were taken as {shown}, the {others} in "
        f"alphabetical order"
    )
    return [names[int(text)] for text in texts]
