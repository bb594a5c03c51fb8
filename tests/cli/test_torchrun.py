"""Two processes of ``torchrun`` are one run: one voice, one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from toy_cli import TOY_CLI


def test_two_processes_print_once_and_write_once(tmp_path):
    script = tmp_path / "toy_cli.py"
    script.write_text(TOY_CLI)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", str(script), "run", "toy", "--json", "--out", "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["status"] == "finished"
    assert done.stderr.count("toy: count") == 1
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["run", "toy_cli.py"]
