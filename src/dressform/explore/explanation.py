"""`explain`: for each example of a run its nearest training pictures and its map of
saliency.
"""

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DressformError
from dressform.core.files import sha256_bytes, sha256_file
from dressform.core.processes import python_environment, python_module
from dressform.data.dataset import Dataset
from dressform.explore.cache import Arrays, kept, read_kept
from dressform.explore.neighbours import nearest
from dressform.predict.features import penultimate
from dressform.runs.run import Run

NEAREST = 5
MAPS, NEAR = {"saliency"}, {"near", "distance"}
"""Arrays of the two files that are kept."""


@dataclass(eq=False)
class Explanation:
    """What was found; None stands for what could not be.

    Attributes:
        near: int64 [N, k], positions in the reference, nearest first.
        distance: float32 [N, k], 1 - cosine of the penultimate features.
        saliency: uint8 [N, h, w].
        missing: why, a line each.
    """

    near: NDArray[np.int64] | None = None
    distance: NDArray[np.float32] | None = None
    saliency: NDArray[np.uint8] | None = None
    missing: list[str] = field(default_factory=list)


def explain(
    run: Run,
    split: str,
    pictures: Dataset,
    reference: Dataset | None,
    recipe_file: str | None = None,
) -> Explanation:
    """Look inside a run's model; what was found before is read from the run's folder ``explore``.

    Args:
        run: finished.
        split: ``val`` or ``test``, whose predictions the run keeps.
        pictures: the examples of that split, in the order of the predictions.
        reference: training pictures, among which the nearest are sought; None seeks none.
        recipe_file: ``file.py:function`` that made the network, where a file did: it is run, for
            saliency.
    """
    if not run.layout.onnx.is_file():
        return Explanation(
            missing=[
                f"nearest pictures and saliency: {run.path} has lost its {run.layout.onnx.name}"
            ]
        )
    weights = sha256_file(run.layout.onnx).encode()
    maps_file = run.layout.explored(f"saliency-{split}-{digest(weights, pictures.digest)}")
    maps, near, missing = read_kept(maps_file, MAPS, len(pictures)), None, []
    if reference is not None:
        near_file = run.layout.explored(
            f"neighbours-{split}-{digest(weights, pictures.digest, reference.digest)}"
        )
        near = read_kept(near_file, NEAR, len(pictures))
    if maps is None or (reference is not None and near is None):
        made, words = _torch_side(
            run, split, NEAREST if reference is not None and near is None else 0, recipe_file
        )
        if maps is None and set(made) >= MAPS:
            maps = kept(maps_file, MAPS, len(pictures), lambda: {"saliency": made["saliency"]})
        if maps is None:
            missing.append(f"saliency: {words}")
        if reference is not None and near is None:
            # --data may name other pictures than the run had
            same = list(made.get("reference", ())) == [reference.digest]
            try:
                near = kept(
                    near_file,
                    NEAR,
                    len(pictures),
                    lambda: (
                        {name: made[name] for name in NEAR}
                        if same
                        else _neighbours(run, pictures, reference)
                    ),
                )
            except DressformError as error:
                missing.append(f"nearest pictures: {error}")
    return Explanation(
        near=None if near is None else near["near"].astype(np.int64),
        distance=None if near is None else near["distance"].astype(np.float32),
        saliency=None if maps is None else maps["saliency"],
        missing=missing,
    )


def _neighbours(run: Run, pictures: Dataset, reference: Dataset) -> Arrays:
    """By the network itself, for those that int8 cannot follow."""
    own, others = (
        penultimate(run.layout.onnx, images).values
        for images in (pictures.images, reference.images)
    )
    near = nearest(own, others, min(NEAREST, len(reference)))
    return {"near": near.indices, "distance": near.distances}


def _torch_side(
    run: Run, split: str, nearest_asked: int, recipe_file: str | None
) -> tuple[Arrays, str]:
    """What the process that has torch finds, and its last words."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.npz"
        command = python_module(
            "dressform.explore.torch_side",
            str(run.path),
            split,
            str(out),
            str(nearest_asked),
            recipe_file or "",
        )
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=python_environment(),
        )
        words = done.stderr.strip().splitlines()
        return read_kept(out, set(), 0) or {}, words[
            -1
        ] if words else "the process that computes it ended"


def digest(first: bytes, *more: str) -> str:
    """Twelve hexadecimal digits of what a result depends on."""
    return sha256_bytes(first, *(text.encode() for text in more))[:12]
