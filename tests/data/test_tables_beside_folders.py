"""Tables that list the images of folders: never passed over for the folders' names without their
reason.
"""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import dressform
from tests.data.cases import write_image
from tests.data.reading import check_text, complaint, notes, refused

NAMES = [f"batch{i % 3}/{i}.jpg" for i in range(24)]
LABELS = ["dress", "pants"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Photos of two classes in folders that are not the classes."""
    for i, name in enumerate(NAMES):
        write_image(tmp_path / "shop" / name, LABELS[i % 2], i)
    return tmp_path / "shop"


def table(folder: Path, header: str, *columns: Sequence[object], name: str = "labels.csv") -> Path:
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    (folder / name).write_text("\n".join([header, *rows]) + "\n")
    return folder / name


def damaged(path: Path) -> Path:
    """The table with a cell too many in its sixth line."""
    lines = path.read_text().splitlines()
    lines[5] += ",oops"
    path.write_text("\n".join(lines) + "\n")
    return path


CLASSES = [LABELS[i % 2] for i in range(24)]
SIZES = ["SML"[i % 3] for i in range(24)]


def test_a_damaged_line_does_not_turn_folders_into_classes(shop: Path) -> None:
    damaged(table(shop, "file,label", NAMES, CLASSES))
    message = refused(shop, "labels.csv line 6 has 3 values", "fix that line, or move labels.csv")
    assert "to take the folders (batch0, batch1, batch2) as classes" in message
    assert message in complaint("data", "check", shop)


def test_a_damaged_table_of_ids(shop: Path) -> None:
    for i, name in enumerate(NAMES):
        (shop / name).rename(shop / name.replace(f"{i}.jpg", f"p{i}.jpg"))
    damaged(table(shop, "id,label", [f"p{i}" for i in range(24)], CLASSES))
    refused(shop, "labels.csv line 6 has 3 values", "or move labels.csv away")


def test_a_damaged_line_of_json(shop: Path) -> None:
    rows = [json.dumps({"file": n, "label": c}) for n, c in zip(NAMES, CLASSES, strict=True)]
    (shop / "labels.jsonl").write_text("\n".join([*rows, "{"]))
    refused(shop, "labels.jsonl line 25 is not JSON", "or move labels.jsonl away")


def test_a_damaged_table_in_gzip(shop: Path) -> None:
    plain = damaged(table(shop, "file,label", NAMES, CLASSES))
    (shop / "labels.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    refused(shop, "labels.csv.gz line 6 has 3 values", "or move labels.csv.gz away")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("readme.txt", "Photos of a shop, 2024\n\nThe first is,\nbatch0/0.jpg\n\nby me\n"),
        ("coco.json", json.dumps({"images": [{"file_name": name} for name in NAMES]}, indent=1)),
    ],
)
def test_what_is_no_table_is_ignored(shop: Path, name: str, text: str) -> None:
    (shop / name).write_text(text)
    splits = dressform.load_data(shop)
    assert splits.class_names == ("batch0", "batch1", "batch2")
    assert f"ignored files next to the class folders: {name}" in splits.notes


def test_columns_that_are_not_clear(shop: Path) -> None:
    table(shop, "Datei,Groesse,Klasse", NAMES, SIZES, CLASSES)
    refused(shop, "which column has the labels is not clear: Groesse, Klasse", "label_column=")
    assert dressform.load_data(shop, label_column="Klasse").class_names == ("dress", "pants")


def test_a_single_folder_beside_its_table(tmp_path: Path) -> None:
    names = [f"{i}.jpg" for i in range(24)]
    for i, name in enumerate(names):
        write_image(tmp_path / "one" / "images" / name, LABELS[i % 2], i)
    table(tmp_path / "one", "Datei,Groesse,Klasse", names, SIZES, CLASSES)
    message = refused(tmp_path / "one", "which column has the labels is not clear", "move labels")
    assert "only one class" not in message
    damaged(table(tmp_path / "one", "file,label", names, CLASSES))
    assert "only one class" not in refused(tmp_path / "one", "labels.csv line 6 has 3 values")


def test_several_labels_for_an_image(shop: Path) -> None:
    table(shop, "file,label", [*NAMES, NAMES[0]], [*CLASSES, "pants"])
    refused(shop, "gives several labels to 1 image", "or move labels.csv away to take the folders")


def test_a_damaged_table_of_another_split(shop: Path) -> None:
    table(shop, "file,label", NAMES[:12], CLASSES[:12], name="train.csv")
    damaged(table(shop, "file,label", NAMES[12:], CLASSES[12:], name="test.csv"))
    refused(shop, "test.csv line 6 has 3 values", "or move test.csv away")


def test_a_table_that_confirms_the_folders_is_no_trouble(shop: Path) -> None:
    folders = [name.partition("/")[0] for name in NAMES]
    table(shop, "Datei,Ordner,Groesse", NAMES, folders, SIZES)
    splits = dressform.load_data(shop)
    assert splits.class_names == ("batch0", "batch1", "batch2")
    assert "labels.csv also lists images" in notes(splits)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("file,sha256", [NAMES, [f"{i:064x}" for i in range(24)]]),
        ("file", [NAMES]),
        ("who,what", [SIZES, CLASSES]),
        ("file,label", [[f"elsewhere/x{i}.jpg" for i in range(24)], CLASSES]),
    ],
)
@pytest.mark.parametrize("broken", [False, True])
def test_tables_without_labels_or_without_these_images_are_ignored(
    shop: Path, header: str, columns: list[list[object]], broken: bool
) -> None:
    path = table(shop, header, *columns, name="more.csv")
    if broken:
        damaged(path)
        if columns[0] is NAMES:
            refused(shop, "more.csv line 6 has")
            return
    splits = dressform.load_data(shop)
    assert splits.class_names == ("batch0", "batch1", "batch2")
    assert "ignored files next to the class folders: more.csv" in notes(splits)


def test_the_reason_for_an_ignored_table_is_told(shop: Path) -> None:
    """Beside a table of labels, one whose columns are not clear is no mistake."""
    table(shop, "file,label", NAMES, CLASSES)
    table(shop, "file,size,shop", NAMES, SIZES, SIZES, name="more.csv")
    for folder in list(shop.glob("batch*")):
        for photo in list(folder.iterdir()):
            (shop / "images").mkdir(exist_ok=True)
            photo.rename(shop / "images" / photo.name)
        folder.rmdir()
    for name in ("labels.csv", "more.csv"):
        text = (shop / name).read_text()
        for i in range(3):
            text = text.replace(f"batch{i}/", "")
        (shop / name).write_text(text)
    text = check_text(shop)
    assert "ignored more.csv: " in text
    assert "not clear: size, shop" in text


def test_labels_in_a_column_of_any_name_contradict_folders(shop: Path) -> None:
    table(shop, "file,finding", NAMES, CLASSES)
    refused(shop, "two ways", "batch0, batch1, batch2", "what labels.csv says")


def test_labels_in_columns_of_0_and_1_contradict_folders(shop: Path) -> None:
    table(shop, "file,dress,pants", NAMES, *([int(c == name) for c in CLASSES] for name in LABELS))
    refused(shop, "two ways", "what labels.csv says")


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("remark", [f"seen by {i // 2 if i < 4 else i}" for i in range(24)]),
        ("folder", [name.partition("/")[0] for name in NAMES]),
    ],
)
def test_free_text_and_names_of_folders_do_not(shop: Path, column: str, cells: list[str]) -> None:
    table(shop, f"file,{column}", NAMES, cells)
    assert "labels.csv also lists images" in notes(dressform.load_data(shop))


@pytest.mark.parametrize(
    "address", ["https://h.com/x/{}", "https://h.com/x/{}?raw=1", "/data/{}?w=1&h=2"]
)
def test_web_addresses_name_files(shop: Path, address: str) -> None:
    for i, name in enumerate(NAMES):
        (shop / name).rename(shop / f"batch{i % 3}/a {i}.jpg")
    table(shop, "file,label", [address.format(f"a%20{i}.jpg") for i in range(24)], CLASSES)
    refused(shop, "two ways")
    assert dressform.load_data(shop / "labels.csv").class_names == ("dress", "pants")


def test_images_may_be_saved_in_another_form(shop: Path) -> None:
    stems = [name.removesuffix(".jpg") for name in NAMES]
    table(shop, "file,label", [f"{stem}.tif" for stem in stems], CLASSES)
    assert dressform.load_data(shop / "labels.csv").class_names == ("dress", "pants")
    (shop / NAMES[0]).rename(shop / f"{stems[0]}.tif")  # so the others are really missing
    refused(shop / "labels.csv", "only one class, dress")


def test_images_that_are_all_missing_are_told(tmp_path: Path, shop: Path) -> None:
    table(shop, "file,label", [f"x{i}.jpg?a" for i in range(24)], CLASSES)
    lost = "labels.csv lists 24 images in column file, such as x0.jpg?a, and none of them was found"
    assert lost in notes(dressform.load_data(shop))
    for name in ("batch1", "batch2"):
        (shop / name).rename(tmp_path / name)
    assert "only one class" not in refused(shop, lost)
