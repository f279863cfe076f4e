"""A run on labelled images that it was not made with: all of them, by name, prepared as predict
does it.
"""

import dataclasses
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.core.errors import ConfigError, DataError
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run
from tests.cli.command import dressform_command, json_of
from tests.predict.made_images import COLOURS, write_swatches
from tests.training.undrawn import train_undrawn

NAMES = tuple(COLOURS)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_swatches(tmp_path_factory.mktemp("data") / "swatches", count=20, size=(24, 24))


@pytest.fixture(scope="module")
def run(training: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of four colours, trained for some seconds on images of 24 x 24; tests must not change it."""
    return dressform.train(
        "simple-dense",
        training,
        settings=["epochs=4", "batch_size=16", "precision=float32"],
        out=tmp_path_factory.mktemp("runs"),
    )


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write_swatches(tmp_path / "new", first=100, count=6, size=(40, 50))


def test_all_images_are_evaluated_as_predict_sees_them(
    run: Run, new: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    evaluation = dressform.evaluate(run, data=new)
    assert evaluation.accuracy.n == 24
    assert "evaluated on all 24 images of new" in caplog.messages
    predictor = Predictor(run)
    files = sorted(new.rglob("*.png"))
    right = [predictor.predict(path).top[0][0] == path.parent.name for path in files]
    assert evaluation.accuracy.value == np.mean(right)
    assert dressform.evaluate(run.path, data=str(new)).accuracy == evaluation.accuracy


def test_the_layout_of_the_new_images_does_not_matter(
    run: Run, new: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = dressform.evaluate(run, data=new).accuracy
    shutil.copytree(new, tmp_path / "test-only" / "test")
    assert dressform.evaluate(run, data=tmp_path / "test-only").accuracy == expected
    for split, half in (("train", "10[0-2]"), ("test", "10[3-5]")):
        for name in NAMES:
            target = tmp_path / "divided" / split / name
            target.mkdir(parents=True)
            for path in (new / name).glob(f"*{half}.png"):
                shutil.copy(path, target)
    assert dressform.evaluate(run, data=tmp_path / "divided").accuracy == expected
    assert dressform.evaluate(run, data=tmp_path / "divided", split="test").accuracy.n == 12
    for path in (tmp_path / "test-only").rglob("*[1-5].png"):  # one image a class
        path.unlink()
    assert dressform.evaluate(run, data=tmp_path / "test-only").accuracy.n == 4


def test_a_class_that_the_model_lacks_is_refused_with_both_lists(run: Run, tmp_path: Path) -> None:
    renamed = write_swatches(tmp_path / "new", {name: name.title() for name in NAMES[:2]})
    with pytest.raises(
        DataError,
        match="Amber, Cyan of new are not classes of .*; classes of the data: Amber, Cyan; of the "
        "model: amber, cyan, lime, plum; rename or leave out",
    ):
        dressform.evaluate(run, data=renamed)


def test_a_class_that_the_data_lack_is_allowed_and_said_once(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    some = write_swatches(tmp_path / "new", ("plum", "cyan"), first=50)
    evaluation = dressform.evaluate(run, data=some)
    assert [score.support for score in evaluation.per_class] == [0, 12, 0, 12]
    assert caplog.text.count("new has no images of amber, lime") == 1


def test_two_spellings_of_a_class_are_one(tmp_path: Path) -> None:
    names = {"amber": "caf\u00e9", "cyan": "tea"}
    trained = dressform.train(
        "simple-dense",
        write_swatches(tmp_path / "nfc", names, count=15),
        settings=["epochs=1"],
        out=tmp_path / "runs",
    )
    decomposed = write_swatches(tmp_path / "nfd", {"amber": "cafe\u0301", "cyan": "tea"}, first=30)
    assert [s.support for s in dressform.evaluate(trained, data=decomposed).per_class] == [12, 12]


def test_images_that_it_was_trained_on_are_named(
    run: Run, training: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(training, tmp_path / "moved")
    for data in (training, tmp_path / "moved"):
        caplog.clear()
        dressform.evaluate(run, data=data)
        assert (
            f"51 of 80 images are those that {run.name} was trained on, and 13 those that "
            "it was validated on (equal digests); its accuracy on new images will be lower; "
            "split='test' leaves them out"
        ) in caplog.text
    caplog.clear()
    kept = dressform.evaluate(run)
    assert dressform.evaluate(run, data=training, split="test").accuracy == kept.accuracy
    assert "digests" not in caplog.text
    mixed = write_swatches(tmp_path / "mixed", first=200, count=3, size=(24, 24))
    held_out = set(run.predictions("test").ids) | set(run.predictions("validation").ids)
    names = [p.relative_to(training) for p in sorted(training.rglob("*.png"))]
    learned = [name for name in names if name.as_posix() not in held_out]
    for number, name in enumerate([*learned[:5], Path(run.predictions("test").ids[0])]):
        shutil.copy(training / name, mixed / name.parent / f"copy{number}.png")
    caplog.clear()
    dressform.evaluate(run, data=mixed)
    assert "5 of 18 images are exact duplicates of images that simple-dense" in caplog.text
    caplog.clear()
    dressform.evaluate(run, data=write_swatches(tmp_path / "other", first=300, count=3))
    assert "duplicates" not in caplog.text


def test_arrays_of_training_images_are_named(
    named_run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = dressform.load_data(named_run.manifest.dataset.source)
    assert data.test is not None
    np.savez(
        tmp_path / "d.npz",
        images=np.concatenate([data.test.images[:50], data.train.images[:600]]),
        labels=np.concatenate([data.test.labels[:50], data.train.labels[:600]]),
    )
    dressform.evaluate(named_run, data=tmp_path / "d.npz")
    assert "540 of 650 images are exact duplicates" in caplog.text  # 60 were for validation
    assert "the classes of d are numbers; they were taken as T-shirt/top, Trouser" in caplog.text


def test_photos_are_prepared_as_predict_does_it(named_run: Run, tmp_path: Path) -> None:
    """The run knows objects on black; photos show them on a bright background."""
    random = np.random.default_rng(0)
    for name, (height, width) in (("Trouser", (90, 30)), ("Bag", (40, 60))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(4):
            photo = random.normal(210, 6, (120, 160, 3))
            photo[15 : 15 + height, 40 : 40 + width] = random.normal(70, 10, (height, width, 3))
            image = Image.fromarray(photo.clip(0, 255).astype(np.uint8))
            image.save(tmp_path / "photos" / name / f"{i}.jpg")
    predictor = Predictor(named_run)
    assert predictor.photo is not None
    files = sorted((tmp_path / "photos").rglob("*.jpg"))
    right = [predictor.predict(path).top[0][0] == path.parent.name for path in files]
    assert dressform.evaluate(named_run, data=tmp_path / "photos").accuracy.value == np.mean(right)
    plain = Predictor(named_run, photos=False)
    assert any(
        not np.array_equal(predictor.prepare(p).pixels, plain.prepare(p).pixels) for p in files
    )


def test_the_report_shows_the_new_images(run: Run, new: Path, tmp_path: Path) -> None:
    page = dressform.report(run, data=new, out=tmp_path / "new.html").read_text()
    assert ": 24 examples of new" in page
    assert '"sheets":[]' not in page.replace(" ", "")
    own = dressform.report(run, out=tmp_path / "own.html").read_text()
    assert "test examples" in own


def test_a_report_on_moved_data_is_about_the_runs_own_predictions(
    run: Run, training: Path, tmp_path: Path
) -> None:
    shutil.copytree(training, tmp_path / "moved")
    page = dressform.report(run, data=tmp_path / "moved", out=tmp_path / "r.html").read_text()
    assert f"{len(run.predictions('test'))} test examples" in page


def test_compare_evaluates_runs_and_models_on_the_new_images(run: Run, new: Path) -> None:
    (found,) = dressform.compare(run, run.layout.onnx, data=new)
    assert found.difference.n == 24
    assert found.identical


def test_the_command_line_without_torch(run: Run, new: Path) -> None:
    document: Any = json_of("evaluate", run.path, "--data", new)
    assert document["n"] == 24
    shown = dressform_command("evaluate", run.path, "--data", new)
    assert "evaluated on all 24 images of new\n" in shown.stderr
    code = (
        "import sys; from dressform.cli.main import create_app; "
        "create_app()(standalone_mode=False); assert "
        "'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, "evaluate", str(run.path), "--data", str(new)],
        check=True,
        capture_output=True,
        env=os.environ,
    )


def test_options_that_do_not_apply(run: Run, new: Path) -> None:
    with pytest.raises(ConfigError, match="image_size=99 does not apply to .* of 24 x 24; leave"):
        dressform.evaluate(run, data=new, image_size=99)
    with pytest.raises(ConfigError, match="scale='raw' does not apply to a run, whose model.json"):
        dressform.evaluate(run, data=new, scale="raw")
    with pytest.raises(ConfigError, match="unknown split 'test' of new; available: all"):
        dressform.evaluate(
            run, data=write_swatches(new.parent / "n" / "new", count=1), split="test"
        )


def test_a_page_of_other_images_has_its_own_name(run: Run, new: Path) -> None:
    page = dressform.report(run, data=new)
    assert page == run.path / "report-new.html"
    text = page.read_text()
    assert ": 24 examples of new" in text
    assert "new examples" not in text
    page.unlink()


def test_data_in_memory(run: Run, training: Path, new: Path, tmp_path: Path) -> None:
    """Splits take the place of a path, as for training."""
    splits = dressform.load_data(training)
    assert dressform.load_data(splits) is splits
    in_memory = dataclasses.replace(splits, source=None, name="mine")
    trained = train_undrawn("simple-dense", in_memory, settings=["epochs=1"], out=tmp_path)
    with pytest.raises(DataError, match="trained on data in memory, called mine; give them with"):
        dressform.robustness(trained)
    found = dressform.robustness(trained, corruptions=["mirror"], data=in_memory)
    assert found.examples == len(splits["test"])
    others = dressform.load_data(new, image_size=24)
    assert dressform.evaluate(run, data=others).accuracy.n == 24
    assert dressform.evaluate(run, data=others, split="test").accuracy.n == len(others["test"])
    assert dressform.calibrate(run, data=splits).unscaled.ids.size == len(splits.train) + len(
        splits["test"]
    )
    with pytest.raises(ConfigError, match="DatasetSplits was given, which is read already"):
        dressform.evaluate(run, data=others, skip_bad=True)
    with pytest.raises(ConfigError, match="DatasetSplits was given, which is read already"):
        dressform.calibrate(run, data=others, skip_bad=True)


def test_images_of_other_sides_are_fitted_to_the_model_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No note tells of a square that they have on the way, and advises another."""
    wide = write_swatches(tmp_path / "wide", count=20, size=(30, 20))
    run = train_undrawn(
        "simple-dense", dressform.load_data(wide), settings=["epochs=1"], out=tmp_path
    )
    mixed = write_swatches(tmp_path / "mixed", count=3, size=(50, 40))
    write_swatches(tmp_path / "mixed", first=10, count=3, size=(20, 40))
    caplog.clear()
    assert dressform.evaluate(run, data=mixed).accuracy.n == 24
    assert "images fitted to" not in caplog.text


def test_bytes_of_names_that_are_no_utf_8(training: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfc"))
    shutil.copytree(training, folder / "data")
    run = dressform.train(
        "simple-dense", folder / "data", settings=["epochs=1"], out=folder / "runs"
    )
    page = dressform.report(run)
    assert "\\udcfc" in page.read_text()
    assert dressform.export(run, to="page")[0].exists()
    assert Predictor(run).predict(next((folder / "data").rglob("*.png"))).top
