"""Which model answers, how requests share its batches, and what happens when there are too many."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError, ResourceError
from dressform.data.dataset import DatasetSplits
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run
from dressform.service import predicting
from dressform.service.database.connection import Database
from dressform.service.database.tables import Model, Tenant
from dressform.service.errors import BusyError, ConflictError, NotFoundError, TooLargeError
from dressform.service.keys import Caller
from dressform.service.predicting import Models
from dressform.service.prediction_process import Answer, Question
from dressform.service.served_model import ServedModel
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.serving import Shop, finished, open_shop, png, promote

SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
"""For tests that are not about the database."""


@pytest.fixture
def shop(database: Database, store: Store, caller: Caller, tiny_run: Run) -> Shop:
    return open_shop(database, store, caller, tiny_run)


@pytest.fixture
def images(small: DatasetSplits) -> list[tuple[str, bytes]]:
    assert small.test is not None
    return [(f"{i}.png", png(image)) for i, image in enumerate(small.test.images)]


def labels(answers: Sequence[str | DataError]) -> list[str]:
    assert not any(isinstance(answer, DataError) for answer in answers)
    return [json.loads(answer)["label"] for answer in answers if isinstance(answer, str)]


class Gate:
    """Holds up the batches of a model until it is opened."""

    def __init__(self, served: ServedModel) -> None:
        self.batches: list[int] = []
        self._open = asyncio.Event()
        self._answers = served._answers
        served._answers = self._held  # type: ignore[method-assign]

    async def _held(self, questions: Sequence[Question]) -> list[Answer]:
        self.batches.append(len(questions))
        await asyncio.wait_for(self._open.wait(), 30)
        return await self._answers(questions)

    def open(self) -> None:
        self._open.set()


@SQLITE
def test_a_batch_answers_as_the_predictor_does(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    shop: Shop,
    images: list[tuple[str, bytes]],
) -> None:
    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        served = await models.promoted(shop.caller, shop.project_id)
        assert served is await models.promoted(shop.caller, "Shop")
        assert served is await models.by_id(shop.caller, shop.model_ids[0])
        assert served is await models.version(shop.caller, shop.project_id, 1)
        gate = Gate(served)
        broken = ("x.svg", b"<svg/>")
        many = asyncio.ensure_future(served.predict([images[0], broken, *images[1:100]]))
        single = asyncio.ensure_future(served.predict([images[0]], steps=True))
        predictor = Predictor(served.folder)
        pixels = np.stack([predictor.prepare(content).pixels for _, content in images[:3]])
        tensors = asyncio.ensure_future(served.logits(pixels))
        await asyncio.sleep(0.05)
        assert served.waiting == 105
        gate.open()
        answers = await many
        assert max(gate.batches) <= 64
        assert sum(gate.batches) == 103
        assert served.waiting == 0
        assert str(answers.pop(1)).startswith("x.svg is not an image")
        expected = list(predictor.predict_many([content for _, content in images[:100]]))
        for answer, alone in zip(answers, expected, strict=True):
            assert isinstance(answer, str)
            assert isinstance(alone, Prediction)
            found = json.loads(answer)
            label, probability = alone.top[0]
            assert (found["label"], found["probability"]) == (
                label,
                pytest.approx(probability, abs=1e-5),
            )
            reasons = [found["reason"]] if found["abstain"] else []
            assert found["abstain"] == alone.abstain
            assert (*reasons, *found["warnings"]) == alone.warnings
            assert len(found["top"]) == 10
        (kept,) = await single
        assert isinstance(kept, str)
        step = json.loads(kept)["steps"][-1]
        assert step["description"] == "28 × 28: what the network sees"
        few = await served.predict(images[:2], top=2)
        assert [len(json.loads(str(answer))["top"]) for answer in few] == [2, 2]
        np.testing.assert_allclose(await tensors, predictor.logits(pixels), atol=1e-5)
        assert await served.predict([]) == []
        await models.stop()
        with pytest.raises(ResourceError, match="the server is stopping"):
            await models.promoted(shop.caller, "Shop")

    finished(work())


def test_who_may_see_which_model(
    database: Database, store: Store, settings: ServiceSettings, shop: Shop
) -> None:
    with database.transaction() as session:
        stranger = Tenant(name="other")
        session.add(stranger)
        session.flush()
        other = Caller(stranger.id, "", "admin")

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        await models.promoted(shop.caller, shop.project_id)
        for project in (shop.project_id, "Shop", "", "x" * 32):
            with pytest.raises(NotFoundError, match="there is no project"):
                await models.promoted(other, project)
        with pytest.raises(NotFoundError, match="there is no model"):
            await models.by_id(other, shop.model_ids[0])
        for version in (0, 9, 2**40):
            with pytest.raises(NotFoundError, match=f"Shop has no model of version {version}"):
                await models.version(shop.caller, shop.project_id, version)
        with pytest.raises(ConflictError, match="version 3 is still in training"):
            await models.by_id(shop.caller, shop.model_ids[2])
        found = await models.ready(shop.caller)
        assert [key.version for key in found] == [2, 1]
        assert await models.ready(shop.caller, "Shop") == found
        assert await models.ready(other) == []
        await models.stop()

    finished(work())


@SQLITE
def test_another_model_takes_over_under_load(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    shop: Shop,
    images: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No request fails or hangs while models are promoted, forgotten and dropped from memory."""
    monkeypatch.setattr(predicting, "MAX_LOADED", 1)
    monkeypatch.setattr(predicting, "FRESH", 0.01)

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        ended, seen = asyncio.Event(), set()

        async def client(number: int) -> int:
            count = 0
            while not ended.is_set():
                served = await models.promoted(shop.caller, shop.project_id)
                answers = await served.predict([images[number + count % 50]])
                seen.add(labels(answers)[0].endswith(" 2"))
                count += 1
            return count

        clients = [asyncio.ensure_future(client(number)) for number in range(16)]
        for version in (2, 1, 2, 1, 2):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(promote, database, shop, version)
            if version == 1:  # the other promotions are noticed without help
                models.forget(shop.project_id)
                served = await models.promoted(shop.caller, shop.project_id)
                assert served.key.version == 1
        until = time.monotonic() + 30
        while (await models.promoted(shop.caller, shop.project_id)).key.version != 2:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        while seen != {True, False}:  # a busy machine answers late
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        ended.set()
        assert sum(await asyncio.gather(*clients)) > 16
        assert seen == {True, False}
        await models.stop()

    finished(work())


