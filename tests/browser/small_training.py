"""A training for tests of the page: ``python small_training.py FOLDER CACHE TINY…``.

It trains a tiny network on the job's images, and tells its epochs one by one. The trained run is
kept in ``CACHE``, and a later training is a copy of it.
"""

import json
import shutil
import sys
import time
from pathlib import Path

EPOCH_SECONDS = 0.7
"""Longer than a worker waits between two lines of progress."""


def tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def train(folder: Path, cache: Path, settings: list[str]) -> None:
    import dressform

    columns = {"image_column": "image", "label_column": "label", "split_column": "split"}
    run = dressform.train(
        "fast",
        folder / json.loads((folder / "job.json").read_text())["listing"],
        settings=settings,
        out=cache / "runs",
        progress=False,
        **columns,
    )
    dressform.report(run, out=cache / "report.html")
    result = {
        "run": str(run.path.relative_to(cache)),
        "recipe": "fast",
        "class_names": list(run.manifest.dataset.class_names),
        "accuracy": 0.912,
        "low": 0.881,
        "high": 0.936,
        "protocol": "5-fold cross-validation",
        "examples": 36,
        "held_out": 4,
    }
    (cache / "result.json").write_text(json.dumps(result))


def main() -> None:
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    tell(phase="comparing methods")
    if not (cache / "result.json").exists():
        train(folder, cache, sys.argv[3:])
    tell(phase="training", epoch=0, epochs=4)
    for epoch in range(1, 5):
        time.sleep(EPOCH_SECONDS)
        accuracy = 0.5 + 0.1 * epoch
        left = EPOCH_SECONDS * (4 - epoch)
        tell(
            epoch=epoch, epochs=4, train_accuracy=accuracy, val_accuracy=accuracy, seconds_left=left
        )
    shutil.copytree(cache / "runs", folder / "runs")
    shutil.copy(cache / "report.html", folder)
    shutil.copy(cache / "result.json", folder)


if __name__ == "__main__":
    main()
