"""`Change`: a transaction of one request, which ends in the audit log."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from dressform.service import audit
from dressform.service.http.auth import service_of
from dressform.service.keys import Caller
from dressform.service.service import Service


class Change:
    """Changes what a request changes.

    Args:
        service: of the app.
        address: of the client.
    """

    def __init__(self, service: Service, address: str) -> None:
        self.service, self._address = service, address

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are committed together."""
        with self.service.database.transaction() as session:
            yield session

    def note(
        self,
        session: Session,
        caller: Caller,
        action: str,
        target: str,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write into the audit log, in the transaction of ``session``."""
        audit.record(session, caller, action, target, detail, self._address)


def change_of(request: Request) -> Change:
    """The change that a request makes."""
    return Change(service_of(request), request.client.host if request.client else "")


HasChange = Annotated[Change, Depends(change_of)]
