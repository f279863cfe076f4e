"""Requests that would take the service's memory, time or disk, and such as nobody sends."""

import base64
import gzip
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from dressform.runs.run import Run
from dressform.service import projects
from dressform.service.errors import UnansweredError
from dressform.service.http.limits import MAX_JSON, MAX_SIGN_IN, Limits
from dressform.service.http.tensors import HEADER_LENGTH, MAX_OBJECTS
from tests.service.http.bodies import picture, zip_of
from tests.service.http.conftest import Live
from tests.service.http.test_nanonets import finish
from tests.service.http.test_routes import prepared, upload


def left(live: Live) -> list[Path]:
    """What is in the temporary folder, once the last request has ended on the server's side."""
    until = time.monotonic() + 5
    while time.monotonic() < until and any(live.service.store.temporary.iterdir()):
        time.sleep(0.01)
    return list(live.service.store.temporary.iterdir())


@pytest.fixture
def model(http: httpx.Client, project: str, live: Live, tiny_run: Run) -> str:
    """Path of a ready version."""
    prepared(http, project)
    finish(live, project.rpartition("/")[2], tiny_run)
    return f"{project}/models/1"


@pytest.mark.parametrize("kind", ["application/json", "application/a+json", "text/plain", ""])
def test_no_body_is_read_before_the_key(live: Live, project: str, kind: str) -> None:
    body = b"[" + b"{}," * 400_000 + b"{}]"
    with live.client(None) as nobody:
        for path in ("/api/v1/projects", f"{project}/images/zip", "/api/v1/keys"):
            answer = nobody.post(path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 401, (path, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        answer = nobody.post("/api/v1/session", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, f"{MAX_SIGN_IN:,} bytes" in answer.text) == (413, True)


@pytest.mark.parametrize("kind", ["application/a+json", "text/plain"])
def test_only_uploads_may_be_large_whatever_they_call_themselves(
    http: httpx.Client, project: str, kind: str
) -> None:
    body = b" " * (MAX_JSON + 1)
    answer = http.post("/api/v1/projects", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, f"{MAX_JSON:,} bytes" in answer.text) == (413, True)


def test_small_bodies_arrive_beside_large_ones(live: Live, http: httpx.Client) -> None:
    limits: Any = live.app.middleware_stack
    while not isinstance(limits, Limits):
        limits = getattr(limits, "app", None) or limits._app
    limits._arriving = 10**12  # bytes of others
    try:
        assert http.post("/api/v1/projects", json={"name": "Beside"}).status_code == 201
    finally:
        limits._arriving = 0


def test_a_large_value_is_not_written_out(http: httpx.Client, project: str) -> None:
    answer = http.post("/api/v1/projects", json={"name": [{"a": "x" * 1000}] * 1000})
    assert answer.status_code == 422
    assert len(answer.json()["error"]) < 200


def test_json_of_tensors_is_bounded(http: httpx.Client, project: str, model: str) -> None:
    infer = f"/v2/models/{project.rpartition('/')[2]}/infer"
    objects = gzip.compress(b'{"inputs": [' + b"{}," * (MAX_OBJECTS + 1) + b"{}]}")
    answer = http.post(infer, content=objects, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, "objects" in answer.text) == (422, True)
    for length in ("0" * 5000, "9" * 25, "-1", "x"):
        answer = http.post(infer, content=b"{}", headers={HEADER_LENGTH: length})
        assert (answer.status_code, HEADER_LENGTH in answer.text) == (422, True), length


@pytest.mark.parametrize("file", ["download.zip", "page.html"])
def test_downloads_leave_nothing_behind(
    http: httpx.Client, model: str, live: Live, file: str
) -> None:
    for wanted in (None, "bytes=9999999999-", "bytes=x-y", "bytes=0-9"):
        headers = {} if wanted is None else {"Range": wanted}
        answer = http.get(f"{model}/{file}", headers=headers)
        assert answer.status_code in (200, 206, 400, 416), wanted
        assert left(live) == [], wanted


def test_a_refused_upload_leaves_nothing_behind(
    http: httpx.Client, project: str, live: Live
) -> None:
    content = zip_of({"Hat/1.png": picture(1)})
    answer = http.post(f"{project}/images/zip", content=content, params={"labels": "bogus"})
    assert answer.status_code == 422
    assert left(live) == []


@pytest.mark.parametrize(
    "table",
    [
        "image,label\nHat/1.png,Hat\nShoe/1.png,Shoe\n",
        "image,label\n1.png,Hat\n1.png,Shoe\n",
        "image,label\n1.png,Hat\nx/1.png,\n",
    ],
)
def test_a_table_with_two_labels_for_an_image_changes_nothing(
    http: httpx.Client, project: str, table: str
) -> None:
    files = [("file", ("1.png", picture(seed))) for seed in (1, 2)]
    http.post(f"{project}/images", files=files)
    answer = http.put(f"{project}/labels.csv", content=table)
    assert answer.status_code == 422
    assert "two labels" in answer.json()["error"]
    assert http.get(project).json()["labelled"] == 0


def test_one_label_under_two_names_is_one(http: httpx.Client, project: str) -> None:
    (image,) = upload(http, project, range(1), None)
    table = f"image,label\n{image},Hat\na/00.png,Hat\nb/00.png,Hat\n"
    answer = http.put(f"{project}/labels.csv", content=table)
    assert answer.json() == {"labelled": 1, "unknown": []}


def test_what_is_no_number_or_address_is_refused(
    http: httpx.Client, project: str, live: Live
) -> None:
    with live.client(None) as nobody:
        body, headers = {"token": "x"}, {"Origin": "http://[x"}
        assert nobody.post("/api/v1/session", json=body, headers=headers).status_code == 403
    job = prepared(http, project)["id"]
    http.post(f"{project}/jobs/{job}/cancel")
    last = {"Last-Event-ID": "123456789012345678x"}
    assert http.get(f"{project}/jobs/{job}/events", headers=last).status_code == 200
    for name, sort, value in (
        ("created", "newest", "0001-01-01T00:00:00"),
        ("created", "newest", "9999-12-31T23:59:59-14:00"),
        ("usefulness", "usefulness", 10**400),
        ("name", "name", "a\0b"),
    ):
        text = json.dumps([name, value, "0" * 32])
        cursor = base64.urlsafe_b64encode(text.encode()).decode()
        answer = http.get(f"{project}/images", params={"sort": sort, "cursor": cursor})
        assert answer.status_code in (200, 422), (name, answer.text)
    for path in ("/v2/models/%00", "/v2/models/a%00b", "/v2/models/x%00/versions/1"):
        assert http.get(path).status_code == 404
    for path in ("/api/v1/projects/a%00/predict", f"/api/v1/models/{'%00' * 32}/predict"):
        assert http.post(path, content=b"x").status_code == 404


def test_lost_files_are_the_service_s_fault_and_have_no_path(
    http: httpx.Client, project: str, model: str, live: Live
) -> None:
    project_id = project.rpartition("/")[2]
    (live.service.store.model_folder(project_id, 1) / "result.json").unlink()
    live.app.state.models.forget(project_id)
    answers = [
        http.get(f"{model}/download.zip"),
        http.get(f"{model}/page.html"),
        http.get(f"{project}/models/compare", params={"a": 1, "b": 1}),
        http.post(f"{project}/predict", content=picture(1)),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert "files of version 1 are missing or damaged" in answer.text
        assert str(live.service.store.root) not in answer.text


def test_a_project_that_cannot_be_deleted_keeps_its_files(
    http: httpx.Client, project: str, model: str, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = live.service.store.model_folder(project.rpartition("/")[2], 1)

    delete = projects.delete_project

    def fails(*arguments: Any) -> None:
        delete(*arguments)
        raise UnansweredError("the database does not answer: disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(projects, "delete_project", fails)
        assert http.delete(project).status_code == 503
    assert (folder / "result.json").is_file()
    assert http.get(project).status_code == 200
    assert http.delete(project).status_code == 204
    assert not folder.exists()
