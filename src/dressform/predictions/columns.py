"""`predictions_of`: which columns of a table are ids, labels and scores, and the predictions."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name, counted, is_number
from dressform.predictions.hard_predictions import hard_predictions
from dressform.predictions.predictions import Predictions, ScoreKind, predictions_from_scores
from dressform.predictions.probabilities import find_invalid_probabilities, rounding_tolerance
from dressform.predictions.table import EXPECTED, Table

logger = logging.getLogger(__name__)

LABELS = ("label", "true_label", "y_true", "true", "target", "actual", "ground_truth", "class")
PREDICTED = ("prediction", "predicted", "predicted_label", "predicted_class", "y_pred", "pred")
IDS = ("id", "image_id", "image", "filename", "file_name", "file", "path")
_PLAIN = re.compile("")
_PREFIX = re.compile(r"(?:p|prob|proba|probability|probabilities)[_.:\- ]+", re.IGNORECASE)
_LOGIT_PREFIX = re.compile(r"logits?[_.:\- ]+", re.IGNORECASE)
MAX_SHOWN = 10


@dataclass(frozen=True)
class _Classes:
    """The columns with a score for each class.

    Attributes:
        columns: K names of columns, in class order; or ``p1`` alone, for two classes.
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
        others = (label, ids_column)
        _refuse_nearly_numeric(table, [name for name in table.columns if name not in others])
        raise _unexpected(table, labels, others)
    predicted_names = [class_name(text) for text in _label_texts(table, predicted)]
    return hard_predictions(table, ids, labels, predicted_names)


def _refuse_nearly_numeric(table: Table, columns: list[str]) -> None:
    """Refuse columns that would be scores but for empty cells or percent signs, by their cell.

    Raises:
        DataError: there are such columns, and two or more that would be scores.
    """
    nearly = [name for name in columns if table.filled_numbers(name)]
    if nearly and len(nearly) + sum(map(table.is_numeric, columns)) > 1:
        table.numbers(nearly[0])


def _unexpected(
    table: Table, labels: Sequence[str] = (), others: Sequence[str | None] = ()
) -> DataError:
    """Why a table has no predictions.

    Args:
        table: that has none.
        labels: of its examples, where it has a column of them.
        others: columns that are no scores.
    """
    classes = [n for n in table.columns if n not in others and table.is_numeric(n)]
    if labels and len(classes) > 1 and _sum_to_1(table, classes):
        names, last = sorted(set(labels)), len(classes) - 1
        if all(re.fullmatch(r"\d+", text) for text in names):
            low, high = (f(int(text) for text in names) for f in (min, max))
            return DataError(
                f"{table.path} has labels {low} to {high}; allowed: 0 to {last} for the columns "
                f"{_listed(classes)}, so number labels from 0, or give the names of their columns"
            )
        return DataError(
            f"{table.path} has label {names[0]} without a column of that name; columns: "
            f"{_listed(classes)}; write both in the same way"
        )
    scores = [n for n in table.columns if re.fullmatch(r"(p|logit)\d+", n)]
    if len(scores) == 1 and table.find(*LABELS) is not None:
        return DataError(
            f"{table.path} has only one class column ({scores[0]}); give one per class, both for a "
            f"binary model or p1 alone, the probability of the second class"
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
    rest = [name for name in table.columns if name not in others]
    return _named_classes(table, rest, labels, hard=any(n in others for n in PREDICTED))


def _numbered_columns(table: Table) -> tuple[ScoreKind, tuple[str, ...]] | None:
    """The columns ``p0``, ``p1``, … or ``logit0``, …, in class order, or ``p1`` alone; None if
    there are none.

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
    if columns == ["p1"]:
        return "probabilities", ("p1",)
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
    binary = len(columns) == 1  # p1 alone, the probability of the second of two classes
    count = 2 if binary else len(columns)
    if all(re.fullmatch(r"-?\d+", text) for text in labels):
        return _Classes(columns, tuple(str(k) for k in range(count)), kind, True)
    names = sorted(set(labels))
    if len(names) != count:
        raise DataError(
            f"{table.path} has labels {_listed(names)} "
            f"({counted(len(names), 'class', 'classes')}) but the "
            + (
                "class column p1 alone, which tells two apart; give a column per class"
                if binary
                else f"{count} class columns {columns[0]} to {columns[-1]}; name these columns "
                f"after their classes"
            )
        )
    if binary:  # the note on p1 names both
        return _Classes(columns, tuple(names), kind, False)
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
        columns: those that have no other meaning.
        labels: of all examples.
        hard: whether there are hard predictions, too; then numbers beside them may mean anything.

    Raises:
        DataError: some labels have a column and others have none, or a cell is no number.
    """
    present = set(labels)
    texts = [column for column in columns if not table.is_numeric(column)]
    columns = [column for column in columns if column not in texts]
    pattern = _pattern_of(columns, present) or _pattern_of(texts, present)
    if pattern is not None:
        for column, name in _class_of(texts, pattern).items():
            if name in present and (not hard or table.filled_numbers(column)):
                table.numbers(column)  # which names the cell
    class_of = {} if pattern is None else _class_of(columns, pattern)
    if not present & set(class_of.values()):
        return None if hard else _positional_classes(table, columns, labels)
    logits = pattern is _LOGIT_PREFIX
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
        if not logits and _are_fractions(values.ravel()):  # a class may be missing
            filled = {column: table.filled_numbers(column) for column in texts}
            classes = [column for column, numbers in filled.items() if _are_fractions(numbers)]
            _refuse_nearly_numeric(table, [*columns, *classes])
        logits = logits or bool(np.nanmin(values) < 0)
        if not logits and np.abs(values.sum(axis=1) - 100).max() < 1:
            raise DataError(
                f"{table.path} has percentages, which add up to 100; divide them by 100"
            )
    table.refuse_duplicates(chosen)
    if len(chosen) < 2:
        return None
    ignored = [column for column in candidates if column not in chosen and column]
    if ignored:
        logger.warning(
            f"{table.path}: classes are {_listed([class_of[c] for c in chosen])}; other columns "
            f"were ignored: {_listed(ignored)}"
        )
    names = tuple(class_of[column] for column in chosen)
    return _Classes(tuple(chosen), names, "logits" if logits else "probabilities", False)


def _are_fractions(numbers: Sequence[float] | NDArray[np.float64]) -> bool:
    values = np.asarray(numbers)
    return values.size > 0 and bool(values.min() >= 0 and values.max() <= 1)


def _pattern_of(columns: list[str], present: set[str]) -> re.Pattern[str] | None:
    """What stands before the names of classes in the names of columns; None if none has one."""
    return next(
        (
            pattern
            for pattern in (_PLAIN, _PREFIX, _LOGIT_PREFIX)
            if present & set(_class_of(columns, pattern).values())
        ),
        None,
    )


def _class_of(columns: list[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """The classes that columns are named after, where something stands before their names."""
    return {
        column: class_name(pattern.sub("", column, count=1))
        for column in columns
        if pattern.match(column)
    }


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


def _listed(names: Sequence[str]) -> str:
    more = f", … ({len(names)} in all)" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
