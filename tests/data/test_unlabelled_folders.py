"""Folders whose name says that their images have no labels."""

from pathlib import Path

import pytest

import dressform
from tests.data.cases import class_folders, write_image
from tests.data.reading import notes_with, totals
from tests.data.test_strange_trees import SIX


@pytest.mark.parametrize("name", ["unlabelled", "Unlabeled_images"])
@pytest.mark.parametrize("below", ["", "train"])
def test_a_folder_of_images_without_labels(name: str, below: str, tmp_path: Path) -> None:
    """It is no class, wherever it lies beside classes or splits."""
    class_folders(tmp_path / below, count=6)
    write_image(tmp_path / name / "new" / "1.jpg", "hat", 1)
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, name)


def test_a_class_whose_name_begins_like_images_without_labels(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    for number in range(6):
        write_image(tmp_path / "unlabelled bottles" / f"{number}.jpg", "hat", number)
    assert totals(dressform.load_data(tmp_path)) == {**SIX, "unlabelled bottles": 6}
