"""`Objective`: the loss that a network learns from."""

import torch
import torch.nn.functional as F
from torch import Tensor


class Objective:
    """Cross-entropy, with class weights and a record of each example's loss where they are wanted.

    Args:
        label_smoothing: fraction of the target spread evenly over the classes.
        class_weights: float32 [K], weight of an example of each class; None weighs all alike.
        example_losses: float32 [N], to which the loss of each example is written when it is seen;
            None records nothing.
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        example_losses: Tensor | None = None,
    ) -> None:
        self._label_smoothing = label_smoothing
        self._class_weights = class_weights
        self._example_losses = example_losses

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
        if self._class_weights is None and self._example_losses is None:
            return _sum([self._cross_entropy(logits, labels, "mean") for logits in member_logits])
        per_example = _sum(
            [self._cross_entropy(logits, labels, "none") for logits in member_logits]
        )
        if self._example_losses is not None:
            members, losses = len(member_logits), per_example.detach()
            self._example_losses[indices] = losses if members == 1 else losses / members
        if self._class_weights is None:
            return per_example.mean()
        weights = self._class_weights[labels]
        return (per_example * weights).sum() / weights.sum()

    def _cross_entropy(self, logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
        smoothing = self._label_smoothing
        return F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction=reduction)


def _sum(losses: list[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum(0)
