"""Archives of anything that is read from a folder: read without unpacking, or named as what they
are.
"""

import gzip
import io
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import DressformError
from tests.data import cases
from tests.data.reading import (
    attempt,
    check,
    complaint,
    counts,
    examples,
    has,
    notes_with,
    refused,
    totals,
    train,
)
from tests.writers import idx_bytes

CLASSES = ("dress", "pants", "shoes")
SIX = dict.fromkeys(CLASSES, 6)
TWO = dict.fromkeys(CLASSES, 2)


def packed(folder: Path, form: str, path: Path | None = None) -> Path:
    """The folder's contents, packed beside it; the folder is removed."""
    made = shutil.make_archive(str(path or folder), form, folder)
    shutil.rmtree(folder)
    return Path(made)


def test_classes_in_a_wrapping_folder(tmp_path: Path) -> None:
    root = tmp_path / "a"
    cases.mac_zip(root / "photos")
    shutil.move(root / "photos" / "__MACOSX", root / "__MACOSX")
    expected = dressform.load_data(root)
    path = packed(root, "zip")
    splits = dressform.load_data(path)
    assert totals(splits) == dict.fromkeys(CLASSES, 24)
    assert examples(splits) == examples(expected)
    assert len(notes_with(splits, "__MACOSX", ".DS_Store")) == 1
    assert list(tmp_path.iterdir()) == [path]  # nothing is unpacked


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_splits_in_any_archive(form: str, tmp_path: Path) -> None:
    root = tmp_path / "a"
    cases.class_folders(root / "data" / "train_set", count=6)
    cases.class_folders(root / "data" / "test_set", 6, 2)
    expected = dressform.load_data(root)
    path = packed(root, form)
    splits = dressform.load_data(path)
    assert counts(splits) == {"train": SIX, "test": TWO}
    assert examples(splits) == examples(expected)
    assert check(path)["counts"] == counts(splits)


def test_a_short_suffix(tmp_path: Path) -> None:
    path = packed(cases.class_folders(tmp_path / "a", count=6), "gztar")
    assert totals(dressform.load_data(path.rename(tmp_path / "a.tgz"))) == SIX


def test_the_same_archive_under_another_name(tmp_path: Path) -> None:
    """Contents decide, where the suffix says something else."""
    path = packed(cases.class_folders(tmp_path / "a", count=6), "zip")
    splits = attempt(path.rename(tmp_path / "download"), "zip")
    if not isinstance(splits, str):
        assert totals(splits) == SIX


def test_idx_in_an_archive(tmp_path: Path) -> None:
    cases.torchvision(tmp_path / "a")
    splits = dressform.load_data(packed(tmp_path / "a", "zip"))
    assert {split: len(dataset) for split, dataset in splits} == {"train": 300, "test": 100}
    pixels, _ = cases.fashion_mnist("train", 300)
    assert np.array_equal(splits.train.images[..., 0], pixels)


def test_plain_idx_in_an_archive(tmp_path: Path) -> None:
    pixels, labels = cases.fashion_mnist("train", 60)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("d/train-images.idx3-ubyte", idx_bytes(pixels))
        file.writestr("d/train-labels.idx1-ubyte", idx_bytes(labels))
    assert sum(totals(dressform.load_data(tmp_path / "a.zip")).values()) == 60


