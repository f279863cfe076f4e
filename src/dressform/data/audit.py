"""`check_data`: what a person should know about a dataset before training on it."""

from dataclasses import dataclass

from dressform.data.dataset import DatasetSplits
from dressform.data.duplicates import duplicate_groups, image_keys, overlaps
from dressform.data.provenance import is_before_recut


@dataclass(frozen=True)
class Audit:
    """The findings.

    Attributes:
        classes: class names in label order.
        counts: split -> class name -> examples.
        duplicates: groups of ids of equal images inside one split.
        overlaps: pairs of ids of equal images in two splits.
        problems: sentences, worst first; empty when nothing was found.
    """

    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    duplicates: list[list[str]]
    overlaps: list[tuple[str, str]]
    problems: list[str]


def check_data(splits: DatasetSplits) -> Audit:
    """Count classes, and find exact duplicates inside and between splits, conflicting labels and
    flat images.
    """
    datasets = dict(splits)
    keys = {split: image_keys(dataset.images) for split, dataset in datasets.items()}
    groups = {split: duplicate_groups(keys[split]) for split in datasets}
    duplicates = [
        datasets[split].ids[group].tolist() for split, found in groups.items() for group in found
    ]
    shared: list[tuple[str, str]] = []
    problems: list[str] = []
    names = list(datasets)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            pairs = overlaps(keys[first], keys[second])
            shared += [
                (str(datasets[first].ids[a]), str(datasets[second].ids[b])) for a, b in pairs
            ]
            if pairs:
                problems.append(
                    f"{len(pairs)} {first} images are also in {second}, so {second} is not unseen"
                )
    train_pairs = sum(len(group) - 1 for group in groups["train"])
    if "test" in datasets and is_before_recut(
        train_pairs,
        len(overlaps(keys["train"], keys["test"])),
        len(datasets["train"]),
        len(datasets["test"]),
    ):
        problems.insert(
            0,
            "these are Fashion-MNIST's files from before 2017-08-31 (43 pairs inside train, 10 "
            "train images in test);"
            " use --data fashion-mnist, the re-cut files without them",
        )
    for split, dataset in datasets.items():
        extra = sum(len(group) - 1 for group in groups[split])
        if extra:
            problems.append(
                f"{split} has {extra} exact duplicates in {len(groups[split])} groups; splits "
                f"keep each group together"
            )
        conflicts = sum(len(set(dataset.labels[group].tolist())) > 1 for group in groups[split])
        if conflicts:
            problems.append(f"{split} has {conflicts} groups of equal images with different labels")
        flat = int(
            (
                dataset.images.reshape(len(dataset), -1).max(1)
                == dataset.images.reshape(len(dataset), -1).min(1)
            ).sum()
        )
        if flat:
            problems.append(f"{split} has {flat} images of one single colour")
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
    return Audit(splits.class_names, counts, duplicates, shared, problems)
