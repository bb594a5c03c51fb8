"""Data parallelism: every process works on its part of a batch, and all make the same update.

``DistributedDataParallel`` does not fit: it averages inside ``forward`` only, while an objective
here may call any method of the model; and it gives every process the same weight, which is wrong
when a batch splits unevenly. Here one flattened all-reduce per update sums the gradients weighted
by how many terms each local mean has, so the result is the gradient of the mean over the whole
batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

from eigenlab.training.distributed import Group
from eigenlab.training.random_state import get_random_state, set_random_state
from eigenlab.training.seeding import derive_seed


@contextlib.contextmanager
def synchronized(group: Group, model: nn.Module, device: torch.device) -> Iterator[None]:
    """Start every process with the model of rank 0, and end with the random state of rank 0.

    In between each process draws its own random numbers, since dropout must not drop the same
    units everywhere; what follows a training must be the same everywhere again.

    Args:
        group: the processes that train together; one process alone is left as it is.
        model: parameters and buffers of the other ranks are overwritten.
        device: device of the model.
    """
    group.broadcast_model(model)
    if group.rank > 0:
        torch.manual_seed(derive_seed(torch.initial_seed(), "rank", group.rank))
    yield
    if group.size > 1:
        state = get_random_state(device)
        group.broadcast([state])
        set_random_state(state, device)


def average_gradients(
    parameters: Sequence[Tensor], loss: Tensor | None, count: float, stop: bool
) -> tuple[Tensor, Tensor]:
    """Replace gradients by those of the mean over all processes' terms.

    Args:
        parameters: the model's parameters, in the same order everywhere; ``grad`` may be None.
        loss: scalar mean over this process's samples; None when it has none.
        count: number of terms of that mean, such as samples or tokens.
        stop: whether this process was asked to stop.

    Returns:
        The loss of the whole batch, and how many processes were asked to stop; both are tensors
        without dimensions.
    """
    dtype = torch.float32  # holds counts exactly up to 2^24
    for parameter in parameters:
        dtype = torch.promote_types(dtype, parameter.dtype)
    grads = [p.grad for p in parameters]
    total = torch.zeros((), device=parameters[0].device) if loss is None else loss.detach()
    tail = [float(grad is not None) for grad in grads] + [float(count), float(stop)]
    buffer = torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).reshape(-1).to(dtype) * count
            for p, g in zip(parameters, grads, strict=True)
        ]
        + [
            (total * count).reshape(1).to(dtype),
            torch.tensor(tail, dtype=dtype, device=total.device),
        ]
    )
    dist.all_reduce(buffer)
    terms, stops = buffer[-2], buffer[-1]
    flags = buffer[-2 - len(grads) : -2]
    buffer[: -2 - len(grads)] /= terms
    position = 0
    for index, (parameter, grad) in enumerate(zip(parameters, grads, strict=True)):
        mean = buffer[position : position + parameter.numel()]
        position += parameter.numel()
        # A parameter that no process used keeps None, as in one process: an optimizer skips
        # it, where a zero gradient would still apply momentum and weight decay.
        if grad is not None or flags[index] > 0:
            # In the parameter's own memory layout, which a fused optimizer takes for granted.
            parameter.grad = torch.empty_like(parameter).copy_(mean.view_as(parameter))
    return buffer[position], stops
