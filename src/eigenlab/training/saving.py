"""When checkpoints are read and written, agreed between all processes of a group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from eigenlab.training import checkpoint
from eigenlab.training.distributed import Group
from eigenlab.training.progress import Progress
from eigenlab.training.random_state import get_random_state, set_random_state


class Checkpoints:
    """The checkpoints of one training; every process calls each method, rank 0 reads and writes.

    Args:
        path: prefix of the two files, or None for a training without checkpoints. Only that of
            rank 0 counts.
        model: the module that is trained.
        optimizer: over parameters of ``model``, with the learning rates that training starts from.
        plan: returns what two trainings must share for one to continue the other. It may read all
            data, so it is called only where there are checkpoints.
        group: the processes that train together.
    """

    def __init__(
        self,
        path: Path | None,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        plan: Callable[[], dict[str, Any]],
        group: Group,
    ) -> None:
        self.model, self.optimizer, self.group = model, optimizer, group
        self.parameters = [p for each in optimizer.param_groups for p in each["params"]]
        self.device = self.parameters[0].device
        self.file = checkpoint.CheckpointFile(Path(path)) if path else None
        self.enabled = group.broadcast_bytes(b"x" if self.file else b"") == b"x"
        self.signature = checkpoint.signature(model, optimizer, plan()) if self.enabled else {}

    def load(self) -> Progress | None:
        """Put back what is stored and return its progress; None where nothing is stored."""
        found = self.file.read() if self.file and self.group.leads else None
        raw = [self.group.broadcast_bytes(part) for part in found or (b"", b"")]
        if not raw[0]:
            return None
        source = self.file.json if self.file else Path("checkpoint")
        record, tensors = checkpoint.decode(source, (raw[0], raw[1]), self.signature)
        progress, states = checkpoint.restore(record, tensors, self.model, self.optimizer)
        set_random_state(states[self.group.rank % len(states)], self.device)
        return progress

    def save(self, progress: Progress) -> None:
        """Write a checkpoint.

        Raises:
            TrainingDiverged: a parameter is not finite; the stored checkpoint stays.
        """
        if not self.enabled:
            return
        states = self.group.gather(get_random_state(self.device))
        if self.file is None or not self.group.leads:
            return
        if not all(bool(parameter.isfinite().all()) for parameter in self.parameters):
            raise progress.diverged("a parameter", progress.step)
        record, tensors = checkpoint.capture(self.model, self.optimizer, progress, states)
        self.file.write({"signature": self.signature, **record}, tensors)
