"""What cannot be read is left out or refused, and named either way: empty folders and files, names
that are no text, transparency.
"""

import csv
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.predict.prediction_table import column_names
from tests.data.cases import CLASSES, class_folders, write_image
from tests.data.reading import check, notes, notes_with, refused, totals
from tests.writers import idx_bytes

SIX = dict.fromkeys(CLASSES, 6)


def packed(folder: Path, form: str) -> Path:
    """The folder itself, or an archive of it with its empty folders."""
    if form == "folder":
        return folder
    return Path(shutil.make_archive(str(folder), form, folder))


@pytest.mark.parametrize("form", ["folder", "zip", "tar", "gztar"])
def test_empty_class_folders_are_left_out_and_named(tmp_path: Path, form: str) -> None:
    class_folders(tmp_path / "photos", count=6)
    (tmp_path / "photos" / "hat" / "new").mkdir(parents=True)
    (tmp_path / "photos" / "sock").mkdir()
    (tmp_path / "photos" / "sock" / "Thumbs.db").write_bytes(b"x")
    source = packed(tmp_path / "photos", form)
    splits = dressform.load_data(source)
    assert totals(splits) == SIX
    assert "left out class folders without images: hat, sock" in splits.notes
    dropped = dressform.load_data(source, drop=["hat"])
    assert totals(dropped) == SIX


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_a_class_that_is_empty_in_one_split(tmp_path: Path, form: str) -> None:
    for split, first in (("train", 0), ("test", 6)):
        class_folders(tmp_path / "photos" / split, first, 6)
    (tmp_path / "photos" / "test" / "sock").mkdir()
    source = packed(tmp_path / "photos", form)
    assert "left out class folder without images: test/sock" in dressform.load_data(source).notes


def test_empty_class_folders_that_are_needed(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("test", 6)):
        class_folders(tmp_path / split, first, 6)
    shutil.rmtree(tmp_path / "train" / "shoes")
    (tmp_path / "train" / "shoes").mkdir()
    refused(tmp_path, "train/shoes has no images", "other splits have images of shoes")
    shutil.rmtree(tmp_path / "train" / "pants")
    (tmp_path / "train" / "pants").mkdir()
    refused(tmp_path / "train", "has no images", "only one class is left, dress")


@pytest.mark.parametrize("name", [b"dress/\xfcber.jpg", b"dress/\xfc/1.jpg"])
def test_names_that_are_no_utf8_are_skipped(tmp_path: Path, name: bytes) -> None:
    class_folders(tmp_path, count=6)
    first = next((tmp_path / "dress").iterdir())
    other = tmp_path / os.fsdecode(name)
    other.parent.mkdir(exist_ok=True)
    shutil.copy(first, other)
    refused(tmp_path, "1 of 19 images cannot be used", "a name that is not UTF-8; rename it")
    splits = dressform.load_data(tmp_path, skip_bad=True)
    assert totals(splits) == SIX
    ((path, reason),) = splits.left_out
    assert "udcfc" in path
    assert reason.endswith("a name that is not UTF-8; rename it")
    (bad,) = check(tmp_path, "--skip-bad")["bad"]
    assert bad["reason"] == reason


def test_a_class_whose_name_is_no_utf8(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    (tmp_path / "dress").rename(tmp_path / os.fsdecode(b"\xfc"))
    refused(tmp_path, "is in a folder that has a name that is not UTF-8", skip_bad=True)


def test_arrays_without_examples(tmp_path: Path) -> None:
    none, numbers = np.zeros((0, 8, 8), np.uint8), np.zeros(0)
    np.savez(tmp_path / "none.npz", images=none, labels=numbers)
    refused(tmp_path / "none.npz", "none.npz has no examples in images and labels; add some")
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    labels = np.arange(20) % 2
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=none, y_test=numbers)
    refused(tmp_path / "a.npz", "a.npz has no examples in x_test and y_test; add some, or leave")


