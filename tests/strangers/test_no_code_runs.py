"""Nothing that a stranger sent is executed: not by what a run names, not by what lies in its
folder, not by git.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

import dressform
from dressform.core.errors import RunError
from dressform.core.files import write_atomic
from dressform.runs.git import git_state
from dressform.runs.run import Run, open_run
from tests.cli.command import dressform_command
from tests.report.test_says_the_same import document_of


def ran_in(folder: Path) -> str:
    """Python that leaves a mark."""
    return f"from pathlib import Path\nPath({str(folder / 'ran')!r}).write_text('')\n"


@pytest.fixture
def hostile(named_run: Run, tmp_path: Path) -> Run:
    """A run whose manifest names a file, and whose folder has modules with the names of
    libraries.
    """
    folder = tmp_path / "run"
    shutil.copytree(named_run.path, folder)
    shutil.rmtree(folder / "explore", ignore_errors=True)
    for name in ("evil", "numpy", "torch", "onnxruntime", "sitecustomize", "dressform"):
        (folder / f"{name}.py").write_text(ran_in(tmp_path) + "def own():\n    pass\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "reference": "evil.py:own"}))
    return open_run(folder)


@pytest.mark.parametrize(
    "command",
    [
        "report",
        "explore",
        "evaluate",
        "calibrate",
        "figures",
        "predict",
        "tensorboard",
        "page",
        "robustness",
    ],
)
def test_opening_a_run_runs_nothing_of_it(
    command: str, hostile: Run, pictures: Path, tmp_path: Path
) -> None:
    others: dict[str, list[str | Path]] = {
        "predict": ["predict", pictures, "--model", "."],
        "tensorboard": ["export", ".", tmp_path / "board", "--to", "tensorboard"],
        "page": ["export", ".", tmp_path / "page.html", "--to", "page"],
        "explore": ["explore", ".", "--methods", ""],
    }
    words = others.get(command, [command, "."])
    # As the installed command, python -P does not import from the working directory.
    subprocess.run(
        [sys.executable, "-P", "-m", "dressform", *(str(word) for word in words)],
        cwd=hostile.path,
        check=False,
    )
    assert not (tmp_path / "ran").exists()


def test_saliency_says_why_it_is_missing_and_a_named_file_is_run(
    hostile: Run, tmp_path: Path
) -> None:
    assert dressform_command("report", hostile.path, cwd=tmp_path).returncode == 0
    assert (
        "is built by a file ('evil.py:own'), which is only run on request"
        in (hostile.path / "report.html").read_text()
    )
    (tmp_path / "mine.py").write_text(
        ran_in(tmp_path) + "from dressform.recipes.own import fast as own\n"
    )
    done = dressform_command("report", hostile.path, "--recipe", "mine.py:own", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").exists()
    assert "saliency" not in "".join(
        document_of(hostile.path / "report.html")["runs"][0]["missing"]
    )


def git(*words: str, cwd: Path) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *author, *words], cwd=cwd, check=True, capture_output=True)


def test_git_starts_nothing_that_a_repository_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, mark, script = tmp_path / "tree", tmp_path / "ran", tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    script.chmod(0o755)
    tree.mkdir()
    git("init", cwd=tree)
    (tree / "a.txt").write_text("a")
    (tree / ".gitattributes").write_text("*.txt filter=evil diff=evil\n")
    git("add", ".", cwd=tree)
    git("commit", "-m", "a", cwd=tree)
    for name in (
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.external",
        "core.pager",
    ):
        git("config", name, str(script), cwd=tree)
    hooks = tree / ".git" / "hooks"
    for name in ("post-index-change", "fsmonitor-watchman"):
        shutil.copy(script, hooks / name)
    monkeypatch.chdir(tree)
    os.utime(tree / "a.txt", (1, 1))
    state = git_state()
    assert state is not None
    assert state["changed"] is False
    for content in ("b", "longer"):
        (tree / "a.txt").write_text(content)
        state = git_state()
        assert state is not None
        assert state["changed"] is True
    assert not mark.exists()
    # which would have
    subprocess.run(["git", "status"], cwd=tree, capture_output=True, check=False)
    assert mark.exists()


def test_temporary_files_follow_no_links_and_have_names_that_cannot_be_guessed(
    tmp_path: Path,
) -> None:
    target, victim = tmp_path / "w.html", tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f".w.html.{os.getpid()}.tmp").symlink_to(victim)
    target.symlink_to(victim)
    names: set[str] = set()

    def write(file: BinaryIO) -> None:
        names.update(p.name for p in tmp_path.glob(".w.html.*.tmp") if not p.is_symlink())
        file.write(b"page")

    for _ in range(3):
        write_atomic(target, write)
    assert victim.read_text() == "precious"
    assert target.read_bytes() == b"page"
    assert not target.is_symlink()
    assert len(names) == 3


def test_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    before = os.umask(0o027)
    try:
        write_atomic(path, lambda file: file.write(b"1"))
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        write_atomic(path, lambda file: file.write(b"2"))
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)


def test_what_a_kill_left_goes_at_the_next_write_and_what_is_being_written_stays(
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.html"
    left = tmp_path / ".report.html.abcdefgh.tmp"
    left.write_text("half a page")
    other = tmp_path / ".other.html.abcdefgh.tmp"
    other.write_text("another file's")

    def write(outer: BinaryIO) -> None:
        assert not left.exists()
        held = list(tmp_path.glob(".report.html.*.tmp"))
        write_atomic(path, lambda inner: inner.write(b"second"))
        assert all(p.exists() for p in held)
        outer.write(b"first")

    write_atomic(path, write)
    assert path.read_bytes() == b"first"
    assert other.exists()
    assert list(tmp_path.glob(".report.html.*")) == []


def test_a_run_of_a_renamed_recipe_is_told(named_run: Run, tmp_path: Path) -> None:
    from dressform.explore.saliency import load_network

    folder = tmp_path / "run"
    shutil.copytree(named_run.path, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "reference": "/etc/x.py:own"}))
    with pytest.raises(RunError, match=r"name it with --recipe file.py:function"):
        load_network(open_run(folder))


def test_a_checkpoint_that_a_kill_left_beside_a_finished_run_goes(
    named_run: Run, tmp_path: Path
) -> None:
    place = (
        tmp_path / named_run.path.parents[1].name / named_run.path.parent.name / named_run.path.name
    )
    shutil.copytree(named_run.path, place)
    left = Run(place, named_run.manifest).layout.checkpoint
    left.write_bytes(b"state")
    source = named_run.manifest.dataset.source
    again = dressform.train(
        "fast", source, settings=named_run.manifest.settings, out=tmp_path, resume=True
    )
    assert again.path == place
    assert not left.exists()
