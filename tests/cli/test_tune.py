import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from dressform.cli.tune import tune as tune_command
from dressform.core.errors import DressformError
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.experiment.tuning import study as study_module
from tests.experiment.tuning.study import SETTINGS


@pytest.fixture(scope="module")
def half(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "half.npz"
    write_archive(path, replace(small, train=small.train.take(np.arange(300))))
    return path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """In this process, whose settings it must not change."""
    monkeypatch.setattr("dressform.kernels.process.tune_process", lambda: None)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(tune_command)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command(
    command: Callable[..., Any], half: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "RANKED_TRIALS", 3)
    monkeypatch.setattr("dressform.cli.tune.SHOWN", 2)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    words = ["fast", "--data", half, "--out", tmp_path, "--space", "optim.lr=0.001,1", *settings]
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
    assert "unbiased test score" in lines[3]
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
    assert document["command"].startswith(f"dressform train fast --data {half} --set epochs=3")
    assert (path.parent / "figures" / "tuning.png").is_file()

    again = command(*words, "--trials", 3, "--json")
    assert json.loads(again.stdout) == document
    assert again.stderr.splitlines()[0] == "the study already has its 3 trials"
    for wrong, message in (
        (["fats", "--space", "epochs=1,2"], "unknown recipe 'fats'; did you mean fast"),
        (["fast", "--space", "epochs=1,2", "--seed", "-1"], "seed is -1; allowed: 0 or more"),
        ([*words, "--trials", "4"], "resume=True continues"),
    ):
        failed = command(*wrong)
        assert isinstance(failed.exception, DressformError)
        assert message in str(failed.exception)
