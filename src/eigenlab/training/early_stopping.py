"""Early stopping: which weights are the best so far, and when to stop looking for better ones."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import nn

from eigenlab.errors import InputError
from eigenlab.training.history import Stopped
from eigenlab.training.plan import Plan
from eigenlab.training.progress import Progress


def track_best(
    plan: Plan, progress: Progress, model: nn.Module, values: Mapping[str, float]
) -> Stopped | None:
    """Keep the model's weights if they are the best so far; return why to stop, or None.

    Args:
        plan: names the monitored metric, its mode, patience and target.
        progress: its ``best_*`` fields and ``since_best`` are updated.
        model: the model that was evaluated.
        values: metric name to number, as evaluated after ``progress.step`` updates.

    Raises:
        InputError: the monitored metric is not in ``values``.
    """
    if plan.monitor is None:
        return None
    if plan.monitor not in values:
        raise InputError(f"monitor='{plan.monitor}' is not among the evaluated {', '.join(values)}")
    value = values[plan.monitor]
    if is_better(plan, value, progress.best_value):
        progress.best_step, progress.best_value = progress.step, value
        progress.since_best = 0
        progress.best_weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
    else:
        progress.since_best += 1
    if reaches_target(plan, value):
        return "target"
    if plan.patience is not None and progress.since_best >= plan.patience:
        return "patience"
    return None


def is_better(plan: Plan, value: float, best: float | None) -> bool:
    """Whether ``value`` improves on ``best``. NaN never does."""
    if math.isnan(value):
        return False
    return best is None or (value < best if plan.mode == "min" else value > best)


def reaches_target(plan: Plan, value: float) -> bool:
    """Whether ``value`` is as good as ``plan.target``."""
    if plan.target is None:
        return False
    return value <= plan.target if plan.mode == "min" else value >= plan.target
