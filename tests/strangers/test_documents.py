"""Documents of ours with a field of another type: one line that names file and field, at once, and
never a traceback.
"""

import copy
import functools
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dressform
from dressform.core.errors import DressformError
from dressform.core.files import read_json
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.data.review import Finding, Review, apply_review
from dressform.predict.predictor import Predictor
from dressform.reporting.inspection import facts_of
from dressform.runs.crossval import CrossvalRun, open_crossval
from dressform.runs.history import training_conditions
from dressform.runs.run import Run, best_run, open_run
from tests.conftest import TINY
from tests.experiment.calls import crossval

OTHERS: tuple[Any, ...] = (None, True, -1, 1e300, "text", [], {}, [[[]]], 10**30)


def changed(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The document with each field, at any depth, replaced by values of every type, or taken
    away.
    """

    def edited(edit: Callable[[Any, Any], None]) -> Any:
        other = copy.deepcopy(document)
        place = other
        for step in path[:-1]:
            place = place[step]
        edit(place, path[-1])
        return other

    if path:
        for value in OTHERS:
            change = functools.partial(
                lambda value, place, step: place.__setitem__(step, value), value
            )
            yield f"{path} = {value!r}", edited(change)
        yield f"{path} deleted", edited(lambda place, step: place.__delitem__(step))
    value = document
    for step in path:
        value = value[step]
    inner = (
        value
        if isinstance(value, dict)
        else range(min(2, len(value)))
        if isinstance(value, list)
        else ()
    )
    for step in inner:
        yield from changed(document, (*path, step))


def check(document: Any, file: Path, use: Callable[[], object]) -> int:
    """Use a file with each change; how many were refused."""
    refused = 0
    for what, other in changed(document):
        file.write_text(json.dumps(other))
        refused += is_refused(use, f"{file.name}: {what}")
    return refused


def is_refused(use: Callable[[], object], what: str) -> bool:
    """Whether something is refused, in one line; anything but that or success fails the test."""
    try:
        use()
    except DressformError as error:
        if "\n" in str(error):
            raise AssertionError(f"{what}: {error}") from error
        return True
    except Exception as error:
        raise AssertionError(what) from error
    return False


@pytest.fixture
def run(named_run: Run, tmp_path: Path) -> Run:
    folder = tmp_path / "runs" / "data" / "fast-00000000" / "seed0"
    shutil.copytree(named_run.path, folder)
    return open_run(folder)


def test_manifest(run: Run) -> None:
    def use() -> None:
        found = open_run(run.path)
        assert found.predictions("test").class_names
        training_conditions(found.manifest.resolved)
        json.dumps(facts_of(found))
        best_run(run.path.parents[2])
        dressform.Predictor(found)

    assert check(read_json(run.layout.manifest), run.layout.manifest, use) > 100


def test_model_description(run: Run, small: DatasetSplits) -> None:
    def use() -> None:
        predictor = Predictor(run.path / "weights")
        predictor.predict(small.train.images[0])
        assert np.prod(predictor.shape) < 1e8

    assert check(read_json(run.layout.model), run.layout.model, use) > 100


def test_a_picture_of_a_billion_sides_is_refused_before_it_is_made(run: Run) -> None:
    document = read_json(run.layout.model)
    document["input"]["shape"] = ["N", 10**6, 10**6, 1]
    run.layout.model.write_text(json.dumps(document))
    with pytest.raises(DressformError, match="is inconsistent"):
        Predictor(run.path / "weights")
    document["input"]["shape"] = ["N", 28, 29, 1]
    run.layout.model.write_text(json.dumps(document))
    with pytest.raises(DressformError, match="its input or output differs"):
        Predictor(run.path / "weights")


def test_known_pictures(run: Run, small: DatasetSplits) -> None:
    arrays = dict(np.load(run.layout.ood_reference))
    for name in arrays:
        strange = (
            np.zeros(0),
            np.zeros((3, 3)),
            np.array("x"),
            arrays[name].astype(np.int64),
            arrays[name] * np.float16(np.nan),
        )
        for value in strange:
            np.savez(run.layout.ood_reference, **{**arrays, name: value})
            with pytest.raises(DressformError, match="reference"):
                Predictor(run.path / "weights").predict(small.train.images[0])
    np.savez(run.layout.ood_reference, **{**arrays, "reference": arrays["reference"][:, 1:]})
    with pytest.raises(DressformError, match="belongs to another model"):
        Predictor(run.path / "weights")


def test_results(run: Run) -> None:
    lines = run.layout.results.read_text().splitlines()
    others = (
        [lines[0]],
        [lines[0], lines[2]],
        [*lines, "nan" + "," * 7],
        [*lines, lines[1] + ",1"],
    )
    for text in ("1,2", "a,b\n1,2\n", "\0", '"', *("\n".join(rows) for rows in others)):
        run.layout.results.write_text(text)
        with pytest.raises(DressformError, match=r"results\.csv"):
            run.history()


@pytest.fixture(scope="module")
def study(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> CrossvalRun:
    out = tmp_path_factory.mktemp("runs")
    settings = ("epochs=1", "batch_size=50", "precision=float32")
    (found,) = crossval(["simple-dense"], small, folds=2, settings=settings, workers=1, out=out)
    return found


def test_cross_validation_and_its_plan(
    study: CrossvalRun, small: DatasetSplits, tmp_path: Path
) -> None:
    folder = tmp_path / study.path.parents[1].name / study.path.parent.name / study.path.name
    shutil.copytree(study.path, folder)
    mine = open_crossval(folder)

    def read() -> None:
        found = open_crossval(folder)
        assert len(found.accuracies) == found.folds * found.repeats
        found.out_of_fold()

    assert check(read_json(mine.layout.summary), mine.layout.summary, read) > 50
    shutil.copy(study.layout.summary, mine.layout.summary)
    trained = []

    def resume() -> None:
        settings = ("epochs=1", "batch_size=50", "precision=float32")
        crossval(
            ["simple-dense"],
            small,
            folds=2,
            settings=settings,
            workers=1,
            out=tmp_path,
            resume=True,
        )
        trained.append(1)

    plan = read_json(mine.layout.plan)
    del plan["hardware"], plan["packages"], plan["resolved"]  # which are only shown
    check(plan, mine.layout.plan, resume)
    shutil.copy(study.layout.plan, mine.layout.plan)
    fold = mine.layout.fold(0, 0)
    check(read_json(fold.result), fold.result, resume)


def test_review(small: DatasetSplits, tmp_path: Path) -> None:
    finding = Finding(
        id=str(small.train.ids[0]),
        split="train",
        kind="label",
        label="Bag",
        score=0.1,
        reason="why",
        action="relabel",
        to="Coat",
    )
    digests = {name: d.digest for name, d in small}
    options = ReadOptions(image_size=28, drop=("Not sure",))
    review = Review("small", "x", digests, (finding,), options, "fast", ("epochs=1",))
    file = tmp_path / "review.json"
    review.save(file)
    assert check(review.to_json(), file, lambda: apply_review(small, Review.load(file))) > 20


def test_study(small: DatasetSplits, tmp_path: Path) -> None:
    def tune(out: Path) -> None:
        dressform.tune(
            "fast",
            ["optim.lr=log:0.01:0.1"],
            small,
            trials=2,
            settings=TINY[1:],
            out=out,
            resume=True,
        )

    tune(tmp_path / "good")
    path = next((tmp_path / "good").rglob("study.db"))
    tables = {
        "trial_user_attributes": "value_json",
        "study_user_attributes": "value_json",
        "trial_params": "distribution_json",
        "trial_values": "value",
        "trials": "state",
    }
    for number, (table, column) in enumerate(tables.items()):
        for value in ("{", "[1]", "null", "'text'", '"text"', "-5"):
            out = tmp_path / f"{number}-{abs(hash(value))}"
            shutil.copytree(tmp_path / "good", out)
            with sqlite3.connect(out / path.relative_to(tmp_path / "good")) as database:
                database.execute(f"update {table} set {column} = ?", (value,))
            database.close()
            is_refused(lambda out=out: tune(out), f"{table}.{column} = {value}")  # type: ignore[misc]
