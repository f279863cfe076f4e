"""`WeightAverage`: the moving average of a network's weights."""

import copy

import torch
from torch import nn

from dressform.models.network import Classifier
from dressform.training.recipe import EMA


class WeightAverage:
    """An exponential moving average of a network's weights and buffers.

    Args:
        config: decay and start.
        network: whose weights are averaged; the average starts as a copy.
    """

    def __init__(self, config: EMA, network: Classifier) -> None:
        self._config = config
        self.network = copy.deepcopy(network)
        # Each tensor once, although tied weights have several names.
        named = self.network.state_dict().items()
        self._names = list({tensor.data_ptr(): name for name, tensor in named}.values())

    def decay(self, progress: float) -> float:
        """What is kept of the old average after a fraction of the training, 0..1; 0 before it
        starts.
        """
        return self._config.decay if progress >= self._config.start else 0.0

    @torch.no_grad()
    def update(self, network: nn.Module, decay: float) -> None:
        """Move the average towards a network's weights; what is not floating is copied."""
        ours, theirs = self.network.state_dict(), network.state_dict()
        new, old = ([state[name] for name in self._names] for state in (theirs, ours))
        floating = [i for i, t in enumerate(new) if t.is_floating_point()]
        torch._foreach_lerp_([old[i] for i in floating], [new[i] for i in floating], 1 - decay)
        for i in set(range(len(new))) - set(floating):
            old[i].copy_(new[i])
