"""Audit of a classifier: errors by group, other base rates, abstention (question 2a)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.names.encoding import spelling
from eigenlab.names.intended_use import INTENDED_USE
from eigenlab.names.metrics import MIN_PROBABILITY, evaluate
from eigenlab.names.priors import Floats, check_priors, shift_priors
from eigenlab.statistics import wilson_interval

#: Shares of the names that are answered.
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)
#: Groups of languages by number of training lines: (lowest, highest).
RARITY = ((0, 99), (100, 299), (300, 999), (1000, 10**9))
#: Groups of test lines: spelling trained with the same language, with another one only, or not.
FAMILIARITY = ("same language", "other language", "new")


class ProbabilisticClassifier(Protocol):
    """A fitted classifier with ``classes_`` and ``predict_proba`` as in scikit-learn."""

    classes_: NDArray[Any]

    def predict_proba(self, X: Sequence[str]) -> Floats:
        """Return (n, classes) probabilities."""


def audit(
    classifier: ProbabilisticClassifier,
    names: Sequence[str],
    languages: Sequence[str],
    *,
    training_names: Sequence[str] = (),
    training_languages: Sequence[str],
    populations: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Any]:
    """Audit a fitted classifier on test names (question 2a).

    Args:
        classifier: fitted classifier with the base rates of its training names.
        names: test names, (n,), at least one; the classifier has not been trained on these lines.
        languages: language of each test name, (n,).
        training_names: names of the training lines, to find the test names that are among them.
            Default: ``()``, not known.
        training_languages: languages of the training lines; their shares are the base rates of the
            classifier.
        populations: base rates of other populations by name, each ``{language: weight}`` with all
            languages of the classifier. Default: ``None``, one population in which all languages
            are equally common.

    Returns:
        Plain data: ``intended_use``; ``training``, training lines by language; ``overall``,
        :func:`~eigenlab.names.evaluate` of all test lines; ``rarity``, recall of languages grouped
        by number of training lines; ``seen``, accuracy on spellings trained with the ``same
        language``, with an ``other language`` only, and on ``new`` ones; ``confusions``, the most
        frequent errors; ``populations``, for each population :func:`base_rate_shift`;
        ``abstention``, accuracy and the unanswered share of each language when only the most
        confident names are answered.

    Raises:
        InputError: lengths do not match, a language has no training line, or base rates are wrong.

    >>> from eigenlab.names import CharacterNGramClassifier
    >>> names, languages = ["Ivanov", "Petrov", "Rossi", "Bianchi"], ["R", "R", "I", "I"]
    >>> classifier = CharacterNGramClassifier().fit(names, languages)
    >>> record = audit(classifier, ["Orlov", "Verdi"], ["R", "I"], training_languages=languages)
    >>> record["overall"]["accuracy"]
    1.0
    """
    if len(names) != len(languages) or not len(names):
        raise InputError(
            f"names ({len(names)}) and languages ({len(languages)}) must be equally many, not none"
        )
    probabilities = np.asarray(classifier.predict_proba(names))
    classes = [str(label) for label in classifier.classes_]
    overall = evaluate(probabilities, classes, languages)
    counts = Counter(training_languages)
    if set(classes) - set(counts):
        raise InputError("training_languages lack a language of the classifier; give all lines")
    trained = np.array([counts[label] for label in classes], dtype=float)
    if len(training_names) not in (0, len(training_languages)):
        raise InputError(
            f"training_names ({len(training_names)}) must be as many as training_languages "
            f"({len(training_languages)}), or be left out"
        )
    right = np.array(classes)[probabilities.argmax(axis=1)] == np.array(languages)
    if populations is None:
        populations = {"all languages equally common": dict.fromkeys(classes, 1.0)}
    return {
        "intended_use": INTENDED_USE,
        "training": dict(counts),
        "overall": overall,
        "rarity": _by_rarity(overall["recall"], counts),
        "seen": _by_familiarity(right, names, languages, training_names, training_languages),
        "confusions": _confusions(overall),
        "populations": {
            label: base_rate_shift(
                probabilities, classes, languages, trained, check_priors(weights, classes)
            )
            for label, weights in populations.items()
        },
        "abstention": _abstention(probabilities, classes, languages),
    }


def base_rate_shift(
    probabilities: Floats,
    classes: Sequence[str],
    languages: Sequence[str],
    trained: Floats,
    target: Floats,
) -> dict[str, Any]:
    """Evaluate probabilities in a population with other base rates (question 2a).

    Test lines are weighted so that language y has share ``target[y]``. The probabilities are used
    as they are (``uncorrected``) and adapted by :func:`~eigenlab.names.shift_priors`
    (``corrected``). Languages without a test line are left out of the population.

    Args:
        probabilities: (n, n_classes), rows sum to 1.
        classes: name of each column.
        languages: true language of each line, (n,).
        trained: base rates of the training lines, (n_classes,), positive; normalised here.
        target: base rates of the population, (n_classes,); normalised here.

    Returns:
        ``labels``, ``trained`` and ``true`` base rates, and for ``uncorrected`` and ``corrected``
        the weighted ``accuracy``, ``nll`` (nats) and ``predicted``, the share of the predictions of
        each language.

    >>> p = np.array([[0.9, 0.1], [0.6, 0.4]])
    >>> shift = base_rate_shift(p, ["A", "B"], ["A", "B"], np.array([9, 1]), np.array([0.5, 0.5]))
    >>> shift["uncorrected"]["accuracy"], shift["corrected"]["accuracy"]
    (0.5, 1.0)
    """
    place = {label: index for index, label in enumerate(classes)}
    known = [index for index, language in enumerate(languages) if language in place]
    true = np.array([place[languages[index]] for index in known])
    p = np.asarray(probabilities)[known]
    counts = np.bincount(true, minlength=len(classes))
    target = np.where(counts > 0, target, 0.0)
    target = target / target.sum()
    weights = (target / np.maximum(counts, 1))[true]
    trained = np.asarray(trained, dtype=np.float64) / np.sum(trained)
    measured = {
        label: _weighted(answer, true, weights)
        for label, answer in (
            ("uncorrected", p),
            ("corrected", shift_priors(p, trained, target)),
        )
    }
    return {
        "labels": list(classes),
        "trained": trained.tolist(),
        "true": target.tolist(),
        **measured,
    }


def _weighted(p: Floats, true: NDArray[np.int64], weights: Floats) -> dict[str, Any]:
    chosen = p.argmax(axis=1)
    likelihood = np.maximum(p[np.arange(len(p)), true], MIN_PROBABILITY)
    predicted = np.bincount(chosen, weights, minlength=p.shape[1])
    return {
        "accuracy": float(weights[chosen == true].sum()),
        "nll": float(-(weights * np.log(likelihood)).sum()),
        "predicted": predicted.tolist(),
    }


def _by_rarity(recall: Mapping[str, Any], counts: Mapping[str, int]) -> list[dict[str, Any]]:
    rows = []
    for low, high in RARITY:
        inside = [label for label in recall if low <= counts.get(label, 0) <= high]
        count = sum(recall[label]["count"] for label in inside)
        correct = sum(recall[label]["correct"] for label in inside)
        if count:
            rows.append(
                {
                    "training_lines": [low, high],
                    "languages": inside,
                    "count": count,
                    "recall": correct / count,
                    "interval": wilson_interval(correct, count).bounds,
                }
            )
    return rows


def _by_familiarity(
    right: NDArray[np.bool_],
    names: Sequence[str],
    languages: Sequence[str],
    training_names: Sequence[str],
    training_languages: Sequence[str],
) -> dict[str, dict[str, Any]]:
    known: dict[str, set[str]] = {}
    for name, language in zip(training_names, training_languages, strict=False):
        known.setdefault(spelling(name), set()).add(language)
    lines = zip(names, languages, strict=True)
    kinds = np.array([_familiarity(known.get(spelling(n), set()), y) for n, y in lines])
    found = {}
    for label in FAMILIARITY:
        rows = kinds == label
        count, correct = int(rows.sum()), int(right[rows].sum())
        found[label] = {
            "count": count,
            "accuracy": correct / count if count else None,
            "interval": wilson_interval(correct, count).bounds,
        }
    return found


def _familiarity(trained_with: set[str], language: str) -> str:
    if language in trained_with:
        return "same language"
    return "other language" if trained_with else "new"


def _confusions(overall: Mapping[str, Any], most: int = 10) -> list[dict[str, Any]]:
    labels = overall["labels"]
    confusion = np.array(overall["confusion"])
    totals = confusion.sum(axis=1)
    np.fill_diagonal(confusion, 0)
    rows = []
    for flat in np.argsort(-confusion, axis=None, kind="stable")[:most]:
        true, predicted = np.unravel_index(flat, confusion.shape)
        count = int(confusion[true, predicted])
        if count:
            rows.append(
                {
                    "true": labels[true],
                    "predicted": labels[predicted],
                    "count": count,
                    "share": count / int(totals[true]),
                }
            )
    return rows


def _abstention(
    probabilities: Floats, classes: Sequence[str], languages: Sequence[str]
) -> list[dict[str, Any]]:
    confidence = probabilities.max(axis=1)
    right = np.array(classes)[probabilities.argmax(axis=1)] == np.array(languages)
    true = np.array(languages)
    ranked = np.sort(confidence)[::-1]
    rows = []
    for wanted in COVERAGES:
        threshold = float(ranked[int(np.ceil(wanted * len(ranked))) - 1])
        answered = confidence >= threshold
        rows.append(
            {
                "threshold": threshold,
                "coverage": float(answered.mean()),
                "accuracy": float(right[answered].mean()),
                "unanswered": {
                    label: float(1 - answered[true == label].mean()) for label in sorted(set(true))
                },
            }
        )
    return rows
