"""Tuning: real studies of tiny trainings, aborted, killed, resumed and refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dressform.core.config import override
from dressform.core.errors import ConfigError, RunError
from dressform.core.files import exclusive
from dressform.data.dataset import DatasetSplits
from dressform.experiment.tuning import study as study_module
from dressform.recipes import find_recipe
from dressform.reporting.figures.canvas import save
from dressform.reporting.figures.tuning import draw_tuning
from dressform.runs.tuning import Trial, Tuning
from dressform.training.callback import Callback
from dressform.training.fit import fit
from dressform.training.learning_data import learning_data
from tests.experiment.calls import tune
from tests.experiment.tuning.study import AT_RANDOM, SETTINGS, SPACE, TRIALS, document_of, study_of


def test_a_study_finds_and_prunes(undisturbed: Tuning, data: DatasetSplits) -> None:
    assert [trial.number for trial in undisturbed.trials] == list(range(TRIALS))
    states = [trial.state for trial in undisturbed.trials]
    assert states[:AT_RANDOM] == ["complete"] * AT_RANDOM
    assert "pruned" in states
    assert all(trial.epochs == 3 for trial in undisturbed.trials if trial.state == "complete")
    assert all(1 <= trial.epochs < 3 for trial in undisturbed.trials if trial.state == "pruned")
    assert len({str(trial.settings) for trial in undisturbed.trials}) > TRIALS // 2
    best = undisturbed.best
    assert best is not None
    assert best.value == max(
        trial.value or 0 for trial in undisturbed.trials if trial.state == "complete"
    )
    # The value is that of a training with the settings as they are told, digit for digit.
    recipe = override(find_recipe("fast"), [*SETTINGS, *best.assignments])
    learning = learning_data(recipe, data)
    assert (
        fit(recipe, learning.train, learning.validation, seed=0).history[-1].val_accuracy
        == best.value
    )


def test_the_document(undisturbed: Tuning, data: DatasetSplits) -> None:
    document = json.loads(document_of(undisturbed))
    assert document == undisturbed.to_json()
    assert list(document) == [
        *("recipe", "metric", "space", "seed", "planned", "trials", "best", "command")
    ]
    assert document["planned"] == len(document["trials"])
    assert document["space"] == {
        path: text for path, _, text in sorted(part.partition("=") for part in SPACE)
    }
    assert list(document["trials"][0]) == ["number", "state", "value", "epochs", "settings"]
    assert set(document["trials"][0]["settings"]) == set(document["space"])
    best = document["trials"][document["best"]["number"]]
    assert document["best"]["settings"] == [
        f"{path}={value}" for path, value in best["settings"].items()
    ]
    sets = " ".join(f"--set {setting}" for setting in (*SETTINGS, *document["best"]["settings"]))
    assert document["command"] == f"dressform train fast --data {data.source} {sets}"
    assert sorted(path.name for path in undisturbed.path.iterdir()) == [
        ".lock",
        "figures",
        "study.db",
        "tuning.json",
    ]
    assert not list(undisturbed.path.parents[2].rglob("test-ledger.jsonl"))


def test_another_seed_space_or_metric_is_another_study(
    undisturbed: Tuning, data: DatasetSplits, tmp_path: Path
) -> None:
    one = study_of(data, tmp_path, trials=1)
    assert one.path.name == undisturbed.path.name
    other = study_of(data, tmp_path, trials=1, seed=1)
    assert other.trials[0].settings != one.trials[0].settings
    assert other.train == [
        "dressform",
        "train",
        "fast",
        "--data",
        data.source,
        "--seed",
        "1",
        *(w for s in SETTINGS for w in ("--set", s)),
    ]
    loss = study_of(data, tmp_path, trials=3, metric="val_loss")
    assert loss.best is not None
    assert loss.best.value == min(trial.value or np.inf for trial in loss.trials)
    assert len({path.parent for path in tmp_path.rglob("tuning.json")}) == 3


def test_a_diverged_training_and_settings_that_do_not_agree_are_failed_trials(
    data: DatasetSplits, tmp_path: Path
) -> None:
    reasons: list[str] = []

    class Listener(Callback):
        def on_trial_end(self, trial: Trial, best: Trial | None, reason: str) -> None:
            assert bool(reason) == (trial.state == "failed")
            reasons.append(reason)

    settings = [
        "epochs=1",
        "batch_size=8",
        "optim.kind=sgd",
        "precision=float32",
        "optim.nesterov=false",
    ]
    space = ["optim.lr=0.001,900", "optim.momentum=0,0.5", "optim.nesterov=true,false"]
    tuning = tune(
        "lenet5-rbf", data, space, trials=8, settings=settings, out=tmp_path, callback=Listener()
    )
    expected = {
        (900, True): r"the loss is",
        (0.001, True): r"",
        (900, False): r"optim.nesterov is True; allowed: false where momentum is 0",
        (0.001, False): r"optim.nesterov is True; allowed: false where momentum is 0",
    }
    seen = set()
    for trial, reason in zip(tuning.trials, reasons, strict=True):
        agree = trial.settings["optim.nesterov"] == "false" or trial.settings["optim.momentum"] != 0
        wanted = expected[float(trial.settings["optim.lr"]), agree]
        assert reason.startswith(wanted)
        assert (trial.state, trial.value is None) == (
            ("failed", True) if wanted else ("complete", False)
        )
        seen.add(wanted)
    assert len(seen) == 3, "this test needs a diverged, a contradictory and a good trial"
    assert tuning.best is not None
    assert tuning.best.settings["optim.lr"] == 0.001


def test_a_study_without_a_complete_trial_has_no_best(data: DatasetSplits, tmp_path: Path) -> None:
    settings = ["epochs=1", "batch_size=8", "optim.kind=sgd", "precision=float32"]
    tuning = tune(
        "lenet5-rbf", data, ["optim.lr=900:1000"], trials=1, settings=settings, out=tmp_path
    )
    assert tuning.best is None
    document = json.loads(document_of(tuning))
    assert (document["best"], document["command"]) == (None, None)
    assert (
        np.asarray(
            Image.open(save(draw_tuning(document, "t"), tuning.layout.figure)).convert("L")
        ).std()
        > 5
    )


def test_importances(
    data: DatasetSplits, undisturbed: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "RANKED_TRIALS", 4)
    found = study_of(data, undisturbed.path.parents[2], resume=True).importances
    assert set(found) == set(undisturbed.space)
    assert next(iter(found)) == "optim.lr"
    assert sum(found.values()) == pytest.approx(1)
    # Rates so small that nothing is learned: equal values rank nothing, and Optuna would warn.
    still = tune("fast", data, ["optim.lr=1e-9:2e-9"], trials=4, settings=SETTINGS, out=tmp_path)
    assert len({trial.value for trial in still.trials}) == 1
    assert still.importances == {}


def test_epochs_can_be_tuned(data: DatasetSplits, tmp_path: Path) -> None:
    tuning = tune(
        "fast", data, ["epochs=1:3", "optim.lr=0.01,0.3"], trials=5, settings=SETTINGS, out=tmp_path
    )
    trained = {
        (trial.settings["epochs"], trial.epochs)
        for trial in tuning.trials
        if trial.state == "complete"
    }
    assert len(trained) > 1
    assert all(asked == done for asked, done in trained)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trials": 0}, "trials is 0; allowed: 1 or more"),
        ({"metric": "accuracy"}, "unknown metric 'accuracy'; did you mean val_accuracy"),
        (
            {"settings": ["validation_fraction=0"]},
            "fast holds no validation images out, so trials cannot be compared; add "
            r"settings=\['validation_fraction=0.1'\]",
        ),
        ({"space": ["optim.rl=1:2"]}, "unknown setting 'optim.rl'; did you mean optim.lr"),
        ({"device": "gpu"}, "device is 'gpu'; allowed: auto, cpu, cuda"),
    ],
)
def test_refusals_leave_nothing_behind(
    given: dict[str, Any], message: str, data: DatasetSplits, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        tune("fast", data, **{"space": SPACE, "out": tmp_path, **given})
    assert not list(tmp_path.iterdir())


def test_a_network_that_does_not_fit_the_pictures_is_told_first(
    tmp_path: Path, data: DatasetSplits
) -> None:
    def one_size(shape: tuple[int, int, int], classes: int) -> Any:
        raise ValueError("too small")

    recipe = replace(find_recipe("fast"), model=one_size)
    with pytest.raises(ConfigError, match=r"the network cannot be built for images \(28, 28, 1\)"):
        tune(recipe, data, SPACE, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_data_another_process_and_a_damaged_file_are_refused(
    data: DatasetSplits, tmp_path: Path
) -> None:
    path = study_of(data, tmp_path, trials=1).path
    with (
        exclusive(path / ".lock"),
        pytest.raises(RunError, match=f"another process is working on {path}"),
    ):
        study_of(data, tmp_path, resume=True)
    other = replace(data, train=data.train.take(np.arange(200)))
    with pytest.raises(
        RunError, match="was tuned on different data; small has changed since; choose another out="
    ):
        study_of(other, tmp_path, resume=True)
    (path / "study.db").write_bytes(b"no database" * 1000)
    with pytest.raises(
        RunError,
        match=r"study.db cannot be read or written \(file is not a database\); make room, or "
        r"delete",
    ):
        study_of(data, tmp_path, resume=True)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(
        RunError, match="cannot be created: Not a directory; give a writable folder with out="
    ):
        study_of(data, blocked)


def test_folders_with_the_characters_of_addresses(data: DatasetSplits, tmp_path: Path) -> None:
    tuning = study_of(data, tmp_path / "a b?c{d}#e%20f", trials=1)
    assert (tuning.path / "study.db").stat().st_size > 0
