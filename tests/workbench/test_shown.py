"""What public objects show of themselves: a short line in Python, short HTML in a notebook."""

import dataclasses
import inspect
import re
from collections.abc import Iterator

import numpy as np
import pytest

import dressform
from dressform.core.clock import Deadline
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.labelled import read_examples
from dressform.data.read_options import ReadOptions
from dressform.data.review import Finding, Review
from dressform.evaluation.comparison import Comparisons
from dressform.experiment.auto.auto import AutoResult
from dressform.experiment.auto.compared import Compared
from dressform.exploration.doctor import Diagnosis
from dressform.predict.robustness import Robustness
from dressform.predictions import Predictions
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run
from dressform.runs.tuning import Trial, Tuning
from dressform.workbench.datasets import Diagnosed, ReviewedData

LONGEST = 260
NASTY = ("<i>dress</i>", "pants & co", 'shoe"s', "\u202eturned")
NO_DISPLAY = {"Callback", "Client", "DressformError"}
"""Classes to derive from, errors, and what stands for a service elsewhere."""


@pytest.fixture(scope="module")
def shown(
    tiny_run: Run,
    study: CrossvalRun,
    small: DatasetSplits,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[object]:
    """One of everything that public calls return, with class names that need to be escaped."""
    folder = tmp_path_factory.mktemp("shown")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 40, 12, 3), np.uint8)
    nasty = Dataset.from_arrays(images, np.arange(40) % 4, class_names=NASTY)
    splits = DatasetSplits("<b>nasty</b>", nasty, None, nasty, notes=("a <b>note</b>",))
    logits = random.normal(size=(3, 40, 4)).astype(np.float32)
    many = [Predictions(nasty.ids, nasty.labels, one, NASTY) for one in logits]
    np.savez(folder / "some.npz", train_images=images, train_labels=np.arange(40) % 4)
    predictor = dressform.Predictor(tiny_run)
    evaluation = dressform.evaluate(many[0])
    finding = Finding(id="7", split="train", kind="label", label="a", score=0.1, reason="odd")
    review = Review("nasty", "x", {}, (finding,))
    diagnosis = Diagnosis(review, (), {"labels <in> train": 1})
    trial = Trial(number=0, state="complete", value=0.9, epochs=1, settings={"optim.lr": 0.1})
    compared = Compared("a <small> CNN", "dressform train fast", 3, [0.9], 0.9, 4.0, "runs/x")
    return [
        splits,
        nasty,
        ReadOptions(image_size=32),
        dressform.check_data(splits),
        read_examples(str(folder / "some.npz"), ReadOptions()),
        *many[:1],
        dressform.PredictionSet("a", (many[0],)),
        evaluation,
        *evaluation.per_class,
        *dressform.compare(many),
        dressform.compare(many),
        dressform.calibrate(many[0]),
        Robustness(40, 0, evaluation.accuracy, {"fog": {"1": evaluation.accuracy}}, 0.5),
        tiny_run,
        study,
        Tuning(
            path=folder,
            recipe="fast",
            metric="val_accuracy",
            space={"optim.lr": "0.1,0.2"},
            seed=0,
            trials=(trial,),
            train=("dressform", "train", "fast"),
        ),
        AutoResult(tiny_run, small, [compared], [], 12.0, Deadline(at=0)),
        predictor,
        predictor.predict(images[0]),
        predictor.predict(images[0]).prepared,
        dressform.QuickPredictor(tiny_run, small.train.images),
        Diagnosed(diagnosis, folder / "doctor.html", folder / "review.json"),
        ReviewedData(folder, 1, 2, {"train": 3}, ["dressform"]),
        dressform.list_runs(tiny_run.path.parents[2]),
        *dressform.list_runs(tiny_run.path.parents[2])[:1],
        dressform.find_recipe("fast"),
        *(getattr(dressform, name)() for name in ("Optim", "Schedule", "Augment", "EMA")),
        *(getattr(dressform, name)() for name in ("EarlyStopping", "HardExamples")),
        dressform.ProgressiveResizing(),
        dressform.Distillation(teacher=dressform.find_recipe("fast")),
        *dressform.list_recipes()[:1],
        *dressform.list_models()[:1],
        *dressform.list_datasets(),
        dressform.list_recipes(),
        dressform.list_models(),
        dressform.list_datasets(),
    ]


def _with_parts(thing: object) -> Iterator[object]:
    """An object and what its fields hold, if it is of the package, too."""
    yield thing
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            value = getattr(thing, field.name)
            for part in value if isinstance(value, (tuple, list)) else [value]:
                if type(part).__module__.startswith("dressform"):
                    yield from _with_parts(part)


