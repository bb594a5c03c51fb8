"""Several experiments in processes of their own: the same results, and nothing is lost."""

from __future__ import annotations

import json
import signal
import time

import pytest

from processes import wait_for

pytestmark = pytest.mark.slow

NAMES = ("rnn-layer", "toy", "trainable")


def records(folder):
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())["record"]
        for path in sorted(folder.glob("runs/*/records/*.json"))
    }


def test_they_measure_what_one_after_the_other_measures(start, tmp_path):
    words = ("reproduce", "--only", ",".join(NAMES), "--preset", "smoke")
    process = start(*words, "--jobs", "2", "--out", "all")
    out, err = process.communicate(timeout=120)
    # "trainable" has a claim that fails.
    assert process.returncode == 1, err
    assert "9c.bound departs from its documented outcome" in out
    for name in NAMES:
        assert f"{name}: finished in" in err
    assert not (tmp_path / "all/.progress").exists()
    alone = start(*words, "--jobs", "1", "--out", "alone")
    alone.communicate(timeout=120)
    assert str(records(tmp_path / "all")) == str(records(tmp_path / "alone"))
    notes = json.loads((tmp_path / "all/reproduce.json").read_text())["experiments"]
    assert {name: note["status"] for name, note in notes.items()} == dict.fromkeys(
        NAMES, "finished"
    )
    # The order of the page is that of the course, whichever ended first.
    page = (tmp_path / "all/index.html").read_text()
    assert page.index('id="rnn-layer"') < page.index('id="toy"') < page.index('id="trainable"')


def test_workers_end_when_their_parent_is_killed(start, tmp_path):
    """The worker notices, stops at its next step, and the run can be resumed."""
    words = ("reproduce", "--only", "9", "--jobs", "2", "--out", "all")
    process = start(*words, "--preset", "course")
    wait_for(tmp_path / "all/runs/trainable/metrics.jsonl", process, contains="loss")
    process.kill()
    process.communicate()
    path = tmp_path / "all/runs/trainable/metrics.jsonl"
    deadline = time.monotonic() + 60
    size, before = path.stat().st_size, -1
    while size != before:
        assert time.monotonic() < deadline
        time.sleep(1.5)
        before, size = size, path.stat().st_size
    again = start(*words, "--preset", "course", "--resume")
    _, err = again.communicate(timeout=120)
    assert again.returncode == 1, err
    assert (tmp_path / "all/index.html").exists()


def begin(start, tmp_path, preset):
    """Start two experiments side by side, and wait until both are at work."""
    words = ("--only", "9", "--jobs", "2", "--out", "all", "--preset", preset)
    process = start("reproduce", *words)
    for name in ("toy", "trainable"):
        wait_for(tmp_path / f"all/runs/{name}/metrics.jsonl", process, contains="step")
    return process


def test_ctrl_c_stops_all_at_a_safe_point(start, tmp_path):
    process = begin(start, tmp_path, "slow")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "stopping at the next safe point" in err
    assert "continue with: eigenlab reproduce --preset slow --out all --resume --only 9" in err
    assert "Unfinished." in (tmp_path / "all/index.html").read_text()
    notes = json.loads((tmp_path / "all/reproduce.json").read_text())["experiments"]
    assert {note["status"] for note in notes.values()} == {"interrupted"}


def test_a_second_ctrl_c_ends_the_workers_at_once(start, tmp_path):
    process = begin(start, tmp_path, "stuck")
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "stopping" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)  # the pipes are closed when the workers have ended
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_told_in_one_line(start, tmp_path):
    (tmp_path / "file").touch()
    words = ("reproduce", "--only", "9", "--jobs", "2", "--out", "file")
    process = start(*words)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1].startswith("eigenlab: cannot write file/.progress: ")
    assert "Traceback" not in err
