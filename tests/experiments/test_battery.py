"""What every experiment of the course must satisfy; a new package inherits all of it.

Each experiment runs once on its ``smoke`` preset, and again for the same seed.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from eigenlab.experiments import load_experiment, outlines
from eigenlab.experiments.questions import QUESTIONS, find_equation, formulas
from eigenlab.lab import Outcome, run, stored_claims
from eigenlab.report import collect, render, verify
from eigenlab.report.mathematics import render_formula, render_text

pytestmark = pytest.mark.slow

NAMES = list(outlines())
CLAIM_ID = re.compile(r"^\d[a-z]?'?\.[a-z0-9-]+$")
# Axes of these traces are drawn by the trace itself.
WITHOUT_AXES = {"table", "indicator", "pie", "image"}


def test_experiments_come_in_the_order_of_the_course():
    first = [outlines()[name].questions[0] for name in NAMES]
    assert first == sorted(first)
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_the_package_describes_itself(name):
    experiment, outline = load_experiment(name), outlines()[name]
    assert (experiment.name, experiment.title) == (name, outline.title)
    assert experiment.summary
    assert {claim.question for claim in experiment.claims} == set(outline.questions)
    assert {"smoke", "course", "full"} <= outline.minutes.keys()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_has_an_experiment_claims_and_an_equation(question):
    """And the docstring of the equation names the question."""
    answering = [name for name in NAMES if question.id in outlines()[name].questions]
    claims = [c for name in answering for c in load_experiment(name).claims]
    assert [claim for claim in claims if claim.question == question.id]
    assert question.equations
    for name in question.equations:
        equation, path, line = find_equation(name)
        assert path.exists()
        assert line > 0
        named = re.findall(r"questions? ([^)]*)\)", equation.__doc__ or "")
        ids = {id for part in named for id in re.findall(r"\d[a-z]?'?", part)}
        assert question.id in ids, name


def test_every_question_of_an_experiment_is_listed():
    asked = {question for outline in outlines().values() for question in outline.questions}
    assert asked == {question.id for question in QUESTIONS}


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_valid_and_fields_are_described(name):
    config = load_experiment(name).config
    assert {"smoke", "course", "full"} <= config.presets.keys()
    for preset in config.presets:
        config.from_preset(preset)
    for field, info in config.model_fields.items():
        assert info.description, field
        assert info.description.endswith("."), field


def test_claim_ids_are_well_formed_and_unique_across_the_lab():
    ids = [claim.id for name in NAMES for claim in load_experiment(name).claims]
    assert [claim for claim in ids if not CLAIM_ID.match(claim)] == []
    assert [claim for claim, count in Counter(ids).items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_claims_have_a_statement_a_source_and_an_explanation(name):
    for claim in load_experiment(name).claims:
        assert claim.statement.endswith("."), claim.id
        assert claim.source, claim.id
        assert claim.documented in (Outcome.HELD, Outcome.FAILED), claim.id
        assert claim.explanation or claim.documented is Outcome.HELD, claim.id


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_is_a_statement_of_the_course(name):
    for claim in load_experiment(name).claims:
        assert (claim.origin == "ours") >= ("question" not in claim.source), claim.id
        assert claim.documented is Outcome.HELD or claim.origin != "ours", claim.id


@pytest.mark.parametrize("name", NAMES)
def test_every_question_is_answered_with_numbers_of_the_run(name, smoke):
    """In two to six sentences, and in words: no formula of an answer is left undrawn."""
    experiment, result = load_experiment(name), smoke(name).result
    assert {item.question for item in experiment.answers} == set(experiment.questions)
    for item in experiment.answers:
        record = result.record(item.record)
        if record is None:
            continue
        text = item(record)
        sentences = re.findall(r"[.](?=\s|$)", re.sub(r"\$[^$]*\$", "", text))
        assert 2 <= len(sentences) <= 6, item.question
        assert "nan" not in text, item.question
        assert "$" not in render_text(text)
        for formula in (*formulas(item.question), *(step for _, step in item.derivation)):
            assert render_formula(formula).startswith("<math"), formula


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_run_ends_and_nothing_errs(name, smoke):
    result = smoke(name).result
    assert result.status == "finished"
    assert [c for c in result.claims if c.outcome is Outcome.ERROR] == []
    assert all(claim.checks or claim.reason for claim in result.claims)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_names_its_axes(name, smoke):
    result = smoke(name).result
    assert result.experiment.figures
    for figure in result.experiment.figures:
        if result.record(figure.record) is None:
            continue
        assert figure.title, figure.name
        assert figure.caption_for(result.config).endswith("."), figure.name
        drawn = result.figure(figure.name)
        assert drawn.data, figure.name
        if all(trace.type in WITHOUT_AXES for trace in drawn.data):
            continue
        solid = [drawn.layout[trace.scene or "scene"] for trace in drawn.data if "scene" in trace]
        if solid:
            for scene in solid:
                assert all(scene[f"{letter}axis"].title.text for letter in "xyz"), figure.name
            continue
        axes = [axis for kind in (drawn.select_xaxes, drawn.select_yaxes) for axis in kind()]
        named = [axis for axis in axes if axis.title.text]
        shown = [axis for axis in axes if axis.visible is not False and not axis.matches]
        assert named, figure.name
        for axis in shown:
            # In a grid of panels the outer axes carry the words for the inner ones.
            assert axis.title.text or len(axes) > 2, figure.name


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_rectangular(name, smoke):
    result = smoke(name).result
    for table in result.experiment.tables:
        if (record := result.record(table.record)) is not None:
            columns, rows = table.rows(record)
            assert {len(row) for row in rows} == {len(columns)}, table.name


@pytest.mark.parametrize("name", NAMES)
def test_a_run_folder_gives_the_same_result_again(name, smoke):
    again, folder, returned = smoke(name)
    # As text, because NaN is equal to NaN there.
    assert str(again.records) == returned["records"]
    assert repr(again.claims) == returned["claims"] == repr(stored_claims(folder))
    assert again.metrics == pytest.approx(returned["metrics"], nan_ok=True)
    assert not [claim for claim in verify(folder).claims if claim.difference]


@pytest.mark.parametrize("name", NAMES)
def test_a_report_can_be_made_of_it(name, smoke):
    folder = smoke(name).folder
    page = render(collect(folder))
    assert "could not be drawn" not in page
    assert len(page.encode()) < 7_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_refutes_its_claim(name, smoke):
    """Every claim has records that change its outcome, whatever the settings."""
    result = smoke(name).result
    for claim in result.experiment.claims:
        assert claim.counterexamples, claim.id
        turned = Outcome.FAILED if claim.documented is Outcome.HELD else Outcome.HELD
        for changes in claim.counterexamples:
            record = result.record(claim.record)
            if record is None:
                continue  # its data is not here; its own test brings a record
            judged = claim.evaluate(record.replaced(changes))
            assert judged.outcome is turned, (claim.id, changes, judged)


@pytest.mark.parametrize("name", NAMES)
def test_figures_only_draw(name):
    """They import nothing that computes: no tensors, no arrays, no library of ours."""
    package = Path(importlib.import_module(outlines()[name].package).__file__).parent
    for path in package.glob("*figures*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            above = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for module in (above + alias.name for alias in node.names):
                assert module.split(".")[0] in ALLOWED or module.startswith(OURS), (path, module)


ALLOWED = {"__future__", "collections", "itertools", "math", "plotly", "statistics", "typing"}
OURS = ("eigenlab.plots", "eigenlab.lab", "eigenlab.experiments", "eigenlab.statistics")


#: Settings with which the longer experiments run twice, for the same seed.
SHORT = {
    "few-label-probe": {
        "digits_updates": 1,
        "digits_label_counts": (),
        "digits_seeds": 1,
        "n_compared_seeds": 1,
        "digits_hidden_sizes": (8,),
    },
    "gradient-statistics": {"n_networks": 20, "training_steps": 20, "n_seeds": 1},
    "graph-clustering": {"n_samples": 300, "outlier_sizes": (300,), "walk_length": 100},
    "latent-width": {"n_samples": 500, "epochs": 1, "probe_epochs": 2},
    "regularized-autoencoder": {
        "steps": 200,
        "full_batch_steps": 20,
        "sgd_epochs": 2,
        "objective_points": 1,
    },
    "stacked-rnn": {"n_networks": 2},
    "surnames": {"epochs": 2, "rnn_size": 8},
}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_records(name, smoke):
    if name in SHORT:
        experiment = load_experiment(name)
        first = run(experiment, experiment.config.from_preset("smoke", **SHORT[name]))
    else:
        first = smoke(name).result
    again = run(first.experiment, first.config)
    assert first.records
    assert _without_times(again) == _without_times(first)


def _without_times(result):
    """Measured durations differ between runs; everything else may not."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if "seconds" not in str(k)}
        if isinstance(value, list | tuple):
            return [strip(item) for item in value]
        return repr(value)

    return {name: strip(record.plain()) for name, record in result.records.items()}
