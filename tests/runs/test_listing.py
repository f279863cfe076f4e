"""The table of all runs, their names, notes and tags, and how they are deleted."""

import json
import shutil
from pathlib import Path

import pytest

from dressform.core.errors import ConfigError, DataError, RunError, UnknownNameError
from dressform.core.files import exclusive, read_json, write_json
from dressform.runs.annotations import Annotations, read_annotations
from dressform.runs.ledger import count_looks, note_test_look
from dressform.runs.listing import find_row
from dressform.runs.run import best_run, open_run
from dressform.workbench.runs import annotate_run, list_runs, remove_run
from tests.runs.made_runs import make_crossval, make_run, make_tuning


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    make_run(root, val=0.90, test=0.99)
    make_run(root, seed=1, val=0.95, test=0.10)
    make_run(root, "conv1", val=None, status="started", finished=None)
    make_run(root, "conv3", val=None, status="failed", error="the loss is nan")
    make_run(root, "fast", data="shoes", val=0.5)
    make_crossval(root, finished=True)
    make_tuning(root)
    (root / "features" / "a" / "b").mkdir(parents=True)  # not a run
    return root


def test_all_are_listed_best_first_and_the_best_of_each_dataset_is_marked(root: Path) -> None:
    rows = list_runs(root)
    assert [(r.title, r.seed, r.status, r.val_accuracy, r.best) for r in rows] == [
        ("fast epochs=2", 1, "finished", 0.95, True),
        ("fast epochs=2", 0, "finished", 0.90, False),
        ("conv1 3-fold", 0, "finished", 0.80, False),
        ("fast tuning, 1 trial optim.lr=0.1", 0, "finished", 0.70, False),
        ("fast epochs=2", 0, "finished", 0.50, True),
        ("conv1 epochs=2", 0, "stopped", None, False),
        ("conv3 epochs=2", 0, "failed", None, False),
    ]
    best = next(row for row in rows if row.best)
    assert (best.parameters, best.seconds, best.test_accuracy) == (1_679_082, 98.0, 0.10)
    shutil.rmtree(root / "shoes")
    assert best_run(root)[0].path == best.path  # what predict takes


def test_sorted_and_filtered(root: Path) -> None:
    def titles(**options: object) -> list[str]:
        return [f"{r.data} {r.recipe} {r.kind}" for r in list_runs(root, **options)]

    assert titles(data="sh*") == ["shoes fast run"]
    assert titles(recipe="conv*", status="failed") == ["photos conv3 run"]
    assert titles(sort="recipe")[0] == "photos conv1 crossval"
    (crossval,) = [row for row in list_runs(root) if row.kind == "crossval"]
    assert crossval.seconds == 61.5  # of its own folds, whatever else was trained with them
    assert titles(sort="time")[-1] == "photos fast tuning"  # which has none
    annotate_run(root / "shoes/fast-12345678/seed0", add_tags=["a", "b"])
    assert titles(tags=["a", "b"]) == ["shoes fast run"]
    assert titles(tags=["a", "c"]) == []
    # choices are not made on it
    with pytest.raises(UnknownNameError, match="unknown order 'test'"):
        list_runs(root, sort="test")
    with pytest.raises(UnknownNameError, match="unknown status 'done'"):
        list_runs(root, status="done")
    with pytest.raises(RunError, match="does not exist; train a run"):
        list_runs(root / "none")


def test_a_run_is_called_by_its_name(root: Path) -> None:
    run = open_run(root / "shoes/fast-12345678/seed0")
    assert run.name == "fast epochs=2, seed 0"
    annotate_run(run.path, name="spring")
    assert run.name == "spring"
    (run.path / "annotations.json").write_text("{")
    assert run.name == "fast epochs=2, seed 0"


def test_what_is_damaged_or_being_written_is_listed(root: Path) -> None:
    (root / "shoes/fast-12345678/seed0/manifest.json").write_text("{")
    (row,) = list_runs(root, status="damaged")
    assert (row.data, row.recipe) == ("shoes", "fast")
    assert "not a JSON document" in row.detail
    stopped = list_runs(root, status="stopped")[0]
    with exclusive(stopped.lock):
        assert [r.path for r in list_runs(root, status="running")] == [stopped.path]
    assert list_runs(root, status="running") == []


def test_names_notes_and_tags_lie_beside_the_manifest(root: Path) -> None:
    run = root / "shoes/fast-12345678/seed0"
    before = (run / "manifest.json").read_bytes()
    annotate_run(run, name="my shoes", note=" first\ntry ", add_tags=["b", "a", "b"])
    assert read_annotations(run) == Annotations(name="my shoes", note="first\ntry", tags=("a", "b"))
    assert (run / "manifest.json").read_bytes() == before
    assert find_row("my shoes", root).title == "my shoes"
    annotate_run("my shoes", remove_tags=["a"], out=root)
    assert read_annotations(run).tags == ("b",)
    with pytest.raises(ConfigError, match="is called my shoes already; choose another name"):
        annotate_run(root / "photos/fast-12345678/seed0", name="my shoes", out=root)
    with pytest.raises(UnknownNameError, match="unknown tag"):
        annotate_run(run, remove_tags=["zz"])
    for wrong in ("a/b", " a", "a\nb", "x" * 201, ""):
        with pytest.raises(ConfigError, match="allowed: 1 to 200 characters"):
            annotate_run(run, add_tags=[wrong])
    annotate_run(run, name="", note="", remove_tags=["b"])
    assert not (run / "annotations.json").exists()
    with pytest.raises(RunError, match="dressform runs lists them"):
        find_row("my shoes", root)
    (run / "annotations.json").write_text(json.dumps({"format": 1, "tags": [1]}))
    assert list_runs(root, status="damaged")[0].path == run


def test_runs_are_deleted_unless_somebody_writes_to_them(root: Path) -> None:
    run = root / "shoes/fast-12345678/seed0"
    with exclusive(run / ".lock"), pytest.raises(RunError, match="is being written to"):
        remove_run(run)
    assert (run / "manifest.json").exists()
    remove_run(run)
    assert not (root / "shoes").exists()  # nothing was left in it
    remove_run(root / "photos/fast-12345678/tune-12345678")
    assert (root / "photos/fast-12345678/seed0").exists()
    with pytest.raises(RunError, match="is no run"):
        remove_run(root / "photos")
    assert (root / "photos").exists()


def test_uses_of_the_test_split_are_counted(root: Path) -> None:
    run = root / "photos/fast-12345678/seed0"
    assert count_looks(run) == 0
    for what in ("train", "evaluate"):
        note_test_look(root, what=what, run=f"runs/{run.relative_to(root)}", examples=9)
    note_test_look(root, what="train", run="runs/photos/fast-12345678/seed1", examples=9)
    with (root / "test-ledger.jsonl").open("a") as ledger:
        ledger.write("damaged\n")
    assert count_looks(run) == 2


def test_what_no_run_can_be_called_gets_a_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist; give the folder"):
        find_row("x" * 5_000, tmp_path)
    with pytest.raises(DataError, match="the path is empty"):
        find_row("", tmp_path)
    with pytest.raises(DataError, match="nosuchuser"):
        find_row("~nosuchuser/x", tmp_path)


def test_a_tuning_with_fewer_trials_than_planned_was_stopped(tmp_path: Path) -> None:
    document = make_tuning(tmp_path) / "tuning.json"
    for planned, status, detail in ((1, "finished", "1 trial"), (6, "stopped", "1 trial of 6")):
        write_json(document, {**read_json(document), "planned": planned})
        (row,) = list_runs(tmp_path)
        assert (row.status, row.detail) == (status, f"tuning, {detail}")
