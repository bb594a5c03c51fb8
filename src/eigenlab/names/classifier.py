"""The recurrent name classifier as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json
from eigenlab.names.checks import (
    ABSTAINED,
    Unreadable,
    check_counts,
    check_names,
    check_share,
    check_training,
    check_unreadable,
)
from eigenlab.names.encoding import spelling
from eigenlab.names.ensemble import (
    Ensemble,
    mean_probabilities,
    predict_logits,
)
from eigenlab.names.fitting import build_ensemble, hold_out, train_ensemble
from eigenlab.names.intended_use import INTENDED_USE
from eigenlab.names.module import ModelType
from eigenlab.names.ngram_embedding import NGramVocabulary
from eigenlab.names.priors import check_priors, shift_priors
from eigenlab.names.temperature import fit_temperature
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingHistory, derive_seed, resolve_device
from eigenlab.training.device import present_or_cpu
from eigenlab.training.seeding import resolve_seed
from eigenlab.training.storage import read_model, write_model

FORMAT = "eigenlab.names.NameClassifier/2"


class NameClassifier(ClassifierMixin, BaseEstimator):
    """Recurrent networks that predict the language of origin of a name (question 2).

    Intended use: guessing the language of origin of a name. Not for inferring the nationality,
    ethnicity, religion or any other fact about a person.

    Names are folded to 57 symbols (:func:`~eigenlab.names.fold`) and case is ignored. A name of any
    length is read to its end. Rows without a letter of the alphabet (an empty string, a missing
    value, 山田) are left out of the fit and answered :data:`ABSTAINED`, with probabilities NaN; one
    warning lists them, and :func:`~eigenlab.names.is_readable` tells which they are.
    ``docs/surnames.md`` describes how the defaults were chosen.

    Args:
        model_type: ``"rnn"`` (tanh) or ``"lstm"``. Default: ``'rnn'``.
        rnn_size: size of the embeddings and of each hidden state. Default: ``128``.
        num_layers: number of stacked recurrent layers. Default: ``1``.
        dropout: dropout probability, see :class:`RecurrentClassifier`. Default: ``0.25``.
        bidirectional: whether names are also read backwards. Default: ``True``.
        max_ngram: length of the longest n-gram that is embedded at each letter, see
            :class:`~eigenlab.names.ngram_embedding.NGramRecurrentClassifier`; 1 for letters only.
            Default: ``4``.
        ngram_dropout: probability of dropping an n-gram in training. Default: ``0.5``.
        n_members: number of networks, trained together; their probabilities are averaged.
            Default: ``2``.
        n_epochs: number of passes over the training names. Default: ``15``.
        batch_size: number of names in a batch. Default: ``128``.
        learning_rate: maximum learning rate of the one-cycle schedule. Default: ``0.003``.
        weight_decay: decoupled weight decay of the AdamW optimiser. Default: ``0.01``.
        clip_norm: maximum Euclidean norm of the gradient. Default: ``1.0``.
        repeat_discount: exponent in [0, 1]; a name on c lines of one language has weight
            c^-repeat_discount on each, so that names repeated often are not memorised. Predictions
            are corrected to the base rates of the unweighted lines. Default: ``0.5``.
        calibration_fraction: share of the training spellings held out to fit the temperature, in
            [0, 1); with 0 the temperature is 1. Default: ``0.05``.
        priors: base rates of the population to predict for, ``{language: weight}`` or a sequence
            in the order of ``classes_``. Default: ``None``, those of the training names.
        abstain_below: ``predict`` returns :data:`ABSTAINED` where the highest probability is below
            this, in [0, 1]. ``score`` counts an abstention as wrong. Default: ``0.0``.
        unreadable: action for names without a letter of the alphabet, and for letters or digits
            that are not in the alphabet ("Ж", "2") and are left out of a name: ``"warn"``,
            ``"ignore"`` or ``"error"``. Default: ``'warn'``.
        random_state: seed or ``RandomState`` of weights, batches, dropout and the held-out part;
            pass an int for reproducible results. Default: ``None``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``. Default: ``'cpu'``.

    Attributes:
        classes_: languages in alphabetical order.
        class_prior_: base rates of the training names, (n_classes,).
        temperature_: temperature of the softmax.
        history_: the :class:`~eigenlab.training.TrainingHistory`; absent after ``load``.
        model_: the trained module.

    >>> names = ["Ivanov", "Petrov", "Orlov", "Rossi", "Bianchi", "Verdi"]
    >>> languages = ["Russian"] * 3 + ["Italian"] * 3
    >>> model = NameClassifier(
    ...     rnn_size=16, n_members=1, batch_size=2, calibration_fraction=0, random_state=0
    ... )
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
        max_ngram: int = 4,
        ngram_dropout: float = 0.5,
        n_members: int = 2,
        n_epochs: int = 15,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        clip_norm: float = 1.0,
        repeat_discount: float = 0.5,
        calibration_fraction: float = 0.05,
        priors: Mapping[str, float] | Sequence[float] | None = None,
        abstain_below: float = 0.0,
        unreadable: Unreadable = "warn",
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.model_type = model_type
        self.rnn_size = rnn_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.max_ngram = max_ngram
        self.ngram_dropout = ngram_dropout
        self.n_members = n_members
        self.n_epochs = n_epochs
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

    def fit(
        self,
        X: Sequence[str],
        y: Sequence[str],
        *,
        validation: tuple[Sequence[str], Sequence[str]] | None = None,
        reporter: Reporter = SILENT,
        checkpoint: Path | None = None,
    ) -> NameClassifier:
        """Fit the classifier.

        Args:
            X: names, (n,); unreadable ones are left out.
            y: language of each name, (n,), at least two different ones.
            validation: names and languages on which the accuracy is measured after each epoch, for
                the learning curve only. Default: ``None``.
            reporter: receives progress and may cancel. Default: silent.
            checkpoint: path prefix of the files from which an interrupted fit with an integer
                ``random_state`` continues. Default: ``None``, no checkpoint.

        Returns:
            The fitted estimator.

        Raises:
            InputError: a name, language or parameter cannot be used.
            Cancelled: the reporter was cancelled.

        Warns:
            UnreadableCharactersWarning: see the parameter ``unreadable``.
        """
        self._check_parameters()
        names, languages = check_training(X, y, self.unreadable)
        seed = resolve_seed(self.random_state)
        self.classes_: NDArray[np.str_] = np.array(sorted(set(languages)))
        if ABSTAINED in self.classes_:
            raise InputError(f"y holds '{ABSTAINED}', which stands for abstaining; rename it")
        place = {language: index for index, language in enumerate(self.classes_)}
        labels = torch.tensor([place[language] for language in languages])
        self.class_prior_: NDArray[np.float64] = np.bincount(labels) / len(labels)
        if self.priors is not None:
            check_priors(self.priors, self.classes_.tolist())  # a mistake shows before the training
        kept, held_out = hold_out(
            names, self.calibration_fraction, seed=derive_seed(seed, "calibration")
        )
        training = [spelling(names[index]) for index in kept]
        where = resolve_device(self.device)
        with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
            torch.manual_seed(derive_seed(seed, "weights"))
            self.model_ = self._build(NGramVocabulary.learn(training, self.max_ngram))
            self.history_: TrainingHistory = train_ensemble(
                self.model_,
                training,
                labels[kept],
                n_epochs=self.n_epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                clip_norm=self.clip_norm,
                repeat_discount=self.repeat_discount,
                seed=seed,
                device=where,
                evaluate=None if validation is None else self._accuracy(*validation),
                reporter=reporter,
                checkpoint=checkpoint,
            )
        self.model_.eval()
        self.temperature_ = 1.0
        if len(held_out):
            chosen = [names[i] for i in held_out]
            self.temperature_ = fit_temperature(self._logits(chosen), labels[held_out])
        return self

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each language.

        Args:
            X: names, (n,).

        Returns:
            (n, n_classes) float64 in the order of ``classes_``; rows sum to 1, and those of names
            that cannot be read are NaN.

        Raises:
            InputError: a parameter cannot be used.

        Warns:
            UnreadableCharactersWarning: see the parameter ``unreadable``.
        """
        check_is_fitted(self, "model_")
        self._check_parameters()
        names, readable = check_names(X, self.unreadable)
        answers = np.full((len(readable), len(self.classes_)), np.nan)
        if not names:
            return answers
        probabilities = mean_probabilities(self._logits(names), self.temperature_)
        if self.priors is not None:
            priors = check_priors(self.priors, self.classes_.tolist())
            probabilities = shift_priors(probabilities, self.class_prior_, priors)
        answers[readable] = probabilities
        return answers

    def predict(self, X: Sequence[str]) -> NDArray[np.str_]:
        """Return the most probable language of each name in ``X`` (n,), or :data:`ABSTAINED`.

        Names that cannot be read are answered :data:`ABSTAINED`, too.
        """
        probabilities = self.predict_proba(X)
        if not len(probabilities):
            return np.empty(0, dtype=self.classes_.dtype)
        chosen = self.classes_[probabilities.argmax(axis=1)]
        # A comparison with NaN is False.
        return np.where(probabilities.max(axis=1) >= self.abstain_below, chosen, ABSTAINED)

    def top_k(self, X: Sequence[str], k: int = 3) -> list[list[tuple[str, float]]]:
        """Return the most probable languages of each name with their probabilities.

        Args:
            X: names, (n,).
            k: number of languages, at least 1. Default: ``3``.

        Returns:
            For each name (language, probability) pairs by descending probability; an empty list
            for a name that cannot be read.
        """
        if k < 1:
            raise InputError(f"k={k} must be at least 1")
        rows = self.predict_proba(X)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
        return [
            [
                (str(self.classes_[column]), float(row[column]))
                for column in columns
                if not np.isnan(row[column])
            ]
            for row, columns in zip(rows, order, strict=True)
        ]

    def save(self, path: Path | str) -> None:
        """Write the fitted classifier to one safetensors file, with JSON in its header.

        Args:
            path: the file. A ``RandomState`` in ``random_state`` is stored as None.
        """
        check_is_fitted(self, "model_")
        parameters = self.get_params()
        if not isinstance(self.random_state, Integral):
            parameters["random_state"] = None  # a generator cannot be stored, nor is it needed
        described = {
            "parameters": parameters,
            "classes": self.classes_,
            "class_prior": self.class_prior_,
            "ngrams": self.model_.vocabulary.ngrams,
            "temperature": self.temperature_,
        }
        write_model(
            path,
            self.model_.state_dict(),
            format=FORMAT,
            intended_use=INTENDED_USE,
            description=dump_json(described, indent=None),
        )

    @classmethod
    def load(cls, path: Path | str) -> NameClassifier:
        """Read a classifier that :meth:`save` wrote; its predictions are the same.

        Where the device of the training is not present, as a GPU on a laptop, ``device`` is
        ``"cpu"``.

        Args:
            path: the file.

        Raises:
            InputError: the file is missing, damaged, or not of a NameClassifier.
        """
        weights, header = read_model(path, format=FORMAT)
        described = load_json(header["description"])
        try:
            model = cls(**described["parameters"])
            model.device = present_or_cpu(model.device)
            model.classes_ = np.array(described["classes"])
            model.class_prior_ = np.array(described["class_prior"])
            model.temperature_ = float(described["temperature"])
            vocabulary = NGramVocabulary(described["ngrams"], model.max_ngram)
            model.model_ = model._build(vocabulary)
            model.model_.load_state_dict(weights)
            model.model_.eval()
        except (KeyError, TypeError, RuntimeError) as error:
            raise InputError(
                f"{path} does not hold this version's NameClassifier: {error}"
            ) from None
        return model

    def _check_parameters(self) -> None:
        check_counts(
            n_members=self.n_members,
            n_epochs=self.n_epochs,
            batch_size=self.batch_size,
            max_ngram=self.max_ngram,
        )
        check_share("calibration_fraction", self.calibration_fraction, below_one=True)
        check_share("abstain_below", self.abstain_below)
        check_share("repeat_discount", self.repeat_discount)
        check_unreadable(self.unreadable)

    def _build(self, vocabulary: NGramVocabulary) -> Ensemble:
        return build_ensemble(
            vocabulary,
            len(self.classes_),
            n_members=self.n_members,
            model_type=self.model_type,
            rnn_size=self.rnn_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            bidirectional=self.bidirectional,
            ngram_dropout=self.ngram_dropout,
        ).to(resolve_device(self.device))

    def _accuracy(
        self, X: Sequence[str], y: Sequence[str]
    ) -> Callable[[Ensemble], dict[str, float]]:
        names, true = check_training(X, y, self.unreadable)

        def evaluate(model: Ensemble) -> dict[str, float]:
            logits = predict_logits(model, names, resolve_device(self.device))
            predicted = self.classes_[mean_probabilities(logits).argmax(axis=1)]
            return {"validation_accuracy": float(np.mean(predicted == np.array(true)))}

        return evaluate

    def _logits(self, names: Sequence[str]) -> torch.Tensor:
        return predict_logits(self.model_, names, resolve_device(self.device))
