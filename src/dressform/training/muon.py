"""Muon for filters, SGD for the rest."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from dressform.kernels.tf32 import tf32_products

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration, chosen by its authors so that small singular values grow fast; the
result's lie in about 0.7..1.2.
"""


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, for banks of filters; SGD with Nesterov momentum
    for what is none.

    Muon (K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces the momentum of
    a filter bank, as a matrix [filters, inputs x height x width], by the nearest matrix whose
    singular values are all about 1, found with a few Newton-Schulz iterations. Each bank is brought
    to the norm sqrt(filters) before its step, as in airbench94, which changes nothing that a batch
    norm behind it would see. So it suits networks whose convolutions are followed by batch norm.
    On a GPU the products of the iterations are in TF32 (the authors' are in bfloat16).

    Args:
        groups: parameter groups; those with ``"orthogonal": True`` hold filters [F, C, H, W], the
            others get SGD. ``lr``, ``momentum`` and ``weight_decay`` (SGD only, added to the
            gradient) are each group's own.
        iterations: of Newton-Schulz.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, iterations: int = 3) -> None:
        super().__init__(
            groups, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "orthogonal": False}
        )
        self._iterations = iterations

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update from the gradients."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            gradients = [p.grad for p in parameters if p.grad is not None]
            if group["orthogonal"]:
                for p, g in zip(
                    parameters, self._nesterov(parameters, gradients, group), strict=True
                ):
                    # as it lies in memory; the order of a matrix's columns does not matter
                    rows = g.permute(0, 2, 3, 1)
                    update = (
                        orthogonal(rows.flatten(1), self._iterations)
                        .view(rows.shape)
                        .permute(0, 3, 1, 2)
                    )
                    p.mul_(len(p) ** 0.5 / p.norm().clamp_min(1e-12))
                    _descend([p], [update], group["lr"])
            else:
                if group["weight_decay"]:
                    gradients = list(
                        torch._foreach_add(gradients, parameters, alpha=group["weight_decay"])
                    )
                _descend(parameters, self._nesterov(parameters, gradients, group), group["lr"])

    def _nesterov(
        self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]
    ) -> list[Tensor]:
        """gradient + momentum * buffer, the buffer being momentum * buffer + gradient."""
        buffers = []
        for p in parameters:
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(p)
            buffers.append(state["momentum_buffer"])
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, gradients)
        return list(torch._foreach_add(gradients, buffers, alpha=group["momentum"]))


def _descend(parameters: list[Tensor], updates: list[Tensor], rate: float | Tensor) -> None:
    if isinstance(rate, Tensor):
        torch._foreach_sub_(parameters, torch._foreach_mul(updates, rate))
    else:
        torch._foreach_add_(parameters, updates, alpha=-rate)


def orthogonal(matrix: Tensor, iterations: int = 3) -> Tensor:
    """The matrix [m, n] with its singular values moved towards 1: U V^T of its singular value
    decomposition, roughly.

    Args:
        matrix: float [m, n].
        iterations: 1 or more, of x <- a x + (b x x^T + c (x x^T)^2) x.
    """
    a, b, c = COEFFICIENTS
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    # Each iteration multiplies x from the left by a polynomial of x x^T, so the small square is
    # enough to iterate on.
    with tf32_products(x.device):
        square = x @ x.T
        factors = []
        for i in range(iterations):
            polynomial = torch.addmm(square, square, square, beta=b, alpha=c)
            polynomial.diagonal().add_(a)
            factors.append(polynomial)
            if i < iterations - 1:
                square = polynomial @ square @ polynomial
        for factor in factors[1:]:
            factors[0] = factor @ factors[0]
        x = torch.mm(factors[0], x)
    return x if wide else x.T
