"""The workers of a server: begun again when they die, and gone when the server is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dressform.service import supervisor as supervisors
from dressform.service.settings import ServiceSettings
from dressform.service.supervisor import Supervisor
from tests.kills import wait_until
from tests.service.test_worker import alive

LISTENS = (
    "import os, sys, json\n"
    "facts = json.loads(sys.stdin.readline())\n"
    "print(os.getpid(), flush=True)\n"
    "open(facts['storage'] + '/settings.json', 'w').write(json.dumps(facts))\n"
    "sys.stdin.read()\n"
)
DIES = "import sys; sys.exit(3)"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "FIRST_WAIT", 0.01)


def test_a_worker_that_is_killed_is_begun_again_and_stops_with_the_server(
    tmp_path: Path, quick: None
) -> None:
    settings = ServiceSettings(storage=tmp_path, database="postgresql://me:secret@host/x")
    supervisor = Supervisor(settings, [sys.executable, "-c", LISTENS])
    supervisor.start()
    try:
        wait_until(lambda: (tmp_path / "settings.json").exists(), deadline=30)
        told = json.loads((tmp_path / "settings.json").read_text())
        assert told["database"] == settings.database
        (pid,) = supervisor.pids()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"secret" not in command
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: supervisor.pids() not in ([], [pid]), deadline=30)
        (other,) = supervisor.pids()
    finally:
        supervisor.stop()
    assert supervisor.pids() == []
    assert not alive(other)


def test_a_worker_that_always_dies_is_begun_ever_more_rarely(
    tmp_path: Path, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor(ServiceSettings(storage=tmp_path), [sys.executable, "-c", DIES])
    supervisor.start()
    try:
        wait_until(lambda: len(caplog.messages) >= 3, deadline=60)
    finally:
        supervisor.stop()
    waits = [float(message.split()[-2]) for message in caplog.messages]
    assert waits[:3] == [0.01, 0.02, 0.04]
    assert all("ended with 3" in message for message in caplog.messages)


def served(storage: Path, *words: str) -> "subprocess.Popen[str]":
    code = "from dressform.cli.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--storage", str(storage)]
    with (storage.parent / "log").open("ab") as log:
        return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=log, text=True)


def test_a_server_says_where_it_is_and_takes_its_workers_with_it(tmp_path: Path) -> None:
    """Stopped, and then killed."""
    storage = tmp_path / "storage"
    server = served(storage, "--json")
    assert server.stdout is not None
    told = json.loads(server.stdout.readline())
    assert set(told) == {"url", "admin_key", "sign_in"}
    assert told["sign_in"].startswith(f"{told['url']}/#signin=")
    headers = {"Authorization": f"Bearer {told['admin_key']}"}
    answer = httpx.get(f"{told['url']}/api/v1/projects", headers=headers, timeout=30)
    assert answer.json() == {"projects": []}
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    server.stdout.close()

    again = served(storage)
    assert again.stdout is not None
    assert again.stdout.readline().startswith("sign in    http://127.0.0.1:")
    assert again.stdout.readline().startswith("storage ")  # the key is told once
    tasks = Path(f"/proc/{again.pid}/task")
    found: list[int] = []

    def has_worker() -> bool:
        found[:] = [
            int(word)
            for task in tasks.iterdir()
            for word in (task / "children").read_text().split()
        ]
        return bool(found)

    wait_until(has_worker, deadline=60)
    again.kill()
    again.wait()
    again.stdout.close()
    wait_until(lambda: not any(map(alive, found)), deadline=60)
    lines = (tmp_path / "log").read_text().splitlines()
    assert all(json.loads(line)["level"] for line in lines)
