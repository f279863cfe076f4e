"""Prometheus metrics: counts and times of requests, and the state of the queue; changes and
failures are also logged.
"""

import logging
import time

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dressform.service.database.tables import Image, Job, Model, Project
from dressform.service.http.auth import HasService, IsAdmin
from dressform.service.service import Service

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
QUIET = ("GET", "HEAD", "any")
PREDICTIONS = ("/predict", "/infer", "/LabelFile/")
"""Successful ones are thousands a second, and are counted only."""

logger = logging.getLogger(__name__)
router = APIRouter()


class Metrics:
    """Counters of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route")
        self.requests = Counter(
            "dressform_requests", "Answered requests.", (*names, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "dressform_request_seconds",
            "Time until an answer begins.",
            names,
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.jobs = Gauge("dressform_jobs", "Trainings.", ("state",), registry=self.registry)
        self.rows = Gauge("dressform_rows", "What is kept.", ("kind",), registry=self.registry)
        self.stored = Gauge(
            "dressform_stored_bytes", "Bytes of what is kept.", ("kind",), registry=self.registry
        )

    def look(self, service: Service) -> None:
        """Read the state of the queue and the storage."""
        with service.database.reading() as session:
            found = select(Job.state, func.count()).group_by(Job.state)
            states = dict(session.execute(found).all())
            for state in ("queued", "running", "succeeded", "failed", "cancelled"):
                self.jobs.labels(state).set(states.get(state, 0))
            for kind, table in (("projects", Project), ("images", Image), ("models", Model)):
                self.rows.labels(kind).set(
                    session.scalar(select(func.count()).select_from(table)) or 0
                )
            for kind, column in (("images", Image.size), ("models", Model.size)):
                self.stored.labels(kind).set(session.scalar(select(func.sum(column))) or 0)


class Measured:
    """Middleware that counts requests by route.

    Args:
        app: what answers.
        metrics: of the app.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Paths that lead nowhere are one route, or a scan would fill the memory.
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if route != "none" else "any"
                self._metrics.requests.labels(method, route, message["status"]).inc()
                seconds = time.perf_counter() - began
                self._metrics.seconds.labels(method, route).observe(seconds)
                if message["status"] >= 400 or (
                    method not in QUIET and not route.endswith(PREDICTIONS)
                ):
                    _log(scope, message["status"], seconds)
            await send(message)

        await self._app(scope, receive, counted)


def _log(scope: Scope, status: int, seconds: float) -> None:
    client = scope.get("client")
    facts = {
        "method": scope["method"],
        "path": scope["path"][:400],
        "status": status,
        "seconds": round(seconds, 4),
        "client": client[0] if client else None,
        "key": scope.get("state", {}).get("key_id"),
    }
    logger.info("request", extra={"facts": facts})


@router.get("/metrics", response_class=Response)
def metrics(request: Request, caller: IsAdmin, service: HasService) -> Response:
    """Prometheus's text format, of the whole service."""
    found: Metrics = request.app.state.metrics
    found.look(service)
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_LATEST)
