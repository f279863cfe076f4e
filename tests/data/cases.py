"""Builders of inputs as people really have them: trees, listings, formats and tables.

Images are drawn with a fixed seed, a shape and a colour for each class, no two alike; the pixels of
tables and IDX files are those of the bundled Fashion-MNIST.
"""

import csv
import functools
import gzip
import io
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.writers import idx_bytes

IDX = Path(__file__).parents[2] / "data" / "fashion-mnist"
CLASSES = ("dress", "pants", "shoes")
COLOURS = {"dress": (200, 40, 60), "pants": (40, 70, 190), "shoes": (90, 60, 30)}
FORMS = {".jpg": "JPEG", ".jpeg": "JPEG", ".jfif": "JPEG", ".jpe": "JPEG", ".tif": "TIFF"}
FORMS |= {".tiff": "TIFF", ".jp2": "JPEG2000", ".pgm": "PPM", ".dib": "DIB"}


@functools.cache
def stems(label: str) -> tuple[str, ...]:
    """Sixty file names without suffix, sorted, different for every class."""
    return tuple(sorted(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{label}/{i}")) for i in range(60)))


@functools.cache
def draw(label: str, number: int, side: int = 80) -> Image.Image:
    """An RGB image of a class, at most ``side`` pixels wide and high; callers must not change
    it.
    """
    chance = np.random.default_rng([number, *label.encode()])
    width, height = (int(v) for v in chance.integers(3 * side // 5, side + 1, 2))
    image = Image.new("RGB", (width, height), tuple(int(v) for v in chance.integers(190, 240, 3)))
    pen = ImageDraw.Draw(image)
    colour = COLOURS.get(label, (60, 140, 60))
    x, y = (int(v) for v in chance.integers(2, 8, 2))
    if label == "dress":
        pen.polygon([(width // 2, y), (x, height - y), (width - x, height - y)], fill=colour)
    elif label == "pants":
        pen.rectangle((x, y, width // 2 - 4, height - y), fill=colour)
        pen.rectangle((width // 2 + 4, y, width - x, height - y), fill=colour)
    else:
        pen.ellipse((x, height // 2, width - x, height - y), fill=colour)
    noise = chance.integers(-20, 21, (height, width, 3))
    pixels = (np.asarray(image).astype(np.int64) + noise).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


@functools.cache
def encoded(label: str, number: int, suffix: str = ".jpg", side: int = 80) -> bytes:
    """The file of one image, in the form of its suffix."""
    stream = io.BytesIO()
    image = draw(label, number, side)
    image = image.convert("L") if suffix == ".pgm" else image
    image.save(stream, FORMS.get(suffix, suffix[1:].upper()))
    return stream.getvalue()


def write_image(path: Path, label: str, number: int, suffix: str | None = None) -> Path:
    """Write one image, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(label, number, (suffix or path.suffix).lower()))
    return path


def class_folders(
    folder: Path,
    first: int = 0,
    count: int = 24,
    suffix: str = ".jpg",
    names: tuple[str, ...] = CLASSES,
) -> Path:
    """A folder for each class, called as ``names`` say, with ``count`` images."""
    for label, name in zip(CLASSES, names, strict=True):
        for number in range(first, first + count):
            write_image(folder / name / f"{stems(label)[number]}{suffix}", label, number)
    return folder


def wrapped(out: Path) -> Path:
    class_folders(out / "photos")
    return out


def images_train_test(out: Path) -> Path:
    class_folders(out / "images" / "train")
    class_folders(out / "images" / "test", 24, 8)
    return out


def double(out: Path) -> Path:
    class_folders(out / "train" / "train")
    class_folders(out / "test" / "test", 24, 8)
    return out


def names(out: Path) -> Path:
    class_folders(out / "train_set")
    class_folders(out / "test_set", 24, 8)
    return out


def numbered(out: Path) -> Path:
    class_folders(out / "train1")
    class_folders(out / "test1", 24, 8)
    return out


def flat(out: Path) -> Path:
    for split, first in (("train", 0), ("valid", 24), ("test", 32)):
        for label in CLASSES:
            for number in range(first, first + 8):
                name = f"{label}-{stems(label)[number][:8]}.jpg"
                write_image(out / split / name, label, number)
    return out


def mac_zip(out: Path) -> Path:
    class_folders(out)
    for label in CLASSES:
        (out / "__MACOSX" / label).mkdir(parents=True)
        for path in (out / label).glob("*.jpg"):
            fork = b"\0\5\26\7\0\2\0\0Mac OS X" + bytes(60)
            (out / "__MACOSX" / label / f"._{path.name}").write_bytes(fork)
    (out / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return out


def loose(out: Path) -> Path:
    class_folders(out)
    for number in range(12):
        write_image(out / f"{stems('hat')[number]}.jpg", "hat", number)
    return out


def linked(out: Path) -> Path:
    away = class_folders(out.parent / "linked-away" / "dress-only")
    class_folders(out / "all")
    shutil.rmtree(out / "all" / "dress")
    (out / "all" / "dress").mkdir()
    (out / "all" / "dress" / "more").symlink_to((away / "dress").resolve())
    return out


def torchvision(out: Path) -> Path:
    """The layout of torchvision's root, with the first 300 and 100 examples."""
    raw = out / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for stem, count in (("train", 300), ("t10k", 100)):
        pixels, labels = fashion_mnist(stem, count)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            (raw / f"{stem}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
    return out


def truncated(out: Path) -> Path:
    class_folders(out)
    for path in sorted(out.rglob("*.jpg"))[::4]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    return out


def products(out: Path) -> Path:
    """Five shots of each of twelve products a class."""
    for label in CLASSES:
        (out / label).mkdir(parents=True)
        for number in range(12):
            image = draw(label, 40 + number, 96)
            for shot in range(5):
                box = (shot, shot // 2, image.width - 4 + shot, image.height - 4 + shot // 2)
                image.crop(box).rotate(2 * shot - 4).save(
                    out / label / f"sku{number:03d}_{shot}.jpg", quality=80 + shot
                )
    return out


Row = tuple[str, int]
"""A class and the number of one of its images."""


def stem(row: Row) -> str:
    return stems(row[0])[row[1]]


def listing(
    out: Path,
    header: list[str],
    made: Callable[[Row], tuple[object, ...]],
    *,
    images: str = "images",
    file: str = "labels.csv",
    count: int = 24,
) -> Path:
    """A folder of images beside a table with a row for each, written by ``made``."""
    rows = [(label, number) for label in CLASSES for number in range(count)]
    for row in rows:
        write_image(out / images / f"{stem(row)}.jpg", *row)
    (out / file).parent.mkdir(parents=True, exist_ok=True)
    with (out / file).open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *map(made, rows)])
    return out


def file_label(out: Path) -> Path:
    return listing(out, ["filename", "label"], lambda r: (f"{stem(r)}.jpg", r[0]))


def label_first(out: Path) -> Path:
    return listing(out, ["label", "path"], lambda r: (r[0], f"images/{stem(r)}.jpg"))


def id_without_suffix(out: Path) -> Path:
    header = ["image", "sender_id", "label", "kids"]
    return listing(out, header, lambda r: (stem(r), r[1] // 2, r[0], "False"))


def whole_numbers(out: Path) -> Path:
    return listing(out, ["label", "id"], lambda r: (CLASSES.index(r[0]), stem(r)))


def hub_metadata(out: Path) -> Path:
    return listing(
        out,
        ["file_name", "label"],
        lambda r: (f"{stem(r)}.jpg", r[0]),
        images="train",
        file="train/metadata.csv",
    )


def classes_and_csv(out: Path) -> Path:
    class_folders(out)
    (out / "sources.csv").write_text("file,licence\na.jpg,CC0\n")
    return out


def classes_and_npz(out: Path) -> Path:
    class_folders(out)
    np.savez(out / "features.npz", a=np.zeros(3))
    return out


def mixed_forms(out: Path) -> Path:
    for place, suffix in enumerate((".jpg", ".bmp", ".jfif", ".avif")):
        class_folders(out, first=4 * place, count=4, suffix=suffix)
    return out


@functools.cache
def fashion_mnist(stem: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first images [N, 28, 28] and labels [N] of ``train`` or ``t10k``."""
    with gzip.open(IDX / f"{stem}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + 784 * count), np.uint8, offset=16)
    with gzip.open(IDX / f"{stem}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return pixels.reshape(count, 28, 28), labels


PIXELS, LABELS = fashion_mnist("t10k", 60)
HEADER = ["label", *(f"pixel{i}" for i in range(1, 785))]
ROWS = [[int(y), *map(int, x.ravel())] for y, x in zip(LABELS, PIXELS, strict=True)]


def delimited(separator: str, cell: Callable[[int], str] = str) -> str:
    """A pixel table as text, label first."""
    lines = [separator.join(HEADER), *(separator.join(map(cell, row)) for row in ROWS)]
    return "\n".join(lines) + "\n"


def label_last() -> str:
    head = ",".join([*HEADER[1:], "class"])
    return "\n".join([head, *(",".join(map(str, [*r[1:], r[0]])) for r in ROWS)]) + "\n"


def arff() -> str:
    """As OpenML writes it."""
    attributes = "".join(f"@ATTRIBUTE {name} REAL\n" for name in HEADER[1:])
    rows = "\n".join(",".join(map(str, [*r[1:], r[0]])) for r in ROWS)
    classes = "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}\n"
    return f"@RELATION Fashion-MNIST\n{attributes}{classes}@DATA\n{rows}\n"


TABLES: dict[str, Callable[[], bytes]] = {
    "semicolon.csv": lambda: delimited(";").encode(),
    "tab.csv": lambda: delimited("\t").encode(),
    "utf16.csv": lambda: delimited(",").encode("utf-16"),
    "quoted.csv": lambda: delimited(",", lambda v: f'"{v}"').encode(),
    "floats.csv": lambda: delimited(",", lambda v: f"{v}.0").encode(),
    "label-last.csv": lambda: label_last().encode(),
    "plain.csv.gz": lambda: gzip.compress(delimited(",").encode()),
    "openml.arff": lambda: arff().encode(),
}
"""The sixty examples as tables: file name -> contents."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def hub_parquet(out: Path) -> Path:
    """Parquet with image bytes, 48 examples for training and 12 for testing, as the hub has it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = out / "fashion_mnist"
    folder.mkdir(parents=True)
    for split, some in (("train", slice(0, 48)), ("test", slice(48, 60))):
        images = [{"bytes": png(x), "path": None} for x in PIXELS[some]]
        table = pa.table({"image": images, "label": LABELS[some].astype(np.int64)})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return out


def zipped(folder: Path, path: Path | None = None) -> Path:
    """The folder's contents as a ZIP beside it."""
    base = path or folder.with_suffix(".zip")
    return Path(shutil.make_archive(str(base.with_suffix("")), "zip", folder))
