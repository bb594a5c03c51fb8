"""The settings of a training, checked before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eigenlab.errors import InputError
from eigenlab.training.batches import Batches
from eigenlab.training.schedules import Schedule

Mode = Literal["min", "max"]


@dataclass(frozen=True)
class Plan:
    """The arguments of :func:`~eigenlab.training.train` that are numbers or names."""

    steps: int
    log_every: int
    checkpoint_every: int
    evaluate_every: int | None
    schedule: Schedule | None
    clip_norm: float | None
    monitor: str | None
    mode: Mode
    patience: int | None
    target: float | None
    micro_batch_size: int | None

    @classmethod
    def from_arguments(
        cls,
        batches: Batches,
        *,
        steps: int,
        evaluates: bool,
        log_every: int | None,
        checkpoint_every: int | None,
        evaluate_every: int | None,
        **rest: Any,
    ) -> Plan:
        """Fill in the defaults; raise one :class:`InputError` that lists every invalid setting."""
        counts = {
            "steps": steps,
            "log_every": log_every,
            "checkpoint_every": checkpoint_every,
            "evaluate_every": evaluate_every,
            "patience": rest["patience"],
            "micro_batch_size": rest["micro_batch_size"],
        }
        invalid = [
            f"{name}={value} must be at least 1"
            for name, value in counts.items()
            if value is not None and value < 1
        ]
        if rest["clip_norm"] is not None and not rest["clip_norm"] > 0:
            invalid.append(f"clip_norm={rest['clip_norm']} must be positive")
        if rest["mode"] not in ("min", "max"):
            invalid.append(f"mode='{rest['mode']}' must be 'min' or 'max'")
        if not evaluates and (evaluate_every is not None or rest["monitor"] is not None):
            invalid.append("evaluate_every and monitor need evaluate, a function of the model")
        if rest["monitor"] is None and (rest["patience"] is not None or rest["target"] is not None):
            invalid.append("patience and target need monitor, the name of an evaluated metric")
        if invalid:
            raise InputError("; ".join(invalid))
        if evaluates and evaluate_every is None:
            evaluate_every = getattr(batches, "steps_per_epoch", None) or _fraction(steps, 10)
        return cls(
            steps=steps,
            log_every=log_every or _fraction(steps, 100),
            checkpoint_every=checkpoint_every or _fraction(steps, 10),
            evaluate_every=evaluate_every,
            **rest,
        )

    def is_logged(self, step: int) -> bool:
        """Whether the loss of the 1-based ``step`` is kept and streamed."""
        return step % self.log_every == 0 or step in (1, self.steps)

    def is_evaluated(self, step: int) -> bool:
        """Whether the model is evaluated after the 1-based ``step``."""
        if self.evaluate_every is None:
            return False
        return step % self.evaluate_every == 0 or step == self.steps

    def is_saved(self, step: int) -> bool:
        """Whether a checkpoint is written after the 1-based ``step``."""
        return step % self.checkpoint_every == 0

    def signature(self, batches: Batches) -> dict[str, Any]:
        """Return what two trainings must share for one to continue the other.

        A schedule is a function, so it is compared by its values at a few steps.
        """
        probes = [self.steps * part // 7 for part in range(7)]
        return {
            "steps": self.steps,
            "log_every": self.log_every,
            "evaluate_every": self.evaluate_every,
            "schedule": self.schedule and [self.schedule(step) for step in probes],
            "clip_norm": self.clip_norm,
            "monitor": self.monitor,
            "mode": self.mode,
            "patience": self.patience,
            "target": self.target,
            "batches": getattr(batches, "signature", None),
            # Absent where it is not used, so that older checkpoints still fit.
            **({"micro_batch_size": self.micro_batch_size} if self.micro_batch_size else {}),
        }


def _fraction(steps: int, count: int) -> int:
    return max(1, steps // count)
