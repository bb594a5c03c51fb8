"""Execute a notebook with this interpreter and these sources, within a total time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import eigenlab
from eigenlab.course.dependencies import course_module
from eigenlab.errors import EigenlabError

NAME = "eigenlab"
#: A process of its own can be killed; the kernel ends when its parent is gone.
SCRIPT = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

path, folder, kernels, name = sys.argv[1:]
specs = KernelSpecManager(kernel_dirs=[kernels])
manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
notebook = nbformat.read(path, as_version=4)
resources = {"metadata": {"path": folder}}
NotebookClient(notebook, km=manager, timeout=None, resources=resources).execute()
nbformat.write(notebook, path)
"""


class NotebookFailed(EigenlabError):
    """A cell raised an exception, the kernel died, or the notebook took too long."""


def execute(notebook: Any, folder: Path, *, seconds: float) -> Any:
    """Run all cells and return the notebook with its outputs.

    Args:
        notebook: an ``nbformat`` object; it is not changed.
        folder: working directory of the cells.
        seconds: what the notebook may take as a whole.

    Raises:
        InputError: nbclient or a kernel is not installed.
        NotebookFailed: a cell raised an exception, the kernel died, or it took longer.
    """
    for name in ("nbclient", "ipykernel"):
        course_module(name)
    nbformat = course_module("nbformat")
    source = str(Path(eigenlab.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as scratch:
        path, kernels = Path(scratch) / "notebook.ipynb", Path(scratch) / "kernels"
        environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, [source, inherited])),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "IPYTHONDIR": f"{scratch}/ipython",
        }
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": NAME,
            "language": "python",
            "env": environment,
        }
        (kernels / NAME).mkdir(parents=True)
        (kernels / NAME / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        nbformat.write(notebook, path)
        try:
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, str(path), str(folder), str(kernels), NAME],
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
                env=os.environ | environment,
            )
        except subprocess.TimeoutExpired as error:
            raise NotebookFailed(f"the notebook took longer than {seconds:g} seconds") from error
        if done.returncode:
            raise NotebookFailed(f"the notebook failed:\n{done.stderr}")
        executed = nbformat.read(path, as_version=4)
        executed.metadata["kernelspec"] = notebook.metadata.get("kernelspec", {})
        return executed
