"""Whether the service lives, and whether it can answer."""

from typing import Literal

from fastapi import APIRouter

from dressform.core.errors import ResourceError
from dressform.service.http.auth import HasService
from dressform.service.http.schemas import Document

router = APIRouter()


class Health(Document):
    """Whether all is well."""

    status: Literal["ok"]


@router.get("/healthz")
async def alive() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz")
def ready(service: HasService) -> Health:
    """The database answers, and the storage is there."""
    with service.database.reading() as session:
        session.connection().exec_driver_sql("SELECT 1")
    if not service.store.root.is_dir():
        raise ResourceError("the storage is gone; mount it again")
    return Health(status="ok")
