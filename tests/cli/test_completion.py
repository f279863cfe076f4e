"""Completion as shells ask for it: variables in, words out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dressform.cli import complete

CODE = (
    "import sys\nsys.argv = ['dressform']\nfrom dressform.cli.main import main\n"
    "try:\n    main()\nfinally:\n    print(*(m for m in ('torch', 'matplotlib', 'onnxruntime', "
    "'numpy') if m in sys.modules), file=sys.stderr)\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = tmp_path / "runs" / "photos" / "fast-12345678" / "seed0"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    (run / "annotations.json").write_text('{"format": 1, "tags": ["baseline"]}')
    (tmp_path / "photos").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "_DRESSFORM_COMPLETE": "complete_bash",
                "COMP_WORDS": "dressform train fast-9",
                "COMP_CWORD": "2",
            },
            "fast-93\nfast-95",
        ),
        (
            {
                "_DRESSFORM_COMPLETE": "complete_zsh",
                "_TYPER_COMPLETE_ARGS": "dressform report runs/",
            },
            "_arguments '*: :((\"runs/photos/fast-12345678/seed0\"))'",
        ),
        (
            {
                "_DRESSFORM_COMPLETE": "complete_fish",
                "_TYPER_COMPLETE_ARGS": "dressform runs --tag b",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
            "baseline",
        ),
    ],
    ids=("bash", "zsh", "fish"),
)
def test_shells_complete_names_without_torch(
    variables: dict[str, str], expected: str, folder: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, expected, "")


def test_what_is_completed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert complete.complete_data("fash") == ["fashion-mnist"]
    assert complete.complete_data("pho") == ["photos/"]
    assert complete.complete_data(f"{folder}/pho") == [f"{folder}/photos/"]
    assert complete.complete_trained("au") == ["auto"]
    assert complete.complete_runs("") == ["runs/photos/fast-12345678/seed0"]
    assert complete.complete_models("sh") == ["shipped"]
    assert complete.complete_runs("phot") == ["photos/"]  # runs may lie anywhere
    assert complete.complete_data("absent/") == []


def test_every_shell_gets_a_script() -> None:
    for shell, sign in (
        ("bash", "complete -o"),
        ("zsh", "#compdef dressform"),
        ("fish", "complete"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "dressform", "--show-completion", shell],
            env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
            capture_output=True,
            text=True,
        )
        assert sign in done.stdout, done.stderr
        assert "_DRESSFORM_COMPLETE" in done.stdout