@SQLITE
def test_a_full_queue_refuses_and_those_who_leave_make_room(
    database: Database, store: Store, shop: Shop, images: list[tuple[str, bytes]]
) -> None:
    settings = ServiceSettings(storage=store.root, max_waiting=8)

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        served = await models.promoted(shop.caller, shop.project_id)
        with pytest.raises(TooLargeError, match="allowed: 8 images"):
            await served.predict(images[:9])
        gate = Gate(served)
        first = asyncio.ensure_future(served.predict(images[:1]))
        await asyncio.sleep(0.05)  # its batch runs, the others wait
        given_up = asyncio.ensure_future(served.predict(images[1:5]))
        tensors = asyncio.ensure_future(served.logits(np.zeros((2, 28, 28, 1), np.uint8)))
        last = asyncio.ensure_future(served.predict(images[7:8]))
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError, match="8 images wait for this model already") as refused:
            await served.predict(images[8:9])
        assert 1 <= refused.value.retry_after <= 60
        given_up.cancel()
        tensors.cancel()
        await asyncio.wait([given_up, tensors])
        assert served.waiting == 2
        later = asyncio.ensure_future(served.predict(images[9:12]))
        await asyncio.sleep(0.05)
        first.cancel()  # while its batch runs
        gate.open()
        assert len(await last) == 1
        assert len(await later) == 3
        assert gate.batches == [1, 4]
        assert served.waiting == 0
        await models.stop()

    finished(work())


@SQLITE
def test_a_request_that_fails_takes_nobody_with_it(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    shop: Shop,
    images: list[tuple[str, bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        served = await models.promoted(shop.caller, shop.project_id)
        sound, wrong = np.zeros((2, 28, 28, 1), np.uint8), np.zeros((1, 28, 28, 3), np.uint8)
        gate = Gate(served)
        waiting = asyncio.gather(
            served.predict(images[:1]),
            served.predict(images[1:2]),
            served.logits(sound),
            served.logits(wrong),
            return_exceptions=True,
        )
        await asyncio.sleep(0.05)
        gate.open()
        _, second, third, fourth = await waiting
        assert labels(second)
        assert third.shape == (2, 10)  # type: ignore[union-attr]
        assert isinstance(fourth, DataError)
        await models.stop()

    finished(work())


@SQLITE
def test_stopping_answers_or_refuses_everybody(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    shop: Shop,
    images: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predicting, "STOPPING", 0.2)

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        served = await models.promoted(shop.caller, shop.project_id)
        gate = Gate(served)
        first = asyncio.ensure_future(served.predict(images[:1]))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(served.predict(images[1:2]))
        await asyncio.sleep(0)
        await models.stop()
        gate.open()
        for refused in (first, second):
            with pytest.raises(ResourceError, match="the server is stopping"):
                await refused

    finished(work())


def test_what_cannot_be_opened_is_told_and_tried_again(
    database: Database, store: Store, settings: ServiceSettings, shop: Shop
) -> None:
    weights = store.model_folder(shop.project_id, 1) / "run" / "model.onnx"
    whole = weights.read_bytes()

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        weights.write_bytes(whole[:-1])
        with pytest.raises(ResourceError, match="files of version 1 are missing or damaged"):
            await models.promoted(shop.caller, shop.project_id)
        weights.write_bytes(whole)
        assert (await models.promoted(shop.caller, shop.project_id)).key.version == 1
        with database.transaction() as session:
            model = session.get(Model, shop.model_ids[0])
            assert model is not None
            model.state = "deleted"
        models.forget(shop.project_id)
        with pytest.raises(ConflictError, match="version 1 was deleted"):
            await models.promoted(shop.caller, shop.project_id)
        await models.stop()

    finished(work())


@SQLITE
def test_a_process_that_dies_is_started_again(
    database: Database,
    store: Store,
    settings: ServiceSettings,
    shop: Shop,
    images: list[tuple[str, bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever waits is answered by the next one."""

    async def work() -> None:
        models = Models(database, store, settings)
        await models.start()
        served = await models.promoted(shop.caller, shop.project_id)
        for _ in range(3):
            os.kill(child(), signal.SIGSTOP)
            waiting = [asyncio.ensure_future(served.predict([image])) for image in images[:20]]
            await asyncio.sleep(0.05)
            os.kill(child(), signal.SIGKILL)
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            told = [answer for answer in answers if isinstance(answer, BaseException)]
            assert [str(error) for error in told] == [
                "the prediction process ended (SIGKILL; is there enough memory?); send the "
                "request again"
            ] * len(told)
            assert len(told) <= 1  # one that was alone in its batch
            assert labels(await served.predict(images[:3]))
        last = child()
        await models.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(last, 0)

    finished(work())
    assert "the prediction process ended (SIGKILL" in caplog.text


def child() -> int:
    """The prediction process, which is the only child."""
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    (found,) = [
        int(pid)
        for pid in text
        if b"dressform.service.prediction_job" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found
