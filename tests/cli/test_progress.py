"""The bar of a training: every phase is shown, and the time left is that of the whole command."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dressform.cli import progress as module
from dressform.cli.progress import CLOSING_SECONDS, Progress
from dressform.runs.run import Run
from dressform.training.history import Epoch
from tests.clocks import set_time
from tests.conftest import TINY

PHASES = ("reading the data", "exporting to ONNX", "predicting", "drawing figures")


def on_a_terminal(*command: str, cwd: Path) -> str:
    """What a program shows on a terminal of 100 columns, until it ends."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm", "FORCE_COLOR": "1"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait() == 0, shown.decode()
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_every_phase_is_shown_and_time_is_left_until_the_end(
    named_run: Run, tmp_path: Path
) -> None:
    settings = [word for setting in TINY for word in ("--set", setting)]
    data = str(named_run.manifest.dataset.source)
    shown = on_a_terminal(
        sys.executable,
        "-m",
        "dressform",
        "train",
        "fast",
        "--data",
        data,
        *settings,
        "--out",
        str(tmp_path),
        cwd=tmp_path,
    )
    for phase in PHASES:
        assert phase in shown, phase
    assert "100" not in re.sub(r"[\d,]+ images/s|\d+\.\d+", "", shown.split("test ")[0])
    assert re.search(r"epoch [12]/2  loss [\d.]+ accuracy [\d.]+ %  [\d,]+ images/s", shown)
    left = [int(m[1]) for m in re.finditer(r"(\d+) s left", shown)]
    assert left
    assert min(left) >= 1
    assert "test       accuracy" in shown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    set_time(monkeypatch, module, monotonic=lambda: now[0])
    monkeypatch.setattr(module, "say", lambda text: None)
    return now


def row(epoch: int) -> Epoch:
    return Epoch(
        epoch=epoch,
        lr=0.1,
        train_loss=1,
        train_accuracy=0.5,
        val_loss=None,
        val_accuracy=None,
        seconds=1,
    )


def test_the_estimate_covers_what_comes_after(clock: list[float]) -> None:
    progress = Progress()
    progress.on_run_begin(train=1000, validation=100, test=300)
    progress.on_train_begin((), [100, 100])
    for step in range(1, 101):
        clock[0] += 0.5
        progress.on_step(step, 10 * step, 1.0, 0.5)
    progress.on_epoch_end(row(1))
    # 50 s for an epoch of 1,000 pictures: another one, and half as many again to predict.
    assert progress.left() == pytest.approx(50 + CLOSING_SECONDS + 0.6 * 75)
    for step in range(1, 101):
        clock[0] += 0.5
        progress.on_step(step, 10 * step, 1.0, 0.5)
    progress.on_epoch_end(row(2))
    at_the_end = progress.left()
    assert at_the_end == pytest.approx(CLOSING_SECONDS + 0.6 * 75)
    progress.on_phase_begin("exporting to ONNX")
    clock[0] += 10
    assert progress.left() == pytest.approx(at_the_end - 10)
    progress.on_phase_begin("predicting")
    clock[0] += 100
    assert progress.left() == 1


def test_a_frozen_front_sees_what_is_predicted(clock: list[float]) -> None:
    progress = Progress()
    progress.on_run_begin(train=1000, validation=0, test=300)
    for done in range(100, 2001, 100):
        clock[0] += 4
        progress.on_features(done, 2000)
    progress.on_train_begin((), [10])
    clock[0] += 1
    progress.on_step(10, 1000, 1.0, 0.5)
    assert progress.left() == pytest.approx(CLOSING_SECONDS + 1300 * 0.04)


def test_resumed_epochs_are_not_counted_as_quick(clock: list[float]) -> None:
    progress = Progress()
    progress.on_run_begin(train=1000, validation=0, test=0)
    progress.on_train_begin([row(1)], [10, 10, 10])
    for step in range(1, 11):
        clock[0] += 1
        progress.on_step(step, 10 * step, 1.0, 0.5)
    assert progress.left() == pytest.approx(10 + CLOSING_SECONDS + 0.6 * 10)
