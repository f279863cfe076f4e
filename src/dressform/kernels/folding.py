"""Batch norms folded into the convolutions before them."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dressform.kernels.switch import enabled


def folded(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode, each batch norm that follows a convolution made part of it.

    It gives the same, to rounding. Where it is turned off, the copy is the network as it is.
    """
    copied = copy.deepcopy(module).eval()
    if not enabled("batch-norm-folding"):
        return copied
    for parent in [m for m in copied.modules() if isinstance(m, nn.Sequential)]:
        for (name, layer), (after, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, after, nn.Identity())
    return copied
