"""`add_files`: uploaded files become images of a project; those that cannot are told one by one."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from dressform.core.errors import DataError, DressformError, ResourceError
from dressform.service import projects
from dressform.service.database.tables import Category, Image, Project
from dressform.service.errors import BusyError, LimitError
from dressform.service.images import Upload, file_name, read_upload
from dressform.service.keys import Caller
from dressform.service.service import Service
from dressform.service.tree_labels import TABLES

BATCH = 32
"""Images of one transaction, so that others get their turn."""
BATCH_BYTES = 64 * 2**20
DECODING = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""A decoded image takes up to 200 MB; so many are decoded at one time."""


@dataclass(frozen=True, kw_only=True)
class IncomingFile:
    """A file that a client sent.

    Attributes:
        name: as the client calls it.
        content: its bytes, or why there are none.
        label: name of its class, which is made if it is new; None: unlabelled.
    """

    name: str
    content: bytes | DressformError
    label: str | None = None


@dataclass(frozen=True)
class Refused:
    """A file that was not taken.

    Attributes:
        name: of the file.
        error: why.
    """

    name: str
    error: DressformError


@dataclass
class Uploaded:
    """What became of files.

    Attributes:
        images: rows of those that are in the project now, in the order of the files.
        added: how many of them are new.
        classes: names of those that were made.
        refused: files that were not taken.
    """

    images: list[Image] = field(default_factory=list)
    added: int = 0
    classes: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def add_files(
    service: Service, caller: Caller, project_id: str, files: Iterable[IncomingFile]
) -> Uploaded:
    """Add files to a project, a few in each transaction. What was added stays when a later file
    cannot be.

    Args:
        service: with database, store and limits.
        caller: whose project.
        project_id: of the project.
        files: read one by one, so that they need not fit into memory together.

    Raises:
        NotFoundError: there is no such project, or it was deleted meanwhile.
        ResourceError: the database does not answer.
    """
    result, batch, size = Uploaded(), list[tuple[Upload, str | None]](), 0
    shortage: DressformError | None = None
    for file in files:
        try:
            if shortage is not None:
                raise shortage
            upload = _stored(service, file)
        except DressformError as error:
            if isinstance(error, ResourceError | LimitError):
                shortage = error
            result.refused.append(Refused(file_name(file.name), error))
            continue
        batch.append((upload, file.label))
        size += len(upload.content)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            shortage = shortage or _add(service, caller, project_id, batch, result)
            batch, size = [], 0
    if batch:
        _add(service, caller, project_id, batch, result)
    return result


def decoded(service: Service, name: str, content: bytes) -> Upload:
    """An image that was decoded to see that it is one; few are at one time.

    Raises:
        DataError: it is no image that can be decoded.
        TooLargeError: it has too many bytes or pixels.
        BusyError: so many are being decoded that it would have to wait for long.
    """
    with decoding():
        return read_upload(content, name, service.settings)


@contextmanager
def decoding() -> Iterator[None]:
    """Waits until few images are being decoded: a large one takes hundreds of megabytes.

    Raises:
        BusyError: it would have to wait for long.
    """
    if not DECODING.acquire(timeout=60):
        raise BusyError("other images are being decoded; try again later", retry_after=10)
    try:
        yield
    finally:
        DECODING.release()


def _stored(service: Service, file: IncomingFile) -> Upload:
    if isinstance(file.content, DressformError):
        raise file.content
    if file.name.lower().endswith(TABLES):
        raise DataError(
            f"{file_name(file.name)} is a table, not an image; make one ZIP of it and its images, "
            f"and upload that"
        )
    upload = decoded(service, file.name, file.content)
    service.store.put(upload.content)  # before the transaction, which others wait for
    return upload


def _add(
    service: Service,
    caller: Caller,
    project_id: str,
    batch: list[tuple[Upload, str | None]],
    result: Uploaded,
) -> DressformError | None:
    """Add images in one transaction.

    Returns:
        why nothing more fits, if that is so.
    """
    added, refused, shortage = list[projects.Added](), list[Refused](), None
    with service.database.transaction() as session:
        project = projects.project_of(session, caller, project_id, lock=True)
        before = {category.name for category in projects.categories_of(session, project)}
        room = projects.room_of(session, project, service.settings)
        categories: dict[str, Category | DressformError] = {}
        for upload, label in batch:
            try:
                category = _category(session, project, label, categories)
                added.append(
                    projects.add_image(
                        session,
                        service.store,
                        project,
                        upload,
                        category,
                        service.settings,
                        room=room,
                    )
                )
            except DressformError as error:
                refused.append(Refused(upload.name, error))
                shortage = error if isinstance(error, ResourceError | LimitError) else shortage
        after = [category.name for category in projects.categories_of(session, project)]
    # Only what was committed is told.
    result.images += [one.image for one in added]
    result.added += sum(one.is_new for one in added)
    result.classes += [name for name in after if name not in before]
    result.refused += refused
    return shortage


def _category(
    session: Session,
    project: Project,
    label: str | None,
    known: dict[str, Category | DressformError],
) -> Category | None:
    if label is None:
        return None
    if label not in known:
        try:
            known[label] = projects.category_of(session, project, label, create=True)
        except DressformError as error:
            known[label] = error
    found = known[label]
    if isinstance(found, DressformError):
        raise found
    return found
