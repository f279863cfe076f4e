"""The export, read back through a real TensorBoard's HTTP endpoints."""

import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.core.errors import DressformError, ResourceError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import load_data
from dressform.exploration.points import Points, points_of, training_examples
from dressform.exploration.tensorboard import write_tensorboard
from dressform.predict.features import penultimate
from dressform.runs.run import Run


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:
        return bytes(response.read())


def test_tensorboard_loads_points_labels_and_sprite(named_run: Run, tmp_path: Path) -> None:
    data = load_data(named_run.manifest.dataset.source)
    assert data.test is not None
    write_tensorboard(points_of(named_run, data, "test"), tmp_path / "tb")
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(tmp_path / "tb"),
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    log = tmp_path / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, "PYTHONWARNINGS": "ignore"}
        )
    try:
        base = ""
        for _ in range(600):
            if found := re.search(r"http://127.0.0.1:(\d+)", log.read_text()):
                base = f"http://127.0.0.1:{found[1]}/data/plugin/projector"
                break
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        assert base, log.read_text()
        (run,) = json.loads(get(f"{base}/runs"))
        (embedding,) = json.loads(get(f"{base}/info?run={run}"))["embeddings"]
        assert embedding["tensorShape"] == [200, 8]
        asked = f"run={run}&name={embedding['tensorName']}"
        points = np.frombuffer(get(f"{base}/tensor?{asked}"), np.float32).reshape(200, -1)
        np.testing.assert_allclose(
            points,
            penultimate(named_run.layout.onnx, data.test.images).values,
            rtol=1e-4,
            atol=1e-5,
        )
        head, *rows = get(f"{base}/metadata?{asked}").decode().splitlines()
        assert head.split("\t") == ["id", "label", "predicted", "probability", "right"]
        predictions = named_run.predictions()
        assert [row.split("\t")[1] for row in rows] == [
            data.class_names[label] for label in data.test.labels
        ]
        assert [row.split("\t")[2] for row in rows] == [
            data.class_names[label] for label in predictions.predicted
        ]
        sprite = np.asarray(Image.open(io.BytesIO(get(f"{base}/sprite_image?{asked}"))))
        width, height = embedding["sprite"]["singleImageDim"]
        across = sprite.shape[1] // width
        for index in (0, 14, 15, 199):
            y, x = index // across * height, index % across * width
            np.testing.assert_array_equal(
                sprite[y : y + height, x : x + width], data.test.images[index, :, :, 0]
            )
    finally:
        server.terminate()
        server.wait(10)


def test_training_pictures_colour_and_awkward_names(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (7, 20, 10, 3)).astype(np.uint8)
    names = ("a\tb", "new\nline", " ")
    judged = Dataset(images[:3], np.array([0, 1, 2]), np.array(["t\t0", "1", "2"]), names)
    others = Dataset(images[3:], np.array([0, 1, 2, 0]), np.array(["3", "4", "5", "6"]), names)
    logits = random.normal(size=(7, 3)).astype(np.float32)
    points = Points(
        "test",
        judged,
        others,
        np.ones(len(others), bool),
        3,
        random.normal(size=(7, 5)).astype(np.float32),
        logits,
    )
    write_tensorboard(points, tmp_path)
    assert len((tmp_path / "tensors.tsv").read_text().splitlines()) == 4
    rows = (tmp_path / "metadata.tsv").read_text().splitlines()
    assert [row.split("\t")[:2] for row in rows[1:]] == [
        ["3", "a b"],
        ["4", "new line"],
        ["5", "-"],
        ["6", "a b"],
    ]
    sprite = np.asarray(Image.open(tmp_path / "sprite.png"))
    assert sprite.shape == (40, 20, 3)
    np.testing.assert_array_equal(sprite[20:, 10:], images[6])


def test_what_cannot_be_is_refused(named_run: Run, tmp_path: Path) -> None:
    data = load_data(named_run.manifest.dataset.source)
    with pytest.raises(DressformError, match="did you mean test"):
        points_of(named_run, data, "tset")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="cannot be written to"):
        write_tensorboard(points_of(named_run, data, "test", "pixels"), tmp_path / "file")


def test_held_out_pictures_were_not_learned(named_run: Run) -> None:
    data = load_data(named_run.manifest.dataset.source)
    held_out = set(named_run.predictions("validation").ids.tolist())
    learned = training_examples(named_run, data)
    assert 0 < len(held_out) == len(data.train) - len(learned)
    assert not held_out & set(learned.ids.tolist())
    points = points_of(named_run, data, "all")
    assert points.training is not None
    assert {str(i) for i in points.training.ids[~points.trained_on]} == held_out
    own = DatasetSplits(data.name, data.train, data.test, data.test)
    assert len(training_examples(named_run, own)) == len(data.train)


def test_all_points_are_named_once(named_run: Run) -> None:
    data = load_data(named_run.manifest.dataset.source)
    points = points_of(named_run, data, "validation")
    assert points.training is None
    both = points_of(named_run, data, "all")
    assert both.training is not None
    assert (both.first, len(both.evaluated), len(both.training)) == (0, 200, 600)
    train = points_of(named_run, data, "train", "pixels")
    assert train.first == 200
    assert train.values.shape == (800, 784)
    seen = train.training_predictions
    assert seen is not None
    assert len(seen) == 600
