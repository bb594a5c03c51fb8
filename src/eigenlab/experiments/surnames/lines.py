"""Intervals from single test lines, in which the lines of one spelling are one observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.experiments.surnames.records import Predictions
from eigenlab.names import shift_priors
from eigenlab.names.metrics import MIN_PROBABILITY
from eigenlab.statistics import Interval, clustered_interval, difference_interval

#: Rare languages have fewer training lines than the first, common ones at least the second.
RARE, COMMON = 300, 1000

Floats = NDArray[np.float64]


class Lines:
    """The test lines of a trained tanh RNN."""

    def __init__(self, predictions: Predictions) -> None:
        self.p = np.array(predictions.probabilities)
        self.classes = predictions.classes
        self.true = np.array(predictions.true)
        self.spelling = np.array(predictions.spelling)
        self.trained = np.array(predictions.trained, dtype=np.float64)
        self.temperature = predictions.temperature
        self.right = self.p.argmax(axis=1) == self.true

    def accuracy(self) -> Interval:
        """Accuracy on all lines."""
        return clustered_interval(self.right, self.spelling)

    def difference(self, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Interval | None:
        """Accuracy on the lines ``first`` minus that on ``second``; None without lines."""
        if not (first.any() and second.any()):
            return None
        return difference_interval(
            *(clustered_interval(self.right[part], self.spelling[part]) for part in (first, second))
        )

    def common_minus_rare(self) -> Interval | None:
        """Recall of the languages with many training lines minus that of those with few."""
        counts = self.trained[self.true]
        return self.difference(counts >= COMMON, counts < RARE)

    def nll(self, p: Floats) -> Floats:
        """Negative log-likelihood of each line, (n,) in nats."""
        chosen = np.maximum(p[np.arange(len(p)), self.true], MIN_PROBABILITY)
        losses: Floats = -np.log(chosen)
        return losses

    def nll_saved(self) -> Interval:
        """What the temperature saves: NLL without it, minus NLL with it.

        One network's probabilities at temperature 1 are proportional to ``p ** temperature``.
        """
        logits = self.temperature * np.log(np.maximum(self.p, np.finfo(float).tiny))
        raw = np.exp(logits - logits.max(axis=1, keepdims=True))
        raw /= raw.sum(axis=1, keepdims=True)
        return clustered_interval(self.nll(raw) - self.nll(self.p), self.spelling)

    def information(self) -> Interval:
        """Mean of log2 p(true language | name) / p(true language), the latter in training."""
        shares = self.trained / self.trained.sum()
        bits = (-self.nll(self.p) - np.log(shares[self.true])) / np.log(2)
        return clustered_interval(bits, self.spelling)

    def shift_gain(self, target: Sequence[float]) -> dict[str, Interval]:
        """What Bayes' rule gains, mean over populations with the cyclic shifts of ``target``."""
        counts = np.bincount(self.true, minlength=len(self.classes))
        accuracy, nll = np.zeros(len(self.true)), np.zeros(len(self.true))
        for places in range(len(target)):
            rates = np.where(counts > 0, np.roll(target, places), 0.0)
            rates /= rates.sum()
            corrected = shift_priors(self.p, self.trained, rates)
            weights = len(self.true) * (rates / np.maximum(counts, 1))[self.true]
            right = corrected.argmax(axis=1) == self.true
            accuracy += weights * (right.astype(float) - self.right) / len(target)
            nll += weights * (self.nll(self.p) - self.nll(corrected)) / len(target)
        return {
            "accuracy": clustered_interval(accuracy, self.spelling),
            "nll": clustered_interval(nll, self.spelling),
        }

    def answered(self, threshold: float) -> dict[str, Any]:
        """The names left unanswered below a confidence, and what abstaining gains."""
        answers = self.p.max(axis=1) >= threshold
        first = self._first_lines()
        silent = np.bincount(self.true[first][~answers[first]], minlength=len(self.classes))
        return {
            "silent": dict(zip(self.classes, silent.tolist(), strict=True)),
            "gain": self.difference(answers, ~answers) or Interval(0.0, 0.0, 0.0),
        }

    def distinct(self, labels: Sequence[str]) -> list[list[int]]:
        """Different names by true and predicted language, in the order of ``labels``."""
        table = np.zeros((len(labels), len(labels)), dtype=int)
        place = np.array([labels.index(label) for label in self.classes])
        first = self._first_lines()
        np.add.at(table, (place[self.true[first]], place[self.p[first].argmax(axis=1)]), 1)
        counts: list[list[int]] = table.tolist()
        return counts

    def _first_lines(self) -> NDArray[np.int64]:
        """The first line of each spelling and language."""
        pairs = np.stack([self.spelling, self.true], axis=1)
        first: NDArray[np.int64] = np.unique(pairs, axis=0, return_index=True)[1]
        return first
