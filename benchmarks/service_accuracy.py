"""How good a model the service makes of 100 Fashion-MNIST images a class, by the protocol that
tutorial 4's five scripts speak.

    python benchmarks/service_accuracy.py [--per-class 100] [--draws 3] [--test 2000]
        [--budget SECONDS] [--quality 95] [--at-once 1]

Each draw has a service of its own, started as an operator does, with one worker. A client creates a
model, uploads JPEG files drawn from the training images, has it trained, asks for its state until
it is trained, and has JPEG files of other images, drawn from the test images, labelled. Nothing is
chosen by them: the service chooses by cross-validation of what was uploaded. Tutorial 4 reached
83.3 % at the hosted service.
"""

import argparse
import io
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from report import write_report
from service_process import ServiceProcess, service

import dressform
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.evaluation.intervals import student, wilson

BASE = "/api/v2/ImageCategorization"
AT_ONCE = 50
"""Files of one request."""
LOOK_EVERY = 1.0
TRAINED, FAILED = 5, -1


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--test", type=int, default=2000, help="images to be labelled")
    parser.add_argument("--budget", type=float, help="seconds of a training")
    parser.add_argument("--at-once", type=int, default=1, help="draws that are trained together")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEG files")
    given = parser.parse_args()
    data = dressform.load_data("fashion-mnist")

    def one(draw: int) -> dict[str, Any]:
        train, judged = drawn(data, given.per_class, draw, given.test)
        row = once(train, judged, budget=given.budget, quality=given.quality)
        print(f"draw {draw}: {row}", file=sys.stderr, flush=True)
        return row

    with ThreadPoolExecutor(given.at_once) as threads:
        rows = list(threads.map(one, range(given.draws)))
    accuracies = [row["accuracy"] for row in rows]
    found = student(accuracies, what="draws").to_json() if len(rows) > 1 else None
    limit = os.environ.get("OMP_NUM_THREADS")
    command = f"OMP_NUM_THREADS={limit} " if limit else ""
    command += "python benchmarks/service_accuracy.py " + " ".join(sys.argv[1:])
    results = {"n": len(rows), "accuracy": found, "draws": rows}
    write_report("service-accuracy", command.strip(), results)


def drawn(data: DatasetSplits, per_class: int, draw: int, test: int) -> tuple[Dataset, Dataset]:
    """So many training images of each class, and test images."""
    assert data.test is not None
    rng = np.random.default_rng([per_class, draw])
    order = rng.permutation(len(data.train))
    chosen = np.concatenate(
        [order[data.train.labels[order] == k][:per_class] for k in range(len(data.class_names))]
    )
    return data.train.take(chosen), data.test.take(rng.permutation(len(data.test))[:test])


def once(train: Dataset, judged: Dataset, *, budget: float | None, quality: int) -> dict[str, Any]:
    """One service, from its start to its predictions."""
    with tempfile.TemporaryDirectory() as folder:
        storage = Path(folder, "service")
        with service(storage) as running, scripts(running) as client:
            names = list(train.class_names)
            answer = client.post(f"{BASE}/Model/", data={"categories": names})
            model_id = answer.raise_for_status().json()["model_id"]
            if budget is not None:
                patch = {"budget": budget}
                client.patch(f"/api/v1/projects/{model_id}", json=patch).raise_for_status()
            for label, name in enumerate(names):
                files = jpegs(train.images[train.labels == label], quality)
                for part in batches(files):
                    fields = {"category": name, "modelId": model_id}
                    answer = client.post(f"{BASE}/UploadFile/", data=fields, files=part)
                    assert answer.raise_for_status().json()["message"] == "Success", answer.text
            uploaded = client.get(f"{BASE}/Model/", params={"modelId": model_id}).json()
            began = time.monotonic()
            client.post(f"{BASE}/Train/", params={"modelId": model_id}).raise_for_status()
            states = follow(client, model_id)
            seconds = time.monotonic() - began
            right, count = 0, 0
            for start in range(0, len(judged), AT_ONCE):
                labels = judged.labels[start : start + AT_ONCE]
                part = next(batches(jpegs(judged.images[start : start + AT_ONCE], quality)))
                answer = client.post(f"{BASE}/LabelFile/", data={"modelId": model_id}, files=part)
                for one, label in zip(
                    answer.raise_for_status().json()["result"], labels, strict=True
                ):
                    right += one["prediction"][0]["label"] == names[label]
                    count += 1
            (model,) = client.get(f"/api/v1/projects/{model_id}/models").json()["models"]
            project = client.get(f"/api/v1/projects/{model_id}").json()
        interval = wilson(right, count)
        return {
            "uploaded": sum(one["count"] for one in uploaded["categories"]),
            "budget": project["budget"],
            "states": states,
            "training_seconds": round(seconds, 1),
            "accuracy": right / count,
            "low": interval.low,
            "high": interval.high,
            "labelled": count,
            "recipe": model["recipe"],
            "trained_on": model["examples"],
            "told": model["scores"],
            "compared": compared(storage),
        }


def scripts(running: ServiceProcess) -> httpx.Client:
    """A client as the scripts are: the key as user, an empty password."""
    return httpx.Client(base_url=running.url, auth=(running.key, ""), timeout=120)


def jpegs(images: Any, quality: int) -> list[bytes]:
    """Grey JPEG files."""
    files = []
    for image in images:
        out = io.BytesIO()
        Image.fromarray(image.squeeze()).save(out, "JPEG", quality=quality)
        files.append(out.getvalue())
    return files


def batches(files: list[bytes]) -> Any:
    """Parts of forms, some files each."""
    for start in range(0, len(files), AT_ONCE):
        yield [
            ("file", (f"{start + i}.jpg", content, "image/jpeg"))
            for i, content in enumerate(files[start : start + AT_ONCE])
        ]


def follow(client: httpx.Client, model_id: str) -> list[int]:
    """Wait until a model is trained; the states that it had."""
    states: list[int] = []
    while not states or states[-1] not in (TRAINED, FAILED):
        time.sleep(LOOK_EVERY)
        found = client.get(f"{BASE}/Model/", params={"modelId": model_id}).json()
        if states[-1:] != [found["state"]]:
            states.append(found["state"])
    assert states[-1] == TRAINED, found["status"]
    return states


def compared(storage: Path) -> list[str]:
    """What the training's log says about the candidates."""
    lines = []
    for log in storage.rglob("models/**/*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if re.search(r" over \d folds |skipped|training on all data", line):
                lines.append(re.sub(r"^\S+ \S+ INFO ", "", line))
    return lines


if __name__ == "__main__":
    main()
