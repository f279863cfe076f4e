"""`Search`: candidates compared by cross-validation, and the best of them trained, by the clock."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from dressform.core.clock import contention
from dressform.core.errors import ConfigError, OutOfTimeError
from dressform.core.numbers import percent
from dressform.experiment.auto.budget import Budget
from dressform.experiment.auto.candidate import FOLDS, Candidate, Cost
from dressform.experiment.auto.candidates import (
    TooLittleTimeError,
    affordable,
    choose,
    cost_of,
    possible,
    preferred,
    without_comparison,
)
from dressform.experiment.auto.compared import Compared, FoldProgress, Result
from dressform.experiment.auto.reader import Reader
from dressform.experiment.crossval.cross_validation import crossval
from dressform.experiment.options import RunOptions
from dressform.experiment.resolved import ResolvedRecipe, resolve_recipe
from dressform.experiment.train_run import train_run
from dressform.runs.layout import CrossvalLayout, crossval_folder
from dressform.runs.run import Run

logger = logging.getLogger(__name__)

PLANNED = 0.88
"""The fraction of what is left that may be planned, the rest being for what cannot be foreseen."""
CLOSING_SECONDS, COMPUTED = 12.0, 0.5
"""For what comes after the last epoch and does not grow with the images: export, figures. On an
idle machine; and the part that takes longer on a busy one, the rest being files and reserve.
"""
READING = 2.0
"""Times the seconds of the first reading, for a reading at a larger size."""
PROBING, LEAST_PROBING = 0.1, 12.0
"""Of the budget, for the trial trainings of one candidate; and seconds that those have at least."""


class SmallBudgetError(ConfigError):
    """The budget is too small for any candidate.

    Attributes:
        needed: seconds with which to try again, at most twice the budget.
    """

    def __init__(self, message: str, needed: float) -> None:
        super().__init__(message)
        self.needed = needed


@dataclass
class Search:
    """One call: what is read, how much time is left, and how slow the machine is."""

    read: Reader
    clock: Budget
    seed: int
    options: RunOptions
    slower: float = 1.0
    """What the last comparison took, as a multiple of its estimate."""

    def fixed(self) -> float:
        """Seconds for what comes after the last epoch and does not grow with the images, beside
        what runs here now.
        """
        return CLOSING_SECONDS * (1 - COMPUTED + COMPUTED * contention())

    def choose(self, reading: float) -> None:
        """Plan the candidates that there is time for, and why others are skipped."""
        plan = self.clock.plan
        data = self.read(plan.image_size)
        if data.train.counts.min() < FOLDS:
            raise ConfigError(
                f"the comparison needs {FOLDS} training images of every class; give more, or name "
                f"a recipe"
            )
        candidates, skipped = possible(data, plan.image_size)
        fallbacks = [one for one in candidates if one.fallback]
        costs, untried = self._costs([c for c in candidates if not c.fallback], reading)
        skipped += untried
        chosen, too_long, needed = self._chosen(costs, fallback=bool(fallbacks))
        if not chosen and fallbacks:
            quick, untried = self._costs(fallbacks, reading)
            skipped += untried
            chosen, too_long, again = self._chosen([*quick, *costs], given_up=not costs)
            needed = min(needed, again)
        if not chosen:
            raise SmallBudgetError(
                f"the budget of {plan.budget:g} s is too small on this machine now: "
                f"{self._needed(needed)}",
                needed=min(2 * plan.budget, needed),
            )
        self.clock.keep(candidates=chosen, skipped=[*skipped, *too_long])

    def _costs(
        self, candidates: Sequence[Candidate], reading: float
    ) -> tuple[list[tuple[Candidate, Cost]], list[str]]:
        """What candidates take, the quickest first, as far as there is time to try; and why others
        are skipped.
        """
        costs: list[tuple[Candidate, Cost]] = []
        skipped: list[str] = []
        first = candidates[0]
        for place, candidate in enumerate(candidates, 1):
            try:
                if costs and self._only_enough_for(*costs[0]):
                    raise OutOfTimeError(
                        f"not tried, {self.clock.spent:.0f} s of the budget were already spent"
                    )
                probing = LEAST_PROBING if costs else self.clock.left / 2
                costs.append((candidate, self._cost(candidate, READING * reading, probing)))
            except OutOfTimeError as error:
                skipped.append(f"{candidate.description}: {error}")
            if not costs or costs[0][1].alone(first) > self.clock.left:
                skipped += [
                    f"{one.description}: not tried, it takes longer than {first.description}"
                    for one in candidates[place:]
                ]
                break
        return costs, skipped

    def _chosen(
        self,
        costs: Sequence[tuple[Candidate, Cost]],
        *,
        fallback: bool = False,
        given_up: bool = False,
    ) -> tuple[list[Candidate], list[str], float]:
        """The candidates that there is time for, why others are skipped, and the budget that would
        be enough where there is time for none.

        ``given_up``: trial trainings of others took half of the time, as they would of more.
        """
        left = PLANNED * (self.clock.left - self.fixed())
        try:
            return *choose(costs, left, fallback=fallback), self.clock.plan.budget
        except TooLittleTimeError as error:
            short = (2 if given_up else 1) * (error.seconds - left)
            return [], error.skipped, self.clock.plan.budget + short

    def _only_enough_for(self, first: Candidate, cost: Cost) -> bool:
        """Whether half of the budget is spent, or trial trainings of another candidate would leave
        no time for the first, which is known to take little.
        """
        left = self.clock.left
        needed = self.fixed() + cost.alone(first) / PLANNED
        return left < self.clock.plan.budget / 2 or left < needed + LEAST_PROBING

    def _needed(self, seconds: float) -> str:
        """How long the quickest candidate takes in all, and what to do."""
        if seconds == math.inf:
            return (
                f"after {self.clock.spent:.0f} s it is not known yet how long a training takes; "
                f"give a larger budget="
            )
        return (
            f"the quickest candidate takes about {seconds:.0f} s in all; give "
            f"budget='{math.ceil(seconds / 60)}m' or more"
        )

    def _cost(self, candidate: Candidate, reading: float, probing: float) -> Cost:
        budget, left = self.clock.plan.budget, self.clock.left
        if not self.read.has(candidate.image_size) and reading > left / 2:
            raise OutOfTimeError(
                f"reading the images at {candidate.image_size} px takes about {reading:.0f} s, "
                f"{max(0, left):.0f} s left"
            )
        data = self.read(candidate.image_size)
        left = self.clock.left
        probing = min(left / 2, max(probing, PROBING * budget))
        deadline = self.clock.deadline(left - probing, strict=True)
        try:
            return cost_of(candidate, data, replace(self.options, deadline=deadline))
        except OutOfTimeError:
            raise OutOfTimeError(
                f"trial trainings on a few images did not finish in {max(0, probing):.0f} s"
            ) from None

    def compare(self) -> list[Result]:
        """Cross-validate the candidates as long as there is time; best first."""
        results: list[Result] = []
        planned_first = list(self.clock.plan.candidates)
        if [one.compared for one in planned_first] == [0]:
            return []  # decided, by an earlier call perhaps, which had more time
        for place, planned in enumerate(planned_first):
            if not planned.compared:
                break
            fixed = place == 0 or self._finished(planned)
            is_last = place == len(planned_first) - 1
            candidate = planned if fixed else self._affordable(planned, is_last)
            if candidate is None:
                continue
            try:
                results.append(self._compare(candidate, results))
            except OutOfTimeError:
                self._drop(candidate, "its comparison did not finish in time")
        timed = [(c, c.cost.slower(self.slower)) for c in planned_first]
        left = self.clock.for_training(self.fixed())
        compared = [result.candidate.description for result in results]
        if preferred(timed[-1:], left, compared) is not None:
            results = []  # none of them is as good as the one that there was no time to compare
        if not results:
            one = without_comparison(timed, left)
            if one is None:
                data = self.read(self.clock.plan.image_size)
                candidates, _ = possible(data, self.clock.plan.image_size)
                one = next((c for c in candidates if c.fallback), planned_first[0])
            self.clock.keep(candidates=[replace(one, compared=0)])
        return sorted(results, key=lambda result: -result.compared.mean)

    def _finished(self, candidate: Candidate) -> bool:
        """Whether an earlier call has compared it."""
        name, recipe = self.read(self.clock.plan.image_size).name, self._recipe(candidate)
        folder = crossval_folder(
            self.options.out, name, recipe.recipe.name, recipe.digest, FOLDS, self.seed
        )
        return CrossvalLayout(folder).summary.exists()

    def _affordable(self, candidate: Candidate, is_last: bool) -> Candidate | None:
        """The candidate with as many epochs as there is time for, by how slow the last comparison
        was: fewer than planned, or more of the last one, which gets all that is left.
        """
        left = self.clock.left - self.fixed()
        cost = candidate.cost.slower(self.slower)
        fits = self.slower <= 1.0 and self.clock.left > candidate.cost.whole(candidate)
        if fits and not is_last:
            return candidate
        if is_last and candidate.shortened:
            longer, _ = affordable(replace(candidate, epochs=candidate.most), cost, PLANNED * left)
            candidate = longer or candidate
        fitted, reason = affordable(candidate, cost, left)
        if fitted is None:
            self._drop(candidate, reason)
            return None
        rest = self.clock.plan.candidates
        same = fitted.description
        self.clock.keep(candidates=[fitted if c.description == same else c for c in rest])
        return fitted

    def _drop(self, candidate: Candidate, reason: str) -> None:
        line = f"{candidate.description}: {reason}"
        logger.info("skipped %s", line)
        plan = self.clock.plan
        rest = [c for c in plan.candidates if c.description != candidate.description]
        self.clock.keep(candidates=rest, skipped=[*plan.skipped, line])

    def _compare(self, candidate: Candidate, results: list[Result]) -> Result:
        """A candidate's cross-validation, given up where the rest of the time is needed for the
        last training.
        """
        data = self.read(candidate.image_size)
        self.options.callback.on_phase_begin(f"comparing {candidate.description}")
        started, cost = time.monotonic(), candidate.cost.slower(self.slower)
        fixed = self.fixed()
        waiting = [one for one in self.clock.plan.candidates if one.preferred and one.compared]
        if candidate in waiting or any(r.candidate.preferred for r in results):
            waiting = []
        last = max(
            [
                # K folds of K - 1 parts take K - 1 times as long as the last training: whatever
                # the estimates say, this much is kept for it.
                max(0.0, self.clock.left - fixed) / FOLDS,
                cost.start + candidate.compared * cost.epoch + cost.closing,
                # What is known to be the best for such data has its comparison, too.
                *(one.cost.slower(self.slower).whole(one) for one in waiting),
                *(r.candidate.epochs * r.epoch + r.candidate.cost.closing for r in results),
            ]
        )
        deadline = self.clock.deadline(fixed + last, strict=True)
        options = replace(
            self.options,
            workers=1,
            callback=FoldProgress(self.options.callback),
            resume=True,
            deadline=deadline,
        )
        recipe = self._recipe(candidate)
        (study,) = crossval([recipe], data, folds=FOLDS, seed=self.seed, options=options)
        mean, seconds = float(np.mean(study.accuracies)), time.monotonic() - started
        if (estimate := candidate.cost.comparison(candidate)) > 0:
            self.slower = max(1.0, seconds / estimate)
        self.clock.keep()
        folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in study.accuracies)
        shortened = candidate.compared != candidate.epochs
        part = f", with {candidate.compared} of its {candidate.epochs} epochs" if shortened else ""
        logger.info(
            f"{candidate.description}: {percent(mean)} over {FOLDS} folds ({folds}){part}, "
            f"{seconds:.0f} s"
        )
        compared = Compared(
            description=candidate.description,
            command=candidate.command,
            epochs=candidate.compared,
            accuracies=study.accuracies,
            mean=mean,
            seconds=round(seconds, 1),
            path=str(study.path),
        )
        rows = [row for history in study.histories() for row in history]
        epoch = median(s for row in rows if (s := row["seconds"]) is not None)
        (predictions,), (fold_of,) = study.out_of_fold()
        return Result(candidate, compared, epoch * FOLDS / (FOLDS - 1), predictions, fold_of)

    def winner(self, results: list[Result]) -> tuple[Candidate, list[Compared]]:
        """The best candidate, with the epochs of its last training; or it and another, whose mean
        is better, if there is time for both. Also what was compared, best first.
        """
        plan = self.clock.plan
        if not results:
            logger.warning(
                f"there is no time for a comparison, so {plan.candidates[0].description} is "
                f"trained without one; a larger budget= allows one"
            )
            return plan.candidates[0], []
        first, *others = results
        compared = [result.compared for result in results]
        if plan.beside is not None:  # an earlier call has decided
            best = replace(first.candidate, epochs=plan.epochs).together(*plan.beside)
            beside = [one.description for one in plan.beside]
            kept = [first.averaged_with(r) for r in others if r.candidate.description in beside]
            return best, [*kept, *compared]
        best = self._alone(first)
        shape = self.read(best.image_size).shape
        pairs = [
            (first.averaged_with(other), pair)
            for other in others
            if self.read(other.candidate.image_size).shape == shape
            and (pair := self._together(first, other)) is not None
        ]
        better = [one for one in pairs if one[0].mean > first.compared.mean]
        if better:
            averaged, best = max(better, key=lambda one: one[0].mean)
            compared = [averaged, *compared]
            logger.info(f"{averaged.description}: {percent(averaged.mean)} over {FOLDS} folds")
        self.clock.keep(epochs=best.epochs, beside=[] if best.beside is None else [best.beside])
        return best, compared

    def _alone(self, result: Result) -> Candidate:
        """A candidate with the epochs that there is time for."""
        one = result.candidate
        if one.epochs == one.most and not one.shortened:
            return one
        longest = self._longest(result, self.clock.left - self.fixed())
        return longest or replace(one, epochs=one.compared)

    def _together(self, first: Result, other: Result) -> Candidate | None:
        """A candidate and another beside it: the quicker one as planned, the slower one with the
        epochs that there is time for; None if those are fewer than were compared.
        """
        quick, slow = sorted((first, other), key=lambda one: one.epoch * one.candidate.epochs)
        left = PLANNED * (self.clock.left - self.fixed()) - self._last(quick, quick.candidate)
        longest = self._longest(slow, left)
        if longest is None:
            return None
        best, beside = (quick.candidate, longest) if first is quick else (longest, quick.candidate)
        return best.together(beside)

    def _longest(self, result: Result, seconds: float) -> Candidate | None:
        """A candidate with as many epochs as it can be trained for in a time; None if those are
        fewer than were compared.
        """
        one = result.candidate
        plans = (replace(one, epochs=n) for n in range(one.most, one.compared - 1, -1))
        return next((plan for plan in plans if self._last(result, plan) <= seconds), None)

    def _last(self, result: Result, candidate: Candidate) -> float:
        """Seconds of a candidate's training on all examples, by what its comparison took."""
        cost = candidate.cost
        beside_epochs = cost.start + cost.closing + candidate.unseen
        return candidate.epochs * result.epoch + self.slower * beside_epochs

    def _recipe(self, candidate: Candidate) -> ResolvedRecipe:
        return resolve_recipe(candidate.recipe, candidate.assignments(candidate.compared))

    def train(self, best: Candidate) -> Run:
        """Train a candidate on all training examples, by the end of the budget."""
        logger.info("training on all data: %s, %d epochs", best.description, best.epochs)
        training = self.clock.for_training(self.fixed() + self.slower * best.cost.closing)
        options = replace(
            self.options,
            resume=True,
            deadline=self.clock.deadline(self.clock.left - training),
            budget=self.clock.plan.budget,
        )
        data = self.read(best.image_size)
        recipe = resolve_recipe(best.reference, best.assignments(best.epochs))
        return train_run(recipe, data, seed=self.seed, options=options)
