"""`Review`: findings about the examples of a dataset with a person's decision on each, and the
dataset that results.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dressform.core.display import brief
from dressform.core.errors import DataError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.read_options import ReadOptions

FORMAT = 1
Kind = Literal["label", "duplicate", "outlier"]
Action = Literal["keep", "relabel", "drop"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An issue with one example, for a person to decide on.

    Attributes:
        id: of the example.
        split: the split that it is in.
        kind: ``label`` (may be wrong), ``duplicate`` (nearly equal to another image) or
            ``outlier``.
        label: its current class, by name.
        score: sort key, whose meaning depends on the kind (see
            :mod:`dressform.exploration.doctor`).
        reason: for people.
        suggested: a more likely class, by name, or None.
        other: id of the nearly equal image, or None.
        other_split: split of that image; None means the same split.
        action: the decision; ``keep`` until there is one.
        to: the new class of a relabelled example, by name.
    """

    id: str
    split: str
    kind: Kind
    label: str
    score: float
    reason: str
    suggested: str | None = None
    other: str | None = None
    other_split: str | None = None
    action: Action = "keep"
    to: str | None = None


@dataclass(frozen=True)
class Review:
    """Findings about a dataset.

    Attributes:
        dataset: its name.
        source: argument for :func:`dressform.load_data`.
        digests: split -> digest.
        findings: worst first within each kind.
        options: how it was read.
        recipe: recipe of the model that evaluated the labels, as given to ``dressform train``; None
            if there was none.
        settings: the ``--set`` assignments of that training.
    """

    dataset: str
    source: str
    digests: dict[str, str]
    findings: tuple[Finding, ...]
    options: ReadOptions = field(default_factory=ReadOptions)
    recipe: str | None = None
    settings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return brief(
            self,
            self.dataset,
            f"{len(self.findings):,} findings",
            f"{len(self.decisions):,} decided",
        )

    @property
    def decisions(self) -> tuple[Finding, ...]:
        """The findings whose example is to be relabelled or dropped."""
        return tuple(finding for finding in self.findings if finding.action != "keep")

    def to_json(self) -> dict[str, Any]:
        """The JSON document that :meth:`save` writes."""
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "source": self.source,
            "options": dataclasses.asdict(self.options),
            "recipe": self.recipe,
            "settings": list(self.settings),
            "digests": self.digests,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "Review":
        """Read a review written by the page or by :meth:`save`.

        Raises:
            DataError: the file is not a review or is damaged, or a decision is invalid.
        """
        if not path.is_file():
            raise DataError(f"{path} does not exist; dressform data doctor creates a review.json")
        document = read_json(path)
        is_review = isinstance(document, dict) and isinstance(document.get("findings"), list)
        if not is_review or not isinstance(document.get("digests"), dict):
            raise DataError(f"{path} is not a review; create one with dressform data doctor")
        if document.get("format") != FORMAT:
            raise DataError(
                f"{path} has format {document.get('format')}; this dressform reads {FORMAT}"
            )
        findings = []
        for index, row in enumerate(document["findings"]):
            advice = f"in finding {index}; save the review again"
            finding = read_record(Finding, row, path, advice=advice, refuse=DataError)
            if finding.action == "relabel" and not finding.to:
                raise DataError(
                    f"{path}: finding {index} relabels {finding.id} without naming a class; give "
                    f"it in “to”"
                )
            findings.append(finding)
        recipe, settings = (document.get(name) for name in ("recipe", "settings"))
        advice = "in its options; save the review again"
        options = read_record(
            ReadOptions, document.get("options", {}), path, advice=advice, refuse=DataError
        )
        return cls(
            str(document.get("dataset")),
            str(document.get("source")),
            dict(document["digests"]),
            tuple(findings),
            options,
            recipe if isinstance(recipe, str) else None,
            tuple(map(str, settings)) if isinstance(settings, list) else (),
        )


@dataclass(frozen=True)
class ReviewedData:
    """A dataset after its review.

    Attributes:
        data: the new splits; the original ones are unchanged.
        relabelled: number of relabelled examples.
        dropped: number of dropped examples.
    """

    data: DatasetSplits
    relabelled: int
    dropped: int

    def __repr__(self) -> str:
        return brief(
            self, repr(self.data), f"{self.relabelled:,} relabelled", f"{self.dropped:,} dropped"
        )


def apply_review(data: DatasetSplits, review: Review) -> ReviewedData:
    """Apply the decisions of a review to its dataset.

    Args:
        data: the dataset that was reviewed, unchanged since.
        review: the decisions.

    Raises:
        DataError: the dataset is another one, an example or class is unknown, decisions contradict
            each other, or a split would be left empty.
    """
    if {name: d.digest for name, d in data} != review.digests:
        raise DataError(
            f"{data.name} is not what was reviewed ({review.dataset}), or has changed since; "
            f"review it again, or give the reviewed "
            f"data with data="
        )
    decisions: dict[tuple[str, str], Finding] = {}
    for finding in review.decisions:
        earlier = decisions.get((finding.split, finding.id))
        if earlier is not None and (earlier.action, earlier.to) != (finding.action, finding.to):
            raise DataError(
                f"{finding.id} is to be both {_decision(earlier)} and {_decision(finding)}; keep "
                f"one decision in the review"
            )
        decisions[finding.split, finding.id] = finding
    row_of = {split: {str(i): n for n, i in enumerate(dataset.ids)} for split, dataset in data}
    for finding in decisions.values():
        if finding.id not in row_of.get(finding.split, {}):
            raise DataError(
                f"{finding.id} is not in {finding.split} of {data.name}; was the review made for "
                f"other data?"
            )
        if finding.action == "relabel" and finding.to not in data.class_names:
            raise DataError(
                f"{finding.id} is relabelled to {finding.to}; allowed: "
                f"{', '.join(data.class_names)}"
            )
    splits: dict[str, Dataset] = {}
    for split, dataset in data:
        labels, mask = dataset.labels.copy(), np.ones(len(dataset), bool)
        for finding in decisions.values():
            if finding.split != split:
                continue
            row = row_of[split][finding.id]
            if finding.action == "drop":
                mask[row] = False
            elif finding.to is not None:
                labels[row] = data.class_names.index(finding.to)
        if not mask.any():
            raise DataError(f"the review drops every example of {split}; keep at least one")
        relabelled = dataclasses.replace(dataset, labels=labels)
        splits[split] = relabelled.take(np.flatnonzero(mask))
    actions = [finding.action for finding in decisions.values()]
    reviewed = DatasetSplits(
        f"{data.name}, reviewed", splits["train"], splits.get("validation"), splits.get("test")
    )
    return ReviewedData(reviewed, actions.count("relabel"), actions.count("drop"))


def _decision(finding: Finding) -> str:
    return "dropped" if finding.action == "drop" else f"relabelled to {finding.to}"
