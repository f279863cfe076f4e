"""`write_diagnosis`: what the data doctor found, as a page on which a person decides."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dressform.data.dataset import DatasetSplits
from dressform.explore.doctor import Diagnosis
from dressform.report.page.blobs import array_blob, text_blob
from dressform.report.page.sheets import make_sheets
from dressform.report.report import write
from dressform.runs.manifest import packages, timestamp


def write_diagnosis(path: Path, diagnosis: Diagnosis, data: DatasetSplits) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        diagnosis: of the data.
        data: whose pictures are shown; only those that a finding names get into the page.
    """
    review = diagnosis.review
    wanted: dict[str, set[str]] = {split: set() for split, _ in data}
    for finding in review.findings:
        wanted[finding.split].add(finding.id)
        if finding.other is not None:
            wanted[finding.other_split or finding.split].add(finding.other)
    images, labels, ids, splits = [], [], [], []
    for split, dataset in data:
        chosen = np.flatnonzero(np.isin(dataset.ids, list(wanted[split])))
        images.append(dataset.images[chosen])
        labels.append(dataset.labels[chosen])
        ids += dataset.ids[chosen].tolist()
        splits += [split] * len(chosen)
    pictures = make_sheets(np.concatenate(images), name="pictures")
    total = sum(len(dataset) for _, dataset in data)
    document: dict[str, Any] = {
        "kind": "doctor",
        "title": f"Data doctor: {data.name}",
        "version": packages().get("dressform", ""),
        "made": f"{timestamp()}: {total:,} pictures",
        "classes": list(data.class_names),
        "examples": len(ids),
        "runs": [],
        "tile": [pictures.document[0]["width"], pictures.document[0]["height"]]
        if pictures.document
        else [28, 28],
        "sheets": pictures.document,
        "projections": [],
        "points": [0, 0],
        "review": review.to_json(),
        "counts": list(diagnosis.counts.items()),
        "reevaluated": [
            {
                "name": r.name,
                "split": r.split,
                "scores": [[words, estimate.to_json()] for words, estimate in r.scores()],
            }
            for r in diagnosis.reevaluated
        ],
    }
    blobs = [
        text_blob("ids", json.dumps(ids)),
        text_blob("splits", json.dumps(splits)),
        array_blob("labels", np.concatenate(labels).astype(np.uint16)),
        *pictures.blobs,
    ]
    write(path, document, blobs)
