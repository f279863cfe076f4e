"""Join the predictions of two models by example id."""

import logging
import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.predictions import Predictions
from dressform.predictions.examples import composed, indices_of

logger = logging.getLogger(__name__)

_WHOLE = re.compile(r"(\d+)(\.0+)?")
"""An id that is a whole number, which a spreadsheet may have written without zeros before it, and
pandas with one after the point.
"""


def align(
    first: Predictions, second: Predictions, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    """Sort two sets of predictions into the same order, that of the first.

    Args:
        first: N examples.
        second: the same N examples, in any order; where only one of both has groups, both get
            them.
        names: of both, for messages.

    Raises:
        DataError: ids, labels, classes or groups differ; the message says how.
    """
    first_name, second_name = names
    first, second = with_common_classes(first, second, names)
    first, second = with_common_ids(first, second)
    missing, extra = np.setdiff1d(first.ids, second.ids), np.setdiff1d(second.ids, first.ids)
    if len(missing) or len(extra):
        sides = (
            (missing, len(first), first_name, second_name),
            (extra, len(second), second_name, first_name),
        )
        difference = ", and ".join(
            f"{len(ids):,} of {count:,} ids of {one} are not in {other} (such as {ids[0]})"
            for ids, count, one, other in sides
            if len(ids)
        )
        raise DataError(f"{difference}; compare predictions of the same examples")
    second = second.take(indices_of(second.ids, first.ids))
    differing = np.flatnonzero(first.labels != second.labels)
    if len(differing):
        i = int(differing[0])
        raise DataError(
            f"{len(differing):,} of {len(first):,} labels differ: example {first.ids[i]} is "
            f"{first.class_names[first.labels[i]]} in {first_name} but "
            f"{second.class_names[second.labels[i]]} in {second_name}; compare predictions of the "
            f"same examples"
        )
    return _with_common_groups(first, second, names)


def _with_common_groups(
    first: Predictions, second: Predictions, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    """Both with the groups that one of them has, of the same examples in the same order.

    Raises:
        DataError: both have groups, and not the same.
    """
    if first.groups is None and second.groups is None:
        return first, second
    if first.groups is None or second.groups is None:
        groups = second.groups if first.groups is None else first.groups
        return replace(first, groups=groups), replace(second, groups=groups)
    pairs = set(zip(first.groups.tolist(), second.groups.tolist(), strict=True))
    if not len(pairs) == len(np.unique(first.groups)) == len(np.unique(second.groups)):
        raise DataError(
            f"{names[0]} and {names[1]} have the same examples in different groups "
            f"({len(np.unique(first.groups)):,} and {len(np.unique(second.groups)):,}); group both "
            f"in the same way"
        )
    return first, second


def with_common_classes(
    first: Predictions, second: Predictions, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    """Both with the same classes in the same order, that of the first: joined by name.

    Classes that are called 0, 1, … in one of them are those of the other in its order. Hard
    predictions may lack classes that neither occur nor were predicted.

    Raises:
        DataError: one has classes that the other lacks.
    """
    first_name, second_name = names
    if first.class_names == second.class_names:
        return first, second
    numbered = tuple(str(i) for i in range(len(first.class_names)))
    same_count = len(first.class_names) == len(second.class_names)
    same_names = set(first.class_names) == set(second.class_names)
    if same_count and not same_names and numbered in (first.class_names, second.class_names):
        return first, second
    only_first = [name for name in first.class_names if name not in second.class_names]
    only_second = [name for name in second.class_names if name not in first.class_names]
    if not only_second and (second.hard or not only_first):
        return first, _reordered(second, first.class_names)
    if not only_first and first.hard:
        return _reordered(first, second.class_names), second
    if only_first and only_second and same_count:
        raise DataError(
            f"{first_name} has class {only_first[0]}, which {second_name} lacks, and "
            f"{second_name} has {only_second[0]}, which {first_name} lacks; compare models with "
            f"the same classes"
        )
    raise DataError(
        f"{first_name} has {len(first.class_names)} classes and {second_name} has "
        f"{len(second.class_names)}; compare models with the same classes"
    )


def _reordered(predictions: Predictions, class_names: tuple[str, ...]) -> Predictions:
    """The same with its classes in the order of others, which include them."""
    positions = np.array([class_names.index(name) for name in predictions.class_names])
    logits = np.zeros((len(predictions), len(class_names)), np.float32)
    logits[:, positions] = predictions.logits
    return replace(
        predictions, labels=positions[predictions.labels], logits=logits, class_names=class_names
    )


def with_common_ids(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Both, with ids that are the same number written in two ways written in one, and all composed.

    The split's name in ids (``test/00042`` becomes ``00042``) is left out if only one of them has
    it, and numbers are joined by their value (``00042``, ``42`` and ``42.0``) if that is
    unambiguous, which the user is told. Files made elsewhere usually number examples so;
    :func:`align` checks the labels.
    """
    first, second = _composed(first), _composed(second)
    first, second = _without_split(first, second)
    numbers = _numbers(first.ids), _numbers(second.ids)
    if numbers[0] is None or numbers[1] is None:
        return first, second
    _, i, j = np.intersect1d(numbers[0], numbers[1], return_indices=True)
    differing = np.flatnonzero(first.ids[i] != second.ids[j])
    if not len(differing):
        return first, second
    example = int(differing[0])
    logger.warning(
        f"ids were matched by number: {first.ids[i][example]} and {second.ids[j][example]} are the "
        f"same example"
    )
    return replace(first, ids=numbers[0]), replace(second, ids=numbers[1])


def _composed(predictions: Predictions) -> Predictions:
    ids = composed(predictions.ids)
    return predictions if ids is predictions.ids else replace(predictions, ids=ids)


def _numbers(ids: NDArray[np.str_]) -> NDArray[np.str_] | None:
    """Ids without zeros before and after the number; None if one is no number, or two are the
    same.
    """
    matches = [_WHOLE.fullmatch(text) for text in ids.tolist()]
    numbers = [match[1].lstrip("0") or "0" for match in matches if match]
    if len(numbers) < len(ids) or len(set(numbers)) < len(numbers):
        return None
    return np.array(numbers, dtype=np.str_)


def _without_split(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Both, without the split's name in their ids if only one of them has it."""
    prefixes = _prefixes(first.ids), _prefixes(second.ids)
    if (
        set(prefixes[0]) == set(prefixes[1])
        or "" not in (*prefixes[0], *prefixes[1])
        or "?" in (*prefixes[0], *prefixes[1])
    ):
        return first, second
    return replace(first, ids=_without_prefix(first.ids)), replace(
        second, ids=_without_prefix(second.ids)
    )


def _prefixes(ids: NDArray[np.str_]) -> list[str]:
    """The distinct prefixes of ids such as ``test/00042``; an empty string for plain numbers."""
    prefixes = np.unique(
        [
            text.rpartition("/")[0] if _WHOLE.fullmatch(text.rpartition("/")[2]) else "?"
            for text in ids.tolist()
        ]
    )
    return [str(prefix) for prefix in prefixes]


def _without_prefix(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Ids without their prefix if all have the same one, else unchanged."""
    return (
        np.array([text.rpartition("/")[2] for text in ids.tolist()])
        if len(_prefixes(ids)) == 1
        else ids
    )
