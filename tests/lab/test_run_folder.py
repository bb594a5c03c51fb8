"""Run folders of runs that ended, were stopped or killed, or were damaged afterwards."""

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import killed_run
from eigenlab.errors import Cancelled, DataError, InputError
from eigenlab.lab import (
    Context,
    NotRun,
    Outcome,
    applies_to,
    fresh_folder,
    load_result,
    read_metrics,
    run,
    stored_claims,
    summary,
)
from eigenlab.reporter import Reporter
from toy_paths import TRAINED, load

EXPERIMENT = load("trainable", TRAINED)


@pytest.fixture(autouse=True)
def one_thread():
    """The bits of a sum depend on the number of threads; processes here must agree on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole():
    """The uninterrupted result, in memory."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    result = run(EXPERIMENT)
    torch.set_num_threads(before)
    return result


def same(records, others):
    """Equality where NaN equals NaN, and nothing is rounded."""
    return str(records) == str(others)


def run_as_program(folder, *arguments):
    command = [sys.executable, killed_run.__file__, str(folder), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def with_stage(name, measure):
    """The experiment with another function behind the stage ``name``."""
    stages = tuple(
        replace(stage, measure=measure) if stage.name == name else stage
        for stage in EXPERIMENT.stages
    )
    return replace(EXPERIMENT, stages=stages)


def original(name):
    return next(stage for stage in EXPERIMENT.stages if stage.name == name)


FitRecord, PrepareRecord = original("fit").record, original("prepare").record


def outcomes(result):
    return [claim.outcome.value for claim in result.claims]


def test_a_finished_folder_gives_back_the_result(tmp_path, whole):
    result = run(EXPERIMENT, folder=tmp_path / "run")
    assert outcomes(result) == ["held", "failed", "held", "held"]
    for other in (whole, load_result(tmp_path / "run", EXPERIMENT)):
        assert same(other.records, result.records)
        assert outcomes(other) == outcomes(result)
    assert load_result(tmp_path / "run", EXPERIMENT).status == "finished"
    assert str(stored_claims(tmp_path / "run")) == str(result.claims)  # NaN is not equal to NaN
    assert not list((tmp_path / "run").glob("checkpoints/*")), "finished stages keep none"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"config.json", "environment.json", "metrics.jsonl", "result.json"} <= names


def test_sigkill_in_a_training_then_load_and_resume_equals_an_uninterrupted_run(tmp_path, whole):
    folder = tmp_path / "run"
    assert run_as_program(folder, 37).returncode == -signal.SIGKILL

    left = load_result(folder, EXPERIMENT)
    assert left.status == "interrupted"
    assert list(left.records) == ["prepare"]
    assert outcomes(left) == ["held", "failed", "not run", "not run"]
    assert list(folder.glob("checkpoints/fit/fit.json"))

    assert run_as_program(folder, 55).returncode == -signal.SIGKILL, "and killed again"
    assert load_result(folder, EXPERIMENT).status == "interrupted"

    told = []

    class Listener(Reporter):
        def message(self, text):
            told.append(text)

    resumed = run(EXPERIMENT, folder=folder, resume=True, reporter=Listener())
    assert "prepare: kept from the earlier run" in told
    assert "resumed after step 50 of 60" in told
    assert same(resumed.records, whole.records)
    assert outcomes(resumed) == outcomes(whole)
    assert load_result(folder, EXPERIMENT).status == "finished"

    losses = [row["loss"] for row in read_metrics(folder)]
    assert losses == [loss for _, loss in whole.records["fit"].losses]


def test_cancelling_keeps_what_is_done(tmp_path, whole):
    class Stopper(Reporter):
        def metrics(self, values, *, step):
            if step == 25:
                self.cancel()

    folder = tmp_path / "run"
    with pytest.raises(Cancelled, match="after step 25 of 60"):
        run(EXPERIMENT, folder=folder, reporter=Stopper())
    assert load_result(folder, EXPERIMENT).status == "interrupted"
    resumed = run(EXPERIMENT, folder=folder, resume=True)
    assert same(resumed.records, whole.records)


def test_an_incomplete_last_line_of_metrics_is_ignored_and_removed(tmp_path):
    folder = tmp_path / "run"
    run(EXPERIMENT, folder=folder)
    rows = read_metrics(folder)
    assert [row["step"] for row in rows] == list(range(1, 61))
    path = folder / "metrics.jsonl"
    text = path.read_text()
    path.write_text(text + '{"stage": "fit", "step": 61, "lo')
    assert read_metrics(folder) == rows
    run(EXPERIMENT, folder=folder, resume=True)
    assert path.read_text() == text


def test_a_letter_cut_in_half_does_not_hide_the_metrics(tmp_path):
    folder = tmp_path / "run"
    run(EXPERIMENT, folder=folder)
    rows = read_metrics(folder)
    with (folder / "metrics.jsonl").open("ab") as stream:
        stream.write('{"stage": "é'.encode()[:-1])
    assert read_metrics(folder) == rows


