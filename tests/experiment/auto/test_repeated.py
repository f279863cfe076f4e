"""`train auto` called again: what was decided stays, other data get folders of their own, and a
budget that was too small leaves nothing in the way.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import RunError
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.experiment.auto import budget, search
from dressform.experiment.auto.budget import AutoPlan, Budget, read_plan
from dressform.experiment.auto.candidate import Candidate, Cost
from dressform.experiment.auto.compared import Result
from dressform.experiment.auto.reader import Reader
from dressform.experiment.options import RunOptions
from dressform.runs.layout import auto_plan
from tests.experiment.auto.made import QUICK, compared
from tests.experiment.calls import train_auto


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "possible", lambda data, size: ([QUICK], []))
    monkeypatch.setattr(search, "cost_of", lambda *_: Cost(0.01))
    monkeypatch.setattr(search, "contention", lambda: 1.0)


def test_what_is_trained_without_a_comparison_is_not_chosen_again(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = replace(QUICK, description="best", preferred=True, compared=0, cost=Cost(20.0))
    other = replace(QUICK, fallback=True)
    monkeypatch.setattr(search, "possible", lambda data, size: ([best, other], []))
    for spent in (20.0, 290.0, 400.0):  # by the last training
        plan = AutoPlan("digest", 300.0, None, [best], spent=spent)
        clock = Budget(plan, tmp_path / "plan.json", 0.0)
        reader = Reader(source, ReadOptions(), clock.deadline(0))
        found = search.Search(reader, clock, 0, RunOptions(out=tmp_path))
        assert found.compare() == []
        assert clock.plan.candidates == [best]


@pytest.mark.parametrize("split", ["train", "test"])
def test_changed_data_get_folders_of_their_own(
    small: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    names: list[str] = []

    def compare(found: search.Search, candidate: Candidate, _: object) -> Result:
        names.append(found.read(candidate.image_size).name)
        return compared(candidate, 1.0)

    def train_run(recipe: object, data: DatasetSplits, **_: object) -> None:
        names.append(data.name)

    monkeypatch.setattr(search.Search, "_compare", compare)
    monkeypatch.setattr(search, "train_run", train_run)

    def write(**examples: int) -> None:
        images, labels = small.train.images, small.train.labels
        rows = {name: slice(0, examples.get(name, 60)) for name in ("train", "test")}
        np.savez(
            tmp_path / "grow.npz",
            **{f"{name}_images": images[row] for name, row in rows.items()},
            **{f"{name}_labels": labels[row] for name, row in rows.items()},
        )

    def used(*, resume: bool = False) -> set[str]:
        names.clear()
        train_auto(str(tmp_path / "grow.npz"), budget=60, out=tmp_path, resume=resume)
        return set(names)

    write()
    assert used() == {"grow"}
    write(**{split: 70})
    with pytest.raises(RunError, match="is of a call with different data .budget 60 s"):
        used(resume=True)
    (own,) = used()
    assert own.startswith("grow-")
    assert used() == used(resume=True) == {own}
    write()
    assert used() == {"grow"}


def test_a_budget_that_was_too_small_may_be_given_again(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost_of(candidate: Candidate, data: DatasetSplits, options: RunOptions) -> Cost:
        assert options.deadline is not None
        time.sleep(0.01)
        options.deadline.check()
        return Cost(100.0, version=10.0, versions=1)

    monkeypatch.setattr(search, "cost_of", cost_of)
    monkeypatch.setattr(budget, "NOTE_EVERY", 0.0)
    for _ in range(2):
        with pytest.raises(search.SmallBudgetError):
            train_auto(source, budget=60, out=tmp_path)
    assert read_plan(auto_plan(tmp_path, "garments", 0)) is None
