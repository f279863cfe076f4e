"""The command line as a person uses it: a process, its exit code, stdout and stderr."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from dressform.runs.run import Run
from tests.cli.command import SETTINGS, dressform_command, json_of
from tests.conftest import TINY

HELP = Path(__file__).parent.parent / "golden" / "help"
COMMANDS = (
    (),
    ("recipes",),
    ("models",),
    ("train",),
    ("crossval",),
    ("tune",),
    ("compare",),
    ("evaluate",),
    ("calibrate",),
    ("report",),
    ("explore",),
    ("export",),
    ("predict",),
    ("figures",),
    ("robustness",),
    ("hardware",),
    ("serve",),
    ("worker",),
    ("backup",),
    ("restore",),
    ("runs",),
    ("runs", "show"),
    ("runs", "rm"),
    ("runs", "rename"),
    ("runs", "note"),
    ("runs", "tag"),
    ("data",),
    ("data", "list"),
    ("data", "check"),
    ("data", "doctor"),
    ("data", "apply"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: "-".join(c) or "dressform")
def test_help_is_as_it_was(command: tuple[str, ...]) -> None:
    """After a change that is meant: UPDATE_GOLDEN=1 pytest tests/cli."""
    done = dressform_command(*command, "--help")
    assert done.returncode == 0
    golden = HELP / f"{'-'.join(('dressform', *command))}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(done.stdout)
    assert done.stdout == golden.read_text()


def test_lists() -> None:
    recipes = json_of("recipes")
    assert isinstance(recipes, list)
    assert all(set(r) == {"name", "tutorial", "claimed", "reproduced"} for r in recipes)
    assert {"minivggnet", "lenet5-rbf", "conv4-augmented", "fast"} <= {r["name"] for r in recipes}
    models = json_of("models")
    assert isinstance(models, list)
    assert {"name": "minivggnet", "parameters": 1_679_082} in models
    assert json_of("data", "list") == [
        {
            "name": "fashion-mnist",
            "description": "70,000 greyscale images of clothing, 28 x 28, ten classes: 60,000 for "
            "training, 10,000 for testing",
            "licence": "MIT, Zalando SE",
        }
    ]
    text = dressform_command("recipes").stdout
    assert "94.00 %" in text


def test_train_evaluate_figures_and_predict(archive: Path, tmp_path: Path, pictures: Path) -> None:
    trained = json_of("train", "fast", "--data", archive, "--seed", "2", *SETTINGS, cwd=tmp_path)
    assert isinstance(trained, dict)
    assert list(trained) == [
        "run",
        "recipe",
        "seed",
        "epochs",
        "train_seconds",
        "val_accuracy",
        "test_accuracy",
    ]
    assert (trained["recipe"], trained["seed"], trained["epochs"]) == ("fast", 2, 2)
    run = tmp_path / str(trained["run"])

    judged = json_of("evaluate", run)
    assert isinstance(judged, dict)
    assert judged["accuracy"] == trained["test_accuracy"]
    assert judged["low"] < judged["accuracy"] < judged["high"]
    assert np.sum(judged["confusion"]) == 200
    alone = json_of("evaluate", run / "predictions" / "test.npz")
    assert alone == judged | {"temperature_fitted_on": None}  # the file does not say
    validation = json_of("evaluate", run, "--split", "val")
    assert isinstance(validation, dict)
    assert validation["accuracy"] == trained["val_accuracy"]
    assert "macro average" in dressform_command("evaluate", run).stdout
    looks = [
        json.loads(line)["what"]
        for line in (tmp_path / "runs" / "test-ledger.jsonl").read_text().splitlines()
    ]
    assert looks == ["train", "evaluate", "evaluate"]

    drawn = json_of("figures", run)
    assert isinstance(drawn, list)
    assert len(drawn) == 8

    answers = json_of("predict", pictures, cwd=tmp_path)  # the newest run in runs/
    assert isinstance(answers, list)
    assert [Path(a["path"]).name for a in answers] == [
        "ankle-boot.png",
        "pullover.png",
        "trouser.png",
    ]
    assert all(set(t) == {"label", "probability"} for a in answers for t in a["top"])
    piped = json_of(
        "predict", "-", "--model", run, stdin=(pictures / "ankle-boot.png").read_bytes()
    )
    assert isinstance(piped, list)
    assert piped[0]["top"] == answers[0]["top"]
    assert (
        json_of(
            "train", "fast", "--data", archive, "--seed", "2", *SETTINGS, "--resume", cwd=tmp_path
        )
        == trained
    )


def test_train_tells_confidence_beside_accuracy(named_run: Run, tmp_path: Path) -> None:
    settings = [word for setting in TINY for word in ("--set", setting)]
    done = dressform_command(
        "train", "fast", "--data", named_run.manifest.dataset.source, *settings, "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^confidence \d", done.stdout, re.M)