def test_metrics_that_are_not_finite_come_back(tmp_path):
    def measure(config, context):
        for step, value in enumerate([math.inf, -math.inf, math.nan]):
            context.reporter.metrics({"value": value}, step=step)
        return FitRecord(seeds=[0], losses=[], weights=[math.inf, -math.inf, math.nan])

    experiment = with_stage("fit", measure)
    result = run(experiment, folder=tmp_path / "run")
    stored = load_result(tmp_path / "run", experiment).records["fit"].weights
    streamed = [row["value"] for row in read_metrics(tmp_path / "run")]
    for values in (stored, streamed, result.records["fit"].weights):
        assert str(list(values)) == "[inf, -inf, nan]"
    for path in (tmp_path / "run").rglob("*.json*"):
        text = path.read_text()
        for part in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.loads(part, parse_constant=refuse)


def refuse(name):
    pytest.fail(f"bare {name} is not strict JSON")


def test_resume_wants_the_same_settings(tmp_path):
    folder = tmp_path / "run"
    run(EXPERIMENT, folder=folder)
    with pytest.raises(InputError, match=r"already holds a run; add --resume"):
        run(EXPERIMENT, folder=folder)
    other = EXPERIMENT.config(width=5, rate=0.5)
    with pytest.raises(InputError, match="was run with another width, rate; resume with the same"):
        run(EXPERIMENT, other, folder=folder, resume=True)


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="is not empty and not a run folder"):
        run(EXPERIMENT, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_killed_before_its_first_file_can_be_started_again(tmp_path):
    (tmp_path / ".config.json.x1y2").write_text('{"for')
    result = run(EXPERIMENT, folder=tmp_path, resume=True)
    assert result.status == "finished"


def test_a_stage_that_cannot_run_leaves_the_others(tmp_path):
    def absent(config, context):
        raise NotRun("needs a GPU")

    experiment = with_stage("fit", absent)
    result = run(experiment, folder=tmp_path / "run")
    assert outcomes(result) == ["held", "failed", "not run", "held"]
    assert result.claims[2].reason == "needs a GPU"
    assert load_result(tmp_path / "run", experiment).claims[2].reason == "needs a GPU"


def test_a_stage_that_breaks_is_an_error_and_is_tried_again(tmp_path):
    def broken(config, context):
        raise ZeroDivisionError("division by zero")

    experiment = with_stage("fit", broken)
    result = run(experiment, folder=tmp_path / "run")
    assert outcomes(result) == ["held", "failed", "error", "held"]
    assert "ZeroDivisionError: division by zero" in result.claims[2].reason
    stored = load_result(tmp_path / "run", experiment)
    assert outcomes(stored) == outcomes(result)
    assert [claim.id for claim in stored.departures] == ["9c.bound", "9c.learns"]
    again = run(EXPERIMENT, folder=tmp_path / "run", resume=True)
    assert outcomes(again) == ["held", "failed", "held", "held"]


def test_a_stage_that_breaks_outside_the_scope_of_a_claim_is_no_departure():
    def broken(config, context):
        raise ZeroDivisionError("division by zero")

    experiment = with_stage("fit", broken)
    claims = [replace(claim, scope=applies_to(seed=(1, 9))) for claim in experiment.claims]
    narrow = replace(experiment, claims=tuple(claims))
    learns = run(narrow).claims[2]
    assert learns.outcome is Outcome.NOT_CLAIMED
    assert learns.reason == (
        "it applies to seed from 1 to 9 (here 0); ZeroDivisionError: division by zero"
    )
    assert run(narrow, narrow.config(seed=1)).claims[2].outcome is Outcome.ERROR


@pytest.mark.parametrize("error", [InputError("h0 has NaN"), DataError("names is missing")])
def test_the_users_own_mistakes_are_not_findings(tmp_path, error):
    def mistaken(config, context):
        raise error

    with pytest.raises(type(error), match=str(error)):
        run(with_stage("fit", mistaken), folder=tmp_path / "run")
    assert load_result(tmp_path / "run", EXPERIMENT).status == "interrupted"


def test_the_evidence_is_judged_again_not_the_verdict(tmp_path):
    """Someone edits the outcome: the stored record still decides."""
    folder = tmp_path / "run"
    run(EXPERIMENT, folder=folder)
    path = folder / "result.json"
    path.write_text(path.read_text().replace('"failed"', '"held"'))
    assert stored_claims(folder)[1].outcome == Outcome.HELD
    assert load_result(folder, EXPERIMENT).claims[1].outcome == Outcome.FAILED


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("config.json", None, r"config\.json does not exist"),
        ("config.json", "[1]", r"config\.json lacks config"),
        ("config.json", '{"format": 99, "config": {}}', "holds format 99"),
        ("config.json", "{", r"config\.json is not readable as JSON"),
        ("result.json", "[]", r"result\.json lacks status, stages"),
        ("records/fit.json", '{"seconds": 1}', r"fit\.json lacks record"),
        ("records/fit.json", '{"record": {}, "seconds": "x"}', "seconds is not a number"),
        ("records/fit.json", '{"record": {', r"fit\.json is not readable as JSON"),
        ("records/fit.json", '{"record": [], "seconds": 1}', r"fit\.json: input should be a val"),
        (
            "records/fit.json",
            '{"record": {"seeds": [0], "losses": [], "weight": []}, "seconds": 1}',
            r"fit\.json: weights: field required; it was altered or written by another version",
        ),
        (
            "records/fit.json",
            '{"record": {"seeds": [0], "losses": [["x", 1]], "weights": []}, "seconds": 1}',
            r"fit\.json: losses\.0\.0: input should be a valid integer",
        ),
    ],
)
def test_a_damaged_folder_is_reported_in_one_line(tmp_path, file, content, told):
    folder = tmp_path / "run"
    run(EXPERIMENT, folder=folder)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(InputError, match=told) as caught:
        load_result(folder, EXPERIMENT)
    assert "\n" not in str(caught.value)


