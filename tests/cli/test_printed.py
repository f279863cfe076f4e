"""What commands print on a terminal of 80 columns: tables fit, and commands can be pasted."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from dressform.core.text import columns
from dressform.runs.run import Run
from tests.cli.command import SETTINGS, dressform_command

ROW = re.compile(r"\S {2,}\S.*\S {2,}\S")
"""Three columns or more: sentences, paths and commands have fewer."""
COMMAND = re.compile(r"(?:^|\s)((?:dressform|tensorboard) .*)$")


@pytest.fixture(scope="module")
def folder(named_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place whose name needs quoting, with data."""
    folder = tmp_path_factory.mktemp("printed") / "it's here"
    folder.mkdir()
    shutil.copy(named_run.manifest.dataset.source, folder / "my data.npz")
    return folder


def printed(folder: Path, *words: str) -> str:
    """What a command prints; no row of a table is wider than the terminal."""
    done = dressform_command(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert columns(line) <= 80 or not ROW.search(line), line
    return done.stdout


def test_printed_commands_can_be_pasted(folder: Path, pictures: Path) -> None:
    data = ("--data", str(folder / "my data.npz"), "--out", "my runs")
    short = ("--set", "epochs=1")
    pasted = []

    def paste(output: str) -> None:
        lines = [found[1] for line in output.splitlines() if (found := COMMAND.search(line))]
        assert lines
        for line in lines:
            words = shlex.split(line)
            pasted.append(words[:2])
            if words[0] != "tensorboard":  # a server of another package
                words = [str(pictures) if word == "photos/" else word for word in words]
                printed(folder, *words[1:])

    trained = printed(folder, "train", "fast", *data, *SETTINGS)
    again = dressform_command("train", "fast", *data, *SETTINGS, cwd=folder)
    assert again.stdout == trained  # the finished run, without --resume
    assert "already trained" in again.stderr
    run = re.search(r"^run +(.*)$", trained, re.M)
    assert run is not None
    paste(trained)
    folds = ("--folds", "2", "--workers", "1", *data, *short)
    paste(printed(folder, "crossval", "simple-dense", "lenet5-relu", *folds))
    assert (
        "already finished"
        in dressform_command("crossval", "simple-dense", *folds, cwd=folder).stderr
    )
    paste(printed(folder, "runs", "show", run[1]))
    paste(printed(folder, "export", run[1], "my model", "--to", "onnx"))
    paste(printed(folder, "export", run[1]))
    space = ("--space", "optim.lr=0.01,0.02", "--trials", "1")
    tuned = ("tune", "simple-dense", *space, *data, *short)
    paste(printed(folder, *tuned))
    assert "already has its 1 trial" in dressform_command(*tuned, cwd=folder).stderr
    assert [words[1] for words in pasted] == [
        *("report", "compare", "train", "predict", "--logdir", "train")
    ]

    printed(folder, "runs", "--out", "my runs")
    for words in (("evaluate",), ("calibrate",), ("robustness", "--corruption", "shear")):
        printed(folder, words[0], run[1], *words[1:])


@pytest.mark.parametrize(
    "words",
    [("recipes",), ("models",), ("hardware",), ("data", "list"), ("data", "check", "my data.npz")],
)
def test_lists_fit_80_columns(words: tuple[str, ...], folder: Path) -> None:
    printed(folder, *words)
