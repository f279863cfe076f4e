"""Independent jobs in worker processes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dressform.core.errors import RunError, TrainingError
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.experiment.crossval.fold import run_fold
from dressform.experiment.jobs.fold_job import FoldJob, FoldResult, TrainingSet
from dressform.experiment.jobs.pool import choose_workers, run_jobs
from dressform.experiment.resolved import resolve_recipe
from dressform.predictions import Predictions
from tests.experiment.calls import DENSE, crossval


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dressform.experiment.jobs.pool.cores", lambda: 8)
    assert choose_workers(None, 5, "cpu") == (5, 1)
    assert choose_workers(None, 20, "cpu") == (8, 1)
    assert choose_workers(2, 20, "cpu") == (2, 4)
    assert choose_workers(None, 1, "cpu") == (1, 8)


def test_the_last_fold_gets_the_threads_that_it_would_have_had(
    pupil: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fold that is alone after a kill must not be trained with all cores: its last bits would be
    others.
    """
    monkeypatch.setattr("dressform.experiment.jobs.pool.cores", lambda: 2)
    call: dict[str, Any] = {"folds": 2, "settings": DENSE, "out": tmp_path}
    first = crossval(["simple-dense"], pupil, workers=2, **call)[0]
    result = first.layout.fold(0, 1).result
    before, summary = json.loads(result.read_text()), first.layout.summary.read_bytes()
    result.unlink()
    first.layout.summary.unlink()
    threads = torch.get_num_threads()
    crossval(["simple-dense"], pupil, workers=1, **call, resume=True)
    assert torch.get_num_threads() == threads
    after = json.loads(result.read_text())
    assert (before["threads"], after["threads"]) == (1, 1)
    assert first.layout.summary.read_bytes() == summary


def _jobs(
    data: DatasetSplits, folder: Path, recipe: str, *, settings: Sequence[str] = ()
) -> list[FoldJob]:
    write_archive(folder / "train.npz", data)
    return [
        FoldJob(
            recipe=recipe,
            settings=list(settings),
            data=TrainingSet(digest=data.train.digest, archive=str(folder / "train.npz")),
            folds=3,
            repeat=0,
            fold=fold,
            folder=str(folder / f"f{fold}"),
            features=str(folder / "features"),
            seed=0,
            device="cpu",
            threads=1,
            precision="float32",
            key="k",
        )
        for fold in range(3)
    ]


def _done_by_two(jobs: list[FoldJob]) -> list[FoldResult]:
    return run_jobs(jobs, workers=2, threads=1, tell=lambda index, event: None)


def test_worker_processes_give_the_results_of_this_process(
    pupil: DatasetSplits, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        recipe = resolve_recipe("simple-dense", DENSE).recipe
        here = [
            run_fold(job, recipe, pupil.train, lambda event: None)
            for job in _jobs(pupil, tmp_path / "here", "simple-dense", settings=DENSE)
        ]
    finally:
        torch.set_num_threads(before)
    there = _done_by_two(_jobs(pupil, tmp_path / "there", "simple-dense", settings=DENSE))
    assert [r.accuracy for r in there] == [r.accuracy for r in here]
    assert [r.fold for r in there] == [0, 1, 2]
    for k in range(3):
        a, b = (
            Predictions.load(tmp_path / where / f"f{k}" / "predictions.npz")
            for where in ("here", "there")
        )
        assert np.array_equal(a.logits, b.logits)


def test_an_error_in_a_worker_is_told_in_one_line(pupil: DatasetSplits, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf).*try a lower learning rate"):
        _done_by_two(
            _jobs(pupil, tmp_path, "simple-dense", settings=("optim.lr=1000", "epochs=50"))
        )


def test_a_worker_that_dies_is_told(pupil: DatasetSplits, tmp_path: Path) -> None:
    file = tmp_path / "deadly.py"
    file.write_text("import os\n\n\ndef recipe():\n    os._exit(3)\n")
    with pytest.raises(
        RunError,
        match="a worker process ended with code 3; finished folds are kept: continue with "
        "resume=True",
    ):
        _done_by_two(_jobs(pupil, tmp_path, f"{file}:recipe"))
