"""Optimisers and learning-rate schedules from their configs."""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dressform.kernels.optimizers import lean, sgd
from dressform.training.muon import Muon
from dressform.training.recipe import Optim, Schedule


def make_optimizer(network: nn.Module, config: Optim) -> torch.optim.Optimizer:
    """Build the optimiser for every parameter that is trained; weight decay on matrices and filters
    only.

    On CUDA the rates are tensors there, so that a recorded step reads the rate of the moment.
    """
    optimizer = _made(network, config)
    for group in optimizer.param_groups:
        device = group["params"][0].device
        if device.type == "cuda":
            group["lr"] = torch.tensor(float(group["lr"]), device=device)
    return optimizer


def _made(network: nn.Module, config: Optim) -> torch.optim.Optimizer:
    if config.kind == "muon":
        return _muon(network, config)
    trained = [p for p in network.parameters() if p.requires_grad]
    # One group, and one call per step, without decay.
    decayed = [p for p in trained if p.ndim >= 2 and config.weight_decay]
    others = [p for p in trained if p.ndim < 2 or not config.weight_decay]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.kind == "sgd":
        return sgd(groups, lr=config.lr, momentum=config.momentum, nesterov=config.nesterov)
    adaptive: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "nadam": lean(torch.optim.NAdam),
        "adam": functools.partial(lean(torch.optim.Adam), fused=True),
        "adamw": functools.partial(lean(torch.optim.AdamW), fused=True),
    }
    return adaptive[config.kind](
        groups,
        lr=config.lr,
        betas=(config.momentum, config.beta2),
        eps=config.eps,
        capturable=any(p.device.type == "cuda" for p in network.parameters()),
    )


def _muon(network: nn.Module, config: Optim) -> Muon:
    trained = [p for p in network.parameters() if p.requires_grad]
    rest = {
        "lr": config.sgd_lr,
        "relative_lr": config.sgd_lr / config.lr,
        "momentum": config.sgd_momentum,
    }
    groups = [
        {
            "params": [p for p in trained if p.ndim == 4],
            "lr": config.lr,
            "momentum": config.momentum,
            "orthogonal": True,
        },
        {
            "params": [p for p in trained if 2 <= p.ndim != 4],
            "weight_decay": config.weight_decay,
            **rest,
        },
        {"params": [p for p in trained if p.ndim < 2], **rest},
    ]
    return lean(Muon)(group for group in groups if group["params"])


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group; some have one relative to it."""
    for group in optimizer.param_groups:
        value = rate * group.get("relative_lr", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value


def learning_rate(config: Schedule, peak: float, *, step: float, steps: int, epochs: int) -> float:
    """The rate at one step.

    Args:
        config: the schedule.
        peak: highest rate.
        step: counted from 0 over the whole training; between two steps where a training was
            shortened.
        steps: in the whole training.
        epochs: in the whole training.
    """
    warm = round(config.warmup * steps)
    if step < warm:
        return peak * (step + 1) / warm
    if config.kind == "constant":
        return peak
    if config.kind == "inverse-time":
        decay = peak / epochs if config.decay is None else config.decay
        return peak / (1 + decay * step)
    progress = (step - warm) / max(1, steps - warm)
    fall = 1 - progress if config.kind == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return peak * (config.final + (1 - config.final) * fall)
