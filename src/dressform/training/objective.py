"""`Objective`: the loss that a network learns from."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class SoftTargets:
    """What a teacher says about the training examples: see
    :class:`dressform.training.recipe.Distillation`.

    Attributes:
        logits: float32 [N, K] of the teacher.
        weight: of the teacher's part of the loss, above 0, to 1.
        temperature: above 0.
    """

    logits: Tensor
    weight: float
    temperature: float

    def to(self, device: torch.device) -> "SoftTargets":
        """The same, where the network is."""
        return replace(self, logits=self.logits.to(device))

    def blend(self, cross_entropy: Tensor, logits: Tensor, indices: Tensor) -> Tensor:
        """The loss of each example, float32 [B].

        Args:
            cross_entropy: float32 [B], of the labels.
            logits: float32 [B, K].
            indices: int64 [B], positions in the training set.
        """
        of_teacher = F.log_softmax(self.logits[indices] / self.temperature, dim=1)
        of_network = F.log_softmax(logits / self.temperature, dim=1)
        divergence = F.kl_div(of_network, of_teacher, reduction="none", log_target=True).sum(1)
        return torch.lerp(cross_entropy, self.temperature**2 * divergence, self.weight)


class Objective:
    """Cross-entropy, with class weights, a teacher and a record of each example's loss where they
    are wanted.

    Args:
        label_smoothing: fraction of the target spread evenly over the classes.
        class_weights: float32 [K], weight of an example of each class; None weighs all alike.
        example_losses: float32 [N], to which the loss of each example is written when it is seen;
            None records nothing.
        soft_targets: of a teacher, or None.
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        example_losses: Tensor | None = None,
        soft_targets: SoftTargets | None = None,
    ) -> None:
        self._label_smoothing = label_smoothing
        self._class_weights = class_weights
        self._example_losses = example_losses
        self._soft_targets = soft_targets

    def __call__(
        self, member_logits: tuple[Tensor, ...], labels: Tensor, indices: Tensor
    ) -> Tensor:
        """The sum of the members' losses, so that each member of an ensemble learns from its own,
        as if it were alone.

        Args:
            member_logits: float32 [B, K] of each member; a network that is no ensemble is its only
                one.
            labels: int64 [B].
            indices: int64 [B], positions in the training set.

        Returns:
            a scalar.
        """
        if self._class_weights is None and self._example_losses is None and not self._soft_targets:
            return _sum([self._cross_entropy(logits, labels, "mean") for logits in member_logits])
        per_example = _sum([self._losses(logits, labels, indices) for logits in member_logits])
        if self._example_losses is not None:
            members, losses = len(member_logits), per_example.detach()
            self._example_losses[indices] = losses if members == 1 else losses / members
        if self._class_weights is None:
            return per_example.mean()
        weights = self._class_weights[labels]
        return (per_example * weights).sum() / weights.sum()

    def _losses(self, logits: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        losses = self._cross_entropy(logits, labels, "none")
        if self._soft_targets is None:
            return losses
        return self._soft_targets.blend(losses, logits, indices)

    def _cross_entropy(self, logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
        smoothing = self._label_smoothing
        return F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction=reduction)


def _sum(losses: list[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum(0)
