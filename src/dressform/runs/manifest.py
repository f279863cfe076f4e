"""`Manifest`: the record of a run, written when it starts and when it finishes."""

import dataclasses
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypedDict

from dressform.core.display import brief
from dressform.core.errors import RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import check_format, read_record
from dressform.core.text import counted
from dressform.core.threads import cores
from dressform.data.read_options import ReadOptions
from dressform.runs.git import GitState

FORMAT = 1
_PACKAGES = ("dressform", "torch", "numpy", "onnxruntime", "safetensors")


NAMED_SETTINGS = 3
"""Settings that a run's name shows."""
MAX_SIDE = 8192
"""Maximum side of images in pixels; an image has at most 100 million values."""


def check_shape(shape: tuple[int, int, int]) -> None:
    """Refuse implausible image shapes in files, which would exhaust the memory.

    Raises:
        ValueError: height, width or channels out of range.
    """
    height, width, channels = shape
    if not (
        1 <= height <= MAX_SIDE
        and 1 <= width <= MAX_SIDE
        and 1 <= channels <= 4
        and height * width * channels <= 1e8
    ):
        raise ValueError(
            f"images of {height} x {width} x {channels}; allowed: sides of 1 to {MAX_SIDE} "
            f"and 1 to 4 channels"
        )


class Hardware(TypedDict, total=False):
    """The machine of a run and how it was used.

    Attributes:
        processor: its name.
        cores: that the process may use.
        system: operating system and architecture.
        python: version.
        device: ``cpu``, ``cuda``, ….
        precision: ``float32`` or ``bfloat16``.
        threads: of PyTorch.
    """

    processor: str
    cores: int | None
    system: str
    python: str
    device: str
    precision: str
    threads: int


class Results(TypedDict, total=False):
    """The results of a run.

    Attributes:
        epochs: trained.
        onnx_difference: largest difference of a logit between torch and ONNX Runtime.
        val_accuracy: 0..1, or None without validation.
        test_accuracy: 0..1, or None without a test split.
        temperature: by which logits are divided for the probabilities.
        parameters: numbers in the network.
    """

    epochs: int
    onnx_difference: float
    val_accuracy: float | None
    test_accuracy: float | None
    temperature: float
    parameters: int


@dataclass(frozen=True, kw_only=True)
class TimeLimit:
    """The clock of a run that ``train auto`` trained.

    Attributes:
        budget: seconds that the whole call was given.
        planned_epochs: of this training.
        trained_epochs: a fraction where the clock ended the last one.
        reached: whether the clock left out steps that were planned; the same command then trains
            longer on a faster machine.
    """

    budget: float
    planned_epochs: int
    trained_epochs: float
    reached: bool


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """The dataset of a run.

    Attributes:
        name: of the dataset.
        source: argument of :func:`dressform.load_data`, as given.
        location: the same, found from any folder: an absolute path, or a bundled dataset's name.
        options: how it was read.
        left_out: files that could not be read and were left out, as asked: path and reason.
        grouped_by: how the groups of its examples were found; None without groups.
        shape: height, width and channels.
        class_names: in label order.
        digests: split -> digest.
        hold_out_digest: digest of the hold-out for validation; empty without one.
        examples: split -> number of examples.
        groups: split -> number of groups of examples that no split separates; empty without.
        notes: remarks from reading it.
    """

    name: str
    source: str = ""
    location: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    left_out: tuple[tuple[str, str], ...] = ()
    grouped_by: str | None = None
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    digests: dict[str, str]
    hold_out_digest: str = ""
    examples: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return brief(
            self,
            self.name,
            *(f"{split} {count:,}" for split, count in self.examples.items()),
            " x ".join(map(str, self.shape)),
            f"{len(self.class_names)} classes",
        )

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if len(set(self.class_names)) < max(2, len(self.class_names)):
            raise ValueError(
                f"{len(self.class_names)} class names, {len(set(self.class_names))} of them "
                f"different"
            )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record of one run.

    Attributes:
        format: version of the run directory's layout; a larger one than ``FORMAT`` is refused.
        status: ``started``, ``finished`` or ``failed``.
        recipe: the recipe's name.
        reference: argument of ``dressform train``: a recipe's name or ``file.py:function``.
        settings: the ``--set`` assignments.
        resolved: the recipe as JSON.
        digest: eight hexadecimal digits of a hash of the resolved recipe (and the user's file).
        seed: of weights, order, augmentation and dropout.
        dataset: that it was trained on.
        hardware: the machine, device, precision and threads.
        packages: versions.
        git: commit of the working directory and whether it had changes; None outside git.
        started: UTC, ISO 8601.
        finished: likewise, or None.
        seconds: per phase.
        results: accuracies and number of epochs.
        weights: SHA-256 of each weights file.
        error: why the run failed.
        time_limit: of a run of ``train auto``; None where nothing limits the time.
    """

    format: int = FORMAT
    status: Literal["started", "finished", "failed"] = "started"
    recipe: str
    reference: str
    settings: list[str]
    resolved: dict[str, Any]
    digest: str
    seed: int
    dataset: DatasetFacts
    hardware: Hardware = field(default_factory=Hardware)
    packages: dict[str, str] = field(default_factory=dict)
    git: GitState | None = None
    started: str = ""
    finished: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    results: Results = field(default_factory=Results)
    weights: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    time_limit: TimeLimit | None = None

    def __repr__(self) -> str:
        return brief(self, self.name, self.state, self.dataset.name)

    @property
    def name(self) -> str:
        """Recipe, the first changed settings and seed, for titles."""
        more = len(self.settings) - NAMED_SETTINGS
        rest = [f"(+{counted(more, 'setting')})"] if more > 0 else []
        words = [self.recipe, *self.settings[:NAMED_SETTINGS], *rest]
        return f"{' '.join(words)}, seed {self.seed}"

    @property
    def state(self) -> Literal["finished", "stopped", "failed"]:
        """Its status where no process trains it any more: ``stopped`` before its end if it was
        started only.
        """
        return "stopped" if self.status == "started" else self.status

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            RunError: the file is missing, damaged, or of a newer format.
        """
        document = read_json(path)
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise RunError(f"{path} is not a manifest of dressform; give the folder of a run")
        check_format(document, FORMAT, path)
        return read_record(
            cls,
            document,
            path,
            advice="it was changed by hand, so delete its folder or restore it from a copy",
        )


def now() -> str:
    """The current time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def timestamp() -> str:
    """The current time, UTC, to the minute, for people."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def for_people(time: str | None) -> str:
    """A time of :func:`now` to the minute, such as ``2026-11-26 19:24 UTC``; ``-`` without one."""
    if time is None:
        return "-"
    try:
        return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return time


def hardware() -> Hardware:
    """Processor, cores that this process may use, and system.

    Virtual machines hide the processor's model, so AMX, which determines the speed of bfloat16 and
    int8, is appended.
    """
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        facts = {name.strip(): value.strip() for name, _, value in lines}
        processor = facts.get("model name", processor) + (
            " with AMX" if "amx_tile" in facts.get("flags", "").split() else ""
        )
    return {
        "processor": processor,
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def packages() -> dict[str, str]:
    """Versions of the packages that affect results."""
    from importlib import metadata  # imports Python's e-mail parser, which predict has no use for

    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
