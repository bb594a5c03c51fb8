"""Metrics of probabilistic classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError
from eigenlab.statistics import wilson_interval

BINS = 15
#: Smaller probabilities are replaced by this one in a logarithm.
MIN_PROBABILITY = 1e-12


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> dict[str, Any]:
    """Compare confidence with accuracy in equal-width bins of (0, 1] (question 2).

    The expected calibration error is ``sum_b n_b / n |accuracy_b - confidence_b|`` over non-empty
    bins b of n_b predictions, with the mean confidence in each: Guo et al. 2017, eq. 3,
    arXiv:1706.04599.

    Args:
        confidence: probability of each predicted class, (n,).
        correct: whether each prediction is correct, (n,).
        bins: number of bins. Default: ``15``.

    Returns:
        ``calibration_error``, ``bins``, and for each non-empty bin ``count``, ``confidence``,
        ``accuracy`` and ``interval`` (Wilson, 95 %).

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
    intervals = [wilson_interval(int(k), int(n)).bounds for k, n in zip(hits, counts, strict=True)]
    return {
        "calibration_error": round(float(gaps[filled].sum()), 12),
        "bins": bins,
        "count": counts[filled].tolist(),
        "confidence": mean_confidence[filled].tolist(),
        "accuracy": accuracy[filled].tolist(),
        "interval": [pair for pair, keep in zip(intervals, filled, strict=True) if keep],
    }


def chance_calibration_error(count: ArrayLike, confidence: ArrayLike) -> float:
    """Calibration error that a perfectly calibrated classifier shows by chance (question 2).

    In a bin of n names with confidence c the share of correct predictions has standard deviation
    sqrt(c (1 - c) / n), and the mean absolute value of a Gaussian is sqrt(2 / pi) of its standard
    deviation. With few names the error is well above zero.

    Args:
        count: number of names in each bin that is not empty, (n_bins,).
        confidence: mean confidence in each, (n_bins,).

    Returns:
        The mean over the names, as in :func:`reliability`.

    Raises:
        InputError: there is no bin.

    >>> round(chance_calibration_error([200], [0.7]), 4)
    0.0259
    """
    counts, p = np.asarray(count), np.asarray(confidence)
    if not len(counts):
        raise InputError("count is empty; a reliability diagram has at least one bin")
    spread = np.sqrt(p * (1 - p) / counts)
    return float((counts / counts.sum() * spread).sum() * np.sqrt(2 / np.pi))


def coverage_curve(
    confidence: ArrayLike, correct: ArrayLike, *, points: int = 50
) -> dict[str, list[float]]:
    """Accuracy on the most confident share of the names, for increasing shares (question 2a).

    Names with equal confidence are answered together or not at all, as with a threshold.

    Args:
        confidence: probability of each predicted class, (n,).
        correct: whether each prediction is correct, (n,).
        points: number of shares. Default: ``50``.

    Returns:
        Lists ``coverage``, ``accuracy`` and ``threshold``.

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
    """Evaluate predicted probabilities against the true languages (question 2).

    Args:
        probabilities: (n, n_classes), rows sum to 1; the prediction is the most probable class.
        classes: name of each column. A true language not among them counts as misclassified.
        languages: true language of each name, (n,), at least one.
        bins: number of bins of the reliability diagram. Default: ``15``.

    Returns:
        Plain data: ``names``, their number; ``accuracy`` with ``interval`` (Wilson, 95 %);
        ``macro_f1``, the mean F1 over the languages that are true or predicted; ``nll``, the mean
        negative log-likelihood in nats; ``calibration_error`` and ``reliability``, see
        :func:`reliability`; ``coverage``, see :func:`coverage_curve`; ``recall``, for each language
        ``count``, ``correct``, ``recall``, ``precision``, ``interval``; ``labels``, all languages
        in alphabetical order; ``confusion[true][predicted]``, counts in the order of ``labels``.

    Raises:
        InputError: the shape of ``probabilities`` does not match, a probability is NaN (the name
            could not be read), or there is no name.

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
    unread = np.flatnonzero(np.isnan(p).any(axis=1))
    if len(unread):
        raise InputError(
            f"probabilities of {len(unread)} of {len(p)} names are NaN, first in row {unread[0]}; "
            "leave out the names that is_readable says cannot be read"
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
    likelihood = np.maximum(full[np.arange(len(p)), true], MIN_PROBABILITY)
    return {
        "names": len(p),
        "accuracy": float(right.mean()),
        "interval": wilson_interval(int(right.sum()), len(p)).bounds,
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
    """Unweighted mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that occur (question 2).

    Args:
        confusion: counts [true, predicted], (n_classes, n_classes).

    >>> round(macro_f1(np.array([[2, 0], [1, 1]])), 4)
    0.7333
    """
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
            "interval": wilson_interval(correct, count).bounds,
        }
    return table
