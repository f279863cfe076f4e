"""Many classes, little memory, files that announce more than they are, models that never end."""

import gzip
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

import dressform
from dressform.core.errors import DataError, ResourceError, RunError
from dressform.data.dataset import Dataset
from dressform.data.idx import read_idx
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.metrics import (
    METRICS,
    Scores,
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
)
from dressform.predict.onnx_model import predict_onnx
from dressform.predict.session import open_session, run_session
from dressform.predictions import Predictions
from dressform.training.callback import Callback
from dressform.training.history import Epoch
from tests.cli.command import dressform_command, error_of, json_of
from tests.conftest import TINY


def guesses(count: int, classes: int) -> Predictions:
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    logits = random.normal(size=(count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += 3
    return Predictions(
        np.array([f"{i:06d}" for i in range(count)]),
        labels,
        logits,
        tuple(f"c{i}" for i in range(classes)),
    )


def test_scores_from_margins_are_those_of_the_confusion_matrix() -> None:
    predictions = guesses(500, 7)
    weights = np.random.default_rng(1).integers(0, 4, 500)
    matrix = np.zeros((7, 7))
    np.add.at(matrix, (predictions.labels, predictions.predicted), weights)
    recall = np.diag(matrix) / matrix.sum(axis=1)
    precision = np.diag(matrix) / matrix.sum(axis=0)
    scores = Scores(predictions)
    assert balanced_accuracy(scores, weights) == pytest.approx(recall.mean())
    assert macro_f1(scores, weights) == pytest.approx(
        (2 * precision * recall / (precision + recall)).mean()
    )
    assert np.array_equal(
        np.diag(confusion_matrix(predictions.labels, predictions.predicted, 7)),
        scores.class_counts()[0],
    )


def test_a_thousand_classes_take_seconds() -> None:
    start = time.monotonic()
    found = evaluate(guesses(10_000, 1000))
    assert found.confusion is not None
    assert time.monotonic() - start < 20
    assert set(found.estimates) == set(METRICS)


def test_more_classes_than_a_matrix_has_are_judged_without_one(tmp_path: Path) -> None:
    predictions = guesses(4000, 4000)
    found = evaluate(predictions, resamples=20)
    assert found.confusion is None
    assert len(found.per_class) == 4000
    predictions.save(tmp_path / "many.npz")
    document = json_of("evaluate", tmp_path / "many.npz")
    assert isinstance(document, dict)
    assert document["confusion"] is None
    assert "shows up to 1000" in error_of(
        "report", tmp_path / "many.npz", "--out", tmp_path / "r.html"
    )


def test_lack_of_memory_is_no_damage(tmp_path: Path, named_run: dressform.Run) -> None:
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (6000, 6000, 3)).astype(np.uint8)
    ).save(tmp_path / "large.png")
    code = f"""
import resource, sys
from dressform.data.image import open_image
from pathlib import Path
held = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (held + 40_000_000,) * 2)
try:
    open_image(Path({str(tmp_path / "large.png")!r}))
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ResourceError there is not enough memory to read"), done.stdout


def test_too_many_open_files_is_no_damage(tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    code = f"""
import resource
from pathlib import Path
from dressform.data.image import open_image
open_image(Path({str(tmp_path / "a.png")!r}))
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError:
    pass
try:
    open_image(Path({str(tmp_path / "a.png")!r}))
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ResourceError too many files are open"), (
        done.stdout + done.stderr
    )


@pytest.mark.parametrize(
    "start",
    [struct.pack(">II", 0x801, 5), struct.pack(">IIII", 0x803, 2, 28, 28), b"nothing of ours!"],
)
def test_a_gzip_that_grows_without_end_is_left_early(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(256):
            file.write(bytes(2**20))
    begun = time.monotonic()
    with pytest.raises(DataError, match="is too long|is another kind of file"):
        read_idx(path)
    assert time.monotonic() - begun < 1


def model(
    path: Path, batch: int | str, nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto]
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 4])],
        initializers,
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        str(path),
    )
    return path


def four_pixels(count: int = 6) -> Dataset:
    images = np.arange(count * 4).reshape(count, 2, 2, 1).astype(np.uint8)
    return Dataset(
        images, np.arange(count) % 4, np.array([f"{i}" for i in range(count)]), tuple("abcd")
    )


