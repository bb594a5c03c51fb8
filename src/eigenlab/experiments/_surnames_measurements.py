"""What is measured about surname classifiers: each training once, each number from it."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.dummy import DummyClassifier

from eigenlab.data import load_names, path
from eigenlab.errors import DataError, InputError
from eigenlab.lab import Context, NotRun
from eigenlab.lab.claim import Record
from eigenlab.names import (
    CharacterNGramClassifier,
    NameClassifier,
    ambiguity_ceiling,
    audit,
    evaluate,
    split_names,
)
from eigenlab.names.protocols import PROTOCOLS, Protocol, overlap

if TYPE_CHECKING:
    from eigenlab.experiments.surnames import SurnamesConfig

RNN, BEST, NGRAMS, MAJORITY = "tanh RNN", "best recurrent", "character n-grams", "majority"

#: The network of question 2, one direction, letters only. How it was chosen: docs/surnames.md.
TANH_RNN: dict[str, Any] = {
    "model_type": "rnn",
    "rnn_size": 256,
    "bidirectional": False,
    "ngrams": 1,
    "members": 1,
    "dropout": 0.25,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "repeat_discount": 0.0,
}
#: About as many names are held out for its temperature: one number needs no more.
CALIBRATION_NAMES = 400


@dataclass(frozen=True)
class Training:
    """Everything that decides what one training and its test give."""

    data: str
    folder: Path | None
    protocol: Protocol
    model: str
    seed: int
    epochs: int
    rnn_size: int
    device: str
    context: Context = field(compare=False, repr=False)


def dataset(config: SurnamesConfig) -> str:
    """The dataset that is used: ``auto`` takes the real surnames where they are found."""
    if config.data != "auto":
        return config.data
    return "names" if _folder("names") is not None else "names-mini"


def _folder(data: str) -> Path | None:
    try:
        return path(data)
    except DataError as error:
        raise InputError(str(error)) from error


def lines(data: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All names of a dataset and their languages, line by line.

    Raises :class:`~eigenlab.errors.InputError` when the data cannot be had or read: what is
    missing is for the user to bring, not a failed measurement.
    """
    return _read(data, _folder(data))


