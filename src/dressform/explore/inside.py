"""`look_inside`: for each example of a run its nearest training pictures, its map of saliency, and whether its label is suspect."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, DressformError
from dressform.core.files import read_npz, sha256_bytes, sha256_file, write_npz
from dressform.data.dataset import Dataset
from dressform.explore.features import penultimate
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


def look_inside(run: Run, split: str, pictures: Dataset, reference: Dataset) -> Inside:
    """Look inside a run's model; what was found before is read from the run's folder ``explore``.

    Args:
        run: finished.
        split: ``val`` or ``test``, whose predictions the run keeps.
        pictures: the examples of that split, in the order of the predictions.
        reference: training pictures, among which the nearest are sought.
    """
    if not run.layout.onnx.is_file():
        return Inside(missing=[f"nearest pictures and saliency: {run.path} has lost its {run.layout.onnx.name}"])
    found = Inside()
    key = sha256_bytes(sha256_file(run.layout.onnx).encode(), pictures.digest.encode(), reference.digest.encode())[:12]
    maps, neighbours = run.layout.explored(f"saliency-{split}-{key}"), run.layout.explored(f"neighbours-{split}-{key}")
    child = None if maps.exists() else _start_saliency(run, split, maps)
    try:
        arrays = _read(neighbours)
        if arrays is None or "near" not in arrays or "distance" not in arrays:
            near = nearest(
                penultimate(run.layout.onnx, pictures.images).values, penultimate(run.layout.onnx, reference.images).values,
                min(NEAREST, len(reference)),
            )  # fmt: skip
            arrays = {"near": near.indices, "distance": near.distances}
            neighbours.parent.mkdir(exist_ok=True)
            write_npz(neighbours, arrays)
        found.near, found.distance = arrays["near"].astype(np.int64), arrays["distance"].astype(np.float32)
    except DressformError as error:
        found.missing.append(f"nearest pictures: {error}")
    if child is not None:
        words = child.communicate()[1].strip().splitlines()
        if child.returncode:
            found.missing.append(f"saliency: {words[-1] if words else 'the process that computes it ended'}")
    arrays = _read(maps)
    found.saliency = None if arrays is None else arrays.get("saliency")
    return found


def _start_saliency(run: Run, split: str, out: Path) -> "subprocess.Popen[str]":
    """In a process of its own: it needs torch, which nothing else here does."""
    command = [sys.executable, "-m", "dressform.explore.saliency", str(run.path), split, str(out)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    """What was kept; None where nothing is, or nothing readable: it is derived, so it is made anew."""
    try:
        return dict(read_npz(path)) if path.is_file() else None
    except DataError:
        return None
