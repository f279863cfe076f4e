"""Cross-validations whose files were changed, taken away or fought over: refused with a line, or
made anew.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dressform.core.errors import ConfigError, RunError, TrainingError
from dressform.core.files import exclusive, read_json, write_json
from dressform.core.npz import read_npz, write_npz
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.runs.crossval import CrossvalRun, open_crossval
from tests.experiment.calls import crossval

SETTINGS = ("epochs=1", "batch_size=50", "precision=float32", "optim.lr=0.05")


@pytest.fixture(scope="module")
def pupil(fashion: DatasetSplits) -> DatasetSplits:
    return DatasetSplits("pupil", fashion.train.take(np.arange(200)))


@pytest.fixture(scope="module")
def finished(pupil: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> CrossvalRun:
    return _run(pupil, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def copy(finished: CrossvalRun, tmp_path: Path) -> Path:
    """The folder of a finished cross-validation that may be changed."""
    folder = tmp_path / finished.path.relative_to(finished.path.parents[2])
    shutil.copytree(finished.path, folder)
    return folder


def _run(pupil: DatasetSplits, out: Path, **options: Any) -> CrossvalRun:
    return crossval(
        ["simple-dense"],
        pupil,
        folds=2,
        settings=SETTINGS,
        workers=1,
        out=out,
        resume=True,
        **options,
    )[0]


def _edit(path: Path, **values: Any) -> None:
    write_json(path, {**read_json(path), **values})


def _roll(path: Path) -> None:
    arrays = read_npz(path)
    write_npz(path, {**arrays, "logits": np.roll(arrays["logits"], 1, axis=1)})


FOLD = "repeat0-fold0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda folder: (folder / FOLD / "result.json").write_text("[]"),
            "result.json is damaged .*; delete ",
        ),
        (
            lambda folder: _edit(folder / FOLD / "result.json", accuracy="much"),
            "accuracy is 'much', expected a finite",
        ),
        (
            lambda folder: _roll(folder / FOLD / "predictions.npz"),
            "was changed since it was finished; delete ",
        ),
        (
            lambda folder: (folder / FOLD / "predictions.npz").unlink(),
            "predictions.npz does not exist; delete ",
        ),
        (
            lambda folder: (folder / "plan.json").unlink(),
            "has folds but no plan.json; delete that folder",
        ),
        (lambda folder: (folder / "plan.json").write_text("[]"), "plan.json is damaged"),
        (lambda folder: _edit(folder / "plan.json", threads=0), "plan.json is damaged"),
        (lambda folder: _edit(folder / "plan.json", fold_digests=None), "plan.json is damaged"),
    ],
)
def test_changed_folds_and_plans_are_refused(
    change: Callable[[Path], object], message: str, copy: Path, pupil: DatasetSplits, tmp_path: Path
) -> None:
    change(copy)
    with pytest.raises(RunError, match=message):
        _run(pupil, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "crossval.json").write_text("{"),
        lambda folder: _edit(folder / "crossval.json", mean=0.99),
        lambda folder: (folder / "out-of-fold.npz").write_bytes(b"PK"),
        lambda folder: _roll(folder / "out-of-fold.npz"),
        lambda folder: _edit(folder / FOLD / "result.json", accuracy=0.99),
    ],
)
def test_what_follows_from_the_folds_is_made_anew(
    change: Callable[[Path], object],
    copy: Path,
    finished: CrossvalRun,
    pupil: DatasetSplits,
    tmp_path: Path,
) -> None:
    change(copy)
    found = _run(pupil, tmp_path)
    for name in ("crossval.json", "out-of-fold.npz"):
        assert (found.path / name).read_bytes() == (finished.path / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("ids"), "lacks ids"),
        (lambda arrays: arrays.pop("class_names"), "lacks class_names"),
        (
            lambda arrays: arrays.update(fold=arrays["fold"] - 1),
            "has folds outside 0 to 1 in repeat 0",
        ),
        (
            lambda arrays: arrays.update(fold=arrays["fold"] * np.nan),
            "has folds outside 0 to 1 in repeat 0",
        ),
        (
            lambda arrays: arrays.update(fold=arrays["fold"][:9]),
            "has folds outside 0 to 1 in repeat 0",
        ),
        (
            lambda arrays: arrays.update(fold=arrays["fold"] * 0),
            "has folds outside 0 to 1 in repeat 0",
        ),
    ],
)
def test_a_changed_out_of_fold_file_is_refused(
    change: Callable[[Any], object], message: str, copy: Path
) -> None:
    path = copy / "out-of-fold.npz"
    arrays = read_npz(path)
    change(arrays)
    write_npz(path, arrays)
    with pytest.raises(RunError, match=f"{message}; run crossval with resume=True to recreate it"):
        open_crossval(copy).out_of_fold()
    path.write_bytes(b"PK")
    with pytest.raises(RunError, match="to recreate it"):
        open_crossval(copy).out_of_fold()


@pytest.mark.parametrize("values", [{"repeats": 0}, {"folds": []}, {"k": 1}, {"settings": 3}])
def test_a_changed_summary_is_refused(values: dict[str, Any], copy: Path) -> None:
    _edit(copy / "crossval.json", **values)
    with pytest.raises(RunError, match="crossval.json is damaged"):
        open_crossval(copy)


def test_a_refused_command_changes_nothing(
    copy: Path, pupil: DatasetSplits, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with exclusive(copy / ".lock"), pytest.raises(RunError, match="another process is working"):
        _run(pupil, tmp_path, repeats=3)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_other_pictures_without_the_plan_are_refused(
    copy: Path, pupil: DatasetSplits, tmp_path: Path
) -> None:
    train = pupil.train
    inverted = DatasetSplits(
        "pupil", Dataset(255 - train.images, train.labels, train.ids, train.class_names)
    )
    (copy / "plan.json").unlink()
    with pytest.raises(RunError, match="has folds but no plan"):
        _run(inverted, tmp_path)


def test_another_spelling_of_a_setting_changes_no_byte(
    copy: Path, finished: CrossvalRun, pupil: DatasetSplits, tmp_path: Path
) -> None:
    (copy / "crossval.json").unlink()
    settings = ("epochs=01", *SETTINGS[1:])
    (found,) = crossval(
        ["simple-dense"], pupil, folds=2, settings=settings, workers=1, out=tmp_path, resume=True
    )
    assert (found.path / "crossval.json").read_bytes() == (
        finished.path / "crossval.json"
    ).read_bytes()


OWN = """
import dataclasses
import torch
import dressform

class Bad(torch.nn.Module):
    def forward(self, images):
        raise ValueError("no such thing\\nsecond line")

@dataclasses.dataclass(frozen=True)
class BadModel:
    def build(self, shape, classes):
        return Bad()

optim = dressform.Optim(lr=0.1)
bad = dressform.Recipe(name="bad", model=BadModel(), epochs=1, batch_size=50, optim=optim)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_network_that_fails_is_told_in_one_line(
    workers: int, pupil: DatasetSplits, tmp_path: Path
) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    with pytest.raises((TrainingError, ConfigError), match="ValueError: no such thing") as told:
        crossval([f"{file}:bad"], pupil, folds=2, workers=workers, out=tmp_path / "runs")
    assert "\n" not in str(told.value)
    assert json.dumps(str(told.value))
