"""SIGKILL for a service while it takes uploads, trains and predicts: nothing acknowledged is lost.

    python benchmarks/service_kills.py RUN --kills 100 [--db postgresql://…]
    python benchmarks/service_kills.py RUN --kills 100 --postgresql

Server, workers, trainings and the process of predictions are killed at random moments and begun
again, while clients upload images, request trainings and predict. A training is a short one that
says its epochs and then takes the weights of RUN, a finished run. Afterwards every acknowledged
image is there, byte by byte, every model that was reported ready predicts, every job has ended, the
check finds nothing, and no process is left. ``--postgresql`` starts a PostgreSQL server of its own,
and needs its programs.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from report import write_report
from service_process import family

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dressform.service.database.connection import Database
from dressform.service.operations import check
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store
from dressform.service.training_result import RESULT, TrainResult
from dressform.service.worker import Worker
from tests.service.postgresql import Cluster, programs

CLASSES = ("Dark", "Light")
WORKERS = 2
ENDED = {"succeeded", "failed", "cancelled"}
PATIENCE = 120.0


def fake_training(folder: Path, run: Path) -> None:
    """Half a second of epochs, and then a model that predicts."""
    from dressform.service.train_job import _alone, _end_with_worker
    from dressform.service.training_result import REPORT

    threading.Thread(target=_end_with_worker, daemon=True).start()
    with _alone(folder):
        for epoch in range(1, 6):
            print(json.dumps({"epoch": epoch, "epochs": 5}), flush=True)
            time.sleep(0.1)
        shutil.copytree(run / "weights", folder / "runs" / "weights", dirs_exist_ok=True)
        shutil.copy(run / "manifest.json", folder / "runs")
        (folder / REPORT).write_text("<!doctype html>")
        result = TrainResult(
            run="runs",
            recipe="fast",
            class_names=CLASSES,
            accuracy=0.9,
            low=0.8,
            high=1.0,
            protocol="none",
            examples=20,
            held_out=2,
        )
        (folder / "new").write_text(json.dumps(vars(result)))
        (folder / "new").replace(folder / RESULT)


def work(storage: Path, run: Path, db: str | None) -> None:
    """A worker whose trainings are short, until it is killed or SIGTERM."""
    settings = ServiceSettings(storage=storage, database=db, lease=2.0)
    database = Database(settings.database_url)

    def command(folder: Path) -> list[str]:
        return [sys.executable, __file__, "--train", str(folder), str(run)]

    worker = Worker(database, Store(storage), settings, command=command)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
    database.close()


class Service:
    """A server and its workers, which are begun again when they were killed."""

    def __init__(self, storage: Path, run: Path, db: str | None) -> None:
        self.storage, self.run, self.db = storage, run, db
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (storage.parent / "kills.log").open("ab")
        environment = os.environ | ({"DRESSFORM_DB": db} if db else {})
        self._words = ["serve", "--json", "--workers", "0", "--port", str(self.port)]
        self._words += ["--storage", str(storage)]
        self._environment = environment
        self.key = ""
        self.server = self.start_server()
        self.workers = [self.start_worker() for _ in range(WORKERS)]

    def start_server(self) -> "subprocess.Popen[bytes]":
        """A server, which listens."""
        code = "from dressform.cli.main import main; main()"
        command = [sys.executable, "-c", code, *self._words]
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, env=self._environment
        )
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, f"the server did not start: see {self.log.name}"
        self.key = self.key or str(json.loads(line)["admin_key"])
        return server

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """A worker."""
        command = [sys.executable, __file__, "--work", str(self.storage), str(self.run)]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self._environment)

    def trainings(self) -> list[int]:
        """Processes of trainings of this storage."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            mine = any(word.startswith(bytes(self.storage)) for word in words)
            if folder.name.isdecimal() and b"--train" in words and mine:
                found.append(int(folder.name))
        return found

    def predicting(self) -> list[int]:
        """The process in which the server has models run, if it is there."""
        found = []
        for pid in family(self.server.pid)[1:]:
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found += [pid] if b"dressform.service.prediction_job" in words else []
        return found

    def kill(self, rng: random.Random) -> str:
        """SIGKILL for one process, which is begun again."""
        others = {"training": self.trainings(), "prediction process": self.predicting()}
        running = [what for what, pids in others.items() if pids]
        what = rng.choice(("server", "worker", *running))
        if what in running:
            try:
                os.kill(rng.choice(others[what]), signal.SIGKILL)
            except ProcessLookupError:
                return f"{what} that had ended"
        elif what == "server":
            end(self.server, signal.SIGKILL)
            self.server = self.start_server()
        else:
            place = rng.randrange(WORKERS)
            end(self.workers[place], signal.SIGKILL)
            self.workers[place] = self.start_worker()
        return what

    def stop(self) -> None:
        """As an operator stops it."""
        for process in (*self.workers, self.server):
            end(process, signal.SIGTERM)
        self.log.close()


