"""Joining the predictions of two models on the same examples."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.predictions import Predictions
from dressform.predictions.examples import indices_of


def align(
    first: Predictions, second: Predictions, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    """Bring two sets of predictions into the same order, that of the first.

    Args:
        first: N examples.
        second: the same N examples, in any order.
        names: of the two, for messages.

    Raises:
        DataError: other ids, labels or classes; the message says what differs.
    """
    a, b = names
    if first.class_names != second.class_names and len(first.class_names) == len(
        second.class_names
    ):
        numbered = tuple(str(i) for i in range(len(first.class_names)))
        if numbered not in (first.class_names, second.class_names):
            place = next(
                i
                for i, pair in enumerate(zip(first.class_names, second.class_names, strict=True))
                if pair[0] != pair[1]
            )
            raise DataError(
                f"class {place} is {first.class_names[place]} in {a} but "
                f"{second.class_names[place]} in {b};"
                " compare models of the same classes in the same order"
            )
    elif len(first.class_names) != len(second.class_names):
        raise DataError(
            f"{a} has {len(first.class_names)} classes and {b} has {len(second.class_names)}; "
            f"compare models of the same classes"
        )
    first, second = with_common_ids(first, second)
    missing, extra = np.setdiff1d(first.ids, second.ids), np.setdiff1d(second.ids, first.ids)
    if len(missing) or len(extra):
        only = (
            f"{len(missing):,} of {len(first):,} ids of {a} are not in {b}"
            + (f" (such as {missing[0]})" if len(missing) else "")
            + f", and {len(extra):,} of {len(second):,} the other way"
            + (f" (such as {extra[0]})" if len(extra) else "")
        )
        raise DataError(f"{only}; compare predictions of the same examples")
    second = second.take(indices_of(second.ids, first.ids))
    differ = np.flatnonzero(first.labels != second.labels)
    if len(differ):
        i = int(differ[0])
        raise DataError(
            f"{len(differ):,} of {len(first):,} labels differ: example {first.ids[i]} is class "
            f"{first.labels[i]} in {a} but"
            f" {second.labels[i]} in {b}; compare predictions of the same examples"
        )
    return first, second


def with_common_ids(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Both without the split's name in their ids (``test/00042`` becomes ``00042``) where only one
    of them names a split.

    Files made elsewhere number examples without it; :func:`align` checks the labels.
    """
    heads = _splits(first.ids), _splits(second.ids)
    if (
        set(heads[0]) == set(heads[1])
        or "" not in (*heads[0], *heads[1])
        or "?" in (*heads[0], *heads[1])
    ):
        return first, second
    return replace(first, ids=_numbers(first.ids)), replace(second, ids=_numbers(second.ids))


def _splits(ids: NDArray[np.str_]) -> list[str]:
    """What stands before the slash of ids such as ``test/00042``; the empty string for plain
    numbers.
    """
    heads = np.unique(
        [
            text.rpartition("/")[0] if text.rpartition("/")[2].isdigit() else "?"
            for text in ids.tolist()
        ]
    )
    return [str(head) for head in heads]


def _numbers(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Ids without what stands before the slash, where that is the same for all."""
    return (
        np.array([text.rpartition("/")[2] for text in ids.tolist()])
        if len(_splits(ids)) == 1
        else ids
    )
