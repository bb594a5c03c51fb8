"""What to say when memory runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from eigenlab.training import Batch

#: What allocators say on a CPU, where the error is a plain RuntimeError.
_MESSAGES = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out.

    Args:
        error: what was raised.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    True
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        message in str(error) for message in _MESSAGES
    )


def fitting_size(loss: Callable[[Batch], Tensor], batch: Batch, size: int) -> int:
    """The largest of ``size / 2``, ``size / 4``, ... samples whose gradient fits into memory.

    Args:
        loss: of a batch; gradients are computed and left.
        batch: at least ``size`` samples.
        size: what did not fit.

    Returns:
        At least 1, which is not tried.
    """
    while size > 1:
        size //= 2
        try:
            loss(tuple(tensor[:size] for tensor in batch)).backward()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return 1
