"""The process that answers predictions: its frames, its models, and its end with the server's."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dressform.core.frames import Json, frame, read_frame
from dressform.data.dataset import DatasetSplits
from dressform.predict.bundle import write_onnx
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run
from dressform.service import prediction_job
from dressform.service.prediction_job import OpenModels, serve
from tests.service.serving import png

FILE: Json = {"name": "a.png", "top": 2, "steps": False}


@pytest.fixture
def folder(tiny_run: Run, tmp_path: Path) -> Path:
    write_onnx(tiny_run, tmp_path / "run")
    return tmp_path / "run"


def answers(*frames: bytes) -> dict[int, tuple[Json, bytes]]:
    """What the process answers, by number."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as out:
        serve(io.BytesIO(b"".join(frames)), out)
    found = {}
    with os.fdopen(read, "rb") as stream:
        while (answer := read_frame(stream)) is not None:
            found[answer[0]["number"]] = answer
    return found


def test_files_and_tensors_share_a_frame(folder: Path, small: DatasetSplits) -> None:
    assert small.test is not None
    images = small.test.images[:3]
    sources = [png(images[0]), b"no image", images[1:].tobytes(), images.tobytes()]
    described: list[Json] = [
        FILE,
        FILE | {"name": "b.png"},
        {"shape": images[1:].shape},
        {"shape": (3, 14, 56, 1)},
    ]
    questions = [facts | {"bytes": len(s)} for facts, s in zip(described, sources, strict=True)]
    facts = {"number": 7, "folder": str(folder), "questions": questions, "max_pixels": 10**6}
    told, content = answers(frame(facts, sources))[7]
    first, second, third, fourth = told["answers"]
    prediction = json.loads(content[: first["bytes"]])
    predictor = Predictor(folder)
    assert prediction["label"] == predictor.predict(images[0]).top[0][0]
    assert len(prediction["top"]) == 2
    assert second["error"] == "DataError"
    assert second["message"].startswith("b.png is not an image")
    logits = np.frombuffer(content[first["bytes"] :], "<f4").reshape(third["shape"])
    np.testing.assert_allclose(logits, predictor.logits(images[1:]), atol=1e-5)
    assert fourth["message"].startswith("images are uint8 [3, 14, 56, 1]; allowed: uint8 [N, 28")


def test_a_model_that_cannot_be_opened_is_told_and_the_next_frame_answered(folder: Path) -> None:
    frames = [
        frame({"number": i, "folder": str(path), "questions": []})
        for i, path in enumerate((folder / "none", folder))
    ]
    found = answers(*frames)
    assert found[0][0]["error"] == "RunError"
    assert found[1][0]["answers"] == []


def test_an_image_may_not_declare_more_pixels_than_allowed(
    folder: Path, small: DatasetSplits
) -> None:
    source = png(small.train.images[0])
    questions = [FILE | {"bytes": len(source)}]
    facts = {"number": 0, "folder": str(folder), "questions": questions, "max_pixels": 100}
    told, _ = answers(frame(facts, [source]))[0]
    assert told["answers"][0]["message"] == (
        "a.png is 28 x 28 pixels; allowed: 100 in total; resize it"
    )


def test_models_are_kept_and_the_oldest_makes_room(
    folder: Path, tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_job, "MAX_OPEN", 1)
    write_onnx(tiny_run, tmp_path / "other")
    models = OpenModels()
    first = models.get(str(folder))
    assert models.get(str(folder)) is first
    models.get(str(tmp_path / "other"))
    assert models.get(str(folder)) is not first


def test_only_a_network_that_takes_long_has_several_threads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    opened = Predictor.__init__

    def open_with(self: Predictor, *args: object, **options: object) -> None:
        asked.append(options.get("threads"))
        opened(self, *args, **options)

    monkeypatch.setattr(Predictor, "__init__", open_with)
    for limit in (100.0, 0.0):
        monkeypatch.setattr(prediction_job, "SMALL_MODEL", limit)
        OpenModels().get(str(folder))
    assert asked == [1, 1, None]


def test_it_ends_when_its_server_is_killed(folder: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from dressform.service.prediction_process import PredictionProcess\n"
        "async def main():\n"
        "    process = PredictionProcess(10**6)\n"
        f"    await process.open(Path({str(folder)!r}))\n"
        "    print(process._running._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        os.kill(pid, 0)
        server.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until and _is_running(pid):
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
