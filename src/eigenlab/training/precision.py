"""Mixed precision: matrix products in bfloat16, weights and updates in float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

import torch

from eigenlab.errors import InputError

Precision = Literal["float32", "bfloat16", "auto"]


def resolve_precision(precision: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """Return the precision that a name stands for on a device.

    bfloat16 has the range of float32 and 8 bits of precision; see :class:`torch.autocast` for what
    is computed in it.

    Args:
        precision: ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 where
            :func:`multiplies_bfloat16`, else float32. The choice depends on the hardware alone.
        device: where is computed.

    Raises:
        InputError: the name is unknown.

    >>> resolve_precision("float32", torch.device("cpu"))
    'float32'
    """
    if precision not in get_args(Precision):
        raise InputError(
            f"precision={precision!r}; expected one of {', '.join(get_args(Precision))}"
        )
    if precision == "auto":
        return "bfloat16" if multiplies_bfloat16(device) else "float32"
    return precision


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 matrices faster than float32 ones.

    On a CPU that is AVX512-BF16 or AMX-BF16; without them torch converts each number, which is
    slower than float32.

    Args:
        device: where is computed.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities: dict[str, Any] = dict(getattr(torch.cpu, "get_capabilities", dict)())
    if capabilities:
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # of torch before 2.10
    return any(getattr(torch.cpu, name, bool)() for name in checks)


def autocast(
    precision: Literal["float32", "bfloat16"], device: torch.device
) -> AbstractContextManager[Any]:
    """Context in which matrix products have a precision; for float32 nothing is changed.

    Args:
        precision: what :func:`resolve_precision` returns.
        device: where is computed.

    >>> with autocast("bfloat16", torch.device("cpu")):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
