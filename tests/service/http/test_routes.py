"""The native protocol: what each route answers."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import dressform
from dressform.client import client as client_module
from dressform.client.client import Client
from dressform.client.records import ServiceError
from dressform.core.errors import ConfigError, DataError, ResourceError
from dressform.runs.run import Run
from dressform.service import queue
from dressform.service.database.connection import Database
from dressform.service.database.tables import Image, Job, Model
from dressform.service.errors import UnansweredError
from tests.service.http.bodies import picture, zip_of
from tests.service.http.conftest import Live
from tests.service.http.test_nanonets import finish


def upload(http: httpx.Client, project: str, seeds: range, label: str | None) -> list[str]:
    """Ids of new images."""
    files = [("file", (f"{i:02d}.png", picture(i, (6, 5)))) for i in seeds]
    params = {} if label is None else {"label": label}
    answer = http.post(f"{project}/images", files=files, params=params)
    return [image["id"] for image in answer.json()["images"]]


def pages(http: httpx.Client, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    while True:
        answer = http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        yield answer.json()["images"]
        params["cursor"] = answer.json()["next"]
        if params["cursor"] is None:
            return


def test_projects(http: httpx.Client) -> None:
    body = {"name": " Café ", "classes": ["Hat", "Shoe"], "budget": 60}
    answer = http.post("/api/v1/projects", json=body)
    assert answer.status_code == 201
    created = answer.json()
    assert (created["name"], created["budget"], created["images"]) == ("Café", 60, 0)
    assert [one["name"] for one in created["classes"]] == ["Hat", "Shoe"]
    assert created["created"].endswith("Z")
    assert "10" in created["missing"]
    path = f"/api/v1/projects/{created['id']}"
    assert http.get(path).json() == created
    assert created in http.get("/api/v1/projects").json()["projects"]
    assert http.post("/api/v1/projects", json={"name": "Cafe\u0301"}).status_code == 409
    changed = http.patch(path, json={"name": "Shop", "budget": 90}).json()
    assert (changed["name"], changed["budget"]) == ("Shop", 90)
    for bad, status in (
        ({"budget": 29}, 422),
        ({"budget": "x"}, 422),
        ({"name": ""}, 422),
        ({"name": "a\u0000b"}, 422),
        ({"name": "\ud800"}, 422),
        ({"nam": "x"}, 422),
        ([], 422),
    ):
        answer = http.patch(
            path, content=json.dumps(bad), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
        assert list(answer.json()) == ["error"]
        assert "\n" not in answer.json()["error"]
    headers = {"Content-Type": "application/json"}
    answer = http.patch(path, content="{", headers=headers)
    assert (answer.status_code, "no valid JSON" in answer.text) == (400, True)
    assert "application/json" in http.patch(path, content="{}").text
    assert http.delete(path).status_code == 204
    for gone in (path, "/api/v1/projects/x", "/api/v1/projects/" + "%00" * 32):
        assert http.get(gone).status_code == 404


def test_classes(http: httpx.Client, project: str) -> None:
    bag = http.post(f"{project}/classes", json={"name": "Bag"})
    assert (bag.status_code, bag.json()["position"]) == (201, 2)
    assert http.post(f"{project}/classes", json={"name": "Bag"}).status_code == 409
    upload(http, project, range(2), "Bag")
    path = f"{project}/classes/{bag.json()['id']}"
    assert http.patch(path, json={"name": "Hat"}).status_code == 409
    renamed = http.patch(path, json={"name": "Coat"}).json()
    assert (renamed["name"], renamed["images"]) == ("Coat", 2)
    assert http.patch(path, json={"name": "Coat"}).status_code == 200
    assert [one["name"] for one in http.get(f"{project}/classes").json()["classes"]] == [
        "Hat",
        "Shoe",
        "Coat",
    ]
    assert http.delete(path).status_code == 204
    found = http.get(project).json()
    assert (found["unlabelled"], len(found["classes"])) == (2, 2)
    assert http.delete(path).status_code == 404


def test_lists_of_images(http: httpx.Client, project: str, live: Live) -> None:
    hats = upload(http, project, range(5), "Hat")
    rest = upload(http, project, range(5, 12), None)
    path = f"{project}/images"
    assert [image["id"] for page in pages(http, path, limit=5) for image in page] == [
        *reversed(rest),
        *reversed(hats),
    ]
    for params, expected in (
        ({"label": "Hat", "sort": "oldest", "limit": 2}, hats),
        ({"state": "unlabelled", "sort": "name", "limit": 3}, rest),
        ({"state": "labelled", "sort": "name", "limit": 500}, hats),
        ({"state": "problem"}, []),
    ):
        found = [image["id"] for page in pages(http, path, **params) for image in page]
        assert found == expected, params
    with live.service.database.transaction() as session:
        for number, image_id in enumerate(rest[:4]):
            image = session.get(Image, image_id)
            assert image is not None
            image.usefulness, image.suggested_probability = number / 10, 0.6
            hat = session.get(Image, hats[0])
            assert hat is not None
            image.suggested_id = hat.category_id
    params = {"state": "unlabelled", "sort": "usefulness", "limit": 2}
    found = []
    for page in pages(http, path, **params):
        found += [image["id"] for image in page]
        # What is labelled meanwhile makes nothing else vanish from the pages.
        http.patch(f"{path}/{page[0]['id']}", json={"label": "Shoe"})
    assert found[:4] == [rest[3], rest[2], rest[1], rest[0]]
    assert set(found) == set(rest)
    image = http.get(f"{path}/{rest[2]}").json()
    assert image["suggestion"] is None or image["label"] is None
    first = http.get(path, params={"limit": 1}).json()
    assert first["total"] == 12
    for bad in (
        {"cursor": first["next"], "sort": "name"},
        {"cursor": "x"},
        {"cursor": "e30="},
        {"limit": 0},
        {"limit": 501},
        {"sort": "size"},
        {"label": "None such"},
    ):
        answer = http.get(path, params=bad)
        assert answer.status_code == (404 if "label" in bad else 422), bad


def test_labels(http: httpx.Client, project: str) -> None:
    ids = upload(http, project, range(6), None)
    path = f"{project}/labels"
    labels = [{"image_id": one, "label": "New"} for one in ids[:3]]
    assert http.put(path, json={"labels": labels}).json() == {"labelled": 3, "unknown": []}
    wrong = [{"image_id": one, "label": None} for one in (ids[0], "f" * 32)]
    answer = http.put(path, json={"labels": wrong})
    assert (answer.status_code, "nothing was changed" in answer.text) == (404, True)
    assert http.get(project).json()["labelled"] == 3
    image = http.get(f"{project}/images/{ids[4]}").json()
    table = f"file,label\n{ids[3]},Hat\n{image['sha256']},Shoe\nx/05.png,Hat\n00.png,\nno.png,Hat\n"
    assert http.put(f"{path}.csv", content=table).json() == {"labelled": 4, "unknown": ["no.png"]}
    counts = {one["name"]: one["images"] for one in http.get(project).json()["classes"]}
    assert counts == {"Hat": 2, "Shoe": 1, "New": 2}
    for bad, message in (
        (b"", "the body is empty"),
        (b"a,b\n", "the columns a, b; none of them is for images"),
        (b"image\n", "none of them is for labels"),
        (b"\xff", "not UTF-8"),
        (b"image,label\n\x00", "no text"),
        (b'image,label\n"' + b"x" * 200_000, "cannot be read as CSV"),
    ):
        answer = http.put(f"{path}.csv", content=bad)
        assert (answer.status_code, message in answer.text) == (422, True), answer.text
    listing = http.get(f"{project}/images.csv")
    assert listing.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(listing.text.splitlines()) == 7
    assert http.put(f"{path}.csv", content=listing.content).json()["labelled"] == 6
    deleted = http.post(f"{project}/images/delete", json={"ids": [*ids[:2], "none"]})
    assert deleted.json() == {"deleted": 2}
    assert http.delete(f"{project}/images/{ids[2]}").status_code == 204
    assert http.get(f"{project}/images/{ids[2]}/thumbnail").status_code == 404
    assert http.get(project).json()["images"] == 3
    usage = http.get("/api/v1/storage").json()
    assert usage["images"] >= 3
    assert usage["limit"] == 50 * 2**30


def prepared(http: httpx.Client, project: str) -> dict[str, Any]:
    """A training that waits."""
    upload(http, project, range(10), "Hat")
    upload(http, project, range(10, 20), "Shoe")
    assert http.get(project).json()["missing"] is None
    answer = http.post(f"{project}/trainings")
    assert answer.status_code == 202
    found: dict[str, Any] = answer.json()
    return found


def test_jobs_and_their_events(http: httpx.Client, project: str, live: Live) -> None:
    answer = http.post(f"{project}/trainings")
    assert (answer.status_code, "10" in answer.text) == (409, True)
    job = prepared(http, project)
    assert (job["state"], job["version"]) == ("queued", 1)
    assert http.post(f"{project}/trainings").status_code == 409
    path = f"{project}/jobs/{job['id']}"
    assert http.get(f"{project}/jobs").json()["jobs"] == [job]
    assert http.get(project).json()["job"] == job
    database = live.service.database

    def work() -> None:
        for epoch in (1, 2, 3):
            with database.transaction() as session:
                row = session.get(Job, job["id"])
                assert row is not None
                row.state = "running"
                queue.report_progress(session, row, {"epoch": epoch, "epochs": 3})
        with database.transaction() as session:
            row = session.get(Job, job["id"])
            assert row is not None
            queue.end(session, row, "failed", "no memory")

    worker = threading.Timer(0.2, work)
    worker.start()
    with http.stream("GET", f"{path}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = stream.read().decode()
    worker.join()
    events = [block.splitlines() for block in text.strip().split("\n\n")]
    assert [lines[1] for lines in events] == ["event: progress"] * 4 + ["event: end"]
    data = [json.loads(lines[2].removeprefix("data: ")) for lines in events]
    assert [one.get("epoch") for one in data[:3]] == [1, 2, 3]
    assert data[0]["time"].endswith("Z")
    assert (data[-1]["state"], data[-1]["error"]) == ("failed", "no memory")
    second = events[1][0].removeprefix("id: ")
    again = http.get(f"{path}/events", headers={"Last-Event-ID": second}).text
    assert again.count("event: progress") == 2
    assert http.get(f"{path}/events", headers={"Last-Event-ID": "x"}).text == text
    assert http.get(f"{project}/jobs/{'0' * 32}/events").status_code == 404
    waiting = http.post(f"{project}/trainings").json()
    cancelled = http.post(f"{project}/jobs/{waiting['id']}/cancel").json()
    assert (cancelled["state"], cancelled["version"]) == ("cancelled", 2)
    assert http.post(f"{path}/cancel").json()["state"] == "failed"
    assert [one["version"] for one in http.get(f"{project}/jobs").json()["jobs"]] == [2, 1]


def test_versions(http: httpx.Client, project: str, live: Live) -> None:
    project_id = project.rpartition("/")[2]
    with live.service.database.transaction() as session:
        for version, state in ((1, "ready"), (2, "ready"), (3, "failed"), (4, "training")):
            session.add(Model(project_id=project_id, version=version, state=state))
    path = f"{project}/models"
    assert [one["version"] for one in http.get(path).json()["models"]] == [4, 3, 2, 1]
    for version in (2, 1):
        promoted = http.post(f"{path}/{version}/promote").json()
        assert (promoted["promoted"], promoted["version"]) == (True, version)
    assert http.get(project).json()["model"]["version"] == 1
    for method, which, status, message in (
        ("POST", "3/promote", 409, "of a failed training"),
        ("POST", "4/promote", 409, "still being trained"),
        ("POST", "5/promote", 404, "has no version 5"),
        ("DELETE", "1", 409, "promote another one first"),
        ("DELETE", "4", 409, "cancel its job first"),
        ("GET", "0", 422, "greater than or equal to 1"),
        ("GET", "3/report.html", 409, "of a failed training"),
    ):
        answer = http.request(method, f"{path}/{which}")
        assert (answer.status_code, message in answer.text) == (status, True), answer.text
    assert http.delete(f"{path}/2").status_code == 204
    found = http.get(f"{path}/2").json()
    assert (found["state"], found["report"], found["download"]) == ("deleted", None, None)


def test_keys_audit_and_metrics(http: httpx.Client, project: str) -> None:
    created = http.post("/api/v1/keys", json={"name": "till", "scope": "predict"}).json()
    assert created["secret"].startswith(created["key"]["prefix"])
    assert created["key"] in http.get("/api/v1/keys").json()["keys"]
    for bad in ({"name": "x", "scope": "root"}, {"name": " ", "scope": "train"}, {"name": "x"}):
        assert http.post("/api/v1/keys", json=bad).status_code == 422
    assert http.delete(f"/api/v1/keys/{'0' * 32}").status_code == 404
    page = http.get("/api/v1/audit", params={"limit": 2}).json()
    assert page["entries"][0]["action"] == "key.create"
    assert page["entries"][0]["address"] == "127.0.0.1"
    older = http.get("/api/v1/audit", params={"limit": 2, "before": page["next"]}).json()
    assert older["entries"][0]["id"] < page["entries"][1]["id"]
    text = http.get("/metrics").text
    assert 'dressform_requests_total{method="POST",route="/api/v1/keys",status="201"}' in text
    assert "dressform_jobs{state=" in text
    assert project not in text
    assert http.get("/readyz").json() == {"status": "ok"}
    schema = http.get("/openapi.json").json()
    assert "/api/v1/projects/{project_id}/images" in schema["paths"]


def test_the_client(live: Live, tiny_run: Run, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for i in range(20):
        folder = photos / ("Hat" if i % 2 else "Shoe")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(picture(i))
    (photos / "Hat" / "bad.png").write_bytes(b"no image")
    (photos / "Hat" / ".hidden.png").write_bytes(picture(99))
    (photos / "notes.txt").write_text("of the photographer")
    (tmp_path / "more.zip").write_bytes(
        zip_of({"photos/Bag/1.png": picture(50), "photos/unlabelled/2.png": picture(51)})
    )
    with dressform.Client(live.url, live.keys["own", "admin"]) as client:
        shop = client.create_project("Client's shop", ["Hat"], budget=60)
        found = shop.upload(photos)
        assert (found.added, found.known) == (20, 0)
        assert [one.name for one in found.refused] == ["bad.png"]
        assert found.left_out == ("Hat/.hidden.png", "notes.txt")
        assert shop.upload(photos / "Hat" / "1.png", "Shoe").known == 1
        assert shop.upload(photos / "Hat" / "1.png", "Hat").known == 1
        assert shop.counts() == {"Hat": 10, "Shoe": 10}
        assert [one.id for one in client.projects() if one.name == shop.name] == [shop.id]
        seen: list[Any] = []
        worker = threading.Timer(0.5, finish, (live, shop.id, tiny_run))
        worker.start()
        model = shop.train(progress=seen.append)
        worker.join()
        assert (model.version, model.state, model.promoted) == (1, "ready", True)
        assert seen[-1]["state"] == "succeeded"
        assert shop.models() == [model]
        assert shop.promote(1) == model
        first, second, bad = shop.predict(photos / "Hat" / "1.png", picture(3), b"no image")
        assert first.label in model.classes
        assert first.top[0] == (first.label, first.probability)
        assert second.name == "image 2"
        assert (bad.label, "is not an image" in str(bad.error)) == (None, True)
        assert shop.download(1, tmp_path / "model.zip").stat().st_size > 1000
        assert shop.upload(tmp_path / "more.zip").added == 2
        assert shop.counts() == {"Hat": 10, "Shoe": 10, "Bag": 1}
        with pytest.raises(ServiceError, match="Bag") as refused:
            shop.train()
        assert refused.value.status == 409
        with pytest.raises(DataError, match="does not exist"):
            shop.upload(tmp_path / "none")
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match="has no images"):
            shop.upload(tmp_path / "empty")
        with pytest.raises(DataError, match="cannot be read"):
            shop.predict(tmp_path / "none.png")
        with pytest.raises(ConfigError, match="there is no project 'x'; available: "):
            client.project("x")
        assert client.project("Client's shop").id == shop.id
        shop.delete()
        with pytest.raises(ServiceError, match="there is no project"):
            shop.counts()


def test_clients_that_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(client_module.KEY_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="there is no key; give key='df_…', or set DRESSFORM_KEY"):
        Client()
    with pytest.raises(ConfigError, match="url is 'localhost'; allowed: http://HOST:PORT"):
        Client("localhost", "df_x")
    with pytest.raises(ConfigError, match="allowed: above 0 seconds"):
        Client(key="df_x", timeout=0)
    with (
        Client("http://127.0.0.1:9", "df_x") as client,
        pytest.raises(ResourceError, match="cannot be reached .*; is dressform serve running"),
    ):
        client.projects()
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(
        ConfigError,
        match=r"needs the package httpx; pip install "
        r"'dressform\[serve\]'",
    ):
        Client(key="df_x")


def test_what_the_database_says_is_for_the_operator(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A driver's message may name hosts and paths."""

    def gone(*_: object) -> None:
        raise UnansweredError("the database does not answer: no socket /var/run/secret")

    monkeypatch.setattr(Database, "reading", gone)
    with live.client() as client:
        answer = client.get("/api/v1/projects")
    assert answer.status_code == 503
    assert answer.json() == {"error": "the database does not answer; try again later"}
    assert answer.headers["Retry-After"] == "5"
    assert "no socket /var/run/secret" in caplog.text
