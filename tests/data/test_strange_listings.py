"""Listings of images in other shapes than the known cases: dialects, paths, competitions."""

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import dressform
from dressform.core.errors import DressformError
from tests.data.cases import class_folders, write_image
from tests.data.reading import (
    attempt,
    complaint,
    counts,
    examples,
    notes_with,
    refused,
    totals,
    train,
)

CLASSES = ("dress", "pants", "shoes")
SIX = dict.fromkeys(CLASSES, 6)
ROWS = [(label, number) for label in CLASSES for number in range(6)]
FILES = {row: f"{row[0][0]}{row[1]}.jpg" for row in ROWS}
Table = list[list[str]]


def images(folder: Path, names: Callable[[tuple[str, int]], str] = lambda r: FILES[r]) -> Path:
    """Six images of each class in one folder."""
    for row in ROWS:
        write_image(folder / names(row), *row, suffix=".jpg")
    return folder


def write(path: Path, rows: Sequence[Sequence[str]], separator: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, delimiter=separator).writerows(rows)  # with \r\n
    return path


def table(**columns: Callable[[tuple[str, int]], str]) -> Table:
    return [list(columns), *([made(row) for made in columns.values()] for row in ROWS)]


def label(row: tuple[str, int]) -> str:
    return row[0]


def file(row: tuple[str, int]) -> str:
    return FILES[row]


@pytest.fixture
def expected(tmp_path: Path) -> list[tuple[bytes, str]]:
    return examples(dressform.load_data(class_folders(tmp_path / "expected", count=6)))


def test_a_competition(tmp_path: Path) -> None:
    """Images for the submission have no labels: left out and said, as is the sample."""
    images(tmp_path / "train", lambda r: FILES[r])
    for number in range(4):
        write_image(tmp_path / "test" / f"t{number}.jpg", "hat", number)
    write(tmp_path / "train.csv", table(id=lambda r: FILES[r][:-4], breed=label))
    write(tmp_path / "sample_submission.csv", [["id", "breed"], ["t0", "dress"], ["t1", "dress"]])
    splits = dressform.load_data(tmp_path, label_column="breed")
    assert totals(splits) == SIX
    assert notes_with(splits, "sample_submission.csv")
    assert notes_with(splits, "test")
    assert {split for split, _ in splits} == {"train", "test"}  # held out of train
    alone = attempt(tmp_path, "breed", "--label-column")
    if isinstance(alone, str):
        assert alone in complaint(*train(tmp_path, tmp_path / "runs"))
        return
    assert totals(alone) == SIX  # it is the only other column


def test_a_competition_with_usual_columns(tmp_path: Path) -> None:
    images(tmp_path / "train_images")
    for number in range(4):
        write_image(tmp_path / "test_images" / f"t{number}.jpg", "hat", number)
    write(tmp_path / "train.csv", table(image_id=file, label=label))
    write(tmp_path / "test.csv", [["image_id"], ["t0.jpg"], ["t1.jpg"]])
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, "test.csv")


def test_a_listing_for_each_split(tmp_path: Path) -> None:
    images(tmp_path / "images")
    rows = table(filename=file, label=label)
    few = [rows[0], *(r for r in rows[1:] if r[0][1] in "45")]
    many = [rows[0], *(r for r in rows[1:] if r[0][1] not in "45")]
    write(tmp_path / "train.csv", many)
    write(tmp_path / "test.csv", few)
    splits = dressform.load_data(tmp_path)
    assert counts(splits) == {"train": dict.fromkeys(CLASSES, 4), "test": dict.fromkeys(CLASSES, 2)}


@pytest.mark.parametrize(
    "path",
    [
        "/home/anna/projects/closet/images/{}",
        "C:\\Users\\Anna\\closet\\images\\{}",
        "images\\{}",
        "./images/{}",
        "closet/images/{}",
        "..\\closet\\images\\{}",
    ],
)
def test_paths_of_another_machine(
    path: str, tmp_path: Path, expected: list[tuple[bytes, str]]
) -> None:
    images(tmp_path / "closet" / "images")
    write(
        tmp_path / "closet" / "labels.csv",
        table(path=lambda r: path.format(FILES[r]), label=label),
    )
    assert examples(dressform.load_data(tmp_path / "closet")) == expected


def test_a_listing_in_a_folder_beside_the_images(
    tmp_path: Path, expected: list[tuple[bytes, str]]
) -> None:
    images(tmp_path / "d" / "images")
    write(
        tmp_path / "d" / "tables" / "all.csv",
        table(file=lambda r: f"../images/{FILES[r]}", label=label),
    )
    assert examples(dressform.load_data(tmp_path / "d" / "tables" / "all.csv")) == expected


