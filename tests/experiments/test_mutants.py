"""No judge passes a wrong implementation."""

from __future__ import annotations

import functools
import importlib
import pkgutil

import pytest

import mutants
from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment, outlines
from eigenlab.lab import NotRun, Outcome
from eigenlab.lab.stages import Context, stored_form

pytestmark = pytest.mark.exhaustive

MUTANTS = [
    mutant
    for module in pkgutil.iter_modules(mutants.__path__)
    for mutant in importlib.import_module(f"mutants.{module.name}").MUTANTS
]
EXPERIMENTS = {name: load_experiment(name) for name in outlines()}
CLAIMS = {claim.id: (name, claim) for name, e in EXPERIMENTS.items() for claim in e.claims}


def measured(name, kind, settings):
    """The record of class ``kind`` that an experiment measures, and nothing else."""
    experiment = EXPERIMENTS[name]
    config = experiment.config.from_preset("smoke", **dict(settings))
    records = []
    for stage in experiment.stages:
        if stage.record is kind:
            try:
                return stored_form(stage.measure(config, Context(records=records)))
            except NotRun:  # it reads what earlier stages measured
                return _after_all(experiment, config, kind)
    raise AssertionError(kind)


def _after_all(experiment, config, kind):
    records = []
    for stage in experiment.stages:
        records.append(stored_form(stage.measure(config, Context(records=records))))
        if stage.record is kind:
            return records[-1]
    raise AssertionError(kind)


@functools.cache
def healthy(name, kind, settings):
    return measured(name, kind, settings)


def cases():
    """One test for each mutant and record that its claims read."""
    for mutant in MUTANTS:
        readers = {}
        for id in mutant.claims:
            name, claim = CLAIMS[id]
            readers.setdefault((name, claim.record), []).append(claim)
        for (name, kind), claims in readers.items():
            label = f"{', '.join(claim.id for claim in claims)}: {mutant.name}"
            yield pytest.param(mutant, name, kind, claims, id=label)


@pytest.mark.parametrize(("mutant", "name", "kind", "claims"), list(cases()))
def test_no_judge_passes_a_wrong_implementation(mutant, name, kind, claims, monkeypatch):
    right = healthy(name, kind, tuple(mutant.settings.items()))
    assert {c.id: c.evaluate(right).outcome for c in claims} == {c.id: c.documented for c in claims}
    mutant.patch(monkeypatch)
    if mutant.refused:
        with pytest.raises(InputError, match=mutant.refused):
            measured(name, kind, mutant.settings)
        return
    wrong = measured(name, kind, mutant.settings)
    assert {c.id: c.evaluate(wrong).outcome for c in claims} == {
        c.id: Outcome.FAILED if c.documented is Outcome.HELD else Outcome.HELD for c in claims
    }


def test_the_report_names_the_mutants_that_are_tried():
    tried = {id: {m.name for m in MUTANTS if id in m.claims} for m in MUTANTS for id in m.claims}
    named = {id: set(claim.refutes) for id, (_, claim) in CLAIMS.items() if claim.refutes}
    assert named == tried
