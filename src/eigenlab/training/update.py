"""One update of the parameters, by this process alone or by all of a group."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.training.batches import Batch, Batches, local_batch
from eigenlab.training.data_parallel import average_gradients
from eigenlab.training.distributed import Group
from eigenlab.training.plan import Plan
from eigenlab.training.progress import Progress


class Update:
    """Scheduled learning rate, gradient, checks, clipping and one step of the optimizer.

    Args:
        model: the module that is trained.
        objective: ``objective(model, batch)`` returns a scalar tensor.
        batches: ``batches(step)`` returns the batch of the 0-based step.
        optimizer: over parameters of ``model``.
        plan: schedule and clipping are used.
        group: the processes that train together.
        count: ``count(batch)`` is the number of terms of the loss's mean.

    Attributes:
        parameters: all parameters of the optimizer.
        device: device of the first one.
        reads_at_once: whether reading a number from the device costs nothing.
        gradient_norm: norm before the last clipping, or None without clipping.

    Raises:
        InputError: the optimizer holds a parameter that is not the model's.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Callable[..., Tensor],
        batches: Batches,
        *,
        optimizer: torch.optim.Optimizer,
        plan: Plan,
        group: Group,
        count: Callable[[Batch], float],
    ) -> None:
        self.model, self.objective, self.batches = model, objective, batches
        self.optimizer, self.plan, self.group, self.count = optimizer, plan, group, count
        self._checked = False
        self.parameters = _trained_parameters(model, optimizer)
        self.device = self.parameters[0].device
        self.reads_at_once = _reads_at_once(self.device)
        self.gradient_norm: Tensor | None = None
        self._rates = [group["lr"] for group in optimizer.param_groups]

    def __call__(self, progress: Progress, stop: bool) -> tuple[Tensor, Tensor | None]:
        """Change the parameters once.

        Args:
            progress: ``progress.step`` updates are done.
            stop: whether this process was asked to stop.

        Returns:
            The loss of the whole batch before the update and, in a group, how many processes were
            asked to stop (a tensor without dimensions).

        Raises:
            TrainingDiverged: the loss or the gradient is not finite, on a device where looking
                costs nothing. The model is left as it was.
        """
        self._set_rates(progress.step)
        loss, stops = self._set_gradients(progress.step, stop)
        if self.reads_at_once and not math.isfinite(loss.item()):
            raise progress.diverged(f"the loss ({loss.item()})", progress.step + 1)
        if self.plan.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm)
            if self.reads_at_once and not math.isfinite(norm.item()):
                raise progress.diverged(f"the gradient's norm ({norm.item()})", progress.step + 1)
            self.gradient_norm = norm
        self.optimizer.step()
        return loss, stops

    def _set_rates(self, step: int) -> None:
        if self.plan.schedule is None:
            return
        found = self.plan.schedule(step)
        groups = self.optimizer.param_groups
        factors = found if isinstance(found, Sequence) else [found] * len(groups)
        if len(factors) != len(groups):
            raise InputError(
                f"schedule({step}) returned {len(factors)} factors for {len(groups)} groups of "
                "parameters; return one for each, or a number"
            )
        for group, rate, factor in zip(groups, self._rates, factors, strict=True):
            group["lr"] = rate * factor

    def _set_gradients(self, step: int, stop: bool) -> tuple[Tensor, Tensor | None]:
        batch = local_batch(self.batches, step, self.group.rank, self.group.size)
        for parameter in self.parameters:
            parameter.grad = None
        loss = None
        if self.group.size == 1 or len(batch[0]):
            loss = self._backward(batch)
        if self.group.size > 1:
            return average_gradients(self.parameters, loss, self.count(batch), stop)
        assert loss is not None
        return loss, None

    def _backward(self, batch: Batch) -> Tensor:
        """Set the gradients of the mean loss over a batch, which may pass in parts."""
        size = self.plan.micro_batch_size or len(batch[0])
        if size >= len(batch[0]):
            loss = self._loss(batch)
            loss.backward()
            return loss
        parts = list(zip(*(tensor.split(size) for tensor in batch), strict=True))
        counts = [self.count(part) for part in parts]
        total = torch.zeros((), device=self.device)
        for part, count in zip(parts, counts, strict=True):
            share = self._loss(part) * (count / sum(counts))
            share.backward()
            total += share.detach()
        return total

    def _loss(self, batch: Batch) -> Tensor:
        loss = self.objective(self.model, batch)
        if not self._checked:
            _check_loss(loss)
            self._checked = True
        return loss


def _trained_parameters(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    known = {id(parameter) for parameter in model.parameters()}
    if not all(id(parameter) in known for parameter in parameters):
        raise InputError(
            "optimizer holds parameters that model does not; pass one module that holds "
            "everything that is trained, and give the optimizer its parameters"
        )
    return parameters


def _check_loss(loss: object) -> None:
    if not isinstance(loss, Tensor) or loss.dim() != 0 or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError(
            f"objective must return a scalar tensor that depends on the model's parameters; "
            f"got {got}; take the mean over the samples and do not detach it"
        )


def _reads_at_once(device: torch.device) -> bool:
    """Whether reading a number costs nothing; on a GPU it makes the host wait for the device."""
    return device.type == "cpu"
