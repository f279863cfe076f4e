"""Run directories: whole, resumable, refused when they are not ours to use."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.config import digest
from dressform.core.errors import ConfigError, DressformError, RunError
from dressform.core.files import sha256_file
from dressform.core.registry import load_from_file
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.runs.layout import run_folder
from dressform.runs.manifest import Manifest, for_people
from dressform.runs.run import Run, best_run, open_run
from dressform.workbench.pages import draw_figures
from tests.conftest import TINY
from tests.training.undrawn import train_undrawn

FILES = {
    "manifest.json",
    "results.csv",
    "classification-report.txt",
    "classification-report.json",
    "per_class.csv",
    "README.md",
    "weights/last.safetensors",
    "weights/best.safetensors",
    "weights/model.onnx",
    "weights/model.json",
    "weights/ood_reference.npz",
    "predictions/validation.npz",
    "predictions/test.npz",
    "figures/history.png",
    "figures/confusion-counts.png",
    "figures/confusion-normalised.png",
    "figures/per-class.png",
    "figures/montage.png",
    "figures/first-images.png",
    "figures/calibration.png",
    "figures/reliability.png",
}


def files_in(folder: Path) -> set[str]:
    return {
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p.name != ".lock"
    }


def test_a_finished_run_has_these_files_and_no_others(tiny_run: Run) -> None:
    assert files_in(tiny_run.path) == FILES
    assert not [p for p in tiny_run.path.rglob("*") if p.suffix in (".pkl", ".pt", ".pth", ".tmp")]


def test_the_manifest_tells_what_was_done(tiny_run: Run, small: DatasetSplits) -> None:
    m = open_run(tiny_run.path).manifest
    assert (m.status, m.recipe, m.seed, m.format) == ("finished", "fast", 0, 1)
    assert m.settings == list(TINY)
    assert m.resolved["model"]["widths"] == [8, 8]
    assert m.dataset.digests == {
        "train": small.train.digest,
        "test": small.test.digest if small.test else "",
    }
    assert m.dataset.examples == {"train": 540, "validation": 60, "test": 200}
    assert set(m.seconds) == {"train", "fit", "export", "predict"}
    assert m.weights["model.onnx"] == sha256_file(tiny_run.layout.onnx)
    assert m.hardware["precision"] == "float32"
    assert tiny_run.path.parts[-3:] == ("small", f"fast-{m.digest}", "seed0")


def test_results_have_a_row_per_epoch(tiny_run: Run) -> None:
    rows = tiny_run.history()
    assert [row["epoch"] for row in rows] == [1, 2]
    assert set(rows[0]) == {
        "epoch",
        "lr",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "seconds",
        "val_ece",
    }


def test_the_look_at_the_test_split_is_in_the_ledger(tiny_run: Run) -> None:
    lines = (tiny_run.path.parents[2] / "test-ledger.jsonl").read_text().splitlines()
    look = json.loads(lines[0])
    assert (look["what"], look["examples"], look["run"]) == ("train", 200, str(tiny_run.path))


def test_a_run_is_never_written_over(tiny_run: Run, small: DatasetSplits) -> None:
    before = {name: (tiny_run.path / name).read_bytes() for name in FILES}
    for resume in (False, True):  # what is finished is shown, whether or not one asks for it
        again = dressform.train(
            "fast", small, settings=TINY, out=tiny_run.path.parents[2], resume=resume
        )
        assert again.path == tiny_run.path
    assert before == {name: (tiny_run.path / name).read_bytes() for name in FILES}


def test_other_data_under_the_same_name_are_refused(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    shutil.copytree(tiny_run.path.parents[2], tmp_path / "runs")
    other = DatasetSplits("small", small.train.take(np.arange(500)), None, small.test)
    with pytest.raises(
        RunError,
        match="was trained on different data; small has changed since; choose another out=",
    ):
        dressform.train("fast", other, settings=TINY, out=tmp_path / "runs", resume=True)


def test_a_run_of_a_newer_version_is_refused(tiny_run: Run, tmp_path: Path) -> None:
    shutil.copytree(tiny_run.path, tmp_path / "run")
    document = json.loads((tmp_path / "run" / "manifest.json").read_text())
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({**document, "format": 2}))
    with pytest.raises(
        RunError,
        match=r"has format 2, made by a newer dressform; this version reads up to 1, so upgrade",
    ):
        open_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON document"),
        ("[]", "is not a manifest of dressform"),
        ('{"format": 1}', "recipe is missing"),
    ],
)
def test_damaged_manifests_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(tmp_path)


def test_paths_that_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no manifest.json, so it is not a run"):
        open_run(tmp_path)
    (tmp_path / "seed0").mkdir()
    (tmp_path / "seed0" / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"so it is not a run; give .*seed0$"):
        open_run(tmp_path)
    (tmp_path / "seed0" / "manifest.json").unlink()
    with pytest.raises(RunError, match="does not exist; give the folder of a run"):
        open_run(tmp_path / "absent")
    with pytest.raises(RunError, match="no finished run under"):
        best_run(tmp_path)


def test_unknown_and_unfinished_predictions(tiny_run: Run, tmp_path: Path) -> None:
    with pytest.raises(
        DressformError, match=r"unknown split 'train' of .*; .*available: validation, test"
    ):
        tiny_run.predictions("train")
    with pytest.raises(RunError, match="is stopped, not finished; train it with resume=True first"):
        Run(tmp_path, replace(tiny_run.manifest, status="started")).predictions()
    results = tiny_run.manifest.results
    assert tiny_run.status == "finished"
    assert tiny_run.val_accuracy == results["val_accuracy"]
    assert tiny_run.test_accuracy == results["test_accuracy"]


def copied(
    run: Run, out: Path, dataset: str, name: str, val_accuracy: float | None, finished: str
) -> Path:
    """A run of which the manifest alone is there."""
    folder = out / dataset / name / "seed0"
    folder.mkdir(parents=True)
    manifest = replace(
        run.manifest,
        dataset=replace(run.manifest.dataset, name=dataset),
        results={"val_accuracy": val_accuracy},
        finished=finished,
    )
    manifest.save(folder / "manifest.json")
    return folder


def test_the_best_run_on_validation_is_taken_however_new_others_are(
    tiny_run: Run, tmp_path: Path
) -> None:
    good = copied(tiny_run, tmp_path, "photos", "good-00000000", 0.9, "2026-01-01T00:00:00+00:00")
    run, why = best_run(tmp_path)
    assert (run.path, why) == (good, "the only run of photos")
    copied(tiny_run, tmp_path, "photos", "one-epoch-00000000", 0.5, "2026-02-01T00:00:00+00:00")
    copied(tiny_run, tmp_path, "photos", "unknown-00000000", None, "2026-03-01T00:00:00+00:00")
    run, why = best_run(tmp_path)
    assert (run.path, why) == (good, "the best of 3 runs of photos, validation accuracy 90.00 %")
    newer = copied(
        tiny_run, tmp_path, "photos", "as-good-00000000", 0.9, "2026-04-01T00:00:00+00:00"
    )
    assert best_run(tmp_path)[0].path == newer


def test_between_datasets_nobody_but_the_user_chooses(tiny_run: Run, tmp_path: Path) -> None:
    photos = copied(tiny_run, tmp_path, "photos", "good-00000000", 0.9, "2026-01-01T00:00:00+00:00")
    other = copied(
        tiny_run, tmp_path, "fashion-mnist", "fast-00000000", 0.95, "2026-01-01T00:00:00+00:00"
    )
    with pytest.raises(RunError, match="models of 2 datasets") as caught:
        best_run(tmp_path)
    assert f"fashion-mnist: model={str(other)!r}; photos: model={str(photos)!r}" in str(
        caught.value
    )


def test_figures_are_rebuilt_even_without_the_data(tiny_run: Run, tmp_path: Path) -> None:
    shutil.copytree(tiny_run.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "figures")
    assert {p.name for p in draw_figures(tmp_path / "run")} == {
        "history.png",
        "confusion-counts.png",
        "confusion-normalised.png",
        "per-class.png",
        "calibration.png",
        "reliability.png",
    }


def test_folders_have_safe_names(tmp_path: Path) -> None:
    assert (
        run_folder(tmp_path, "../my data:1", "fast", "0" * 8, 3)
        == tmp_path / "my-data-1" / "fast-00000000" / "seed3"
    )


def test_an_output_that_cannot_be_written_is_told_before_training(
    small: DatasetSplits, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot be created: .*; give a writable folder with out="):
        dressform.train("fast", small, settings=TINY, out=tmp_path / "file" / "runs")


def test_own_network_and_own_data_in_one_file(small: DatasetSplits, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from torch import nn\nimport dressform as df\n\n"
        "def network(shape, classes):\n"
        "    height, width, channels = shape\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(height * width * channels, 16), "
        "nn.Tanh(), nn.Linear(16, classes))\n\n"
        "def mine():\n"
        "    return df.Recipe(name='mine', model=network, epochs=1, batch_size=50, "
        "optim=df.Optim(kind='adam', lr=0.01))\n"
    )
    run = train_undrawn(f"{path}:mine", small, out=tmp_path / "runs")
    assert run.manifest.recipe == "mine"
    before = run.manifest.digest
    path.write_text(path.read_text().replace("16", "24"))
    assert train_undrawn(f"{path}:mine", small, out=tmp_path / "runs").manifest.digest != before
    path.write_text("def mine(x):\n    return 1\n\nnothing = 3\n")
    with pytest.raises(ConfigError, match="cannot be called without arguments"):
        dressform.train(f"{path}:mine", small, out=tmp_path / "runs")
    path.write_text("def inner(x):\n    return 1\n\ndef mine():\n    return inner()\n")
    with pytest.raises(ConfigError, match="mine failed with TypeError: .*missing 1 required"):
        dressform.train(f"{path}:mine", small, out=tmp_path / "runs")
    path.write_text("nothing = 3\n")
    with pytest.raises(ConfigError, match="returned int; it must be a dressform.Recipe"):
        dressform.train(f"{path}:nothing", small, out=tmp_path / "runs")


def test_a_failed_run_says_why_and_can_be_resumed(
    small: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from torch import nn\nimport torch, os\nimport dressform as df\n\n"
        "class Fails(nn.Module):\n"
        "    def __init__(self, n, k):\n"
        "        super().__init__()\n        self.a = nn.Linear(n, k)\n"
        "    def forward(self, x):\n"
        "        if self.training and os.environ.get('DRESSFORM_TEST_FAIL'):\n"
        "            raise OSError(28, 'No space left on device')\n"
        "        return self.a(x.flatten(1))\n\n"
        "def mine():\n"
        "    return df.Recipe(name='mine', model=lambda s, k: Fails(s[0] * s[1] * s[2], k), "
        "epochs=1, batch_size=50)\n"
    )
    monkeypatch.setenv("DRESSFORM_TEST_FAIL", "1")
    with pytest.raises(OSError, match="No space left"):
        dressform.train(f"{path}:mine", small, out=tmp_path / "runs")
    manifest = Manifest.load(next((tmp_path / "runs").rglob("manifest.json")))
    assert (manifest.status, manifest.error) == (
        "failed",
        "OSError: [Errno 28] No space left on device",
    )
    monkeypatch.delenv("DRESSFORM_TEST_FAIL")
    run = train_undrawn(f"{path}:mine", small, out=tmp_path / "runs", resume=True)
    assert run.manifest.status == "finished"
    assert run.manifest.error is None


def test_what_cannot_be_trained_leaves_no_folder(small: DatasetSplits, tmp_path: Path) -> None:
    for settings, device, message in (
        (TINY, "cpuu", "device is 'cpuu'; allowed: auto, cpu, cuda"),
        ([*TINY, "model.widths=8,9000000000000"], "cpu", "the network cannot be built for images"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            dressform.train("fast", small, settings=settings, out=tmp_path / "runs", device=device)
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="absent.py is not a file"):
        dressform.train("absent.py:own", small, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_missing_figures_are_drawn_when_a_finished_run_is_shown_again(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    shutil.copytree(tiny_run.path.parents[2], tmp_path / "runs")
    copy = tmp_path / "runs" / tiny_run.path.relative_to(tiny_run.path.parents[2])
    for name in ("montage.png", "per-class.png"):
        (copy / "figures" / name).unlink()
    dressform.train("fast", small, settings=TINY, out=tmp_path / "runs", resume=True)
    assert files_in(copy) == FILES


def test_an_edited_network_is_another_recipe(tmp_path: Path) -> None:
    def network(width: int) -> dressform.Recipe:
        path = tmp_path / "n.py"
        path.write_text(
            f"from torch import nn\n\ndef network(shape, classes):\n    return "
            f"nn.LazyLinear({width})\n"
        )
        return dressform.Recipe(
            name="n", model=load_from_file(f"{path}:network"), epochs=1, batch_size=2
        )

    assert digest(network(3)) == digest(network(3)) != digest(network(4))


def test_data_with_a_validation_split_of_their_own_and_no_test(
    fashion: DatasetSplits, tmp_path: Path
) -> None:
    """Validation ids that come after all of train's, and a split that is larger than train."""
    train, other = fashion.train.take(np.arange(100)), fashion["test"].take(np.arange(150))
    validation = Dataset(other.images, other.labels, np.char.add("z", other.ids), other.class_names)
    run = dressform.train(
        "fast", DatasetSplits("photos", train, validation), settings=TINY, out=tmp_path
    )
    assert run.manifest.results["test_accuracy"] is None
    assert run.manifest.dataset.examples == {"train": 100, "validation": 150, "test": 0}
    assert (run.layout.figures / "montage.png").exists()
    assert not (tmp_path / "test-ledger.jsonl").exists()


