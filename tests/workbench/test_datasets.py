"""From a diagnosis to a dataset without what it found."""

import json
from pathlib import Path

import pytest

import dressform
from dressform.core.errors import ConfigError, DataError
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits


def test_diagnose_and_apply_review(small: DatasetSplits, tmp_path: Path) -> None:
    write_archive(tmp_path / "small.npz", small)
    found = dressform.diagnose(tmp_path / "small.npz", out=tmp_path / "doctor.html")
    assert found.page.read_text().startswith("<!doctype html>")
    review = json.loads(found.review.read_text())
    with pytest.raises(DataError, match=r"no decisions in .*review\.json; give the one that your"):
        dressform.apply_review(found.review, out=tmp_path / "reviewed.npz")
    dropped = next(f for f in review["findings"] if f["split"] == "train")
    dropped["action"] = "drop"
    found.review.write_text(json.dumps(review))
    with pytest.raises(ConfigError, match="holds decisions already"):
        dressform.diagnose(tmp_path / "small.npz", out=tmp_path / "doctor.html")
    made = dressform.apply_review(found.review, out=tmp_path / "reviewed.npz")
    assert (made.dropped, made.relabelled) == (1, 0)
    assert made.examples == {"train": 599, "test": 200}
    assert dropped["id"] not in dressform.load_data(made.path).train.ids
    assert dressform.list_datasets()[0].name == "fashion-mnist"
