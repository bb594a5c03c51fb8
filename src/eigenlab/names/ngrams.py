"""Baseline: logistic regression on character n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from eigenlab.names.checks import check_names, check_training
from eigenlab.names.protocols import spelling


class CharacterNGramClassifier(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression on the character n-grams of a name (question 2).

    A name is folded to the 57 symbols, converted to lower case and put between two spaces, so that
    its beginning and end are part of n-grams. Each n-gram that occurs is one binary feature.

    Args:
        ngram_range: shortest and longest n-gram. Default: ``(1, 5)``.
        C: inverse strength of the L2 penalty. Default: ``1.0``.
        max_iter: largest number of iterations of the L-BFGS solver. Default: ``500``.

    Attributes:
        classes_: languages in alphabetical order.
        pipeline_: the fitted scikit-learn pipeline of vectoriser and logistic regression.

    >>> model = CharacterNGramClassifier(ngram_range=(1, 2))
    >>> model.fit(["Ivanov", "Petrov", "Rossi", "Bianchi"], ["R", "R", "I", "I"]).predict(["Orlov"])
    array(['R'], dtype='<U1')
    """

    def __init__(
        self, ngram_range: tuple[int, int] = (1, 5), C: float = 1.0, max_iter: int = 500
    ) -> None:
        self.ngram_range = ngram_range
        self.C = C
        self.max_iter = max_iter

    def fit(self, X: Sequence[str], y: Sequence[str]) -> CharacterNGramClassifier:
        """Fit the classifier.

        Args:
            X: names, (n,).
            y: language of each name, (n,), at least two different ones.

        Returns:
            The fitted estimator.

        Raises:
            InputError: a name or language cannot be used.
        """
        names, languages = check_training(X, y)
        self.pipeline_: Pipeline = make_pipeline(
            CountVectorizer(
                analyzer="char",
                ngram_range=self.ngram_range,
                binary=True,
                lowercase=False,
                preprocessor=_between_spaces,
                dtype=np.float64,
            ),
            LogisticRegression(C=self.C, max_iter=self.max_iter, tol=1e-3),
        )
        self.pipeline_.fit(names, languages)
        self.classes_: NDArray[Any] = self.pipeline_.classes_
        return self

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """Return the probabilities (n, n_classes) of names ``X``, in the order of ``classes_``."""
        probabilities: NDArray[np.float64] = self.pipeline_.predict_proba(check_names(X))
        return probabilities

    def predict(self, X: Sequence[str]) -> NDArray[Any]:
        """Return the most probable language of each name in ``X``."""
        chosen: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen


def _between_spaces(name: str) -> str:
    return f" {spelling(name)} "
