"""Server-sent events of a training: what has happened, then what happens."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from dressform.core.errors import ResourceError
from dressform.service import queue
from dressform.service.database.tables import Event, Model
from dressform.service.errors import BusyError, NotFoundError
from dressform.service.http.auth import HasService, MayPredict
from dressform.service.http.documents import API, job_document
from dressform.service.http.jobs import job_of
from dressform.service.keys import Caller
from dressform.service.service import Service

LOOK_SECONDS = 0.5
"""Between two looks into the database."""
COMMENT_SECONDS = 15.0
"""Of silence, after which a comment keeps the connection open."""
STREAM_SECONDS = 600.0
"""After which a stream ends; the browser continues it, and its key is looked at again."""
MAX_STREAMS = 100
AT_ONCE = 500
"""Events that are read from the database at once."""

router = APIRouter(prefix=API)


class Streams:
    """The event streams of one app.

    Attributes:
        count: that are open.
    """

    def __init__(self) -> None:
        self.count = 0
        self._closing = threading.Event()

    @property
    def is_closing(self) -> bool:
        """Whether the server stops, so that streams have to end."""
        return self._closing.is_set()

    def close(self) -> None:
        """End all streams within half a second; from any thread."""
        self._closing.set()


@router.get(
    "/projects/{project_id}/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def follow(
    request: Request,
    caller: MayPredict,
    service: HasService,
    project_id: str,
    job_id: str,
    last_event_id: str | None = Header(None),
) -> StreamingResponse:
    """Follow a training: ``progress`` for each step, ``end`` when it has ended."""
    streams: Streams = request.app.state.events
    if streams.count >= MAX_STREAMS:
        raise BusyError(f"{MAX_STREAMS} clients follow trainings, which is the limit")
    number = last_event_id or ""
    last = int(number) if number.isdecimal() and len(number) <= 18 else 0
    source = _Source(service, caller, project_id, job_id, last)
    first = await run_in_threadpool(source.look)
    return StreamingResponse(
        _stream(source, streams, first),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(source: "_Source", streams: Streams, text: str) -> AsyncIterator[str]:
    streams.count += 1
    try:
        clock = asyncio.get_running_loop().time
        until, silent = clock() + STREAM_SECONDS, clock()
        while True:
            if text:
                silent = clock()
                yield text
            elif clock() - silent >= COMMENT_SECONDS:
                silent = clock()
                yield ": \n\n"
            if source.ended or streams.is_closing or clock() > until:
                return
            if not source.has_more:
                await asyncio.sleep(LOOK_SECONDS)
            try:
                text = await run_in_threadpool(source.look)
            except NotFoundError:
                return  # deleted meanwhile
            except ResourceError:
                text = ""  # the database is busy; the next look may find it
    finally:
        streams.count -= 1


class _Source:
    """The events of a job, as text of a stream.

    Args:
        service: of the app.
        caller: who follows.
        project_id: of the job.
        job_id: of the job.
        last: number of the event that the client had last.

    Attributes:
        ended: whether the job has ended, and everything was read.
        has_more: whether more events are there already.
    """

    def __init__(
        self, service: Service, caller: Caller, project_id: str, job_id: str, last: int
    ) -> None:
        self._service, self._caller = service, caller
        self._project_id, self._job_id, self._last = project_id, job_id, last
        self.ended = self.has_more = False

    def look(self) -> str:
        """What has happened since the last look."""
        with self._service.database.reading() as session:
            job = job_of(session, self._caller, self._project_id, self._job_id)
            query = (
                select(Event)
                .where(Event.job_id == job.id, Event.id > self._last)
                .order_by(Event.id)
                .limit(AT_ONCE)
            )
            events = list(session.scalars(query))
            lines = []
            for event in events:
                data = {"time": _utc(event.time), **event.data}
                lines.append(_event(event.id, "progress", json.dumps(data)))
                self._last = event.id
            self.has_more = len(events) == AT_ONCE
            if job.state in queue.ENDED and not self.has_more:
                model = session.get(Model, job.model_id)
                assert model is not None
                document = job_document(job, model.version).model_dump_json()
                lines.append(_event(self._last, "end", document))
                self.ended = True
        return "".join(lines)


def _event(number: int, name: str, data: str) -> str:
    return f"id: {number}\nevent: {name}\ndata: {data}\n\n"


def _utc(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
