"""`explain`: nearest training images and saliency map of each example of a run."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError, DressformError, RunError
from dressform.core.files import sha256_bytes, sha256_file
from dressform.data.dataset import Dataset
from dressform.exploration.cache import Arrays, cached
from dressform.exploration.neighbours import nearest
from dressform.predict.features import penultimate
from dressform.runs.run import Run

N_NEIGHBOURS = 5
N_CHECKED = 200
"""Examples whose logits must be those of the run before a saliency map is believed."""
N_CALIBRATION_IMAGES = 400
"""Training examples that the ranges of int8 are taken from."""


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
                f"nearest training images and saliency map: {run.layout.onnx.name} of {run.path} "
                f"is missing"
            ]
        )
    weights = sha256_file(run.layout.onnx).encode()
    saliency = neighbours = None
    missing = []
    try:
        saliency = cached(
            run.layout.explored(f"saliency-{split}-{digest(weights, examples.digest)}"),
            {"saliency"},
            len(examples),
            lambda: {"saliency": _saliency(run, split, examples, recipe_file)},
        )["saliency"]
    except DressformError as error:
        missing.append(f"saliency: {error}")
    if reference is not None:
        try:
            neighbours = cached(
                run.layout.explored(
                    f"neighbours-{split}-{digest(weights, examples.digest, reference.digest)}"
                ),
                {"neighbours", "distances"},
                len(examples),
                lambda: _neighbours(run, examples, reference),
            )
        except DressformError as error:
            missing.append(f"nearest training images: {error}")
    return Explanation(
        neighbours=None if neighbours is None else neighbours["neighbours"].astype(np.int64),
        distances=None if neighbours is None else neighbours["distances"].astype(np.float32),
        saliency=saliency,
        missing=missing,
    )


def _saliency(
    run: Run, split: str, examples: Dataset, recipe_file: str | None
) -> NDArray[np.uint8]:
    from dressform.exploration.saliency import (  # torch takes a second
        check_same,
        load_network,
        saliency,
    )

    expected = run.predictions(split).logits[:N_CHECKED]
    try:
        network = load_network(run, recipe_file)
        check_same(network, examples.images[:N_CHECKED], expected, run)
        return saliency(network, examples.images)
    except DressformError:
        raise
    except (Exception, SystemExit) as error:  # a user's network may raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(f"the network of {run.path} cannot be used ({reason})") from error


def _neighbours(run: Run, examples: Dataset, reference: Dataset) -> Arrays:
    """By an int8 copy of the network, which is three times as fast, where int8 can follow it."""
    from dressform.predict.int8 import Int8Network  # torch takes a second

    try:
        int8 = Int8Network(run.layout.onnx, reference.images[:N_CALIBRATION_IMAGES])
        queries, values = int8.features(examples.images), int8.features(reference.images)
    except ConfigError:
        queries, values = (
            penultimate(run.layout.onnx, images).values
            for images in (examples.images, reference.images)
        )
    neighbours = nearest(queries, values, min(N_NEIGHBOURS, len(reference)))
    return {"neighbours": neighbours.indices, "distances": neighbours.distances}


def digest(first: bytes, *more: str) -> str:
    """Twelve hexadecimal digits of a hash of a result's inputs."""
    return sha256_bytes(first, *(text.encode() for text in more))[:12]
