"""A scikit-learn estimator for the language of origin of a name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from eigenlab.errors import InputError, nearest
from eigenlab.names import storage
from eigenlab.names.encoding import VOCABULARY_SIZE, unreadable
from eigenlab.names.ensemble import (
    Ensemble,
    cross_entropy,
    fit_temperature,
    mean_probabilities,
    predict_logits,
    repeat_weights,
)
from eigenlab.names.inputs import check_names, check_training
from eigenlab.names.module import ModelType, RecurrentClassifier
from eigenlab.names.ngram_embedding import NGramRecurrentClassifier, NGramVocabulary
from eigenlab.names.priors import as_priors, shift_priors
from eigenlab.names.protocols import leak_free_split, spelling
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import (
    TrainingHistory,
    derive_seed,
    minibatches,
    one_cycle,
    resolve_device,
    train,
)

#: What ``predict`` answers instead of a language when it abstains.
ABSTAINED = "?"

Unreadable = Literal["warn", "ignore", "error"]


class UnreadableCharactersWarning(UserWarning):
    """Some letters or digits of a name are unknown to the alphabet and were left out."""


class NameClassifier(ClassifierMixin, BaseEstimator):
    """Recurrent networks that read a name letter by letter and name its likely language.

    Intended use: guessing the language of origin of a name. Not for inferring the nationality,
    ethnicity, religion or any other fact about a person.

    How the defaults were chosen, and on which names, says ``docs/surnames.md``.
    Names are folded to 57 symbols; case is ignored; a name of any length is read to its end.
    A name without any readable symbol is an :class:`~eigenlab.errors.InputError`.

    Args:
        model_type, rnn_size, num_layers, dropout, bidirectional: of each member, see
            :class:`RecurrentClassifier`.
        ngrams: longest n-gram that a network sees at each letter, see
            :class:`~eigenlab.names.ngram_embedding.NGramRecurrentClassifier`; 1 for letters only.
        ngram_dropout: probability of leaving out an n-gram in training.
        members: networks trained at once; their probabilities are averaged.
        epochs: passes over the training names.
        batch_size: names per update.
        learning_rate: highest of the one-cycle schedule of AdamW.
        weight_decay: of AdamW, decoupled.
        clip_norm: largest Euclidean norm of the gradient.
        repeat_discount: a name that stands on c lines of a language has weight c^-repeat_discount
            on each, so that a few names repeated often are not learned by heart; the answers are
            put back to the base rates of the lines. 0 weighs all lines alike.
        calibration_fraction: share of the training spellings held out to fit the temperature;
            0 trains on all names and leaves the temperature at 1.
        priors: base rates of the population to predict for, ``{language: weight}`` or a sequence
            in the order of ``classes_``; None keeps those of the training names.
        abstain_below: ``predict`` answers :data:`ABSTAINED` where the highest probability is
            below this; ``predict_proba`` and ``top_k`` are not affected. ``score`` counts an
            abstention as wrong.
        unreadable: ``"warn"``, ``"ignore"`` or ``"error"`` when letters or digits of a name are
            outside the alphabet ("ß", "ł", "2") and are therefore not read.
        random_state: seed of weights, batches, dropout and the held-out part.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.

    Attributes:
        classes_: languages in alphabetical order.
        class_prior_: their shares among the names that ``fit`` was given.
        temperature_: see :func:`eigenlab.names.ensemble.fit_temperature`.
        history_: the :class:`~eigenlab.training.TrainingHistory` (absent after ``load``).
        model_: the trained module.

    >>> names = ["Ivanov", "Petrov", "Orlov", "Rossi", "Bianchi", "Verdi"]
    >>> languages = ["Russian"] * 3 + ["Italian"] * 3
    >>> model = NameClassifier(rnn_size=16, members=1, batch_size=2, calibration_fraction=0)
    >>> model.fit(names, languages).predict(["Pavlov", "Conti"]).tolist()
    ['Russian', 'Italian']
    """

    def __init__(
        self,
        *,
        model_type: ModelType = "rnn",
        rnn_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.25,
        bidirectional: bool = True,
        ngrams: int = 4,
        ngram_dropout: float = 0.5,
        members: int = 2,
        epochs: int = 15,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        clip_norm: float = 1.0,
        repeat_discount: float = 0.5,
        calibration_fraction: float = 0.05,
        priors: Mapping[str, float] | Sequence[float] | None = None,
        abstain_below: float = 0.0,
        unreadable: Unreadable = "warn",
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.model_type = model_type
        self.rnn_size = rnn_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.ngrams = ngrams
        self.ngram_dropout = ngram_dropout
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.repeat_discount = repeat_discount
        self.calibration_fraction = calibration_fraction
        self.priors = priors
        self.abstain_below = abstain_below
        self.unreadable = unreadable
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        X: Sequence[str],
        y: Sequence[str],
        *,
        validation: tuple[Sequence[str], Sequence[str]] | None = None,
        reporter: Reporter = SILENT,
        checkpoint: Path | None = None,
    ) -> NameClassifier:
        """Fit names ``X`` (n,) to languages ``y`` (n,).

        Args:
            validation: names and languages whose accuracy is measured after each epoch, for the
                learning curve only; nothing is chosen by it.
            reporter: receives progress and may cancel.
            checkpoint: path prefix from which an interrupted fit continues.

        Raises :class:`~eigenlab.errors.InputError` for names, languages or settings it cannot use.
        """
        names, languages = check_training(X, y)
        self._check_settings()
        self._notice(names)
        self.classes_: NDArray[np.str_] = np.array(sorted(set(languages)))
        if ABSTAINED in self.classes_:
            raise InputError(f"y holds '{ABSTAINED}', which stands for abstaining; rename it")
        place = {language: index for index, language in enumerate(self.classes_)}
        labels = torch.tensor([place[language] for language in languages])
        self.class_prior_: NDArray[np.float64] = np.bincount(labels) / len(labels)
        if self.priors is not None:
            as_priors(self.priors, self.classes_.tolist())  # a mistake shows before the training
        kept, held_out = self._hold_out(names)
        training = [spelling(names[index]) for index in kept]
        vocabulary = NGramVocabulary.learn(training, self.ngrams)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.random_state, "weights"))
            self.model_ = self._build(len(self.classes_), vocabulary)
            self.history_ = self._train(training, labels[kept], validation, reporter, checkpoint)
        self.temperature_ = 1.0
        if len(held_out):
            chosen = [names[i] for i in held_out]
            self.temperature_ = fit_temperature(self._logits(chosen), labels[held_out])
        return self

    def _hold_out(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Part of the lines, with spellings of their own, on which nothing is trained."""
        everything = np.arange(len(names))
        if self.calibration_fraction == 0:
            return everything, everything[:0]
        return leak_free_split(
            names,
            seed=derive_seed(self.random_state, "calibration"),
            test_fraction=self.calibration_fraction,
        )

    def _build(self, n_categories: int, vocabulary: NGramVocabulary) -> Ensemble:
        sizes = (
            VOCABULARY_SIZE,
            self.rnn_size,
            n_categories,
            self.num_layers,
            self.dropout,
            self.model_type,
        )
        members = [
            RecurrentClassifier(*sizes, bidirectional=self.bidirectional)
            if self.ngrams == 1
            else NGramRecurrentClassifier(
                len(vocabulary.ngrams),
                *sizes,
                bidirectional=self.bidirectional,
                ngram_dropout=self.ngram_dropout,
            )
            for _ in range(self.members)
        ]
        return Ensemble(members, vocabulary, n_categories).to(resolve_device(self.device))

    def _train(
        self,
        names: Sequence[str],
        labels: torch.Tensor,
        validation: tuple[Sequence[str], Sequence[str]] | None,
        reporter: Reporter,
        checkpoint: Path | None,
    ) -> TrainingHistory:
        device = resolve_device(self.device)
        x, last_pos = self.model_.vocabulary.encode(names)
        weights = repeat_weights(names, labels.tolist(), self.repeat_discount)
        learned = np.bincount(labels, weights, minlength=len(self.classes_))
        counts = np.bincount(labels, minlength=len(self.classes_))
        present = counts > 0  # the held-out part may have taken all names of a small language
        ratio = np.divide(counts, learned, out=np.ones(len(counts)), where=present)
        self.model_.log_shift.copy_(torch.from_numpy(np.log(ratio)))
        batches = minibatches(
            *(part.to(device) for part in (x, last_pos, labels, torch.tensor(weights).float())),
            batch_size=self.batch_size,
            seed=derive_seed(self.random_state, "batches"),
        )
        steps = self.epochs * batches.steps_per_epoch
        optimizer = torch.optim.AdamW(
            self.model_.parameters(),
            lr=self.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=self.weight_decay,
            fused=True,  # one pass over the n-gram tables instead of several
        )
        return train(
            self.model_,
            cross_entropy,
            batches,
            optimizer=optimizer,
            steps=steps,
            schedule=one_cycle(steps, peak=0.2),
            clip_norm=self.clip_norm,
            evaluate=None if validation is None else self._accuracy(*validation),
            reporter=reporter,
            checkpoint=checkpoint,
        )

    def _accuracy(self, X: Sequence[str], y: Sequence[str]) -> Any:
        names, true = check_training(X, y)

        def evaluate(model: Ensemble) -> dict[str, float]:
            logits = predict_logits(model, names, resolve_device(self.device))
            predicted = self.classes_[mean_probabilities(logits).argmax(axis=1)]
            return {"validation_accuracy": float(np.mean(predicted == np.array(true)))}

        return evaluate

    # ----------------------------------------------------------------- answering

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """Return (n, classes) probabilities in the order of ``classes_``; rows sum to 1."""
        check_is_fitted(self, "model_")
        self._check_settings()
        names = check_names(X)
        self._notice(names)
        if not names:
            return np.empty((0, len(self.classes_)))
        probabilities = mean_probabilities(self._logits(names), self.temperature_)
        if self.priors is None:
            return probabilities
        return shift_priors(
            probabilities, self.class_prior_, as_priors(self.priors, self.classes_.tolist())
        )

    def predict(self, X: Sequence[str]) -> NDArray[np.str_]:
        """Return the most probable language of each name, or :data:`ABSTAINED`."""
        probabilities = self.predict_proba(X)
        if not len(probabilities):
            return np.empty(0, dtype=self.classes_.dtype)
        chosen = self.classes_[probabilities.argmax(axis=1)]
        return np.where(probabilities.max(axis=1) >= self.abstain_below, chosen, ABSTAINED)

    def top_k(self, X: Sequence[str], k: int = 3) -> list[list[tuple[str, float]]]:
        """Return for each name the ``k`` most probable languages with their probabilities."""
        if k < 1:
            raise InputError(f"k={k} must be at least 1")
        rows = self.predict_proba(X)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
        return [
            [(str(self.classes_[column]), float(row[column])) for column in columns]
            for row, columns in zip(rows, order, strict=True)
        ]

    def _logits(self, names: Sequence[str]) -> torch.Tensor:
        return predict_logits(self.model_, names, resolve_device(self.device))

    # ------------------------------------------------------------------- keeping

    def save(self, path: Path | str) -> None:
        """Write everything to one safetensors file (weights, and JSON in its header)."""
        check_is_fitted(self, "model_")
        described = {
            "parameters": self.get_params(),
            "classes": self.classes_,
            "class_prior": self.class_prior_,
            "ngrams": self.model_.vocabulary.ngrams,
            "temperature": self.temperature_,
        }
        storage.write(Path(path), self.model_.state_dict(), described)

    @classmethod
    def load(cls, path: Path | str) -> NameClassifier:
        """Read what :meth:`save` wrote; predictions are the same.

        Raises :class:`~eigenlab.errors.InputError` when the file is missing, damaged or holds
        something else.
        """
        weights, described = storage.read(Path(path))
        try:
            model = cls(**described["parameters"])
            model.classes_ = np.array(described["classes"])
            model.class_prior_ = np.array(described["class_prior"])
            model.temperature_ = float(described["temperature"])
            vocabulary = NGramVocabulary(described["ngrams"], model.ngrams)
            model.model_ = model._build(len(model.classes_), vocabulary)
            model.model_.load_state_dict(weights)
        except (KeyError, TypeError, RuntimeError) as error:
            raise InputError(
                f"{path} does not hold this version's NameClassifier: {error}"
            ) from None
        return model

    # ------------------------------------------------------------------ checking

    def _check_settings(self) -> None:
        for name in ("members", "epochs", "batch_size", "ngrams"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} must be at least 1")
        for name, closed in (
            ("calibration_fraction", False),
            ("abstain_below", True),
            ("repeat_discount", True),
        ):
            value = getattr(self, name)
            if not (0 <= value < 1 or (closed and value == 1)):
                raise InputError(f"{name}={value} must be at least 0 and at most 1 (a share)")
        if self.unreadable not in get_args(Unreadable):
            hint = nearest(str(self.unreadable), get_args(Unreadable))
            raise InputError(
                f"unreadable='{self.unreadable}' is unknown{hint}; choose warn, ignore or error"
            )

    def _notice(self, names: Sequence[str]) -> None:
        """Never leave a letter out in silence, unless told to."""
        if self.unreadable == "ignore":
            return
        found = [(name, unreadable(name)) for name in names]
        found = [(name, characters) for name, characters in found if characters]
        if not found:
            return
        seen = "".join(sorted({symbol for _, characters in found for symbol in characters}))[:20]
        text = (
            f"{len(found)} of {len(names)} names hold letters or digits outside the alphabet "
            f"({seen}), which are not read; first: {found[0][0][:40]!r}"
        )
        if self.unreadable == "error":
            raise InputError(f"{text}; spell them out in the letters a-z")
        warnings.warn(text, UnreadableCharactersWarning, stacklevel=3)
