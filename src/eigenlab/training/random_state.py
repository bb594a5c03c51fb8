"""State of torch's global random generators, from which dropout draws."""

from __future__ import annotations

import torch
from torch import Tensor


def get_random_state(device: torch.device) -> Tensor:
    """State of the global generators that a model on ``device`` draws from, as (n,) uint8.

    Args:
        device: device of the model. The CPU's generator is always included.
    """
    state = torch.get_rng_state()
    if device.type == "cuda":
        return torch.cat([state, torch.cuda.get_rng_state(device)])
    if device.type == "mps":
        return torch.cat([state, torch.mps.get_rng_state()])
    return state


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Put a state from :func:`get_random_state` back.

    Args:
        state: (n,) uint8. One that was taken on a CPU sets the CPU's generator only.
        device: device of the model.
    """
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size].clone())
    rest = state[size:].clone()
    if device.type == "cuda" and len(rest):
        torch.cuda.set_rng_state(rest, device)
    if device.type == "mps" and len(rest):
        torch.mps.set_rng_state(rest)