def test_every_object_is_one_short_line(shown: list[object]) -> None:
    for thing in shown:
        if isinstance(thing, Comparisons):  # a line for each
            continue
        for part in _with_parts(thing):
            line = repr(part)
            assert "\n" not in line
            assert len(line) <= LONGEST + 40, line
            assert "array(" not in line, line
            assert " object at 0x" not in line, line
            assert "\u202e" not in line


def test_html_is_short_escaped_and_has_no_colours_of_its_own(shown: list[object]) -> None:
    classes = set()
    for thing in shown:
        method = getattr(thing, "_repr_html_", None)
        if method is None:
            continue
        classes.add(type(thing).__name__)
        markup = method()
        assert 0 < len(markup) < 100_000, type(thing)
        assert "\u202e" not in markup
        for text in ("<i>", "<b>", "<small>", "<in>", "& co", "<script", "http:", "https:"):
            assert text not in markup, (type(thing), text)
        style = " ".join(re.findall(r'style="([^"]*)"', markup))
        assert not re.search(r"#[0-9a-f]{3}|rgb|white|black|(?<![\w-])color:", style)
    for name in ("Dataset", "DatasetSplits", "Run", "Evaluation", "Prediction", "Comparison"):
        assert name in classes


def test_what_public_calls_return_is_among_them(shown: list[object]) -> None:
    """A new class of results has to be added above."""
    known = {type(part).__name__ for thing in shown for part in _with_parts(thing)}
    plain = {"Path", "None", "Any", "Listing", "Module", "nn"}
    for name in dressform.__all__:
        value = getattr(dressform, name)
        if inspect.isclass(value):
            assert name in known | NO_DISPLAY, name
            continue
        returned = str(inspect.signature(value).return_annotation)
        for word in re.findall(r"\w+", returned.replace("~", "")):
            if word[0].isupper():
                assert word in known | plain, f"{name} returns {returned}"


def test_the_headlines(shown: list[object], tiny_run: Run) -> None:
    lines = {type(thing).__name__: repr(thing) for thing in shown}
    assert lines["Dataset"].startswith("<Dataset 40 images: 40 x 12 in colour, 4 classes (")
    assert lines["DatasetSplits"].startswith("<DatasetSplits <b>nasty</b>: train 40, test 40, 40 x")
    assert lines["Run"].startswith(f"<Run {tiny_run.name}: validation accuracy ")
    assert str(tiny_run.path)[-40:] in lines["Run"]
    assert re.match(r"<Evaluation accuracy \d+\.\d\d % \(", lines["Evaluation"])
    assert re.match(r"<Prediction .*: .* \d+\.\d\d %", lines["Prediction"])
    assert lines["Recipe"].startswith("<Recipe fast: FastNet, 7 epochs, batch size 250, muon with ")


def test_lists_are_printed_as_tables() -> None:
    recipes = dressform.list_recipes()
    assert repr(recipes).startswith(f"<Listing {len(recipes)}: fast, fast-93, fast-95, …")
    header, first, *_ = str(recipes).splitlines()
    assert header.split() == ["recipe", "tutorial", "claimed", "measured", "n"]
    assert first.split()[:3] == ["fast", "ours", "-"]
    assert max(map(len, str(recipes).splitlines())) <= 80


def test_misspelt_names_are_corrected() -> None:
    with pytest.raises(AttributeError, match="dressform has no 'evalute'; did you mean evaluate"):
        dressform.evalute  # noqa: B018
    with pytest.raises(AttributeError, match=r"dir\(dressform\) lists all names"):
        dressform.xyzzy  # noqa: B018
    assert set(dressform.__all__) < set(dir(dressform))
    assert dressform.__doc__ is not None
    for name in dressform.__all__:
        assert re.search(rf"\b{name}\b", dressform.__doc__), f"help(dressform) lacks {name}"


def test_runs_paths_and_predictions_alone_or_in_lists(tiny_run: Run) -> None:
    predictions = tiny_run.predictions("test")
    expected = dressform.evaluate(predictions).accuracy
    for one in (tiny_run, tiny_run.path, str(tiny_run.path), predictions):
        assert dressform.evaluate(one).accuracy == expected
    (pair,) = dressform.compare([tiny_run, str(tiny_run.path)])
    assert pair.identical
    assert len(dressform.compare([tiny_run, predictions], tiny_run.path)) == 3
