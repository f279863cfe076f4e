"""`CleanUp`: old versions, images that no project has any more, and what crashes left;
`disk_use`.
"""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dressform.core.errors import RunError
from dressform.core.files import exclusive
from dressform.service import queue
from dressform.service.database.connection import Database
from dressform.service.database.tables import Event, Image, Job, Model, Project, utc_now
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

logger = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two clean-ups of a worker."""
MIN_AGE = 3600.0
"""Seconds for which bytes without a row are kept: an upload stores them before its row."""
EVENTS_KEPT = timedelta(days=30)
"""For how long the progress of a training that has ended is kept."""
LOCK = "cleanup.lock"
"""Held while files are deleted, and while a backup reads them."""
AT_ONCE = 500


@dataclass(frozen=True)
class DiskUse:
    """Bytes on the disk of the service.

    Attributes:
        images: of all projects; equal ones count once.
        models: of all versions that are ready.
        free: that the disk has left.
    """

    images: int
    models: int
    free: int


def disk_use(session: Session, store: Store) -> DiskUse:
    """How much the service uses, by its database, and how much is free."""
    different = select(func.max(Image.size).label("size")).group_by(Image.sha256).subquery()
    images = session.scalar(select(func.coalesce(func.sum(different.c.size), 0)))
    ready = select(func.coalesce(func.sum(Model.size), 0)).where(Model.state == "ready")
    models = session.scalar(ready)
    return DiskUse(int(images or 0), int(models or 0), shutil.disk_usage(store.root).free)


@dataclass(frozen=True)
class Cleaned:
    """What a clean-up deleted.

    Attributes:
        versions: ready models beyond ``keep_versions``.
        folders: of models that no row has, or that were not made.
        images: that no project has.
        freed: bytes of those images.
    """

    versions: int = 0
    folders: int = 0
    images: int = 0
    freed: int = 0


class CleanUp:
    """Deletes what is not needed any more.

    Args:
        database: of the service.
        store: of the service.
        settings: of the service.
        min_age: seconds for which what has no row is kept.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        settings: ServiceSettings,
        min_age: float = MIN_AGE,
    ) -> None:
        self._database, self._store, self._settings = database, store, settings
        self._min_age = min_age
        self._last = -EVERY

    def now_and_then(self) -> Cleaned:
        """Clean up, if the last time was long enough ago."""
        if time.monotonic() - self._last < EVERY:
            return Cleaned()
        self._last = time.monotonic()
        return self()

    def __call__(self) -> Cleaned:
        """Clean up; nothing is done while another process does it, or while a backup is made.

        Raises:
            ResourceError: the database does not answer.
        """
        try:
            with exclusive(self._store.root / LOCK):
                cleaned = self._clean()
        except RunError:
            return Cleaned()
        except OSError as error:  # a disk that is read-only for a while
            logger.warning(f"cannot clean up: {error.filename}: {error.strerror}")
            return Cleaned()
        if cleaned != Cleaned():
            logger.info("cleaned up", extra={"facts": vars(cleaned)})
        return cleaned

    def _clean(self) -> Cleaned:
        versions = self._old_versions()
        folders = self._left_folders()
        images, freed = self._orphans()
        self._store.clean_up(self._min_age)
        with self._database.transaction() as session:
            old = select(Job.id).where(Job.finished < utc_now() - EVENTS_KEPT)
            session.execute(delete(Event).where(Event.job_id.in_(old)))
        return Cleaned(versions, folders, images, freed)

    def _old_versions(self) -> int:
        """Versions beyond those that are kept: first their rows say so, then the files go."""
        keep, deleted = self._settings.keep_versions, 0
        with self._database.reading() as session:
            query = select(Model.project_id).where(Model.state == "ready")
            many = query.group_by(Model.project_id).having(func.count() > keep)
            projects = list(session.scalars(many))
        for project_id in projects:
            with self._database.transaction() as session:
                # locked, or another version could be promoted at this moment
                project = session.get(Project, project_id, with_for_update=True)
                ready = select(Model).where(Model.project_id == project_id, Model.state == "ready")
                promoted = None if project is None else project.promoted_id
                old = superseded(list(session.scalars(ready)), promoted, keep)
                for model in old:
                    model.state, model.size = "deleted", 0
                versions = [model.version for model in old]
            for version in versions:
                self._store.delete_model(project_id, version)
            deleted += len(versions)
        return deleted

    def _left_folders(self) -> int:
        """Folders of deleted projects and versions, and of trainings that made no model."""
        left = 0
        for project_id, version in list(self._store.models()):
            with self._database.reading() as session:
                query = select(Model).where(
                    Model.project_id == project_id, Model.version == version
                )
                model = session.scalar(query)
                job = model and session.scalar(select(Job).where(Job.model_id == model.id))
            if model is None or model.state == "deleted":
                # The process of a training whose project was deleted ends within its lease.
                old = self._folder_age(project_id, version) > self._min_age
            else:
                old = (
                    model.state == "failed"
                    and (job is None or job.state in queue.ENDED)
                    and (utc_now() - ((job and job.finished) or model.created)).total_seconds()
                    > 24 * self._min_age
                )
            if old:
                self._store.delete_model(project_id, version)
                left += 1
        return left

    def _folder_age(self, project_id: str, version: int) -> float:
        try:
            changed = self._store.model_folder(project_id, version).stat().st_mtime
        except FileNotFoundError:
            return 0.0
        return time.time() - changed

    def _orphans(self) -> tuple[int, int]:
        """Bytes in the store that no image has."""
        count = freed = 0
        digests = self._store.digests()
        while some := list(islice(digests, AT_ONCE)):
            old = [digest for digest in some if self._store.age(digest) > self._min_age]
            for digest in self._without_row(old):
                size = self._store.delete_older(digest, self._min_age)
                count, freed = count + bool(size), freed + size
        return count, freed

    def _without_row(self, digests: Sequence[str]) -> list[str]:
        if not digests:
            return []
        with self._database.reading() as session:
            query = select(Image.sha256).where(Image.sha256.in_(digests))
            known = set(session.scalars(query))
        return [digest for digest in digests if digest not in known]


def superseded(models: Sequence[Model], promoted: str | None, keep: int) -> list[Model]:
    """The ready versions of a project that may go: all but the promoted one and the newest others.

    Args:
        models: ready ones.
        promoted: identifier of the promoted one.
        keep: how many others are kept.
    """
    others = sorted((m for m in models if m.id != promoted), key=lambda m: -m.version)
    return others[keep:]
