"""Predictions a second over HTTP: dressform's server, and LitServe with the same ONNX model.

    python benchmarks/serve.py MODEL [--litserve PATH/TO/python] [--connections 64] [--seconds 10]
        [--rounds 3] [--requests N]
    python benchmarks/serve.py MODEL --minutes 30
    python benchmarks/serve.py MODEL --training 60

MODEL is a run or a folder with model.onnx and model.json. Each request is one PNG file of a
Fashion-MNIST test image: as the body, or for LitServe as base64 in JSON. The client (http_load.py)
runs on the same cores. In every round each server is started, warmed up for a second and loaded, in
turn; LitServe runs with one and with two workers. ``--requests`` sends that many in the last round
instead, to count errors. ``--minutes`` loads dressform alone for so long instead, and notes its
memory, that of its prediction process included, every ten seconds. ``--training`` sends five
requests a second for so many seconds instead, while ``fast`` is trained beside the server, as nice
as a worker's trainings are.
"""

import argparse
import base64
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from report import write_report
from service_process import family

import dressform
from dressform.predict.model_folder import weights_folder
from dressform.service.train_job import NICE

HERE = Path(__file__).resolve().parent
IMAGES = 500
RATE, CLIENTS = 5.0, 5
"""Requests a second beside a training, and connections that send them in turn."""
with socket.create_server(("127.0.0.1", 0)) as _probe:
    PORT = _probe.getsockname()[1]  # free a moment ago


@dataclass(frozen=True)
class Side:
    """A running server.

    Attributes:
        pid: of its process.
        path: to post images to.
        headers: to send.
        suffix: of the files that are its bodies.
    """

    pid: int
    path: str
    headers: dict[str, str]
    suffix: str


@contextmanager
def dressform_side(weights: Path) -> Iterator[Side]:
    """dressform's server with a storage of its own."""
    with tempfile.TemporaryDirectory() as storage:
        command = [sys.executable, str(HERE / "serve_dressform.py"), str(weights), storage]
        process = subprocess.Popen([*command, str(PORT)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            about = json.loads(process.stdout.readline())
            headers = {"Authorization": about["authorization"], "Content-Type": "image/png"}
            yield Side(process.pid, about["path"], headers, ".png")
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def litserve_side(python: str, weights: Path, workers: int) -> Iterator[Side]:
    """LitServe with some worker processes."""
    command = [python, str(HERE / "serve_litserve.py"), str(weights), str(PORT), str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield Side(process.pid, "/predict", {"Content-Type": "application/json"}, ".json")
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def load(side: Side, bodies: list[Path], **job: float) -> dict[str, object]:
    """What a client measures."""
    bodies = [body.with_suffix(side.suffix) for body in bodies]
    wait_for(side, bodies[0].read_bytes())
    document = {"path": side.path, "headers": side.headers}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document | {"bodies": list(map(str, bodies))} | job, file)
        file.flush()
        command = [sys.executable, str(HERE / "http_load.py"), str(PORT), file.name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result: dict[str, object] = json.loads(output)
    return result


def wait_for(side: Side, body: bytes) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + 120
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{side.path}", body, side.headers)
        try:
            urllib.request.urlopen(request, timeout=30).read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def memory_mb(pid: int) -> float:
    """Resident memory of a process and of those that it has started, MB."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those that it has started."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def follow_memory(
    weights: Path, bodies: list[Path], connections: int, minutes: float
) -> dict[str, object]:
    """Memory of dressform's server under load, every ten seconds."""
    rows = []
    with dressform_side(weights) as side:
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            result = load(side, bodies, connections=connections, seconds=10.0)
            rows.append({"mb": memory_mb(side.pid), "requests": result["requests"]})
            print(f"{rows[-1]['mb']:.1f} MB after {result['requests']} more requests", flush=True)
    return {"connections": connections, "memory": rows}


def beside_training(weights: Path, bodies: list[Path], seconds: float) -> dict[str, object]:
    """Answers to five requests a second, without and with a training on the same cores."""
    results: dict[str, object] = {"rate": RATE, "seconds": seconds}
    job = {"connections": CLIENTS, "rate": RATE, "seconds": seconds}
    with dressform_side(weights) as side, tempfile.TemporaryDirectory() as folder:
        load(side, bodies, connections=1, seconds=1)
        results["alone"] = load(side, bodies, **job)
        command = [sys.executable, "-m", "dressform", "train", "fast", "--set", "epochs=1000"]
        with Path(folder, "log").open("wb") as log:
            training = subprocess.Popen(
                ["nice", "-n", str(NICE), *command, "--out", folder],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                limit = time.monotonic() + 300
                while not any(len(p.read_text().splitlines()) > 1 for p in epochs(folder)):
                    assert training.poll() is None, Path(folder, "log").read_text()
                    assert time.monotonic() < limit, "the training does not begin"
                    time.sleep(0.5)
                results["beside a training"] = load(side, bodies, **job)
                assert training.poll() is None, "the training ended too early"
            finally:
                os.killpg(training.pid, 9)
                training.wait()
    return results


def epochs(folder: str) -> list[Path]:
    """Files to which a training writes its epochs."""
    return list(Path(folder).rglob("results.csv"))


def main() -> None:
    """Run all sides in turn and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--litserve", help="Python of an environment with litserve, onnxruntime")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--training", type=float, default=0, metavar="SECONDS")
    options = parser.parse_args()
    weights = weights_folder(options.model)
    test = dressform.load_data("fashion-mnist").test
    assert test is not None
    command = "python benchmarks/serve.py " + " ".join(["MODEL", *sys.argv[2:]])
    with tempfile.TemporaryDirectory() as folder:
        bodies = []
        for i, image in enumerate(test.images[:IMAGES]):
            out = io.BytesIO()
            Image.fromarray(image.squeeze()).save(out, "PNG")
            bodies.append(Path(folder, f"{i}.png"))
            bodies[-1].write_bytes(out.getvalue())
            text = base64.b64encode(out.getvalue()).decode()
            bodies[-1].with_suffix(".json").write_text(json.dumps({"image": text}))
        if options.minutes:
            name, results = (
                "serve-memory",
                follow_memory(weights, bodies, options.connections, options.minutes),
            )
        elif options.training:
            name, results = "serve-training", beside_training(weights, bodies, options.training)
        else:
            name, results = "serve", compare(weights, bodies, options)
    write_report(name, command, results)


def compare(weights: Path, bodies: list[Path], options: argparse.Namespace) -> dict[str, object]:
    """Both servers in turn, in every round."""
    names = ["dressform"] + ["LitServe, 1 worker", "LitServe, 2 workers"] * bool(options.litserve)
    rounds: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names:
            if name == "dressform":
                started = dressform_side(weights)
            else:
                started = litserve_side(options.litserve, weights, int(name.split()[1]))
            with started as side:
                load(side, bodies, connections=options.connections, seconds=1)
                how = {"seconds": options.seconds}
                if options.requests and number == options.rounds - 1:
                    how = {"requests": options.requests}
                before = cpu_seconds(side.pid)
                row = load(side, bodies, connections=options.connections, **how)
                used = cpu_seconds(side.pid) - before
            row["server_cpu_ms"] = 1000 * used / int(str(row["requests"]))
            row["load_average"] = os.getloadavg()[0]
            rounds[name].append(row)
            print(name, json.dumps(row), flush=True)
    for name, rows in rounds.items():
        median = statistics.median(float(str(row["per_second"])) for row in rows)
        print(f"{name}: {median:.0f} predictions/s, median of {len(rows)} rounds")
    return {"connections": options.connections, "rounds": rounds}


if __name__ == "__main__":
    main()
