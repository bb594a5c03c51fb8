"""What a user types, what they see, and the status they get."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import subprocess
import sys

import pytest

import eigenlab
from eigenlab.cli import reproduce
from eigenlab.cli import run as run_command
from eigenlab.cli.selection import select
from eigenlab.errors import InputError
from eigenlab.experiments import outlines
from toy_paths import SHOWN, load

HEAVY = ("torch", "plotly", "pydantic", "sklearn", "scipy", "numpy", "jinja2", "joblib", "pooch")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("words", [["--help"], ["--version"], [], ["verify", "--help"]])
def test_help_and_version_import_nothing_heavy(words):
    script = (
        "import sys\nfrom eigenlab.cli import main\n"
        f"status = main({words!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert done.stderr == ""


def test_version_is_the_package_version(call):
    assert call("--version").out.strip() == eigenlab.__version__


def test_help_lists_every_command(call):
    shown = call("--help").out
    for command in ("list", "run", "reproduce", "verify", "report", "data", "doctor", "bench"):
        assert f" {command} " in shown


def test_list_names_experiments_and_questions(call):
    shown = call("list")
    assert shown.status == 0
    head, row = shown.out.splitlines()
    assert head.split() == [
        "experiment", "questions", "minutes:", "smoke,", "course,", "full", "title"
    ]  # fmt: skip
    assert row.split() == ["toy", "9a,", "9b", "0.01,", "2,", "?", "A", "toy"]
    assert row.index("9a") == head.index("questions")
    assert row.index("A toy") == head.index("title")
    assert json.loads(call("list", "--json").out) == {
        "toy": {
            "title": "A toy",
            "questions": ["9a", "9b"],
            "minutes": {"smoke": 0.01, "course": 2.0},
        }
    }


def test_run_help_lists_the_fields_with_unit_bounds_default_and_presets(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = call("run", "toy", "--help").out
    assert "--steps INT" in shown
    assert "Number of steps to take. [steps; ≥ 1; ≤ 1000; default 4; smoke: 2; course: 3;" in shown
    assert "[choices: plain, broken, absent, refused]" in shown
    assert "--loud --no-loud" in shown
    assert "at least 1 long" in shown
    assert "--seed INT" in shown


def test_run_without_a_name_lists_the_experiments(call):
    for words in (["run"], ["run", "--help"]):
        assert "A toy" in call(*words).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rn", "toy"], 'Did you mean "run"?'),
        (["run", "tyo"], "experiment 'tyo' is unknown (did you mean 'toy'?)"),
        (["run", "toy", "--stps", "3"], "--steps"),
        (["run", "toy", "--preset", "smok"], "did you mean 'smoke'?"),
        (["run", "toy", "--steps", "0"], "steps=0: input should be greater than or equal to 1"),
        (["run", "toy", "--steps", "many"], '"many"'),
        (["run", "toy", "--steps", "3.5"], '"3.5" is not a whole number'),
        (["run", "toy", "--seed", "1.9"], '"1.9" is not a whole number'),
        (["run", "toy", "--pause", "inf"], "pause=inf: input should be a finite number"),
        (["reproduce", "--jobs", "0"], "--jobs 0"),
        (["run", "toy", "--steps", "0", "--pause", "-1"], "pause=-1.0"),
        (["run", "toy", "--kind", "plane"], 'Did you mean "plain"?'),
        (["run", "--steps", "3", "toy"], "name the experiment before --steps"),
        (["run", "toy", "--resume"], "--resume needs --out"),
        (["run", "toy", "extra"], "extra"),
        (["reproduce", "--only", "8"], "--only 8"),
        (["reproduce", "--only", ","], "--only is empty"),
        (["reproduce", "--only", "q"], "--only q: no experiment answers that question"),
        (["reproduce", "--preset", "smok"], "did you mean 'smoke'?"),
        (["verify", "nowhere"], "nowhere is not a folder"),
        (["verify", "."], "holds no run"),
        (["report", "."], "holds no run"),
        (["verify"], "requires an argument"),
        (["bench", "recurent-layer"], "benchmark 'recurent-layer' is unknown"),
    ],
)
def test_a_mistake_is_reported_in_one_line_and_leaves_no_file(call, tmp_path, words, message):
    status, out, err = call(*words)
    assert status == 2
    assert out == ""
    assert err.startswith("eigenlab: ")
    assert err.count("\n") == 1
    assert message in err
    assert files(tmp_path) == []


def test_all_errors_of_a_config_are_reported_at_once(call):
    err = call("run", "toy", "--steps", "0", "--pause", "-1").err
    assert "steps=0" in err
    assert "pause=-1" in err


def test_run_writes_a_run_folder_and_returns_zero(call, tmp_path):
    status, out, _ = call("run", "toy", "--preset", "smoke")
    assert status == 0
    assert "9b.mean" in out
    assert "failed, as documented" in out
    assert "runs/toy" in out
    settings = json.loads((tmp_path / "runs/toy/config.json").read_text())
    assert settings["config"]["steps"] == 2
    assert "runs/toy-2" in call("run", "toy", "--preset", "smoke").out


def test_fields_given_override_the_preset(call, tmp_path):
    call("run", "toy", "--steps", "7", "--sizes", "1", "3.5", "--loud", "--out", "here")
    config = json.loads((tmp_path / "here/config.json").read_text())["config"]
    assert (config["steps"], config["sizes"], config["loud"]) == (7, [1.0, 3.5], True)


def test_a_departure_from_the_documentation_returns_one(call):
    status, out, _ = call("run", "toy", "--sizes", "5")
    assert status == 1
    assert "9b.mean departs from its documented outcome: failed" in out
    assert call("run", "toy", "--kind", "broken").status == 1


def test_a_claim_that_was_not_run_is_no_departure(call):
    status, out, _ = call("run", "toy", "--kind", "absent")
    assert status == 0
    assert "the toy was asked to be absent" in out


def test_json_is_all_that_is_printed(call):
    shown = call("run", "toy", "--json")
    content = json.loads(shown.out)
    assert content["metrics"] == {"mean size": 2.0}
    assert {claim["id"]: claim["outcome"] for claim in content["claims"]} == {
        "9a.counts": "held",
        "9b.mean": "held",
        "9b.large": "failed",
    }
    assert "toy: count" in shown.err


def test_an_existing_run_is_not_overwritten(call):
    assert call("run", "toy", "--out", "here").status == 0
    again = call("run", "toy", "--out", "here")
    assert again.status == 2
    assert "--resume" in again.err
    resumed = call("run", "toy", "--out", "here", "--resume")
    assert resumed.status == 0
    assert "kept from the earlier run" in resumed.err
    other = call("run", "toy", "--out", "here", "--resume", "--steps", "9")
    assert other.status == 2
    assert "another steps" in other.err


def test_a_bug_keeps_its_traceback(call, monkeypatch):
    def broken(*_args, **_options):
        raise KeyError("a bug")

    monkeypatch.setattr(run_command, "perform", broken)
    with pytest.raises(KeyError, match="a bug"):
        call("run", "toy")


def test_reproduce_writes_the_report_and_verify_agrees(call, tmp_path):
    status, out, _ = call("reproduce", "--preset", "smoke")
    assert status == 0
    assert "report/index.html" in out
    page = (tmp_path / "report/index.html").read_text()
    assert "9b.mean" in page
    assert call("verify", "report").status == 0
    (tmp_path / "report/index.html").unlink()
    assert call("report", "report").status == 0
    assert (tmp_path / "report/index.html").read_text() == page


def test_reproduce_again_needs_resume(call):
    assert call("reproduce", "--preset", "smoke").status == 0
    again = call("reproduce", "--preset", "smoke")
    assert again.status == 2
    assert "--resume" in again.err
    assert call("reproduce", "--preset", "smoke", "--resume").status == 0
    other = call("reproduce", "--preset", "full", "--resume")
    assert other.status == 2
    assert "report/runs/toy was run with other settings" in other.err


def test_one_broken_experiment_does_not_stop_the_others(call, tmp_path, monkeypatch):
    original = reproduce.perform

    def perform(experiment, config, folder, *, resume):
        if experiment.name == "early":
            raise InputError("this one is broken")
        return original(experiment, config, folder, resume=resume)

    early = dataclasses.replace(load("toy", SHOWN), name="early")
    monkeypatch.setattr(reproduce, "perform", perform)
    monkeypatch.setattr(reproduce, "select", lambda only: ["early", "toy"])
    monkeypatch.setattr(
        reproduce,
        "load_experiment",
        lambda name: early if name == "early" else load("toy", SHOWN),
    )
    status, _, err = call("reproduce", "--preset", "smoke", "--jobs", "1")
    assert status == 1
    assert "early: this one is broken" in err
    page = (tmp_path / "report/index.html").read_text()
    assert "9b.mean" in page
    assert "this one is broken" in page


def test_a_damaged_run_fails_alone_and_the_page_is_written(call, tmp_path):
    words = ("reproduce", "--preset", "smoke", "--resume")
    assert call(*words).status == 0
    (tmp_path / "report/runs/toy/records/count.json").write_text('{"rec')
    (tmp_path / "report/index.html").unlink()
    status, _, err = call(*words)
    assert status == 1
    assert "count.json is not readable as JSON" in err
    assert "count.json is not readable" in (tmp_path / "report/index.html").read_text()


def test_reproduce_json(call):
    content = json.loads(call("reproduce", "--preset", "smoke", "--json").out)
    assert [run["experiment"] for run in content["runs"]] == ["toy"]
    assert content["notes"]["toy"]["status"] == "finished"


def test_reproduce_takes_a_seed_and_writes_every_check_as_a_row(call, tmp_path):
    words = ("reproduce", "--preset", "smoke", "--seed", "7", "--csv", "checks.csv")
    assert call(*words).status == 0
    config = json.loads((tmp_path / "report/runs/toy/config.json").read_text())["config"]
    assert config["seed"] == 7
    with (tmp_path / "checks.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["claim"], row["measured"], row["holds"]) for row in rows] == [
        ("9a.counts", "2.0", "True"),
        ("9b.mean", "2.0", "True"),
        ("9b.large", "2.0", "False"),
    ]
    assert {row["experiment"] for row in rows} == {"toy"}
    assert call("reproduce", "--preset", "smoke", "--resume").status == 2, "another seed"


def test_settings_to_which_no_claim_applies_give_no_departure(call):
    status, out, _ = call("run", "toy", "--sizes", "1e6")
    assert status == 0
    assert "9b.mean" in out
    assert "not claimed here" in out
    assert "it applies to sizes from -100 to 100 (here 1000000.0)" in " ".join(
        out.replace("│", " ").split()
    )


def test_show_tells_where_a_question_stands(call):
    out = call("show", "1e").out
    assert "closed_form.py:" in out
    assert "linear_gradients" in out
    assert call("show", "1E").status == 0
    wrong = call("show", "1x")
    assert wrong.status == 2
    assert "question '1x' is unknown" in wrong.err


def test_only_selects_by_question_number_or_name():
    assert select("1e") == ["gradient-flow"]
    assert select("2") == ["surnames"]
    assert select("2a, rnn-layer") == ["rnn-layer", "surnames"]
    assert select("3a-ii") == select("3a") == ["latent-width", "few-label-probe"]
    assert select("3a'") == select("3a’") == ["few-label-probe"]
    assert select("5f") == select("5.F") == ["graph-clustering"]
    assert select("1") == ["rnn-layer", "gradient-flow", "gradient-statistics", "stacked-rnn"]
    assert select(None) == list(outlines())
    with pytest.raises(InputError, match="did you mean 'surnames'"):
        select("surname")


def test_verify_finds_altered_records_and_altered_outcomes(call, tmp_path):
    call("run", "toy", "--out", "run")
    record = tmp_path / "run/records/average.json"
    text = record.read_text()
    record.write_text(text.replace('"mean": 2.0', '"mean": 2.5'))
    status, out, _ = call("verify", "run")
    assert status == 1
    assert "result.json says held" in " ".join(out.replace("│", " ").split())
    record.write_text(text)
    assert call("verify", "run").status == 0

    result = tmp_path / "run/result.json"
    stored = json.loads(result.read_text())
    stored["claims"][0]["checks"][0]["measured"] = 12.0
    result.write_text(json.dumps(stored))
    found = json.loads(call("verify", "run", "--json").out)
    assert found["agrees"] is False
    assert [claim["id"] for claim in found["claims"] if claim["difference"]] == ["9a.counts"]


def test_verify_finds_a_removed_and_an_added_record(call, tmp_path):
    call("run", "toy", "--out", "run")
    (tmp_path / "run/records/average.json").unlink()
    assert call("verify", "run").status == 1
    call("run", "toy", "--out", "absent", "--kind", "absent")
    (tmp_path / "absent/records/average.json").write_text(
        '{"seconds": 0.0, "record": {"seeds": [0], "mean": 2.0, "sizes": [2.0]}}'
    )
    assert call("verify", "absent").status == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("config.json", '{"experiment": "toy"}'),
        ("config.json", '{"experiment": "tyo", "config": {}}'),
        ("config.json", '{"format": 1, "experiment": "toy", "config": {"steps": -1}}'),
        ("records/count.json", '{"rec'),
        ("records/count.json", "{}"),
        ("records/count.json", b"\xff\xfe"),
        ("result.json", "{}"),
        ("result.json", '{"status": "finished", "stages": {}, "claims": [{"id": 3}]}'),
        ("result.json", '{"status": "finished", "stages": {}}'),
        ("environment.json", "[1]"),
    ],
)
def test_a_damaged_file_is_named(call, tmp_path, name, content):
    call("run", "toy", "--out", "run")
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "run" / name).write_bytes(data)
    status, _, err = call("verify", "run")
    assert status == 2
    assert err.count("\n") == 1
    assert "run" in err


def test_only_the_first_rank_prints_and_writes(call, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    status, out, err = call("run", "toy", "--out", "run")
    assert (status, out, err) == (0, "", "")
    status, out, err = call("reproduce", "--out", "all")
    assert (status, out, err) == (0, "", "")
    assert files(tmp_path) == []


def test_a_run_that_is_refused_at_its_first_stage_leaves_nothing(call, tmp_path):
    for words in ([], ["--out", "a/b/c"]):
        shown = call("run", "toy", "--kind", "refused", *words)
        assert shown.status == 2
        assert "the data is not here" in shown.err
        assert files(tmp_path) == []
    (tmp_path / "mine").mkdir()
    assert call("run", "toy", "--kind", "refused", "--out", "mine/run").status == 2
    assert files(tmp_path) == ["mine"]


def test_an_absent_device_is_refused_before_anything_is_written(call, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    shown = call("run", "toy", "--device", "cuda")
    assert shown.status == 2
    assert "cuda" in shown.err
    assert files(tmp_path) == []


def test_a_file_in_place_of_a_folder_is_reported_in_one_line(call, tmp_path):
    (tmp_path / "taken").write_text("mine")
    for words in (
        ["run", "toy", "--out", "taken"],
        ["run", "toy", "--out", "taken/run"],
        ["reproduce", "--out", "taken"],
        ["verify", "taken"],
    ):
        shown = call(*words)
        assert shown.status in (1, 2)
        assert "taken" in shown.err
        assert "Traceback" not in shown.err
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_full_disk_is_reported_in_one_line(call, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device", "run/records/count.json")

    monkeypatch.setattr(run_command, "perform", full)
    shown = call("run", "toy")
    assert shown.status == 2
    assert shown.err == "eigenlab: run/records/count.json: No space left on device\n"


def test_a_terminal_without_unicode_gets_plain_characters(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "160"}
    command = [sys.executable, "-m", "eigenlab", "run", "toy", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "ok held" in done.stdout
    assert "x failed, as documented" in done.stdout
    assert ">= 10" in done.stdout
    assert "+- 1e-9" in done.stdout
    assert "?" not in done.stdout


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("2", 2)])
def test_one_thread_unless_asked_for_more(call, tmp_path, monkeypatch, asked, threads):
    import torch

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # as torch does by itself when it starts with that environment
    try:
        assert call("run", "toy", "--out", "run").status == 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    stored = json.loads((tmp_path / "run/environment.json").read_text())
    assert stored["threads"] == threads


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("TITLE = (", "SyntaxError"),
        ("import absent_module", "absent_module"),
        ("", "has no attribute 'TITLE'"),
    ],
)
def test_a_package_that_is_no_experiment_is_named(call, tmp_path, monkeypatch, source, told):
    folder = tmp_path / "unreadable"
    folder.mkdir()
    (folder / "__init__.py").write_text(source)
    monkeypatch.setattr(eigenlab.experiments, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "eigenlab.experiments.unreadable", raising=False)
    monkeypatch.delattr(eigenlab.experiments, "unreadable", raising=False)
    status, _, err = call("list")
    sys.modules.pop("eigenlab.experiments.unreadable", None)
    assert status == 2
    assert "the experiment in folder unreadable cannot be read" in err
    assert told in err
    assert "Traceback" not in err


def test_a_missing_folder_of_experiments_is_named(call, monkeypatch):
    monkeypatch.setattr(eigenlab.experiments, "__path__", ["nowhere"])
    status, _, err = call("list")
    assert status == 2
    assert "EIGENLAB_EXPERIMENTS names nowhere, which is not a folder" in err
