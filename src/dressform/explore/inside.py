"""`look_inside`: for each example of a run its nearest training pictures and its map of saliency."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DressformError
from dressform.core.files import sha256_bytes, sha256_file
from dressform.data.dataset import Dataset
from dressform.explore.features import penultimate
from dressform.explore.kept import Arrays, kept, read_kept
from dressform.explore.neighbours import nearest
from dressform.runs.run import Run

NEAREST = 5


@dataclass(eq=False)
class Inside:
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


def look_inside(run: Run, split: str, pictures: Dataset, reference: Dataset | None) -> Inside:
    """Look inside a run's model; what was found before is read from the run's folder ``explore``.

    Args:
        run: finished.
        split: ``val`` or ``test``, whose predictions the run keeps.
        pictures: the examples of that split, in the order of the predictions.
        reference: training pictures, among which the nearest are sought; None seeks none.
    """
    if not run.layout.onnx.is_file():
        return Inside(missing=[f"nearest pictures and saliency: {run.path} has lost its {run.layout.onnx.name}"])
    found = Inside()
    weights = sha256_file(run.layout.onnx).encode()

    def neighbours(reference: Dataset) -> Arrays:
        own, others = (penultimate(run.layout.onnx, images).values for images in (pictures.images, reference.images))
        near = nearest(own, others, min(NEAREST, len(reference)))
        return {"near": near.indices, "distance": near.distances}

    with tempfile.TemporaryDirectory() as folder:
        maps, fresh = run.layout.explored(f"saliency-{split}-{digest(weights, pictures.digest)}"), Path(folder) / "saliency.npz"
        arrays = read_kept(maps, {"saliency"})
        child = _start_saliency(run, split, fresh) if arrays is None else None
        try:
            if reference is not None:
                place = run.layout.explored(f"neighbours-{split}-{digest(weights, pictures.digest, reference.digest)}")
                near = kept(place, {"near", "distance"}, lambda: neighbours(reference))
                found.near, found.distance = near["near"].astype(np.int64), near["distance"].astype(np.float32)
        except DressformError as error:
            found.missing.append(f"nearest pictures: {error}")
        if child is not None:
            words = child.communicate()[1].strip().splitlines()
            made = read_kept(fresh, {"saliency"})
            if made is None:
                found.missing.append(f"saliency: {words[-1] if words else 'the process that computes it ended'}")
            else:
                arrays = kept(maps, {"saliency"}, lambda: made)
    found.saliency = None if arrays is None else arrays["saliency"]
    return found


def digest(first: bytes, *more: str) -> str:
    """Twelve hexadecimal digits of what a result depends on."""
    return sha256_bytes(first, *(text.encode() for text in more))[:12]


def _start_saliency(run: Run, split: str, out: Path) -> "subprocess.Popen[str]":
    """In a process of its own: it needs torch, which nothing else here does."""
    command = [sys.executable, "-m", "dressform.explore.saliency", str(run.path), split, str(out)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
