"""SGD in one call a step."""

from collections.abc import Iterable
from typing import Any

import torch


class Sgd(torch.optim.Optimizer):
    """SGD with momentum, by torch's fused kernel.

    torch.optim.SGD calls the same kernel after it has sorted the parameters by device and type and
    checked them, each step anew, which takes a small network as long as one of its layers.

    Args:
        groups: parameter groups of one type on one device; ``lr``, ``momentum``, ``nesterov`` and
            ``weight_decay`` (added to the gradient) are each group's own.
        lr: rate.
        momentum: 0 for none.
        nesterov: look ahead.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool
    ) -> None:
        super().__init__(
            groups, {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": 0.0}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update from the gradients."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
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
