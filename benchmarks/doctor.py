"""The data doctor on planted faults: labels flipped at random, and near duplicates of four kinds.

    python benchmarks/doctor.py labels [--share 0.05] [--seeds 3] [--out runs]
    python benchmarks/doctor.py duplicates

`labels`: a share of Fashion-MNIST's 60,000 training labels is replaced by another class, drawn
evenly; `fast` is cross-validated on them (five folds, so that no model judges a label it learned
from), and the suspects are compared with what was planted. Every suspect that was not planted
counts as wrong, although Fashion-MNIST has wrong labels of its own, so precision is a lower bound.
`duplicates`: 200 pictures are added to train: equal, shifted by a pixel, brightened, mirrored, 50
each; then the real train and test files alone, with the accuracy of a run with and without the
twins where one is given.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import write_report

import dressform
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.exploration.doctor import examine
from dressform.exploration.label_issues import find_label_issues
from dressform.exploration.near_duplicates import near_duplicates
from dressform.exploration.out_of_sample import OutOfSample
from dressform.predictions.examples import indices_of


def main() -> None:
    """Run what was asked for and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("labels", "duplicates"))
    parser.add_argument("--share", type=float, default=0.05, help="of the labels that are flipped")
    parser.add_argument("--seeds", type=int, default=3, help="draws of flipped labels")
    parser.add_argument(
        "--run", type=Path, help="of fast, whose predictions are scored without the twins"
    )
    parser.add_argument("--out", type=Path, help="keep the cross-validations here and resume them")
    options = parser.parse_args()
    if options.what == "duplicates":
        command = "python benchmarks/doctor.py duplicates" + (" --run RUN" if options.run else "")
        write_report("doctor-duplicates", command, duplicates(options.run))
        return
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder)
        rows = [labels(options.share, seed, out) for seed in range(options.seeds)]
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("precision", "recall")}
    command = (
        f"python benchmarks/doctor.py labels --share {options.share:g} --seeds {options.seeds}"
    )
    write_report("doctor-labels", command, {"share": options.share, **means, "draws": rows})


def labels(share: float, seed: int, out: Path) -> dict[str, Any]:
    """Flip labels, cross-validate, compare the suspects with the flipped ones."""
    train = dressform.load_data().train
    random = np.random.default_rng(seed)
    flipped = np.zeros(len(train), bool)
    flipped[random.choice(len(train), round(share * len(train)), replace=False)] = True
    noisy = np.where(
        flipped, (train.labels + random.integers(1, 10, len(train))) % 10, train.labels
    )
    data = DatasetSplits(
        f"noisy-{share:g}-{seed}", Dataset(train.images, noisy, train.ids, train.class_names)
    )
    (run,) = dressform.crossval("fast", data, folds=5, out=out, resume=True)
    predictions = run.out_of_fold()[0][0]
    planted = flipped[indices_of(train.ids, predictions.ids)]
    suspect = find_label_issues(predictions).suspect
    hits = int((suspect & planted).sum())
    row = {
        "seed": seed,
        "planted": int(planted.sum()),
        "suspect": int(suspect.sum()),
        "found": hits,
        "precision": hits / int(suspect.sum()),
        "recall": hits / int(planted.sum()),
    }
    print(row, flush=True)
    return row


def duplicates(run: Path | None) -> dict[str, Any]:
    """Plant 200 near duplicates and count which are listed; then count those of the real files."""
    data = dressform.load_data()
    random = np.random.default_rng(0)
    chosen = random.choice(len(data.train), 200, replace=False)
    kinds = np.repeat(["equal", "shifted", "brightened", "mirrored"], 50)
    copies = np.stack(
        [change(data.train.images[i], kind, random) for i, kind in zip(chosen, kinds, strict=True)]
    )
    started = time.perf_counter()
    found = near_duplicates(np.concatenate([data.train.images, copies]))
    seconds = time.perf_counter() - started
    listed = {tuple(pair) for pair in found.pairs.tolist()}
    hits = np.array([(int(i), len(data.train) + n) in listed for n, i in enumerate(chosen)])
    planted = {kind: int(hits[kinds == kind].sum()) for kind in dict.fromkeys(kinds.tolist())}
    print(planted, flush=True)
    judges = (
        []
        if run is None
        else [
            OutOfSample(
                dressform.open_run(run).name, dressform.open_run(run).predictions("test"), "test"
            )
        ]
    )
    diagnosis = examine(data, judges)
    scores = {
        words: estimate.to_json()
        for scored in diagnosis.reevaluated
        for words, estimate in scored.scores()
    }
    pictures = len(
        {
            f.id
            for f in diagnosis.review.findings
            if f.kind == "duplicate" and f.split == "test" and f.other in set(data.train.ids)
        }
    )
    return {
        "planted": {
            "of": 50,
            "listed": planted,
            "listed_in_all": len(listed),
            "seconds": round(seconds, 1),
        },
        "real": {**diagnosis.counts, "test pictures with a twin in train": pictures},
        "scores": scores,
    }


def change(picture: NDArray[np.uint8], kind: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """A near duplicate of one picture."""
    if kind == "mirrored":
        return picture[:, ::-1]
    if kind == "brightened":
        return np.asarray(np.minimum(255, picture * random.uniform(1.1, 1.4)), dtype=np.uint8)
    if kind == "shifted":
        down, across = [(-1, 0), (1, 0), (0, -1), (0, 1)][int(random.integers(4))]
        moved = np.zeros_like(picture)
        moved[max(0, down) : 28 + min(0, down), max(0, across) : 28 + min(0, across)] = picture[
            max(0, -down) : 28 + min(0, -down), max(0, -across) : 28 + min(0, -across)
        ]
        return moved
    return picture


if __name__ == "__main__":
    main()
