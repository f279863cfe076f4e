"""`explain`: nearest training images and saliency map of each example of a run."""

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
from dressform.exploration.cache import Arrays, cached, read_cached
from dressform.exploration.neighbours import nearest
from dressform.predict.features import penultimate
from dressform.runs.run import Run

N_NEIGHBOURS = 5
SALIENCY_ARRAYS, NEIGHBOUR_ARRAYS = {"saliency"}, {"neighbours", "distances"}
"""Arrays of the two cache files."""


@dataclass(eq=False)
class Explanation:
    """Nearest training images and saliency maps; None for what could not be computed.

    Attributes:
        neighbours: int64 [N, k], indices in the reference, nearest first.
        distances: float32 [N, k], 1 - cosine of the penultimate features.
        saliency: uint8 [N, h, w].
        missing: why something is missing, one line each.
    """

    neighbours: NDArray[np.int64] | None = None
    distances: NDArray[np.float32] | None = None
    saliency: NDArray[np.uint8] | None = None
    missing: list[str] = field(default_factory=list)


def explain(
    run: Run,
    split: str,
    examples: Dataset,
    reference: Dataset | None,
    recipe_file: str | None = None,
) -> Explanation:
    """Explain the predictions of a run's model; cached results are read from the run's folder
    ``explore``.

    Args:
        run: finished.
        split: ``validation`` or ``test``, whose predictions the run has.
        examples: of that split, in the order of the predictions.
        reference: training examples to search for neighbours; None skips the search.
        recipe_file: ``file.py:function`` that built the network, if a file did; it is run to
            compute saliency.
    """
    if not run.layout.onnx.is_file():
        return Explanation(
            missing=[
                f"nearest pictures and saliency: {run.layout.onnx.name} of {run.path} is missing"
            ]
        )
    weights = sha256_file(run.layout.onnx).encode()
    saliency_file = run.layout.explored(f"saliency-{split}-{digest(weights, examples.digest)}")
    saliency = read_cached(saliency_file, SALIENCY_ARRAYS, len(examples))
    neighbours, missing = None, []
    if reference is not None:
        neighbours_file = run.layout.explored(
            f"neighbours-{split}-{digest(weights, examples.digest, reference.digest)}"
        )
        neighbours = read_cached(neighbours_file, NEIGHBOUR_ARRAYS, len(examples))
    if saliency is None or (reference is not None and neighbours is None):
        computed, reason = _run_torch_worker(
            run,
            split,
            N_NEIGHBOURS if reference is not None and neighbours is None else 0,
            recipe_file,
        )
        if saliency is None and set(computed) >= SALIENCY_ARRAYS:
            saliency = cached(
                saliency_file,
                SALIENCY_ARRAYS,
                len(examples),
                lambda: {"saliency": computed["saliency"]},
            )
        if saliency is None:
            missing.append(f"saliency: {reason}")
        if reference is not None and neighbours is None:
            # --data may name other images than the run had
            same_reference = list(computed.get("reference", ())) == [reference.digest]
            try:
                neighbours = cached(
                    neighbours_file,
                    NEIGHBOUR_ARRAYS,
                    len(examples),
                    lambda: (
                        {name: computed[name] for name in NEIGHBOUR_ARRAYS}
                        if same_reference
                        else _neighbours(run, examples, reference)
                    ),
                )
            except DressformError as error:
                missing.append(f"nearest pictures: {error}")
    return Explanation(
        neighbours=None if neighbours is None else neighbours["neighbours"].astype(np.int64),
        distances=None if neighbours is None else neighbours["distances"].astype(np.float32),
        saliency=None if saliency is None else saliency["saliency"],
        missing=missing,
    )


def _neighbours(run: Run, examples: Dataset, reference: Dataset) -> Arrays:
    """Neighbours by the network itself, for networks that int8 does not support."""
    query_features, reference_features = (
        penultimate(run.layout.onnx, images).values
        for images in (examples.images, reference.images)
    )
    neighbours = nearest(query_features, reference_features, min(N_NEIGHBOURS, len(reference)))
    return {"neighbours": neighbours.indices, "distances": neighbours.distances}


def _run_torch_worker(
    run: Run, split: str, n_neighbours: int, recipe_file: str | None
) -> tuple[Arrays, str]:
    """The arrays computed by the process that imports torch, and its last error message."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "output.npz"
        command = python_module(
            "dressform.exploration.torch_worker",
            str(run.path),
            split,
            str(out),
            str(n_neighbours),
            recipe_file or "",
        )
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=python_environment(),
        )
        errors = process.stderr.strip().splitlines()
        message = errors[-1] if errors else "the process that computes it stopped"
        return read_cached(out, set(), 0) or {}, message


def digest(first: bytes, *more: str) -> str:
    """Twelve hexadecimal digits of a hash of a result's inputs."""
    return sha256_bytes(first, *(text.encode() for text in more))[:12]