@pytest.mark.parametrize("empty", ["train", "t10k"])
def test_idx_files_without_images(tmp_path: Path, empty: str) -> None:
    for split in ("train", "t10k"):
        count = 0 if split == empty else 20
        images, labels = np.zeros((count, 8, 8), np.uint8), np.arange(count, dtype=np.uint8) % 2
        (tmp_path / f"{split}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    refused(tmp_path, f"{empty}-images-idx3-ubyte has no images")


def test_parquet_without_rows(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    table = arrow.table({"image": arrow.array([], image), "label": arrow.array([], arrow.int64())})
    parquet.write_table(table, tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "a.parquet has no examples in train")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_images_with_transparent_pixels_are_counted(tmp_path: Path, mode: str) -> None:
    class_folders(tmp_path, count=6)
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (80, 60, 4), dtype=np.uint8)
        pixels[..., 3] = 255
        pixels[: 20 * number, :, 3] = 0
        image = Image.fromarray(pixels)
        image = image.convert("LA") if mode == "LA" else image
        image = image.quantize(64) if mode == "P" else image
        image.save(tmp_path / "dress" / f"clear{number}.png")
    splits = dressform.load_data(tmp_path)
    assert "2 images with transparent pixels, which are read as white" in notes(splits)


def test_cut_outs_that_become_equal_are_explained(tmp_path: Path) -> None:
    for number in range(12):
        pixels = np.full((20, 20, 4), (255, 255, 255, 0), np.uint8)
        pixels[5 : 6 + number, 5:10, 3] = 255
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    refused(tmp_path, "too many of them are equal", "12 images with transparent pixels")


def test_opaque_images_are_not_counted(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    Image.new("RGBA", (9, 9), (9, 8, 7, 128)).save(tmp_path / "dress" / "shadow.png")
    assert not notes_with(dressform.load_data(tmp_path), "transparent")


def test_folders_of_archives_without_members_of_their_own(tmp_path: Path) -> None:
    """Archives need not list folders, and those that hold others are not empty."""
    class_folders(tmp_path / "photos", count=6)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted((tmp_path / "photos").rglob("*.jpg")):
            archive.write(path, path.relative_to(tmp_path))
        for name in ("photos/", "photos/dress/", "__MACOSX/", "../out/"):
            archive.writestr(name, "")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "photos", "photos")
    for source in ("a.zip", "a.tar"):
        splits = dressform.load_data(tmp_path / source)
        assert totals(splits) == SIX
        assert not notes_with(splits, "without images")


def answers(folder: Path) -> Path:
    """A table of a model's answers beside its images."""
    columns = column_names(1)
    rows = [
        {"path": path.name, "label": CLASSES[i % 2], "probability": "0.9", "model": "0123"}
        for i, path in enumerate(sorted(folder.glob("*.jpg")))
    ]
    with (folder / "answers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, "")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "answers.csv"


def test_a_model_does_not_learn_from_its_own_answers(tmp_path: Path) -> None:
    for number in range(24):
        write_image(tmp_path / "flat" / f"{number}.jpg", CLASSES[number % 2], number)
    table = answers(tmp_path / "flat")
    refused(tmp_path / "flat", "24 images but no class folders")
    given = dressform.load_data(table)
    assert totals(given) == {"dress": 12, "pants": 12}
    assert notes_with(given, "the labels of answers.csv are a model's predictions")


def test_answers_beside_class_folders(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    answers(tmp_path / "dress")
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, "ignored dress/answers.csv, by its columns a model's predictions")


RUN_FILES = {
    "runs/test-ledger.jsonl": "",
    "runs/photos/fast-0/seed0/manifest.json": {"format": 1, "status": "started", "recipe": "fast"},
    "runs/photos/fast-0/crossval-2fold-seed0/plan.json": {"format": 1, "recipe": "fast"},
    "runs/photos/fast-0/tune-0/tuning.json": {"recipe": "fast", "metric": "val_loss"},
}


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
@pytest.mark.parametrize("name", RUN_FILES)
def test_runs_beside_the_classes_are_no_class(tmp_path: Path, name: str, form: str) -> None:
    class_folders(tmp_path / "photos", count=6)
    figure = (tmp_path / "photos" / name).parent / "figures" / "history.png"
    write_image(figure, "hat", 0)
    (tmp_path / "photos" / name).write_text(json.dumps(RUN_FILES[name], indent=2))
    splits = dressform.load_data(packed(tmp_path / "photos", form))
    assert totals(splits) == SIX
    assert notes_with(splits, f"left out folders of dressform's runs: {name.rpartition('/')[0]}")


def test_a_persons_manifest_is_none_of_a_run(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    (tmp_path / "dress" / "manifest.json").write_text(json.dumps({"name": "shop", "recipe": "a"}))
    assert totals(dressform.load_data(tmp_path)) == SIX


def test_a_folder_of_nothing_but_runs(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "test-ledger.jsonl").write_text("")
    refused(tmp_path, "nothing but dressform's runs (runs)")


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("inside", ["", "/dress"])
def test_an_empty_split_is_told(tmp_path: Path, inside: str, form: str) -> None:
    class_folders(tmp_path / "photos" / "train", count=6)
    (tmp_path / "photos" / f"test{inside}").mkdir(parents=True)
    splits = dressform.load_data(packed(tmp_path / "photos", form))
    assert "left out split folder without images: test" in splits.notes


def test_an_archive_in_an_archive_has_to_be_unpacked(tmp_path: Path) -> None:
    for outer in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / outer, "w") as archive:
            archive.writestr("photos.zip", b"")
    assert "give" not in refused(tmp_path / "a.zip", "no images outside archives; unpack photos")
    refused(tmp_path, "no images outside archives; give", "a.zip, or unpack a.zip, b.zip")


def test_the_locale_is_named_where_names_are_no_text_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_folders(tmp_path, count=6)
    (tmp_path / "dress").rename(tmp_path / os.fsdecode(b"\xc3"))
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    refused(tmp_path, "a name that is not ascii, the encoding of this locale; set LC_ALL=C.UTF-8")
