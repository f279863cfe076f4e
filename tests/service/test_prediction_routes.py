"""Predictions over HTTP: the native routes, and the Open Inference Protocol as its clients write
it.
"""

import base64
import gzip
import io
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from dressform.data.dataset import DatasetSplits
from dressform.predictions import softmax
from dressform.runs.run import Run
from dressform.service.database.connection import Database
from dressform.service.http.app import create_app
from dressform.service.keys import Caller
from dressform.service.service import Service
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.serving import Shop, finished, open_shop, png, promote

LENGTH = "Inference-Header-Content-Length"
# both databases are asked the same few questions; test_predicting.py asks them
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
Work = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def shop(database: Database, store: Store, caller: Caller, tiny_run: Run) -> Shop:
    return open_shop(database, store, caller, tiny_run)


@pytest.fixture
def pixels(small: DatasetSplits) -> NDArray[np.uint8]:
    assert small.test is not None
    return small.test.images[:5]


@pytest.fixture
def serve(
    database: Database, store: Store, settings: ServiceSettings, shop: Shop
) -> Callable[[Work], None]:
    """Runs what a client does, against the whole app."""

    @asynccontextmanager
    async def client() -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(Service(database=database, store=store, settings=settings))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8000", headers=shop.headers
            ) as made:
                yield made

    def run(work: Work) -> None:
        async def whole() -> None:
            async with client() as made:
                await work(made)

        finished(whole())

    return run


