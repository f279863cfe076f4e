"""Valid inputs of every reader, one file of each to be spoiled: for the property tests and for
``fuzz_readers.py``.
"""

import functools
import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mutations import Sample
from PIL import Image

SIDE = 16


def _image(number: int, mode: str = "RGB") -> Image.Image:
    chance = np.random.default_rng(number)
    pixels = chance.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    pixels[:, : SIDE // 2] = pixels[0, 0]
    return Image.fromarray(pixels).convert(mode)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _images() -> dict[str, bytes]:
    colour, grey = _image(0), _image(0, "L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    frames: dict[str, Any] = {"save_all": True, "append_images": [_image(1)], "duration": 9}
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a dress"
    return {
        "plain.jpg": _saved(colour, "JPEG", exif=exif),
        "progressive.jpg": _saved(colour, "JPEG", progressive=True),
        "cmyk.jpg": _saved(_image(0, "CMYK"), "JPEG"),
        "plain.png": _saved(colour, "PNG", compress_level=0),
        "palette.png": _saved(colour.quantize(16), "PNG", transparency=1),
        "deep.png": _saved(deep, "PNG"),
        "animated.png": _saved(colour, "PNG", **frames),
        "plain.gif": _saved(colour, "GIF"),
        "animated.gif": _saved(colour, "GIF", **frames),
        "plain.bmp": _saved(colour, "BMP"),
        "palette.bmp": _saved(colour.quantize(16), "BMP"),
        "plain.tif": _saved(colour, "TIFF"),
        "deep.tif": _saved(deep, "TIFF"),
        "lzw.tif": _saved(colour, "TIFF", compression="tiff_lzw"),
        "deflate.tif": _saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "fax.tif": _saved(_image(0, "1"), "TIFF", compression="group4"),
        "jpeg.tif": _saved(colour, "TIFF", compression="jpeg"),
        "plain.webp": _saved(colour, "WEBP"),
        "lossless.webp": _saved(colour, "WEBP", lossless=True),
        "animated.webp": _saved(colour, "WEBP", **frames),
        "plain.avif": _saved(colour, "AVIF"),
        "plain.jp2": _saved(colour, "JPEG2000"),
        "plain.ppm": _saved(colour, "PPM"),
        "plain.pgm": _saved(grey, "PPM"),
        "plain.tga": _saved(colour, "TGA"),
        "plain.ico": _saved(colour, "ICO", sizes=[(SIDE, SIDE)]),
        "plain.icns": _saved(colour.resize((32, 32)), "ICNS"),
        "plain.pcx": _saved(colour, "PCX"),
        "plain.sgi": _saved(colour, "SGI"),
        "plain.dds": _saved(colour, "DDS"),
        "plain.qoi": _saved(colour, "QOI"),
    }


def repaired_png(content: bytes) -> bytes:
    """A PNG file whose chunks have the right checksums again, as far as they can be followed."""
    parts, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        body = content[at + 4 : at + 8 + length]
        if len(body) < 4 + length:
            break
        parts += [content[at : at + 4], body, struct.pack(">I", zlib.crc32(body))]
        at += 12 + length
    return b"".join([*parts, content[at:]])


def _zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for path, content in files.items():
            file.writestr(path, content)
    return stream.getvalue()


def _tarred(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


def _saved_arrays(save: Callable[..., None], *values: Any, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *values, **arrays)
    return stream.getvalue()


def _idx(array: np.ndarray) -> bytes:
    magic = 0x801 if array.ndim == 1 else 0x803
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def _parquet(columns: Mapping[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), stream)
    return stream.getvalue()


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Every reader's inputs, small ones."""
    return (*_image_samples(), *_table_samples(), *_listing_samples(), *_archive_samples())


def _tree() -> dict[str, bytes]:
    return {
        f"{label}/{number}.png": _saved(_image(number + 10 * place), "PNG")
        for place, label in enumerate(("dress", "shoes"))
        for number in range(3)
    }


def _image_samples() -> list[Sample]:
    tree = _tree()
    made = []
    for name, content in _images().items():
        victim = f"dress/{name}"
        files = {**tree, victim: content}
        made.append(Sample(f"image {name}", files, victim, content, good=len(tree)))
    for name in ("plain.png", "palette.png", "animated.png"):
        victim, content = f"dress/{name}", _images()[name]
        made.append(
            Sample(
                f"image {name}, checksums right",
                {**tree, victim: content},
                victim,
                content,
                wrap=repaired_png,
                good=len(tree),
            )
        )
    return made


def _table_samples() -> list[Sample]:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 6, 6), np.uint8)
    labels = (np.arange(20) % 2).astype(np.uint8)
    flat = [x.ravel().tolist() for x in pixels]
    head = [f"pixel{i}" for i in range(36)]
    rows = [[int(y), *x] for x, y in zip(flat, labels, strict=True)]
    table = "\n".join(",".join(map(str, row)) for row in [["label", *head], *rows]).encode()
    arff = (
        "@RELATION a\n"
        + "".join(f"@ATTRIBUTE {name} REAL\n" for name in head)
        + "@ATTRIBUTE class {0,1}\n@DATA\n"
        + "\n".join(",".join(map(str, [*row[1:], row[0]])) for row in rows)
    ).encode()
    images = [{"bytes": _saved(Image.fromarray(x), "PNG"), "path": None} for x in pixels]
    arrays = {"images": pixels, "labels": labels}
    npy = _saved_arrays(np.save, pixels)
    idx = {"train-images-idx3-ubyte": _idx(pixels), "train-labels-idx1-ubyte": _idx(labels)}
    zipped = {name: _gzip(content) for name, content in idx.items()}
    made = [
        Sample(f"table {name}", {}, name, content, source=name)
        for name, content in (
            ("a.csv", table),
            ("b.csv", table.replace(b",", b";")),
            ("c.csv", table.decode().encode("utf-16")),
            ("a.csv.gz", _gzip(table)),
            ("a.arff", arff),
            ("images.parquet", _parquet({"image": images, "label": labels})),
            (
                "pixels.parquet",
                _parquet(dict(zip(["label", *head], np.array(rows).T, strict=True))),
            ),
            ("plain.npz", _saved_arrays(np.savez, **arrays)),
            ("small.npz", _saved_arrays(np.savez_compressed, **arrays)),
        )
    ]
    made.append(Sample("table inside a.csv.gz", {}, "a.csv.gz", table, "a.csv.gz", _gzip))
    made.append(
        Sample(
            "table inside plain.npz",
            {},
            "plain.npz",
            npy,
            "plain.npz",
            lambda x: _zipped({"images.npy": x, "labels.npy": _saved_arrays(np.save, labels)}),
        )
    )
    made += [Sample(f"idx {name}", idx, name, content) for name, content in idx.items()]
    made += [
        Sample(f"idx {name}.gz", {f"{n}.gz": z for n, z in zipped.items()}, f"{name}.gz", content)
        for name, content in zipped.items()
    ]
    made += [
        Sample(
            f"idx inside {name}.gz",
            {f"{n}.gz": z for n, z in zipped.items()},
            f"{name}.gz",
            content,
            wrap=_gzip,
        )
        for name, content in idx.items()
    ]
    return made


def _listing_samples() -> list[Sample]:
    tree = _tree()
    rows = [(path, path.partition("/")[0]) for path in tree]
    images = {path.replace("/", "-"): content for path, content in tree.items()}
    table = "file,label,split\n" + "".join(f"{p.replace('/', '-')},{y},train\n" for p, y in rows)
    lines = "".join(
        json.dumps({"image": path.replace("/", "-"), "label": label}) + "\n" for path, label in rows
    )
    columns = {"image": [p.replace("/", "-") for p, _ in rows], "label": [y for _, y in rows]}
    return [
        Sample(f"listing {name}", {**images, name: content}, name, content, source=name)
        for name, content in (
            ("a.csv", table.encode()),
            ("b.csv", table.replace(",", ";").encode("utf-16")),
            ("a.jsonl", lines.encode()),
            ("a.parquet", _parquet(columns)),
        )
    ]


def _archive_samples() -> list[Sample]:
    tree = _tree()
    victim = "dress/v.jpg"
    image = _saved(_image(0), "JPEG")
    tar = _tarred(tree)
    made = [
        Sample(f"archive {name}", {}, name, content, source=name)
        for name, content in (
            ("a.zip", _zipped(tree)),
            ("stored.zip", _zipped(tree, zipfile.ZIP_STORED)),
            ("a.tar", tar),
            ("a.tar.gz", _gzip(tar)),
        )
    ]
    made.append(Sample("archive inside a.tar.gz", {}, "a.tar.gz", tar, "a.tar.gz", _gzip))
    for name, pack in (("a.zip", _zipped), ("a.tar", _tarred)):
        made.append(
            Sample(
                f"archive image inside {name}",
                {},
                name,
                image,
                name,
                functools.partial(_packed_with, pack, tree, victim),
            )
        )
    return made


def _packed_with(
    pack: Callable[[Mapping[str, bytes]], bytes],
    files: Mapping[str, bytes],
    path: str,
    content: bytes,
) -> bytes:
    return pack({**files, path: content})
