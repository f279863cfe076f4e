"""`CrossvalRun`: a finished cross-validation, opened for reading."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, paragraph, table
from dressform.core.errors import DataError, RunError
from dressform.core.files import read_json, user_path
from dressform.core.links import link
from dressform.core.npz import read_npz
from dressform.core.numbers import percent, points
from dressform.core.records import check_format, read_record
from dressform.data.read_options import ReadOptions
from dressform.predictions import Predictions
from dressform.runs.history import EpochRow, read_history
from dressform.runs.layout import CrossvalLayout

FORMAT = 1


@dataclass(frozen=True)
class FoldRow:
    """A fold in crossval.json."""

    repeat: int
    fold: int
    accuracy: float
    epochs: int


@dataclass(frozen=True)
class EstimateRow:
    """A metric over the folds in crossval.json; infinite bounds are null."""

    value: float
    low: float | None
    high: float | None
    method: str
    n: int


@dataclass(frozen=True)
class CrossvalSummary:
    """The document crossval.json."""

    format: int
    recipe: str
    settings: list[str]
    digest: str
    k: int
    repeats: int
    seed: int
    examples: int
    data_digest: str
    fold_digests: list[str]
    folds: list[FoldRow]
    mean: float
    sd: float
    low: float
    high: float
    method: str
    estimates: dict[str, EstimateRow]
    out_of_fold: str
    groups: int | None = None

    def __repr__(self) -> str:
        return brief(self, self.recipe, f"{self.k} folds", f"mean accuracy {percent(self.mean)}")

    def __post_init__(self) -> None:
        rows = [(row.repeat, row.fold) for row in self.folds]
        if not (2 <= self.k <= 100 and 1 <= self.repeats <= 1000):
            raise ValueError(f"{self.k} folds and {self.repeats} repeats")
        if rows != [(repeat, fold) for repeat in range(self.repeats) for fold in range(self.k)]:
            raise ValueError("its rows do not match its folds")


@dataclass(frozen=True)
class DividedData:
    """What plan.json says of the data.

    Attributes:
        data_digest: of the training examples.
        location: where they were: an absolute path, or a bundled dataset's name; None for data
            made in memory.
        options: how they were read.
        data: their name.
        reference: of the recipe, as the user gave it.
        passes: what was trained when.
    """

    data_digest: str
    location: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    data: str | None = None
    reference: str | None = None
    passes: list[dict[str, int | float | str | None]] = field(default_factory=list)

    @property
    def finished(self) -> str | None:
        """When the last fold was."""
        last = self.passes[-1].get("finished") if self.passes else None
        return None if last is None else str(last)


@dataclass(frozen=True, eq=False)
class CrossvalRun:
    """A K-fold cross-validation, possibly repeated.

    Attributes:
        path: of its folder.
        summary: the document ``crossval.json``.
    """

    path: Path
    summary: CrossvalSummary

    def __repr__(self) -> str:
        return brief(self, self.name, self._headline(), str(self.path))

    def _repr_html_(self) -> str:
        rows = [
            [str(row.repeat + 1), str(row.fold + 1), percent(row.accuracy)]
            for row in self.summary.folds
        ]
        return (
            f"{paragraph(f'{self.name}: {self._headline()}')}"
            f"{table(['repeat', 'fold', 'accuracy'], rows)}<div>{link(self.path)}</div>"
        )

    def _headline(self) -> str:
        one = self.summary
        repeats = f", {one.repeats} repeats" if one.repeats > 1 else ""
        return f"{one.k} folds{repeats}, mean accuracy {percent(one.mean)}, s.d. {points(one.sd)}"

    @property
    def layout(self) -> CrossvalLayout:
        """The paths of its files."""
        return CrossvalLayout(self.path)

    @property
    def name(self) -> str:
        """The recipe and its changed settings, for titles."""
        return " ".join([self.summary.recipe, *self.summary.settings])

    @property
    def folds(self) -> int:
        """K."""
        return self.summary.k

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return self.summary.repeats

    @property
    def accuracies(self) -> list[float]:
        """Accuracy of each fold, 0..1, repeat by repeat, [R * K]."""
        return [row.accuracy for row in self.summary.folds]

    def out_of_fold(self) -> tuple[tuple[Predictions, ...], tuple[NDArray[np.int64], ...]]:
        """Out-of-fold predictions of all examples, one set per repeat, and their folds, int64 [N]
        per repeat.

        Raises:
            RunError: the file is missing or damaged.
            DataError: its arrays are not predictions.
        """
        path, advice = self.layout.out_of_fold, "run crossval with resume=True to recreate it"
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
            logits, fold = (
                arrays.get(array_name("logits", repeat)),
                arrays.get(array_name("fold", repeat)),
            )
            if logits is None or fold is None:
                raise RunError(f"{path} lacks repeat {repeat}; {advice}")
            if (
                fold.shape != arrays["ids"].shape
                or fold.dtype.kind not in "iu"
                or set(fold.tolist()) != set(range(self.folds))
            ):
                raise RunError(
                    f"{path} has folds outside 0 to {self.folds - 1} in repeat {repeat}; {advice}"
                )
            predictions.append(
                Predictions(arrays["ids"], arrays["labels"], logits, names, arrays.get("groups"))
            )
            folds.append(fold.astype(np.int64))
        return tuple(predictions), tuple(folds)

    @property
    def divided(self) -> DividedData:
        """The data that were divided into folds.

        Raises:
            RunError: plan.json is missing or damaged.
        """
        return read_record(DividedData, read_json(self.layout.plan), self.layout.plan)

    def histories(self) -> list[list[EpochRow]]:
        """The rows of every fold's results.csv, repeat by repeat."""
        return [
            read_history(self.layout.fold(row.repeat, row.fold).results)
            for row in self.summary.folds
        ]


def array_name(name: str, repeat: int) -> str:
    """The name of a repeat's array in out-of-fold.npz; the first repeat uses the names of a
    predictions file.
    """
    return name if repeat == 0 else f"{name}_repeat{repeat}"


def is_crossval(path: str | Path) -> bool:
    """Whether a folder is a cross-validation, finished or not."""
    layout = CrossvalLayout(user_path(path))
    return layout.plan.is_file() or layout.summary.is_file()


def open_crossval(path: str | Path) -> CrossvalRun:
    """Open the folder of a finished cross-validation.

    Raises:
        RunError: the folder is missing, unfinished, damaged, or made by a newer dressform.
    """
    folder = user_path(path)
    layout = CrossvalLayout(folder)
    if not layout.summary.is_file():
        reason = (
            "is not finished; run crossval with resume=True"
            if layout.plan.is_file()
            else f"has no {layout.summary.name}"
        )
        raise RunError(
            f"{path} {reason}"
            if folder.exists()
            else f"{path} does not exist; give the folder of a cross-validation"
        )
    document = read_json(layout.summary)
    check_format(document, FORMAT, layout.summary)
    advice = "delete it and run crossval with resume=True"
    return CrossvalRun(
        folder, read_record(CrossvalSummary, document, layout.summary, advice=advice)
    )
