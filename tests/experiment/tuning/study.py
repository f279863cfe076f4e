"""The study that the tests of tuning look at."""

from pathlib import Path
from typing import Any

from dressform.data.dataset import DatasetSplits
from dressform.runs.tuning import Tuning
from tests.experiment.calls import tune

SPACE = ("optim.lr=log:1e-3:1", "optim.momentum=0.5:0.9:0.1", "label_smoothing=0,0.05")


SETTINGS = (
    "epochs=3",
    "batch_size=50",
    "model.widths=4,4",
    "precision=float32",
    "validation_fraction=0.3",
)


TRIALS = 9


AT_RANDOM = 3


def study_of(data: DatasetSplits, out: Path, **given: Any) -> Tuning:
    return tune(
        "fast", data, SPACE, **{"trials": TRIALS, "settings": SETTINGS, "out": out, **given}
    )


def document_of(tuning: Tuning) -> bytes:
    return (tuning.path / "tuning.json").read_bytes()
