"""What passes between the worker and the process of a training, and where its model is."""

import logging
from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import DressformError, ResourceError
from dressform.core.files import read_json
from dressform.core.records import read_record
from dressform.service.store import Store

logger = logging.getLogger(__name__)

JOB, RESULT, REPORT = "job.json", "result.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """What is to be trained.

    Attributes:
        listing: table of images, labels and splits, in the folder.
        budget: seconds; more than requested where the machine is too busy for that.
        requested: seconds that the project allows.
        title: of the report.
    """

    listing: str
    budget: float
    requested: float
    title: str


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What became of it.

    Attributes:
        run: folder of the run, below the job's.
        recipe: that won.
        class_names: in the order of the outputs.
        accuracy: 0..1.
        low: lower end of its 95 % interval.
        high: upper end.
        protocol: how the accuracy was found, in words.
        examples: that it was trained on.
        held_out: validation examples, which it was not trained on.
    """

    run: str
    recipe: str
    class_names: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    protocol: str
    examples: int
    held_out: int


def read_result(folder: Path) -> TrainResult:
    """The result in the folder of a training.

    Raises:
        DressformError: it is not there, or damaged.
    """
    return read_record(TrainResult, read_json(folder / RESULT), folder / RESULT)


def lost(version: int, error: DressformError) -> ResourceError:
    """The error that the files of a model are not what they were; clients see no paths."""
    logger.error(str(error))
    return ResourceError(
        f"the files of version {version} are missing or damaged; restore a backup, or train again"
    )


def weights_of(store: Store, project_id: str, version: int) -> Path:
    """The run of a ready model, with ``weights/model.onnx`` and ``weights/model.json``.

    Raises:
        ResourceError: it is missing or damaged.
    """
    folder = store.model_folder(project_id, version)
    try:
        run = (folder / read_result(folder).run).resolve()
    except DressformError as error:
        raise lost(version, error) from error
    if not run.is_relative_to(folder.resolve()):
        raise DressformError(f"{folder / RESULT} names a run outside of its folder")
    return run


def report_of(store: Store, project_id: str, version: int) -> Path:
    """The report of a ready model, one HTML file.

    Raises:
        DressformError: it is not there.
    """
    report = store.model_folder(project_id, version) / REPORT
    if not report.is_file():
        raise DressformError(f"version {version} has no report; train again")
    return report
