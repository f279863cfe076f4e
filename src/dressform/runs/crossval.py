"""`CrossvalRun`: a finished cross-validation, opened for reading."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, RunError
from dressform.core.files import read_json, read_npz, user_path
from dressform.core.records import read_record
from dressform.predictions import Predictions
from dressform.runs.history import read_history
from dressform.runs.layout import CrossvalLayout

FORMAT = 1


@dataclass(frozen=True)
class FoldRow:
    """A fold's line of crossval.json."""

    repeat: int
    fold: int
    accuracy: float
    epochs: int


@dataclass(frozen=True)
class EstimateRow:
    """A score over the folds in crossval.json; an infinite end of the interval is null."""

    value: float
    low: float | None
    high: float | None
    method: str
    n: int


@dataclass(frozen=True)
class Summary:
    """The fields of crossval.json."""

    format: int
    recipe: str
    settings: list[str]
    k: int
    repeats: int
    folds: list[FoldRow]
    mean: float
    sd: float
    low: float
    high: float
    method: str
    estimates: dict[str, EstimateRow]

    def __post_init__(self) -> None:
        rows = [(row.repeat, row.fold) for row in self.folds]
        if not (2 <= self.k <= 100 and 1 <= self.repeats <= 1000):
            raise ValueError(f"{self.k} folds and {self.repeats} repeats")
        if rows != [(repeat, fold) for repeat in range(self.repeats) for fold in range(self.k)]:
            raise ValueError("its rows are not those of its folds")


@dataclass(frozen=True, eq=False)
class CrossvalRun:
    """K folds, once or several times.

    Attributes:
        path: its folder.
        summary: the document ``crossval.json``.
    """

    path: Path
    summary: dict[str, Any]

    @property
    def layout(self) -> CrossvalLayout:
        """The paths of its files."""
        return CrossvalLayout(self.path)

    @property
    def name(self) -> str:
        """The recipe and its changed settings, for titles."""
        return " ".join([str(self.summary["recipe"]), *self.summary["settings"]])

    @property
    def folds(self) -> int:
        """K."""
        return int(self.summary["k"])

    @property
    def repeats(self) -> int:
        """How many times the examples were divided into folds."""
        return int(self.summary["repeats"])

    @property
    def accuracies(self) -> list[float]:
        """Of each fold, 0..1, repeat by repeat, [R * K]."""
        return [float(row["accuracy"]) for row in self.summary["folds"]]

    def out_of_fold(self) -> tuple[tuple[Predictions, ...], tuple[NDArray[np.int64], ...]]:
        """Predictions of every example, one set per repeat, and the folds of the examples, int64
        [N] per repeat.

        Raises:
            RunError: the file is missing or damaged.
            DataError: its arrays are no predictions.
        """
        path, advice = self.layout.out_of_fold, "run crossval with --resume, which makes it anew"
        try:
            arrays = read_npz(path)
        except DataError as error:
            raise RunError(f"{error}; {advice}") from error
        missing = [name for name in ("ids", "labels", "class_names") if name not in arrays]
        if missing:
            raise RunError(f"{path} lacks {missing[0]}; {advice}")
        names = tuple(str(name) for name in arrays["class_names"])
        predictions, folds = [], []
        for repeat in range(self.repeats):
            logits, fold = arrays.get(key("logits", repeat)), arrays.get(key("fold", repeat))
            if logits is None or fold is None:
                raise RunError(f"{path} lacks repeat {repeat}; {advice}")
            if (
                fold.shape != arrays["ids"].shape
                or fold.dtype.kind not in "iu"
                or set(fold.tolist()) != set(range(self.folds))
            ):
                raise RunError(
                    f"{path} has folds of repeat {repeat} that are not 0 to {self.folds - 1}; "
                    f"{advice}"
                )
            predictions.append(Predictions(arrays["ids"], arrays["labels"], logits, names))
            folds.append(fold.astype(np.int64))
        return tuple(predictions), tuple(folds)

    def histories(self) -> list[list[dict[str, Any]]]:
        """The rows of every fold's results.csv, repeat by repeat; None where a column has no
        value.
        """
        return [
            read_history(self.layout.fold(row["repeat"], row["fold"]).results)
            for row in self.summary["folds"]
        ]


def key(name: str, repeat: int) -> str:
    """The array of one repeat in out-of-fold.npz; the first is called as in any predictions
    file.
    """
    return name if repeat == 0 else f"{name}_repeat{repeat}"


def is_crossval(path: Path) -> bool:
    """Whether a folder is a cross-validation, finished or not."""
    return CrossvalLayout(path).plan.is_file() or CrossvalLayout(path).summary.is_file()


def open_crossval(path: str | Path) -> CrossvalRun:
    """Open the folder of a finished cross-validation.

    Raises:
        RunError: missing, unfinished, damaged, or made by a newer dressform.
    """
    folder = user_path(path)
    layout = CrossvalLayout(folder)
    if not layout.summary.is_file():
        reason = (
            "is not finished; run crossval with --resume"
            if layout.plan.is_file()
            else f"has no {layout.summary.name}"
        )
        raise RunError(
            f"{path} {reason}"
            if folder.exists()
            else f"{path} does not exist; give the folder of a cross-validation"
        )
    summary = read_json(layout.summary)
    if (
        isinstance(summary, dict)
        and isinstance(summary.get("format"), int)
        and summary["format"] > FORMAT
    ):
        raise RunError(
            f"{layout.summary} has format {summary['format']}; this dressform reads up to "
            f"{FORMAT}, so update it"
        )
    read_record(Summary, summary, layout.summary, advice="delete it and run crossval with --resume")
    return CrossvalRun(folder, summary)
