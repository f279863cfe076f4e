import gc
import json
import math
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dressform
from dressform.core.errors import ConfigError, DataError, RunError
from dressform.core.rng import stream_seed
from dressform.data.archive import write_archive
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.folds import make_folds
from dressform.experiment.crossval import fold as fold_module
from dressform.models.network import build_network
from dressform.predictions import Predictions
from dressform.recipes import find_recipe
from dressform.runs.crossval import CrossvalRun, open_crossval
from dressform.training import precision
from dressform.training.callback import Callback, Fold
from dressform.training.history import Epoch
from tests.experiment.calls import DENSE, crossval


@pytest.fixture(scope="module")
def finished(pupil: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> CrossvalRun:
    """A cross-validation, figures included; tests must not change it."""
    out = tmp_path_factory.mktemp("runs")
    return dressform.crossval(
        "simple-dense", pupil, folds=3, repeats=2, settings=DENSE, workers=1, out=out
    )[0]


class Watcher(Callback):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.jobs: list[Fold] = []
        self.before = 0
        self.ended: list[Fold] = []

    def on_folds_begin(
        self, folds: Sequence[Fold], finished: int, workers: int, threads: int
    ) -> None:
        self.jobs, self.before = list(folds), finished

    def on_fold_begin(self, fold: Fold, done: int, epochs: int) -> None:
        assert done <= epochs

    def on_fold_epoch_end(self, fold: Fold, epoch: int, val_accuracy: float | None) -> None:
        assert fold in self.jobs

    def on_fold_end(self, fold: Fold, accuracy: float, seconds: float) -> None:
        self.ended.append(fold)

    def on_phase_begin(self, name: str) -> None:
        assert name in ("summarising", "drawing figures")


def test_the_summary_is_what_the_folds_say(finished: CrossvalRun, pupil: DatasetSplits) -> None:
    summary = finished.summary
    assert finished.name == " ".join([summary.recipe, *summary.settings])
    assert summary.out_of_fold == finished.layout.out_of_fold.name
    assert [(row.repeat, row.fold) for row in summary.folds] == [
        (r, k) for r in range(2) for k in range(3)
    ]
    predictions, folds = finished.out_of_fold()
    for row in summary.folds:
        inside = folds[row.repeat] == row.fold
        part = predictions[row.repeat].take(inside)
        assert row.accuracy == float((part.predicted == part.labels).mean())
    values = np.array(finished.accuracies)
    assert summary.mean == pytest.approx(values.mean(), abs=1e-15)
    assert summary.sd == pytest.approx(values.std(ddof=1), abs=1e-15)
    # t, 5 degrees of freedom; K = 3
    half = 2.5705818366147395 * values.std(ddof=1) * math.sqrt(1 / 6 + 1 / 2)
    assert (summary.low, summary.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=1e-9
    )
    for p in predictions:
        assert np.array_equal(p.ids, pupil.train.ids)
        assert np.array_equal(p.labels, pupil.train.labels)


def test_the_out_of_fold_file_is_a_predictions_file(finished: CrossvalRun) -> None:
    plain = Predictions.load(finished.layout.out_of_fold)
    assert np.array_equal(plain.logits, finished.out_of_fold()[0][0].logits)


def test_every_fold_starts_from_a_network_of_its_own(pupil: DatasetSplits, tmp_path: Path) -> None:
    """With a rate too small to change a weight, what a fold answers is what its initial network
    answers.
    """
    settings = ("epochs=1", "batch_size=50", "precision=float32", "optim.lr=1e-30")
    run = crossval(
        ["simple-dense"], pupil, folds=3, seed=5, settings=settings, workers=1, out=tmp_path
    )[0]
    (predictions,), (folds,) = run.out_of_fold()
    recipe = find_recipe("simple-dense")
    seen = []
    for k in range(3):
        judged = pupil.train.take(np.flatnonzero(folds == k))
        network = build_network(
            recipe.model, pupil.shape, 10, seed=stream_seed(5, "crossval", 0, k)
        ).eval()
        mean, std = 0.0, 1.0
        if recipe.pixels == "standardize":
            learned = pupil.train.images[folds != k] / 255
            mean, std = float(learned.mean()), float(learned.std())
        pixels = torch.tensor(judged.images).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            expected = network((pixels - mean) / std).numpy()
        np.testing.assert_allclose(predictions.logits[folds == k], expected, atol=1e-4)
        seen.append(network.state_dict()["1.weight"])
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_nothing_is_learned_about_the_fold_that_is_judged(
    fashion: DatasetSplits, tmp_path: Path
) -> None:
    """Random labels can be learned by heart and not be told: a model carried from fold to fold
    would know them.
    """
    some = fashion.train.take(np.arange(300))
    labels = np.random.default_rng(0).integers(0, 10, 300)
    data = DatasetSplits("random", Dataset(some.images, labels, some.ids, some.class_names))
    settings = (
        "epochs=40",
        "batch_size=20",
        "precision=float32",
        "optim.kind=adam",
        "optim.lr=0.001",
    )
    run = crossval(["simple-dense"], data, folds=3, settings=settings, workers=1, out=tmp_path)[0]
    assert (run.histories()[2][-1]["train_accuracy"] or 0) > 0.9
    assert run.summary.mean < 0.2


@pytest.mark.parametrize("keeps_best", [False, True])
def test_choices_are_made_inside_the_training_part(
    pupil: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_best: bool
) -> None:
    seen: list[tuple[set[str], set[str]]] = []
    from dressform.training.fit import fit as real

    def spy(recipe: Any, train: Dataset, validation: Dataset | None, **others: Any) -> Any:
        assert validation is not None
        seen.append((set(train.ids.tolist()), set(validation.ids.tolist())))
        return real(recipe, train, validation, **others)

    monkeypatch.setattr(fold_module, "fit", spy)
    settings = (
        *DENSE,
        "validation_fraction=0.2",
        *(["early_stopping.restore_best=true", "early_stopping.patience=1"] if keeps_best else []),
    )
    run = crossval(["simple-dense"], pupil, folds=3, settings=settings, workers=1, out=tmp_path)[0]
    folds = run.out_of_fold()[1][0]
    for k, (train, validation) in enumerate(seen):
        judged = set(pupil.train.ids[folds == k].tolist())
        assert not train & judged
        assert not train & validation
        if keeps_best:
            assert not validation & judged
            assert len(train) + len(validation) + len(judged) == 300
        else:
            assert validation == judged  # for the curves only: nothing is chosen by them
            assert len(train) + len(judged) == 300


def test_all_recipes_get_the_same_folds(
    pupil: DatasetSplits, finished: CrossvalRun, tmp_path: Path
) -> None:
    other = crossval(
        ["lenet5-relu"], pupil, folds=3, settings=("epochs=1",), workers=1, out=tmp_path
    )[0]
    assert other.summary.fold_digests[0] == finished.summary.fold_digests[0]
    assert other.summary.fold_digests[0] == make_folds(pupil.train, 3).digest
    assert np.array_equal(other.out_of_fold()[1][0], finished.out_of_fold()[1][0])


def test_a_file_with_a_known_name_is_not_taken_for_the_known_set(
    pupil: DatasetSplits, tmp_path: Path
) -> None:
    path = tmp_path / "fashion-mnist.npz"
    write_archive(path, DatasetSplits("x", pupil.train, None, pupil.train.take(np.arange(20))))
    data = dressform.load_data(path)
    assert data.name == "fashion-mnist"
    settings = ("epochs=1", "batch_size=50")
    (run,) = crossval(
        ["simple-dense"], data, folds=2, settings=settings, workers=2, out=tmp_path / "runs"
    )
    assert run.summary.examples == 300


def test_resume_repeats_no_finished_fold_and_adds_repeats(
    pupil: DatasetSplits, tmp_path: Path
) -> None:
    call: dict[str, Any] = {"folds": 3, "settings": DENSE, "workers": 1, "out": tmp_path}
    first = crossval(["simple-dense"], pupil, **call)[0]
    watcher = Watcher()
    assert crossval(["simple-dense"], pupil, **call, callback=watcher)[0].summary == first.summary
    assert watcher.ended == []  # what is finished is shown
    (first.layout.fold(0, 1).result).unlink()
    for more_repeats in ({}, {"repeats": 2}):
        with pytest.raises(RunError, match="with fewer folds or repeats; resume=True continues it"):
            crossval(["simple-dense"], pupil, **call, **more_repeats)
    times = [first.layout.fold(0, k).result.stat().st_mtime_ns for k in (0, 2)]
    before = first.layout.summary.read_bytes()
    watcher = Watcher()
    again = crossval(["simple-dense"], pupil, **call, resume=True, callback=watcher)[0]
    assert [job.fold for job in watcher.ended] == [1]
    assert watcher.before == 2
    assert [again.layout.fold(0, k).result.stat().st_mtime_ns for k in (0, 2)] == times
    assert again.layout.summary.read_bytes() == before
    watcher = Watcher()
    more = crossval(["simple-dense"], pupil, **call, repeats=2, resume=True, callback=watcher)[0]
    assert [(job.repeat, job.fold) for job in watcher.ended] == [(1, 0), (1, 1), (1, 2)]
    assert more.repeats == 2
    assert more.summary.folds[:3] == again.summary.folds
    # fewer repeats take nothing away
    assert crossval(["simple-dense"], pupil, **call, resume=True)[0].repeats == 2


def test_other_data_are_refused(pupil: DatasetSplits, tmp_path: Path) -> None:
    call: dict[str, Any] = {"folds": 3, "settings": ("epochs=1",), "workers": 1, "out": tmp_path}
    crossval(["simple-dense"], pupil, **call)
    other = DatasetSplits("pupil", pupil.train.take(np.arange(1, 300)))
    with pytest.raises(
        RunError,
        match="was trained on different data; pupil has changed since; choose another out=",
    ):
        crossval(["simple-dense"], other, **call, resume=True)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"folds": 1}, ConfigError, "folds is 1; allowed: 2 to 100"),
        ({"folds": 60}, DataError, r"class .* has \d+ different images, fewer than 60 folds"),
        ({"repeats": 0}, ConfigError, "repeats is 0; allowed: 1 to 1000"),
        ({"workers": 0}, ConfigError, "workers is 0; allowed: 1 or more"),
        ({"recipes": []}, ConfigError, "no recipe to cross-validate"),
        ({"recipes": ["simple-dense", "simple-dense"]}, ConfigError, "a recipe was named twice"),
        ({"recipes": ["simple-dens"]}, ConfigError, "did you mean simple-dense"),
        ({"settings": ("epoch=1",)}, ConfigError, "did you mean epochs"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    pupil: DatasetSplits,
    tmp_path: Path,
    change: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    call: dict[str, Any] = {
        "recipes": ["simple-dense"],
        "folds": 3,
        "workers": 1,
        "out": tmp_path / "runs",
    } | change
    with pytest.raises(error, match=message):
        crossval(data=pupil, **call)
    assert not (tmp_path / "runs").exists()


def test_figures_and_the_table_of_folds(finished: CrossvalRun) -> None:
    names = {path.name for path in finished.layout.figures.iterdir()}
    assert names == {"learning-curves.png", "box-plot.png", "reliability.png", "calibration.png"}
    lines = finished.layout.table.read_text().splitlines()
    assert len([line for line in lines if "%" in line]) == 6 + 2
    assert f"{100 * finished.summary.mean:.2f} %" in lines[-2]


def test_an_unfinished_or_damaged_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist; give the folder of a cross-validation"):
        open_crossval(tmp_path / "none")
    with pytest.raises(RunError, match=r"has no crossval\.json"):
        open_crossval(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(RunError, match="is not finished; run crossval with resume=True"):
        open_crossval(tmp_path)
    (tmp_path / "crossval.json").write_text('{"format": 1}')
    with pytest.raises(RunError, match="is damaged"):
        open_crossval(tmp_path)
    (tmp_path / "crossval.json").write_text('{"format": 99}')
    with pytest.raises(RunError, match="has format 99"):
        open_crossval(tmp_path)


def test_epochs_carry_the_calibration_error(finished: CrossvalRun) -> None:
    for rows in finished.histories():
        errors = [row["val_ece"] for row in rows]
        assert all(error is not None and 0 <= error <= 1 for error in errors)
    assert "val_ece" in Epoch.__dataclass_fields__


def test_all_folds_have_the_precision_of_the_plan(
    pupil: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the machine says meanwhile, and when the study goes on."""
    settings = ("epochs=1", "batch_size=50")
    answers = iter([True, False, False, False, False, False, False, False])
    monkeypatch.setattr(precision, "fast_at_bfloat16", lambda device: next(answers))
    (first,) = crossval(
        ["simple-dense"], pupil, folds=2, settings=settings, workers=1, out=tmp_path
    )
    (more,) = crossval(
        ["simple-dense"],
        pupil,
        folds=2,
        repeats=2,
        settings=settings,
        workers=1,
        out=tmp_path,
        resume=True,
    )
    assert json.loads(first.layout.plan.read_text())["precision"] == "bfloat16"
    found = {
        json.loads(more.layout.fold(r, f).result.read_text())["precision"]
        for r in range(2)
        for f in range(2)
    }
    assert found == {"bfloat16"}


def test_folds_keep_no_dataset_alive(small: DatasetSplits) -> None:
    data = small.train.take(np.arange(40))
    first = fold_module._folds(data, 2, 0, 0)
    assert fold_module._folds(data, 2, 0, 0) is first
    assert fold_module._folds(data, 2, 1, 0) is not first
    alive = weakref.ref(data)
    del data
    gc.collect()
    assert alive() is None
