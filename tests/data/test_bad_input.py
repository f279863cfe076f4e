"""Each bad input has one clear line: what came, what was allowed, what to do."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.core.errors import ConfigError, DataError, DressformError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.idx import read_idx
from dressform.data.source import load_data
from tests.writers import idx_bytes, write_csv, write_folder, write_idx


def fails(pattern: str, source: Path | str, error: type[DressformError] = DataError) -> None:
    with pytest.raises(error, match=pattern) as caught:
        load_data(source)
    assert "\n" not in str(caught.value)


@pytest.fixture
def idx(small: DatasetSplits, tmp_path: Path) -> Path:
    return write_idx(tmp_path / "idx", small, compress=True)


def test_truncated_gzip(idx: Path) -> None:
    path = idx / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1000])
    fails(r"is a damaged gzip file .* bytes\); download it again", idx)


def test_damaged_gzip(idx: Path) -> None:
    path = idx / "train-images-idx3-ubyte.gz"
    raw = bytearray(path.read_bytes())
    raw[5000:5200] = bytes(200)
    path.write_bytes(bytes(raw))
    fails("is a damaged gzip file", idx)


def test_wrong_magic(idx: Path) -> None:
    (idx / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"<html>moved</html>"))
    fails(r"starts with 0x3c68746d; an IDX file starts with 0x00000801 \(labels\)", idx)


def test_header_without_data(idx: Path) -> None:
    (idx / "train-images-idx3-ubyte.gz").write_bytes(struct.pack(">2I", 0x803, 10))
    fails("ends within its header", idx)


def test_fewer_bytes_than_announced(idx: Path, small: DatasetSplits) -> None:
    (idx / "train-images-idx3-ubyte.gz").write_bytes(idx_bytes(small.train.images[..., 0])[:-7])
    fails(
        r"is truncated: its header declares 600 x 28 x 28 = 470,416 bytes, but it has 470,409", idx
    )


def test_more_bytes_than_announced(idx: Path, small: DatasetSplits) -> None:
    (idx / "train-images-idx3-ubyte.gz").write_bytes(idx_bytes(small.train.images[..., 0]) + b"x")
    fails("is too long", idx)


def test_a_header_that_announces_petabytes(idx: Path) -> None:
    (idx / "train-images-idx3-ubyte.gz").write_bytes(
        struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    )
    fails("is truncated", idx)


def test_counts_that_disagree(idx: Path, small: DatasetSplits) -> None:
    (idx / "train-labels-idx1-ubyte.gz").write_bytes(
        idx_bytes(small.train.labels[:-1].astype(np.uint8))
    )
    fails("has 600 images but train-labels-idx1-ubyte.gz has 599 labels", idx)


def test_labels_in_place_of_images(idx: Path, small: DatasetSplits) -> None:
    (idx / "train-images-idx3-ubyte.gz").write_bytes(idx_bytes(small.train.labels.astype(np.uint8)))
    fails("holds labels; an images file", idx)


def test_missing_labels_file(idx: Path) -> None:
    (idx / "train-labels-idx1-ubyte.gz").unlink()
    fails("has train-images-idx3-ubyte.gz but not its labels file", idx)


def test_label_out_of_range(idx: Path, small: DatasetSplits) -> None:
    labels = small.train.labels.astype(np.uint8).copy()
    labels[17] = 200
    (idx / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(labels))
    fails(
        r"train example 17 has label 200; train has 11 different labels, so allowed: 0 to 10", idx
    )


def test_negative_label() -> None:
    with pytest.raises(DataError, match=r"label -1 is out of range; allowed: 0 to 1"):
        Dataset.from_arrays(np.zeros((2, 4, 4), np.uint8), [0, -1], class_names=["a", "b"])


def test_csv_with_a_short_row(small: DatasetSplits, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", small.train)
    lines = path.read_text().splitlines()
    lines[41] = lines[41].rpartition(",")[0]
    path.write_text("\n".join(lines))
    fails(r"line 42 has 784 values but the first line has 785", path)


def test_csv_cut_off_in_its_last_row(small: DatasetSplits, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", small.train)
    path.write_bytes(path.read_bytes()[:-500])
    fails("line 601 has .* the file is truncated", path)


def test_csv_with_text(small: DatasetSplits, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", small.train)
    path.write_text(path.read_text().replace("\n9,", "\nnine,", 1))
    fails("is not a whole number", path)


def test_csv_with_a_pixel_out_of_range(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("label,a,b,c,d\n0,1,2,3,4\n1,1,256,3,4\n")
    fails(r"row 2 has b = 256; allowed: whole numbers 0 to 255", tmp_path / "d.csv")


def test_csv_without_a_label(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,b,c,d\n1,2,3,4\n1,2,3,5\n")
    fails(
        r"has pixels but no column of labels \(columns a, b, c, d.*label_column=",
        tmp_path / "d.csv",
    )


def test_csv_files_that_nobody_can_place(small: DatasetSplits, tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", small.train)
    write_csv(tmp_path / "latest.csv", small.train)
    fails("has latest.csv among its CSV files", tmp_path)


def test_class_names_that_are_no_utf8(small: DatasetSplits, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", small.train)
    (tmp_path / "class_names.txt").write_bytes("Mütze".encode("latin-1"))
    fails("class_names.txt is not UTF-8 text", path)


def test_a_picture_whose_name_is_no_utf8(folder: Path) -> None:
    source = next((folder / "0-T-shirt top").iterdir())
    source.rename(source.with_name(os.fsdecode(b"caf\xe9.png")))
    fails(r"has a name that is not UTF-8; rename it", folder)


def test_csv_that_is_no_square(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("label,a,b\n0,1,2\n")
    fails("has 3 columns .*expected a label and a square number of pixels", tmp_path / "d.csv")


def test_csv_without_rows(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("label,a,b,c,d\n")
    fails("has no rows", tmp_path / "d.csv")


@pytest.fixture
def folder(small: DatasetSplits, tmp_path: Path) -> Path:
    return write_folder(tmp_path / "photos", small.train.take(np.arange(60)))


def test_no_class_folders(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    fails("has no sub-folders with images and no other data that can be read", tmp_path)


def test_corrupt_jpeg(folder: Path) -> None:
    target = folder / "0-T-shirt top" / "zz.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(target)
    target.write_bytes(target.read_bytes()[:1000])
    fails(r"1 of 61 images cannot be used: .*zz.jpg is a damaged image", folder)


def test_decompression_bomb(folder: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(folder / "0-T-shirt top" / "zz.png")
    fails(r"zz.png declares more than 64,000,000 pixels; resize it", folder)


def test_picture_over_our_own_limit(folder: Path) -> None:
    Image.new("1", (9_000, 9_000)).save(folder / "0-T-shirt top" / "zz.png")
    fails(r"zz.png is 9,000 x 9,000 pixels; allowed: at most 64,000,000 in total", folder)


def test_text_file_named_png(folder: Path) -> None:
    (folder / "0-T-shirt top" / "zz.png").write_text("I am a text")
    fails(r"zz.png is not an image \(it is text\); allowed: PNG, JPEG", folder)


def test_empty_picture_file(folder: Path) -> None:
    (folder / "0-T-shirt top" / "zz.png").touch()
    fails(r"zz.png is not an image \(it is empty\)", folder)


def test_several_bad_pictures_are_counted(folder: Path) -> None:
    for i in range(5):
        (folder / "0-T-shirt top" / f"zz{i}.png").touch()
    fails(r"5 of 65 images cannot be used: .* \(and 2 more\)", folder)


def test_split_folders_without_train(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    folder.rename(tmp_path / "d" / "test")
    fails("has test but no train split", tmp_path / "d")


def test_class_that_train_lacks(folder: Path, tmp_path: Path, small: DatasetSplits) -> None:
    (tmp_path / "d").mkdir()
    folder.rename(tmp_path / "d" / "train")
    write_folder(tmp_path / "d" / "test", small.train.take(np.arange(60)))
    (tmp_path / "d" / "test" / "0-T-shirt top").rename(tmp_path / "d" / "test" / "hat")
    fails("test has class 'hat', which train does not have", tmp_path / "d")


def test_npz_with_pickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.array([{}], dtype=object), labels=np.array([0]))
    fails("cannot be read as NPZ without pickle", tmp_path / "d.npz")


def test_npz_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", pixels=np.zeros((2, 4, 4), np.uint8))
    fails("has arrays pixels; expected images and labels", tmp_path / "d.npz")


def test_npz_with_floats(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.full((2, 4, 4), -0.5), labels=np.array([0, 1]))
    fails(
        "images have dtype float64 with values from -0.5 to -0.5; allowed: uint8",
        tmp_path / "d.npz",
    )


def test_truncated_npz(small: DatasetSplits, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=small.train.images, labels=small.train.labels)
    content = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(content[: len(content) // 2])
    fails("cannot be read as NPZ", tmp_path / "d.npz")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    fails("does not exist; give a folder of class sub-folders", tmp_path / "nothing")


def test_a_mistyped_name() -> None:
    fails(
        "unknown dataset or path 'fashon-mnist'; did you mean fashion-mnist?",
        "fashon-mnist",
        DressformError,
    )


def test_unknown_form(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"PAR1")
    fails("has an unknown format", tmp_path / "a.xyz")


def test_unknown_split(small: DatasetSplits) -> None:
    with pytest.raises(
        DressformError, match=r"unknown split 'validation' of small.*available: train, test"
    ):
        small["validation"]


def test_mnist_by_checksum(idx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dressform.data import provenance

    path = idx / "train-images-idx3-ubyte.gz"
    monkeypatch.setitem(provenance.MNIST, read_idx(path).sha256, "MNIST's training images")
    fails(r"is MNIST's training images \(handwritten digits\), not Fashion-MNIST", idx)


def test_mnist_by_its_label_counts(tmp_path: Path) -> None:
    from dressform.data.provenance import _MNIST_COUNTS

    labels = np.repeat(np.arange(10), _MNIST_COUNTS[1])
    np.savez(tmp_path / "d.npz", images=np.zeros((10_000, 28, 28), np.uint8), labels=labels)
    fails(r"has exactly the label counts of MNIST", tmp_path / "d.npz")


def test_empty_and_homeless_paths() -> None:
    for text, message in (
        ("", "the path is empty"),
        ("  ", "the path is empty"),
        ("~nobody-of-this-name/x", "cannot be used: Could not"),
    ):
        fails(message, text)


def test_folders_beside_train_are_told_and_a_class_may_be_called_train(
    folder: Path, tmp_path: Path, small: DatasetSplits
) -> None:
    (tmp_path / "d").mkdir()
    folder.rename(tmp_path / "d" / "train")
    write_folder(tmp_path / "d" / "extra", small.train.take(np.arange(60)))
    assert any("beside the splits: extra" in note for note in load_data(tmp_path / "d").notes)
    vehicles = tmp_path / "vehicles"
    write_folder(vehicles, small.train.take(np.arange(60)))
    (vehicles / "0-T-shirt top").rename(vehicles / "train")
    assert "train" in load_data(vehicles).class_names


def test_two_classes_of_one_name(small: DatasetSplits, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "d.npz",
        images=small.train.images,
        labels=small.train.labels,
        class_names=["a"] * 10,
    )
    fails("two classes have the same name", tmp_path / "d.npz")


def test_image_size_out_of_range() -> None:
    with pytest.raises(ConfigError, match="image_size is -5; allowed: 4 to 1024"):
        load_data("fashion-mnist", image_size=-5)


def test_a_table_with_one_column_and_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label\ndress\n")
    fails("has 1 columns", tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("index\n1\n2\n")
    fails("has 1 columns", tmp_path / "b.csv")
