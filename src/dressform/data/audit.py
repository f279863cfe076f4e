"""`check_data`: audit a dataset before training on it."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, paragraph, table
from dressform.core.errors import DataError
from dressform.core.text import counted
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.duplicates import duplicate_groups, image_hashes, overlaps
from dressform.data.group_advice import advise_groups, groups_of, shared_groups
from dressform.data.provenance import is_before_recut
from dressform.data.several_labels import notes_on_several_labels

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audit:
    """Findings about a dataset.

    Attributes:
        classes: class names in label order.
        counts: split -> class name -> examples.
        duplicates: groups of ids of equal images within one split.
        overlaps: pairs of ids of equal images in two splits.
        problems: one sentence each, worst first; empty if there are none.
        groups: split -> number of groups; empty for data without groups.
        advice: one line each, on what is no problem yet.
    """

    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    duplicates: list[list[str]]
    overlaps: list[tuple[str, str]]
    problems: list[str]
    groups: dict[str, int]
    advice: list[str]

    def __repr__(self) -> str:
        found = counted(len(self.problems), "problem") if self.problems else "no problems"
        examples = (f"{split} {sum(row.values()):,}" for split, row in self.counts.items())
        return brief(self, found, *examples, f"{len(self.classes)} classes", *self.problems[:1])

    def _repr_html_(self) -> str:
        rows = [
            [name, *(f"{row[name]:,}" for row in self.counts.values())] for name in self.classes
        ]
        lines = [f"problem: {one}" for one in self.problems] or ["no problems found"]
        lines += [f"advice: {one}" for one in self.advice]
        return table(["class", *self.counts], rows) + "".join(map(paragraph, lines))


def log_shared_images(splits: DatasetSplits) -> None:
    """Tell the user if images of train are in a split that is to be unseen."""
    train = image_hashes(splits.train.images)
    for split, dataset in splits:
        if split != "train" and dataset.shape == splits.train.shape:
            shared = int(np.isin(image_hashes(dataset.images), train).sum())
            if shared:
                logger.warning(
                    f"{shared:,} of {len(dataset):,} {split} images are also in train, so accuracy "
                    f"on {split} is not an estimate for new images; 'dressform data check' lists "
                    f"them"
                )


def check_data(splits: DatasetSplits) -> Audit:
    """Count examples per class and find exact duplicates and groups in two splits, duplicates
    within one, conflicting labels, classes that are several labels, and images of a single colour;
    and say where the names of files suggest groups.

    Raises:
        DataError: they are no splits.
    """
    if not isinstance(splits, DatasetSplits):
        raise DataError(
            f"{type(splits).__name__} was given in place of data; allowed: DatasetSplits, such as "
            f"load_data('photos/') gives"
        )
    datasets = dict(splits)
    hashes = {split: image_hashes(dataset.images) for split, dataset in datasets.items()}
    groups = {split: duplicate_groups(hashes[split]) for split in datasets}
    duplicates = [
        datasets[split].ids[group].tolist()
        for split, split_groups in groups.items()
        for group in split_groups
    ]
    shared_ids: list[tuple[str, str]] = []
    problems: list[str] = []
    names = list(datasets)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            pairs = overlaps(hashes[first], hashes[second])
            shared_ids += [
                (str(datasets[first].ids[a]), str(datasets[second].ids[b])) for a, b in pairs
            ]
            if pairs:
                problems.append(
                    f"{len(pairs)} {first} images are also in {second}, so {second} is not unseen"
                )
    grouped = {split: groups_of(dataset) for split, dataset in datasets.items()}
    problems += shared_groups(grouped)
    problems += notes_on_several_labels(splits.class_names)
    train_pairs = sum(len(group) - 1 for group in groups["train"])
    if "test" in datasets and is_before_recut(
        train_pairs,
        len(overlaps(hashes["train"], hashes["test"])),
        len(datasets["train"]),
        len(datasets["test"]),
    ):
        problems.insert(
            0,
            "these are Fashion-MNIST's files from before 2017-08-31 (43 duplicate pairs in train, "
            "10 train images in test); use fashion-mnist, the corrected files",
        )
    for split, dataset in datasets.items():
        n_duplicates = sum(len(group) - 1 for group in groups[split])
        if n_duplicates:
            problems.append(
                f"{split} has {n_duplicates} exact duplicates in {len(groups[split])} groups; "
                f"splits "
                f"keep each group together"
            )
        conflicts = [g for g in groups[split] if len(set(dataset.labels[g].tolist())) > 1]
        if conflicts:
            shown = "; ".join(_conflict(dataset, group) for group in conflicts[:3])
            problems.append(
                f"{split} has {counted(len(conflicts), 'group')} of equal images with different "
                f"labels: {shown}; 'dressform data doctor' shows all"
            )
        if dataset.images.max() == 1:
            problems.append(
                f"{split} has no pixel above 1, so its images are nearly black; pixels are 0 to "
                f"255, so multiply them by 255"
            )
        constant = int(
            (
                dataset.images.reshape(len(dataset), -1).max(1)
                == dataset.images.reshape(len(dataset), -1).min(1)
            ).sum()
        )
        if constant:
            problems.append(f"{split} has {constant} images of a single colour")
        missing = [
            name
            for name, count in zip(dataset.class_names, dataset.counts, strict=True)
            if count == 0
        ]
        if missing:
            problems.append(f"{split} has no example of {', '.join(missing)}")
        present = dataset.counts[dataset.counts > 0]
        if split == "train" and present.max() > 10 * present.min():
            problems.append(
                f"train's largest class has {present.max()} examples, its smallest {present.min()}"
            )
    counts = {
        split: dict(zip(ds.class_names, ds.counts.tolist(), strict=True))
        for split, ds in datasets.items()
    }
    n_groups = {split: len(names) for split, names in grouped.items() if names}
    advice = list(advise_groups(splits))
    return Audit(splits.class_names, counts, duplicates, shared_ids, problems, n_groups, advice)


def _conflict(dataset: Dataset, group: NDArray[np.int64]) -> str:
    """Two equal images of different classes."""
    labels = dataset.labels
    first, second = group[0], next(i for i in group if labels[i] != labels[group[0]])
    names = (f"{dataset.ids[i]} ({dataset.class_names[labels[i]]})" for i in (first, second))
    return " and ".join(names)