def test_a_folder_of_another_experiment_is_refused(tmp_path):
    run(EXPERIMENT, folder=tmp_path / "run")
    with pytest.raises(InputError, match="of 'trainable', expected format 2 of 'other'"):
        load_result(tmp_path / "run", replace(EXPERIMENT, name="other"))


def test_a_dangling_reference_is_found_at_import():
    with pytest.raises(InputError, match=r"'9c.learns' reads a FitRecord, which no stage measures"):
        replace(EXPERIMENT, stages=EXPERIMENT.stages[::2])


def test_two_stages_measure_records_of_two_classes():
    with pytest.raises(InputError, match="two stages measure records of one class"):
        replace(EXPERIMENT, stages=(*EXPERIMENT.stages, EXPERIMENT.stages[0]))


def test_a_stage_reads_what_earlier_stages_measured(tmp_path):
    result = run(EXPERIMENT, EXPERIMENT.config(width=5), folder=tmp_path / "run")
    assert result.records["conclude"].width == 5
    (tmp_path / "run/records/conclude.json").unlink()
    again = run(EXPERIMENT, EXPERIMENT.config(width=5), folder=tmp_path / "run", resume=True)
    assert same(again.records, result.records)


def test_a_stage_whose_earlier_record_is_missing_is_not_run():
    def absent(config, context):
        raise NotRun("needs a GPU")

    result = run(with_stage("prepare", absent))
    assert outcomes(result) == ["not run", "not run", "held", "not run"]
    assert "PrepareRecord it needs has no record" in result.claims[3].reason


def test_fresh_folders_do_not_collide(tmp_path):
    names = []
    for _ in range(3):
        folder = fresh_folder(tmp_path, "run")
        folder.mkdir()
        names.append(folder.name)
    assert names == ["run", "run-2", "run-3"]


def test_the_summary_is_strict_json(tmp_path, whole):
    run(EXPERIMENT, folder=tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "result.json").read_text())
    assert stored["status"] == "finished"
    assert [claim["id"] for claim in stored["claims"]] == [
        c["id"] for c in summary(whole)["claims"]
    ]


def test_what_other_code_or_data_measured_is_measured_again(tmp_path, monkeypatch):
    counted = []

    def measure(config, context):
        counted.append(context.checkpoints)
        context.reporter.metrics({"loss": 1.0}, step=len(counted))
        return PrepareRecord(width=4, nothing=math.nan, bound=1.0)

    experiment = with_stage("prepare", measure)
    told = []
    reporter = Reporter()
    monkeypatch.setattr(reporter, "message", told.append)
    folder = tmp_path / "run"
    run(experiment, folder=folder)
    run(experiment, folder=folder, resume=True, reporter=reporter)
    assert len(counted) == 1
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    run(experiment, folder=folder, resume=True, reporter=reporter)
    assert len(counted) == 2
    assert [row["step"] for row in read_metrics(folder) if row["stage"] == "prepare"] == [2]
    environment = json.loads((folder / "environment.json").read_text())
    environment["fingerprint"] = "of other code"
    (folder / "environment.json").write_text(json.dumps(environment))
    run(experiment, folder=folder, resume=True, reporter=reporter)
    assert len(counted) == 3
    assert sum("measuring everything anew" in text for text in told) == 2


def test_a_killed_stage_keeps_its_finished_parts(tmp_path):
    measured = []

    def stage(stop_at, config, context):
        def one(index):
            if index == stop_at:
                raise Cancelled("stopped")
            measured.append(index)
            return FitRecord(seeds=[index], losses=[(index, 0.5)], weights=[math.nan])

        parts = [context.part(f"seed-{i}", FitRecord, lambda i=i: one(i)) for i in range(3)]
        losses = [loss for part in parts for loss in part.losses]
        return FitRecord(seeds=[0, 1, 2], losses=losses, weights=parts[0].weights)

    def experiment(stop_at):
        return with_stage("fit", lambda config, context: stage(stop_at, config, context))

    whole = stage(None, None, Context())
    assert whole.losses == ((0, 0.5), (1, 0.5), (2, 0.5))
    with pytest.raises(Cancelled):
        run(experiment(2), folder=tmp_path / "run")
    del measured[:]
    result = run(experiment(None), folder=tmp_path / "run", resume=True)
    assert measured == [2]
    assert same(result.records["fit"], whole)
    assert not list((tmp_path / "run").glob("checkpoints/*"))
