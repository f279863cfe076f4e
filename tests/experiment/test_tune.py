"""Tuning: real studies of tiny trainings, aborted, killed, resumed and refused."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from dressform.cli.tune import tune as tune_command
from dressform.core.config import override
from dressform.core.errors import ConfigError, DressformError, RunError
from dressform.core.files import exclusive
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data
from dressform.experiment.options import RunOptions
from dressform.experiment.tuning import study as study_module
from dressform.experiment.tuning import trial as trial_module
from dressform.experiment.tuning import tune as tune_module
from dressform.experiment.tuning.trial import _Reporter, _restored
from dressform.recipes import find_recipe
from dressform.reporting.figures.canvas import save
from dressform.reporting.figures.tuning import best_so_far, draw_tuning
from dressform.runs.tuning import Trial, Tuning
from dressform.training.callback import Callback
from dressform.training.fit import fit
from dressform.training.history import Epoch
from dressform.training.learning_data import LearningData, learning_data
from tests.experiment.calls import tune

SPACE = ("optim.lr=log:1e-3:1", "optim.momentum=0.5:0.9:0.1", "label_smoothing=0,0.05")
SETTINGS = (
    "epochs=3",
    "batch_size=50",
    "model.widths=4,4",
    "precision=float32",
    "validation_fraction=0.3",
)
TRIALS = 9
AT_RANDOM = 3


class Killed(BaseException):
    """Stands for SIGKILL after an epoch."""


class KillAt(Callback):
    def __init__(self, number: int, epoch: int) -> None:
        self._at = number, epoch

    def on_trial_epoch_end(self, trial: int, epoch: int, epochs: int) -> None:
        if (trial, epoch) == self._at:
            raise Killed


@pytest.fixture(autouse=True)
def few_random_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nine trials see the sampler and the pruner at work."""
    monkeypatch.setattr(study_module, "RANDOM_TRIALS", AT_RANDOM)
    monkeypatch.setattr(study_module, "COMPARED_TRIALS", AT_RANDOM)