@lru_cache(maxsize=4)
def _read(data: str, folder: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        pairs = load_names(data)
    except DataError as error:
        raise InputError(str(error)) from error
    return tuple(name for name, _ in pairs), tuple(language for _, language in pairs)


def measure_data(config: SurnamesConfig, context: Context) -> Record:
    """Sizes, base rates, ambiguity and leakage of the lines that are used."""
    names, languages = lines(dataset(config))
    split = {protocol: split_names(protocol, names, seed=config.seed) for protocol in PROTOCOLS}
    counts = Counter(languages)
    distinct = Counter(language for _, language in set(zip(names, languages, strict=True)))
    return {
        "data": dataset(config),
        "lines": len(names),
        "distinct_names": len(set(names)),
        "languages": {
            label: {"lines": counts[label], "distinct": distinct[label]} for label in counts
        },
        "majority": max(counts.values()) / len(names),
        "test_lines": {protocol: len(part.test) for protocol, part in split.items()},
        "test_lines_seen_in_training": {
            protocol: overlap(names, part) for protocol, part in split.items()
        },
        "ambiguity_ceiling": {
            protocol: ambiguity_ceiling(
                [names[i] for i in part.test], [languages[i] for i in part.test]
            )
            for protocol, part in split.items()
        },
    }


def measure_accuracy(config: SurnamesConfig, context: Context) -> Record:
    """Every model on both protocols, for every seed (of the split and of the training)."""
    models = [MAJORITY, NGRAMS, RNN, *([BEST] if config.best else [])]
    jobs = [(p, model, seed) for seed in seeds(config) for p in PROTOCOLS for model in models]
    rows = []
    for done, (protocol, model, seed) in enumerate(jobs):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(done, len(jobs), f"{model}, {protocol} split, seed {seed}")
        measured = _measure(config, protocol, model, seed, context)
        rows.append({"protocol": protocol, "model": model, "seed": seed, **measured["summary"]})
    context.reporter.progress(len(jobs), len(jobs), "all models")
    return {"data": dataset(config), "seeds": seeds(config), "epochs": config.epochs, "rows": rows}


def measure_audit(config: SurnamesConfig, context: Context) -> Record:
    """The tanh RNN of the first seed, looked at closely on both protocols."""
    return {
        "data": dataset(config),
        "seeds": [config.seed],
        "protocols": {
            protocol: _measure(config, protocol, RNN, config.seed, context)["audit"]
            for protocol in PROTOCOLS
        },
    }


def measure_real(config: SurnamesConfig, context: Context) -> Record:
    """The rows of :func:`measure_accuracy` for the tanh RNN, if the surnames are the real ones."""
    if dataset(config) != "names":
        raise NotRun(
            "these claims are about the course's surnames, which are not used here; run "
            "`eigenlab data fetch names` or set EIGENLAB_DATA, then --data names"
        )
    if config.epochs > COURSE_EPOCHS:
        raise NotRun(f"the course allows {COURSE_EPOCHS} epochs, this run has {config.epochs}")
    accuracy = measure_accuracy(config, context)
    return {
        **accuracy,
        "rows": [row for row in accuracy["rows"] if row["model"] == RNN],
        "audit": measure_audit(config, context)["protocols"],
    }


def measure_comparison(config: SurnamesConfig, context: Context) -> Record:
    """The rows of the best recurrent model and of the n-grams, if both were trained."""
    if dataset(config) != "names":
        raise NotRun("the comparison is about the course's surnames, which are not used here")
    if not config.best:
        raise NotRun("the best recurrent model takes minutes; add --best (preset full has it)")
    accuracy = measure_accuracy(config, context)
    rows = [row for row in accuracy["rows"] if row["model"] in (BEST, NGRAMS)]
    return {**accuracy, "rows": rows}


COURSE_EPOCHS = 20


def seeds(config: SurnamesConfig) -> list[int]:
    """Seed k splits the lines, draws the weights and orders the batches of repetition k."""
    return [config.seed + k for k in range(config.n_seeds)]


def _measure(
    config: SurnamesConfig, protocol: Protocol, model: str, seed: int, context: Context
) -> dict[str, Any]:
    data = dataset(config)
    return _trained(
        Training(
            data=data,
            folder=_folder(data),
            protocol=protocol,
            model=model,
            seed=seed,
            epochs=config.epochs,
            rnn_size=config.rnn_size,
            device=config.device,
            context=context,
        )
    )


# Several stages look at the same training. The key is all that decides its outcome, so that a
# second stage gets what it would have measured itself.
@lru_cache(maxsize=64)
def _trained(job: Training) -> dict[str, Any]:
    begin = time.perf_counter()
    names, languages = lines(job.data)
    split = split_names(job.protocol, names, seed=job.seed)
    (train, train_y), (test, test_y) = (take(names, languages, part.tolist()) for part in split)
    curve_on = (test, test_y) if job.model == RNN else None
    classifier, history = FIT[job.model](job, (train, train_y), curve_on)
    seconds = time.perf_counter() - begin
    classes = [str(label) for label in classifier.classes_]
    overall = evaluate(classifier.predict_proba(test), classes, test_y)
    found: dict[str, Any] = {
        "summary": {
            key: overall[key] for key in ("accuracy", "macro_f1", "nll", "calibration_error")
        }
        | {"names": overall["names"], "correct": round(overall["accuracy"] * overall["names"])}
        | {"training_seconds": seconds}
    }
    if job.model == RNN:
        found["audit"] = {
            **audit(
                classifier,
                test,
                test_y,
                training_names=train,
                training_languages=train_y,
                populations=populations(classes),
            ),
            "calibration": _calibration(classifier, test, test_y),
            "learning_curve": history,
        }
    return found


def take(
    names: Sequence[str], languages: Sequence[str], part: Sequence[int]
) -> tuple[list[str], list[str]]:
    """The names and languages of the lines of one part of a split."""
    return [names[i] for i in part], [languages[i] for i in part]


Part = tuple[list[str], list[str]]


def _fit_recurrent(job: Training, train: Part, test: Part | None = None) -> tuple[Any, Any]:
    plain = {
        **TANH_RNN,
        "rnn_size": job.rnn_size,
        "epochs": job.epochs,
        "calibration_fraction": min(0.1, CALIBRATION_NAMES / len(train[0])),
    }
    classifier = NameClassifier(
        **(plain if job.model == RNN else {}),  # the defaults are the best that was found
        unreadable="ignore",  # as the course reads them: what is not a letter a-z is left out
        random_state=job.seed,
        device=job.device,
    )
    classifier.fit(
        *train,
        validation=test,
        reporter=job.context.reporter,
        checkpoint=_checkpoint(job),
    )
    curve = classifier.history_.curve("validation_accuracy")[1] if test else []
    return classifier, {"accuracy": curve}


def _checkpoint(job: Training) -> Path | None:
    words = f"{job.model}-{job.protocol}-{job.seed}".replace(" ", "-")
    return job.context.checkpoint(words)


def _fit_ngrams(job: Training, train: Part, test: Part | None = None) -> tuple[Any, Any]:
    return CharacterNGramClassifier().fit(*train), None


def _fit_majority(job: Training, train: Part, test: Part | None = None) -> tuple[Any, Any]:
    return DummyClassifier(strategy="prior").fit(*train), None


#: How each model is fitted: (training, names and languages, the same for a learning curve).
FIT: dict[str, Callable[..., tuple[Any, Any]]] = {
    RNN: _fit_recurrent,
    BEST: _fit_recurrent,
    NGRAMS: _fit_ngrams,
    MAJORITY: _fit_majority,
}


def _calibration(classifier: NameClassifier, test: list[str], true: list[str]) -> dict[str, Any]:
    """Test NLL and calibration error as trained and after temperature scaling."""
    raw = copy.copy(classifier)
    raw.temperature_ = 1.0
    classes = classifier.classes_.tolist()
    kept = ("nll", "calibration_error", "reliability")
    measured = {
        label: {key: evaluate(model.predict_proba(test), classes, true)[key] for key in kept}
        for label, model in (("before", raw), ("after", classifier))
    }
    return {"temperature": classifier.temperature_, **measured}


def populations(classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Two other populations: all languages equally common, and one in which few dominate.

    In the second the k-th language in backward alphabetical order has a share in proportion to
    1/k (Zipf's law): an arbitrary choice made before any result was seen.
    """
    backwards = sorted(classes, reverse=True)
    return {
        "all languages equally common": dict.fromkeys(classes, 1.0),
        "few languages dominate": {label: 1 / rank for rank, label in enumerate(backwards, 1)},
    }


def perfect_calibration_error(reliability: Record) -> float:
    """Expected calibration error of a perfectly calibrated classifier with the same bins.

    In a bin of n names with confidence c the share of hits has standard deviation
    sqrt(c (1 - c) / n), and the mean absolute value of a Gaussian is sqrt(2 / pi) of that. With
    few names this is well above zero.
    """
    counts, confidence = np.array(reliability["count"]), np.array(reliability["confidence"])
    if not len(counts):
        raise InputError("reliability has no bin")
    spread = np.sqrt(confidence * (1 - confidence) / counts)
    return float((counts / counts.sum() * spread).sum() * np.sqrt(2 / np.pi))
