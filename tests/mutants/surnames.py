"""Mutants of questions 2 and 2a."""

from __future__ import annotations

import copy
import random

import numpy as np
import torch
from sklearn.dummy import DummyClassifier

from eigenlab.experiments.surnames import measure, training
from eigenlab.experiments.surnames.records import MAJORITY, RNN
from eigenlab.names import auditing, evaluate, shift_priors, spelling
from eigenlab.names.metrics import macro_f1
from eigenlab.names.temperature import fit_temperature
from eigenlab.statistics import auc_interval
from mutants import Mutant, replaced

SMALL = {"rnn_size": 32}
FIT = training.fit
FITTED = {}


def fit_once(model, config, train, *, seed, **options):
    """Mutants of what comes after the training share the trained models."""
    key = (model, config.model_dump_json(), seed, hash((tuple(train[0]), tuple(train[1]))))
    if key not in FITTED:
        FITTED[key] = FIT(model, config, train, seed=seed, **options)
    return copy.copy(FITTED[key])


def after_training(patch):
    def both(monkeypatch):
        monkeypatch.setattr(measure, "fit", fit_once)
        patch(monkeypatch)

    return both


def fitted(change, kind=RNN):
    """Other models than were fitted; ``change`` has the model, the training and the test lines."""

    def patch(monkeypatch):
        def wrong(model, config, train, *, validation=None, **options):
            found = fit_once(model, config, train, validation=validation, **options)
            return change(found, train, validation) if model == kind else found

        monkeypatch.setattr(measure, "fit", wrong)

    return patch


def with_temperature(choose):
    def change(model, train, test):
        model.temperature_ = choose(model, train, test)
        return model

    return fitted(change)


def fitted_on(model, part):
    labels = torch.tensor(np.searchsorted(model.classes_, part[1]))
    return fit_temperature(model._logits(part[0]), labels)


def reversed_columns(model, train, test):
    model.classes_ = model.classes_[::-1].copy()
    return model


def least_frequent(model, train, test):
    least = min(sorted(set(train[1])), key=train[1].count)
    return DummyClassifier(strategy="constant", constant=least).fit(*train)


def shuffled(model, train, test):
    """Answers of other names."""
    original = model.predict_proba
    model.predict_proba = lambda names: np.random.default_rng(0).permutation(original(names))
    return model


def equally_right(model, train, test):
    """Right for six of ten names of every language; otherwise, and in confidence, random."""
    classes = model.classes_.tolist()
    language = dict(zip(map(spelling, train[0] + test[0]), train[1] + test[1], strict=True))

    def predict_proba(names):
        rows = []
        for name in names:
            draw = random.Random(spelling(name))
            true = classes.index(language[spelling(name)])
            wrong = draw.choice([k for k in range(len(classes)) if k != true])
            top = draw.uniform(0.3, 0.9)
            row = np.full(len(classes), (1 - top) / (len(classes) - 1))
            row[true if draw.random() < 0.6 else wrong] = top
            rows.append(row)
        return np.array(rows)

    model.predict_proba = predict_proba
    return model


def split(change):
    """Other test lines; ``change`` has the training and the test lines."""
    original = measure._split

    def wrong(*args):
        return change(*original(*args))

    return after_training(lambda monkeypatch: monkeypatch.setattr(measure, "_split", wrong))


def shifted(train, test):
    names, languages = test
    return train, (names, languages[1:] + languages[:1])


def with_trained_lines(train, test):
    half = len(test[0]) // 2
    return train, (test[0][half:] + train[0][:half], test[1][half:] + train[1][:half])


def later(function, wrong):
    return after_training(replaced(function, wrong))


def weighted_f1(f, confusion):
    counts = confusion.sum(axis=1)
    errors = confusion.sum(axis=0) + counts
    occurs = errors > 0
    f1 = 2 * np.diag(confusion)[occurs] / errors[occurs]
    return float((f1 * counts[occurs]).sum() / counts.sum())


def once(f, probabilities, classes, languages):
    """A spelling has the same probabilities on every line."""
    p = np.asarray(probabilities)
    _, first = np.unique(p.round(9), axis=0, return_index=True)
    return f(p[first], classes, [languages[k] for k in first])


def shifted_truth(f, probabilities, classes, languages):
    return f(probabilities, classes, [*languages[1:], languages[0]])


def in_bits(f, *args):
    found = f(*args)
    return {**found, "nll": found["nll"] / np.log(2)}


def least_confident(f, probabilities, classes, languages):
    confidence = probabilities.max(axis=1)
    right = np.array(classes)[probabilities.argmax(axis=1)] == np.array(languages)
    rows = f(probabilities, classes, languages)
    order = np.argsort(confidence)
    for row in rows:
        answered = order[: round(row["coverage"] * len(order))]
        row["accuracy"] = float(right[answered].mean())
    return rows


MUTANTS = [
    Mutant(
        "languages weighted by their lines in macro-F1",
        ("2.scores",),
        later(macro_f1, weighted_f1),
    ),
    Mutant("duplicate names counted once", ("2.scores",), later(evaluate, once)),
    Mutant("the languages of other lines", ("2.scores",), later(evaluate, shifted_truth)),
    Mutant("logarithms to the base 2", ("2.scores",), later(evaluate, in_bits)),
    Mutant(
        "the languages shifted by one line",
        ("2.above-majority", "2a.information"),
        split(shifted),
    ),
    Mutant("labels that belong to other columns", ("2.above-majority",), fitted(reversed_columns)),
    Mutant(
        "a majority of the least frequent language",
        ("2.above-majority",),
        fitted(least_frequent, MAJORITY),
    ),
    Mutant(
        "a temperature fitted on the test names",
        ("2.temperature",),
        with_temperature(lambda model, train, test: fitted_on(model, test)),
    ),
    Mutant(
        "a temperature fitted on trained names",
        ("2.temperature",),
        with_temperature(lambda model, train, test: fitted_on(model, train)),
    ),
    Mutant(
        "the temperature inverted",
        ("2.temperature", "2.calibrated"),
        with_temperature(lambda model, train, test: 1 / model.temperature_),
        SMALL,
    ),
    Mutant("no temperature", ("2.temperature",), with_temperature(lambda *args: 1.0)),
    Mutant("training lines tested", ("2.temperature",), split(lambda train, test: (train, train))),
    Mutant(
        "training lines among the test lines",
        ("2.temperature",),
        split(with_trained_lines),
    ),
    Mutant(
        "equal rates for all languages and random errors",
        ("2a.unequal", "2a.taken-for", "2a.silence"),
        fitted(equally_right),
    ),
    Mutant("answers of other names", ("2a.information", "2a.abstain"), fitted(shuffled)),
    Mutant(
        "trained and unseen names exchanged",
        ("2a.membership",),
        later(auc_interval, lambda f, members, others: f(others, members)),
    ),
    Mutant(
        "test names for those of the training",
        ("2a.membership",),
        later(auc_interval, lambda f, members, others: f(others[::2], others[1::2])),
    ),
    Mutant(
        "new and old base rates exchanged",
        ("2a.correction",),
        later(shift_priors, lambda f, p, old, new: f(p, np.maximum(new, 1e-9), old)),
    ),
    Mutant(
        "base rates of other languages",
        ("2a.correction",),
        later(shift_priors, lambda f, p, old, new: f(p, old, np.roll(new, 1))),
    ),
    Mutant(
        "the least confident names answered",
        ("2a.abstain",),
        later(auditing._abstention, least_confident),
    ),
]
