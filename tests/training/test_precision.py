"""Beside a busy process: the same weights, and in a time that one can wait for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dressform.training import precision

BUSY = 2


@pytest.fixture
def busy() -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    yield
    for process in processes:
        assert process.poll() is None, "was not busy all the time"
        process.kill()
        process.wait()


LEARNS = """
import sys
import numpy as np
from dressform.core.config import override
from pathlib import Path
from dressform.core.files import sha256_file
from dressform.data.source import load_data
from dressform.recipes import find_recipe
from dressform.training.fit import fit
import torch
recipe = override(find_recipe("fast"), ["epochs=2", "model.widths=8,8"])
fitted = fit(recipe, load_data("fashion-mnist").train.take(np.arange(600)), None)
torch.save(fitted.last, sys.argv[1])
print(fitted.precision, sha256_file(Path(sys.argv[1])))
"""


def weights_of(folder: Path) -> str:
    """Precision and digest of what a training in a process of its own gives, on a machine that has
    decided nothing yet.
    """
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["DRESSFORM_CACHE"] = str(folder / "cache")
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", LEARNS, str(folder / "weights.pt")],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert (folder / "cache").is_dir()
    return done.stdout


def test_the_same_weights_idle_and_busy(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    idle = weights_of(tmp_path / "idle")
    request.getfixturevalue("busy")
    assert weights_of(tmp_path / "busy") == idle


def test_what_was_decided_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRESSFORM_CACHE", str(tmp_path))
    precision.decision.cache_clear()
    first = precision.decision()
    kept = json.loads(precision.place().read_text())
    assert kept["float32_seconds"] == first.float32_seconds
    precision.place().write_text(json.dumps({**kept, "bfloat16": not first.bfloat16}))
    precision.decision.cache_clear()
    assert precision.decision().bfloat16 is not first.bfloat16, (
        "a decision that is kept is not made again"
    )
    assert precision.remeasure().bfloat16 is first.bfloat16
    precision.place().write_text("{")
    precision.decision.cache_clear()
    assert precision.decision().bfloat16 is first.bfloat16
    assert json.loads(precision.place().read_text())["bfloat16"] is first.bfloat16
    precision.decision.cache_clear()


def test_of_two_that_decide_at_once_the_first_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRESSFORM_CACHE", str(tmp_path))
    precision.decision.cache_clear()
    ours = precision.measure()
    other = json.dumps({**vars(ours), "bfloat16": not ours.bfloat16})

    def late() -> precision.Decision:
        precision.place().parent.mkdir(exist_ok=True)
        precision.place().write_text(other)
        return ours

    monkeypatch.setattr(precision, "measure", late)
    assert precision.decision().bfloat16 is not ours.bfloat16
    precision.decision.cache_clear()


def test_a_home_that_cannot_be_written_to_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DRESSFORM_CACHE", str(tmp_path / "file"))
    precision.decision.cache_clear()
    assert isinstance(precision.decision().bfloat16, bool)
    precision.decision.cache_clear()
