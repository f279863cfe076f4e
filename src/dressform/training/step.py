"""One training step: from a batch to changed weights."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dressform.training.batches import Batch
from dressform.training.checkpoint import State
from dressform.training.cuda_graphs import CudaGraphs
from dressform.training.optim import learning_rate, set_rate, update
from dressform.training.progressive_resizing import resized
from dressform.training.recipe import Recipe


class Step:
    """A step of a training, called once for each batch.

    What changes between steps without changing a tensor (the size of the pictures, the decay of the
    average) is settled before :meth:`_learn`, which is a function of tensors alone. On CUDA it is
    recorded as a graph once for each such case and replayed from then on, so that a step costs the
    processor a handful of launches.

    Args:
        recipe: how to train.
        state: network, optimiser, average and losses; changed by each call.
        steps: in the whole training.
        weights: float32 [K], how much an example of each class counts; None counts all alike.
    """

    def __init__(self, recipe: Recipe, state: State, *, steps: int, weights: Tensor | None) -> None:
        self._recipe, self._state, self._steps, self._weights = recipe, state, steps, weights
        device = state.network.mean.device.type
        self._autocast = torch.autocast(
            device, dtype=torch.bfloat16, enabled=state.precision == "bfloat16"
        )
        self.graphs = CudaGraphs(self._learn) if device == "cuda" else None
        self.highest_rate = recipe.optim.lr

    def rate(self, number: int) -> float:
        """The learning rate of a step, counted from 0 over the whole training."""
        recipe = self._recipe
        return learning_rate(
            recipe.schedule, recipe.optim.lr, step=number, steps=self._steps, epochs=recipe.epochs
        )

    def __call__(self, number: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """Learn from a batch.

        Args:
            number: of the step, counted from 0 over the whole training.
            batch: what to learn from.

        Returns:
            the mean loss [], and logits [N, K], an ensemble's mean; neither asks for gradients.
        """
        ema = self._recipe.ema
        set_rate(self._state.optimizer, self.rate(number))
        if not self._recipe.cached_features:
            batch = batch._replace(
                given=resized(self._recipe.progressive_resizing, batch.given, number / self._steps)
            )
        decay = ema.decay if number >= ema.start * self._steps else 0.0
        loss, logits = (
            self._learn(*batch, decay) if self.graphs is None else self.graphs(*batch, decay)
        )
        return loss, logits

    def _learn(
        self, given: Tensor, labels: Tensor, examples: Tensor, decay: float
    ) -> tuple[Tensor, Tensor]:
        with self._autocast:
            network = self._state.network
            member_logits = (
                (network.head(given),)
                if self._recipe.cached_features
                else network.member_logits(given)
            )
        member_logits = tuple(logits.float() for logits in member_logits)
        loss = self._loss(member_logits, labels, examples)
        # Each member of an ensemble learns as if it were alone: from its own loss, not from its
        # part of the mean.
        (loss if len(member_logits) == 1 else loss * len(member_logits)).backward()  # type: ignore[no-untyped-call]
        update(self._state.optimizer)
        if self._state.average is not None:
            _update_average(self._state.average, self._state.network, decay)
        return loss.detach(), _mean([vote.detach() for vote in member_logits])

    def _loss(self, member_logits: tuple[Tensor, ...], labels: Tensor, examples: Tensor) -> Tensor:
        losses, weights, smoothing = self._state.losses, self._weights, self._recipe.label_smoothing
        if losses is None and weights is None:
            return _mean(
                [F.cross_entropy(vote, labels, label_smoothing=smoothing) for vote in member_logits]
            )
        each = _mean(
            [
                F.cross_entropy(vote, labels, label_smoothing=smoothing, reduction="none")
                for vote in member_logits
            ]
        )
        if losses is not None:
            losses[examples] = each.detach()
        return (
            each.mean()
            if weights is None
            else (each * weights[labels]).sum() / weights[labels].sum()
        )


def _mean(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.stack(tensors).mean(0)


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    new, old = list(network.state_dict().values()), list(average.state_dict().values())
    floating = [i for i, t in enumerate(new) if t.is_floating_point()]
    torch._foreach_lerp_([old[i] for i in floating], [new[i] for i in floating], 1 - decay)
    for i in set(range(len(new))) - set(floating):
        old[i].copy_(new[i])