def _copy(run: Run, tmp_path: Path) -> Path:
    shutil.copytree(run.path.parents[2], tmp_path / "runs")
    return tmp_path / "runs" / run.path.relative_to(run.path.parents[2])


def test_a_finished_run_that_lost_its_weights_is_not_called_whole(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    copy = _copy(tiny_run, tmp_path)
    (copy / "weights" / "model.onnx").unlink()
    with pytest.raises(RunError, match=r"is finished, but its model.onnx is missing"):
        dressform.train("fast", small, settings=TINY, out=tmp_path / "runs", resume=True)


def test_damage_inside_a_run_is_named(tiny_run: Run, tmp_path: Path) -> None:
    copy = _copy(tiny_run, tmp_path)
    for content, message in (
        ("epoch,lr\n1,foo\n", "results.csv is damaged"),
        ("", "has no epochs or lacks columns"),
    ):
        (copy / "results.csv").write_text(content)
        with pytest.raises(RunError, match=message):
            draw_figures(copy)
    shutil.rmtree(copy / "predictions")
    with pytest.raises(RunError, match="has no predictions any more"):
        open_run(copy).predictions("test")
    document = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**document, "results": []}))
    with pytest.raises(RunError, match=r"results is \[\], expected an object"):
        open_run(copy)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import sys\nsys.exit(0)\n", "failed with SystemExit"),
        ("def own():\n    raise SystemExit(0)\n", "failed with SystemExit"),
        ("def own():\n    return 1 / 0\n", "failed with ZeroDivisionError"),
        (
            "class N(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)[:, :10] "
            "* (2 if x.mean().item() > 0 else 1)\n"
            "def own():\n    return df.Recipe(name='own', model=lambda s, k: N(), epochs=1, "
            "batch_size=9)\n",
            "cannot be exported to ONNX",
        ),
        (
            "class N(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)[:, :10]\n"
            "def own():\n    return df.Recipe(name='own', model=lambda s, k: N(), epochs=1, "
            "batch_size=9)\n",
            "training stopped with ValueError: optimizer got an empty parameter list",
        ),
    ],
)
def test_own_files_that_fail_are_told_in_a_line(
    body: str, message: str, small: DatasetSplits, tmp_path: Path
) -> None:
    path = tmp_path / "bad.py"
    path.write_text("from torch import nn\nimport dressform as df\n" + body)
    with pytest.raises(DressformError, match=message) as caught:
        dressform.train(f"{path}:own", small, out=tmp_path / "runs")
    assert "\n" not in str(caught.value)


def test_a_file_without_a_function_and_data_of_one_class(
    small: DatasetSplits, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"own.py names no function; write path/to/file.py:function"
    ):
        dressform.train("own.py", small, out=tmp_path / "runs")
    one = Dataset.from_arrays(small.train.images[:9], [0] * 9, class_names=["hats"])
    with pytest.raises(
        DressformError, match=r"d has one class only \(hats\); a classifier needs two or more"
    ):
        dressform.train("fast", DatasetSplits("d", one), out=tmp_path / "runs")


def test_times_for_people() -> None:
    assert for_people("2026-11-26T19:24:31+00:00") == "2026-11-26 19:24 UTC"
    assert (for_people(None), for_people("soon")) == ("-", "soon")
