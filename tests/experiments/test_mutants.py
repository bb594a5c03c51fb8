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
    return [
        pytest.param(mutant, id, id=f"{id}: {mutant.name}")
        for mutant in MUTANTS
        for id in mutant.claims
    ]


@pytest.mark.parametrize(("mutant", "id"), cases())
def test_no_judge_passes_a_wrong_implementation(mutant, id, monkeypatch):
    name, claim = CLAIMS[id]
    settings = tuple(mutant.settings.items())
    assert claim.evaluate(healthy(name, claim.record, settings)).outcome is claim.documented
    mutant.patch(monkeypatch)
    if mutant.refused:
        with pytest.raises(InputError, match=mutant.refused):
            measured(name, claim.record, settings)
        return
    found = claim.evaluate(measured(name, claim.record, settings))
    turned = Outcome.FAILED if claim.documented is Outcome.HELD else Outcome.HELD
    assert found.outcome is turned, found


def test_the_report_names_the_mutants_that_are_tried():
    tried = {id: {m.name for m in MUTANTS if id in m.claims} for m in MUTANTS for id in m.claims}
    named = {id: set(claim.refutes) for id, (_, claim) in CLAIMS.items() if claim.refutes}
    assert named == tried
