"""One training step: from a batch to changed weights."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dressform.kernels.cuda_graphs import CudaGraphs
from dressform.kernels.switch import enabled
from dressform.training.batches import Batch
from dressform.training.checkpoint import State
from dressform.training.objective import Objective
from dressform.training.optim import learning_rate, set_learning_rate
from dressform.training.pace import Pace
from dressform.training.progressive_resizing import resized
from dressform.training.recipe import Recipe


class Step:
    """A step of a training, called once per batch.

    What changes between steps without being a tensor (the images' size, the average's decay) is
    settled before :meth:`_learn`, which is a function of tensors alone: on CUDA its kernels are
    recorded once for each such case and replayed.

    Args:
        recipe: how to train.
        state: network, optimiser and average; changed by each call.
        objective: what the network learns from.
        pace: which part of the schedule each step stands for.
    """

    def __init__(self, recipe: Recipe, state: State, objective: Objective, pace: Pace) -> None:
        self._recipe, self._state, self._objective, self._pace = recipe, state, objective, pace
        device = state.network.mean.device.type
        bfloat16 = state.precision == "bfloat16"
        self._autocast = functools.partial(
            torch.autocast, device, dtype=torch.bfloat16, enabled=bfloat16
        )
        network = state.network
        self._forward: Callable[[Tensor], tuple[Tensor, ...]] = (
            network.head_logits if recipe.cached_features else network.member_logits
        )
        self.peak_learning_rate = recipe.optim.lr
        records = device == "cuda" and enabled("cuda-graphs")
        self.graphs = CudaGraphs(self._learn) if records else None

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step, counted from 0 over the whole training."""
        recipe = self._recipe
        return learning_rate(
            recipe.schedule,
            recipe.optim.lr,
            step=self._pace.position(number),
            steps=self._pace.planned,
            epochs=recipe.epochs,
        )

    def __call__(self, number: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """Learn from a batch.

        Args:
            number: of the step, counted from 0 over the whole training.
            batch: what to learn from.

        Returns:
            the mean loss [], and logits [N, K], an ensemble's mean; neither asks for gradients.
        """
        progress = self._pace.position(number) / self._pace.planned
        set_learning_rate(self._state.optimizer, self.learning_rate(number))
        inputs = resized(self._recipe.progressive_resizing, batch.inputs, progress)
        average = self._state.average
        decay = 0.0 if average is None else average.decay(progress)
        learn = self._learn if self.graphs is None else self.graphs
        loss, logits = learn(inputs, batch.labels, batch.indices, decay)
        return loss, logits

    def _learn(
        self, inputs: Tensor, labels: Tensor, indices: Tensor, decay: float
    ) -> tuple[Tensor, Tensor]:
        with self._autocast():
            member_logits = self._forward(inputs)
        member_logits = tuple(logits.float() for logits in member_logits)
        loss = self._objective(member_logits, labels, indices)
        loss.backward()  # type: ignore[no-untyped-call]
        self._state.optimizer.step()
        self._state.optimizer.zero_grad()
        if self._state.average is not None:
            self._state.average.update(self._state.network, decay)
        return mean_of_members(loss.detach(), [logits.detach() for logits in member_logits])


def mean_of_members(loss: Tensor, member_logits: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The mean of the members' losses, of which ``loss`` is the sum, and of their logits."""
    if len(member_logits) == 1:
        return loss, member_logits[0]
    return loss / len(member_logits), torch.stack(member_logits).mean(0)
