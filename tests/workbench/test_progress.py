"""The live line of calls from Python: on a terminal, in a notebook, and nowhere else."""

import io
import logging
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import dressform
from dressform.data.dataset import DatasetSplits
from dressform.training.callback import Callback, Fold
from dressform.training.history import Epoch
from dressform.workbench.live_line import NotebookLine, TerminalLine, live_line
from dressform.workbench.progress import Progress, following
from tests.conftest import TINY


class Terminal(io.StringIO):
    """What a terminal is sent."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What it shows at the end."""
        text = self.getvalue().replace("\r\x1b[K", "\r")
        return [line.rpartition("\r")[2] for line in text.split("\n")]


class Recorded(Callback):
    """The names of what a callback was told."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_epoch_end(self, epoch: Epoch) -> None:
        self.names.append(f"epoch {epoch.epoch}")
        self.stop_training = True


class Shell:
    """A notebook's shell, and its display."""

    kernel = object()

    def __init__(self) -> None:
        self.outputs: list[dict[str, str]] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> "Shell":
        assert raw
        assert display_id
        self.outputs.append(data)
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.outputs[-1] = data


def test_a_training_has_one_line_on_a_terminal_and_none_elsewhere(
    small: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TerminalLine, "INTERVAL", 0.0)
    callback, terminal = Recorded(), Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    out = tmp_path / "runs"
    run = dressform.train("fast", small, settings=TINY, out=out, callback=callback)
    assert run.manifest.results["epochs"] == 1
    assert callback.names == ["epoch 1"]  # the user's own callback ended it
    shown = terminal.getvalue()
    assert "fast  epoch 1/2  loss " in shown
    assert "fast  exporting to ONNX …" in shown
    summary, rest = terminal.lines()
    assert re.fullmatch(r"fast: 1 of 2 epochs, validation accuracy \d+\.\d\d %, [\d.]+ s", summary)
    assert rest == ""
    for stream, more in ((Terminal(), {"progress": False}), (io.StringIO(), {})):
        monkeypatch.setattr(sys, "stderr", stream)
        dressform.train("fast", small, settings=TINY, out=out, resume=True, **more)
        assert stream.getvalue() == ""


def test_lines_fit_and_warnings_stand_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal, logger = Terminal(), logging.getLogger("dressform")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", False)
    line = TerminalLine(terminal)
    line.show("x" * 100, 0.5)
    assert max(map(len, terminal.lines())) < 40
    assert "██████████░░░░░░░░░░  50 %  x" in terminal.getvalue()
    logging.getLogger("dressform.data").warning("two images are equal")
    line.show("on", None)
    line.end("")
    assert terminal.lines() == ["two images are equal", ""]
    assert logger.handlers == []


def test_a_notebook_gets_one_output_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell()
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shell)
    monkeypatch.setattr(NotebookLine, "INTERVAL", 0.0)
    with following(None, "a <b>", progress=True) as callback:
        callback.on_train_begin((), (2, 2))
        callback.on_step(1, 250, 0.5, None)
        assert '<progress max="1" value="0.2500"' in shell.outputs[0]["text/html"]
        assert "a &lt;b&gt;  epoch 1/2  loss 0.500" in shell.outputs[0]["text/html"]
        callback.on_epoch_end(
            Epoch(
                epoch=1,
                lr=0.1,
                train_loss=0.5,
                train_accuracy=0.8,
                val_loss=0.4,
                val_accuracy=0.9,
                seconds=1.0,
            )
        )
    assert len(shell.outputs) == 1
    assert shell.outputs[0]["text/plain"] == (
        "a <b>: 1 of 2 epochs, validation accuracy 90.00 %, 0.0 s"
    )

    def interrupted() -> None:
        with following(None, "fast", progress=True) as callback:
            callback.on_phase_begin("reading the data")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert shell.outputs[1]["text/plain"] == ""


class Lines:
    """Everything that is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float | None]] = []

    def show(self, text: str, fraction: float | None) -> None:
        self.shown.append((text, fraction))

    def end(self, text: str) -> None:
        self.shown.append((text, None))


def test_folds_and_trials_move_the_line() -> None:
    lines = Lines()
    progress = Progress(Callback(), "fast", lines)
    folds = [Fold("fast", 0, number) for number in range(4)]
    progress.on_folds_begin(folds, 1, 2, 1)
    progress.on_fold_begin(folds[0], 0, 2)
    progress.on_fold_epoch_end(folds[0], 1, 0.8)
    progress.on_fold_end(folds[0], 0.9, 3.0)
    texts = [text for text, _ in lines.shown]
    assert texts[-1].startswith("fast  2 of 5 folds  mean accuracy 90.00 %  0 s left")
    assert [fraction for _, fraction in lines.shown] == [0.2, 0.3, 0.4]
    assert progress.summary().startswith("fast: 1 fold, mean accuracy 90.00 %")

    progress = Progress(Callback(), "fast", lines)
    tuning: Any = types.SimpleNamespace(best=None)
    progress.on_tuning_begin(tuning, 4)
    progress.on_trial_epoch_end(1, 1, 2)
    assert lines.shown[-1] == ("fast  trial 2/4  epoch 1/2  ", 0.375)
    assert progress.summary().startswith("fast: 4 trials, ")


def test_no_line_without_a_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert live_line() is None
    monkeypatch.setattr(sys, "stderr", None)
    assert live_line() is None
