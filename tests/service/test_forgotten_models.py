"""What `Models.forget` forgets."""

import asyncio

import pytest

from dressform.runs.run import Run
from dressform.service.database.connection import Database
from dressform.service.keys import Caller
from dressform.service.predicting import LookUp, Models
from dressform.service.served_model import ServedModel
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.serving import finished, open_shop, promote


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_look_up_that_just_ended_is_forgotten_too(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    caller: Caller,
    tiny_run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = open_shop(database, store, caller, tiny_run)

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        ended = asyncio.Event()
        look_up = models._look_up

        async def told(name: tuple[str, ...], query: LookUp) -> ServedModel:
            served = await look_up(name, query)
            ended.set()  # wakes the promotion below before the callbacks of this task
            return served

        async def promotion() -> int:
            await ended.wait()
            promote(database, shop, 2)
            models.forget(shop.project_id)
            return (await models.promoted(shop.caller, shop.project_id)).key.version

        monkeypatch.setattr(models, "_look_up", told)
        after = asyncio.ensure_future(promotion())
        assert (await models.promoted(shop.caller, shop.project_id)).key.version == 1
        assert await after == 2
        await models.stop()

    finished(work())