def test_a_pixel_table_in_an_archive(tmp_path: Path) -> None:
    """As Kaggle serves it: two tables in one ZIP."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for split in ("train", "test"):
            file.writestr(f"fashion-mnist_{split}.csv", cases.delimited(","))
    splits = dressform.load_data(tmp_path / "archive.zip")
    assert {split: len(dataset) for split, dataset in splits} == {"train": 60, "test": 60}


@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_a_listing_in_an_archive(form: str, tmp_path: Path) -> None:
    cases.label_first(tmp_path / "a")
    expected = examples(dressform.load_data(tmp_path / "a"))
    assert examples(dressform.load_data(packed(tmp_path / "a", form))) == expected


def test_parquet_in_an_archive(tmp_path: Path) -> None:
    cases.hub_parquet(tmp_path / "a")
    splits = dressform.load_data(packed(tmp_path / "a", "zip"))
    assert {split: len(dataset) for split, dataset in splits} == {"train": 48, "test": 12}


def test_an_npz_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a" / "d.npz", images=cases.PIXELS, labels=cases.LABELS)
    splits = dressform.load_data(packed(tmp_path / "a", "gztar"))
    assert sum(totals(splits).values()) == 60


def test_names_in_other_scripts(tmp_path: Path) -> None:
    root = cases.class_folders(tmp_path / "a", count=6, names=("Röcke", "брюки", "靴"))
    expected = dressform.load_data(root)
    for form in ("zip", "tar"):
        shutil.copytree(root, tmp_path / form)
        splits = dressform.load_data(packed(tmp_path / form, form))
        assert splits.class_names == expected.class_names
        assert totals(splits) == totals(expected)


def test_a_folder_that_holds_one_archive(tmp_path: Path) -> None:
    """The download as it came: read, or refused with the archive's name to give."""
    root = tmp_path / "downloads"
    packed(cases.class_folders(tmp_path / "a", count=6), "zip", root / "photos")
    splits = attempt(root, "photos.zip")
    if isinstance(splits, str):
        assert splits in complaint(*train(root, tmp_path / "runs"))
        return
    assert totals(splits) == SIX


def test_an_archive_beside_class_folders(tmp_path: Path) -> None:
    root = cases.class_folders(tmp_path / "a", count=6)
    packed(cases.class_folders(tmp_path / "b", 6, 6), "zip", root / "backup")
    splits = dressform.load_data(root)
    assert totals(splits) == SIX
    assert notes_with(splits, "backup.zip")


def test_archives_in_an_archive(tmp_path: Path) -> None:
    """``train.zip`` and ``test.zip`` in one download: read as splits, or refused with the names."""
    root = tmp_path / "a"
    packed(cases.class_folders(tmp_path / "t", count=6), "zip", root / "train")
    packed(cases.class_folders(tmp_path / "t", 6, 2), "zip", root / "test")
    splits = attempt(packed(root, "zip"), "train.zip", "test.zip")
    if not isinstance(splits, str):
        assert counts(splits) == {"train": SIX, "test": TWO}


