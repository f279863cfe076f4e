"""Studies that were interrupted, and go on."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dressform.core.errors import RunError
from dressform.data.dataset import DatasetSplits
from dressform.experiment.tuning import trial as trial_module
from dressform.experiment.tuning import tune as tune_module
from dressform.runs.tuning import Tuning
from dressform.training.callback import Callback
from dressform.training.fit import fit
from tests.experiment.tuning.study import AT_RANDOM, SETTINGS, SPACE, TRIALS, document_of, study_of


class Killed(BaseException):
    """Stands for SIGKILL after an epoch."""


class KillAt(Callback):
    def __init__(self, number: int, epoch: int) -> None:
        self._at = number, epoch

    def on_trial_epoch_end(self, trial: int, epoch: int, epochs: int) -> None:
        if (trial, epoch) == self._at:
            raise Killed


def test_aborted_anywhere_and_resumed_gives_the_same_bytes(
    undisturbed: Tuning, data: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kill in (KillAt(0, 1), KillAt(0, 3), KillAt(4, 1), KillAt(7, 1)):
        with pytest.raises(Killed):
            study_of(data, tmp_path, resume=True, callback=kill)
    trained: list[int] = []
    real_fit = fit

    def written_but_not_told(path: Path, document: Any) -> None:
        if len(document["trials"]) == 8:  # the eighth trial is in study.db only
            raise Killed

    def counted(*given: Any, **options: Any) -> Any:
        trained.append(1)
        return real_fit(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tune_module, "write_json", written_but_not_told)
        with pytest.raises(Killed):
            study_of(data, tmp_path, resume=True)
    monkeypatch.setattr(trial_module, "fit", counted)
    resumed = study_of(data, tmp_path, resume=True)
    assert len(trained) == 1  # the ninth; nothing that was finished is trained again
    assert document_of(resumed) == document_of(undisturbed)
    study_of(data, tmp_path, resume=True)
    assert len(trained) == 1


KILLED_PROCESS = """
import os, signal, sys
import dressform
import dressform.cli.tune, dressform.experiment.tuning.tune
from dressform.workbench.training import tune
assert "optuna" not in sys.modules
import dressform.experiment.tuning.study as s
s.RANDOM_TRIALS = s.COMPARED_TRIALS = int(sys.argv[3])

class Kill(dressform.Callback):
    def on_trial_epoch_end(self, trial, epoch, epochs):
        if (trial, epoch) == (5, 1):
            os.kill(os.getpid(), signal.SIGKILL)

settings, space = (part.split("|") for part in sys.argv[4:6])
options = {"settings": settings, "out": sys.argv[2], "callback": Kill()}
tune("fast", space, sys.argv[1], trials=int(sys.argv[6]), **options)
"""


def test_a_killed_process_is_resumed_to_the_same_bytes(
    undisturbed: Tuning, data: DatasetSplits, archive: Path, tmp_path: Path
) -> None:
    words = [
        str(archive),
        str(tmp_path),
        str(AT_RANDOM),
        "|".join(SETTINGS),
        "|".join(SPACE),
        str(TRIALS),
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", KILLED_PROCESS, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "", "")
    (before,) = tmp_path.rglob("tuning.json")
    assert len(json.loads(before.read_text())["trials"]) == 5
    assert document_of(study_of(data, tmp_path, resume=True)) == document_of(undisturbed)


def test_more_trials_are_added_as_if_asked_for_at_once(
    undisturbed: Tuning, data: DatasetSplits, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    without_test = replace(data, test=None)  # and nothing depends on the test images
    few = study_of(without_test, tmp_path, trials=4)
    assert few.trials == undisturbed.trials[:4]
    assert few.importances == {}
    with pytest.raises(
        RunError,
        match=r"tune-\w{8} already exists, with fewer trials; resume=True continues it, or choose",
    ):
        study_of(data, tmp_path)
    assert document_of(study_of(without_test, tmp_path, resume=True)) == document_of(undisturbed)
    for resume in (False, True):  # it has them
        assert len(study_of(data, tmp_path, trials=2, resume=resume).trials) == TRIALS
    assert capfd.readouterr() == ("", "")  # Optuna's log is silent
