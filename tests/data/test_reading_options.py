"""Options of reading: columns, groups, labels to leave out, rare classes, bad files; in Python and
on the command line alike.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import dressform
from dressform.core.errors import DressformError
from dressform.data.dataset import DatasetSplits
from tests.cli.command import dressform_command
from tests.data.cases import class_folders, write_image
from tests.data.reading import (
    attempt,
    check,
    check_text,
    complaint,
    counts,
    has,
    notes_with,
    refused,
    totals,
    train,
)

LABELS = {"dress": 12, "pants": 10, "shoes": 8, "Not sure": 5, "Skip": 4, "hat": 2}


@pytest.fixture
def closet(tmp_path: Path) -> Path:
    """Photos in split folders of classes, and in a flat one, with a table of all of them: a class,
    a person, and labels that are none; ids without a suffix.
    """
    root, rows = tmp_path / "closet", [["image", "sender_id", "label", "kids"]]
    for label, count in LABELS.items():
        for number in range(count):
            folder = "more" if label in ("Not sure", "Skip", "hat") else f"train/{label}"
            stem = f"{label.replace(' ', '-')}-4a7{number}"
            write_image(root / folder / f"{stem}.jpg", label, number)
            rows.append([stem, str(100 + number // 2), label, "False"])
    rows.insert(9, ["gone-4a70", "101", "dress", "True"])
    with (root / "images.csv").open("w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    return root


def test_all_photos_of_a_table_wherever_they_lie(closet: Path) -> None:
    splits = dressform.load_data(closet / "images.csv")
    assert totals(splits) == LABELS
    assert notes_with(splits, "gone-4a70")
    assert notes_with(splits, "1")


def test_labels_to_leave_out(closet: Path) -> None:
    splits = dressform.load_data(closet / "images.csv", drop=("Not sure", "Skip"))
    assert totals(splits) == {k: v for k, v in LABELS.items() if k not in ("Not sure", "Skip")}
    assert notes_with(splits, "Not sure")
    assert notes_with(splits, "9", "5")  # how many examples that were
    document = check(closet / "images.csv", "--drop", "Not sure,Skip")
    assert document["classes"] == list(splits.class_names)
    assert document["counts"] == counts(splits)
    assert check(closet / "images.csv", "--drop", "Not sure, Skip")["counts"] == counts(splits)


def test_a_label_to_leave_out_that_is_not_there(closet: Path) -> None:
    """Refused or noted: it is most likely misspelt."""
    splits = attempt(closet / "images.csv", "Skipp", "Skip", drop=("Skipp",))
    if not isinstance(splits, str):
        assert notes_with(splits, "Skipp")


def test_a_text_in_place_of_labels(closet: Path) -> None:
    """One name, or refused; never a list of letters."""
    splits = attempt(closet / "images.csv", "drop", drop="Skip")
    if not isinstance(splits, str):
        assert totals(splits) == {k: v for k, v in LABELS.items() if k != "Skip"}


def test_classes_with_few_examples(closet: Path) -> None:
    splits = dressform.load_data(closet / "images.csv", min_count=5)
    assert totals(splits) == {k: v for k, v in LABELS.items() if v >= 5}
    assert notes_with(splits, "Skip")
    assert notes_with(splits, "hat")
    assert check(closet / "images.csv", "--min-count", "5")["counts"] == counts(splits)


def test_options_for_class_folders(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    for number in range(2):
        write_image(tmp_path / "hat" / f"{number}.jpg", "hat", number)
    assert "hat" not in totals(dressform.load_data(tmp_path, min_count=3))
    splits = dressform.load_data(tmp_path, drop=("shoes",))
    assert totals(splits) == {"dress": 6, "hat": 2, "pants": 6}
    assert notes_with(splits, "shoes")


def test_options_for_a_pixel_table(tmp_path: Path) -> None:
    rows = [",".join([name, *map(str, range(k, k + 16))]) for k, name in enumerate("aaabbbccccd")]
    head = ",".join(["label", *(f"pixel{i}" for i in range(16))])
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]) + "\n")
    splits = dressform.load_data(tmp_path / "a.csv", drop=("c",), min_count=2)
    assert totals(splits) == {"a": 3, "b": 3}


def test_options_that_leave_too_little(closet: Path) -> None:
    refused(closet / "images.csv", "min", min_count=13, error=DressformError)
    most = tuple(name for name in LABELS if name != "hat")
    refused(closet / "images.csv", "hat", drop=most, error=DressformError)
    refused(closet / "images.csv", "drop", drop=tuple(LABELS), error=DressformError)


def test_groups_of_a_column(closet: Path) -> None:
    splits = dressform.load_data(closet / "images.csv", group_column="sender_id")
    assert splits.test is not None
    assert splits.test.groups is not None
    assert splits.train.groups is not None
    assert splits.train.groups.dtype.kind == "U"
    assert len(splits.train.groups) == len(splits.train)
    assert not set(splits.train.groups) & set(splits.test.groups)
    assert set(splits.train.groups) | set(splits.test.groups) == {str(i) for i in range(100, 106)}
    document = check(closet / "images.csv", "--group-column", "sender_id")
    assert document["counts"] == counts(splits)


def test_a_group_column_where_there_is_no_table(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    refused(tmp_path, "group", group_column="sender_id", error=DressformError)
    refused(tmp_path, "label", label_column="label", error=DressformError)


@pytest.mark.parametrize("pattern", [r"(sku\d+", "[", "(?P<"])
def test_a_pattern_that_is_none(pattern: str, tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    message = refused(tmp_path, pattern, groups=pattern, error=DressformError)
    assert message in complaint("data", "check", tmp_path, "--groups", pattern)


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    """Refused with a name as it is: every image for itself is not what was asked for."""
    class_folders(tmp_path, count=6)
    refused(tmp_path, r"(sku\d+)_", ".jpg", groups=r"(sku\d+)_", error=DressformError)


def test_a_pattern_that_matches_some_names(tmp_path: Path) -> None:
    """The others are refused, or each a group of its own, and counted."""
    for label in ("dress", "pants"):
        for number in range(10):
            name = f"sku{number // 2}_{number}" if number < 8 else f"photo{number}"
            write_image(tmp_path / label / f"{name}.jpg", label, number)
    splits = attempt(tmp_path, "4", "photo8", groups=r"(sku\d+)_")
    if not isinstance(splits, str):
        assert notes_with(splits, "4")
        assert sum(totals(splits).values()) == 20


def test_groups_on_the_command_line(tmp_path: Path) -> None:
    for label in ("dress", "pants"):
        for number in range(20):
            write_image(tmp_path / "p" / label / f"sku{number // 4}_{number}.jpg", label, number)
    splits = dressform.load_data(tmp_path / "p", groups=r"(sku\d+)_")
    document = check(tmp_path / "p", "--groups", r"(sku\d+)_")
    assert document["counts"] == counts(splits)
    done = dressform_command(
        *train(tmp_path / "p", tmp_path / "runs"), "--groups", r"(sku\d+)_", "--json"
    )
    assert done.returncode == 0, done.stderr
    manifest = Path(json.loads(done.stdout)["run"], "manifest.json").read_text()
    assert "sku" in manifest  # the manifest says how images were grouped


@pytest.mark.parametrize(
    "options",
    [{"min_count": 0}, {"min_count": -1}, {"min_count": "many"}],
)
def test_values_that_are_not_allowed(options: dict[str, Any], tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    (name,) = options
    refused(tmp_path, name, error=DressformError, **options)


def test_the_splits_know_their_options(closet: Path) -> None:
    splits = dressform.load_data(closet / "images.csv", drop=("Skip",), min_count=3)
    assert isinstance(splits, DatasetSplits)
    assert splits.options.drop == ("Skip",)
    assert splits.options.min_count == 3
    assert Path(splits.location).is_absolute()


def test_check_explains_a_listing(closet: Path) -> None:
    text = check_text(closet / "images.csv", "--explain")
    for word in ("images.csv", "image", "label"):
        assert has(text, word)


def test_check_explains_what_it_refuses(tmp_path: Path) -> None:
    """The reason is printed for an input that is refused, too, and the exit code stays 1."""
    for folder in ("2023", "2024"):
        class_folders(tmp_path / folder, count=3)
    text = check_text(tmp_path, "--explain", code=1)
    assert all(has(text, word) for word in ("2023", "2024", "dress"))


def test_explaining_in_json_is_one_document(tmp_path: Path) -> None:
    class_folders(tmp_path / "photos", count=6)
    assert check(tmp_path, "--explain")["classes"] == ["dress", "pants", "shoes"]
