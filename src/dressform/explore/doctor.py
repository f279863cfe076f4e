"""`examine`: what is likely wrong with a dataset: labels, near duplicates, outliers; and what that
does to a score.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.review import Finding, Kind, Review
from dressform.evaluation.intervals import Estimate, wilson
from dressform.explore.label_issues import find_label_issues
from dressform.explore.near_duplicates import NearDuplicates, near_duplicates
from dressform.explore.outliers import find_outliers
from dressform.predict.features import pixels
from dressform.predict.prediction_sets import kind_of, load_judged, split_of
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split, examples_of
from dressform.runs.crossval import is_crossval, open_crossval
from dressform.runs.run import open_run

OUTLIERS = 100
"""At most so many of each split are listed, the farthest."""
UNUSUAL = 1.5
"""Times as far as is usual, from which on an example is listed."""


class Judge(NamedTuple):
    """A model's predictions of examples that it did not learn from.

    Attributes:
        name: of the model.
        predictions: of test by a run, of train out of fold.
        split: ``train``, ``validation`` or ``test``, where that is known; it is looked at first.
        recipe: what was trained, as ``dressform train`` takes it, where that is known.
        settings: the ``--set`` assignments of that training.
    """

    name: str
    predictions: Predictions
    split: str | None = None
    recipe: str | None = None
    settings: tuple[str, ...] = ()


def judged_by(path: str | Path, say: Callable[[str], object] = lambda line: None) -> Judge:
    """The predictions of a cross-validation (its first repeat, out of fold), a run, or a
    predictions file.

    Raises:
        DressformError: none of these.
    """
    if is_crossval(user_path(path)):
        found = open_crossval(path)
        summary = found.summary
        return Judge(
            found.name,
            found.out_of_fold()[0][0],
            "train",
            str(summary["recipe"]),
            tuple(map(str, summary["settings"])),
        )
    if kind_of(path) != "run":
        return Judge(*load_judged(path, None, say=say))
    run = open_run(path)
    split = split_of(run, None)
    return Judge(
        *load_judged(path, split, say=say),
        canonical_split(split),
        run.manifest.reference,
        tuple(map(str, run.manifest.settings)),
    )


@dataclass(frozen=True)
class Reevaluated:
    """A model's accuracy on a split, with and without what the doctor found there.

    Attributes:
        name: of the predictions.
        split: that they are of.
        all: on all examples.
        without_suspects: without those whose label is suspect. The model itself is the accuser, so
            this is an upper bound. None where nothing is left.
        without_duplicates: without those that have a near duplicate in train; None for train
            itself, or where nothing is left.
    """

    name: str
    split: str
    all: Estimate
    without_suspects: Estimate | None
    without_duplicates: Estimate | None

    def scores(self) -> list[tuple[str, Estimate]]:
        """The estimates with words for people."""
        found = {
            "all": self.all,
            "without suspect labels": self.without_suspects,
            "without near duplicates of training pictures": self.without_duplicates,
        }
        return [(words, estimate) for words, estimate in found.items() if estimate is not None]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What was found.

    Attributes:
        review: the findings, all still to be decided.
        reevaluated: of each of the given predictions.
        counts: findings by kind and place, such as ``near duplicates between train and test``, for
            people.
    """

    review: Review
    reevaluated: tuple[Reevaluated, ...]
    counts: dict[str, int]


