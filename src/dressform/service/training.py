"""Training requests: whether a project has enough images, and the version that is to be made."""

import csv
import hashlib
import io
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dressform.core.files import write_text
from dressform.core.text import counted
from dressform.service import queue
from dressform.service.database.tables import Category, Image, Job, Model, Project
from dressform.service.errors import ConflictError
from dressform.service.projects import class_counts, storage_full, stored_bytes
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

LISTING, IMAGES = "images.csv", "images"
"""Below the folder of a training: the table of its images, and the images."""
MIN_IMAGES = 10
"""Labelled images that each class needs."""
MIN_CLASSES = 2
VALIDATION_FRACTION = 0.1
MIN_VALIDATION = 2
"""Images of a class that are held out at least."""


def missing_images(session: Session, project: Project) -> str | None:
    """What a project lacks for a training, in a sentence; None if it has enough."""
    return missing_of(class_counts(session, project))


def missing_of(class_counts: Mapping[str, int]) -> str | None:
    """What these labelled images lack for a training, in a sentence; None if they are enough.

    Args:
        class_counts: labelled images of each class; classes without any do not count.
    """
    counts = {name: count for name, count in class_counts.items() if count}
    if len(counts) < MIN_CLASSES:
        return (
            f"{counted(len(counts), 'class', 'classes')} with labelled images; a training needs "
            f"{MIN_CLASSES} or more, each with {MIN_IMAGES} or more images"
        )
    few = [
        f"{name} has {counted(count, 'labelled image')}, {MIN_IMAGES - count} "
        f"{'is' if MIN_IMAGES - count == 1 else 'are'} missing"
        for name, count in counts.items()
        if count < MIN_IMAGES
    ]
    if not few:
        return None
    return f"{'; '.join(few)}; every class needs {MIN_IMAGES}"


def request_training(session: Session, project: Project, settings: ServiceSettings) -> Job:
    """Ask for a new version of a project's model.

    Raises:
        ConflictError: there are too few images, or a training is on its way already.
        BusyError: so many trainings wait already.
        FullError: the storage has reached its limit.
    """
    session.get(Project, project.id, with_for_update=True)  # two requests at once are one
    missing = missing_images(session, project)
    if missing is not None:
        raise ConflictError(missing)
    running = select(Job.id).where(Job.project_id == project.id, Job.state.not_in(queue.ENDED))
    if session.scalar(running.limit(1)) is not None:
        raise ConflictError(f"a training of {project.name} is on its way; wait, or cancel it")
    if stored_bytes(session) >= settings.max_storage:
        raise storage_full(settings)
    newest = select(func.max(Model.version)).where(Model.project_id == project.id)
    counts = class_counts(session, project)
    model = Model(
        project_id=project.id,
        version=(session.scalar(newest) or 0) + 1,
        examples=sum(counts.values()),
    )
    session.add(model)
    session.flush()
    return queue.enqueue(session, project.id, model.id, most=settings.max_queue)


@dataclass(frozen=True)
class Example:
    """A labelled image of a training.

    Attributes:
        sha256: of its bytes.
        format: as Pillow names it.
        label: name of its class.
    """

    sha256: str
    format: str
    label: str

    @property
    def file(self) -> str:
        """Its file below a training's folder, which is its id there: the same in every version."""
        return f"{IMAGES}/{self.sha256}.{self.format.lower()}"


def labelled_images(session: Session, project_id: str) -> list[Example]:
    """The labelled images of a project, in an order that does not change."""
    query = (
        select(Image.sha256, Image.format, Category.name)
        .join(Category, Image.category_id == Category.id)
        .where(Image.project_id == project_id)
        .order_by(Image.sha256)
    )
    return [Example(*row) for row in session.execute(query)]


def split_of(examples: Sequence[Example]) -> dict[str, str]:
    """``train`` or ``validation`` of each image, by its SHA-256.

    The hash of its bytes decides, so that an image stays on its side from version to version, and
    two versions can be compared on images that neither was trained on. Where that holds out fewer
    than two images of a class, those with the smallest hashes are.
    """
    by_label: dict[str, list[tuple[float, Example]]] = defaultdict(list)
    for example in examples:
        place = int(hashlib.sha256(f"split {example.sha256}".encode()).hexdigest()[:12], 16)
        by_label[example.label].append((place / 16**12, example))
    splits = {}
    for placed in by_label.values():
        placed.sort(key=lambda pair: (pair[0], pair[1].sha256))
        held = sum(place < VALIDATION_FRACTION for place, _ in placed)
        for i, (_, example) in enumerate(placed):
            splits[example.sha256] = "validation" if i < max(held, MIN_VALIDATION) else "train"
    return splits


def lay_out(folder: Path, examples: Sequence[Example], store: Store) -> Path:
    """Put what a training reads into its folder: the images, as links to the store, and then the
    table of them.

    A training goes on with its images although they are deleted meanwhile; links take no space.

    Returns:
        the table, with ``image``, ``label`` and ``split`` of each image.

    Raises:
        OSError: the folder cannot be written, or an image is missing in the store.
    """
    listing = folder / LISTING
    if listing.exists():
        return listing  # of an earlier attempt
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    splits, text = split_of(examples), io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("image", "label", "split"))
    for example in examples:
        link_or_copy(store.path(example.sha256), folder / example.file)
        writer.writerow((example.file, example.label, splits[example.sha256]))
    write_text(listing, text.getvalue())
    return listing


def link_or_copy(source: Path, target: Path) -> None:
    """A second name of a file, or a copy where the file system has no such names.

    Raises:
        OSError: the source is missing, or the target cannot be written.
    """
    if target.exists():
        return
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, target)
