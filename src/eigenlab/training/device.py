"""The device that tensors are stored on."""

from __future__ import annotations

import os

import torch

from eigenlab.errors import InputError


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Return the device that a name stands for, after checking that it is present.

    Args:
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` or a ``torch.device``.
            ``"auto"`` is CUDA, else Apple's MPS, else the CPU. Under ``torchrun`` a CUDA device
            without a number is that of this process (``LOCAL_RANK``). Default: ``"auto"``.

    Raises:
        InputError: the device is unknown or not present.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if str(device) == "auto":
        device = next(kind for kind in ("cuda", "mps", "cpu") if _present(kind))
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise InputError(
            f"device='{device}' is unknown; choose auto, cpu, cuda, cuda:<number> or mps"
        ) from None
    if chosen.type == "cuda" and chosen.index is None and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    missing = chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count()
    if missing or not _present(chosen.type):
        present = [kind for kind in ("cpu", "cuda", "mps") if _present(kind)]
        raise InputError(
            f"device='{device}' is not present here (found {', '.join(present)}); use auto or cpu"
        )
    return chosen


def present_or_cpu(device: str) -> str:
    """The device, or the CPU where it is not present, as for a model that was trained on a GPU.

    >>> present_or_cpu("cpu")
    'cpu'
    """
    try:
        resolve_device(device)
    except InputError:
        return "cpu"
    return device


def _present(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"
