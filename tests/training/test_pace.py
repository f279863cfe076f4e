"""Where a training stands in its schedule, and where it ends when the time becomes short."""

import itertools
import time
from collections.abc import Iterator

import pytest

from dressform.core import clock as clock_module
from dressform.core.clock import Deadline, contention, process_seconds
from dressform.core.config import override
from dressform.core.errors import OutOfTimeError
from dressform.data.dataset import DatasetSplits
from dressform.recipes import find_recipe
from dressform.training import fit as fit_module
from dressform.training import pace as pace_module
from dressform.training.callback import Callback
from dressform.training.fit import fit
from dressform.training.pace import Pace
from tests.clocks import set_time


class Clock:
    """The monotonic clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        modules = (pace_module, clock_module, fit_module)
        set_time(monkeypatch, *modules, monotonic=lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    yield Clock(monkeypatch)
    monkeypatch.undo()


def walk(pace: Pace, clock: Clock, steps: list[int], seconds: list[float]) -> list[float]:
    """The positions of all steps, each of which takes its seconds."""
    positions, number, took = [], 0, iter(seconds)
    for length in steps:
        pace.begin_epoch(number, length)
        for _ in range(length):
            positions.append(pace.position(number))
            clock.now += next(took)
            number += 1
            pace.look(number)
            if pace.over(number):
                return positions
        pace.end_epoch(0.0)
    return positions


def test_with_time_enough_each_step_stands_for_itself(clock: Clock) -> None:
    steps = [7, 7, 7]
    for deadline in (None, Deadline(at=1022.5)):
        clock.now = 1000.0
        pace = Pace(steps, deadline)
        assert walk(pace, clock, steps, [1.0] * 21) == list(range(21))
        assert pace.end == pace.planned == 21


def test_a_slow_machine_gets_the_whole_schedule_in_fewer_steps(clock: Clock) -> None:
    steps = [10] * 10
    pace = Pace(steps, Deadline(at=1050.0))
    positions = walk(pace, clock, steps, [1.0] * 100)
    assert clock.now <= 1050.0
    assert 45 <= len(positions) <= 50
    rises = [b - a for a, b in itertools.pairwise(positions)]
    assert all(rise >= 1 - 1e-9 for rise in rises)
    assert positions[-1] > 97  # the schedule is over with the training


def test_when_the_machine_becomes_slow_and_fast_again(clock: Clock) -> None:
    steps = [10] * 10
    pace = Pace(steps, Deadline(at=1100.0))
    took = [0.9] * 30 + [3.0] * 10 + [0.6] * 60
    positions = walk(pace, clock, steps, took)
    assert clock.now <= 1100.0
    assert len(positions) > 85
    assert positions == sorted(positions)
    assert positions[-1] > 97


def test_what_follows_an_epoch_counts(clock: Clock) -> None:
    steps = [10] * 10
    pace = Pace(steps, Deadline(at=1050.0), closing=5)
    number = 0
    for _ in steps:
        pace.begin_epoch(number, 10)
        for _ in range(10):
            clock.now += 1.0
            number += 1
            pace.look(number)
            if pace.over(number):
                break
        clock.now += 5.0
        pace.end_epoch(5.0)
        if pace.over(number):
            break
    assert clock.now <= 1050.0
    assert number > 25


def test_a_checkpoint_keeps_the_plan(clock: Clock) -> None:
    steps = [10] * 10
    pace = Pace(steps, Deadline(at=1050.0))
    walk(pace, clock, [10, 10], [1.0] * 20)
    other = Pace(steps)
    other.restore(pace.facts)
    assert [other.position(n) for n in range(20, 30)] == [pace.position(n) for n in range(20, 30)]
    assert other.end == pace.end


def test_before_its_first_epoch_a_resumed_training_measures_no_step(clock: Clock) -> None:
    pace = Pace([10] * 10, Deadline(at=clock.now + 300))
    pace.restore([0, 0.0, 100])
    pace.look(30)
    assert pace.end == 100
    assert not pace.over(30)


@pytest.mark.parametrize(
    ("step", "closing", "seconds"), [(0.1, 5.0, 62.0), (0.05, 0.6, 13.0), (1.0, 2.0, 125.0)]
)
def test_what_follows_an_epoch_is_counted_once(
    clock: Clock, step: float, closing: float, seconds: float
) -> None:
    pace = Pace([10] * 10, Deadline(at=clock.now + seconds))
    for first in range(0, 100, 10):
        if first:
            pace.look(first)
            assert pace.end == 100  # there is time for all of them
        pace.begin_epoch(first, 10)
        for done in range(1, 11):
            clock.now += step
            pace.look(first + done)
        clock.now += closing
        pace.end_epoch(closing)
    assert pace.end == 100


def test_without_any_time_one_step_is_made(clock: Clock) -> None:
    pace = Pace([10], Deadline(at=900.0))
    assert walk(pace, clock, [10], [1.0] * 10) == [0.0]


def test_a_strict_deadline_gives_up(clock: Clock) -> None:
    pace = Pace([10], Deadline(at=1003.0, strict=True))
    with pytest.raises(OutOfTimeError):
        walk(pace, clock, [10], [1.0] * 10)


def test_a_training_ends_in_time_with_its_lowest_rate(small: DatasetSplits) -> None:
    recipe = override(
        find_recipe("simple-dense"),
        ["epochs=100000", "batch_size=50", "precision=float32", "schedule.kind=linear"],
    )
    callback = Callback()
    callback.deadline = Deadline(at=time.monotonic() + 4.0)
    began = time.monotonic()
    fitted = fit(recipe, small.train, None, callback=callback)
    assert 3.0 < time.monotonic() - began < 8.0
    assert fitted.shortened
    assert len(fitted.history) - 1 <= fitted.epochs <= len(fitted.history) < 100_000
    rates = [row.lr for row in fitted.history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1 * recipe.optim.lr


def test_a_far_deadline_changes_no_weights(small: DatasetSplits) -> None:
    recipe = override(
        find_recipe("simple-dense"), ["epochs=3", "batch_size=50", "precision=float32"]
    )
    callback = Callback()
    callback.deadline = Deadline(at=time.monotonic() + 1000.0)
    plain, limited = (
        fit(recipe, small.train, None),
        fit(recipe, small.train, None, callback=callback),
    )
    assert not limited.shortened
    assert limited.epochs == 3
    assert all((plain.last[name] == limited.last[name]).all() for name in plain.last)


def test_a_process_knows_how_long_it_has_run() -> None:
    seconds = process_seconds()
    assert 0 < seconds < 3600
    assert pace_module.LOOK_EVERY < 1


def test_contention_is_one_or_more() -> None:
    assert 1.0 <= contention(0.05) < 1000
