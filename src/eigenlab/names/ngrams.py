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
from sklearn.utils.validation import check_is_fitted

from eigenlab.names.checks import (
    ABSTAINED,
    Unreadable,
    check_names,
    check_training,
    check_unreadable,
)
from eigenlab.names.encoding import spelling


class CharacterNGramClassifier(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression on the character n-grams of a name (question 2).

    A name is folded to the 57 symbols, converted to lower case and put between two spaces, so that
    its beginning and end are part of n-grams. Each n-gram that occurs is one binary feature.

    Args:
        ngram_range: shortest and longest n-gram. Default: ``(1, 5)``.
        C: inverse strength of the L2 penalty. Default: ``1.0``.
        max_iter: largest number of iterations of the L-BFGS solver. Default: ``500``.
        unreadable: action for names without a letter of the alphabet, which are left out of the fit
            and answered ``"?"`` with probabilities NaN, and for letters or digits that are left out
            of a name: ``"warn"``, ``"ignore"`` or ``"error"``. Default: ``'warn'``.

    Attributes:
        classes_: languages in alphabetical order.
        pipeline_: the fitted scikit-learn pipeline of vectoriser and logistic regression.

    >>> model = CharacterNGramClassifier(ngram_range=(1, 2))
    >>> model.fit(["Ivanov", "Petrov", "Rossi", "Bianchi"], ["R", "R", "I", "I"]).predict(["Orlov"])
    array(['R'], dtype='<U1')
    """

    def __init__(
        self,
        ngram_range: tuple[int, int] = (1, 5),
        C: float = 1.0,
        max_iter: int = 500,
        unreadable: Unreadable = "warn",
    ) -> None:
        self.ngram_range = ngram_range
        self.C = C
        self.max_iter = max_iter
        self.unreadable = unreadable

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
        check_unreadable(self.unreadable)
        names, languages = check_training(X, y, self.unreadable)
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
        """Return the probabilities (n, n_classes) of names ``X``, in the order of ``classes_``.

        Rows of names that cannot be read are NaN.
        """
        check_is_fitted(self, "pipeline_")
        check_unreadable(self.unreadable)
        names, readable = check_names(X, self.unreadable)
        answers = np.full((len(readable), len(self.classes_)), np.nan)
        if names:
            answers[readable] = self.pipeline_.predict_proba(names)
        return answers

    def predict(self, X: Sequence[str]) -> NDArray[Any]:
        """Return the most probable language of each name in ``X``, or ``"?"`` if not readable."""
        probabilities = self.predict_proba(X)
        if not len(probabilities):
            return np.empty(0, dtype=self.classes_.dtype)
        chosen = self.classes_[probabilities.argmax(axis=1)]
        return np.where(np.isnan(probabilities[:, 0]), ABSTAINED, chosen)


def _between_spaces(name: str) -> str:
    return f" {spelling(name)} "
