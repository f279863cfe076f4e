"""Which score tells images that a model was not made for? Fashion-MNIST's test images against
MNIST, noise and photos.

    python benchmarks/ood.py RUN --mnist FOLDER [--photos FOLDER]

FOLDER has t10k-images-idx3-ubyte.gz; photos are prepared as `dressform predict` does. AUROC, the
share of test images that lie beyond the score that 95 % of the others exceed (FPR95), and for the
score that we use the share that is called unsure.
"""

import argparse
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import write_report
from sklearn.metrics import roc_auc_score

import dressform
from dressform.predict.features import Features, penultimate
from dressform.predict.ood import OODDetector, subsample_indices
from dressform.predict.predictor import OOD_THRESHOLD, Predictor
from dressform.predictions import softmax

Values = NDArray[np.float64]


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    options = parser.parse_args()
    run, data = dressform.open_run(options.run), dressform.load_data()
    assert data.test is not None
    held_out = np.isin(data.train.ids, run.predictions("validation").ids)
    training = data.train.take(np.flatnonzero(~held_out))
    training = training.take(subsample_indices(len(training)))
    mnist = gzip.decompress((options.mnist / "t10k-images-idx3-ubyte.gz").read_bytes())
    others = {
        "MNIST": np.frombuffer(mnist, np.uint8, offset=16).reshape(-1, 28, 28, 1),
        "noise": np.random.default_rng(0).integers(0, 256, (2000, 28, 28, 1), dtype=np.uint8),
    }
    if options.photos is not None:
        predictor = Predictor(options.run)
        others["photos"] = np.stack(
            [predictor.prepare(path).pixels for path in sorted(options.photos.rglob("*.jpg"))]
        )
    others["negated test"] = 255 - data.test.images
    others["upside-down test"] = data.test.images[:, ::-1]
    images = {**others, "test": data.test.images, "held out": data.train.images[held_out]}
    found = {
        name: penultimate(run.layout.onnx, np.ascontiguousarray(images))
        for name, images in images.items()
    }
    learned = penultimate(run.layout.onnx, training.images)
    results: dict[str, Any] = {
        "accuracy": run.manifest.results["test_accuracy"],
        "n": {n: len(f.logits) for n, f in found.items()},
    }
    ood_detector = OODDetector.fit(
        learned.values,
        training.images,
        found["held out"].values,
        images["held out"],
        found["held out"].logits.argmax(axis=1) == data.train.labels[held_out],
    )
    assert ood_detector is not None
    judged = [which for which in found if which != "held out"]
    distances = {
        name: {which: score(found[which]) for which in judged}
        for name, score in scores(learned, training.labels).items()
    }
    distances["tenth nearest, features and looks"] = {
        which: ood_detector.distances_of(found[which].values, images[which]).astype(np.float64)
        for which in judged
    }
    for name, values in distances.items():
        rows = {}
        for which in others:
            both = np.concatenate([values["test"], values[which]])
            rows[which] = {
                "auroc": round(
                    float(roc_auc_score(np.arange(len(both)) >= len(values["test"]), both)), 4
                ),
                "fpr95": round(
                    float((values["test"] >= np.quantile(values[which], 0.05)).mean()), 4
                ),
            }
        results[name] = rows
        print(name, rows, flush=True)
    results["abstain"] = {
        which: round(
            float((ood_detector.p_values(features.values, images[which]) <= OOD_THRESHOLD).mean()),
            4,
        )
        for which, features in found.items()
        if which != "held out"
    }
    print("abstain", results["abstain"])
    photos = " --photos PHOTOS" if options.photos else ""
    write_report("ood", f"python benchmarks/ood.py RUN --mnist MNIST{photos}", results)


def scores(learned: Features, labels: NDArray[np.int64]) -> dict[str, Callable[[Features], Values]]:
    """Each larger for images that are less usual."""
    reference = learned.values.astype(np.float64)
    means = np.stack([reference[labels == label].mean(axis=0) for label in np.unique(labels)])
    away = reference - means[labels]
    spread = away.T @ away / len(away)
    inverse = np.linalg.inv(spread + 1e-3 * np.trace(spread) / len(spread) * np.eye(len(spread)))

    def nearest(features: Features, unit: bool) -> Values:
        rows, known = features.values.astype(np.float64), reference
        if unit:
            rows, known = (
                v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12)
                for v in (rows, known)
            )
        parts = []
        for start in range(0, len(rows), 1000):
            part = rows[start : start + 1000]
            squares = (part**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * part @ known.T
            parts.append(np.partition(squares, 10, axis=1)[:, 9])
        return np.asarray(np.concatenate(parts))

    def mahalanobis(features: Features) -> Values:
        rows = features.values.astype(np.float64)
        return np.asarray(
            np.min(
                [np.einsum("nd,de,ne->n", rows - mean, inverse, rows - mean) for mean in means],
                axis=0,
            )
        )

    def energy(features: Features) -> Values:
        logits = features.logits.astype(np.float64)
        peak = logits.max(axis=1)
        return np.asarray(-(peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))))

    return {
        "largest probability": lambda features: (
            -softmax(features.logits).max(axis=1).astype(np.float64)
        ),
        "energy": energy,
        "Mahalanobis": mahalanobis,
        "tenth nearest, Euclidean": lambda features: nearest(features, unit=False),
        "tenth nearest, cosine": lambda features: nearest(features, unit=True),
    }


if __name__ == "__main__":
    main()
