"""The result of a training, and the error of one that diverges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eigenlab.errors import EigenlabError, InputError

Stopped = Literal["steps", "patience", "target"]


class TrainingDiverged(EigenlabError):
    """The loss or a parameter is no longer finite."""


@dataclass(frozen=True)
class TrainingHistory:
    """Losses and evaluations of one training. Steps count finished updates, from 1.

    Args:
        losses: ``(step, loss)`` pairs; the value of the objective on the batch of that update,
            before the update (with several processes, on the global batch).
        evaluations: ``(step, metrics)`` pairs, measured after that update.
        best_step: step of the evaluation with the best monitored metric; None without a monitor.
        best_value: the monitored metric at that step; None without a monitor.
        stopped: ``"steps"`` (all updates done), ``"patience"`` (too many evaluations in a row
            without a better one) or ``"target"`` (an evaluation reached the target).
        steps: finished updates.
        seconds: time spent, evaluations included, summed over interrupted and resumed parts.
    """

    losses: tuple[tuple[int, float], ...]
    evaluations: tuple[tuple[int, dict[str, float]], ...]
    best_step: int | None
    best_value: float | None
    stopped: Stopped
    steps: int
    seconds: float

    def curve(self, metric: str = "loss") -> tuple[list[int], list[float]]:
        """Return steps and values of one quantity, for drawing.

        Args:
            metric: ``"loss"`` or the name of an evaluated metric. Default: ``"loss"``.

        Raises:
            InputError: the metric was not evaluated.

        >>> history = TrainingHistory(((1, 0.5), (2, 0.25)), (), None, None, "steps", 2, 0.1)
        >>> history.curve()
        ([1, 2], [0.5, 0.25])
        """
        if metric == "loss":
            points = list(self.losses)
        else:
            points = [
                (step, values[metric]) for step, values in self.evaluations if metric in values
            ]
            if not points:
                known = sorted({name for _, values in self.evaluations for name in values})
                raise InputError(
                    f"metric '{metric}' was not evaluated; known: loss, {', '.join(known)}"
                )
        return [step for step, _ in points], [value for _, value in points]