def examine(
    data: DatasetSplits,
    source: str,
    judges: Sequence[Judge] = (),
    *,
    image_size: int | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Diagnosis:
    """Examine a dataset.

    Args:
        data: all its splits.
        source: how it was named.
        judges: without any, labels are not judged; of several of one split, an example is listed
            once.
        image_size: that it was read with.
        say: called with a line before what takes long.

    Returns:
        findings with these scores: of a label the probability that its model gives it, of a
        duplicate the correlation, of an outlier how many times farther it is from its nearest ones
        than is usual in its class.

    Raises:
        DataError: predictions of other examples.
    """
    splits = dict(data)
    say(f"near duplicates among {sum(map(len, splits.values())):,} pictures")
    pairs = near_duplicates(np.concatenate([d.images for d in splits.values()]))
    findings, counts, twins = _duplicates(splits, pairs)
    reevaluated, accused = [], dict[tuple[str, str], Finding]()
    for judge in judges:
        name, found, hint = judge.name, judge.predictions, judge.split
        split = _split_of(name, found, data, hint)
        issues = find_label_issues(found)
        names, shares = data.class_names, found.probabilities
        position = {str(example): i for i, example in enumerate(splits[split].ids)}
        for i in issues.worst_first().tolist():
            suggested, given = names[int(issues.suggested[i])], float(issues.quality[i])
            reason = (
                f"{name} gives {names[int(found.labels[i])]} {100 * given:.1f} %, "
                f"{suggested} {100 * shares[i].max():.1f} %"
            )
            place = position[str(found.ids[i])]
            finding = _finding(
                splits[split], place, split, "label", given, reason, suggested=suggested
            )
            if before := accused.get((split, finding.id)):
                finding = dataclasses.replace(
                    before, score=min(before.score, given), reason=f"{before.reason}; {reason}"
                )
            accused[split, finding.id] = finding
        counts[f"suspect labels in {split}"] = sum(where == split for where, _ in accused)
        right = found.labels == found.predicted
        alone = None if split == "train" else _share(right[~np.isin(found.ids, list(twins[split]))])
        reevaluated.append(
            Reevaluated(
                name,
                split,
                wilson(int(right.sum()), len(right)),
                _share(right[~issues.suspect]),
                alone,
            )
        )
    findings += sorted(accused.values(), key=lambda finding: finding.score)
    for split, dataset in splits.items():
        say(f"outliers in {split}")
        outliers = find_outliers(pixels(dataset.images), dataset.labels)
        for i in outliers.order[:OUTLIERS].tolist():
            if (times := float(outliers.score[i])) < UNUSUAL:
                break
            reason = (
                f"{times:.1f} times as far from its nearest ones as is usual for "
                f"{dataset.class_names[int(dataset.labels[i])]}"
            )
            findings.append(_finding(dataset, i, split, "outlier", times, reason))
        counts[f"outliers in {split}"] = sum(
            finding.kind == "outlier" and finding.split == split for finding in findings
        )
    digests = {split: dataset.digest for split, dataset in splits.items()}
    recipe, settings = next(
        ((judge.recipe, judge.settings) for judge in judges if judge.recipe is not None), (None, ())
    )
    review = Review(data.name, source, digests, tuple(findings), image_size, recipe, settings)
    return Diagnosis(review, tuple(reevaluated), counts)


def _share(right: NDArray[np.bool_]) -> Estimate | None:
    return wilson(int(right.sum()), len(right)) if len(right) else None


def _split_of(name: str, predictions: Predictions, data: DatasetSplits, hint: str | None) -> str:
    """The split that predictions are of: all their ids are in it, with the same labels.

    If two are like that, the one that was hinted at, else the one that they are the whole of.
    """
    holding = [split for split, dataset in data if np.isin(predictions.ids, dataset.ids).all()]
    if not holding:
        raise DataError(
            f"{name} has predictions of examples that are in no split of {data.name}; give "
            f"predictions of its train or test"
        )
    holding.sort(key=lambda split: (split != hint, len(dict(data)[split]) != len(predictions)))
    for split in holding[:-1]:
        with contextlib.suppress(DataError):
            examples_of(predictions, DatasetSplits(data.name, dict(data)[split]), "train")
            return split
    examples_of(predictions, DatasetSplits(data.name, dict(data)[holding[-1]]), "train")
    return holding[-1]


def _duplicates(
    splits: dict[str, Dataset], pairs: NearDuplicates
) -> tuple[list[Finding], dict[str, int], dict[str, set[str]]]:
    """Findings, how many there are inside and between splits, and by split the ids of those with a
    twin in train.
    """
    places = [(split, i) for split, dataset in splits.items() for i in range(len(dataset))]
    findings, counts, twins = (
        list[Finding](),
        dict[str, int](),
        {split: set[str]() for split in splits},
    )
    for (a, b), likeness, mirrored in zip(
        pairs.pairs.tolist(), pairs.similarity.tolist(), pairs.mirrored.tolist(), strict=True
    ):
        (one, i), (other, j) = places[a], places[b]
        twin = str(splits[one].ids[i])
        where = (
            f"near duplicates inside {one}"
            if one == other
            else f"near duplicates between {one} and {other}"
        )
        counts[where] = counts.get(where, 0) + 1
        if one == "train":
            twins[other].add(str(splits[other].ids[j]))
        # The later one is the one to drop: in test, if it is there, because a test picture should
        # be unseen.
        reason = (
            f"{'mirror image of' if mirrored else 'nearly'} {twin} in {one}; details "
            f"correlate with {likeness:.3f}"
        )
        findings.append(
            _finding(
                splits[other], j, other, "duplicate", likeness, reason, other=twin, other_split=one
            )
        )
    return findings, counts, twins


def _finding(
    dataset: Dataset, i: int, split: str, kind: Kind, score: float, reason: str, **more: str
) -> Finding:
    label = dataset.class_names[int(dataset.labels[i])]
    return Finding(
        id=str(dataset.ids[i]),
        split=split,
        kind=kind,
        label=label,
        score=score,
        reason=reason,
        **more,  # type: ignore[arg-type]
    )
