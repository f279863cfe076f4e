"""The model that comes with dressform."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from read_reports import newest

import dressform
from dressform.core.errors import ConfigError, RunError
from dressform.core.files import sha256_file
from dressform.data.dataset import DatasetSplits
from dressform.evaluation.intervals import wilson
from dressform.predict.model_folder import (
    find_model,
    shipped_advice,
    shipped_folder,
    shipped_recipe,
)
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
FILES = ("README.md", "model.json", "model.onnx", "ood_reference.npz", "per_class.csv")
MAX_BYTES = 1_500_000
N_IMAGES = 1000


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor("shipped")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report() -> dict[str, object]:
    found = newest("shipped")
    assert found is not None
    results: dict[str, object] = found["results"]
    return results


def test_the_model_its_card_and_its_report_are_of_the_same_weights(shipped: Predictor) -> None:
    folder = shipped_folder()
    assert tuple(sorted(path.name for path in folder.iterdir())) == FILES
    assert shipped.path == folder / "model.onnx"
    assert shipped.path.stat().st_size <= MAX_BYTES
    digest = sha256_file(shipped.path)
    card, scores = (folder / "README.md").read_text(encoding="utf-8"), report()
    assert f"**SHA-256 of model.onnx:** {digest}" in card
    assert scores["weights_sha256"]["model.onnx"] == digest  # type: ignore[index]
    assert shipped.temperature == scores["temperature"] != 1
    assert str(scores["command"]) in card
    for heading in ("Training Data", "Training Hyperparameters", "Results", "Limitations"):
        assert re.search(rf"^#+ .*{heading}$", card, re.M)
    assert "dressform predict photos/ --model shipped" in card
    assert "FOLDER" not in card


def test_what_is_shipped_is_in_the_repository_and_so_in_the_wheel() -> None:
    """hatchling takes what git does not ignore below src/dressform."""
    listed = subprocess.run(
        ["git", "ls-files", "src/dressform/shipped"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert tuple(sorted(Path(line).name for line in listed.splitlines())) == FILES
    assert 'packages = ["src/dressform"]' in (ROOT / "pyproject.toml").read_text()


def test_it_is_as_good_as_its_report_says(shipped: Predictor, fashion: DatasetSplits) -> None:
    assert fashion.test is not None
    test = fashion.test.take(np.arange(N_IMAGES))
    right = int((shipped.logits(test.images).argmax(1) == test.labels).sum())
    accuracy = report()["test_accuracy"]["value"]  # type: ignore[index]
    found = wilson(right, N_IMAGES)
    assert found.low <= accuracy <= found.high
    text = (shipped_folder() / "README.md").read_text(encoding="utf-8")
    (index,) = json.loads(re.findall(r"^model-index: (.*)$", text, re.M)[0])
    stated = {one["dataset"]["split"]: one["metrics"][0]["value"] for one in index["results"]}
    assert stated["test"] == round(accuracy, 6)
    assert tuple(shipped.class_names) == fashion.class_names


def test_a_run_is_preferred_and_the_shipped_model_is_named(tiny_run: Run, elsewhere: Path) -> None:
    assert find_model() == (
        shipped_folder(),
        "shipped with dressform, as there is no finished run under runs (no such folder)",
    )
    for name in ("shipped", shipped_recipe()):
        assert find_model(name) == (shipped_folder(), "shipped with dressform")
    (elsewhere / "shipped").mkdir()
    assert find_model("shipped") == (Path("shipped"), "")
    assert find_model("./shipped")[0] == Path("shipped")
    run = elsewhere / "runs" / "photos" / "fast-00000000" / "seed0"
    run.mkdir(parents=True)
    assert find_model()[1].endswith("no finished run under runs")
    tiny_run.manifest.save(run / "manifest.json")
    found, why = find_model()
    assert isinstance(found, Run)
    assert found.path == Path("runs/photos/fast-00000000/seed0")
    assert why == "the only run of small"
    assert shipped_advice(found) == ""  # it knows other classes
    facts = {"location": "fashion-mnist", "class_names": Predictor(shipped_folder()).class_names}
    examples = {"validation": 200}
    for accuracy, better in ((0.8, True), (0.93, False), (0.999, False)):
        manifest = replace(
            found.manifest,
            dataset=replace(found.manifest.dataset, **facts, examples=examples),
            results=found.manifest.results | {"val_accuracy": accuracy},
        )
        advice = shipped_advice(replace(found, manifest=manifest))
        assert ("right more often on its validation images (" in advice) == better
    with pytest.raises(RunError, match="absent does not exist; give the folder of a run"):
        Predictor("absent")


def test_it_is_exported_and_evaluated_like_any_model(
    shipped: Predictor, small: DatasetSplits, elsewhere: Path
) -> None:
    (page,) = dressform.export("shipped", "shop.html", to="page")
    assert page.stat().st_size > shipped.path.stat().st_size
    copied = dressform.export("shipped", "copy", to="onnx")
    assert tuple(sorted(path.name for path in copied)) == FILES
    assert Predictor("copy").description == shipped.description
    again = dressform.export("copy", "again", to="onnx")
    assert [path.name for path in again] == [path.name for path in copied]
    with pytest.raises(ConfigError, match=r"is no run, so it has no folder .*target='onnx'"):
        dressform.export("shipped", to="onnx")
    with pytest.raises(ConfigError, match="shipped is an ONNX model and no run, which to='keras'"):
        dressform.export("shipped", "m.keras", to="keras")
    assert small.test is not None
    np.savez(
        "test.npz",
        test_images=small.test.images,
        test_labels=small.test.labels,
        train_images=small.train.images[:10],
        train_labels=small.train.labels[:10],
        class_names=np.array(small.class_names),
    )
    evaluation = dressform.evaluate("shipped", data="test.npz", split="test")
    assert evaluation.accuracy.n == len(small.test)
    assert evaluation.accuracy.high > 0.9