def test_leading_zeros_that_a_spreadsheet_took(
    tmp_path: Path, expected: list[tuple[bytes, str]]
) -> None:
    images(tmp_path / "d" / "images", lambda r: f"{ROWS.index(r):05d}.jpg")
    write(tmp_path / "d" / "a.csv", table(id=lambda r: str(ROWS.index(r)), label=label))
    assert examples(dressform.load_data(tmp_path / "d")) == expected
    write(tmp_path / "d" / "a.csv", table(id=lambda r: f"{ROWS.index(r):05d}", label=label))
    assert examples(dressform.load_data(tmp_path / "d")) == expected


def test_suffixes_in_another_case(tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    images(tmp_path / "d" / "images", lambda r: FILES[r].replace(".jpg", ".JPG"))
    write(tmp_path / "d" / "a.csv", table(filename=file, label=label))
    assert examples(dressform.load_data(tmp_path / "d")) == expected


def test_semicolons_and_decimal_commas(tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    images(tmp_path / "d" / "Bilder")
    rows = table(Datei=file, label=label, Preis=lambda r: f"{r[1]},50")
    write(tmp_path / "d" / "Liste.csv", rows, ";")
    splits = dressform.load_data(tmp_path / "d", image_column="Datei")
    assert examples(splits) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_tabs_and_encodings(encoding: str, suffix: str, tmp_path: Path) -> None:
    images(tmp_path / "images")
    german = {"dress": "Röcke", "pants": "Hosen", "shoes": "Füße"}
    rows = table(Filename=file, Label=lambda r: german[r[0]])
    text = "\r\n".join("\t".join(row) for row in rows) + "\r\n"
    (tmp_path / f"labels{suffix}").write_bytes(text.encode(encoding))
    assert totals(dressform.load_data(tmp_path)) == {"Füße": 6, "Hosen": 6, "Röcke": 6}


def test_cells_with_quotes_and_line_breaks(
    tmp_path: Path, expected: list[tuple[bytes, str]]
) -> None:
    images(tmp_path / "d" / "images")
    rows = table(caption=lambda r: f'a "{r[0]}",\nworn', image=file, label=label)
    write(tmp_path / "d" / "captions.csv", rows)
    assert examples(dressform.load_data(tmp_path / "d")) == expected


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson", "data.json"])
def test_json_lines(name: str, tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    images(tmp_path / "d" / "images")
    lines = [json.dumps({"image": FILES[r], "label": r[0], "tags": ["x", 1]}) for r in ROWS]
    (tmp_path / "d" / name).write_text("\n".join(lines) + "\n\n")
    assert examples(dressform.load_data(tmp_path / "d")) == expected
    assert examples(dressform.load_data(tmp_path / "d" / name)) == expected


@pytest.mark.parametrize("above", [False, True])
def test_the_hub_with_json_lines(above: bool, tmp_path: Path) -> None:
    """One file in every split folder, or one above them that names the folders."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for row in ROWS:
        split = "train" if row[1] < 4 else "test"
        write_image(tmp_path / split / FILES[row], *row)
        name = f"{split}/{FILES[row]}" if above else FILES[row]
        lines[split].append(json.dumps({"file_name": name, "label": row[0]}))
    if above:
        (tmp_path / "metadata.jsonl").write_text("\n".join([*lines["train"], *lines["test"]]))
    else:
        for split, some in lines.items():
            (tmp_path / split / "metadata.jsonl").write_text("\n".join(some))
    splits = dressform.load_data(tmp_path)
    assert counts(splits) == {"train": dict.fromkeys(CLASSES, 4), "test": dict.fromkeys(CLASSES, 2)}


def test_parquet(tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    images(tmp_path / "d" / "images")
    columns = {"filename": [FILES[r] for r in ROWS], "label": [r[0] for r in ROWS]}
    pq.write_table(pa.table(columns), tmp_path / "d" / "labels.parquet")
    assert examples(dressform.load_data(tmp_path / "d")) == expected
    assert examples(dressform.load_data(tmp_path / "d" / "labels.parquet")) == expected


def test_parquet_with_a_column_of_lists(tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    """Boxes, for example: no damage, and nothing to be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    images(tmp_path / "images")
    (names, *rows) = table(filename=file, label=label)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    boxes = [[1, 2, 3, 4]] * len(rows)
    pq.write_table(pa.table({**columns, "box": boxes}), tmp_path / "a.parquet")
    assert examples(dressform.load_data(tmp_path / "a.parquet")) == expected


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read all")
def test_a_folder_beside_the_images_that_may_not_be_read(
    tmp_path: Path, expected: list[tuple[bytes, str]]
) -> None:
    images(tmp_path / "images")
    write(tmp_path / "a.csv", table(filename=file, label=label))
    (tmp_path / "of somebody else").mkdir(mode=0)
    splits = dressform.load_data(tmp_path / "a.csv")
    assert examples(splits) == expected
    assert notes_with(splits, "of somebody else")


def test_labels_with_stray_spaces(tmp_path: Path, expected: list[tuple[bytes, str]]) -> None:
    images(tmp_path / "d" / "images")
    write(tmp_path / "d" / "a.csv", table(filename=file, label=lambda r: r[0] + " " * (r[1] % 3)))
    splits = dressform.load_data(tmp_path / "d")
    assert splits.class_names == CLASSES
    assert examples(splits) == expected


def test_whole_numbers_as_pandas_writes_them(tmp_path: Path) -> None:
    images(tmp_path / "images")
    write(tmp_path / "a.csv", table(filename=file, label=lambda r: f"{CLASSES.index(r[0])}.0"))
    assert totals(dressform.load_data(tmp_path)) == {"0": 6, "1": 6, "2": 6}


def test_numbers_as_labels_come_in_their_order(tmp_path: Path) -> None:
    images(tmp_path / "images")
    write(tmp_path / "a.csv", table(filename=file, label=lambda r: str(9 + CLASSES.index(r[0]))))
    assert dressform.load_data(tmp_path).class_names == ("9", "10", "11")


def test_a_column_of_splits(tmp_path: Path) -> None:
    images(tmp_path / "images")
    words = ("Train", "TRAIN", "training", "valid", "val", "test")
    rows = table(filename=file, label=label, split=lambda r: words[r[1]])
    write(tmp_path / "a.csv", rows)
    expected = {
        split: dict.fromkeys(CLASSES, count)
        for split, count in (("train", 3), ("validation", 2), ("test", 1))
    }
    assert counts(dressform.load_data(tmp_path)) == expected
    rows[0][2] = "data set"
    write(tmp_path / "a.csv", rows)
    assert counts(dressform.load_data(tmp_path, split_column="data set")) == expected


def test_birds_whose_listing_lies_beside_class_folders(tmp_path: Path) -> None:
    """The folders are the data; the table is said to be left out. Given itself, it is read."""
    rows = [["class id", "filepaths", "labels", "data set"]]
    for split, numbers in (("train", range(4)), ("test", range(4, 6))):
        for name in CLASSES:
            for number in numbers:
                path = f"{split}/{name}/{number}.jpg"
                write_image(tmp_path / path, name, number)
                rows.append([str(CLASSES.index(name)), path, name, split])
    write(tmp_path / "birds.csv", rows)
    expected = {"train": dict.fromkeys(CLASSES, 4), "test": dict.fromkeys(CLASSES, 2)}
    splits = dressform.load_data(tmp_path)
    assert counts(splits) == expected
    assert notes_with(splits, "birds.csv")
    splits = dressform.load_data(
        tmp_path / "birds.csv",
        image_column="filepaths",
        label_column="labels",
        split_column="data set",
    )
    assert counts(splits) == expected


def test_skin_lesions_in_two_folders(tmp_path: Path) -> None:
    for place, row in enumerate(ROWS):
        write_image(tmp_path / f"images_part_{1 + place % 2}" / f"ISIC_{place:04d}.jpg", *row)
    rows = table(
        lesion_id=lambda r: f"HAM_{r[0]}_{r[1] // 2}",
        image_id=lambda r: f"ISIC_{ROWS.index(r):04d}",
        dx=label,
        age=lambda r: "55.0",
    )
    write(tmp_path / "HAM10000_metadata.csv", rows)
    splits = dressform.load_data(tmp_path, label_column="dx", group_column="lesion_id")
    assert totals(splits) == SIX
    assert splits.test is not None
    assert splits.test.groups is not None
    assert splits.train.groups is not None
    assert not set(splits.test.groups) & set(splits.train.groups)
    assert len(set(splits.test.groups) | set(splits.train.groups)) == 9


def test_one_column_for_each_class(tmp_path: Path) -> None:
    """Read as what it says, or refused with the columns; never trained on one of the columns."""
    images(tmp_path / "images")
    rows = table(
        image=file,
        **{c: (lambda r, c=c: str(float(r[0] == c))) for c in CLASSES},
    )
    write(tmp_path / "ground_truth.csv", rows)
    splits = attempt(tmp_path, "--label-column", *CLASSES)
    if isinstance(splits, str):
        return
    assert totals(splits) == SIX


def test_a_listing_without_a_header(tmp_path: Path) -> None:
    """Known by its contents, or refused with its first row; never with the first row as names."""
    images(tmp_path / "images")
    write(tmp_path / "list.csv", table(filename=file, label=label)[1:])
    splits = attempt(tmp_path, "d0.jpg", "header")
    if isinstance(splits, str):
        return
    assert totals(splits) == SIX


def test_missing_files_are_counted_and_named(tmp_path: Path) -> None:
    images(tmp_path / "images")
    rows = table(filename=file, label=label)
    rows += [[f"lost{number}.jpg", "dress"] for number in range(5)]
    write(tmp_path / "a.csv", rows)
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    (note,) = notes_with(splits, "lost0.jpg")
    assert "5" in note


def test_all_files_missing(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write(tmp_path / "a.csv", table(filename=file, label=label))
    message = refused(tmp_path / "a.csv", "d0.jpg", "18")
    assert message in complaint("data", "check", tmp_path / "a.csv")


def test_images_that_no_row_names(tmp_path: Path) -> None:
    images(tmp_path / "images")
    for number in range(7):
        write_image(tmp_path / "images" / f"extra{number}.jpg", "hat", number)
    write(tmp_path / "a.csv", table(filename=file, label=label))
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, "7")


def test_rows_without_a_label(tmp_path: Path) -> None:
    """Left out and counted: an empty cell is no class."""
    images(tmp_path / "images")
    rows = table(filename=file, label=label)
    rows[1][1], rows[2][1] = "", "  "
    write(tmp_path / "a.csv", rows)
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == {"dress": 4, "pants": 6, "shoes": 6}
    assert notes_with(splits, "2")


def test_a_row_twice(tmp_path: Path) -> None:
    """The same row again is one example, and said."""
    images(tmp_path / "images")
    rows = table(filename=file, label=label)
    write(tmp_path / "a.csv", [*rows, rows[1]])
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, "d0.jpg", "twice", "1 row")


def test_one_file_with_two_labels(tmp_path: Path) -> None:
    """Refused, or left out and named: nobody can know which label is right."""
    images(tmp_path / "images")
    write(tmp_path / "a.csv", [*table(filename=file, label=label), ["d0.jpg", "shoes"]])
    splits = attempt(tmp_path, "d0.jpg")
    if isinstance(splits, str):
        return
    assert notes_with(splits, "d0.jpg")
    assert totals(splits) == {"dress": 5, "pants": 6, "shoes": 6}


def test_no_column_of_labels(tmp_path: Path) -> None:
    images(tmp_path / "images")
    write(tmp_path / "a.csv", table(filename=file, price=lambda r: "12"))
    refused(tmp_path / "a.csv", "filename", "price", "label_column=", error=DressformError)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    images(tmp_path / "images")
    write(tmp_path / "a.csv", table(filename=file, label=label))
    for option in ("image_column", "label_column", "split_column", "group_column"):
        refused(tmp_path, "lable", "filename", "label", error=DressformError, **{option: "lable"})


def test_a_listing_is_read_without_what_else_lies_beside_it(
    tmp_path: Path, expected: list[tuple[bytes, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table in a working directory or a home folder: only the folders that it names are read."""
    images(tmp_path / "work" / "photos")
    for number in range(20):
        write_image(tmp_path / "work" / "other" / f"{number}.jpg", "dress", number, suffix=".jpg")
    listing = write(
        tmp_path / "work" / "full.csv", table(file=lambda r: f"photos/{FILES[r]}", label=label)
    )
    monkeypatch.setattr("dressform.data.file_tree.MAX_FILES", 19)  # the table and 18 images
    data = dressform.load_data(listing)
    assert examples(data) == expected
    assert not [note for note in data.notes if "ignored" in note]


@pytest.mark.parametrize(
    ("column", "values", "advised"),
    [("sender_id", 5, True), ("productId", 5, True), ("sender_id", 2, False), ("note", 5, False)],
)
def test_a_column_that_looks_like_groups_is_named(
    tmp_path: Path, column: str, values: int, *, advised: bool
) -> None:
    folder = images(tmp_path / "photos")
    rows = table(file=file, label=label, **{column: lambda r: f"s{r[1] % values}"})
    listing = write(folder / "photos.csv", rows)
    notes = notes_with(dressform.load_data(listing), "looks like")
    assert bool(notes) == advised
    if advised:
        assert f"column {column} of photos.csv looks like 5 groups of images; group_c" in notes[0]
        assert not notes_with(dressform.load_data(listing, group_column=column), "looks like")