def end(process: "subprocess.Popen[bytes]", number: int) -> None:
    """A signal, and the end of the process."""
    process.send_signal(number)
    process.wait(30)
    if process.stdout is not None:
        process.stdout.close()


class Clients:
    """Upload, train and predict for ever, and remember what was acknowledged."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.images: dict[str, bytes] = {}
        self.ready: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._stopping = threading.Event()
        self._client = httpx.Client(
            base_url=f"{service.url}/api/v1",
            headers={"Authorization": f"Bearer {service.key}"},
            timeout=20,
        )
        facts = {"name": "Shop", "classes": list(CLASSES)}
        self.project = f"/projects/{self.ask('POST', '/projects', json=facts).json()['id']}"
        for number in range(24):
            self.upload(number)
        parts = (self._upload, self._train, self._predict)
        self._threads = [threading.Thread(target=self._repeat, args=(part,)) for part in parts]
        for thread in self._threads:
            thread.start()

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """A request that has to be answered, sooner or later."""
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, **more)  # type: ignore[arg-type]
                if answer.status_code != 503 or time.monotonic() > limit:
                    return answer
            except httpx.TransportError:
                assert time.monotonic() < limit, "the server does not come back"
            time.sleep(0.05)

    def upload(self, number: int) -> None:
        """An image; it counts as acknowledged with its answer alone."""
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 100, (28, 28), np.uint8) + np.uint8(120 * (number % 2))
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        content = out.getvalue()
        answer = self._client.post(
            f"{self.project}/images", params={"label": CLASSES[number % 2]}, content=content
        )
        if answer.status_code in (200, 201):
            self.images[hashlib.sha256(content).hexdigest()] = content
            self.counts["uploads"] += 1
        else:
            self._note("upload", answer)

    def _note(self, what: str, answer: httpx.Response) -> None:
        self.counts[f"{what} {answer.status_code}"] += 1
        if answer.status_code not in (409, 429, 503):
            self.unexpected.append(f"{what}: {answer.status_code} {answer.text[:200]}")

    def _upload(self) -> None:
        self.upload(100 + self.counts["uploads"] + 10_000 * self.counts["lost connections"])

    def _train(self) -> None:
        answer = self._client.post(f"{self.project}/trainings")
        if answer.status_code == 202:
            self.counts["trainings"] += 1
        else:
            self._note("training", answer)
        models = self._client.get(f"{self.project}/models").json()["models"]
        self.ready |= {m["id"] for m in models if m["state"] == "ready"}
        time.sleep(0.2)

    def _predict(self) -> None:
        if not self.ready or not self.images:
            time.sleep(0.1)
            return
        content = next(reversed(self.images.values()))
        answer = self._client.post(f"{self.project}/predict", content=content)
        if answer.status_code == 200:
            self.counts["predictions"] += 1
        else:
            self._note("prediction", answer)

    def _repeat(self, part: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                part()
            except (httpx.TransportError, KeyError):
                self.counts["lost connections"] += 1
                time.sleep(0.05)

    def stop(self) -> None:
        """End all clients."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def verify(self) -> None:
        """Everything that was acknowledged is there; every job ends.

        Raises:
            AssertionError: it is not.
        """
        limit = time.monotonic() + PATIENCE
        while True:
            jobs = self.ask("GET", f"{self.project}/jobs").json()["jobs"]
            open_jobs = [job for job in jobs if job["state"] not in ENDED]
            if not open_jobs:
                break
            assert time.monotonic() < limit, f"jobs do not end: {open_jobs}"
            time.sleep(0.2)
        self.counts |= Counter(f"jobs {job['state']}" for job in jobs)
        models = self.ask("GET", f"{self.project}/models").json()["models"]
        states = {model["id"]: model["state"] for model in models}
        lost = [model for model in self.ready if states[model] not in ("ready", "deleted")]
        assert not lost, f"models were lost: {lost}"
        succeeded = {job["model_id"] for job in jobs if job["state"] == "succeeded"}
        assert {m for m, state in states.items() if state in ("ready", "deleted")} == succeeded
        content = next(iter(self.images.values()))
        for model, state in states.items():
            if state == "ready":
                answer = self.ask("POST", f"/models/{model}/predict", content=content)
                assert answer.status_code == 200, answer.text
        store = Store(self.service.storage)
        for digest, content in self.images.items():
            assert store.read(digest) == content
        total = self.ask("GET", self.project).json()["images"]
        assert total >= len(self.images), f"{len(self.images)} acknowledged, {total} are there"
        assert not self.unexpected, self.unexpected[:5]
        self._client.close()


