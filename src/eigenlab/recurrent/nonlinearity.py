"""The function sigma of a recurrent step, with the derivative the backward sweep needs.

For tanh, ReLU and the identity the derivative is a function of the *output* h = sigma(a), so the
pre-activations need not be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlab.errors import InputError, nearest

Nonlinearity = str | Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Elementwise:
    """A known nonlinearity: in place on a buffer, and its derivative from the output."""

    name: str
    apply_: Callable[[Tensor], object]
    derivative: Callable[[Tensor], Tensor]


def _tanh_derivative(h: Tensor) -> Tensor:
    return torch.addcmul(h.new_ones(()), h, h, value=-1)


def _relu_derivative(h: Tensor) -> Tensor:
    return h.gt(0).to(h.dtype)


KNOWN = {
    "tanh": Elementwise("tanh", Tensor.tanh_, _tanh_derivative),
    "relu": Elementwise("relu", Tensor.relu_, _relu_derivative),
    "identity": Elementwise("identity", lambda a: a, torch.ones_like),
}

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda a: a,
}


def check_nonlinearity(nonlinearity: Nonlinearity) -> None:
    """Raise :class:`~eigenlab.errors.InputError` unless the nonlinearity is known or callable."""
    if callable(nonlinearity) or nonlinearity in KNOWN:
        return
    raise InputError(
        f"nonlinearity={nonlinearity!r} is unknown{nearest(str(nonlinearity), KNOWN)}; "
        f"expected one of {', '.join(KNOWN)} or an elementwise function of a tensor"
    )


def function_of(nonlinearity: Nonlinearity) -> Callable[[Tensor], Tensor]:
    """The nonlinearity as a function of the pre-activations, not in place."""
    return FUNCTIONS[nonlinearity] if isinstance(nonlinearity, str) else nonlinearity


def derivative_at(nonlinearity: Nonlinearity, hidden: Tensor, preactivation: Tensor) -> Tensor:
    """sigma'(a) elementwise; a user's own function is differentiated by autograd."""
    if isinstance(nonlinearity, str):
        return KNOWN[nonlinearity].derivative(hidden)
    with torch.enable_grad():
        a = preactivation.detach().requires_grad_()
        value = nonlinearity(a)
        return torch.autograd.grad(value.sum(), a)[0] if value.requires_grad else value * 0
