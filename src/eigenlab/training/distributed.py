"""Data parallelism over the processes of ``torchrun``, for any model and objective.

A face wraps its work in :func:`start`; systems change nothing::

    with distributed.start():
        ...                       # whatever calls train(...)

    torchrun --nproc-per-node=2 -m eigenlab ...

Why not ``DistributedDataParallel``: it averages inside ``forward`` only, while an objective here
may call any method of the model; and it weighs every process alike, which is wrong when the last
batch of an epoch splits unevenly. Here one flattened all-reduce per update carries the gradients
weighted by local sample counts, so the result is the gradient of the mean over the global batch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from eigenlab.errors import InputError


@contextlib.contextmanager
def start(backend: str | None = None) -> Iterator[None]:
    """Join the processes that ``torchrun`` started; without them (WORLD_SIZE <= 1) do nothing.

    Args:
        backend: of ``torch.distributed``; by default gloo for CPU tensors and, where CUDA is
            present, nccl for CUDA tensors.
    """
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdigit():
        raise InputError(f"WORLD_SIZE='{size}' is not a number; start with torchrun")
    if int(size) <= 1 or dist.is_initialized():
        yield
        return
    missing = [k for k in ("RANK", "MASTER_ADDR", "MASTER_PORT") if k not in os.environ]
    if missing:
        raise InputError(
            f"WORLD_SIZE={size} but {', '.join(missing)} is not set; start with torchrun"
        )
    if torch.cuda.is_available() and "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    dist.init_process_group(
        backend or ("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


@dataclass(frozen=True)
class Group:
    """The processes that train together. ``Group()`` is one process alone."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, reports and writes checkpoints."""
        return self.rank == 0

    def average_gradients(
        self, parameters: Sequence[Tensor], loss: Tensor | None, count: int, stop: bool
    ) -> tuple[Tensor, Tensor]:
        """Replace gradients by those of the mean over all processes' samples.

        Args:
            parameters: in the same order everywhere; ``grad`` may be None.
            loss: scalar mean over this process's ``count`` samples; None when it has none.
            stop: whether this process was asked to stop.

        Returns the loss of the whole batch and how many processes were asked to stop (0-d).
        """
        dtype = torch.float32  # holds counts exactly up to 2^24 samples
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
        samples, stops = buffer[-2], buffer[-1]
        flags = buffer[-2 - len(grads) : -2]
        buffer[: -2 - len(grads)] /= samples
        position = 0
        for index, (parameter, grad) in enumerate(zip(parameters, grads, strict=True)):
            mean = buffer[position : position + parameter.numel()]
            position += parameter.numel()
            # A parameter that no process used keeps None, as in one process: an optimizer skips
            # it, where a zero gradient would still apply momentum and weight decay.
            if grad is not None or flags[index] > 0:
                parameter.grad = mean.view_as(parameter).to(parameter.dtype)
        return buffer[position], stops

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite ``tensors`` with those of rank 0."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def broadcast_model(self, model: nn.Module) -> None:
        """Give every process the parameters and buffers of rank 0."""
        self.broadcast([*model.parameters(), *model.buffers()])

    def broadcast_bytes(self, payload: bytes) -> bytes:
        """Return rank 0's ``payload`` on every process."""
        if self.size == 1:
            return payload
        length = torch.tensor([len(payload)])
        dist.broadcast(length, src=0)
        data = torch.empty(int(length), dtype=torch.uint8)
        if self.leads and payload:
            data = torch.frombuffer(bytearray(payload), dtype=torch.uint8)
        if len(data):
            dist.broadcast(data, src=0)
        return data.numpy().tobytes()

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Return every process's ``tensor`` (same shape everywhere), in order of rank."""
        if self.size == 1:
            return [tensor]
        gathered = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(gathered, tensor)
        return gathered


def current() -> Group:
    """The group that :func:`start` joined, or one process alone."""
    if dist.is_available() and dist.is_initialized():
        return Group(dist.get_rank(), dist.get_world_size())
    return Group()
