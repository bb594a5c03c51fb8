"""The training loop: update, log, evaluate, stop early, save."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from eigenlab.errors import Cancelled, InputError
from eigenlab.files import dump_json, load_json
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import distributed
from eigenlab.training.batches import Batch, Batches
from eigenlab.training.data_parallel import synchronized
from eigenlab.training.early_stopping import track_best
from eigenlab.training.history import TrainingHistory
from eigenlab.training.interrupt import DeferredInterrupt
from eigenlab.training.plan import Mode, Plan
from eigenlab.training.progress import Progress
from eigenlab.training.saving import Checkpoints
from eigenlab.training.schedules import Schedule
from eigenlab.training.update import Update

M = TypeVar("M", bound=nn.Module)
Objective = Callable[[M, Batch], Tensor]
Evaluate = Callable[[M], Mapping[str, float]]


def n_samples(batch: Batch) -> int:
    """The number of samples of a batch."""
    return len(batch[0])


def train(
    model: M,
    objective: Objective[M],
    batches: Batches,
    *,
    optimizer: torch.optim.Optimizer,
    steps: int,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    evaluate: Evaluate[M] | None = None,
    evaluate_every: int | None = None,
    monitor: str | None = None,
    mode: Mode = "min",
    patience: int | None = None,
    target: float | None = None,
    log_every: int | None = None,
    reporter: Reporter = SILENT,
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    count: Callable[[Batch], float] = n_samples,
    micro_batch_size: int | None = None,
    before_update: Callable[[int], None] | None = None,
) -> TrainingHistory:
    """Minimise ``objective(model, batch)`` over ``steps`` updates; the model is changed in place.

    Args:
        model: any module that holds every trained parameter; in training mode while it trains.
        objective: ``objective(model, batch)`` returns the scalar mean of a loss over the samples
            of the batch, or over what ``count`` counts.
        batches: ``batches(step)`` returns the batch of the 0-based step, always the same one for
            the same step; see :class:`minibatches` and :class:`generated`. Tensors must be on the
            device of the model.
        optimizer: over parameters of ``model``; its learning rates are restored at the end.
        steps: number of updates.
        schedule: ``schedule(step)`` returns a factor of the learning rates at the 0-based update,
            as :func:`cosine` does, or a list with one for each group of parameters.
            Default: ``None``, constant.
        clip_norm: largest Euclidean norm of the gradient over all parameters; longer gradients are
            scaled down to it. Default: ``None``, no clipping.
        evaluate: ``evaluate(model)`` returns a mapping from metric names to numbers; called in
            evaluation mode without gradients. Default: ``None``, no evaluation.
        evaluate_every: updates between evaluations; there is also one after the last update.
            Default: ``None``, once per epoch where batches have ``steps_per_epoch``, else ten
            times.
        monitor: the evaluated metric that decides which weights are best. With it, the model has
            the weights of the best evaluation when training ends. Default: ``None``, the model
            has the last weights.
        mode: ``"min"`` or ``"max"``, whether small or large values of ``monitor`` are better.
            Default: ``"min"``.
        patience: stop after this many evaluations in a row without a better one.
            Default: ``None``, never.
        target: stop at the first evaluation whose ``monitor`` is at least this good.
            Default: ``None``, never.
        log_every: updates between losses that are kept and reported, besides the first and the
            last one. Default: ``None``, about 100 losses.
        reporter: receives progress and the metrics ``loss``, ``learning_rate``,
            ``gradient_norm`` (before clipping) and those evaluated; may cancel.
            Default: ``SILENT``.
        checkpoint: path prefix of a JSON and a safetensors file, written atomically every
            ``checkpoint_every`` updates, on Ctrl-C or cancellation, and at the end.
            Default: ``None``, no checkpoints.
        checkpoint_every: updates between checkpoints. Default: ``None``, ten times.
        resume: continue from ``checkpoint`` if it exists. On a CPU the result is bit for bit that
            of an uninterrupted training, dropout included; a finished one returns at once.
            Default: ``True``.
        count: ``count(batch)`` returns the number of terms of the mean that ``objective`` takes,
            by which the processes of a group weigh their parts of a batch. Default: the number of
            samples; give it where the mean is over something else, such as tokens.
        micro_batch_size: samples that pass through the model together; the gradient is then
            accumulated over the parts of a batch, so that large batches need little memory. It is
            the same up to rounding unless samples affect each other, as in batch norm. Default:
            ``None``, the batch.
        before_update: ``before_update(step)`` is called before the 0-based update, to change the
            model as a function of the step; what it changes must be in the model's parameters
            and buffers, or depend on the step alone. Default: ``None``.

    Returns:
        Losses and evaluations, and why training stopped.

    Raises:
        InputError: an argument is invalid, or the checkpoint is of another model, optimizer or
            settings.
        TrainingDiverged: the loss is not finite. On a CPU each loss is checked, and the model is
            left as it was before that update; on other devices the logged losses are checked, to
            keep the device busy. A checkpoint never holds a parameter that is not finite.
        Cancelled: the reporter was cancelled; raised after the current update and a checkpoint.
        KeyboardInterrupt: Ctrl-C; raised after the current update and a checkpoint.

    Under :func:`distributed.start` every process works on its part of each batch; rank 0
    evaluates, reports and writes. Buffers, such as batch-norm statistics, are those of rank 0.

    >>> model = nn.Linear(1, 1)
    >>> x = torch.linspace(-1, 1, 64).unsqueeze(1)
    >>> history = train(
    ...     model,
    ...     lambda model, batch: nn.functional.mse_loss(model(batch[0]), 2 * batch[0]),
    ...     lambda step: (x,),
    ...     optimizer=torch.optim.SGD(model.parameters(), lr=0.5),
    ...     steps=100,
    ... )
    >>> round(model.weight.item(), 3), history.stopped
    (2.0, 'steps')
    """
    plan = Plan.from_arguments(
        batches,
        steps=steps,
        evaluates=evaluate is not None,
        log_every=log_every,
        checkpoint_every=checkpoint_every,
        evaluate_every=evaluate_every,
        schedule=schedule,
        clip_norm=clip_norm,
        monitor=monitor,
        mode=mode,
        patience=patience,
        target=target,
        micro_batch_size=micro_batch_size,
    )
    group = distributed.current()
    leader = reporter if group.leads else SILENT
    update = Update(
        model, objective, batches, optimizer=optimizer, plan=plan, group=group, count=count
    )
    with (
        _restored(model, optimizer),
        synchronized(group, model, update.device),
        DeferredInterrupt() as interrupt,
    ):
        saved = Checkpoints(checkpoint, model, optimizer, lambda: plan.signature(batches), group)
        progress = (saved.load() if resume else None) or Progress()
        if progress.step:
            leader.message(f"resumed after step {progress.step} of {steps}")
        started = time.perf_counter() - progress.seconds
        while progress.stopped is None:
            if before_update is not None:
                before_update(progress.step)
            loss, stops = update(progress, stop=interrupt.requested or reporter.cancelled)
            progress.step += 1
            if plan.is_logged(progress.step):
                _log(progress, loss, update, leader)
            if plan.is_evaluated(progress.step):
                assert evaluate is not None
                values = _evaluate(model, evaluate, progress, group, leader)
                progress.stopped = track_best(plan, progress, model, values)
            if progress.step == steps and progress.stopped is None:
                progress.stopped = "steps"
            if progress.stopped is not None:
                _load_best(model, progress, group)
            progress.seconds = time.perf_counter() - started
            stopping = _stops_on_request(stops, update, progress, interrupt, reporter)
            if stopping or progress.stopped or plan.is_saved(progress.step):
                saved.save(progress)
            if stopping:
                raise _interruption(interrupt, progress, plan, saved)
    return progress.history()


@contextlib.contextmanager
def _restored(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Set training mode; at the end restore the model's mode and the learning rates."""
    mode, rates = model.training, [group["lr"] for group in optimizer.param_groups]
    model.train()
    try:
        yield
    finally:
        model.train(mode)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def _log(progress: Progress, loss: Tensor, update: Update, reporter: Reporter) -> None:
    """Keep and report the loss of the last update."""
    value = loss.item()
    if not math.isfinite(value):
        raise progress.diverged(f"the loss ({value})", progress.step)
    progress.losses.append((progress.step, value))
    rate = float(update.optimizer.param_groups[0]["lr"])
    metrics = {"loss": value, "learning_rate": rate}
    if update.gradient_norm is not None:
        metrics["gradient_norm"] = update.gradient_norm.item()
    reporter.metrics(metrics, step=progress.step)
    reporter.progress(progress.step, update.plan.steps, f"loss {value:.4g}")


