"""Conversion and checks of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from eigenlab.errors import InputError

Matrix = Tensor | ArrayLike


def as_tensor(array: NDArray[Any]) -> Tensor:
    """A tensor over the array's memory, or over a copy where torch has no such memory.

    That is memory which is read-only, in reverse, or of another byte order.

    >>> as_tensor(np.broadcast_to(1.0, (2,)))
    tensor([1., 1.], dtype=torch.float64)
    """
    usable = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    if not usable:
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def as_matrix(name: str, value: Matrix, *, square: bool = False, stacked: bool = False) -> Tensor:
    """Return ``value`` as a float64 or complex128 tensor of shape (..., rows, columns).

    Small dense operators cost little, so all functions here compute in double precision; a tensor
    stays on its device where that has float64, and keeps its gradient.

    Args:
        name: name of the argument, for error messages.
        value: tensor or array of at least two axes.
        square: whether the last two axes must be equal. Default: ``False``.
        stacked: whether an axis of steps must come before them. Default: ``False``.

    Raises:
        InputError: ``value`` is not numbers, has an empty or missing axis, is not finite, or is not
            square where it must be.
    """
    try:
        tensor = value if isinstance(value, Tensor) else as_tensor(np.asarray(value))
    except TypeError:
        raise InputError(f"{name} is not an array of numbers: {type(value).__name__}") from None
    if tensor.device.type == "mps":
        tensor = tensor.cpu()
    tensor = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    wanted = "(..., steps, size, size)" if stacked else "(..., rows, columns)"
    shape = tuple(tensor.shape)
    if tensor.ndim < 2 + stacked or 0 in shape:
        raise InputError(f"{name} has shape {shape}, expected {wanted} with no empty axis")
    if square and shape[-1] != shape[-2]:
        raise InputError(f"{name} has shape {shape}; its last two axes must be equal")
    if not bool(torch.isfinite(tensor).all()):
        count = int((~torch.isfinite(tensor)).sum())
        raise InputError(
            f"{name} holds {count} NaN or infinite entries; look where training diverged"
        )
    return tensor
