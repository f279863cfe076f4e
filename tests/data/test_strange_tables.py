"""Pixel tables, NPZ, IDX and Parquet in other shapes than the known cases, and files that are none
of these.
"""

import gzip
import io
import json
import pickle
import sqlite3
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import DressformError
from tests.data.cases import HEADER, LABELS, PIXELS, ROWS, arff, draw, encoded, fashion_mnist, png
from tests.data.reading import (
    attempt,
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

NAMES = [f"kind {label}" for label in LABELS]


def lengths(splits: dressform.DatasetSplits) -> dict[str, int]:
    return {split: len(dataset) for split, dataset in splits}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, str]]:
    path = tmp_path_factory.mktemp("plain") / "plain.npz"
    np.savez(path, images=PIXELS, labels=LABELS.astype(np.int64))
    return examples(dressform.load_data(path))


def test_faces_with_the_pixels_in_one_cell(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 48, 48), np.uint8)
    usage = ["Training"] * 20 + ["PublicTest"] * 5 + ["PrivateTest"] * 5
    rows = [
        f"{i % 3},{' '.join(map(str, image.ravel()))},{usage[i]}" for i, image in enumerate(pixels)
    ]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]) + "\n")
    splits = dressform.load_data(tmp_path / "fer2013.csv")
    assert lengths(splits) == {"train": 20, "validation": 5, "test": 5}
    assert np.array_equal(splits.train.images[..., 0], pixels[:20])
    assert splits.class_names == ("0", "1", "2")


@pytest.mark.parametrize("channels", [1, 3])
def test_skin_as_a_table_with_the_label_last(channels: int, tmp_path: Path) -> None:
    shape = (30, 28, 28, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    columns = 784 * channels
    head = ",".join([*(f"pixel{i:04d}" for i in range(columns)), "label"])
    rows = [",".join(map(str, [*x.ravel(), i % 3])) for i, x in enumerate(pixels)]
    name = f"hmnist_28_28_{'RGB' if channels == 3 else 'L'}.csv"
    (tmp_path / name).write_text("\n".join([head, *rows]) + "\n")
    splits = dressform.load_data(tmp_path / name)
    assert splits.shape == (28, 28, channels)
    assert examples(splits) == sorted((x.tobytes(), str(i % 3)) for i, x in enumerate(pixels))


@pytest.mark.parametrize("column", ["label", "Class", "target", "y", "category"])
@pytest.mark.parametrize("place", [0, 300, 784])
def test_the_label_anywhere_and_under_any_usual_name(
    column: str, place: int, tmp_path: Path, plain: list[tuple[bytes, str]]
) -> None:
    head, rows = HEADER[1:], [[*map(str, row[1:])] for row in ROWS]
    head.insert(place, column)
    for row, given in zip(rows, ROWS, strict=True):
        row.insert(place, str(given[0]))
    (tmp_path / "a.csv").write_text("\r\n".join(",".join(row) for row in [head, *rows]))
    assert examples(dressform.load_data(tmp_path / "a.csv")) == plain


def test_labels_that_are_words(tmp_path: Path) -> None:
    rows = [[name, *map(str, row[1:])] for name, row in zip(NAMES, ROWS, strict=True)]
    (tmp_path / "a.tsv").write_text("\n".join("\t".join(row) for row in [HEADER, *rows]))
    splits = dressform.load_data(tmp_path / "a.tsv")
    assert splits.class_names == tuple(f"kind {i}" for i in range(10))
    assert sum(totals(splits).values()) == 60


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "id", "index"])
def test_the_index_of_a_data_frame(
    name: str, tmp_path: Path, plain: list[tuple[bytes, str]]
) -> None:
    rows = [[str(1000 + i), *map(str, row)] for i, row in enumerate(ROWS)]
    (tmp_path / "a.csv").write_text("\n".join(",".join(row) for row in [[name, *HEADER], *rows]))
    assert examples(dressform.load_data(tmp_path / "a.csv")) == plain


def test_digits_with_a_table_to_predict(tmp_path: Path) -> None:
    """A table without labels cannot be a test split: left out and said."""
    lines = [",".join(map(str, row)) for row in ROWS]
    (tmp_path / "train.csv").write_text("\n".join([",".join(HEADER), *lines]))
    bare = [line.partition(",")[2] for line in lines[:9]]
    (tmp_path / "test.csv").write_text("\n".join([",".join(HEADER[1:]), *bare]))
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    splits = dressform.load_data(tmp_path)
    assert sum(totals(splits).values()) == 60
    assert notes_with(splits, "test.csv")
    assert notes_with(splits, "sample_submission.csv")


