import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import dressform
from dressform.exploration.doctor import counted_finding
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of, json_of


def test_data_check(archive: Path) -> None:
    found = json_of("data", "check", archive)
    assert isinstance(found, dict)
    keys = ["classes", "counts", "duplicates", "overlaps", "problems", "groups", "advice"]
    assert list(found) == [*keys, "notes", "explanation", "bad"]
    assert sum(found["counts"]["train"].values()) == 600
    assert "no problems found" in dressform_command("data", "check", archive).stdout


def test_one_finding_is_no_plural() -> None:
    assert counted_finding("near duplicates between train and test", 1) == (
        "near duplicate between train and test"
    )
    assert counted_finding("outliers in test", 1) == "outlier in test"
    assert counted_finding("suspect labels in train", 2) == "suspect labels in train"


def test_doctor_review_and_apply(tiny_run: Run, archive: Path, tmp_path: Path) -> None:
    found = json_of(
        "data", "doctor", archive, "--predictions", tiny_run.path, "--out", tmp_path / "doctor.html"
    )
    assert isinstance(found, dict)
    assert found["reevaluated"][0]["split"] == "test"
    review = json.loads(Path(found["review"]).read_text())
    assert Path(found["page"]).read_text().startswith("<!doctype html>")
    first = next(f for f in review["findings"] if f["kind"] == "outlier" and f["split"] == "train")
    first["action"] = "drop"
    (tmp_path / "decided.json").write_text(json.dumps(review))
    made = json_of("data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new.npz")
    settings = [word for setting in tiny_run.manifest.settings for word in ("--set", setting)]
    assert made == {
        "data": str(tmp_path / "new.npz"),
        "relabelled": 0,
        "dropped": 1,
        "examples": {"train": 599, "test": 200},
        "command": ["dressform", "train", "fast", *settings, "--data", str(tmp_path / "new.npz")],
    }
    assert first["id"] not in dressform.load_data(tmp_path / "new.npz").train.ids
    assert "already exists" in error_of(
        "data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new.npz"
    )
    assert "is not what was reviewed" in error_of(
        "data", "apply", tmp_path / "decided.json", "--data", tmp_path / "new.npz", cwd=tmp_path
    )
    assert "does not exist" in error_of(
        "data", "apply", tmp_path / "none.json", "--out", tmp_path / "x.npz"
    )
    (tmp_path / "decided.json").rename(tmp_path / "review.json")
    assert "holds decisions already" in error_of(
        "data", "doctor", archive, "--out", tmp_path / "doctor.html"
    )
    assert json.loads((tmp_path / "review.json").read_text()) == review


def test_a_review_of_photos_gives_the_photos_themselves(tmp_path: Path) -> None:
    """Whatever size they were read at: the files, in folders of their classes."""
    random = np.random.default_rng(0)
    for name in ("dress", "pants"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 256, (180, 240, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.jpg")
    json_of(
        "data",
        "doctor",
        tmp_path / "photos",
        "--out",
        tmp_path / "doctor.html",
        "--image-size",
        "32",
    )
    review = json.loads((tmp_path / "review.json").read_text())
    row = {"split": "train", "kind": "label", "score": 0, "reason": ""}
    split = dressform.load_data(tmp_path / "photos", image_size=32)
    train = [str(name) for name in split.train.ids if name.startswith("dress/")]
    review["findings"] = [
        {**row, "id": train[0], "label": "dress", "action": "relabel", "to": "pants"},
        {**row, "id": train[1], "label": "dress", "action": "drop"},
    ]
    (tmp_path / "decided.json").write_text(
        json.dumps({**review, "recipe": "cnn1", "settings": ["epochs=3"]})
    )
    assert "allowed: a folder" in error_of(
        "data", "apply", tmp_path / "decided.json", "--out", tmp_path / "x.npz"
    )
    made: Any = json_of("data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new")
    assert made["command"][:5] == ["dressform", "train", "cnn1", "--set", "epochs=3"]
    assert made["command"][-2:] == ["--image-size", "32"]
    files = {
        path.relative_to(tmp_path / "new").as_posix(): path
        for path in (tmp_path / "new").rglob("*.jpg")
    }
    before = {
        path.relative_to(tmp_path / "photos").as_posix(): path
        for path in (tmp_path / "photos").rglob("*.jpg")
    }
    # What was held out for testing is the test split of the new folders.
    split_of = {str(name): split for split, part in split for name in part.ids}
    kept = {f"{split_of[name]}/{name}": name for name in before.keys() - set(train[:2])}
    moved = files.keys() - kept.keys()
    assert len(files) == len(before) - 1
    assert len(moved) == 1
    assert moved.pop().startswith("train/pants/")
    assert all(files[new].read_bytes() == before[old].read_bytes() for new, old in kept.items())
    again = dressform.load_data(tmp_path / "new", image_size=32)
    assert split.test is not None
    assert again.test is not None
    assert sorted(again.test.ids) == sorted(f"test/{name}" for name in split.test.ids)
    assert not list(tmp_path.glob(".new*"))
