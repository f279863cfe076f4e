"""`Models`: which model answers for a project, loaded once and kept."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dressform.core.errors import DataError, ResourceError, RunError
from dressform.predict.model_folder import weights_folder
from dressform.service.database.connection import Database
from dressform.service.database.tables import Model, Project, is_id
from dressform.service.errors import ConflictError, NotFoundError
from dressform.service.keys import Caller
from dressform.service.prediction_process import PredictionProcess
from dressform.service.served_model import ModelKey, Running, ServedModel
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training_result import lost, weights_of

logger = logging.getLogger(__name__)

MAX_LOADED = 16
"""Models in memory; one that was not used for longest makes room."""
MAX_KNOWN = 10_000
"""Answers of the database that are kept."""
FRESH = 2.0
"""Seconds for which an answer of the database is taken without asking again."""
STALE = 10.0
"""Seconds for which it is still taken while the database is asked."""
STOPPING = 10.0
"""Seconds that predictions have to end when the server stops."""
LookUp = Callable[[Session], Model]


@dataclass(frozen=True)
class _Known:
    """What the database answered, and when, by the monotonic clock."""

    key: ModelKey
    seen: float


class Models:
    """Ready models, opened by ONNX Runtime as they are needed. Belongs to one event loop.

    The database is asked every two seconds at most, for each project. When another model is
    promoted, it is loaded while the one before it still answers; what waits there is answered
    there.

    Args:
        database: of the service.
        store: of the service.
        settings: of the service.
    """

    def __init__(self, database: Database, store: Store, settings: ServiceSettings) -> None:
        self._database, self._store, self._settings = database, store, settings
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()
        self._loaded: OrderedDict[str, ServedModel] = OrderedDict()
        self._look_ups: dict[tuple[str, ...], asyncio.Task[ServedModel]] = {}
        self._loads: dict[str, asyncio.Task[ServedModel]] = {}
        self._forgotten = 0
        self._running: Running | None = None

    @property
    def is_running(self) -> bool:
        """Whether requests are taken."""
        return self._running is not None

    async def start(self) -> None:
        """Begin to take requests."""
        process = PredictionProcess(self._settings.max_pixels)
        self._running = Running(process=process, tasks=set())

    async def stop(self) -> None:
        """Take no more requests, and answer those that wait, or refuse them after ten seconds."""
        running, self._running = self._running, None
        if running is None:
            return
        until = time.monotonic() + STOPPING
        while tasks := [*running.tasks, *self._look_ups.values(), *self._loads.values()]:
            left = until - time.monotonic()
            if left <= 0:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                break
            await asyncio.wait(tasks, timeout=left)
        await running.process.close()
        self._loaded.clear()
        self._known.clear()

    def forget(self, project_id: str) -> None:
        """Ask the database again about a project's models; may be called from any thread, after
        another model was promoted or one was deleted.
        """
        self._forgotten += 1
        for name, known in list(self._known.items()):
            if known.key.project_id == project_id:
                self._known.pop(name, None)

    async def promoted(self, caller: Caller, project: str) -> ServedModel:
        """The model that answers for a project.

        Args:
            caller: whose project it is.
            project: its identifier or its name.

        Raises:
            NotFoundError: the caller's tenant has no such project.
            ConflictError: it has no model yet.
            ResourceError: the database does not answer, or the server stops.
        """

        def look_up(session: Session) -> Model:
            found = _project(session, caller, project)
            model = session.get(Model, found.promoted_id) if found.promoted_id else None
            if model is None:
                raise ConflictError(f"{found.name} has no model yet; train one first")
            return _ready(model)

        return await self._resolve((caller.tenant_id, project), look_up)

    async def version(self, caller: Caller, project: str, version: int) -> ServedModel:
        """A version of a project's model, promoted or not; errors as for :meth:`promoted`."""

        def look_up(session: Session) -> Model:
            found = _project(session, caller, project)
            query = select(Model).where(Model.project_id == found.id, Model.version == version)
            model = session.scalar(query) if 0 < version < 2**31 else None
            if model is None:
                raise NotFoundError(f"{found.name} has no model of version {version}")
            return _ready(model)

        return await self._resolve((caller.tenant_id, project, str(version)), look_up)

    async def by_id(self, caller: Caller, model_id: str) -> ServedModel:
        """A model by its own identifier; errors as for :meth:`promoted`."""

        def look_up(session: Session) -> Model:
            model = session.get(Model, model_id) if is_id(model_id) else None
            project = None if model is None else session.get(Project, model.project_id)
            if model is None or project is None or project.tenant_id != caller.tenant_id:
                raise NotFoundError(f"there is no model {model_id!r}")
            return _ready(model)

        return await self._resolve((caller.tenant_id, "", model_id), look_up)

    async def ready(self, caller: Caller, project: str | None = None) -> list[ModelKey]:
        """All ready models of a project, or of all, newest first; reads the database."""

        def read() -> list[ModelKey]:
            with self._database.reading() as session:
                query = (
                    select(Model)
                    .join(Project, Project.id == Model.project_id)
                    .where(Project.tenant_id == caller.tenant_id, Model.state == "ready")
                    .order_by(Project.created.desc(), Project.id, Model.version.desc())
                )
                if project is not None:
                    query = query.where(Project.id == _project(session, caller, project).id)
                return [_key(model) for model in session.scalars(query)]

        return await asyncio.to_thread(read)

    async def _resolve(self, name: tuple[str, ...], look_up: LookUp) -> ServedModel:
        if self._running is None:
            raise ResourceError("the server is stopping; try again later")
        known = self._known.get(name)
        age = np.inf if known is None else time.monotonic() - known.seen
        if known is not None and age < STALE:
            loaded = self._loaded.get(known.key.model_id)
            if loaded is not None:
                if age >= FRESH:
                    self._start_look_up(name, look_up)
                self._loaded.move_to_end(known.key.model_id)
                return loaded
        # one caller who gives up must not take it from the others
        return await asyncio.shield(self._start_look_up(name, look_up))

    def _start_look_up(self, name: tuple[str, ...], look_up: LookUp) -> "asyncio.Task[ServedModel]":
        task = self._look_ups.get(name)
        if task is None or task.done():  # done and still there: what it read may be forgotten
            task = asyncio.get_running_loop().create_task(self._look_up(name, look_up))
            self._look_ups[name] = task
            task.add_done_callback(lambda done: self._looked_up(name, done))
        return task

    def _looked_up(self, name: tuple[str, ...], task: "asyncio.Task[ServedModel]") -> None:
        if self._look_ups.get(name) is task:
            del self._look_ups[name]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, NotFoundError | ConflictError):
            self._known.pop(name, None)
        elif error is not None:
            logger.warning(str(error))

    async def _look_up(self, name: tuple[str, ...], look_up: LookUp) -> ServedModel:
        def read() -> ModelKey:
            with self._database.reading() as session:
                return _key(look_up(session))

        while True:
            forgotten, began = self._forgotten, time.monotonic()
            key = await asyncio.to_thread(read)
            served = await self._load(key)
            self._known.pop(name, None)
            self._known[name] = _Known(key, began)  # before the check: another thread may forget
            if forgotten == self._forgotten:
                break  # nothing was promoted meanwhile
            self._known.pop(name, None)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return served

    async def _load(self, key: ModelKey) -> ServedModel:
        loaded = self._loaded.get(key.model_id)
        if loaded is not None:
            return loaded
        task = self._loads.get(key.model_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._open(key))
            self._loads[key.model_id] = task
            task.add_done_callback(lambda _: self._loads.pop(key.model_id, None))
        return await asyncio.shield(task)

    async def _open(self, key: ModelKey) -> ServedModel:
        running = self._running
        if running is None:
            raise ResourceError("the server is stopping; try again later")

        def read() -> ServedModel:
            folder = weights_folder(weights_of(self._store, key.project_id, key.version))
            return ServedModel(key, folder, running, self._settings)

        try:
            served = await asyncio.to_thread(read)
            await running.process.open(served.folder)
        except (DataError, RunError) as error:  # not the client's fault
            raise lost(key.version, error) from error
        if self._running is None:
            raise ResourceError("the server is stopping; try again later")
        self._loaded[key.model_id] = served
        while len(self._loaded) > MAX_LOADED:
            self._loaded.popitem(last=False)  # whoever waits there still has it
        return served


def _project(session: Session, caller: Caller, project: str) -> Project:
    """A project by its identifier, or by its name.

    Raises:
        NotFoundError: the caller's tenant has no such project.
    """
    found = session.get(Project, project) if is_id(project) else None
    if found is None and "\0" not in project:  # which PostgreSQL refuses
        query = select(Project).where(Project.tenant_id == caller.tenant_id)
        found = session.scalar(query.where(Project.name == project))
    if found is None or found.tenant_id != caller.tenant_id:
        raise NotFoundError(f"there is no project {project!r}")
    return found


def _ready(model: Model) -> Model:
    if model.state != "ready":
        state = {"training": "is still in training", "deleted": "was deleted"}
        raise ConflictError(
            f"version {model.version} {state.get(model.state, 'could not be trained')}; choose "
            f"another version"
        )
    return model


def _key(model: Model) -> ModelKey:
    return ModelKey(model_id=model.id, project_id=model.project_id, version=model.version)