def test_pixels_between_zero_and_one(tmp_path: Path) -> None:
    """Scaled to 0..255, or refused with what was expected; never cut to black."""
    rows = [",".join([str(r[0]), *(f"{v / 255:.6f}" for v in r[1:])]) for r in ROWS]
    (tmp_path / "a.csv").write_text("\n".join([",".join(HEADER), *rows]))
    splits = attempt(tmp_path / "a.csv", "255")
    if isinstance(splits, str):
        return
    assert examples(splits) == sorted(
        (x.tobytes(), str(y)) for x, y in zip(PIXELS, LABELS, strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "id,label\n" + "".join(f"{i},{i % 2}\n" for i in range(30)),
        "age,height,label\n" + "".join(f"{i},{i + 90},{i % 2}\n" for i in range(30)),
        "label,a,b,c,d,e\n" + "".join(f"{i % 2},1,2,3,4,5\n" for i in range(30)),
        "a\n1\n2\n",
        "\n\n\n",
        "\x00\x01\x02\xff" * 50,
    ],
    ids=["ids", "numbers", "no-square", "one-column", "blank", "binary"],
)
def test_tables_that_are_no_images(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="latin-1")
    message = refused(tmp_path / "a.csv", "a.csv", error=DressformError)
    assert message in complaint("data", "check", tmp_path / "a.csv")
    assert message in complaint(*train(tmp_path / "a.csv", tmp_path / "runs"))


@pytest.mark.parametrize("rgb", [False, True])
def test_a_benchmark_of_medical_images(rgb: bool, tmp_path: Path) -> None:
    shape = (20, 28, 28, 3) if rgb else (20, 28, 28)
    chance = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = chance.integers(0, 256, shape, np.uint8)
        arrays[f"{split}_labels"] = (np.arange(20, dtype=np.uint8) % 4)[:, None]
    np.savez_compressed(tmp_path / "bloodmnist.npz", **arrays)
    splits = dressform.load_data(tmp_path / "bloodmnist.npz")
    assert lengths(splits) == {"train": 20, "validation": 20, "test": 20}
    assert splits.train.counts.tolist() == [5, 5, 5, 5]
    assert lengths(dressform.load_data(tmp_path)) == lengths(splits)


@pytest.mark.parametrize(
    "names",
    [("x_train", "y_train", "x_test", "y_test"), ("X_train", "Y_train", "X_test", "Y_test")],
)
def test_arrays_as_keras_names_them(names: tuple[str, ...], tmp_path: Path) -> None:
    arrays = (PIXELS[:48], LABELS[:48], PIXELS[48:], LABELS[48:])
    np.savez(tmp_path / "mine.npz", **dict(zip(names, arrays, strict=True)))
    assert lengths(dressform.load_data(tmp_path / "mine.npz")) == {"train": 48, "test": 12}


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_an_array_a_file(kind: str, tmp_path: Path, plain: list[tuple[bytes, str]]) -> None:
    for split, some in (("train", slice(0, 48)), ("test", slice(48, 60))):
        for part, array in (("imgs", PIXELS), ("labels", LABELS)):
            path = tmp_path / f"kmnist-{split}-{part}.{kind}"
            np.savez(path, array[some]) if kind == "npz" else np.save(path, array[some])
    (tmp_path / "kmnist_classmap.csv").write_text("index,codepoint,char\n0,U+304A,お\n")
    splits = dressform.load_data(tmp_path)
    assert lengths(splits) == {"train": 48, "test": 12}
    assert np.array_equal(splits.train.images[..., 0], PIXELS[:48])


def write_idx(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def test_letters_that_lie_on_their_side(tmp_path: Path) -> None:
    """EMNIST stores its images transposed, counts letters from 1, and keeps names in a mapping."""
    raw = tmp_path / "gzip"
    for split, stem in (("train", "train"), ("test", "t10k")):
        pixels, labels = fashion_mnist(stem, 60)
        name = f"emnist-letters-{split}"
        turned = np.ascontiguousarray(pixels.transpose(0, 2, 1))
        write_idx(raw, f"{name}-images-idx3-ubyte", idx_bytes(turned))
        write_idx(raw, f"{name}-labels-idx1-ubyte", idx_bytes(labels + np.uint8(1)))
    mapping = "".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 11))
    (raw / "emnist-letters-mapping.txt").write_text(mapping)
    splits = dressform.load_data(tmp_path)
    assert lengths(splits) == {"train": 60, "test": 60}
    assert np.array_equal(splits.train.images[..., 0], fashion_mnist("train", 60)[0])
    assert len(splits.class_names) == 10
    assert all(
        letter in name for letter, name in zip("ABCDEFGHIJ", splits.class_names, strict=True)
    )


def test_several_sets_of_emnist(tmp_path: Path) -> None:
    for name in ("emnist-digits", "emnist-balanced"):
        write_idx(tmp_path, f"{name}-train-images-idx3-ubyte", idx_bytes(PIXELS))
        write_idx(tmp_path, f"{name}-train-labels-idx1-ubyte", idx_bytes(LABELS))
    refused(tmp_path, "digits", "balanced")


def test_digits_whose_labels_have_eight_columns(tmp_path: Path) -> None:
    for split, stem in (("train", "train"), ("test", "t10k")):
        pixels, labels = fashion_mnist(stem, 60)
        columns = np.zeros((60, 8), ">i4")
        columns[:, 0], columns[:, 1:] = labels, 5000
        write_idx(tmp_path, f"qmnist-{split}-images-idx3-ubyte", idx_bytes(pixels))
        content = struct.pack(">3I", 0x0C02, 60, 8) + columns.tobytes()
        write_idx(tmp_path, f"qmnist-{split}-labels-idx2-int", content)
    splits = dressform.load_data(tmp_path)
    assert lengths(splits) == {"train": 60, "test": 60}
    assert np.array_equal(splits.train.labels, fashion_mnist("train", 60)[1])


