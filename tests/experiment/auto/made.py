"""Candidates, and what a comparison of them could find."""

from dataclasses import replace

import numpy as np

from dressform.experiment.auto.candidate import Candidate
from dressform.experiment.auto.compared import Compared, Result
from dressform.predictions import Predictions

STAGES = Candidate(
    description="stages",
    recipe="simple-dense",
    settings=("batch_size=50",),
    epochs=4,
    fewest=1,
    most=7,
    part=1 / 3,
    compared=2,
    image_size=None,
)
QUICK = replace(STAGES, description="quick", epochs=2, most=2, part=1.0)


def compared(candidate: Candidate, epoch: float, mean: float = 0.5) -> Result:
    return Result(
        candidate,
        Compared(
            description=candidate.description,
            command="",
            epochs=2,
            accuracies=[mean] * 3,
            mean=mean,
            seconds=1.0,
            path="x",
        ),
        epoch,
        Predictions(
            np.array(["a", "b"]), np.array([0, 1]), np.eye(2, dtype=np.float32), ("A", "B")
        ),
        np.array([0, 1]),
    )
