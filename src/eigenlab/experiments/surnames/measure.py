"""What ``surnames`` measures: the data, the accuracy of every model, and the tanh RNN's audit."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.experiments.surnames.config import SurnamesConfig
from eigenlab.experiments.surnames.lines import Lines
from eigenlab.experiments.surnames.records import (
    BEST,
    MAJORITY,
    RNN,
    AboveMajority,
    AccuracyRecord,
    AuditedModel,
    AuditRecord,
    BaseRateShift,
    DataRecord,
    FinishedTraining,
    HeldOut,
    LanguageLines,
    Membership,
    ModelScores,
    Predictions,
    Repetition,
    Uncalibrated,
)
from eigenlab.experiments.surnames.training import MODELS, Part, dataset, fit, lines, take
from eigenlab.lab import Context, stage
from eigenlab.names import (
    NameClassifier,
    ambiguity_ceiling,
    evaluate,
    is_readable,
    spelling,
    split_names,
)
from eigenlab.names import audit as audit_classifier
from eigenlab.names.fitting import hold_out
from eigenlab.names.metrics import chance_calibration_error
from eigenlab.names.priors import total_variation_distance
from eigenlab.names.protocols import PROTOCOLS, Protocol, overlap
from eigenlab.statistics import auc_interval, clustered_interval, difference_interval
from eigenlab.training import derive_seed


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
    answers = {
        (item.scores.seed, item.scores.protocol, item.scores.model): item.answers for item in tested
    }
    return AccuracyRecord(
        data=chosen,
        seeds=seeds,
        epochs=config.epochs,
        rows=[item.scores for item in tested],
        above_majority=[
            _above_majority(
                *_split(chosen, protocol, seed),
                answers[seed, protocol, RNN],
                answers[seed, protocol, MAJORITY],
                {"seed": seed, "protocol": protocol},
            )
            for seed in seeds
            for protocol in PROTOCOLS
        ],
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
    classes = [str(label) for label in classifier.classes_]
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
        answers=[classes[column] for column in probabilities.argmax(axis=1)],
        predictions=_predictions(classifier, probabilities, train, test) if audited else None,
    )


def _split(data: str, protocol: Protocol, seed: int) -> tuple[Part, Part]:
    """Training and test lines."""
    everything = lines(data)
    split = split_names(protocol, everything[0], seed=seed)
    return take(everything, split.train.tolist()), take(everything, split.test.tolist())


def _above_majority(
    train: Part,
    test: Part,
    answers: Sequence[str],
    majority: Sequence[str],
    labels: dict[str, Any],
) -> AboveMajority:
    counts = Counter(train[1])
    most = max(sorted(counts), key=counts.__getitem__)
    gain = [
        (answer == true) - (constant == true)
        for answer, constant, true in zip(answers, majority, test[1], strict=True)
    ]
    return AboveMajority(
        majority=test[1].count(most) / len(test[1]),
        gain=clustered_interval(gain, spelling_numbers(test[0])),
        **labels,
    )


def spelling_numbers(names: Sequence[str]) -> list[int]:
    """A number for each name, equal where the spelling is."""
    found: dict[str, int] = {}
    return [found.setdefault(spelling(name), len(found)) for name in names]


def _predictions(
    classifier: NameClassifier, probabilities: NDArray[Any], train: Part, test: Part
) -> Predictions:
    classes = classifier.classes_.tolist()
    raw = copy.copy(classifier)
    raw.temperature_ = 1.0
    before = evaluate(raw.predict_proba(test[0]), classes, test[1])
    counts = Counter(train[1])
    kept, held_out = _calibration_parts(classifier, train)
    return Predictions(
        classes=classes,
        probabilities=probabilities,
        true=[classes.index(language) for language in test[1]],
        spelling=spelling_numbers(test[0]),
        trained=[counts[label] for label in classes],
        held_out=HeldOut(
            logits=np.log(np.maximum(raw.predict_proba(held_out[0]), np.finfo(float).tiny)),
            true=[classes.index(language) for language in held_out[1]],
            also_trained=_common(held_out, kept),
            also_tested=_common(held_out, test),
        ),
        membership=_membership(raw, kept, held_out, test),
        temperature=classifier.temperature_,
        uncalibrated=Uncalibrated(nll=before["nll"], reliability=before["reliability"]),
        learning_curve=classifier.history_.curve("validation_accuracy")[1],
    )


def _calibration_parts(classifier: NameClassifier, train: Part) -> tuple[Part, Part]:
    """The lines on which the network was trained, and those held out for its temperature."""
    readable = take(train, np.flatnonzero(is_readable(train[0])).tolist())
    kept, held_out = hold_out(
        readable[0],
        classifier.calibration_fraction,
        seed=derive_seed(classifier.random_state, "calibration"),
    )
    return take(readable, kept.tolist()), take(readable, held_out.tolist())


def _common(part: Part, other: Part) -> int:
    known = set(map(spelling, other[0]))
    return sum(spelling(name) in known for name in part[0])


def _membership(raw: NameClassifier, kept: Part, held_out: Part, test: Part) -> Membership:
    """Yeom et al. 2018, arXiv:1709.01604: names of low loss are taken for those of the training."""
    members = _distinct(kept)
    scores = {}
    for kind, part in (("trained", kept), ("held out", held_out), ("unseen", test)):
        pairs = sorted(members if kind == "trained" else _distinct(part) - members)
        rows = raw.predict_proba([name for name, _ in pairs])
        columns = [raw.classes_.tolist().index(language) for _, language in pairs]
        scores[kind] = rows[np.arange(len(rows)), columns]
    return Membership(
        trained=len(scores["trained"]),
        unseen=len(scores["unseen"]),
        auc=auc_interval(scores["trained"], scores["unseen"]),
        baseline=auc_interval(scores["held out"], scores["unseen"]),
    )


def _distinct(part: Part) -> set[tuple[str, str]]:
    return {(spelling(name), language) for name, language in zip(*part, strict=True)}


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
        repetition=_repetition(measured, seed),
        protocols={
            protocol: _audited(
                measured.predictions[protocol], *_split(measured.data, protocol, seed)
            )
            for protocol in PROTOCOLS
        },
    )


def _audited(predictions: Predictions, train: Part, test: Part) -> AuditedModel:
    lines = Lines(predictions)
    found = audit_classifier(
        _Predicted(np.array(predictions.classes), lines.p),
        *test,
        training_names=train[0],
        training_languages=train[1],
        populations=populations(predictions.classes),
    )
    shifts = {
        name: BaseRateShift(
            distance=total_variation_distance(shift["true"], shift["trained"]),
            gain=lines.shift_gain(shift["true"]),
            **shift,
        )
        for name, shift in found.pop("populations").items()
    }
    rows = [{**row, **lines.answered(row["threshold"])} for row in found.pop("abstention")]
    diagram = found["overall"]["reliability"]
    return AuditedModel(
        **found,
        distinct=lines.distinct(found["overall"]["labels"]),
        information=lines.information(),
        nll_saved=lines.nll_saved(),
        membership=predictions.membership,
        held_out=predictions.held_out,
        common_minus_rare=lines.common_minus_rare(),
        populations=shifts,
        furthest=max(shifts, key=lambda name: shifts[name].distance),
        abstention=rows,
        temperature=predictions.temperature,
        uncalibrated=predictions.uncalibrated,
        chance_calibration_error=chance_calibration_error(diagram["count"], diagram["confidence"]),
        learning_curve=predictions.learning_curve,
    )


def _repetition(measured: AccuracyRecord, seed: int) -> Repetition:
    """Differences in accuracy between the splits, and between kinds of lines of the course's."""
    course, leak_free = (Lines(measured.predictions[protocol]) for protocol in PROTOCOLS)
    train, test = _split(measured.data, "course", seed)
    known = _distinct(train)
    names = {name for name, _ in known}
    pairs = [(spelling(name), language) for name, language in zip(*test, strict=True)]
    same = np.array([pair in known for pair in pairs])
    new = np.array([name not in names for name, _ in pairs])
    other = ~same & ~new
    return Repetition(
        splits=difference_interval(course.accuracy(), leak_free.accuracy()),
        repeated=course.difference(same, new),
        misled=course.difference(new, other),
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
