"""`Fitted`: the result of a training."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dressform.models.network import Classifier
from dressform.models.pair import paired
from dressform.training.checkpoint import Weights, weights_of
from dressform.training.history import Epoch

MEMBER = "network.members.{}."
"""Starts the names of a network's weights in those of the mean of several."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training gives.

    Attributes:
        network: with the weights that the recipe keeps, on the CPU, in evaluation mode.
        history: a row per epoch.
        last: weights after the last epoch (averaged, where the recipe averages).
        best: weights of the best epoch on validation, or None without validation examples.
        device: ``cpu`` or ``cuda``.
        precision: ``float32`` or ``bfloat16``.
        prepared: seconds spent before the first step and on recording CUDA graphs.
        epochs: trained; a fraction where the deadline ended the last one.
        shortened: whether the deadline left out steps that were planned.
    """

    network: Classifier
    history: tuple[Epoch, ...]
    last: Weights
    best: Weights | None
    device: str
    precision: str
    prepared: float
    epochs: float
    shortened: bool


def one_history(parts: Iterable[Sequence[Epoch]]) -> tuple[Epoch, ...]:
    """The epochs of several trainings, numbered as one."""
    rows = [row for part in parts for row in part]
    return tuple(replace(row, epoch=number) for number, row in enumerate(rows, 1))


def together(parts: Sequence[Fitted]) -> Fitted:
    """Trainings of one recipe beside another, as one."""
    whole = paired([part.network for part in parts]).eval()
    rest = {name: t for name, t in weights_of(whole).items() if name in ("mean", "std")}

    def weights(of: Sequence[Weights]) -> Weights:
        named = {MEMBER.format(i) + name: t for i, one in enumerate(of) for name, t in one.items()}
        return rest | named

    kept = any(part.best is not None for part in parts)
    return Fitted(
        network=whole,
        history=one_history(part.history for part in parts),
        last=weights([part.last for part in parts]),
        best=weights([part.best or part.last for part in parts]) if kept else None,
        device=parts[0].device,
        precision=parts[0].precision,
        prepared=sum(part.prepared for part in parts),
        epochs=sum(part.epochs for part in parts),
        shortened=any(part.shortened for part in parts),
    )