def test_a_batch_of_a_billion_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 10**9, [helper.make_node("Identity", ["x"], ["logits"])], [])
    with pytest.raises(
        DataError, match="has a fixed batch of 1,000,000,000 images, which does not fit in memory"
    ):
        predict_onnx(path, four_pixels())


def endless(path: Path) -> Path:
    """A loop that runs 2^62 times."""
    flag = helper.make_tensor_value_info("again", TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["again"]),
            helper.make_node("Add", ["state", "one"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [flag, helper.make_tensor_value_info("next", TensorProto.FLOAT, None)],
    )
    constants = [
        helper.make_tensor("count", TensorProto.INT64, [], [2**62]),
        helper.make_tensor("true", TensorProto.BOOL, [], [True]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
    ]
    return model(
        path,
        "N",
        [helper.make_node("Loop", ["count", "true", "x"], ["logits"], body=body)],
        constants,
    )


def test_a_model_that_never_ends_is_ended(tmp_path: Path) -> None:
    session = open_session(endless(tmp_path / "m.onnx"), DataError)
    begun = time.monotonic()
    with pytest.raises(ResourceError, match=r"did not finish within 0\.5 s"):
        run_session(
            session,
            ["logits"],
            {"x": np.zeros((1, 4), np.float32)},
            DataError,
            "m.onnx",
            time_limit=0.5,
        )
    assert time.monotonic() - begun < 10


def test_a_time_limit_costs_next_to_nothing(tmp_path: Path) -> None:
    session = open_session(
        model(tmp_path / "m.onnx", "N", [helper.make_node("Identity", ["x"], ["logits"])], []),
        DataError,
    )
    given = {"x": np.zeros((1, 4), np.float32)}

    def seconds() -> float:
        begun = time.perf_counter()
        run_session(session, ["logits"], given, DataError, "m.onnx")
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(200)) < 0.002


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, named_run: dressform.Run) -> None:
    (tmp_path / "runs").write_text("a file")
    data = str(named_run.manifest.dataset.source)
    assert f"{tmp_path / 'runs'}" in error_of(
        "train", "fast", "--data", data, "--out", tmp_path / "runs"
    )


def test_results_come_before_figures(named_run: dressform.Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    predictions = named_run.predictions("test")
    predictions.save(tmp_path / "p.npz")
    done = dressform_command("calibrate", named_run.path, "--json")
    assert "advice" in json.loads(done.stdout)
    code = f"""
import dressform.cli.calibrate as module, sys
from dressform.cli.main import main
import dressform.reporting.figures.canvas as canvas
def save(*arguments): raise OSError(28, "No space left on device")
canvas.save = save
sys.argv = ["dressform", "calibrate", {str(named_run.path)!r}]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "prediction sets that may miss" in done.stdout
    assert "cannot be written (No space left on device)" in done.stderr


class Mover(Callback):
    """Somebody who tidies up while a training runs."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Move everything away after the first epoch."""
        if epoch.epoch == 1:
            self._runs.rename(self._runs.with_name("moved"))


def test_a_run_that_is_moved_while_it_is_trained_is_told_as_that(
    named_run: dressform.Run, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(OSError, match="its folder was moved or deleted") as caught:
        dressform.train(
            "fast", named_run.manifest.dataset.source, settings=TINY, out=runs, callback=Mover(runs)
        )
    assert caught.value.filename.startswith(str(runs))
    assert not Path(caught.value.filename).name.startswith(".")


def test_a_disk_that_is_full_is_named_with_the_file(
    named_run: dressform.Run, tmp_path: Path
) -> None:
    """A limit on the size of files stands for it."""
    code = f"""
import resource, signal
from dressform.cli.main import main
import sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.argv = ["dressform", "train", "fast", "--data", {named_run.manifest.dataset.source!r}]
sys.argv += ["--out", {str(tmp_path)!r}]
sys.argv += {[word for setting in TINY for word in ("--set", setting)]!r}
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        # coverage.py could not write its own file either
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
    )
    assert done.returncode == 1
    assert "checkpoint.safetensors: File too large" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_without_room_is_told_before_training(
    named_run: dressform.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr("dressform.experiment.train_run.shutil.disk_usage", lambda path: usage)
    with pytest.raises(
        RunError, match=r"has 5 MB free, and a run of this network takes up to 3\d MB; make room"
    ):
        dressform.train("fast", named_run.manifest.dataset.source, settings=TINY, out=tmp_path)
    assert not list(tmp_path.rglob("results.csv"))