def knock(run: Path, *, kills: int, db: str | None, seed: int, folder: Path) -> Counter[str]:
    """Kill as often as that, and verify.

    Returns:
        how often what happened.

    Raises:
        AssertionError: something acknowledged was lost, a job does not end, or a process is left.
    """
    rng, killed = random.Random(seed), Counter[str]()
    service = Service(folder / "storage", run, db)
    try:
        clients = Clients(service)
        try:
            for _ in range(kills):
                time.sleep(rng.uniform(0.05, 1.0))
                killed[f"killed: {service.kill(rng)}"] += 1
        finally:
            clients.stop()
        clients.verify()
    finally:
        service.stop()
    time.sleep(0.5)
    assert not service.trainings(), "a training has outlived its worker"
    settings = ServiceSettings(storage=service.storage, database=db)
    wrong = [finding.message for finding in check(settings) if not finding.ok]
    assert not wrong, wrong
    return killed + clients.counts


def main() -> None:
    """One of the three: a training, a worker, or the benchmark."""
    if sys.argv[1:2] == ["--train"]:
        fake_training(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]), Path(sys.argv[3]), os.environ.get("DRESSFORM_DB"))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--db", help="URL of an empty PostgreSQL database")
    parser.add_argument("--postgresql", action="store_true", help="start a server for it")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with ExitStack() as stack:
        if given.postgresql:
            found = programs()
            assert found is not None, "PostgreSQL is not installed"
            cluster = Cluster(found)
            stack.callback(cluster.close)
            given.db = cluster.new_database()
        measure(given)


def measure(given: argparse.Namespace) -> None:
    """The benchmark, and its report."""
    folder = Path(tempfile.mkdtemp(prefix="dressform-kills-"))
    began = time.monotonic()
    counts = knock(
        given.run.resolve(), kills=given.kills, db=given.db, seed=given.seed, folder=folder
    )
    for what, count in sorted(counts.items()):
        print(f"{count:7,} {what}")
    seconds = round(time.monotonic() - began)
    print(f"nothing was lost, every job ended, {seconds} s")
    shutil.rmtree(folder)
    kind = "postgresql" if given.db else "sqlite"
    command = f"python benchmarks/service_kills.py RUN --kills {given.kills} --seed {given.seed}"
    results = {"n": given.kills, "lost": 0, "seconds": seconds, "counts": dict(counts)}
    write_report(
        f"service-kills-{kind}", command + " --postgresql" * bool(given.postgresql), results
    )


if __name__ == "__main__":
    main()
