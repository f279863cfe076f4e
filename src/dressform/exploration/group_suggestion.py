"""`suggest`: which examples of a dataset belong together, by their groups or names and by near
duplicates.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dressform.core.files import write_text
from dressform.data.dataset import DatasetSplits
from dressform.data.group_advice import advise_groups, groups_of, shared_groups, suggest_groups
from dressform.exploration.near_duplicates import NearDuplicates


@dataclass(frozen=True, eq=False)
class GroupSuggestion:
    """Groups that a dataset should have.

    Attributes:
        groups: split -> a text per example, empty where it belongs to no other; of all splits
            together.
        advice: one line each, for people.
        near_duplicates: sets of near duplicates that no group joins yet.
    """

    groups: dict[str, NDArray[np.str_]]
    advice: tuple[str, ...]
    near_duplicates: int


def suggest(data: DatasetSplits, pairs: NearDuplicates) -> GroupSuggestion:
    """Groups by what the data have, else by the names of files; near duplicates join them.

    Args:
        data: all splits.
        pairs: near duplicates among the images of all splits, in their order.
    """
    splits = dict(data)
    split_of = np.concatenate([np.full(len(d), i) for i, d in enumerate(splits.values())])
    known = _known(data)
    sets = _joined(len(split_of), [pairs.pairs])
    together = _joined(len(split_of), [pairs.pairs, known])
    named = np.unique(together, return_counts=True)[1][together] > 1
    texts = np.array(
        [f"g{one:05d}" if in_group else "" for one, in_group in zip(together, named, strict=True)]
    )
    # Of near duplicates that already are in one group nothing need be said.
    separate = pairs.pairs[np.ptp(_joined(len(split_of), [known])[pairs.pairs], axis=1) > 0]
    new = np.unique(sets[separate[:, 0]])
    advice = [*advise_groups(data), *shared_groups({s: groups_of(d) for s, d in data})]
    if len(new):
        images = int(np.isin(sets, new).sum())
        advice.append(
            f"{images:,} images are in {len(new):,} sets of near duplicates that a hold-out or "
            f"folds may separate; a group for each set keeps it on one side"
        )
    if "test" in splits:
        names = list(splits)
        train, test = names.index("train"), names.index("test")
        rows = pairs.pairs[
            (split_of[pairs.pairs[:, 0]] == train) & (split_of[pairs.pairs[:, 1]] == test)
        ]
        leaked = len(np.unique(rows[:, 1]))
        if leaked:
            advice.append(
                f"{leaked:,} of {len(splits['test']):,} test images are near duplicates of "
                f"training images, so test is not unseen; drop them in the review"
            )
    groups = {split: texts[split_of == place] for place, split in enumerate(splits)}
    return GroupSuggestion(groups, tuple(advice), len(new))


def _known(data: DatasetSplits) -> NDArray[np.int64]:
    """Pairs [P, 2] of examples that are in one group by what the data or the names say."""
    if any(dataset.groups is not None for _, dataset in data):
        texts = [dataset.ids if dataset.groups is None else dataset.groups for _, dataset in data]
        keys = np.concatenate(texts)
    else:
        ids = np.concatenate([dataset.ids for _, dataset in data])
        found = suggest_groups(ids, np.concatenate([dataset.labels for _, dataset in data]))
        keys = ids if found is None else found.groups
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    return np.column_stack([first[number], np.arange(len(keys))]).astype(np.int64)


def _joined(count: int, relations: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The number of the connected component of each of ``count`` examples, [count]."""
    pairs = np.concatenate(relations)
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def write_groups(
    path: Path, folder: Path, data: DatasetSplits, groups: dict[str, NDArray[np.str_]]
) -> None:
    """Write a table of image files with their groups, which ``--data`` reads.

    The column ``split`` is there only where each split has a folder of its own: a test split that
    was held out on reading should be drawn anew, with groups.

    Args:
        path: the CSV file.
        folder: that the ids are below.
        data: whose ids are files.
        groups: split -> a text per example.
    """
    tops = [{PurePosixPath(name).parts[0] for name in d.ids.tolist()} for _, d in data]
    split_folders = all(len(top) == 1 for top in tops) and len(set.union(*tops)) == len(tops) > 1
    header = ["image", "label", "group", *(["split"] if split_folders else [])]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for split, dataset in data:
        for name, label, group in zip(
            dataset.ids.tolist(), dataset.labels.tolist(), groups[split].tolist(), strict=True
        ):
            row = [str(folder / name), dataset.class_names[label], group]
            writer.writerow([*row, split] if split_folders else row)
    write_text(path, text.getvalue())
