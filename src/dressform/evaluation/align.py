"""Join the predictions of two models by example id."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.predictions import Predictions
from dressform.predictions.examples import indices_of


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
    if first.class_names != second.class_names and len(first.class_names) == len(
        second.class_names
    ):
        numbered = tuple(str(i) for i in range(len(first.class_names)))
        if numbered not in (first.class_names, second.class_names):
            label = next(
                i
                for i, pair in enumerate(zip(first.class_names, second.class_names, strict=True))
                if pair[0] != pair[1]
            )
            raise DataError(
                f"class {label} is {first.class_names[label]} in {first_name} but "
                f"{second.class_names[label]} in {second_name};"
                " compare models with the same classes in the same order"
            )
    elif len(first.class_names) != len(second.class_names):
        raise DataError(
            f"{first_name} has {len(first.class_names)} classes and {second_name} has "
            f"{len(second.class_names)}; compare models with the same classes"
        )
    first, second = with_common_ids(first, second)
    missing, extra = np.setdiff1d(first.ids, second.ids), np.setdiff1d(second.ids, first.ids)
    if len(missing) or len(extra):
        difference = (
            f"{len(missing):,} of {len(first):,} ids of {first_name} are not in {second_name}"
            + (f" (such as {missing[0]})" if len(missing) else "")
            + f", and {len(extra):,} of {len(second):,} vice versa"
            + (f" (such as {extra[0]})" if len(extra) else "")
        )
        raise DataError(f"{difference}; compare predictions of the same examples")
    second = second.take(indices_of(second.ids, first.ids))
    differing = np.flatnonzero(first.labels != second.labels)
    if len(differing):
        i = int(differing[0])
        raise DataError(
            f"{len(differing):,} of {len(first):,} labels differ: example {first.ids[i]} is class "
            f"{first.labels[i]} in {first_name} but"
            f" {second.labels[i]} in {second_name}; compare predictions of the same examples"
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


def with_common_ids(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions]:
    """Both, without the split's name in their ids (``test/00042`` becomes ``00042``) if only one of
    them has it.

    Files made elsewhere usually number examples without it; :func:`align` checks the labels.
    """
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
            text.rpartition("/")[0] if text.rpartition("/")[2].isdigit() else "?"
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
