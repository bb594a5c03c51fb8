"""What several trainings with different seeds say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eigenlab.errors import InputError
from eigenlab.statistics import Interval, mean_interval, wilson_interval


@dataclass(frozen=True)
class RunSummary:
    """Accuracies of independent trainings beside a target.

    Args:
        n_runs: number of trainings.
        mean: mean accuracy with its 95 % interval (Student's t).
        rate: share of the trainings that reach the target, with its 95 % interval (Wilson).
        p_value: of the one-sided t test of a mean below the target: small where the mean is above
            it beyond chance; 1 for a single training, which shows nothing about a mean.
    """

    n_runs: int
    mean: Interval
    rate: Interval
    p_value: float


def summarize_runs(accuracies: Sequence[float], target: float = 0.94) -> RunSummary:
    """Mean, rate of success, and whether the mean reaches a target.

    A recipe that reaches 94 % in its best run, or in half of them, is not one that reaches it on
    average: all three numbers are needed.

    Args:
        accuracies: of independent trainings, in [0, 1].
        target: accuracy to reach. Default: ``0.94``.

    Raises:
        InputError: there is no accuracy.

    >>> found = summarize_runs([0.9405, 0.9391, 0.9412, 0.9399])
    >>> round(found.mean.estimate, 4), found.rate.estimate, round(found.p_value, 2)
    (0.9402, 0.5, 0.36)
    """
    if not accuracies:
        raise InputError("accuracies is empty; give that of at least one training")
    reached = sum(accuracy >= target for accuracy in accuracies)
    return RunSummary(
        len(accuracies),
        mean_interval(accuracies),
        wilson_interval(reached, len(accuracies)),
        _p_value(accuracies, target),
    )


def _p_value(accuracies: Sequence[float], target: float) -> float:
    if len(accuracies) < 2:
        return 1.0
    if len(set(accuracies)) == 1:  # no spread to judge by
        return math.nan
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(accuracies, target, alternative="greater").pvalue)
