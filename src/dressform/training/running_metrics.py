"""What an epoch has come to so far."""

import math

import torch
from torch import Tensor


class RunningMetrics:
    """Mean loss and accuracy of an epoch so far. Steps are added up some at a time: for small
    networks each call counts.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Tensor, Tensor, Tensor]] = []
        self._loss, self._right, self._seen = 0.0, 0, 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """A step's mean loss, logits [N, K] and labels [N]."""
        self._steps.append((loss, logits, labels))

    def loss(self) -> float:
        """Mean over the examples."""
        self._count()
        return self._loss / self._seen

    def accuracy(self) -> float:
        """Share of the examples, 0..1."""
        self._count()
        return self._right / self._seen

    def _count(self) -> None:
        if self._steps:
            losses, logits, labels = zip(*self._steps, strict=True)
            self._steps = []
            sizes = [len(some) for some in labels]
            self._loss += math.fsum(
                loss * size for loss, size in zip(torch.stack(losses).tolist(), sizes, strict=True)
            )
            self._right += int((torch.cat(logits).argmax(1) == torch.cat(labels)).sum())
            self._seen += sum(sizes)
