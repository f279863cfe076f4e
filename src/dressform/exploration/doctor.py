"""`examine`: likely faults of a dataset (wrong labels, near duplicates, outliers) and their effect
on a model's accuracy.
"""

import contextlib
import dataclasses
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, table
from dressform.core.errors import DataError
from dressform.core.numbers import percent
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.review import Finding, Kind, Review
from dressform.evaluation.intervals import Estimate, wilson
from dressform.exploration.group_suggestion import GroupSuggestion, suggest
from dressform.exploration.label_issues import LabelIssues, find_label_issues
from dressform.exploration.near_duplicates import NearDuplicates, near_duplicates
from dressform.exploration.out_of_sample import OutOfSample
from dressform.exploration.outliers import find_outliers
from dressform.predict.features import pixels
from dressform.predictions import Predictions
from dressform.predictions.examples import examples_of

logger = logging.getLogger(__name__)

MAX_OUTLIERS = 100
"""Outliers listed per split, farthest first."""
MIN_OUTLIER_SCORE = 1.5
"""Distance to the nearest neighbours, relative to the median of the class, from which an example is
listed.
"""


@dataclass(frozen=True)
class Reevaluated:
    """A model's accuracy on a split, with and without the doctor's findings.

    Attributes:
        name: of the predictions.
        split: that they are of.
        all: on all examples.
        without_suspects: without suspect labels. These are examples that the model itself
            contradicts, so this is an upper bound. None if no example remains.
        without_duplicates: without near duplicates of training images; None for train itself, or if
            no example remains.
        without_outliers: without outliers; None if no example remains.
    """

    name: str
    split: str
    all: Estimate
    without_suspects: Estimate | None
    without_duplicates: Estimate | None
    without_outliers: Estimate | None

    def scores(self) -> list[tuple[str, Estimate]]:
        """The estimates with labels for people."""
        estimates = {
            "all": self.all,
            "without suspect labels": self.without_suspects,
            "without near duplicates of training images": self.without_duplicates,
            "without outliers": self.without_outliers,
        }
        return [(label, value) for label, value in estimates.items() if value is not None]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The findings on a dataset.

    Attributes:
        review: the findings, all still undecided.
        reevaluated: for each of the given predictions, and each split that they are of.
        counts: how many were found by kind and split, such as ``near duplicates between train and
            test``, for people; of outliers at most ``MAX_OUTLIERS`` of each split are listed.
        suggestion: which examples belong together, with advice; None if that was not examined.
    """

    review: Review
    reevaluated: tuple[Reevaluated, ...]
    counts: dict[str, int]
    suggestion: GroupSuggestion | None = None

    def __repr__(self) -> str:
        found = [
            f"{count:,} {counted_finding(finding, count)}"
            for finding, count in self.counts.items()
            if count
        ]
        return brief(self, self.review.dataset, *(found or ["no findings"]))

    def _repr_html_(self) -> str:
        return table(
            ["findings", "number"], [[name, f"{count:,}"] for name, count in self.counts.items()]
        )


def examine(
    data: DatasetSplits,
    models: Sequence[OutOfSample] = (),
) -> Diagnosis:
    """Examine a dataset.

    Args:
        data: all its splits.
        models: out-of-sample predictions. Without any, labels are not checked; an example that
            several models contradict is listed once.

    Returns:
        findings. Their score is, for a label, the probability that the model gives it; for a
        duplicate, the correlation; for an outlier, its distance to its nearest neighbours relative
        to the median of its class.

    Raises:
        DataError: predictions of other examples.
    """
    splits = dict(data)
    logger.info(f"searching for near duplicates among {sum(map(len, splits.values())):,} images")
    pairs = near_duplicates(np.concatenate([d.images for d in splits.values()]))
    findings, counts, duplicate_ids = _duplicate_findings(splits, pairs)
    outliers = {}
    for split, dataset in splits.items():
        logger.info(f"searching for outliers in {split}")
        outliers[split] = _outlier_findings(dataset, split)
    reevaluated = []
    suspects: dict[tuple[str, str], Finding] = {}
    for model in models:
        class_names, parts = _rows_by_split(model, data)
        issues = find_label_issues(model.predictions)
        for split, rows in parts.items():
            part = model._replace(predictions=model.predictions.take(rows))
            own_issues = issues.take(rows)
            _add_label_findings(suspects, part, split, splits[split], own_issues, class_names)
            counts[f"suspect labels in {split}"] = sum(
                of_split == split for of_split, _ in suspects
            )
            left_out = (duplicate_ids[split], {finding.id for finding in outliers[split]})
            reevaluated.append(_reevaluate(part, split, own_issues, *left_out))
    findings += sorted(suspects.values(), key=lambda finding: finding.score)
    for split, found in outliers.items():
        counts[f"outliers in {split}"] = len(found)
        findings += found[:MAX_OUTLIERS]
    recipe, settings = next(
        ((model.recipe, model.settings) for model in models if model.recipe is not None), (None, ())
    )
    review = Review(
        dataset=data.name,
        source=data.location or data.name,
        digests={split: dataset.digest for split, dataset in splits.items()},
        findings=tuple(findings),
        options=data.options,
        recipe=recipe,
        settings=settings,
    )
    return Diagnosis(review, tuple(reevaluated), counts, suggest(data, pairs))


def _rows_by_split(
    model: OutOfSample, data: DatasetSplits
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """The data's names of a model's classes, and the rows of its predictions in each split that
    they are of: one that has them all, or else several.

    If several have them all, the model's own hint decides, and then whether they cover the whole
    split.

    Raises:
        DataError: the data lack the examples.
    """
    ids, splits = model.predictions.ids, dict(data)
    candidates = [split for split, dataset in data if np.isin(ids, dataset.ids).all()]
    candidates.sort(key=lambda split: (split != model.split, len(splits[split]) != len(ids)))
    for split in candidates:
        with contextlib.suppress(DataError):
            alone = DatasetSplits(data.name, splits[split])
            examples = examples_of(model.predictions, alone, "train")
            return examples.class_names, {split: np.arange(len(ids))}
    try:
        examples = examples_of(model.predictions, data, "train")
    except DataError as error:
        raise DataError(f"{model.name}: {error}") from None
    rows = {name: np.flatnonzero(np.isin(ids, dataset.ids)) for name, dataset in data}
    return examples.class_names, {name: own for name, own in rows.items() if len(own)}


def counted_finding(finding: str, count: int) -> str:
    """What was found so many times: ``outlier in test`` or ``outliers in test``."""
    if count != 1:
        return finding
    return re.sub(r"\b(duplicate|label|outlier)s\b", r"\1", finding, count=1)


def _add_label_findings(
    suspects: dict[tuple[str, str], Finding],
    model: OutOfSample,
    split: str,
    dataset: Dataset,
    issues: LabelIssues,
    names: tuple[str, ...],
) -> None:
    """Add a model's suspect labels to those of other models, by split and id; ``names`` are those
    of the model's classes.
    """
    predictions = model.predictions
    top = predictions.probabilities.max(axis=1)
    index_of = {str(example): i for i, example in enumerate(dataset.ids)}
    for i in issues.worst_first().tolist():
        suggested, quality = names[int(issues.suggested[i])], float(issues.quality[i])
        finding = _finding(
            dataset,
            index_of[str(predictions.ids[i])],
            split,
            kind="label",
            score=quality,
            reason=f"{model.name} gives {names[int(predictions.labels[i])]} "
            f"{percent(quality)}, {suggested} {percent(float(top[i]))}",
            suggested=suggested,
        )
        if earlier := suspects.get((split, finding.id)):
            finding = dataclasses.replace(
                earlier,
                score=min(earlier.score, quality),
                reason=f"{earlier.reason}; {finding.reason}",
            )
        suspects[split, finding.id] = finding


def _reevaluate(
    model: OutOfSample,
    split: str,
    issues: LabelIssues,
    duplicate_ids: set[str],
    outlier_ids: set[str],
) -> Reevaluated:
    predictions: Predictions = model.predictions
    correct = predictions.labels == predictions.predicted
    is_duplicate, is_outlier = (
        np.isin(predictions.ids, list(ids)) for ids in (duplicate_ids, outlier_ids)
    )
    return Reevaluated(
        name=model.name,
        split=split,
        all=wilson(int(correct.sum()), len(correct)),
        without_suspects=_accuracy(correct[~issues.suspect]),
        without_duplicates=None if split == "train" else _accuracy(correct[~is_duplicate]),
        without_outliers=_accuracy(correct[~is_outlier]),
    )


def _accuracy(correct: NDArray[np.bool_]) -> Estimate | None:
    return wilson(int(correct.sum()), len(correct)) if len(correct) else None


def _outlier_findings(dataset: Dataset, split: str) -> list[Finding]:
    """All outliers of a split, farthest first."""
    outliers, findings = find_outliers(pixels(dataset.images), dataset.labels), list[Finding]()
    for i in outliers.order.tolist():
        if (score := float(outliers.score[i])) < MIN_OUTLIER_SCORE:
            break
        label = dataset.class_names[int(dataset.labels[i])]
        reason = f"{score:.1f} × the typical nearest-neighbour distance for {label}"
        findings.append(_finding(dataset, i, split, kind="outlier", score=score, reason=reason))
    return findings


def _duplicate_findings(
    splits: Mapping[str, Dataset], pairs: NearDuplicates
) -> tuple[list[Finding], dict[str, int], dict[str, set[str]]]:
    """Findings, their number within and between splits, and for each split the ids of near
    duplicates of training images.
    """
    rows = [(split, i) for split, dataset in splits.items() for i in range(len(dataset))]
    findings, counts = list[Finding](), dict[str, int]()
    duplicate_ids = {split: set[str]() for split in splits}
    for (a, b), similarity, mirrored in zip(
        pairs.pairs.tolist(), pairs.similarity.tolist(), pairs.mirrored.tolist(), strict=True
    ):
        # The later one is to be dropped: it is the test image if there is one, and test images
        # should be unseen.
        (first_split, i), (second_split, j) = rows[a], rows[b]
        first_id = str(splits[first_split].ids[i])
        label = (
            f"near duplicates within {first_split}"
            if first_split == second_split
            else f"near duplicates between {first_split} and {second_split}"
        )
        counts[label] = counts.get(label, 0) + 1
        if first_split == "train":
            duplicate_ids[second_split].add(str(splits[second_split].ids[j]))
        findings.append(
            _finding(
                splits[second_split],
                j,
                second_split,
                kind="duplicate",
                score=similarity,
                reason=f"{'mirror image' if mirrored else 'near duplicate'} of {first_id} in "
                f"{first_split}; correlation of details {similarity:.3f}",
                other=first_id,
                other_split=first_split,
            )
        )
    return findings, counts, duplicate_ids


def _finding(
    dataset: Dataset,
    index: int,
    split: str,
    *,
    kind: Kind,
    score: float,
    reason: str,
    suggested: str | None = None,
    other: str | None = None,
    other_split: str | None = None,
) -> Finding:
    return Finding(
        id=str(dataset.ids[index]),
        split=split,
        kind=kind,
        label=dataset.class_names[int(dataset.labels[index])],
        score=score,
        reason=reason,
        suggested=suggested,
        other=other,
        other_split=other_split,
    )
