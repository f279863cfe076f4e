"""`write_tensorboard`: export features, labels and images for TensorBoard's Embedding Projector.

The format is that of tensorboard/plugins/projector: a text protocol buffer that names a file of
tab-separated numbers, one of tab-separated labels, and a sprite of images, row by row.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import ConfigError, ResourceError
from dressform.core.files import write_atomic, write_text
from dressform.core.text import one_line, table_cell
from dressform.data.image import image_grid
from dressform.exploration.points import Points
from dressform.predictions import softmax

MAX_SPRITE_SIDE = 8192
"""Maximum side in pixels of a sprite for TensorBoard's projector."""


def write_tensorboard(points: Points, folder: Path) -> list[Path]:
    """Write ``projector_config.pbtxt``, ``tensors.tsv``, ``metadata.tsv`` and ``sprite.png``;
    ``tensorboard --logdir folder``.

    Args:
        points: see :func:`dressform.exploration.points.points_of`.
        folder: created if it does not exist.

    Returns:
        the four files.

    Raises:
        ConfigError: one sprite cannot hold all images.
        ResourceError: the folder cannot be written to.
    """
    parts = [points.evaluated] if points.training is None else [points.evaluated, points.training]
    images, labels, ids = (
        np.concatenate([getattr(p, name) for p in parts])[points.first :]
        for name in ("images", "labels", "ids")
    )
    probabilities = softmax(points.logits[points.first :] / points.temperature)
    predicted, names = probabilities.argmax(axis=1), points.evaluated.class_names
    rows = ["id\tlabel\tpredicted\tprobability\tright"]
    for example, label, prediction, probability in zip(
        ids.tolist(), labels.tolist(), predicted.tolist(), probabilities.max(axis=1), strict=True
    ):
        rows.append(
            "\t".join(
                (
                    _cell(example),
                    _cell(names[label]),
                    _cell(names[prediction]),
                    f"{probability:.4f}",
                    str(label == prediction).lower(),
                )
            )
        )
    tensors = io.StringIO()
    np.savetxt(tensors, points.values[points.first :], fmt="%.6g", delimiter="\t")
    tiles_per_side = int(np.ceil(np.sqrt(len(images))))
    tile = _tile_size(images.shape[1:3], tiles_per_side)
    files = [
        folder / name
        for name in ("projector_config.pbtxt", "tensors.tsv", "metadata.tsv", "sprite.png")
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(files[1], tensors.getvalue())
        write_text(files[2], "\n".join(rows) + "\n")
        sprite = _sprite(images, tiles_per_side, tile)
        write_atomic(files[3], lambda file: sprite.save(file, "PNG"))
        write_text(
            files[0],
            'embeddings {\n  tensor_name: "features"\n  tensor_path: "tensors.tsv"\n  '
            'metadata_path: "metadata.tsv"\n  sprite {\n'
            f'    image_path: "sprite.png"\n    single_image_dim: {tile[1]}\n    '
            f"single_image_dim: {tile[0]}\n  }}\n}}\n",
        )
    except OSError as error:
        raise ResourceError(
            f"{folder} cannot be written to ({error.strerror or error}); give another folder"
        ) from error
    return files


def _cell(text: str) -> str:
    """Text for one cell: without tabs and line breaks."""
    return table_cell(one_line(" ".join(text.split()))) or "-"


def _tile_size(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width of each image in the sprite, shrunk if the sprite would be too large."""
    height, width = shape
    scale = min(1.0, MAX_SPRITE_SIDE // side / max(height, width))
    if scale * max(height, width) < 4:
        raise ConfigError(
            f"{side * side:,} images do not fit into a sprite of {MAX_SPRITE_SIDE} x "
            f"{MAX_SPRITE_SIDE} pixels; export a single split"
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
