"""The GPU benchmark: it runs without a GPU, and on a simulated second device without mixing."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "gpu.py"
PARTS = {
    "recurrent-layers",
    "autocast",
    "regressors",
    "trace",
    "translation",
    "vision",
    "monitor",
    "training-loop",
    "autoencoders",
    "tiled-graph",
    "eigenpairs",
    "functions-of-tensors",
    "experiments",
    "names",
}


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import _gpu

    return _gpu


def run(*arguments: object, **options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **options}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_every_part_runs_on_the_cpu_in_small(tmp_path):
    done = run(SCRIPT, "--device", "cpu", "--small", "--output", tmp_path / "gpu.json")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads((tmp_path / "gpu.json").read_text())
    assert stored["environment"]["packages"]["torch"] == torch.__version__
    assert "accelerator" in stored["environment"]
    assert {row["status"] for row in stored["rows"]} == {"ok"}
    assert {row["part"] for row in stored["rows"]} == PARTS
    timed = [row["times"] for row in stored["rows"] if row["times"]]
    assert len(timed) >= 9
    assert all(len(times) > 1 for times in timed)


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch cannot simulate a device",
)
def test_no_part_mixes_devices():
    parts = sorted(PARTS - {"autocast"})  # which knows no simulated device
    done = run(ROOT / "tests" / "second_device.py", *parts)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_part_that_fails_is_a_row_and_the_others_go_on(gpu, monkeypatch):
    def fails(setting):
        yield gpu.check("two", torch.tensor(2.0), 2.0, 0.0)
        raise RuntimeError("no kernel image\nis available")

    def differs(setting):
        yield gpu.check("three", torch.tensor([3.0, float("nan")]), [3.0, 4.0], 1e-3)
        yield gpu.check("four", [4.1], [4.0], 1e-3)

    monkeypatch.setattr(gpu, "PARTS", {"fails": fails, "differs": differs})
    setting = gpu.Setting(torch.device("cpu"), True, time.perf_counter() + 60)
    rows = gpu.run(setting, ["fails", "differs"], lambda row: None)
    assert [(row.part, row.status) for row in rows] == [
        ("fails", "ok"),
        ("fails", "failed"),
        ("differs", "wrong"),
        ("differs", "wrong"),
    ]
    assert rows[1].note == "RuntimeError: no kernel image"
    assert rows[3].error == pytest.approx(0.1 / 4)


def test_nothing_is_measured_once_the_budget_is_spent(gpu, monkeypatch):
    def slow(setting):
        yield gpu.Row("first")
        yield gpu.Row("second")

    monkeypatch.setattr(gpu, "PARTS", {"a": slow, "b": slow})
    rows = gpu.run(gpu.Setting(torch.device("cpu"), True, 0.0), ["a", "b"], lambda row: None)
    assert [row.status for row in rows] == ["skipped", "skipped"]
    clock = iter([1.0, -1.0, -1.0])
    monkeypatch.setattr(gpu.Setting, "seconds_left", property(lambda self: next(clock)))
    rows = gpu.run(gpu.Setting(torch.device("cpu"), True, 0.0), ["a", "b"], lambda row: None)
    assert [row.status for row in rows] == ["ok", "skipped", "skipped"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.usefixtures("gpu")
def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    main = importlib.import_module("gpu").main
    for arguments, status in (([], 0), (["--device", "cuda"], 2)):
        monkeypatch.setattr(sys, "argv", ["gpu.py", *arguments])
        assert main() == status
        assert "no CUDA GPU here" in capsys.readouterr().out
