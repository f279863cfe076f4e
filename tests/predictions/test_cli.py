"""``dressform evaluate`` of what other programs made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.predictions import save_predictions
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of, json_of


@pytest.fixture(scope="module")
def archive(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.npz"
    write_archive(path, small)
    return path


def _judged(*arguments: str | Path) -> dict[str, Any]:
    found = json_of("evaluate", *arguments)
    assert isinstance(found, dict)
    return found


def test_tables_and_models_are_judged_as_the_run_is(
    tiny_run: Run, archive: Path, tmp_path: Path
) -> None:
    kept = tiny_run.predictions("test")
    accuracy = float(np.mean(kept.predicted == kept.labels))
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        save_predictions(kept, tmp_path / name)
        judged = _judged(tmp_path / name)
        assert judged["accuracy"] == accuracy
        assert np.sum(judged["confusion"]) == 200
    model = _judged(tiny_run.layout.onnx, "--data", archive, "--split", "test")
    assert model["accuracy"] == accuracy
    assert model == _judged(
        tiny_run.layout.onnx, "--data", archive, "--split", "test", "--scale", "raw"
    )
    assert np.sum(_judged(tiny_run.layout.onnx, "--data", archive)["confusion"]) == 800
    train = _judged(tiny_run.layout.onnx, "--data", archive, "--split", "train")
    assert np.sum(train["confusion"]) == 600
    assert np.sum(_judged(tiny_run.layout.onnx)["confusion"]) == 10_000  # Fashion-MNIST's test
    shown = dressform_command("evaluate", tiny_run.layout.onnx, "--data", archive)
    assert "macro average" in shown.stdout
    assert shown.stderr == "evaluated on all 800 images of small (train 600, test 200)\n"


def test_errors_are_one_line(tiny_run: Run, archive: Path, tmp_path: Path) -> None:
    table, model = tmp_path / "p.csv", tmp_path / "m.onnx"
    table.write_text("id,label,p0,p1\nshoe,1,0.5,0.4\n")
    model.write_text("I am a text")
    assert "example shoe add up to 0.9; allowed: 1 within 0.001" in error_of("evaluate", table)
    assert "cannot be loaded by ONNX Runtime" in error_of("evaluate", model, "--data", archive)
    assert "absent.onnx does not exist" in error_of(
        "evaluate", tmp_path / "absent.onnx", "--data", archive
    )
    assert "scale is 'bytes'; allowed: unit (0 to 1), raw (0 to 255)" in error_of(
        "evaluate", tiny_run.layout.onnx, "--data", archive, "--scale", "bytes"
    )
    assert "unknown split 'tests' of small" in error_of(
        "evaluate", tiny_run.layout.onnx, "--data", archive, "--split", "tests"
    )
    for option, value in (
        ("--split", "test"),
        ("--data", "x"),
        ("--scale", "raw"),
        ("--classes", "a,b"),
        ("--image-size", "32"),
    ):
        reason = (
            f"{option} {value} does not apply to predictions, which have no splits and no images; "
            f"leave it out"
        )
        assert reason in error_of("evaluate", table, option, value)
    for option, value in (("--scale", "raw"), ("--image-size", "32")):
        reason = (
            f"{option} {value} does not apply to a run, which keeps its predictions; leave it out"
        )
        assert reason in error_of("evaluate", tiny_run.path, option, value)
    reason = "--mean 0.5 does not apply to a run, whose model.json says it; leave it out"
    assert reason in error_of("evaluate", tiny_run.path, "--data", archive, "--mean", "0.5")
    reason = (
        f"--image-size 32 does not apply to {tiny_run.path}, whose model takes images of 28 x 28"
    )
    assert reason in error_of("evaluate", tiny_run.path, "--data", archive, "--image-size", "32")
    plain = dressform_command("evaluate", model, "--data", archive)
    assert plain.returncode == 1
    assert plain.stderr.count("\n") == 1
