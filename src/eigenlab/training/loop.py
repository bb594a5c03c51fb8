"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from eigenlab.errors import Cancelled, InputError
from eigenlab.files import dump_json, load_json
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import checkpoint as checkpoints
from eigenlab.training import distributed
from eigenlab.training.batches import Batch, Batches, local_batch
from eigenlab.training.history import Stopped, TrainingDiverged, TrainingHistory
from eigenlab.training.interrupt import DeferredInterrupt
from eigenlab.training.plan import Mode, Plan
from eigenlab.training.schedules import Schedule
from eigenlab.training.seeding import derive_seed

M = TypeVar("M", bound=nn.Module)
Objective = Callable[[M, Batch], Tensor]
Evaluate = Callable[[M], Mapping[str, float]]


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
) -> TrainingHistory:
    """Minimise ``objective(model, batch)`` over ``steps`` updates; the model is changed in place.

    Args:
        model: any module that holds every trained parameter; in training mode while it trains.
        objective: returns the scalar mean of a loss over the samples of the batch.
        batches: ``batches(step)`` returns the batch of the 0-based step, always the same one for
            the same step; see :class:`minibatches` and :class:`generated`. Tensors must be where
            the model is.
        optimizer: over parameters of ``model``; its learning rates are put back at the end.
        schedule: ``schedule(step)`` multiplies the learning rates, e.g. :func:`cosine`.
        clip_norm: scale the gradient down to this Euclidean norm over all parameters.
        evaluate: ``evaluate(model) -> {metric: number}``, called in evaluation mode without
            gradients every ``evaluate_every`` steps and after the last one. Default: once an
            epoch where batches have ``steps_per_epoch``, else ten times.
        monitor: the evaluated metric that decides which weights are best. With it, the model has
            the weights of the best evaluation when training ends; without, the last ones.
        mode: ``"min"`` or ``"max"``, what is better for ``monitor``.
        patience: stop after this many evaluations in a row without a better one.
        target: stop at the first evaluation that is at least this good.
        log_every: steps between losses kept and streamed (also the first and the last step).
            Default: about 100 values.
        reporter: receives progress and the metrics ``loss``, ``learning_rate``,
            ``gradient_norm`` (before clipping) and those evaluated; may cancel.
        checkpoint: path prefix of a JSON and a safetensors file, written atomically every
            ``checkpoint_every`` steps (default: ten times), on Ctrl-C or cancellation, at the end.
        resume: continue from ``checkpoint`` if it exists. On a CPU the result is bit for bit that
            of an uninterrupted training, dropout included; a finished one returns at once.

    Under :func:`distributed.start` every process works on its part of each batch; rank 0
    evaluates, reports and writes. Buffers, such as batch-norm statistics, are those of rank 0.

    Raises:
        InputError: an argument is wrong, or the checkpoint is of another model, optimizer or plan.
        TrainingDiverged: the loss is not finite. On a CPU each loss is looked at, and the model
            is left as it was before the offending update; elsewhere the logged ones are, to keep
            the device busy. A checkpoint never holds a non-finite parameter.
        Cancelled, KeyboardInterrupt: after the current update and a checkpoint.

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
    plan = Plan.checked(
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
    )
    training = _Training(
        model,
        objective,
        batches,
        optimizer=optimizer,
        plan=plan,
        evaluate=evaluate,
        reporter=reporter,
        checkpoint=checkpoint,
    )
    with training, DeferredInterrupt() as interrupt:
        training.begin(resume)
        while training.progress.stopped is None:
            training.advance(interrupt)
    return training.history()


class _Training:
    """The state of one call of :func:`train`."""

    def __init__(
        self,
        model: nn.Module,
        objective: Callable[..., Tensor],
        batches: Batches,
        *,
        optimizer: torch.optim.Optimizer,
        plan: Plan,
        evaluate: Callable[..., Mapping[str, float]] | None,
        reporter: Reporter,
        checkpoint: Path | None,
    ) -> None:
        self.model, self.objective, self.batches = model, objective, batches
        self.optimizer, self.plan, self.evaluate_model = optimizer, plan, evaluate
        self.parameters = [p for g in optimizer.param_groups for p in g["params"]]
        known = {id(parameter) for parameter in model.parameters()}
        if not all(id(parameter) in known for parameter in self.parameters):
            raise InputError(
                "optimizer holds parameters that model does not; pass one module that holds "
                "everything that is trained, and give the optimizer its parameters"
            )
        self.group = distributed.current()
        self.asked = reporter
        self.reporter = reporter if self.group.leads else SILENT
        self.file = checkpoints.CheckpointFile(Path(checkpoint)) if checkpoint else None
        self.device = self.parameters[0].device
        self.looks_at_each_loss = _is_read_at_once(self.device)
        self.progress = checkpoints.Progress()
        self.best: dict[str, Tensor] | None = None
        self.norm: Tensor | None = None

    def __enter__(self) -> None:
        self.was_training = self.model.training
        self.model.train()
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.begun = time.perf_counter()

    def __exit__(self, kind: object, *_: object) -> None:
        self.model.train(self.was_training)
        self._put_rates_back()
        if kind is None and self.group.size > 1:
            # What follows may draw from the global generators and must be the same everywhere.
            state = _random_state(self.device)
            self.group.broadcast([state])
            _set_random_state(state, self.device)

    def _put_rates_back(self) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate

    # ---------------------------------------------------------------- checkpoints

    def begin(self, resume: bool) -> None:
        """Start as rank 0 does: from its parameters, or from the checkpoint that it finds."""
        self.group.broadcast_model(self.model)
        if self.group.rank > 0:  # dropout must not drop alike in every process
            torch.manual_seed(derive_seed(torch.initial_seed(), "rank", self.group.rank))
        # Only rank 0 may have been given a folder; all must agree on what happens.
        self.keeps = self.group.broadcast_bytes(b"x" if self.file else b"") == b"x"
        self.signature = checkpoints.signature(
            self.model, self.optimizer, self.plan.signature(self.batches)
        )
        found = self.file.read() if self.file and resume and self.group.leads else None
        raw = [self.group.broadcast_bytes(part) for part in found or (b"", b"")]
        if raw[0]:
            source = self.file.json if self.file else Path("checkpoint")
            record, tensors = checkpoints.decode(source, (raw[0], raw[1]), self.signature)
            self.progress, self.best, states = checkpoints.restore(
                record, tensors, self.model, self.optimizer
            )
            _set_random_state(states[self.group.rank % len(states)], self.device)
            self.reporter.message(f"resumed after step {self.progress.step} of {self.plan.steps}")
        self.before = self.progress.seconds

    def save(self) -> None:
        """Write a checkpoint, unless something in it is not finite."""
        if not self.keeps:
            return
        states = self.group.gather(_random_state(self.device))
        if self.file is None or not self.group.leads:
            return
        if not all(bool(p.isfinite().all()) for p in self.parameters):
            raise self._diverged("a parameter", self.progress.step)
        self._read_clock()
        record, tensors = checkpoints.capture(
            self.model, self.optimizer, self.progress, self.best, states
        )
        self.file.write({"signature": self.signature, **record}, tensors)

    # ---------------------------------------------------------------- one step

    def advance(self, interrupt: DeferredInterrupt) -> None:
        """Do one update and whatever is due after it."""
        plan, progress = self.plan, self.progress
        stop = interrupt.requested or self.asked.cancelled
        loss, stops = self.update(progress.step, stop)
        progress.step += 1
        last = progress.step == plan.steps
        if progress.step % plan.log_every == 0 or last or progress.step == 1:
            self.log(loss)
        stopped = None
        if plan.evaluate_every and (progress.step % plan.evaluate_every == 0 or last):
            stopped = self._compare(self.evaluate())
        if stopped or last:
            self.finish(stopped or "steps")
        if self._agrees_to_stop(stops, interrupt):
            self.save()
            if interrupt.requested:
                raise KeyboardInterrupt
            kept = f"; resume from {self.file.json}" if self.file else ""
            raise Cancelled(f"stopped on request after step {progress.step} of {plan.steps}{kept}")
        if progress.stopped or progress.step % plan.checkpoint_every == 0:
            self.save()

    def update(self, step: int, stop: bool) -> tuple[Tensor, Tensor | None]:
        """Change the parameters once; return the loss before it and, in a group, stop requests."""
        if self.plan.schedule is not None:
            factor = self.plan.schedule(step)
            for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * factor
        batch = local_batch(self.batches, step, self.group.rank, self.group.size)
        for parameter in self.parameters:
            parameter.grad = None
        loss, stops = None, None
        if self.group.size == 1 or len(batch[0]):
            loss = self.objective(self.model, batch)
            if step == 0:
                _check_loss(loss)
            loss.backward()
        if self.group.size > 1:
            count = len(batch[0])
            loss, stops = self.group.average_gradients(self.parameters, loss, count, stop)
        assert loss is not None
        if self.looks_at_each_loss and not math.isfinite(loss.item()):
            raise self._diverged(f"the loss ({loss.item()})", step + 1)
        if self.plan.clip_norm is not None:
            self.norm = nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm)
            if self.looks_at_each_loss and not math.isfinite(self.norm.item()):
                raise self._diverged(f"the gradient's norm ({self.norm.item()})", step + 1)
        self.optimizer.step()
        return loss, stops

    def log(self, loss: Tensor) -> None:
        value = loss.item()
        step = self.progress.step
        if not math.isfinite(value):
            raise self._diverged(f"the loss ({value})", step)
        self.progress.losses.append((step, value))
        metrics = {"loss": value, "learning_rate": float(self.optimizer.param_groups[0]["lr"])}
        if self.norm is not None:
            metrics["gradient_norm"] = self.norm.item()
        self.reporter.metrics(metrics, step=step)
        self.reporter.progress(step, self.plan.steps, f"loss {value:.4g}")

    def evaluate(self) -> dict[str, float]:
        """Measure on rank 0 and tell everyone."""
        payload = b""
        if self.group.leads:
            assert self.evaluate_model is not None
            self.model.eval()
            with torch.no_grad():
                measured = self.evaluate_model(self.model)
            self.model.train()
            payload = dump_json({k: _number(v) for k, v in measured.items()}).encode()
        values: dict[str, float] = load_json(self.group.broadcast_bytes(payload).decode())
        if "loss" in values:
            raise InputError(
                "evaluate returned 'loss', the name of the training loss; "
                "call it by what it is measured on, such as 'validation_loss'"
            )
        self.progress.evaluations.append((self.progress.step, values))
        self.reporter.metrics(values, step=self.progress.step)
        return values

    def _compare(self, values: Mapping[str, float]) -> Stopped | None:
        """Keep the weights if they are the best so far; say why to stop, if there is a reason."""
        plan, progress = self.plan, self.progress
        if plan.monitor is None:
            return None
        if plan.monitor not in values:
            raise InputError(
                f"monitor='{plan.monitor}' is not among the evaluated {', '.join(values)}"
            )
        value = values[plan.monitor]
        if plan.better(value, progress.best_value):
            progress.best_step, progress.best_value = progress.step, value
            progress.since_best = 0
            self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        else:
            progress.since_best += 1
        if plan.reached(value):
            return "target"
        tired = plan.patience is not None and progress.since_best >= plan.patience
        return "patience" if tired else None

    def _read_clock(self) -> None:
        if self.progress.stopped is None:
            self.progress.seconds = self.before + time.perf_counter() - self.begun

    def finish(self, stopped: Stopped) -> None:
        """Leave the best weights in the model, the same in every process."""
        self._read_clock()
        self.progress.stopped = stopped
        if self.best is not None:
            self.model.load_state_dict(self.best)
            self.best = None
        if self.group.size > 1:
            self.group.broadcast_model(self.model)

    def _agrees_to_stop(self, stops: Tensor | None, interrupt: DeferredInterrupt) -> bool:
        if stops is None:
            return interrupt.requested or self.asked.cancelled
        # In a group all processes must stop after the same update: the requests were summed with
        # the gradients. Off the CPU they are read with the losses, every log_every steps.
        due = self.looks_at_each_loss or self.progress.step % self.plan.log_every == 0
        return due and stops.item() > 0

    def _diverged(self, what: str, step: int) -> TrainingDiverged:
        good = self.progress.losses[-1] if self.progress.losses else None
        seen = f"; the last finite loss kept is {good[1]:.4g} at step {good[0]}" if good else ""
        return TrainingDiverged(
            f"training diverged: {what} is not finite at step {step}{seen}; "
            "lower the learning rate, set clip_norm, or look for NaN in the data"
        )

    def history(self) -> TrainingHistory:
        progress = self.progress
        assert progress.stopped is not None
        return TrainingHistory(
            losses=tuple(progress.losses),
            evaluations=tuple(progress.evaluations),
            best_step=progress.best_step,
            best_value=progress.best_value,
            stopped=progress.stopped,
            steps=progress.step,
            seconds=progress.seconds,
        )


def _check_loss(loss: Tensor) -> None:
    if not isinstance(loss, Tensor) or loss.dim() != 0 or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError(
            f"objective must return a scalar tensor that depends on the model's parameters; "
            f"got {got}; take the mean over the samples and do not detach it"
        )


def _is_read_at_once(device: torch.device) -> bool:
    """Whether reading a number costs nothing; elsewhere it makes the host wait for the device."""
    return device.type == "cpu"


def _number(value: float | Tensor) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _random_state(device: torch.device) -> Tensor:
    """State of torch's global generators that a model on ``device`` draws from, as bytes."""
    state = torch.get_rng_state()
    if device.type == "cuda":
        return torch.cat([state, torch.cuda.get_rng_state(device)])
    if device.type == "mps":
        return torch.cat([state, torch.mps.get_rng_state()])
    return state


def _set_random_state(state: Tensor, device: torch.device) -> None:
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size].clone())
    rest = state[size:].clone()
    if device.type == "cuda" and len(rest):
        torch.cuda.set_rng_state(rest, device)
    if device.type == "mps" and len(rest):
        torch.mps.set_rng_state(rest)
