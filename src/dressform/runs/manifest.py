"""`Manifest`: what a run is, written first as started and last as finished."""

import dataclasses
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from dressform.core.errors import RunError
from dressform.core.files import read_json, write_json
from dressform.core.records import read_record

FORMAT = 1
_PACKAGES = ("dressform", "torch", "numpy", "onnxruntime", "safetensors")


LARGEST_SIDE = 8192
"""Of pictures, in pixels; 100 million numbers at most in all."""


def check_shape(shape: tuple[int, int, int]) -> None:
    """Refuse pictures of a size that no file of ours has: who believes it runs out of memory.

    Raises:
        ValueError: height, width or channels that cannot be.
    """
    height, width, channels = shape
    if not (
        1 <= height <= LARGEST_SIDE
        and 1 <= width <= LARGEST_SIDE
        and 1 <= channels <= 4
        and height * width * channels <= 1e8
    ):
        raise ValueError(
            f"pictures of {height} x {width} x {channels}; allowed: sides of 1 to {LARGEST_SIDE} "
            f"and 1 to 4 channels"
        )


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What a run learned from.

    Attributes:
        name: of the dataset.
        source: how it was named.
        image_size: that it was read with.
        shape: height, width and channels.
        class_names: in label order.
        digests: of each split.
        hold_out_digest: of what was held out for validation; empty without.
        examples: by ``train``, ``val`` and ``test``.
        notes: what reading it told.
    """

    name: str
    source: str = ""
    image_size: int | None = None
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    digests: dict[str, str]
    hold_out_digest: str = ""
    examples: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if len(set(self.class_names)) < max(2, len(self.class_names)):
            raise ValueError(
                f"{len(self.class_names)} class names, of which {len(set(self.class_names))} differ"
            )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Facts of one run.

    Attributes:
        format: version of the run directory's layout; a larger one than ``FORMAT`` is refused.
        status: ``started``, ``finished`` or ``failed``.
        recipe: the recipe's name.
        reference: what to give to ``dressform train``: a recipe's name or ``file.py:function``.
        settings: the ``--set`` assignments.
        resolved: the recipe as JSON.
        digest: eight digits over the resolved recipe (and the user's file).
        seed: of weights, order, augmentation and dropout.
        dataset: what it learned from.
        hardware: processor, cores, threads, system, device and precision.
        packages: versions.
        git: commit of the working directory and whether it had changes, where there is one.
        started: UTC, ISO 8601.
        finished: likewise, or None.
        seconds: per phase.
        results: accuracies, 0..1, and epochs.
        weights: SHA-256 of each weights file.
        error: why it failed.
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
    hardware: dict[str, str | int] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    git: dict[str, str | bool | None] | None = None
    started: str = ""
    finished: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    results: dict[str, int | float | None] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    error: str | None = None

    def save(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            RunError: missing, damaged, or of a newer format.
        """
        document = read_json(path)
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise RunError(f"{path} is not a manifest of dressform; give the folder of a run")
        if document["format"] > FORMAT:
            raise RunError(
                f"{path} has format {document['format']}, made by a newer dressform; this version "
                f"reads up to {FORMAT},"
                " so upgrade dressform"
            )
        return read_record(
            cls,
            document,
            path,
            advice="it was changed by hand, so delete that folder or restore it from a copy",
        )


def now() -> str:
    """The time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def timestamp() -> str:
    """The time, UTC, to the minute, for people."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def hardware() -> dict[str, Any]:
    """Processor, cores that this process may use, and system.

    Virtual machines hide the processor's name, so AMX, which decides how quick bfloat16 and int8
    are, is told beside it.
    """
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        pairs = (line.partition(":") for line in info.read_text().splitlines())
        known = {name.strip(): value.strip() for name, _, value in pairs}
        model = known.get("model name", model) + (
            " with AMX" if "amx_tile" in known.get("flags", "").split() else ""
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model,
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def packages() -> dict[str, str]:
    """Versions of the packages that decide a result."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
