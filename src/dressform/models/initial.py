"""Initial weights as the tutorials had them: Keras's schemes, on torch layers."""

from typing import Literal

from torch import nn

Scheme = Literal["glorot-uniform", "he-normal", "he-uniform"]


def initialise(module: nn.Module, scheme: Scheme = "glorot-uniform") -> nn.Module:
    """Draw the weights of every convolution and dense layer inside ``module`` again, biases 0.

    Args:
        module: changed in place.
        scheme: ``glorot-uniform`` is Keras's default (Glorot & Bengio 2010); ``he-*`` is He et al.
            2015. Keras draws ``he_normal`` from a normal cut off at two standard deviations, and so
            does this.
    """
    for layer in module.modules():
        if not isinstance(layer, (nn.Conv2d, nn.Linear)):
            continue
        if scheme == "glorot-uniform":
            nn.init.xavier_uniform_(layer.weight)
        elif scheme == "he-uniform":
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        else:
            fan_in = layer.weight[0].numel()
            std = (2 / fan_in) ** 0.5 / 0.87962566103423978  # keeps the variance after the cut
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return module
