"""What every experiment of the course must satisfy; a new row in the table inherits all of it.

Each experiment runs once on its ``smoke`` preset; the cheap ones run again for the same seed.
"""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest

from eigenlab.experiments import TABLE, load_experiment
from eigenlab.files import dump_json
from eigenlab.lab import Outcome, load_result, stored_claims
from eigenlab.report import collect, render, verify

CLAIM_ID = re.compile(r"^\d[a-z]?'?\.[a-z0-9-]+$")
# Axes of these traces are drawn by the trace itself.
WITHOUT_AXES = {"table", "indicator", "pie"}


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """name -> (result of the smoke run, its folder), each run when first asked for."""
    known = {}

    def run(name):
        if name not in known:
            experiment = load_experiment(name)
            folder = tmp_path_factory.mktemp("smoke") / "runs" / name
            known[name] = (
                experiment.run(experiment.config.from_preset("smoke"), folder=folder),
                folder,
            )
        return known[name]

    return run


@pytest.mark.parametrize("name", TABLE)
def test_the_row_and_the_experiment_agree(name):
    experiment = load_experiment(name)
    assert (experiment.name, experiment.title, experiment.source) == (
        name,
        TABLE[name].title,
        TABLE[name].source,
    )
    assert experiment.summary
    assert {claim.question for claim in experiment.claims} == set(experiment.source)


@pytest.mark.parametrize("name", TABLE)
def test_presets_are_valid_and_fields_are_described(name):
    config = load_experiment(name).config
    assert {"smoke", "course", "full"} <= config.presets.keys()
    for preset in config.presets:
        config.from_preset(preset)
    for field, info in config.model_fields.items():
        assert info.description, field
        assert info.description.endswith("."), field


def test_claim_ids_are_well_formed_and_unique_across_the_lab():
    ids = [claim.id for name in TABLE for claim in load_experiment(name).claims]
    assert [claim for claim in ids if not CLAIM_ID.match(claim)] == []
    assert [claim for claim, count in Counter(ids).items() if count > 1] == []


@pytest.mark.parametrize("name", TABLE)
def test_claims_say_what_who_and_why(name):
    for claim in load_experiment(name).claims:
        assert claim.statement.endswith("."), claim.id
        assert claim.source, claim.id
        assert claim.documented in (Outcome.HELD, Outcome.FAILED), claim.id
        assert claim.explanation or claim.documented is Outcome.HELD, claim.id


@pytest.mark.parametrize("name", TABLE)
def test_a_smoke_run_ends_and_nothing_errs(name, smoke):
    result, _ = smoke(name)
    assert result.status == "finished"
    assert [c for c in result.claims if c.outcome is Outcome.ERROR] == []
    assert all(claim.checks or claim.reason for claim in result.claims)


@pytest.mark.parametrize("name", TABLE)
def test_every_figure_names_its_axes(name, smoke):
    result, _ = smoke(name)
    assert result.experiment.figures
    for figure in result.experiment.figures:
        if figure.record not in result.records:
            continue
        assert figure.title, figure.name
        assert figure.caption.endswith("."), figure.name
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


@pytest.mark.parametrize("name", TABLE)
def test_tables_are_rectangular(name, smoke):
    result, _ = smoke(name)
    for table in result.experiment.tables:
        if table.record in result.records:
            columns, rows = table.rows(result.records[table.record])
            assert {len(row) for row in rows} == {len(columns)}, table.name


@pytest.mark.parametrize("name", TABLE)
def test_a_run_folder_gives_the_same_result_again(name, smoke):
    result, folder = smoke(name)
    again = load_result(folder, result.experiment)
    # As text, because NaN is equal to NaN there.
    assert dump_json(again.records) == dump_json(result.records)
    assert repr(again.claims) == repr(result.claims) == repr(stored_claims(folder))
    assert again.metrics == pytest.approx(result.metrics, nan_ok=True)
    assert not [claim for claim in verify(folder).claims if claim.difference]


@pytest.mark.parametrize("name", TABLE)
def test_a_report_can_be_made_of_it(name, smoke):
    _, folder = smoke(name)
    page = render(collect(folder))
    assert "could not be drawn" not in page
    assert len(page.encode()) < 7_000_000


@pytest.mark.parametrize("name", TABLE)
def test_the_same_seed_gives_the_same_records(name, smoke):
    result, _ = smoke(name)
    _forget()
    again = result.experiment.run(result.config)
    assert _without_times(again.records) == _without_times(result.records)


def _forget():
    """Empty what experiments keep in memory between stages, so that a second run measures again."""
    for module in [m for n, m in sys.modules.items() if n.startswith("eigenlab.experiments")]:
        for thing in vars(module).values():
            getattr(thing, "cache_clear", lambda: None)()


def _without_times(value):
    """Measured durations differ between runs; everything else may not."""
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if "seconds" not in k}
    if isinstance(value, list | tuple):
        return [_without_times(item) for item in value]
    return repr(value)
