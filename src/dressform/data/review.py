"""`Review`: findings about the examples of a dataset, with what a person decided about each, and
the dataset that follows.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dressform.core.errors import DataError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record
from dressform.data.dataset import Dataset, DatasetSplits

FORMAT = 1
Kind = Literal["label", "duplicate", "outlier"]
Action = Literal["keep", "relabel", "drop"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about one example that a person should look at.

    Attributes:
        id: of the example.
        split: where it is.
        kind: the label may be wrong, another picture is nearly the same, or it is like no other.
        label: its class now, by name.
        score: what the finding was sorted by; its meaning depends on the kind (see
            :mod:`dressform.explore.doctor`).
        reason: in words.
        suggested: another class, by name, or None.
        other: id of the nearly equal picture, or None.
        other_split: where that one is; None stands for the same split.
        action: what a person decided; ``keep`` until then.
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
        source: how it was named, for :func:`dressform.load_data`.
        digests: of its splits.
        findings: the worst first within each kind.
        image_size: that it was read with.
        recipe: of the model that judged its labels, as ``dressform train`` takes it; None where
            none did.
        settings: the ``--set`` assignments of that training.
    """

    dataset: str
    source: str
    digests: dict[str, str]
    findings: tuple[Finding, ...]
    image_size: int | None = None
    recipe: str | None = None
    settings: tuple[str, ...] = ()

    @property
    def decisions(self) -> tuple[Finding, ...]:
        """The findings about which a person decided something else than to keep the example as it
        is.
        """
        return tuple(finding for finding in self.findings if finding.action != "keep")

    def to_json(self) -> dict[str, Any]:
        """The document that :meth:`save` writes."""
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "source": self.source,
            "image_size": self.image_size,
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
        """Read a review, as the page or :meth:`save` wrote it.

        Raises:
            DataError: not a review, damaged, or with decisions that are none.
        """
        if not path.is_file():
            raise DataError(f"{path} does not exist; dressform data doctor writes a review.json")
        document = read_json(path)
        whole = isinstance(document, dict) and isinstance(document.get("findings"), list)
        if not whole or not isinstance(document.get("digests"), dict):
            raise DataError(
                f"{path} is not a review; dressform data doctor writes one, and its page saves it"
            )
        if document.get("format") != FORMAT:
            raise DataError(
                f"{path} has format {document.get('format')}; this dressform reads {FORMAT}"
            )
        findings = []
        for place, row in enumerate(document["findings"]):
            advice = f"that is finding {place}, so save the review anew"
            finding = read_record(Finding, row, path, advice=advice, refuse=DataError)
            if finding.action == "relabel" and not finding.to:
                raise DataError(
                    f"{path}: finding {place} relabels {finding.id} but does not say to which "
                    f"class; give it in “to”"
                )
            findings.append(finding)
        size, recipe, settings = (
            document.get(name) for name in ("image_size", "recipe", "settings")
        )
        return cls(
            str(document.get("dataset")),
            str(document.get("source")),
            dict(document["digests"]),
            tuple(findings),
            size if isinstance(size, int) else None,
            recipe if isinstance(recipe, str) else None,
            tuple(map(str, settings)) if isinstance(settings, list) else (),
        )


@dataclass(frozen=True)
class Applied:
    """A dataset after a review.

    Attributes:
        data: the new splits; the old are as they were.
        relabelled: examples with another class now.
        dropped: examples that are gone.
    """

    data: DatasetSplits
    relabelled: int
    dropped: int


def apply_review(data: DatasetSplits, review: Review) -> Applied:
    """Make the dataset that a review decided on.

    Args:
        data: the reviewed dataset, unchanged since.
        review: with decisions.

    Raises:
        DataError: another dataset, an unknown example or class, decisions that contradict each
            other, or nothing left of a split.
    """
    if {name: d.digest for name, d in data} != review.digests:
        raise DataError(
            f"{data.name} is not what was reviewed ({review.dataset}), or has changed since; "
            f"review it anew, or name the reviewed"
            " data with --data"
        )
    decisions: dict[tuple[str, str], Finding] = {}
    for finding in review.decisions:
        before = decisions.get((finding.split, finding.id))
        if before is not None and (before.action, before.to) != (finding.action, finding.to):
            raise DataError(
                f"{finding.id} is to be {_words(before)} and {_words(finding)}; decide on one of "
                f"them in the review"
            )
        decisions[finding.split, finding.id] = finding
    known = {split: {str(i): n for n, i in enumerate(dataset.ids)} for split, dataset in data}
    for finding in decisions.values():
        if finding.id not in known.get(finding.split, {}):
            raise DataError(
                f"{finding.id} is not in {finding.split} of {data.name}; was the review made for "
                f"other data?"
            )
        if finding.action == "relabel" and finding.to not in data.class_names:
            raise DataError(
                f"{finding.id} is relabelled to {finding.to}; allowed: "
                f"{', '.join(data.class_names)}"
            )
    parts: dict[str, Dataset] = {}
    for split, dataset in data:
        labels, keep = dataset.labels.copy(), np.ones(len(dataset), bool)
        for finding in decisions.values():
            if finding.split != split:
                continue
            place = known[split][finding.id]
            if finding.action == "drop":
                keep[place] = False
            elif finding.to is not None:
                labels[place] = data.class_names.index(finding.to)
        if not keep.any():
            raise DataError(f"the review drops all of {split}; keep at least one example")
        parts[split] = Dataset(
            dataset.images[keep], labels[keep], dataset.ids[keep], dataset.class_names
        )
    actions = [finding.action for finding in decisions.values()]
    made = DatasetSplits(
        f"{data.name}, reviewed", parts["train"], parts.get("validation"), parts.get("test")
    )
    return Applied(made, actions.count("relabel"), actions.count("drop"))


def _words(finding: Finding) -> str:
    return "dropped" if finding.action == "drop" else f"relabelled to {finding.to}"
