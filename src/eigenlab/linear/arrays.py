"""NumPy in, NumPy out; tensors in, tensors out."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy.typing as npt
from torch import Tensor

#: All matrices of one call: tensors, or NumPy arrays (at run time also nested lists of numbers).
Matrices = TypeVar("Matrices", Tensor, npt.NDArray[Any])


def as_inputs(result: Tensor, *inputs: Any) -> Any:
    """Return ``result`` as a NumPy array, unless one of ``inputs`` is a tensor."""
    if any(isinstance(value, Tensor) for value in inputs):
        return result
    return result.numpy() if result.ndim else result.numpy()[()]
