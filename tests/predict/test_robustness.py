"""Accuracy under corruptions, by the library and by the command."""

import json
import subprocess
import sys

import numpy as np
import pytest

from dressform.core.errors import DataError, UnknownNameError
from dressform.core.rng import stream_seed
from dressform.data.corruptions import corrupt
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predict.predictor import Predictor
from dressform.predict.robustness import robustness
from dressform.runs.run import Run


def test_accuracies_are_those_of_the_corrupted_pictures(
    tiny_run: Run, small: DatasetSplits
) -> None:
    assert small.test is not None
    predictor = Predictor(tiny_run)
    result = robustness(predictor, small.test, ["inverse", "shot-noise"], seed=4)
    assert result.clean.value == pytest.approx(
        (tiny_run.predictions().predicted == small.test.labels).mean()
    )
    images = corrupt(small.test.images, "shot-noise", 3, seed=stream_seed(4, "part", 0))
    expected = (predictor.logits(images).argmax(1) == small.test.labels).mean()
    assert result.corruptions["shot-noise"]["3"].value == pytest.approx(expected)
    inner = [e.value for e in result.corruptions["shot-noise"].values()]
    assert result.mean == pytest.approx(
        (np.mean(inner) + result.corruptions["inverse"]["1"].value) / 2
    )
    with pytest.raises(UnknownNameError):
        robustness(predictor, small.test, ["invers"])
    other = Dataset(small.test.images, small.test.labels, small.test.ids, tuple("abcdefghij"))
    with pytest.raises(DataError, match="give the model's own data"):
        robustness(predictor, other)


def test_the_command_prints_a_table_and_json(named_run: Run) -> None:
    command = [
        sys.executable,
        "-m",
        "dressform",
        "robustness",
        str(named_run.path),
        "--corruption",
        "contrast",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1].split() == ["corruption", "1", "2", "3", "4", "5", "mean"]
    result = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    )
    assert list(result["corruptions"]) == ["contrast"]
    wrong = subprocess.run(
        [*command, "--split", "tests"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "tests" in wrong.stderr
