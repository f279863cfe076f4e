"""Which files of a folder are images, and that nothing is left out in silence."""

import os
import shutil
from pathlib import Path

import pytest

from dressform.core.errors import DataError
from dressform.predict.found_images import find_images
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_images([str(folder)]).paths]


@pytest.fixture
def folder(tmp_path: Path, pictures: Path) -> Path:
    """Photos as they come from other people's disks."""
    folder = tmp_path / "photos"
    (folder / "week 1").mkdir(parents=True)
    content = (pictures / "trouser.png").read_bytes()
    for name in ("a.PNG", "week 1/b.png", "week 1/no suffix", "week 1/wrong.dat", "c.jfif"):
        (folder / name).write_bytes(content)
    for name in ("notes.txt", "week 1/labels.csv"):
        (folder / name).write_text("text")
    return folder


def test_images_are_known_by_suffix_or_first_bytes(folder: Path) -> None:
    assert names(folder) == [
        "a.PNG",
        "c.jfif",
        "week 1/b.png",
        "week 1/no suffix",
        "week 1/wrong.dat",
    ]
    assert find_images([str(folder)]).notes() == [
        f"left out: 2 files that are not images (such as {folder / 'notes.txt'})"
    ]


@pytest.mark.parametrize(
    "leftover",
    [
        "._a.PNG",
        ".hidden.png",
        "Thumbs.db",
        "desktop.ini",
        "__MACOSX/a.png",
        "week 1/@eaDir/b.png",
        ".git/a.png",
    ],
)
def test_leftovers_are_left_out_and_named(leftover: str, folder: Path) -> None:
    before = names(folder)
    (folder / leftover).parent.mkdir(exist_ok=True)
    shutil.copy(folder / "a.PNG", folder / leftover)
    assert names(folder) == before
    (note, _) = reversed(find_images([str(folder)]).notes())
    assert note.startswith("left out: 1 hidden file or leftover of another program (")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_looks_like_an_image_and_is_none_gets_an_error(folder: Path, named_run: Run) -> None:
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "folder.png" / "inside.png").write_text("text")
    answers = {
        path.name: str(answer)
        for path, answer in zip(
            find_images([str(folder)]).paths,
            Predictor(named_run).predict_many(find_images([str(folder)]).paths),
            strict=True,
        )
    }
    assert "is a link to a file that does not exist" in answers["gone.jpg"]
    assert "is a pipe, a socket or a device" in answers["pipe.png"]
    assert "is not an image" in answers["inside.png"]


def test_links_to_folders_are_followed_but_not_in_a_circle(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "week 1", tmp_path / "elsewhere")
    (folder / "week 2").symlink_to(tmp_path / "elsewhere")
    (folder / "week 1" / "up").symlink_to(folder)
    found = find_images([str(folder)])
    assert "week 2/b.png" in names(folder)
    assert len(found.paths) == 8
    assert (
        f"left out: 1 link to a folder that contains it ({folder / 'week 1' / 'up'})"
        in found.notes()[1]
    )


def test_folders_that_link_to_each_other(folder: Path) -> None:
    (folder / "week 2").mkdir()
    (folder / "week 2" / "last").symlink_to(folder / "week 1")
    (folder / "week 1" / "next").symlink_to(folder / "week 2")
    found = find_images([str(folder / "week 1")])
    assert len(found.paths) == 3
    assert found.loops == 1


def test_an_image_that_is_given_twice_is_answered_once(folder: Path) -> None:
    found = find_images([str(folder / "a.PNG"), str(folder)])
    assert len(found.paths) == 5
    assert "1 image was given more than once; each has one answer" in found.notes()


def test_a_folder_without_images_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(DataError, match=r"has no images; allowed: .*1 file that is not an image"):
        find_images([str(tmp_path)])


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read all")
def test_a_folder_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "week 1").chmod(0)
    with pytest.raises(DataError, match="week 1 cannot be searched: Permission denied"):
        find_images([str(folder)])


def test_runs_are_left_out_and_named(folder: Path) -> None:
    before = names(folder)
    runs = folder / "runs"
    (runs / "photos").mkdir(parents=True)
    shutil.copy(folder / "a.PNG", runs / "photos" / "figure.png")
    (runs / "test-ledger.jsonl").touch()
    assert names(folder) == before
    assert f"left out: 1 folder of dressform's runs ({runs})" in find_images([str(folder)]).notes()
    assert names(runs) == ["photos/figure.png"]
