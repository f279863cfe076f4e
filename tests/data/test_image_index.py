"""Which image a cell of a table means."""

import time
from pathlib import Path

import pytest

from dressform.core.errors import DataError
from dressform.data.file_tree import File, FileTree
from dressform.data.image_index import ImageIndex


def tree_of(folder: Path, paths: list[str]) -> tuple[FileTree, File]:
    """A tree with such images, which are never opened, and a table beside them."""
    tree = FileTree(folder)
    for path in [*paths, "labels.csv"]:
        tree.add(path, folder / path)
    return tree, tree.files[-1]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("b/x/1.png", "a/b/x/1.png"),
        ("/data/upload/b/x/1.png", "a/b/x/1.png"),
        ("C:\\photos\\Y\\1.PNG", "a/b/y/1.png"),
        ("y/1", "a/b/y/1.png"),
        ("y/01", "a/b/y/1.png"),
        ("elsewhere/2.png", "c/2.png"),
        ("2", "c/2.png"),
        ("3.png", None),
    ],
)
def test_the_last_folders_tell_images_of_one_name_apart(
    cell: str, expected: str | None, tmp_path: Path
) -> None:
    tree, table = tree_of(tmp_path, ["a/b/x/1.png", "a/b/y/1.png", "c/1.png", "c/2.png"])
    found = ImageIndex(tree).find_one(cell, table)
    assert (found and found.path) == expected


def test_a_name_without_folders_that_several_have_is_refused(tmp_path: Path) -> None:
    tree, table = tree_of(tmp_path, ["x/1.png", "y/1.png"])
    with pytest.raises(DataError, match=r"'1.png', which may be x/1.png, y/1.png"):
        ImageIndex(tree).find_one("1.png", table)


def test_thousands_of_images_of_one_name_take_no_longer_than_others(tmp_path: Path) -> None:
    """A folder per article, and paths that begin elsewhere: each cell was compared with all."""
    tree, table = tree_of(tmp_path, [f"shop/sku{i}/front.jpg" for i in range(4_000)])
    began = time.process_time()
    index = ImageIndex(tree)
    found = [index.find_one(f"/media/2024/sku{i}/front.jpg", table) for i in range(4_000)]
    assert [file and file.path for file in found] == [file.path for file in index.images]
    assert time.process_time() - began < 5  # seconds; 16 million comparisons take a minute
