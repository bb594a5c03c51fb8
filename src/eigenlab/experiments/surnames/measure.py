"""What ``surnames`` measures: the data, the accuracy of every model, and the tanh RNN's audit."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.experiments.surnames.config import SurnamesConfig
from eigenlab.experiments.surnames.records import (
    BEST,
    RNN,
    AccuracyRecord,
    AuditedModel,
    AuditRecord,
    BaseRateShift,
    DataRecord,
    FinishedTraining,
    LanguageLines,
    ModelScores,
    Predictions,
    Uncalibrated,
)
from eigenlab.experiments.surnames.training import MODELS, Part, dataset, fit, lines, take
from eigenlab.lab import Context, stage
from eigenlab.names import ambiguity_ceiling, evaluate, split_names
from eigenlab.names import audit as audit_classifier
from eigenlab.names.metrics import chance_calibration_error
from eigenlab.names.priors import total_variation_distance
from eigenlab.names.protocols import PROTOCOLS, Protocol, overlap


@stage
def data(config: SurnamesConfig, context: Context) -> DataRecord:
    """Sizes, base rates, ambiguity and overlap of the lines that are used."""
    chosen = dataset(config)
    names, languages = everything = lines(chosen)
    split = {protocol: split_names(protocol, names, seed=config.seed) for protocol in PROTOCOLS}
    counts = Counter(languages)
    distinct = Counter(language for _, language in set(zip(names, languages, strict=True)))
    return DataRecord(
        data=chosen,
        lines=len(names),
        distinct_names=len(set(names)),
        languages={
            label: LanguageLines(lines=counts[label], distinct=distinct[label]) for label in counts
        },
        majority=max(counts.values()) / len(names),
        test_lines={protocol: len(part.test) for protocol, part in split.items()},
        test_lines_seen_in_training={
            protocol: overlap(names, part) for protocol, part in split.items()
        },
        ambiguity_ceiling={
            protocol: ambiguity_ceiling(*take(everything, part.test.tolist()))
            for protocol, part in split.items()
        },
    )


@stage
def accuracy(config: SurnamesConfig, context: Context) -> AccuracyRecord:
    """Every model on both protocols, for every seed (of the split and of the training).

    Each finished training is kept, so that an interrupted run does not repeat it.
    """
    chosen = dataset(config)
    seeds = [config.seed + k for k in range(config.n_seeds)]
    models = [model for model in MODELS if model != BEST or config.best]
    jobs = [(seed, protocol, model) for seed in seeds for protocol in PROTOCOLS for model in models]
    tested = []
    for done, (seed, protocol, model) in enumerate(jobs):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(done, len(jobs), f"{model}, {protocol} split, seed {seed}")
        name = f"{chosen}-{model}-{protocol}-{seed}".replace(" ", "-")
        job = _Job(config, chosen, protocol, model, seed, name)
        tested.append(
            context.part(f"{name}-tested", FinishedTraining, partial(_test, job, context))
        )
    context.reporter.progress(len(jobs), len(jobs), "all models")
    return AccuracyRecord(
        data=chosen,
        seeds=seeds,
        epochs=config.epochs,
        rows=[item.scores for item in tested],
        predictions={
            item.scores.protocol: item.predictions
            for item in tested
            if item.predictions is not None
        },
    )


@dataclass(frozen=True)
class _Job:
    """One training and its test."""

    config: SurnamesConfig
    data: str
    protocol: Protocol
    model: str
    seed: int
    name: str


def _test(job: _Job, context: Context) -> FinishedTraining:
    """Train one model and test it."""
    begin = time.perf_counter()
    train, test = _split(job.data, job.protocol, job.seed)
    classifier = fit(
        job.model,
        job.config,
        train,
        seed=job.seed,
        validation=test if job.model == RNN else None,
        reporter=context.reporter,
        checkpoint=context.checkpoint(job.name),
    )
    seconds = time.perf_counter() - begin
    probabilities = classifier.predict_proba(test[0])
    overall = evaluate(probabilities, [str(label) for label in classifier.classes_], test[1])
    kept = ("names", "accuracy", "macro_f1", "nll", "calibration_error")
    audited = job.model == RNN and job.seed == job.config.seed
    return FinishedTraining(
        scores=ModelScores(
            protocol=job.protocol,
            model=job.model,
            seed=job.seed,
            correct=round(overall["accuracy"] * overall["names"]),
            training_seconds=seconds,
            **{key: overall[key] for key in kept},
        ),
        predictions=_predictions(classifier, probabilities, test) if audited else None,
    )


def _split(data: str, protocol: Protocol, seed: int) -> tuple[Part, Part]:
    """Training and test lines."""
    everything = lines(data)
    split = split_names(protocol, everything[0], seed=seed)
    return take(everything, split.train.tolist()), take(everything, split.test.tolist())


def _predictions(classifier: Any, probabilities: NDArray[Any], test: Part) -> Predictions:
    raw = copy.copy(classifier)
    raw.temperature_ = 1.0
    classes = classifier.classes_.tolist()
    before = evaluate(raw.predict_proba(test[0]), classes, test[1])
    return Predictions(
        classes=classes,
        probabilities=probabilities,
        temperature=classifier.temperature_,
        uncalibrated=Uncalibrated(nll=before["nll"], reliability=before["reliability"]),
        learning_curve=classifier.history_.curve("validation_accuracy")[1],
    )


@dataclass
class _Predicted:
    """A classifier whose predictions for the test names are known."""

    classes_: NDArray[Any]
    probabilities: NDArray[np.float64]

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """The stored probabilities; ``X`` are the test names."""
        return self.probabilities


@stage
def audit(config: SurnamesConfig, context: Context) -> AuditRecord:
    """The tanh RNN of the first seed in detail, from its stored predictions."""
    measured = context.record(AccuracyRecord)
    seed = measured.seeds[0]
    return AuditRecord(
        data=measured.data,
        seeds=[seed],
        mean_accuracy={
            protocol: fmean(
                row.accuracy
                for row in measured.rows
                if (row.model, row.protocol) == (RNN, protocol)
            )
            for protocol in PROTOCOLS
        },
        protocols={
            protocol: _audited(
                measured.predictions[protocol], *_split(measured.data, protocol, seed)
            )
            for protocol in PROTOCOLS
        },
    )


def _audited(predictions: Predictions, train: Part, test: Part) -> AuditedModel:
    found = audit_classifier(
        _Predicted(np.array(predictions.classes), np.array(predictions.probabilities)),
        *test,
        training_names=train[0],
        training_languages=train[1],
        populations=populations(predictions.classes),
    )
    shifts = {
        name: BaseRateShift(
            distance=total_variation_distance(shift["true"], shift["trained"]), **shift
        )
        for name, shift in found.pop("populations").items()
    }
    diagram = found["overall"]["reliability"]
    return AuditedModel(
        **found,
        populations=shifts,
        furthest=max(shifts, key=lambda name: shifts[name].distance),
        temperature=predictions.temperature,
        uncalibrated=predictions.uncalibrated,
        chance_calibration_error=chance_calibration_error(diagram["count"], diagram["confidence"]),
        learning_curve=predictions.learning_curve,
    )


def populations(classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Two other populations: all languages equally common, and one in which few dominate.

    In the second the k-th language in backward alphabetical order has a share in proportion to
    1/k (Zipf's law): an arbitrary choice made before any result was seen.
    """
    backwards = sorted(classes, reverse=True)
    return {
        "uniform": dict.fromkeys(classes, 1.0),
        "zipf": {label: 1 / rank for rank, label in enumerate(backwards, 1)},
    }
