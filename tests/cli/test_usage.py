import gzip
import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

from dressform.predictions import save_predictions
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of


def test_errors_are_one_line_and_leave_nothing_behind(
    archive: Path, tmp_path: Path, tiny_run: Run
) -> None:
    text = tmp_path / "text.png"
    text.write_text("I am a text")
    (tmp_path / "t.gz-ubyte").mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"0" * 1000)[:-9])
    (broken / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"0" * 1000))
    before = sorted(tmp_path.rglob("*"))

    def fails(message: str, *arguments: str | Path, code: int = 1) -> None:
        assert message in error_of(*arguments, cwd=tmp_path, code=code)

    fails("unknown recipe 'minivgnet'; did you mean minivggnet", "train", "minivgnet", code=2)
    fails(
        "unknown setting 'epoch'; did you mean epochs",
        "train",
        "fast",
        "--data",
        archive,
        "--set",
        "epoch=3",
        code=2,
    )
    fails(
        "epochs must be a whole number, not 'x'",
        "train",
        "fast",
        "--data",
        archive,
        "--set",
        "epochs=x",
        code=2,
    )
    fails("is a damaged gzip file", "train", "fast", "--data", broken)
    fails("did you mean fashion-mnist", "train", "fast", "--data", "fashion-mist", code=2)
    fails("--seed is -1; allowed: 0 or more", "train", "fast", "--seed", "-1", code=2)
    fails(
        "--device is 'gpu'; allowed: auto, cpu, cuda",
        "train",
        "fast",
        "--data",
        archive,
        "--device",
        "gpu",
        "--out",
        "/tmp/absent/../x",
        code=2,
    )
    fails("No such option", "train", "--sed", "3", code=2)
    fails("Missing argument", "predict", code=2)
    fails("No such command", "trian", code=2)
    fails("unknown split 'tests'", "evaluate", tiny_run.path, "--split", "tests", code=2)
    fails(
        "which have no splits",
        "evaluate",
        tiny_run.layout.predictions("validation"),
        "--split",
        "val",
        code=2,
    )
    fails("does not exist; give the folder of a run", "evaluate", "absent")
    fails("if fast is a recipe, train it first", "evaluate", "fast")
    fails("text.png is not an image (it is text)", "predict", text)  # by the shipped model
    fails(
        "text.png is not an image (it is text)",
        "predict",
        text,
        "--model",
        tiny_run.path,
    )
    fails("does not exist; give image files", "predict", "absent.png", "--model", tiny_run.path)
    fails("does not exist", "data", "check", "absent.csv")
    assert [p for p in sorted(tmp_path.rglob("*")) if "runs" not in p.parts] == before
    plain = dressform_command("train", "minivgnet")
    assert plain.stderr.startswith("dressform: unknown recipe")
    assert plain.stderr.count("\n") == 1


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may write everywhere; the next test covers the same line"
)
def test_a_read_only_folder(archive: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be created" in error_of(
        "train", "fast", "--data", archive, "--out", tmp_path / "runs"
    )


