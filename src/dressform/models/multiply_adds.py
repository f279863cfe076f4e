"""`count_multiply_adds`: what a network costs for one image."""

import torch
from torch import Tensor, nn

from dressform.kernels.convolution import PooledConv
from dressform.models.lenet5 import RadialBasis
from dressform.models.network import Shape


def count_multiply_adds(network: nn.Module, shape: Shape) -> int:
    """Products with weights that a network makes for one image, in its convolutions, dense layers
    and radial bases.

    Each goes with an addition. Biases, batch norm, activations and pooling are not counted, as is
    usual; a layer that is run twice counts twice.

    Args:
        network: float [N, C, H, W] -> logits; it is run once, in evaluation mode.
        shape: of the image: height, width and channels.
    """
    counts = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, PooledConv):  # which gives a quarter of what it computes
            output = nn.Conv2d.forward(module, inputs[0])
        if isinstance(module, nn.Conv2d):
            counts.append(module.weight[0].numel() * output[0].numel())
        elif isinstance(module, nn.Linear):
            counts.append(module.in_features * output[0].numel())
        elif isinstance(module, RadialBasis):
            counts.append(module.centres.numel())

    handles = [module.register_forward_hook(count) for module in network.modules()]
    was_training = network.training
    height, width, channels = shape
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, channels, height, width))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return sum(counts)
