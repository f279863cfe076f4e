"""`write_diagnosis`: what the data doctor found, as a page on which a person decides."""

import json
from pathlib import Path

import numpy as np

from dressform.data.dataset import DatasetSplits
from dressform.exploration.doctor import Diagnosis
from dressform.reporting.output import write_checked
from dressform.reporting.page.blobs import array_blob, text_blob
from dressform.reporting.page.schema import DoctorDocument, tile_of
from dressform.reporting.page.sheets import make_sheets
from dressform.runs.manifest import packages, timestamp


def write_diagnosis(path: Path, diagnosis: Diagnosis, data: DatasetSplits) -> None:
    """Write the page; only images that a finding names get into it.

    Args:
        path: the HTML file.
        diagnosis: of the data.
        data: the examined dataset.

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
    sheets = make_sheets(np.concatenate(images), name="images")
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
        "counts": list(diagnosis.counts.items()),
        "reevaluated": [
            {
                "name": scored.name,
                "split": scored.split,
                "scores": [(subset, estimate.to_json()) for subset, estimate in scored.scores()],
            }
            for scored in diagnosis.reevaluated
        ],
    }
    blobs = [
        text_blob("ids", json.dumps(ids)),
        text_blob("splits", json.dumps(splits)),
        array_blob("labels", np.concatenate(labels).astype(np.uint16)),
        *sheets.blobs,
    ]
    write_checked(path, document, blobs)