def test_an_output_folder_that_is_a_file(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    assert "cannot be created: " in error_of("train", "fast", "--data", archive, cwd=tmp_path)
    assert (tmp_path / "runs").read_text() == "in the way"


def test_a_report_that_cannot_be_written_says_why(tiny_run: Run, tmp_path: Path) -> None:
    path = tiny_run.path
    assert "is a folder; give the HTML file to write" in error_of(
        "report", path, "--out", tmp_path, code=2
    )
    assert "allowed: a file that ends in .html" in error_of(
        "report", path, "--out", tmp_path / "r.pdf", code=2
    )
    assert "does not exist; create that folder" in error_of(
        "report", path, "--out", tmp_path / "no" / "r.html", code=2
    )
    assert "does not exist" in error_of("report", tmp_path / "none")
    save_predictions(tiny_run.predictions().take(np.arange(100)), tmp_path / "half.csv")
    assert "100 of 200 ids" in error_of(
        "report", path, tmp_path / "half.csv", "--out", tmp_path / "r.html"
    )
    assert not (tmp_path / "r.html").exists()


WRONG = {
    "train --epochs 3": "No such option: --epochs. Did you mean --set epochs=3? See dressform "
    "train --help.",
    "train --epochs": "No such option: --epochs. Did you mean --set epochs=…? See",
    "train --batch-size=3": "No such option: --batch-size. Did you mean --set batch_size=3?",
    "tune --lr 0.1": "No such option: --lr. Did you mean --set optim.lr=0.1?",
    "train --momentum 'a b'": "Did you mean --set optim.momentum='a b'?",
    "train --image size 64": "No such option: --image. Did you mean --image-size 64?",
    "train fast --set optim lr=1": "argument(s) (lr=1). Did you mean --set optim.lr=1? See",
    "train --set optim lr=1": "unknown recipe 'lr=1'. Did you mean --set optim.lr=1?",
    "train fast --set epochs = 3": "Did you mean --set epochs=3?",
    "train fast --set epochs 3": "Did you mean --set epochs=3?",
    "train --nonsense": "No such option: --nonsense. Did you mean --seed? See dressform train "
    "--help.",
    "report --epochs 3": "No such option: --epochs. See dressform report --help.",
    "nonsense": "No such command 'nonsense'. See dressform --help.",
    "trian": "No such command 'trian'. Did you mean 'train'? See dressform --help.",
    "--json recipes": "No such option: --json. Options follow the command: dressform COMMAND "
    "--json.",
    "train --seed x": "See dressform train --help.",
    "data apply a b": "unexpected extra argument(s) (b). See dressform data apply --help.",
    "data aply": "No such command 'aply'. Did you mean 'apply'? See dressform data --help.",
    "explore x --port 80": "--port 80 does not apply without --serve",
    "runs --sort test": "unknown order 'test'",
}


def test_wrong_usage_says_what_was_meant_and_where_to_look() -> None:
    for line, message in WRONG.items():
        done = dressform_command(*shlex.split(line))
        shown = json.loads(done.stderr)["error"] if "--json" in line else done.stderr
        assert done.returncode == 2, line
        assert message in shown, line
        assert done.stderr.count("\n") == 1
        assert ".." not in done.stderr
        assert "?." not in done.stderr


def test_a_group_of_commands_alone_shows_its_help() -> None:
    done = dressform_command("data")
    assert done.returncode == 0
    assert "data [OPTIONS] COMMAND" in done.stdout


def test_options_that_change_nothing_are_refused(tiny_run: Run, tmp_path: Path) -> None:
    run, file = tiny_run.path, tmp_path / "p.csv"
    save_predictions(tiny_run.predictions(), file)
    for words, message in (
        (("export", run, tmp_path / "o", "--to", "onnx", "--split", "test"), "--split test does"),
        (("export", run, tmp_path / "x.html", "--to", "page", "--data", "d"), "apply to page"),
        (("export", run, tmp_path / "o", "--threshold", "0.1"), "apply to tensorboard"),
        (("compare", run, file, "--scale", "raw"), "scale raw does not apply to a run"),
        (("compare", file, file, "--split", "test"), "split test does not apply to predictions"),
        (("evaluate", file, "--mean", "0.5"), "mean 0.5 does not apply to predictions"),
        (("report", file, "--scale", "raw"), "scale raw does not apply"),
    ):
        shown = error_of(*words, code=2).replace("--", "")
        assert message.replace("--", "") in shown, words
    assert not (tmp_path / "o").exists()


def test_targets_are_checked_before_the_work(tiny_run: Run, tmp_path: Path) -> None:
    """By the clock: none of it takes as long as what it is before."""
    (tmp_path / "file").write_text("")
    for words in (
        ("export", tiny_run.path, tmp_path / "file"),
        ("export", tiny_run.path, tmp_path / "file" / "x", "--to", "onnx"),
        ("calibrate", tiny_run.path, "--figure", tmp_path / "file" / "x.png"),
        ("runs", "--out", tiny_run.path.parents[2], "--page", tmp_path / "file"),
    ):
        message = error_of(*words, code=2)
        assert str(tmp_path / "file") in message, words


def test_nothing_is_said_twice(tiny_run: Run) -> None:
    done = dressform_command("compare", tiny_run.path, tiny_run.path)
    assert done.stderr.count("split: test") == 1
    done = dressform_command("robustness", tiny_run.path, "--help")
    assert done.returncode == 0
