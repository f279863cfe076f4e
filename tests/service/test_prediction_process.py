"""The process of predictions ends with its server, whatever it is doing."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

import dressform
from dressform.core.errors import ResourceError
from dressform.service import prediction_process
from dressform.service.prediction_process import PredictionProcess, Question

SHIPPED = Path(dressform.__file__).parent / "shipped"


def test_one_that_hangs_is_killed_and_what_waits_is_told_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prediction_process, "STOPPING", 0.2)

    async def work() -> list[object]:
        process = PredictionProcess(max_pixels=10**6)
        await process.open(SHIPPED)
        assert process._running is not None
        os.kill(process._running._process.pid, signal.SIGSTOP)
        large = Question(bytes(2 * 2**20))  # more than the pipe takes
        asked = [asyncio.ensure_future(process.answer(SHIPPED, [large])) for _ in range(3)]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(process.close(), 30)
        return list(await asyncio.gather(*asked, return_exceptions=True))

    with caplog.at_level(logging.ERROR):
        answers = asyncio.run(work())
    assert len(answers) == 3
    for answer in answers:
        assert isinstance(answer, ResourceError)
        assert str(answer) == "the server is stopping; try again later"
    assert caplog.messages == []
