"""Execute a notebook with this interpreter and these sources, within a total time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat

import eigenlab

NAME = "eigenlab-tests"
#: A process of its own can be killed; the kernel ends when its parent is gone.
SCRIPT = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

path, folder, name = sys.argv[1:]
specs = KernelSpecManager(kernel_dirs=[folder + "/kernels"])
manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
notebook = nbformat.read(path, as_version=4)
resources = {"metadata": {"path": folder}}
NotebookClient(notebook, km=manager, timeout=None, resources=resources).execute()
nbformat.write(notebook, path)
"""


class NotebookFailed(Exception):
    """A cell raised an exception, or the kernel died."""


def execute(notebook: Any, folder: Path, *, seconds: float) -> Any:
    """Run all cells and return the notebook with its outputs.

    Raises:
        NotebookFailed: a cell raised an exception, or the kernel died.
        subprocess.TimeoutExpired: the notebook as a whole took longer than ``seconds``.
    """
    path = folder / "executed.ipynb"
    nbformat.write(notebook, path)
    source = str(Path(eigenlab.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH", "")
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [source, inherited])),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": NAME,
        "language": "python",
        "env": environment,
    }
    (folder / "kernels" / NAME).mkdir(parents=True, exist_ok=True)
    (folder / "kernels" / NAME / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), str(folder), NAME],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=os.environ | environment,
    )
    if done.returncode:
        raise NotebookFailed(done.stderr)
    return nbformat.read(path, as_version=4)
