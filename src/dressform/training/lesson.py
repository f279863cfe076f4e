"""`Lesson`: what a teacher leaves behind for the network that learns from it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from dressform.core.files import sha256_bytes
from dressform.data.dataset import Dataset
from dressform.kernels.threads import pinned_threads
from dressform.models.network import Classifier
from dressform.runs.history import read_history
from dressform.runs.layout import Layout
from dressform.training.checkpoint import weights_of
from dressform.training.device import deterministic
from dressform.training.fitted import Fitted, one_history
from dressform.training.history import COLUMNS, Epoch
from dressform.training.inference import logits_of
from dressform.training.objective import SoftTargets
from dressform.training.parts import Part
from dressform.training.recipe import Distillation
from dressform.training.trained import trained_network


@dataclass(frozen=True, eq=False)
class Lesson:
    """The teacher's answers, and what its training took; its network is not kept.

    Attributes:
        soft_targets: for the training examples.
        digest: of the teacher's weights.
        history, epochs, prepared, shortened: of its training, as :class:`Fitted` has them.
    """

    soft_targets: SoftTargets
    digest: str
    history: tuple[Epoch, ...]
    epochs: float
    prepared: float = 0.0
    shortened: bool = False

    def checked(self, part: Part) -> Part:
        """The student's training, whose checkpoint belongs to this teacher."""
        return replace(part, files=replace(part.files, key=f"{part.files.key}-{self.digest}"))

    def with_student(self, student: Fitted) -> Fitted:
        """The student, with the time of both."""
        return replace(
            student,
            history=one_history((self.history, student.history)),
            prepared=self.prepared + student.prepared,
            epochs=self.epochs + student.epochs,
            shortened=self.shortened or student.shortened,
        )


def learn(
    distillation: Distillation,
    part: Part,
    train: Dataset,
    fit: Callable[[Part], Fitted],
    device: torch.device,
) -> Lesson:
    """Train the teacher, or take it from a finished run, and ask it about each training example.

    A teacher whose training was begun here is not taken from elsewhere.

    Args:
        distillation: of the student's recipe.
        part: the teacher's training.
        train: examples to learn from.
        fit: trains a part.
        device: to ask it on.

    Raises:
        RunError: the finished run is damaged.
    """
    finished = None if part.files.written() else part.files.find_teacher(part.recipe)
    if finished is not None:
        network, history = _read(part, finished, train)
        return Lesson(*_asked(network, distillation, train, device), history, len(history))
    teacher = fit(part)
    return Lesson(
        *_asked(teacher.network, distillation, train, device),
        teacher.history,
        teacher.epochs,
        teacher.prepared,
        teacher.shortened,
    )


def _read(part: Part, run: Path, train: Dataset) -> tuple[Classifier, tuple[Epoch, ...]]:
    layout = Layout(run)
    history = read_epochs(layout)
    part.skip(history)
    return trained_network(part.recipe, layout, train.shape, len(train.class_names)), history


def read_epochs(layout: Layout) -> tuple[Epoch, ...]:
    """The history of a finished run."""
    rows: list[Any] = [
        {name: row.get(name) for name in COLUMNS} for row in read_history(layout.results)
    ]
    return tuple(Epoch(**{**row, "epoch": number}) for number, row in enumerate(rows, 1))


def _asked(
    network: Classifier, distillation: Distillation, train: Dataset, device: torch.device
) -> tuple[SoftTargets, str]:
    weights = weights_of(network)
    digest = sha256_bytes(*(weights[name].numpy().tobytes() for name in sorted(weights)))
    with deterministic(device), pinned_threads(device):
        logits = logits_of(network.to(device), train, device=device)
    network.cpu()
    targets = SoftTargets(torch.from_numpy(logits), distillation.weight, distillation.temperature)
    return targets, digest
