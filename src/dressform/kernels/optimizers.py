"""Optimisers without the hooks, profiler ranges and compiler guards that torch puts around each
step: for a small network they cost more than its smaller layers.
"""

import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

import torch

from dressform.kernels.switch import enabled

Optimizer = TypeVar("Optimizer", bound=torch.optim.Optimizer)


def lean(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimiser without torch's wrappers; ``kind`` itself where that is turned off.

    torch wraps ``step`` in profiler ranges and hooks, and the methods of Adam and others in guards
    whose first call imports torch's compiler, which takes a second.
    """
    if not enabled("lean-optimizers"):
        return kind
    wrapped = ("add_param_group", "state_dict", "load_state_dict")
    methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in wrapped}
    step = torch.no_grad()(inspect.unwrap(kind.step))
    step.hooked = True  # torch's own mark of a step that it need not wrap
    return type(kind.__name__, (kind,), {**methods, "step": step, "zero_grad": _zero_grad})


def _zero_grad(optimizer: torch.optim.Optimizer, set_to_none: bool = True) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


class FusedSGD(torch.optim.Optimizer):
    """SGD with momentum in one call per group; the plain form is :class:`torch.optim.SGD`.

    torch.optim.SGD calls the same kernel after sorting and checking the parameters again in each
    step, which takes a small network as long as one of its layers.

    Args:
        groups: parameter groups of one type on one device; ``lr``, ``momentum``, ``nesterov`` and
            ``weight_decay`` (added to the gradient) are each group's own.
        lr: learning rate.
        momentum: 0 for none.
        nesterov: whether to use Nesterov momentum.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": 0.0}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update from the gradients."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:  # none was used
                continue
            buffers = []
            if group["momentum"]:
                for p in parameters:
                    state = self.state[p]
                    if not state:
                        state["momentum_buffer"] = torch.zeros_like(p)
                    buffers.append(state["momentum_buffer"])
            torch._fused_sgd_(
                parameters,
                [p.grad for p in parameters],
                buffers,
                lr=group["lr"],
                momentum=group["momentum"],
                nesterov=group["nesterov"],
                weight_decay=group["weight_decay"],
                dampening=0.0,
                maximize=False,
                is_first_step=False,
            )


def sgd(
    groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool
) -> torch.optim.Optimizer:
    """SGD: :class:`FusedSGD`, or torch's own where that is turned off."""
    if enabled("lean-optimizers"):
        return lean(FusedSGD)(groups, lr=lr, momentum=momentum, nesterov=nesterov)
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov)