def _encrypted(path: Path) -> Path:
    """Set the flag of encryption in every header of a ZIP."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 4)
    path.write_bytes(bytes(content))
    return path


def test_a_compressed_tar_that_is_called_otherwise(tmp_path: Path) -> None:
    path = packed(cases.class_folders(tmp_path / "a", count=6), "gztar")
    path = path.rename(tmp_path / "a.tar")
    assert totals(dressform.load_data(path)) == SIX


def test_folders_without_end_in_a_zip(tmp_path: Path) -> None:
    path = packed(cases.class_folders(tmp_path / "a", count=6), "zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("/".join(["deep"] * 5000) + "/1.jpg", b"")
    refused(path, "1 of 19", "too deeply nested")
    assert totals(dressform.load_data(path, skip_bad=True)) == SIX


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    path = _encrypted(packed(cases.class_folders(tmp_path / "a", count=6), "zip"))
    message = refused(path, "a.zip")
    assert has(message, "encrypted") or has(message, "password")
    assert message in complaint("data", "check", path)
    assert message in complaint(*train(path, tmp_path / "runs"))


@pytest.mark.parametrize(
    ("start", "name", "kind"),
    [
        (b"Rar!\x1a\7\1\0", "a.rar", "RAR"),
        (b"Rar!\x1a\7\0", "a.zip", "RAR"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a.7z", "7z"),
        (b"\x28\xb5\x2f\xfd", "a.tar.zst", "Zstandard"),
        (b"<!DOCTYPE html><html>Sign in", "photos.zip", "HTML"),
    ],
    ids=["rar5", "rar4-called-zip", "7z", "zstandard", "html"],
)
def test_other_archives_are_named(start: bytes, name: str, kind: str, tmp_path: Path) -> None:
    """Zstandard may be read where Python can, so it need not be refused; a cut one is."""
    (tmp_path / name).write_bytes(start + bytes(300))
    message = refused(tmp_path / name, name)
    rest = message.replace(name, "")
    assert has(rest, kind) or name.endswith(".zst")
    assert message in complaint("data", "check", tmp_path / name)


@pytest.mark.parametrize("form", ["zip", "tar", "gztar"])
def test_a_download_that_was_cut_off(form: str, tmp_path: Path) -> None:
    path = packed(cases.class_folders(tmp_path / "a", count=6), form)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    message = refused(path, path.name)
    assert any(has(message, word) for word in ("damaged", "truncated", "incomplete", "cut off"))


def test_an_archive_with_a_damaged_image(tmp_path: Path) -> None:
    """A wrong checksum spoils one image, not the archive."""
    path = packed(cases.class_folders(tmp_path / "a", count=6), "zip")
    with zipfile.ZipFile(path) as file:
        victim = next(i for i in file.infolist() if i.filename.endswith(".jpg"))
    content = bytearray(path.read_bytes())
    for k in range(60, 90):
        content[victim.header_offset + victim.compress_size // 2 + k] ^= 0x5A
    path.write_bytes(bytes(content))
    refused(path, "1 of 18", Path(victim.filename).name)
    bad = check(path, code=1)["bad"]
    assert [Path(entry["path"]).name for entry in bad] == [Path(victim.filename).name]
    splits = dressform.load_data(path, skip_bad=True)
    assert sum(totals(splits).values()) == 17
    assert len(splits.left_out) == 1


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_an_archive_of_nothing(form: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "readme.txt").write_text("empty")
    for folder in ("a", "b"):
        path = packed(tmp_path / folder, form)
        refused(path, path.name)


def test_names_that_lead_out_of_the_archive(tmp_path: Path) -> None:
    """Nothing is written, so that such names are harmless: read, left out and said, or refused."""
    (tmp_path / "x" / "in").mkdir(parents=True)
    path = tmp_path / "x" / "in" / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for label in CLASSES:
            for number in range(6):
                content = cases.encoded(label, number)
                file.writestr(f"../../escaped/{label}/{number}.jpg", content)
    before = sorted(tmp_path.rglob("*"))
    splits = attempt(path, "a.zip")
    if not isinstance(splits, str):
        assert totals(splits) == SIX
    assert sorted(tmp_path.rglob("*")) == before


def test_a_tar_with_links_and_devices(tmp_path: Path) -> None:
    root = cases.class_folders(tmp_path / "a", count=6)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as file:
        file.add(root, "photos")
        for name, kind, target in (
            ("photos/dress/secret.jpg", tarfile.SYMTYPE, "/etc/passwd"),
            ("photos/dress/pipe.jpg", tarfile.FIFOTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            file.addfile(member)
    splits = attempt(path, "secret.jpg")
    if isinstance(splits, str):
        splits = dressform.load_data(path, skip_bad=True)
    assert totals(splits) == SIX
    said = [*splits.notes, *(str(item.path) for item in splits.left_out)]
    assert any("secret.jpg" in line for line in said) or notes_with(splits, "2")


def test_an_image_that_unpacks_to_a_giant(tmp_path: Path) -> None:
    """100 MB of zeros as one image: not an image, and named, without taking the memory."""
    path = packed(cases.class_folders(tmp_path / "a", count=6), "zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("dress/giant.png", bytes(100_000_000))
    refused(path, "giant.png")
    splits = dressform.load_data(path, skip_bad=True)
    assert totals(splits) == SIX


def test_a_gzip_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello\n" * 50))
    refused(tmp_path / "a.gz", "a.gz")


def test_a_zip_with_a_false_directory(tmp_path: Path) -> None:
    """A directory that announces 60,000 members which are not there."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("dress/a.jpg", cases.encoded("dress", 0))
    content = bytearray(stream.getvalue())
    struct.pack_into("<2H", content, len(content) - 14, 60_000, 60_000)
    (tmp_path / "a.zip").write_bytes(bytes(content))
    refused(tmp_path / "a.zip", error=DressformError)
