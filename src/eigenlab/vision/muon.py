"""Gradient descent whose steps have equal singular values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.spectrum.polar import (
    SAFETY,
    iterate_to_polar_factor,
    orthogonalization_coefficients,
)

Coefficients = tuple[tuple[float, float, float], ...]


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is orthogonalised, for matrices and convolutions (question 4).

    With momentum v <- mu v + g and the Nesterov step u = g + mu v, a parameter of shape (m, ...),
    seen as an (m, n) matrix, moves by ``-lr`` times the polar factor of u
    (:func:`eigenlab.spectrum.orthogonalize`): every direction that the gradient has is followed
    equally far. Before that, the parameter itself is scaled to the norm sqrt(m), so that ``lr`` is
    relative to it; what follows must not depend on that scale, as behind batch norm. Source:
    K. Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024).

    A group of parameters with ``orthogonalize=False``, such as biases and the last layer, is
    updated as by ``torch.optim.SGD(nesterov=True)``.

    Args:
        params: parameters, or dictionaries of groups, as of every torch optimizer.
        lr: learning rate; a tensor without dimensions, on the device of the parameters, may be
            changed between replays of a CUDA graph. Default: ``0.24``.
        momentum: mu, in [0, 1). Default: ``0.6``.
        weight_decay: multiple of the parameter that is added to its gradient, where it is not
            orthogonalised; there the norm is fixed. Default: ``0.0``.
        orthogonalize: see above. Default: ``True``.
        steps: iterations of the orthogonalisation. Default: ``3``.
        lower: see :func:`eigenlab.spectrum.orthogonalize`. Default: ``0.02``, with which three
            steps bring singular values to within 9 % of 1.
        dtype: in which the polar factors are computed. Default: ``None``, that of the parameters.
        compile: whether the steps along polar factors are compiled by ``torch.compile``, which
            pays on a GPU. Default: ``False``.

    Raises:
        InputError: a setting is out of range, or a parameter to orthogonalise has fewer than two
            axes.

    >>> weight = torch.nn.Parameter(torch.eye(2))
    >>> optimizer = Muon([weight], lr=0.5, momentum=0.0, steps=8)
    >>> (weight * torch.tensor([[4.0, 0.0], [0.0, 1.0]])).sum().backward()
    >>> optimizer.step()
    >>> weight.detach().round(decimals=3)
    tensor([[0.5000, 0.0000],
            [0.0000, 0.5000]])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 0.24,
        momentum: float = 0.6,
        weight_decay: float = 0.0,
        orthogonalize: bool = True,
        steps: int = 3,
        lower: float = 0.02,
        dtype: torch.dtype | None = None,
        compile: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "orthogonalize": orthogonalize,
            "steps": steps,
            "lower": lower,
            "dtype": dtype,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            _check_group(group)
        self._step_orthogonally = _step_orthogonally
        if compile:
            self._step_orthogonally = torch.compile(_step_orthogonally, dynamic=False)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Change the parameters once.

        Args:
            closure: computes the loss and its gradient anew. Default: ``None``.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            directions = self._directions(parameters, group)
            if group["orthogonalize"]:
                dtype = group["dtype"] or parameters[0].dtype
                coefficients = orthogonalization_coefficients(
                    group["steps"], group["lower"], SAFETY.get(dtype, 1.0)
                )
                self._step_orthogonally(parameters, directions, group["lr"], coefficients, dtype)
            else:
                _descend(parameters, directions, group["lr"])
        return loss

    def _directions(self, parameters: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """Nesterov momentum of the gradients."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if group["weight_decay"] and not group["orthogonalize"]:
            gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
        if not group["momentum"]:
            return gradients
        for parameter in parameters:
            if "momentum" not in self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum"] for parameter in parameters]
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, gradients)
        return list(torch._foreach_add(gradients, buffers, alpha=group["momentum"]))


def _step_orthogonally(
    parameters: list[Tensor],
    directions: list[Tensor],
    lr: float | Tensor,
    coefficients: Coefficients,
    dtype: torch.dtype,
) -> None:
    """Move along the polar factors."""
    norms = [torch.linalg.vector_norm(parameter) for parameter in parameters]
    # A parameter of zeros has no direction to keep, and is left at 0.
    scales = [
        len(parameter) ** 0.5 / torch.where(norm > 0, norm, torch.ones_like(norm))
        for parameter, norm in zip(parameters, norms, strict=True)
    ]
    torch._foreach_mul_(parameters, scales)
    _descend(parameters, _polar_factors(directions, coefficients, dtype), lr)


def _polar_factors(
    directions: list[Tensor], coefficients: Coefficients, dtype: torch.dtype
) -> list[Tensor]:
    """Those with equally many rows are orthogonalised together, filled up with columns of zeros,
    which stay zero and do not change the others."""
    by_rows: dict[int, list[int]] = {}
    for place, direction in enumerate(directions):
        by_rows.setdefault(len(direction), []).append(place)
    found = list(directions)
    for rows, places in by_rows.items():
        matrices = [directions[place].reshape(rows, -1).to(dtype) for place in places]
        width = max(matrix.shape[1] for matrix in matrices)
        padded = [nn.functional.pad(each, (0, width - each.shape[1])) for each in matrices]
        factors = iterate_to_polar_factor(torch.stack(padded), coefficients)
        for place, matrix, factor in zip(places, matrices, factors, strict=True):
            shaped = factor[:, : matrix.shape[1]].reshape(directions[place].shape)
            found[place] = shaped.to(directions[place].dtype)
    return found


def _descend(parameters: list[Tensor], directions: list[Tensor], lr: float | Tensor) -> None:
    """Subtract ``lr`` times the directions; a tensor ``lr`` is not read by the host."""
    if isinstance(lr, Tensor):
        torch._foreach_sub_(parameters, torch._foreach_mul(directions, lr))
    else:
        torch._foreach_add_(parameters, directions, alpha=-lr)


def _check_group(group: dict[str, Any]) -> None:
    invalid = []
    if not group["lr"] >= 0:
        invalid.append(f"lr={group['lr']} must be at least 0")
    if not 0 <= group["momentum"] < 1:
        invalid.append(f"momentum={group['momentum']} must be in [0, 1)")
    if not group["weight_decay"] >= 0:
        invalid.append(f"weight_decay={group['weight_decay']} must be at least 0")
    shapes = [tuple(p.shape) for p in group["params"] if p.ndim < 2]
    if group["orthogonalize"] and shapes:
        invalid.append(
            f"a parameter of shape {shapes[0]} is no matrix; put it into a group with "
            "orthogonalize=False"
        )
    if invalid:
        raise InputError("; ".join(invalid))
