"""Two processes of ``torchrun`` are one run: one of them prints and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_only_one_of_two_processes_prints_and_writes(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", "-m", "eigenlab", "run", "toy", "--json", "--out", "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["status"] == "finished"
    assert done.stderr.count("toy: count") == 1
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["run"]


def test_two_processes_train_one_translator(tmp_path):
    pairs = "".join(f"perro {n}\tdog {n}\n" for n in range(40))
    (tmp_path / "pairs.tsv").write_text(pairs, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", "-m", "eigenlab", "translate", "train", "pairs.tsv", "m"]
    command += ["--epochs", "2", "--hidden-size", "8", "--held-out", "0.2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("epoch 2 of 2") == 1
    assert done.stdout.count("Model: m") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "pairs.tsv"]
