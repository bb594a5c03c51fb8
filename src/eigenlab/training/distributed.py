"""The processes that ``torchrun`` started, and the messages they exchange.

A program wraps its work in :func:`start`; the code that trains stays as it is::

    with distributed.start():
        ...                       # whatever calls train(...)

    torchrun --nproc-per-node=2 -m eigenlab ...
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
        backend: backend of ``torch.distributed``. Default: ``None``, gloo for CPU tensors and,
            where CUDA is present, nccl for CUDA tensors.

    Raises:
        InputError: the environment is not the one that ``torchrun`` sets.
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
        dist.barrier()  # a process that leaves early would take the connections of the others along
    finally:
        dist.destroy_process_group()


@dataclass(frozen=True)
class Group:
    """The processes that train together. ``Group()`` is a single process.

    Args:
        rank: number of this process. Default: ``0``.
        size: number of processes. Default: ``1``.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, reports and writes checkpoints."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until every process has come here."""
        if self.size > 1:
            dist.barrier()

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
    """Return the group that :func:`start` joined, or a group of one process."""
    if dist.is_available() and dist.is_initialized():
        return Group(dist.get_rank(), dist.get_world_size())
    return Group()
