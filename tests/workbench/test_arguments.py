"""Public calls with arguments of a wrong kind, and with data of another run."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dressform
from dressform.core.errors import ConfigError, DataError, DressformError
from dressform.data.archive import write_archive
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.runs.run import Run
from dressform.workbench.arguments import checked_settings
from tests.conftest import TINY


def inverted(small: DatasetSplits, path: Path) -> Path:
    """The same ids and labels on other images."""
    assert small.test is not None
    images = 255 - small.test.images
    write_archive(path, replace(small, test=replace(small.test, images=images)))
    return path


def test_a_numpy_seed_trains_a_run_that_can_be_opened(small: DatasetSplits, tmp_path: Path) -> None:
    data = DatasetSplits("few", small.train.take(np.arange(100)), None, small.test)
    seed = np.int64(5)
    run = dressform.train("fast", data, settings=TINY, seed=seed, out=tmp_path)
    assert dressform.open_run(run.path).manifest.seed == 5
    for wrong in (1.0, True, "1"):
        with pytest.raises(ConfigError, match="seed is"):
            dressform.train("fast", data, settings=TINY, seed=wrong, out=tmp_path)


@pytest.mark.parametrize("call", [dressform.evaluate, dressform.compare, dressform.calibrate])
def test_what_cannot_be_evaluated(call: object, tiny_run: Run, small: DatasetSplits) -> None:
    for wrong in (None, np.zeros(3), small):
        with pytest.raises(ConfigError, match="cannot be evaluated; allowed: a run"):
            call(wrong)  # type: ignore[operator]


def test_what_is_no_data(small: DatasetSplits) -> None:
    for wrong in (small.train, None, (small.train.images, small.train.labels)):
        with pytest.raises(DataError, match="in place of data; allowed: a dataset's name or a pa"):
            dressform.train("fast", wrong)
    with pytest.raises(ConfigError, match="int was given in place of a path"):
        dressform.Predictor(3)


def test_settings_are_texts_or_a_mapping() -> None:
    changes = {"epochs": np.int64(3), "model.widths": (8, 16), "early_stopping": None, "a": True}
    texts = ("epochs=3", "model.widths=8,16", "early_stopping=none", "a=true")
    assert checked_settings("settings", changes) == checked_settings("settings", texts) == texts
    assert checked_settings("settings", "epochs=3") == ("epochs=3",)
    with pytest.raises(ConfigError, match=r"epochs is \{\} \(dict\); allowed: a number, text"):
        checked_settings("settings", {"epochs": {}})


def test_thresholds(tiny_run: Run) -> None:
    for wrong in (2, -1, float("nan"), "0.1", None):
        with pytest.raises(ConfigError, match="threshold is .*; allowed: a number from 0 to 1"):
            dressform.Predictor(tiny_run, threshold=wrong)


def test_whole_numbers_name_classes(small: DatasetSplits) -> None:
    data = Dataset.from_arrays(small.train.images, small.train.labels, class_names=range(10))
    assert data.class_names[9] == "9"
    labels = np.array([0.9])
    with pytest.raises(DataError, match="labels are float64"):
        dressform.Predictions.from_probabilities(["a"], labels, np.array([[0.5, 0.5]]), ["x", "y"])
    with pytest.raises(DataError, match="two classes have the same name"):
        dressform.Predictions.from_probabilities(["a"], [0], np.array([[0.5, 0.5]]), ["x", "x"])


def test_other_images_under_the_same_ids_are_refused(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    other = inverted(small, tmp_path / "small.npz")
    for call in (
        lambda: dressform.robustness(tiny_run, corruptions=["contrast"], data=other),
        lambda: dressform.explore(tiny_run, data=other, methods=["pca"], out=tmp_path / "e.html"),
        lambda: dressform.export(tiny_run, tmp_path / "board", data=other),
    ):
        with pytest.raises(DressformError, match=r"small is not what .* \(test: other digests\)"):
            call()
    assert not list(tmp_path.glob("*.html"))


def test_runs_that_saw_other_images_are_not_compared(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    digests = dict(tiny_run.manifest.dataset.digests, test="0" * 12)
    manifest = replace(
        tiny_run.manifest, dataset=replace(tiny_run.manifest.dataset, digests=digests)
    )
    with pytest.raises(ConfigError, match="predicted different images"):
        dressform.compare(tiny_run, Run(tiny_run.path, manifest))
    shutil.copytree(tiny_run.path, tmp_path / "other")
    manifest.save(tmp_path / "other" / "manifest.json")
    with pytest.raises(ConfigError, match="predicted different images"):
        dressform.report([tiny_run.path, tmp_path / "other"], out=tmp_path / "both.html")


def test_unequal_training_sets_are_told(
    tiny_run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = tiny_run.manifest.dataset
    shutil.copytree(tiny_run.path, tmp_path / "other")
    fewer = replace(dataset, examples={**dataset.examples, "train": 7})
    replace(tiny_run.manifest, dataset=fewer).save(tmp_path / "other" / "manifest.json")
    dressform.compare(tiny_run.path, tmp_path / "other")
    (told,) = [line for line in caplog.messages if "different numbers of examples" in line]
    assert f"{tmp_path / 'other'} from 7" in told
    caplog.clear()
    dressform.compare(tiny_run.path, tiny_run.path)
    assert "numbers of examples" not in caplog.text


def test_a_page_is_an_html_file(tiny_run: Run, tmp_path: Path) -> None:
    data = tmp_path / "photos.npz"
    data.write_bytes(b"precious")
    with pytest.raises(ConfigError, match=r"target is .*photos.npz; allowed: .* \.html"):
        dressform.export(tiny_run, data, to="page")
    assert data.read_bytes() == b"precious"


def test_a_run_s_model_leaves_a_line_in_the_ledger(named_run: Run, tmp_path: Path) -> None:
    ledger = named_run.path.parents[2] / "test-ledger.jsonl"
    before = ledger.read_text().splitlines()
    dressform.evaluate(named_run.layout.onnx, data=named_run.manifest.dataset.source)
    (line,) = ledger.read_text().splitlines()[len(before) :]
    assert json.loads(line)["what"] == "evaluate"
    with np.load(named_run.manifest.dataset.source) as arrays:
        others = {**arrays, "test_images": 255 - arrays["test_images"]}
    np.savez(tmp_path / "other.npz", **others)
    before = ledger.read_text().splitlines()
    dressform.evaluate(named_run.layout.onnx, data=tmp_path / "other.npz", split="test")
    assert ledger.read_text().splitlines() == before  # not its own test images


def test_a_model_file_in_place_of_its_folder(tiny_run: Run) -> None:
    with pytest.raises(DressformError, match=r"model.onnx is a file; give its folder"):
        dressform.Predictor(tiny_run.layout.onnx)


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        ("train", (3,), "int was given in place of a recipe; allowed: a name of"),
        ("train", ("auto",), r"auto is not a recipe; call train_auto\(data, budget='10m'\)"),
        ("train", ("fast", {"epochs": 3}), r"give settings=\{'epochs': 3\}"),
        (
            "train",
            ("fast", {"imagesize": 3}),
            "unknown argument 'imagesize'; did you mean image_size",
        ),
        ("train", ("fast", {"settings": [3]}), r"settings has 3 \(int\); allowed: text such as"),
        ("crossval", ([3],), "int was given in place of a recipe"),
        ("tune", ("fast", [3]), r"space has 3 \(int\)"),
        ("train_auto", ({"budget": "soon"},), "budget is soon; allowed: a number with s, m or h"),
        ("check_data", (3,), "int was given in place of data; allowed: DatasetSplits"),
        ("explore", (3,), "int was given in place of a run; allowed: a Run"),
        ("robustness", (None,), "NoneType was given in place of a run; allowed: a Run"),
        ("export", ([1], "x"), "list was given in place of a run"),
        ("draw_figures", (3.0,), "float was given in place of a run"),
        ("report", ({1},), "set was given in place of a run; allowed: a Run"),
        ("evaluate", ([1, 2],), "a list of 2 cannot be evaluated; .* compare and report take"),
        ("best_run", ("absent",), r"no finished run under absent \(no such folder\)"),
    ],
)
def test_wrong_arguments_get_one_line(
    call: str, arguments: tuple[object, ...], message: str
) -> None:
    options = arguments[-1] if isinstance(arguments[-1], dict) else {}
    given = arguments[:-1] if options else arguments
    with pytest.raises(DressformError, match=message) as caught:
        getattr(dressform, call)(*given, **options)
    assert "\n" not in str(caught.value)
    assert " --" not in str(caught.value)
