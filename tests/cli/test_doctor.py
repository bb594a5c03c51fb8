"""The examination of an installation, and the datasets on the terminal."""

from __future__ import annotations

import json
from collections import namedtuple

import pytest
import torch

import eigenlab
from eigenlab.cli import doctor


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    """No test uses the data of the user who runs it."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EIGENLAB_CACHE", str(cache))
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    return cache


def by_topic():
    return {finding.topic: finding for finding in doctor.examine()}


def test_a_working_installation_is_usable(call):
    shown = call("doctor", "--json")
    assert shown.status == 0
    topics = {item["topic"]: item for item in json.loads(shown.out)}
    assert topics["eigenlab"]["value"] == eigenlab.__version__
    assert f"torch {torch.__version__}" in topics["packages"]["value"]
    assert topics["dataset names-mini"]["state"] == "ok"
    assert topics["dataset names"]["state"] == "note"
    assert "✓ torch build" in call("doctor").out


def test_everything_that_is_not_ok_says_what_to_do():
    for finding in doctor.examine():
        assert bool(finding.advice) == (finding.state != "ok"), finding


def test_a_full_disk_is_noticed(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 9, 1))
    assert by_topic()["disk here"].state == "note"


def test_a_read_only_cache_is_noticed(monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert "EIGENLAB_CACHE" in by_topic()["data cache"].advice


def test_too_many_threads_are_noticed(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    assert "OMP_NUM_THREADS" in by_topic()["threads"].advice


def test_a_missing_package_is_a_problem(monkeypatch, call):
    from importlib import metadata

    real = metadata.version

    def version(name):
        if name == "safetensors":
            raise metadata.PackageNotFoundError
        return "0.0.1" if name == "joblib" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    findings = by_topic()
    assert findings["safetensors"].state == "problem"
    assert "pip install 'safetensors" in findings["safetensors"].advice
    assert findings["joblib"].state == "note"
    assert call("doctor").status == 1


def test_a_wrong_data_folder_is_a_problem(monkeypatch, tmp_path, call):
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path / "nowhere"))
    shown = call("doctor")
    assert shown.status == 1
    assert "EIGENLAB_DATA" in shown.out


def test_damaged_data_is_named(own_cache, call):
    (own_cache / "names").mkdir()
    (own_cache / "names" / "Greek.txt").write_text("Pappas\n")
    assert call("doctor").status == 1
    shown = call("data", "verify", "names")
    assert shown.status == 1
    assert "Greek.txt is truncated" in shown.out
    assert "Irish.txt is missing" in shown.out
    located = call("data", "path", "names")
    assert located.status == 2
    assert "is missing" in located.err
    assert located.err.count("\n") == 1


def test_data_list_tells_what_is_here(call):
    shown = call("data", "list")
    assert shown.status == 0
    assert "eigenlab data fetch names" in " ".join(shown.out.split())
    listed = json.loads(call("data", "list", "--json").out)
    assert listed["names"]["folder"] is None
    assert listed["names-mini"]["place"] == "embedded"


def test_data_path_prints_only_the_path(call):
    shown = call("data", "path", "names-mini")
    assert shown.status == 0
    assert shown.out.strip().endswith("names_mini")
    assert len(shown.out.splitlines()) == 1


def test_embedded_data_verifies_without_a_network(call):
    shown = call("data", "verify")
    assert (shown.status, shown.err) == (0, "")
    assert "names-mini" in shown.out


@pytest.mark.parametrize("command", ["fetch", "verify", "path"])
def test_a_mistyped_dataset_suggests_the_nearest(call, command):
    shown = call("data", command, "name-mini")
    assert shown.status == 2
    assert "did you mean 'names-mini'?" in shown.err
    assert shown.err.count("\n") == 1


def test_fetching_everything_leaves_out_what_has_no_mirror(monkeypatch, call):
    fetched = []
    monkeypatch.setattr("eigenlab.data.fetch", lambda name, reporter: fetched.append(name))
    assert call("data", "fetch").status == 0
    assert "multi30k" in fetched
    assert "spa-eng" not in fetched  # it can only be put into EIGENLAB_DATA
