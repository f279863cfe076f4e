"""`Candidate`: what might learn a dataset, and what that costs."""

import math
from dataclasses import dataclass, replace

from dressform.recipes import BESIDE, image_size_for

FOLDS = 3
SHARE = 0.2
"""Of the time that is left, for a candidate that is not the last."""
ALONE_EPOCHS = 1
"""Of a candidate that is trained without a comparison, at least."""


@dataclass(frozen=True)
class Cost:
    """What a candidate takes, in seconds.

    Attributes:
        epoch: an epoch on all training examples.
        version: in which a frozen backbone sees a version of all training examples, once for all
            trainings.
        versions: how many it sees at most; one in each epoch.
        closing: predictions after the last epoch.
        start: of each training, folds included, beside its epochs.
    """

    epoch: float
    version: float = 0.0
    versions: int = 0
    closing: float = 0.0
    start: float = 0.0

    def comparison(self, candidate: "Candidate") -> float:
        """The comparison alone: K trainings on K - 1 of K parts."""
        epochs = (FOLDS - 1) * candidate.compared * self.epoch
        return self._versions(candidate.compared) + FOLDS * self.start + epochs

    def whole(self, candidate: "Candidate") -> float:
        """Comparison, and one training more on all examples with the predictions that follow it."""
        return self.comparison(candidate) + self.unseen(candidate) + self.last(candidate)

    def last(self, candidate: "Candidate") -> float:
        """The training on all examples, after the comparison, and the predictions."""
        return self.start + candidate.epochs * self.epoch + self.closing

    def alone(self, candidate: "Candidate", epochs: int = ALONE_EPOCHS) -> float:
        """A training without a comparison, by default the shortest."""
        return self._versions(epochs) + self.last(replace(candidate, epochs=epochs))

    def slower(self, factor: float) -> "Cost":
        """The same on a machine that takes ``factor`` times as long."""
        return Cost(
            factor * self.epoch,
            factor * self.version,
            self.versions,
            factor * self.closing,
            factor * self.start,
        )

    def unseen(self, candidate: "Candidate") -> float:
        """What a training longer than those of the comparison takes before its epochs."""
        return max(0.0, self._versions(candidate.epochs) - self._versions(candidate.compared))

    def _versions(self, epochs: int) -> float:
        return self.version * min(self.versions, epochs)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What might learn the data.

    Attributes:
        description: what it is, for people.
        recipe: its name.
        settings: changes to it, without the number of epochs.
        epochs: of its training; ``most`` until it is known for how many there is time.
        fewest: fewer make no sense.
        most: more make no sense.
        preferred: known to be the best for such data, so that it is not given up for others.
        fallback: known to be the worst, so that it is tried only where there is time for no other.
        part: of its epochs that it is compared with, 0 to 1, but two at least.
        compared: epochs in the comparison, as soon as it is known; 0 if there is no time for one.
        cost: what it takes, likewise.
        image_size: that folders of mixed sizes are read with; None is the folder's default.
        share: of the time that is left, unless it is the last.
        beside: trained beside it; the model is the mean of both's logits.
    """

    description: str
    recipe: str
    settings: tuple[str, ...]
    epochs: int
    fewest: int
    most: int
    preferred: bool = False
    fallback: bool = False
    part: float = 1.0
    compared: int = 0
    cost: Cost = Cost(0.0)
    image_size: int | None
    share: float = SHARE
    beside: "Candidate | None" = None

    @property
    def reference(self) -> str:
        """What names the recipe."""
        return self.recipe if self.beside is None else f"{self.recipe}{BESIDE}{self.beside.recipe}"

    @property
    def shortened(self) -> bool:
        """Whether its comparison has fewer epochs than its training."""
        return self.part < 1

    def lasting(self, epochs: int) -> "Candidate":
        """The same with so many epochs."""
        compared = min(epochs, max(2, math.ceil(self.part * epochs)))
        return replace(self, epochs=epochs, compared=compared)

    def together(self, *beside: "Candidate") -> "Candidate":
        """The same with another beside it, or with none."""
        if not beside:
            return self
        (other,) = beside
        return replace(
            self, description=f"{self.description} and {other.description}", beside=other
        )

    @property
    def unseen(self) -> float:
        """Seconds in which a frozen backbone sees the versions of the images that the comparison
        does not need.
        """
        return self.cost.unseen(self)

    def assignments(self, epochs: int) -> tuple[str, ...]:
        """All changes to the recipe."""
        own, beside = (f"epochs={epochs}", *self.settings), self.beside
        if beside is None:
            return own
        return (*own, *(f"beside.{s}" for s in beside.assignments(beside.epochs)))

    @property
    def command(self) -> str:
        """What trains it alone, but for the data."""
        size = (
            []
            if self.image_size in (None, image_size_for(self.reference))
            else [f"--image-size {self.image_size}"]
        )
        return " ".join(
            [
                "dressform train",
                self.reference,
                *size,
                *(f"--set {s}" for s in self.assignments(self.epochs)),
            ]
        )
