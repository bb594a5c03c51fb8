"""Numbers that say how good a classifier of names is, and how far to believe them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError

BINS = 15
_SMALLEST = 1e-12  # probability that stands for zero in a logarithm


def wilson_interval(successes: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's score interval for a proportion (95 % by default).

    Roots p of ``(p_hat - p)^2 = z^2 p (1 - p) / n``: Wilson 1927, doi:10.2307/2276774. Unlike
    ``p_hat +- z s`` it stays inside [0, 1] and has width at 0 and 1. No trials give (0, 1).

    >>> [round(bound, 4) for bound in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    if not 0 <= successes <= trials:
        raise InputError(f"successes={successes} must lie between 0 and trials={trials}")
    if trials == 0:
        return 0.0, 1.0
    p, n = successes / trials, float(trials)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> dict[str, Any]:
    """Compare confidence with accuracy in ``bins`` equal-width bins of (0, 1].

    The calibration error is ``sum_b n_b / n |accuracy_b - confidence_b|`` over non-empty bins,
    with mean confidence in each: Guo et al. 2017, eq. 3, arXiv:1706.04599.

    >>> reliability([0.9, 0.9, 0.9, 0.9], [True, True, True, False])["calibration_error"]
    0.15
    """
    p, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    place = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = counts > 0
    share = np.maximum(counts, 1)
    mean_confidence = np.bincount(place, p, minlength=bins) / share
    accuracy = np.bincount(place, right, minlength=bins) / share
    gaps = np.abs(accuracy - mean_confidence) * counts / len(p)
    hits = np.bincount(place, right, minlength=bins).astype(int)
    intervals = [wilson_interval(int(k), int(n)) for k, n in zip(hits, counts, strict=True)]
    return {
        "calibration_error": round(float(gaps[filled].sum()), 12),
        "bins": bins,
        "count": counts[filled].tolist(),
        "confidence": mean_confidence[filled].tolist(),
        "accuracy": accuracy[filled].tolist(),
        "interval": [pair for pair, keep in zip(intervals, filled, strict=True) if keep],
    }


def coverage_curve(
    confidence: ArrayLike, correct: ArrayLike, *, points: int = 50
) -> dict[str, list[float]]:
    """Accuracy on the most confident share of the names, for growing shares (coverage).

    Ties in confidence are answered together or not at all, as a threshold would.

    >>> coverage_curve([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1], points=4)["accuracy"]
    [1.0, 1.0, 0.6666666666666666, 0.75]
    """
    p, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    ranked, hits = p[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    wanted = np.ceil(np.linspace(1 / points, 1, points) * len(p)).astype(int)
    sizes = np.unique(ends[np.searchsorted(ends, wanted)])
    return {
        "coverage": (sizes / len(p)).tolist(),
        "accuracy": (hits[sizes - 1] / sizes).tolist(),
        "threshold": ranked[sizes - 1].tolist(),
    }


def evaluate(
    probabilities: ArrayLike, classes: Sequence[str], languages: Sequence[str], *, bins: int = BINS
) -> dict[str, Any]:
    """Measure predicted probabilities against the true languages; plain data, ready to store.

    Args:
        probabilities: (n, classes), rows sum to 1; the prediction is the largest.
        classes: name of each column. A true language not among them counts as always missed.
        languages: (n,) true language of each line.

    Returns:
        ``accuracy`` with ``interval`` (Wilson, 95 %); ``macro_f1``, the mean F1 over the languages
        that are true or predicted (F1 = 0 where never right); ``nll``, mean negative log
        likelihood in nats; ``calibration_error`` and ``reliability`` (see :func:`reliability`);
        ``coverage`` (see :func:`coverage_curve`); ``recall``: per language ``count``, ``correct``,
        ``recall``, ``precision``, ``interval``; ``confusion[true][predicted]`` counts in the order
        of ``labels``.

    >>> measured = evaluate([[0.9, 0.1], [0.2, 0.8]], ["Greek", "Irish"], ["Greek", "Greek"])
    >>> measured["accuracy"], measured["confusion"]
    (0.5, [[1, 1], [0, 0]])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape != (len(languages), len(classes)) or len(p) == 0:
        raise InputError(
            f"probabilities have shape {p.shape}, expected one row for each of {len(languages)} "
            f"names (at least one) and {len(classes)} columns"
        )
    labels = sorted({*classes, *languages})
    place = {label: index for index, label in enumerate(labels)}
    true = np.array([place[language] for language in languages])
    predicted = np.array([place[label] for label in classes])[p.argmax(axis=1)]
    full = np.zeros((len(p), len(labels)))
    full[:, [place[label] for label in classes]] = p
    right, confidence = true == predicted, p.max(axis=1)
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (true, predicted), 1)
    diagram = reliability(confidence, right, bins=bins)
    likelihood = np.maximum(full[np.arange(len(p)), true], _SMALLEST)
    return {
        "names": len(p),
        "accuracy": float(right.mean()),
        "interval": wilson_interval(int(right.sum()), len(p)),
        "macro_f1": macro_f1(confusion),
        "nll": float(-np.log(likelihood).mean()),
        "calibration_error": diagram["calibration_error"],
        "reliability": diagram,
        "coverage": coverage_curve(confidence, right),
        "recall": _recalls(labels, confusion),
        "labels": labels,
        "confusion": confusion.tolist(),
    }


def macro_f1(confusion: NDArray[np.int_]) -> float:
    """Unweighted mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that occur."""
    errors = confusion.sum(axis=0) + confusion.sum(axis=1)
    occurs = errors > 0
    return float((2 * np.diag(confusion)[occurs] / errors[occurs]).mean())


def _recalls(labels: Sequence[str], confusion: NDArray[np.int_]) -> dict[str, dict[str, Any]]:
    table = {}
    for index, label in enumerate(labels):
        count, correct = int(confusion[index].sum()), int(confusion[index, index])
        answered = int(confusion[:, index].sum())
        table[label] = {
            "count": count,
            "correct": correct,
            "recall": correct / count if count else None,
            "precision": correct / answered if answered else None,
            "interval": wilson_interval(correct, count),
        }
    return table
