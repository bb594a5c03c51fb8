"""Interrupted and killed runs keep their finished stages."""

from __future__ import annotations

import json
import signal

import pytest

from processes import wait_for

pytestmark = pytest.mark.slow

SLOW = ("run", "toy", "--out", "run", "--steps", "400", "--pause", "0.05")


def test_ctrl_c_stops_at_a_safe_point_and_says_how_to_continue(start, tmp_path):
    process = start(*SLOW, "--loud")
    wait_for(tmp_path / "run/metrics.jsonl", process, contains="step")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "stopping at the next safe point" in err
    assert "continue with: eigenlab run toy" in err
    assert "--out run --resume" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "interrupted"


def test_a_second_ctrl_c_stops_at_once(start, tmp_path):
    process = start("run", "toy", "--out", "run", "--steps", "2", "--pause", "60", "--loud")
    wait_for(tmp_path / "run/metrics.jsonl", process, contains="step")
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "stopping" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_ctrl_c_during_reproduce_still_writes_the_report(start, tmp_path):
    process = start("reproduce", "--only", "toy", "--out", "all", "--preset", "slow")
    wait_for(tmp_path / "all/runs/toy/metrics.jsonl", process, contains="step")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "eigenlab reproduce --preset slow --out all --resume --only toy" in err
    page = (tmp_path / "all/index.html").read_text()
    assert "Unfinished." in page
    assert "stopped on request" in page
    notes = json.loads((tmp_path / "all/reproduce.json").read_text())["experiments"]
    assert notes["toy"]["status"] == "interrupted"


@pytest.mark.parametrize("moment", ["config.json", "environment.json", "metrics.jsonl"])
def test_a_killed_run_can_be_verified_and_resumed(start, call, tmp_path, moment):
    words = ("run", "toy", "--out", "run", "--steps", "20", "--pause", "0.02", "--loud")
    process = start(*words)
    wait_for(tmp_path / "run" / moment, process)
    process.kill()
    process.communicate()
    shown = call("verify", "run")
    assert shown.status == 0
    assert "not run" in shown.out
    assert call("report", "run").status == 0
    assert call(*words, "--resume").status == 0
    assert call("verify", "run").status == 0
