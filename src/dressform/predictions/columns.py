"""`predictions_of`: which columns of a table are ids, labels and scores, and the predictions."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name, is_number
from dressform.predictions.predictions import Predictions, ScoreKind, predictions_from_scores
from dressform.predictions.probabilities import find_invalid_probabilities, rounding_tolerance
from dressform.predictions.table import EXPECTED, Table

logger = logging.getLogger(__name__)

LABELS = ("label", "true_label", "y_true", "true", "target", "actual", "ground_truth", "class")
PREDICTED = ("prediction", "predicted", "predicted_label", "predicted_class", "y_pred", "pred")
IDS = ("id", "image_id", "image", "filename", "file_name", "file", "path")
_PREFIX = re.compile(r"(?:p|prob|proba|probability|probabilities)[_.:\- ]+", re.IGNORECASE)
_LOGIT_PREFIX = re.compile(r"logits?[_.:\- ]+", re.IGNORECASE)
MAX_SHOWN = 10
MAX_NUMBERED = 1000
"""Hard predictions with a larger number do not count classes from 0."""


@dataclass(frozen=True)
class _Classes:
    """The columns with a score for each class.

    Attributes:
        columns: K names of columns, in class order.
        class_names: K names.
        kind: of the scores.
        by_position: whether labels are positions of the columns, not names of theirs.
    """

    columns: tuple[str, ...]
    class_names: tuple[str, ...]
    kind: ScoreKind
    by_position: bool


def predictions_of(table: Table) -> Predictions:
    """Predictions from the columns of a table.

    Raises:
        DataError: columns are missing or contradict each other, or they hold no predictions.
    """
    label = table.find(*LABELS)
    if label is None:
        raise _unexpected(table)
    if not len(table):
        raise DataError(f"{table.path} has a header but no rows; give one row per example")
    predicted = table.find(*PREDICTED)
    labels = [class_name(text) for text in _label_texts(table, label)]
    ids_column = table.find("id") or _alias_of_id(table, {label, predicted}, set(labels))
    classes = _classes(table, labels, {label, predicted, ids_column})
    table.refuse_duplicates([n for n in (label, ids_column, predicted) if n is not None])
    ids = _ids(table, ids_column)
    if classes is not None:
        numbers = _label_numbers(table, labels, classes.class_names, classes.by_position)
        scores = np.stack([table.numbers(name) for name in classes.columns], axis=1)
        return predictions_from_scores(
            table.path,
            classes.kind,
            ids=ids,
            labels=numbers,
            scores=scores,
            class_names=classes.class_names,
        )
    if predicted is None:
        raise _unexpected(table)
    return _hard(table, ids, labels, [class_name(text) for text in _label_texts(table, predicted)])


def _unexpected(table: Table) -> DataError:
    scores = [n for n in table.columns if re.fullmatch(r"(p|logit)\d+", n)]
    if len(scores) == 1 and table.find(*LABELS) is not None:
        return DataError(
            f"{table.path} has only one class column ({scores[0]}); give one per class, both for a "
            f"binary model"
        )
    advice = " in its first line" if table.names and all(map(is_number, table.names)) else ""
    return DataError(f"{table.path} has columns {table.listed}; expected {EXPECTED}{advice}")


def _label_texts(table: Table, column: str) -> list[str]:
    """Cells of a column of classes; numbers that are whole, such as ``9.0``, as their digits.

    Raises:
        DataError: a cell is empty, or all are numbers and one is not whole.
    """
    if not table.is_numeric(column):
        return table.texts(column)
    numbers = table.numbers(column)
    invalid = np.flatnonzero(~(np.abs(numbers) < 2**53) | (numbers != np.floor(numbers)))
    if len(invalid):
        row = int(invalid[0])
        raise DataError(
            f"{table.path} {table.location(row)} has {column} {numbers[row]:g}; allowed: whole "
            f"numbers from 0, or names of classes"
        )
    return [str(int(number)) for number in numbers.tolist()]


def _alias_of_id(table: Table, others: set[str | None], labels: set[str]) -> str | None:
    """A column of another name with a different text in each row, which serves as the id."""
    name = table.find(*IDS)
    if name is None or name in others or class_name(name) in labels or table.names.count(name) > 1:
        return None
    cells = table.columns[name]
    return name if len({str(cell) for cell in cells}) == len(table) else None


def _ids(table: Table, column: str | None) -> NDArray[np.str_]:
    if column is None:
        return np.array([f"{i:05d}" for i in range(len(table))], dtype=np.str_)
    table.require_values(column)
    cells = table.columns[column]
    ids = np.array(
        table.texts(column) if isinstance(cells, np.ndarray) else list(cells), dtype=np.str_
    )
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) != len(ids):
        duplicate = unique[counts > 1][0]
        first, second = (table.location(int(row)) for row in np.flatnonzero(ids == duplicate)[:2])
        raise DataError(
            f"{table.path}: ids are not unique ({str(duplicate)!r} in {first} and {second}); give "
            f"each example its own id"
        )
    return ids


def _classes(table: Table, labels: list[str], others: set[str | None]) -> _Classes | None:
    """The score columns; None if there are none."""
    numbered = _numbered_columns(table)
    if numbered is not None:
        kind, columns = numbered
        return _numbered_classes(table, kind, columns, labels)
    rest = [name for name in table.columns if name not in others and table.is_numeric(name)]
    return _named_classes(table, rest, labels, hard=any(n in others for n in PREDICTED))


def _numbered_columns(table: Table) -> tuple[ScoreKind, tuple[str, ...]] | None:
    """The columns ``p0``, ``p1``, … or ``logit0``, …, in class order; None if there are none.

    Raises:
        DataError: there are both kinds, a gap, or a duplicate.
    """
    found = {
        kind: [n for n in table.columns if re.fullmatch(rf"{kind}(0|[1-9]\d*)", n)]
        for kind in ("p", "logit")
    }
    if found["p"] and found["logit"]:
        raise DataError(
            f"{table.path} has both {found['p'][0]} and {found['logit'][0]}; give probabilities or "
            f"logits, not both"
        )
    kind = "p" if found["p"] else "logit"
    columns = sorted(found[kind], key=lambda name: int(name.removeprefix(kind)))
    table.refuse_duplicates(columns)
    gap = next((k for k, name in enumerate(columns) if name != f"{kind}{k}"), None)
    if gap is not None:
        raise DataError(
            f"{table.path} has {columns[gap]} but no {kind}{gap}; give one column per class, from "
            f"{kind}0 without gaps"
        )
    if len(columns) < 2:
        return None
    return ("probabilities" if kind == "p" else "logits"), tuple(columns)


def _numbered_classes(
    table: Table, kind: ScoreKind, columns: tuple[str, ...], labels: list[str]
) -> _Classes:
    """Classes of numbered columns: numbers, or the names that occur as labels."""
    if all(re.fullmatch(r"-?\d+", text) for text in labels):
        return _Classes(columns, tuple(str(k) for k in range(len(columns))), kind, True)
    names = sorted(set(labels))
    if len(names) != len(columns):
        raise DataError(
            f"{table.path} has labels {_listed(names)} ({len(names)} "
            f"class{'es' * (len(names) != 1)}) but the "
            f"{len(columns)} class columns {columns[0]} to {columns[-1]}; name these columns after "
            f"their classes"
        )
    logger.warning(
        f"{table.path}: {columns[0]} to {columns[-1]} were taken as {_listed(names)}, the labels "
        f"in alphabetical order"
    )
    return _Classes(columns, tuple(names), kind, False)


def _named_classes(
    table: Table, columns: list[str], labels: list[str], *, hard: bool
) -> _Classes | None:
    """Columns that are named after classes.

    Args:
        table: that they are columns of.
        columns: those with numbers that have no other meaning.
        labels: of all examples.
        hard: whether there are hard predictions, too; then numbers beside them may mean anything.

    Raises:
        DataError: some labels have a column and others have none.
    """
    present = set(labels)
    class_of = {column: class_name(column) for column in columns}
    logits = False
    if not present & set(class_of.values()):
        for pattern in (_PREFIX, _LOGIT_PREFIX):
            stripped = {
                c: class_name(pattern.sub("", c, count=1)) for c in columns if pattern.match(c)
            }
            if present & set(stripped.values()):
                class_of, logits = stripped, pattern is _LOGIT_PREFIX
                break
        else:
            return None if hard else _positional_classes(table, columns, labels)
    missing = sorted(present - set(class_of.values()))
    if missing:
        raise DataError(
            f"{table.path} has label {missing[0]} without a column of that name; class columns: "
            f"{_listed(list(class_of.values()))}"
        )
    candidates = list(class_of)
    labelled = [column for column in candidates if class_of[column] in present]
    chosen = next(
        (some for some in (candidates, labelled) if len(some) > 1 and _sum_to_1(table, some)),
        None,
    )
    if chosen is None:  # logits; or no probabilities, which is refused with the reason
        if not logits and len(labelled) < len(candidates):
            more = [column for column in candidates if column not in labelled]
            raise DataError(
                f"{table.path} has columns of labels ({_listed(labelled)}) whose numbers are no "
                f"probabilities, and further columns of numbers ({_listed(more)}), which may be "
                f"classes without an example; name the columns of all classes logit_{labelled[0]}, "
                f"… if they are logits, or take the further ones away"
            )
        chosen = candidates
        values = np.stack([table.numbers(name) for name in chosen], axis=1)
        logits = logits or bool(np.nanmin(values) < 0)
        if not logits and np.abs(values.sum(axis=1) - 100).max() < 1:
            raise DataError(
                f"{table.path} has percentages, which add up to 100; divide them by 100"
            )
    table.refuse_duplicates(chosen)
    if len(chosen) < 2:
        return None
    ignored = [column for column in candidates if column not in chosen]
    if ignored:
        logger.warning(
            f"{table.path}: classes are {_listed([class_of[c] for c in chosen])}; other columns "
            f"were ignored: {_listed(ignored)}"
        )
    names = tuple(class_of[column] for column in chosen)
    return _Classes(tuple(chosen), names, "logits" if logits else "probabilities", False)


def _positional_classes(table: Table, columns: list[str], labels: list[str]) -> _Classes | None:
    """Named columns of probabilities whose labels are numbers: positions of the columns."""
    numbers = all(re.fullmatch(r"\d+", text) and int(text) < len(columns) for text in labels)
    if not numbers or len(columns) < 2 or not _sum_to_1(table, columns):
        return None
    names = tuple(class_name(column) for column in columns)
    logger.warning(
        f"{table.path}: labels 0 to {len(names) - 1} were taken as {_listed(list(names))}, the "
        f"order of the columns"
    )
    return _Classes(tuple(columns), names, "probabilities", True)


def _sum_to_1(table: Table, columns: Sequence[str]) -> bool:
    values = np.stack([table.numbers(name) for name in columns], axis=1)
    return find_invalid_probabilities(values, rounding_tolerance(values)) is None


def _label_numbers(
    table: Table, labels: list[str], names: tuple[str, ...], by_position: bool
) -> NDArray[np.int64]:
    if by_position:
        return np.array([int(text) for text in labels], dtype=np.int64)
    number_of = {name: number for number, name in enumerate(names)}
    return np.array([number_of[text] for text in labels], dtype=np.int64)


def _hard(
    table: Table, ids: NDArray[np.str_], labels: list[str], predicted: list[str]
) -> Predictions:
    present = {*labels, *predicted}
    if all(re.fullmatch(r"\d{1,18}", text) for text in present):
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


def _listed(names: Sequence[str]) -> str:
    more = f", … ({len(names)} in all)" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
