"""The surname classifiers and how each is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.dummy import DummyClassifier

from eigenlab.data import load_names, path
from eigenlab.errors import DataError, InputError
from eigenlab.experiments.surnames.config import SurnamesConfig
from eigenlab.experiments.surnames.records import BEST, MAJORITY, NGRAMS, RNN
from eigenlab.names import CharacterNGramClassifier, NameClassifier
from eigenlab.reporter import SILENT, Reporter

#: The network of question 2: one direction, letters only. How it was chosen: docs/surnames.md.
TANH_RNN: dict[str, Any] = {
    "model_type": "rnn",
    "bidirectional": False,
    "max_ngram": 1,
    "n_members": 1,
    "repeat_discount": 0.0,
}

MODELS = (MAJORITY, NGRAMS, RNN, BEST)

#: Names and their languages.
Part = tuple[list[str], list[str]]


def dataset(config: SurnamesConfig) -> str:
    """The dataset that is used: ``auto`` takes the course's surnames where they are found."""
    if config.data != "auto":
        return config.data
    try:
        return "names" if path("names") is not None else "names-mini"
    except DataError as error:
        raise InputError(str(error)) from error


def lines(data: str) -> Part:
    """All names of a dataset and their languages, line by line.

    Raises :class:`~eigenlab.errors.InputError` when the data cannot be found or read: the user can
    correct that, so it is not a failed measurement.
    """
    try:
        pairs = load_names(data)
    except DataError as error:
        raise InputError(str(error)) from error
    return [name for name, _ in pairs], [language for _, language in pairs]


def take(part: Part, indices: Sequence[int]) -> Part:
    """The names and languages of some lines."""
    names, languages = part
    return [names[i] for i in indices], [languages[i] for i in indices]


def fit(
    model: str,
    config: SurnamesConfig,
    train: Part,
    *,
    seed: int,
    validation: Part | None = None,
    reporter: Reporter = SILENT,
    checkpoint: Path | None = None,
) -> Any:
    """Fit one of the models; recurrent ones continue from ``checkpoint``.

    Args:
        model: one of :data:`MODELS`.
        config: settings of the tanh RNN.
        train: names and languages.
        seed: random seed of weights and batches.
        validation: names and languages on which a recurrent model is tested after each epoch, for
            the learning curve only. Default: ``None``.
        reporter: receives progress and may cancel. Default: silent.
        checkpoint: path prefix of a recurrent model's checkpoint. Default: ``None``.
    """
    if model == MAJORITY:
        return DummyClassifier(strategy="prior").fit(*train)
    if model == NGRAMS:
        return CharacterNGramClassifier(unreadable="ignore").fit(*train)
    settings = {
        **TANH_RNN,
        "rnn_size": config.rnn_size,
        "dropout": config.dropout,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "n_epochs": config.epochs,
        "calibration_fraction": min(0.1, config.calibration_names / len(train[0])),
    }
    classifier = NameClassifier(
        **(settings if model == RNN else {}),  # the defaults are the best that was found
        unreadable="ignore",  # as the course reads them: what is not a letter a-z is left out
        random_state=seed,
        device=config.device,
    )
    return classifier.fit(*train, validation=validation, reporter=reporter, checkpoint=checkpoint)
