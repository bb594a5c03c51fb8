"""How far a training has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from eigenlab.training.history import Stopped, TrainingDiverged, TrainingHistory


@dataclass
class Progress:
    """Everything a checkpoint holds besides the model, the optimizer and random states.

    Args:
        step: finished updates. Default: ``0``.
        losses: ``(step, loss)`` pairs kept so far. Default: empty.
        evaluations: ``(step, metrics)`` pairs so far. Default: empty.
        best_step: step of the best evaluation. Default: ``None``, none yet.
        best_value: its monitored metric. Default: ``None``.
        since_best: evaluations since the best one. Default: ``0``.
        stopped: why training ended. Default: ``None``, it has not.
        seconds: time spent. Default: ``0.0``.
        best_weights: the model's state dict at the best evaluation. Default: ``None``.
    """

    step: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    evaluations: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    best_step: int | None = None
    best_value: float | None = None
    since_best: int = 0
    stopped: Stopped | None = None
    seconds: float = 0.0
    best_weights: dict[str, Tensor] | None = None

    def history(self) -> TrainingHistory:
        """Return what the caller of ``train`` gets; training must have ended."""
        assert self.stopped is not None
        return TrainingHistory(
            losses=tuple(self.losses),
            evaluations=tuple(self.evaluations),
            best_step=self.best_step,
            best_value=self.best_value,
            stopped=self.stopped,
            steps=self.step,
            seconds=self.seconds,
        )

    def diverged(self, what: str, step: int) -> TrainingDiverged:
        """Return the error to raise when ``what`` is not finite at the 1-based ``step``."""
        last = self.losses[-1] if self.losses else None
        seen = f"; the last finite loss kept is {last[1]:.4g} at step {last[0]}" if last else ""
        return TrainingDiverged(
            f"training diverged: {what} is not finite at step {step}{seen}; "
            "lower the learning rate, set clip_norm, or look for NaN in the data"
        )