def test_arff_by_hand(tmp_path: Path) -> None:
    text = arff().replace("{0,1,2,3,4,5,6,7,8,9}", "{" + ", ".join(map(repr, sorted(set(NAMES)))))
    text = text.replace("'kind 9'", "'kind 9'}").replace("@ATTRIBUTE", "@attribute")
    head, _, body = text.partition("@DATA\n")
    rows = [
        f"{line.rpartition(',')[0]},'{name}'"
        for line, name in zip(body.splitlines(), NAMES, strict=True)
    ]
    text = "% drawn by hand\n\n" + head + "@data\n% rows\n" + "\n".join(rows) + "\n"
    (tmp_path / "a.arff").write_text(text)
    splits = dressform.load_data(tmp_path / "a.arff")
    assert splits.class_names == tuple(f"kind {i}" for i in range(10))
    assert sum(totals(splits).values()) == 60


@pytest.mark.parametrize("shards", [1, 3])
def test_parquet_of_photos_with_names_in_its_metadata(shards: int, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = ("dress", "pants", "shoes")
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(labels), "_type": "ClassLabel"},
    }
    rows = [(label, number) for number in range(9) for label in range(3)]
    for shard in range(shards):
        some = rows[shard::shards]
        table = pa.table(
            {
                "label": [label for label, _ in some],
                "image": [{"bytes": encoded(labels[k], n), "path": f"{n}.jpg"} for k, n in some],
            }
        ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "data" / f"train-{shard:05d}-of-{shards:05d}.parquet")
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == {"dress": 9, "pants": 9, "shoes": 9}
    assert splits.shape == (64, 64, 3)


def test_parquet_of_pixels(tmp_path: Path, plain: list[tuple[bytes, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict(zip(HEADER, np.array(ROWS, np.int64).T, strict=True))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert examples(dressform.load_data(tmp_path / "a.parquet")) == plain


def test_a_blank_line_is_no_damage(tmp_path: Path, plain: list[tuple[bytes, str]]) -> None:
    rows = [",".join(map(str, row)) for row in ROWS]
    lines = [",".join(HEADER), *rows[:3], "", *rows[3:], ""]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert examples(dressform.load_data(tmp_path / "a.csv")) == plain


def test_parquet_with_a_bad_image(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [{"bytes": png(x), "path": None} for x in PIXELS]
    images[7]["bytes"] = b"<html>gone</html>"
    images[8]["bytes"] = None
    pq.write_table(pa.table({"image": images, "label": LABELS}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "2 of 60")
    splits = dressform.load_data(tmp_path / "a.parquet", skip_bad=True)
    assert sum(totals(splits).values()) == 58
    assert len(splits.left_out) == 2


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table images (id integer)")
    connection.commit()
    connection.close()


def _workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


OTHERS = {
    "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "a.mat": (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\1IM" + bytes(64),
        "MATLAB",
    ),
    "a.pkl": (pickle.dumps({"data": [1, 2], "labels": [0, 1]}), "pickle"),
    "data_batch_1": (pickle.dumps({b"data": b"x" * 300}, 2), "pickle"),
    "a.xlsx": (_workbook(), "Excel"),
    "a.pdf": (b"%PDF-1.7\n" + bytes(60), "PDF"),
    "a.csv": (b"<!DOCTYPE html><html><body>Sign in</body></html>\n", "HTML"),
    "a.npz": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "LFS"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    content, kind = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name, name)
    assert has(message.replace(name, ""), kind)
    assert message in complaint("data", "check", tmp_path / name)


def test_a_database_is_named(tmp_path: Path) -> None:
    _sqlite(tmp_path / "a.db")
    refused(tmp_path / "a.db", "SQLite")


def test_a_photo_is_no_dataset(tmp_path: Path) -> None:
    draw("dress", 0).save(tmp_path / "a.jpg")
    refused(tmp_path / "a.jpg", "image", "class")


def test_signs_whose_letters_have_gaps(tmp_path: Path) -> None:
    """Labels 0 to 24 without 9: read as 24 classes of these names, or refused by name."""
    labels = [label for label in range(25) if label != 9] * 3
    rows = [
        ",".join(map(str, [label, *np.random.default_rng(i).integers(0, 256, 784)]))
        for i, label in enumerate(labels)
    ]
    (tmp_path / "sign_mnist_train.csv").write_text("\n".join([",".join(HEADER), *rows]))
    (tmp_path / "sign_mnist_test.csv").write_text("\n".join([",".join(HEADER), *rows[:24]]))
    splits = attempt(tmp_path, "24")
    if isinstance(splits, str):
        return
    assert counts(splits)["train"] == {str(label): 3 for label in range(25) if label != 9}
