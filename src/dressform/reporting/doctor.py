"""`write_diagnosis`: what the data doctor found, as a page on which a person decides."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dressform.data.contents import ImageSource
from dressform.data.dataset import DatasetSplits
from dressform.data.review import Review
from dressform.exploration.doctor import Diagnosis, counted_finding
from dressform.reporting.large_images import large_images
from dressform.reporting.output import write_checked
from dressform.reporting.page.blobs import array_blob, text_blob
from dressform.reporting.page.schema import DoctorDocument, tile_of
from dressform.reporting.page.sheets import make_sheets
from dressform.runs.manifest import packages, timestamp

Files = Mapping[tuple[str, str], ImageSource]
"""(split, id) -> what an image was decoded from; of data without splits the split is train."""


def write_diagnosis(
    path: Path, diagnosis: Diagnosis, data: DatasetSplits, files: Files | None = None
) -> None:
    """Write the page; only images that a finding names get into it.

    Args:
        path: the HTML file.
        diagnosis: of the data.
        data: the examined dataset.
        files: of the images, from which the page shows photos larger than they were examined.

    Raises:
        ConfigError: the file cannot be written.
    """
    review = diagnosis.review
    named: dict[str, set[str]] = {split: set() for split, _ in data}
    for finding in review.findings:
        named[finding.split].add(finding.id)
        if finding.other is not None:
            named[finding.other_split or finding.split].add(finding.other)
    images, labels, ids, splits = [], [], [], []
    for split, dataset in data:
        chosen = np.flatnonzero(np.isin(dataset.ids, list(named[split])))
        images.append(dataset.images[chosen])
        labels.append(dataset.labels[chosen])
        ids += dataset.ids[chosen].tolist()
        splits += [split] * len(chosen)
    pixels = np.concatenate(images)
    sheets = make_sheets(pixels, name="images")
    examples = list(zip(splits, ids, strict=True))
    known = files or {}
    sources = [known.get(example, known.get(("train", example[1]))) for example in examples]
    large = large_images(pixels, sources, _by_rank(review, examples))
    total = sum(len(dataset) for _, dataset in data)
    document: DoctorDocument = {
        "kind": "doctor",
        "title": f"Data doctor: {data.name}",
        "version": packages().get("dressform", ""),
        "made": f"{timestamp()}: {total:,} images",
        "classes": list(data.class_names),
        "examples": len(ids),
        "runs": [],
        "tile": tile_of(sheets.documents),
        "sheets": sheets.documents,
        "projections": [],
        "points": [0, 0],
        "review": review.to_json(),
        "counts": [
            (counted_finding(finding, count), count) for finding, count in diagnosis.counts.items()
        ],
        "reevaluated": [
            {
                "name": scored.name,
                "split": scored.split,
                "scores": [(subset, estimate.to_json()) for subset, estimate in scored.scores()],
            }
            for scored in diagnosis.reevaluated
        ],
        "files": ["" if one is None else one.name for one in sources],
        "large_images": sorted(large),
    }
    blobs = [
        text_blob("ids", json.dumps(ids)),
        text_blob("splits", json.dumps(splits)),
        array_blob("labels", np.concatenate(labels).astype(np.uint16)),
        *sheets.blobs,
        *(large[number] for number in sorted(large)),
    ]
    write_checked(path, document, blobs)


def _by_rank(review: Review, examples: Sequence[tuple[str, str]]) -> list[int]:
    """The numbers of the images, those of the first findings of each kind first."""
    number_of = {example: number for number, example in enumerate(examples)}
    ranks, ranked = Counter[str](), list[tuple[int, int]]()
    for finding in review.findings:
        ranks[finding.kind] += 1
        shown = [(finding.split, finding.id)]
        if finding.other is not None:
            shown.append((finding.other_split or finding.split, finding.other))
        ranked += [(ranks[finding.kind], number_of[example]) for example in shown]
    ranked.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(number for _, number in ranked))
