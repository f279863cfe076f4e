"""The five steps of the tutorial's client scripts, as they send them: plain HTTP, nothing of
ours.
"""

import base64
import contextlib
import http.client
import io
import json
import shutil
import socketserver
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import httpx
import numpy as np
import pytest
from PIL import Image as PillowImage

from dressform.core.errors import ConfigError, DataError, DressformError, OutOfTimeError
from dressform.core.files import write_json
from dressform.predictions import Predictions
from dressform.runs.layout import Layout
from dressform.runs.run import Run
from dressform.service import remote_images
from dressform.service.database.tables import Job, Model, Project
from dressform.service.errors import ForbiddenError, TooLargeError
from dressform.service.queue import end
from dressform.service.remote_images import fetch_image, is_public
from tests.service.http.bodies import picture
from tests.service.http.conftest import Live

BASE = "/api/v2/ImageCategorization"
BOUNDARY = "----client-boundary"


class Script:
    """A client that knows only an address and a key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url + BASE
        self._basic = base64.b64encode(f"{key}:".encode()).decode()

    def call(
        self, method: str, path: str, body: bytes = b"", kind: str | None = None
    ) -> tuple[int, dict[str, "object"]]:
        request = urllib.request.Request(self._url + path, body or None, method=method)
        request.add_header("Authorization", f"Basic {self._basic}")
        if kind is not None:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def form(
        self, path: str, parts: list[tuple[str, str | None, bytes]]
    ) -> tuple[int, dict[str, "object"]]:
        """Send parts: name, file name (None: a plain field), content."""
        lines = []
        for name, file, content in parts:
            known = "" if file is None else f'; filename="{file}"'
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{known}\r\n\r\n'
            lines += [head.encode(), content, b"\r\n"]
        body = b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
        return self.call("POST", path, body, f"multipart/form-data; boundary={BOUNDARY}")


def jpeg(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels.squeeze()).save(out, "JPEG", quality=95)
    return out.getvalue()


def finish(live: Live, project_id: str, run: Run) -> None:
    """What a worker does when a training has succeeded."""
    with live.service.database.transaction() as session:
        job = session.query(Job).where(Job.project_id == project_id).one()
        model, project = session.get(Model, job.model_id), session.get(Project, project_id)
        assert model is not None
        assert project is not None
        folder = live.service.store.model_folder(project_id, model.version)
        shutil.copytree(run.path, folder / "run")
        names = run.manifest.dataset.class_names
        result = {"run": "run", "recipe": "fast", "class_names": names, "accuracy": 0.5}
        result |= {"low": 0.4, "high": 0.6, "protocol": "validation", "examples": 20}
        result["held_out"] = 4
        write_json(folder / "result.json", result)
        (folder / "report.html").write_text("<!doctype html><title>Report</title>")
        model.state, model.recipe, model.classes = "ready", "fast", {"names": list(names)}
        project.promoted_id, job.state = model.id, "running"
        end(session, job, "succeeded")


def state_of(script: Script, model_id: str) -> int:
    status, found = script.call("GET", f"/Model/?modelId={model_id}")
    assert status == 200
    assert found["model_id"] == model_id
    assert isinstance(found["status"], str)
    state = found["state"]
    assert isinstance(state, int)
    return state


def test_the_five_scripts(live: Live, tiny_run: Run) -> None:
    script = Script(live.url, live.keys["own", "train"])
    body = urllib.parse.urlencode([("categories", "Bag"), ("categories", "Coat")]).encode()
    status, created = script.call("POST", "/Model/", body, "application/x-www-form-urlencoded")
    assert (status, list(created)) == (200, ["model_id"])
    model_id = str(created["model_id"])
    assert state_of(script, model_id) == 0
    rng = np.random.default_rng(0)
    number = 0
    for category in ("Bag", "Coat"):
        for i in range(10):
            image = jpeg(rng.integers(0, 256, (28, 28), np.uint8))
            name = None if i % 2 else ""  # both ways in which clients send fields
            parts = [
                ("file", f"images/{category}/{i}.jpg", image),
                ("category", name, category.encode()),
                ("modelId", name, model_id.encode()),
            ]
            status, answer = script.form("/UploadFile/", parts[i % 3 :] + parts[: i % 3])
            assert (status, answer["message"]) == (200, "Success"), answer
            number += 1
            if number == 1:
                assert state_of(script, model_id) == 1
    _, found = script.call("GET", f"/Model/?modelId={model_id}")
    assert found["state"] == 2
    assert found["categories"] == [{"name": "Bag", "count": 10}, {"name": "Coat", "count": 10}]
    status, answer = script.call("POST", f"/Train/?modelId={model_id}")
    assert (status, answer["state"], state_of(script, model_id)) == (200, 3, 3)
    status, answer = script.form("/LabelFile/", [("file", "x.jpg", image), parts[2]])
    assert (status, answer["code"]) == (409, 409)
    with live.service.database.transaction() as session:
        session.query(Job).where(Job.project_id == model_id).one().state = "running"
    assert state_of(script, model_id) == 4
    finish(live, model_id, tiny_run)
    assert state_of(script, model_id) == 5
    label = Script(live.url, live.keys["own", "predict"])
    files = [("file", "1.jpg", image), ("file", "no.jpg", b"no image"), ("file", "2.jpg", image)]
    status, answer = label.form("/LabelFile/", [*files, ("modelId", "", model_id.encode())])
    assert (status, answer["message"]) == (200, "Partial")
    results = answer["result"]
    assert isinstance(results, list)
    assert [one["input"] for one in results] == ["1.jpg", "no.jpg", "2.jpg"]
    assert results[1]["prediction"] == []
    assert "no.jpg is not an image" in results[1]["message"]
    probabilities = [one["probability"] for one in results[0]["prediction"]]
    assert {one["label"] for one in results[0]["prediction"]} == set(
        tiny_run.manifest.dataset.class_names
    )
    assert abs(sum(probabilities) - 1) < 1e-4
    assert probabilities == sorted(probabilities, reverse=True)
    status, answer = label.form("/LabelFile/", [files[0], ("modelId", None, model_id.encode())])
    assert answer["message"] == "Success"
    check_downloads(live, model_id)


def check_downloads(live: Live, project_id: str) -> None:
    """What the native API offers of the same model."""
    path = f"/api/v1/projects/{project_id}/models"
    with live.client("predict") as client:
        model = client.get(f"{path}/1").json()
        assert (model["promoted"], model["recipe"]) == (True, "fast")
        report = client.get(model["report"])
        assert report.headers["content-security-policy"].startswith("sandbox allow-scripts")
        assert "allow-same-origin" not in report.headers["content-security-policy"]
        archive = client.get(model["download"])
        assert archive.headers["content-disposition"] == 'attachment; filename="model-1.zip"'
        names = zip_names(archive.content)
        assert {"model.onnx", "model.json", "README.md", "ood_reference.npz"} <= names
        assert b"<title>" in client.get(f"{path}/1/page.html").content
    with live.client("train") as client:
        for answer in (client.delete(f"{path}/1"), client.post(f"{path}/2/promote")):
            assert answer.status_code in (404, 409)
        assert list(live.service.store.temporary.iterdir()) == []
        compared = client.get(f"{path}/compare", params={"a": 1, "b": 1})
        assert (compared.status_code, compared.json()["significant"]) == (200, False)
        count = add_perfect_version(live, project_id)
        better, worse = (
            client.get(f"{path}/compare", params={"a": a, "b": 3 - a}).json() for a in (1, 2)
        )
        assert (better["significant"], worse["significant"]) == (True, True)
        assert better["common"] == worse["common"] == count
        assert "version 2 is better than version 1" in better["sentence"]
        assert "version 1 is worse than version 2" in worse["sentence"]


def add_perfect_version(live: Live, project_id: str) -> int:
    """A second version that was right about every validation image but the last, which it has not
    seen; the number of images that both have.
    """
    store = live.service.store
    first, second = (store.model_folder(project_id, version) for version in (1, 2))
    shutil.copytree(first, second)
    path = Layout(second / "run").predictions("validation")
    found = Predictions.load(path)
    logits = 9 * np.eye(len(found.class_names), dtype=np.float32)[found.labels]
    replace(found, logits=logits).take(np.arange(len(found) - 1)).save(path)
    with live.service.database.transaction() as session:
        session.add(Model(project_id=project_id, version=2, state="ready"))
    return len(found) - 1


def zip_names(content: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def test_what_the_scripts_get_wrong(live: Live, project: str) -> None:
    script = Script(live.url, live.keys["own", "train"])
    model_id = project.rpartition("/")[2]
    image = ("file", "a.png", picture())
    field = ("modelId", None, model_id.encode())
    for path, parts, status, message in (
        ("/Model/", [("name", None, b"x")], 422, "categories are missing"),
        ("/UploadFile/", [image, field], 422, "category is missing"),
        ("/UploadFile/", [image, field, ("category", "", b"Bag")], 404, "it has Hat, Shoe"),
        ("/UploadFile/", [field, ("category", "", b"Hat")], 422, "has no file"),
        ("/UploadFile/", [image, ("category", "", b"Hat")], 422, "modelId is missing"),
        ("/UploadFile/", [image, field, ("category", "", b"\xff")], 422, "is not UTF-8"),
        ("/UploadFile/", [image, field, ("category", "", b"x" * 3000)], 422, "3,000 bytes"),
        ("/UploadFile/", [("file", "a", b"x"), field, ("category", "", b"Hat")], 422, "no image"),
        ("/LabelFile/", [image, ("modelId", "", b"x" * 32)], 404, "there is no project"),
        ("/LabelFile/", [image, field], 409, ""),
    ):
        found, answer = script.form(path, parts)
        message = message.replace("no image", "a is not an image")
        assert (found, message in str(answer["message"])) == (status, True), (path, answer)
        assert answer["code"] == status
    found, answer = script.call("POST", f"/Train/?modelId={model_id}")
    assert (found, "10" in str(answer["message"])) == (409, True)
    host = live.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    connection.request("GET", f"{BASE}/Model/?modelId={model_id}")
    answer_without = connection.getresponse()
    assert answer_without.status == 401
    assert answer_without.getheader("WWW-Authenticate") == 'Basic realm="dressform"'
    connection.close()


def test_urls_are_off_unless_allowed(live: Live, project: str, http: httpx.Client) -> None:
    answer = http.post(
        f"{BASE}/LabelUrls/", data={"modelId": project.rpartition("/")[2], "urls": "http://x/"}
    )
    assert answer.status_code == 409  # no model yet
    assert not live.service.settings.allow_urls


@pytest.mark.parametrize(
    ("address", "port", "public"),
    [
        ("93.184.216.34", 443, True),
        ("2606:2800:220:1::1", 80, True),
        ("93.184.216.34", 22, False),
        ("127.0.0.1", 80, False),
        ("10.1.2.3", 80, False),
        ("169.254.169.254", 80, False),
        ("100.64.0.1", 80, False),
        ("0.0.0.0", 80, False),
        ("224.0.0.1", 80, False),
        ("::1", 80, False),
        ("fe80::1%eth0", 80, False),
        ("fd00::1", 80, False),
        ("::ffff:127.0.0.1", 80, False),
        ("64:ff9b::7f00:1", 80, False),
        ("2002:7f00:1::", 80, False),
    ],
)
def test_public_addresses(address: str, port: int, public: bool) -> None:
    assert is_public(address, port) is public


@pytest.fixture
def web() -> Iterator[str]:
    """A server with an image, redirects, and what is too much."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
                return
            if self.path == "/slow":
                with contextlib.suppress(OSError):
                    for letter in b"HTTP/1.0 200 OK\r\nX-Slow: " + b"x" * 200:
                        self.wfile.write(bytes([letter]))
                        time.sleep(0.02)
                return
            self.send_response(200 if self.path != "/none" else 404)
            self.end_headers()
            self.wfile.write(b"x" * 5000 if self.path == "/large" else b"image")

        def log_message(self, *values: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_images_by_url(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def allows(address: str, port: int) -> bool:
        return web == f"http://{address}:{port}"

    assert fetch_image(f"{web}/a", 1000, allows=allows) == b"image"
    assert fetch_image(f"{web}/to//to//a", 1000, allows=allows) == b"image"
    cases: list[tuple[str, type[DressformError], str]] = [
        (f"{web}/large", TooLargeError, "more than 1,000 bytes"),
        (f"{web}/none", DataError, "answers 404"),
        (f"{web}/to/http://127.0.0.2/", ForbiddenError, "127.0.0.2:80 is no public web address"),
        (f"{web}/to/file:///etc/passwd", ConfigError, "allowed: http:// or https://"),
        (f"{web}/" + "to//" * 9, DataError, "more than 5 times"),
        ("ftp://x/y", ConfigError, "no URL of an image"),
        ("http://x y/", ConfigError, "no URL of an image"),
        ("http://[/", ConfigError, "no URL of an image"),
        ("http://name.invalid/", DataError, "cannot be resolved"),
    ]
    for url, kind, message in cases:
        with pytest.raises(kind, match=message):
            fetch_image(url, 1000, allows=allows)
    with pytest.raises(ForbiddenError, match="no public web address"):
        fetch_image(f"{web}/a", 1000)
    monkeypatch.setattr(remote_images, "SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(OutOfTimeError, match=r"did not arrive within 0\.3 seconds"):
        fetch_image(f"{web}/slow", 1000, allows=allows)
    assert time.monotonic() - began < 2
    monkeypatch.setattr(remote_images, "SECONDS", 0)
    with pytest.raises(OutOfTimeError, match="did not arrive within 0 seconds"):
        fetch_image(f"{web}/a", 1000, allows=allows)