def _evaluate(
    model: M,
    evaluate: Evaluate[M],
    progress: Progress,
    group: distributed.Group,
    reporter: Reporter,
) -> dict[str, float]:
    """Evaluate on rank 0 and send the numbers to every process."""
    payload = b""
    if group.leads:
        model.eval()
        with torch.no_grad():
            measured = evaluate(model)
        model.train()
        payload = dump_json({name: _number(value) for name, value in measured.items()}).encode()
    values: dict[str, float] = load_json(group.broadcast_bytes(payload).decode())
    if "loss" in values:
        raise InputError(
            "evaluate returned 'loss', the name of the training loss; "
            "call it by what it is measured on, such as 'validation_loss'"
        )
    progress.evaluations.append((progress.step, values))
    reporter.metrics(values, step=progress.step)
    return values


def _number(value: float | Tensor) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _load_best(model: nn.Module, progress: Progress, group: distributed.Group) -> None:
    """Load the best weights into the model, if any were kept, in every process."""
    if progress.best_weights is not None:
        model.load_state_dict(progress.best_weights)
        progress.best_weights = None
    if group.size > 1:
        group.broadcast_model(model)


def _stops_on_request(
    stops: Tensor | None,
    update: Update,
    progress: Progress,
    interrupt: DeferredInterrupt,
    reporter: Reporter,
) -> bool:
    """Whether to stop after this update because somebody asked; the same in every process."""
    if stops is None:
        return interrupt.requested or reporter.cancelled
    # In a group all processes must stop after the same update: the requests were summed with
    # the gradients. Off the CPU they are read with the losses, every log_every steps.
    due = update.reads_at_once or progress.step % update.plan.log_every == 0
    return due and stops.item() > 0


def _interruption(
    interrupt: DeferredInterrupt, progress: Progress, plan: Plan, saved: Checkpoints
) -> BaseException:
    if interrupt.requested:
        return KeyboardInterrupt()
    kept = f"; resume from {saved.file.json}" if saved.file else ""
    return Cancelled(f"stopped on request after step {progress.step} of {plan.steps}{kept}")
