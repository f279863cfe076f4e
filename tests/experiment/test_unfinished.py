"""``--resume`` that matches nothing says what is there, and begins only where nothing was meant."""

import logging
from pathlib import Path

import pytest

from dressform.core.errors import RunError
from dressform.core.files import exclusive
from dressform.data.dataset import DatasetSplits
from dressform.training.callback import Callback
from dressform.training.history import Epoch
from tests.experiment.calls import DENSE, crossval, train_run, tune


class KilledError(Exception):
    pass


class Kill(Callback):
    """Ends a training after its first epoch, as a kill does."""

    def on_epoch_end(self, epoch: Epoch) -> None:
        raise KilledError

    def on_fold_epoch_end(self, *_: object) -> None:
        raise KilledError


def interrupted(small: DatasetSplits, out: Path, **more: object) -> Path:
    """An unfinished run after one of two epochs; its folder."""
    with pytest.raises(Exception, match="Killed"):
        train_run("simple-dense", small, settings=DENSE, out=out, callback=Kill(), **more)
    (manifest,) = out.glob("*/*/*/manifest.json")
    return manifest.parent


def test_other_settings_are_refused_with_the_run_that_was_probably_meant(
    small: DatasetSplits, tmp_path: Path
) -> None:
    folder = interrupted(small, tmp_path)
    with pytest.raises(RunError) as caught:
        train_run("simple-dense", small, settings=[*DENSE, "epochs=3"], out=tmp_path, resume=True)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"nothing to continue for simple-dense, seed 0, on {small.name}")
    assert f"{folder} (failed, 1 of 2 epochs; epochs 2 there, 3 here)" in message
    assert message.endswith("or leave out resume=True to start over")
    assert len(list(tmp_path.glob("*/*/*"))) == 1  # nothing was begun
    # what was meant goes on, and the other begins without --resume
    resumed = train_run("simple-dense", small, settings=DENSE, out=tmp_path, resume=True)
    assert resumed.path == folder
    train_run("simple-dense", small, settings=[*DENSE, "epochs=3"], out=tmp_path)


def test_another_seed_begins_with_a_note(
    small: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = interrupted(small, tmp_path)
    train_run("simple-dense", small, settings=DENSE, seed=1, out=tmp_path, resume=True)
    (message,) = [m for m in caplog.messages if m.startswith("nothing to continue")]
    assert f"so it begins now; unfinished: {folder} (failed, 1 of 2 epochs; seed 0 there" in message


def test_changed_data_are_named(small: DatasetSplits, tmp_path: Path) -> None:
    import numpy as np

    interrupted(small, tmp_path)
    fewer = DatasetSplits(small.name, small.train.take(np.arange(200)), None, small.test)
    with pytest.raises(RunError, match="different data|other data"):
        train_run("simple-dense", fewer, settings=[*DENSE, "epochs=3"], out=tmp_path, resume=True)


def test_with_nothing_there_it_begins(
    small: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dressform")
    train_run("simple-dense", small, settings=DENSE, out=tmp_path, resume=True)
    assert f"nothing to continue for simple-dense, seed 0, on {small.name}: it begins now" in (
        caplog.messages
    )
    caplog.clear()
    train_run("simple-dense", small, settings=DENSE, out=tmp_path, resume=True)
    assert not [m for m in caplog.messages if "nothing to continue" in m]


def test_a_run_that_is_being_trained_is_not_unfinished(
    small: DatasetSplits, tmp_path: Path
) -> None:
    folder = interrupted(small, tmp_path)
    with exclusive(folder / ".lock"):
        train_run("simple-dense", small, settings=[*DENSE, "epochs=3"], out=tmp_path, resume=True)


def test_a_run_that_is_being_trained_is_not_to_be_continued(
    small: DatasetSplits, tmp_path: Path
) -> None:
    folder = interrupted(small, tmp_path)
    with pytest.raises(RunError, match=r"already exists \(failed\); resume=True continues it, or"):
        train_run("simple-dense", small, settings=DENSE, out=tmp_path)
    with (
        exclusive(folder / ".lock"),
        pytest.raises(RunError, match=r"already exists \(running\); wait for it, or choose"),
    ):
        train_run("simple-dense", small, settings=DENSE, out=tmp_path)


def test_cross_validations(pupil: DatasetSplits, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Killed"):
        crossval(
            ["simple-dense"],
            pupil,
            folds=2,
            settings=DENSE,
            workers=1,
            out=tmp_path,
            callback=Kill(),
        )
    with pytest.raises(RunError, match=r"0 of 2 folds; folds 2 there, 3 here\)"):
        crossval(
            ["simple-dense"], pupil, folds=3, settings=DENSE, workers=1, out=tmp_path, resume=True
        )
    (study,) = crossval(
        ["simple-dense"], pupil, folds=2, settings=DENSE, workers=1, out=tmp_path, resume=True
    )
    assert len(study.accuracies) == 2


def test_tunings(small: DatasetSplits, tmp_path: Path) -> None:
    def search(space: str, **more: object) -> None:
        tune("simple-dense", small, [space], trials=1, settings=DENSE, out=tmp_path, **more)

    search("optim.lr=0.01,0.1")
    expected = r"tune-\w{8} \(1 trials; range of optim.lr 0.01,0.1 there, 0.02,0.1 here\)"
    with pytest.raises(RunError, match=expected):
        search("optim.lr=0.02,0.1", resume=True)
    search("optim.lr=0.01,0.1", resume=True)
