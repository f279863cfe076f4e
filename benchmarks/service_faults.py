"""A disk that is full or read-only, a database that is locked or gone: clear errors, and recovery
without a hand.

    python benchmarks/service_faults.py RUN

Needs Linux, root (for file systems of its own) and PostgreSQL. RUN, a finished run, is the model.
Each fault is a real one: a tmpfs without room, a mount that becomes read-only under the running
service, a second connection that holds SQLite's lock, a PostgreSQL server that is stopped and
started. During each, uploads, a training request and predictions are tried, and their answers
noted; after it the same have to work, without a restart of the service. Predictions have to work
all the time.
"""

import argparse
import io
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from placed_model import place_model
from report import write_report
from service_process import service

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dressform.predict.model_folder import weights_folder
from dressform.service.database.connection import Database
from dressform.service.operations import check
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from tests.service.postgresql import Cluster, programs

SIZE = 24
"""MB of the file system."""
LOG = Path(tempfile.gettempdir(), "service-faults.log")
"""Not on the disk that is spoiled."""
RECOVERY = 60.0
"""Seconds within which all has to work again."""


class Shop:
    """A client of a service with one project and a model.

    Args:
        client: signed in.
        settings: of the service.
        weights: of the model.
    """

    def __init__(self, client: httpx.Client, settings: ServiceSettings, weights: Path) -> None:
        self._client, self._number = client, 0
        facts = {"name": "Shop", "classes": ["Dark", "Light"]}
        answer = client.post("/api/v1/projects", json=facts).raise_for_status()
        self.path = f"/api/v1/projects/{answer.json()['id']}"
        database = Database(settings.database_url)
        place_model(database, Store(settings.storage), answer.json()["id"], weights)
        database.close()
        for _ in range(20):
            assert self.upload()[0] == 201

    def upload(self, side: int = 28) -> tuple[int, str]:
        """A new image: status and error."""
        self._number += 1
        rng = np.random.default_rng(self._number)
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (side, side), np.uint8)).save(out, "PNG")
        self.last = out.getvalue()
        label = ("Dark", "Light")[self._number % 2]
        return self._told("POST", f"{self.path}/images", params={"label": label}, content=self.last)

    def predict(self) -> tuple[int, str]:
        """A prediction."""
        return self._told("POST", f"{self.path}/predict", content=self.last)

    def train(self) -> tuple[int, str]:
        """A request for a training, which is cancelled again."""
        told = self._told("POST", f"{self.path}/trainings")
        if told[0] == 202:
            job = self._client.get(f"{self.path}/jobs").json()["jobs"][0]["id"]
            self._client.post(f"{self.path}/jobs/{job}/cancel")
        return told

    def look(self) -> tuple[int, str]:
        """The list of images."""
        return self._told("GET", f"{self.path}/images")

    def ready(self) -> tuple[int, str]:
        """Whether the service calls itself ready."""
        return self._told("GET", "/readyz")

    def _told(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        began = time.monotonic()
        answer = self._client.request(method, path, **more)
        assert time.monotonic() - began < 60
        error = str(answer.json().get("error") or "")
        assert "\n" not in error, error
        assert answer.status_code in (200, 201, 202, 409) or error, answer.text
        if answer.status_code in (503, 507):
            assert "Retry-After" in answer.headers, answer.headers
        return answer.status_code, error

    def works(self) -> dict[str, tuple[int, str]]:
        """All of it."""
        return {
            "upload": self.upload(),
            "predict": self.predict(),
            "train": self.train(),
            "list": self.look(),
            "ready": self.ready(),
        }

    def recovered(self) -> float:
        """Seconds until all works."""
        began = time.monotonic()
        while True:
            found = self.works()
            if all(status in (200, 201, 202) for status, _ in found.values()):
                return round(time.monotonic() - began, 1)
            assert time.monotonic() - began < RECOVERY, found
            time.sleep(0.5)


@contextmanager
def shop(storage: Path, weights: Path, db: str | None = None) -> Iterator[Shop]:
    """A shop of a running service."""
    words = ["--workers", "0", *(["--db", db] if db else [])]
    settings = ServiceSettings(storage=storage, database=db)
    with (
        service(storage, *words, log=LOG) as running,
        httpx.Client(base_url=running.url, auth=(running.key, ""), timeout=90) as client,
    ):
        yield Shop(client, settings, weights)
    wrong = [found.message for found in check(settings) if not found.ok and found.name != "storage"]
    assert not wrong, wrong


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A small file system in memory."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def full_disk(folder: Path, weights: Path) -> dict[str, Any]:
    """Uploads until nothing fits, and then room again."""
    with mounted(folder / "full") as disk, shop(disk / "service", weights) as own:
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(bytes(2**16))
                    file.flush()
            except OSError as error:
                told = error.strerror
        during = own.works()
        assert during["upload"][0] == 507, during
        assert during["predict"][0] == 200, during
        large = own.upload(1200)
        assert large[0] == 507, large
        ballast.unlink()
        return {"system": told, "during": {**during, "large": large}, "recovered": own.recovered()}


def read_only_disk(folder: Path, weights: Path) -> dict[str, Any]:
    """The images' folders become read-only, and writable again."""
    with mounted(folder / "read-only") as disk, shop(disk / "service", weights) as own:
        places = [disk / "service" / name for name in ("objects", "tmp")]
        with ExitStack() as stack:
            for place in places:
                subprocess.run(["mount", "--bind", place, place], check=True)
                stack.callback(subprocess.check_call, ["umount", "--lazy", place])
                subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
            during = own.works()
            assert during["upload"][0] == 503, during
            assert "read-only" in during["upload"][1], during
            assert during["predict"][0] == 200, during
        return {"during": during, "recovered": own.recovered()}


def read_only_start(folder: Path, weights: Path) -> dict[str, Any]:
    """A service is started on a disk that is read-only."""
    with mounted(folder / "start") as disk:
        with shop(disk / "service", weights):
            pass
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        command = [sys.executable, "-m", "dressform", "serve", "--port", "0"]
        done = subprocess.run(
            [*command, "--storage", disk / "service"], capture_output=True, text=True, check=False
        )
        assert done.returncode in (1, 2), (done.returncode, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        told = done.stderr.strip().replace(str(disk), "DISK")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        return {"told": told}


def locked(folder: Path, weights: Path) -> dict[str, Any]:
    """Another program holds SQLite's lock."""
    with shop(folder / "locked", weights) as own:
        with sqlite3.connect(folder / "locked" / "service.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            during = own.works()
            assert during["upload"][0] == 503, during
            assert during["predict"][0] == 200, during
            assert during["list"][0] == 200, during
            other.execute("ROLLBACK")
        return {"during": during, "recovered": own.recovered()}


def gone(folder: Path, weights: Path) -> dict[str, Any]:
    """PostgreSQL is stopped as if its machine had failed, and started again."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed"
    cluster = Cluster(found)
    try:
        with shop(folder / "gone", weights, cluster.new_database()) as own:
            own.predict()
            cluster.stop()
            during = own.works()
            assert during["upload"][0] == 503, during
            assert during["predict"][0] == 200, during
            assert during["ready"][0] == 503, during
            cluster.start()
            return {"during": during, "recovered": own.recovered()}
    finally:
        cluster.close()


FAULTS = (full_disk, read_only_disk, read_only_start, locked, gone)


def main() -> None:
    """Every fault, and the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--only", choices=[one.__name__ for one in FAULTS])
    given = parser.parse_args()
    weights, results = weights_folder(given.run), {}
    with tempfile.TemporaryDirectory() as folder:
        for fault in FAULTS:
            if given.only in (None, fault.__name__):
                results[fault.__name__] = fault(Path(folder), weights)
                print(fault.__name__, results[fault.__name__], flush=True)
    if given.only is None:
        write_report("service-faults", "python benchmarks/service_faults.py RUN", results)


if __name__ == "__main__":
    main()
