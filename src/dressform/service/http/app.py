"""`create_app`: the service as one FastAPI app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from fastapi import FastAPI

import dressform
from dressform.service.http import (
    dataset,
    events,
    health,
    images,
    inference,
    jobs,
    keys,
    labels,
    metrics,
    models,
    nanonets,
    pages,
    predictions,
    projects,
    session_routes,
    uploads,
)
from dressform.service.http.auth import Callers
from dressform.service.http.errors import add_error_handlers
from dressform.service.http.hosts import Hosts
from dressform.service.http.limits import Limits
from dressform.service.http.metrics import Measured, Metrics
from dressform.service.http.schemas import ErrorDocument
from dressform.service.http.sessions import Sessions
from dressform.service.images import thumbnail
from dressform.service.predicting import Models
from dressform.service.service import Service
from dressform.service.uploads import decoding

MODULES = (
    predictions,  # routes are tried in order, and these are called most often
    inference,
    session_routes,
    projects,
    uploads,
    images,
    labels,
    dataset,
    jobs,
    events,
    models,
    keys,
    nanonets,
    health,
    metrics,
    pages,
)
"""Each has a router."""
THUMBNAILS = 2048
"""Thumbnails that are kept in memory, about 5 KB each."""


def create_app(service: Service, *, sign_in: str | None = None) -> FastAPI:
    """Make the app.

    Args:
        service: whose database has the tables of this version; whoever made it closes it.
        sign_in: secret of the link that the server prints; None: there is no link.

    Raises:
        ConfigError: the storage cannot be written to.
    """
    answering = Models(service.database, service.store, service.settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await answering.start()
        yield
        app.state.events.close()
        await answering.stop()

    app = FastAPI(
        title="dressform",
        version=dressform.__version__,
        description="Train and use image classifiers on your own machine.",
        docs_url=None,  # its pages come from a CDN
        redoc_url=None,
        lifespan=lifespan,
        responses={"default": {"model": ErrorDocument}, 422: {"model": ErrorDocument}},
    )
    found, settings = Metrics(), service.settings
    app.state.service, app.state.settings = service, settings
    app.state.models = answering
    app.state.sessions = Sessions(settings.storage, sign_in)
    app.state.callers = Callers(service)
    app.state.events = events.Streams()
    app.state.metrics = found

    @lru_cache(THUMBNAILS)
    def small(digest: str) -> bytes:
        with decoding():
            return thumbnail(service.store.read(digest))

    app.state.thumbnail = small
    add_error_handlers(app)
    app.add_middleware(Limits, settings=settings)
    app.add_middleware(Hosts, public_url=settings.public_url)
    app.add_middleware(Measured, metrics=found)
    for module in MODULES:
        app.include_router(module.router)
    app.state.routes = [route for module in MODULES for route in module.router.routes]
    return app
