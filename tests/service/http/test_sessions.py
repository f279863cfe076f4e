"""Signed-in browsers, and pages of other sites."""

from pathlib import Path

import httpx
import pytest

from dressform.core.errors import ConfigError
from dressform.service.http import sessions
from dressform.service.http.hosts import Hosts
from dressform.service.http.sessions import COOKIE, CSRF_HEADER, Sessions
from tests.clocks import set_time
from tests.service.http.conftest import SIGN_IN, Live


def test_a_browser_signs_in_by_the_link_and_out(live: Live) -> None:
    with live.client(None) as browser:
        answer = browser.post("/api/v1/session", json={"token": SIGN_IN})
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        token = answer.json()["csrf"]
        who = browser.get("/api/v1/session").json()
        assert (who["scope"], who["csrf"]) == ("admin", token)
        assert who["limits"]["max_image"] == live.service.settings.max_image
        body = {"json": {"name": "Page"}}
        refused = browser.post("/api/v1/projects", **body)
        assert (refused.status_code, CSRF_HEADER in refused.text) == (403, True)
        for wrong in (b"x", "é".encode()):
            answer = browser.post("/api/v1/projects", **body, headers={CSRF_HEADER.encode(): wrong})
            assert answer.status_code == 403
        headers = {CSRF_HEADER: token}
        created = browser.post("/api/v1/projects", **body, headers=headers)
        assert created.status_code == 201
        path = f"/api/v1/projects/{created.json()['id']}"
        for foreign in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            answer = browser.delete(path, headers={**headers, **foreign})
            assert (answer.status_code, "another site" in answer.text) == (403, True)
        answer = browser.delete(path, headers={**headers, "Origin": live.url})
        assert answer.status_code == 204
        assert browser.delete("/api/v1/session", headers=headers).status_code == 204
        assert browser.get("/api/v1/projects").status_code == 401


def test_a_session_is_worth_its_key(live: Live, http: httpx.Client) -> None:
    key = http.post("/api/v1/keys", json={"name": "till", "scope": "predict"}).json()
    with live.client(None) as browser:
        answer = browser.post("/api/v1/session", json={"key": key["secret"]})
        headers = {CSRF_HEADER: answer.json()["csrf"]}
        assert browser.post("/api/v1/projects", json={}, headers=headers).status_code == 403
        assert http.delete(f"/api/v1/keys/{key['key']['id']}").status_code == 204
        assert browser.get("/api/v1/projects").status_code == 401
        for body in ({}, {"key": "a", "token": "b"}):
            assert browser.post("/api/v1/session", json=body).status_code == 422
        for body in ({"token": ""}, {"token": SIGN_IN + "x"}, {"key": SIGN_IN[:-1]}):
            assert browser.post("/api/v1/session", json=body).status_code == 401


def test_cookies_are_signed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Sessions = live.app.state.sessions
    cookie = found.cookie_for("a" * 32)
    assert found.key_of(cookie) == "a" * 32
    for bad in ("", "...", cookie[:-1], "b" + cookie[1:], cookie.replace(".1", ".2", 1), "é.é.é.é"):
        assert found.key_of(bad) is None
    with live.client(None) as browser:
        answer = browser.get("/api/v1/projects", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert answer.status_code == 401  # well signed, but of no key
    set_time(monkeypatch, sessions, time=lambda: 4e9)
    assert found.key_of(cookie) is None
    secret = live.service.settings.storage / sessions.SECRET_FILE
    assert secret.stat().st_mode & 0o077 == 0


def test_a_damaged_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / sessions.SECRET_FILE).write_text("short")
    with pytest.raises(ConfigError, match="is damaged; delete it, and everybody signs in again"):
        Sessions(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read or written"):
        Sessions(tmp_path / "none")


def test_hosts() -> None:
    hosts = Hosts(lambda *_: None, public_url="https://models.example:8443/x")
    for own in (
        "127.0.0.1:8000",
        "localhost",
        "LOCALHOST:1",
        "[::1]:80",
        "192.168.0.7",
        "models.example",
    ):
        assert hosts.is_own(own), own
    for foreign in (
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[",
        "a:b",
    ):
        assert not hosts.is_own(foreign), foreign


def test_every_answer_is_safe_to_show(live: Live, http: httpx.Client) -> None:
    refused = http.get("/api/v1/projects", headers={"Host": "evil.example"})
    assert (refused.status_code, "use its address" in refused.text) == (400, True)
    for answer in (refused, http.get("/healthz"), http.get("/none"), http.get("/openapi.json")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
    assert "there is nothing at /none" in http.get("/none").json()["error"]
    assert http.get("/docs").status_code == 404
    answer = http.put("/api/v1/projects")
    assert (answer.status_code, answer.json()["error"]) == (
        405,
        "PUT is not allowed at /api/v1/projects; allowed: GET, POST",
    )


def test_changes_and_failures_are_logged(
    live: Live, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "dressform.service.http.metrics"):
        http.get("/api/v1/projects")
        http.post("/api/v1/projects", json={"nam": "x"})
    assert len(caplog.records) == 1
    facts = vars(caplog.records[0])["facts"]
    assert (facts["method"], facts["path"], facts["status"]) == ("POST", "/api/v1/projects", 422)
    assert facts["key"] == live.callers["own", "admin"].key_id
    assert live.keys["own", "admin"] not in str(facts)
