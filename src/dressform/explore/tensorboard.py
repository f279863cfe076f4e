"""`write_tensorboard`: features, labels and pictures as TensorBoard's projector loads them.

The format is that of tensorboard/plugins/projector: a text protocol buffer that names a file of
tab-separated numbers, one of tab-separated texts, and a square of pictures, row by row.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import ConfigError
from dressform.core.files import write_atomic, write_text
from dressform.core.text import one_line, table_cell
from dressform.data.image import image_grid
from dressform.explore.points import Points
from dressform.predictions import softmax

LARGEST = 8192
"""Largest side of a sprite in pixels that TensorBoard's projector takes."""


def write_tensorboard(points: Points, folder: Path) -> list[Path]:
    """Write ``projector_config.pbtxt``, ``tensors.tsv``, ``metadata.tsv`` and ``sprite.png``;
    ``tensorboard --logdir folder``.

    Args:
        points: see :func:`dressform.explore.points.points_of`.
        folder: is made where it does not exist.

    Returns:
        the four files.

    Raises:
        ConfigError: the folder cannot be written to, or there are more pictures than one sprite
            holds.
    """
    parts = [points.judged] if points.others is None else [points.judged, points.others]
    images, labels, ids = (
        np.concatenate([getattr(p, name) for p in parts])[points.first :]
        for name in ("images", "labels", "ids")
    )
    probabilities = softmax(points.logits[points.first :])
    predicted, names = probabilities.argmax(axis=1), points.judged.class_names
    rows = ["id\tlabel\tpredicted\tprobability\tright"]
    for example, label, answer, share in zip(
        ids.tolist(), labels.tolist(), predicted.tolist(), probabilities.max(axis=1), strict=True
    ):
        rows.append(
            "\t".join(
                (
                    _cell(example),
                    _cell(names[label]),
                    _cell(names[answer]),
                    f"{share:.4f}",
                    str(label == answer).lower(),
                )
            )
        )
    numbers = io.StringIO()
    np.savetxt(numbers, points.values[points.first :], fmt="%.6g", delimiter="\t")
    side = int(np.ceil(np.sqrt(len(images))))
    tile = _tile(images.shape[1:3], side)
    files = [
        folder / name
        for name in ("projector_config.pbtxt", "tensors.tsv", "metadata.tsv", "sprite.png")
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(files[1], numbers.getvalue())
        write_text(files[2], "\n".join(rows) + "\n")
        sprite = _sprite(images, side, tile)
        write_atomic(files[3], lambda file: sprite.save(file, "PNG"))
        write_text(
            files[0],
            'embeddings {\n  tensor_name: "features"\n  tensor_path: "tensors.tsv"\n  '
            'metadata_path: "metadata.tsv"\n  sprite {\n'
            f'    image_path: "sprite.png"\n    single_image_dim: {tile[1]}\n    '
            f"single_image_dim: {tile[0]}\n  }}\n}}\n",
        )
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written to ({error.strerror or error}); give another folder"
        ) from error
    return files


def _cell(text: str) -> str:
    """A text that keeps its column: no tab, no end of line."""
    return table_cell(one_line(" ".join(text.split()))) or "-"


def _tile(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width of each picture in the sprite, shrunk where the whole would be too large."""
    height, width = shape
    scale = min(1.0, LARGEST // side / max(height, width))
    if scale * max(height, width) < 4:
        raise ConfigError(
            f"{side * side:,} pictures are more than a sprite of {LARGEST} x {LARGEST} pixels "
            f"holds; take one split"
        )
    return max(1, int(height * scale)), max(1, int(width * scale))


def _sprite(images: NDArray[np.uint8], side: int, tile: tuple[int, int]) -> Image.Image:
    if tile != images.shape[1:3]:
        small = [
            Image.fromarray(p.squeeze()).resize(tile[::-1], Image.Resampling.BOX) for p in images
        ]
        images = np.stack([np.asarray(p).reshape(*tile, images.shape[3]) for p in small])
    return image_grid(
        np.concatenate(
            [images, np.zeros((side * side - len(images), *images.shape[1:]), np.uint8)]
        ),
        side,
    )
