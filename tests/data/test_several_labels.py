"""Names of classes that are really several labels of one image."""

from pathlib import Path

import pytest

import dressform
from dressform.data.several_labels import notes_on_several_labels
from tests.data.cases import write_image
from tests.data.reading import check, notes_with

JSON = '{"choices":["scab","new"]}'


@pytest.mark.parametrize(
    ("names", "several"),
    [
        (["rust", "scab", "scab rust"], "scab rust"),
        (["mug", "new", "mug|new"], "mug|new"),
        (["mug", "new", "new, mug"], "new, mug"),
        (["mug", "new", "mug;new"], "mug;new"),
        (["mug", "new", "mug + new"], "mug + new"),
        (["ankle boot", "sandal", "ankle boot|sandal"], "ankle boot|sandal"),
        (["1", "2", "1 2"], "1 2"),
        (["rust", JSON], JSON),
        (["rust", "['scab', 'new']"], "['scab', 'new']"),
    ],
)
def test_combinations(names: list[str], several: str) -> None:
    (note,) = notes_on_several_labels(names)
    assert note.startswith(f"one class name looks like several labels of one image ({several});")


@pytest.mark.parametrize(
    "names",
    [
        ["ankle boot", "boot", "mug"],
        ["T-shirt/top", "top"],
        ["red, dark", "dark"],
        ["mug mug", "mug"],
        ["[old]", "{new", "new}"],
        ["a+", "a", "b"],
    ],
)
def test_names_of_several_words_are_no_combinations(names: list[str]) -> None:
    assert notes_on_several_labels(names) == ()


def test_a_table_of_several_labels_is_told(tmp_path: Path) -> None:
    labels = ["rust", "scab", "scab rust", JSON]
    lines = [f"{i}.jpg\t{labels[i % 4].replace(chr(34), chr(34) * 2)}" for i in range(24)]
    lines = ['\t"'.join(line.split("\t")) + '"' for line in lines]
    for i in range(24):
        write_image(tmp_path / f"{i}.jpg", "dress", i)
    (tmp_path / "labels.tsv").write_text("image\tlabel\n" + "\n".join(lines) + "\n")
    splits = dressform.load_data(tmp_path)
    assert notes_with(splits, "2 class names look like several labels")
    (problem,) = check(tmp_path)["problems"]
    assert "scab rust" in problem
    assert "leave such classes out with --drop" in problem
