"""Is the usual figure too good? Cross-validated accuracy on photos by random folds and by folds
that keep the photos of each sender together.

    python benchmarks/grouped_folds.py PHOTOS [--repeats 2] [--ways "linear probe,from scratch"]
        [--sets "ten classes,listing"] [--out runs-grouped]

PHOTOS has images.csv (image, sender_id, label) and the photos in train, validation and more. Two
sets of them: the ten classes of train and validation, labelled by their folders; and all photos of
the table without the labels that are no classes and without classes of fewer than 50 photos. Both
ways of dividing train the same recipe with the same seeds on the same photos. Finished folds are
kept in --out, so an interrupted measurement goes on. Intervals are by senders, whose photos are no
independent examples (Student's t over groups, dressform.evaluation.clusters), and over folds.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import write_report

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.groups import count_groups
from dressform.data.image import open_image
from dressform.data.resample import fit
from dressform.evaluation import clusters
from dressform.experiment.crossval.cross_validation import crossval
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import resolve_recipe
from dressform.kernels.process import tune_process
from dressform.runs.crossval import CrossvalRun
from dressform.training.callback import Callback, Fold

WAYS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "linear probe": (
        "transfer-efficientnet-lite0",
        224,
        (
            "epochs=40",
            "model.frozen=9",
            "cached_features=2",
            "batch_size=64",
            "optim.lr=0.003",
        ),
    ),
    "fine-tuned": ("transfer-efficientnet-lite0", 224, ()),
    "from scratch": (
        "fast",
        32,
        (
            "epochs=15",
            "batch_size=100",
            "hard_examples.fraction=1",
            "augment.shift=0.06",
            "augment.zoom=0.1",
            "label_smoothing=0.1",
        ),
    ),
}
"""Recipe, image size and settings, as `train auto` has them for a few thousand photos; the small
CNN gets smaller images and fewer epochs.
"""
DROPPED = ("Not sure", "Skip", "Other")
MIN_COUNT = 50
"""Photos of a class of the listing."""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--ways", default="linear probe,from scratch")
    parser.add_argument("--sets", default="ten classes,listing")
    parser.add_argument("--out", type=Path, default=Path("runs-grouped"))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    tune_process()
    for way in options.ways.split(","):
        results: dict[str, Any] = {}
        for name in options.sets.split(","):
            recipe, side, settings = WAYS[way]
            data = SETS[name](options.photos, side)
            rows = {}
            for folds, groups in (("random", None), ("senders", data.groups)):
                dataset = Dataset.from_arrays(
                    data.images,
                    data.labels,
                    class_names=data.class_names,
                    ids=data.ids.tolist(),
                    groups=groups,
                )
                (rows[folds],) = crossval(
                    [resolve_recipe(recipe, settings)],
                    DatasetSplits(f"{name}-{folds}".replace(" ", "-"), dataset),
                    folds=options.folds,
                    repeats=options.repeats,
                    options=RunOptions(
                        out=options.out, resume=True, workers=options.workers, callback=_Printed()
                    ),
                )
            results[name] = {
                "examples": len(data),
                "n_senders": count_groups(data),
                "classes": len(data.class_names),
                "recipe": recipe,
                "settings": list(settings),
                "image_size": side,
                **compared(rows, data),
            }
            print(way, name, results[name], file=sys.stderr, flush=True)
            write_report(
                f"grouped-folds-{way.replace(' ', '-')}",
                f'python benchmarks/grouped_folds.py PHOTOS --ways "{way}" '
                f'--sets "{options.sets}" --repeats {options.repeats}',
                results,
            )


def compared(rows: dict[str, CrossvalRun], data: Dataset) -> dict[str, Any]:
    """Accuracies by folds with their intervals, and the difference, random minus senders."""
    assert data.groups is not None
    senders = clusters.numbered(data.groups)
    right = {name: _right(run) for name, run in rows.items()}
    document: dict[str, Any] = {
        name: {
            "mean": run.summary.mean,
            "over_folds": [run.summary.low, run.summary.high],
            "method": run.summary.method,
            "folds": run.accuracies,
            "repeats": run.repeats,
            "by_senders": clusters.mean(right[name].mean(axis=0), senders).to_json(),
            "macro_recall": _macro_recall(right[name].mean(axis=0), data.labels),
        }
        for name, run in rows.items()
    }
    difference = right["random"].mean(axis=0) - right["senders"].mean(axis=0)
    document["difference"] = clusters.mean(difference, senders).to_json()
    document["difference_by_repeat"] = [
        float(d) for d in right["random"].mean(axis=1) - right["senders"].mean(axis=1)
    ]
    return document


def _right(run: CrossvalRun) -> NDArray[np.float64]:
    """Whether each out-of-fold prediction is right, [repeats, N]."""
    predictions, _ = run.out_of_fold()
    return np.array([p.predicted == p.labels for p in predictions], dtype=np.float64)


def _macro_recall(right: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def ten_classes(photos: Path, side: int) -> Dataset:
    """The photos of train and validation, labelled by their folders."""
    sender = {row["image"]: row["sender_id"] for row in _table(photos)}
    paths = sorted(p for part in ("train", "validation") for p in (photos / part).glob("*/*.jpg"))
    return _read(paths, [p.parent.name for p in paths], [sender[p.stem] for p in paths], side)


def listing(photos: Path, side: int) -> Dataset:
    """All photos of the table whose label is a class with enough of them."""
    files = {p.stem: p for p in photos.rglob("*.jpg")}
    rows = [r for r in _table(photos) if r["image"] in files and r["label"] not in DROPPED]
    counts = Counter(row["label"] for row in rows)
    rows = [row for row in rows if counts[row["label"]] >= MIN_COUNT]
    return _read(
        [files[row["image"]] for row in rows],
        [row["label"] for row in rows],
        [row["sender_id"] for row in rows],
        side,
    )


SETS: dict[str, Callable[[Path, int], Dataset]] = {"ten classes": ten_classes, "listing": listing}


def _table(photos: Path) -> list[dict[str, str]]:
    with (photos / "images.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _read(paths: list[Path], labels: list[str], senders: list[str], side: int) -> Dataset:
    names = sorted(set(labels))
    images = np.empty((len(paths), side, side, 3), np.uint8)
    for row, path in enumerate(paths):
        images[row] = fit(open_image(path, draft=2 * side), (side, side, 3))
    return Dataset.from_arrays(
        images,
        [names.index(label) for label in labels],
        class_names=names,
        ids=[path.stem for path in paths],
        groups=senders,
    )


class _Printed(Callback):
    """A line for each finished fold."""

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        print(fold, f"{accuracy:.4f}", f"{seconds:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
