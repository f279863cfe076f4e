"""Each input as people really have it is read as its owner means it, or refused as what it is."""

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import DressformError
from tests.cli.command import dressform_command
from tests.data import cases
from tests.data.reading import (
    check,
    check_text,
    complaint,
    counts,
    examples,
    has,
    notes,
    notes_with,
    refused,
    totals,
    train,
)

CLASSES = ("dress", "pants", "shoes")
SPLITS = {
    "train": dict.fromkeys(CLASSES, 24),
    "test": dict.fromkeys(CLASSES, 8),
}


def all_of(count: int) -> dict[str, int]:
    return dict.fromkeys(CLASSES, count)


@pytest.mark.parametrize(
    "build", [cases.images_train_test, cases.double, cases.names, cases.numbered]
)
def test_split_folders(build: Callable[[Path], Path], tmp_path: Path) -> None:
    source = build(tmp_path / "tree")
    assert counts(dressform.load_data(source)) == SPLITS
    document = check(source)
    assert document["counts"] == SPLITS
    assert tuple(document["classes"]) == CLASSES


def test_a_wrapping_folder(tmp_path: Path) -> None:
    source = cases.wrapped(tmp_path / "tree")
    splits = dressform.load_data(source)
    assert splits.class_names == CLASSES
    assert totals(splits) == all_of(24)
    assert {split for split, _ in splits} == {"train", "test"}  # held out, and said
    assert "held out" in notes(splits)
    assert examples(splits) == examples(dressform.load_data(source / "photos"))


def test_two_wrapping_folders_and_splits(tmp_path: Path) -> None:
    cases.images_train_test(tmp_path / "outer" / "inner")
    assert counts(dressform.load_data(tmp_path / "outer")) == SPLITS


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (cases.wrapped, ("photos", "dress")),
        (cases.images_train_test, ("images", "train", "test")),
        (cases.double, ("train", "test")),
        (cases.names, ("train_set", "test_set")),
    ],
)
def test_check_can_say_why(
    build: Callable[[Path], Path], words: tuple[str, ...], tmp_path: Path
) -> None:
    source = build(tmp_path / "tree")
    text = check_text(source, "--explain")
    assert all(has(text, word) for word in words)
    assert len(text.splitlines()) > len(check_text(source).splitlines())


