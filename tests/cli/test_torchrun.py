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
