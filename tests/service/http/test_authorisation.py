"""Every route by every key for every owner. A route that is missing in the table fails."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.service.http.bodies import picture, zip_of
from tests.service.http.conftest import Live
from tests.service.http.owned import Owned, owned

P = "/api/v1/projects/{project_id}"
N = "/api/v2/ImageCategorization"
NAMED: dict[str, Any] = {"json": {"name": "New name"}}
FORM: dict[str, Any] = {"files": [("file", ("a.png", picture()))]}
RANK = {None: 0, "predict": 1, "train": 2, "admin": 3}

ROUTES: dict[tuple[str, str], tuple[str | None, dict[str, Any]]] = {
    ("GET", "/healthz"): (None, {}),
    ("GET", "/readyz"): (None, {}),
    ("GET", "/metrics"): ("admin", {}),
    ("POST", "/api/v1/session"): (None, {"json": {"key": "df_unknown"}}),
    ("GET", "/api/v1/session"): ("predict", {}),
    ("DELETE", "/api/v1/session"): ("predict", {}),
    ("GET", "/api/v1/projects"): ("predict", {}),
    ("POST", "/api/v1/projects"): ("train", {"json": {}}),
    ("GET", P): ("predict", {}),
    ("PATCH", P): ("train", {"json": {"budget": 60}}),
    ("DELETE", P): ("train", {}),
    ("GET", f"{P}/classes"): ("predict", {}),
    ("POST", f"{P}/classes"): ("train", NAMED),
    ("PATCH", f"{P}/classes/{{class_id}}"): ("train", NAMED),
    ("DELETE", f"{P}/classes/{{class_id}}"): ("train", {}),
    ("POST", f"{P}/images"): ("train", FORM),
    ("POST", f"{P}/images/zip"): ("train", {"content": zip_of({"Hat/1.png": picture(1)})}),
    ("GET", f"{P}/images"): ("train", {}),
    ("GET", f"{P}/images/{{image_id}}"): ("train", {}),
    ("PATCH", f"{P}/images/{{image_id}}"): ("train", {"json": {"label": None}}),
    ("DELETE", f"{P}/images/{{image_id}}"): ("train", {}),
    ("GET", f"{P}/images/{{image_id}}/thumbnail"): ("train", {}),
    ("GET", f"{P}/images/{{image_id}}/original"): ("train", {}),
    ("POST", f"{P}/images/delete"): ("train", {"json": {"ids": []}}),
    ("PUT", f"{P}/labels"): ("train", {"json": {"labels": []}}),
    ("PUT", f"{P}/labels.csv"): ("train", {"content": "image,label\na.png,Hat\n"}),
    ("GET", f"{P}/images.csv"): ("train", {}),
    ("GET", f"{P}/dataset.zip"): ("train", {}),
    ("GET", "/api/v1/storage"): ("train", {}),
    ("POST", f"{P}/trainings"): ("train", {}),
    ("GET", f"{P}/jobs"): ("predict", {}),
    ("GET", f"{P}/jobs/{{job_id}}"): ("predict", {}),
    ("POST", f"{P}/jobs/{{job_id}}/cancel"): ("train", {}),
    ("GET", f"{P}/jobs/{{job_id}}/events"): ("predict", {}),
    ("GET", f"{P}/models"): ("predict", {}),
    ("GET", f"{P}/models/compare"): ("train", {"params": {"a": 1, "b": 2}}),
    ("GET", f"{P}/models/{{version}}"): ("predict", {}),
    ("POST", f"{P}/models/{{version}}/promote"): ("train", {}),
    ("DELETE", f"{P}/models/{{version}}"): ("train", {}),
    ("GET", f"{P}/models/{{version}}/report.html"): ("predict", {}),
    ("GET", f"{P}/models/{{version}}/download.zip"): ("predict", {}),
    ("GET", f"{P}/models/{{version}}/page.html"): ("predict", {}),
    ("GET", "/api/v1/keys"): ("admin", {}),
    ("POST", "/api/v1/keys"): ("admin", {"json": {"name": "x", "scope": "predict"}}),
    ("DELETE", "/api/v1/keys/{key_id}"): ("admin", {}),
    ("GET", "/api/v1/audit"): ("admin", {}),
    ("POST", f"{N}/Model/"): ("train", {"data": {"categories": ["Hat", "Shoe"]}}),
    ("GET", f"{N}/Model/"): ("predict", {"params": {"modelId": "{project_id}"}}),
    ("POST", f"{N}/UploadFile/"): (
        "train",
        {**FORM, "data": {"category": "Hat", "modelId": "{project_id}"}},
    ),
    ("POST", f"{N}/Train/"): ("train", {"params": {"modelId": "{project_id}"}}),
    ("POST", f"{N}/LabelFile/"): ("predict", {**FORM, "params": {"modelId": "{project_id}"}}),
    ("POST", f"{N}/LabelUrls/"): ("predict", {**FORM, "params": {"modelId": "{project_id}"}}),
    ("POST", f"{P}/predict"): ("predict", {"content": picture()}),
    ("POST", "/api/v1/models/{model_id}/predict"): ("predict", {"content": picture()}),
    ("GET", "/v2"): (None, {}),
    ("GET", "/v2/health/live"): (None, {}),
    ("GET", "/v2/health/ready"): (None, {}),
    ("POST", "/v2/repository/index"): ("predict", {"json": {}}),
    ("GET", "/v2/models/{model}"): ("predict", {}),
    ("GET", "/v2/models/{model}/ready"): ("predict", {}),
    ("GET", "/v2/models/{model}/versions/{version}"): ("predict", {}),
    ("GET", "/v2/models/{model}/versions/{version}/ready"): ("predict", {}),
    ("POST", "/v2/models/{model}/infer"): ("predict", {"json": {"inputs": []}}),
    ("POST", "/v2/models/{model}/versions/{version}/infer"): (
        "predict",
        {"json": {"inputs": []}},
    ),
    ("GET", "/"): (None, {}),
    ("GET", "/static/{digest}/{path:path}"): (None, {}),
}
FILES_NEEDED = (
    "report.html",
    "download.zip",
    "page.html",
    "/predict",
    "/LabelFile/",
    "/LabelUrls/",
)
"""These need a model's files, which the projects of this test have not."""


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of included routers too."""
    pending: list[Any] = list(app.routes)
    while pending:
        route = pending.pop()
        included = getattr(route, "original_router", None)
        if included is not None:
            pending += included.routes
        elif isinstance(route, APIRoute):
            for method in route.methods or ():
                yield method, route.path


def send(client: httpx.Client, route: tuple[str, str], things: Owned) -> httpx.Response:
    method, path = route
    names = asdict(things)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return value.format_map(names) if value == "{project_id}" else value

    _, body = ROUTES[route]
    return client.request(
        method,
        path.replace(":path", "").format_map(
            {**names, "model": things.project_id, "digest": "0", "path": "x"}
        ),
        **filled(body),
    )


def test_the_table_has_every_route(live: Live) -> None:
    found = set(routes_of(live.app))
    assert ("GET", P) in found
    assert found - set(ROUTES) == set()


@pytest.mark.parametrize("scope", [None, "predict", "train", "admin"])
def test_who_may_what(live: Live, scope: str | None) -> None:
    other = owned(live, "other")
    wrong = []
    with live.client(scope) as client:
        for route in sorted(set(routes_of(live.app))):
            needed, _ = ROUTES[route]
            own = owned(live, "own")
            for whose, things in (("own", own), ("other's", other)):
                status = send(client, route, things).status_code
                if not _is_right(route, needed, scope, whose, status):
                    wrong.append((route, scope, whose, status))
    assert wrong == []
    # Nothing of the other tenant's was changed by any of them.
    with live.client("admin", "other") as client:
        path = f"/api/v1/projects/{other.project_id}"
        project = client.get(path).json()
        assert (project["images"], project["model"]["version"]) == (1, 2)
        assert [one["state"] for one in client.get(f"{path}/models").json()["models"]] == [
            "ready",
            "ready",
        ]
        keys = {key["id"]: key["revoked"] for key in client.get("/api/v1/keys").json()["keys"]}
        assert keys[other.key_id] is None


def _is_right(
    route: tuple[str, str], needed: str | None, scope: str | None, whose: str, status: int
) -> bool:
    _, path = route
    if needed is None:
        if route == ("POST", "/api/v1/session"):
            return status == 401  # the key in its body is none
        return status in (200, 404) if "static" in path else status == 200
    if scope is None:
        return status == 401
    if RANK[scope] < RANK[needed]:
        return status == 403
    foreign = "{" in path or (path.startswith(N) and path != f"{N}/Model/")
    foreign = foreign or route == ("GET", f"{N}/Model/")
    if whose == "other's" and foreign:
        return status == 404
    if (
        path.endswith(FILES_NEEDED)
        or path.endswith(("compare", "infer", "ready"))
        or "/v2/" in path
    ):
        return status not in (401, 403) and (status < 500 or status == 503)
    return status < 300 or status in (409, 422)


def test_keys_in_other_places(live: Live) -> None:
    key = live.keys["own", "predict"]
    with live.client(None) as client:
        path = "/api/v1/projects"
        assert client.get(path, auth=(key, "")).status_code == 200
        for header, status, message in (
            (f"bearer {key}", 200, ""),
            (f"Bearer {key}x", 401, "the key is not valid"),
            ("Basic !!!", 401, "no valid Basic"),
            (f"Digest {key}", 401, "allowed: Bearer KEY, or Basic"),
            ("", 401, "allowed: Bearer KEY"),
        ):
            answer = client.get(path, headers={"Authorization": header})
            assert answer.status_code == status, header
            assert message in answer.text
        answer = client.get(path, params={"key": key})  # addresses stand in logs
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="dressform"'
        answer = client.get(f"{N}/Model/")
        assert answer.headers["www-authenticate"] == 'Basic realm="dressform"'
        assert answer.json()["code"] == 401


def test_a_revoked_key_is_refused_at_once(live: Live, http: httpx.Client) -> None:
    body = {"name": "short", "scope": "admin"}
    created = http.post("/api/v1/keys", json=body).json()
    with httpx.Client(
        base_url=live.url, headers={"Authorization": f"Bearer {created['secret']}"}
    ) as client:
        assert client.get("/api/v1/keys").status_code == 200
        path = f"/api/v1/keys/{created['key']['id']}"
        assert client.delete(path).status_code == 204
        assert client.get("/api/v1/keys").status_code == 401
    assert created["secret"] not in http.get("/api/v1/keys").text
    assert created["secret"] not in http.get("/api/v1/audit").text
    keys = [
        key
        for key in http.get("/api/v1/keys").json()["keys"]
        if key["scope"] == "admin" and key["revoked"] is None
    ]
    answer = http.delete(f"/api/v1/keys/{keys[0]['id']}")
    assert (answer.status_code, "the last admin key" in answer.text) == (409, True)
