"""`Service`: what every request of the service works with."""

from dataclasses import dataclass

from dressform.service.database.connection import Database
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of a running service.

    Attributes:
        database: with the tables of this version; whoever made it closes it.
        store: of images and models.
        settings: the operator's.
    """

    database: Database
    store: Store
    settings: ServiceSettings
