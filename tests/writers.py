"""Write a dataset in every form that dressform reads."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.data.dataset import Dataset, DatasetSplits


def packed(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """A picture file's bytes."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    magic = 0x801 if array.ndim == 1 else 0x803
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def write_idx(folder: Path, splits: DatasetSplits, *, compress: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, dataset in splits:
        stem = {"train": "train", "test": "t10k"}[split]
        for kind, array in (
            ("images-idx3", dataset.images[..., 0]),
            ("labels-idx1", dataset.labels.astype(np.uint8)),
        ):
            content = idx_bytes(array)
            name = f"{stem}-{kind}-ubyte" + (".gz" if compress else "")
            (folder / name).write_bytes(gzip.compress(content) if compress else content)
    return folder


def write_csv(path: Path, dataset: Dataset, *, header: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = dataset.images.reshape(len(dataset), -1)
    rows = np.column_stack([dataset.labels, pixels])
    head = "label," + ",".join(f"pixel{i + 1}" for i in range(pixels.shape[1]))
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=head if header else "", comments="")
    return path


def write_folder(folder: Path, dataset: Dataset, *, suffix: str = ".png") -> Path:
    for i, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        target = (
            folder / f"{label}-{dataset.class_names[label].replace('/', ' ')}" / f"{i:05d}{suffix}"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        picture.save(target, **({"lossless": True} if suffix == ".webp" else {}))
    return folder
