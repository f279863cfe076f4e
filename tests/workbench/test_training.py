"""train, and what goes on with the run that it returns."""

from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import ConfigError, UnknownNameError
from dressform.data.dataset import DatasetSplits
from dressform.predictions import Predictions
from dressform.runs.run import open_run
from dressform.training.history import Epoch
from dressform.workbench.training import warn_of_chance
from tests.conftest import TINY
from tests.runs.made_runs import make_run


class StopAt(dressform.Callback):
    def __init__(self, epoch: int) -> None:
        self.seen: list[int] = []
        self.phases: list[str] = []
        self._last = epoch

    def on_epoch_end(self, epoch: Epoch) -> None:
        self.seen.append(epoch.epoch)
        self.stop_training = epoch.epoch == self._last

    def on_phase_begin(self, name: str) -> None:
        self.phases.append(name)


def test_a_callback_stops_the_training_and_the_run_can_be_used(
    small: DatasetSplits,
    tiny_run: dressform.Run,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    callback = StopAt(2)
    run = dressform.train(
        "fast", small, settings=[*TINY, "epochs=5"], out=tmp_path, callback=callback
    )
    assert callback.seen == [1, 2]
    assert [row["epoch"] for row in run.history()] == [1, 2]
    assert run.manifest.status == "finished"
    assert "drawing figures" in callback.phases
    (found,) = dressform.compare(run, tiny_run)
    assert found.difference.n == 200
    assert capfd.readouterr().out == ""


def test_what_a_call_has_to_say_is_logged_and_nothing_is_printed(
    named_run: dressform.Run,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO", logger="dressform"):
        dressform.evaluate(named_run)
        dressform.robustness(named_run, corruptions=["brightness"])
    assert "split: test" in caplog.messages
    assert any(message.endswith(" of 5 corruptions") for message in caplog.messages)
    assert capfd.readouterr() == ("", "")


def test_names_and_seeds_are_checked_before_the_data_are_read(tmp_path: Path) -> None:
    missing = tmp_path / "there-is-none.npz"
    with pytest.raises(UnknownNameError, match="did you mean fast"):
        dressform.train("fsat", missing)
    with pytest.raises(ConfigError, match="seed is -1; allowed: 0 or more"):
        dressform.train("fast", missing, seed=-1)
    with pytest.raises(ConfigError, match="seed is -1; allowed: 0 or more"):
        dressform.train_auto(missing, seed=-1)
    with pytest.raises(UnknownNameError, match="did you mean simple-dense"):
        dressform.crossval(["fast", "simple-dens"], missing)
    with pytest.raises(UnknownNameError, match="did you mean fast"):
        dressform.tune("fsat", ["optim.lr=0.1,1"], missing)


def test_tune_returns_its_trials_and_draws_them(small: DatasetSplits, tmp_path: Path) -> None:
    tuning = dressform.tune(
        "fast", ["optim.lr=0.001,0.01"], small, trials=2, settings=TINY, out=tmp_path
    )
    assert [trial.state for trial in tuning.trials] == ["complete", "complete"]
    assert tuning.layout.figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("right", "labels", "said"),
    [
        (5, [6] * 4, "validation accuracy 20.83 % is no better than chance for 4 classes; give"),
        (12, [18, 2, 2, 2], "validation accuracy 50.00 % is less than 75.00 %, the share of a;"),
        (20, [6] * 4, ""),
    ],
)
def test_a_model_that_learned_nothing_is_told(
    right: int, labels: list[int], said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = open_run(make_run(tmp_path))
    truth = np.repeat(np.arange(4), labels)
    shown = (truth + (np.arange(24) >= right)) % 4
    logits = np.eye(4, dtype=np.float32)[shown]
    predictions = Predictions(np.arange(24).astype(str), truth, logits, tuple("abcd"))
    path = run.layout.predictions("validation")
    path.parent.mkdir(exist_ok=True)
    predictions.save(path)
    warn_of_chance(run, "more epochs")
    assert said in caplog.text
    assert bool(said) == bool(caplog.messages)
