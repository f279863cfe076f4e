"""The examples behind predictions."""

import unicodedata
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name, counted
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predictions.predictions import Predictions


def indices_of(ids: NDArray[np.str_], requested: NDArray[np.str_]) -> NDArray[np.int64]:
    """Indices of the requested ids among unique ``ids``, int64 [len(requested)]; arbitrary for an
    id that is missing.
    """
    order = np.argsort(ids)
    return np.asarray(
        order[np.searchsorted(ids, requested, sorter=order).clip(max=len(ids) - 1)], dtype=np.int64
    )


def composed(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Ids [N] in Unicode's composed form, in which they are joined: macOS writes names of files
    decomposed. The same array where all are, or where two would become the same.
    """
    texts = np.array([unicodedata.normalize("NFC", text) for text in ids.tolist()], dtype=np.str_)
    changed = not np.array_equal(texts, ids) and len(np.unique(texts)) == len(ids)
    return texts if changed else ids


def canonical_split(split: str) -> str:
    """The full name of a split; ``val`` is short for ``validation``."""
    return "validation" if split == "val" else split


def examples_of(predictions: Predictions, data: DatasetSplits, split: str) -> Dataset:
    """The predicted examples, in the order of the predictions.

    Examples that no split has alone are taken from all of them: dressform divides data without
    splits, of which another program knows nothing. Where data and predictions have the same
    classes in another order, the examples have that of the predictions.

    Args:
        predictions: whose ids and labels are those of the data.
        data: the dataset that they were made on.
        split: ``test``; or ``validation`` or ``train``, which are looked up in that split first and
            then in the other of the two, since validation may have been held out of train.

    Raises:
        DataError: the data lack these examples; it says why.
    """
    predictions = replace(predictions, ids=composed(predictions.ids))
    ids_of = {name: composed(part.ids) for name, part in data}
    holding = [name for name, ids in ids_of.items() if np.isin(predictions.ids, ids).all()]
    problem = ""
    for name in sorted(holding, key=lambda name: name != split):
        part = data[name]
        examples = part.take(indices_of(ids_of[name], predictions.ids))
        difference = _different_label(examples, predictions)
        if not difference and (name == "test") == (split == "test"):
            return _with_classes_of(predictions, examples)
        problem = problem or difference or f"they are in {name}, not in {split}"
    if not holding:
        parts = [replace(part, ids=ids_of[name]) for name, part in data]
        _check_ids(predictions.ids, data, ids_of)
        examples = _gathered(predictions.ids, parts)
        problem = _different_label(examples, predictions)
        if not problem:
            return _with_classes_of(predictions, examples)
    raise DataError(
        f"{data.name} lacks the predicted examples: {problem}; give the data that was predicted"
    )


def _check_ids(
    ids: NDArray[np.str_], data: DatasetSplits, ids_of: dict[str, NDArray[np.str_]]
) -> None:
    """Refuse ids that the data lack, or have twice; ``ids_of`` has those of each split.

    Raises:
        DataError: there are such ids.
    """
    every = np.concatenate(list(ids_of.values()))
    missing = np.setdiff1d(ids, every)
    if len(missing):
        verb = "is" if len(missing) == 1 else "are"
        raise DataError(
            f"{len(missing):,} of {counted(len(ids), 'predicted id')} {verb} in no split of "
            f"{data.name}: its ids are such as {str(every[0])!r}, those of the predictions such as "
            f"{str(missing[0])!r}; give the data that was predicted, or predictions with its ids"
        )
    unique, counts = np.unique(every[np.isin(every, ids)], return_counts=True)
    if counts.max() > 1:
        id_ = str(unique[counts.argmax()])
        where = " and ".join(name for name, own in ids_of.items() if id_ in own)
        raise DataError(
            f"the predicted examples are in several splits of {data.name}, and {id_!r} is in "
            f"{where}; give predictions of one split, or each example its own id"
        )


def _gathered(ids: NDArray[np.str_], parts: list[Dataset]) -> Dataset:
    """The examples of ids, each of which is in one of the parts, in the order of the ids."""
    first = parts[0]
    images = np.empty((len(ids), *first.shape), np.uint8)
    labels = np.empty(len(ids), np.int64)
    groups = np.empty(len(ids), object)
    for part in parts:
        rows = np.flatnonzero(np.isin(ids, part.ids))
        own = indices_of(part.ids, ids[rows])
        images[rows], labels[rows] = part.images[own], part.labels[own]
        if part.groups is not None:
            groups[rows] = part.groups[own]
    grouped = all(part.groups is not None for part in parts)
    return Dataset(
        images, labels, ids, first.class_names, groups.astype(np.str_) if grouped else None
    )


def _joined_by_name(examples: Dataset, predictions: Predictions) -> bool:
    """Whether classes are the same where their names are; else where their numbers are, as where
    one of both is called 0, 1, ….
    """
    own, predicted = ({*map(class_name, one.class_names)} for one in (examples, predictions))
    numbered = any(names == {str(k) for k in range(len(names))} for names in (own, predicted))
    return own == predicted or not (numbered or own.isdisjoint(predicted))


def _different_label(examples: Dataset, predictions: Predictions) -> str:
    """The first example with another label in the predictions, in words; empty without one."""
    by_name = _joined_by_name(examples, predictions)
    own, predicted = (
        np.array([class_name(name) if by_name else str(k) for k, name in enumerate(names)])[labels]
        for names, labels in (
            (examples.class_names, examples.labels),
            (predictions.class_names, predictions.labels),
        )
    )
    different = np.flatnonzero(own != predicted)
    if not len(different):
        return ""
    row = int(different[0])
    return (
        f"example {str(examples.ids[row])!r} has label {predicted[row]} in the predictions and "
        f"{own[row]} in the data"
    )


def _with_classes_of(predictions: Predictions, examples: Dataset) -> Dataset:
    """The examples with the classes of their predictions, where both have them by name."""
    if examples.class_names == predictions.class_names:
        return examples
    if not _joined_by_name(examples, predictions):
        return examples
    return replace(examples, labels=predictions.labels, class_names=predictions.class_names)
