import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from dressform.cli.reading import with_option_names
from dressform.predictions import save_predictions
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of


def test_errors_name_the_options_of_the_command_line() -> None:
    assert with_option_names("image_size -5; allowed") == "--image-size -5; allowed"
    assert (
        with_option_names("groups (a) and group_column (b)") == "groups (a) and --group-column (b)"
    )
    for same in ("'min_count'", "photos/min_count.csv", "--set image_size=3", "my_image_size"):
        assert with_option_names(same) == same


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

    fails("unknown recipe 'minivgnet'; did you mean minivggnet", "train", "minivgnet")
    fails(
        "unknown setting 'epoch'; did you mean epochs",
        "train",
        "fast",
        "--data",
        archive,
        "--set",
        "epoch=3",
    )
    fails(
        "epochs must be a whole number, not 'x'",
        "train",
        "fast",
        "--data",
        archive,
        "--set",
        "epochs=x",
    )
    fails("is a damaged gzip file", "train", "fast", "--data", broken)
    fails("did you mean fashion-mnist", "train", "fast", "--data", "fashion-mist")
    fails("seed is -1; allowed: 0 or more", "train", "fast", "--seed", "-1")
    fails(
        "device is 'gpu'; allowed: auto, cpu, cuda",
        "train",
        "fast",
        "--data",
        archive,
        "--device",
        "gpu",
        "--out",
        "/tmp/absent/../x",
    )
    fails("No such option", "train", "--sed", "3", code=2)
    fails("Missing argument", "predict", code=2)
    fails("No such command", "trian", code=2)
    fails("unknown split 'tests'", "evaluate", tiny_run.path, "--split", "tests")
    fails(
        "which have no splits",
        "evaluate",
        tiny_run.layout.predictions("validation"),
        "--split",
        "val",
    )
    fails("does not exist; give the folder of a run", "evaluate", "absent")
    fails("no finished run under runs (no such folder)", "predict", text)
    fails(
        "text.png is not an image (it starts with b'I am a text')",
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
    assert "is a folder; give the HTML file to write" in error_of("report", path, "--out", tmp_path)
    assert "allowed: a file that ends in .html" in error_of(
        "report", path, "--out", tmp_path / "r.pdf"
    )
    assert "does not exist; create that folder" in error_of(
        "report", path, "--out", tmp_path / "no" / "r.html"
    )
    assert "does not exist" in error_of("report", tmp_path / "none")
    save_predictions(tiny_run.predictions().take(np.arange(100)), tmp_path / "half.csv")
    assert "100 of 200 ids" in error_of(
        "report", path, tmp_path / "half.csv", "--out", tmp_path / "r.html"
    )
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("train", "--epochs", "3"),
            "No such option: --epochs. Did you mean --set epochs=…? See dressform train --help.",
        ),
        (
            ("train", "--batch-size", "3"),
            "No such option: --batch-size. Did you mean --set batch_size=…?",
        ),
        (
            ("train", "--nonsense"),
            "No such option: --nonsense. Did you mean --seed? See dressform train --help.",
        ),
        (("nonsense",), "No such command 'nonsense'. See dressform --help."),
        (("train", "--seed", "x"), "See dressform train --help."),
    ],
)
def test_wrong_usage_says_where_to_look(words: tuple[str, ...], message: str) -> None:
    done = dressform_command(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert ".." not in done.stderr


def test_nothing_is_said_twice(tiny_run: Run) -> None:
    done = dressform_command("compare", tiny_run.path, tiny_run.path)
    assert done.stderr.count("split: test") == 1
    done = dressform_command("robustness", tiny_run.path, "--help")
    assert done.returncode == 0