@pytest.fixture(scope="module")
def archive(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.npz"
    write_archive(path, replace(small, train=small.train.take(np.arange(300))))
    return path


@pytest.fixture(scope="module")
def data(archive: Path) -> DatasetSplits:
    return load_data(archive)


def study_of(data: DatasetSplits, out: Path, **given: Any) -> Tuning:
    return tune(
        "fast", data, SPACE, **{"trials": TRIALS, "settings": SETTINGS, "out": out, **given}
    )


def document_of(tuning: Tuning) -> bytes:
    return (tuning.path / "tuning.json").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(data: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuning]:
    """A whole study; tests must not change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "RANDOM_TRIALS", AT_RANDOM)
        patch.setattr(study_module, "COMPARED_TRIALS", AT_RANDOM)
        yield study_of(data, tmp_path_factory.mktemp("undisturbed"))


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
    assert list(document) == ["recipe", "metric", "space", "seed", "trials", "best", "command"]
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
        match=r"tune-\w{8} already exists; --resume continues or shows it, or choose another",
    ):
        study_of(data, tmp_path)
    assert document_of(study_of(without_test, tmp_path, resume=True)) == document_of(undisturbed)
    assert len(study_of(data, tmp_path, trials=2, resume=True).trials) == TRIALS
    assert capfd.readouterr() == ("", "")  # Optuna's log is silent


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


class Noted:
    number = 0

    def __init__(self, prune_at: int = 99) -> None:
        self.reports: list[tuple[int, float]] = []
        self._prune_at = prune_at

    def report(self, step: int, value: float) -> None:
        self.reports.append((step, value))

    def should_prune(self) -> bool:
        return self.reports[-1][0] >= self._prune_at


def row(epoch: int, accuracy: float, loss: float = 1.0) -> Epoch:
    return Epoch(
        epoch=epoch,
        lr=0,
        train_loss=1,
        train_accuracy=0,
        val_loss=loss,
        val_accuracy=accuracy,
        seconds=0,
    )


def reporter_of(trial: Noted, *, steps: int, epochs: int) -> _Reporter:
    options = RunOptions()
    recipe, data = find_recipe("fast"), LearningData(None, None, "")
    runner = trial_module.TrialRunner(
        recipe=recipe, data=data, metric="val_accuracy", steps=steps, seed=0, options=options
    )
    reporter = _Reporter(runner, trial)
    reporter.epochs = epochs
    return reporter


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (2, [(2, 0.1), (3, 0.1), (4, 0.1), (5, 0.2)]),
        (3, [(1, 0.1), (2, 0.1), (3, 0.2), (4, 0.2), (5, 0.3)]),
        (5, [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4), (5, 0.5)]),
    ],
)
def test_trainings_of_different_lengths_are_reported_by_share(
    epochs: int, expected: list[tuple[int, float]]
) -> None:
    trial = Noted()
    reporter = reporter_of(trial, steps=5, epochs=epochs)
    for epoch in range(1, epochs + 1):
        reporter.on_epoch_end(row(epoch, epoch / 10))
    assert trial.reports == expected


def test_a_trial_is_pruned_before_its_last_epoch_only() -> None:
    for epochs, pruned in ((3, True), (2, False)):
        reporter = reporter_of(Noted(prune_at=2), steps=epochs, epochs=epochs)
        reporter.on_epoch_end(row(1, 0.5))
        assert not reporter.stop_training
        reporter.on_epoch_end(row(2, 0.5))
        assert reporter.stop_training == reporter.pruned == pruned


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


def test_the_value_is_that_of_the_kept_epoch() -> None:
    history = [row(1, 0.5, 0.9), row(2, 0.7, 0.8), row(3, 0.7, 0.4), row(4, 0.6, 0.6)]
    recipe = find_recipe("fast")
    assert _restored(recipe, history).epoch == 4
    best = override(recipe, ["early_stopping.restore_best=true"])
    assert _restored(best, history).epoch == 3
    assert _restored(override(best, ["early_stopping.metric=val_accuracy"]), history).epoch == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trials": 0}, "the number of trials is 0; allowed: 1 or more"),
        ({"metric": "accuracy"}, "no metric is called 'accuracy'; did you mean val_accuracy"),
        (
            {"settings": ["validation_fraction=0"]},
            "fast holds no validation images out, so trials cannot be compared; add --set "
            "validation_fraction=0.1",
        ),
        ({"space": ["optim.rl=1:2"]}, "no setting is called 'optim.rl'; did you mean optim.lr"),
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
        RunError, match="was tuned on other data than small has now; choose another --out"
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
        RunError, match="cannot be made: Not a directory; give a writable folder with --out"
    ):
        study_of(data, blocked)


def test_folders_with_the_characters_of_addresses(data: DatasetSplits, tmp_path: Path) -> None:
    tuning = study_of(data, tmp_path / "a b?c{d}#e%20f", trials=1)
    assert (tuning.path / "study.db").stat().st_size > 0


def made(trials: int = 12) -> dict[str, Any]:
    """A document with complete, pruned and failed trials."""
    random = np.random.default_rng(0)
    states = ["pruned", "failed", *["complete"] * (trials - 2)]
    return {
        "metric": "val_accuracy",
        "space": {
            "optim.lr": "log:1e-4:1e-1",
            "optim.momentum": "0:0.9",
            "optim.kind": "sgd,adam",
            "a": "1;2",
            "b": "1:2",
        },
        "trials": [
            {
                "number": i,
                "state": state,
                "value": None if state == "failed" else float(random.random()),
                "settings": {
                    "optim.lr": 10.0**-i,
                    "optim.momentum": 0.1,
                    "optim.kind": ("sgd", "adam")[i % 2],
                    "a": 3 - i,
                    "b": 1,
                },
            }
            for i, state in enumerate(states)
        ],
    }


def test_the_figure(tmp_path: Path) -> None:
    document = made()
    figure = draw_tuning(document, "fast")
    trials, rate, momentum, kind, *_ = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes[:6]] == ["trial", *document["space"]]
    assert (rate.get_xscale(), momentum.get_xscale()) == ("log", "linear")
    assert [tick.get_text() for tick in kind.get_xticklabels()] == ["sgd", "adam"]
    complete, pruned = trials.collections
    assert (len(complete.get_offsets()), len(pruned.get_offsets())) == (10, 1)
    assert len(complete.get_facecolor()) == 1
    assert len(pruned.get_facecolor()) == 0  # hollow
    best = best_so_far(document)
    assert best[-1][1] == max(t["value"] for t in document["trials"] if t["state"] == "complete")
    assert [value for _, value in best] == sorted(value for _, value in best)
    assert np.array_equal(trials.lines[0].get_ydata(), [value for _, value in best])
    falling = [value for _, value in best_so_far({**document, "metric": "val_loss"})]
    assert falling == sorted(falling, reverse=True)
    assert (
        save(figure, tmp_path / "a.png").read_bytes()
        == save(draw_tuning(document, "fast"), tmp_path / "b.png").read_bytes()
    )


def test_trials_are_ranked() -> None:
    trials = [
        Trial(number=i, state=state, value=value, epochs=1, settings={"epochs": i})
        for i, (state, value) in enumerate(
            [
                ("failed", None),
                ("pruned", 0.95),
                ("complete", 0.2),
                ("complete", 0.9),
                ("complete", 0.9),
            ]
        )
    ]
    tuning = Tuning(
        path=Path("x"),
        recipe="r",
        metric="val_accuracy",
        space={"epochs": "0:9"},
        seed=0,
        trials=tuple(trials),
        train=["t"],
    )
    assert [trial.number for trial in tuning.ranked] == [3, 4, 2, 1, 0]
    assert [trial.number for trial in replace(tuning, metric="val_loss").ranked] == [2, 3, 4, 1, 0]
    assert tuning.command == "t --set epochs=3"


@pytest.fixture
def command() -> Callable[..., Any]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(tune_command)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command(
    command: Callable[..., Any], archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "RANKED_TRIALS", 3)
    monkeypatch.setattr("dressform.cli.tune.SHOWN", 2)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    words = ["fast", "--data", archive, "--out", tmp_path, "--space", "optim.lr=0.001,1", *settings]
    done = command(*words, "--trials", 3)
    assert done.exit_code == 0, done.output
    (path,) = tmp_path.rglob("tuning.json")
    document = json.loads(path.read_text())
    # what is done besides
    lines = [line for line in done.stderr.splitlines() if not line.endswith(" …")]
    assert [line.partition(":")[0] for line in lines[:3]] == [
        "  1/3  trial 0",
        "  2/3  trial 1",
        "  3/3  trial 2",
    ]
    assert len(lines) == 4
    assert "optimistic" in lines[3]
    assert "the test images" in lines[3]
    out = done.stdout.splitlines()
    assert out[0].split() == ["trial", "state", "val_accuracy", "trained", "optim.lr"]
    assert out[1].split()[0] == str(document["best"]["number"])
    assert out[3] == f"and 1 more in {path}"
    assert out[5].split() == ["setting", "importance"]
    # alone, and its two values differ in accuracy
    assert out[6].split() == [
        "optim.lr",
        "100.00",
        "%",
    ]
    assert out[-1] == f"best       {document['command']} --out {tmp_path}"
    assert document["command"].startswith(f"dressform train fast --data {archive} --set epochs=3")
    assert (path.parent / "figures" / "tuning.png").is_file()

    again = command(*words, "--trials", 3, "--resume", "--json")
    assert json.loads(again.stdout) == document
    assert again.stderr.splitlines()[0] == "the study already has its 3 trials"
    for wrong, message in (
        (["fats", "--space", "epochs=1,2"], "no recipe is called 'fats'; did you mean fast"),
        (["fast", "--space", "epochs=1,2", "--seed", "-1"], "seed is -1; allowed: 0 or more"),
        (words, "--resume continues"),
    ):
        failed = command(*wrong)
        assert isinstance(failed.exception, DressformError)
        assert message in str(failed.exception)
