"""Two candidates whose mean is better than the best of them."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dressform.experiment.auto import search
from dressform.experiment.auto.candidate import Candidate, Cost
from dressform.experiment.auto.compared import Result
from dressform.predictions import Predictions
from tests.experiment.auto.made import QUICK, compared
from tests.experiment.calls import train_auto


def test_two_that_are_better_together_are_averaged(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each errs where the other does not; out-of-fold predictions tell."""
    caplog.set_level(logging.INFO, "dressform")
    other = replace(QUICK, description="other", recipe="fast-93", settings=("batch_size=20",))
    labels = np.zeros(4, np.int64)
    logits = {
        "quick": [[3, 0], [3, 0], [3, 0], [0, 1]],  # 75 %
        "other": [[0, 2], [1, 0], [0, 1], [2, 0]],  # 50 %
    }

    def compare(self: search.Search, candidate: Candidate, _: object) -> Result:
        values = np.array(logits[candidate.description], np.float32)
        ids = np.array(list("abcd"))
        found = Predictions(ids, labels, values, ("A", "B"))
        mean = float((found.predicted == labels).mean())
        return replace(
            compared(candidate, 0.01, mean), predictions=found, folds=np.array([0, 1, 2, 2])
        )

    monkeypatch.setattr(search, "possible", lambda data, size: ([QUICK, other], []))
    monkeypatch.setattr(search, "cost_of", lambda *_: Cost(0.01))
    monkeypatch.setattr(search.Search, "_compare", compare)
    found = train_auto(source, budget=300, out=tmp_path)
    assert found.run.manifest.reference == "simple-dense+fast-93"
    assert "quick and other, averaged: 100.00 % over 3 folds" in caplog.messages
    told = found.candidates[0]
    assert told.accuracies == [1.0, 1.0, 1.0]
    assert told.description == "quick and other, averaged"
    assert [one.description for one in found.candidates[1:]] == ["quick", "other"]
    assert told.command == (
        "dressform train simple-dense+fast-93 --set epochs=2 --set batch_size=50 "
        "--set beside.epochs=2 --set beside.batch_size=20"
    )
    again = train_auto(source, budget=300, out=tmp_path, resume=True)
    assert (again.run.path, again.candidates) == (found.run.path, found.candidates)
    logits["other"] = [[0, 9], [0, 9], [0, 9], [0, 9]]
    again = train_auto(source, budget=300, out=tmp_path / "alone")
    assert again.run.manifest.reference == "simple-dense"