def photo() -> bytes:
    """A white shirt, more or less, on a grey floor."""
    image = PillowImage.new("RGB", (300, 200), (120, 110, 100))
    image.paste((250, 250, 245), (100, 40, 200, 160))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def error(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    message: str = answer.json()["error"]
    assert "\n" not in message
    return message


def test_native_predictions(
    serve: Callable[[Work], None], shop: Shop, database: Database, pixels: NDArray[np.uint8]
) -> None:
    path = f"/api/v1/projects/{shop.project_id}/predict"

    async def work(client: httpx.AsyncClient) -> None:
        answer = await client.post(path, content=png(pixels[0]))
        assert answer.status_code == 200
        document = answer.json()
        assert document["model"] == {
            "id": shop.model_ids[0],
            "project_id": shop.project_id,
            "version": 1,
        }
        (first,) = document["predictions"]
        assert len(first["top"]) == 10
        assert sum(one["probability"] for one in first["top"]) == pytest.approx(1)
        assert first["top"][0] == {"label": first["label"], "probability": first["probability"]}
        assert (first["abstain"], first["reason"]) == (False, None)
        assert "steps" not in first
        same = await client.post("/api/v1/projects/Shop/predict?top=2", content=png(pixels[0]))
        assert same.json()["predictions"][0]["top"] == first["top"][:2]

        files = [("file", ("a/hat.jpg", photo())), ("image", ("x.txt", b"hello"))]
        answer = await client.post(f"{path}?steps=true&top=3", files=files)
        shown, refused = answer.json()["predictions"]
        assert shown["name"] == "hat.jpg"
        assert len(shown["steps"]) >= 3
        for step in shown["steps"]:
            kind, _, data = step["image"].partition(",")
            assert kind == "data:image/png;base64"
            with PillowImage.open(io.BytesIO(base64.b64decode(data))) as image:
                assert image.size == (step["width"], step["height"])
        assert refused["name"] == "x.txt"
        assert refused["error"].startswith("x.txt is not an image")

        promote(database, shop, 2)
        answer = await client.post(f"/api/v1/models/{shop.model_ids[1]}/predict", content=photo())
        assert answer.json()["model"]["version"] == 2
        assert answer.json()["predictions"][0]["label"].endswith(" 2")
        noise = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
        answer = await client.post(path, content=png(noise))
        (unusual,) = answer.json()["predictions"]
        assert unusual["abstain"] is (unusual["reason"] is not None)

    serve(work)


def test_native_refusals(serve: Callable[[Work], None], shop: Shop) -> None:
    path = f"/api/v1/projects/{shop.project_id}/predict"

    async def work(client: httpx.AsyncClient) -> None:
        image = png(np.zeros((28, 28), np.uint8))
        for query, message in (
            ("top=0", "top is 0; allowed: 1 or more"),
            ("top=x", "top is 'x'; allowed: 1 or more"),
            ("steps=maybe", "steps is 'maybe'; allowed: true or false"),
        ):
            assert message in error(await client.post(f"{path}?{query}", content=image), 422)
        assert "the body is empty" in error(await client.post(path), 422)
        assert "image is not an image" in error(await client.post(path, content=b"hello"), 422)
        damaged = error(await client.post(path, content=image[:-20]), 422)
        assert "image is a damaged image" in damaged
        too_large = await client.post(path, content=bytes(20 * 2**20 + 1))
        assert "more than 20,971,520 bytes" in error(too_large, 413)
        form = await client.post(path, files={"file": (None, "text")})
        assert "part 'file' of the form is no file" in error(form, 422)
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        form = await client.post(path, content=b"--x\r\nhello", headers=headers)
        assert "the form" in error(form, 422)
        many = [("file", (f"{i}.png", image)) for i in range(257)]
        assert "256" in error(await client.post(path, files=many), 422)
        lost = f"/api/v1/projects/{'0' * 32}/predict"
        assert "there is no project" in error(await client.post(lost, content=image), 404)
        training = f"/api/v1/models/{shop.model_ids[2]}/predict"
        assert "still in training" in error(await client.post(training, content=image), 409)
        stranger = await client.post(path, content=image, headers={"Authorization": "Bearer x"})
        error(stranger, 401)

    serve(work)


def test_open_inference_describes_itself(serve: Callable[[Work], None], shop: Shop) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        nobody = {"Authorization": ""}
        for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
            assert (await client.get(path, headers=nobody)).status_code == 200
        error(await client.get(f"/v2/models/{shop.project_id}", headers=nobody), 401)
        about = (await client.get("/v2")).json()
        assert about["extensions"] == ["binary_tensor_data", "model_repository"]
        listed = (await client.post("/v2/repository/index", json={})).json()
        assert [(one["name"], one["version"]) for one in listed] == [
            (shop.project_id, "2"),
            (shop.project_id, "1"),
        ]
        model = (await client.get(f"/v2/models/{shop.project_id}")).json()
        assert model["versions"] == ["2", "1"]
        assert model["inputs"] == [
            {"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}
        ]
        assert [output["name"] for output in model["outputs"]] == ["logits", "probabilities"]
        assert model["outputs"][0]["shape"] == [-1, 10]
        assert (await client.get("/v2/models/Shop/versions/2")).json()["versions"] == ["2"]
        ready = await client.get("/v2/models/Shop/versions/2/ready")
        assert ready.json() == {"name": "Shop", "ready": True}
        assert (await client.get("/v2/models/Shop/ready")).status_code == 200
        error(await client.get("/v2/models/Shop/versions/3/ready"), 409)
        for version in ("7", "-1", "x", "9" * 30):
            error(await client.get(f"/v2/models/Shop/versions/{version}"), 404)
        error(await client.get("/v2/models/Nobody/ready"), 404)

    serve(work)


def test_open_inference_answers_in_json_and_in_bytes(
    serve: Callable[[Work], None], shop: Shop, store: Store, pixels: NDArray[np.uint8]
) -> None:
    tensor: dict[str, Any] = {"name": "images", "datatype": "UINT8", "shape": [5, 28, 28, 1]}
    path = f"/v2/models/{shop.project_id}/infer"

    async def work(client: httpx.AsyncClient) -> None:
        nested = {"id": "a", "inputs": [tensor | {"data": pixels.tolist()}]}
        answer = (await client.post(path, json=nested)).json()
        assert (answer["model_name"], answer["model_version"]) == (shop.project_id, "1")
        assert answer["id"] == "a"
        logits, probabilities = (
            np.array(output["data"], np.float32).reshape(output["shape"])
            for output in answer["outputs"]
        )
        assert [output["datatype"] for output in answer["outputs"]] == ["FP32", "FP32"]
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        card = json.loads(
            (store.model_folder(shop.project_id, 1) / "run" / "model.json").read_text()
        )
        temperature = (card.get("confidence") or {}).get("temperature", 1.0)
        np.testing.assert_allclose(probabilities, softmax(logits / temperature), atol=1e-5)

        # as tritonclient writes it: JSON, then the bytes, their length in a header
        raw = pixels.tobytes()
        document = json.dumps(
            {
                "inputs": [tensor | {"parameters": {"binary_data_size": len(raw)}}],
                "outputs": [
                    {"name": "probabilities", "parameters": {"binary_data": True}},
                    {"name": "logits", "parameters": {"binary_data": False}},
                ],
            }
        ).encode()
        headers = {LENGTH: str(len(document)), "Content-Type": "application/octet-stream"}
        packed = headers | {"Content-Encoding": "gzip"}
        for content, sent in ((document + raw, headers), (gzip.compress(document + raw), packed)):
            answer = await client.post(path, content=content, headers=sent)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "application/octet-stream"
            length = int(answer.headers[LENGTH])
            told, rest = json.loads(answer.content[:length]), answer.content[length:]
            first, second = told["outputs"]
            assert (first["name"], second["name"]) == ("probabilities", "logits")
            assert (
                first["parameters"] == {"binary_data_size": len(rest)} == {"binary_data_size": 200}
            )
            assert "data" not in first
            floats = np.array(struct.unpack("<50f", rest)).reshape(5, 10)
            np.testing.assert_allclose(floats, probabilities, atol=1e-5)
            np.testing.assert_allclose(second["data"], logits.ravel(), atol=1e-4)
        everything = {"parameters": {"binary_data_output": True}}
        answer = await client.post(path, json=nested | everything)
        length = int(answer.headers[LENGTH])
        np.testing.assert_allclose(
            np.frombuffer(answer.content[length:], "<f4").reshape(2, 5, 10)[0], logits, atol=1e-4
        )
        answer = await client.post("/v2/models/Shop/versions/2/infer", json=nested)
        assert answer.json()["model_version"] == "2"

    serve(work)


def test_open_inference_refuses_what_does_not_fit(
    serve: Callable[[Work], None], shop: Shop
) -> None:
    tensor: dict[str, Any] = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28, 1]}
    zeros = [0] * 784
    sized = tensor | {"parameters": {"binary_data_size": 784}}
    path = "/v2/models/Shop/infer"
    refused: list[tuple[object, str]] = [
        ([], "no JSON object"),
        ({}, "inputs is no list of one tensor"),
        ({"inputs": [tensor, tensor]}, "inputs is no list of one tensor"),
        ({"inputs": [tensor | {"name": "x"}]}, "unknown input 'x'"),
        ({"inputs": [tensor | {"datatype": "FP32"}]}, "images is FP32; allowed: UINT8"),
        ({"inputs": [tensor | {"shape": [1, 28, 28]}]}, r"allowed: [N, 28, 28, 1], N from 1"),
        ({"inputs": [tensor | {"shape": [0, 28, 28, 1]}]}, "N from 1"),
        ({"inputs": [tensor | {"shape": [1.5, 28, 28, 1]}]}, "N from 1"),
        ({"inputs": [tensor | {"shape": [10**30, 28, 28, 1], "data": []}]}, "0 values; allowed"),
        ({"inputs": [tensor]}, "images has no data"),
        ({"inputs": [tensor | {"data": zeros[1:]}]}, "783 values; allowed: 784"),
        ({"inputs": [tensor | {"data": [[1], [1, 2]]}]}, "differ in length"),
        ({"inputs": [tensor | {"data": [256, *zeros[1:]]}]}, "other than integers from 0 to 255"),
        ({"inputs": [tensor | {"data": [0.5, *zeros[1:]]}]}, "other than integers"),
        ({"inputs": [tensor | {"data": [10**30, *zeros[1:]]}]}, "other than integers"),
        ({"inputs": [tensor | {"parameters": 1, "data": zeros}]}, "parameters is no JSON object"),
        ({"inputs": [sized]}, "images has 0 bytes, binary_data_size is 784"),
        ({"id": 1, "inputs": [tensor | {"data": zeros}]}, "id is no text"),
        ({"inputs": [tensor | {"data": zeros}], "outputs": [{"name": "x"}]}, "unknown output 'x'"),
        ({"inputs": [tensor | {"data": zeros}], "outputs": [1]}, "outputs is no list of objects"),
        (
            {"inputs": [tensor | {"data": zeros}], "outputs": [{"name": "logits"}] * 2},
            "asked for twice",
        ),
        (
            {
                "inputs": [tensor | {"data": zeros}],
                "outputs": [{"name": "logits", "parameters": {"classification": 3}}],
            },
            "the classification extension is not known here",
        ),
    ]

    async def work(client: httpx.AsyncClient) -> None:
        for document, message in refused:
            assert message in error(await client.post(path, json=document), 422)
        assert "no valid JSON" in error(await client.post(path, content=b"{"), 422)
        assert "nested" in error(await client.post(path, content=b"[" * 100_000), 422)
        document = json.dumps({"inputs": [tensor | {"data": zeros}]}).encode()
        for length in ("x", "-1", "99999999", "9" * 400):
            answer = await client.post(path, content=document, headers={LENGTH: length})
            assert LENGTH in error(answer, 422)
        answer = await client.post(
            path, content=document + b"more", headers={LENGTH: str(len(document))}
        )
        assert "4 bytes follow the JSON" in error(answer, 422)
        for kind, body in (("gzip", b"no"), ("gzip", gzip.compress(document)[:-9]), ("br", b"x")):
            answer = await client.post(path, content=body, headers={"Content-Encoding": kind})
            assert "allowed: gzip or deflate" in error(answer, 422) or kind in answer.text
        bomb = gzip.compress(bytes(201 * 2**20), 1)
        answer = await client.post(path, content=bomb, headers={"Content-Encoding": "gzip"})
        assert "unpacks to more than 209,715,200 bytes" in error(answer, 413)

    serve(work)
