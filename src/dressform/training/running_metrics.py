"""The metrics of an epoch so far."""

import math

import torch
from torch import Tensor


class RunningMetrics:
    """Mean loss and accuracy of an epoch so far.

    Steps are added up several at a time: for small networks each call counts.
    """

    def __init__(self) -> None:
        self._pending: list[tuple[Tensor, Tensor, Tensor]] = []
        self._loss, self._correct, self._examples = 0.0, 0, 0

    def update(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a step's mean loss [], logits [N, K] and labels [N]."""
        self._pending.append((loss, logits, labels))

    def loss(self) -> float:
        """Mean over the examples."""
        self._add_up()
        return self._loss / self._examples

    def accuracy(self) -> float:
        """Fraction of the examples, 0..1."""
        self._add_up()
        return self._correct / self._examples

    def _add_up(self) -> None:
        if self._pending:
            losses, logits, labels = zip(*self._pending, strict=True)
            self._pending = []
            sizes = [len(batch) for batch in labels]
            means = torch.stack(losses).tolist()
            self._loss += math.fsum(m * size for m, size in zip(means, sizes, strict=True))
            self._correct += int((torch.cat(logits).argmax(1) == torch.cat(labels)).sum())
            self._examples += sum(sizes)
