"""Run directories without a training: manifests alone."""

from pathlib import Path
from typing import Any

from dressform.core.files import write_json
from dressform.runs.layout import CrossvalLayout, Layout, TuningLayout, run_folder
from dressform.runs.manifest import DatasetFacts, Manifest, Results


def make_run(
    root: Path,
    recipe: str = "fast",
    *,
    data: str = "photos",
    seed: int = 0,
    val: float | None = 0.9,
    test: float | None = None,
    finished: str = "2026-11-01T10:00:00+00:00",
    **more: Any,
) -> Path:
    results: Results = {"epochs": 2, "val_accuracy": val, "test_accuracy": test}
    facts = {
        "recipe": recipe,
        "reference": recipe,
        "settings": ["epochs=2"],
        "resolved": {},
        "digest": "12345678",
        "seed": seed,
        "dataset": DatasetFacts(
            name=data, shape=(28, 28, 1), class_names=("a", "b"), digests={"train": "0"}
        ),
        "status": "finished",
        "started": "2026-11-01T09:00:00+00:00",
        "finished": finished,
        "seconds": {"train": 98.0},
        "results": {**results, "parameters": 1_679_082},
    }
    layout = Layout(run_folder(root, data, recipe, "12345678", seed))
    layout.make_folders()
    Manifest(**{**facts, **more}).save(layout.manifest)
    return layout.root


def make_crossval(root: Path, *, finished: bool) -> Path:
    layout = CrossvalLayout(root / "photos" / "conv1-12345678" / "crossval-3fold-seed0")
    for fold in range(3 if finished else 1):
        layout.fold(0, fold).root.mkdir(parents=True)
        write_json(layout.fold(0, fold).result, {"seconds": 20.5})
    plan = {"recipe": "conv1", "settings": [], "k": 3, "seed": 0, "data": "photos"}
    passes = [{"seconds": 60.5, "finished": "2026-11-02T10:00:00+00:00", "jobs": 3}]
    write_json(layout.plan, {**plan, "fold_digests": ["a"], "passes": passes})
    if finished:
        folds = [{"repeat": 0, "fold": n, "accuracy": 0.8, "epochs": 1} for n in range(3)]
        scores = {"mean": 0.8, "sd": 0.0, "low": 0.8, "high": 0.8, "method": "t", "estimates": {}}
        summary = {
            **{"format": 1, "recipe": "conv1", "settings": [], "digest": "1", "k": 3, "seed": 0},
            **{"repeats": 1, "examples": 9, "data_digest": "0", "fold_digests": ["a"]},
            **{"folds": folds, **scores, "out_of_fold": "out-of-fold.npz"},
        }
        write_json(layout.summary, summary)
    return layout.root


def make_tuning(root: Path) -> Path:
    layout = TuningLayout(root / "photos" / "fast-12345678" / "tune-12345678")
    layout.root.mkdir(parents=True)
    trial = {"number": 0, "state": "complete", "value": 0.7, "epochs": 2}
    document = {
        **{"recipe": "fast", "metric": "val_accuracy", "space": {"optim.lr": "0.1,1"}, "seed": 0},
        "trials": [{**trial, "settings": {"optim.lr": 0.1}}],
        "best": {"number": 0, "value": 0.7, "settings": ["optim.lr=0.1"]},
        "command": "dressform train fast --set optim.lr=0.1",
    }
    write_json(layout.document, document)
    return layout.root