def test_splits_without_class_folders(tmp_path: Path) -> None:
    source = cases.flat(tmp_path / "tree")
    message = refused(source, "train", "test", "valid", "class")
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint("data", "check", source)
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint(*train(source, tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_what_a_mac_adds(tmp_path: Path) -> None:
    splits = dressform.load_data(cases.mac_zip(tmp_path / "tree"))
    assert splits.class_names == CLASSES
    assert totals(splits) == all_of(24)
    assert len(notes_with(splits, "__MACOSX", ".DS_Store")) == 1  # once, not for every file


def test_loose_files_are_said(tmp_path: Path) -> None:
    splits = dressform.load_data(cases.loose(tmp_path / "tree"))
    assert totals(splits) == all_of(24)
    assert notes_with(splits, "12")


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    source = cases.linked(tmp_path / "linked")
    assert totals(dressform.load_data(source)) == all_of(24)
    assert totals(dressform.load_data(tmp_path / "linked-away")) == all_of(24)


@pytest.mark.parametrize("level", [".", "data", "data/FashionMNIST", "data/FashionMNIST/raw"])
def test_the_folder_of_torchvision(level: str, tmp_path: Path) -> None:
    source = cases.torchvision(tmp_path / "tree")
    splits = dressform.load_data(source / level)
    assert {split: len(dataset) for split, dataset in splits} == {"train": 300, "test": 100}
    pixels, labels = cases.fashion_mnist("train", 300)
    assert np.array_equal(splits.train.images[..., 0], pixels)
    assert np.array_equal(splits.train.labels, labels)


def test_the_folder_of_torchvision_with_all_of_fashion_mnist(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in cases.IDX.glob("*.gz"):
        shutil.copy(path, raw)
    splits = dressform.load_data(tmp_path)
    assert splits.class_names[9] == "Ankle boot"
    assert len(splits.train) == 60_000


def test_truncated_files_are_all_named(tmp_path: Path) -> None:
    source = cases.truncated(tmp_path / "tree")
    cut = {p.relative_to(source).as_posix() for p in sorted(source.rglob("*.jpg"))[::4]}
    assert len(cut) == 18
    message = refused(source, "18 of 72", "skip")
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint(*train(source, tmp_path / "runs"))
    bad = check(source, code=1)["bad"]
    assert all(set(entry) == {"path", "reason"} for entry in bad)
    assert all("\n" not in entry["reason"] and entry["reason"] for entry in bad)
    assert {_below(entry["path"], source) for entry in bad} == cut
    text = check_text(source, code=1)
    assert all(Path(path).name in text for path in cut)


def test_truncated_files_are_left_out_on_request(tmp_path: Path) -> None:
    source = cases.truncated(tmp_path / "tree")
    splits = dressform.load_data(source, skip_bad=True)
    assert sum(totals(splits).values()) == 54
    assert len(splits.left_out) == 18
    assert all(item.path and item.reason for item in splits.left_out)
    assert notes_with(splits, "18")
    document = check(source, "--skip-bad")
    assert sum(sum(split.values()) for split in document["counts"].values()) == 54
    assert len(document["bad"]) == 18
    out = tmp_path / "runs"
    done = dressform_command(*train(source, out), "--skip-bad", "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((Path(json.loads(done.stdout)["run"]) / "manifest.json").read_text())
    missing = next(p for p in sorted(source.rglob("*.jpg")))
    assert missing.name in json.dumps(manifest)  # the manifest says which


def _below(path: str, folder: Path) -> str:
    """A reported path, which may be absolute or relative to the folder, relative to it."""
    there = Path(path)
    return (there.relative_to(folder) if there.is_absolute() else there).as_posix()


def test_a_hold_out_keeps_a_product_together(tmp_path: Path) -> None:
    """``groups`` is searched in the file's name, so that ``sku003`` is one group everywhere."""
    source = cases.products(tmp_path / "tree")
    splits = dressform.load_data(source, groups=r"(sku\d+)_")
    assert totals(splits) == all_of(60)
    assert splits.test is not None
    assert 15 <= len(splits.test) <= 60
    assert splits.train.groups is not None
    assert splits.test.groups is not None
    assert not set(splits.train.groups) & set(splits.test.groups)
    assert any("sku003" in group for group in {*splits.train.groups, *splits.test.groups})
    ids = [{_product(i) for i in dataset.ids} for _, dataset in splits]
    assert not any(first & second for first, second in itertools.combinations(ids, 2))
    assert all(dataset.counts.min() > 0 for _, dataset in splits)


def test_without_groups_there_are_none(tmp_path: Path) -> None:
    splits = dressform.load_data(cases.products(tmp_path / "tree"))
    assert splits.train.groups is None


def _product(example_id: str) -> str:
    label, _, name = example_id.rpartition("/")
    return f"{label}/{name.partition('_')[0]}"


def test_new_photos_as_data(tmp_path: Path) -> None:
    """A folder with a test split alone can be evaluated, but is nothing to train on."""
    cases.class_folders(tmp_path / "all", 30, 12)
    cases.class_folders(tmp_path / "one-class-missing", 30, 12)
    shutil.rmtree(tmp_path / "one-class-missing" / "shoes")
    cases.class_folders(tmp_path / "test-only" / "test", 30, 12)
    cases.class_folders(tmp_path / "renamed", 30, 12, names=("z_dress", "pants", "shoes"))
    assert totals(dressform.load_data(tmp_path / "all")) == all_of(12)
    missing = totals(dressform.load_data(tmp_path / "one-class-missing"))
    assert missing == {"dress": 12, "pants": 12}
    renamed = dressform.load_data(tmp_path / "renamed")
    assert renamed.class_names == ("pants", "shoes", "z_dress")
    message = refused(tmp_path / "test-only", "test", "train")
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint("data", "check", tmp_path / "test-only")
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint(*train(tmp_path / "test-only", tmp_path / "runs"))


LISTINGS: dict[str, tuple[Callable[[Path], Path], str, tuple[str, ...]]] = {
    "file-label": (cases.file_label, "labels.csv", CLASSES),
    "label-first": (cases.label_first, "labels.csv", CLASSES),
    "id-without-suffix": (cases.id_without_suffix, "labels.csv", CLASSES),
    "whole-numbers": (cases.whole_numbers, "labels.csv", ("0", "1", "2")),
    "hub-metadata": (cases.hub_metadata, "train/metadata.csv", CLASSES),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_beside_images(name: str, tmp_path: Path) -> None:
    build, table, names = LISTINGS[name]
    source = build(tmp_path / name)
    splits = dressform.load_data(source)
    assert splits.class_names == names
    assert list(totals(splits).values()) == [24, 24, 24]
    assert examples(dressform.load_data(source / table)) == examples(splits)
    by_class = cases.class_folders(tmp_path / "classes", names=names)
    assert examples(dressform.load_data(by_class)) == examples(splits)


def test_an_id_without_suffix_and_its_group(tmp_path: Path) -> None:
    source = cases.id_without_suffix(tmp_path / "listing")
    splits = dressform.load_data(source, group_column="sender_id")
    assert splits.test is not None
    assert splits.test.groups is not None
    assert splits.train.groups is not None
    assert set(splits.test.groups) | set(splits.train.groups) == {str(i) for i in range(12)}
    assert not set(splits.test.groups) & set(splits.train.groups)


def test_the_folder_of_the_hub_from_within(tmp_path: Path) -> None:
    source = cases.hub_metadata(tmp_path / "listing")
    assert totals(dressform.load_data(source / "train")) == all_of(24)


@pytest.mark.parametrize(
    ("build", "stray"),
    [(cases.classes_and_csv, "sources.csv"), (cases.classes_and_npz, "features.npz")],
)
def test_a_stray_table_beside_class_folders(
    build: Callable[[Path], Path], stray: str, tmp_path: Path
) -> None:
    splits = dressform.load_data(build(tmp_path / "tree"))
    assert totals(splits) == all_of(24)
    assert notes_with(splits, stray)


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".tif", ".jfif", ".jpe", ".avif"])
def test_every_form_of_image(suffix: str, tmp_path: Path) -> None:
    splits = dressform.load_data(cases.class_folders(tmp_path / "tree", count=12, suffix=suffix))
    assert totals(splits) == all_of(12)


def test_forms_mixed(tmp_path: Path) -> None:
    assert totals(dressform.load_data(cases.mixed_forms(tmp_path / "tree"))) == all_of(16)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, str]]:
    """The sixty examples, read from the form that was always read."""
    path = tmp_path_factory.mktemp("plain") / "plain.csv"
    path.write_text(cases.delimited(","))
    read = examples(dressform.load_data(path))
    assert len(read) == 60
    return read


@pytest.mark.parametrize("name", cases.TABLES)
def test_a_pixel_table_in_any_dialect(
    name: str, tmp_path: Path, plain: list[tuple[bytes, str]]
) -> None:
    path = tmp_path / name
    path.write_bytes(cases.TABLES[name]())
    splits = dressform.load_data(path)
    assert splits.shape == (28, 28, 1)
    assert examples(splits) == plain
    assert examples(dressform.load_data(tmp_path)) == plain  # the folder with this table alone


@pytest.mark.parametrize("level", [".", "fashion_mnist"])
def test_parquet_with_image_bytes(
    level: str, tmp_path: Path, plain: list[tuple[bytes, str]]
) -> None:
    source = cases.hub_parquet(tmp_path / "hub-parquet")
    splits = dressform.load_data(source / level)
    assert {split: len(dataset) for split, dataset in splits} == {"train": 48, "test": 12}
    assert examples(splits) == plain
    assert np.array_equal(splits.train.images[..., 0], cases.PIXELS[:48])


def test_one_parquet_file(tmp_path: Path) -> None:
    source = cases.hub_parquet(tmp_path / "hub-parquet")
    splits = dressform.load_data(source / "fashion_mnist" / "train-00000-of-00001.parquet")
    assert sum(totals(splits).values()) == 48


def test_a_pixel_table_of_one_pixel_is_none(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("label,id\n" + "".join(f"{i % 2},{i}\n" for i in range(20)))
    refused(tmp_path / "ids.csv", "id", "label", error=DressformError)


def test_check_and_train_read_the_same(tmp_path: Path) -> None:
    source = cases.double(tmp_path / "tree")
    document = check(source)
    done = dressform_command(*train(source, tmp_path / "runs"), "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((Path(json.loads(done.stdout)["run"]) / "manifest.json").read_text())
    assert all(name in json.dumps(manifest) for name in document["classes"])
